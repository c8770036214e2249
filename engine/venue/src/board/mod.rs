//! An exchange of the mainland or of Hong Kong without a protocol: books, rules, phases, auctions.
//!
//! Model: requests come in neutral form and are judged by the day's market rules; an order that
//! passes meets the book of its security ([`Matching`]) in the way of the stage: collected in a call,
//! matched in continuous trading. What the owner hears are [`Tell`]s, what the public hears is a queue
//! of [`Said`], numbered by the board as the market numbers it, because in Shenzhen the number of an
//! order's message is its id. Neither socket nor clock nor bytes.
//!
//! ```text
//!  gateway ─Ask──┐             ┌─> Tell ─> gateway
//!  flow ─────────┼─> rules ─> matching
//!  course ───────┘             └─> Said ─> publisher
//! ```
//!
//! Why here: all venue processes, generated days and tests of the three markets share these rules, and
//! an engine's own market rules are compiled from the same data.
//!
//! Not played: trading after the close at a fixed price; pauses of securities without limits.
//!
//! Worst case: like the other venue it allocates as the day grows; it is never on the hot path.

mod accounts;
mod auction;
mod cage;
mod config;
mod course;
mod day;
mod dump;
mod enter;
mod flow;
mod law;
mod line;
mod orders;
mod plan;
mod said;
mod trade;
mod vcm;
mod voice;

use std::collections::{HashSet, VecDeque};

use nofx_rules::{DayRules, Session};
use nofx_types::{Date, Level, Market, Nanos, OrderRef, Price, Pricing, Side, Symbol};

pub use accounts::{Account, Holding};
pub use config::{BoardConfig, BoardFlowConfig, CourseConfig, HoldingConfig, SecurityConfig};
pub use course::{Period, Stage};
pub use dump::{
    BoardDump, DumpAccount, DumpExecution, DumpHolding, DumpOrder, DumpSecurity, DumpStanding,
};
pub use line::{Cooling, Security, Totals};
pub use orders::{Entry, Kind, Order, Owner, State};
pub use said::{ALL, Auction, Party, Place, Said, What};
pub use voice::Channel;

use crate::ConfigError;
use crate::day::draw::Draw;
use crate::gateway::{Ask, Tell};
use crate::matching::{Matching, Resting};
use accounts::Accounts;
use course::Course;
use dump::Execution;
use flow::Flow;
use line::Line;
use orders::Orders;
use trade::Fill;
use voice::{Voice, public};

/// A resting order, in the words of the public.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its id.
    pub order: OrderRef,
    /// Market for an auction order without a price.
    pub pricing: Pricing,
    /// Its price, 0 where it has none.
    pub price: Price,
    /// Open quantity.
    pub qty: u32,
}

/// One market's exchange.
pub struct Board {
    config: BoardConfig,
    market: Market,
    rules: DayRules,
    securities: Box<[Security]>,
    lines: Vec<Line>,
    books: Matching,
    orders: Orders,
    accounts: Accounts,
    voice: Voice,
    tells: VecDeque<(Owner, Tell)>,
    course: Course,
    /// The session of each period.
    sessions: Vec<Session>,
    no_session: Session,
    stage: Stage,
    /// Requests taken before continuous trading, served when it begins.
    waiting: Vec<(Owner, Ask)>,
    /// Begin of the fixing of closing references, time of the day.
    fixing_from: Option<u64>,
    /// When indicative prices were said last.
    indicated: Nanos,
    /// Whether facts carry ranks: where the market publishes them.
    ranks: bool,
    flow: Option<Flow>,
    executions: Vec<Execution>,
    executions_dropped: u64,
    /// Memory for the fills of one order.
    fills: Vec<Fill>,
}

