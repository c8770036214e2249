//! The burst API: everything that brings packets in and takes packets out looks like this.
//!
//! Model: a [`FramePort`] moves Ethernet frames (AF_XDP, AF_PACKET, DPDK, a capture, a loopback); a
//! [`Port`] moves UDP datagrams. A kernel socket is a `Port` by itself; any `FramePort` becomes one
//! behind a `Datagrams` adapter. Both are polled: `poll` gives the last burst
//! back, takes the next one and says how many there are; each is lent until the next `poll`, where
//! it lies, so nothing is copied on the way to the decoder. Neither call ever waits. What is sent is
//! queued by `send` and leaves at the latest with `flush`.
//!
//! The traits are object-safe on purpose: a run chooses its port by configuration, and one dynamic
//! call per burst and packet costs less than a copy of the engine per kind of port.

use std::fmt;
use std::io;
use std::net::SocketAddrV4;

use nofx_types::Nanos;

use crate::frame::Datagram;

/// Packets of one burst, at most.
pub const BURST_MAX: usize = 64;

/// An Ethernet frame, lent by its port until the next `poll`.
#[derive(Clone, Copy, Debug)]
pub struct RxFrame<'a> {
    /// From the destination address on, without frame check sequence.
    pub bytes: &'a [u8],
    /// When it arrived.
    pub at: RxStamp,
}

/// When a packet arrived, as far as the port can tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RxStamp {
    /// Wall clock (hardware or kernel stamp), nanoseconds since 1970; 0 where there is none.
    pub wall: Nanos,
    /// CLOCK_MONOTONIC at the driver hook; 0 where there is none.
    pub hook: Nanos,
}

/// A UDP datagram, lent by its port until the next `poll`.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// Addresses and payload. `ts_ns` is `at.wall`.
    pub datagram: Datagram<'a>,
    /// When it arrived.
    pub at: RxStamp,
}

/// Why a packet was not taken for sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// No room until earlier packets have left: try again later. Counted.
    Full,
    /// Longer than the port can send.
    TooLong,
    /// The port is for receiving only, or cannot reach the address.
    Unreachable,
    /// The kernel refused it, with its errno.
    Refused(i32),
}

/// Why a port could not be opened, in words for who wrote the configuration.
#[derive(Debug, thiserror::Error)]
#[error("{place}: cannot {doing}: {source} ({advice})")]
pub struct OpenError {
    /// Interface, address or file, as configured.
    pub place: String,
    /// What was being done, after "cannot".
    pub doing: &'static str,
    /// What to do about it.
    pub advice: &'static str,
    /// The system's answer; its errno is kept.
    pub source: io::Error,
}

impl OpenError {
    /// Puts the four parts together.
    pub fn new(
        place: impl Into<String>,
        doing: &'static str,
        source: io::Error,
        advice: &'static str,
    ) -> OpenError {
        OpenError { place: place.into(), doing, advice, source }
    }

    /// The errno of the system's answer, if it was one.
    pub fn errno(&self) -> Option<i32> {
        self.source.raw_os_error()
    }
}

/// What happened at a port since it was opened. One writer; read between bursts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortCounters {
    /// Packets handed out.
    pub rx_packets: u64,
    /// Their bytes, as lent.
    pub rx_bytes: u64,
    /// Packets taken for sending.
    pub tx_packets: u64,
    /// Their bytes.
    pub tx_bytes: u64,
    /// Sends refused because there was no room.
    pub tx_full: u64,
    /// Errors of the system that were not "nothing there".
    pub errors: u64,
    /// Polls that brought nothing.
    pub empty_polls: u64,
    /// Bursts by size: index is the power of two at or below it (1, 2, 4, .. 64).
    pub bursts: [u64; 7],
    /// Packets that were lost or not for us, by reason, in the port's own fixed list.
    pub drops: Vec<(&'static str, u64)>,
}

impl PortCounters {
    /// Counts one burst of `packets`, 0 included.
    #[inline]
    pub fn burst(&mut self, packets: usize) {
        match packets.checked_ilog2() {
            None => self.empty_polls += 1,
            Some(power) => self.bursts[(power as usize).min(6)] += 1,
        }
    }
}

