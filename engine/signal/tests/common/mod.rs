//! A small venue with everything that can go wrong, and a referee that watches a strategy trade there.
//!
//! Requests and answers travel in queues, so any number of market events, fills and cancels can
//! happen while one is under way. The referee judges each intent by what the strategy had been told
//! when it made it, and the venue's true orders by what they are. All chance comes from one seed.
#![allow(dead_code)] // each test file uses its part

use std::collections::VecDeque;

use nofx_signal::{Context, Strategy};
use nofx_types::{
    AccountId, BookEvent, Change, ClOrdId, EventKind, Instrument, InstrumentId, IntentKind,
    Intents, Ladder, Level, Nanos, OrderIntent, OrderRef, OrderUpdate, Phase, Price, Qty, Side,
    TimeInForce, Touch, UpdateKind,
};

/// Splitmix64.
pub struct Rng(pub u64);

impl Rng {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// Levels from the touch outwards: (price, quantity).
#[derive(Clone, Debug, Default)]
pub struct Book {
    pub sides: [Vec<(i64, u64)>; 2],
}

impl Book {
    pub fn of(bid: i64, bid_qty: u64, ask: i64, ask_qty: u64) -> Book {
        Book { sides: [vec![(bid, bid_qty)], vec![(ask, ask_qty)]] }
    }
}

impl Ladder for Book {
    fn touch(&self) -> Touch {
        let best = |side: &[(i64, u64)]| {
            side.first().map_or((Price(0), Qty(0)), |(price, qty)| (Price(*price), Qty(*qty)))
        };
        let ((bid_px, bid_qty), (ask_px, ask_qty)) = (best(&self.sides[0]), best(&self.sides[1]));
        Touch { bid_px, bid_qty, ask_px, ask_qty }
    }

    fn levels(&self, side: Side, out: &mut [Level]) -> usize {
        let levels = &self.sides[side.index()];
        for (slot, (price, qty)) in out.iter_mut().zip(levels) {
            *slot = Level { price: Price(*price), qty: Qty(*qty), orders: 1 };
        }
        levels.len().min(out.len())
    }
}

pub const TICK: i64 = 100;
pub const LOT: i64 = 100;

/// A tradable instrument with penny tick and lots of 100.
pub fn instrument(id: u32) -> Instrument {
    let mut instrument = Instrument::unknown(InstrumentId(id));
    instrument.flags.defined = true;
    instrument
}

pub fn event(instrument: InstrumentId, now: Nanos, kind: EventKind) -> BookEvent {
    BookEvent { instrument, seq: now.0, exch_ns: now, capture_ns: now, last: true, kind }
}

/// News of the order that `intent` made, with nothing filled or released.
pub fn update(kind: UpdateKind, intent: &OrderIntent, now: Nanos) -> OrderUpdate {
    OrderUpdate {
        kind,
        side: intent.side,
        maker: true,
        account: AccountId(0),
        instrument: intent.instrument,
        cl_ord_id: intent.cl_ord_id,
        orig: intent.orig,
        order_ref: OrderRef(0),
        price: intent.price,
        leaves: intent.qty,
        fill_price: Price(0),
        fill_qty: Qty(0),
        released_qty: Qty(0),
        released_price: Price(0),
        closed: false,
        now_ns: now,
    }
}

/// What a run has seen: a test that saw nothing proves nothing.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Seen {
    pub intents: [u64; 3],
    pub iocs: u64,
    pub updates: [u64; UpdateKind::COUNT],
    pub fills_while_pending: u64,
    pub dead_letters: u64,
    pub quiet_events: u64,
    pub at_cap: u64,
}

impl Seen {
    pub fn add(&mut self, other: &Seen) {
        let pairs = self.intents.iter_mut().zip(other.intents);
        pairs.chain(self.updates.iter_mut().zip(other.updates)).for_each(|(a, b)| *a += b);
        self.iocs += other.iocs;
        self.fills_while_pending += other.fills_while_pending;
        self.dead_letters += other.dead_letters;
        self.quiet_events += other.quiet_events;
        self.at_cap += other.at_cap;
    }
}

