`default_nettype none

// The window and the ring together, checked by themselves: a host that writes lines in pieces of any
// size, in any order and in bursts; an echo between the two in place of the gate; a memory whose
// handshakes come when they like. Every verdict must arrive whole, in order and once; then the faults,
// one by one. Arguments: +lines=N +seed=S.
module pcie_tb #(
    parameter int SLOTS = 16,
    parameter int SPLIT = 0
);
    localparam int SLOT_W = $clog2(SLOTS);
    localparam int ADDR_W = SLOT_W + 6;
    localparam logic [63:0] BASE = 64'h0000_0012_3456_0000;

    logic clk = 1'b0;
    always #5 clk = ~clk;

    logic rst = 1'b1, restart = 1'b0, enable = 1'b1, drain = 1'b0;
    logic [3:0] awid = 4'd0;
    logic [ADDR_W-1:0] awaddr = '0;
    logic [7:0] awlen = 8'd0;
    logic [2:0] awsize = 3'd6;
    logic [1:0] awburst = 2'd1;
    logic awvalid = 1'b0, wvalid = 1'b0, wlast = 1'b0, bready = 1'b0;
    logic [511:0] wdata = '0;
    logic [63:0] wstrb = '0;
    wire awready, wready, bvalid;
    wire [3:0] bid;
    wire [1:0] bresp;
    wire [511:0] op;
    wire op_valid, op_ready;
    wire [2:0] fault;
    wire [31:0] next_seq;

    window_in #(.SLOTS(SLOTS)) window (
        .clk(clk), .rst(rst), .restart(restart),
        .s_axi_awid(awid), .s_axi_awaddr(awaddr), .s_axi_awlen(awlen), .s_axi_awsize(awsize),
        .s_axi_awburst(awburst), .s_axi_awvalid(awvalid), .s_axi_awready(awready),
        .s_axi_wdata(wdata), .s_axi_wstrb(wstrb), .s_axi_wlast(wlast), .s_axi_wvalid(wvalid), .s_axi_wready(wready),
        .s_axi_bid(bid), .s_axi_bresp(bresp), .s_axi_bvalid(bvalid), .s_axi_bready(bready),
        .m_axis_tdata(op), .m_axis_tvalid(op_valid), .m_axis_tready(op_ready),
        .fault(fault), .next_seq(next_seq)
    );

    // ------------------------------------------------------------------ an echo in place of the gate
    logic echo_opens = 1'b0, echo_shows = 1'b0;
    logic [511:0] echo [2*SLOTS];
    int echo_head = 0, echo_tail = 0;
    wire verdict_ready;
    wire verdict_valid = echo_shows & (echo_head != echo_tail);
    wire [511:0] verdict = echo[echo_head % (2*SLOTS)];
    assign op_ready = echo_opens;
    always @(posedge clk) begin
        if (!rst & op_valid & op_ready) begin
            echo[echo_tail % (2*SLOTS)] <= {op[511:480], ~op[479:0]};
            echo_tail <= echo_tail + 1;
        end
        if (!rst & verdict_valid & verdict_ready) echo_head <= echo_head + 1;
    end

    wire [63:0] m_awaddr;
    wire [7:0] m_awlen;
    wire [2:0] m_awsize;
    wire [1:0] m_awburst;
    wire m_awvalid, m_wvalid, m_wlast, m_bready, ring_fault, ring_busy;
    wire [511:0] m_wdata;
    wire [63:0] m_wstrb;
    logic m_awready = 1'b0, m_wready = 1'b0, m_bvalid = 1'b0;
    logic [1:0] m_bresp = 2'd0;

    ring_out #(.SLOTS(SLOTS), .OUTSTANDING(4), .SPLIT(SPLIT)) ring (
        .clk(clk), .rst(rst), .enable(enable), .drain(drain), .base(BASE),
        .s_axis_tdata(verdict), .s_axis_tvalid(verdict_valid), .s_axis_tready(verdict_ready),
        .m_axi_awaddr(m_awaddr), .m_axi_awlen(m_awlen), .m_axi_awsize(m_awsize), .m_axi_awburst(m_awburst),
        .m_axi_awvalid(m_awvalid), .m_axi_awready(m_awready),
        .m_axi_wdata(m_wdata), .m_axi_wstrb(m_wstrb), .m_axi_wlast(m_wlast), .m_axi_wvalid(m_wvalid), .m_axi_wready(m_wready),
        .m_axi_bresp(m_bresp), .m_axi_bvalid(m_bvalid), .m_axi_bready(m_bready),
        .fault(ring_fault), .busy(ring_busy)
    );

    // ------------------------------------------------------------------ checks and chance
    int seed = 1, errors = 0, lines = 2000;
    task automatic check(input logic good, input string what);
        if (!good) begin
            errors++;
            $display("FAILED at %0t: %s", $time, what);
            if (errors > 10) $fatal(1, "too many");
        end
    endtask

    // xorshift64
    logic [63:0] chance = 64'd1;
    function automatic logic [31:0] any();
        chance = chance ^ (chance << 13);
        chance = chance ^ (chance >> 7);
        chance = chance ^ (chance << 17);
        any = chance[47:16];
    endfunction

    function automatic int below(input int n);
        below = int'(any() % 32'(n));
    endfunction

    // Bytes of line `seq`: anything but the last word, which is the seq.
    function automatic logic [511:0] line(input logic [31:0] seq);
        for (int w = 0; w < 15; w++) line[32*w +: 32] = (seq + 32'(w)) * 32'h9e37_79b1 ^ {seq[15:0], seq[31:16]};
        line[511:480] = seq;
    endfunction

    // ------------------------------------------------------------------ the host's memory
    logic [511:0] memory [SLOTS];
    logic [63:0] addresses [64];
    logic [511:0] datas [64];
    logic [63:0] strobes [64];
    int aw_cnt = 0, w_cnt = 0, b_cnt = 0, w_used = 0;
    logic bad_answer = 1'b0;
    always @(posedge clk) if (!rst) begin
        if (m_awvalid & m_awready) begin
            addresses[aw_cnt % 64] <= m_awaddr;
            aw_cnt <= aw_cnt + 1;
            check(m_awlen == 8'd0 && m_awsize == 3'd6 && m_awburst == 2'd1, "one beat of 64 bytes");
            check(m_awaddr[63:ADDR_W] == BASE[63:ADDR_W] && m_awaddr[5:0] == 6'd0, "an address of the ring");
        end
        if (m_wvalid & m_wready) begin
            datas[w_cnt % 64] <= m_wdata;
            strobes[w_cnt % 64] <= m_wstrb;
            w_cnt <= w_cnt + 1;
            check(m_wlast, "wlast");
        end
        if (m_bvalid & m_bready) b_cnt <= b_cnt + 1;
        check(aw_cnt - b_cnt <= 5, "outstanding writes are bounded");
    end
    always @(negedge clk) begin
        m_awready <= below(3) != 0;
        m_wready <= below(3) != 0;
        // A write lands when address and data are there, then it may be answered.
        if (w_used < aw_cnt && w_used < w_cnt && below(2) == 0) begin
            for (int b = 0; b < 64; b++)
                if (strobes[w_used % 64][b])
                    memory[addresses[w_used % 64][6 +: SLOT_W]][8*b +: 8] = datas[w_used % 64][8*b +: 8];
            w_used = w_used + 1;
        end
        m_bvalid <= (w_used > b_cnt) && !(m_bvalid && w_used == b_cnt + 1) && below(3) != 0;
        m_bresp <= bad_answer ? 2'd2 : 2'd0;
        echo_opens <= below(4) != 0;
        echo_shows <= below(4) != 0;
        bready <= below(4) != 0;
    end

    // ------------------------------------------------------------------ the host's writes
    logic [63:0] todo [SLOTS];          // bytes of the slot's line that are not yet written
    logic [31:0] held [SLOTS];          // which line that is
    int bursts = 0, b_seen = 0;
    always @(posedge clk) if (!rst & bvalid & bready) b_seen <= b_seen + 1;

    // Some of the bytes that are left: all, a stretch, or any.
    function automatic logic [63:0] piece(input logic [63:0] left);
        logic [63:0] some;
        case (below(4))
            0, 1: some = '1;
            2: some = (~64'd0 << below(64)) & (~64'd0 >> below(64));
            default: some = {any(), any()};
        endcase
        piece = left & some;
    endfunction

    // One beat; the address goes along where `with_address`.
    task automatic beat(input logic with_address, input logic [511:0] data, input logic [63:0] strobe, input logic is_last);
        @(negedge clk);
        while (below(5) == 0) @(negedge clk);
        awvalid = with_address;
        wvalid = 1'b1;
        for (int b = 0; b < 64; b++) wdata[8*b +: 8] = strobe[b] ? data[8*b +: 8] : 8'(any());
        wstrb = strobe;
        wlast = is_last;
        @(posedge clk);
        while (!wready) @(posedge clk);
        if (with_address) check(awready, "the address goes with the first beat");
        #1;
        awvalid = 1'b0;
        wvalid = 1'b0;
    endtask

    // A burst from slot `from` on over `beats` slots, each with a piece of what its line still lacks.
    task automatic burst(input int from, input int beats);
        logic [63:0] strobe;
        awaddr = ADDR_W'(from * 64 + ((below(2) == 0) ? below(64) : 0));   // an unaligned first address is legal
        awlen = 8'(beats - 1);
        awid = 4'(any());
        bursts++;
        for (int i = 0; i < beats; i++) begin
            strobe = piece(todo[from + i]);
            todo[from + i] = todo[from + i] & ~strobe;
            beat(i == 0, line(held[from + i]), strobe, i == beats - 1);
        end
    endtask

    // Sends lines `first` to `last` and reads their verdicts.
    task automatic send(input int first, input int last);
        int sent, got, from;
        sent = first;
        got = first;
        while (got <= last) begin
            while (sent <= last && sent < got + SLOTS && below(3) != 0) begin
                todo[sent % SLOTS] = '1;
                held[sent % SLOTS] = 32'(sent);
                sent++;
            end
            from = below(SLOTS);
            if (todo[from] != 0) burst(from, (from + 3 <= SLOTS && below(4) == 0) ? 3 : 1);
            else if (below(4) == 0) @(negedge clk);
            while (got <= last && memory[got % SLOTS][511:480] == 32'(got)) begin
                check(memory[got % SLOTS] == {32'(got), ~(480'(line(32'(got))))}, "a verdict is whole");
                got++;
            end
        end
    endtask

    task automatic start_again;
        @(negedge clk);
        restart = 1'b1;
        repeat (4) @(negedge clk);
        restart = 1'b0;
        for (int s = 0; s < SLOTS; s++) begin
            todo[s] = '0;
            memory[s] = '0;
        end
        check(fault == 3'd0 && next_seq == 32'd1, "a restart clears");
    endtask

    // A whole line in one beat, whatever the slot's owner thinks.
    task automatic whole_line(input int slot, input logic [511:0] data);
        awaddr = ADDR_W'(slot * 64);
        awlen = 8'd0;
        bursts++;
        beat(1'b1, data, '1, 1'b1);
    endtask

    task automatic settle;
        repeat (100) @(negedge clk);
    endtask

    int taken;
    initial begin
        if (!$value$plusargs("lines=%d", lines)) lines = 2000;
        if (!$value$plusargs("seed=%d", seed)) seed = 1;
        chance = {32'(seed), 32'h9e37_79b9};
        for (int s = 0; s < SLOTS; s++) begin
            todo[s] = '0;
            held[s] = '0;
            memory[s] = '0;
        end
        repeat (4) @(negedge clk);
        rst = 1'b0;

        send(1, lines);
        settle();
        check(b_seen == bursts, "every burst is answered once");
        check(echo_tail == lines, "every line is lent once");
        check(fault == 3'd0 && !ring_fault && !ring_busy, "nothing is wrong or left");

        start_again();
        send(1, lines / 4);

        // A byte that comes twice.
        start_again();
        taken = echo_tail;
        awaddr = '0; awlen = 8'd0; bursts++;
        beat(1'b1, line(32'd1), 64'h00ff, 1'b1);
        bursts++;
        beat(1'b1, line(32'd1), 64'h0180, 1'b1);
        settle();
        check(fault == 3'b001, "a byte that comes twice is a fault");
        whole_line(1, line(32'd1));
        settle();
        check(echo_tail == taken, "nothing is lent after a fault");

        // Another seq.
        start_again();
        taken = echo_tail;
        whole_line(1, line(32'd1 + 32'(SLOTS)));
        settle();
        check(fault == 3'b010 && echo_tail == taken, "another seq is a fault and is not lent");

        // A burst that does not count up.
        start_again();
        awaddr = ADDR_W'(64); awlen = 8'd0; bursts++;
        beat(1'b1, line(32'd1), 64'h1, 1'b1);
        awburst = 2'd2;
        awlen = 8'd1;
        bursts++;
        beat(1'b1, line(32'd1), '1, 1'b0);
        beat(1'b0, line(32'd2), '1, 1'b1);
        awburst = 2'd1;
        settle();
        check(fault == 3'b100 && echo_tail == taken, "a wrapping burst is a fault and stores nothing");
        check(b_seen == bursts, "and is answered");

        // A lane with lines in it after all that.
        start_again();
        send(1, 3 * SLOTS);

        // Drained: taken, not written.
        drain = 1'b1;
        taken = aw_cnt;
        start_again();
        for (int s = 1; s <= SLOTS / 2; s++) whole_line(s % SLOTS, line(32'(s)));
        settle();
        check(aw_cnt == taken && echo_head == echo_tail, "drained lines are taken and not written");
        drain = 1'b0;

        // A write that fails.
        bad_answer = 1'b1;
        start_again();
        for (int s = 1; s <= SLOTS; s++) whole_line(s % SLOTS, line(32'(s)));
        settle();
        check(ring_fault && echo_head != echo_tail && !verdict_ready, "nothing is taken after a failed write");

        if (errors == 0) $display("PASSED seed %0d, %0d lines, SPLIT %0d, SLOTS %0d", seed, lines, SPLIT, SLOTS);
        else $fatal(1, "FAILED seed %0d: %0d errors", seed, errors);
        $finish;
    end

    initial begin
        repeat (4_000_000) @(posedge clk);
        $fatal(1, "FAILED seed %0d: no end; next %0d fault %b", seed, next_seq, fault);
    end
endmodule

`default_nettype wire
