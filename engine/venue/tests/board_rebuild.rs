//! The board's books against books that were rebuilt from what it published, after every message.
//!
//! For Shenzhen this is the ground truth: no public day joins its orders with its snapshots. A seeded
//! day (calls, every kind of order, cancels, parking outside the price cage) goes through the
//! publisher's bytes, the feed and both rebuild adaptors into level books and queues, which must show
//! what the board says of each level and each order at that moment, by its own code path. Shanghai goes
//! through its ticks, Hong Kong through the packets of its full tick feed.

mod boards;

use std::collections::{BTreeMap, HashMap};

use boards::*;
use nofx_book::rebuild::{Cage, RebuildConfig, RebuildCounts, Simulated, Waiting};
use nofx_book::{LevelBooks, LevelConfig, QueueBooks, QueueConfig};
use nofx_feed::szse::{ChannelSink, SzseConfig, SzseFeed};
use nofx_feed::ticks::{TickConfig, TickFeed};
use nofx_feed::{FeedConfig, OmdcLines, PacketFeed};
use nofx_types::{
    BookEvent, EventSink, Instrument, InstrumentFlags, InstrumentId, Ladder, Level, Market, Nanos,
    OrderRef, Pricing, Qty, Side, Touch,
};
use nofx_venue::board::{Board, BoardConfig, Place, Said, Stage, What};
use nofx_venue::publish;

const INSTRUMENTS: u32 = 8;
const LEVELS: usize = 512;

/// Orders of a side by price (best first) and turn, as (id, shares).
type Queues = BTreeMap<i64, Vec<(u64, u64)>>;

/// What the board says of one book, order by order and level by level.
#[derive(Clone, Default)]
struct Truth {
    queues: [Queues; 2],
    where_is: HashMap<u64, (Side, i64)>,
    levels: [BTreeMap<i64, Level>; 2],
}

/// Best prices first in either map.
fn rank(side: Side, price: i64) -> i64 {
    -side.sign() * price
}

impl Truth {
    fn hear(&mut self, what: &What) {
        match *what {
            What::Rested { order, .. } => self.rest(&order),
            What::Amended { order } if order.pricing == Pricing::Limit => {
                let queue = self.queue(order.side, order.price.0);
                let at = queue.iter().position(|(id, _)| *id == order.order.0).expect("it rests");
                if u64::from(order.qty) > queue[at].1 {
                    queue.remove(at);
                    queue.push((order.order.0, order.qty.into()));
                } else {
                    queue[at].1 = order.qty.into();
                }
            }
            What::Canceled { order, rested: true, .. } => self.leave(order.order.0, u64::MAX),
            What::Trade { bid, offer, qty, .. } => {
                for party in [bid, offer].into_iter().filter(|party| party.resting) {
                    self.leave(party.order.0, qty.into());
                }
            }
            What::Level { side, level } => {
                let levels = &mut self.levels[side.index()];
                let key = rank(side, level.price.0);
                if level.qty.0 == 0 {
                    levels.remove(&key);
                } else {
                    levels.insert(key, level);
                }
            }
            _ => {}
        }
    }

    fn queue(&mut self, side: Side, price: i64) -> &mut Vec<(u64, u64)> {
        self.queues[side.index()].entry(rank(side, price)).or_default()
    }

    fn rest(&mut self, order: &Place) {
        if order.pricing == Pricing::Limit {
            self.where_is.insert(order.order.0, (order.side, order.price.0));
            self.queue(order.side, order.price.0).push((order.order.0, order.qty.into()));
        }
    }

    fn leave(&mut self, id: u64, by: u64) {
        // Orders without a price stand at no level.
        let Some((side, price)) = self.where_is.get(&id).copied() else { return };
        let queue = self.queue(side, price);
        let order = queue.iter_mut().find(|(other, _)| *other == id).expect("it rests");
        order.1 = order.1.saturating_sub(by);
        if order.1 == 0 {
            self.where_is.remove(&id);
            let queue = self.queue(side, price);
            queue.retain(|(other, _)| *other != id);
            if queue.is_empty() {
                self.queues[side.index()].remove(&rank(side, price));
            }
        }
    }