/// What the referee holds a strategy to.
pub struct Rules {
    /// No position beyond this, in shares, as the venue sees it.
    pub position_max: i64,
    /// Day orders must rest: not meet the other side's touch.
    pub passive: bool,
}

/// Instrument as the market, the venue and the strategy see it.
struct Row {
    instrument: Instrument,
    book: Book,
    phase: Phase,
    stale: bool,
    /// Open at the venue.
    open: Vec<OrderIntent>,
    position_true: i64,
    position_told: i64,
    /// Requests of which the strategy has not been told the outcome.
    unanswered: Vec<OrderIntent>,
    /// Orders the strategy was told are open.
    told_open: Vec<ClOrdId>,
}

impl Row {
    fn may_trade(&self) -> bool {
        self.phase == Phase::Continuous && !self.stale
    }
}

/// The market, the venue and the wire between it and a strategy.
pub struct Arena<S> {
    pub strategy: S,
    pub seen: Seen,
    rows: Vec<Row>,
    requests: VecDeque<OrderIntent>,
    answers: VecDeque<OrderUpdate>,
    out: Intents,
    now: Nanos,
    rng: Rng,
    rules: Rules,
    /// Chaos stops: requests are granted, nothing is filled.
    honest: bool,
}

impl<S: Strategy> Arena<S> {
    pub fn new(strategy: S, rules: Rules, seed: u64) -> Arena<S> {
        let rows = strategy.instruments().iter().map(|id| Row {
            instrument: instrument(id.0),
            book: Book::of(10_000, 500, 10_200, 500),
            phase: Phase::Continuous,
            stale: false,
            open: vec![],
            position_true: 0,
            position_told: 0,
            unanswered: vec![],
            told_open: vec![],
        });
        Arena {
            rows: rows.collect(),
            strategy,
            seen: Seen::default(),
            requests: VecDeque::new(),
            answers: VecDeque::new(),
            out: Intents::new(1),
            now: Nanos(1_000_000_000),
            rng: Rng(seed),
            rules,
            honest: false,
        }
    }

    /// Lets `steps` things happen, then halts the market and checks that nothing stays behind.
    pub fn run(&mut self, steps: u32) {
        for _ in 0..steps {
            self.now = self.now.plus(self.rng.below(3_000_000));
            match self.rng.below(10) {
                0..=3 => self.market_event(),
                4..=5 => self.venue_takes_request(),
                6..=7 => self.deliver(),
                8 => self.fill_something(),
                _ => self.rarely(),
            }
        }
        self.halt_and_drain();
    }

    fn halt_and_drain(&mut self) {
        self.honest = true;
        for _ in 0..8 {
            self.now = self.now.plus(20_000_000_000); // beyond every pause after a refusal
            for row in 0..self.rows.len() {
                self.rows[row].phase = Phase::Halted;
                self.call_event(row, EventKind::Phase(Phase::Halted), Change::NONE);
            }
            while !self.requests.is_empty() || !self.answers.is_empty() {
                self.venue_takes_request();
                self.deliver();
            }
        }
        for row in &self.rows {
            assert!(row.open.is_empty(), "left behind after a halt: {:?}", row.open);
        }
    }

    fn rarely(&mut self) {
        let row = self.rng.below(self.rows.len() as u64) as usize;
        match self.rng.below(12) {
            0 => self.rows[row].stale = !self.rows[row].stale,
            1 => {
                let halted = self.rows[row].phase == Phase::Halted;
                let phase = if halted { Phase::Continuous } else { Phase::Halted };
                self.rows[row].phase = phase;
                self.call_event(row, EventKind::Phase(phase), Change::NONE);
            }
            2..=4 => self.unsolicited_cancel(),
            // Halts and gaps end before long.
            5..=7 => (self.rows[row].stale, self.rows[row].phase) = (false, Phase::Continuous),
            _ => self.market_event(),
        }
    }

