//! The host side of the FPGA risk gate.
//!
//! Model: a card answers each line of 64 bytes ([`OpLine`]) with one line of 64 bytes
//! ([`VerdictLine`]), in order. The words of both are generated ([`regs`]) from the data file that the
//! RTL is generated from.
//!
//! Unsafe code stands in the backends that map memory and nowhere else.
#![deny(unsafe_code)]

pub mod backend;
mod codec;
pub mod device;
mod field;
mod image;
mod line;
mod model;
#[rustfmt::skip]
pub mod regs;

pub use codec::{LineOp, Misfit, Snapshot, Table};
pub use device::{Device, DeviceError, Lines, Registers, read_wide};
pub use field::Field;
pub use image::{ROW_WORDS, RowImage};
pub use line::{OpLine, Sticky, VerdictLine, WORDS};
pub use model::{Capacity, CardModel};
