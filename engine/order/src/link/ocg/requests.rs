//! Orders, amends and cancels of OCG-C as prebuilt frames: what differs is patched, then the frame is
//! sealed with its number and checksum.

use nofx_types::{Nanos, OrderIntent, Side, TimeInForce};
use nofx_wire::num::Le64;
use nofx_wire::ocg::client::{AmendFrame, CancelFrame, Fixed, MassCancelFrame, NewFrame};
use nofx_wire::ocg::codes::{capacity, side, tif};
use nofx_wire::ocg::{PRICE_UNITS, SHARE_UNITS};
use nofx_wire::text::{UtcText, id_digits};

use crate::config::OcgConfig;
use crate::frames::Wire;

#[derive(Clone, Debug)]
pub(super) struct Requests {
    new: NewFrame,
    amend: AmendFrame,
    cancel: CancelFrame,
    mass_cancel: MassCancelFrame,
    clock: UtcText,
    enhanced: bool,
}

impl Requests {
    pub fn new(own: &OcgConfig) -> Requests {
        let capacity = if own.principal { capacity::PRINCIPAL } else { capacity::AGENT };
        // Texts were checked to fit.
        let mut fixed = Fixed::new(&own.comp_id, &own.broker, capacity).unwrap_or(Fixed {
            comp_id: [0; 12],
            broker: [0; 12],
            exchange: *b"XHKG\0",
            capacity,
            disclosure: own.disclosure,
        });
        fixed.disclosure = own.disclosure;
        Requests {
            new: NewFrame::new(&fixed),
            amend: AmendFrame::new(&fixed),
            cancel: CancelFrame::new(&fixed),
            mass_cancel: MassCancelFrame::new(&fixed),
            clock: UtcText::default(),
            enhanced: own.enhanced_limit,
        }
    }

    #[inline]
    pub fn enter(&mut self, seq: u32, intent: &OrderIntent, wire: &Wire) -> &[u8] {
        let order = self.new.fields();
        order.client_order_id = id_field(intent.cl_ord_id.0);
        order.security_id = symbol_field(wire.symbol);
        order.transaction_time = self.clock.write(intent.now_ns);
        order.side = side_code(intent);
        order.price = Le64::new(wire.price * PRICE_UNITS); // `takes` was asked
        order.quantity = Le64::new(u64::from(wire.quantity) * SHARE_UNITS); // below 2^59
        order.time_in_force = tif_code(intent.tif);
        self.new.seal(seq, levels(self.enhanced, intent.tif))
    }

    #[inline]
    pub fn replace(&mut self, seq: u32, intent: &OrderIntent, wire: &Wire) -> &[u8] {
        let order = self.amend.fields();
        order.client_order_id = id_field(intent.cl_ord_id.0);
        order.original_client_order_id = id_field(intent.orig.0);
        order.security_id = symbol_field(wire.symbol);
        order.transaction_time = self.clock.write(intent.now_ns);
        order.side = side_code(intent);
        order.price = Le64::new(wire.price * PRICE_UNITS); // `takes` was asked
        order.quantity = Le64::new(u64::from(wire.quantity) * SHARE_UNITS); // below 2^59
        order.time_in_force = tif_code(intent.tif);
        self.amend.seal(seq, levels(self.enhanced, intent.tif))
    }

    #[inline]
    pub fn cancel(&mut self, seq: u32, intent: &OrderIntent, wire: &Wire) -> &[u8] {
        let order = self.cancel.fields();
        order.client_order_id = id_field(wire.cancel);
        order.original_client_order_id = id_field(intent.orig.0);
        order.security_id = symbol_field(wire.symbol);
        order.transaction_time = self.clock.write(intent.now_ns);
        order.side = side_code(intent);
        self.cancel.seal(seq)
    }

    /// One message that cancels everything; `id` is the cancel's.
    pub fn cancel_all(&mut self, seq: u32, now: Nanos, id: u32) -> &[u8] {
        let all = self.mass_cancel.fields();
        all.client_order_id = id_field(id);
        all.transaction_time = self.clock.write(now);
        self.mass_cancel.seal(seq)
    }
}

#[inline]
fn id_field(id: u32) -> [u8; 21] {
    let [a, b, c, d, e, f, g, h, i, j] = id_digits(id);
    [a, b, c, d, e, f, g, h, i, j, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
}

/// A symbol, padded with spaces, in a field that is padded with NUL.
#[inline]
fn symbol_field(symbol: [u8; 8]) -> [u8; 21] {
    let mut field = [0; 21];
    for (place, byte) in field.iter_mut().zip(symbol) {
        *place = if byte == b' ' { 0 } else { byte };
    }
    field
}

#[inline]
fn side_code(intent: &OrderIntent) -> u8 {
    match (intent.side, intent.short) {
        (Side::Buy, _) => side::BUY,
        (Side::Sell, false) => side::SELL,
        (Side::Sell, true) => side::SHORT,
    }
}

#[inline]
fn tif_code(of: TimeInForce) -> u8 {
    match of {
        TimeInForce::Day => tif::DAY,
        TimeInForce::Ioc => tif::IOC,
        TimeInForce::Fok => tif::FOK,
        TimeInForce::AtCrossing => tif::AT_CROSSING,
    }
}

/// A day order that is not enhanced trades at one price; the others have no such limit.
#[inline]
fn levels(enhanced: bool, of: TimeInForce) -> Option<u8> {
    (of == TimeInForce::Day && !enhanced).then_some(1)
}
