//! Level books against the naive twin, event by event: answers, levels, counts and invariants.

mod streams;

use nofx_book::{BookCounts, LevelBooks, LevelConfig, TwinBook, TwinBooks};
use nofx_rt::rng::Rng;
use nofx_types::{
    BookEvent, EventKind, Instrument, InstrumentId, Ladder, Level, Price, Side, StaleReason,
};
use streams::{Shape, Stream};

/// So small that ids collide and windows move all the time.
const TIGHT: LevelConfig =
    LevelConfig { instruments: 4, live_orders: 600, window_ticks: 64, limit_ticks: 100_000 };

/// How the prices of a stream move.
#[derive(Clone, Copy, Debug)]
struct Walk {
    tick: i64,
    /// Price units per step that the whole market drifts.
    drift: i64,
    /// One event in so many jumps far away; 0 for never.
    jump: u64,
    /// The day's price limits in ticks, for all books but the last; (0, 0) for none.
    limits: (i64, i64),
}

impl Walk {
    const fn free(tick: i64, drift: i64, jump: u64) -> Walk {
        Walk { tick, drift, jump, limits: (0, 0) }
    }

    /// Every book is defined: at the start, and again now and then in the middle of the day.
    fn define(self, books: &mut LevelBooks, instruments: u32, today: bool) {
        for id in (0..instruments).map(InstrumentId) {
            let mut instrument = Instrument { tick: self.tick, ..Instrument::unknown(id) };
            if id.0 + 1 < instruments && today {
                instrument.limit_low = Price(self.limits.0 * self.tick);
                instrument.limit_high = Price(self.limits.1 * self.tick);
            }
            books.define(&instrument);
        }
    }
}

impl Walk {
    fn shift(self, rng: &mut Rng, step: i64, event: &mut BookEvent) {
        let wave = (step / 2_000) % 2;
        let along = self.drift * if wave == 0 { step % 2_000 } else { 2_000 - step % 2_000 };
        let jump = rng.chance(1, self.jump);
        let mut by = along;
        if jump {
            by += self.tick * (rng.below(2_000) as i64 - 1_000);
        }
        match &mut event.kind {
            EventKind::Add { price, .. }
            | EventKind::LevelSet { price, .. }
            | EventKind::Replace { price: Some(price), .. } => {
                *price = Price(price.0.saturating_add(by));
            }
            _ => {}
        }
    }
}

fn assert_same(books: &LevelBooks, twin: &TwinBooks, id: InstrumentId, at: &str) {
    assert_eq!(books.touch(id), twin.touch(id), "{at}");
    assert_eq!(books.book(id).touch(), twin.touch(id), "{at}");
    assert_eq!(books.is_crossed(id), twin.touch(id).is_crossed(), "{at}");
    assert_eq!(books.stale(id), twin.stale(id), "{at}");
    let empty = TwinBook::default();
    for side in Side::BOTH {
        let want: Vec<Level> = twin.book(id).unwrap_or(&empty).ladder(side).collect();
        let mut got = vec![Level::default(); want.len() + 1];
        let filled = books.book(id).levels(side, &mut got);
        assert_eq!(got[..filled], want, "{at} {side:?}");
        for level in &want {
            assert_eq!(books.book(id).level(side, level.price), Some(*level), "{at} {side:?}");
        }
    }
}

/// Counts without the one that only level books have.
fn anomalies(counts: BookCounts) -> BookCounts {
    BookCounts { overflow: 0, ..counts }
}

fn run(seed: u64, shape: Shape, walk: Walk, config: &LevelConfig, events: i64) -> LevelBooks {
    let (mut stream, mut rng) = (Stream::new(seed, shape), Rng::new(!seed));
    let mut books = LevelBooks::new(config).expect("sizes are good");
    let mut twin = TwinBooks::new();
    walk.define(&mut books, shape.instruments, true);
    for step in 0..events {
        if walk.limits.1 > 0 && rng.chance(1, 300) {
            // The day's limits come and go; a book adopts them when nothing rests in it.
            walk.define(&mut books, shape.instruments, rng.chance(2, 3));
        }
        let mut event = stream.draw();
        walk.shift(&mut rng, step, &mut event);
        let at = format!("seed {seed} {walk:?} step {step} {event:?}");
        let overflow = books.overflow_count();
        assert_eq!(books.apply(&event), twin.apply(&event), "{at}");
        assert!(books.overflow_count() >= overflow);
        assert_eq!(anomalies(books.counts()), twin.counts(), "{at}");
        assert_eq!(books.live_orders(), twin.live_orders(), "{at}");
        for id in (0..shape.instruments).map(InstrumentId) {
            if id == event.instrument || event.instrument == InstrumentId::ALL {
                assert_same(&books, &twin, id, &at);
                assert_eq!(books.check(id), Ok(()), "{at}");
            }
        }
        if step % 64 == 0 {
            stream.prune(&twin);
        }
    }
    assert_eq!(books.touch_hash(), twin.touch_hash(), "seed {seed}");
    books
}

