//! Requests of a client: what they say, and what of them the session alone can refuse.

use nofx_types::{Nanos, Side};
use nofx_wire::ocg::codes::{exec, kind, mass_cancel, reject, side, tif};
use nofx_wire::ocg::{
    AmendOrder, CancelOrder, Frame, MassCancel, NewOrder, Text, price_in, qty_in,
};

use super::Ocg;
use super::reports::Names;
use crate::gateway::ids::symbol;
use crate::gateway::{Ask, Entry, Kind, Label, Why};

/// The fields that every request has, as they came.
#[derive(Clone, Copy)]
pub(super) struct Party {
    pub broker: [u8; 12],
    pub security: [u8; 21],
    pub exchange: Option<[u8; 5]>,
    pub location: Option<[u8; 11]>,
    pub side: u8,
}

/// The rest of a new order, as it came.
#[derive(Clone, Copy)]
pub(super) struct Form {
    pub party: Party,
    pub order_type: u8,
    pub time_in_force: Option<u8>,
    pub max_price_levels: Option<u8>,
    pub capacity: Option<u8>,
    pub lot_type: Option<u8>,
}

/// A cancel or an amend of one order, or a mass cancel, as it came.
#[derive(Clone, Copy)]
pub(super) enum Request {
    One(Party),
    Mass { broker: [u8; 12], request_type: u8 },
}

/// [`Party`] of a new order, an amend or a cancel: three messages with the same fields.
macro_rules! party {
    ($order:expr) => {
        Party {
            broker: *$order.submitting_broker.0,
            security: *$order.security_id.0,
            exchange: $order.security_exchange.map(|text| *text.0),
            location: $order.broker_location.map(|text| *text.0),
            side: $order.side,
        }
    };
}

impl Ocg {
    /// A new order.
    pub(super) fn on_new(&mut self, now: Nanos, frame: &Frame<'_>, order: &NewOrder<'_>) {
        let id_text = Some(order.client_order_id);
        let Some(kind) = kind_of(order) else {
            return self.refuse(now, frame, reject::VALUE, "order type", id_text);
        };
        let Some((side, short)) = side_of(order.side) else {
            return self.refuse(now, frame, reject::VALUE, "side", id_text);
        };
        if kind.has_price() && order.price.is_none() {
            return self.refuse(now, frame, reject::FIELD_MISSING, "price", id_text);
        }
        let form = Form {
            party: party!(order),
            order_type: order.order_type,
            time_in_force: order.time_in_force,
            max_price_levels: order.max_price_levels,
            capacity: order.capacity,
            lot_type: order.lot_type,
        };
        let text = label(order.client_order_id);
        let price = order.price.filter(|_| kind.has_price()).unwrap_or(0);
        let symbol = symbol(order.security_id.0);
        let (price, qty) = (price_in(price), qty_in(order.quantity));
        let id = match self.orders.number(text) {
            Ok(id) => id,
            Err(why) => return self.reject_new(now, text, &form, why),
        };
        let (Some(symbol), Some(price), Some(qty)) = (symbol, price, qty) else {
            let why = match (symbol, price) {
                (None, _) => Why::Symbol,
                (_, None) => Why::Tick,
                _ => Why::Lot,
            };
            return self.reject_new(now, text, &form, why);
        };
        let account = Label::of(order.submitting_broker.0).unwrap_or(Label::NONE);
        let programme = false; // Hong Kong has no such mark
        let entry = Entry { id, symbol, side, kind, price, qty, short, account, programme };
        self.orders.place(entry, form);
    }

    /// Another price or quantity.
    pub(super) fn on_amend(&mut self, now: Nanos, frame: &Frame<'_>, order: &AmendOrder<'_>) {
        let (price, qty) = (order.price.map(price_in), order.quantity.map(qty_in));
        if price == Some(None) || qty == Some(None) {
            let id_text = Some(order.client_order_id);
            return self.refuse(now, frame, reject::VALUE, "price or quantity", id_text);
        }
        let (price, qty) = (price.flatten(), qty.flatten());
        let ask = |id, orig| Ask::Amend { id, orig, price, qty };
        let orig = label(order.original_client_order_id);
        let names = Names::of(label(order.client_order_id), Some(orig));
        self.on_request(now, exec::AMEND_REJECT, party!(order), names, ask);
    }

