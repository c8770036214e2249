//! Why a market rule refused: the limit, the value and the day of the rule.

use core::fmt;

use nofx_gate::Rule;
use nofx_types::{Date, InstrumentId, Price};

/// What a rule found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breach {
    /// The limit: a price, a quantity or a count, as the rule has it.
    pub limit: i64,
    /// What the order had.
    pub value: i64,
    /// Since when the rule has this limit.
    pub since: Date,
}

/// A breach with its rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The rule.
    pub rule: Rule,
    /// What it found.
    pub breach: Breach,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Breach { limit, value, since } = self.breach;
        let name = self.rule.name();
        match self.rule {
            Rule::Tick | Rule::PriceLimit | Rule::Cage | Rule::Volatility | Rule::ShortSale => {
                let (limit, value) = (Price(limit).decimal(4), Price(value).decimal(4));
                write!(f, "{name}: limit {limit} value {value}, rule of {since}")
            }
            _ => write!(f, "{name}: limit {limit} value {value}, rule of {since}"),
        }
    }
}

const RULES: usize = Rule::Programme as usize + 1;

/// Counts of refusals, and the last of each rule.
#[derive(Clone, Debug)]
pub struct Refusals {
    rows: [(u64, Option<(InstrumentId, Refusal)>); RULES],
}

impl Default for Refusals {
    fn default() -> Refusals {
        Refusals { rows: [(0, None); RULES] }
    }
}

impl Refusals {
    pub(super) fn note(&mut self, instrument: InstrumentId, refusal: Refusal) {
        if let Some((count, last)) = self.rows.get_mut(refusal.rule as usize) {
            *count = count.saturating_add(1);
            *last = Some((instrument, refusal));
        }
    }

    /// Of every rule that refused: how often, and the last time.
    pub fn rows(&self) -> impl Iterator<Item = (u64, InstrumentId, Refusal)> {
        let known = |(count, last): &(u64, Option<(InstrumentId, Refusal)>)| {
            last.map(|(instrument, refusal)| (*count, instrument, refusal))
        };
        self.rows.iter().filter_map(known)
    }
}
