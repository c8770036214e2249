//! The wire-side seam of the FPGA gate: what the control plane writes into it, and its RTL simulated.
//!
//! Model: the seam (`hw/wire`) stands between an order source and a MAC and judges OUCH orders in the
//! frames themselves. What it is told (sessions, symbols, clock, policy) goes through registers;
//! [`control`] has their values, [`symbols`] places symbols in the two-way table, [`regs`] has the
//! addresses. With feature `fpga-sim`, `sim` is the Verilated RTL, one call a cycle, and `rig`
//! drives its streams.
//!
//! Nothing here is on a hot path: the seam needs no software while it works.
#![deny(unsafe_code)]

pub mod control;
pub mod regs;
pub mod symbols;

#[cfg(feature = "fpga-sim")]
pub mod rig;
#[cfg(feature = "fpga-sim")]
pub mod sim;
