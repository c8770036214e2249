//! A card through its mapped BARs: the order path on hardware.
//!
//! Model: the host stores lines into a write-combining mapping of the window's BAR and polls a ring in
//! its own memory, which the card writes by its bus address; registers are volatile loads and stores
//! in another BAR. After opening there is no system call. What is behind the mappings is told by the
//! files: sysfs `resourceN` and `resourceN_wc`, the driver's bypass node, or, in tests, any file.
//!
//! What must hold, or opening is refused with what to do: a prefetchable BAR (another has no
//! write-combining mapping), BARs as long as window and registers, no IOMMU that translates (the ring
//! is named by its physical address), a card that may write memory, a ring on a reserved huge page
//! that stays where it is, and the right to read that address.
//!
//! Worst case: a register read is a round trip over the bus; a ring that the card does not write is
//! what the caller's patience ends.
#![allow(unsafe_code)]

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use memmap2::{MmapOptions, MmapRaw};

use super::adaptor;
use super::error::OpenError;
use super::gone_check;
use super::ring::Ring;
use super::window::{BYTES, HostLines, SLOTS, Stores};
use crate::device::{DeviceError, Lines, Registers};
use crate::info::{CONTROL_SCRUB, STATUS_READY};
use crate::line::{OpLine, VerdictLine};
use crate::regs::reg;

/// Bytes of the register BAR that are used: the gate's, then the adaptors'.
pub const REGISTER_BYTES: usize = 0x2000;
/// Control of the adaptors: the window is empty and stays so.
const RESTART: u32 = 1 << 0;
/// The ring takes verdicts.
const RING: u32 = 1 << 1;
/// What the ring takes is dropped.
const DRAIN: u32 = 1 << 2;
/// Status of the adaptors: a write of the ring is on its way.
const WRITES: u32 = 1 << 4;
/// A verdict waits to be taken.
const WAITS: u32 = 1 << 6;
/// How long a card may take to become quiet; it needs microseconds.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// Which files are the card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Folder of the PCI device, as `/sys/bus/pci/devices/0000:3b:00.0`.
    pub device: PathBuf,
    /// Number of the BAR with the registers.
    pub registers: u8,
    /// Number of the BAR with the window.
    pub window: u8,
    /// Where in that BAR the window is, bytes.
    pub offset: u64,
    /// A file to map the window from instead of `resourceN_wc`, as `/dev/xdma0_bypass`. Such a mapping
    /// is uncached: each word of a line crosses the bus alone.
    pub bypass: Option<PathBuf>,
}

/// The registers of a card and nothing else: opening and closing them changes nothing, so they may be
/// looked at while an engine trades through the card.
#[derive(Debug)]
pub struct BarRegisters {
    map: MmapRaw,
}

impl BarRegisters {
    /// Maps the registers of the card at `place`.
    pub fn open(place: &Place) -> Result<BarRegisters, OpenError> {
        let path = place.device.join(format!("resource{}", place.registers));
        let file = long_enough(&path, REGISTER_BYTES as u64)?;
        let map = map(&file).map_err(|error| refused(&path, "map", error))?;
        Ok(BarRegisters { map })
    }

    fn word(&self, at: u32) -> Option<*mut u32> {
        let inside = at.is_multiple_of(4) && (at as usize) < REGISTER_BYTES;
        inside.then(|| self.map.as_mut_ptr().wrapping_add(at as usize).cast())
    }

    fn load(&self, at: u32) -> Result<u32, DeviceError> {
        let word = self.word(at).ok_or_else(|| outside("read register", at))?;
        // SAFETY: aligned and inside the mapping, which lives as long as `self`.
        Ok(unsafe { word.read_volatile() })
    }

    /// Outside of the registers nothing is stored.
    fn store(&mut self, at: u32, value: u32) -> bool {
        let Some(word) = self.word(at) else { return false };
        // SAFETY: aligned and inside the mapping, which lives as long as `self`.
        unsafe { word.write_volatile(value) };
        true
    }
}

impl Registers for BarRegisters {
    fn read(&mut self, at: u32) -> Result<u32, DeviceError> {
        gone_check(at, |at| self.load(at))
    }

    /// A scrub is refused: it needs the window and the ring to be held still.
    fn write(&mut self, at: u32, value: u32) -> Result<(), DeviceError> {
        if at == reg::CONTROL && value & CONTROL_SCRUB != 0 {
            let advice = "a scrub needs the card with its lines, not its registers alone";
            return Err(DeviceError { doing: "scrub", at, os_error: libc::EPERM, advice });
        }
        if self.store(at, value) { Ok(()) } else { Err(outside("write register", at)) }
    }
}

