//! A real stream with its real book: LOBSTER, AAPL on 2012-06-21 from 09:30, ten levels, 999 rows.
//!
//! Row i of the book file is the state after message i. Orders that rested before the first message
//! are not listed, so the first row, less its own message, seeds the book: one order for each price.
//! A message on an order that was never added acts on the seed at its price. The sample holds only
//! messages on the ten best prices, so what happened to a price while it lay deeper cannot be known
//! when it comes into view: it is then taken from the file, as a seed, and that row is not right.

mod truth;

use std::collections::{BTreeSet, HashMap};

use nofx_book::{LevelBooks, LevelConfig, QueueBooks, QueueConfig, TwinBooks};
use nofx_types::{
    BookEvent, EventKind, Instrument, Nanos, OrderRef, Phase, Price, Pricing, Priority, Qty, Side,
    Touch, TradeKind,
};
use truth::{Books, DEPTH, ID, captures};

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

/// What a replay gave.
#[derive(Debug, Default)]
struct Score {
    transitions: usize,
    touch_right: usize,
    levels_right: usize,
    executions: usize,
    /// Executions of the order that was served next at the touch.
    in_turn: usize,
}

/// Replays the pair.
fn replay(books: &mut impl Books) -> Option<Score> {
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
    let mut score = Score { transitions: messages.len() - 1, ..Score::default() };
    for (message, pair) in messages.iter().skip(1).zip(states.windows(2)) {
        let (before, event) = (books.touch(), translator.translate(message));
        if let EventKind::Execute { order, .. } = event.kind {
            score.executions += 1;
            score.in_turn += usize::from(books.next_served(order) == Some(order));
        }
        let change = books.apply(&event);
        assert_eq!(change.touch, books.touch() != before, "{message:?}");
        score.touch_right += usize::from(touch_is(&books.touch(), &pair[1]));
        if levels_right(books, &pair[1]) {
            score.levels_right += 1;
        } else {
            learn(books, &mut translator, &pair[0], &pair[1]);
        }
        assert!(levels_right(books, &pair[1]), "{message:?}");
        books.check();
    }
    println!("{score:?}");
    Some(score)
}

fn touch_is(touch: &Touch, state: &[i64]) -> bool {
    let want = |side| side_of(state, side)[0];
    (touch.bid_px, touch.bid_qty) == want(Side::Buy)
        && (touch.ask_px, touch.ask_qty) == want(Side::Sell)
}

fn levels_right(books: &impl Books, state: &[i64]) -> bool {
    Side::BOTH.into_iter().all(|side| books.shown(side) == side_of(state, side))
}

/// Takes over what could not be known: prices that were deeper than ten before the message.
fn learn(books: &mut impl Books, translator: &mut Translator, before: &[i64], after: &[i64]) {
    for side in Side::BOTH {
        let (ours, theirs) = (books.shown(side), side_of(after, side));
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

fn assert_real(score: &Score) {
    assert!((score.transitions, score.touch_right) == (998, 998) && score.levels_right >= 971);
}

#[test]
fn the_twin_is_the_real_book() {
    let Some(score) = replay(&mut TwinBooks::new()) else { return };
    assert_real(&score);
    assert_eq!((score.executions, score.in_turn), (98, 98));
}

#[test]
fn the_level_book_is_the_real_book() {
    let config =
        LevelConfig { instruments: 8, live_orders: 2_000, window_ticks: 64, limit_ticks: 0 };
    let mut books = LevelBooks::new(&config).expect("sizes are good");
    books.define(&Instrument::unknown(ID));
    let Some(score) = replay(&mut books) else { return };
    assert_real(&score);
}

#[test]
fn the_queue_book_is_the_real_book_and_orders_are_executed_in_turn() {
    let config = QueueConfig { instruments: 8, live_orders: 2_000, levels: 1_000 };
    let mut books = QueueBooks::new(&config).expect("sizes are good");
    let Some(score) = replay(&mut books) else { return };
    assert_real(&score);
    assert_eq!((score.executions, score.in_turn), (98, 98));
    assert_eq!((books.counts().overfill, books.counts().duplicate_add), (0, 0));
    assert_eq!(books.check_all(), Ok(()));
}
