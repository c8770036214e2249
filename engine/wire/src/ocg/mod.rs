//! HKEX OCG-C binary order entry (Orion Central Gateway, securities). Little-endian; prices and
//! quantities with eight decimals; text NUL-padded; times UTC.
//!
//! A frame is a header of 54 bytes ([`Header`]: start byte, length, type, sequence number, flags,
//! comp id, presence map of 256 bits), the fields that the map names in their order, and a CRC-32C
//! over all before it. Both directions number their messages from 1 each day. What a field is
//! depends on the message: [`messages`] states each as its table.
//!
//! | type | name | direction | | type | name | direction |
//! |---|---|---|---|---|---|---|
//! | 0 | [`Heartbeat`] | both | | 10 | [`ExecutionReport`] | venue |
//! | 1 | [`TestRequest`] | both | | 11 | [`NewOrder`] | client |
//! | 2 | [`ResendRequest`] | both | | 12 | [`AmendOrder`] | client |
//! | 3 | [`Reject`] | both | | 13 | [`CancelOrder`] | client |
//! | 4 | [`SequenceReset`] | both | | 14 | [`MassCancel`] | client |
//! | 5 | [`Logon`] | both | | 15 | [`MassCancelReport`] | venue |
//! | 6 | [`Logout`] | both | | 9 | [`BusinessReject`] | venue |
//! | 7 | [`LookupRequest`] | client | | 8 | [`LookupResponse`] | venue |
//!
//! Quotes (16 to 18), trade capture (21, 22), on-behalf cancels (23, 24), throttle (25, 26) and party
//! entitlements (27, 28) have no table in any source: they are [`Message::Unread`], skipped by
//! their length, and count in the sequence like every message. A presence bit that the table of a
//! message does not have makes it unreadable, since the width of its field is unknown.

use core::fmt;

pub mod client;
pub mod codes;
mod fields;
mod frame;
mod messages;

pub use fields::{Fields, Text, Var, Writer};
pub use frame::{
    CHECKSUM_LEN, FRAME_MIN, Frame, HEADER_LEN, Head, Header, Presence, START, TEXT_MAX, mark_dup,
    next_frame, put,
};
pub use messages::{
    AmendOrder, BusinessReject, CancelOrder, ExecutionReport, Heartbeat, Logon, Logout,
    LookupRequest, LookupResponse, MassCancel, MassCancelReport, Message, NewOrder, Reject,
    ResendRequest, SequenceReset, TestRequest,
};

/// What a price in 1/10,000 is multiplied by to have eight decimals.
pub const PRICE_UNITS: u64 = 10_000;
/// What a number of shares is multiplied by to have eight decimals.
pub const SHARE_UNITS: u64 = 100_000_000;

/// A price in 1/10,000 with eight decimals; `None` when it is negative or too large.
#[inline]
pub const fn price_out(price: nofx_types::Price) -> Option<u64> {
    if price.0 < 0 { None } else { (price.0 as u64).checked_mul(PRICE_UNITS) }
}

/// A price with eight decimals in 1/10,000; `None` when it is no whole number of them.
#[inline]
pub const fn price_in(price: u64) -> Option<nofx_types::Price> {
    if !price.is_multiple_of(PRICE_UNITS) {
        return None;
    }
    Some(nofx_types::Price((price / PRICE_UNITS) as i64))
}

/// A number of shares with eight decimals; `None` when it is too large.
#[inline]
pub const fn qty_out(qty: nofx_types::Qty) -> Option<u64> {
    qty.0.checked_mul(SHARE_UNITS)
}

/// A quantity with eight decimals as shares; `None` when it is no whole number of them.
#[inline]
pub const fn qty_in(qty: u64) -> Option<nofx_types::Qty> {
    if !qty.is_multiple_of(SHARE_UNITS) {
        return None;
    }
    Some(nofx_types::Qty(qty / SHARE_UNITS))
}

/// Why bytes are not a frame, or a frame not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OcgError {
    /// The stream does not go on with the start byte: there is no way to find the next frame.
    Start(u8),
    /// A length below header and checksum.
    Length(u16),
    /// The checksum is not that of the bytes.
    Checksum {
        /// The one that was sent.
        sent: u32,
        /// The one of the bytes.
        computed: u32,
    },
    /// A field that every message of this type has is absent.
    Missing {
        /// Type of the message.
        kind: u8,
        /// Presence bit.
        bit: u8,
    },
    /// A field that no message of this type has is present.
    Unknown {
        /// Type of the message.
        kind: u8,
        /// Presence bit.
        bit: u8,
    },
    /// The fields do not end where the frame does.
    Body {
        /// Type of the message.
        kind: u8,
    },
}

impl OcgError {
    /// Whether the byte stream is broken, rather than one message unreadable.
    pub const fn breaks_stream(self) -> bool {
        matches!(self, OcgError::Start(_) | OcgError::Length(_) | OcgError::Checksum { .. })
    }
}

impl fmt::Display for OcgError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OcgError::Start(byte) => write!(f, "a frame starts with {byte:#04x}, want 0x02"),
            OcgError::Length(length) => {
                write!(f, "frame of {length} bytes: header and checksum are {FRAME_MIN}")
            }
            OcgError::Checksum { sent, computed } => {
                write!(f, "checksum {sent:#010x} sent, {computed:#010x} computed")
            }
            OcgError::Missing { kind, bit } => {
                write!(f, "message type {kind} without its required field {bit}")
            }
            OcgError::Unknown { kind, bit } => {
                write!(f, "message type {kind} with the unknown field {bit}")
            }
            OcgError::Body { kind } => {
                write!(f, "fields of message type {kind} do not end with its frame")
            }
        }
    }
}

impl core::error::Error for OcgError {}
