//! Kernel UDP sockets as a port: non-blocking, polled, also under Onload.
//!
//! Model: one socket per line, a line being a group on an interface or an own address. A poll asks
//! the sockets in turn, beginning with another one each time, and takes up to [`BURST_MAX`]
//! datagrams with one `recvmmsg` per socket into places that were made once. Requests and what
//! else is sent leaves from the first line that is an own address, so that answers come back to
//! it.
//!
//! Worst case: a poll makes one system call per line; a send makes one.

mod batch;
pub mod control;
mod line;

use std::io;
use std::net::SocketAddrV4;
use std::os::fd::{AsRawFd, RawFd};

use crate::datagrams::nothing;
use crate::frame::Datagram;
use crate::onload::Onload;
use crate::port::{
    Arrival, BURST_MAX, OpenError, Port, PortCounters, PortDescription, RxStamp, SendError,
};

use batch::Batch;
use control::Control;
use line::Line;

/// What a [`Udp`] port listens to, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UdpConfig {
    /// One socket each.
    pub lines: Vec<UdpLine>,
    /// Receive buffer per socket in bytes; 0 leaves the system's default.
    pub receive_buffer: usize,
    /// Longest datagram that is taken; longer ones are dropped and counted.
    pub datagram_max: usize,
    /// Who stamps arrivals.
    pub stamps: Stamps,
    /// Routers that multicast sent from here may pass.
    pub ttl: u8,
}

impl Default for UdpConfig {
    fn default() -> UdpConfig {
        UdpConfig {
            lines: Vec::new(),
            receive_buffer: 8 << 20,
            datagram_max: 2_048,
            stamps: Stamps::Kernel,
            ttl: 16,
        }
    }
}

/// Where one socket listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UdpLine {
    /// A group and port, or an own address and port (port 0: any free one). With 0.0.0.0 all own
    /// addresses are meant, and arrivals name it as their destination.
    pub address: SocketAddrV4,
    /// Interface: needed for a group; for an own address it is where multicast leaves.
    pub interface: String,
}

/// Who stamps arrivals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stamps {
    /// Nobody.
    None,
    /// The kernel, when it takes the packet from the driver.
    #[default]
    Kernel,
    /// The card where it can (its stamping must have been switched on), else the kernel.
    Card,
}

/// A datagram of the burst: which place, which line, when.
#[derive(Clone, Copy, Default)]
struct Taken {
    place: usize,
    line: usize,
    at: RxStamp,
}

/// Kernel UDP sockets.
pub struct Udp {
    lines: Vec<Line>,
    /// Line to send from.
    own: Option<usize>,
    first: usize,
    batch: Batch,
    taken: [Taken; BURST_MAX],
    count: usize,
    counters: PortCounters,
    truncated: u64,
    config: UdpConfig,
    onload: bool,
}

impl Udp {
    /// Opens a socket for every line.
    ///
    /// # Errors
    /// No lines, no such interface or address, the port is in use, or the group cannot be joined.
    pub fn open(config: UdpConfig) -> Result<Udp, OpenError> {
        if config.lines.is_empty() {
            let error = io::Error::from_raw_os_error(libc::EINVAL);
            return Err(OpenError::new("UDP", "open it", error, "it has no line to listen to"));
        }
        let lines: Result<Vec<_>, _> =
            config.lines.iter().map(|line| Line::open(line, &config)).collect();
        let lines = lines?;
        Ok(Udp {
            own: lines.iter().position(|line| !line.address.ip().is_multicast()),
            lines,
            first: 0,
            batch: Batch::new(config.datagram_max),
            taken: [Taken::default(); BURST_MAX],
            count: 0,
            counters: PortCounters::default(),
            truncated: 0,
            config,
            onload: Onload::find().is_some(),
        })
    }

    /// Address that line `index` is bound to, with the port it really got.
    pub fn local(&self, index: usize) -> Option<SocketAddrV4> {
        self.lines.get(index).map(|line| line.address)
    }

    /// Socket of line `index`.
    pub fn socket(&self, index: usize) -> Option<RawFd> {
        self.lines.get(index).map(|line| line.socket.as_raw_fd())
    }

