//! Why a card could not be opened, and what to do about it.

use std::io;
use std::path::PathBuf;

use crate::device::DeviceError;

/// A node or a file of a card could not be opened or is not what it must be.
#[derive(Debug, thiserror::Error)]
#[error("{}: {doing}: {error}: {advice}", .path.display())]
pub struct OpenError {
    /// Which.
    pub path: PathBuf,
    /// What was done, as "open".
    pub doing: &'static str,
    /// What the operating system said, or what is wrong.
    pub error: io::Error,
    /// What to do about it.
    pub advice: &'static str,
}

impl OpenError {
    pub(crate) fn new(path: PathBuf, doing: &'static str, error: io::Error) -> OpenError {
        let advice = advice(error.raw_os_error().unwrap_or(0));
        OpenError { path, doing, error, advice }
    }
}

/// ERESTARTSYS, which the driver lets out where a transfer took too long.
const ERESTARTSYS: i32 = 512;

/// What an errno of a card's files means here and what to do about it.
pub(crate) fn advice(errno: i32) -> &'static str {
    match errno {
        libc::ENOENT => {
            "no such node: is the card in lspci, is the xdma module loaded, does the design have this part"
        }
        libc::EACCES | libc::EPERM => {
            "no permission: a udev rule must give the node to the engine's group, or run as root"
        }
        libc::EBUSY => "in use: a streaming channel, and a measurement, has one owner at a time",
        libc::EPROTO => "the driver wants 4 bytes at a multiple of 4",
        libc::EINVAL => "refused: longer than the BAR, or not aligned as the channel wants",
        libc::ENXIO | libc::ENODEV => {
            "the card left the bus: reload its design, then rescan the bus"
        }
        libc::EIO => "the DMA engine stopped with an error: see dmesg, then reset the card",
        ERESTARTSYS | libc::ETIMEDOUT => {
            "the DMA engine did not finish in time (h2c_timeout_ms, c2h_timeout_ms): the card takes or gives nothing"
        }
        libc::ENOTTY => "this is no node of the xdma driver",
        _ => "see dmesg",
    }
}

/// The failure of an access to an open card.
pub(crate) fn device_error(doing: &'static str, at: u64, error: &io::Error) -> DeviceError {
    let os_error = error.raw_os_error().unwrap_or(0);
    let at = u32::try_from(at).unwrap_or(u32::MAX);
    DeviceError { doing, at, os_error, advice: advice(os_error) }
}
