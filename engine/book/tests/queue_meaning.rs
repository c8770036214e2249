//! What each event means, as scripts with the queues they leave; twin and queue books both obey.

use nofx_book::{QueueBooks, QueueConfig, TwinBooks};
use nofx_types::{
    BookEvent, EventKind, InstrumentId, Nanos, OrderRef, Price, Pricing, Priority, Qty, Side,
    StaleReason,
};

const ID: InstrumentId = InstrumentId(0);
const BACK: Priority = Priority::Back;

fn event(id: InstrumentId, kind: EventKind) -> BookEvent {
    let (exch_ns, capture_ns) = (Nanos(0), Nanos(0));
    BookEvent { instrument: id, seq: 0, exch_ns, capture_ns, last: true, kind }
}

fn add(order: u64, price: i64, qty: u64) -> EventKind {
    join(order, price, qty, BACK, Pricing::Limit)
}

fn join(order: u64, price: i64, qty: u64, priority: Priority, pricing: Pricing) -> EventKind {
    let (order, price, qty) = (OrderRef(order), Price(price), Qty(qty));
    EventKind::Add { order, side: Side::Buy, price, qty, priority, pricing }
}

fn replace(old: u64, new: u64, price: Option<i64>, qty: u64, priority: Priority) -> EventKind {
    let (old, new, qty) = (OrderRef(old), OrderRef(new), Qty(qty));
    EventKind::Replace { old, new, price: price.map(Price), qty, priority }
}

fn execute(order: u64, qty: u64) -> EventKind {
    let (order, qty) = (OrderRef(order), Qty(qty));
    EventKind::Execute { order, qty, price: None, printable: true, match_id: 0 }
}

fn delete(order: u64) -> EventKind {
    EventKind::Delete { order: OrderRef(order) }
}

fn clear(side: Option<Side>) -> EventKind {
    EventKind::Clear { side }
}

fn level(price: i64, qty: u64) -> EventKind {
    EventKind::LevelSet { side: Side::Buy, price: Price(price), qty: Qty(qty), orders: 0 }
}

/// The bids after a script, best first: `price: order*qty ...`, then why the book is stale.
fn twin(script: &[EventKind]) -> (String, Option<StaleReason>) {
    let mut books = TwinBooks::new();
    script.iter().for_each(|kind| _ = books.apply(&event(ID, *kind)));
    let book = books.book(ID).expect("named");
    let shown = book.ladder(Side::Buy).map(|level| {
        let orders = book.queue(Side::Buy, level.price).map(|(order, qty)| (order.0, qty.0));
        show(level.price, level.qty, orders)
    });
    (shown.collect::<Vec<_>>().join(", "), books.stale(ID))
}

fn queue(script: &[EventKind]) -> (String, Option<StaleReason>) {
    let config = QueueConfig { instruments: 1, live_orders: 100, levels: 100 };
    let mut books = QueueBooks::new(&config).expect("sizes are good");
    script.iter().for_each(|kind| _ = books.apply(&event(ID, *kind)));
    let shown: Vec<_> = books
        .book(ID)
        .ladder(Side::Buy)
        .map(|level| {
            let orders = books.queue(ID, Side::Buy, level.price).map(|o| (o.order.0, o.qty.0));
            show(level.price, level.qty, orders)
        })
        .collect();
    (shown.join(", "), books.stale(ID))
}

fn show(price: Price, qty: Qty, orders: impl Iterator<Item = (u64, u64)>) -> String {
    let orders: Vec<_> = orders.map(|(order, qty)| format!(" {order}*{qty}")).collect();
    let total = if orders.is_empty() { format!(" {}", qty.0) } else { orders.concat() };
    format!("{}:{total}", price.0)
}

