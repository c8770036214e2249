//! The driver as files in memory: nothing but the trait between it and the backend.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use nofx_fpga::backend::files::{Files, Ioctl, NodeFile};
use nofx_fpga_abi as abi;

use crate::driver::{ALIGNMENT, Driver, Errno, NODES, Node};

pub struct Memory(pub Arc<Driver>);

impl Files for Memory {
    type File = Open;

    fn open(&self, name: &str, truncate: bool) -> io::Result<Open> {
        let found = NODES.iter().find(|(_, node)| *node == name);
        let (node, _) = *found.ok_or_else(|| fault(libc::ENOENT))?;
        self.0.open(node, truncate).map_err(fault)?;
        Ok(Open { driver: self.0.clone(), node })
    }

    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from("/memory").join(name)
    }
}

pub struct Open {
    driver: Arc<Driver>,
    node: Node,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.driver.close(self.node);
    }
}

impl NodeFile for Open {
    fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize> {
        loop {
            if let Some(answer) = self.driver.read(self.node, at, into.len()) {
                let bytes = answer.map_err(fault)?;
                let count = bytes.len().min(into.len());
                into[..count].copy_from_slice(&bytes[..count]);
                return Ok(count);
            }
            self.driver.wait_for_event();
        }
    }

    fn write_at(&self, from: &[u8], at: u64) -> io::Result<usize> {
        if self.node == Node::ToCard {
            self.aligned(from.as_ptr(), at)?;
        }
        self.driver.write(self.node, at, from).map_err(fault)
    }

    fn readable(&self, timeout: Option<Duration>) -> io::Result<bool> {
        if timeout.is_none() {
            self.driver.wait_for_event();
        }
        Ok(self.driver.has_event())
    }

    fn ioctl(&self, call: Ioctl<'_>) -> io::Result<()> {
        let engine = matches!(self.node, Node::ToCard | Node::FromCard);
        match call {
            Ioctl::Info(info) if self.node == Node::User => {
                told(info).map(|told| *info = told).map_err(fault)
            }
            Ioctl::AlignGet(bytes) if engine => {
                *bytes = self.driver.alignment();
                Ok(())
            }
            Ioctl::AddrModeGet(mode) if engine => {
                *mode = self.driver.address_mode(self.node);
                Ok(())
            }
            Ioctl::PerfStart(perf) if engine => {
                self.driver.measure(perf.version, perf.transfer_size).map_err(fault)
            }
            Ioctl::PerfGet(perf) if engine => {
                self.driver.measured().map(|bytes| *perf = result(bytes)).map_err(fault)
            }
            Ioctl::PerfStop(perf) if engine => {
                self.driver.stop().map(|bytes| *perf = result(bytes)).map_err(fault)
            }
            _ => Err(fault(libc::ENOTTY)),
        }
    }
}

impl Open {
    /// The driver compares the addresses of both ends; only here can a fake see the buffer's.
    fn aligned(&self, buffer: *const u8, at: u64) -> io::Result<()> {
        let equal = buffer as usize % ALIGNMENT == at as usize % ALIGNMENT;
        if equal { Ok(()) } else { Err(fault(libc::EINVAL)) }
    }
}

/// What INFO answers: the magic is asked for, then cleared.
pub fn told(asked: &abi::xdma_info) -> Result<abi::xdma_info, Errno> {
    if asked.magic != abi::XDMA_INFO_MAGIC {
        return Err(libc::ENOTTY);
    }
    Ok(abi::xdma_info {
        vendor: 0x10ee,
        device: 0x903f,
        driver_version: 0x07e9_0200,
        bus: 0x3b,
        ..Default::default()
    })
}

fn result(bytes: u32) -> abi::xdma_perf {
    abi::xdma_perf {
        version: 1,
        transfer_size: bytes,
        iterations: 8,
        clock_cycle_count: 1_000,
        data_cycle_count: 640,
        ..Default::default()
    }
}

fn fault(errno: Errno) -> io::Error {
    io::Error::from_raw_os_error(errno)
}
