//! Order sizes, settlement and the thresholds of programme trading.

use serde::Deserialize;

/// Most shares of one order.
///
/// ```
/// use nofx_rules::SizeRule;
/// let star = SizeRule { limit_max: 100_000, market_max: 50_000, lots_max: 0 };
/// assert!(star.takes(100_000, false) && !star.takes(100_001, false) && !star.takes(50_001, true));
/// let hong_kong = SizeRule { limit_max: 0, market_max: 0, lots_max: 3_000 }.of_lot(500);
/// assert!(hong_kong.takes(1_500_000, false) && !hong_kong.takes(1_500_500, false));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SizeRule {
    /// Of a limit order; 0 for no limit.
    #[serde(default)]
    pub limit_max: u64,
    /// Of a market order; 0 for no limit.
    #[serde(default)]
    pub market_max: u64,
    /// The same in board lots, for both; 0 for no limit.
    #[serde(default)]
    pub lots_max: u64,
}

impl SizeRule {
    /// With the board lots counted in shares.
    pub const fn of_lot(self, lot: u32) -> SizeRule {
        if self.lots_max == 0 {
            return self;
        }
        let shares = self.lots_max.saturating_mul(lot as u64);
        SizeRule { limit_max: shares, market_max: shares, lots_max: 0 }
    }

    /// Whether one order may be for so many shares.
    #[inline]
    pub const fn takes(&self, shares: u64, market: bool) -> bool {
        let most = self.most(market);
        most == 0 || shares <= most
    }

    /// Most shares of one order, 0 for no limit.
    #[inline]
    pub const fn most(&self, market: bool) -> u64 {
        if market { self.market_max } else { self.limit_max }
    }
}

/// When bought shares may be sold again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settlement {
    /// Trading days between buying and the first sale: 0 on the day itself, 1 for T+1.
    pub sellable_after_days: u8,
}

/// When an account counts as a high-frequency programme trader, and our own limits below that.
/// Orders and cancels count alike; 0 is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Programme {
    /// Orders and cancels in one second that make a high-frequency trader.
    pub second_threshold: u32,
    /// The same in one day.
    pub day_threshold: u32,
    /// Reaching so many in a second is counted as a warning.
    pub second_warn: u32,
    /// The same in a day.
    pub day_warn: u32,
    /// An order that would reach so many in its second is refused.
    pub second_hard: u32,
    /// The same in a day.
    pub day_hard: u32,
}

impl Programme {
    /// The first key that does not lie where it should: warn <= hard <= threshold.
    pub fn misplaced(&self) -> Option<&'static str> {
        let above = |limit: u32, bound: u32| bound != 0 && (limit == 0 || limit > bound);
        if above(self.second_hard, self.second_threshold) {
            Some("second_hard: want 1 to second_threshold")
        } else if above(self.day_hard, self.day_threshold) {
            Some("day_hard: want 1 to day_threshold")
        } else if self.second_warn > self.second_hard {
            Some("second_warn: want at most second_hard")
        } else if self.day_warn > self.day_hard {
            Some("day_warn: want at most day_hard")
        } else {
            None
        }
    }
}
