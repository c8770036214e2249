`default_nettype none

// What an operation makes of the rows it names. Combinational. Sums that would leave their width keep
// its end, which is a fault: the sums can no longer be trusted, so the account's kill latches.
module gate_next (
    input  wire                      reserves,   // an order that passed, or one restored
    input  wire                      counts,     // a message leaves: the same, or a cancel
    input  wire                      is_update,
    input  wire                      set_account,
    input  wire                      kill_account,
    input  wire                      flag,       // sell; for a kill: engage
    input  wire [31:0]               price,
    input  wire [31:0]               qty,
    input  wire [63:0]               notional,
    input  wire [63:0]               now_ns,
    input  wire [34:0]               second,
    input  wire [17:0]               day,
    // Updates: what trades and on which side, what is released in all.
    input  wire                      has_trade,
    input  wire                      trade_sells,
    input  wire [63:0]               cost,
    input  wire [32:0]               released_qty,
    input  wire [64:0]               released_notional,
    input  wire                      ends,
    input  wire                      misfit,
    // Set account: the row's configuration.
    input  wire [gate_pkg::ACCOUNT_GROSS_HELD_LSB-1:0] limits,

    input  wire [gate_pkg::HOLDING_ROW_W-1:0]  holding,
    input  wire [gate_pkg::ACCOUNT_ROW_W-1:0]  account,
    output logic [gate_pkg::HOLDING_ROW_W-1:0] next_holding,
    output logic [gate_pkg::ACCOUNT_ROW_W-1:0] next_account,
    output wire                      fault,
    input  wire [5:0]                mutant
);
    localparam logic signed [62:0] HELD_MAX = 63'sh3fff_ffff_ffff_ffff;
    localparam logic signed [47:0] POSITION_MAX = 48'sh7fff_ffff_ffff;
    localparam logic [47:0] OPEN_MAX = 48'hffff_ffff_ffff;

    wire signed [47:0] position = holding[gate_pkg::HOLDING_POSITION_LSB +: 48];
    wire signed [62:0] held = holding[gate_pkg::HOLDING_HELD_LSB +: 63];
    wire [47:0] open_buy = holding[gate_pkg::HOLDING_OPEN_BUY_LSB +: 48];
    wire [47:0] open_sell = holding[gate_pkg::HOLDING_OPEN_SELL_LSB +: 48];
    wire [31:0] best_buy = holding[gate_pkg::HOLDING_BEST_BUY_LSB +: 32];
    wire [31:0] best_sell = holding[gate_pkg::HOLDING_BEST_SELL_LSB +: 32];
    wire [31:0] holding_orders = holding[gate_pkg::HOLDING_OPEN_ORDERS_LSB +: 32];
    wire [3:0]  recent_used = holding[gate_pkg::HOLDING_RECENT_USED_LSB +: 4];
    wire [3:0]  recent_sells = holding[gate_pkg::HOLDING_RECENT_SELLS_LSB +: 4];
    wire [1:0]  recent_next = holding[gate_pkg::HOLDING_RECENT_NEXT_LSB +: 2];

    wire [31:0] interval = account[gate_pkg::ACCOUNT_RATE_INTERVAL_NS_LSB +: 32];
    wire [63:0] gross_held = account[gate_pkg::ACCOUNT_GROSS_HELD_LSB +: 64];
    wire signed [63:0] net_held = account[gate_pkg::ACCOUNT_NET_HELD_LSB +: 64];
    wire [63:0] buys = account[gate_pkg::ACCOUNT_OPEN_BUY_NOTIONAL_LSB +: 64];
    wire [63:0] sells = account[gate_pkg::ACCOUNT_OPEN_SELL_NOTIONAL_LSB +: 64];
    wire [63:0] arrival = account[gate_pkg::ACCOUNT_ARRIVAL_NS_LSB +: 64];
    wire [34:0] counted_second = account[gate_pkg::ACCOUNT_SECOND_LSB +: 35];
    wire [17:0] counted_day = account[gate_pkg::ACCOUNT_DAY_LSB +: 18];
    wire [31:0] second_cnt = account[gate_pkg::ACCOUNT_SECOND_CNT_LSB +: 32];
    wire [31:0] day_cnt = account[gate_pkg::ACCOUNT_DAY_CNT_LSB +: 32];
    wire [31:0] account_orders = account[gate_pkg::ACCOUNT_OPEN_ORDERS_LSB +: 32];
    wire        killed = account[gate_pkg::ACCOUNT_KILLED_LSB];

    wire sell = flag;

    // Open quantity and notional of the order's side: more when reserved, less when released.
    wire [47:0] open = sell ? open_sell : open_buy;
    wire [63:0] open_notional = sell ? sells : buys;
    wire [48:0] open_more = {1'b0, open} + {17'd0, qty};
    wire [64:0] notional_more = {1'b0, open_notional} + {1'b0, notional};
    wire short_qty = {1'b0, open} < {16'd0, released_qty};
    wire short_notional = {1'b0, open_notional} < released_notional;
    wire [47:0] open_less = short_qty ? 48'd0 : open - {15'd0, released_qty};
    wire [63:0] notional_less = short_notional ? 64'd0 : open_notional - released_notional[63:0];
    wire [47:0] next_open = reserves ? (open_more[48] ? OPEN_MAX : open_more[47:0])
        : is_update ? open_less : open;
    wire [63:0] next_notional = reserves ? (notional_more[64] ? '1 : notional_more[63:0])
        : is_update ? notional_less : open_notional;

    // Most aggressive own price since the side was last empty.
    wire [31:0] best = sell ? best_sell : best_buy;
    wire better = sell ? (price < best) : (price > best);
    wire [31:0] next_best = (reserves & ((open == 48'd0) | better)) ? price : best;

    // Open orders. The account's count moves with the holding's only.
    wire ends_one = is_update & ends & (holding_orders != 32'd0);
    wire ends_none = is_update & ends & (holding_orders == 32'd0);
    function automatic logic [31:0] stepped(input logic [31:0] count, input logic up, input logic down);
        stepped = (up & (count != '1)) ? count + 32'd1 : (down & (count != '0)) ? count - 32'd1 : count;
    endfunction
    wire orders_full = reserves & ((holding_orders == '1) | (account_orders == '1));

    // Position and held cost. A bound of a power of two less one is seen in the upper bits.
    wire signed [49:0] signed_qty = {18'd0, qty};
    wire signed [49:0] moved = {{2{position[47]}}, position} + (trade_sells ? -signed_qty : signed_qty);
    wire too_long = ~moved[49] & (moved[48:47] != 2'b00);
    wire too_short = moved[49] & ((moved[48:47] != 2'b11) | (moved[46:0] == 47'd0));
    wire signed [47:0] traded_position = too_long ? POSITION_MAX : too_short ? -POSITION_MAX : moved[47:0];
    wire flat = (moved == 50'sd0) & (mutant != 6'd45);
    wire signed [65:0] signed_cost = {2'b00, cost};
    wire signed [65:0] step = trade_sells ? -signed_cost : signed_cost;
    wire signed [65:0] held_wide = {{3{held[62]}}, held};
    wire signed [65:0] paid = held_wide + step;
    wire too_dear = ~paid[65] & (paid[64:62] != 3'b000);
    wire too_cheap = paid[65] & ((paid[64:62] != 3'b111) | (paid[61:0] == 62'd0));
    wire clamped = too_dear | too_cheap;
    wire signed [62:0] end_of_held = trade_sells ? -HELD_MAX : HELD_MAX;   // the one this trade can reach
    wire signed [62:0] traded_held = flat ? 63'sd0 : clamped ? end_of_held : paid[62:0];
    wire trade_fault = has_trade & (too_long | too_short | (~flat & clamped));

    // Held costs of the account, by sign and by size. What the new cost makes of them is computed for
    // each case beside the new cost itself, and the case selects: one addition deep instead of four.
    wire signed [65:0] net_wide = {{2{net_held[63]}}, net_held};
    wire signed [65:0] net_flat = net_wide - held_wide;
    wire signed [65:0] net_clamped = net_wide - held_wide + {{3{end_of_held[62]}}, end_of_held};
    wire signed [65:0] net_plain = net_wide + step;
    wire signed [65:0] net_sum = flat ? net_flat : clamped ? net_clamped : net_plain;
    wire net_high = ~net_sum[65] & (net_sum[64:63] != 2'b00);
    wire net_low = net_sum[65] & (net_sum[64:63] != 2'b11);
    wire [63:0] traded_net = net_high ? {1'b0, {63{1'b1}}} : net_low ? {1'b1, 63'd0} : net_sum[63:0];

    wire was_short = held[62];
    wire grows = (held == 63'sd0) | (was_short == trade_sells);
    wire crosses = paid[65] != was_short;
    wire signed [66:0] gross_wide = {3'd0, gross_held};
    wire signed [66:0] cost_wide = {3'd0, cost};
    wire signed [66:0] less_size = was_short ? {{4{held[62]}}, held} : -{{4{held[62]}}, held};
    wire signed [66:0] gross_flat = gross_wide + less_size;
    wire signed [66:0] gross_clamped = gross_wide + less_size + {4'd0, HELD_MAX};
    wire signed [66:0] gross_more = gross_wide + cost_wide;
    wire signed [66:0] gross_less = gross_wide - cost_wide;
    wire signed [66:0] gross_crossed = gross_wide + cost_wide + {less_size[65:0], 1'b0};
    wire signed [66:0] gross_sum = flat ? gross_flat : clamped ? gross_clamped
        : grows ? gross_more : crosses ? gross_crossed : gross_less;
    wire gross_low = gross_sum[66];
    wire gross_high = ~gross_sum[66] & (gross_sum[65:64] != 2'b00);
    wire [63:0] traded_gross = gross_low ? 64'd0 : gross_high ? '1 : gross_sum[63:0];
    wire held_fault = has_trade & (net_high | net_low | gross_low | gross_high);

    assign fault = (reserves & (open_more[48] | notional_more[64] | orders_full))
        | (is_update & (short_qty | short_notional | ends_none | misfit))
        | trade_fault | held_fault;

    // Message counts.
    wire [63:0] from = (arrival > now_ns) ? arrival : now_ns;
    wire [64:0] next_arrival = {1'b0, from} + {33'd0, interval};
    wire later_second = second > counted_second;
    wire later_day = day > counted_day;
    wire [31:0] in_second = later_second ? 32'd0 : second_cnt;
    wire [31:0] in_day = later_day ? 32'd0 : day_cnt;

    always_comb begin
        next_holding = holding;
        if (sell) begin
            next_holding[gate_pkg::HOLDING_OPEN_SELL_LSB +: 48] = next_open;
            next_holding[gate_pkg::HOLDING_BEST_SELL_LSB +: 32] = next_best;
        end else begin
            next_holding[gate_pkg::HOLDING_OPEN_BUY_LSB +: 48] = next_open;
            next_holding[gate_pkg::HOLDING_BEST_BUY_LSB +: 32] = next_best;
        end
        next_holding[gate_pkg::HOLDING_OPEN_ORDERS_LSB +: 32] = stepped(holding_orders, reserves, ends_one);
        if (has_trade) begin
            next_holding[gate_pkg::HOLDING_POSITION_LSB +: 48] = traded_position;
            next_holding[gate_pkg::HOLDING_HELD_LSB +: 63] = traded_held;
        end
        if (reserves) begin
            next_holding[gate_pkg::HOLDING_RECENT_USED_LSB +: 4] = recent_used | (4'd1 << recent_next);
            next_holding[gate_pkg::HOLDING_RECENT_SELLS_LSB +: 4] =
                (recent_sells & ~(4'd1 << recent_next)) | ({3'd0, sell} << recent_next);
            next_holding[gate_pkg::HOLDING_RECENT_NEXT_LSB +: 2] = recent_next + 2'd1;
            for (int slot = 0; slot < 4; slot++) begin
                if (recent_next == slot[1:0]) begin
                    next_holding[gate_pkg::HOLDING_RECENT_KEY0_LSB + 64 * slot +: 64] = {price, qty};
                    next_holding[gate_pkg::HOLDING_RECENT_NS0_LSB + 64 * slot +: 64] = now_ns;
                end
            end
        end
    end

    always_comb begin
        next_account = account;
        if (set_account) next_account[gate_pkg::ACCOUNT_GROSS_HELD_LSB-1:0] = limits;
        if (kill_account) next_account[gate_pkg::ACCOUNT_KILLED_LSB] = flag;
        else next_account[gate_pkg::ACCOUNT_KILLED_LSB] = killed | (fault & (mutant != 6'd42));
        if (reserves | is_update) begin
            if (sell) next_account[gate_pkg::ACCOUNT_OPEN_SELL_NOTIONAL_LSB +: 64] = next_notional;
            else next_account[gate_pkg::ACCOUNT_OPEN_BUY_NOTIONAL_LSB +: 64] = next_notional;
            next_account[gate_pkg::ACCOUNT_OPEN_ORDERS_LSB +: 32] = stepped(account_orders, reserves, ends_one);
        end
        if (has_trade) begin
            next_account[gate_pkg::ACCOUNT_GROSS_HELD_LSB +: 64] = traded_gross;
            next_account[gate_pkg::ACCOUNT_NET_HELD_LSB +: 64] = traded_net;
        end
        if (counts) begin
            next_account[gate_pkg::ACCOUNT_ARRIVAL_NS_LSB +: 64] = next_arrival[64] ? '1 : next_arrival[63:0];
            next_account[gate_pkg::ACCOUNT_SECOND_CNT_LSB +: 32] = stepped(in_second, 1'b1, 1'b0);
            next_account[gate_pkg::ACCOUNT_DAY_CNT_LSB +: 32] = stepped(in_day, 1'b1, 1'b0);
            if (later_second) next_account[gate_pkg::ACCOUNT_SECOND_LSB +: 35] = second;
            if (later_day) next_account[gate_pkg::ACCOUNT_DAY_LSB +: 18] = day;
        end
    end
endmodule

`default_nettype wire