#[test]
fn scripts_leave_the_queues_that_the_events_say() {
    use Priority::{At, Kept};
    use StaleReason::{Exhausted, Gap, Inconsistent};
    let three = [add(1, 50, 10), add(2, 50, 20), add(3, 50, 30)];
    let market = join(4, 0, 40, BACK, Pricing::Market);
    const ALL: &str = "50: 1*10 2*20 3*30";
    let own_best = join(4, 0, 40, BACK, Pricing::OwnBest);
    for (rest, bids, stale) in [
        (vec![], "50: 1*10 2*20 3*30", None),
        // Executions and reductions keep the place; the last share takes the order out.
        (vec![execute(2, 5)], "50: 1*10 2*15 3*30", None),
        (vec![execute(1, 10), delete(2)], "50: 3*30", None),
        (vec![execute(1, 11)], "50: 2*20 3*30", Some(Inconsistent)),
        (vec![delete(9), execute(9, 1), replace(9, 8, None, 1, BACK)], "50: 1*10 2*20 3*30", None),
        // A rank counts from the head; beyond the end it is the back.
        (vec![join(4, 50, 40, At(1), Pricing::Limit)], "50: 1*10 4*40 2*20 3*30", None),
        (vec![join(4, 50, 40, At(9), Pricing::Limit)], "50: 1*10 2*20 3*30 4*40", None),
        // A replace: behind all; in place while the price is the same, even when it grows; at a rank
        // that is counted without the old order.
        (vec![replace(1, 4, None, 40, BACK)], "50: 2*20 3*30 4*40", None),
        (vec![replace(1, 4, Some(50), 40, Kept)], "50: 4*40 2*20 3*30", None),
        (vec![replace(1, 1, None, 40, Kept)], "50: 1*40 2*20 3*30", None),
        (
            vec![add(4, 60, 1), replace(1, 1, Some(60), 40, Kept)],
            "60: 4*1 1*40, 50: 2*20 3*30",
            None,
        ),
        (vec![replace(1, 4, None, 40, At(1))], "50: 2*20 4*40 3*30", None),
        (vec![replace(1, 4, None, 0, BACK)], "50: 2*20 3*30", None),
        (vec![replace(1, 2, None, 40, BACK)], "50: 2*20 3*30", Some(Inconsistent)),
        (vec![replace(1, 4, None, 1 << 32, BACK)], "50: 2*20 3*30", Some(Inconsistent)),
        // Orders without a price show once they get one.
        (vec![market], "50: 1*10 2*20 3*30", None),
        (vec![market, replace(4, 4, Some(50), 40, BACK)], "50: 1*10 2*20 3*30 4*40", None),
        (vec![own_best], "50: 1*10 2*20 3*30 4*40", None),
        (vec![clear(None), own_best], "", None),
        // What contradicts the book is dropped.
        (vec![add(1, 60, 5)], "50: 1*10 2*20 3*30", Some(Inconsistent)),
        (vec![add(4, 50, 0)], "50: 1*10 2*20 3*30", Some(Inconsistent)),
        (vec![level(50, 5)], "50: 1*10 2*20 3*30", Some(Inconsistent)),
        (vec![clear(None), level(50, 5), level(60, 7), level(60, 8)], "60: 8, 50: 5", None),
        (vec![clear(None), level(50, 5), level(50, 0)], "", None),
        (vec![clear(None), level(50, 5), add(4, 60, 1)], "50: 5", Some(Inconsistent)),
        // Clearing.
        (vec![clear(Some(Side::Sell))], "50: 1*10 2*20 3*30", None),
        (vec![market, clear(Some(Side::Buy)), add(4, 50, 1)], "50: 4*1", None),
        (vec![EventKind::Stale(Gap), clear(Some(Side::Buy))], "", Some(Gap)),
        (vec![EventKind::Stale(Gap), clear(None)], "", None),
        (vec![EventKind::Stale(Gap), execute(1, 99)], "50: 2*20 3*30", Some(Inconsistent)),
        (vec![EventKind::Stale(Inconsistent), EventKind::Stale(Gap)], ALL, Some(Inconsistent)),
        // What came after all ends a gap, and nothing else.
        (vec![EventKind::Stale(Gap), EventKind::Recovered], ALL, None),
        (vec![EventKind::Stale(Inconsistent), EventKind::Recovered], ALL, Some(Inconsistent)),
        (vec![EventKind::Stale(Exhausted), EventKind::Recovered], ALL, Some(Exhausted)),
        (
            vec![EventKind::Stale(Gap), EventKind::Stale(Exhausted), clear(None)],
            "",
            Some(Exhausted),
        ),
    ] {
        let script = [&three[..], &rest].concat();
        assert_eq!(twin(&script), (bids.to_owned(), stale), "twin {rest:?}");
        assert_eq!(queue(&script), (bids.to_owned(), stale), "queue {rest:?}");
    }
}
