//! Order-by-order books against the naive twin, event by event.

mod streams;

use std::collections::BTreeSet;

use nofx_book::{QueueBooks, QueueConfig, TwinBook, TwinBooks, touch_hash};
use nofx_rt::rng::Rng;
use nofx_types::{
    BookEvent, EventKind, InstrumentId, Ladder, Level, OrderRef, Price, Pricing, Priority, Qty,
    Side, StaleReason,
};
use streams::{Shape, Stream, event};

const ROOMY: QueueConfig = QueueConfig { instruments: 4, live_orders: 4_000, levels: 2_000 };

/// Everything that can be read of one book agrees with the twin.
fn assert_same(books: &QueueBooks, twin: &TwinBooks, id: InstrumentId, at: &str) {
    assert_eq!(books.check(id), Ok(()), "{at}");
    assert_eq!(books.touch(id), twin.touch(id), "{at}");
    assert_eq!(books.stale(id), twin.stale(id), "{at}");
    let empty = TwinBook::default();
    let book = twin.book(id).unwrap_or(&empty);
    for side in Side::BOTH {
        let levels: Vec<Level> = book.ladder(side).collect();
        assert_eq!(books.book(id).ladder(side).collect::<Vec<_>>(), levels, "{at}");
        for level in levels {
            assert_eq!(books.level(id, side, level.price), Some(level), "{at}");
            assert_same_queue(books, book, id, side, level.price, at);
        }
    }
}

fn assert_same_queue(
    books: &QueueBooks,
    book: &TwinBook,
    id: InstrumentId,
    side: Side,
    price: Price,
    at: &str,
) {
    let want: Vec<(OrderRef, Qty)> = book.queue(side, price).collect();
    let queue: Vec<_> = books.queue(id, side, price).collect();
    assert_eq!(queue.iter().map(|o| (o.order, o.qty)).collect::<Vec<_>>(), want, "{at}");
    assert_eq!(books.front(id, side, price).as_ref(), queue.first(), "{at}");
    assert_eq!(books.back(id, side, price).as_ref(), queue.last(), "{at}");
    let mut ahead = 0;
    for order in &queue {
        assert_eq!(books.order(id, order.order).as_ref(), Some(order), "{at}");
        assert_eq!((order.side, order.price, order.shown), (side, price, true), "{at}");
        assert_eq!(books.ahead(id, order.order), Some(Qty(ahead)), "{at}");
        ahead += order.qty.0;
    }
}

fn run(seed: u64, shape: Shape, events: u32) -> (QueueBooks, TwinBooks) {
    let mut stream = Stream::new(seed, shape);
    let mut books = QueueBooks::new(&ROOMY).expect("sizes are good");
    let mut twin = TwinBooks::new();
    for step in 0..events {
        let event = stream.draw();
        let at = format!("seed {seed} step {step} {event:?}");
        assert_eq!(books.apply(&event), twin.apply(&event), "{at}");
        assert_eq!(books.counts(), twin.counts(), "{at}");
        assert_eq!(books.live_orders(), twin.live_orders(), "{at}");
        for id in (0..shape.instruments).map(InstrumentId) {
            if id == event.instrument || event.instrument == InstrumentId::ALL {
                assert_same(&books, &twin, id, &at);
            }
        }
        if step % 64 == 0 {
            assert_eq!(books.check_all(), Ok(()), "{at}");
            stream.prune(&twin);
        }
    }
    assert_eq!(books.touch_hash(), twin.touch_hash(), "seed {seed}");
    (books, twin)
}

#[test]
fn wild_streams_agree() {
    let shape = Shape { instruments: 3, orders: 12, prices: 6, levels: true, wild: true };
    let mut sum = nofx_book::BookCounts::default();
    for seed in 0..40 {
        let counts = run(seed, shape, 1_500).0.counts();
        sum.unknown_order += counts.unknown_order;
        sum.duplicate_add += counts.duplicate_add;
        sum.overfill += counts.overfill;
        sum.out_of_range += counts.out_of_range;
        sum.mixed += counts.mixed;
    }
    let all = [sum.unknown_order, sum.duplicate_add, sum.overfill, sum.out_of_range, sum.mixed];
    assert!(all.iter().all(|count| *count > 50), "streams must contradict: {sum:?}");
}

