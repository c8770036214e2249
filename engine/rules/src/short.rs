//! Short sales: of which securities, and at which prices.

use nofx_types::{Phase, Price, Touch};
use serde::Deserialize;

/// Which securities may be sold short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShortScope {
    /// None.
    Never,
    /// Those the exchange designates.
    Designated,
}

/// The lowest price of a short sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShortPrice {
    /// Any.
    Any,
    /// Not below the last trade; before the first, not below the previous close.
    Last,
    /// Not below the best ask; any where there is none.
    BestAsk,
    /// Not below the reference price of the auction.
    Reference,
}

/// What is known of the market when a short sale is judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShortFacts {
    /// Best prices.
    pub touch: Touch,
    /// Last trade of the day, 0 for none.
    pub last: Price,
    /// Previous close, 0 if not known.
    pub previous_close: Price,
    /// Reference price of the auction, 0 for none.
    pub reference: Price,
}

/// The short sale rule of a board.
///
/// ```
/// use nofx_rules::{ShortFacts, ShortPrice, ShortRule, ShortScope};
/// use nofx_types::{Phase, Price};
/// let rule = ShortRule { scope: ShortScope::Designated, continuous: ShortPrice::Last, auction: ShortPrice::Any };
/// let facts = ShortFacts { last: Price(100_000), ..ShortFacts::default() };
/// assert!(rule.takes(true, Price(100_000), Phase::Continuous, &facts));
/// assert!(!rule.takes(true, Price(99_900), Phase::Continuous, &facts));
/// assert!(rule.takes(true, Price(99_900), Phase::OpeningAuction, &facts));
/// assert!(!rule.takes(false, Price(100_000), Phase::Continuous, &facts), "not designated");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShortRule {
    /// Of which securities.
    pub scope: ShortScope,
    /// Lowest price in continuous trading.
    pub continuous: ShortPrice,
    /// Lowest price in call auctions.
    pub auction: ShortPrice,
}

impl ShortRule {
    /// The lowest price in this phase; 0 for any.
    #[inline]
    pub fn floor(&self, phase: Phase, facts: &ShortFacts) -> Price {
        let rule = match phase {
            Phase::OpeningAuction | Phase::ClosingAuction => self.auction,
            _ => self.continuous,
        };
        match rule {
            ShortPrice::Any => Price(0),
            ShortPrice::Last if facts.last.0 > 0 => facts.last,
            ShortPrice::Last => facts.previous_close,
            ShortPrice::BestAsk => facts.touch.best(nofx_types::Side::Sell).unwrap_or(Price(0)),
            ShortPrice::Reference => facts.reference,
        }
    }

    /// Whether a short sale at `price` is taken; `designated` is the security's own flag.
    #[inline]
    pub fn takes(&self, designated: bool, price: Price, phase: Phase, facts: &ShortFacts) -> bool {
        self.scope == ShortScope::Designated && designated && price >= self.floor(phase, facts)
    }
}
