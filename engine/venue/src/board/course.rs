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
            Stage::Before => Phase::PreOpen,
            Stage::OpeningCall | Stage::OpeningFixed | Stage::OpeningRandom => {
                Phase::OpeningAuction
            }
            Stage::Pause | Stage::Break | Stage::Fixing => Phase::Break,
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
