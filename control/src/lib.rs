//! The slow path beside the engine.
#![forbid(unsafe_code)]