const TAME: Shape = Shape { instruments: 3, orders: 40, prices: 60, levels: true, wild: false };

#[test]
fn prices_around_one_touch() {
    for seed in 0..6 {
        let walk = Walk::free(50, 0, 0);
        let books = run(seed, TAME, walk, &TIGHT, 3_000);
        assert_eq!(books.counts().exhausted, 0);
    }
}

#[test]
fn prices_off_tick() {
    for seed in 10..16 {
        // Half, then nearly all of the prices are off tick.
        for tick in [100, 7_000] {
            let books = run(seed, TAME, Walk::free(tick, 0, 0), &TIGHT, 2_000);
            assert!(books.overflow_count() > 100, "{}", books.overflow_count());
        }
    }
}

#[test]
fn a_market_that_drifts_and_jumps_moves_the_windows() {
    for seed in 20..26 {
        for (drift, jump) in [(50, 0), (250, 0), (50, 20), (-30, 3)] {
            let shape = Shape { prices: 200, orders: 100, ..TAME };
            let books = run(seed, shape, Walk::free(50, drift, jump), &TIGHT, 3_000);
            assert!(books.overflow_count() > 100, "{}", books.overflow_count());
        }
    }
}

#[test]
fn contradictions_clears_extreme_prices_and_market_wide_events() {
    let mut sum = BookCounts::default();
    for seed in 30..46 {
        let shape = Shape { wild: true, ..TAME };
        let walk = Walk::free([1, 50, 100, 1 << 36][seed as usize % 4], 40, 30);
        let counts = run(seed, shape, walk, &TIGHT, 2_000).counts();
        sum.unknown_order += counts.unknown_order;
        sum.duplicate_add += counts.duplicate_add;
        sum.overfill += counts.overfill;
        sum.out_of_range += counts.out_of_range;
        sum.mixed += counts.mixed;
    }
    for (name, count) in sum.iter().filter(|(name, _)| !["exhausted", "overflow"].contains(name)) {
        assert!(count > 10, "{name} happened {count} times only");
    }
}

#[test]
fn every_window_size_shows_the_same_book() {
    for window_ticks in [64, 128, 256, 1_024, 2_048] {
        let walk = Walk::free(50, 100, 50);
        let shape = Shape { instruments: 2, prices: 300, orders: 150, levels: true, wild: true };
        run(50, shape, walk, &LevelConfig { window_ticks, ..TIGHT }, 3_000);
    }
}

#[test]
fn books_between_price_limits_show_the_same_book() {
    // Narrower than a window, wider, as wide as can be; each with prices in, at and out of the limits.
    for (seed, limits) in [(60, (190, 230)), (61, (150, 2_197)), (62, (150, 2_198))]
        .into_iter()
        .chain([(63, (1, 40_000)), (64, (100, 9_000)), (65, (205, 205)), (66, (1, 262_144))])
    {
        for (drift, jump, wild) in [(0, 0, false), (50, 20, false), (40, 3, true)] {
            let walk = Walk { tick: 50, drift, jump, limits };
            let shape = Shape { prices: 100, orders: 60, wild, ..TAME };
            let config = LevelConfig { limit_ticks: 600_000, ..TIGHT };
            run(seed, shape, walk, &config, 3_000);
        }
    }
}

#[test]
fn a_book_starts_trusted_and_remembers_who_broke_it() {
    let books = LevelBooks::new(&TIGHT).expect("sizes are good");
    assert_eq!(books.stale(InstrumentId(0)), None);
    assert_eq!(books.stale(InstrumentId(99)), None::<StaleReason>);
    assert_eq!((books.seen(), books.live_orders()), (0, 0));
}
