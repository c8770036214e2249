`default_nettype none

// Walks the messages of one segment: first all lengths, with no effect, then each message's judgement.
//
// The first pass finds whether the bytes are whole SoupBinTCP messages and each OUCH message has its
// fixed part, so a segment that is dropped for its form has charged nothing. The second pass makes an
// operation line of each Enter, Replace, Cancel and Modify, waits for the verdict and, where it
// refuses, asks for a patch: the same length, with a content that no venue accepts.
//
//   message  patch                                  why it must be rejected
//   Enter    quantity 0                             not above zero
//   Replace  original number 0, quantity 0          numbers begin at 1: there is no such order
//   Cancel   quantity 2^32-1                        cuts down to more than was open
//   Modify   quantity 2^32-1                        the same
//
// Offsets are those of engine/wire, three more for the SoupBinTCP header.
module message_walk #(
    parameter int INDEX_W = 16
) (
    input  wire         clk,
    input  wire         rst,

    input  wire         start,
    input  wire [11:0]  from,            // first byte in the frame
    input  wire [11:0]  upto,            // the byte behind the last
    output logic        done,            // one cycle; the three below say how it ended
    output logic        is_cut,
    output logic        is_malformed,
    output logic        is_dead,

    // The frame: 64 bytes from `read_at`, two cycles later; and a patch of them.
    output logic [11:0] read_at,
    input  wire [511:0] window,
    output wire         patch,
    output logic [11:0] patch_at,
    output wire [511:0] patch_old,
    output wire [511:0] patch_new,
    output wire [63:0]  patch_mask,

    // The session.
    input  wire [15:0]  account,
    input  wire [31:0]  epoch,
    input  wire [31:0]  last_ref,
    output wire         set_ref,
    output wire [31:0]  set_ref_to,

    // Tables: two cycles from key to answer.
    output wire [63:0]  symbol_key,
    input  wire         symbol_hit,
    input  wire [INDEX_W-1:0] symbol_index,
    output wire [31:0]  order_ref,
    input  wire         order_hit,
    input  wire [INDEX_W-1:0] order_symbol,
    input  wire         order_sell,
    output wire         keep,            // an order passed
    output wire [31:0]  keep_ref,
    output wire [INDEX_W-1:0] keep_symbol,
    output wire         keep_sell,

    // Configuration and the card's time.
    input  wire [31:0]  tags,            // optional fields that are permitted, by tag
    input  wire [31:0]  verdict_cycles,  // patience
    input  wire [63:0]  now_ns,
    input  wire [34:0]  second,
    input  wire [17:0]  day,

    // The core.
    output wire [511:0] op_tdata,
    output wire         op_tvalid,
    input  wire         op_tready,
    input  wire         verdict_tvalid,
    input  wire [31:0]  verdict_tag,
    input  wire [63:0]  verdict_rejects,

    // Counters.
    output logic        answered,
    output logic        refused,
    output logic [2:0]  refused_why,
    output logic        seen_session,
    output logic        seen_control
);
    localparam logic [3:0] IDLE = 4'd0;
    localparam logic [3:0] SCAN = 4'd1;
    localparam logic [3:0] READ = 4'd2;
    localparam logic [3:0] TAKE = 4'd3;
    localparam logic [3:0] LOOKUP = 4'd4;
    localparam logic [3:0] TAG = 4'd5;
    localparam logic [3:0] SEND = 4'd6;
    localparam logic [3:0] WAIT = 4'd7;
    localparam logic [3:0] PATCH = 4'd8;
    localparam logic [3:0] NEXT = 4'd9;

    logic [3:0]   state;
    logic [1:0]   settle;                // cycles until the window, or a table, answers
    logic [511:0] message;
    wire          ready = settle == 2'd0;

    // ------------------------------------------------------------------ form of the message at `read_at`
    // Bytes of an OUCH message's fixed part without the length of its options; 0: not one we know.
    function automatic logic [5:0] fixed_bytes(input logic [7:0] letter);
        case (letter)
            "O": fixed_bytes = 6'd45;
            "U": fixed_bytes = 6'd38;
            "X": fixed_bytes = 6'd9;
            "M": fixed_bytes = 6'd10;
            "C": fixed_bytes = 6'd17;
            "D", "E": fixed_bytes = 6'd9;
            "Q": fixed_bytes = 6'd1;
            default: fixed_bytes = 6'd0;
        endcase
    endfunction
    wire [11:0] left = upto - read_at;
    wire [15:0] scan_length = wire_pkg::be16(window, 0);
    wire [16:0] scan_bytes = {1'b0, scan_length} + 17'd2;
    wire [5:0]  scan_fixed = fixed_bytes(window[31:24]);
    wire        scan_cut = (left < 12'd3) | (scan_bytes > {5'd0, left});
    wire        scan_ouch_bad = (scan_fixed == 6'd0) | (scan_length <= {10'd0, scan_fixed});
    wire        scan_bad = (scan_length == 16'd0)
        | ((window[23:16] == "U") & ((scan_length == 16'd1) | scan_ouch_bad));

    // ------------------------------------------------------------------ the message that is judged
    wire [15:0] length = wire_pkg::be16(message, 0);
    wire [11:0] message_end = patch_at + length[11:0] + 12'd2;
    wire [7:0]  letter = message[31:24];
    wire        is_ouch = message[23:16] == "U";
    wire        is_enter = is_ouch & (letter == "O");
    wire        is_replace = is_ouch & (letter == "U");
    wire        is_modify = is_ouch & (letter == "M");
    wire        is_cancel = (is_ouch & (letter == "X")) | is_modify;
    wire        is_judged = is_enter | is_replace | is_cancel;
    wire        takes_ref = is_enter | is_replace
        | (is_ouch & ((letter == "C") | (letter == "D") | (letter == "E")));
    wire [31:0] ref_num = is_replace ? wire_pkg::be32(message, 8) : wire_pkg::be32(message, 4);
    wire        ref_stale = ref_num <= last_ref;
    wire [7:0]  side = message[8*8 +: 8];
    wire        side_buy = side == "B";
    wire        side_sell = (side == "S") | (side == "T") | (side == "E");
    wire [31:0] qty = is_enter ? wire_pkg::be32(message, 9) : wire_pkg::be32(message, 12);
    wire [31:0] price_high = is_enter ? wire_pkg::be32(message, 21) : wire_pkg::be32(message, 16);
    wire [31:0] price_low = is_enter ? wire_pkg::be32(message, 25) : wire_pkg::be32(message, 20);
    assign symbol_key = message[13*8 +: 64];
    assign order_ref = wire_pkg::be32(message, 4);
    wire [INDEX_W-1:0] symbol = is_enter ? symbol_index : order_symbol;
    wire               sell = is_enter ? side_sell : order_sell;

    // Optional fields: u16 length, then entries of length, tag, value. Only orders may be changed by
    // them; the list of a cancel is not read.
    wire [15:0] list_length = is_enter ? wire_pkg::be16(message, 48) : wire_pkg::be16(message, 41);
    wire [15:0] behind = length - (is_enter ? 16'd46 : 16'd39); // bytes behind the fixed part
    wire        list_none = ~(is_enter | is_replace) | (behind == 16'd0)
        | ((behind >= 16'd2) & (list_length == 16'd0));
    wire        list_bad = (behind < 16'd2) | (list_length > behind - 16'd2);
    wire [11:0] list_at = patch_at + (is_enter ? 12'd50 : 12'd43);
    logic [11:0] list_left;
    wire [7:0]  entry_length = window[7:0];
    wire [7:0]  entry_tag = window[15:8];
    wire [11:0] entry_bytes = {4'd0, entry_length} + 12'd1;
    wire        entry_bad = (entry_length == 8'd0) | (entry_bytes > list_left)
        | (entry_tag >= 8'd32) | ~tags[entry_tag[4:0]];

    // Why it is refused without asking the core; the first reason counts.
    logic was_stale;                     // before the number was used up
    wire no_ref = (is_enter | is_replace) & was_stale;
    wire no_side = is_enter & ~side_buy & ~side_sell;
    wire no_symbol = is_enter & ~symbol_hit;
    wire no_order = ~is_enter & ~order_hit;
    wire refuse_here = no_ref | no_side | no_symbol | no_order | (~list_none & list_bad);
    wire [2:0] why_here = no_ref ? wire_pkg::REFUSE_REF
        : no_side ? wire_pkg::REFUSE_SIDE
        : no_symbol ? wire_pkg::REFUSE_SYMBOL
        : no_order ? wire_pkg::REFUSE_ORDER : wire_pkg::REFUSE_OPTION;

    // ------------------------------------------------------------------ operation and verdict
    logic [63:0] at_ns;
    logic [34:0] at_second;
    logic [17:0] at_day;
    logic [INDEX_W-1:0] of_symbol;
    logic        of_sell;
    logic [511:0] line;
    always_comb begin
        line = '0;
        line[gate_pkg::OP_KIND_LSB +: gate_pkg::OP_KIND_W] = is_enter ? gate_pkg::KIND_NEW
            : is_replace ? gate_pkg::KIND_REPLACE : gate_pkg::KIND_CANCEL;
        line[gate_pkg::OP_FLAGS_LSB] = of_sell;
        line[gate_pkg::OP_ACCOUNT_LSB +: gate_pkg::OP_ACCOUNT_W] = account;
        line[gate_pkg::OP_SYMBOL_LSB +: gate_pkg::OP_SYMBOL_W] = {{(32-INDEX_W){1'b0}}, of_symbol};
        if (~is_cancel) begin
            line[gate_pkg::OP_PRICE_LSB +: gate_pkg::OP_PRICE_W] = {price_high, price_low};
            line[gate_pkg::OP_QTY_LSB +: gate_pkg::OP_QTY_W] = {32'd0, qty};
            line[gate_pkg::OP_EPOCH_LSB +: gate_pkg::OP_EPOCH_W] = epoch;
        end
        line[gate_pkg::OP_NOW_NS_LSB +: gate_pkg::OP_NOW_NS_W] = at_ns;
        line[gate_pkg::OP_SECOND_LSB +: gate_pkg::OP_SECOND_W] = at_second;
        line[gate_pkg::OP_DAY_LSB +: gate_pkg::OP_DAY_W] = at_day;
        line[gate_pkg::OP_TAG_LSB +: gate_pkg::OP_TAG_W] = ref_num;
    end
    assign op_tdata = line;
    assign op_tvalid = state == SEND;
    logic [31:0] waited;
    wire  passes = verdict_rejects == 64'd0;
    wire  is_ours = verdict_tag == ref_num;
    wire  verdict = (state == WAIT) & verdict_tvalid & is_ours;
    wire  gives_up = (state == WAIT) & ~verdict & (waited >= verdict_cycles);

    assign keep = verdict & passes & ~is_cancel;
    assign keep_ref = ref_num;
    assign keep_symbol = of_symbol;
    assign keep_sell = of_sell;

    // ------------------------------------------------------------------ patch
    assign patch = state == PATCH;
    assign patch_old = message;
    assign patch_new = is_cancel ? '1 : '0;
    assign patch_mask = is_enter ? 64'h0000_0000_0000_1e00    // bytes 9 to 12
        : is_replace ? 64'h0000_0000_0000_f0f0                // 4 to 7, 12 to 15
        : is_modify ? 64'h0000_0000_0000_1e00                 // 9 to 12
        : 64'h0000_0000_0000_0f00;                            // 8 to 11

    // A number is used up by its first message, whatever becomes of it, as at the venue.
    assign set_ref = (state == TAKE) & takes_ref & ~ref_stale;
    assign set_ref_to = ref_num;

    task automatic finish(input logic cut, input logic malformed, input logic dead);
        done <= 1'b1;
        is_cut <= cut;
        is_malformed <= malformed;
        is_dead <= dead;
        state <= IDLE;
    endtask
    task automatic refuse(input logic [2:0] why);
        refused <= 1'b1;
        refused_why <= why;
        state <= PATCH;
    endtask

    always_ff @(posedge clk) begin
        done <= 1'b0;
        answered <= 1'b0;
        refused <= 1'b0;
        seen_session <= 1'b0;
        seen_control <= 1'b0;
        settle <= ready ? 2'd0 : settle - 2'd1;
        waited <= (state == WAIT) ? waited + 32'd1 : 32'd0;
        case (state)
            IDLE: if (start) begin
                read_at <= from;
                settle <= 2'd2;
                state <= SCAN;
            end
            SCAN: if (ready) begin
                settle <= 2'd2;
                patch_at <= from;
                message <= window;
                if (scan_cut | scan_bad) finish(scan_cut, ~scan_cut, 1'b0);
                else if (scan_bytes != {5'd0, left}) read_at <= read_at + scan_bytes[11:0];
                else if (read_at == from) state <= TAKE; // the only message: it is at hand
                else begin
                    read_at <= from;
                    state <= READ;
                end
            end
            READ: if (ready) begin
                message <= window;
                patch_at <= read_at;
                state <= TAKE;
            end
            TAKE: begin
                was_stale <= ref_stale;
                settle <= 2'd1;
                seen_session <= ~is_ouch;
                seen_control <= is_ouch & ~is_judged;
                state <= is_judged ? LOOKUP : NEXT;
            end
            LOOKUP: if (ready) begin
                of_symbol <= symbol;
                of_sell <= sell;
                {at_ns, at_second, at_day} <= {now_ns, second, day};
                read_at <= list_at;
                list_left <= list_length[11:0];
                settle <= 2'd2;
                if (refuse_here) refuse(why_here);
                else state <= list_none ? SEND : TAG;
            end
            TAG: if (ready) begin
                settle <= 2'd2;
                read_at <= read_at + entry_bytes;
                list_left <= list_left - entry_bytes;
                {at_ns, at_second, at_day} <= {now_ns, second, day};
                if (entry_bad) refuse(wire_pkg::REFUSE_OPTION);
                else if (entry_bytes == list_left) state <= SEND;
            end
            SEND: if (op_tready) state <= WAIT;
            WAIT: if (verdict) begin
                answered <= 1'b1;
                if (passes) state <= NEXT;
                else refuse(wire_pkg::REFUSE_GATE);
            end
            PATCH: state <= NEXT;
            NEXT: begin
                read_at <= message_end;
                settle <= 2'd2;
                if (message_end == upto) finish(1'b0, 1'b0, 1'b0);
                else state <= READ;
            end
            default: state <= IDLE;
        endcase
        if (gives_up) finish(1'b0, 1'b0, 1'b1);
        if (rst) begin
            state <= IDLE;
            done <= 1'b0;
        end
    end
endmodule

`default_nettype wire
