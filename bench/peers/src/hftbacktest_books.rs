//! hftbacktest's order-by-order depth, one per instrument, as its back-test drives it.
//!
//! It has no partial cancel and no execution of a resting order: the caller looks the order up and
//! modifies or deletes it. A replaced order gets a new id, so it is deleted and added.

use hftbacktest::depth::{HashMapMarketDepth, L3MarketDepth, MarketDepth};
use hftbacktest::types::Side as HftSide;
use nofx_bench::walk::Books;
use nofx_book::touch_hash;
use nofx_types::{BookEvent, EventKind, InstrumentId, Price, Qty, Side, Touch};

/// Penny ticks, as the generated days have.
const TICK: i64 = 100;
const TICK_SIZE: f64 = 0.01;

/// Depths by instrument id.
pub struct HftBooks(Vec<HashMapMarketDepth>);

impl HftBooks {
    /// For ids up to `instruments`.
    pub fn new(instruments: usize) -> HftBooks {
        HftBooks((0..=instruments).map(|_| HashMapMarketDepth::new(TICK_SIZE, 1.0)).collect())
    }
}

fn add(depth: &mut HashMapMarketDepth, order: u64, side: Side, price: f64, qty: u64) {
    let added = match side {
        Side::Buy => depth.add_buy_order(order, price, qty as f64, 0),
        Side::Sell => depth.add_sell_order(order, price, qty as f64, 0),
    };
    added.expect("a new order");
}

/// Side, price and quantity of an order.
fn look(depth: &HashMapMarketDepth, order: u64) -> Option<(Side, f64, f64)> {
    let found = depth.orders().get(&order)?;
    let side = if found.side == HftSide::Buy { Side::Buy } else { Side::Sell };
    Some((side, found.price_tick as f64 * TICK_SIZE, found.qty))
}

fn reduce(depth: &mut HashMapMarketDepth, order: u64, by: u64) {
    let Some((_, price, qty)) = look(depth, order) else { return };
    let left = qty - by as f64;
    let done = if left > 0.0 {
        depth.modify_order(order, price, left, 0)
    } else {
        depth.delete_order(order, 0)
    };
    done.expect("a live order");
}

fn units(price: Price) -> f64 {
    price.0 as f64 / 10_000.0
}

impl Books for HftBooks {
    #[inline(always)]
    fn apply(&mut self, event: &BookEvent) -> bool {
        let Some(depth) = self.0.get_mut(event.instrument.index()) else { return false };
        match event.kind {
            EventKind::Add { order, side, price, qty, .. } => {
                add(depth, order.0, side, units(price), qty.0);
            }
            EventKind::Execute { order, qty, .. } | EventKind::Reduce { order, qty } => {
                reduce(depth, order.0, qty.0);
            }
            EventKind::Delete { order } => {
                depth.delete_order(order.0, 0).expect("a live order");
            }
            EventKind::Replace { old, new, price, qty, .. } => {
                let (side, was, _) = look(depth, old.0).expect("a live order");
                depth.delete_order(old.0, 0).expect("a live order");
                add(depth, new.0, side, price.map_or(was, units), qty.0);
            }
            _ => {}
        }
        false
    }

    fn touch_hash(&self) -> u64 {
        touch_hash((0..).map(InstrumentId).zip(self.0.iter().map(touch)))
    }
}

fn touch(depth: &HashMapMarketDepth) -> Touch {
    let best = |tick: i64, qty: f64| {
        if qty > 0.0 { (Price(tick * TICK), Qty(qty as u64)) } else { (Price(0), Qty(0)) }
    };
    let (bid_px, bid_qty) = best(depth.best_bid_tick(), depth.best_bid_qty());
    let (ask_px, ask_qty) = best(depth.best_ask_tick(), depth.best_ask_qty());
    Touch { bid_px, bid_qty, ask_px, ask_qty }
}
