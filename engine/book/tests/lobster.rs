//! A real stream with its real book: LOBSTER, AAPL on 2012-06-21 from 09:30, ten levels, 999 rows.
//!
//! Row i of the book file is the state after message i. Orders that rested before the first message
//! are not listed, so the first row, less its own message, seeds the book: one order for each price.
//! A message on an order that was never added acts on the seed at its price. The sample holds only
//! messages on the ten best prices, so what happened to a price while it lay deeper cannot be known
//! when it comes into view: it is then taken from the file, as a seed, and that row is not right.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

use nofx_book::{LevelBooks, LevelConfig, QueueBooks, QueueConfig, TwinBooks};
use nofx_types::{
    BookEvent, Change, EventKind, Instrument, InstrumentId, Ladder, Level, Nanos, OrderRef, Phase,
    Price, Pricing, Priority, Qty, Side, Touch, TradeKind,
};

const ID: InstrumentId = InstrumentId(7);
const DEPTH: usize = 10;

/// What the test asks of a set of books.
trait Books {
    fn apply(&mut self, event: &BookEvent) -> Change;
    fn touch(&self) -> Touch;
    fn levels(&self, side: Side, out: &mut [Level]) -> usize;
    /// Invariants, and what this kind of book knows of an event that is about to come.
    fn check(&mut self, next: &BookEvent);
}

impl Books for TwinBooks {
    fn apply(&mut self, event: &BookEvent) -> Change {
        self.apply(event)
    }
    fn touch(&self) -> Touch {
        self.touch(ID)
    }
    fn levels(&self, side: Side, out: &mut [Level]) -> usize {
        self.levels(ID, side, out)
    }
    fn check(&mut self, _: &BookEvent) {}
}

impl Books for LevelBooks {
    fn apply(&mut self, event: &BookEvent) -> Change {
        self.apply(event)
    }
    fn touch(&self) -> Touch {
        self.touch(ID)
    }
    fn levels(&self, side: Side, out: &mut [Level]) -> usize {
        self.book(ID).levels(side, out)
    }
    fn check(&mut self, _: &BookEvent) {
        assert_eq!(LevelBooks::check(self, ID), Ok(()));
    }
}

/// Queue books, with a count of executions and of those that hit the head of their queue.
struct Queues {
    books: QueueBooks,
    executed: u32,
    at_head: u32,
}

impl Books for Queues {
    fn apply(&mut self, event: &BookEvent) -> Change {
        self.books.apply(event)
    }
    fn touch(&self) -> Touch {
        self.books.touch(ID)
    }
    fn levels(&self, side: Side, out: &mut [Level]) -> usize {
        self.books.book(ID).levels(side, out)
    }
    fn check(&mut self, next: &BookEvent) {
        assert_eq!(self.books.check_all(), Ok(()));
        let EventKind::Execute { order, .. } = next.kind else { return };
        let hit = self.books.order(ID, order).expect("what is executed is in the book");
        let best = self.books.touch(ID).best(hit.side);
        assert_eq!(best, Some(hit.price), "executions are at the touch");
        self.executed += 1;
        self.at_head += u32::from(self.books.ahead(ID, order) == Some(Qty(0)));
    }
}

fn captures() -> PathBuf {
    std::env::var_os("NOFX_CAPTURES").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/captures")),
        PathBuf::from,
    )
}

/// Rows of numbers; `None` where the file is absent.
fn rows(name: &str) -> Option<Vec<Vec<i64>>> {
    let file = format!("AAPL_2012-06-21_34200000_57600000_{name}_10.csv");
    let text =
        std::fs::read_to_string(captures().join("lobster/level10-first999").join(file)).ok()?;
    let number = |field: &str| field.trim().split('.').next().and_then(|whole| whole.parse().ok());
    let row = |line: &str| line.split(',').map(|field| number(field).expect("a number")).collect();
    Some(text.lines().map(row).collect())
}

