//! Strategies: what the book shows becomes what we wish for.
//!
//! Model: a [`Strategy`] is called when an atomic event of the market ends and when something happens
//! to one of its orders; it answers with intents in the caller's bounded [`Intents`](nofx_types::Intents).
//! It knows neither the gate nor the wire, owns no clock (time is in the [`Context`]) and keeps its
//! state in arrays sized when it was made: one row per configured instrument, found through an
//! [`InstrumentSet`]. The caller is generic over the strategy, so the call is direct and may be inlined.
//!
//! A strategy states what it wants; the [`Quoter`] knows what is there and what is in flight, and asks
//! for the one step that leads from one to the other. So a strategy is about 30 lines
//! (`examples/join_the_touch.rs`), and the races of order entry are handled in one place.
//!
//! Reference strategies: [`Null`], [`Maker`], [`Imbalance`].
//!
//! Worst case: two intents per side of one instrument and call; no allocation after construction.
#![forbid(unsafe_code)]

mod config;
mod imbalance;
mod instruments;
mod maker;
mod quoter;
mod strategy;

pub use config::{ConfigError, Number};
pub use imbalance::{Entry, Imbalance, ImbalanceConfig};
pub use instruments::{InstrumentSet, SetError};
pub use maker::{Maker, MakerConfig};
pub use quoter::{Pace, Quoter, State, Working};
pub use strategy::{Context, ModelShape, Null, PARAMETERS_MAX, Strategy};
