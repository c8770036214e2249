//! Level books at their limits: ids from all over the 64-bit range, full memory, bad configuration.

use nofx_book::{LevelBooks, LevelConfig, TwinBooks};
use nofx_rt::rng::Rng;
use nofx_types::{
    BookEvent, Change, EventKind, Instrument, InstrumentId, Ladder, Level, Nanos, OrderRef, Price,
    Pricing, Priority, Qty, Side, StaleReason,
};

const ID: InstrumentId = InstrumentId(1);
const SMALL: LevelConfig =
    LevelConfig { instruments: 4, live_orders: 1_000, window_ticks: 64, limit_ticks: 10_000 };

fn event(kind: EventKind) -> BookEvent {
    let (seq, exch_ns, capture_ns) = (0, Nanos(0), Nanos(0));
    BookEvent { instrument: ID, seq, exch_ns, capture_ns, last: true, kind }
}

fn add(order: u64, side: Side, price: i64, qty: u64) -> BookEvent {
    let (priority, pricing) = (Priority::Back, Pricing::Limit);
    let (order, price, qty) = (OrderRef(order), Price(price), Qty(qty));
    event(EventKind::Add { order, side, price, qty, priority, pricing })
}

fn delete(order: u64) -> BookEvent {
    event(EventKind::Delete { order: OrderRef(order) })
}

fn books(config: &LevelConfig) -> LevelBooks {
    LevelBooks::new(config).expect("sizes are good")
}

fn total(books: &LevelBooks) -> u64 {
    books.memory().map(|(_, bytes)| bytes).sum()
}

/// The five ways ids come: dense, near 2^63, near 2^64, strided so that all share a slot, anywhere.
fn id(way: u64, n: u64, rng: &mut Rng) -> u64 {
    match way {
        0 => n,
        1 => (1 << 63) - 1_000_000 + 3 * n,
        2 => u64::MAX - n,
        3 => n << 40,
        _ => rng.next(),
    }
}

#[test]
fn any_ids_fit_the_stated_memory() {
    let config = LevelConfig { live_orders: 20_000, ..SMALL };
    for way in 0..5 {
        let (mut rng, mut books, mut twin) = (Rng::new(way), books(&config), TwinBooks::new());
        let before = total(&books);
        let mut live = Vec::new();
        for n in 0..60_000 {
            let side = Side::BOTH[rng.below(2) as usize];
            let price = 10_000 - side.sign() * 100 * rng.below(50) as i64;
            let order = id(way, n, &mut rng);
            live.push(order);
            let joined = add(order, side, price, 100);
            assert_eq!(books.apply(&joined), twin.apply(&joined), "way {way} add {n}");
            if live.len() > 10_000 {
                let gone = delete(live.swap_remove(rng.below(live.len() as u64) as usize));
                assert_eq!(books.apply(&gone), twin.apply(&gone), "way {way} delete {n}");
            }
        }
        assert_eq!(books.live_orders(), 10_000, "way {way}");
        assert_eq!(books.touch(ID), twin.touch(ID), "way {way}");
        assert_eq!(books.check(ID), Ok(()), "way {way}");
        assert_eq!(books.counts().exhausted, 0, "way {way}");
        assert_eq!(total(&books), before);
    }
}

#[test]
fn the_us_market_fits_one_and_a_half_gibibytes() {
    let books = books(&LevelConfig::default());
    for (holder, bytes) in books.memory() {
        println!("{holder}: {bytes} bytes");
    }
    assert!(total(&books) <= 3 << 29, "{} bytes", total(&books));
}

#[test]
fn full_order_memory_is_counted_and_marks_the_book_and_nothing_else_breaks() {
    let mut books = books(&SMALL);
    let mut rested = Vec::new();
    // All ids share one slot of the ring: one order there, the others in the table.
    for n in 1..2_000u64 {
        let refused = books.counts().exhausted;
        books.apply(&add(n << 40, Side::Buy, 10_000, 1));
        if books.counts().exhausted == refused {
            rested.push(n << 40);
        }
    }
    assert!((1_000..=1_001).contains(&rested.len()), "{}", rested.len());
    assert_eq!(books.counts().exhausted, 1_999 - rested.len() as u64);
    assert_eq!(books.stale(ID), Some(StaleReason::Exhausted));
    assert_eq!(books.live_orders(), rested.len() as u64);
    assert_eq!(books.touch(ID).bid_qty, Qty(rested.len() as u64));
    assert_eq!(books.check(ID), Ok(()));
    for order in rested {
        assert_eq!(books.apply(&delete(order)), Change { touch: true, levels: true });
    }
    assert_eq!((books.live_orders(), books.touch(ID).bid_qty), (0, Qty(0)));
    let level = EventKind::Stale(StaleReason::Gap);
    books.apply(&event(level));
    books.apply(&event(EventKind::Clear { side: None }));
    assert_eq!(books.stale(ID), Some(StaleReason::Exhausted), "the memory is as small as it was");
}