/// One side of a row of the book file: ask price, ask size, bid price, bid size, repeated.
fn side_of(row: &[i64], side: Side) -> Vec<(Price, Qty)> {
    let first = if side == Side::Sell { 0 } else { 2 };
    row.chunks_exact(4).map(|level| (Price(level[first]), Qty(level[first + 1] as u64))).collect()
}

/// Translates messages; knows which orders the stream has added, and where.
#[derive(Default)]
struct Translator {
    added: HashMap<i64, (Side, Price)>,
}

impl Translator {
    /// A row of the message file: time, type, order, size, price, direction of the resting order.
    fn translate(&mut self, row: &[i64]) -> BookEvent {
        let [_, kind, id, size, price, direction] = *row else { panic!("six fields: {row:?}") };
        let side = if direction == 1 { Side::Buy } else { Side::Sell };
        let (price, qty) = (Price(price), Qty(size as u64));
        let known = self.added.contains_key(&id);
        let order = if known { OrderRef(id as u64) } else { seed(side, price) };
        event(match kind {
            1 => {
                self.added.insert(id, (side, price));
                add(OrderRef(id as u64), side, price, qty)
            }
            2 => EventKind::Reduce { order, qty },
            3 if known => EventKind::Delete { order },
            3 => EventKind::Reduce { order, qty },
            4 => EventKind::Execute { order, qty, price: None, printable: true, match_id: 0 },
            5 => trade(price, qty, side, TradeKind::Hidden),
            6 => trade(price, qty, side, TradeKind::Cross),
            7 => EventKind::Phase(Phase::Halted),
            other => panic!("type {other} is not one of LOBSTER's"),
        })
    }

    /// All that is at a price is from now on one seed of this quantity.
    fn reseed(&mut self, books: &mut impl Books, side: Side, price: Price, qty: Qty) {
        let here = self.added.extract_if(|_, place| *place == (side, price));
        let mut gone: Vec<_> = here.map(|(id, _)| OrderRef(id as u64)).collect();
        gone.push(seed(side, price));
        gone.into_iter().for_each(|order| _ = books.apply(&event(EventKind::Delete { order })));
        if qty.0 > 0 {
            books.apply(&event(add(seed(side, price), side, price, qty)));
        }
    }
}

fn event(kind: EventKind) -> BookEvent {
    let (exch_ns, capture_ns) = (Nanos(0), Nanos(0));
    BookEvent { instrument: ID, seq: 0, exch_ns, capture_ns, last: true, kind }
}

fn add(order: OrderRef, side: Side, price: Price, qty: Qty) -> EventKind {
    let (priority, pricing) = (Priority::Back, Pricing::Limit);
    EventKind::Add { order, side, price, qty, priority, pricing }
}

fn trade(price: Price, qty: Qty, resting: Side, kind: TradeKind) -> EventKind {
    EventKind::Trade { price, qty, aggressor: Some(resting.opposite()), match_id: 0, kind }
}

/// The order that stands for all that rested at a price before the stream began.
fn seed(side: Side, price: Price) -> OrderRef {
    OrderRef((1 << 63) | ((price.0 as u64) << 1) | side as u64)
}

fn seed_from(books: &mut impl Books, row: &[i64], side: Side, skip: Option<Price>) {
    for (price, qty) in side_of(row, side).into_iter().filter(|(price, _)| Some(*price) != skip) {
        books.apply(&event(add(seed(side, price), side, price, qty)));
    }
}

