//! The price cage: how far through the market an order of continuous trading may be priced.

use nofx_types::{Price, Side, Touch};
use serde::Deserialize;

use crate::tick::TickTable;

/// What the cage is measured from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reference {
    /// Best price of the other side.
    Opposite,
    /// Best price of the order's own side.
    Own,
    /// Last trade.
    Last,
    /// Previous close.
    PreviousClose,
}

/// What becomes of an order outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutOfCage {
    /// It is refused.
    Reject,
    /// The exchange keeps it aside until the market comes near (ChiNext before 2023).
    Park,
}

/// What is known of the market when an order meets the cage or the quotation rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CageFacts {
    /// Best prices.
    pub touch: Touch,
    /// Last trade of the day, 0 for none.
    pub last: Price,
    /// Previous close, 0 if not known.
    pub previous_close: Price,
}

/// The cage of a board: a buy may not be priced above its bound, a sell not below.
///
/// ```
/// use nofx_rules::{Cage, CageFacts, OutOfCage, Reference, TickTable};
/// use nofx_types::{Price, Qty, Side, Touch};
/// let order = [Reference::Opposite, Reference::Own, Reference::Last, Reference::PreviousClose];
/// let cage = Cage { buy_bps: 200, sell_bps: 200, ticks_min: 10, out: OutOfCage::Reject, references: order };
/// let touch = Touch { ask_px: Price(100_000), ask_qty: Qty(1), ..Touch::default() };
/// let facts = CageFacts { touch, last: Price(99_000), previous_close: Price(98_000) };
/// let cent = TickTable::flat(100);
/// assert_eq!(cage.bound(Side::Buy, &facts, &cent), Some(Price(102_000))); // 2 % beyond the ask
/// assert_eq!(cage.bound(Side::Sell, &facts, &cent), Some(Price(98_000))); // no bid: from the ask
/// assert!(cage.holds(Side::Buy, Price(102_000), &facts, &cent));
/// assert!(!cage.holds(Side::Buy, Price(102_100), &facts, &cent));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cage {
    /// A buy up to so far above the reference.
    pub buy_bps: u32,
    /// A sell up to so far below.
    pub sell_bps: u32,
    /// At least so many ticks, where that is wider.
    #[serde(default)]
    pub ticks_min: u32,
    /// What becomes of an order outside.
    pub out: OutOfCage,
    /// What it is measured from: the first that is there.
    pub references: [Reference; 4],
}

impl Cage {
    /// The price it is measured from, `None` where nothing is known.
    #[inline]
    pub fn reference(&self, side: Side, facts: &CageFacts) -> Option<Price> {
        let known = |price: Price| (price.0 > 0).then_some(price);
        self.references.iter().find_map(|reference| match reference {
            Reference::Opposite => facts.touch.best(side.opposite()),
            Reference::Own => facts.touch.best(side),
            Reference::Last => known(facts.last),
            Reference::PreviousClose => known(facts.previous_close),
        })
    }

    /// The most aggressive price that an order of `side` may have.
    #[inline]
    pub fn bound(&self, side: Side, facts: &CageFacts, tick: &TickTable) -> Option<Price> {
        let reference = self.reference(side, facts)?;
        let ticks = i64::from(self.ticks_min) * tick.at(reference);
        let share = |bps: i64| reference.0.saturating_mul(bps.max(0)) / 10_000;
        Some(match side {
            Side::Buy => {
                let ratio = tick.round(Price(share(10_000 + i64::from(self.buy_bps))));
                ratio.max(Price(reference.0.saturating_add(ticks)))
            }
            Side::Sell => {
                let ratio = tick.round(Price(share(10_000 - i64::from(self.sell_bps))));
                ratio.min(Price(reference.0.saturating_sub(ticks)))
            }
        })
    }

    /// Whether an order of `side` at `price` is inside; so is all where nothing is known to measure
    /// from.
    #[inline]
    pub fn holds(&self, side: Side, price: Price, facts: &CageFacts, tick: &TickTable) -> bool {
        self.bound(side, facts, tick).is_none_or(|bound| !side.better(price, bound))
    }
}
