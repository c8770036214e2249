//! Lots: how many shares an order may be for.

use nofx_types::Side;
use serde::Deserialize;

/// What becomes of a quantity below a lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OddLots {
    /// A holding's remainder below a lot may be sold, whole (mainland).
    SellWhole,
    /// Not in this book (Hong Kong has a book of its own for them).
    Refused,
}

/// The quantities that one order may have: `min`, then every `step` above it.
///
/// ```
/// use nofx_rules::{LotRule, OddLots};
/// use nofx_types::Side::{Buy, Sell};
/// let main = LotRule { min: 100, step: 100, odd: OddLots::SellWhole };
/// assert!(main.whole(300) && !main.whole(350));
/// assert!(main.takes(Sell, 350, 350) && main.takes(Sell, 50, 350), "the remainder, whole");
/// assert!(!main.takes(Sell, 30, 350) && !main.takes(Buy, 50, 350));
/// let star = LotRule { min: 200, step: 1, odd: OddLots::SellWhole };
/// assert!(star.whole(201) && !star.whole(199) && star.takes(Sell, 199, 199));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LotRule {
    /// Least shares.
    pub min: u32,
    /// Step above that.
    pub step: u32,
    /// What becomes of less.
    pub odd: OddLots,
}

impl LotRule {
    /// Whether `shares` is a quantity of the ladder.
    #[inline]
    pub fn whole(&self, shares: u64) -> bool {
        let over = shares.checked_sub(u64::from(self.min));
        shares > 0 && over.is_some_and(|over| over % u64::from(self.step.max(1)) == 0)
    }

    /// Whether an order of `side` may be for `shares`, out of `sellable` shares that the account
    /// could sell: a whole quantity, or a sell that takes the odd remainder along, whole.
    #[inline]
    pub fn takes(&self, side: Side, shares: u64, sellable: u64) -> bool {
        self.whole(shares) || (side == Side::Sell && self.sells_odd(shares, sellable))
    }

    #[inline]
    fn sells_odd(&self, shares: u64, sellable: u64) -> bool {
        let step = u64::from(self.step.max(1));
        let remainder = step > 1 && shares % step == sellable % step;
        self.odd == OddLots::SellWhole
            && shares > 0
            && shares <= sellable
            && (shares == sellable || remainder)
    }
}
