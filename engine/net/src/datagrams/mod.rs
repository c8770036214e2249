//! Any frame port as a port of datagrams.
//!
//! Model: what comes is proven by [`frame::decode`] and filtered by (address, port); a datagram is
//! lent from where its frame lies, so nothing is copied. What goes gets Ethernet, IPv4 and UDP
//! headers with both checksums, written into the port's own frame. A group has a computed
//! hardware address, a host a configured one or one learnt by ARP; requests for our own address
//! are answered, so that a peer's kernel can send to us. Everything else is counted by reason.
//!
//! Worst case: a poll looks at [`BURST_MAX`] frames, one table look-up each.

pub mod arp;
pub mod build;

use std::net::{Ipv4Addr, SocketAddrV4};

use nofx_rt::table::Table;

use crate::capture::{Frame, LinkType};
use crate::frame::{self, Datagram, DecodeOptions, FrameCounts};
use crate::port::{
    Arrival, BURST_MAX, FramePort, Port, PortCounters, PortDescription, RxFrame, RxStamp, SendError,
};

use arp::{Arp, Neighbours};
use build::Header;

/// What a [`Datagrams`] listens to and sends from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatagramsConfig {
    /// Own address: source of what is sent, and always listened to. Unspecified (0.0.0.0): the
    /// port only listens.
    pub own: SocketAddrV4,
    /// Groups and ports that are listened to besides.
    pub lines: Vec<SocketAddrV4>,
    /// Neighbours that are known without asking.
    pub neighbours: Vec<(Ipv4Addr, [u8; 6])>,
    /// Next hop of hosts that are no neighbours; `None` sends to all hosts directly.
    pub gateway: Option<Gateway>,
    /// Routers that what is sent may pass.
    pub ttl: u8,
}

/// The way to hosts of other networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gateway {
    /// Address of the router.
    pub address: Ipv4Addr,
    /// Bits of the own network: hosts in it are sent to directly.
    pub prefix: u8,
}

impl DatagramsConfig {
    /// Only listens, to `lines`.
    pub fn listen(lines: Vec<SocketAddrV4>) -> DatagramsConfig {
        let own = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
        DatagramsConfig { lines, ..DatagramsConfig::new(own) }
    }

    /// Sends from and listens to `own` only.
    pub fn new(own: SocketAddrV4) -> DatagramsConfig {
        DatagramsConfig { own, lines: Vec::new(), neighbours: Vec::new(), gateway: None, ttl: 16 }
    }
}

/// A datagram that was found in a frame of the burst.
#[derive(Clone, Copy, Default)]
struct Found {
    frame: usize,
    at: usize,
    len: usize,
    src: [u8; 4],
    dst: [u8; 4],
    src_port: u16,
    dst_port: u16,
}

/// A frame port that moves UDP datagrams.
pub struct Datagrams<F> {
    port: F,
    config: DatagramsConfig,
    wanted: Table<()>,
    neighbours: Neighbours,
    found: [Found; BURST_MAX],
    count: usize,
    polls: u64,
    id: u16,
    frames: FrameCounts,
    counters: PortCounters,
    not_for_us: u64,
    no_neighbour: u64,
}

impl<F: FramePort> Datagrams<F> {
    /// Puts the adapter on `port`.
    pub fn new(port: F, config: DatagramsConfig) -> Datagrams<F> {
        let mut wanted = Table::new(config.lines.len() + 1);
        for line in config.lines.iter().chain([&config.own]) {
            // There is room for every line; the same line twice is one key.
            let _ = wanted.insert(key(line.ip().octets(), line.port()), ());
        }
        let own = (port.mac(), *config.own.ip());
        Datagrams {
            neighbours: Neighbours::new(own, config.neighbours.clone()),
            port,
            config,
            wanted,
            found: [Found::default(); BURST_MAX],
            count: 0,
            polls: 0,
            id: 0,
            frames: FrameCounts::default(),
            counters: PortCounters::default(),
            not_for_us: 0,
            no_neighbour: 0,
        }
    }

    /// The frame port.
    pub fn frame_port(&self) -> &F {
        &self.port
    }

    /// The frame port, to change.
    pub fn frame_port_mut(&mut self) -> &mut F {
        &mut self.port
    }

    /// Looks at frame `index` of the burst.
    #[inline]
    fn take(&mut self, index: usize) {
        let RxFrame { bytes, .. } = self.port.frame(index);
        let frame = whole(bytes);
        let Some(datagram) = frame::decode(&frame, &DecodeOptions::default(), &mut self.frames)
        else {
            return self.no_datagram(index);
        };
        if self.wanted.get(key(datagram.dst, datagram.dst_port)).is_none() {
            self.not_for_us += 1;
            return;
        }
        let Some(place) = self.found.get_mut(self.count) else { return };
        *place = Found {
            frame: index,
            at: datagram.payload.as_ptr() as usize - bytes.as_ptr() as usize,
            len: datagram.payload.len(),
            src: datagram.src,
            dst: datagram.dst,
            src_port: datagram.src_port,
            dst_port: datagram.dst_port,
        };
        self.count += 1;
        self.counters.rx_packets += 1;
        self.counters.rx_bytes += datagram.payload.len() as u64;
    }

