//! Trades. None of them changes a book: the orders' own messages do.

use super::message;
use crate::num::{Le32, Le64, LeI16, LeI32};

message! {
    /// Trade.
    Trade, 50, 32 bytes {
        /// 1 to 99999.
        4 security_code: Le32,
        /// Unique per security.
        8 trade_id: Le32,
        /// Price.
        12 price_e3: LeI32,
        /// Shares.
        16 quantity: Le32,
        /// One of [`trade_type`].
        20 trd_type: LeI16,
        /// Skipped.
        22 filler: [u8; 2],
        /// Nanoseconds since 1970 UTC.
        24 trade_time: Le64,
    }
}

/// Values of [`Trade::trd_type`]; the first, `INTERNALISED` and `AUCTION` are prints of the book.
pub mod trade_type {
    /// Matched by the book.
    pub const AUTOMATCH: i16 = 0;
    /// Late, of the previous day.
    pub const LATE: i16 = 4;
    /// Not direct, off the exchange.
    pub const NON_DIRECT: i16 = 22;
    /// Matched by the book, both sides of one broker.
    pub const INTERNALISED: i16 = 100;
    /// Direct, off the exchange.
    pub const DIRECT: i16 = 101;
    /// Odd lot.
    pub const ODD_LOT: i16 = 102;
    /// Matched by an auction.
    pub const AUCTION: i16 = 103;
    /// Overseas.
    pub const OVERSEAS: i16 = 104;
}

message! {
    /// Trade Cancel.
    TradeCancel, 51, 12 bytes {
        /// 1 to 99999.
        4 security_code: Le32,
        /// The trade.
        8 trade_id: Le32,
    }
}

message! {
    /// Trade Ticker.
    TradeTicker, 52, 36 bytes {
        /// 1 to 99999.
        4 security_code: Le32,
        /// Unique per security.
        8 ticker_id: Le32,
        /// Price.
        12 price_e3: LeI32,
        /// Shares.
        16 aggregate_quantity: Le64,
        /// Nanoseconds since 1970 UTC.
        24 trade_time: Le64,
        /// One of [`trade_type`].
        32 trd_type: LeI16,
        /// `Y` when taken back.
        34 trd_cancel_flag: u8,
        /// Skipped.
        35 filler: u8,
    }
}
