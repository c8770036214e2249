//! A small exchange that publishes as Shenzhen does, and knows its own book: the oracle.
//!
//! Written from the rules alone, in std maps, without a line of the adaptors. A message carries the
//! book as it is when the next message of the channel begins, without the order that is still at work.

use std::collections::{BTreeMap, VecDeque};

use nofx_rt::rng::Rng;
use nofx_types::{
    BookEvent, EventKind, InstrumentId, Nanos, OrderRef, Phase, Price, Pricing, Priority, Qty, Side,
};

pub const TICK: i64 = 100;

/// Orders of a side, best price first, head of the queue first.
pub type Book = [Vec<(i64, Vec<(u64, u64)>)>; 2];

/// One message of a channel.
#[derive(Clone)]
pub struct Message {
    pub channel: u16,
    pub events: Vec<BookEvent>,
    /// The book of its instrument afterwards.
    pub truth: Book,
}

/// How the exchange behaves.
#[derive(Clone, Copy)]
pub struct Terms {
    /// 102 % and 98 %, and parking outside.
    pub cage: bool,
    /// Serves a level in the wrong order now and then: no price-time simulation can foresee it.
    pub unfair: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Limit,
    /// Limit at the opposite best.
    OppositeBest,
    OwnBest,
    /// Immediate or cancel, at that many levels.
    Levels(usize),
    FillOrKill,
}

#[derive(Clone, Copy)]
struct Order {
    id: u64,
    side: Side,
    cents: i64,
    qty: u64,
}

#[derive(Default)]
struct Market {
    sides: [BTreeMap<i64, VecDeque<(u64, u64)>>; 2],
    parked: Vec<Order>,
    last: i64,
    phase: Phase,
}

/// One channel with a few instruments; `first` is the id of the first.
pub struct Exchange {
    rng: Rng,
    terms: Terms,
    channel: u16,
    first: u32,
    markets: Vec<Market>,
    seq: u64,
    out: Vec<Message>,
    /// Instrument of the last message, whose truth is not written yet.
    open: Option<usize>,
}

const CLOSE: i64 = 1_000; // cents

impl Market {
    fn best(&self, side: Side) -> Option<i64> {
        match side {
            Side::Buy => self.sides[0].last_key_value().map(|(p, _)| *p),
            Side::Sell => self.sides[1].first_key_value().map(|(p, _)| *p),
        }
    }

    fn rest(&mut self, order: Order) {
        let level = self.sides[order.side.index()].entry(order.cents).or_default();
        level.push_back((order.id, order.qty));
    }

    /// Takes `qty` of a resting order.
    fn take(&mut self, side: Side, cents: i64, id: u64, qty: u64) {
        let level = self.sides[side.index()].get_mut(&cents).expect("a level");
        let at = level.iter().position(|(who, _)| *who == id).expect("an order");
        level[at].1 -= qty;
        if level[at].1 == 0 {
            level.remove(at);
        }
        if level.is_empty() {
            self.sides[side.index()].remove(&cents);
        }
    }

    fn book(&self) -> Book {
        let rows = |(cents, level): (&i64, &VecDeque<(u64, u64)>)| {
            (*cents * TICK, level.iter().copied().collect())
        };
        [self.sides[0].iter().rev().map(rows).collect(), self.sides[1].iter().map(rows).collect()]
    }

    fn reaches(&self, side: Side, cents: i64) -> bool {
        self.best(side.opposite()).is_some_and(|best| match side {
            Side::Buy => cents >= best,
            Side::Sell => cents <= best,
        })
    }

    fn inside(&self, side: Side, cents: i64) -> bool {
        let quoted = self.best(side.opposite()).or(self.best(side));
        let reference = quoted.unwrap_or(if self.last > 0 { self.last } else { CLOSE });
        match side {
            Side::Buy => cents <= (reference * 102 + 50) / 100,
            Side::Sell => cents >= (reference * 98 + 50) / 100,
        }
    }

    fn is_auction(&self) -> bool {
        matches!(self.phase, Phase::OpeningAuction | Phase::ClosingAuction)
    }
}

impl Exchange {
    pub fn new(seed: u64, channel: u16, first: u32, instruments: u32, terms: Terms) -> Exchange {
        Exchange {
            rng: Rng::new(seed),
            terms,
            channel,
            first,
            markets: (0..instruments).map(|_| Market::default()).collect(),
            seq: 0,
            out: Vec::new(),
            open: None,
        }
    }

    /// A short day: opening auction, `steps` acts of continuous trading, closing auction.
    pub fn day(mut self, steps: usize) -> Vec<Message> {
        self.phase(Phase::OpeningAuction);
        (0..steps / 8).for_each(|_| self.act());
        self.uncross();
        self.phase(Phase::Continuous);
        for _ in 0..steps {
            self.act();
        }
        self.phase(Phase::ClosingAuction);
        (0..steps / 8).for_each(|_| self.act());
        self.uncross();
        self.finalize();
        self.out
    }