/// Replays the pair: (transitions, touch right, ten levels right).
fn replay(books: &mut impl Books) -> Option<(usize, usize, usize)> {
    let (Some(messages), Some(states)) = (rows("message"), rows("orderbook")) else {
        println!("SKIPPED lobster: no captures at {}", captures().display());
        return None;
    };
    assert_eq!((messages.len(), states.len()), (999, 999));
    let mut translator = Translator::default();
    // The first message adds a price of its own on the buy side.
    let first = translator.translate(&messages[0]);
    let EventKind::Add { side: Side::Buy, price, .. } = first.kind else { panic!("an add") };
    seed_from(books, &states[0], Side::Buy, Some(price));
    seed_from(books, &states[0], Side::Sell, None);
    books.apply(&first);
    assert!(levels_right(books, &states[0]), "seeded");
    let (mut touch_right, mut all_right) = (0, 0);
    for (message, pair) in messages.iter().skip(1).zip(states.windows(2)) {
        let (before, event) = (books.touch(), translator.translate(message));
        books.check(&event);
        let change = books.apply(&event);
        assert_eq!(change.touch, books.touch() != before, "{message:?}");
        touch_right += usize::from(touch_is(&books.touch(), &pair[1]));
        if levels_right(books, &pair[1]) {
            all_right += 1;
        } else {
            learn(books, &mut translator, &pair[0], &pair[1]);
        }
        assert!(levels_right(books, &pair[1]), "{message:?}");
    }
    Some((messages.len() - 1, touch_right, all_right))
}

fn touch_is(touch: &Touch, state: &[i64]) -> bool {
    let want = |side| side_of(state, side)[0];
    (touch.bid_px, touch.bid_qty) == want(Side::Buy)
        && (touch.ask_px, touch.ask_qty) == want(Side::Sell)
}

fn shown(books: &impl Books, side: Side) -> Vec<(Price, Qty)> {
    let mut levels = [Level::default(); DEPTH];
    let count = books.levels(side, &mut levels);
    levels[..count].iter().map(|level| (level.price, level.qty)).collect()
}

fn levels_right(books: &impl Books, state: &[i64]) -> bool {
    Side::BOTH.into_iter().all(|side| shown(books, side) == side_of(state, side))
}

/// Takes over what could not be known: prices that were deeper than ten before the message.
fn learn(books: &mut impl Books, translator: &mut Translator, before: &[i64], after: &[i64]) {
    for side in Side::BOTH {
        let (ours, theirs) = (shown(books, side), side_of(after, side));
        let all: BTreeSet<Price> = ours.iter().chain(&theirs).map(|level| level.0).collect();
        let deepest = side_of(before, side)[DEPTH - 1].0;
        let qty = |levels: &[(Price, Qty)], price| {
            levels.iter().find(|level| level.0 == price).map_or(Qty(0), |level| level.1)
        };
        for price in all.into_iter().filter(|price| qty(&ours, *price) != qty(&theirs, *price)) {
            assert!(side.better(deepest, price), "{price:?} was in view");
            translator.reseed(books, side, price, qty(&theirs, price));
        }
    }
}

#[test]
fn the_twin_is_the_real_book() {
    let Some((transitions, touch, levels)) = replay(&mut TwinBooks::new()) else { return };
    println!("twin: touch right {touch}, ten levels right {levels} of {transitions}");
    assert!((transitions, touch) == (998, 998) && levels >= 971);
}

#[test]
fn the_level_book_is_the_real_book() {
    let config = LevelConfig { instruments: 8, live_orders: 2_000, window_ticks: 64 };
    let mut books = LevelBooks::new(&config).expect("sizes are good");
    books.define(&Instrument::unknown(ID));
    let Some((transitions, touch, levels)) = replay(&mut books) else { return };
    println!("level: touch right {touch}, ten levels right {levels} of {transitions}");
    assert!((transitions, touch) == (998, 998) && levels >= 971);
}

#[test]
fn the_queue_book_is_the_real_book_and_executions_hit_the_head_of_the_queue() {
    let config = QueueConfig { instruments: 8, live_orders: 2_000, levels: 1_000 };
    let books = QueueBooks::new(&config).expect("sizes are good");
    let mut queues = Queues { books, executed: 0, at_head: 0 };
    let Some((transitions, touch, levels)) = replay(&mut queues) else { return };
    println!("queue: touch right {touch}, ten levels right {levels} of {transitions}");
    assert!((transitions, touch) == (998, 998) && levels >= 971);
    assert_eq!((queues.executed, queues.at_head), (98, 98));
    assert_eq!((queues.books.counts().overfill, queues.books.counts().duplicate_add), (0, 0));
}
