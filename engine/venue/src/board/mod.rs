//! An exchange of the mainland or of Hong Kong without a protocol: books, rules, phases, auctions.
//!
//! Model: requests come in neutral form and are checked by the day's market rules; an order that
//! passes meets the book of its security ([`Matching`]) in the way of the stage: collected in a call,
//! matched in continuous trading. What the owner hears is told by account, what the public hears is a
//! queue of [`Said`], numbered by the board as the market numbers it, because in Shenzhen the number of
//! an order's message is its id. Neither socket nor clock nor bytes.
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
//! Worst case: like the other venue it allocates as the day grows; it is never on the hot path.

mod config;
mod course;
mod said;

use std::collections::VecDeque;

use nofx_types::{Level, Market, Nanos, OrderRef, Price, Pricing, Side, Symbol};

pub use config::{BoardConfig, SecurityConfig};
pub use course::{Period, Stage};
pub use said::{ALL, Auction, Party, Place, Said, What};

use crate::matching::Matching;

/// What is fixed of a security for the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Security {
    /// Its code.
    pub symbol: Symbol,
    /// The channel that carries it.
    pub channel: u16,
    /// Previous close.
    pub previous_close: Price,
    /// Lowest price of the day, 0 for none.
    pub limit_low: Price,
    /// Highest price of the day, 0 for none.
    pub limit_high: Price,
    /// Shares of a board lot.
    pub lot: u32,
}

/// What traded in a security so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Trades.
    pub trades: u64,
    /// Shares.
    pub volume: u64,
    /// Price times shares, 1/10,000.
    pub turnover: u64,
    /// Opening price, 0 before there is one; so the others.
    pub open: Price,
    /// Highest price.
    pub high: Price,
    /// Lowest price.
    pub low: Price,
    /// Price of the last trade.
    pub last: Price,
    /// Closing price.
    pub close: Price,
}

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
    market: Market,
    securities: Box<[Security]>,
    totals: Box<[Totals]>,
    books: Matching,
    said: VecDeque<Said>,
    stage: Stage,
    now: Nanos,
}

impl Board {
    /// Its market.
    pub fn market(&self) -> Market {
        self.market
    }

    /// The board's time: the latest it was given.
    pub fn now(&self) -> Nanos {
        self.now
    }

    /// The stage of the day.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// All securities, by row.
    pub fn securities(&self) -> &[Security] {
        &self.securities
    }

    /// What traded in `row`.
    pub fn totals(&self, row: u32) -> Totals {
        self.totals.get(row as usize).copied().unwrap_or_default()
    }

    /// The next public fact, each once.
    pub fn next_said(&mut self) -> Option<Said> {
        self.said.pop_front()
    }

    /// The levels of a side, best first; market orders of an auction show at none.
    pub fn levels(&self, row: u32, side: Side) -> impl Iterator<Item = Level> {
        self.books.levels(row, side).filter(move |level| !is_priceless(side, level.price))
    }

    /// The resting orders of a side in the order in which they are filled, market orders first.
    pub fn standing(&self, row: u32, side: Side) -> impl Iterator<Item = Standing> {
        self.books.resting_orders(row, side).map(|resting| standing(&resting))
    }
}

/// Price at which an order without a price stands in its book, before all others.
const fn priceless(side: Side) -> Price {
    match side {
        Side::Buy => Price(i64::MAX),
        Side::Sell => Price(i64::MIN),
    }
}

const fn is_priceless(side: Side, price: Price) -> bool {
    price.0 == priceless(side).0
}

fn standing(resting: &crate::matching::Resting) -> Standing {
    let market = is_priceless(resting.side, resting.price);
    Standing {
        order: public(resting.order),
        pricing: if market { Pricing::Market } else { Pricing::Limit },
        price: if market { Price(0) } else { resting.price },
        qty: resting.qty,
    }
}

/// Bits of an order's key in the books that the public sees; above them stands the channel.
const PUBLIC_BITS: u32 = 44;

/// The id that the public sees.
const fn public(key: OrderRef) -> OrderRef {
    OrderRef(key.0 & ((1 << PUBLIC_BITS) - 1))
}