    #[cold]
    fn no_datagram(&mut self, index: usize) {
        let Some(arp) = Arp::parse(self.port.frame(index).bytes) else { return };
        if let Some(reply) = self.neighbours.heard(&arp) {
            self.send_arp(&reply);
        }
    }

    /// An ARP frame that finds no room is lost: whoever asked asks again.
    fn send_arp(&mut self, arp: &Arp) {
        if self.port.send(&arp.frame()).is_ok() {
            self.port.flush();
        }
    }

    /// Hardware address for packets to `to`.
    #[inline]
    fn mac_of(&mut self, to: Ipv4Addr) -> Result<[u8; 6], SendError> {
        if to.is_multicast() {
            return Ok(build::group_mac(to));
        }
        let hop = match self.config.gateway {
            Some(gateway) if !gateway.reaches(*self.config.own.ip(), to) => gateway.address,
            _ => to,
        };
        self.neighbours.find(hop).ok_or_else(|| self.unknown(hop))
    }

    #[cold]
    fn unknown(&mut self, hop: Ipv4Addr) -> SendError {
        self.no_neighbour += 1;
        if let Some(request) = self.neighbours.ask(hop, self.polls) {
            self.send_arp(&request);
        }
        SendError::Unreachable
    }
}

impl<F: FramePort> Port for Datagrams<F> {
    fn poll(&mut self) -> usize {
        self.count = 0;
        self.polls += 1;
        for index in 0..self.port.poll() {
            self.take(index);
        }
        self.counters.burst(self.count);
        self.count
    }

    #[inline]
    fn arrival(&self, index: usize) -> Arrival<'_> {
        let lent = self.found.get(index).filter(|_| index < self.count);
        let Some(found) = lent else { return nothing() };
        let RxFrame { bytes, at } = self.port.frame(found.frame);
        let payload = bytes.get(found.at..found.at + found.len).unwrap_or(&[]);
        let datagram = Datagram {
            src: found.src,
            dst: found.dst,
            src_port: found.src_port,
            dst_port: found.dst_port,
            payload,
            ts_ns: at.wall,
        };
        Arrival { datagram, at }
    }

    #[inline]
    fn send(&mut self, to: SocketAddrV4, payload: &[u8]) -> Result<(), SendError> {
        let frame_max = self.port.frame_max();
        if frame_max == 0 || self.config.own.ip().is_unspecified() {
            return Err(SendError::Unreachable);
        }
        if payload.len() > build::payload_max(frame_max) {
            return Err(SendError::TooLong);
        }
        let header = Header {
            mac: self.port.mac(),
            to_mac: self.mac_of(*to.ip())?,
            from: self.config.own,
            to,
            ttl: self.config.ttl,
            id: self.id,
        };
        let len = build::frame_len(payload.len());
        let sent = self.port.send_with(len, &mut |frame| header.write(frame, payload));
        match sent {
            Ok(()) => {
                self.id = self.id.wrapping_add(1);
                self.counters.tx_packets += 1;
                self.counters.tx_bytes += payload.len() as u64;
            }
            Err(SendError::Full) => self.counters.tx_full += 1,
            Err(_) => {}
        }
        sent
    }

    fn flush(&mut self) {
        self.port.flush();
    }

    fn counters(&mut self) -> PortCounters {
        let below = self.port.counters();
        let mut counters = PortCounters { errors: below.errors, ..self.counters.clone() };
        counters.drops = below.drops;
        counters.drops.extend(self.frames.iter().filter(|(_, count)| *count > 0));
        counters.drops.push(("not_for_us", self.not_for_us));
        counters.drops.push(("no_neighbour", self.no_neighbour));
        counters
    }

    fn describe(&self) -> PortDescription {
        let mut description = self.port.describe();
        description.notes.push(format!(
            "own address {}, {} lines",
            self.config.own,
            self.config.lines.len()
        ));
        description
    }
}

impl Gateway {
    /// Whether `to` is in the network of `own`.
    fn reaches(self, own: Ipv4Addr, to: Ipv4Addr) -> bool {
        let differ = u32::from(own) ^ u32::from(to);
        differ.leading_zeros() >= u32::from(self.prefix.min(32))
    }
}

/// What is lent where there is nothing.
pub(crate) fn nothing() -> Arrival<'static> {
    let datagram = Datagram {
        src: [0; 4],
        dst: [0; 4],
        src_port: 0,
        dst_port: 0,
        payload: &[],
        ts_ns: RxStamp::default().wall,
    };
    Arrival { datagram, at: RxStamp::default() }
}

/// A frame as a capture would show it whole.
#[inline]
fn whole(bytes: &[u8]) -> Frame<'_> {
    Frame {
        data: bytes,
        ts_ns: RxStamp::default().wall,
        orig_len: bytes.len() as u32,
        number: 0,
        offset: 0,
        link: LinkType::ETHERNET,
    }
}

fn key(ip: [u8; 4], port: u16) -> u64 {
    u64::from(u32::from_be_bytes(ip)) << 16 | u64::from(port)
}