    fn finalize(&mut self) {
        if let (Some(at), Some(message)) = (self.open.take(), self.out.last_mut()) {
            message.truth = self.markets[at].book();
        }
    }

    fn say(&mut self, at: usize, kinds: &[EventKind]) {
        self.finalize();
        let event = |(n, kind): (usize, &EventKind)| BookEvent {
            instrument: InstrumentId(self.first + at as u32),
            seq: self.seq,
            exch_ns: Nanos(self.seq * 10),
            capture_ns: Nanos(self.seq * 10 + 1),
            last: n + 1 == kinds.len(),
            kind: *kind,
        };
        let events = kinds.iter().enumerate().map(event).collect();
        self.out.push(Message { channel: self.channel, events, truth: Book::default() });
        self.open = Some(at);
    }

    fn number(&mut self) -> u64 {
        self.seq += 1;
        self.seq
    }

    fn phase(&mut self, phase: Phase) {
        for at in 0..self.markets.len() {
            self.say(at, &[EventKind::Phase(phase)]);
            self.markets[at].phase = phase;
            self.release(at);
        }
    }

    fn act(&mut self) {
        let at = self.rng.below(self.markets.len() as u64) as usize;
        if self.rng.chance(30, 100) {
            return self.cancel(at);
        }
        let side = Side::BOTH[self.rng.below(2) as usize];
        let qty = 100 * (1 + self.rng.below(12));
        let market = &self.markets[at];
        let middle = market.best(side).unwrap_or(if market.last > 0 { market.last } else { CLOSE });
        let kind = match self.rng.below(100) {
            _ if market.is_auction() => Kind::Limit,
            0..=3 => Kind::OppositeBest,
            4..=7 => Kind::OwnBest,
            8..=10 => Kind::Levels(5),
            11..=13 => Kind::Levels(usize::MAX),
            14..=16 => Kind::FillOrKill,
            _ => Kind::Limit,
        };
        let far = if self.rng.chance(15, 100) { 80 } else { 9 };
        let cents = (middle + self.rng.below(2 * far) as i64 - far as i64).max(1);
        self.order(at, side, kind, cents, qty);
    }

    fn order(&mut self, at: usize, side: Side, kind: Kind, cents: i64, qty: u64) {
        let id = self.number();
        let (pricing, price) = match kind {
            Kind::Limit => (Pricing::Limit, cents * TICK),
            Kind::OwnBest => (Pricing::OwnBest, 0),
            _ => (Pricing::Market, 0),
        };
        let (order, price) = (OrderRef(id), Price(price));
        let priority = Priority::Back;
        self.say(at, &[EventKind::Add { order, side, price, qty: Qty(qty), priority, pricing }]);
        let mut order = Order { id, side, cents, qty };
        let market = &mut self.markets[at];
        let opposite = market.best(side.opposite());
        match kind {
            Kind::Limit if market.is_auction() => return market.rest(order),
            Kind::Limit if self.terms.cage && !market.inside(side, cents) => {
                return market.parked.push(order);
            }
            Kind::Limit => self.work(at, order),
            Kind::OwnBest => match market.best(side) {
                Some(best) => market.rest(Order { cents: best, ..order }),
                None => self.withdraw(at, side, id, qty),
            },
            Kind::OppositeBest => match opposite {
                Some(best) => self.work(at, Order { cents: best, ..order }),
                None => self.withdraw(at, side, id, qty),
            },
            Kind::FillOrKill => {
                let there: u64 = market.sides[side.opposite().index()]
                    .values()
                    .flat_map(|level| level.iter().map(|(_, qty)| qty))
                    .sum();
                if there >= qty {
                    self.sweep(at, &mut order, usize::MAX);
                } else {
                    self.withdraw(at, side, id, qty);
                }
            }
            Kind::Levels(levels) => {
                self.sweep(at, &mut order, levels);
                if order.qty > 0 {
                    self.withdraw(at, side, id, order.qty);
                }
            }
        }
        self.release(at);
    }

    /// The order trades as far as its limit goes, and the rest joins.
    fn work(&mut self, at: usize, mut order: Order) {
        while order.qty > 0 && self.markets[at].reaches(order.side, order.cents) {
            self.trade_at_best(at, &mut order);
        }
        if order.qty > 0 {
            self.markets[at].rest(order);
        }
    }

    fn sweep(&mut self, at: usize, order: &mut Order, levels: usize) {
        let (mut seen, mut price) = (0, 0);
        while order.qty > 0 {
            let Some(best) = self.markets[at].best(order.side.opposite()) else { return };
            seen += usize::from(best != price);
            price = best;
            if seen > levels {
                return;
            }
            self.trade_at_best(at, order);
        }
    }

