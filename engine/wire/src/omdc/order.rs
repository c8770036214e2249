//! The life of an order. Its key is security, side and order id; its price never changes.

use super::message;
use crate::num::{Le16, Le32, Le64, LeI32};

message! {
    /// Add Order.
    AddOrder, 30, 32 bytes {
        /// 1 to 99999.
        4 security_code: Le32,
        /// Unique per security and side within the day.
        8 order_id: Le64,
        /// Limit; 0 for a market order.
        16 price_e3: LeI32,
        /// Shares.
        20 quantity: Le32,
        /// 0 bid, 1 offer.
        24 side: Le16,
        /// One of [`order_type`].
        26 order_type: u8,
        /// Skipped.
        27 filler: u8,
        /// Rank in the queue; sources disagree on what it counts.
        28 order_book_position: LeI32,
    }
}

/// Values of [`AddOrder::order_type`].
pub mod order_type {
    /// Market: at-auction, only during auctions.
    pub const MARKET: u8 = b'1';
    /// Limit.
    pub const LIMIT: u8 = b'2';
}

message! {
    /// Modify Order: another quantity, and a rank.
    ModifyOrder, 31, 28 bytes {
        /// 1 to 99999.
        4 security_code: Le32,
        /// The order.
        8 order_id: Le64,
        /// Shares afterwards.
        16 quantity: Le32,
        /// 0 bid, 1 offer.
        20 side: Le16,
        /// Skipped.
        22 filler: [u8; 2],
        /// Rank in the queue.
        24 order_book_position: LeI32,
    }
}

message! {
    /// Delete Order.
    DeleteOrder, 32, 20 bytes {
        /// 1 to 99999.
        4 security_code: Le32,
        /// The order.
        8 order_id: Le64,
        /// 0 bid, 1 offer.
        16 side: Le16,
        /// Skipped.
        18 filler: [u8; 2],
    }
}

message! {
    /// Add Odd Lot Order.
    AddOddLotOrder, 33, 28 bytes {
        /// 1 to 99999.
        4 security_code: Le32,
        /// Unique per security and side within the day.
        8 order_id: Le64,
        /// Limit.
        16 price_e3: LeI32,
        /// Shares.
        20 quantity: Le32,
        /// The broker that shows it.
        24 broker_id: Le16,
        /// 0 bid, 1 offer.
        26 side: Le16,
    }
}

message! {
    /// Delete Odd Lot Order.
    DeleteOddLotOrder, 34, 20 bytes {
        /// 1 to 99999.
        4 security_code: Le32,
        /// The order.
        8 order_id: Le64,
        /// The broker that showed it.
        16 broker_id: Le16,
        /// 0 bid, 1 offer.
        18 side: Le16,
    }
}