    /// Without an order whose rest the adaptor still holds; whether there was such an order.
    fn without(&self, held: Option<OrderRef>) -> (Truth, bool) {
        let mut other = self.clone();
        let had = held.is_some_and(|order| other.where_is.contains_key(&order.0));
        if let Some(order) = held {
            other.leave(order.0, u64::MAX);
        }
        (other, had)
    }

    fn ladder(&self, side: Side) -> Vec<Level> {
        let level = |(key, queue): (&i64, &Vec<(u64, u64)>)| Level {
            price: nofx_types::Price(-side.sign() * key),
            qty: Qty(queue.iter().map(|(_, qty)| qty).sum()),
            orders: queue.len() as u32,
        };
        self.queues[side.index()].iter().map(level).collect()
    }

    /// The levels that the board said one by one are those of its orders.
    fn agrees(&self) -> bool {
        Side::BOTH
            .into_iter()
            .all(|side| self.levels[side.index()].values().copied().eq(self.ladder(side)))
    }
}

/// Books by level and by order.
struct Books {
    levels: LevelBooks,
    queues: QueueBooks,
}

impl EventSink for Books {
    fn on_event(&mut self, event: &BookEvent) {
        self.levels.apply(event);
        self.queues.apply(event);
    }

    fn on_definition(&mut self, instrument: &Instrument) {
        self.levels.define(instrument);
        self.queues.define(instrument);
    }

    fn touch(&self, instrument: InstrumentId) -> Touch {
        self.levels.touch(instrument)
    }
}

const QUEUES: QueueConfig =
    QueueConfig { instruments: INSTRUMENTS, live_orders: 16_384, levels: 8_192 };

impl Books {
    fn new() -> Books {
        let config =
            LevelConfig { instruments: INSTRUMENTS, live_orders: 16_384, ..Default::default() };
        let mut levels = LevelBooks::new(&config).expect("sizes in range");
        levels.set_unknown_is_stale(true);
        Books { levels, queues: QueueBooks::new(&QUEUES).expect("sizes in range") }
    }

    fn compare(&self, id: InstrumentId, truth: &Truth, words: &dyn Fn() -> String) {
        for side in Side::BOTH {
            let mut out = [Level::default(); LEVELS];
            let filled = self.levels.book(id).levels(side, &mut out);
            assert_eq!(out[..filled], truth.ladder(side), "{} {side:?}", words());
            let wanted = truth.queues[side.index()].iter();
            for (key, queue) in wanted {
                let price = nofx_types::Price(-side.sign() * key);
                let own = self.queues.queue(id, side, price);
                let own: Vec<_> =
                    own.map(|order| (order.order.0 & !(1 << 63), order.qty.0)).collect();
                assert_eq!(&own, queue, "{} {side:?} {price:?}", words());
            }
        }
    }

    fn is_sound(&self) -> bool {
        let counts = self.levels.counts();
        counts.unknown_order + counts.overfill + counts.duplicate_add + counts.out_of_range == 0
            && (0..INSTRUMENTS).all(|id| self.levels.stale(InstrumentId(id)).is_none())
    }
}

/// A day of the market in its own hours, about one request a second.
fn day(market: Market, seed: u64, date: &str) -> Board {
    let mut config = BoardConfig { seed, levels: true, ..BoardConfig::default() };
    config.securities = securities(market);
    config.flow.rate = 1;
    config.flow.resting = 60;
    config.flow.news = 30;
    board_on(config, market, date)
}

