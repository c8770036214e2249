//! Messages from the venue to the client.

use super::{OuchError, Token};
use crate::num::{Be32, Be64};
use crate::record::record;

record! {
    /// System Event, `S`.
    SystemEvent, 10, b'S' {
        0 kind: u8,
        /// Nanoseconds since midnight, US Eastern, as in every outbound message.
        1 timestamp: Be64,
        /// `S` start of day, `E` end of day.
        9 event_code: u8,
    }
}

record! {
    /// Accepted, `A`.
    Accepted, 66, b'A' {
        0 kind: u8,
        1 timestamp: Be64,
        9 token: Token,
        23 side: u8,
        24 shares: Be32,
        28 stock: [u8; 8],
        36 price: Be32,
        40 time_in_force: Be32,
        44 firm: [u8; 4],
        48 display: u8,
        49 order_reference_number: Be64,
        57 capacity: u8,
        58 sweep: u8,
        59 minimum_quantity: Be32,
        63 cross_type: u8,
        /// `L` live, `D` dead.
        64 order_state: u8,
        65 bbo_weight: u8,
    }
}

record! {
    /// Replaced, `U`.
    Replaced, 80, b'U' {
        0 kind: u8,
        1 timestamp: Be64,
        9 replacement_token: Token,
        23 side: u8,
        24 shares: Be32,
        28 stock: [u8; 8],
        36 price: Be32,
        40 time_in_force: Be32,
        44 firm: [u8; 4],
        48 display: u8,
        49 order_reference_number: Be64,
        57 capacity: u8,
        58 sweep: u8,
        59 minimum_quantity: Be32,
        63 cross_type: u8,
        /// `L` live, `D` dead.
        64 order_state: u8,
        65 previous_token: Token,
        79 bbo_weight: u8,
    }
}

record! {
    /// Canceled, `C`.
    Canceled, 28, b'C' {
        0 kind: u8,
        1 timestamp: Be64,
        9 token: Token,
        /// Shares removed now; may be a part.
        23 decrement_shares: Be32,
        27 reason: u8,
    }
}

record! {
    /// AIQ (self-trade) Canceled, `D`.
    AiqCanceled, 37, b'D' {
        0 kind: u8,
        1 timestamp: Be64,
        9 token: Token,
        23 decrement_shares: Be32,
        27 reason: u8,
        28 quantity_prevented: Be32,
        32 execution_price: Be32,
        36 liquidity_flag: u8,
    }
}

record! {
    /// Executed, `E`.
    Executed, 40, b'E' {
        0 kind: u8,
        1 timestamp: Be64,
        9 token: Token,
        23 shares: Be32,
        27 price: Be32,
        31 liquidity_flag: u8,
        32 match_number: Be64,
    }
}

record! {
    /// Executed with Reference Price, `G`.
    ExecutedReference, 45, b'G' {
        0 kind: u8,
        1 timestamp: Be64,
        9 token: Token,
        23 shares: Be32,
        27 price: Be32,
        31 liquidity_flag: u8,
        32 match_number: Be64,
        40 reference_price: Be32,
        44 reference_price_type: u8,
    }
}

record! {
    /// Broken Trade, `B`.
    Broken, 32, b'B' {
        0 kind: u8,
        1 timestamp: Be64,
        9 token: Token,
        23 match_number: Be64,
        31 reason: u8,
    }
}

record! {
    /// Trade Correction, `F`.
    Correction, 41, b'F' {
        0 kind: u8,
        1 timestamp: Be64,
        9 token: Token,
        23 shares: Be32,
        27 price: Be32,
        31 liquidity_flag: u8,
        32 match_number: Be64,
        40 reason: u8,
    }
}

record! {
    /// Rejected, `J`. For a replace, the token is the new one.
    Rejected, 24, b'J' {
        0 kind: u8,
        1 timestamp: Be64,
        9 token: Token,
        /// See [`super::reject`].
        23 reason: u8,
    }
}

