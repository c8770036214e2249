//! The slow path beside the engine.
#![forbid(unsafe_code)]

pub mod clock;
pub mod identity;
pub mod policy;
