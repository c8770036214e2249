//! The file operations of the XDMA driver: what its nodes and what stands in for them have in common.
#![allow(unsafe_code)] // poll and ioctl

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::raw::{c_int, c_void};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nofx_fpga_abi as abi;

/// Where nodes are opened.
pub trait Files {
    /// An open node.
    type File: NodeFile;

    /// Opens the node `name` for reading and writing; `truncate` is O_TRUNC, which the driver reads as
    /// "a read ends where a packet ends".
    fn open(&self, name: &str, truncate: bool) -> io::Result<Self::File>;

    /// What a person calls the node.
    fn path(&self, name: &str) -> PathBuf;
}

/// An open node.
pub trait NodeFile {
    /// `pread`.
    fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize>;

    /// `pwrite`.
    fn write_at(&self, from: &[u8], at: u64) -> io::Result<usize>;

    /// `poll` for POLLIN: whether a read would not sleep. `None` waits for ever.
    fn readable(&self, timeout: Option<Duration>) -> io::Result<bool>;

    /// `ioctl`.
    fn ioctl(&self, call: Ioctl<'_>) -> io::Result<()>;
}

/// An ioctl of the driver with its argument; see `hw/xdma_abi.h`.
#[derive(Debug)]
pub enum Ioctl<'a> {
    /// Starts a measurement on a DMA channel.
    PerfStart(&'a mut abi::xdma_perf),
    /// Ends it; the argument is filled.
    PerfStop(&'a mut abi::xdma_perf),
    /// Looks at it; the argument is filled.
    PerfGet(&'a mut abi::xdma_perf),
    /// Whether the card's address stands still (streaming) or counts up.
    AddrModeGet(&'a mut c_int),
    /// What addresses of buffer and card must have in common, bytes.
    AlignGet(&'a mut c_int),
    /// Which card and driver this is.
    Info(&'a mut abi::xdma_info),
}

impl Ioctl<'_> {
    /// Its number.
    pub fn number(&self) -> u32 {
        match self {
            Ioctl::PerfStart(_) => abi::XDMA_PERF_START,
            Ioctl::PerfStop(_) => abi::XDMA_PERF_STOP,
            Ioctl::PerfGet(_) => abi::XDMA_PERF_GET,
            Ioctl::AddrModeGet(_) => abi::XDMA_ADDRMODE_GET,
            Ioctl::AlignGet(_) => abi::XDMA_ALIGN_GET,
            Ioctl::Info(_) => abi::XDMA_INFO,
        }
    }

    fn argument(&mut self) -> *mut c_void {
        match self {
            Ioctl::PerfStart(perf) | Ioctl::PerfStop(perf) | Ioctl::PerfGet(perf) => {
                (&raw mut **perf).cast()
            }
            Ioctl::AddrModeGet(value) | Ioctl::AlignGet(value) => (&raw mut **value).cast(),
            Ioctl::Info(info) => (&raw mut **info).cast(),
        }
    }
}

/// The nodes of a folder, `/dev` unless something stands in for it.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// The nodes below `folder`.
    pub fn new(folder: impl AsRef<Path>) -> Folder {
        Folder(folder.as_ref().into())
    }
}

impl Default for Folder {
    fn default() -> Folder {
        Folder::new("/dev")
    }
}

impl Files for Folder {
    type File = File;

    fn open(&self, name: &str, truncate: bool) -> io::Result<File> {
        let flags = if truncate { libc::O_TRUNC } else { 0 };
        OpenOptions::new().read(true).write(true).custom_flags(flags).open(self.path(name))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl NodeFile for File {
    fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize> {
        FileExt::read_at(self, into, at)
    }

    fn write_at(&self, from: &[u8], at: u64) -> io::Result<usize> {
        FileExt::write_at(self, from, at)
    }

    fn readable(&self, timeout: Option<Duration>) -> io::Result<bool> {
        let limit = |wait: Duration| c_int::try_from(wait.as_millis()).unwrap_or(c_int::MAX);
        let mut entry = libc::pollfd { fd: self.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // SAFETY: one entry is passed and one is said to be there; it lives through the call.
        let ready = unsafe { libc::poll(&raw mut entry, 1, timeout.map_or(-1, limit)) };
        match ready {
            -1 => Err(io::Error::last_os_error()),
            0 => Ok(false),
            _ if entry.revents & libc::POLLIN != 0 => Ok(true),
            _ => Err(io::Error::from_raw_os_error(libc::ENODEV)), // POLLERR, POLLHUP: it is gone
        }
    }

    fn ioctl(&self, mut call: Ioctl<'_>) -> io::Result<()> {
        let number = call.number();
        // SAFETY: the number and the type behind the pointer belong together (`Ioctl`), so the
        // driver reads and writes inside the argument, which lives through the call.
        let answer = unsafe { libc::ioctl(self.as_raw_fd(), number.into(), call.argument()) };
        if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}
