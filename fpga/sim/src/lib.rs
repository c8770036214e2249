//! The risk gate's RTL, simulated.
//!
//! Model: `Model` is the gate as Verilator compiled it, clocked through a C shim; [`Gate`] is the
//! harness round it: operation lines in, verdict lines out, registers over AXI4-Lite, every
//! handshake watched. Without feature `fpga-sim` the crate builds everywhere and opening a model
//! answers with an error that says so.
//!
//! Worst case: a call clocks as often as it is asked to; the model never waits for anything.

pub mod cosim;
mod gate;
mod inproc;
mod model;
pub mod serve;

pub use gate::{Broken, Bus, Gate, Pattern, Stamped};
pub use model::{Build, OpenError};
