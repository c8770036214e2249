//! A synthetic trading day: ITCH 5.0 that a whole market could have sent.
//!
//! Model: [`generate`] plays one seeded day in order. [`Matching`](crate::matching::Matching) holds
//! the books, so what is said is consistent: every reference was added before, executions hit the
//! front of the queue, books never cross. The flow decides who does what, the agenda when
//! instruments halt and cross, the tape turns it into messages and packets, the lines lose some.
//!
//! ```text
//!  session ──> flow ──> matching ──> tape ──> publisher ──> message ──────────────> DaySink
//!     ^ agenda                                         └──> packet ──> lines A, B ──^
//! ```
//!
//! Activity over instruments is Zipf; over the day it has the shape of a U; within a moment it comes
//! in clusters, some of them bursts of hundreds of messages on one instrument.
//!
//! Only integers decide, so a seed gives the same bytes on every machine. Worst case: one message
//! costs a few look-ups in tables that hold all live orders; memory is sized at the start by
//! [`DayConfig::live_orders_max`].

mod agenda;
mod calendar;
pub(crate) mod draw;
pub(crate) mod flow;
pub mod lines;
pub(crate) mod session;
pub(crate) mod tape;
mod truth;

pub use calendar::Date;
pub use lines::{Faults, LINES, Losses, Share};
pub use session::generate;
pub use truth::{Listed, Truth};

use crate::publisher::PublisherConfig;
use draw::Zipf;

/// Most instruments: locates are 16 bits, and 0 names none.
pub const INSTRUMENTS_MAX: usize = 65_000;
/// Displayed orders an instrument has on average when it opens.
const RESTING_MEAN: u64 = 75;
/// Displayed orders that the most active instruments open with.
const RESTING_MAX: u64 = 3_000;

/// Takes the day as it is made.
pub trait DaySink {
    /// What can go wrong there; generation stops with it.
    type Error;
    /// The next message of the stream.
    fn message(&mut self, message: &[u8]) -> Result<(), Self::Error>;
    /// A datagram of line 0 (A) or 1 (B), captured at `at` since midnight; rising per line.
    fn datagram(
        &mut self,
        line: usize,
        at: nofx_types::Nanos,
        payload: &[u8],
    ) -> Result<(), Self::Error>;
    /// So many messages are made.
    fn progress(&mut self, messages: u64) {
        let _ = messages;
    }
}

/// What day it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayConfig {
    /// Seed of everything random.
    pub seed: u64,
    /// Instruments, 1 to [`INSTRUMENTS_MAX`].
    pub instruments: usize,
    /// Messages of the continuous session, about.
    pub messages: u64,
    /// Exponent of the Zipf activity, in quarters: 4 is 1/rank.
    pub zipf_quarters: u32,
    /// Whether the market-wide breaker stops everything from 15:00 to 15:15.
    pub breaker: bool,
    /// How packets are cut.
    pub publisher: PublisherConfig,
    /// What the lines do to them; `None` makes messages only.
    pub lines: Option<Faults>,
}

impl Default for DayConfig {
    fn default() -> Self {
        DayConfig {
            seed: 1,
            instruments: 100,
            messages: 1_000_000,
            zipf_quarters: 4,
            breaker: false,
            publisher: PublisherConfig::default(),
            lines: Some(Faults::default()),
        }
    }
}

/// Why there is no such day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DayError {
    /// Instruments out of range.
    #[error("instruments: {0}, want 1 to {INSTRUMENTS_MAX}")]
    Instruments(usize),
    /// An exponent no market has.
    #[error("zipf_quarters: {0}, want 0 to 8 (exponent 0 to 2)")]
    Zipf(u32),
    /// More messages than a day holds.
    #[error("messages: {0}, want at most 4,000,000,000")]
    Messages(u64),
}

impl DayConfig {
    /// Whether there is such a day.
    pub fn check(&self) -> Result<(), DayError> {
        if !(1..=INSTRUMENTS_MAX).contains(&self.instruments) {
            return Err(DayError::Instruments(self.instruments));
        }
        if self.zipf_quarters > 8 {
            return Err(DayError::Zipf(self.zipf_quarters));
        }
        if self.messages > 4_000_000_000 {
            return Err(DayError::Messages(self.messages));
        }
        Ok(())
    }

    /// Displayed orders that the day never exceeds.
    pub fn live_orders_max(&self) -> u64 {
        let zipf = Zipf::new(self.instruments, self.zipf_quarters);
        (0..self.instruments).map(|rank| flow::most_orders(self.resting(&zipf, rank)) as u64).sum()
    }

    /// Displayed orders that the instrument of this rank opens with: half of them spread evenly,
    /// half by activity; together about a twentieth of the day's messages, and no more than
    /// [`RESTING_MEAN`] for each instrument.
    fn resting(&self, zipf: &Zipf, rank: usize) -> usize {
        let all = (self.messages / 20).min(self.instruments as u64 * RESTING_MEAN);
        let even = all / 2 / self.instruments as u64;
        (even + zipf.share(rank, all / 2)).clamp(4, RESTING_MAX) as usize
    }
}