    fn trade_at_best(&mut self, at: usize, order: &mut Order) {
        let other = order.side.opposite();
        let cents = self.markets[at].best(other).expect("a quote");
        let level = &self.markets[at].sides[other.index()][&cents];
        let unfair = self.terms.unfair && self.rng.chance(1, 6);
        let turn = if unfair { self.rng.below(level.len() as u64) as usize } else { 0 };
        let (passive, has) = level[turn];
        let qty = order.qty.min(has);
        self.trade(at, [order.id, passive], cents, qty);
        self.markets[at].take(other, cents, passive, qty);
        self.markets[at].last = cents;
        order.qty -= qty;
    }

    /// A trade as the feed tells it: the older order first, since the younger is the aggressor.
    fn trade(&mut self, at: usize, pair: [u64; 2], cents: i64, qty: u64) {
        let match_id = self.number();
        let leg = |order: u64, printable| EventKind::Execute {
            order: OrderRef(order),
            qty: Qty(qty),
            price: Some(Price(cents * TICK)),
            printable,
            match_id,
        };
        let (old, young) = (pair[0].min(pair[1]), pair[0].max(pair[1]));
        self.say(at, &[leg(old, true), leg(young, false)]);
    }

    fn withdraw(&mut self, at: usize, _: Side, id: u64, qty: u64) {
        self.number();
        self.say(at, &[EventKind::Reduce { order: OrderRef(id), qty: Qty(qty) }]);
    }

    fn cancel(&mut self, at: usize) {
        let market = &self.markets[at];
        let mut all: Vec<(Option<Side>, Order)> =
            market.parked.iter().map(|order| (None, *order)).collect();
        for side in Side::BOTH {
            for (cents, level) in &market.sides[side.index()] {
                let of = |(id, qty): &(u64, u64)| Order { id: *id, side, cents: *cents, qty: *qty };
                all.extend(level.iter().map(|row| (Some(side), of(row))));
            }
        }
        if all.is_empty() {
            return;
        }
        let (rests, order) = all[self.rng.below(all.len() as u64) as usize];
        self.withdraw(at, order.side, order.id, order.qty);
        match rests {
            Some(side) => self.markets[at].take(side, order.cents, order.id, order.qty),
            None => self.markets[at].parked.retain(|parked| parked.id != order.id),
        }
        self.release(at);
    }

    /// Parked orders enter, oldest first, as long as one is inside.
    fn release(&mut self, at: usize) {
        loop {
            let market = &mut self.markets[at];
            let enters = |order: &Order| match market.phase {
                Phase::Continuous => market.inside(order.side, order.cents),
                _ => market.is_auction(),
            };
            let Some(first) = market.parked.iter().position(enters) else { return };
            let order = market.parked.remove(first);
            if market.is_auction() {
                market.rest(order);
            } else {
                self.work(at, order);
            }
        }
    }

    /// The price of most volume, then of least imbalance, then nearest to the last close.
    fn uncross(&mut self) {
        for at in 0..self.markets.len() {
            let market = &self.markets[at];
            let volume = |cents: i64| {
                let sum = |rows: &mut dyn Iterator<Item = &VecDeque<(u64, u64)>>| -> u64 {
                    rows.flat_map(|level| level.iter().map(|(_, qty)| *qty)).sum()
                };
                let buys = sum(&mut market.sides[0].range(cents..).map(|(_, level)| level));
                let sells = sum(&mut market.sides[1].range(..=cents).map(|(_, level)| level));
                (buys.min(sells), buys.abs_diff(sells))
            };
            let prices = market.sides.iter().flat_map(|side| side.keys().copied());
            let best = prices.max_by_key(|cents| {
                let (paired, imbalance) = volume(*cents);
                (paired, std::cmp::Reverse(imbalance), std::cmp::Reverse((cents - CLOSE).abs()))
            });
            let Some(price) = best.filter(|cents| volume(*cents).0 > 0) else { continue };
            let mut left = volume(price).0;
            while left > 0 {
                let front = |side: Side| {
                    let market = &self.markets[at];
                    let cents = market.best(side).expect("a quote");
                    let (id, qty) = market.sides[side.index()][&cents][0];
                    (cents, id, qty)
                };
                let (buy, sell) = (front(Side::Buy), front(Side::Sell));
                let qty = left.min(buy.2).min(sell.2);
                self.trade(at, [buy.1, sell.1], price, qty);
                self.markets[at].take(Side::Buy, buy.0, buy.1, qty);
                self.markets[at].take(Side::Sell, sell.0, sell.1, qty);
                self.markets[at].last = price;
                left -= qty;
            }
        }
    }
}
