//! Streaming features of one instrument, and the linear model that reads them.
//!
//! Model: a [`FeatureState`] per instrument takes every [`BookEvent`](nofx_types::BookEvent) with the
//! touch after it; [`FeatureState::vector`] reads the [`FEATURES`] numbers out, and
//! [`LinearModel::predict`] turns them into one. The engine calls this code on the hot path and
//! training calls the same code over a recorded day, so a weight means the same thing in both.
//!
//! Shape: integers come in (prices, quantities, nanoseconds), differences are taken as integers, and
//! only then do floats begin. They use `+ - * /` and `sqrt` alone, which IEEE 754 rounds the same way
//! on every machine; exponential decay is a fixed cubic ([`decay`]), never `exp`. So two machines
//! agree to the last bit, and the decisions made from it can be hashed.
//!
//! Every feature is finite and bounded by [`FEATURE_BOUND`] for any sequence of events.
//!
//! Worst case: an event costs a bounded number of arithmetic steps (at most 16 stores per clock
//! history after a long silence) and one read of a vector costs one walk over [`DEPTH_LEVELS`] levels
//! of each side. Nothing allocates, locks, waits or reads a clock.
#![forbid(unsafe_code)]

pub mod decay;
mod features;
mod history;
mod linear;
pub mod load;

pub use features::{
    DEPTH_LEVELS, FEATURE_BOUND, FEATURE_NAMES, FEATURES, FeatureState, Vector, schema_hash,
};
pub use linear::{LinearModel, ModelError, Term};
