`default_nettype none

// Claims about the window, whatever the writer does, with resets and restarts at any time:
// lines leave in the order of their seq and stand until taken; each byte of a line was written since
// its slot was last emptied, and is the one that was written; a whole line that is next is lent as soon
// as the output is free; a byte that comes twice, and nothing else, latches fault 0; after a fault
// nothing more is lent; each burst is answered once, after its last beat.
//
// Which bytes came is kept for all; the value of one byte of one slot, any one.
module window_proof (
    input wire        clk,
    input wire        rst,
    input wire        restart,
    input wire        awid,
    input wire [2:0]  awaddr,
    input wire [7:0]  awlen,
    input wire [2:0]  awsize,
    input wire [1:0]  awburst,
    input wire        awvalid,
    input wire [31:0] wdata,
    input wire [3:0]  wstrb,
    input wire        wlast,
    input wire        wvalid,
    input wire        bready,
    input wire        tready
);
    wire awready, wready, bid, bvalid, tvalid;
    wire [1:0] bresp;
    wire [31:0] tdata;
    wire [2:0] fault;
    wire [7:0] next_seq;
    window_in #(.SLOTS(2), .BYTES(4), .SEQ_W(8), .ID_W(1)) dut (
        .clk(clk), .rst(rst), .restart(restart),
        .s_axi_awid(awid), .s_axi_awaddr(awaddr), .s_axi_awlen(awlen), .s_axi_awsize(awsize), .s_axi_awburst(awburst),
        .s_axi_awvalid(awvalid), .s_axi_awready(awready),
        .s_axi_wdata(wdata), .s_axi_wstrb(wstrb), .s_axi_wlast(wlast), .s_axi_wvalid(wvalid), .s_axi_wready(wready),
        .s_axi_bid(bid), .s_axi_bresp(bresp), .s_axi_bvalid(bvalid), .s_axi_bready(bready),
        .m_axis_tdata(tdata), .m_axis_tvalid(tvalid), .m_axis_tready(tready), .fault(fault), .next_seq(next_seq)
    );

    (* anyconst *) wire slot;
    (* anyconst *) wire [1:0] place;

    // Where the beat of this cycle goes, by the rules of AXI.
    logic busy = 1'b0, spoiled;
    logic [7:0] left;
    logic [2:0] at, size;
    wire beat = wvalid & wready;
    wire [2:0] here = busy ? at : awaddr;
    wire [7:0] more = busy ? left : awlen;
    wire [2:0] step = busy ? size : awsize;
    wire bad = (busy ? spoiled : (awburst != 2'd1) & (awlen != 8'd0)) | (wlast != (more == 8'd0));
    wire [7:0] hits = (beat & ~bad) ? 8'(wstrb) << {here[2], 2'd0} : 8'd0;
    wire [2:0] watched = {slot, place};

    logic was = 1'b0, quiet, twice = 1'b0, due = 1'b0;
    logic [7:0] came = 8'd0, came_before;
    logic [7:0] value, value_before, next_before, lent_cnt = 8'd1;
    logic tvalid_before, tready_before, bvalid_before, bready_before, bid_before;
    logic [1:0] bresp_before;
    logic [31:0] tdata_before;
    logic [2:0] fault_before;
    logic answers = 1'b0;
    initial assume (rst);

    wire lent = was & quiet & (next_seq != next_before);
    wire lent_watched = lent & (next_before[0] == slot);
    wire [7:0] emptied = lent ? 8'h0f << {next_before[0], 2'd0} : 8'd0;
    wire [7:0] holds = came & ~emptied;
    wire whole = holds[{next_seq[0], 2'd0} +: 4] == 4'hf;

    always_ff @(posedge clk) begin
        was <= 1'b1;
        quiet <= ~rst & ~restart;
        if (beat) begin
            busy <= (more != 8'd0);
            left <= more - 8'd1;
            size <= step;
            at <= (here & ~((3'd1 << step) - 3'd1)) + (3'd1 << step);
            spoiled <= bad;
        end
        if (rst) busy <= 1'b0;
        answers <= ~rst & ((beat & (more == 8'd0)) | (answers & ~bready));

        came <= (rst | restart) ? 8'd0 : hits | holds;
        if (hits[watched]) value <= wdata[8*place +: 8];
        twice <= ((hits & holds) != 8'd0) & ~rst & ~restart;
        due <= whole & (watched == {next_seq[0], 2'd3}) & (value == next_seq) & (~tvalid | tready)
             & (fault == 3'd0) & ~rst & ~restart;
        came_before <= came;
        value_before <= value;
        next_before <= next_seq;
        lent_cnt <= (rst | restart) ? 8'd1 : lent_cnt + 8'(tvalid & tready);
        tvalid_before <= tvalid;
        tready_before <= tready;
        tdata_before <= tdata;
        bvalid_before <= bvalid;
        bready_before <= bready;
        bid_before <= bid;
        bresp_before <= bresp;
        fault_before <= fault;

        if (was) begin
            assert (~tvalid | (tdata[31:24] == lent_cnt));
            if (quiet & tvalid_before & ~tready_before) assert (tvalid & (tdata == tdata_before));
            if (lent_watched) assert (came_before[watched] & (tdata[8*place +: 8] == value_before));
            if (lent) assert (tvalid & (next_seq == next_before + 8'd1) & (fault_before == 3'd0));
            if (due) assert (lent);
            if (twice) assert (fault[0]);
            if (fault[0] & ~fault_before[0]) assert (twice);
            if (quiet) assert ((fault_before & ~fault) == 3'd0);
            assert (bvalid == answers);
            if (bvalid_before & ~bready_before & ~rst & quiet) assert (bvalid & (bid == bid_before) & (bresp == bresp_before));
            assert (~awready | (awvalid & wvalid & ~busy));
        end
    end
endmodule

`default_nettype wire
