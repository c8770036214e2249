//! Nasdaq OUCH 5.0: order entry. Big-endian, prices with four decimals in a u64, text padded with
//! spaces on the right, time stamps in nanoseconds since midnight US Eastern.
//!
//! The letter means different messages per direction: decode by direction first. Inbound messages
//! travel in unsequenced SoupBinTCP frames, outbound in sequenced ones. "Bytes" are the fixed part
//! with the appendage length where the message always carries it.
//!
//! | in | name | bytes | | out | name | bytes |
//! |---|---|---|---|---|---|---|
//! | `O` | [`EnterOrder`] | 47 | | `S` | [`SystemEvent`] | 10 |
//! | `U` | [`ReplaceOrder`] | 40 | | `A` | [`Accepted`] | 64 |
//! | `X` | [`CancelOrder`] | 9 | | `U` | [`Replaced`] | 68 |
//! | `M` | [`ModifyOrder`] | 10 | | `C` | [`Canceled`] | 18 |
//! | `C` | [`MassCancel`] | 19 | | `D` | [`AiqCanceled`] | 31 or 32 |
//! | `D` | [`DisableEntry`] | 11 | | `E` | [`Executed`] | 36 |
//! | `E` | [`EnableEntry`] | 11 | | `B` | [`Broken`] | 36 |
//! | `Q` | [`AccountQuery`] | 1 | | `F` | [`Correction`] | 49 |
//! | | | | | `J` | [`Rejected`] | 29 |
//! | | | | | `P` | [`CancelPending`] | 13 |
//! | | | | | `I` | [`CancelReject`] | 13 |
//! | | | | | `T` | [`PriorityUpdate`] | 30 |
//! | | | | | `M` | [`Modified`] | 18 |
//! | | | | | `R` | [`Restated`] | 16 |
//! | | | | | `Q` | [`QueryResponse`] | 13 |
//! | | | | | `X` | [`MassCancelResponse`] | 27 |
//! | | | | | `G` | [`DisableResponse`] | 19 |
//! | | | | | `K` | [`EnableResponse`] | 19 |
//!
//! A record here is the fixed part without the appendage length, because a tolerant reader accepts
//! a message that ends before it. What follows is an [`Appendage`]; bytes behind that are ignored,
//! venues append fields.
//!
//! `UserRefNum` rises strictly; the venue ignores silently an inbound message whose number is not
//! above the last one, which makes a blind resend after a reconnect safe. `X` and `M` name an
//! existing order and use up no number.
//!
//! Post-only is sent as display code `P`. That letter is in the 4.2 dissector; the
//! 5.0 dissector knows tag 12 as well, which [`tag::POST_ONLY`] reads.

use core::fmt;

mod appendage;
pub mod client;
pub mod codes;
mod inbound;
mod outbound;

pub use appendage::{Appendage, Iter, TagValue, tag};
pub use inbound::{
    AccountQuery, CancelOrder, DisableEntry, EnableEntry, EnterOrder, Inbound, MassCancel,
    ModifyOrder, ReplaceOrder,
};
pub use outbound::{
    Accepted, AiqCanceled, Broken, CancelPending, CancelReject, Canceled, Correction,
    DisableResponse, EnableResponse, Executed, MassCancelResponse, Modified, Outbound,
    PriorityUpdate, QueryResponse, Rejected, Replaced, Restated, SystemEvent, aiq_strategy,
};

/// Price that asks for a market order (from memory; one 4.2 client agrees).
pub const MARKET_PRICE: u64 = 0x7fff_ffff;

/// Bytes of the longest fixed part, outbound, with its appendage length.
pub const FIXED_MAX: usize = 68;

/// Why bytes are not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OuchError {
    /// No type byte.
    Empty,
    /// No message of this direction has this type.
    UnknownType(u8),
    /// Shorter than the fixed part of this type.
    Short(u8),
    /// The optional fields of a message of this type are cut or malformed.
    Appendage(u8),
}

impl fmt::Display for OuchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OuchError::Empty => f.write_str("empty OUCH message"),
            OuchError::UnknownType(kind) => {
                write!(f, "unknown OUCH message type `{}`", kind.escape_ascii())
            }
            OuchError::Short(kind) => {
                write!(f, "OUCH message `{}` is shorter than its layout", kind.escape_ascii())
            }
            OuchError::Appendage(kind) => {
                write!(f, "optional fields of OUCH message `{}` are cut", kind.escape_ascii())
            }
        }
    }
}

impl core::error::Error for OuchError {}

/// Writes `message` and the optional fields `list` (entries without their length; empty for none)
/// to the front of `out`, and returns how many bytes: the record, a u16 length, the list. `None`
/// when `out` is too small or the list exceeds a u16.
pub fn put_with_appendage(out: &mut [u8], message: &[u8], list: &[u8]) -> Option<usize> {
    let length = u16::try_from(list.len()).ok()?.to_be_bytes();
    let end = message.len() + 2 + list.len();
    let (head, rest) = out.get_mut(..end)?.split_at_mut(message.len());
    let (size, tail) = rest.split_at_mut(2);
    head.copy_from_slice(message);
    size.copy_from_slice(&length);
    tail.copy_from_slice(list);
    Some(end)
}
