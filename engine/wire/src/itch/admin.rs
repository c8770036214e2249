//! Session, symbol table, trading state and market-wide breakers.

use super::message;
use crate::num::{Be32, Be64};

message! {
    /// System Event: a boundary of the day.
    SystemEvent, b'S', 12 bytes {
        /// `O` start of messages, `S` start of system hours, `Q` start of market hours, `M` end of
        /// market hours, `E` end of system hours, `C` end of messages.
        11 event_code: u8,
    }
}

message! {
    /// Stock Directory: names a locate; comes before any order of the symbol.
    StockDirectory, b'R', 39 bytes {
        /// Symbol.
        11 stock: [u8; 8],
        /// Listing market: `Q` `G` `S` Nasdaq tiers, `N` NYSE, `A` American, `P` Arca, `M` Texas,
        /// `Z` Bats, `V` IEX, space not available.
        19 market_category: u8,
        /// Issuer status: `D` `E` `Q` `S` `G` `H` `J` `K` `C` `N` or space.
        20 financial_status: u8,
        /// Shares in a round lot.
        21 round_lot_size: Be32,
        /// `Y`: only round lots are accepted; `N`.
        25 round_lots_only: u8,
        /// Security class.
        26 issue_classification: u8,
        /// Security subclass.
        27 issue_sub_type: [u8; 2],
        /// `P` live, `T` test symbol.
        29 authenticity: u8,
        /// Reg SHO threshold list: `Y`, `N` or space.
        30 short_sale_threshold: u8,
        /// New listing: `Y`, `N`, `Z` (not an IPO) or space.
        31 ipo_flag: u8,
        /// Limit-up limit-down tier: `1`, `2` or space.
        32 luld_tier: u8,
        /// Exchange-traded product: `Y`, `N` or space.
        33 etp_flag: u8,
        /// Leverage of the product.
        34 etp_leverage: Be32,
        /// Inverse product: `Y`, `N`.
        38 inverse: u8,
    }
}

message! {
    /// Stock Trading Action: the trading state of a symbol.
    TradingAction, b'H', 25 bytes {
        /// Symbol.
        11 stock: [u8; 8],
        /// `H` halted, `P` paused, `Q` quotation only, `T` trading.
        19 trading_state: u8,
        /// Skipped.
        20 reserved: u8,
        /// Reason code (`T1`, `LUDP`, `MWC1`, …), spaces for none.
        21 reason: [u8; 4],
    }
}

message! {
    /// Reg SHO short-sale price test.
    RegSho, b'Y', 20 bytes {
        /// Symbol.
        11 stock: [u8; 8],
        /// `0` none, `1` restricted, `2` restriction continues.
        19 action: u8,
    }
}

message! {
    /// Market Participant Position.
    ParticipantPosition, b'L', 26 bytes {
        /// Market participant.
        11 mpid: [u8; 4],
        /// Symbol.
        15 stock: [u8; 8],
        /// Primary market maker: `Y`, `N`.
        23 primary_market_maker: u8,
        /// `N` normal, `P` passive, `S` syndicate, `R` pre-syndicate, `L` penalty.
        24 market_maker_mode: u8,
        /// `A` active, `E` excused, `W` withdrawn, `S` suspended, `D` deleted.
        25 participant_state: u8,
    }
}

message! {
    /// Market-wide circuit breaker: the levels of the day.
    MwcbDecline, b'V', 35 bytes {
        /// Level 1.
        11 level_1_e8: Be64,
        /// Level 2.
        19 level_2_e8: Be64,
        /// Level 3.
        27 level_3_e8: Be64,
    }
}

message! {
    /// Market-wide circuit breaker: a level was hit.
    MwcbStatus, b'W', 12 bytes {
        /// `1`, `2` or `3`.
        11 breached_level: u8,
    }
}

message! {
    /// Quoting period of a new listing.
    QuotingPeriod, b'K', 28 bytes {
        /// Symbol.
        11 stock: [u8; 8],
        /// Release time, seconds since midnight US Eastern.
        19 release_time_s: Be32,
        /// `A` anticipated, `C` cancelled or postponed.
        23 release_qualifier: u8,
        /// Issue price.
        24 ipo_price_e4: Be32,
    }
}

message! {
    /// Limit-up limit-down auction collar.
    LuldCollar, b'J', 35 bytes {
        /// Symbol.
        11 stock: [u8; 8],
        /// Reference price.
        19 reference_price_e4: Be32,
        /// Upper collar.
        23 upper_price_e4: Be32,
        /// Lower collar.
        27 lower_price_e4: Be32,
        /// How often the collar was extended.
        31 extension_cnt: Be32,
    }
}

message! {
    /// Operational halt of a symbol on one market.
    OperationalHalt, b'h', 21 bytes {
        /// Symbol.
        11 stock: [u8; 8],
        /// `Q` Nasdaq, `B` Texas, `X` PSX.
        19 market_code: u8,
        /// `H` halted, `T` resumed.
        20 action: u8,
    }
}