#[test]
fn full_level_memory_is_counted_and_marks_the_book_and_nothing_else_breaks() {
    let mut books = books(&SMALL);
    let mut set = 0;
    // Off tick, so no window can hold them; each is better than the last.
    while books.counts().exhausted == 0 {
        set += 1;
        assert!(set < 200_000, "memory for levels has no end");
        let (price, qty) = (Price(100 * set + 1), Qty(set as u64));
        books.apply(&event(EventKind::LevelSet { side: Side::Buy, price, qty, orders: 1 }));
    }
    assert_eq!(books.stale(ID), Some(StaleReason::Exhausted));
    assert_eq!(books.touch(ID).bid_qty, Qty(set as u64 - 1), "the last one was left out");
    let mut top = [Level::default(); 2];
    assert_eq!(books.book(ID).levels(Side::Buy, &mut top), 2);
    assert_eq!(top.map(|level| level.price.0), [100 * (set - 1) + 1, 100 * (set - 2) + 1]);
    assert_eq!(books.check(ID), Ok(()));
}

#[test]
fn a_level_that_would_show_too_much_is_refused() {
    let mut books = books(&SMALL);
    let (side, price) = (Side::Sell, Price(10_000));
    let set = |qty| event(EventKind::LevelSet { side, price, qty: Qty(qty), orders: 1 });
    books.apply(&set((1 << 40) - 1));
    assert_eq!(books.touch(ID).ask_qty, Qty((1 << 40) - 1));
    books.apply(&set(1 << 40));
    assert_eq!(books.touch(ID).ask_qty, Qty((1 << 40) - 1));
    assert_eq!((books.counts().out_of_range, books.counts().exhausted), (1, 0));
    assert_eq!(books.stale(ID), Some(StaleReason::Inconsistent));

    let mut books = LevelBooks::new(&SMALL).expect("sizes are good");
    for n in 0..257 {
        books.apply(&add(n, Side::Buy, 10_000, u32::MAX.into()));
    }
    assert_eq!(books.touch(ID).bid_qty, Qty(256 * u64::from(u32::MAX)));
    assert_eq!((books.counts().out_of_range, books.live_orders()), (1, 256));
    assert_eq!(books.check(ID), Ok(()));
}

#[test]
fn the_largest_quantities_are_quantities_like_others() {
    let mut books = books(&SMALL);
    let reduce = |qty| event(EventKind::Reduce { order: OrderRef(1), qty: Qty(qty) });
    for (overfills, qty) in [(1, u64::MAX), (2, u64::MAX - 1), (2, u32::MAX.into())] {
        books.apply(&add(1, Side::Buy, 10_000, u32::MAX.into()));
        assert_eq!(books.apply(&reduce(qty)), Change { touch: true, levels: true });
        assert_eq!((books.counts().overfill, books.live_orders()), (overfills, 0));
    }
    books.apply(&add(1, Side::Buy, 10_000, 1 << 32));
    assert_eq!((books.counts().out_of_range, books.live_orders()), (1, 0));
}

#[test]
fn instruments_outside_the_table_are_counted_and_harm_nobody() {
    let mut books = books(&SMALL);
    books.apply(&add(5, Side::Buy, 10_000, 1));
    let elsewhere = |event: BookEvent, id| BookEvent { instrument: InstrumentId(id), ..event };
    for id in [4, 1 << 20, u32::MAX - 1, u32::MAX] {
        // An id of another instrument: the same number, or one whose slot and key come close.
        for order in [5, 5 ^ (1 << 32), u64::MAX] {
            for event in [add(order, Side::Buy, 10_100, 1), delete(order)] {
                assert_eq!(books.apply(&elsewhere(event, id)), Change::NONE);
            }
        }
        assert_eq!(books.touch(InstrumentId(id)), Default::default());
        assert_eq!(books.stale(InstrumentId(id)), None);
    }
    assert_eq!((books.counts().out_of_range, books.counts().unknown_order), (9, 9));
    assert_eq!((books.touch(ID).bid_px, books.live_orders(), books.seen()), (Price(10_000), 1, 1));
}

#[test]
fn a_tick_is_taken_over_when_nothing_rests() {
    let mut books = books(&SMALL);
    let define = |books: &mut LevelBooks, tick| {
        books.define(&Instrument { tick, ..Instrument::unknown(ID) });
    };
    define(&mut books, 25);
    books.apply(&add(1, Side::Buy, 10_025, 1));
    let overflow = books.overflow_count();
    books.apply(&add(2, Side::Buy, 10_050, 1));
    assert_eq!(books.overflow_count(), overflow, "on tick, so on the fast path");
    for tick in [100, 0, -5, i64::MAX] {
        define(&mut books, tick);
        assert_eq!(books.touch(ID).bid_px, Price(10_050));
        assert_eq!(books.check(ID), Ok(()));
    }
    books.apply(&event(EventKind::Clear { side: None }));
    books.apply(&add(3, Side::Sell, 10_000, 1));
    let overflow = books.overflow_count();
    books.apply(&add(4, Side::Sell, 10_025, 1));
    assert_eq!(books.overflow_count(), overflow + 1, "off the new tick of 100");
}

