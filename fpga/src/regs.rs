//! Generated from `hw/gate/data/gate.toml` by `cargo run -p nofx-hwgen`: do not edit.
//!
//! Model: one module for each enumeration, line, row, set of flags and for registers, counters, rules
//! and parameters, with the names of the data file.

/// The first register: the bytes "NFXG".
pub const MAGIC: u32 = 0x4758_464e;
/// Version of the words.
pub const ABI: u32 = 1;
/// Hash over the sources of the gate.
pub const BUILD_HASH: u64 = 0x4d6a_d6f2_367e_1420;

/// What a core is built for, where a build does not lower it.
pub mod parameter {
    /// Rows of the symbol table.
    pub const SYMBOLS: u32 = 8192;
    /// Rows of the account table.
    pub const ACCOUNTS: u32 = 256;
    /// Rows of the table accounts times symbols.
    pub const HOLDINGS: u32 = 8192;
    /// Operations between acceptance and the end of the verdict FIFO.
    pub const CREDITS: u32 = 64;
    /// Cycles from an operation's acceptance to its verdict at the output, output ready.
    pub const LATENCY: u32 = 9;
}

/// What an operation does.
pub mod kind {
    /// A new order: judged, reserved when it passes.
    pub const NEW: u8 = 1;
    /// A replacement: judged and reserved on top of the order it replaces.
    pub const REPLACE: u8 = 2;
    /// A cancel: only counted.
    pub const CANCEL: u8 = 3;
    /// A report: fill, broken trade, cancel ack, unsolicited cancel, reject, replaced.
    pub const UPDATE: u8 = 4;
    /// An order sent before a restart: reserved and counted, not judged.
    pub const RESTORE: u8 = 5;
    /// Engages or releases a kill.
    pub const KILL: u8 = 6;
    /// Halts a symbol or resumes it.
    pub const HALT: u8 = 7;
    /// Raises the fencing epoch; a lower one changes nothing.
    pub const EPOCH: u8 = 8;
    /// Writes the limits of a symbol.
    pub const SET_SYMBOL: u8 = 9;
    /// Writes the limits of an account.
    pub const SET_ACCOUNT: u8 = 10;
    /// Reads 256 bits of a row.
    pub const SNAPSHOT: u8 = 11;
    /// Changes nothing; its verdict says that all before it is done.
    pub const BARRIER: u8 = 12;
}

/// What a report says about a trade.
pub mod effect {
    /// No trade.
    pub const NONE: u8 = 0;
    /// Leaves the open quantity, enters the position.
    pub const FILL: u8 = 1;
    /// A past fill taken back.
    pub const BREAK: u8 = 2;
}

/// What a kill stops.
pub mod scope {
    /// Every order.
    pub const GLOBAL: u8 = 0;
    /// Orders of one account.
    pub const ACCOUNT: u8 = 1;
    /// Orders in one symbol.
    pub const SYMBOL: u8 = 2;
}

/// What a snapshot reads.
pub mod table {
    /// A symbol row.
    pub const SYMBOL: u8 = 0;
    /// An account row.
    pub const ACCOUNT: u8 = 1;
    /// A holding row.
    pub const HOLDING: u8 = 2;
    /// The words that belong to no row.
    pub const GLOBALS: u8 = 3;
}

/// An operation, host to card. `seq` is stored last.
pub mod op {
    use crate::field::Field;

