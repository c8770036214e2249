//! What a card looks like from its host: registers, and two streams of lines.
//!
//! Model: a device is memory. [`Lines::put`] stores a line into the card's window, [`Lines::take`]
//! looks for the next verdict in a ring that the card writes; neither waits, and neither reads over
//! the bus. [`Registers`] are slow and stay off the order path, but for the heartbeat. What backends
//! differ in is how they are opened.
//!
//! Worst case: a register access is one round trip over the bus; a line is one cache line.

use std::fmt;

use crate::line::{OpLine, VerdictLine};

/// The control registers of a card, 32 bits each; see `hw/gate/doc/words.md`.
pub trait Registers {
    /// Reads the register at byte address `at`.
    fn read(&mut self, at: u32) -> Result<u32, DeviceError>;

    /// Writes `value` to the register at byte address `at`.
    fn write(&mut self, at: u32, value: u32) -> Result<(), DeviceError>;
}

/// The streams of a card.
pub trait Lines {
    /// Stores a line, its last word last. False when the window has no room now; the line is not
    /// stored then. Whether the card has a credit left for it is the caller's to know.
    fn put(&mut self, line: &OpLine) -> bool;

    /// The next verdict in the ring, if it has arrived.
    fn take(&mut self) -> Option<VerdictLine>;
}

/// A card.
pub trait Device: Registers + Lines {}

impl<T: Registers + Lines> Device for T {}

impl<T: Registers + ?Sized> Registers for Box<T> {
    fn read(&mut self, at: u32) -> Result<u32, DeviceError> {
        (**self).read(at)
    }

    fn write(&mut self, at: u32, value: u32) -> Result<(), DeviceError> {
        (**self).write(at, value)
    }
}

impl<T: Lines + ?Sized> Lines for Box<T> {
    #[inline]
    fn put(&mut self, line: &OpLine) -> bool {
        (**self).put(line)
    }

    #[inline]
    fn take(&mut self) -> Option<VerdictLine> {
        (**self).take()
    }
}

/// An access to a card failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceError {
    /// What was done, as "read register".
    pub doing: &'static str,
    /// Where: a byte address.
    pub at: u32,
    /// What the operating system said (`errno`), 0 where it was not asked.
    pub os_error: i32,
    /// What to do about it.
    pub advice: &'static str,
}

impl fmt::Display for DeviceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DeviceError { doing, at, os_error, advice } = self;
        write!(f, "{doing} {at:#05x} failed")?;
        if *os_error != 0 {
            write!(f, " ({})", std::io::Error::from_raw_os_error(*os_error))?;
        }
        write!(f, ": {advice}")
    }
}

impl std::error::Error for DeviceError {}

/// Both halves of a 64-bit counter or hash, low half at `at`.
pub fn read_wide<R: Registers + ?Sized>(registers: &mut R, at: u32) -> Result<u64, DeviceError> {
    let low = registers.read(at)?;
    let high = registers.read(at + 4)?;
    Ok(u64::from(low) | u64::from(high) << 32)
}
