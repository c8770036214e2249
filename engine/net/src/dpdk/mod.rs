//! DPDK as a frame port: a card, or one of DPDK's virtual devices, polled from user space.
//!
//! Model: one port with one queue each way. A poll gives the buffers of the last burst back, hands
//! on what waited for the card, and takes the next burst; frames are read where the device wrote
//! them and written where it will read them. The bindings are made at build time from the headers of
//! the installed DPDK (22.11); what those headers keep inline is called through a small shim in C,
//! once a burst or frame.
//!
//! - The environment is private: memory that is not shared, no files, no telemetry. It starts with
//!   the first port and ends with the process.
//! - A killed process leaves no files and no memory behind. Where the device was `net_af_xdp`, the
//!   program of libxdp stays on the interface (and promiscuous mode); it passes everything to the
//!   kernel, and the next start takes it over. The port `xsk` leaves nothing.
//! - DPDK sends no group memberships. Where the device sits on an interface of the kernel
//!   (`iface=NAME`), an ordinary socket joins [`DpdkConfig::groups`] there.
//! - Frames carry no time stamp: virtual devices have none, and the unit of a card's is its own.
//! - Only virtual devices have been exercised: no card was at hand.
//!
//! Worst case: 64 frames a poll. The polling thread is not one of DPDK's own, so buffers pass the
//! pool's ring (one atomic exchange a burst received, one a frame sent). The device `net_af_packet` waits in the kernel while its send ring
//! is full; the others refuse. Nothing is allocated after opening, except by the counters.
#![allow(unsafe_code)]

mod eal;
#[allow(non_camel_case_types, non_upper_case_globals, non_snake_case, dead_code, missing_docs)]
#[allow(unsafe_op_in_unsafe_fn, clippy::all, clippy::undocumented_unsafe_blocks)]
mod ffi {
    include!(concat!(env!("OUT_DIR"), "/dpdk.rs"));
}
mod open;

use std::ffi::CStr;
use std::net::Ipv4Addr;
use std::ptr;
use std::slice;

use crate::multicast::Membership;
use crate::port::{
    BURST_MAX, FramePort, PortCounters, PortDescription, RxFrame, RxStamp, SendError,
};

pub use eal::{DpdkMemory, EalConfig};

/// Frames that may wait for the device.
const QUEUED_MAX: usize = 128;

/// A device and its sizes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DpdkConfig {
    /// The environment.
    pub eal: EalConfig,
    /// As DPDK writes it: `net_af_xdp0,iface=eth1`, `net_pcap0,rx_pcap=FILE`, or the PCI address of
    /// a card. The name before the comma is used once at a time.
    pub device: String,
    /// Groups to join on the interface that the device names.
    pub groups: Vec<Ipv4Addr>,
    /// Buffers for frames, both ways together.
    pub buffers: u32,
    /// Frames that the device may hold on their way in.
    pub receive_ring: u16,
    /// Frames that the device may hold on their way out.
    pub send_ring: u16,
}

impl DpdkConfig {
    /// `device` with 4,095 buffers, and 1,024 places each way.
    pub fn new(device: impl Into<String>) -> DpdkConfig {
        DpdkConfig {
            eal: EalConfig::default(),
            device: device.into(),
            groups: Vec::new(),
            buffers: 4_095,
            receive_ring: 1_024,
            send_ring: 1_024,
        }
    }

    /// As [`DpdkConfig::new`] where `place` is a device; AF_XDP on it where it is an interface of
    /// the kernel. The groups are joined where the device sits on such an interface.
    pub fn for_place(place: &str, groups: impl IntoIterator<Item = Ipv4Addr>) -> DpdkConfig {
        let device = match place.starts_with("net_") || place.contains([',', ':']) {
            true => place.to_owned(),
            false => format!("net_af_xdp_{place},iface={place}"),
        };
        let mut config = DpdkConfig::new(device);
        if config.interface().is_some() {
            config.groups.extend(groups);
            config.groups.sort_unstable();
            config.groups.dedup();
        }
        config
    }

    /// The interface of the kernel that the device names.
    fn interface(&self) -> Option<&str> {
        self.device.split(',').find_map(|part| part.strip_prefix("iface="))
    }
}

/// One device with one queue each way.
pub struct DpdkPort {
    port: u16,
    device: *mut ffi::rte_device,
    pool: *mut ffi::rte_mempool,
    burst: [ffi::nofx_frame; BURST_MAX],
    count: usize,
    queued: [*mut ffi::rte_mbuf; QUEUED_MAX],
    waiting: usize,
    frame_max: usize,
    mac: [u8; 6],
    in_pieces: u64,
    counters: PortCounters,
    description: PortDescription,
    _memberships: Vec<Membership>,
}

// SAFETY: device and pool belong to this value alone, and DPDK ties neither to a thread: a queue
// wants one thread at a time, which `&mut` sees to.
unsafe impl Send for DpdkPort {}

