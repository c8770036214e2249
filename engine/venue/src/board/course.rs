//! The stages of the day and the board's clock.
//!
//! Model: the day is a row of periods, each with its stage, its place in the venue's day and the real
//! time in which it is played. A period may be compressed: then an hour of the venue's day passes in
//! seconds, and whatever the rules count in minutes (a cooling-off, the five minutes a volatility
//! reference looks back) shrinks with it.

use nofx_types::{Nanos, Phase};

/// A stage of the day, all markets together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Nothing is taken yet.
    Before,
    /// Opening call: orders and cancels.
    OpeningCall,
    /// Opening call without cancels.
    OpeningFixed,
    /// Opening call that ends at a moment nobody knows (Hong Kong).
    OpeningRandom,
    /// Between opening call and continuous trading.
    Pause,
    /// Continuous trading.
    Continuous,
    /// Lunch.
    Break,
    /// The reference of the closing call is being fixed (Hong Kong).
    Fixing,
    /// Closing call: orders and cancels.
    ClosingCall,
    /// Closing call without cancels.
    ClosingFixed,
    /// Closing call that ends at a moment nobody knows (Hong Kong).
    ClosingRandom,
    /// No more trading.
    Closed,
    /// The day is over: books are empty.
    DayClosed,
}

impl Stage {
    /// What it means for trading.
    pub const fn phase(self) -> Phase {
        match self {
            Stage::Before | Stage::Pause => Phase::PreOpen,
            Stage::OpeningCall | Stage::OpeningFixed | Stage::OpeningRandom => {
                Phase::OpeningAuction
            }
            Stage::Break | Stage::Fixing => Phase::Break,
            Stage::Continuous => Phase::Continuous,
            Stage::ClosingCall | Stage::ClosingFixed | Stage::ClosingRandom => {
                Phase::ClosingAuction
            }
            Stage::Closed | Stage::DayClosed => Phase::Closed,
        }
    }

    /// Whether orders are collected for one price.
    pub const fn is_call(self) -> bool {
        matches!(self.phase(), Phase::OpeningAuction | Phase::ClosingAuction)
    }

    /// Its name, as in configurations and dumps.
    pub const fn name(self) -> &'static str {
        match self {
            Stage::Before => "before",
            Stage::OpeningCall => "opening_call",
            Stage::OpeningFixed => "opening_fixed",
            Stage::OpeningRandom => "opening_random",
            Stage::Pause => "pause",
            Stage::Continuous => "continuous",
            Stage::Break => "break",
            Stage::Fixing => "fixing",
            Stage::ClosingCall => "closing_call",
            Stage::ClosingFixed => "closing_fixed",
            Stage::ClosingRandom => "closing_random",
            Stage::Closed => "closed",
            Stage::DayClosed => "day_closed",
        }
    }
}

/// One stage with its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// The stage.
    pub stage: Stage,
    /// When it begins in real time, since 1970 UTC.
    pub from: Nanos,
    /// When it ends.
    pub to: Nanos,
    /// When it begins in the venue's day, nanoseconds since its midnight.
    pub day_from: u64,
    /// When it ends there.
    pub day_to: u64,
}

/// The day's periods and which of them is played.
#[derive(Clone, Debug)]
pub struct Course {
    periods: Box<[Period]>,
    at: usize,
}

impl Course {
    /// Of periods that follow each other, at least one.
    pub fn new(periods: Vec<Period>) -> Course {
        Course { periods: periods.into_boxed_slice(), at: 0 }
    }

    /// The periods.
    pub fn periods(&self) -> &[Period] {
        &self.periods
    }

    /// The current period.
    pub fn period(&self) -> Period {
        self.periods[self.at]
    }

    /// Index of the current period.
    pub fn at(&self) -> usize {
        self.at
    }

    /// The next period if it is due.
    pub fn next_due(&self, now: Nanos) -> Option<Period> {
        self.periods.get(self.at + 1).filter(|next| next.from <= now).copied()
    }

    /// Goes on to the next period, if there is one.
    pub fn advance(&mut self) {
        self.at = (self.at + 1).min(self.periods.len() - 1);
    }

    /// Time of the venue's day at a real time, nanoseconds since its midnight.
    pub fn day_time(&self, now: Nanos) -> u64 {
        let after = self.periods.partition_point(|period| period.from <= now);
        let period = &self.periods[after.saturating_sub(1)];
        let whole = period.to.since(period.from).max(1);
        let done = now.since(period.from).min(whole);
        let day = period.day_to - period.day_from;
        period.day_from + (u128::from(day) * u128::from(done) / u128::from(whole)) as u64
    }

    /// Real time of a time of the venue's day.
    pub fn real_time(&self, day_time: u64) -> Nanos {
        let after = self.periods.partition_point(|period| period.day_from <= day_time);
        let period = &self.periods[after.saturating_sub(1)];
        let whole = (period.day_to - period.day_from).max(1);
        let done = day_time.saturating_sub(period.day_from).min(whole);
        let real = period.to.since(period.from);
        period.from.plus((u128::from(real) * u128::from(done) / u128::from(whole)) as u64)
    }
}