fn instrument(board: &Board, row: usize) -> Instrument {
    let security = board.securities()[row];
    let flags = InstrumentFlags { defined: true, ..InstrumentFlags::default() };
    Instrument {
        symbol: security.symbol,
        tick: security.rules.tick.rule.at(security.previous_close),
        lot: security.lot,
        previous_close: security.previous_close,
        limit_low: security.limit_low,
        limit_high: security.limit_high,
        flags,
        ..Instrument::unknown(InstrumentId(row as u32))
    }
}

/// Plays the day up to its end; each fact comes with what follows it before the next.
fn facts(board: &mut Board, mut hear: impl FnMut(&Board, &Said)) {
    let end = board.periods().iter().find(|period| period.stage == Stage::DayClosed);
    let end = end.expect("it ends").from.0 - 1;
    let mut now = board.now().0;
    while now < end {
        now = (now + 10_000_000_000).min(end);
        board.turn(Nanos(now));
        for said in std::iter::from_fn(|| board.next_said()).collect::<Vec<_>>() {
            hear(board, &said);
        }
    }
}

/// Both adaptors with their books.
struct Both {
    waiting: Waiting,
    slow: Books,
    simulated: Simulated,
    fast: Books,
}

impl ChannelSink for Both {
    fn on_event(&mut self, channel: u16, event: &BookEvent) {
        self.waiting.over(channel, &mut self.slow).on_event(event);
        self.simulated.over(channel, &mut self.fast).on_event(event);
    }

    fn on_definition(&mut self, instrument: &Instrument) {
        self.waiting.over(0, &mut self.slow).on_definition(instrument);
        self.simulated.over(0, &mut self.fast).on_definition(instrument);
    }
}

impl Both {
    fn new() -> Both {
        let config =
            RebuildConfig { instruments: INSTRUMENTS, parked: 4_096, ..Default::default() };
        Both {
            waiting: Waiting::new(&config).expect("sizes in range"),
            slow: Books::new(),
            simulated: Simulated::new(&config, &QUEUES).expect("sizes in range"),
            fast: Books::new(),
        }
    }

    /// Compares one book; returns how many of the two were.
    fn compare(
        &self,
        id: InstrumentId,
        truth: &Truth,
        caged: bool,
        words: &dyn Fn() -> String,
    ) -> u32 {
        let mut compared = 0;
        let ahead = self.simulated.is_ahead(id);
        for (books, held, skip) in [
            (&self.slow, self.waiting.held(id), false),
            (&self.fast, self.simulated.held(id), ahead),
        ] {
            let (truth, had) = truth.without(held.map(|held| held.order));
            // The rest that is still held moves the touch, and with it parked orders.
            if skip || (had && caged) {
                continue;
            }
            books.compare(id, &truth, words);
            compared += 1;
        }
        compared
    }
}

/// The numbered message at hand, to be compared when all that follows from it has been said.
struct Pending {
    row: u32,
    number: u64,
}

#[derive(Default)]
struct Sums {
    messages: u64,
    compared: u64,
    waiting: RebuildCounts,
    simulated: RebuildCounts,
}

