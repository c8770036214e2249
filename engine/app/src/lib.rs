//! The binary `nofx` and what it is made of: the only place where the stages meet.
#![forbid(unsafe_code)]

pub mod decision;
pub mod stamps;
