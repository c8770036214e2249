`default_nettype none

// Claims about the ring, whatever the stream and the memory do: a taken line becomes exactly one write
// (with SPLIT two, its seq in the second) at base + slot, before the next is taken; writes stand until
// taken; no more than OUTSTANDING wait for their answer; nothing is taken when disabled or after a
// failed write; it never stops by itself.
module ring_proof (
    input wire        clk,
    input wire        rst,
    input wire        enable,
    input wire        drain,
    input wire [31:0] tdata,
    input wire        tvalid,
    input wire        awready,
    input wire        wready,
    input wire [1:0]  bresp,
    input wire        bvalid
);
`ifndef SPLIT
`define SPLIT 0
`endif
    localparam int WRITES = `SPLIT + 1;
    (* anyconst *) wire [59:0] place;
    wire [63:0] base = {place, 4'd0};
    wire tready, awvalid, wlast, wvalid, bready, fault, busy;
    wire [63:0] awaddr;
    wire [7:0] awlen;
    wire [2:0] awsize;
    wire [1:0] awburst;
    wire [31:0] wdata;
    wire [3:0] wstrb;
    ring_out #(.SLOTS(4), .BYTES(4), .SEQ_W(8), .OUTSTANDING(3), .SPLIT(`SPLIT)) dut (
        .clk(clk), .rst(rst), .enable(enable), .drain(drain), .base(base),
        .s_axis_tdata(tdata), .s_axis_tvalid(tvalid), .s_axis_tready(tready),
        .m_axi_awaddr(awaddr), .m_axi_awlen(awlen), .m_axi_awsize(awsize), .m_axi_awburst(awburst),
        .m_axi_awvalid(awvalid), .m_axi_awready(awready),
        .m_axi_wdata(wdata), .m_axi_wstrb(wstrb), .m_axi_wlast(wlast), .m_axi_wvalid(wvalid), .m_axi_wready(wready),
        .m_axi_bresp(bresp), .m_axi_bvalid(bvalid), .m_axi_bready(bready), .fault(fault), .busy(busy)
    );

    // What is owed for the line taken last: writes whose address, whose data have not left.
    logic was = 1'b0, quiet;
    logic [1:0] addresses = 2'd0, datas = 2'd0;
    logic [31:0] line;
    logic [2:0] sent = 3'd0, landed = 3'd0;     // writes that left whole, and are not answered
    logic awvalid_before, awready_before, wvalid_before, wready_before, failed_before;
    wire take = tvalid & tready;
    wire owes = take & ~drain;
    wire aw = awvalid & awready, w = wvalid & wready;
    // A write is answered when both of its parts have left.
    wire [2:0] aw_out = sent, w_out = landed;
    wire [2:0] whole = (aw_out < w_out) ? aw_out : w_out;
    initial assume (rst);

    always_ff @(posedge clk) begin
        if (!rst) assume (~bvalid | (whole != 3'd0));
        was <= 1'b1;
        quiet <= ~rst;
        addresses <= rst ? 2'd0 : addresses - 2'(aw) + (owes ? 2'(WRITES) : 2'd0);
        datas <= rst ? 2'd0 : datas - 2'(w) + (owes ? 2'(WRITES) : 2'd0);
        if (owes) line <= tdata;
        sent <= rst ? 3'd0 : sent + 3'(aw) - 3'(bvalid);
        landed <= rst ? 3'd0 : landed + 3'(w) - 3'(bvalid);
        awvalid_before <= awvalid;
        awready_before <= awready;
        wvalid_before <= wvalid;
        wready_before <= wready;
        failed_before <= bvalid & (bresp != 2'd0);

        if (was) begin
            assert (~awvalid | (addresses != 2'd0));
            assert (~wvalid | (datas != 2'd0));
            if (take & ~rst) assert ((addresses == 2'(aw)) & (datas == 2'(w)));
            if (awvalid) assert (awaddr == base + {60'd0, line[25:24], 2'd0});
            if (wvalid) assert (wdata == line);
            if (wvalid & (WRITES == 1)) assert (wstrb == 4'b1111);
            if (wvalid & (WRITES == 2)) assert (wstrb == ((datas == 2'd2) ? 4'b0111 : 4'b1000));
            if (quiet & awvalid_before & ~awready_before) assert (awvalid);
            if (quiet & wvalid_before & ~wready_before) assert (wvalid);
            assert (sent + 3'(awvalid) <= 3'd3);
            if (quiet & failed_before) assert (fault);
            assert (~tready | (enable & ~fault));
            if (enable & ~fault & ~busy) assert (tready);
            assert (busy | ((addresses == 2'd0) & (datas == 2'd0)));
        end
    end
endmodule

`default_nettype wire
