//! Hong Kong's quotation rules: how far from the market an order may be priced, and how far through it.

use nofx_types::{Price, Side};
use serde::Deserialize;

use crate::band::Band;
use crate::cage::CageFacts;
use crate::tick::TickTable;

/// Most spreads that a rule may count: a check walks them one by one.
const SPREADS_MAX: u32 = 100;

/// How far an order reaches through the market.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It waits in a call auction: there is no market to reach through.
    Auction,
    /// Not through the best price of the other side (limit order).
    Best,
    /// Some spreads through it (enhanced limit order).
    Spreads,
    /// Any distance, and what is left is cancelled (special limit order).
    Any,
}

/// How far a Hong Kong order may be priced from the market.
///
/// ```
/// use nofx_rules::{CageFacts, Quotation, Reach, TickTable};
/// use nofx_types::{Price, Qty, Side, Touch};
/// let rule = Quotation { times: 9, first_spreads: 24, enhanced_spreads: 9 };
/// let cent = TickTable::flat(100);
/// let touch = Touch { ask_px: Price(90_200), ask_qty: Qty(1), ..Touch::default() };
/// let facts = CageFacts { touch, last: Price(90_000), previous_close: Price(80_000) };
/// let band = |reach| rule.band(Side::Buy, reach, &facts, &cent);
/// assert_eq!(band(Reach::Any).high, Price(810_000)); // nine times the last trade
/// assert_eq!(band(Reach::Any).low, Price(10_000));
/// assert_eq!(band(Reach::Best).high, Price(90_200)); // the ask
/// assert_eq!(band(Reach::Spreads).high, Price(91_100)); // and nine spreads
/// let first = CageFacts { touch: Touch::default(), last: Price(0), ..facts };
/// let band = rule.band(Side::Sell, Reach::Best, &first, &cent);
/// assert_eq!((band.low, band.high), (Price(77_600), Price(82_400))); // 24 spreads from the close
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quotation {
    /// A price is refused at more than so many times the nominal price, or less than its so-manyth;
    /// 0 for any.
    pub times: u32,
    /// The first orders of the day lie within so many spreads of the previous close.
    pub first_spreads: u32,
    /// An enhanced limit order may match up to so many spreads through the best price.
    pub enhanced_spreads: u32,
}

impl Quotation {
    /// The prices that an order of `side` may have (market-rules 5): within `times` of the nominal
    /// price, which is the last trade and before the first the previous close; outside of auctions,
    /// while nothing was traded and nobody is there, within `first_spreads` of the previous close;
    /// and not further through the best price of the other side than it may reach.
    #[inline]
    pub fn band(&self, side: Side, reach: Reach, facts: &CageFacts, tick: &TickTable) -> Band {
        let near = self.near(facts, tick);
        if reach == Reach::Auction {
            return near;
        }
        let best = |side| facts.touch.best(side);
        let close = facts.previous_close;
        let first = facts.last.0 <= 0 && Side::BOTH.into_iter().all(|side| best(side).is_none());
        match best(side.opposite()) {
            _ if first && close.0 > 0 => {
                let spreads = self.first_spreads as i32; // at most SPREADS_MAX
                near.and(Band { low: tick.step(close, -spreads), high: tick.step(close, spreads) })
            }
            Some(best) => near.and(self.through(side, reach, best, tick)),
            None => near,
        }
    }

    fn near(&self, facts: &CageFacts, tick: &TickTable) -> Band {
        let nominal = if facts.last.0 > 0 { facts.last } else { facts.previous_close };
        let times = i64::from(self.times);
        if nominal.0 <= 0 || times == 0 {
            return Band::ALL;
        }
        let low = nominal.0 / times + i64::from(nominal.0 % times != 0);
        let high = Price(nominal.0.saturating_mul(times)).min(tick.highest());
        Band { low: tick.ceil(Price(low)), high: tick.floor(high) }
    }

    fn through(&self, side: Side, reach: Reach, best: Price, tick: &TickTable) -> Band {
        let spreads = match reach {
            Reach::Best => 0,
            Reach::Spreads => self.enhanced_spreads as i32, // at most SPREADS_MAX
            Reach::Auction | Reach::Any => return Band::ALL,
        };
        match side {
            Side::Buy => Band { high: tick.step(best, spreads), ..Band::ALL },
            Side::Sell => Band { low: tick.step(best, -spreads), ..Band::ALL },
        }
    }

    /// The first key that cannot be used.
    pub(crate) fn misplaced(&self) -> Option<&'static str> {
        if self.first_spreads > SPREADS_MAX {
            Some("first_spreads: want at most 100")
        } else if self.enhanced_spreads > SPREADS_MAX {
            Some("enhanced_spreads: want at most 100")
        } else {
            None
        }
    }
}
