//! The other end of the wire: a venue that answers the bytes of an order session.
//!
//! Model: [`replay::ReplayVenue`] stands in a market that was recorded. It keeps the real books of
//! the traded instruments, lets own orders join the real queues, and fills them by what really
//! happened: executions reach an own order once everything before it has traded or left, and an own
//! order that crosses takes what really rests, each share once. The market does not react to us;
//! that is the limit of every replay, and the reason why nothing is filled that did not trade or
//! rest. [`acceptor::Acceptor`] is its session (OUCH 5.0 over SoupBinTCP) and has neither socket nor
//! clock: bytes and times go in, bytes and times come out, so a process on a network can use the
//! same code. [`matching::Matching`] is price-time matching among orders of its own, for synthetic
//! days and for a venue that stands alone. [`board::Board`] is an exchange of the mainland or of Hong
//! Kong with its market rules, between the order gateways ([`gateway`]) and the public feeds
//! ([`publish`]).
//!
//! ```text
//!  engine ──bytes──> latency ──> acceptor ──requests──> replay venue <──BookEvent── feed
//!         <──bytes── latency <── acceptor <──reports───   own orders, real books
//! ```
//!
//! Why here: a strategy that is tested against fills at the touch looks better than it is. What
//! decides is queue position and latency, so both are modelled from data and nothing else is.
//!
//! Worst case: an event of an instrument that is not traded costs one load and a branch. All memory
//! is sized at start ([`config::Sizes`]); whatever does not fit is refused, dropped and counted.
#![forbid(unsafe_code)]

pub mod acceptor;
pub mod board;
pub mod config;
pub mod day;
pub mod exchange;
pub mod gateway;
mod kept;
pub mod latency;
pub mod matching;
mod own;
pub mod publish;
pub mod publisher;
pub mod queue;
pub mod replay;
mod throttle;

pub use config::{ConfigError, VenueConfig};
pub use replay::{MarketKind, ReplayVenue};
