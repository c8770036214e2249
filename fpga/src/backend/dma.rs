//! One channel of the XDMA engines.

use std::io;

use bytemuck::{Pod, Zeroable};
use nofx_fpga_abi as abi;

use super::error::device_error;
use super::files::{Ioctl, NodeFile};
use crate::device::DeviceError;
use crate::line::OpLine;

/// Which way a channel goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// h2c.
    ToCard,
    /// c2h.
    FromCard,
}

/// A page: a transfer is staged at an address that is equal to the card's modulo this.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C, align(4096))]
struct Page([u8; 4096]);

const PAGE: usize = size_of::<Page>();
/// Bytes of one transfer at most.
const CHUNK: usize = 16 * PAGE;

/// A DMA channel. Each transfer is one system call that waits for the engine.
pub struct Dma<F> {
    file: F,
    way: Way,
    stage: Vec<Page>,
}

impl<F: NodeFile> Dma<F> {
    pub(super) fn new(file: F, way: Way) -> Dma<F> {
        Dma { file, way, stage: vec![Page::zeroed(); CHUNK / PAGE + 1] }
    }

    /// Writes `bytes` to address `at` of the card.
    pub fn write_all(&mut self, at: u64, bytes: &[u8]) -> Result<(), DeviceError> {
        let mut at = at;
        for chunk in bytes.chunks(CHUNK) {
            self.write_chunk(at, chunk)?;
            at += chunk.len() as u64;
        }
        Ok(())
    }

    /// Writes operation lines of successive seqs into the window of `slots` slots at address `window`
    /// of the card, each into the slot of its seq. The caller leaves room: no more lines than credits.
    pub fn write_lines(
        &mut self,
        window: u64,
        slots: u32,
        lines: &[OpLine],
    ) -> Result<(), DeviceError> {
        let slots = slots.max(1);
        let mut rest = lines;
        while let Some(first) = rest.first() {
            let slot = first.seq() % slots;
            let (run, behind) = rest.split_at(rest.len().min((slots - slot) as usize));
            let at = window + u64::from(slot) * size_of::<OpLine>() as u64;
            self.write_all(at, bytemuck::cast_slice(run))?;
            rest = behind;
        }
        Ok(())
    }

    /// Reads at address `at` of the card (a streaming channel: what comes next) and says how much came.
    pub fn read(&mut self, at: u64, into: &mut [u8]) -> Result<usize, DeviceError> {
        let (from, length) = (offset_in_page(at), into.len().min(CHUNK));
        let stage = &mut bytemuck::cast_slice_mut::<Page, u8>(&mut self.stage)[from..from + length];
        match self.file.read_at(stage, at) {
            Ok(got) if got <= length => {
                into[..got].copy_from_slice(&stage[..got]);
                Ok(got)
            }
            Ok(_) => Err(device_error(self.doing(), at, &io::ErrorKind::InvalidData.into())),
            Err(error) => Err(device_error(self.doing(), at, &error)),
        }
    }

    /// Whether the channel streams (the card's address means nothing) or is memory-mapped.
    pub fn is_streaming(&self) -> Result<bool, DeviceError> {
        let mut mode = 0;
        self.ask("ADDRMODE_GET on a DMA node", Ioctl::AddrModeGet(&mut mode))?;
        Ok(mode != abi::XDMA_ADDRMODE_MEMORY as i32)
    }

    /// What the addresses of buffer and card must have in common, bytes.
    pub fn alignment(&self) -> Result<u32, DeviceError> {
        let mut bytes = 0;
        self.ask("ALIGN_GET on a DMA node", Ioctl::AlignGet(&mut bytes))?;
        Ok(bytes.unsigned_abs())
    }

    /// Starts to measure with a transfer of `bytes` that the engine repeats.
    pub fn perf_start(&self, bytes: u32) -> Result<(), DeviceError> {
        let mut perf = abi::xdma_perf {
            version: abi::XDMA_PERF_VERSION,
            transfer_size: bytes,
            ..Default::default()
        };
        self.ask("PERF_START on a DMA node", Ioctl::PerfStart(&mut perf))
    }

    /// Ends the measurement.
    pub fn perf_stop(&self) -> Result<Perf, DeviceError> {
        let mut perf = abi::xdma_perf::default();
        self.ask("PERF_STOP on a DMA node", Ioctl::PerfStop(&mut perf))?;
        Ok(Perf::of(&perf))
    }

    /// The measurement so far.
    pub fn perf_get(&self) -> Result<Perf, DeviceError> {
        let mut perf = abi::xdma_perf::default();
        self.ask("PERF_GET on a DMA node", Ioctl::PerfGet(&mut perf))?;
        Ok(Perf::of(&perf))
    }

    fn write_chunk(&mut self, at: u64, chunk: &[u8]) -> Result<(), DeviceError> {
        let from = offset_in_page(at);
        let stage = &mut bytemuck::cast_slice_mut::<Page, u8>(&mut self.stage)[from..];
        let stage = &mut stage[..chunk.len()];
        stage.copy_from_slice(chunk);
        match self.file.write_at(stage, at) {
            Ok(done) if done == chunk.len() => Ok(()),
            Ok(_) => Err(device_error(self.doing(), at, &io::ErrorKind::WriteZero.into())),
            Err(error) => Err(device_error(self.doing(), at, &error)),
        }
    }

    fn doing(&self) -> &'static str {
        match self.way {
            Way::ToCard => "write through the h2c node at",
            Way::FromCard => "read through the c2h node at",
        }
    }

    fn ask(&self, doing: &'static str, call: Ioctl<'_>) -> Result<(), DeviceError> {
        self.file.ioctl(call).map_err(|error| device_error(doing, 0, &error))
    }
}

fn offset_in_page(at: u64) -> usize {
    (at % PAGE as u64) as usize
}

/// What an engine measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Perf {
    /// How often the transfer was done.
    pub iterations: u32,
    /// Cycles of the engine's clock.
    pub cycles: u64,
    /// Cycles in which data moved.
    pub data_cycles: u64,
    /// Reads that wait for an answer.
    pub pending: u64,
}

impl Perf {
    fn of(perf: &abi::xdma_perf) -> Perf {
        Perf {
            iterations: perf.iterations,
            cycles: perf.clock_cycle_count,
            data_cycles: perf.data_cycle_count,
            pending: perf.pending_count,
        }
    }

    /// Share of cycles in which data moved, in thousandths.
    pub fn busy_permille(&self) -> u64 {
        self.data_cycles.saturating_mul(1000).checked_div(self.cycles).unwrap_or(0)
    }
}
