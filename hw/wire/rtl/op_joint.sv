`default_nettype none

// Joins the host's lines and the seam's operations into the core's one stream, and parts the verdicts.
//
// The core wants each line to be the successor of the one before. The host numbers its own lines and
// the seam none, so what the core sees is the host's number plus the seam's operations so far; a
// hole in the host's numbers stays a hole, which the core latches. The seam has one operation under way
// at most, and verdicts come in order: its verdict is the one with the number that its operation got.
// The host's verdicts get their own numbers back; credits are given back less the seam's operations.
module op_joint (
    input  wire         clk,
    input  wire         rst,
    input  wire         restart,         // the core has been scrubbed: numbers begin at 1

    input  wire [511:0] host_tdata,
    input  wire         host_tvalid,
    output wire         host_tready,
    input  wire [511:0] seam_tdata,
    input  wire         seam_tvalid,
    output wire         seam_tready,
    output wire [511:0] core_tdata,
    output wire         core_tvalid,
    input  wire         core_tready,

    input  wire [511:0] verdict_tdata,
    input  wire         verdict_tvalid,
    output wire         verdict_tready,
    output wire [511:0] host_verdict_tdata,
    output wire         host_verdict_tvalid,
    input  wire         host_verdict_tready,
    output wire         seam_verdict_tvalid
);
    localparam int SEQ = gate_pkg::OP_SEQ_LSB;
    localparam int VERDICT_SEQ = gate_pkg::VERDICT_SEQ_LSB;
    localparam int CREDITS = gate_pkg::VERDICT_CREDITS_LSB;

    logic [31:0] last;                   // number of the last line to the core
    logic [31:0] sent, returned;         // operations of the seam, there and back
    logic        under_way;
    logic [31:0] its_seq;
    logic        chosen, choice;         // a line that was offered stays the one offered

    // The seam goes first: it has a frame waiting, and one operation at a time cannot starve the host.
    wire seam_may = seam_tvalid & ~under_way;
    wire from_seam = chosen ? choice : seam_may;
    wire [31:0] host_seq = host_tdata[SEQ +: 32] + sent;
    wire [31:0] seq = from_seam ? last + 32'd1 : host_seq;
    wire [511:0] body = from_seam ? seam_tdata : host_tdata;
    assign core_tvalid = from_seam ? seam_may : host_tvalid;
    assign core_tdata = {seq, body[SEQ-1:0]};
    assign seam_tready = from_seam & seam_may & core_tready;
    assign host_tready = ~from_seam & core_tready;
    wire fires = core_tvalid & core_tready;

    wire is_its = under_way & (verdict_tdata[VERDICT_SEQ +: 32] == its_seq);
    assign seam_verdict_tvalid = verdict_tvalid & is_its;
    assign host_verdict_tvalid = verdict_tvalid & ~is_its;
    assign verdict_tready = is_its | host_verdict_tready;
    wire [31:0] its_own_seq = verdict_tdata[VERDICT_SEQ +: 32] - returned;
    wire [31:0] its_own_credits = verdict_tdata[CREDITS +: 32] - sent;
    assign host_verdict_tdata = {its_own_seq, verdict_tdata[VERDICT_SEQ-1:CREDITS+32],
                                 its_own_credits, verdict_tdata[CREDITS-1:0]};

    always_ff @(posedge clk) begin
        chosen <= core_tvalid & ~core_tready;
        choice <= from_seam;
        if (fires) last <= seq;
        if (fires & from_seam) begin
            sent <= sent + 32'd1;
            under_way <= 1'b1;
            its_seq <= seq;
        end
        if (seam_verdict_tvalid) begin
            returned <= returned + 32'd1;
            under_way <= 1'b0;
        end
        if (rst | restart) begin
            last <= 32'd0;
            sent <= 32'd0;
            returned <= 32'd0;
            under_way <= 1'b0;
            chosen <= 1'b0;
        end
    end

    wire _unused = &{1'b0, body[511:SEQ]};
endmodule

`default_nettype wire