    /// See kind.
    pub const KIND: Field = Field::new(0, 8);
    /// Orders and updates: bit 0 sell. Kill: bit 0 engage. Halt: bit 0 halt.
    pub const FLAGS: Field = Field::new(8, 8);
    /// The account.
    pub const ACCOUNT: Field = Field::new(16, 16);
    /// The symbol.
    pub const SYMBOL: Field = Field::new(32, 32);
    /// Orders: limit price, signed. Update: price at which the traded quantity was reserved.
    pub const PRICE: Field = Field::new(64, 64);
    /// Orders: quantity.
    pub const QTY: Field = Field::new(128, 64);
    /// Orders and cancels: the engine's time, nanoseconds since 1970 UTC.
    pub const NOW_NS: Field = Field::new(192, 64);
    /// Orders and cancels: second of `now_ns`.
    pub const SECOND: Field = Field::new(256, 35);
    /// Orders and cancels: trading day of `now_ns`.
    pub const DAY: Field = Field::new(320, 18);
    /// Orders: fencing epoch stamped. Epoch: the new one.
    pub const EPOCH: Field = Field::new(352, 32);
    /// Update: price of the trade, signed.
    pub const FILL_PRICE: Field = Field::new(128, 64);
    /// Update: quantity of the trade.
    pub const FILL_QTY: Field = Field::new(192, 64);
    /// Update: price at which `released_qty` was reserved, signed.
    pub const RELEASED_PRICE: Field = Field::new(256, 64);
    /// Update: open quantity that will never trade.
    pub const RELEASED_QTY: Field = Field::new(320, 64);
    /// Update: see effect.
    pub const EFFECT: Field = Field::new(384, 8);
    /// Update: one reserved order ends here.
    pub const ENDS: Field = Field::new(392, 1);
    /// Kill: see scope.
    pub const SCOPE: Field = Field::new(64, 8);
    /// Snapshot: see table.
    pub const TABLE: Field = Field::new(64, 8);
    /// Snapshot: which 256 bits of the row, from 0.
    pub const PART: Field = Field::new(72, 8);
    /// Set symbol: largest notional of one order.
    pub const NOTIONAL_MAX: Field = Field::new(64, 64);
    /// Set symbol: longest position.
    pub const LONG_MAX: Field = Field::new(128, 47);
    /// Set symbol: shortest position, as a positive number.
    pub const SHORT_MAX: Field = Field::new(176, 47);
    /// Set symbol: trailing zeros of the lot.
    pub const LOT_SHIFT: Field = Field::new(224, 5);
    /// Set symbol: bit 0 buy, bit 1 sell.
    pub const PERMITTED: Field = Field::new(232, 2);
    /// Set symbol: inverse of the odd part of the lot modulo 2^32.
    pub const LOT_INVERSE: Field = Field::new(256, 32);
    /// Set symbol: (2^32 - 1) / lot.
    pub const LOT_QUOTIENT: Field = Field::new(288, 32);
    /// Set symbol: largest quantity of one order.
    pub const QTY_MAX: Field = Field::new(320, 32);
    /// Set symbol: lowest price.
    pub const PRICE_LOW: Field = Field::new(352, 32);
    /// Set symbol: highest price.
    pub const PRICE_HIGH: Field = Field::new(384, 32);
    /// Set symbol: most open orders of one account.
    pub const SYMBOL_ORDERS_MAX: Field = Field::new(416, 32);
    /// Set account: largest gross exposure.
    pub const GROSS_MAX: Field = Field::new(64, 62);
    /// Set account: largest net exposure.
    pub const NET_MAX: Field = Field::new(128, 62);
    /// Set account: GCRA emission interval.
    pub const RATE_INTERVAL_NS: Field = Field::new(192, 32);
    /// Set account: most open orders.
    pub const ACCOUNT_ORDERS_MAX: Field = Field::new(224, 32);
    /// Set account: GCRA tolerance.
    pub const RATE_TOLERANCE_NS: Field = Field::new(256, 64);
    /// Set account: how long an equal order is refused.
    pub const DUPLICATE_WINDOW_NS: Field = Field::new(320, 64);
    /// Set account: messages in one second.
    pub const PER_SECOND_MAX: Field = Field::new(384, 32);
    /// Set account: messages in one day.
    pub const PER_DAY_MAX: Field = Field::new(416, 32);
    /// Echoed in the verdict: the client order id.
    pub const TAG: Field = Field::new(448, 32);
    /// One more than the operation before, wrapping; the first after reset is 1.
    pub const SEQ: Field = Field::new(480, 32);
}