#[test]
fn long_queues_and_wide_books_agree() {
    let deep = Shape { instruments: 1, orders: 200, prices: 2, levels: false, wild: false };
    let wide = Shape { instruments: 2, orders: 300, prices: 400, levels: true, wild: false };
    for seed in 100..104 {
        assert!(run(seed, deep, 1_500).1.live_orders() > 100, "seed {seed}");
        assert!(run(seed, wide, 1_500).0.live_levels() > 100, "seed {seed}");
    }
}

/// What is left of an event for which there was no room.
fn without_room(event: &BookEvent) -> Vec<BookEvent> {
    let stale = EventKind::Stale(StaleReason::Exhausted);
    let kinds = match event.kind {
        EventKind::Replace { old, .. } => vec![EventKind::Delete { order: old }, stale],
        _ => vec![stale],
    };
    kinds.into_iter().map(|kind| streams::event(event.instrument, kind)).collect()
}

#[test]
fn exhaustion_drops_one_order_counts_it_and_marks_its_book_only() {
    let small = [(10, 100), (100, 6), (12, 7)];
    for (seed, (live_orders, levels)) in (0..30).zip(small.into_iter().cycle()) {
        let config = QueueConfig { instruments: 4, live_orders, levels };
        let shape = Shape { instruments: 3, orders: 8, prices: 6, levels: true, wild: false };
        let (mut stream, mut twin) = (Stream::new(seed, shape), TwinBooks::new());
        let mut books = QueueBooks::new(&config).expect("sizes are good");
        for step in 0..1_000 {
            let event = stream.draw();
            let at = format!("seed {seed} step {step} {event:?}");
            let before = books.counts().exhausted;
            let full = books.live_orders() == u64::from(live_orders)
                || books.live_levels() == u64::from(levels);
            let change = books.apply(&event);
            let mut twins = vec![event];
            if books.counts().exhausted > before {
                assert!(full || matches!(event.kind, EventKind::Replace { .. }), "{at}");
                assert_eq!(books.stale(event.instrument), Some(StaleReason::Exhausted), "{at}");
                twins = without_room(&event);
            }
            for (nth, event) in twins.iter().enumerate() {
                let want = twin.apply(event);
                assert!(nth > 0 || change == want, "{at}");
            }
            assert_eq!(books.live_orders(), twin.live_orders(), "{at}");
            (0..3).for_each(|id| assert_same(&books, &twin, InstrumentId(id), &at));
            assert_eq!(books.check_all(), Ok(()), "{at}");
            if step % 16 == 0 {
                stream.prune(&twin);
            }
        }
        assert!(books.counts().exhausted > 10, "seed {seed}: {:?}", books.counts());
        // A clear gives the memory back; the mark stays.
        let id = InstrumentId::ALL;
        books.apply(&event(id, EventKind::Clear { side: None }));
        assert_eq!((books.live_orders(), books.live_levels()), (0, 0), "seed {seed}");
        assert_eq!(books.check_all(), Ok(()), "seed {seed}");
        assert!((0..3).any(|id| books.stale(InstrumentId(id)).is_some()), "seed {seed}");
    }
}

#[test]
fn sparse_ids_need_memory_for_what_lives_only() {
    let config = QueueConfig { instruments: 2, live_orders: 1_000, levels: 50 };
    let mut books = QueueBooks::new(&config).expect("sizes are good");
    let memory: Vec<_> = books.memory().collect();
    let (mut rng, mut live) = (Rng::new(5), Vec::new());
    for step in 0..200_000u64 {
        let order = OrderRef(match step % 3 {
            0 => (1 << 63) + step,
            1 => step << 40,
            _ => rng.next(),
        });
        let add = EventKind::Add {
            order,
            side: Side::Buy,
            price: Price(100 + rng.below(20) as i64),
            qty: Qty(1),
            priority: Priority::Back,
            pricing: Pricing::Limit,
        };
        live.push(order);
        books.apply(&event(InstrumentId(1), add));
        if live.len() == 1_000 {
            let order = live.swap_remove(rng.below(1_000) as usize);
            books.apply(&event(InstrumentId(1), EventKind::Delete { order }));
        }
    }
    assert_eq!(books.counts(), nofx_book::BookCounts::default());
    assert_eq!((books.live_orders(), books.check_all()), (999, Ok(())));
    assert_eq!(books.memory().collect::<Vec<_>>(), memory);
}

