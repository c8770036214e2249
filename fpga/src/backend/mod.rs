//! Ways to a card. They differ in how they are opened; behind that, a card is [`crate::device`].

#[rustfmt::skip]
pub mod adaptor;
pub mod bar;
mod dma;
mod error;
pub mod events;
pub mod files;
pub mod ring;
pub mod shm;
pub mod window;
pub mod xdma;

pub use bar::{Bar, Place};
pub use dma::{Dma, Perf, Way};
pub use error::OpenError;
pub use events::Events;
pub use files::Folder;
pub use ring::Ring;
pub use shm::Shm;
pub use window::{CardLines, HostLines, Stores};
pub use xdma::{PciInfo, Xdma};

use crate::device::DeviceError;
use crate::regs::reg;

/// Reads a register and, where every bit of it is set, asks for the magic as well: a card that left
/// the bus answers with ones only, and no error.
fn gone_check(at: u32, read: impl Fn(u32) -> Result<u32, DeviceError>) -> Result<u32, DeviceError> {
    let value = read(at)?;
    if value == u32::MAX && read(reg::MAGIC)? == u32::MAX {
        let advice = error::advice(libc::ENODEV);
        return Err(DeviceError { doing: "read register", at, os_error: libc::ENODEV, advice });
    }
    Ok(value)
}