/// The answer to one operation, card to host, in order. `seq` is stored last.
pub mod verdict {
    use crate::field::Field;

    /// Kind of the operation.
    pub const KIND: Field = Field::new(0, 8);
    /// Bit 0: the global kill is engaged, by hand, by a fault or by a latched error, after this
    /// operation. Bit 1: an error is latched. Bit 2: this operation was a fault.
    pub const STATUS: Field = Field::new(8, 8);
    /// Latched errors, see sticky.
    pub const STICKY: Field = Field::new(16, 16);
    /// Configuration operations applied so far, this one included, wrapping.
    pub const CFG_EPOCH: Field = Field::new(32, 32);
    /// The rules that refuse; 0 passes.
    pub const REJECTS: Field = Field::new(64, 64);
    /// Snapshot: the bits asked for. New, replace, cancel, update, restore that range does not
    /// refuse: position, held, gross_held and net_held after this operation, sign-extended to 64
    /// bits each. Else 0.
    pub const PAYLOAD: Field = Field::new(128, 256);
    /// Lines performed since the scrub, this one included, wrapping: a line more may be sent while
    /// sent - credits < the register CREDITS.
    pub const CREDITS: Field = Field::new(384, 32);
    /// Faults so far, this one included; saturates.
    pub const FAULTS: Field = Field::new(416, 32);
    /// Tag of the operation.
    pub const TAG: Field = Field::new(448, 32);
    /// Sequence of the operation.
    pub const SEQ: Field = Field::new(480, 32);
}

/// What is allowed in a symbol.
pub mod symbol_row {
    use crate::field::Field;

    /// Bits of the row.
    pub const WIDTH: usize = 359;
    /// See the table of the row.
    pub const NOTIONAL_MAX: Field = Field::new(0, 64);
    /// See the table of the row.
    pub const LONG_MAX: Field = Field::new(64, 47);
    /// See the table of the row.
    pub const SHORT_MAX: Field = Field::new(111, 47);
    /// See the table of the row.
    pub const LOT_INVERSE: Field = Field::new(158, 32);
    /// See the table of the row.
    pub const LOT_SHIFT: Field = Field::new(190, 5);
    /// See the table of the row.
    pub const LOT_QUOTIENT: Field = Field::new(195, 32);
    /// See the table of the row.
    pub const QTY_MAX: Field = Field::new(227, 32);
    /// See the table of the row.
    pub const PRICE_LOW: Field = Field::new(259, 32);
    /// See the table of the row.
    pub const PRICE_HIGH: Field = Field::new(291, 32);
    /// See the table of the row.
    pub const ORDERS_MAX: Field = Field::new(323, 32);
    /// See the table of the row.
    pub const PERMITTED: Field = Field::new(355, 2);
    /// See the table of the row.
    pub const HALTED: Field = Field::new(357, 1);
    /// See the table of the row.
    pub const KILLED: Field = Field::new(358, 1);
    /// Every field by its name, least significant first.
    pub const FIELDS: [(&str, Field); 13] = [
        ("notional_max", NOTIONAL_MAX),
        ("long_max", LONG_MAX),
        ("short_max", SHORT_MAX),
        ("lot_inverse", LOT_INVERSE),
        ("lot_shift", LOT_SHIFT),
        ("lot_quotient", LOT_QUOTIENT),
        ("qty_max", QTY_MAX),
        ("price_low", PRICE_LOW),
        ("price_high", PRICE_HIGH),
        ("orders_max", ORDERS_MAX),
        ("permitted", PERMITTED),
        ("halted", HALTED),
        ("killed", KILLED),
    ];
}

/// What an account may do and has at stake, all symbols together.
pub mod account_row {
    use crate::field::Field;