    fn market_event(&mut self) {
        let row = self.rng.below(self.rows.len() as u64) as usize;
        let before = self.rows[row].book.touch();
        let rng = &mut self.rng;
        let book = &mut self.rows[row].book;
        let mid = (before.bid_px.0 + before.ask_px.0) / 2;
        let mid = if before.is_two_sided() { mid } else { 10_000 };
        let mid = (mid + TICK * (rng.below(7) as i64 - 3)).clamp(5_000, 20_000) / TICK * TICK;
        let half = TICK * rng.below(3) as i64;
        for side in Side::BOTH {
            let best = mid - side.sign() * half + if side == Side::Sell { TICK } else { 0 };
            let levels = (0..rng.below(7) as i64).map(|n| best - side.sign() * n * TICK);
            let levels: Vec<_> = levels.map(|price| (price, 1 + rng.below(900))).collect();
            book.sides[side.index()] = levels;
        }
        if rng.one_in(8) {
            // Locked, crossed or off tick.
            let off = [-30, 0, TICK, 37][rng.below(4) as usize];
            if let Some(best) = book.sides[1].first_mut() {
                best.0 = mid - half + off;
            }
        }
        let kind = match rng.below(3) {
            0 => EventKind::Execute {
                order: OrderRef(1),
                qty: Qty(100),
                price: None,
                printable: true,
                match_id: 0,
            },
            _ => EventKind::Delete { order: OrderRef(1) },
        };
        let touch = book.touch() != before;
        self.call_event(row, kind, Change { touch, levels: true });
    }

    fn call_event(&mut self, row: usize, kind: EventKind, change: Change) {
        let now = self.now;
        let Row { instrument, book, phase, stale, position_told, .. } = &self.rows[row];
        let (phase, stale, position) = (*phase, *stale, *position_told);
        let ctx = Context { now, instrument, phase, stale, position };
        let event = event(instrument.id, now, kind);
        self.strategy.on_event(&ctx, &event, book, change, &mut self.out);
        self.seen.quiet_events += u64::from(!ctx.may_trade());
        self.judge();
    }

    /// Takes the intents out and judges each.
    fn judge(&mut self) {
        let mut intents = vec![];
        self.out.drain(|intent| intents.push(intent));
        for intent in intents {
            self.seen.intents[intent.kind as usize] += 1;
            self.seen.iocs += u64::from(intent.tif == TimeInForce::Ioc);
            let row = self.row_of(intent.instrument);
            judge_intent(&self.rows[row], &self.rules, &intent);
            self.rows[row].unanswered.push(intent);
            self.requests.push_back(OrderIntent { now_ns: self.now, ..intent });
        }
        assert_eq!(self.out.dropped(), 0);
    }

    fn row_of(&self, id: InstrumentId) -> usize {
        self.rows.iter().position(|row| row.instrument.id == id).expect("a configured instrument")
    }

    fn venue_takes_request(&mut self) {
        let Some(intent) = self.requests.pop_front() else { return };
        let chance = if self.honest { 99 } else { self.rng.below(100) };
        let row = self.row_of(intent.instrument);
        let now = self.now;
        let mut refused = update(UpdateKind::RefusedByGate, &intent, now);
        refused.closed = intent.kind == IntentKind::New;
        if chance < 6 {
            return self.answers.push_back(refused);
        }
        match intent.kind {
            IntentKind::New => self.venue_new(row, intent, chance),
            IntentKind::Replace => self.venue_replace(row, intent, chance),
            IntentKind::Cancel => self.venue_cancel(row, intent, chance),
        }
    }

