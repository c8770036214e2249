`default_nettype none

// The rules that look at what is at stake: the holding, the account, the words of all. Combinational;
// one output bit per rule, every rule answers for every order. The rules that look at the symbol
// alone are answered stages earlier, see gate_core. Limits are inclusive.
module gate_rules (
    input  wire                     sell,
    input  wire [31:0]              price,
    input  wire [31:0]              qty,
    input  wire [63:0]              notional,
    input  wire [63:0]              now_ns,
    input  wire [34:0]              second,
    input  wire [17:0]              day,
    input  wire [31:0]              stamped_epoch,
    input  wire [46:0]              long_max,
    input  wire [46:0]              short_max,
    input  wire [31:0]              symbol_orders_max,

    input  wire [gate_pkg::HOLDING_ROW_W-1:0] holding,
    input  wire [gate_pkg::ACCOUNT_ROW_W-1:0] account,
    input  wire                     killed,
    input  wire [31:0]              epoch,

    output logic [63:0]             rejects,
    input  wire [5:0]               mutant
);
    // Holding.
    wire signed [47:0] position = holding[gate_pkg::HOLDING_POSITION_LSB +: 48];
    wire [47:0] open_buy = holding[gate_pkg::HOLDING_OPEN_BUY_LSB +: 48];
    wire [47:0] open_sell = holding[gate_pkg::HOLDING_OPEN_SELL_LSB +: 48];
    wire [31:0] best_buy = holding[gate_pkg::HOLDING_BEST_BUY_LSB +: 32];
    wire [31:0] best_sell = holding[gate_pkg::HOLDING_BEST_SELL_LSB +: 32];
    wire [31:0] holding_orders = holding[gate_pkg::HOLDING_OPEN_ORDERS_LSB +: 32];
    wire [3:0]  recent_used = holding[gate_pkg::HOLDING_RECENT_USED_LSB +: 4];
    wire [3:0]  recent_sells = holding[gate_pkg::HOLDING_RECENT_SELLS_LSB +: 4];

    // Account.
    wire [61:0] gross_max = account[gate_pkg::ACCOUNT_GROSS_MAX_LSB +: 62];
    wire [61:0] net_max = account[gate_pkg::ACCOUNT_NET_MAX_LSB +: 62];
    wire [63:0] tolerance = account[gate_pkg::ACCOUNT_RATE_TOLERANCE_NS_LSB +: 64];
    wire [63:0] window = account[gate_pkg::ACCOUNT_DUPLICATE_WINDOW_NS_LSB +: 64];
    wire [31:0] account_orders_max = account[gate_pkg::ACCOUNT_ORDERS_MAX_LSB +: 32];
    wire [31:0] per_second_max = account[gate_pkg::ACCOUNT_PER_SECOND_MAX_LSB +: 32];
    wire [31:0] per_day_max = account[gate_pkg::ACCOUNT_PER_DAY_MAX_LSB +: 32];
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

    // Worst-case positions: 48 bits and 48 bits and 32 bits fit 51 signed.
    wire signed [50:0] position_wide = {{3{position[47]}}, position};
    wire signed [50:0] longest = position_wide + $signed({3'd0, open_buy}) + $signed({19'd0, qty});
    wire signed [50:0] shortest = $signed({3'd0, open_sell}) + $signed({19'd0, qty}) - position_wide;
    wire long_over = (mutant == 6'd26) ? (longest >= $signed({4'd0, long_max}))
        : (longest > $signed({4'd0, long_max}));
    wire short_over = (mutant == 6'd27) ? (shortest >= $signed({4'd0, short_max}))
        : (shortest > $signed({4'd0, short_max}));

    // Exposure in full width: a sum cannot leave it, so nothing needs to saturate.
    wire [66:0] gross = {3'd0, gross_held} + {3'd0, buys} + {3'd0, sells} + {3'd0, notional};
    wire gross_over = (mutant == 6'd30) ? (gross >= {5'd0, gross_max}) : (gross > {5'd0, gross_max});
    wire signed [66:0] net_wide = {{3{net_held[63]}}, net_held};
    wire signed [66:0] towards = (sell & (mutant != 6'd46)) ? -net_wide : net_wide;
    wire signed [66:0] net = towards + $signed({3'd0, sell ? sells : buys}) + $signed({3'd0, notional});
    wire net_over = (mutant == 6'd31) ? (net >= $signed({5'd0, net_max})) : (net > $signed({5'd0, net_max}));

    // Messages. An arrival in the past is on time; a later window has counted nothing yet.
    wire [63:0] ahead = arrival - now_ns;
    wire rate_over = (arrival > now_ns)
        & ((mutant == 6'd32) ? (ahead >= tolerance) : (ahead > tolerance));
    wire [31:0] in_second = (second > counted_second) ? 32'd0 : second_cnt;
    wire [31:0] in_day = (day > counted_day) ? 32'd0 : day_cnt;
    wire second_full = (mutant == 6'd33) ? (in_second > per_second_max) : (in_second >= per_second_max);
    wire day_full = (mutant == 6'd34) ? (in_day > per_day_max) : (in_day >= per_day_max);

    // One of the last four orders again.
    wire [3:0] equal;
    for (genvar slot = 0; slot < 4; slot++) begin : g_recent
        wire [63:0] key = holding[gate_pkg::HOLDING_RECENT_KEY0_LSB + 64 * slot +: 64];
        wire [63:0] at_ns = holding[gate_pkg::HOLDING_RECENT_NS0_LSB + 64 * slot +: 64];
        wire [63:0] age = (now_ns > at_ns) ? now_ns - at_ns : 64'd0;
        wire young = (mutant == 6'd35) ? (age <= window) : (age < window);
        assign equal[slot] = recent_used[slot] & (recent_sells[slot] == sell) & (key == {price, qty}) & young;
    end
    wire duplicate = |equal;

    // Would trade with an own order: counts only while something is open on the other side.
    wire buy_reaches = (mutant == 6'd36) ? (price > best_sell) : (price >= best_sell);
    wire self_match = sell ? ((open_buy != 48'd0) & (price <= best_buy))
        : ((open_sell != 48'd0) & buy_reaches);

    wire holding_full = (mutant == 6'd28) ? (holding_orders > symbol_orders_max)
        : (holding_orders >= symbol_orders_max);
    wire account_full = (mutant == 6'd29) ? (account_orders > account_orders_max)
        : (account_orders >= account_orders_max);

    always_comb begin
        rejects = 64'd0;
        rejects[gate_pkg::RULE_KILL_GLOBAL] = killed & (mutant != 6'd16);
        rejects[gate_pkg::RULE_KILL_ACCOUNT] = account[gate_pkg::ACCOUNT_KILLED_LSB] & (mutant != 6'd17);
        rejects[gate_pkg::RULE_EPOCH] = (mutant == 6'd15) ? (stamped_epoch <= epoch) : (stamped_epoch < epoch);
        rejects[gate_pkg::RULE_POSITION_LONG] = ~sell & long_over;
        rejects[gate_pkg::RULE_POSITION_SHORT] = sell & short_over;
        rejects[gate_pkg::RULE_OPEN_ORDERS] = holding_full | account_full;
        rejects[gate_pkg::RULE_GROSS] = gross_over;
        rejects[gate_pkg::RULE_NET] = net_over;
        rejects[gate_pkg::RULE_RATE] = rate_over;
        rejects[gate_pkg::RULE_PER_SECOND] = second_full;
        rejects[gate_pkg::RULE_PER_DAY] = day_full;
        rejects[gate_pkg::RULE_DUPLICATE] = duplicate;
        rejects[gate_pkg::RULE_SELF_MATCH] = self_match;
    end

    // Fields of the rows that no rule looks at.
    wire unused = &{1'b0, holding, account};
endmodule

`default_nettype wire