    /// Bits of the row.
    pub const WIDTH: usize = 850;
    /// See the table of the row.
    pub const GROSS_MAX: Field = Field::new(0, 62);
    /// See the table of the row.
    pub const NET_MAX: Field = Field::new(62, 62);
    /// See the table of the row.
    pub const RATE_INTERVAL_NS: Field = Field::new(124, 32);
    /// See the table of the row.
    pub const RATE_TOLERANCE_NS: Field = Field::new(156, 64);
    /// See the table of the row.
    pub const DUPLICATE_WINDOW_NS: Field = Field::new(220, 64);
    /// See the table of the row.
    pub const ORDERS_MAX: Field = Field::new(284, 32);
    /// See the table of the row.
    pub const PER_SECOND_MAX: Field = Field::new(316, 32);
    /// See the table of the row.
    pub const PER_DAY_MAX: Field = Field::new(348, 32);
    /// See the table of the row.
    pub const GROSS_HELD: Field = Field::new(380, 64);
    /// See the table of the row.
    pub const NET_HELD: Field = Field::new(444, 64);
    /// See the table of the row.
    pub const OPEN_BUY_NOTIONAL: Field = Field::new(508, 64);
    /// See the table of the row.
    pub const OPEN_SELL_NOTIONAL: Field = Field::new(572, 64);
    /// See the table of the row.
    pub const ARRIVAL_NS: Field = Field::new(636, 64);
    /// See the table of the row.
    pub const SECOND: Field = Field::new(700, 35);
    /// See the table of the row.
    pub const DAY: Field = Field::new(735, 18);
    /// See the table of the row.
    pub const SECOND_CNT: Field = Field::new(753, 32);
    /// See the table of the row.
    pub const DAY_CNT: Field = Field::new(785, 32);
    /// See the table of the row.
    pub const OPEN_ORDERS: Field = Field::new(817, 32);
    /// See the table of the row.
    pub const KILLED: Field = Field::new(849, 1);
    /// Every field by its name, least significant first.
    pub const FIELDS: [(&str, Field); 19] = [
        ("gross_max", GROSS_MAX),
        ("net_max", NET_MAX),
        ("rate_interval_ns", RATE_INTERVAL_NS),
        ("rate_tolerance_ns", RATE_TOLERANCE_NS),
        ("duplicate_window_ns", DUPLICATE_WINDOW_NS),
        ("orders_max", ORDERS_MAX),
        ("per_second_max", PER_SECOND_MAX),
        ("per_day_max", PER_DAY_MAX),
        ("gross_held", GROSS_HELD),
        ("net_held", NET_HELD),
        ("open_buy_notional", OPEN_BUY_NOTIONAL),
        ("open_sell_notional", OPEN_SELL_NOTIONAL),
        ("arrival_ns", ARRIVAL_NS),
        ("second", SECOND),
        ("day", DAY),
        ("second_cnt", SECOND_CNT),
        ("day_cnt", DAY_CNT),
        ("open_orders", OPEN_ORDERS),
        ("killed", KILLED),
    ];
}

/// What one account has in one symbol. `recent_*0` is the oldest slot number, not the oldest order.
pub mod holding_row {
    use crate::field::Field;

