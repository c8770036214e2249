//! Trades that move no level of the book.

use super::message;
use crate::num::{Be32, Be64};

message! {
    /// Trade: a fill of non-displayed liquidity. In captures the order reference is always 0 and
    /// the side always `B`: it does not tell the aggressor.
    Trade, b'P', 44 bytes {
        /// Not an order of the book.
        11 order_ref: Be64,
        /// `B` or `S`.
        19 side: u8,
        /// Shares traded.
        20 shares: Be32,
        /// Symbol.
        24 stock: [u8; 8],
        /// Price of the trade.
        32 price_e4: Be32,
        /// Day-unique match id.
        36 match_number: Be64,
    }
}

message! {
    /// Cross Trade: the whole volume of a cross, counted once.
    CrossTrade, b'Q', 40 bytes {
        /// Shares crossed, 0 when there was no cross.
        11 shares: Be64,
        /// Symbol.
        19 stock: [u8; 8],
        /// Price of the cross.
        27 price_e4: Be32,
        /// Day-unique match id.
        31 match_number: Be64,
        /// `O` opening, `C` closing, `H` re-opening, `A` extended close.
        39 cross_type: u8,
    }
}

message! {
    /// Broken Trade: a match is taken back; the book is not affected.
    BrokenTrade, b'B', 19 bytes {
        /// The match.
        11 match_number: Be64,
    }
}