/// One Shenzhen day by the bytes of its feed.
fn shenzhen(seed: u64, date: &str, parks: bool, sums: &mut Sums) {
    let mut board = day(Market::Szse, seed, date);
    let mut publisher = publish::szse::SzsePublisher::new(Default::default(), &board);
    let config = SzseConfig { instruments: INSTRUMENTS, ..SzseConfig::default() };
    let mut feed = SzseFeed::new(config).expect("sizes in range");
    feed.listen();
    let mut both = Both::new();
    let mut truths = vec![Truth::default(); board.securities().len()];
    let mut ids = Vec::new();
    let mut cages = vec![false; truths.len()];
    for (row, caged) in cages.iter_mut().enumerate() {
        let known = instrument(&board, row);
        let id = feed.assign(known.symbol, &mut both).expect("room");
        both.on_definition(&Instrument { id, ..known });
        let rules = board.securities()[row].rules;
        if let Some(cage) = rules.cage.filter(|_| parks) {
            let (ratio_e4, ticks) = (i64::from(cage.rule.buy_bps), cage.rule.ticks_min.into());
            let (tick, previous_close) = (known.tick, known.previous_close);
            let cage = Cage { ratio_e4, ticks, tick, previous_close };
            both.waiting.set_cage(id, Some(cage));
            both.simulated.set_cage(id, Some(cage));
            *caged = true;
        }
        ids.push(id);
    }
    let mut pending: Option<Pending> = None;
    facts(&mut board, |board, said| {
        // A stage is no message: what it moves is seen with the first message behind it.
        let ends = said.number > 0 || matches!(said.what, What::Stage { .. });
        if ends && let Some(Pending { row, number }) = pending.take() {
            let row = row as usize;
            let words = || format!("seed {seed} row {row} message {number}");
            assert!(truths[row].agrees(), "{}", words());
            let compared = both.compare(ids[row], &truths[row], cages[row], &words);
            sums.compared += u64::from(compared);
        }
        if said.number > 0 {
            pending = Some(Pending { row: said.row, number: said.number });
            sums.messages += 1;
        }
        let mut out = |at: Nanos, _: u16, bytes: &[u8]| feed.on_datagram(at, bytes, &mut both);
        publisher.say(said, board, &mut out);
        if let Some(truth) = truths.get_mut(said.row as usize) {
            truth.hear(&said.what);
        }
    });
    assert!(both.slow.is_sound() && both.fast.is_sound(), "seed {seed}");
    // The books of orders that were said one by one are those that the board has.
    for (row, truth) in truths.iter().enumerate() {
        for side in Side::BOTH {
            let own: Vec<Level> = board.levels(row as u32, side).collect();
            assert_eq!(own, truth.ladder(side), "seed {seed} row {row}");
        }
    }
    add(&mut sums.waiting, &both.waiting.counts());
    add(&mut sums.simulated, &both.simulated.counts());
}

fn add(sum: &mut RebuildCounts, counts: &RebuildCounts) {
    sum.held += counts.held;
    sum.joined_crossing += counts.joined_crossing;
    sum.parked += counts.parked;
    sum.parked_traded += counts.parked_traded;
    sum.confirmed += counts.confirmed;
    sum.contradicted += counts.contradicted;
    sum.overfill += counts.overfill;
    sum.unknown_order += counts.unknown_order;
}

fn all_of_shenzhen(seeds: std::ops::Range<u64>, date: &str, parks: bool) -> Sums {
    let mut sums = Sums::default();
    for seed in seeds {
        println!("seed {seed}");
        shenzhen(seed, date, parks, &mut sums);
    }
    let Sums { messages, compared, waiting, simulated } = &sums;
    println!("{messages} messages, {compared} compared\n{waiting:?}\n{simulated:?}");
    assert!(sums.compared * 10 > sums.messages * 2 * 7, "too little was compared");
    for counts in [&sums.waiting, &sums.simulated] {
        assert_eq!((counts.overfill, counts.unknown_order, counts.parked_traded), (0, 0, 0));
    }
    sums
}

#[test]
fn shenzhen_is_rebuilt_by_waiting_and_by_simulation() {
    let sums = all_of_shenzhen(1..21, "2023-07-11", false);
    assert!(sums.waiting.held > 5_000 && sums.simulated.confirmed > 5_000);
}

#[test]
fn shenzhen_with_parked_orders_is_rebuilt_too() {
    let sums = all_of_shenzhen(101..121, "2022-06-01", true);
    assert!(sums.waiting.parked > 1_000 && sums.waiting.parked == sums.simulated.parked);
}

