//! Pre-trade risk: the rules an order must pass, the state they need, and the software gate.
//!
//! Model: sets of rules in a fixed order. [`HostRules`] look at the market (phase, tick, distance
//! from touch, stale book) and always run in software, first. Where an exchange with rules of its own
//! is traded, [`market`] adds those: limits, cage, lots, what may be sold today. The card rules
//! ([`card`]) look at the order and at what the account already has at stake; an FPGA will hold
//! the same rules bit for bit, so they are integer arithmetic of stated widths over tables sized
//! at construction, fed by one ordered stream of operations, with no clock but the operation's.
//! [`SoftwareGate`] wraps them as a `nofx_gate::Gate`.
//!
//! Cancels are never refused for risk: taking an order off the market is always allowed, under
//! every kill. They count as messages all the same. Only an exchange's own no-cancel period is
//! obeyed, and a sweep tries even then.
//!
//! Worst case: an order reads one symbol row (a cache line), one account row (two) and one
//! holding (two), and evaluates every rule whatever the others say. Nothing allocates after
//! construction.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod card;
mod config;
pub mod host;
mod limits;
#[cfg(feature = "market")]
pub mod market;
mod software;

pub use config::{AccountOverride, CardConfig, ConfigError, SymbolOverride};
pub use host::{HostFacts, HostRules};
pub use limits::LimitGate;
pub use software::{AccountExposure, Exposure, SoftwareGate, VERDICTS_MAX};
