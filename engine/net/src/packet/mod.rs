//! Packet sockets (AF_PACKET, TPACKET_V2) as a frame port: rings shared with the kernel, no driver
//! support needed.
//!
//! Model: the kernel writes every frame that the interface hears into the next slot of a ring and
//! says so in a word; a poll reads the words of up to [`BURST_MAX`] slots and gives those of the
//! last burst back: no system call, no copy on our side. To send, a frame is written into a slot
//! of the second ring, and one call per flush makes the kernel take all of them past its queueing
//! discipline. The kernel's own stack sees every frame too. V2 because V3 hands out whole blocks,
//! late.
//!
//! Worst case: when the ring is full the kernel drops and counts (`ring_full`); frames longer than
//! a slot are cut by the kernel, dropped here and counted (`snapped`). 802.1Q tags are taken out
//! by the kernel: use the VLAN's own interface.

mod ring;

use std::net::Ipv4Addr;

use crate::interface::Interface;
use crate::multicast::{self, Membership};
use crate::port::{
    BURST_MAX, FramePort, OpenError, PortCounters, PortDescription, RxFrame, RxStamp, SendError,
};
use crate::socket::set;

use ring::{Received, Rings, SEND_MAX};

/// Ethernet header.
const ETHERNET: usize = 14;

/// Where a [`Packet`] port listens, and how large its rings are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PacketConfig {
    /// Interface.
    pub interface: String,
    /// Groups that are joined while the port is open.
    pub groups: Vec<Ipv4Addr>,
    /// Slots of the receive ring, at least.
    pub receive_slots: usize,
    /// Slots of the send ring, at least.
    pub send_slots: usize,
}

impl PacketConfig {
    /// The usual rings on `interface`.
    pub fn new(interface: impl Into<String>) -> PacketConfig {
        let interface = interface.into();
        PacketConfig { interface, groups: Vec::new(), receive_slots: 4_096, send_slots: 512 }
    }
}

/// A packet socket.
pub struct Packet {
    rings: Rings,
    interface: Interface,
    memberships: Vec<Membership>,
    /// Next slot of the receive ring, and how many before it are lent.
    next: usize,
    lent: usize,
    burst: [Received; BURST_MAX],
    count: usize,
    /// Next slot of the send ring.
    send_next: usize,
    counters: PortCounters,
    snapped: u64,
    ring_full: u64,
}

impl Packet {
    /// Opens it.
    ///
    /// # Errors
    /// No such interface, it is down, no privilege (CAP_NET_RAW), no memory for the rings, or a
    /// group cannot be joined.
    pub fn open(config: &PacketConfig) -> Result<Packet, OpenError> {
        const ON: libc::c_int = 1;
        let interface = Interface::find(&config.interface)?;
        let fail = |doing, advice| {
            move |e| OpenError::new(format!("packet on `{}`", config.interface), doing, e, advice)
        };
        let rings = Rings::open(config.receive_slots, config.send_slots)
            .map_err(fail("make its rings", "it wants CAP_NET_RAW, and memory for its slots"))?;
        for option in [libc::PACKET_IGNORE_OUTGOING, libc::PACKET_QDISC_BYPASS] {
            set(rings.socket(), libc::SOL_PACKET, option, &ON)
                .map_err(fail("set an option", "it wants a kernel of 4.20 or newer"))?;
        }
        let joined = config.groups.iter().map(|group| multicast::join(*group, &config.interface));
        let memberships = joined.collect::<Result<_, _>>()?;
        rings.bind(interface.index).map_err(fail("bind", "the interface must be there"))?;
        if !interface.up {
            let error = std::io::Error::from_raw_os_error(libc::ENETDOWN);
            return Err(fail("receive", "bring it up: `ip link set NAME up`")(error));
        }
        Ok(Packet {
            rings,
            interface,
            memberships,
            next: 0,
            lent: 0,
            burst: [Received::default(); BURST_MAX],
            count: 0,
            send_next: 0,
            counters: PortCounters::default(),
            snapped: 0,
            ring_full: 0,
        })
    }

    fn give_back(&mut self) {
        let slots = self.rings.slots().0;
        for behind in 1..=self.lent {
            self.rings.give_back((self.next + slots - behind) % slots);
        }
        self.lent = 0;
        self.count = 0;
    }

    #[inline]
    fn take(&mut self, received: Received) {
        if received.whole > received.len {
            self.snapped += 1;
            return;
        }
        if let Some(place) = self.burst.get_mut(self.count) {
            *place = received;
            self.count += 1;
            self.counters.rx_packets += 1;
            self.counters.rx_bytes += received.len as u64;
        }
    }
}

impl FramePort for Packet {
    fn poll(&mut self) -> usize {
        self.give_back();
        let slots = self.rings.slots().0;
        while self.lent < BURST_MAX.min(slots) {
            let Some(received) = self.rings.received(self.next) else { break };
            self.next = (self.next + 1) % slots;
            self.lent += 1;
            self.take(received);
        }
        self.counters.burst(self.count);
        self.count
    }

    #[inline]
    fn frame(&self, index: usize) -> RxFrame<'_> {
        let lent = self.burst.get(index).filter(|_| index < self.count);
        let bytes = lent.map_or(&[][..], |received| self.rings.frame(received));
        let wall = lent.map_or_else(Default::default, |received| received.wall);
        RxFrame { bytes, at: RxStamp { wall, ..RxStamp::default() } }
    }

    #[inline]
    fn send_with(&mut self, len: usize, fill: &mut dyn FnMut(&mut [u8])) -> Result<(), SendError> {
        if len > self.frame_max() {
            return Err(SendError::TooLong);
        }
        if !self.rings.queue(self.send_next, len, fill) {
            self.counters.tx_full += 1;
            return Err(SendError::Full);
        }
        self.send_next = (self.send_next + 1) % self.rings.slots().1;
        self.counters.tx_packets += 1;
        self.counters.tx_bytes += len as u64;
        Ok(())
    }

    fn flush(&mut self) {
        if self.rings.kick().is_err() {
            self.counters.errors += 1;
        }
    }

    fn mac(&self) -> [u8; 6] {
        self.interface.mac
    }

    fn frame_max(&self) -> usize {
        (self.interface.mtu + ETHERNET).min(SEND_MAX)
    }

    fn counters(&mut self) -> PortCounters {
        let (_, full) = self.rings.statistics();
        self.ring_full += u64::from(full);
        let drops = vec![("ring_full", self.ring_full), ("snapped", self.snapped)];
        PortCounters { drops, ..self.counters.clone() }
    }

    fn describe(&self) -> PortDescription {
        let (receive, send) = self.rings.slots();
        PortDescription {
            kind: "packet".into(),
            place: self.interface.name.clone(),
            mode: format!("TPACKET_V2, {receive} receive and {send} send slots, qdisc bypassed"),
            notes: vec![format!("{} groups joined", self.memberships.len())],
        }
    }
}
