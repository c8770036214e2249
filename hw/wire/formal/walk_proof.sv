`default_nettype none

// What must hold of message_walk, whatever bytes, tables and verdicts it meets.
//
// Claimed: an operation is offered until it is taken, unchanged; each that is taken gets a verdict of its own
// or ends the walk as dead; a verdict that refuses is followed by a patch before anything else is asked or
// the walk ends; an order is remembered only by a verdict that passes.
module walk_proof (
    input wire         clk,
    input wire         start,
    input wire [11:0]  from,
    input wire [11:0]  upto,
    input wire [511:0] window,
    input wire         symbol_hit,
    input wire [15:0]  symbol_index,
    input wire         order_hit,
    input wire [15:0]  order_symbol,
    input wire         order_sell,
    input wire [31:0]  tags,
    input wire [31:0]  last_ref,
    input wire         op_tready,
    input wire         verdict_tvalid,
    input wire [31:0]  verdict_tag,
    input wire [63:0]  verdict_rejects
);
    logic started = 1'b0;
    always_ff @(posedge clk) started <= 1'b1;
    wire rst = ~started;

    wire done, is_cut, is_malformed, is_dead, patch, op_tvalid, keep, answered, refused;
    wire [511:0] op_tdata, patch_old, patch_new;
    wire [63:0] patch_mask, symbol_key;
    wire [11:0] read_at, patch_at;
    wire set_ref, keep_sell, seen_session, seen_control;
    wire [31:0] set_ref_to, order_ref, keep_ref;
    wire [15:0] keep_symbol;
    wire [2:0] refused_why;
    message_walk walk (
        .clk, .rst, .start, .from, .upto, .done, .is_cut, .is_malformed, .is_dead,
        .read_at, .window, .patch, .patch_at, .patch_old, .patch_new, .patch_mask,
        .account(16'd1), .epoch(32'd1), .last_ref, .set_ref, .set_ref_to,
        .symbol_key, .symbol_hit, .symbol_index, .order_ref, .order_hit, .order_symbol, .order_sell,
        .keep, .keep_ref, .keep_symbol, .keep_sell, .tags, .verdict_cycles(32'd20),
        .now_ns(64'd0), .second(35'd0), .day(18'd0), .op_tdata, .op_tvalid, .op_tready,
        .verdict_tvalid, .verdict_tag, .verdict_rejects,
        .answered, .refused, .refused_why, .seen_session, .seen_control
    );

    logic        waits, owes;            // a verdict is awaited; a patch is owed
    logic        was_op;
    logic [511:0] op_was;
    logic [31:0] asked;                  // tag of the operation
    wire  comes = waits & verdict_tvalid & (verdict_tag == asked);
    always_ff @(posedge clk) begin
        if (op_tvalid & op_tready) begin
            waits <= 1'b1;
            asked <= op_tdata[479:448];
        end else if (comes | done) waits <= 1'b0;
        if (comes & (verdict_rejects != 64'd0)) owes <= 1'b1;
        else if (patch) owes <= 1'b0;
        was_op <= op_tvalid & ~op_tready;
        op_was <= op_tdata;
        if (rst) begin
            waits <= 1'b0;
            owes <= 1'b0;
            was_op <= 1'b0;
        end
    end

    always_comb if (~rst) begin
        if (was_op) assert (op_tvalid && op_tdata == op_was);
        if (owes) assert (~op_tvalid && ~(done && ~is_dead));
        if (waits) assert (~op_tvalid && ~(done && ~is_dead) && ~patch);
        if (keep) assert (comes && verdict_rejects == 64'd0);
    end
endmodule

`default_nettype wire
