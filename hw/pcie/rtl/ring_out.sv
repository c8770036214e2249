`default_nettype none

// The ring: verdict lines leave as AXI4 writes into the host's memory, each into the slot of its seq
// (verdict s lies in slot s mod SLOTS from `base` on).
//
// A line is one beat at an address that is a multiple of its length: one PCIe write of one cache line,
// whose last word is the seq that the host polls for. With SPLIT the seq is a write of its own behind
// the rest; posted writes of one id stay in order, so such a host needs no whole-line writes.
// The host keeps credits, so a slot is not written again before its verdict was read. A write that is
// answered with an error is latched and nothing is taken any more: the gate's stall watch kills.
//
// One cycle from the line to `m_axi_awvalid` and `m_axi_wvalid`; one line a cycle while they are ready
// and fewer than OUTSTANDING writes wait for their answer (with SPLIT two cycles a line).
module ring_out #(
    parameter int SLOTS = 64,        // a power of two, not less than the gate's credits
    parameter int BYTES = 64,        // of a line; a power of two
    parameter int SEQ_W = 32,        // the seq is the last SEQ_W bits of a line; whole bytes
    parameter int OUTSTANDING = 16,
    parameter int SPLIT = 0,           // 1: the seq is a write of its own
    localparam int BYTE_W = $clog2(BYTES),
    localparam int SLOT_W = $clog2(SLOTS)
) (
    input  wire                clk,
    input  wire                rst,
    input  wire                enable,         // else nothing is taken
    input  wire                drain,          // lines are taken and counted, not written
    input  wire [63:0]         base,           // a multiple of SLOTS * BYTES; stands while enabled

    input  wire [8*BYTES-1:0]  s_axis_tdata,
    input  wire                s_axis_tvalid,
    output wire                s_axis_tready,

    output wire [63:0]         m_axi_awaddr,
    output wire [7:0]          m_axi_awlen,
    output wire [2:0]          m_axi_awsize,
    output wire [1:0]          m_axi_awburst,
    output wire                m_axi_awvalid,
    input  wire                m_axi_awready,
    output wire [8*BYTES-1:0]  m_axi_wdata,
    output wire [BYTES-1:0]    m_axi_wstrb,
    output wire                m_axi_wlast,
    output wire                m_axi_wvalid,
    input  wire                m_axi_wready,
    input  wire [1:0]          m_axi_bresp,
    input  wire                m_axi_bvalid,
    output wire                m_axi_bready,

    output wire                fault,          // latched: a write was answered with an error
    output wire                busy            // a write waits: to be sent or to be answered
);
    localparam int COUNT_W = $clog2(OUTSTANDING + 1);
    localparam logic [BYTES-1:0] TAIL = ~({BYTES{1'b1}} >> (SEQ_W / 8));

    logic aw_waits, w_waits, body, failed;
    logic [COUNT_W-1:0] unanswered;
    logic [63:0] address;
    logic [8*BYTES-1:0] data;

    wire sent = (~aw_waits | m_axi_awready) & (~w_waits | m_axi_wready);
    wire answered = m_axi_bvalid;
    wire room = (unanswered != COUNT_W'(OUTSTANDING)) | answered;
    wire tail = (SPLIT != 0) & body & sent & room;                     // the seq goes out behind its line
    wire ready = enable & ~failed & sent & room & ~((SPLIT != 0) & body);
    wire take = s_axis_tvalid & ready;
    wire write = (take & ~drain) | tail;
    wire [SLOT_W-1:0] slot = s_axis_tdata[8*BYTES-SEQ_W +: SLOT_W];

    always_ff @(posedge clk) begin
        if (take) begin
            address <= base | (64'(slot) << BYTE_W);
            data <= s_axis_tdata;
        end
        if (rst) begin
            aw_waits <= 1'b0;
            w_waits <= 1'b0;
            body <= 1'b0;
            failed <= 1'b0;
            unanswered <= '0;
        end else begin
            aw_waits <= write | (aw_waits & ~m_axi_awready);
            w_waits <= write | (w_waits & ~m_axi_wready);
            if (write) body <= ~tail;
            failed <= failed | (m_axi_bvalid & (m_axi_bresp != 2'd0));
            unanswered <= unanswered + COUNT_W'(write) - COUNT_W'(answered);
        end
    end

    assign s_axis_tready = ready;
    assign m_axi_awaddr = address;
    assign m_axi_awlen = 8'd0;
    assign m_axi_awsize = 3'(BYTE_W);
    assign m_axi_awburst = 2'd1;
    assign m_axi_awvalid = aw_waits;
    assign m_axi_wdata = data;
    assign m_axi_wstrb = (SPLIT == 0) ? '1 : body ? ~TAIL : TAIL;
    assign m_axi_wlast = 1'b1;
    assign m_axi_wvalid = w_waits;
    assign m_axi_bready = 1'b1;
    assign fault = failed;
    assign busy = unanswered != '0;
endmodule

`default_nettype wire
