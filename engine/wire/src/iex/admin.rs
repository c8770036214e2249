//! Session, symbol table and trading state: the same in all three feeds.

use super::message;
use crate::num::{Le32, LeI64};
use crate::record::record;

record! {
    /// System Event, `S`: a boundary of the day; the only message without a symbol.
    SystemEvent, 10 {
        /// Message type.
        0 kind: u8,
        /// `O` start of messages, `S` start of system hours, `R` start of regular hours, `M` end of
        /// regular hours, `E` end of system hours, `C` end of messages.
        1 event_code: u8,
        /// Event time, nanoseconds since 1970 UTC.
        2 ts_ns: LeI64,
    }
}

impl SystemEvent {
    /// The message type on the wire.
    pub const KIND: u8 = b'S';
}

message! {
    /// Security Directory, `D`: only for names that the venue lists, and test symbols.
    SecurityDirectory, b'D', 31 {
        /// Bits of [`directory_flags`].
        1 flags: u8,
        /// Symbol.
        10 symbol: [u8; 8],
        /// Shares in a round lot.
        18 round_lot_size: Le32,
        /// Previous official close, adjusted; the issue price for a new listing.
        22 adjusted_close_e4: LeI64,
        /// Limit-up limit-down tier, binary: 0 not applicable, 1, 2.
        30 luld_tier: u8,
    }
}

/// Bits of [`SecurityDirectory::flags`].
pub mod directory_flags {
    /// Test security.
    pub const TEST: u8 = 0x80;
    /// When issued.
    pub const WHEN_ISSUED: u8 = 0x40;
    /// Exchange-traded product.
    pub const ETP: u8 = 0x20;
}

message! {
    /// Trading Status, `H`.
    TradingStatus, b'H', 22 {
        /// `H` halted, `O` order acceptance, `P` paused with order acceptance, `T` trading.
        1 status: u8,
        /// Symbol.
        10 symbol: [u8; 8],
        /// Reason code, spaces for none.
        18 reason: [u8; 4],
    }
}

message! {
    /// Retail Liquidity Indicator, `I`.
    RetailInterest, b'I', 18 {
        /// Space none, `A` buy, `B` sell, `C` both.
        1 indicator: u8,
        /// Symbol.
        10 symbol: [u8; 8],
    }
}

message! {
    /// Operational Halt Status, `O`.
    OperationalHalt, b'O', 18 {
        /// `O` halted on this venue, `N` not.
        1 status: u8,
        /// Symbol.
        10 symbol: [u8; 8],
    }
}

message! {
    /// Short Sale Price Test, `P`.
    ShortSaleTest, b'P', 19 {
        /// Binary: 0 not in effect, 1 in effect.
        1 status: u8,
        /// Symbol.
        10 symbol: [u8; 8],
        /// Space none, `A` activated, `C` continued, `D` deactivated, `N` not available.
        18 detail: u8,
    }
}

message! {
    /// Security Event, `E`: all earlier level updates of the symbol have been sent.
    SecurityEvent, b'E', 18 {
        /// `O` opening complete, `C` closing complete.
        1 event: u8,
        /// Symbol.
        10 symbol: [u8; 8],
    }
}
