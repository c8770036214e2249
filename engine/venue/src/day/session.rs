//! The course of the day: directory, pre-opening, continuous session in clusters, close.

use nofx_types::{Nanos, Side, Symbol};

use super::agenda::{
    Agenda, CLOSE, CLOSE_IMBALANCE, END, Item, OPEN, OPEN_IMBALANCE, START, SYSTEM, SYSTEM_END,
    clock,
};
use super::draw::{Draw, Zipf};
use super::flow::{FIRMS, Floor, Flow, Phase, Stock, TICK};
use super::lines::{Faults, Share};
use super::tape::{Tape, wire_price};
use super::truth::{Listed, Truth};
use super::{DayConfig, DaySink};
use crate::matching::Matching;
use crate::publisher::Happening;

/// Messages of each half hour from the open to the close: the shape of a U.
const HALF_HOURS: [u64; 13] = [20, 12, 9, 7, 6, 5, 5, 5, 6, 7, 8, 11, 19];
/// Mean size of a cluster.
const CLUSTER: u64 = 4;
/// One of so many clusters is a burst.
const BURST_EVERY: u64 = 400;
/// Mean time between two messages of a cluster.
const WITHIN_NS: u64 = 3_000;
/// The index that the market-wide breaker watches, in 1e-8.
const INDEX_E8: u64 = 690_000_000_000;
/// How many steps apart progress is told.
const PROGRESS_EVERY: u64 = 1 << 14;

/// Plays the day of `config` into `sink`; `config` has passed its check.
pub fn generate<S: DaySink>(config: &DayConfig, sink: &mut S) -> Result<Truth, S::Error> {
    let mut session = Session::new(config, sink);
    session.before_the_open()?;
    session.open()?;
    session.trade()?;
    session.close()?;
    session.finish()
}

struct Session<'a, S: DaySink> {
    config: DayConfig,
    draw: Draw,
    zipf: Zipf,
    /// Rows by rank of activity are the ranks themselves; locates are shuffled.
    flow: Flow,
    market: Matching,
    agenda: Agenda,
    tape: Tape<'a, S>,
    steps: u64,
    row: usize,
}

