//! Messages from the client to the venue. The size in each declaration excludes the appendage
//! length; the lengths of the specification include it.

use super::{Appendage, OuchError};
use crate::num::{Be32, Be64};
use crate::record::record;

record! {
    /// Enter Order, `O`: 45 bytes, then the appendage (47 with its length).
    EnterOrder, 45, b'O' {
        0 kind: u8,
        /// Id of the new order: rising, unique in the day.
        1 user_ref_num: Be32,
        /// See [`super::codes::side`].
        5 side: u8,
        6 quantity: Be32,
        /// Padded with spaces.
        10 symbol: [u8; 8],
        /// Four decimals.
        18 price: Be64,
        /// See [`super::codes::tif`].
        26 time_in_force: u8,
        /// See [`super::codes::display`].
        27 display: u8,
        /// See [`super::codes::capacity`].
        28 capacity: u8,
        /// `Y` or `N`.
        29 sweep: u8,
        /// See [`super::codes::cross`].
        30 cross_type: u8,
        /// Free text of the client, echoed.
        31 clordid: [u8; 14],
    }
}

record! {
    /// Replace Order, `U`: 38 bytes, then the appendage (40 with its length).
    ReplaceOrder, 38, b'U' {
        0 kind: u8,
        /// The order to be replaced.
        1 orig_user_ref_num: Be32,
        /// Id of the order that takes its place.
        5 user_ref_num: Be32,
        /// Total of the chain: what is open afterwards is this minus what has executed.
        9 quantity: Be32,
        /// Four decimals.
        13 price: Be64,
        21 time_in_force: u8,
        22 display: u8,
        /// `Y` or `N`.
        23 sweep: u8,
        24 clordid: [u8; 14],
    }
}

record! {
    /// Cancel Order, `X`: 9 bytes, appendage optional.
    CancelOrder, 9, b'X' {
        0 kind: u8,
        1 user_ref_num: Be32,
        /// Quantity the order is cut down to; 0 cancels it.
        5 quantity: Be32,
    }
}

record! {
    /// Modify Order, `M`: 10 bytes, appendage optional.
    ModifyOrder, 10, b'M' {
        0 kind: u8,
        1 user_ref_num: Be32,
        5 side: u8,
        6 quantity: Be32,
    }
}

record! {
    /// Mass Cancel, `C`: 17 bytes, then the appendage (19 with its length).
    MassCancel, 17, b'C' {
        0 kind: u8,
        /// Reference of this request.
        1 user_ref_num: Be32,
        5 firm: [u8; 4],
        /// Spaces name all symbols.
        9 symbol: [u8; 8],
    }
}

record! {
    /// Disable Order Entry, `D`: 9 bytes, then the appendage (11 with its length).
    DisableEntry, 9, b'D' {
        0 kind: u8,
        1 user_ref_num: Be32,
        5 firm: [u8; 4],
    }
}

record! {
    /// Enable Order Entry, `E`: 9 bytes, then the appendage (11 with its length).
    EnableEntry, 9, b'E' {
        0 kind: u8,
        1 user_ref_num: Be32,
        5 firm: [u8; 4],
    }
}

record! {
    /// Account Query, `Q`: 1 byte, appendage optional.
    AccountQuery, 1, b'Q' {
        0 kind: u8,
    }
}

/// A message from the client, viewed in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inbound<'a> {
    /// `O`
    Enter(&'a EnterOrder),
    /// `U`
    Replace(&'a ReplaceOrder),
    /// `X`
    Cancel(&'a CancelOrder),
    /// `M`
    Modify(&'a ModifyOrder),
    /// `C`
    MassCancel(&'a MassCancel),
    /// `D`
    Disable(&'a DisableEntry),
    /// `E`
    Enable(&'a EnableEntry),
    /// `Q`
    Query(&'a AccountQuery),
}

impl<'a> Inbound<'a> {
    /// Views `body` (the payload of a `U` frame) as a message and its appendage, which is empty
    /// where its length is absent.
    #[inline]
    pub fn parse(body: &'a [u8]) -> Result<(Inbound<'a>, Appendage<'a>), OuchError> {
        let kind = *body.first().ok_or(OuchError::Empty)?;
        let short = OuchError::Short(kind);
        let (message, fixed) = match kind {
            b'O' => (Inbound::Enter(EnterOrder::parse(body).ok_or(short)?), 45),
            b'U' => (Inbound::Replace(ReplaceOrder::parse(body).ok_or(short)?), 38),
            b'X' => (Inbound::Cancel(CancelOrder::parse(body).ok_or(short)?), 9),
            b'M' => (Inbound::Modify(ModifyOrder::parse(body).ok_or(short)?), 10),
            b'C' => (Inbound::MassCancel(MassCancel::parse(body).ok_or(short)?), 17),
            b'D' => (Inbound::Disable(DisableEntry::parse(body).ok_or(short)?), 9),
            b'E' => (Inbound::Enable(EnableEntry::parse(body).ok_or(short)?), 9),
            b'Q' => (Inbound::Query(AccountQuery::parse(body).ok_or(short)?), 1),
            other => return Err(OuchError::UnknownType(other)),
        };
        Ok((message, Appendage::after(body, fixed, kind)?))
    }
}
