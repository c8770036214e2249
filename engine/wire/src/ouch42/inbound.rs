//! Messages from the client to the venue.

use super::{OuchError, Token};
use crate::num::Be32;
use crate::record::record;

record! {
    /// Enter Order, `O`.
    EnterOrder, 49, b'O' {
        0 kind: u8,
        1 token: Token,
        15 side: u8,
        16 shares: Be32,
        /// Padded with spaces.
        20 stock: [u8; 8],
        /// Four decimals.
        28 price: Be32,
        /// See [`super::tif`].
        32 time_in_force: Be32,
        36 firm: [u8; 4],
        40 display: u8,
        41 capacity: u8,
        /// `Y` or `N`.
        42 sweep: u8,
        43 minimum_quantity: Be32,
        47 cross_type: u8,
        /// `R` retail, `N` not, space for the port's default.
        48 customer_type: u8,
    }
}

record! {
    /// Replace Order, `U`.
    ReplaceOrder, 47, b'U' {
        0 kind: u8,
        1 existing_token: Token,
        15 replacement_token: Token,
        /// Total of the chain, what has executed included.
        29 shares: Be32,
        33 price: Be32,
        37 time_in_force: Be32,
        41 display: u8,
        42 sweep: u8,
        43 minimum_quantity: Be32,
    }
}

record! {
    /// Cancel Order, `X`.
    CancelOrder, 19, b'X' {
        0 kind: u8,
        1 token: Token,
        /// Quantity the order is cut down to; 0 cancels it.
        15 shares: Be32,
    }
}

record! {
    /// Modify Order, `M`.
    ModifyOrder, 20, b'M' {
        0 kind: u8,
        1 token: Token,
        15 side: u8,
        16 shares: Be32,
    }
}

record! {
    /// Trade Now, `N`.
    TradeNow, 15, b'N' {
        0 kind: u8,
        1 token: Token,
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
    /// `N`
    TradeNow(&'a TradeNow),
}

impl<'a> Inbound<'a> {
    /// Views `body` (the payload of a `U` frame) as a message.
    #[inline]
    pub fn parse(body: &'a [u8]) -> Result<Inbound<'a>, OuchError> {
        let kind = *body.first().ok_or(OuchError::Empty)?;
        let short = OuchError::Short(kind);
        Ok(match kind {
            b'O' => Inbound::Enter(EnterOrder::parse(body).ok_or(short)?),
            b'U' => Inbound::Replace(ReplaceOrder::parse(body).ok_or(short)?),
            b'X' => Inbound::Cancel(CancelOrder::parse(body).ok_or(short)?),
            b'M' => Inbound::Modify(ModifyOrder::parse(body).ok_or(short)?),
            b'N' => Inbound::TradeNow(TradeNow::parse(body).ok_or(short)?),
            other => return Err(OuchError::UnknownType(other)),
        })
    }
}