/// A card, mapped.
#[derive(Debug)]
pub struct Bar {
    registers: BarRegisters,
    lines: HostLines,
    ring: Ring,
}

impl Bar {
    /// Opens the card at `place` with a ring on a huge page.
    pub fn open(place: &Place) -> Result<Bar, OpenError> {
        check_function(place)?;
        let ring = Ring::on_huge_page()?;
        Bar::with_ring(place, ring)
    }

    /// Opens the card's files at `place` with a ring that is there.
    pub fn with_ring(place: &Place, ring: Ring) -> Result<Bar, OpenError> {
        let registers = BarRegisters::open(place)?;
        let (window, path, stores) = window(place)?;
        let lines = HostLines::map(&window, place.offset, ring.file(), stores);
        let lines = lines.map_err(|error| refused(&path, "map", error))?;
        let mut bar = Bar { registers, lines, ring };
        bar.join(&place.device)?;
        Ok(bar)
    }

    /// Tells the card where the ring is; from here on verdicts arrive.
    fn join(&mut self, device: &Path) -> Result<(), OpenError> {
        let failed = |error: DeviceError| OpenError {
            path: device.to_owned(),
            doing: "set up the adaptors",
            error: io::Error::other(error),
            advice: "is the card's design the one of this build?",
        };
        let magic = Registers::read(self, adaptor::MAGIC).map_err(failed)?;
        let slots = Registers::read(self, adaptor::SLOTS).map_err(failed)?;
        if (magic, slots) != (adaptor::PCIE_MAGIC, SLOTS) {
            let error = io::Error::other(format!("magic {magic:#010x}, {slots} slots"));
            let advice =
                "there are no adaptors of ours in this BAR: another card or another design";
            return Err(OpenError {
                path: device.into(),
                doing: "look for adaptors",
                error,
                advice,
            });
        }
        let address = self.ring.bus_address();
        for (at, value) in [
            (adaptor::CONTROL, RESTART),
            (adaptor::RING_LOW, address as u32),
            (adaptor::RING_HIGH, (address >> 32) as u32),
            (adaptor::CONTROL, RING),
        ] {
            self.registers.store(at, value);
        }
        self.lines.restart();
        Ok(())
    }

    /// What the adaptors complain of; 0 is nothing. See `hw/pcie/doc/registers.md`.
    pub fn complaints(&mut self) -> Result<u32, DeviceError> {
        Ok(Registers::read(self, adaptor::STATUS)? & 0xf)
    }

    /// A scrub begins the numbers anew on both sides. Meanwhile the window is held empty, and verdicts
    /// of the old numbers are dropped until none is left: one that came later would be taken for the
    /// answer to a new line of its number.
    fn scrub(&mut self, control: u32) -> Result<(), DeviceError> {
        self.registers.store(adaptor::CONTROL, RESTART | RING | DRAIN);
        self.registers.store(reg::CONTROL, control);
        self.wait(reg::STATUS, STATUS_READY, STATUS_READY)?;
        self.wait(adaptor::STATUS, WRITES | WAITS, 0)?;
        self.lines.restart();
        self.registers.store(adaptor::CONTROL, RING);
        Ok(())
    }

    /// Waits until the bits of `mask` in the register at `at` are `wanted`. What the card wrote into
    /// memory before it answers a read is there when the answer is.
    fn wait(&self, at: u32, mask: u32, wanted: u32) -> Result<(), DeviceError> {
        let began = Instant::now();
        while gone_check(at, |at| self.registers.load(at))? & mask != wanted {
            if began.elapsed() > PATIENCE {
                let advice = "the card does not come to rest: reset it";
                return Err(DeviceError { doing: "wait for register", at, os_error: 0, advice });
            }
            std::thread::yield_now();
        }
        Ok(())
    }
}

impl Drop for Bar {
    /// The ring's memory goes away: the card must not write there any more.
    fn drop(&mut self) {
        self.registers.store(adaptor::CONTROL, RESTART);
        let _ = self.wait(adaptor::STATUS, WRITES, 0); // a card that does not rest is lost anyway
    }
}

impl Registers for Bar {
    fn read(&mut self, at: u32) -> Result<u32, DeviceError> {
        gone_check(at, |at| self.registers.load(at))
    }

