//! Shenzhen (300192, 300191, szse-binary-l2.md): the raw events of a tick.
//!
//! Every order is published when it arrives, before its trades, and a trade takes from both orders.
//! A book that takes these events is crossed between an order and its trades; the rebuild of the
//! book crate stands between this and a book that strategies see.

use nofx_types::{EventKind, EventSink, Priority, Side, Tick, TickKind};

use super::At;
use super::sse::execute;

#[inline]
pub(super) fn translate<S: EventSink>(tick: &Tick, at: &At, sink: &mut S) {
    match tick.kind {
        TickKind::Order { side, pricing } => {
            let (order, price, qty) = (tick.order(side), tick.price, tick.qty);
            let priority = Priority::Back;
            let add = EventKind::Add { order, side, price, qty, priority, pricing };
            sink.on_event(&at.event(true, add));
        }
        TickKind::Cancel { side } => {
            let reduce = EventKind::Reduce { order: tick.order(side), qty: tick.qty };
            sink.on_event(&at.event(true, reduce));
        }
        TickKind::Trade { .. } => {
            sink.on_event(&at.event(false, execute(tick, tick.order(Side::Buy), true)));
            sink.on_event(&at.event(true, execute(tick, tick.order(Side::Sell), false)));
        }
        TickKind::Phase(_) => {}
    }
}
