//! The baseline: aggregate books out of std maps, as one writes them first.

use std::collections::{BTreeMap, HashMap};

use nofx_book::touch_hash;
use nofx_types::{BookEvent, EventKind, InstrumentId, OrderRef, Price, Qty, Side, Touch};

/// One map of orders, one ordered map of levels per side; no queues, no checks.
#[derive(Default)]
pub struct StdBooks {
    orders: HashMap<OrderRef, Order>,
    sides: Vec<[BTreeMap<Price, u64>; 2]>,
}

#[derive(Clone, Copy)]
struct Order {
    instrument: InstrumentId,
    side: Side,
    price: Price,
    qty: u64,
}

impl StdBooks {
    /// Takes an event of an order-by-order feed.
    #[inline(always)]
    pub fn apply(&mut self, event: &BookEvent) {
        let instrument = event.instrument;
        match event.kind {
            EventKind::Add { order, side, price, qty, .. } => {
                self.add(order, Order { instrument, side, price, qty: qty.0 });
            }
            EventKind::Execute { order, qty, .. } | EventKind::Reduce { order, qty } => {
                self.reduce(order, qty.0);
            }
            EventKind::Delete { order } => self.reduce(order, u64::MAX),
            EventKind::Replace { old, new, price, qty, .. } => {
                if let Some(was) = self.orders.get(&old).copied() {
                    self.reduce(old, u64::MAX);
                    self.add(new, Order { price: price.unwrap_or(was.price), qty: qty.0, ..was });
                }
            }
            _ => {}
        }
    }

    fn add(&mut self, id: OrderRef, order: Order) {
        if self.sides.len() <= order.instrument.index() {
            self.sides.resize_with(order.instrument.index() + 1, Default::default);
        }
        self.orders.insert(id, order);
        let levels = &mut self.sides[order.instrument.index()][order.side.index()];
        *levels.entry(order.price).or_default() += order.qty;
    }

    fn reduce(&mut self, id: OrderRef, qty: u64) {
        let Some(order) = self.orders.get_mut(&id) else { return };
        let gone = qty.min(order.qty);
        order.qty -= gone;
        let order = *order;
        if order.qty == 0 {
            self.orders.remove(&id);
        }
        let levels = &mut self.sides[order.instrument.index()][order.side.index()];
        if let Some(level) = levels.get_mut(&order.price) {
            *level -= gone;
            if *level == 0 {
                levels.remove(&order.price);
            }
        }
    }

    /// One number for all touches.
    pub fn touch_hash(&self) -> u64 {
        let ids = (0..).map(InstrumentId);
        touch_hash(ids.zip(&self.sides).map(|(id, [bids, asks])| (id, touch(bids, asks))))
    }
}

fn touch(bids: &BTreeMap<Price, u64>, asks: &BTreeMap<Price, u64>) -> Touch {
    let best = |level: Option<(&Price, &u64)>| {
        level.map_or((Price(0), Qty(0)), |(price, qty)| (*price, Qty(*qty)))
    };
    let ((bid_px, bid_qty), (ask_px, ask_qty)) =
        (best(bids.last_key_value()), best(asks.first_key_value()));
    Touch { bid_px, bid_qty, ask_px, ask_qty }
}