impl Board {
    /// A board on the day of the rules. `start`: the real time at which the day begins, one stage after
    /// the other; without it the day has its own hours.
    ///
    /// # Errors
    /// Names the key of the configuration that cannot be used.
    pub fn new(
        config: BoardConfig,
        rules: DayRules,
        start: Option<Nanos>,
    ) -> Result<Board, ConfigError> {
        config.check()?;
        let market = rules.market();
        let securities = securities(&config, &rules)?;
        let first = securities
            .first()
            .ok_or_else(|| ConfigError::new("securities", "at least one security is needed"))?;
        let mut draw = Draw::new(config.seed ^ 0x5eed_b0a2_d000_0001);
        let sessions = rules.sessions(first.rules.board);
        let odd = |row: &&Security| !plan::alike(rules.sessions(row.rules.board), sessions);
        if let Some(row) = securities.iter().find(odd) {
            let key = format!("securities.symbol of {:?}", row.symbol.as_str());
            return Err(ConfigError::new(
                key,
                "its day is cut differently: it needs another board",
            ));
        }
        let plan = plan::plan(sessions, rules.date(), &config.course, start, &mut draw)?;
        let course = Course::new(plan.periods);
        let (period, no_session) = (course.period(), Session::closed(0, 0, rules.date()));
        let fixing = course.periods().iter().find(|period| period.stage == Stage::Fixing);
        let mut board = Board {
            fixing_from: fixing.map(|period| period.day_from),
            market,
            lines: securities.iter().map(|security| Line::new(*security)).collect(),
            books: Matching::new(securities.len(), config.orders as usize, config.orders as usize),
            orders: Orders::default(),
            accounts: Accounts::new(securities.len()),
            voice: Voice::new(market, securities.iter().map(|security| security.channel)),
            tells: VecDeque::new(),
            course,
            sessions: plan.sessions,
            no_session,
            stage: period.stage,
            waiting: Vec::new(),
            indicated: Nanos(0),
            ranks: market == Market::Hkex,
            flow: None,
            executions: Vec::new(),
            executions_dropped: 0,
            fills: Vec::new(),
            securities,
            rules,
            config,
        };
        board.voice.now = period.from;
        board.give_holdings()?;
        board.flow = Flow::new(&mut board, &mut draw);
        board.open_day();
        Ok(board)
    }

    fn give_holdings(&mut self) -> Result<(), ConfigError> {
        for holding in std::mem::take(&mut self.config.holdings) {
            let row = Symbol::new(&holding.symbol).and_then(|symbol| self.row_of(symbol));
            let row = row
                .ok_or_else(|| ConfigError::new("holdings.symbol", "not one of the securities"))?;
            let account = self.accounts.named(&holding.account);
            if let Some(held) = self.accounts.holding_mut(account, row) {
                held.start = held.start.saturating_add(holding.qty);
            }
        }
        Ok(())
    }

    /// Its market.
    pub fn market(&self) -> Market {
        self.market
    }

    /// The day.
    pub fn date(&self) -> Date {
        self.rules.date()
    }

    /// The board's time: the latest it was given.
    pub fn now(&self) -> Nanos {
        self.voice.now
    }

    /// The stage of the day.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// All periods of the day.
    pub fn periods(&self) -> &[Period] {
        self.course.periods()
    }

    /// All securities, by row.
    pub fn securities(&self) -> &[Security] {
        &self.securities
    }

    /// The row of a security.
    pub fn row_of(&self, symbol: Symbol) -> Option<u32> {
        let found = self.securities.iter().position(|security| security.symbol == symbol);
        found.map(|row| row as u32)
    }

    /// All channels with the last number given on each.
    pub fn channels(&self) -> &[Channel] {
        self.voice.channels()
    }

    /// What traded in `row`.
    pub fn totals(&self, row: u32) -> Totals {
        self.lines.get(row as usize).map(|line| line.totals).unwrap_or_default()
    }

    /// Whether the security is halted.
    pub fn is_halted(&self, row: u32) -> bool {
        self.lines.get(row as usize).is_some_and(|line| line.halted)
    }

    /// The cooling-off that is under way.
    pub fn cooling(&self, row: u32) -> Option<Cooling> {
        self.lines.get(row as usize).and_then(|line| line.cooling)
    }

    /// The prices that this session takes besides the day's limits, as (low, high).
    pub fn session_band(&self, row: u32) -> Option<(Price, Price)> {
        let band = self.lines.get(row as usize).and_then(|line| line.session_band);
        band.map(|band| (band.low, band.high))
    }

    /// What the opening (closing) call ended with, once it has.
    pub fn uncrossed(&self, row: u32, closing: bool) -> Option<Auction> {
        self.lines.get(row as usize)?.uncrossed[usize::from(closing)]
    }

    /// The next public fact, each once.
    pub fn next_said(&mut self) -> Option<Said> {
        self.voice.next()
    }