    fn venue_new(&mut self, row: usize, intent: OrderIntent, chance: u64) {
        if chance < 14 {
            let mut rejected = update(UpdateKind::Rejected, &intent, self.now);
            (rejected.leaves, rejected.closed) = (Qty(0), true);
            return self.answers.push_back(rejected);
        }
        let row = &mut self.rows[row];
        let same_side = row.open.iter().filter(|order| order.side == intent.side);
        assert_eq!(same_side.count(), 0, "a second open order: {intent:?}");
        not_meeting_own(row, &intent);
        self.answers.push_back(update(UpdateKind::Accepted, &intent, self.now));
        row.open.push(intent);
        let (at, row) = (row.open.len() - 1, self.row_of(intent.instrument));
        if intent.tif == TimeInForce::Ioc {
            if chance >= 40 {
                self.fill(row, at);
            }
            // What is left of it ends at once.
            if self.rows[row].open.get(at).is_some() {
                self.remove(row, at, UpdateKind::Canceled);
            }
        } else if chance < 16 {
            self.remove(row, at, UpdateKind::Rejected); // a late reject
        }
    }

    fn venue_replace(&mut self, row: usize, intent: OrderIntent, chance: u64) {
        let now = self.now;
        let orders = &mut self.rows[row].open;
        let Some(order) = orders.iter_mut().find(|order| order.cl_ord_id == intent.orig) else {
            // Some venues answer a replace of a dead order, some do not.
            let mut late = update(UpdateKind::ReplaceRejected, &intent, now);
            late.closed = true;
            if chance.is_multiple_of(2) {
                self.answers.push_back(late);
            }
            return;
        };
        if chance < 14 {
            return self.answers.push_back(update(UpdateKind::ReplaceRejected, &intent, now));
        }
        *order = intent;
        let mut replaced = update(UpdateKind::Replaced, &intent, now);
        replaced.closed = true; // the order before is no longer open
        self.answers.push_back(replaced);
        not_meeting_own(&self.rows[row], &intent);
    }

    fn venue_cancel(&mut self, row: usize, intent: OrderIntent, chance: u64) {
        let at = self.rows[row].open.iter().position(|order| order.cl_ord_id == intent.orig);
        let mut refused = update(UpdateKind::CancelRejected, &intent, self.now);
        match at {
            Some(_) if chance < 12 => self.answers.push_back(refused),
            Some(at) => self.remove(row, at, UpdateKind::Canceled),
            None if chance.is_multiple_of(2) => {
                refused.closed = true;
                self.answers.push_back(refused);
            }
            None => {}
        }
    }

    fn remove(&mut self, row: usize, at: usize, kind: UpdateKind) {
        let order = self.rows[row].open.remove(at);
        let mut gone = update(kind, &order, self.now);
        (gone.leaves, gone.closed) = (Qty(0), true);
        (gone.released_qty, gone.released_price) = (order.qty, order.price);
        self.answers.push_back(gone);
    }

    fn fill_something(&mut self) {
        let row = self.rng.below(self.rows.len() as u64) as usize;
        let open = self.rows[row].open.len() as u64;
        if open > 0 && !self.honest {
            let at = self.rng.below(open) as usize;
            self.fill(row, at);
        }
    }

    /// Fills all or part of an open order, in whole lots.
    fn fill(&mut self, row: usize, at: usize) {
        let order = self.rows[row].open[at];
        let lots = order.qty.0 / LOT as u64;
        let qty = if self.rng.one_in(2) { lots } else { 1 + self.rng.below(lots) } * LOT as u64;
        let leaves = Qty(order.qty.0 - qty);
        let mut filled = update(UpdateKind::Filled, &order, self.now);
        (filled.fill_qty, filled.fill_price) = (Qty(qty), order.price);
        (filled.leaves, filled.closed) = (leaves, leaves.0 == 0);
        self.answers.push_back(filled);
        let row = &mut self.rows[row];
        row.position_true += order.side.sign() * qty as i64;
        let (position, most) = (row.position_true, self.rules.position_max);
        assert!(position.abs() <= most, "position {position} beyond {most}");
        self.seen.at_cap += u64::from(position.abs() == most);
        row.open[at].qty = leaves;
        if leaves.0 == 0 {
            row.open.remove(at);
        }
    }

    fn unsolicited_cancel(&mut self) {
        let row = self.rng.below(self.rows.len() as u64) as usize;
        if !self.rows[row].open.is_empty() {
            self.remove(row, 0, UpdateKind::Canceled);
        }
    }

