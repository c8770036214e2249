`default_nettype none

// The pipe: one operation a cycle, seven stages, one writer of every table.
//
//   stage 0  decode, range; the symbol table is asked
//   stage 1  factors of the products stand
//   stage 3  the symbol row stands (and its writes are decided); account and holding are asked
//   stage 4  notional stands; the product of the lot test; limits of the symbol
//   stage 5  lot test; sums of what an update releases
//   stage 6  account and holding rows stand; all rules, all effects
//   stage 7  the verdict stands; rows are written back
//
// An operation enters when `in_valid`; the caller has made sure that its verdict has room. Whether it
// came from the stream (`in_stream`) or is a commit of the shadow only decides where the verdict goes
// and whether its sequence is looked at.
module gate_core #(
    parameter int SYMBOLS = gate_pkg::P_SYMBOLS,
    parameter int ACCOUNTS = gate_pkg::P_ACCOUNTS,
    parameter int HOLDINGS = gate_pkg::P_HOLDINGS
) (
    input  wire                 clk,
    input  wire                 rst,

    input  wire                 in_valid,
    input  wire                 in_stream,
    input  wire [511:0]         in_line,

    output logic                out_valid,     // a verdict for the stream
    output logic [511:0]        out_line,
    output logic                commit_done,
    output logic [31:0]         commit_rejects,

    // Sizes asked for, taken over when the scrub begins.
    input  wire [31:0]          accounts_wanted,
    input  wire [31:0]          symbols_wanted,
    input  wire                 scrub_start,   // while nothing is in the pipe
    output wire                 scrubbing,
    output logic                scrub_done,
    output wire                 idle,          // nothing is in the pipe
    output wire                 sizes_legal,

    input  wire                 kill_set,
    input  wire [gate_pkg::STICKY_W-1:0]  sticky_set,    // errors found outside the pipe
    input  wire [gate_pkg::STICKY_W-1:0]  sticky_clear,
    output logic [gate_pkg::STICKY_W-1:0] sticky,
    output wire                 killed,
    output logic [31:0]         cfg_epoch,

    // What happened in this cycle, for counters.
    output logic                did_pass,
    output logic                did_refuse,
    output logic                did_cancel,
    output logic                did_update,
    output logic                did_fault,
    output logic [20:0]         did_reject,

    input  wire                 flip,          // fault injection: the next row read has a wrong bit
    input  wire [5:0]           mutant
);
    localparam int SYMBOL_W = $clog2(SYMBOLS);
    localparam int ACCOUNT_W = $clog2(ACCOUNTS);
    localparam int HOLDING_W = $clog2(HOLDINGS);
    localparam int DEEPEST = (HOLDINGS > SYMBOLS) ? ((HOLDINGS > ACCOUNTS) ? HOLDINGS : ACCOUNTS)
        : ((SYMBOLS > ACCOUNTS) ? SYMBOLS : ACCOUNTS);
    localparam int SCRUB_W = $clog2(DEEPEST) + 1;

    // ------------------------------------------------------------------ sizes and scrub
    logic [31:0]        accounts, symbols;
    logic               scrub_on;
    logic [SCRUB_W-1:0] scrub_at;
    // Taken over when a scrub begins; legal or not stands two cycles later, in force when it ends.
    logic [31:0] accounts_taken, symbols_taken;
    logic sizes_fit, legal;
    logic [ACCOUNT_W+SYMBOL_W+1:0] rows_taken;
    always_ff @(posedge clk) begin
        // Not in the cycle of a reset: the registers are being reset in it too.
        if (scrub_on & (scrub_at == '0)) begin
            accounts_taken <= accounts_wanted;
            symbols_taken <= symbols_wanted;
        end
        sizes_fit <= (accounts_taken != 32'd0) & (accounts_taken <= ACCOUNTS)
            & (symbols_taken != 32'd0) & (symbols_taken <= SYMBOLS);
        rows_taken <= accounts_taken[ACCOUNT_W:0] * {{(ACCOUNT_W+1){1'b0}}, symbols_taken[SYMBOL_W:0]};
        legal <= sizes_fit & (64'(rows_taken) <= 64'(HOLDINGS));
    end
    assign sizes_legal = accounts != 32'd0;
    assign scrubbing = scrub_on;
    wire scrub_last = scrub_at == SCRUB_W'((mutant == 6'd40) ? DEEPEST - 2 : DEEPEST - 1);
    always_ff @(posedge clk) begin
        scrub_done <= 1'b0;
        if (rst | scrub_start) begin
            scrub_on <= 1'b1;
            scrub_at <= '0;
            accounts <= 32'd0;
            symbols <= 32'd0;
        end else if (scrub_on) begin
            scrub_at <= scrub_at + 1'b1;
            if (scrub_last & legal) begin
                accounts <= accounts_taken;
                symbols <= symbols_taken;
            end
            scrub_on <= ~scrub_last;
            scrub_done <= scrub_last;
        end
    end
    wire scrub_symbol = scrub_on & (scrub_at < SCRUB_W'(SYMBOLS));
    wire scrub_account = scrub_on & (scrub_at < SCRUB_W'(ACCOUNTS));
    wire scrub_holding = scrub_on & (scrub_at < SCRUB_W'(HOLDINGS));
    wire fresh = rst | scrub_on;   // the words that belong to no row begin anew

    // ------------------------------------------------------------------ the operation on its way
    logic         valid0, valid1, valid2, valid3, valid4, valid5, valid6;
    logic         stream0, stream1, stream2, stream3, stream4, stream5, stream6;
    logic [511:0] line0, line1, line2, line3, line4, line5, line6;
    assign idle = ~(in_valid | valid0 | valid1 | valid2 | valid3 | valid4 | valid5 | valid6 | out_valid | commit_done);
    always_ff @(posedge clk) begin
        {valid0, valid1, valid2, valid3, valid4, valid5, valid6} <=
            rst ? 7'd0 : {in_valid, valid0, valid1, valid2, valid3, valid4, valid5};
        {stream0, stream1, stream2, stream3, stream4, stream5, stream6} <=
            {in_stream, stream0, stream1, stream2, stream3, stream4, stream5};
        line0 <= in_line;
        line1 <= line0;
        line2 <= line1;
        line3 <= line2;
        line4 <= line3;
        line5 <= line4;
        line6 <= line5;
    end

    // ------------------------------------------------------------------ stage 0: decode
    wire is_order0, is_restore0, is_cancel0, is_update0, is_illegal0, range0;
    wire misfit0, has_trade0, is_fill0;
    wire [31:0] price0, qty0, fill_price0, released_price0, released_qty0;
    gate_decode decode (
        .line(line0), .accounts(accounts), .symbols(symbols),
        .is_order(is_order0), .is_restore(is_restore0), .is_cancel(is_cancel0), .is_update(is_update0),
        .is_illegal(is_illegal0), .range(range0),
        .price(price0), .qty(qty0), .fill_price(fill_price0),
        .released_price(released_price0), .released_qty(released_qty0),
        .misfit(misfit0), .has_trade(has_trade0), .is_fill(is_fill0)
    );
    // Each line of the stream is the successor of the one before it.
    logic [31:0] seq_before;
    wire [31:0] seq0 = line0[gate_pkg::OP_SEQ_LSB +: 32];
    wire gap0 = stream0 & (seq0 != seq_before + 32'd1) & (mutant != 6'd39);
    always_ff @(posedge clk) begin
        if (fresh) seq_before <= 32'd0;
        else if (valid0 & stream0) seq_before <= seq0;
    end

    // What decode found, carried to where it is used.
    localparam int FLAGS = 10;
    logic [FLAGS-1:0] flags1, flags2, flags3, flags4, flags5, flags6;
    always_ff @(posedge clk) begin
        flags1 <= {gap0, is_order0, is_restore0, is_cancel0, is_update0, is_illegal0, range0, misfit0, has_trade0, is_fill0};
        flags2 <= flags1;
        flags3 <= flags2;
        flags4 <= flags3;
        flags5 <= flags4;
        flags6 <= flags5;
    end
    wire is_fill4 = flags4[0];
    wire range3 = flags3[3];
    wire gap6, is_order6, is_restore6, is_cancel6, is_update6, is_illegal6, range6, misfit6, has_trade6, is_fill6;
    assign {gap6, is_order6, is_restore6, is_cancel6, is_update6, is_illegal6, range6, misfit6, has_trade6, is_fill6} = flags6;

    // ------------------------------------------------------------------ stages 1 to 4: products
    logic [31:0] price1, price2, price3, price4, price5, price6;
    logic [31:0] qty1, qty2, qty3, qty4, qty5, qty6;
    logic [31:0] fill_price1, released_price1, released_qty1, released_qty2, released_qty3, released_qty4;
    wire [63:0] notional4, cost4, released4;
    always_ff @(posedge clk) begin
        {price1, price2, price3, price4, price5, price6} <= {price0, price1, price2, price3, price4, price5};
        {qty1, qty2, qty3, qty4, qty5, qty6} <= {qty0, qty1, qty2, qty3, qty4, qty5};
        fill_price1 <= fill_price0;
        released_price1 <= released_price0;
        {released_qty1, released_qty2, released_qty3, released_qty4} <=
            {released_qty0, released_qty1, released_qty2, released_qty3};
    end
    product of_order (.clk(clk), .a(price1), .b(qty1), .ab(notional4));
    product of_trade (.clk(clk), .a(fill_price1), .b(qty1), .ab(cost4));
    product of_release (.clk(clk), .a(released_price1), .b(released_qty1), .ab(released4));

    // The row of the dense table [account][symbol].
    logic [HOLDING_W-1:0] holding1, holding2, holding3;
    always_ff @(posedge clk) begin
        // What is outside the tables has its low bits here and is refused by range.
        holding1 <= HOLDING_W'(26'(line0[gate_pkg::OP_ACCOUNT_LSB +: ACCOUNT_W]) * 26'(symbols[SYMBOL_W:0])
            + 26'(line0[gate_pkg::OP_SYMBOL_LSB +: SYMBOL_W]));
        holding2 <= holding1;
        holding3 <= holding2;
    end

    // ------------------------------------------------------------------ stages 0 to 3: symbol
    // Flips one stored bit of each row that the next operation of the stream reads.
    logic flip_waits, flip1, flip2, flip3, flip4;
    always_ff @(posedge clk) begin
        if (rst) flip_waits <= 1'b0;
        else if (flip) flip_waits <= 1'b1;
        else if (valid0) flip_waits <= 1'b0;
        flip1 <= flip_waits & valid0 & ~rst;
        {flip2, flip3, flip4} <= {flip1, flip2, flip3};
    end

    wire [5:0] broken_symbol, broken_account, broken_holding;
    assign broken_symbol = {mutant == 6'd14, mutant == 6'd13, mutant == 6'd4, mutant == 6'd3, mutant == 6'd2, mutant == 6'd1};
    assign broken_account = {mutant == 6'd14, mutant == 6'd13, mutant == 6'd8, mutant == 6'd7, mutant == 6'd6, mutant == 6'd5};
    assign broken_holding = {mutant == 6'd14, mutant == 6'd13, mutant == 6'd12, mutant == 6'd11, mutant == 6'd10, mutant == 6'd9};

    wire [7:0] kind3 = line3[gate_pkg::OP_KIND_LSB +: 8];
    wire flag3 = line3[gate_pkg::OP_FLAGS_LSB];
    wire set_symbol3 = kind3 == gate_pkg::KIND_SET_SYMBOL;
    wire halt3 = kind3 == gate_pkg::KIND_HALT;
    wire kill_symbol3 = (kind3 == gate_pkg::KIND_KILL) & (line3[gate_pkg::OP_SCOPE_LSB +: 8] == gate_pkg::SCOPE_SYMBOL);
    wire [gate_pkg::SYMBOL_ROW_W-1:0] symbol3;
    wire symbol_wrong3;
    logic [gate_pkg::SYMBOL_ROW_W-1:0] next_symbol3;
    always_comb begin
        next_symbol3 = symbol3;
        if (set_symbol3) begin
            next_symbol3[gate_pkg::SYMBOL_NOTIONAL_MAX_LSB +: 64] = line3[gate_pkg::OP_NOTIONAL_MAX_LSB +: 64];
            next_symbol3[gate_pkg::SYMBOL_LONG_MAX_LSB +: 47] = line3[gate_pkg::OP_LONG_MAX_LSB +: 47];
            next_symbol3[gate_pkg::SYMBOL_SHORT_MAX_LSB +: 47] = line3[gate_pkg::OP_SHORT_MAX_LSB +: 47];
            next_symbol3[gate_pkg::SYMBOL_LOT_INVERSE_LSB +: 32] = line3[gate_pkg::OP_LOT_INVERSE_LSB +: 32];
            next_symbol3[gate_pkg::SYMBOL_LOT_SHIFT_LSB +: 5] = line3[gate_pkg::OP_LOT_SHIFT_LSB +: 5];
            next_symbol3[gate_pkg::SYMBOL_LOT_QUOTIENT_LSB +: 32] = line3[gate_pkg::OP_LOT_QUOTIENT_LSB +: 32];
            next_symbol3[gate_pkg::SYMBOL_QTY_MAX_LSB +: 32] = line3[gate_pkg::OP_QTY_MAX_LSB +: 32];
            next_symbol3[gate_pkg::SYMBOL_PRICE_LOW_LSB +: 32] = line3[gate_pkg::OP_PRICE_LOW_LSB +: 32];
            if (mutant != 6'd37) next_symbol3[gate_pkg::SYMBOL_PRICE_HIGH_LSB +: 32] = line3[gate_pkg::OP_PRICE_HIGH_LSB +: 32];
            next_symbol3[gate_pkg::SYMBOL_ORDERS_MAX_LSB +: 32] = line3[gate_pkg::OP_SYMBOL_ORDERS_MAX_LSB +: 32];
            next_symbol3[gate_pkg::SYMBOL_PERMITTED_LSB +: 2] = line3[gate_pkg::OP_PERMITTED_LSB +: 2];
        end
        if (halt3) next_symbol3[gate_pkg::SYMBOL_HALTED_LSB] = flag3;
        if (kill_symbol3) next_symbol3[gate_pkg::SYMBOL_KILLED_LSB] = flag3;
    end
    // Limits that permit nothing: lot of one, a band that no price is in.
    localparam logic [gate_pkg::SYMBOL_ROW_W-1:0] SYMBOL_CLOSED =
        (gate_pkg::SYMBOL_ROW_W'(1) << gate_pkg::SYMBOL_LOT_INVERSE_LSB)
        | (gate_pkg::SYMBOL_ROW_W'(32'hffff_ffff) << gate_pkg::SYMBOL_LOT_QUOTIENT_LSB)
        | (gate_pkg::SYMBOL_ROW_W'(32'hffff_ffff) << gate_pkg::SYMBOL_PRICE_LOW_LSB);
    state_table #(.WIDTH(gate_pkg::SYMBOL_ROW_W), .DEPTH(SYMBOLS), .CLOSED(SYMBOL_CLOSED)) symbol_table (
        .clk(clk), .rst(rst),
        .index(line0[gate_pkg::OP_SYMBOL_LSB +: SYMBOL_W]), .flip(flip1),
        .row(symbol3), .parity_error(symbol_wrong3),
        .write(valid3 & ~range3 & (set_symbol3 | halt3 | kill_symbol3)), .next(next_symbol3),
        .scrub(scrub_symbol), .scrub_index(scrub_at[SYMBOL_W-1:0]),
        .broken(broken_symbol)
    );

    // ------------------------------------------------------------------ stages 4 and 5: rules of the symbol
    logic [gate_pkg::SYMBOL_ROW_W-1:0] symbol4;
    logic [63:0] notional5, notional6, cost5, cost6, released5;
    logic [31:0] lot_low5;
    logic [15:0] lot_cross5, lot_crossed5;
    logic [31:0] lot_quotient5;
    logic [4:0]  lot_shift5;
    logic [46:0] long_max5, long_max6, short_max5, short_max6;
    logic [31:0] orders_max5, orders_max6;
    logic [63:0] of_symbol5, of_symbol6;
    logic [32:0] released_qty5, released_qty6;
    logic [64:0] released_notional6;
    logic        symbol_wrong4, symbol_wrong5, symbol_wrong6;
    logic [255:0] slice5, slice6;
    wire [31:0] inverse4 = symbol4[gate_pkg::SYMBOL_LOT_INVERSE_LSB +: 32];
    wire sell4 = line4[gate_pkg::OP_FLAGS_LSB];
    wire [7:0] part4 = line4[gate_pkg::OP_PART_LSB +: 8];
    wire over_qty4 = (mutant == 6'd22) ? (qty4 >= symbol4[gate_pkg::SYMBOL_QTY_MAX_LSB +: 32])
        : (qty4 > symbol4[gate_pkg::SYMBOL_QTY_MAX_LSB +: 32]);
    wire over_notional4 = (mutant == 6'd23) ? (notional4 >= symbol4[gate_pkg::SYMBOL_NOTIONAL_MAX_LSB +: 64])
        : (notional4 > symbol4[gate_pkg::SYMBOL_NOTIONAL_MAX_LSB +: 64]);
    wire below4 = (mutant == 6'd24) ? (price4 <= symbol4[gate_pkg::SYMBOL_PRICE_LOW_LSB +: 32])
        : (price4 < symbol4[gate_pkg::SYMBOL_PRICE_LOW_LSB +: 32]);
    wire above4 = (mutant == 6'd25) ? (price4 >= symbol4[gate_pkg::SYMBOL_PRICE_HIGH_LSB +: 32])
        : (price4 > symbol4[gate_pkg::SYMBOL_PRICE_HIGH_LSB +: 32]);
    wire permitted4 = symbol4[gate_pkg::SYMBOL_PERMITTED_LSB + (sell4 ? 1 : 0)];
    logic [63:0] of_symbol4;
    always_comb begin
        of_symbol4 = 64'd0;
        of_symbol4[gate_pkg::RULE_KILL_SYMBOL] = symbol4[gate_pkg::SYMBOL_KILLED_LSB] & (mutant != 6'd18);
        of_symbol4[gate_pkg::RULE_PERMISSION] = ~permitted4 & (mutant != 6'd19);
        of_symbol4[gate_pkg::RULE_HALT] = symbol4[gate_pkg::SYMBOL_HALTED_LSB] & (mutant != 6'd20);
        of_symbol4[gate_pkg::RULE_LOT] = qty4 == 32'd0;
        of_symbol4[gate_pkg::RULE_MAX_QTY] = over_qty4;
        of_symbol4[gate_pkg::RULE_MAX_NOTIONAL] = over_notional4;
        of_symbol4[gate_pkg::RULE_PRICE_BAND] = below4 | above4;
    end
    // A multiple of the lot: the product, rotated right, is at most the quotient.
    wire [31:0] lot_product5 = {lot_low5[31:16] + lot_cross5 + lot_crossed5, lot_low5[15:0]};
    wire [31:0] rotated5 = 32'({lot_product5, lot_product5} >> lot_shift5);
    wire odd_lot5 = (rotated5 > lot_quotient5) & (mutant != 6'd21);
    always_ff @(posedge clk) begin
        symbol4 <= symbol3;
        {symbol_wrong4, symbol_wrong5, symbol_wrong6} <= {symbol_wrong3, symbol_wrong4, symbol_wrong5};

        lot_low5 <= {16'd0, qty4[15:0]} * {16'd0, inverse4[15:0]};
        lot_cross5 <= qty4[31:16] * inverse4[15:0];
        lot_crossed5 <= qty4[15:0] * inverse4[31:16];
        lot_quotient5 <= symbol4[gate_pkg::SYMBOL_LOT_QUOTIENT_LSB +: 32];
        lot_shift5 <= symbol4[gate_pkg::SYMBOL_LOT_SHIFT_LSB +: 5];
        of_symbol5 <= of_symbol4;
        long_max5 <= symbol4[gate_pkg::SYMBOL_LONG_MAX_LSB +: 47];
        short_max5 <= symbol4[gate_pkg::SYMBOL_SHORT_MAX_LSB +: 47];
        orders_max5 <= symbol4[gate_pkg::SYMBOL_ORDERS_MAX_LSB +: 32];
        notional5 <= notional4;
        cost5 <= cost4;
        released5 <= released4;
        released_qty5 <= {1'b0, released_qty4} + (is_fill4 ? {1'b0, qty4} : 33'd0);
        slice5 <= (part4 == 8'd0) ? symbol4[255:0]
            : (part4 == 8'd1) ? {{(512-gate_pkg::SYMBOL_ROW_W){1'b0}}, symbol4[gate_pkg::SYMBOL_ROW_W-1:256]} : 256'd0;

        of_symbol6 <= of_symbol5;
        of_symbol6[gate_pkg::RULE_LOT] <= of_symbol5[gate_pkg::RULE_LOT] | odd_lot5;
        {long_max6, short_max6, orders_max6} <= {long_max5, short_max5, orders_max5};
        notional6 <= notional5;
        cost6 <= cost5;
        released_qty6 <= released_qty5;
        released_notional6 <= {1'b0, released5} + (flags5[0] ? {1'b0, notional5} : 65'd0);
        slice6 <= slice5;
    end

    // ------------------------------------------------------------------ stages 3 to 6: account and holding
    wire [gate_pkg::ACCOUNT_ROW_W-1:0] account6, next_account6;
    wire [gate_pkg::HOLDING_ROW_W-1:0] row6, next_row6;
    wire account_wrong6, holding_wrong6, account_write6, holding_write6;
    state_table #(.WIDTH(gate_pkg::ACCOUNT_ROW_W), .DEPTH(ACCOUNTS),
        // A rate of one a second, everything else zero.
        .CLOSED(gate_pkg::ACCOUNT_ROW_W'(64'd1_000_000_000) << gate_pkg::ACCOUNT_RATE_INTERVAL_NS_LSB)) account_table (
        .clk(clk), .rst(rst),
        .index(line3[gate_pkg::OP_ACCOUNT_LSB +: ACCOUNT_W]), .flip(flip4),
        .row(account6), .parity_error(account_wrong6),
        .write(account_write6), .next(next_account6),
        .scrub(scrub_account), .scrub_index(scrub_at[ACCOUNT_W-1:0]),
        .broken(broken_account)
    );
    state_table #(.WIDTH(gate_pkg::HOLDING_ROW_W), .DEPTH(HOLDINGS)) holding_table (
        .clk(clk), .rst(rst),
        .index(holding3), .flip(flip4),
        .row(row6), .parity_error(holding_wrong6),
        .write(holding_write6), .next(next_row6),
        .scrub(scrub_holding), .scrub_index(scrub_at[HOLDING_W-1:0]),
        .broken(broken_holding)
    );

    // ------------------------------------------------------------------ stage 6: all rules, all effects
    logic [31:0] epoch, faults, lines;
    logic        killed_word;
    wire [7:0] kind6 = line6[gate_pkg::OP_KIND_LSB +: 8];
    wire flag6 = line6[gate_pkg::OP_FLAGS_LSB];
    wire is_kill6 = kind6 == gate_pkg::KIND_KILL;
    wire [7:0] scope6 = line6[gate_pkg::OP_SCOPE_LSB +: 8];
    wire set_symbol6 = (kind6 == gate_pkg::KIND_SET_SYMBOL) & ~range6;
    wire set_account6 = (kind6 == gate_pkg::KIND_SET_ACCOUNT) & ~range6;
    wire is_snapshot6 = (kind6 == gate_pkg::KIND_SNAPSHOT) & ~range6;
    wire [7:0] table6 = line6[gate_pkg::OP_TABLE_LSB +: 8];
    wire [7:0] part6 = line6[gate_pkg::OP_PART_LSB +: 8];

    // Errors that this operation itself brings to light count for itself.
    logic [gate_pkg::STICKY_W-1:0] found6;
    wire reads_symbol6 = is_order6 | is_restore6 | is_cancel6 | is_update6 | (kind6 == gate_pkg::KIND_HALT)
        | (kind6 == gate_pkg::KIND_SET_SYMBOL) | (is_kill6 & (scope6 == gate_pkg::SCOPE_SYMBOL))
        | (is_snapshot6 & ((table6 == gate_pkg::TABLE_SYMBOL) | (table6 == gate_pkg::TABLE_HOLDING)));
    wire reads_account6 = is_order6 | is_restore6 | is_cancel6 | is_update6 | (kind6 == gate_pkg::KIND_SET_ACCOUNT)
        | (is_kill6 & (scope6 == gate_pkg::SCOPE_ACCOUNT))
        | (is_snapshot6 & ((table6 == gate_pkg::TABLE_ACCOUNT) | (table6 == gate_pkg::TABLE_HOLDING)));
    wire reads_holding6 = is_order6 | is_restore6 | is_cancel6 | is_update6
        | (is_snapshot6 & (table6 == gate_pkg::TABLE_HOLDING));
    always_comb begin
        found6 = '0;
        found6[gate_pkg::STICKY_SEQUENCE] = gap6;
        found6[gate_pkg::STICKY_ILLEGAL] = is_illegal6;
        found6[gate_pkg::STICKY_PARITY] = ~range6 & ((reads_symbol6 & symbol_wrong6)
            | (reads_account6 & account_wrong6) | (reads_holding6 & holding_wrong6));
    end
    wire [gate_pkg::STICKY_W-1:0] sticky6 = sticky | (valid6 ? found6 : '0);

    wire [63:0] of_stake6;
    gate_rules rules (
        .sell(flag6), .price(price6), .qty(qty6), .notional(notional6),
        .now_ns(line6[gate_pkg::OP_NOW_NS_LSB +: 64]), .second(line6[gate_pkg::OP_SECOND_LSB +: 35]), .day(line6[gate_pkg::OP_DAY_LSB +: 18]),
        .stamped_epoch(line6[gate_pkg::OP_EPOCH_LSB +: 32]),
        .long_max(long_max6), .short_max(short_max6), .symbol_orders_max(orders_max6),
        .holding(row6), .account(account6), .killed(killed_word | (sticky6 != '0)), .epoch(epoch),
        .rejects(of_stake6), .mutant(mutant)
    );
    localparam logic [63:0] RANGE_ONLY = 64'd1 << gate_pkg::RULE_RANGE;
    wire [63:0] rejects6 = range6 ? RANGE_ONLY : is_order6 ? (of_symbol6 | of_stake6) : 64'd0;
    wire passes6 = is_order6 & (rejects6 == 64'd0);
    wire reserves6 = passes6 | (is_restore6 & ~range6);
    wire applies6 = is_update6 & ~range6;
    wire counts6 = ((reserves6 & ~((mutant == 6'd43) & is_restore6)) | is_cancel6) & ~range6;
    wire kill_account6 = is_kill6 & (scope6 == gate_pkg::SCOPE_ACCOUNT) & ~range6;

    // The configuration words of a line in the order of the row.
    wire [gate_pkg::ACCOUNT_GROSS_HELD_LSB-1:0] limits6 = {
        line6[gate_pkg::OP_PER_DAY_MAX_LSB +: 32], line6[gate_pkg::OP_PER_SECOND_MAX_LSB +: 32], line6[gate_pkg::OP_ACCOUNT_ORDERS_MAX_LSB +: 32],
        line6[gate_pkg::OP_DUPLICATE_WINDOW_NS_LSB +: 64], line6[gate_pkg::OP_RATE_TOLERANCE_NS_LSB +: 64],
        line6[gate_pkg::OP_RATE_INTERVAL_NS_LSB +: 32], line6[gate_pkg::OP_NET_MAX_LSB +: 62], line6[gate_pkg::OP_GROSS_MAX_LSB +: 62]};
    wire row_fault6;
    gate_next next (
        .reserves(reserves6), .counts(counts6), .is_update(applies6),
        .set_account(set_account6), .kill_account(kill_account6), .flag(flag6),
        .price(price6), .qty(qty6), .notional(notional6),
        .now_ns(line6[gate_pkg::OP_NOW_NS_LSB +: 64]), .second(line6[gate_pkg::OP_SECOND_LSB +: 35]), .day(line6[gate_pkg::OP_DAY_LSB +: 18]),
        .has_trade(has_trade6 & ~range6), .trade_sells((is_fill6 | (mutant == 6'd44)) ? flag6 : ~flag6), .cost(cost6),
        .released_qty(released_qty6), .released_notional(released_notional6),
        .ends(line6[gate_pkg::OP_ENDS_LSB]), .misfit(misfit6), .limits(limits6),
        .holding(row6), .account(account6), .next_holding(next_row6), .next_account(next_account6),
        .fault(row_fault6), .mutant(mutant)
    );
    assign holding_write6 = valid6 & (reserves6 | applies6);
    assign account_write6 = valid6 & (reserves6 | counts6 | applies6 | set_account6 | kill_account6);
    wire lost_report6 = is_update6 & range6;
    wire fault6 = row_fault6 | lost_report6;

    // The words that belong to no row.
    wire kill_global6 = is_kill6 & (scope6 == gate_pkg::SCOPE_GLOBAL);
    wire release6 = kill_global6 & ~flag6;
    wire engage6 = (kill_global6 & flag6) | lost_report6;
    wire next_killed6 = engage6 | (killed_word & ~release6);
    wire [31:0] next_cfg_epoch6 = cfg_epoch + {31'd0, set_symbol6 | set_account6};
    wire [31:0] next_faults6 = (fault6 & (faults != '1)) ? faults + 32'd1 : faults;
    wire [31:0] stamped6 = line6[gate_pkg::OP_EPOCH_LSB +: 32];
    wire [31:0] next_epoch6 = ((kind6 == gate_pkg::KIND_EPOCH) & (stamped6 > epoch)) ? stamped6 : epoch;
    assign killed = killed_word | (sticky != '0) | ~sizes_legal;
    always_ff @(posedge clk) begin
        sticky <= (sticky6 & ~sticky_clear) | sticky_set;
        if (fresh) begin
            epoch <= 32'd0;
            faults <= 32'd0;
            cfg_epoch <= 32'd0;
            lines <= 32'd0;
        end else if (valid6) begin
            epoch <= next_epoch6;
            faults <= next_faults6;
            cfg_epoch <= next_cfg_epoch6;
            lines <= lines + {31'd0, stream6};
        end
        if (fresh | kill_set) killed_word <= 1'b1;
        else if (valid6) killed_word <= next_killed6;
        if (fresh) sticky[gate_pkg::STICKY_RESET] <= 1'b1;
        if (rst) sticky <= gate_pkg::STICKY_W'(1) << gate_pkg::STICKY_RESET;
    end

    // ------------------------------------------------------------------ stage 7: the verdict
    function automatic logic [255:0] slice(input logic [1023:0] row, input logic [7:0] part);
        case (part)
            8'd0: slice = row[255:0];
            8'd1: slice = row[511:256];
            8'd2: slice = row[767:512];
            8'd3: slice = row[1023:768];
            default: slice = 256'd0;
        endcase
    endfunction
    wire [47:0] position_after = holding_write6 ? next_row6[gate_pkg::HOLDING_POSITION_LSB +: 48] : row6[gate_pkg::HOLDING_POSITION_LSB +: 48];
    wire [62:0] held_after = holding_write6 ? next_row6[gate_pkg::HOLDING_HELD_LSB +: 63] : row6[gate_pkg::HOLDING_HELD_LSB +: 63];
    wire [127:0] stake_after = account_write6 ? next_account6[gate_pkg::ACCOUNT_GROSS_HELD_LSB +: 128]
        : account6[gate_pkg::ACCOUNT_GROSS_HELD_LSB +: 128];
    logic [255:0] payload6;
    always_comb begin
        payload6 = 256'd0;
        if (is_snapshot6) begin
            case (table6)
                gate_pkg::TABLE_SYMBOL: payload6 = slice6;
                gate_pkg::TABLE_ACCOUNT: payload6 = slice({{(1024-gate_pkg::ACCOUNT_ROW_W){1'b0}}, account6}, part6);
                gate_pkg::TABLE_HOLDING: payload6 = slice({{(1024-gate_pkg::HOLDING_ROW_W){1'b0}}, row6}, part6);
                default:
                    if (part6 == 8'd0) payload6 = {{(256-gate_pkg::GLOBALS_ROW_W){1'b0}}, killed_word, cfg_epoch, faults, epoch};
            endcase
        end else if ((is_order6 | is_restore6 | is_cancel6 | is_update6) & ~range6) begin
            payload6 = {stake_after, held_after[62], held_after, {16{position_after[47]}}, position_after};
        end
    end
    wire [15:0] sticky_wide6 = {{(16-gate_pkg::STICKY_W){1'b0}}, sticky6};
    always_ff @(posedge clk) begin
        out_valid <= valid6 & stream6 & ~rst;
        out_line[gate_pkg::VERDICT_KIND_LSB +: 8] <= kind6;
        out_line[gate_pkg::VERDICT_STATUS_LSB +: 8] <=
            {5'd0, fault6, sticky6 != '0, next_killed6 | (sticky6 != '0) | ~sizes_legal};
        out_line[gate_pkg::VERDICT_STICKY_LSB +: 16] <= sticky_wide6;
        out_line[gate_pkg::VERDICT_CFG_EPOCH_LSB +: 32] <= next_cfg_epoch6;
        out_line[gate_pkg::VERDICT_REJECTS_LSB +: 64] <= rejects6;
        out_line[gate_pkg::VERDICT_PAYLOAD_LSB +: 256] <= payload6;
        out_line[gate_pkg::VERDICT_CREDITS_LSB +: 32] <= lines + 32'd1;
        out_line[gate_pkg::VERDICT_FAULTS_LSB +: 32] <= next_faults6;
        out_line[gate_pkg::VERDICT_TAG_LSB +: 32] <= line6[gate_pkg::OP_TAG_LSB +: 32];
        out_line[gate_pkg::VERDICT_SEQ_LSB +: 32] <= line6[gate_pkg::OP_SEQ_LSB +: 32];

        commit_done <= valid6 & ~stream6 & ~rst;
        commit_rejects <= rejects6[47:16];

        did_pass <= valid6 & passes6 & ~rst;
        did_refuse <= valid6 & is_order6 & ~passes6 & ~rst;
        did_cancel <= valid6 & is_cancel6 & ~range6 & ~rst;
        did_update <= valid6 & applies6 & ~rst;
        did_fault <= valid6 & fault6 & ~rst;
        did_reject <= (valid6 & is_order6 & ~rst) ? rejects6[gate_pkg::RULE_RANGE +: 21] : 21'd0;
    end
endmodule

`default_nettype wire
