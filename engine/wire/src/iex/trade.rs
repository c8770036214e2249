//! Trades, official prices and auctions.

use super::message;
use crate::num::{Le32, Le64, LeI64};

message! {
    /// Trade Report, `T`: a fill; its aggressor is not told.
    Trade, b'T', 38 {
        /// Bits of [`sale_flags`].
        1 sale_flags: u8,
        /// Symbol.
        10 symbol: [u8; 8],
        /// Shares traded.
        18 shares: Le32,
        /// Price of the trade.
        22 price_e4: LeI64,
        /// Unique in the day.
        30 trade_id: Le64,
    }
}

message! {
    /// Trade Break, `B`: the trade of that id is taken back.
    TradeBreak, b'B', 38 {
        /// Bits of [`sale_flags`].
        1 sale_flags: u8,
        /// Symbol.
        10 symbol: [u8; 8],
        /// Shares traded.
        18 shares: Le32,
        /// Price of the trade.
        22 price_e4: LeI64,
        /// The trade.
        30 trade_id: Le64,
    }
}

/// Sale condition bits. Volume always counts; last sale, high and low only without
/// `EXTENDED_HOURS` and `ODD_LOT`.
pub mod sale_flags {
    /// Intermarket sweep.
    pub const ISO: u8 = 0x80;
    /// Extended hours (Form T).
    pub const EXTENDED_HOURS: u8 = 0x40;
    /// Odd lot.
    pub const ODD_LOT: u8 = 0x20;
    /// Trade-through exempt.
    pub const EXEMPT: u8 = 0x10;
    /// Single-price cross; not defined in TOPS 1.5.
    pub const CROSS: u8 = 0x08;
}

message! {
    /// Official Price, `X`: the latest one wins.
    OfficialPrice, b'X', 26 {
        /// `Q` opening, `M` closing.
        1 price_type: u8,
        /// Symbol.
        10 symbol: [u8; 8],
        /// The price.
        18 price_e4: LeI64,
    }
}

message! {
    /// Auction Information, `A`.
    Auction, b'A', 80 {
        /// `O` opening, `C` closing, `I` new listing, `H` halt, `V` volatility.
        1 auction_type: u8,
        /// Symbol.
        10 symbol: [u8; 8],
        /// Shares that match at the reference price.
        18 paired_shares: Le32,
        /// Reference price.
        22 reference_price_e4: LeI64,
        /// Indicative clearing price.
        30 indicative_price_e4: LeI64,
        /// Shares that do not match.
        38 imbalance_shares: Le32,
        /// `B`, `S`, `N` none.
        42 imbalance_side: u8,
        /// How often the auction was extended, binary.
        43 extension_number: u8,
        /// Scheduled time, **seconds** since 1970 UTC.
        44 scheduled_time_s: Le32,
        /// Clearing price of the auction orders alone.
        48 auction_price_e4: LeI64,
        /// Collar reference, 0 for none.
        56 collar_reference_e4: LeI64,
        /// Lower collar, 0 for none.
        64 collar_low_e4: LeI64,
        /// Upper collar, 0 for none.
        72 collar_high_e4: LeI64,
    }
}