impl<'a, S: DaySink> Session<'a, S> {
    fn new(config: &DayConfig, sink: &'a mut S) -> Session<'a, S> {
        let mut draw = Draw::new(config.seed);
        let zipf = Zipf::new(config.instruments, config.zipf_quarters);
        let names = names(config.instruments, &mut draw);
        let stocks = (0..config.instruments)
            .map(|rank| stock(rank, config.resting(&zipf, rank), &mut draw))
            .collect();
        let flow = Flow::new(Draw::new(draw.below(u64::MAX)), stocks);
        let most = flow.orders_max();
        let market = Matching::new(config.instruments, most, most);
        let agenda = Agenda::plan(config.instruments, config.breaker, &mut draw);
        let lines = config.lines.map(|faults| (draw.below(u64::MAX), faults));
        let tape = Tape::new(sink, &config.publisher, START, names, lines);
        Session { config: *config, draw, zipf, flow, market, agenda, tape, steps: 0, row: 0 }
    }

    fn rows(&self) -> std::ops::Range<usize> {
        0..self.flow.stocks.len()
    }

    /// Start of messages, directory, and the orders that rest before the open.
    fn before_the_open(&mut self) -> Result<(), S::Error> {
        self.system(START, b'O');
        self.spread(self.rows().len() as u64, START.plus(1), clock(9, 21, 0), Self::introduce)?;
        let levels = [7, 13, 20].map(|percent| INDEX_E8 / 100 * (100 - percent));
        self.tape.say_all(&Happening::BreakerLevels { levels });
        self.system(SYSTEM, b'S');
        let rounds = self.flow.stocks.iter().map(|stock| stock.target).max().unwrap_or(0);
        let round_ns = OPEN_IMBALANCE.since(SYSTEM) / (rounds as u64).max(1);
        for round in 0..rounds {
            let from = SYSTEM.plus(round as u64 * round_ns + 1);
            let rows = self.rows().len() as u64;
            self.spread(rows, from, from.plus(round_ns - 1), |session, row| {
                session.seed(row, round);
            })?;
        }
        let rows = self.rows().len() as u64;
        self.spread(rows, OPEN_IMBALANCE, OPEN, |session, row| session.imbalance(row, b'O'))
    }

    /// Calls `each` for the numbers below `count`, evenly spread over a stretch of time.
    fn spread(
        &mut self,
        count: u64,
        from: Nanos,
        to: Nanos,
        mut each: impl FnMut(&mut Self, usize),
    ) -> Result<(), S::Error> {
        let step_ns = to.since(from) / (count + 1);
        for at in 0..count {
            self.tape.now = from.plus(at * step_ns);
            each(self, at as usize);
            self.told()?;
        }
        Ok(())
    }

    fn introduce(&mut self, row: usize) {
        let (symbol, listing) = (self.tape.symbol(row), self.is_listing(row));
        let market = [b'Q', b'G', b'S', b'N', b'P'][row % 5];
        let luld_tier = if row < 1_000 { b'1' } else { b'2' };
        let (ipo, etp) = if listing { (b'Y', b'N') } else { (b'N', b"NNNY"[row % 4]) };
        self.tape.say(row, &Happening::Directory { symbol, market, lot: 100, ipo, luld_tier, etp });
        if listing {
            self.state(row, b'H', *b"IPO1");
        } else {
            self.state(row, b'T', *b"    ");
        }
        self.tape.say(row, &Happening::RegSho { symbol, action: b'0' });
        let firm = FIRMS[row % FIRMS.len()];
        self.tape.say(row, &Happening::Participant { mpid: firm, symbol, primary: b'Y' });
    }

    /// The last two instruments list today; they have no orders before.
    fn is_listing(&self, row: usize) -> bool {
        let count = self.flow.stocks.len();
        count >= 8 && row + 2 >= count
    }

    fn seed(&mut self, row: usize, round: usize) {
        if round < self.flow.stocks[row].target && !self.is_listing(row) {
            self.flow.seed(row, &mut self.market, &mut self.tape);
        }
    }

    fn open(&mut self) -> Result<(), S::Error> {
        self.system(OPEN, b'Q');
        self.cross_all(OPEN, b'O')
    }

    /// The continuous session. Each half hour has its number of messages; waiting times between
    /// clusters are drawn so that these fill what is left of it.
    fn trade(&mut self) -> Result<(), S::Error> {
        let parts: u64 = HALF_HOURS.iter().sum();
        let (start, mut parts_done) = (self.tape.messages(), 0);
        for (half_hour, part) in HALF_HOURS.iter().enumerate() {
            parts_done += part;
            let goal = start + self.config.messages * parts_done / parts;
            let end = OPEN.plus((half_hour as u64 + 1) * 1_800_000_000_000);
            self.half_hour(goal, end)?;
        }
        Ok(())
    }

    fn half_hour(&mut self, goal: u64, end: Nanos) -> Result<(), S::Error> {
        // A halted instrument may say nothing for a while: steps are bounded as well.
        let mut steps = 4 * goal.saturating_sub(self.tape.messages());
        while self.tape.messages() < goal && steps > 0 {
            let left = goal - self.tape.messages();
            let (size, stay) = self.cluster(left);
            let mean = u128::from(end.since(self.tape.now)) * u128::from(size) / u128::from(left);
            let wait = self.draw.exponential(mean as u64).min(end.since(self.tape.now) / 2);
            self.tape.now = self.tape.now.plus(wait);
            for _ in 0..size {
                self.due(self.tape.now)?;
                self.one(stay)?;
                let within = self.draw.exponential(WITHIN_NS);
                self.tape.now = self.tape.now.plus(within).min(Nanos(end.0 - 1));
            }
            steps = steps.saturating_sub(size);
        }
        self.due(Nanos(end.0 - 1))
    }

    /// Size of the next cluster, and how many of 100 messages stay with their instrument.
    fn cluster(&mut self, left: u64) -> (u64, u64) {
        if self.draw.chance(1, BURST_EVERY) {
            self.row = self.zipf.rank(&mut self.draw);
            self.flow.news(self.row);
            (self.draw.between(50, 400).min(left), 90)
        } else {
            ((1 + self.draw.exponential(CLUSTER)).min(left), 35)
        }
    }

    fn one(&mut self, stay: u64) -> Result<(), S::Error> {
        if !self.draw.chance(stay, 100) {
            self.row = self.zipf.rank(&mut self.draw);
        }
        if self.tape.now >= CLOSE_IMBALANCE && self.draw.chance(1, 100) {
            self.imbalance(self.row, b'C');
        }
        self.flow.step(self.row, &mut self.market, &mut self.tape);
        self.told()
    }

    fn told(&mut self) -> Result<(), S::Error> {
        self.steps += 1;
        if self.steps.is_multiple_of(PROGRESS_EVERY) {
            self.tape.progress();
        }
        self.tape.check()
    }

    fn close(&mut self) -> Result<(), S::Error> {
        self.system(CLOSE, b'M');
        self.cross_all(CLOSE, b'C')?;
        self.system(SYSTEM_END, b'E');
        self.system(END, b'C');
        self.tape.check()
    }

    fn finish(mut self) -> Result<Truth, S::Error> {
        self.tape.progress();
        let instruments = self.rows().map(|row| self.listed(row)).collect();
        let live_orders = self.market.len() as u64;
        let truth = self.tape.finish()?;
        Ok(Truth { instruments, live_orders, ..truth })
    }

    fn listed(&self, row: usize) -> Listed {
        let best = |side| {
            let level = self.market.best(row as u32, side)?;
            Some((wire_price(level.price), level.qty.0))
        };
        let (locate, symbol) = self.tape.names.get(row).copied().unwrap_or((0, Symbol::NONE));
        Listed { locate, symbol, bid: best(Side::Buy), ask: best(Side::Sell) }
    }

    fn system(&mut self, at: Nanos, code: u8) {
        self.tape.now = at;
        self.tape.say_all(&Happening::System { code });
    }

    fn cross_all(&mut self, at: Nanos, cross: u8) -> Result<(), S::Error> {
        let rows = self.rows().len() as u64;
        self.spread(rows, at.plus(1_000), at.plus(500_000_000), |session, row| {
            if session.flow.stocks[row].phase == Phase::Trading {
                session.cross(row, cross);
            }
        })
    }

    /// A cross at the touch nearer to the fair price: the front order there takes part (its
    /// execution does not print), and the cross says the whole volume. An empty side: no cross.
    fn cross(&mut self, row: usize, cross: u8) {
        let touch = Side::BOTH.map(|side| self.market.front(row as u32, side));
        let [Some(bid), Some(ask)] = touch else { return self.tape.cross(row, 0, 0, cross) };
        let fair = self.flow.stocks[row].fair;
        let front = if fair - bid.price.0 < ask.price.0 - fair { bid } else { ask };
        self.tape.reprice(Some((front.price, false)));
        self.flow.hit(&front, front.price, front.qty, &mut self.market, &mut self.tape);
        self.tape.reprice(None);
        let hidden = self.flow.draw.exponential(3_000) / 100 * 100;
        self.tape.cross(row, wire_price(front.price), u64::from(front.qty) + hidden, cross);
    }

    /// What the agenda has for the time up to `now`, at its own times.
    fn due(&mut self, now: Nanos) -> Result<(), S::Error> {
        let resume = self.tape.now;
        while let Some((at, item)) = self.agenda.due(now) {
            self.tape.now = at;
            self.perform(item);
            self.tape.check()?;
        }
        self.tape.now = self.tape.now.max(resume);
        Ok(())
    }

    fn perform(&mut self, item: Item) {
        match item {
            Item::State(row, state, reason) => self.state(row, state, reason),
            Item::Cross(row, cross) => self.cross(row, cross),
            Item::Imbalance(row, cross) => self.imbalance(row, cross),
            Item::Collar(row) => self.collar(row),
            Item::Operational(row, action) => self.operational(row, action),
            Item::Restrict(row) => {
                let symbol = self.tape.symbol(row);
                self.tape.say(row, &Happening::RegSho { symbol, action: b'1' });
            }
            Item::Release(row) => self.release(row),
            Item::DirectListing(row) => self.direct_listing(row),
            Item::Break => self.tape.break_last(),
            Item::Breaker(level) => {
                self.tape.say_all(&Happening::BreakerHit { level });
                self.rows().for_each(|row| self.state(row, b'H', *b"MWC1"));
            }
            Item::BreakerOver => self.rows().for_each(|row| self.state(row, b'T', *b"MWCQ")),
        }
    }

    fn state(&mut self, row: usize, state: u8, reason: [u8; 4]) {
        self.flow.stocks[row].phase = match state {
            b'T' => Phase::Trading,
            b'Q' => Phase::Quoting,
            _ => Phase::Halted,
        };
        let symbol = self.tape.symbol(row);
        self.tape.say(row, &Happening::Trading { symbol, state, reason });
    }

    fn operational(&mut self, row: usize, action: u8) {
        let halted = action == b'H';
        self.flow.stocks[row].phase = if halted { Phase::Halted } else { Phase::Trading };
        let symbol = self.tape.symbol(row);
        self.tape.say(row, &Happening::OperationalHalt { symbol, market: b'Q', action });
    }

    fn imbalance(&mut self, row: usize, cross: u8) {
        let paired = self.draw.exponential(20_000) / 100 * 100;
        let imbalance = self.draw.exponential(5_000) / 100 * 100;
        let direction = match imbalance {
            0 => b'N',
            _ => [b'B', b'S'][self.draw.below(2) as usize],
        };
        let symbol = self.tape.symbol(row);
        let price = wire_price(self.flow.middle(row, &self.market)) / TICK as u32 * TICK as u32;
        let what = Happening::Imbalance { paired, imbalance, direction, symbol, price, cross };
        self.tape.say(row, &what);
    }

    fn collar(&mut self, row: usize) {
        let [lower, reference, upper] = self.around(row, 5);
        let symbol = self.tape.symbol(row);
        self.tape.say(row, &Happening::Collar { symbol, reference, upper, lower, extensions: 0 });
    }

    fn release(&mut self, row: usize) {
        let [_, price, _] = self.around(row, 0);
        let (symbol, qualifier) = (self.tape.symbol(row), b'A');
        let release_s = (clock(10, 32, 0).0 / 1_000_000_000) as u32;
        let what = Happening::QuotingPeriod { symbol, release_s, qualifier, price };
        self.tape.say(row, &what);
    }

    fn direct_listing(&mut self, row: usize) {
        let [low, near, high] = self.around(row, 20);
        let (symbol, near_time) = (self.tape.symbol(row), clock(10, 42, 0).0);
        self.tape.say(row, &Happening::DirectListing { symbol, low, high, near, near_time });
    }

    /// The fair price in ticks, and `percent` below and above it.
    fn around(&self, row: usize, percent: i64) -> [u32; 3] {
        let fair = self.flow.stocks[row].fair;
        let scaled = |part: i64| nofx_types::Price(fair * part / 100 / TICK * TICK);
        [100 - percent, 100, 100 + percent].map(|part| wire_price(scaled(part)))
    }
}

/// Symbols rise with the rank (`AAAA` is the most active); locates are shuffled.
fn names(instruments: usize, draw: &mut Draw) -> Vec<(u16, Symbol)> {
    let mut locates: Vec<u16> = (1..=instruments as u16).collect();
    for at in (1..locates.len()).rev() {
        locates.swap(at, draw.below(at as u64 + 1) as usize);
    }
    locates.into_iter().enumerate().map(|(rank, locate)| (locate, symbol_of(rank))).collect()
}

pub(crate) fn symbol_of(rank: usize) -> Symbol {
    let mut bytes = Symbol::NONE.0;
    let mut rest = rank;
    for byte in bytes.iter_mut().take(4).rev() {
        *byte = b'A' + (rest % 26) as u8;
        rest /= 26;
    }
    Symbol(bytes)
}

/// Prices from a dollar to several hundred; spreads widen with price and with rank.
pub(crate) fn stock(rank: usize, target: usize, draw: &mut Draw) -> Stock {
    let dollars = match draw.below(100) {
        0..10 => draw.between(1, 4),
        10..35 => draw.between(5, 19),
        35..70 => draw.between(20, 79),
        70..92 => draw.between(80, 250),
        _ => draw.between(251, 800),
    };
    let cents = draw.below(100);
    let fair = (dollars * 10_000 + cents * 100) as i64;
    let ticks = 1 + dollars / 100 + (rank as u64 / 400).min(8);
    Stock::new(fair, ticks as i64 * TICK / 2, target)
}

/// The common outage of both lines falls into the last half hour but one.
pub(super) fn outage(seed: u64) -> Nanos {
    clock(15, 16, 0).plus(Draw::new(seed ^ 0x6f75_7461_6765).below(600_000_000_000))
}

impl DayConfig {
    /// Lines that lose, copy and delay these shares of packets, and where they lose any at all go
    /// out together once, for three packets in the last hour.
    pub fn faults(seed: u64, loss: Share, duplicate: Share, reorder: Share) -> Faults {
        let outage = (loss != Share::NEVER).then(|| outage(seed));
        Faults { loss, duplicate, reorder, outage }
    }
}
