//! Daily price limits and other bands around a price.

use nofx_types::Price;
use serde::Deserialize;

use crate::tick::TickTable;

/// Prices from `low` to `high`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Band {
    /// Lowest.
    pub low: Price,
    /// Highest.
    pub high: Price,
}

/// What a ratio of a price that is no whole tick becomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// The nearest tick, halves upward.
    #[default]
    HalfUp,
    /// The nearest tick inside the band.
    Inward,
}

impl Band {
    /// Every price.
    pub const ALL: Band = Band { low: Price(i64::MIN), high: Price(i64::MAX) };

    /// What both have.
    #[inline]
    pub fn and(self, other: Band) -> Band {
        Band { low: self.low.max(other.low), high: self.high.min(other.high) }
    }

    /// Whether it has `price`.
    #[inline]
    pub fn holds(&self, price: Price) -> bool {
        self.low <= price && price <= self.high
    }

    /// `center` less and plus `bps` hundredths of a percent, on ticks.
    ///
    /// ```
    /// use nofx_rules::{Band, Rounding, TickTable};
    /// use nofx_types::Price;
    /// let cent = TickTable::flat(100);
    /// let band = Band::around(Price(100_500), 1_000, &cent, Rounding::HalfUp); // 10.05 +-10 %
    /// assert_eq!((band.low, band.high), (Price(90_500), Price(110_600))); // 9.045, 11.055
    /// ```
    pub fn around(center: Price, bps: u32, tick: &TickTable, rounding: Rounding) -> Band {
        let (low, high) =
            (scaled(center, 10_000 - i64::from(bps)), scaled(center, 10_000 + i64::from(bps)));
        match rounding {
            Rounding::HalfUp => Band { low: nearest(low, tick), high: nearest(high, tick) },
            Rounding::Inward => {
                let up = if low % 10_000 == 0 { low / 10_000 } else { low / 10_000 + 1 };
                Band { low: tick.ceil(Price(up)), high: tick.floor(Price(high / 10_000)) }
            }
        }
    }
}

/// `price` times `bps`, still to be divided by 10,000.
fn scaled(price: Price, bps: i64) -> i64 {
    price.0.saturating_mul(bps.max(0))
}

/// `scaled / 10,000` on the nearest tick, halves upward: one rounding, not two.
fn nearest(scaled: i64, tick: &TickTable) -> Price {
    let step = tick.at(Price(scaled / 10_000)).saturating_mul(10_000);
    let steps = (scaled.saturating_add(step / 2)) / step;
    Price(steps.max(1).saturating_mul(step / 10_000))
}

/// How a security stands with its exchange today.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Status {
    /// As usual.
    #[default]
    Normal,
    /// Under special treatment (ST, *ST).
    Special,
    /// On this day of trading since its listing, from 1.
    New(u8),
    /// No limit today, for another reason (first day after a long suspension, delisting period).
    Unlimited,
}

/// The daily price limits of a board.
///
/// ```
/// use nofx_rules::{LimitRule, Rounding, Status, TickTable};
/// use nofx_types::Price;
/// let main = LimitRule { normal_bps: 1_000, special_bps: 500, new_days: 5, ticks_min: 1, rounding: Rounding::HalfUp };
/// let cent = TickTable::flat(100);
/// let band = |close, status| main.band(Price(close), status, &cent).map(|b| (b.low.0, b.high.0));
/// assert_eq!(band(100_500, Status::Normal), Some((90_500, 110_600)));
/// assert_eq!(band(100_500, Status::Special), Some((95_500, 105_500)));
/// assert_eq!(band(300, Status::Normal), Some((200, 400)), "at least one tick");
/// assert_eq!(band(100_500, Status::New(5)), None);
/// assert!(band(100_500, Status::New(6)).is_some());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitRule {
    /// Distance from the previous close; 0 for no limit.
    pub normal_bps: u32,
    /// The same under special treatment.
    pub special_bps: u32,
    /// First days of trading without a limit.
    #[serde(default)]
    pub new_days: u8,
    /// A limit is at least so many ticks away.
    #[serde(default = "one")]
    pub ticks_min: u32,
    /// What a limit that is no whole tick becomes.
    #[serde(default)]
    pub rounding: Rounding,
}

fn one() -> u32 {
    1
}

impl LimitRule {
    /// The day's limits, `None` where there are none or the previous close is not known.
    pub fn band(&self, previous_close: Price, status: Status, tick: &TickTable) -> Option<Band> {
        let bps = match status {
            Status::Normal => self.normal_bps,
            Status::Special => self.special_bps,
            Status::New(day) if day > self.new_days => self.normal_bps,
            Status::New(_) | Status::Unlimited => 0,
        };
        if bps == 0 || previous_close.0 <= 0 {
            return None;
        }
        let band = Band::around(previous_close, bps, tick, self.rounding);
        let ticks = i32::try_from(self.ticks_min).unwrap_or(i32::MAX).min(1_000);
        Some(Band {
            low: band.low.min(tick.step(previous_close, -ticks)),
            high: band.high.max(tick.step(previous_close, ticks)),
        })
    }
}
