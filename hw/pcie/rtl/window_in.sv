`default_nettype none

// The window: what the host stores arrives as AXI4 writes, operation lines leave in the order of their
// seq.
//
// A write-combining buffer may be flushed at any moment, so the bytes of a line may come in several
// writes and in any order, and so may the lines. A slot (line s lies in slot s mod SLOTS) collects
// bytes until it has them all; then the line is lent if its last word holds the seq that comes next.
// The host keeps credits, so it never writes a slot again before the verdict of its line; a byte that
// comes twice, a line with another seq and a burst that does not count up are the host's faults: they
// are latched and nothing is lent any more (fail closed) until `restart`.
//
// Two cycles from the beat that completes a line to `m_axis_tvalid`; one beat and one line a cycle.
module window_in #(
    parameter int SLOTS = 64,     // a power of two, at least 2; not less than the gate's credits
    parameter int BYTES = 64,     // of a line and of a beat; a power of two
    parameter int SEQ_W = 32,     // the seq is the last SEQ_W bits of a line
    parameter int ID_W = 4,
    localparam int BYTE_W = $clog2(BYTES),
    localparam int SLOT_W = $clog2(SLOTS),
    localparam int ADDR_W = SLOT_W + BYTE_W
) (
    input  wire                clk,
    input  wire                rst,
    input  wire                restart,        // while high: every slot empty, the next seq is 1

    input  wire [ID_W-1:0]     s_axi_awid,
    input  wire [ADDR_W-1:0]   s_axi_awaddr,   // below the window
    input  wire [7:0]          s_axi_awlen,
    input  wire [2:0]          s_axi_awsize,
    input  wire [1:0]          s_axi_awburst,
    input  wire                s_axi_awvalid,
    output wire                s_axi_awready,
    input  wire [8*BYTES-1:0]  s_axi_wdata,
    input  wire [BYTES-1:0]    s_axi_wstrb,
    input  wire                s_axi_wlast,
    input  wire                s_axi_wvalid,
    output wire                s_axi_wready,
    output wire [ID_W-1:0]     s_axi_bid,
    output wire [1:0]          s_axi_bresp,
    output wire                s_axi_bvalid,
    input  wire                s_axi_bready,

    output wire [8*BYTES-1:0]  m_axis_tdata,
    output wire                m_axis_tvalid,
    input  wire                m_axis_tready,

    output wire [2:0]          fault,          // latched; 0: a byte came twice, 1: another seq, 2: a burst not understood
    output wire [SEQ_W-1:0]    next_seq        // of the line that is lent next
);
    localparam logic [1:0] INCR = 2'd1, OKAY = 2'd0, SLVERR = 2'd2;

    // ------------------------------------------------------------------ bursts into beats
    // The first beat is taken together with its address; the answer leaves with the last.
    logic busy, refused, answers;
    logic [7:0] left;
    logic [2:0] size;
    logic [ADDR_W-1:0] at;
    logic [ID_W-1:0] id, answer_id;
    logic [1:0] answer;

    wire room = ~answers | s_axi_bready;
    wire beat = s_axi_wvalid & room & (busy | s_axi_awvalid);
    wire first = beat & ~busy;
    assign s_axi_wready = beat;
    assign s_axi_awready = first;

    wire [ADDR_W-1:0] here = busy ? at : s_axi_awaddr;
    wire [2:0] step = busy ? size : s_axi_awsize;
    wire [7:0] more = busy ? left : s_axi_awlen;
    wire last = beat & (more == 8'd0);
    // One beat counts as counting up, whatever the burst type says of the beats behind it.
    wire odd = (busy ? refused : (s_axi_awburst != INCR) & (s_axi_awlen != 8'd0))
             | (s_axi_wlast != (more == 8'd0));
    wire [ADDR_W-1:0] stride = ADDR_W'(1) << step;
    always_ff @(posedge clk) begin
        if (beat) begin
            at <= (here & ~(stride - ADDR_W'(1))) + stride;
            size <= step;
            left <= more - 8'd1;
            refused <= odd;
        end
        if (first) id <= s_axi_awid;
        if (last) begin
            answer_id <= busy ? id : s_axi_awid;
            answer <= odd ? SLVERR : OKAY;
        end
        if (rst) begin
            busy <= 1'b0;
            answers <= 1'b0;
        end else begin
            if (beat) busy <= ~last;
            answers <= last | (answers & ~s_axi_bready);
        end
    end
    assign s_axi_bid = answer_id;
    assign s_axi_bresp = answer;
    assign s_axi_bvalid = answers;

    // ------------------------------------------------------------------ slots
    logic [8*BYTES-1:0] lines [SLOTS];
    logic [SLOTS*BYTES-1:0] have;      // of each slot: which bytes came
    logic [SEQ_W-1:0] next;
    logic [2:0] faults;

    wire [SLOT_W-1:0] to = here[ADDR_W-1:BYTE_W];
    wire [SLOT_W-1:0] head = next[SLOT_W-1:0];
    wire [BYTES-1:0] come = (beat & ~odd) ? s_axi_wstrb : '0;
    wire [8*BYTES-1:0] line = lines[head];
    wire whole = &have[head*BYTES +: BYTES];
    wire expected = line[8*BYTES-1 -: SEQ_W] == next;

    logic lends;
    logic [8*BYTES-1:0] lent;
    wire open = ~rst & ~restart & (faults == 3'd0);
    wire lend = open & whole & expected & (~lends | m_axis_tready);

    always_ff @(posedge clk) begin
        for (int b = 0; b < BYTES; b++)
            if (come[b]) lines[to][8*b +: 8] <= s_axi_wdata[8*b +: 8];
        for (int s = 0; s < SLOTS; s++) begin
            if (rst | restart | (lend & (head == SLOT_W'(s)))) have[s*BYTES +: BYTES] <= '0;
            else if (to == SLOT_W'(s)) have[s*BYTES +: BYTES] <= have[s*BYTES +: BYTES] | come;
        end
        if (lend) lent <= line;
        if (rst | restart) begin
            next <= SEQ_W'(1);
            lends <= 1'b0;
            faults <= '0;
        end else begin
            if (lend) next <= next + 1'b1;
            lends <= lend | (lends & ~m_axis_tready);
            faults <= faults | {beat & odd, whole & ~expected, (come & have[to*BYTES +: BYTES]) != '0};
        end
    end
    assign m_axis_tdata = lent;
    assign m_axis_tvalid = lends;
    assign fault = faults;
    assign next_seq = next;
endmodule

`default_nettype wire