impl DpdkPort {
    fn give_back(&mut self) {
        // SAFETY: the first `count` frames came from the last poll and were not given back since.
        unsafe { ffi::nofx_give_back(self.burst.as_mut_ptr(), self.count as u16) };
        self.count = 0;
    }

    /// Hands what waits to the device; what it does not take goes on waiting.
    fn hand_over(&mut self) {
        if self.waiting == 0 {
            return;
        }
        let (list, count) = (self.queued.as_mut_ptr(), self.waiting as u16);
        // SAFETY: the first `waiting` frames were taken from the pool and not handed over since.
        let taken = unsafe { ffi::nofx_transmit(self.port, list, count) };
        let taken = usize::from(taken).min(self.waiting);
        self.queued.copy_within(taken..self.waiting, 0);
        self.waiting -= taken;
    }

    /// Everything that the device counts, under its own names. For people.
    pub fn device_counters(&self) -> Vec<(String, u64)> {
        open::device_counters(self.port)
    }

    /// Whether `address` lies in the frames of the current burst, for tests of copying.
    pub fn lends(&self, address: *const u8) -> bool {
        let lent = self.burst.iter().take(self.count);
        lent.map(|frame| frame.data..frame.data.wrapping_add(frame.len as usize))
            .any(|range| range.contains(&address))
    }
}

impl FramePort for DpdkPort {
    fn poll(&mut self) -> usize {
        self.give_back();
        self.hand_over();
        let (burst, in_pieces) = (self.burst.as_mut_ptr(), &raw mut self.in_pieces);
        // SAFETY: `burst` has room for BURST_MAX frames; both pointers live through the call.
        let came = unsafe { ffi::nofx_receive(self.port, burst, BURST_MAX as u16, in_pieces) };
        self.count = usize::from(came).min(BURST_MAX);
        self.counters.rx_packets += self.count as u64;
        let bytes = self.burst[..self.count].iter().map(|frame| u64::from(frame.len)).sum::<u64>();
        self.counters.rx_bytes += bytes;
        self.counters.burst(self.count);
        self.count
    }

    fn frame(&self, index: usize) -> RxFrame<'_> {
        let lent = self.burst[..self.count].get(index);
        let bytes = lent.map_or(&[][..], |frame| {
            // SAFETY: DPDK wrote `len` bytes there, and the buffer is ours until the next poll,
            // which needs `&mut self`.
            unsafe { slice::from_raw_parts(frame.data, frame.len as usize) }
        });
        RxFrame { bytes, at: RxStamp::default() }
    }

    fn send_with(&mut self, len: usize, fill: &mut dyn FnMut(&mut [u8])) -> Result<(), SendError> {
        if len > self.frame_max {
            return Err(SendError::TooLong);
        }
        if self.waiting == QUEUED_MAX {
            self.hand_over();
        }
        let mut data = ptr::null_mut();
        let mut mbuf = ptr::null_mut();
        if self.waiting < QUEUED_MAX {
            // SAFETY: the pool lives as long as the port; `frame_max` fits 16 bits.
            mbuf = unsafe { ffi::nofx_take(self.pool, len as u16, &raw mut data) };
        }
        if mbuf.is_null() {
            self.counters.tx_full += 1;
            return Err(SendError::Full);
        }
        // SAFETY: the buffer is ours alone and has `len` bytes at `data`, which are initialised:
        // the pool's memory was given by the system as zeros or written since.
        fill(unsafe { slice::from_raw_parts_mut(data, len) });
        self.queued[self.waiting] = mbuf;
        self.waiting += 1;
        self.counters.tx_packets += 1;
        self.counters.tx_bytes += len as u64;
        Ok(())
    }

    fn flush(&mut self) {
        self.hand_over();
    }

    fn mac(&self) -> [u8; 6] {
        self.mac
    }

    fn frame_max(&self) -> usize {
        self.frame_max
    }

    fn counters(&mut self) -> PortCounters {
        let mut counters = self.counters.clone();
        let device = open::stats(self.port);
        counters.errors += device.oerrors;
        counters.drops = vec![
            ("ring_full", device.imissed),
            ("bad_frame", device.ierrors),
            ("no_buffer", device.rx_nombuf),
            ("in_pieces", self.in_pieces),
        ];
        counters
    }

    fn describe(&self) -> PortDescription {
        self.description.clone()
    }
}

impl Drop for DpdkPort {
    fn drop(&mut self) {
        self.give_back();
        self.hand_over();
        // SAFETY: what still waits is ours; the device is stopped before its buffers go, and
        // nothing uses it afterwards.
        unsafe {
            ffi::nofx_forget(self.queued.as_mut_ptr(), self.waiting as u16);
            ffi::rte_eth_dev_stop(self.port);
            ffi::rte_dev_remove(self.device);
            ffi::rte_mempool_free(self.pool);
        }
    }
}

/// A string of DPDK's.
///
/// # Safety
/// Terminated, or null.
unsafe fn text(from: *const std::ffi::c_char) -> String {
    if from.is_null() {
        return String::new();
    }
    // SAFETY: by this function's contract.
    unsafe { CStr::from_ptr(from) }.to_string_lossy().into_owned()
}
