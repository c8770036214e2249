//! The binary `nofx` and what it is made of: the only place where the stages meet.
#![forbid(unsafe_code)]

pub mod cli;
pub mod columns;
pub mod decision;
pub mod record;
pub mod stamps;
pub mod summary;