    #[inline]
    fn receive(&mut self, line: usize) {
        let Some(socket) = self.lines.get(line).map(|line| line.socket.as_raw_fd()) else { return };
        let from = self.batch.used();
        match self.batch.receive(socket) {
            Ok(count) => (from..from + count).for_each(|place| self.take(place, line)),
            Err(_) => self.counters.errors += 1,
        }
    }

    #[inline]
    fn take(&mut self, place: usize, line: usize) {
        let control = Control::parse(self.batch.control(place));
        if let (Some(lost), Some(line)) = (control.lost, self.lines.get_mut(line)) {
            line.lost = lost;
        }
        if self.batch.truncated(place) {
            self.truncated += 1;
            return;
        }
        let Some(taken) = self.taken.get_mut(self.count) else { return };
        let at = RxStamp { wall: control.wall, ..RxStamp::default() };
        *taken = Taken { place, line, at };
        self.count += 1;
        self.counters.rx_packets += 1;
        self.counters.rx_bytes += self.batch.payload(place).len() as u64;
    }
}

impl Port for Udp {
    fn poll(&mut self) -> usize {
        self.batch.clear();
        self.count = 0;
        let lines = self.lines.len();
        for turn in 0..lines {
            if self.batch.used() == BURST_MAX {
                break;
            }
            self.receive((self.first + turn) % lines);
        }
        self.first = (self.first + 1) % lines.max(1);
        self.counters.burst(self.count);
        self.count
    }

    #[inline]
    fn arrival(&self, index: usize) -> Arrival<'_> {
        let lent = self.taken.get(index).filter(|_| index < self.count);
        let Some((taken, line)) = lent.and_then(|t| Some((t, self.lines.get(t.line)?))) else {
            return nothing();
        };
        let sender = self.batch.sender(taken.place);
        let datagram = Datagram {
            src: sender.ip().octets(),
            dst: line.address.ip().octets(),
            src_port: sender.port(),
            dst_port: line.address.port(),
            payload: self.batch.payload(taken.place),
            ts_ns: taken.at.wall,
        };
        Arrival { datagram, at: taken.at }
    }

    #[inline]
    fn send(&mut self, to: SocketAddrV4, payload: &[u8]) -> Result<(), SendError> {
        let line = self.own.and_then(|own| self.lines.get(own)).ok_or(SendError::Unreachable)?;
        match batch::send(&line.socket, to, payload) {
            Ok(()) => {
                self.counters.tx_packets += 1;
                self.counters.tx_bytes += payload.len() as u64;
                Ok(())
            }
            Err(error) => Err(self.refused(&error)),
        }
    }

    /// Nothing waits: every datagram left with its `send`.
    fn flush(&mut self) {}

    fn counters(&mut self) -> PortCounters {
        let lost = self.lines.iter().map(Line::lost).sum();
        let drops = vec![("socket_full", lost), ("truncated", self.truncated)];
        PortCounters { drops, ..self.counters.clone() }
    }

    fn describe(&self) -> PortDescription {
        let place = |line: &UdpLine| match line.interface.as_str() {
            "" => line.address.to_string(),
            name => format!("{} on {name}", line.address),
        };
        let places: Vec<_> = self.config.lines.iter().map(place).collect();
        // The kernel doubles what is asked for, for its own bookkeeping.
        let small = self.lines.iter().map(|line| line.buffer / 2).min().unwrap_or(0);
        let mut notes = Vec::new();
        if small < self.config.receive_buffer {
            notes.push(format!(
                "receive buffer {small} bytes where {} were asked for: raise net.core.rmem_max",
                self.config.receive_buffer
            ));
        }
        PortDescription {
            kind: "udp".into(),
            place: places.join(", "),
            mode: if self.onload { "onload" } else { "kernel sockets" }.into(),
            notes,
        }
    }
}

impl Udp {
    #[cold]
    fn refused(&mut self, error: &io::Error) -> SendError {
        match error.raw_os_error().unwrap_or(0) {
            libc::EAGAIN | libc::ENOBUFS => {
                self.counters.tx_full += 1;
                SendError::Full
            }
            libc::EMSGSIZE => SendError::TooLong,
            libc::ENETUNREACH | libc::EHOSTUNREACH => SendError::Unreachable,
            errno => {
                self.counters.errors += 1;
                SendError::Refused(errno)
            }
        }
    }
}
