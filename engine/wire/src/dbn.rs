//! Databento DBN: the market-by-order record (`mbo`, rtype 0xA0), the same 56 bytes in DBN
//! versions 1 to 3.
//!
//! All numbers are little-endian. Prices count 1e-9 of the currency ([`UNDEF_PRICE`]: none), times
//! nanoseconds since 1970 UTC ([`UNDEF_TIME`]: none). A record says its length in units of four
//! bytes; a reader steps by that and skips records of other types.
//!
//! Which action changes the book: `A` adds, `C` takes `size` off the order, `M` sets price and
//! size, `R` clears the book; `T` and `F` report trades and change nothing, since a `C` or `M`
//! follows them.

use crate::num::{Le16, Le32, Le64, LeI32, LeI64};
use crate::record::record;

record! {
    /// What all DBN records begin with.
    RecordHeader, 16 {
        /// Length of the record, in units of four bytes.
        0 length_words: u8,
        /// Record type.
        1 rtype: u8,
        /// Dataset and venue.
        2 publisher_id: Le16,
        /// Instrument within the dataset.
        4 instrument_id: Le32,
        /// When the venue says it happened.
        8 ts_event_ns: Le64,
    }
}

record! {
    /// A market-by-order event.
    Mbo, 56 {
        /// Length of the record, in units of four bytes.
        0 length_words: u8,
        /// Record type, [`RTYPE_MBO`].
        1 rtype: u8,
        /// Dataset and venue.
        2 publisher_id: Le16,
        /// Instrument within the dataset.
        4 instrument_id: Le32,
        /// When the venue says it happened.
        8 ts_event_ns: Le64,
        /// Venue's order id.
        16 order_id: Le64,
        /// Order price.
        24 price_e9: LeI64,
        /// Order quantity.
        32 size: Le32,
        /// Bits of [`flags`].
        36 flags: u8,
        /// Channel within the dataset.
        37 channel_id: u8,
        /// `A` add, `C` cancel, `M` modify, `R` clear, `T` trade, `F` fill, `N` none.
        38 action: u8,
        /// `B` bid, `A` ask, `N` none. For `T` the aggressor's, else the resting order's.
        39 side: u8,
        /// When the capture server received it.
        40 ts_recv_ns: Le64,
        /// Sending time before `ts_recv_ns`.
        48 ts_in_delta_ns: LeI32,
        /// Sequence number assigned by the venue.
        52 sequence: Le32,
    }
}

/// Record type of [`Mbo`].
pub const RTYPE_MBO: u8 = 0xA0;
/// A price that is not there.
pub const UNDEF_PRICE: i64 = i64::MAX;
/// A time that is not there.
pub const UNDEF_TIME: u64 = u64::MAX;

/// Bits of [`Mbo::flags`].
pub mod flags {
    /// Last record of the event for this instrument.
    pub const LAST: u8 = 0x80;
    /// Top of book, not an order.
    pub const TOB: u8 = 0x40;
    /// From a snapshot or a replay.
    pub const SNAPSHOT: u8 = 0x20;
    /// Aggregated level, not an order.
    pub const MBP: u8 = 0x10;
    /// `ts_recv_ns` is not accurate.
    pub const BAD_TS_RECV: u8 = 0x08;
    /// A gap was not recovered: the book may be wrong.
    pub const MAYBE_BAD_BOOK: u8 = 0x04;
}

/// Splits the record off the front of `bytes`: the record, and what follows. `None` when it is
/// cut, or says a length below its header.
#[inline]
pub fn split_record(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = usize::from(*bytes.first()?) * 4;
    if length < size_of::<RecordHeader>() {
        return None;
    }
    bytes.split_at_checked(length)
}