/// What a port really is, for the start-up table: asked for and obtained may differ.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortDescription {
    /// `udp`, `xsk`, `packet`, `dpdk`, `pcap`, `loopback`, `fault(..)`.
    pub kind: String,
    /// Interface, queue, addresses.
    pub place: String,
    /// Mode obtained: `generic copy, need_wakeup`, …
    pub mode: String,
    /// What was asked for and not obtained, or what a user should know.
    pub notes: Vec<String>,
}

impl fmt::Display for PortDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.kind, self.place)?;
        if !self.mode.is_empty() {
            write!(f, ", {}", self.mode)?;
        }
        self.notes.iter().try_for_each(|note| write!(f, " ({note})"))
    }
}

/// Moves Ethernet frames.
pub trait FramePort {
    /// Gives the last burst back and takes the next: how many frames there are, at most
    /// [`BURST_MAX`]. Never waits.
    fn poll(&mut self) -> usize;

    /// Frame `index` of the burst; empty when there is no such frame.
    fn frame(&self, index: usize) -> RxFrame<'_>;

    /// Queues one frame of `len` bytes, which `fill` writes in place.
    ///
    /// # Errors
    /// It was not queued.
    fn send_with(&mut self, len: usize, fill: &mut dyn FnMut(&mut [u8])) -> Result<(), SendError>;

    /// Queues a copy of `frame`.
    ///
    /// # Errors
    /// It was not queued.
    fn send(&mut self, frame: &[u8]) -> Result<(), SendError> {
        self.send_with(frame.len(), &mut |place| place.copy_from_slice(frame))
    }

    /// Sees to it that what is queued leaves.
    fn flush(&mut self);

    /// Hardware address of this end.
    fn mac(&self) -> [u8; 6];

    /// Longest frame that can be sent; 0 where the port is for receiving only.
    fn frame_max(&self) -> usize;

    /// Counts since the port was opened. Not for the hot path: it may ask the kernel.
    fn counters(&mut self) -> PortCounters;

    /// What it really is.
    fn describe(&self) -> PortDescription;
}

/// Moves UDP datagrams.
pub trait Port {
    /// Gives the last burst back and takes the next: how many datagrams there are, at most
    /// [`BURST_MAX`]. Never waits.
    fn poll(&mut self) -> usize;

    /// Datagram `index` of the burst; with an empty payload when there is no such datagram.
    fn arrival(&self, index: usize) -> Arrival<'_>;

    /// Queues one datagram to `to`, from the port's own address.
    ///
    /// # Errors
    /// It was not queued.
    fn send(&mut self, to: SocketAddrV4, payload: &[u8]) -> Result<(), SendError>;

    /// Sees to it that what is queued leaves.
    fn flush(&mut self);

    /// Counts since the port was opened. Not for the hot path: it may ask the kernel.
    fn counters(&mut self) -> PortCounters;

    /// What it really is.
    fn describe(&self) -> PortDescription;
}

impl<P: Port + ?Sized> Port for Box<P> {
    fn poll(&mut self) -> usize {
        (**self).poll()
    }

    fn arrival(&self, index: usize) -> Arrival<'_> {
        (**self).arrival(index)
    }

    fn send(&mut self, to: SocketAddrV4, payload: &[u8]) -> Result<(), SendError> {
        (**self).send(to, payload)
    }

    fn flush(&mut self) {
        (**self).flush();
    }

    fn counters(&mut self) -> PortCounters {
        (**self).counters()
    }

    fn describe(&self) -> PortDescription {
        (**self).describe()
    }
}

impl<P: FramePort + ?Sized> FramePort for Box<P> {
    fn poll(&mut self) -> usize {
        (**self).poll()
    }

    fn frame(&self, index: usize) -> RxFrame<'_> {
        (**self).frame(index)
    }

    fn send_with(&mut self, len: usize, fill: &mut dyn FnMut(&mut [u8])) -> Result<(), SendError> {
        (**self).send_with(len, fill)
    }

    fn flush(&mut self) {
        (**self).flush();
    }

    fn mac(&self) -> [u8; 6] {
        (**self).mac()
    }

    fn frame_max(&self) -> usize {
        (**self).frame_max()
    }

    fn counters(&mut self) -> PortCounters {
        (**self).counters()
    }

    fn describe(&self) -> PortDescription {
        (**self).describe()
    }
}