#[test]
fn limits_of_the_day_make_flat_books_that_never_leave_the_straight_path() {
    for (low, high) in [(9_000, 11_000), (90_000, 2_000_000)] {
        let mut books = LevelBooks::new(&LevelConfig { limit_ticks: 40_000, ..SMALL }).unwrap();
        let bytes = total(&books);
        let (limit_low, limit_high) = (Price(low), Price(high));
        let limited = Instrument { limit_low, limit_high, ..Instrument::unknown(ID) };
        books.apply(&add(1, Side::Buy, 100, 1));
        books.define(&limited);
        assert_eq!((books.flat_books(), books.without_flat()), (0, 1), "an order rests there");
        books.apply(&delete(1));
        books.define(&limited);
        assert_eq!((books.flat_books(), books.without_flat()), (1, 0));
        books.apply(&add(2, Side::Buy, low, 1));
        books.apply(&add(3, Side::Sell, high, 1));
        let straight = books.overflow_count();
        for n in 0..1_000 {
            let (bid, ask) = (low + 100 * (n * 7 % 19), high - 100 * (n * 5 % 19));
            books.apply(&add(10 + 2 * n as u64, Side::Buy, bid, 5));
            books.apply(&add(11 + 2 * n as u64, Side::Sell, ask, 5));
            if n > 4 {
                books.apply(&delete(2 * n as u64));
                books.apply(&delete(2 * n as u64 + 1));
            }
        }
        assert_eq!(books.overflow_count(), straight, "{low}..={high}");
        books.apply(&add(5_000, Side::Buy, high + 100, 1));
        assert_eq!(books.touch(ID).bid_px, Price(high + 100));
        assert_eq!(books.overflow_count(), straight + 1, "an order outside is counted");
        books.apply(&delete(5_000));
        assert_eq!((books.check(ID), total(&books)), (Ok(()), bytes));
    }
}

#[test]
fn limits_that_find_no_room_keep_a_window_and_are_counted() {
    let mut books = LevelBooks::new(&LevelConfig { limit_ticks: 10_000, ..SMALL }).unwrap();
    for id in (0..4).map(InstrumentId) {
        let (limit_low, limit_high) = (Price(100), Price(400_000));
        books.define(&Instrument { limit_low, limit_high, ..Instrument::unknown(id) });
    }
    assert_eq!((books.flat_books(), books.without_flat()), (2, 2));
    books.apply(&BookEvent { instrument: InstrumentId(3), ..add(1, Side::Buy, 10_000, 1) });
    assert_eq!(books.touch(InstrumentId(3)).bid_px, Price(10_000));
    let upside_down = Instrument {
        limit_low: Price(200),
        limit_high: Price(100),
        ..Instrument::unknown(InstrumentId(2))
    };
    books.define(&upside_down);
    assert_eq!((books.flat_books(), books.without_flat()), (2, 1), "no limits at all");
}

#[test]
fn a_window_follows_a_market_that_falls_or_rises() {
    for side in Side::BOTH {
        let mut books = books(&SMALL);
        // Ten levels that walk a thousand ticks to the worse side: the best leaves, a worst joins.
        for step in 0..1_000 {
            let price = 1_000_000 - side.sign() * 100 * step as i64;
            books.apply(&add(step + 10, side, price, 1));
            books.apply(&delete(step));
        }
        assert!(books.overflow_count() < 100, "{side:?}: {}", books.overflow_count());
        assert_eq!(books.check(ID), Ok(()));
    }
}

#[test]
fn configurations_are_refused_by_the_name_of_the_key() {
    let refused = |config: LevelConfig| LevelBooks::new(&config).err().map(|error| error.key);
    for instruments in [0, u32::MAX] {
        assert_eq!(refused(LevelConfig { instruments, ..SMALL }), Some("instruments"));
    }
    for live_orders in [0, u32::MAX] {
        assert_eq!(refused(LevelConfig { live_orders, ..SMALL }), Some("live_orders"));
    }
    for window_ticks in [0, 1, 32, 100, 4_096] {
        assert_eq!(refused(LevelConfig { window_ticks, ..SMALL }), Some("window_ticks"));
    }
    assert_eq!(refused(LevelConfig { limit_ticks: 1 << 31, ..SMALL }), Some("limit_ticks"));
    assert_eq!(refused(SMALL), None);
}
