//! Frames built once and patched in place: what differs from order to order is stored at constant
//! offsets, everything else is there already.
//!
//! One frame per kind and session, not one per instrument: the symbol is one load and one store, and
//! the frame stays in the first-level cache however many instruments are traded.

use nofx_types::{OrderIntent, Side, TimeInForce};
use nofx_wire::num::{Be32, Be64};
use nofx_wire::ouch42::{self, client as client42};
use nofx_wire::ouch50::codes::{capacity, cross, display, side, tif};
use nofx_wire::ouch50::{self, client as client50};

use crate::config::{OrderConfig, Protocol};

/// What the wire needs beside the intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wire {
    pub symbol: [u8; 8],
    /// New: shares. Replace, cancel: shares of the chain, what has executed included.
    pub quantity: u32,
    /// The id of a cancel, where it has one of its own, else 0.
    pub cancel: u32,
    /// Four decimals; fits the protocol.
    pub price: u64,
}

#[derive(Clone, Debug)]
pub(crate) enum Frames {
    Ouch50 {
        enter: client50::EnterFrame,
        replace: client50::ReplaceFrame,
        cancel: client50::CancelFrame,
    },
    Ouch42 {
        enter: client42::EnterFrame,
        replace: client42::ReplaceFrame,
        cancel: client42::CancelFrame,
    },
}

#[inline]
fn side_letter(intent: &OrderIntent) -> u8 {
    match (intent.side, intent.short) {
        (Side::Buy, _) => side::BUY,
        (Side::Sell, false) => side::SELL,
        (Side::Sell, true) => side::SHORT,
    }
}

#[inline]
fn display_letter(post_only: bool) -> u8 {
    if post_only { display::POST_ONLY } else { display::VISIBLE }
}

#[inline]
fn tif_letter(of: TimeInForce) -> u8 {
    match of {
        TimeInForce::Ioc => tif::IOC,
        _ => tif::DAY, // `says` was asked
    }
}

#[inline]
fn tif_seconds(of: TimeInForce) -> u32 {
    match of {
        TimeInForce::Ioc => ouch42::tif::IOC,
        _ => ouch42::tif::MARKET_HOURS, // `says` was asked
    }
}

impl Frames {
    pub fn new(config: &OrderConfig) -> Frames {
        let capacity = u8::try_from(config.capacity).unwrap_or(capacity::PRINCIPAL);
        match config.protocol {
            Protocol::Ouch42 => Frames::ouch42(capacity, &config.firm),
            _ => Frames::ouch50(capacity),
        }
    }

    fn ouch50(capacity: u8) -> Frames {
        Frames::Ouch50 {
            enter: client50::EnterFrame::new(ouch50::EnterOrder {
                kind: ouch50::EnterOrder::KIND,
                user_ref_num: Be32::new(0),
                side: side::BUY,
                quantity: Be32::new(0),
                symbol: [b' '; 8],
                price: Be64::new(0),
                time_in_force: tif::DAY,
                display: display::VISIBLE,
                capacity,
                sweep: b'N',
                cross_type: cross::CONTINUOUS,
                clordid: [b' '; 14],
            }),
            replace: client50::ReplaceFrame::new(ouch50::ReplaceOrder {
                kind: ouch50::ReplaceOrder::KIND,
                orig_user_ref_num: Be32::new(0),
                user_ref_num: Be32::new(0),
                quantity: Be32::new(0),
                price: Be64::new(0),
                time_in_force: tif::DAY,
                display: display::VISIBLE,
                sweep: b'N',
                clordid: [b' '; 14],
            }),
            cancel: client50::CancelFrame::new(ouch50::CancelOrder {
                kind: ouch50::CancelOrder::KIND,
                user_ref_num: Be32::new(0),
                quantity: Be32::new(0),
            }),
        }
    }

