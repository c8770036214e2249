//! The binary `nofx` and what it is made of: the only place where the stages meet.
//!
//! Model: [`hot_path`] is one packet's way through the stages and knows neither files nor clocks;
//! [`replay`] feeds it from captures, joins it to the simulated venue and writes the [`summary`] and
//! the [`outputs`]. Everything that may allocate or block happens before the sealed stretch or
//! between two of them.
//!
//! Worst case: a sealed stretch ends after a bounded number of packets, or when a buffer of
//! [`record`] is half full, whichever comes first.
#![forbid(unsafe_code)]

pub mod assemble;
pub mod cli;
pub mod columns;
pub mod config;
pub mod decision;
pub mod definitions;
pub mod doctor;
pub mod failure;
pub mod feeds;
pub mod fpga;
pub mod gate;
pub mod generate;
pub mod hot_path;
pub mod input;
pub mod kill;
pub mod live;
pub mod market_desk;
pub mod notify;
pub mod outputs;
pub mod params;
pub mod phases;
pub mod progress;
pub mod record;
pub mod replay;
pub mod report;
pub mod stamps;
pub mod summary;
pub mod sweep;
pub mod ticks;
pub mod top;
pub mod venue;
pub mod verify;
