//! Shanghai (UA5803 of the LDDS Level-2 interface): what a tick means to a book.
//!
//! An order that trades at once is published behind its trades, and only for what is left of it. So
//! a trade takes from the order that rested; the aggressor is no order of the book. In an auction
//! nobody is the aggressor and both orders rest: two executions, of which the second prints nothing.

use nofx_types::{EventKind, EventSink, OrderRef, Priority, Side, Tick, TickKind};

use super::At;

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
        TickKind::Trade { aggressor: Some(aggressor) } => {
            let passive = tick.order(aggressor.opposite());
            sink.on_event(&at.event(true, execute(tick, passive, true)));
        }
        TickKind::Trade { aggressor: None } => {
            sink.on_event(&at.event(false, execute(tick, tick.order(Side::Buy), true)));
            sink.on_event(&at.event(true, execute(tick, tick.order(Side::Sell), false)));
        }
        TickKind::Phase(_) => {}
    }
}

/// `order` was filled by the trade of `tick`.
#[inline]
pub(super) fn execute(tick: &Tick, order: OrderRef, printable: bool) -> EventKind {
    let Tick { qty, price, seq, .. } = *tick;
    EventKind::Execute { order, qty, price: Some(price), printable, match_id: seq }
}
