//! What changes a book: price levels (DEEP), orders (DEEP+), the touch (TOPS).

use super::message;
use crate::num::{Le32, Le64, LeI64};

message! {
    /// Price Level Update, `8` buy or `5` sell (DEEP).
    PriceLevelUpdate, 30 {
        /// Bit 0: the event is complete and the touch may be read; else more updates follow.
        1 event_flags: u8,
        /// Symbol.
        10 symbol: [u8; 8],
        /// New total displayed at the price, 0 when the level is gone.
        18 shares: Le32,
        /// The level.
        22 price_e4: LeI64,
    }
}

impl PriceLevelUpdate {
    /// The type of a bid level.
    pub const BUY: u8 = b'8';
    /// The type of an ask level.
    pub const SELL: u8 = b'5';
    /// Bit of `event_flags`: the event is complete.
    pub const EVENT_COMPLETE: u8 = 0x01;
}

message! {
    /// Quote Update, `Q` (TOPS): replaces both sides. Mind the order: size, price, price, size.
    QuoteUpdate, b'Q', 42 {
        /// Bits of [`quote_flags`].
        1 flags: u8,
        /// Symbol.
        10 symbol: [u8; 8],
        /// Shares at the best bid, 0 when there is none.
        18 bid_shares: Le32,
        /// Best bid.
        22 bid_price_e4: LeI64,
        /// Best ask.
        30 ask_price_e4: LeI64,
        /// Shares at the best ask, 0 when there is none.
        38 ask_shares: Le32,
    }
}

/// Bits of [`QuoteUpdate::flags`].
pub mod quote_flags {
    /// Halted or paused.
    pub const NOT_AVAILABLE: u8 = 0x80;
    /// Pre- or post-market session.
    pub const OUT_OF_HOURS: u8 = 0x40;
}

message! {
    /// Add Order, `a` (DEEP+): joins at the back of its level.
    AddOrder, b'a', 38 {
        /// `8` buy, `5` sell.
        1 side: u8,
        /// Symbol.
        10 symbol: [u8; 8],
        /// Order id, unique among live orders of the session.
        18 order_id: Le64,
        /// Displayed shares.
        26 shares: Le32,
        /// Booked price.
        30 price_e4: LeI64,
    }
}

message! {
    /// Order Modify, `M` (DEEP+).
    OrderModify, b'M', 38 {
        /// Bits of [`modify_flags`].
        1 flags: u8,
        /// Symbol.
        10 symbol: [u8; 8],
        /// The order.
        18 order_id: Le64,
        /// New total displayed.
        26 shares: Le32,
        /// New or same booked price.
        30 price_e4: LeI64,
    }
}

/// Bits of [`OrderModify::flags`].
pub mod modify_flags {
    /// The order keeps its place. Specification text: bit 0, where bit 7 is 0x80.
    pub const PRIORITY_KEPT: u8 = 0x01;
}

message! {
    /// Order Delete, `R` (DEEP+): what was left of the order is gone.
    OrderDelete, b'R', 26 {
        /// Ignored.
        1 reserved: u8,
        /// Symbol.
        10 symbol: [u8; 8],
        /// The order.
        18 order_id: Le64,
    }
}

message! {
    /// Order Executed, `L` (DEEP+): a fill of a displayed order.
    OrderExecuted, b'L', 46 {
        /// Bits of [`super::sale_flags`].
        1 sale_flags: u8,
        /// Symbol.
        10 symbol: [u8; 8],
        /// The resting order.
        18 order_id: Le64,
        /// Shares filled now.
        26 shares: Le32,
        /// Price of the trade, which may differ from the booked price.
        30 price_e4: LeI64,
        /// Unique in the day.
        38 trade_id: Le64,
    }
}

message! {
    /// Clear Book, `C` (DEEP+): all orders of the symbol are gone.
    ClearBook, b'C', 18 {
        /// Ignored.
        1 reserved: u8,
        /// Symbol.
        10 symbol: [u8; 8],
    }
}
