//! A card through the character devices of the XDMA driver: bring-up and control.
//!
//! A transfer through these nodes costs tens of microseconds (pinned pages, descriptors, an
//! interrupt), so orders never go this way and verdicts are not taken here: that is what
//! [`bar`](super::bar) is for. Here are the registers, one system call each; configuration lines in
//! bulk, written into the card's window by DMA; the counters of the DMA engines; user interrupts;
//! and, for a self-test of a card that streams its verdicts, a channel that reads them back.

use std::fmt;
use std::io;

use nofx_fpga_abi as abi;

use super::dma::{Dma, Way};
use super::error::{OpenError, device_error};
use super::events::Events;
use super::files::{Files, Folder, Ioctl, NodeFile};
use super::gone_check;
use crate::device::{DeviceError, Registers};

/// Bytes of the user BAR that may be read and written: the gate's registers and the adaptor's. The
/// driver itself does not look whether an offset is inside the BAR.
const REGISTER_BYTES: u32 = 0x2000;

/// A card's control side.
#[derive(Debug)]
pub struct Xdma<F: Files = Folder> {
    files: F,
    card: u8,
    user: F::File,
}

impl Xdma<Folder> {
    /// Opens card `card` in `/dev`.
    pub fn open(card: u8) -> Result<Xdma, OpenError> {
        Xdma::open_in(Folder::default(), card)
    }
}

impl<F: Files> Xdma<F> {
    /// Opens card `card` among `files`.
    pub fn open_in(files: F, card: u8) -> Result<Xdma<F>, OpenError> {
        let user = open(&files, &format!("xdma{card}_user"), false)?;
        Ok(Xdma { files, card, user })
    }

    /// Which card and driver this is.
    pub fn info(&self) -> Result<PciInfo, DeviceError> {
        let mut info = abi::xdma_info { magic: abi::XDMA_INFO_MAGIC, ..Default::default() };
        let told = self.user.ioctl(Ioctl::Info(&mut info));
        told.map_err(|error| device_error("INFO on the user node", 0, &error))?;
        Ok(PciInfo::of(&info))
    }

    /// DMA channel `channel` towards the card.
    pub fn to_card(&self, channel: u8) -> Result<Dma<F::File>, OpenError> {
        let file = open(&self.files, &format!("xdma{}_h2c_{channel}", self.card), false)?;
        Ok(Dma::new(file, Way::ToCard))
    }

    /// DMA channel `channel` from the card. A streaming one has one owner at a time, and a read ends
    /// where a packet ends.
    pub fn from_card(&self, channel: u8) -> Result<Dma<F::File>, OpenError> {
        let file = open(&self.files, &format!("xdma{}_c2h_{channel}", self.card), true)?;
        Ok(Dma::new(file, Way::FromCard))
    }

    /// User interrupt `interrupt`.
    pub fn events(&self, interrupt: u8) -> Result<Events<F::File>, OpenError> {
        let name = format!("xdma{}_events_{interrupt}", self.card);
        Ok(Events::new(open(&self.files, &name, false)?))
    }

    fn read_word(&self, at: u32) -> Result<u32, DeviceError> {
        const DOING: &str = "read of the user node's register";
        check_offset(DOING, at)?;
        let mut word = [0; 4];
        match self.user.read_at(&mut word, at.into()) {
            Ok(4) => Ok(u32::from_le_bytes(word)),
            Ok(_) => Err(device_error(DOING, at.into(), &io::ErrorKind::UnexpectedEof.into())),
            Err(error) => Err(device_error(DOING, at.into(), &error)),
        }
    }
}

impl<F: Files> Registers for Xdma<F> {
    fn read(&mut self, at: u32) -> Result<u32, DeviceError> {
        gone_check(at, |at| self.read_word(at))
    }

    fn write(&mut self, at: u32, value: u32) -> Result<(), DeviceError> {
        const DOING: &str = "write of the user node's register";
        check_offset(DOING, at)?;
        match self.user.write_at(&value.to_le_bytes(), at.into()) {
            Ok(4) => Ok(()),
            Ok(_) => Err(device_error(DOING, at.into(), &io::ErrorKind::WriteZero.into())),
            Err(error) => Err(device_error(DOING, at.into(), &error)),
        }
    }
}

fn open<F: Files>(files: &F, name: &str, truncate: bool) -> Result<F::File, OpenError> {
    files.open(name, truncate).map_err(|error| OpenError::new(files.path(name), "open", error))
}

/// Refuses what the driver would refuse, and what it would not: an offset beyond the BAR.
fn check_offset(doing: &'static str, at: u32) -> Result<(), DeviceError> {
    let error = |os_error, advice| Err(DeviceError { doing, at, os_error, advice });
    if !at.is_multiple_of(4) {
        return error(libc::EPROTO, "a register is 4 bytes at a multiple of 4");
    }
    if at >= REGISTER_BYTES {
        return error(libc::EINVAL, "there are no registers so far behind");
    }
    Ok(())
}

/// What the driver tells of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PciInfo {
    /// PCI vendor and device.
    pub id: (u16, u16),
    /// PCI subsystem vendor and device.
    pub subsystem: (u16, u16),
    /// PCI bus, device and function; the driver does not tell the domain.
    pub place: (u8, u8, u8),
    /// Version of the driver, as it counts itself.
    pub driver_version: u32,
    /// The design's feature id; 0 where it has none.
    pub feature_id: u64,
}

impl PciInfo {
    fn of(info: &abi::xdma_info) -> PciInfo {
        PciInfo {
            id: (info.vendor, info.device),
            subsystem: (info.subsystem_vendor, info.subsystem_device),
            place: (info.bus, info.dev, info.func),
            driver_version: info.driver_version,
            feature_id: info.feature_id,
        }
    }
}

impl fmt::Display for PciInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ((vendor, device), (bus, dev, func)) = (self.id, self.place);
        let version = self.driver_version;
        write!(f, "{vendor:04x}:{device:04x} at {bus:02x}:{dev:02x}.{func}, driver {version:#x}")
    }
}
