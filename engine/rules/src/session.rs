//! The sessions of a day: which phase, whether orders and cancels are taken, which prices.

use nofx_types::{Date, Phase, Price};
use serde::{Deserialize, Deserializer, de::Error};

use crate::band::{Band, Rounding};
use crate::text;
use crate::tick::TickTable;

/// What a session is for, where the phase does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// No trading.
    Closed,
    /// A call auction collects orders.
    Input,
    /// A call auction whose orders cannot be cancelled any more.
    NoCancel,
    /// A call auction that will be matched at a random moment of this session.
    Matching,
    /// Between an auction and what follows: nothing is matched.
    Blocking,
    /// Continuous trading.
    Continuous,
    /// The reference price of the closing auction is being found.
    Fixing,
    /// Trading at the closing price.
    FixedPrice,
}

/// Which prices a session takes, besides the day's limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PriceRule {
    /// Any within the limits.
    Limits,
    /// Within the price cage.
    Cage,
    /// At most so many hundredths of a percent from the reference: the previous close in the opening
    /// auction, the reference price in the closing auction of Hong Kong.
    Around(u32),
    /// Between the lowest ask and the highest bid that stood when the session began; as `Around`
    /// where one of them was missing.
    Between(u32),
    /// The closing price only.
    Fixed,
}

impl PriceRule {
    /// The prices taken, `None` where this rule draws no band of its own (limits, cage, and `Fixed`
    /// without a reference). `best` are lowest ask and highest bid at the begin of the session.
    ///
    /// ```
    /// use nofx_rules::{PriceRule, TickTable};
    /// use nofx_types::Price;
    /// let cent = TickTable::flat(100);
    /// let band = PriceRule::Around(1_500).band(Price(100_000), None, &cent).expect("drawn");
    /// assert_eq!((band.low, band.high), (Price(85_000), Price(115_000)));
    /// let best = Some((Price(99_000), Price(101_000))); // ask, bid
    /// let band = PriceRule::Between(1_500).band(Price(100_000), best, &cent).expect("drawn");
    /// assert_eq!((band.low, band.high), (Price(99_000), Price(101_000)));
    /// ```
    pub fn band(
        self,
        reference: Price,
        best: Option<(Price, Price)>,
        tick: &TickTable,
    ) -> Option<Band> {
        let around = |bps: u32| {
            (reference.0 > 0).then(|| Band::around(reference, bps, tick, Rounding::Inward))
        };
        match (self, best) {
            (PriceRule::Limits | PriceRule::Cage, _) => None,
            (PriceRule::Between(_), Some((ask, bid))) => {
                Some(Band { low: ask.min(bid), high: ask.max(bid) })
            }
            (PriceRule::Around(bps) | PriceRule::Between(bps), _) => around(bps),
            (PriceRule::Fixed, _) => {
                (reference.0 > 0).then_some(Band { low: reference, high: reference })
            }
        }
    }
}

/// One session of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// Begin, nanoseconds since local midnight.
    pub from_ns: u64,
    /// End, not included.
    pub until_ns: u64,
    /// The trading phase.
    pub phase: Phase,
    /// What it is for.
    pub stage: Stage,
    /// Orders are taken.
    pub orders: bool,
    /// Cancels are taken.
    pub cancels: bool,
    /// Prices that are taken.
    pub price: PriceRule,
    /// A call auction is matched at its end, or at a random moment of it ([`Stage::Matching`]).
    pub uncross: bool,
    /// When the volatility control watches: from, until (not included); equal for never.
    pub volatility: (u64, u64),
    /// Since when the day is cut like this.
    pub since: Date,
}

impl Session {
    /// Outside every session.
    pub const fn closed(from_ns: u64, until_ns: u64, since: Date) -> Session {
        Session {
            from_ns,
            until_ns,
            phase: Phase::Closed,
            stage: Stage::Closed,
            orders: false,
            cancels: false,
            price: PriceRule::Limits,
            uncross: false,
            volatility: (0, 0),
            since,
        }
    }

    /// Whether the volatility control watches at this time of day.
    #[inline]
    pub fn watches(&self, time_ns: u64) -> bool {
        self.volatility.0 <= time_ns && time_ns < self.volatility.1
    }
}

/// A `[[sessions]]` section: one kind of day of some boards.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionsSection {
    /// For half days.
    #[serde(default)]
    pub half_day: bool,
    pub rows: Vec<Row>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    #[serde(deserialize_with = "text::clock")]
    from: u64,
    #[serde(deserialize_with = "text::clock")]
    until: u64,
    #[serde(deserialize_with = "phase")]
    phase: Phase,
    stage: Stage,
    #[serde(default)]
    orders: bool,
    #[serde(default)]
    cancels: bool,
    #[serde(default)]
    price: RawPrice,
    #[serde(default)]
    uncross: bool,
    #[serde(default, deserialize_with = "text::clock_or_none")]
    volatility_from: Option<u64>,
    #[serde(default, deserialize_with = "text::clock_or_none")]
    volatility_until: Option<u64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RawPrice {
    #[default]
    Limits,
    Cage,
    Around(u32),
    Between(u32),
    Fixed,
}

fn phase<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Phase, D::Error> {
    match String::deserialize(deserializer)?.as_str() {
        "pre_open" => Ok(Phase::PreOpen),
        "opening_auction" => Ok(Phase::OpeningAuction),
        "continuous" => Ok(Phase::Continuous),
        "closing_auction" => Ok(Phase::ClosingAuction),
        "after_hours" => Ok(Phase::AfterHours),
        "break" => Ok(Phase::Break),
        "closed" => Ok(Phase::Closed),
        other => Err(D::Error::custom(format!("phase {other:?}: not one of the phases"))),
    }
}

impl SessionsSection {
    /// The first row that does not begin where the one before it ended, or ends before it begins.
    pub fn misplaced(&self) -> bool {
        let backward = self.rows.iter().any(|row| row.from >= row.until);
        let torn = self.rows.windows(2).any(|pair| match pair {
            [first, second] => first.until != second.from,
            _ => false,
        });
        self.rows.is_empty() || backward || torn
    }

    pub fn sessions(&self, since: Date) -> Vec<Session> {
        self.rows.iter().map(|row| row.session(since)).collect()
    }
}

impl Row {
    fn session(&self, since: Date) -> Session {
        Session {
            from_ns: self.from,
            until_ns: self.until,
            phase: self.phase,
            stage: self.stage,
            orders: self.orders,
            cancels: self.cancels,
            price: match self.price {
                RawPrice::Limits => PriceRule::Limits,
                RawPrice::Cage => PriceRule::Cage,
                RawPrice::Around(bps) => PriceRule::Around(bps),
                RawPrice::Between(bps) => PriceRule::Between(bps),
                RawPrice::Fixed => PriceRule::Fixed,
            },
            uncross: self.uncross,
            volatility: match (self.volatility_from, self.volatility_until) {
                (Some(from), Some(until)) => (from, until),
                _ => (0, 0),
            },
            since,
        }
    }
}