    /// Bits of the row.
    pub const WIDTH: usize = 825;
    /// See the table of the row.
    pub const POSITION: Field = Field::new(0, 48);
    /// See the table of the row.
    pub const HELD: Field = Field::new(48, 63);
    /// See the table of the row.
    pub const OPEN_BUY: Field = Field::new(111, 48);
    /// See the table of the row.
    pub const OPEN_SELL: Field = Field::new(159, 48);
    /// See the table of the row.
    pub const BEST_BUY: Field = Field::new(207, 32);
    /// See the table of the row.
    pub const BEST_SELL: Field = Field::new(239, 32);
    /// See the table of the row.
    pub const OPEN_ORDERS: Field = Field::new(271, 32);
    /// See the table of the row.
    pub const RECENT_USED: Field = Field::new(303, 4);
    /// See the table of the row.
    pub const RECENT_SELLS: Field = Field::new(307, 4);
    /// See the table of the row.
    pub const RECENT_NEXT: Field = Field::new(311, 2);
    /// See the table of the row.
    pub const RECENT_KEY0: Field = Field::new(313, 64);
    /// See the table of the row.
    pub const RECENT_KEY1: Field = Field::new(377, 64);
    /// See the table of the row.
    pub const RECENT_KEY2: Field = Field::new(441, 64);
    /// See the table of the row.
    pub const RECENT_KEY3: Field = Field::new(505, 64);
    /// See the table of the row.
    pub const RECENT_NS0: Field = Field::new(569, 64);
    /// See the table of the row.
    pub const RECENT_NS1: Field = Field::new(633, 64);
    /// See the table of the row.
    pub const RECENT_NS2: Field = Field::new(697, 64);
    /// See the table of the row.
    pub const RECENT_NS3: Field = Field::new(761, 64);
    /// Every field by its name, least significant first.
    pub const FIELDS: [(&str, Field); 18] = [
        ("position", POSITION),
        ("held", HELD),
        ("open_buy", OPEN_BUY),
        ("open_sell", OPEN_SELL),
        ("best_buy", BEST_BUY),
        ("best_sell", BEST_SELL),
        ("open_orders", OPEN_ORDERS),
        ("recent_used", RECENT_USED),
        ("recent_sells", RECENT_SELLS),
        ("recent_next", RECENT_NEXT),
        ("recent_key0", RECENT_KEY0),
        ("recent_key1", RECENT_KEY1),
        ("recent_key2", RECENT_KEY2),
        ("recent_key3", RECENT_KEY3),
        ("recent_ns0", RECENT_NS0),
        ("recent_ns1", RECENT_NS1),
        ("recent_ns2", RECENT_NS2),
        ("recent_ns3", RECENT_NS3),
    ];
}

/// The words that belong to no row.
pub mod globals_row {
    use crate::field::Field;

    /// Bits of the row.
    pub const WIDTH: usize = 97;
    /// See the table of the row.
    pub const EPOCH: Field = Field::new(0, 32);
    /// See the table of the row.
    pub const FAULTS: Field = Field::new(32, 32);
    /// See the table of the row.
    pub const CFG_EPOCH: Field = Field::new(64, 32);
    /// See the table of the row.
    pub const KILLED: Field = Field::new(96, 1);
    /// Every field by its name, least significant first.
    pub const FIELDS: [(&str, Field); 4] = [
        ("epoch", EPOCH),
        ("faults", FAULTS),
        ("cfg_epoch", CFG_EPOCH),
        ("killed", KILLED),
    ];
}

/// Errors that latch the kill until the register STICKY is written with their bit.
pub mod sticky {
    /// An operation was not the successor of the one before.
    pub const SEQUENCE: u16 = 1 << 0;
    /// An operation of unknown kind.
    pub const ILLEGAL: u16 = 1 << 1;
    /// A row read from RAM had wrong parity.
    pub const PARITY: u16 = 1 << 2;
    /// A verdict found the FIFO full.
    pub const OVERFLOW: u16 = 1 << 3;
    /// The host was silent for HEARTBEAT_CYCLES.
    pub const HEARTBEAT: u16 = 1 << 4;
    /// The output did not take a verdict for STALL_CYCLES.
    pub const STALL: u16 = 1 << 5;
    /// The gate was reset or scrubbed: set until the host says that it knows.
    pub const RESET: u16 = 1 << 6;
    /// Every flag by its name.
    pub const FLAGS: [(&str, u16); 7] = [
        ("sequence", SEQUENCE),
        ("illegal", ILLEGAL),
        ("parity", PARITY),
        ("overflow", OVERFLOW),
        ("heartbeat", HEARTBEAT),
        ("stall", STALL),
        ("reset", RESET),
    ];
}

