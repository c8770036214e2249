`default_nettype none

// The gate behind its adaptors, end to end, as a host brings it up: identities of both register blocks,
// the ring's address, barriers through the real gate into the host's memory; a scrub with lines under
// way, after which no verdict of the old numbers arrives; and registers that are not touched by others.
module top_tb;
    localparam int SLOTS = 64;
    localparam logic [63:0] BASE = 64'h0000_0078_9abc_d000;

    logic clk = 1'b0;
    always #5 clk = ~clk;
    logic rst = 1'b1;

    logic [11:0] awaddr = '0;
    logic awvalid = 1'b0;
    logic [511:0] wdata = '0;
    wire awready, wready, bvalid, killed;
    wire [3:0] bid;
    wire [1:0] bresp;

    wire [63:0] m_awaddr;
    wire [7:0] m_awlen;
    wire [2:0] m_awsize;
    wire [1:0] m_awburst;
    wire m_awvalid, m_wlast, m_wvalid, m_bready;
    wire [511:0] m_wdata;
    wire [63:0] m_wstrb;

    logic [12:0] r_awaddr = '0, r_araddr = '0;
    logic r_awvalid = 1'b0, r_arvalid = 1'b0;
    logic [31:0] r_wdata = '0;
    wire r_awready, r_wready, r_bvalid, r_arready, r_rvalid;
    wire [1:0] r_bresp, r_rresp;
    wire [31:0] r_rdata;

    // The memory takes address and data together and answers two cycles later.
    logic opens = 1'b0;
    wire lands = opens & m_awvalid & m_wvalid;
    logic [1:0] answers = 2'd0;
    logic [511:0] memory [SLOTS];
    int landed = 0, errors = 0;
    always @(posedge clk) begin
        answers <= {answers[0], lands & ~rst};
        if (lands & ~rst) begin
            memory[m_awaddr[11:6]] <= m_wdata;
            landed <= landed + 1;
            if (m_awaddr[63:12] != BASE[63:12] || m_awaddr[5:0] != 6'd0 || m_wstrb != {64{1'b1}} || !m_wlast) errors++;
        end
    end

    pcie_top #(.SYMBOLS(8), .ACCOUNTS(2), .HOLDINGS(16)) top (
        .clk(clk), .rst(rst),
        .s_axi_awid(4'd3), .s_axi_awaddr(awaddr), .s_axi_awlen(8'd0), .s_axi_awsize(3'd6), .s_axi_awburst(2'd1),
        .s_axi_awvalid(awvalid), .s_axi_awready(awready),
        .s_axi_wdata(wdata), .s_axi_wstrb({64{1'b1}}), .s_axi_wlast(1'b1), .s_axi_wvalid(awvalid), .s_axi_wready(wready),
        .s_axi_bid(bid), .s_axi_bresp(bresp), .s_axi_bvalid(bvalid), .s_axi_bready(1'b1),
        .m_axi_awaddr(m_awaddr), .m_axi_awlen(m_awlen), .m_axi_awsize(m_awsize), .m_axi_awburst(m_awburst),
        .m_axi_awvalid(m_awvalid), .m_axi_awready(lands), .m_axi_wdata(m_wdata), .m_axi_wstrb(m_wstrb),
        .m_axi_wlast(m_wlast), .m_axi_wvalid(m_wvalid), .m_axi_wready(lands),
        .m_axi_bresp(2'd0), .m_axi_bvalid(answers[1]), .m_axi_bready(m_bready),
        .s_axil_awaddr(r_awaddr), .s_axil_awvalid(r_awvalid), .s_axil_awready(r_awready),
        .s_axil_wdata(r_wdata), .s_axil_wstrb(4'hf), .s_axil_wvalid(r_awvalid), .s_axil_wready(r_wready),
        .s_axil_bresp(r_bresp), .s_axil_bvalid(r_bvalid), .s_axil_bready(1'b1),
        .s_axil_araddr(r_araddr), .s_axil_arvalid(r_arvalid), .s_axil_arready(r_arready),
        .s_axil_rdata(r_rdata), .s_axil_rresp(r_rresp), .s_axil_rvalid(r_rvalid), .s_axil_rready(1'b1),
        .killed(killed)
    );

    task automatic check(input logic good, input string what);
        if (!good) begin
            errors++;
            $display("FAILED at %0t: %s", $time, what);
        end
    endtask

    task automatic write(input logic [12:0] at, input logic [31:0] value);
        @(negedge clk);
        r_awaddr = at;
        r_wdata = value;
        r_awvalid = 1'b1;
        @(posedge clk);
        while (!r_awready) @(posedge clk);
        #1 r_awvalid = 1'b0;
        while (!r_bvalid) @(posedge clk);
        @(posedge clk);
    endtask

    logic [31:0] got;
    task automatic read(input logic [12:0] at);
        @(negedge clk);
        r_araddr = at;
        r_arvalid = 1'b1;
        @(posedge clk);
        while (!r_arready) @(posedge clk);
        #1 r_arvalid = 1'b0;
        while (!r_rvalid) @(posedge clk);
        got = r_rdata;
        @(posedge clk);
    endtask

    task automatic expect_word(input logic [12:0] at, input logic [31:0] value, input string what);
        read(at);
        if (got !== value) $display("%s: %h instead of %h", what, got, value);
        check(got === value, what);
    endtask

    task automatic wait_for(input logic [12:0] at, input logic [31:0] mask, input logic [31:0] value);
        got = ~value;
        for (int i = 0; i < 2000 && (got & mask) != value; i++) read(at);
        check((got & mask) == value, "a register comes to what it must be");
    endtask

    // A barrier: kind 12, tag three times the seq.
    task automatic send(input int seq);
        @(negedge clk);
        awaddr = 12'((seq % SLOTS) * 64);
        wdata = '0;
        wdata[7:0] = 8'd12;
        wdata[479:448] = 32'(seq) * 32'd3;
        wdata[511:480] = 32'(seq);
        awvalid = 1'b1;
        @(posedge clk);
        while (!awready) @(posedge clk);
        #1 awvalid = 1'b0;
    endtask

    task automatic await_verdict(input int seq);
        for (int i = 0; i < 2000 && memory[seq % SLOTS][511:480] != 32'(seq); i++) @(negedge clk);
        check(memory[seq % SLOTS][511:480] == 32'(seq), "a verdict arrives");
        check(memory[seq % SLOTS][7:0] == 8'd12 && memory[seq % SLOTS][479:448] == 32'(seq) * 32'd3, "it answers its line");
    endtask

    int earlier;
    initial begin
        for (int s = 0; s < SLOTS; s++) memory[s] = '0;
        repeat (4) @(negedge clk);
        rst = 1'b0;
        opens = 1'b1;
        expect_word(13'h0000, gate_pkg::ABI_MAGIC, "magic of the gate");
        expect_word(pcie_pkg::R_MAGIC, pcie_pkg::MAGIC, "magic of the adaptors");
        expect_word(pcie_pkg::R_SLOTS, 32'(SLOTS), "slots");
        expect_word(pcie_pkg::R_CONTROL, 32'd1, "held after reset");
        wait_for(13'h0030, 32'd1, 32'd1);
        check(killed, "up and killed");
        expect_word(pcie_pkg::R_STATUS, 32'h20, "killed, nothing else");
        write(13'h0040, 32'h0001_2345);
        expect_word(13'h0040, 32'h0001_2345, "a register of the gate");
        write(pcie_pkg::R_RING_LOW, BASE[31:0] | 32'h30);
        write(pcie_pkg::R_RING_HIGH, BASE[63:32]);
        expect_word(pcie_pkg::R_RING_LOW, BASE[31:0], "a ring begins at a multiple of its length");
        expect_word(13'h0040, 32'h0001_2345, "the adaptors' registers are others");
        write(13'h0040, 32'd0);

        send(1);
        repeat (50) @(negedge clk);
        expect_word(pcie_pkg::R_NEXT_SEQ, 32'd1, "nothing is lent while held");
        write(pcie_pkg::R_CONTROL, 32'd2);
        for (int s = 1; s <= 150; s++) begin
            send(s);
            await_verdict(s);
        end
        expect_word(pcie_pkg::R_NEXT_SEQ, 32'd151, "next");

        // Verdicts under way when the host scrubs: memory takes nothing, then drain.
        opens = 1'b0;
        for (int s = 151; s <= 180; s++) send(s);
        repeat (100) @(negedge clk);
        read(pcie_pkg::R_STATUS);
        check(got[6], "verdicts wait");
        write(pcie_pkg::R_CONTROL, 32'd7);
        write(13'h0038, 32'd1);
        opens = 1'b1;
        wait_for(13'h0030, 32'd1, 32'd1);
        wait_for(pcie_pkg::R_STATUS, 32'h50, 32'h00);
        for (int s = 0; s < SLOTS; s++) memory[s] = '0;
        earlier = landed;
        write(pcie_pkg::R_CONTROL, 32'd2);
        repeat (300) @(negedge clk);
        check(landed == earlier, "no verdict of before the scrub");
        for (int s = 1; s <= 70; s++) begin
            send(s);
            await_verdict(s);
        end
        check(landed == earlier + 70, "one verdict a line");

        if (errors == 0) $display("PASSED top, %0d verdicts", landed);
        else $fatal(1, "FAILED top: %0d errors", errors);
        $finish;
    end

    initial begin
        repeat (400_000) @(posedge clk);
        $fatal(1, "FAILED top: no end");
    end
endmodule

`default_nettype wire
