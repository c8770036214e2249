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

    // verilator lint_off UNUSEDSIGNAL
    // Of each sum only the sign is looked at.
    //
    // A sum is over its limit when sum - limit - 1 is not negative. All terms, the inverted limit
    // (-limit - 1) among them, are first saved as sums and carries, so that one carry runs through each
    // rule and not one per term. Widths are those in which nothing can overflow.
    function automatic logic [67:0] saved(input logic [67:0] a, input logic [67:0] b, input logic [67:0] c);
        saved = a ^ b ^ c;
    endfunction
    function automatic logic [67:0] carried(input logic [67:0] a, input logic [67:0] b, input logic [67:0] c, input logic one);
        logic [67:0] majority;
        majority = (a & b) | (a & c) | (b & c);
        carried = {majority[66:0], one};
    endfunction
    function automatic logic [67:0] sum4(input logic [67:0] a, input logic [67:0] b, input logic [67:0] c,
                                         input logic [67:0] d, input logic one, input logic more);
        logic [67:0] s, k;
        s = saved(a, b, c);
        k = carried(a, b, c, one);
        sum4 = saved(s, k, d) + carried(s, k, d, more);
    endfunction

    // Worst-case positions.
    wire [67:0] position_wide = {{20{position[47]}}, position};
    wire [67:0] qty_wide = {36'd0, qty};
    wire [67:0] long_left = sum4(position_wide, {20'd0, open_buy}, qty_wide, ~{21'd0, long_max}, 1'b0, mutant == 6'd26);
    wire [67:0] short_left = sum4(~position_wide, {20'd0, open_sell}, qty_wide, ~{21'd0, short_max}, 1'b1, mutant == 6'd27);
    wire long_over = ~long_left[67];
    wire short_over = ~short_left[67];

    // Exposure.
    wire [67:0] notional_wide = {4'd0, notional};
    wire [67:0] open_both = saved({4'd0, gross_held}, {4'd0, buys}, {4'd0, sells});
    wire [67:0] open_carry = carried({4'd0, gross_held}, {4'd0, buys}, {4'd0, sells}, 1'b0);
    wire [67:0] gross_left = sum4(open_both, open_carry, notional_wide, ~{6'd0, gross_max}, 1'b0, mutant == 6'd30);
    wire gross_over = ~gross_left[67];
    wire turned = sell & (mutant != 6'd46);
    wire [67:0] towards = {{4{net_held[63]}}, net_held} ^ {68{turned}};   // and one more where turned
    wire [67:0] net_left = sum4(towards, {4'd0, sell ? sells : buys}, notional_wide, ~{6'd0, net_max}, turned, mutant == 6'd31);
    wire net_over = ~net_left[67];

    // Messages. An arrival in the past is on time; a later window has counted nothing yet.
    wire [67:0] now_wide = {4'd0, now_ns};
    wire [67:0] rate_left = saved({4'd0, arrival}, ~now_wide, ~{4'd0, tolerance})
        + carried({4'd0, arrival}, ~now_wide, ~{4'd0, tolerance}, 1'b1) + 68'(mutant == 6'd32);
    wire rate_over = ~rate_left[67];
    wire [31:0] in_second = (second > counted_second) ? 32'd0 : second_cnt;
    wire [31:0] in_day = (day > counted_day) ? 32'd0 : day_cnt;
    wire second_full = (mutant == 6'd33) ? (in_second > per_second_max) : (in_second >= per_second_max);
    wire day_full = (mutant == 6'd34) ? (in_day > per_day_max) : (in_day >= per_day_max);

    // One of the last four orders again.
    wire [3:0] equal;
    wire watches = window != 64'd0;
    for (genvar slot = 0; slot < 4; slot++) begin : g_recent
        wire [63:0] key = holding[gate_pkg::HOLDING_RECENT_KEY0_LSB + 64 * slot +: 64];
        wire [63:0] at_ns = holding[gate_pkg::HOLDING_RECENT_NS0_LSB + 64 * slot +: 64];
        // Age less window: negative while young. A stamp that steps back is young.
        wire [67:0] left = saved(now_wide, ~{4'd0, at_ns}, ~{4'd0, window})
            + carried(now_wide, ~{4'd0, at_ns}, ~{4'd0, window}, 1'b1) + 68'(mutant != 6'd35);
        assign equal[slot] = recent_used[slot] & (recent_sells[slot] == sell) & (key == {price, qty}) & left[67] & watches;
    end
    wire duplicate = |equal;

    // verilator lint_on UNUSEDSIGNAL

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
