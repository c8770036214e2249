//! The price of a call auction, as a pure function of the orders and the market's tie-break rule.
//!
//! Every market asks for the price of most volume first, then for one at which every better order is
//! filled (one side is then filled at the price itself as well), then for the least imbalance. Where
//! several prices are left, Shanghai takes their middle, Shenzhen and Hong Kong the one nearest to a
//! reference. Orders without a price may be more than the other side has: then as few better orders
//! as can be stay unfilled.

use nofx_types::{Level, Price, Qty, Side};
use serde::Deserialize;

use crate::tick::TickTable;

/// A buy without a price (at-auction order): ranks before every limit, never sets the price.
pub const AT_AUCTION_BUY: Price = Price(i64::MAX);

/// A sell without a price.
pub const AT_AUCTION_SELL: Price = Price(i64::MIN);

/// Which prices may be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Candidates {
    /// Those of orders.
    OrderPrices,
    /// Every tick from the lowest to the highest order price.
    AllTicks,
}

/// Which of several equal prices is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pick {
    /// Half way between the lowest and the highest, on the nearest tick, halves upward.
    Middle,
    /// Nearest to the reference, the higher of two; without a reference as `Middle`.
    Nearest,
}

/// What the reference of an auction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuctionReference {
    /// Previous close.
    PreviousClose,
    /// Last trade; previous close where there was none.
    Last,
    /// The price fixed for this auction.
    Fixed,
}

/// An `[[auction]]` section: how one of the day's auctions finds its price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuctionRule {
    /// For the auction of the close, not of the opening.
    pub closing: bool,
    /// Which prices may be chosen.
    pub candidates: Candidates,
    /// Which of several equal ones is.
    pub pick: Pick,
    /// What the reference is.
    pub reference: AuctionReference,
}

impl AuctionRule {
    /// With the day's facts of one security.
    pub const fn tie(&self, reference: Price, tick: TickTable) -> TieRule {
        let AuctionRule { candidates, pick, .. } = *self;
        TieRule { candidates, pick, reference, tick }
    }
}

/// How ties between prices are broken, for one security.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TieRule {
    /// Which prices may be chosen.
    pub candidates: Candidates,
    /// Which of several equal ones is.
    pub pick: Pick,
    /// The reference price, 0 for none.
    pub reference: Price,
    /// The security's price steps.
    pub tick: TickTable,
}

/// What an auction comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clearing {
    /// The price of every trade.
    pub price: Price,
    /// Shares traded.
    pub volume: Qty,
    /// Shares at this price or better that find no other side.
    pub imbalance: Qty,
    /// Their side.
    pub side: Option<Side>,
}

/// The price of an auction of `bids` (best, highest, first) and `asks` (best, lowest, first); `None`
/// where nothing can trade. Orders without a price stand first, at [`AT_AUCTION_BUY`] and
/// [`AT_AUCTION_SELL`]; when they are alone on both sides the reference is the price.
///
/// ```
/// use nofx_rules::{TickTable, auction::{self, Candidates, Clearing, Pick, TieRule}};
/// use nofx_types::{Level, Price, Qty, Side};
/// let level = |price: i64, qty: u64| Level { price: Price(price), qty: Qty(qty), orders: 1 };
/// let shanghai = TieRule {
///     candidates: Candidates::OrderPrices,
///     pick: Pick::Middle,
///     reference: Price(99_500),
///     tick: TickTable::flat(100),
/// };
/// let (bids, asks) = ([level(100_300, 500)], [level(100_000, 500)]);
/// // 10.00 to 10.03 all trade 500: Shanghai takes the middle, 10.015, upward.
/// let cleared = auction::clear(&bids, &asks, &shanghai).expect("crossed");
/// assert_eq!((cleared.price, cleared.volume, cleared.imbalance), (Price(100_200), Qty(500), Qty(0)));
/// // Shenzhen the price nearest to the previous close of 9.95.
/// let shenzhen = TieRule { candidates: Candidates::AllTicks, pick: Pick::Nearest, ..shanghai };
/// assert_eq!(auction::clear(&bids, &asks, &shenzhen).map(|c| c.price), Some(Price(100_000)));
/// // Hong Kong: at-auction orders come first; 200 shares more are bought than sold.
/// let bids = [level(auction::AT_AUCTION_BUY.0, 300), level(100_000, 400)];
/// let cleared = auction::clear(&bids, &asks, &shenzhen).expect("crossed");
/// assert_eq!((cleared.volume, cleared.imbalance, cleared.side), (Qty(500), Qty(200), Some(Side::Buy)));
/// assert_eq!(auction::clear(&[level(99_900, 1)], &asks, &shenzhen), None::<Clearing>);
/// ```
pub fn clear(bids: &[Level], asks: &[Level], rule: &TieRule) -> Option<Clearing> {
    let mut walk = Walk::new(bids, asks);
    let mut best = Best::default();
    while let Some(price) = walk.next_price() {
        let below = walk.supply;
        walk.take_asks(price);
        let here = Crossing { demand: walk.demand, supply: walk.supply, above: 0, below };
        walk.drop_bids(price);
        best.offer(price, price, Crossing { above: walk.demand, ..here }, rule);
        let next = walk.next_price().filter(|_| rule.candidates == Candidates::AllTicks);
        if let Some(next) = next {
            let (low, high) = (rule.tick.above(price), rule.tick.below(next));
            if price < low && low <= high && high < next {
                best.offer(low, high, walk.between(), rule);
            }
        }
    }
    if best.prices.is_none() && rule.reference.0 > 0 {
        best.offer(rule.reference, rule.reference, walk.between(), rule);
    }
    best.price(rule).map(|price| at(price, bids, asks))
}