#[test]
fn shanghai_ticks_give_the_boards_books() {
    for seed in 1..21 {
        let mut board = day(Market::Sse, seed, "2023-07-11");
        let mut config = TickConfig::of(Market::Sse, INSTRUMENTS);
        (config.contiguous, config.from_one, config.phases_in_ticks) = (true, true, true);
        let mut feed = TickFeed::new(config).expect("sizes in range");
        let mut books = Books::new();
        let mut truths = vec![Truth::default(); board.securities().len()];
        for row in 0..truths.len() {
            feed.define(&instrument(&board, row), &mut books);
        }
        let (mut pending, mut compared) = (None::<Pending>, 0);
        facts(&mut board, |board, said| {
            if said.number > 0 {
                if let Some(Pending { row, number }) = pending.take() {
                    let truth = &truths[row as usize];
                    let words = || format!("seed {seed} row {row} message {number}");
                    assert!(truth.agrees(), "{}", words());
                    books.compare(InstrumentId(row), truth, &words);
                    compared += 1;
                }
                pending = Some(Pending { row: said.row, number: said.number });
            }
            if let Some(tick) = publish::sse::tick(said, board) {
                feed.on_tick(&tick, said.at, &mut books);
            }
            if let Some(truth) = truths.get_mut(said.row as usize) {
                truth.hear(&said.what);
            }
        });
        assert!(books.is_sound(), "seed {seed}: {:?}", books.levels.counts());
        assert!(feed.report().malformed.is_empty(), "{:?}", feed.report().malformed);
        println!("seed {seed}: {compared} compared");
        assert!(compared > 5_000);
    }
}

#[test]
fn hong_kong_packets_give_the_boards_books() {
    for seed in 1..21 {
        let mut board = day(Market::Hkex, seed, "2025-09-01");
        let mut publisher = publish::omdc::OmdcPublisher::new(Default::default(), &board);
        let config = FeedConfig { instruments: INSTRUMENTS, lines: 1, ..FeedConfig::default() };
        let channels: Vec<u16> = publisher.channels().collect();
        let mut feeds: HashMap<u16, (OmdcLines, Books)> = HashMap::new();
        for channel in &channels {
            let lines = OmdcLines::new(config).expect("sizes in range");
            feeds.insert(*channel, (lines, Books::new()));
        }
        let mut packets = 0;
        let mut take = |at: Nanos, channel: u16, bytes: &[u8]| {
            let (lines, books) = feeds.get_mut(&channel).expect("a channel");
            packets += 1;
            lines.on_packet(0, packets, at, bytes, books);
        };
        publisher.open(board.now(), &board, &mut take);
        publisher.flush(&mut take);
        let mut truths = vec![Truth::default(); board.securities().len()];
        let (mut before, mut compared) = (None::<u32>, 0);
        facts(&mut board, |board, said| {
            let starts = !matches!(said.what, What::Level { .. });
            if let Some(row) = before.filter(|_| starts) {
                let (lines, books) = &feeds[&board.securities()[row as usize].channel];
                let code = board.securities()[row as usize].symbol.as_str().parse();
                let id = lines.decoder().instrument_of(code.expect("a number")).expect("known");
                let words = || format!("seed {seed} row {row} before {said:?}");
                assert!(truths[row as usize].agrees(), "{}", words());
                books.compare(id, &truths[row as usize], &words);
                compared += 1;
            }
            let mut take = |at: Nanos, channel: u16, bytes: &[u8]| {
                let (lines, books) = feeds.get_mut(&channel).expect("a channel");
                packets += 1;
                lines.on_packet(0, packets, at, bytes, books);
            };
            publisher.say(said, board, &mut take);
            publisher.flush(&mut take);
            before =
                starts.then_some(said.row).filter(|row| (*row as usize) < truths.len()).or(before);
            if let Some(truth) = truths.get_mut(said.row as usize) {
                truth.hear(&said.what);
            }
        });
        for (lines, books) in feeds.values() {
            assert!(books.is_sound(), "seed {seed}: {:?}", books.levels.counts());
            assert!(lines.report().malformed.is_empty(), "{:?}", lines.report().malformed);
        }
        println!("seed {seed}: {compared} compared, {packets} packets");
        assert!(compared > 5_000);
    }
}