/// A participant remembers the arrival number of an order and with it who was ahead and who behind:
/// whatever joins at whatever rank, that never changes.
#[test]
fn a_remembered_arrival_number_keeps_its_meaning() {
    let (id, side, price) = (InstrumentId(0), Side::Sell, Price(10_000));
    for seed in 0..20 {
        let mut rng = Rng::new(seed);
        let mut books = QueueBooks::new(&ROOMY).expect("sizes are good");
        let mut marks: Vec<(u64, BTreeSet<OrderRef>, BTreeSet<OrderRef>)> = Vec::new();
        for step in 0..600u64 {
            let queue: Vec<_> = books.queue(id, side, price).collect();
            let kind = if queue.len() > 30 || rng.chance(1, 3) {
                let order = queue.get(rng.below(queue.len() as u64) as usize);
                EventKind::Delete { order: order.map_or(OrderRef(0), |o| o.order) }
            } else {
                let priority = Priority::At(rng.below(4) as u32);
                let (qty, order) = (Qty(1), OrderRef(step + 1));
                EventKind::Add { order, side, price, qty, priority, pricing: Pricing::Limit }
            };
            books.apply(&event(id, kind));
            assert_eq!(books.check(id), Ok(()), "seed {seed} step {step}");
            let queue: Vec<_> = books.queue(id, side, price).collect();
            for (number, ahead, behind) in &marks {
                for order in &queue {
                    assert!(!(ahead.contains(&order.order) && order.arrival > *number));
                    assert!(!(behind.contains(&order.order) && order.arrival <= *number));
                }
            }
            if let Some(mark) = queue.get(rng.below(queue.len() as u64) as usize) {
                let (ahead, behind) = queue.iter().partition(|o| o.arrival <= mark.arrival);
                let names =
                    |orders: Vec<&nofx_book::QueuedOrder>| orders.iter().map(|o| o.order).collect();
                marks.push((mark.arrival, names(ahead), names(behind)));
            }
        }
    }
}

#[test]
fn joins_between_the_same_two_orders_never_run_out_of_numbers() {
    let (id, side, price) = (InstrumentId(0), Side::Buy, Price(1));
    let mut books = QueueBooks::new(&ROOMY).expect("sizes are good");
    let mut want = Vec::new();
    for step in 0..400u64 {
        let rank = (1 + step as usize / 200).min(want.len());
        let (order, priority) = (OrderRef(step), Priority::At(rank as u32));
        let qty = Qty(1);
        let add = EventKind::Add { order, side, price, qty, priority, pricing: Pricing::Limit };
        books.apply(&event(id, add));
        want.insert(rank, order);
        assert_eq!(books.check(id), Ok(()), "step {step}");
    }
    assert!(books.queue(id, side, price).map(|o| o.order).eq(want));
    assert!(books.counts().overflow > 0, "the test must reach the end of the room");
}

#[test]
fn sizes_that_cannot_be_are_refused_by_key() {
    for (config, key) in [
        (QueueConfig { instruments: 0, ..ROOMY }, "instruments"),
        (QueueConfig { live_orders: 0, ..ROOMY }, "live_orders"),
        (QueueConfig { levels: u32::MAX, ..ROOMY }, "levels"),
    ] {
        let error = QueueBooks::new(&config).err().expect("refused");
        assert!(error.key == key && error.to_string().starts_with(key), "{error}");
    }
}

#[test]
fn an_instrument_without_a_book_is_counted_and_reads_as_empty() {
    let mut books = QueueBooks::new(&ROOMY).expect("sizes are good");
    let id = InstrumentId(4);
    books.apply(&event(id, EventKind::Delete { order: OrderRef(1) }));
    books.apply(&event(id, EventKind::EndOfEvent));
    assert_eq!(books.counts().out_of_range, 1);
    assert_eq!(books.touch(id), nofx_types::Touch::default());
    assert_eq!(books.book(id).levels(Side::Buy, &mut [Level::default(); 2]), 0);
    assert_eq!(books.queue(id, Side::Buy, Price(1)).count(), 0);
    assert_eq!(books.order(id, OrderRef(1)), None);
    assert_eq!(books.touch_hash(), touch_hash([].into_iter()));
}