    fn ouch42(capacity: u8, firm: &str) -> Frames {
        let mut mpid = [b' '; 4];
        for (place, byte) in mpid.iter_mut().zip(firm.bytes()) {
            *place = byte;
        }
        Frames::Ouch42 {
            enter: client42::EnterFrame::new(ouch42::EnterOrder {
                kind: ouch42::EnterOrder::KIND,
                token: ouch42::token(0),
                side: side::BUY,
                shares: Be32::new(0),
                stock: [b' '; 8],
                price: Be32::new(0),
                time_in_force: Be32::new(ouch42::tif::MARKET_HOURS),
                firm: mpid,
                display: display::VISIBLE,
                capacity,
                sweep: b'N',
                minimum_quantity: Be32::new(0),
                cross_type: cross::CONTINUOUS,
                customer_type: b' ',
            }),
            replace: client42::ReplaceFrame::new(ouch42::ReplaceOrder {
                kind: ouch42::ReplaceOrder::KIND,
                existing_token: ouch42::token(0),
                replacement_token: ouch42::token(0),
                shares: Be32::new(0),
                price: Be32::new(0),
                time_in_force: Be32::new(ouch42::tif::MARKET_HOURS),
                display: display::VISIBLE,
                sweep: b'N',
                minimum_quantity: Be32::new(0),
            }),
            cancel: client42::CancelFrame::new(ouch42::CancelOrder {
                kind: ouch42::CancelOrder::KIND,
                token: ouch42::token(0),
                shares: Be32::new(0),
            }),
        }
    }

    /// Whether the protocol can say what `intent` asks for: of all or nothing and of auctions OUCH 5.0
    /// and 4.2 say nothing in the fields that we patch.
    #[inline]
    pub fn says(&self, intent: &OrderIntent) -> bool {
        matches!(intent.tif, TimeInForce::Day | TimeInForce::Ioc)
    }

    /// Whether the protocol can say `price` as a limit.
    #[inline]
    pub fn takes(&self, price: u64) -> bool {
        match self {
            Frames::Ouch50 { .. } => price != ouch50::MARKET_PRICE,
            Frames::Ouch42 { .. } => price <= u64::from(ouch42::PRICE_MAX),
        }
    }

    /// A new order.
    #[inline]
    pub fn enter(&mut self, intent: &OrderIntent, wire: &Wire) -> &[u8] {
        match self {
            Frames::Ouch50 { enter, .. } => {
                let order = &mut enter.order;
                order.user_ref_num = Be32::new(intent.cl_ord_id.0);
                order.side = side_letter(intent);
                order.quantity = Be32::new(wire.quantity);
                order.symbol = wire.symbol;
                order.price = Be64::new(wire.price);
                order.time_in_force = tif_letter(intent.tif);
                order.display = display_letter(intent.post_only);
                enter.bytes()
            }
            Frames::Ouch42 { enter, .. } => {
                let order = &mut enter.order;
                order.token = ouch42::token(intent.cl_ord_id.0);
                order.side = side_letter(intent);
                order.shares = Be32::new(wire.quantity);
                order.stock = wire.symbol;
                order.price = Be32::new(wire.price as u32); // `takes` was asked
                order.time_in_force = Be32::new(tif_seconds(intent.tif));
                order.display = display_letter(intent.post_only);
                enter.bytes()
            }
        }
    }

    /// A replace.
    #[inline]
    pub fn replace(&mut self, intent: &OrderIntent, wire: &Wire) -> &[u8] {
        match self {
            Frames::Ouch50 { replace, .. } => {
                let order = &mut replace.order;
                order.orig_user_ref_num = Be32::new(intent.orig.0);
                order.user_ref_num = Be32::new(intent.cl_ord_id.0);
                order.quantity = Be32::new(wire.quantity);
                order.price = Be64::new(wire.price);
                order.time_in_force = tif_letter(intent.tif);
                order.display = display_letter(intent.post_only);
                replace.bytes()
            }
            Frames::Ouch42 { replace, .. } => {
                let order = &mut replace.order;
                order.existing_token = ouch42::token(intent.orig.0);
                order.replacement_token = ouch42::token(intent.cl_ord_id.0);
                order.shares = Be32::new(wire.quantity);
                order.price = Be32::new(wire.price as u32); // `takes` was asked
                order.time_in_force = Be32::new(tif_seconds(intent.tif));
                order.display = display_letter(intent.post_only);
                replace.bytes()
            }
        }
    }

    /// A cancel of all that is left.
    #[inline]
    pub fn cancel(&mut self, id: u32) -> &[u8] {
        match self {
            Frames::Ouch50 { cancel, .. } => {
                cancel.order.user_ref_num = Be32::new(id);
                cancel.bytes()
            }
            Frames::Ouch42 { cancel, .. } => {
                cancel.order.token = ouch42::token(id);
                cancel.bytes()
            }
        }
    }
}
