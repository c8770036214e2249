//! The host side of the FPGA risk gate.
//!
//! # Model
//! A card answers each line of 64 bytes ([`OpLine`]) with one line of 64 bytes ([`VerdictLine`]), in
//! order. The words of both are generated ([`regs`]) from the data file that the RTL is generated from.
//!
//! | part | what it is |
//! |---|---|
//! | [`OpLine::encode`], [`OpLine::decode`] | operations of `nofx_risk::card` as lines and back |
//! | [`CardModel`] | the gate word by word in Rust: what the RTL must answer |
//! | [`Registers`], [`Lines`] | what a device is; [`backend`] has those of hardware, [`SoftCard`] is one without |
//! | [`FpgaGate`] | the gate contract over a device, closed for good by the first failure |
//! | [`Lockstep`] | the same with the software's card beside it: the first difference stops trading |
//!
//! # Why a card
//! A check in the first-level cache costs tens of nanoseconds and a round trip over PCIe about a
//! microsecond: a card is slower than the software gate. It is there because it is independent of the
//! program that trades and cannot be passed by: it keeps its own state, latches its own kill, and on
//! the wire side nothing leaves but through it.
//!
//! # Worst case
//! An intent is one cache line stored and one awaited; waiting is bounded by [`FpgaOptions::spin_max`]
//! looks at the ring, after which the gate is closed. The order path makes no register access.
//!
//! Unsafe code stands in the backends that map memory and nowhere else.
#![deny(unsafe_code)]

pub mod backend;
mod codec;
pub mod device;
mod failure;
mod field;
mod gate;
mod image;
pub mod info;
mod line;
mod lockstep;
mod model;
mod numbering;
mod open;
mod options;
mod port;
#[rustfmt::skip]
pub mod regs;
mod soft;

pub use codec::{LineOp, Misfit, Snapshot, Table};
pub use device::{Device, DeviceError, Lines, Registers, read_wide};
pub use failure::{GateFailure, OpenError};
pub use field::Field;
pub use gate::{FpgaGate, Lockstep};
pub use image::{ROW_WORDS, RowImage};
pub use info::{CardInfo, Counters};
pub use line::{OpLine, Sticky, VerdictLine, WORDS};
pub use lockstep::{Alone, Beside, Difference, Dump, Witness};
pub use model::{Capacity, CardModel};
pub use options::FpgaOptions;
pub use soft::{Fault, Judgement, SoftCard};