record! {
    /// Cancel Pending, `P`.
    CancelPending, 23, b'P' {
        0 kind: u8,
        1 timestamp: Be64,
        9 token: Token,
    }
}

record! {
    /// Cancel Reject, `I`.
    CancelReject, 23, b'I' {
        0 kind: u8,
        1 timestamp: Be64,
        9 token: Token,
    }
}

record! {
    /// Order Priority Update, `T`.
    PriorityUpdate, 36, b'T' {
        0 kind: u8,
        1 timestamp: Be64,
        9 token: Token,
        23 price: Be32,
        27 display: u8,
        28 order_reference_number: Be64,
    }
}

record! {
    /// Modified, `M`.
    Modified, 28, b'M' {
        0 kind: u8,
        1 timestamp: Be64,
        9 token: Token,
        23 side: u8,
        24 shares: Be32,
    }
}

record! {
    /// Trade Now acknowledged, `N`.
    TradeNowAck, 23, b'N' {
        0 kind: u8,
        1 timestamp: Be64,
        9 token: Token,
    }
}

/// A message from the venue, viewed in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outbound<'a> {
    /// `S`
    SystemEvent(&'a SystemEvent),
    /// `A`
    Accepted(&'a Accepted),
    /// `U`
    Replaced(&'a Replaced),
    /// `C`
    Canceled(&'a Canceled),
    /// `D`
    AiqCanceled(&'a AiqCanceled),
    /// `E`
    Executed(&'a Executed),
    /// `G`
    ExecutedReference(&'a ExecutedReference),
    /// `B`
    Broken(&'a Broken),
    /// `F`
    Correction(&'a Correction),
    /// `J`
    Rejected(&'a Rejected),
    /// `P`
    CancelPending(&'a CancelPending),
    /// `I`
    CancelReject(&'a CancelReject),
    /// `T`
    PriorityUpdate(&'a PriorityUpdate),
    /// `M`
    Modified(&'a Modified),
    /// `N`
    TradeNowAck(&'a TradeNowAck),
}

impl<'a> Outbound<'a> {
    /// Views `body` (the payload of an `S` frame) as a message.
    #[inline]
    pub fn parse(body: &'a [u8]) -> Result<Outbound<'a>, OuchError> {
        let kind = *body.first().ok_or(OuchError::Empty)?;
        let short = OuchError::Short(kind);
        Ok(match kind {
            b'E' => Outbound::Executed(Executed::parse(body).ok_or(short)?),
            b'A' => Outbound::Accepted(Accepted::parse(body).ok_or(short)?),
            b'U' => Outbound::Replaced(Replaced::parse(body).ok_or(short)?),
            b'C' => Outbound::Canceled(Canceled::parse(body).ok_or(short)?),
            b'J' => Outbound::Rejected(Rejected::parse(body).ok_or(short)?),
            b'I' => Outbound::CancelReject(CancelReject::parse(body).ok_or(short)?),
            b'P' => Outbound::CancelPending(CancelPending::parse(body).ok_or(short)?),
            b'D' => Outbound::AiqCanceled(AiqCanceled::parse(body).ok_or(short)?),
            b'G' => Outbound::ExecutedReference(ExecutedReference::parse(body).ok_or(short)?),
            b'B' => Outbound::Broken(Broken::parse(body).ok_or(short)?),
            b'F' => Outbound::Correction(Correction::parse(body).ok_or(short)?),
            b'T' => Outbound::PriorityUpdate(PriorityUpdate::parse(body).ok_or(short)?),
            b'M' => Outbound::Modified(Modified::parse(body).ok_or(short)?),
            b'N' => Outbound::TradeNowAck(TradeNowAck::parse(body).ok_or(short)?),
            b'S' => Outbound::SystemEvent(SystemEvent::parse(body).ok_or(short)?),
            other => return Err(OuchError::UnknownType(other)),
        })
    }
}