    fn deliver(&mut self) {
        let Some(mut update) = self.answers.pop_front() else { return };
        update.now_ns = self.now;
        self.seen.updates[update.kind as usize] += 1;
        let at = self.row_of(update.instrument);
        let row = &mut self.rows[at];
        row.position_told += update.side.sign() * update.fill_qty.0 as i64;
        let in_flight = row.unanswered.iter().any(|intent| intent.side == update.side);
        self.seen.fills_while_pending += u64::from(update.kind == UpdateKind::Filled && in_flight);
        self.seen.dead_letters += tell(row, &update);
        let Row { instrument, phase, stale, position_told: position, .. } = &self.rows[at];
        let (phase, stale, position) = (*phase, *stale, *position);
        let ctx = Context { now: self.now, instrument, phase, stale, position };
        self.strategy.on_order(&ctx, &update, &mut self.out);
        self.judge();
    }
}

/// Notes what the strategy now knows; returns how many requests died with their order.
fn tell(row: &mut Row, update: &OrderUpdate) -> u64 {
    let id = update.cl_ord_id;
    let answers = |intent: &OrderIntent| match update.kind {
        UpdateKind::Filled | UpdateKind::Broken | UpdateKind::Unreserved => false,
        UpdateKind::Canceled => intent.kind == IntentKind::Cancel && intent.cl_ord_id == id,
        _ => intent.cl_ord_id == id,
    };
    row.unanswered.retain(|intent| !answers(intent));
    let replaced = update.kind == UpdateKind::Replaced;
    let opened = replaced || update.kind == UpdateKind::Accepted;
    let unsuccessful = update.kind == UpdateKind::ReplaceRejected;
    if opened && update.leaves.0 > 0 {
        row.told_open.push(id);
    }
    let gone = match update.closed {
        true if replaced || unsuccessful => update.orig,
        true => id,
        false => ClOrdId::NONE,
    };
    row.told_open.retain(|order| *order != gone);
    let before = row.unanswered.len();
    row.unanswered.retain(|intent| gone == ClOrdId::NONE || intent.orig != gone);
    (before - row.unanswered.len()) as u64
}

fn judge_intent(row: &Row, rules: &Rules, intent: &OrderIntent) {
    let in_flight = row.unanswered.iter().filter(|other| other.side == intent.side).count();
    assert_eq!(in_flight, 0, "two in flight: {intent:?} and {:?}", row.unanswered);
    let cancel = intent.kind == IntentKind::Cancel;
    assert!(row.may_trade() || cancel, "{:?}, stale {}: {intent:?}", row.phase, row.stale);
    if intent.kind != IntentKind::New {
        assert!(row.told_open.contains(&intent.orig), "not known to be open: {intent:?}");
    }
    if cancel {
        return;
    }
    assert!(row.instrument.on_tick(intent.price), "off tick: {intent:?}");
    let qty = intent.qty.0 as i64;
    assert!(qty > 0 && qty % LOT == 0, "odd lot: {intent:?}");
    let touch = row.book.touch();
    let other = touch.best(intent.side.opposite()).expect("both sides are there");
    assert!(!touch.is_crossed() && touch.is_two_sided(), "{touch:?}: {intent:?}");
    match intent.tif {
        TimeInForce::Ioc => assert_eq!(intent.price, other, "an IOC takes the touch"),
        TimeInForce::Fok | TimeInForce::AtCrossing => panic!("no strategy asks for it: {intent:?}"),
        TimeInForce::Day => {
            let passive = intent.side.better(other, intent.price);
            assert!(passive || !rules.passive, "meets the touch {touch:?}: {intent:?}");
        }
    }
    let after = row.position_told + intent.side.sign() * qty;
    assert!(after.abs() <= rules.position_max, "would lead to {after}: {intent:?}");
}

fn not_meeting_own(row: &Row, intent: &OrderIntent) {
    for own in row.open.iter().filter(|order| order.side != intent.side) {
        let apart = intent.side.better(own.price, intent.price);
        assert!(apart, "meets our own order: {intent:?} and {own:?}");
    }
}
