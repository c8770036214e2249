`default_nettype none

// What a line asks for, and whether its fields fit the card. Combinational, knows no state but the
// sizes in use. A size of zero means that no row exists.
module gate_decode (
    input  wire [511:0] line,
    input  wire [31:0]  accounts,
    input  wire [31:0]  symbols,

    output wire         is_order,     // new, replace
    output wire         is_restore,
    output wire         is_cancel,
    output wire         is_update,
    output wire         is_illegal,
    output logic        range,        // the operation names what does not exist, or does not fit
    // The factors of the three products, and for updates whether a clamp was needed.
    output wire [31:0]  price,        // of the order, or at which the traded quantity was reserved
    output wire [31:0]  qty,          // of the order, or traded
    output wire [31:0]  fill_price,
    output wire [31:0]  released_price,
    output wire [31:0]  released_qty,
    output wire         misfit,
    output wire         has_trade,    // the update moves the position
    output wire         is_fill       // ... and releases what it traded
);
    wire [7:0] kind = line[gate_pkg::OP_KIND_LSB +: gate_pkg::OP_KIND_W];
    assign is_order = (kind == gate_pkg::KIND_NEW) | (kind == gate_pkg::KIND_REPLACE);
    assign is_restore = kind == gate_pkg::KIND_RESTORE;
    assign is_cancel = kind == gate_pkg::KIND_CANCEL;
    assign is_update = kind == gate_pkg::KIND_UPDATE;
    assign is_illegal = (kind == 8'd0) | (kind > gate_pkg::KIND_BARRIER);

    // Prices are signed and clamp at zero; quantities are not.
    function automatic logic [31:0] clamp_price(input logic [63:0] of);
        clamp_price = of[63] ? 32'd0 : (of[62:32] != 31'd0) ? 32'hffff_ffff : of[31:0];
    endfunction
    function automatic logic [31:0] clamp_qty(input logic [63:0] of);
        clamp_qty = (of[63:32] != 32'd0) ? 32'hffff_ffff : of[31:0];
    endfunction

    wire [63:0] order_price_wide = line[gate_pkg::OP_PRICE_LSB +: 64];
    wire [63:0] order_qty_wide = line[gate_pkg::OP_QTY_LSB +: 64];
    wire [63:0] fill_price_wide = line[gate_pkg::OP_FILL_PRICE_LSB +: 64];
    wire [63:0] fill_qty_wide = line[gate_pkg::OP_FILL_QTY_LSB +: 64];
    wire [63:0] released_price_wide = line[gate_pkg::OP_RELEASED_PRICE_LSB +: 64];
    wire [63:0] released_qty_wide = line[gate_pkg::OP_RELEASED_QTY_LSB +: 64];

    wire [7:0] effect = line[gate_pkg::OP_EFFECT_LSB +: gate_pkg::OP_EFFECT_W];
    assign is_fill = is_update & (effect == gate_pkg::EFFECT_FILL);
    assign has_trade = is_fill | (is_update & (effect == gate_pkg::EFFECT_BREAK));

    assign price = clamp_price(order_price_wide);
    assign qty = is_update ? clamp_qty(fill_qty_wide) : clamp_qty(order_qty_wide);
    assign fill_price = clamp_price(fill_price_wide);
    assign released_price = clamp_price(released_price_wide);
    assign released_qty = clamp_qty(released_qty_wide);

    wire fill_qty_wrong = fill_qty_wide[63:32] != 32'd0;
    assign misfit = (released_price_wide[63:32] != 32'd0) | (released_qty_wide[63:32] != 32'd0)
        | (has_trade & ((fill_price_wide[63:32] != 32'd0) | fill_qty_wrong))
        | (is_fill & (order_price_wide[63:32] != 32'd0));

    wire order_wrong = (order_price_wide[63:32] != 32'd0) | (order_qty_wide[63:32] != 32'd0);
    wire [31:0] account = {16'd0, line[gate_pkg::OP_ACCOUNT_LSB +: gate_pkg::OP_ACCOUNT_W]};
    wire [31:0] symbol = line[gate_pkg::OP_SYMBOL_LSB +: gate_pkg::OP_SYMBOL_W];
    wire account_out = account >= accounts;
    wire symbol_out = symbol >= symbols;
    wire [7:0] scope = line[gate_pkg::OP_SCOPE_LSB +: gate_pkg::OP_SCOPE_W];
    wire [7:0] table_read = line[gate_pkg::OP_TABLE_LSB +: gate_pkg::OP_TABLE_W];

    always_comb begin
        case (kind)
            gate_pkg::KIND_NEW, gate_pkg::KIND_REPLACE, gate_pkg::KIND_RESTORE: range = account_out | symbol_out | order_wrong;
            gate_pkg::KIND_CANCEL, gate_pkg::KIND_UPDATE: range = account_out | symbol_out;
            gate_pkg::KIND_HALT, gate_pkg::KIND_SET_SYMBOL: range = symbol_out;
            gate_pkg::KIND_SET_ACCOUNT: range = account_out;
            gate_pkg::KIND_KILL:
                case (scope)
                    gate_pkg::SCOPE_GLOBAL: range = 1'b0;
                    gate_pkg::SCOPE_ACCOUNT: range = account_out;
                    gate_pkg::SCOPE_SYMBOL: range = symbol_out;
                    default: range = 1'b1;
                endcase
            gate_pkg::KIND_SNAPSHOT:
                case (table_read)
                    gate_pkg::TABLE_SYMBOL: range = symbol_out;
                    gate_pkg::TABLE_ACCOUNT: range = account_out;
                    gate_pkg::TABLE_HOLDING: range = account_out | symbol_out;
                    gate_pkg::TABLE_GLOBALS: range = 1'b0;
                    default: range = 1'b1;
                endcase
            gate_pkg::KIND_EPOCH, gate_pkg::KIND_BARRIER: range = 1'b0;
            default: range = 1'b1;
        endcase
    end
    wire unused = &{1'b0, line};   // decode looks at a part of each line
endmodule

`default_nettype wire
