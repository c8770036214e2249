//! What books count besides their content, and why one cannot be made.

use std::fmt;

use nofx_types::InstrumentId;

/// Events that did not fit a book. Each was dropped or clamped, so the book stayed whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BookCounts {
    /// Execute, reduce, replace or delete of an order that the book does not hold: normal after a
    /// start in the middle of the day.
    pub unknown_order: u64,
    /// An order id that is live already; the second order was dropped.
    pub duplicate_add: u64,
    /// More was executed or reduced than the order held; clamped.
    pub overfill: u64,
    /// Instrument, price or quantity outside what the book can hold.
    pub out_of_range: u64,
    /// An order on a book of levels, or a level on a book of orders.
    pub mixed: u64,
    /// No memory was left for an order or a level.
    pub exhausted: u64,
    /// Operations that left the fast path.
    pub overflow: u64,
}

impl BookCounts {
    /// Each count with its name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + Clone + use<> {
        [
            ("unknown_order", self.unknown_order),
            ("duplicate_add", self.duplicate_add),
            ("overfill", self.overfill),
            ("out_of_range", self.out_of_range),
            ("mixed", self.mixed),
            ("exhausted", self.exhausted),
            ("overflow", self.overflow),
        ]
        .into_iter()
    }
}

/// A configuration that no book can be made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The key that is wrong.
    pub key: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

impl ConfigError {
    /// `key` is wrong because of `problem`.
    pub fn new(key: &'static str, problem: impl Into<String>) -> ConfigError {
        ConfigError { key, problem: problem.into() }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.problem)
    }
}

impl std::error::Error for ConfigError {}

/// A rule that a book must keep and did not: a defect of this crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The book.
    pub instrument: InstrumentId,
    /// The rule.
    pub rule: &'static str,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "book {} breaks: {}", self.instrument.0, self.rule)
    }
}

impl std::error::Error for Broken {}
