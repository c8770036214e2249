//! Aggregate books and broker queues of the standard and premium feeds.

use super::{Entries, message};
use crate::num::{Le16, Le32, Le64, LeI32};
use crate::record::record;

message! {
    /// Aggregate Order Book Update; [`AggregateUpdate::entries`] follow.
    AggregateUpdate, 53, 12 bytes {
        /// 1 to 99999.
        4 security_code: Le32,
        /// Skipped.
        8 filler: [u8; 3],
        /// Entries that follow.
        11 no_entries: u8,
    }
}

record! {
    /// One change of an aggregate book.
    BookEntry, 24 {
        /// Shares at the price.
        0 aggregate_quantity: Le64,
        /// Price.
        8 price_e3: LeI32,
        /// Orders at the price.
        12 number_of_orders: Le32,
        /// 0 bid, 1 offer.
        16 side: Le16,
        /// 1 to 10, best first.
        18 price_level: u8,
        /// One of [`update_action`].
        19 update_action: u8,
        /// Skipped.
        20 filler: [u8; 4],
    }
}

/// Values of [`BookEntry::update_action`].
pub mod update_action {
    /// A level is inserted.
    pub const NEW: u8 = 0;
    /// A level changes.
    pub const CHANGE: u8 = 1;
    /// A level goes.
    pub const DELETE: u8 = 2;
    /// The whole book is emptied.
    pub const CLEAR: u8 = 74;
}

impl AggregateUpdate {
    /// Its entries, out of the whole `message`.
    pub fn entries<'a>(&self, message: &'a [u8]) -> Entries<'a, BookEntry> {
        Entries::new(message, size_of::<Self>(), u16::from(self.no_entries))
    }
}

message! {
    /// Broker Queue; [`BrokerQueue::items`] follow.
    BrokerQueue, 54, 12 bytes {
        /// 1 to 99999.
        4 security_code: Le32,
        /// Entries that follow, at most 40.
        8 item_count: u8,
        /// 1 buy, 2 sell.
        9 bq_side: Le16,
        /// `Y` when there are more than fit.
        11 bq_more_flag: u8,
    }
}

record! {
    /// One place of a broker queue.
    BrokerItem, 4 {
        /// A broker number, or the number of spreads from the best price.
        0 item: Le16,
        /// `B` broker, `S` spread.
        2 item_type: u8,
        /// Skipped.
        3 filler: u8,
    }
}

impl BrokerQueue {
    /// Its items, out of the whole `message`.
    pub fn items<'a>(&self, message: &'a [u8]) -> Entries<'a, BrokerItem> {
        Entries::new(message, size_of::<Self>(), u16::from(self.item_count))
    }
}
