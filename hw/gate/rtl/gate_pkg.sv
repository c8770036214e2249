`default_nettype none
// Generated from hw/gate/data/gate.toml by `cargo run -p nofx-hwgen`: do not edit.
//
// *_LSB and *_W are the lowest bit and the width of a field; addresses are bytes.
// verilator lint_off UNUSEDPARAM
// Not every module uses every word.
package gate_pkg;

  // Identity.
  localparam logic [31:0] ABI_MAGIC = 32'h4758464e;
  localparam logic [31:0] ABI_VERSION = 32'h00000001;
  localparam logic [63:0] BUILD_HASH = 64'h4d6ad6f2367e1420;

  // Parameters: defaults of a build.
  // Rows of the symbol table.
  localparam int P_SYMBOLS = 8192;
  // Rows of the account table.
  localparam int P_ACCOUNTS = 256;
  // Rows of the table accounts times symbols.
  localparam int P_HOLDINGS = 8192;
  // Operations between acceptance and the end of the verdict FIFO.
  localparam int P_CREDITS = 64;
  // Cycles from an operation's acceptance to its verdict at the output, output ready.
  localparam int P_LATENCY = 9;

  // What an operation does.
  localparam int KIND_W = 8;
  localparam logic [7:0] KIND_NEW = 8'd1;
  localparam logic [7:0] KIND_REPLACE = 8'd2;
  localparam logic [7:0] KIND_CANCEL = 8'd3;
  localparam logic [7:0] KIND_UPDATE = 8'd4;
  localparam logic [7:0] KIND_RESTORE = 8'd5;
  localparam logic [7:0] KIND_KILL = 8'd6;
  localparam logic [7:0] KIND_HALT = 8'd7;
  localparam logic [7:0] KIND_EPOCH = 8'd8;
  localparam logic [7:0] KIND_SET_SYMBOL = 8'd9;
  localparam logic [7:0] KIND_SET_ACCOUNT = 8'd10;
  localparam logic [7:0] KIND_SNAPSHOT = 8'd11;
  localparam logic [7:0] KIND_BARRIER = 8'd12;

  // What a report says about a trade.
  localparam int EFFECT_W = 8;
  localparam logic [7:0] EFFECT_NONE = 8'd0;
  localparam logic [7:0] EFFECT_FILL = 8'd1;
  localparam logic [7:0] EFFECT_BREAK = 8'd2;

  // What a kill stops.
  localparam int SCOPE_W = 8;
  localparam logic [7:0] SCOPE_GLOBAL = 8'd0;
  localparam logic [7:0] SCOPE_ACCOUNT = 8'd1;
  localparam logic [7:0] SCOPE_SYMBOL = 8'd2;

  // What a snapshot reads.
  localparam int TABLE_W = 8;
  localparam logic [7:0] TABLE_SYMBOL = 8'd0;
  localparam logic [7:0] TABLE_ACCOUNT = 8'd1;
  localparam logic [7:0] TABLE_HOLDING = 8'd2;
  localparam logic [7:0] TABLE_GLOBALS = 8'd3;

  // Lines.
  localparam int LINE_W = 512;

  // An operation, host to card. `seq` is stored last.
  localparam int OP_KIND_LSB = 0;
  localparam int OP_KIND_W = 8;
  localparam int OP_FLAGS_LSB = 8;
  localparam int OP_FLAGS_W = 8;
  localparam int OP_ACCOUNT_LSB = 16;
  localparam int OP_ACCOUNT_W = 16;
  localparam int OP_SYMBOL_LSB = 32;
  localparam int OP_SYMBOL_W = 32;
  localparam int OP_PRICE_LSB = 64;
  localparam int OP_PRICE_W = 64;
  localparam int OP_QTY_LSB = 128;
  localparam int OP_QTY_W = 64;
  localparam int OP_NOW_NS_LSB = 192;
  localparam int OP_NOW_NS_W = 64;
  localparam int OP_SECOND_LSB = 256;
  localparam int OP_SECOND_W = 35;
  localparam int OP_DAY_LSB = 320;
  localparam int OP_DAY_W = 18;
  localparam int OP_EPOCH_LSB = 352;
  localparam int OP_EPOCH_W = 32;
  localparam int OP_FILL_PRICE_LSB = 128;
  localparam int OP_FILL_PRICE_W = 64;
  localparam int OP_FILL_QTY_LSB = 192;
  localparam int OP_FILL_QTY_W = 64;
  localparam int OP_RELEASED_PRICE_LSB = 256;
  localparam int OP_RELEASED_PRICE_W = 64;
  localparam int OP_RELEASED_QTY_LSB = 320;
  localparam int OP_RELEASED_QTY_W = 64;
  localparam int OP_EFFECT_LSB = 384;
  localparam int OP_EFFECT_W = 8;
  localparam int OP_ENDS_LSB = 392;
  localparam int OP_ENDS_W = 1;
  localparam int OP_SCOPE_LSB = 64;
  localparam int OP_SCOPE_W = 8;
  localparam int OP_TABLE_LSB = 64;
  localparam int OP_TABLE_W = 8;
  localparam int OP_PART_LSB = 72;
  localparam int OP_PART_W = 8;
  localparam int OP_NOTIONAL_MAX_LSB = 64;
  localparam int OP_NOTIONAL_MAX_W = 64;
  localparam int OP_LONG_MAX_LSB = 128;
  localparam int OP_LONG_MAX_W = 47;
  localparam int OP_SHORT_MAX_LSB = 176;
  localparam int OP_SHORT_MAX_W = 47;
  localparam int OP_LOT_SHIFT_LSB = 224;
  localparam int OP_LOT_SHIFT_W = 5;
  localparam int OP_PERMITTED_LSB = 232;
  localparam int OP_PERMITTED_W = 2;
  localparam int OP_LOT_INVERSE_LSB = 256;
  localparam int OP_LOT_INVERSE_W = 32;
  localparam int OP_LOT_QUOTIENT_LSB = 288;
  localparam int OP_LOT_QUOTIENT_W = 32;
  localparam int OP_QTY_MAX_LSB = 320;
  localparam int OP_QTY_MAX_W = 32;
  localparam int OP_PRICE_LOW_LSB = 352;
  localparam int OP_PRICE_LOW_W = 32;
  localparam int OP_PRICE_HIGH_LSB = 384;
  localparam int OP_PRICE_HIGH_W = 32;
  localparam int OP_SYMBOL_ORDERS_MAX_LSB = 416;
  localparam int OP_SYMBOL_ORDERS_MAX_W = 32;
  localparam int OP_GROSS_MAX_LSB = 64;
  localparam int OP_GROSS_MAX_W = 62;
  localparam int OP_NET_MAX_LSB = 128;
  localparam int OP_NET_MAX_W = 62;
  localparam int OP_RATE_INTERVAL_NS_LSB = 192;
  localparam int OP_RATE_INTERVAL_NS_W = 32;
  localparam int OP_ACCOUNT_ORDERS_MAX_LSB = 224;
  localparam int OP_ACCOUNT_ORDERS_MAX_W = 32;
  localparam int OP_RATE_TOLERANCE_NS_LSB = 256;
  localparam int OP_RATE_TOLERANCE_NS_W = 64;
  localparam int OP_DUPLICATE_WINDOW_NS_LSB = 320;
  localparam int OP_DUPLICATE_WINDOW_NS_W = 64;
  localparam int OP_PER_SECOND_MAX_LSB = 384;
  localparam int OP_PER_SECOND_MAX_W = 32;
  localparam int OP_PER_DAY_MAX_LSB = 416;
  localparam int OP_PER_DAY_MAX_W = 32;
  localparam int OP_TAG_LSB = 448;
  localparam int OP_TAG_W = 32;
  localparam int OP_SEQ_LSB = 480;
  localparam int OP_SEQ_W = 32;

  // The answer to one operation, card to host, in order. `seq` is stored last.
  localparam int VERDICT_KIND_LSB = 0;
  localparam int VERDICT_KIND_W = 8;
  localparam int VERDICT_STATUS_LSB = 8;
  localparam int VERDICT_STATUS_W = 8;
  localparam int VERDICT_STICKY_LSB = 16;
  localparam int VERDICT_STICKY_W = 16;
  localparam int VERDICT_CFG_EPOCH_LSB = 32;
  localparam int VERDICT_CFG_EPOCH_W = 32;
  localparam int VERDICT_REJECTS_LSB = 64;
  localparam int VERDICT_REJECTS_W = 64;
  localparam int VERDICT_PAYLOAD_LSB = 128;
  localparam int VERDICT_PAYLOAD_W = 256;
  localparam int VERDICT_CREDITS_LSB = 384;
  localparam int VERDICT_CREDITS_W = 32;
  localparam int VERDICT_FAULTS_LSB = 416;
  localparam int VERDICT_FAULTS_W = 32;
  localparam int VERDICT_TAG_LSB = 448;
  localparam int VERDICT_TAG_W = 32;
  localparam int VERDICT_SEQ_LSB = 480;
  localparam int VERDICT_SEQ_W = 32;

  // What is allowed in a symbol.
  localparam int SYMBOL_ROW_W = 359;
  localparam int SYMBOL_NOTIONAL_MAX_LSB = 0;
  localparam int SYMBOL_NOTIONAL_MAX_W = 64;
  localparam int SYMBOL_LONG_MAX_LSB = 64;
  localparam int SYMBOL_LONG_MAX_W = 47;
  localparam int SYMBOL_SHORT_MAX_LSB = 111;
  localparam int SYMBOL_SHORT_MAX_W = 47;
  localparam int SYMBOL_LOT_INVERSE_LSB = 158;
  localparam int SYMBOL_LOT_INVERSE_W = 32;
  localparam int SYMBOL_LOT_SHIFT_LSB = 190;
  localparam int SYMBOL_LOT_SHIFT_W = 5;
  localparam int SYMBOL_LOT_QUOTIENT_LSB = 195;
  localparam int SYMBOL_LOT_QUOTIENT_W = 32;
  localparam int SYMBOL_QTY_MAX_LSB = 227;
  localparam int SYMBOL_QTY_MAX_W = 32;
  localparam int SYMBOL_PRICE_LOW_LSB = 259;
  localparam int SYMBOL_PRICE_LOW_W = 32;
  localparam int SYMBOL_PRICE_HIGH_LSB = 291;
  localparam int SYMBOL_PRICE_HIGH_W = 32;
  localparam int SYMBOL_ORDERS_MAX_LSB = 323;
  localparam int SYMBOL_ORDERS_MAX_W = 32;
  localparam int SYMBOL_PERMITTED_LSB = 355;
  localparam int SYMBOL_PERMITTED_W = 2;
  localparam int SYMBOL_HALTED_LSB = 357;
  localparam int SYMBOL_HALTED_W = 1;
  localparam int SYMBOL_KILLED_LSB = 358;
  localparam int SYMBOL_KILLED_W = 1;

  // What an account may do and has at stake, all symbols together.
  localparam int ACCOUNT_ROW_W = 850;
  localparam int ACCOUNT_GROSS_MAX_LSB = 0;
  localparam int ACCOUNT_GROSS_MAX_W = 62;
  localparam int ACCOUNT_NET_MAX_LSB = 62;
  localparam int ACCOUNT_NET_MAX_W = 62;
  localparam int ACCOUNT_RATE_INTERVAL_NS_LSB = 124;
  localparam int ACCOUNT_RATE_INTERVAL_NS_W = 32;
  localparam int ACCOUNT_RATE_TOLERANCE_NS_LSB = 156;
  localparam int ACCOUNT_RATE_TOLERANCE_NS_W = 64;
  localparam int ACCOUNT_DUPLICATE_WINDOW_NS_LSB = 220;
  localparam int ACCOUNT_DUPLICATE_WINDOW_NS_W = 64;
  localparam int ACCOUNT_ORDERS_MAX_LSB = 284;
  localparam int ACCOUNT_ORDERS_MAX_W = 32;
  localparam int ACCOUNT_PER_SECOND_MAX_LSB = 316;
  localparam int ACCOUNT_PER_SECOND_MAX_W = 32;
  localparam int ACCOUNT_PER_DAY_MAX_LSB = 348;
  localparam int ACCOUNT_PER_DAY_MAX_W = 32;
  localparam int ACCOUNT_GROSS_HELD_LSB = 380;
  localparam int ACCOUNT_GROSS_HELD_W = 64;
  localparam int ACCOUNT_NET_HELD_LSB = 444;
  localparam int ACCOUNT_NET_HELD_W = 64;
  localparam int ACCOUNT_OPEN_BUY_NOTIONAL_LSB = 508;
  localparam int ACCOUNT_OPEN_BUY_NOTIONAL_W = 64;
  localparam int ACCOUNT_OPEN_SELL_NOTIONAL_LSB = 572;
  localparam int ACCOUNT_OPEN_SELL_NOTIONAL_W = 64;
  localparam int ACCOUNT_ARRIVAL_NS_LSB = 636;
  localparam int ACCOUNT_ARRIVAL_NS_W = 64;
  localparam int ACCOUNT_SECOND_LSB = 700;
  localparam int ACCOUNT_SECOND_W = 35;
  localparam int ACCOUNT_DAY_LSB = 735;
  localparam int ACCOUNT_DAY_W = 18;
  localparam int ACCOUNT_SECOND_CNT_LSB = 753;
  localparam int ACCOUNT_SECOND_CNT_W = 32;
  localparam int ACCOUNT_DAY_CNT_LSB = 785;
  localparam int ACCOUNT_DAY_CNT_W = 32;
  localparam int ACCOUNT_OPEN_ORDERS_LSB = 817;
  localparam int ACCOUNT_OPEN_ORDERS_W = 32;
  localparam int ACCOUNT_KILLED_LSB = 849;
  localparam int ACCOUNT_KILLED_W = 1;

  // What one account has in one symbol. `recent_*0` is the oldest slot number, not the oldest
  // order.
  localparam int HOLDING_ROW_W = 825;
  localparam int HOLDING_POSITION_LSB = 0;
  localparam int HOLDING_POSITION_W = 48;
  localparam int HOLDING_HELD_LSB = 48;
  localparam int HOLDING_HELD_W = 63;
  localparam int HOLDING_OPEN_BUY_LSB = 111;
  localparam int HOLDING_OPEN_BUY_W = 48;
  localparam int HOLDING_OPEN_SELL_LSB = 159;
  localparam int HOLDING_OPEN_SELL_W = 48;
  localparam int HOLDING_BEST_BUY_LSB = 207;
  localparam int HOLDING_BEST_BUY_W = 32;
  localparam int HOLDING_BEST_SELL_LSB = 239;
  localparam int HOLDING_BEST_SELL_W = 32;
  localparam int HOLDING_OPEN_ORDERS_LSB = 271;
  localparam int HOLDING_OPEN_ORDERS_W = 32;
  localparam int HOLDING_RECENT_USED_LSB = 303;
  localparam int HOLDING_RECENT_USED_W = 4;
  localparam int HOLDING_RECENT_SELLS_LSB = 307;
  localparam int HOLDING_RECENT_SELLS_W = 4;
  localparam int HOLDING_RECENT_NEXT_LSB = 311;
  localparam int HOLDING_RECENT_NEXT_W = 2;
  localparam int HOLDING_RECENT_KEY0_LSB = 313;
  localparam int HOLDING_RECENT_KEY0_W = 64;
  localparam int HOLDING_RECENT_KEY1_LSB = 377;
  localparam int HOLDING_RECENT_KEY1_W = 64;
  localparam int HOLDING_RECENT_KEY2_LSB = 441;
  localparam int HOLDING_RECENT_KEY2_W = 64;
  localparam int HOLDING_RECENT_KEY3_LSB = 505;
  localparam int HOLDING_RECENT_KEY3_W = 64;
  localparam int HOLDING_RECENT_NS0_LSB = 569;
  localparam int HOLDING_RECENT_NS0_W = 64;
  localparam int HOLDING_RECENT_NS1_LSB = 633;
  localparam int HOLDING_RECENT_NS1_W = 64;
  localparam int HOLDING_RECENT_NS2_LSB = 697;
  localparam int HOLDING_RECENT_NS2_W = 64;
  localparam int HOLDING_RECENT_NS3_LSB = 761;
  localparam int HOLDING_RECENT_NS3_W = 64;

  // The words that belong to no row.
  localparam int GLOBALS_ROW_W = 97;
  localparam int GLOBALS_EPOCH_LSB = 0;
  localparam int GLOBALS_EPOCH_W = 32;
  localparam int GLOBALS_FAULTS_LSB = 32;
  localparam int GLOBALS_FAULTS_W = 32;
  localparam int GLOBALS_CFG_EPOCH_LSB = 64;
  localparam int GLOBALS_CFG_EPOCH_W = 32;
  localparam int GLOBALS_KILLED_LSB = 96;
  localparam int GLOBALS_KILLED_W = 1;

  // Errors that latch the kill until the register STICKY is written with their bit.
  localparam int STICKY_W = 7;
  localparam int STICKY_SEQUENCE = 0;
  localparam int STICKY_ILLEGAL = 1;
  localparam int STICKY_PARITY = 2;
  localparam int STICKY_OVERFLOW = 3;
  localparam int STICKY_HEARTBEAT = 4;
  localparam int STICKY_STALL = 5;
  localparam int STICKY_RESET = 6;

  // Card rules: bits of the verdict's rejects.
  localparam int RULES = 21;
  localparam int RULE_RANGE = 16;
  localparam int RULE_KILL_GLOBAL = 17;
  localparam int RULE_KILL_ACCOUNT = 18;
  localparam int RULE_KILL_SYMBOL = 19;
  localparam int RULE_EPOCH = 20;
  localparam int RULE_PERMISSION = 21;
  localparam int RULE_HALT = 22;
  localparam int RULE_LOT = 23;
  localparam int RULE_MAX_QTY = 24;
  localparam int RULE_MAX_NOTIONAL = 25;
  localparam int RULE_PRICE_BAND = 26;
  localparam int RULE_POSITION_LONG = 27;
  localparam int RULE_POSITION_SHORT = 28;
  localparam int RULE_OPEN_ORDERS = 29;
  localparam int RULE_GROSS = 30;
  localparam int RULE_NET = 31;
  localparam int RULE_RATE = 32;
  localparam int RULE_PER_SECOND = 33;
  localparam int RULE_PER_DAY = 34;
  localparam int RULE_DUPLICATE = 35;
  localparam int RULE_SELF_MATCH = 36;

  // Registers.
  localparam logic [11:0] REG_MAGIC = 12'h000;
  localparam logic [11:0] REG_ABI = 12'h004;
  localparam logic [11:0] REG_CAPS = 12'h008;
  localparam logic [11:0] REG_BUILD_LO = 12'h00c;
  localparam logic [11:0] REG_BUILD_HI = 12'h010;
  localparam logic [11:0] REG_SYMBOLS_MAX = 12'h014;
  localparam logic [11:0] REG_ACCOUNTS_MAX = 12'h018;
  localparam logic [11:0] REG_HOLDINGS_MAX = 12'h01c;
  localparam logic [11:0] REG_LATENCY = 12'h020;
  localparam logic [11:0] REG_CREDITS = 12'h024;
  localparam logic [11:0] REG_STATUS = 12'h030;
  localparam logic [11:0] REG_STICKY = 12'h034;
  localparam logic [11:0] REG_CONTROL = 12'h038;
  localparam logic [11:0] REG_HEARTBEAT = 12'h03c;
  localparam logic [11:0] REG_HEARTBEAT_CYCLES = 12'h040;
  localparam logic [11:0] REG_STALL_CYCLES = 12'h044;
  localparam logic [11:0] REG_ACCOUNTS = 12'h048;
  localparam logic [11:0] REG_SYMBOLS = 12'h04c;
  localparam logic [11:0] REG_CFG_EPOCH = 12'h050;
  localparam logic [11:0] REG_COMMITS = 12'h054;
  localparam logic [11:0] REG_COMMIT_REJECTS = 12'h058;
  localparam logic [11:0] REG_SHADOW = 12'h080;
  localparam int REG_SHADOW_COUNT = 16;
  localparam logic [11:0] REG_COUNTERS = 12'h100;
  localparam int REG_COUNTERS_COUNT = 32;
  localparam logic [11:0] REG_RULE_COUNTERS = 12'h180;
  localparam int REG_RULE_COUNTERS_COUNT = 21;

  // Counters: their place in REG_COUNTERS, 64 bits each.
  localparam int COUNTERS = 10;
  localparam int COUNTER_CYCLES = 0;
  localparam int COUNTER_LINES = 1;
  localparam int COUNTER_PASSED = 2;
  localparam int COUNTER_REFUSED = 3;
  localparam int COUNTER_CANCELS = 4;
  localparam int COUNTER_UPDATES = 5;
  localparam int COUNTER_FAULTS = 6;
  localparam int COUNTER_VERDICTS = 7;
  localparam int COUNTER_WAITING = 8;
  localparam int COUNTER_SCRUBS = 9;
endpackage
// verilator lint_on UNUSEDPARAM
`default_nettype wire
