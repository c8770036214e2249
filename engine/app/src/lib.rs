//! The binary `nofx` and what it is made of: the only place where the stages meet.
#![forbid(unsafe_code)]

pub mod cli;
pub mod columns;
pub mod decision;
pub mod outputs;
pub mod record;
pub mod report;
pub mod stamps;
pub mod summary;