    fn write(&mut self, at: u32, value: u32) -> Result<(), DeviceError> {
        if at == reg::CONTROL && value & CONTROL_SCRUB != 0 {
            return self.scrub(value);
        }
        if self.registers.store(at, value) { Ok(()) } else { Err(outside("write register", at)) }
    }
}

impl Lines for Bar {
    #[inline]
    fn put(&mut self, line: &OpLine) -> bool {
        self.lines.put(line)
    }

    #[inline]
    fn take(&mut self) -> Option<VerdictLine> {
        self.lines.take()
    }
}

fn outside(doing: &'static str, at: u32) -> DeviceError {
    let advice = "a register is 4 bytes at a multiple of 4, inside the BAR";
    DeviceError { doing, at, os_error: libc::EINVAL, advice }
}

fn refused(path: &Path, doing: &'static str, error: io::Error) -> OpenError {
    OpenError::new(path.to_owned(), doing, error)
}

fn map(file: &File) -> io::Result<MmapRaw> {
    MmapOptions::new().len(REGISTER_BYTES).map_raw(file)
}

/// Opens a file and looks whether it has `bytes`: of sysfs, its length is that of the BAR.
fn long_enough(path: &Path, bytes: u64) -> Result<File, OpenError> {
    let file = OpenOptions::new().read(true).write(true).open(path);
    let file = file.map_err(|error| refused(path, "open", error))?;
    let length = file.metadata().map_err(|error| refused(path, "ask for the length of", error))?;
    // A character device has no length; there the mapping itself is refused.
    if length.is_file() && length.len() < bytes {
        let error = io::Error::other(format!("{} bytes, {bytes} are needed", length.len()));
        let advice = "the BAR is too short: another card, or another design";
        return Err(OpenError { path: path.into(), doing: "use", error, advice });
    }
    Ok(file)
}

fn window(place: &Place) -> Result<(File, PathBuf, Stores), OpenError> {
    let (path, stores) = match &place.bypass {
        Some(path) => (path.clone(), Stores::Ordered),
        None => {
            check_prefetchable(place)?;
            (place.device.join(format!("resource{}_wc", place.window)), Stores::Combining)
        }
    };
    let file = long_enough(&path, place.offset + BYTES as u64)?;
    Ok((file, path, stores))
}

/// IORESOURCE_PREFETCH, as the file `resource` shows it.
const PREFETCHABLE: u64 = 0x2000;

/// Only of a prefetchable BAR does Linux give a write-combining mapping.
fn check_prefetchable(place: &Place) -> Result<(), OpenError> {
    let path = place.device.join("resource");
    let table = std::fs::read_to_string(&path).map_err(|error| refused(&path, "read", error))?;
    let flags = table.lines().nth(place.window.into()).and_then(|line| {
        let word = line.split_whitespace().nth(2)?;
        u64::from_str_radix(word.trim_start_matches("0x"), 16).ok()
    });
    if flags.is_some_and(|flags| flags & PREFETCHABLE != 0) {
        return Ok(());
    }
    let error = io::Error::other(format!("BAR {} is not prefetchable", place.window));
    let advice = "it cannot be write-combining: build the window into a prefetchable 64-bit BAR";
    Err(OpenError { path, doing: "use", error, advice })
}

/// Bit of the PCI command register: the function may read and write memory by itself.
const BUS_MASTER: u8 = 1 << 2;

/// The ring is named by a physical address and written by the card.
fn check_function(place: &Place) -> Result<(), OpenError> {
    let group = place.device.join("iommu_group/type");
    if let Ok(kind) = std::fs::read_to_string(&group)
        && kind.trim() != "identity"
    {
        let error = io::Error::other(format!("the IOMMU translates ({})", kind.trim()));
        let advice = "physical addresses are not the card's: boot with iommu=pt, or write `identity` here while no driver is bound";
        return Err(OpenError { path: group, doing: "use", error, advice });
    }
    let path = place.device.join("config");
    let config = std::fs::read(&path).map_err(|error| refused(&path, "read", error))?;
    if config.get(4).is_some_and(|command| command & BUS_MASTER != 0) {
        return Ok(());
    }
    let error = io::Error::other("bus mastering is off");
    let advice =
        "the card cannot write the ring: load the xdma module, or setpci -s CARD COMMAND=6:6";
    Err(OpenError { path, doing: "use", error, advice })
}