    /// The next report to an owner of orders, each once.
    pub fn next_tell(&mut self) -> Option<(Owner, Tell)> {
        self.tells.pop_front()
    }

    /// The levels of a side, best first; market orders of an auction show at none.
    pub fn levels(&self, row: u32, side: Side) -> impl Iterator<Item = Level> {
        self.books.levels(row, side).filter(move |level| !is_priceless(side, level.price))
    }

    /// The resting orders of a side in the order in which they are filled, market orders first.
    pub fn standing(&self, row: u32, side: Side) -> impl Iterator<Item = Standing> {
        self.books.resting_orders(row, side).map(|resting| standing(&resting))
    }

    /// Orders that wait outside the price cage, oldest first.
    pub fn parked(&self, row: u32) -> impl Iterator<Item = OrderRef> {
        let parked = self.lines.get(row as usize).map(|line| &line.parked[..]);
        parked.unwrap_or(&[]).iter().map(|key| public(*key))
    }

    /// Every accepted order, oldest first.
    pub fn orders(&self) -> impl Iterator<Item = &Order> {
        self.orders.iter()
    }

    /// The index of an account by its name, a new one where there is none.
    pub fn account(&mut self, name: &str) -> u32 {
        self.accounts.named(name)
    }

    /// What an account holds of a security.
    pub fn holding(&self, account: u32, row: u32) -> Holding {
        self.accounts.holding(account, row)
    }

    /// Holdings for a board of the next day.
    pub fn holdings(&self) -> Vec<HoldingConfig> {
        let all = self.accounts.all().iter().flat_map(|account| {
            let held = account.holdings.iter().zip(&self.securities);
            held.map(|(holding, security)| HoldingConfig {
                account: account.name.clone(),
                symbol: security.symbol.as_str().to_owned(),
                qty: u64::try_from(holding.net()).unwrap_or(0),
            })
        });
        all.filter(|holding| holding.qty > 0).collect()
    }

    fn channel_of(&self, row: u32) -> u16 {
        self.securities.get(row as usize).map_or(0, |security| security.channel)
    }

    fn say(&mut self, row: u32, what: What) {
        self.voice.say(row, self.channel_of(row), what);
    }

    fn tell(&mut self, owner: Owner, tell: Tell) {
        if owner != Owner::FLOW {
            self.tells.push_back((owner, tell));
        }
    }
}

fn securities(config: &BoardConfig, rules: &DayRules) -> Result<Box<[Security]>, ConfigError> {
    let mut named = HashSet::new();
    let mut row = |given: &SecurityConfig| -> Result<Security, ConfigError> {
        let wrong = |reason: String| {
            ConfigError::new(format!("securities.symbol of {:?}", given.symbol), reason)
        };
        if !named.insert(given.symbol.clone()) {
            return Err(wrong("stands there twice".into()));
        }
        let listing = given.listing()?;
        let symbol = Symbol::new(&given.symbol).ok_or_else(|| wrong("too long".into()))?;
        let rules = rules.instrument(&given.symbol, &listing).map_err(|e| wrong(e.to_string()))?;
        let band = rules.band.rule.map(|band| (band.low, band.high));
        let (limit_low, limit_high) = band.unwrap_or_default();
        Ok(Security {
            symbol,
            channel: given.channel,
            previous_close: listing.previous_close,
            limit_low,
            limit_high,
            lot: rules.lot.rule.min,
            rules,
            closing_auction: given.closing_auction,
        })
    };
    config.securities.iter().map(&mut row).collect()
}

/// Price at which an order without a price stands in its book, before all others.
const fn priceless(side: Side) -> Price {
    match side {
        Side::Buy => nofx_rules::auction::AT_AUCTION_BUY,
        Side::Sell => nofx_rules::auction::AT_AUCTION_SELL,
    }
}

const fn is_priceless(side: Side, price: Price) -> bool {
    price.0 == priceless(side).0
}

fn standing(resting: &Resting) -> Standing {
    let market = is_priceless(resting.side, resting.price);
    Standing {
        order: public(resting.order),
        pricing: if market { Pricing::Market } else { Pricing::Limit },
        price: if market { Price(0) } else { resting.price },
        qty: resting.qty,
    }
}