    /// A cancel of one order.
    pub(super) fn on_cancel(&mut self, now: Nanos, order: &CancelOrder<'_>) {
        let ask = |id, orig| Ask::Cancel { id, orig };
        let orig = label(order.original_client_order_id);
        let names = Names::of(label(order.client_order_id), Some(orig));
        self.on_request(now, exec::CANCEL_REJECT, party!(order), names, ask);
    }

    /// An amend or a cancel of the order that `names` has as original.
    fn on_request(
        &mut self,
        now: Nanos,
        reject_type: u8,
        party: Party,
        names: Names,
        ask: impl FnOnce(u64, u64) -> Ask,
    ) {
        let orig = names.orig.map_or(0, |text| self.orders.find(text));
        match self.orders.number(names.text) {
            Err(why) => self.reject_request(now, &party, reject_type, names, why),
            Ok(_) if orig == 0 => {
                self.reject_request(now, &party, reject_type, names, Why::Unknown);
            }
            Ok(id) => self.orders.request(id, Request::One(party), ask(id, orig)),
        }
    }

    /// A cancel of many.
    pub(super) fn on_mass_cancel(
        &mut self,
        now: Nanos,
        frame: &Frame<'_>,
        request: &MassCancel<'_>,
    ) {
        let id_text = Some(request.client_order_id);
        let symbol = request.security_id.map(|text| symbol(text.0));
        let symbol = match request.request_type {
            mass_cancel::SECURITY if symbol.flatten().is_some() => symbol.flatten(),
            mass_cancel::SECURITY => {
                return self.refuse(now, frame, reject::FIELD_MISSING, "security id", id_text);
            }
            // One segment is all that the venue trades.
            mass_cancel::ALL | mass_cancel::SEGMENT => None,
            _ => return self.refuse(now, frame, reject::VALUE, "mass cancel type", id_text),
        };
        let side = request.side.and_then(side_of).map(|(side, _)| side);
        let Ok(id) = self.orders.number(label(request.client_order_id)) else {
            return self.refuse(now, frame, reject::VALUE, "client order id", id_text);
        };
        let (broker, request_type) = (*request.submitting_broker.0, request.request_type);
        let form = Request::Mass { broker, request_type };
        self.orders.request(id, form, Ask::MassCancel { id, symbol, side });
    }
}

fn label(text: Text<'_, 21>) -> Label {
    Label::of(text.0).unwrap_or(Label::NONE)
}

fn side_of(value: u8) -> Option<(Side, bool)> {
    match value {
        side::BUY => Some((Side::Buy, false)),
        side::SELL => Some((Side::Sell, false)),
        side::SHORT => Some((Side::Sell, true)),
        _ => None,
    }
}

/// The kind of order that these fields make (from memory).
fn kind_of(order: &NewOrder<'_>) -> Option<Kind> {
    let levels = order.max_price_levels;
    if order.lot_type == Some(1) {
        return (order.order_type == kind::LIMIT).then_some(Kind::OddLot);
    }
    match (order.order_type, order.time_in_force.unwrap_or(tif::DAY)) {
        (kind::LIMIT, tif::DAY) if levels == Some(1) => Some(Kind::PlainLimit),
        (kind::LIMIT, tif::DAY) if levels.is_none() => Some(Kind::Limit),
        (kind::LIMIT, tif::IOC) => Some(Kind::LimitIoc),
        (kind::LIMIT, tif::FOK) => Some(Kind::LimitFok),
        (kind::LIMIT, tif::AT_CROSSING) => Some(Kind::AtAuctionLimit),
        (kind::MARKET, tif::AT_CROSSING) => Some(Kind::AtAuction),
        _ => None,
    }
}