/// What trades at `price`.
fn at(price: Price, bids: &[Level], asks: &[Level]) -> Clearing {
    let sum = |levels: &[Level], ok: &dyn Fn(Price) -> bool| {
        let levels = levels.iter().take_while(|level| ok(level.price));
        levels.fold(0u64, |sum, level| sum.saturating_add(level.qty.0))
    };
    let demand = sum(bids, &|bid| bid >= price);
    let supply = sum(asks, &|ask| ask <= price);
    let (volume, imbalance) = (Qty(demand.min(supply)), Qty(demand.abs_diff(supply)));
    let side = match demand.cmp(&supply) {
        core::cmp::Ordering::Greater => Some(Side::Buy),
        core::cmp::Ordering::Less => Some(Side::Sell),
        core::cmp::Ordering::Equal => None,
    };
    Clearing { price, volume, imbalance, side }
}

/// Both sides walked from the lowest price to the highest.
struct Walk<'a> {
    bids: &'a [Level],
    asks: &'a [Level],
    /// Bids at the price or above it.
    demand: u64,
    /// Asks at the price or below it.
    supply: u64,
}

impl<'a> Walk<'a> {
    fn new(bids: &'a [Level], asks: &'a [Level]) -> Walk<'a> {
        let demand = bids.iter().fold(0u64, |sum, level| sum.saturating_add(level.qty.0));
        let free = asks.iter().take_while(|level| level.price == AT_AUCTION_SELL);
        let supply = free.clone().fold(0u64, |sum, level| sum.saturating_add(level.qty.0));
        Walk { bids, asks: asks.get(free.count()..).unwrap_or(&[]), demand, supply }
    }

    /// The lowest limit price that was not passed.
    fn next_price(&self) -> Option<Price> {
        let bid = self.bids.last().map(|level| level.price).filter(|p| *p != AT_AUCTION_BUY);
        let ask = self.asks.first().map(|level| level.price);
        match (bid, ask) {
            (Some(bid), Some(ask)) => Some(bid.min(ask)),
            (bid, ask) => bid.or(ask),
        }
    }

    /// Between two order prices.
    fn between(&self) -> Crossing {
        let (demand, supply) = (self.demand, self.supply);
        Crossing { demand, supply, above: demand, below: supply }
    }

    fn take_asks(&mut self, price: Price) {
        while let [first, rest @ ..] = self.asks
            && first.price <= price
        {
            self.supply = self.supply.saturating_add(first.qty.0);
            self.asks = rest;
        }
    }

    fn drop_bids(&mut self, price: Price) {
        while let [rest @ .., last] = self.bids
            && last.price <= price
        {
            self.demand = self.demand.saturating_sub(last.qty.0);
            self.bids = rest;
        }
    }
}

/// What would trade at a price.
#[derive(Clone, Copy)]
struct Crossing {
    /// Bids at the price or above it.
    demand: u64,
    /// Asks at the price or below it.
    supply: u64,
    /// Bids above it.
    above: u64,
    /// Asks below it.
    below: u64,
}

impl Crossing {
    /// Higher is better: volume, better orders left unfilled, imbalance.
    fn rank(&self) -> (u64, core::cmp::Reverse<(u64, u64)>) {
        let volume = self.demand.min(self.supply);
        let unfilled =
            self.above.saturating_sub(volume).saturating_add(self.below.saturating_sub(volume));
        (volume, core::cmp::Reverse((unfilled, self.demand.abs_diff(self.supply))))
    }
}

/// The best prices so far.
#[derive(Default)]
struct Best {
    prices: Option<Prices>,
}

/// Prices of equal rank.
#[derive(Clone, Copy)]
struct Prices {
    rank: (u64, core::cmp::Reverse<(u64, u64)>),
    low: Price,
    high: Price,
    nearest: Price,
}

impl Best {
    /// Every tick from `low` to `high` has this crossing.
    fn offer(&mut self, low: Price, high: Price, crossing: Crossing, rule: &TieRule) {
        let rank = crossing.rank();
        let nearest = rule.tick.round(rule.reference).clamp(low, high);
        let fresh = Prices { rank, low, high, nearest };
        self.prices = match self.prices {
            _ if rank.0 == 0 => return,
            Some(old) if rank < old.rank => return,
            // Prices rise, so of two equally near ones the later is the higher.
            Some(old) if rank == old.rank => {
                let keep = rule.far(old.nearest) < rule.far(nearest);
                let nearest = if keep { old.nearest } else { nearest };
                Some(Prices { low: old.low, nearest, ..fresh })
            }
            _ => Some(fresh),
        };
    }

    fn price(&self, rule: &TieRule) -> Option<Price> {
        let prices = self.prices?;
        let nearest = rule.pick == Pick::Nearest && rule.reference.0 > 0;
        Some(if nearest { prices.nearest } else { prices.middle(&rule.tick) })
    }
}

impl Prices {
    fn middle(&self, tick: &TickTable) -> Price {
        let (low, high) = (self.low, self.high);
        let sum = low.0.saturating_add(high.0);
        tick.round(Price(sum / 2 + sum % 2)).clamp(low, high)
    }
}

impl TieRule {
    fn far(&self, price: Price) -> u64 {
        price.0.abs_diff(self.reference.0)
    }
}
