//! The life of a displayed order.

use super::message;
use crate::num::{Be32, Be64};

message! {
    /// Add Order: an order joined the book at the back of its level.
    AddOrder, b'A', 36 bytes {
        /// Day-unique order id.
        11 order_ref: Be64,
        /// `B` buy, `S` sell.
        19 side: u8,
        /// Displayed shares.
        20 shares: Be32,
        /// Symbol.
        24 stock: [u8; 8],
        /// Limit price.
        32 price_e4: Be32,
    }
}

message! {
    /// Add Order with attribution.
    AddOrderMpid, b'F', 40 bytes {
        /// Day-unique order id.
        11 order_ref: Be64,
        /// `B` buy, `S` sell.
        19 side: u8,
        /// Displayed shares.
        20 shares: Be32,
        /// Symbol.
        24 stock: [u8; 8],
        /// Limit price.
        32 price_e4: Be32,
        /// The firm that entered it.
        36 mpid: [u8; 4],
    }
}

message! {
    /// Order Executed: a fill at the price of the order.
    OrderExecuted, b'E', 31 bytes {
        /// The resting order.
        11 order_ref: Be64,
        /// Shares filled now.
        19 shares: Be32,
        /// Day-unique match id.
        23 match_number: Be64,
    }
}

message! {
    /// Order Executed With Price: a fill at a price of its own.
    OrderExecutedWithPrice, b'C', 36 bytes {
        /// The resting order.
        11 order_ref: Be64,
        /// Shares filled now.
        19 shares: Be32,
        /// Day-unique match id.
        23 match_number: Be64,
        /// `N`: the volume is reported by a cross, do not count it; `Y`.
        31 printable: u8,
        /// Price of the fill.
        32 price_e4: Be32,
    }
}

message! {
    /// Order Cancel: shares were taken off; the order keeps its place.
    OrderCancel, b'X', 23 bytes {
        /// The order.
        11 order_ref: Be64,
        /// Shares taken off now.
        19 shares: Be32,
    }
}

message! {
    /// Order Delete: what was left of the order is gone.
    OrderDelete, b'D', 19 bytes {
        /// The order.
        11 order_ref: Be64,
    }
}

message! {
    /// Order Replace: a new id, quantity and price; side, symbol and attribution are inherited and
    /// time priority is lost, even at the same price.
    OrderReplace, b'U', 35 bytes {
        /// The order that disappears.
        11 order_ref: Be64,
        /// The order that takes its place.
        19 new_order_ref: Be64,
        /// Displayed shares.
        27 shares: Be32,
        /// Limit price.
        31 price_e4: Be32,
    }
}