/// Card rules: bits of the verdict's rejects.
pub mod rule {
    /// `nofx_gate::Rule` of the same name, bit 16.
    pub const RANGE: u64 = 1 << 16;
    /// `nofx_gate::Rule` of the same name, bit 17.
    pub const KILL_GLOBAL: u64 = 1 << 17;
    /// `nofx_gate::Rule` of the same name, bit 18.
    pub const KILL_ACCOUNT: u64 = 1 << 18;
    /// `nofx_gate::Rule` of the same name, bit 19.
    pub const KILL_SYMBOL: u64 = 1 << 19;
    /// `nofx_gate::Rule` of the same name, bit 20.
    pub const EPOCH: u64 = 1 << 20;
    /// `nofx_gate::Rule` of the same name, bit 21.
    pub const PERMISSION: u64 = 1 << 21;
    /// `nofx_gate::Rule` of the same name, bit 22.
    pub const HALT: u64 = 1 << 22;
    /// `nofx_gate::Rule` of the same name, bit 23.
    pub const LOT: u64 = 1 << 23;
    /// `nofx_gate::Rule` of the same name, bit 24.
    pub const MAX_QTY: u64 = 1 << 24;
    /// `nofx_gate::Rule` of the same name, bit 25.
    pub const MAX_NOTIONAL: u64 = 1 << 25;
    /// `nofx_gate::Rule` of the same name, bit 26.
    pub const PRICE_BAND: u64 = 1 << 26;
    /// `nofx_gate::Rule` of the same name, bit 27.
    pub const POSITION_LONG: u64 = 1 << 27;
    /// `nofx_gate::Rule` of the same name, bit 28.
    pub const POSITION_SHORT: u64 = 1 << 28;
    /// `nofx_gate::Rule` of the same name, bit 29.
    pub const OPEN_ORDERS: u64 = 1 << 29;
    /// `nofx_gate::Rule` of the same name, bit 30.
    pub const GROSS: u64 = 1 << 30;
    /// `nofx_gate::Rule` of the same name, bit 31.
    pub const NET: u64 = 1 << 31;
    /// `nofx_gate::Rule` of the same name, bit 32.
    pub const RATE: u64 = 1 << 32;
    /// `nofx_gate::Rule` of the same name, bit 33.
    pub const PER_SECOND: u64 = 1 << 33;
    /// `nofx_gate::Rule` of the same name, bit 34.
    pub const PER_DAY: u64 = 1 << 34;
    /// `nofx_gate::Rule` of the same name, bit 35.
    pub const DUPLICATE: u64 = 1 << 35;
    /// `nofx_gate::Rule` of the same name, bit 36.
    pub const SELF_MATCH: u64 = 1 << 36;
    /// Every rule by its name and bit.
    pub const RULES: [(&str, u32); 21] = [
        ("range", 16),
        ("kill_global", 17),
        ("kill_account", 18),
        ("kill_symbol", 19),
        ("epoch", 20),
        ("permission", 21),
        ("halt", 22),
        ("lot", 23),
        ("max_qty", 24),
        ("max_notional", 25),
        ("price_band", 26),
        ("position_long", 27),
        ("position_short", 28),
        ("open_orders", 29),
        ("gross", 30),
        ("net", 31),
        ("rate", 32),
        ("per_second", 33),
        ("per_day", 34),
        ("duplicate", 35),
        ("self_match", 36),
    ];
}

/// Byte addresses of the registers.
pub mod reg {
    /// abi.magic. (ro)
    pub const MAGIC: u32 = 0x000;
    /// abi.version. (ro)
    pub const ABI: u32 = 0x004;
    /// Bit 0: fault injection is built in. Bit 1: a wire-side seam is built in. (ro)
    pub const CAPS: u32 = 0x008;
    /// Low half of the hash over the sources. (ro)
    pub const BUILD_LO: u32 = 0x00c;
    /// High half of it. (ro)
    pub const BUILD_HI: u32 = 0x010;
    /// Parameter symbols. (ro)
    pub const SYMBOLS_MAX: u32 = 0x014;
    /// Parameter accounts. (ro)
    pub const ACCOUNTS_MAX: u32 = 0x018;
    /// Parameter holdings. (ro)
    pub const HOLDINGS_MAX: u32 = 0x01c;
    /// Parameter latency. (ro)
    pub const LATENCY: u32 = 0x020;
    /// Parameter credits. (ro)
    pub const CREDITS: u32 = 0x024;
    /// Bit 0: ready (not scrubbing). Bit 1: the global kill is engaged for whatever reason. Bit 2:
    /// an error is latched. Bit 3: a commit waits. Bit 4: sizes are legal (else no row exists,
    /// everything is refused by range). (ro)
    pub const STATUS: u32 = 0x030;
    /// Latched errors; writing a one clears its bit. (w1c)
    pub const STICKY: u32 = 0x034;
    /// Write ones. Bit 0: scrub (sizes taken over, tables cleared, killed). Bit 1: engage the
    /// global kill. Bit 2: copy the counters. Bit 3: commit SHADOW into the stream. Bit 4: flip a
    /// stored bit of the next row read (only where caps bit 0). (wo)
    pub const CONTROL: u32 = 0x038;
    /// Any write says that the host lives; an accepted line says so too. (wo)
    pub const HEARTBEAT: u32 = 0x03c;
    /// Silence that latches the kill; 0 never. (rw)
    pub const HEARTBEAT_CYCLES: u32 = 0x040;
    /// A verdict not taken for so long latches the kill; 0 never. (rw)
    pub const STALL_CYCLES: u32 = 0x044;
    /// Accounts in use; taken over by a scrub. After reset 1. (rw)
    pub const ACCOUNTS: u32 = 0x048;
    /// Symbols in use; taken over by a scrub. After reset min(symbols_max, holdings_max). (rw)
    pub const SYMBOLS: u32 = 0x04c;
    /// Configuration operations applied. (ro)
    pub const CFG_EPOCH: u32 = 0x050;
    /// Commits of SHADOW performed, whatever they answered. (ro)
    pub const COMMITS: u32 = 0x054;
    /// Bits 16 to 47 of what the last commit was answered. (ro)
    pub const COMMIT_REJECTS: u32 = 0x058;
    /// An operation line, written at leisure. CONTROL bit 3 sends it between two lines; its seq is
    /// ignored and no verdict leaves. (rw)
    pub const SHADOW: u32 = 0x080;
    /// How many words.
    pub const SHADOW_COUNT: u32 = 16;
    /// Counters as of the last copy, see counter; 64 bits each, low half first. (ro)
    pub const COUNTERS: u32 = 0x100;
    /// How many words.
    pub const COUNTERS_COUNT: u32 = 32;
    /// Orders refused by each card rule, in the order of their bits, as of the last copy; saturates
    /// at 2^32 - 1. (ro)
    pub const RULE_COUNTERS: u32 = 0x180;
    /// How many words.
    pub const RULE_COUNTERS_COUNT: u32 = 21;
}

/// Places of the counters in `reg::COUNTERS`, 64 bits each.
pub mod counter {
    /// Clock cycles since reset.
    pub const CYCLES: u32 = 0;
    /// Lines accepted.
    pub const LINES: u32 = 1;
    /// New and replace that passed.
    pub const PASSED: u32 = 2;
    /// New and replace that were refused.
    pub const REFUSED: u32 = 3;
    /// Cancels counted.
    pub const CANCELS: u32 = 4;
    /// Reports applied.
    pub const UPDATES: u32 = 5;
    /// Faults.
    pub const FAULTS: u32 = 6;
    /// Verdicts taken by the output.
    pub const VERDICTS: u32 = 7;
    /// Cycles in which a line waited for a credit.
    pub const WAITING: u32 = 8;
    /// Scrubs finished, the one after reset included.
    pub const SCRUBS: u32 = 9;
    /// Every counter by its name, in the order of their places.
    pub const NAMES: [&str; 10] = [
        "cycles",
        "lines",
        "passed",
        "refused",
        "cancels",
        "updates",
        "faults",
        "verdicts",
        "waiting",
        "scrubs",
    ];
}
