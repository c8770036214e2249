//! A port behind a bad wire: it loses, duplicates, reorders, corrupts, delays and stalls, by seed.
//!
//! Model: [`Fault`] wraps a frame port or a datagram port and is one itself. Each direction has its
//! rates and its own stream of the seed. What is received is copied on the way; a direction that is
//! to be left alone for sending is passed straight through, so its refusals stay those of the port
//! below. It counts what it did, so a test knows what to expect.
//!
//! Worst case: a direction that holds its thousand packets loses what comes then, and counts it
//! (`fault_overrun`).

mod wire;

use std::net::SocketAddrV4;

use crate::datagrams::nothing;
use crate::frame::Datagram;
use crate::port::{
    Arrival, BURST_MAX, FramePort, Port, PortCounters, PortDescription, RxFrame, RxStamp, SendError,
};

use wire::{Label, PACKET_MAX, Wire};

/// What one direction does, in parts per million of its packets (stalls: of its polls).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Lost.
    pub drop_ppm: u32,
    /// Arrive twice.
    pub duplicate_ppm: u32,
    /// Arrive behind later ones.
    pub reorder_ppm: u32,
    /// By how many packets they are overtaken, at most; 0 counts as 1.
    pub reorder_depth: u64,
    /// Have one bit turned.
    pub corrupt_ppm: u32,
    /// Arrive later.
    pub delay_ppm: u32,
    /// By how many polls.
    pub delay_polls: u64,
    /// Everything stands still.
    pub stall_ppm: u32,
    /// For how many polls.
    pub stall_polls: u64,
}

impl Faults {
    /// Loss alone.
    pub const fn loss(ppm: u32) -> Faults {
        Faults {
            drop_ppm: ppm,
            duplicate_ppm: 0,
            reorder_ppm: 0,
            reorder_depth: 0,
            corrupt_ppm: 0,
            delay_ppm: 0,
            delay_polls: 0,
            stall_ppm: 0,
            stall_polls: 0,
        }
    }
}

/// What a direction did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FaultCounts {
    /// Packets lost.
    pub dropped: u64,
    /// Packets that came twice.
    pub duplicated: u64,
    /// Packets held back behind others.
    pub reordered: u64,
    /// Packets with a bit turned.
    pub corrupted: u64,
    /// Packets that came later.
    pub delayed: u64,
    /// Times that everything stood still.
    pub stalls: u64,
    /// Packets for which the wire itself had no room: never part of a plan.
    pub overrun: u64,
}

/// A port behind a bad wire.
pub struct Fault<P> {
    port: P,
    receive: Wire,
    send: Option<Wire>,
    burst: [usize; BURST_MAX],
    count: usize,
    counters: PortCounters,
    name: String,
}

impl<P> Fault<P> {
    /// Puts the wire before `port`.
    pub fn new(port: P, seed: u64, receive: Faults, send: Faults) -> Fault<P> {
        let bad = send != Faults::default();
        Fault {
            port,
            receive: Wire::new(seed, receive),
            send: bad.then(|| Wire::new(!seed, send)),
            burst: [0; BURST_MAX],
            count: 0,
            counters: PortCounters::default(),
            name: format!("seed {seed}, receiving {receive:?}, sending {send:?}"),
        }
    }

    /// The port behind it.
    pub fn inner(&self) -> &P {
        &self.port
    }

    /// The port behind it, to change.
    pub fn inner_mut(&mut self) -> &mut P {
        &mut self.port
    }

    /// What was done to what was received, and to what was sent.
    pub fn counts(&self) -> (FaultCounts, FaultCounts) {
        (self.receive.counts, self.send.as_ref().map_or_else(FaultCounts::default, |w| w.counts))
    }

    fn give_back(&mut self) {
        for slot in self.burst.iter().take(self.count) {
            self.receive.give_back(*slot);
        }
        self.count = 0;
    }

    /// Takes what comes out of the wire now.
    fn lend(&mut self) -> usize {
        for place in &mut self.burst {
            let Some(slot) = self.receive.take() else { break };
            *place = slot;
            self.count += 1;
            self.counters.rx_packets += 1;
            self.counters.rx_bytes += self.receive.get(slot).map_or(0, |(_, b)| b.len() as u64);
        }
        self.counters.burst(self.count);
        self.count
    }

    fn lent(&self, index: usize) -> Option<(&Label, &[u8])> {
        let slot = self.burst.get(index).filter(|_| index < self.count)?;
        self.receive.get(*slot)
    }

    fn counted(&self, below: PortCounters) -> PortCounters {
        let (received, sent) = self.counts();
        let mut counters = PortCounters { drops: below.drops.clone(), ..below };
        counters.rx_packets = self.counters.rx_packets;
        counters.rx_bytes = self.counters.rx_bytes;
        counters.empty_polls = self.counters.empty_polls;
        counters.bursts = self.counters.bursts;
        counters.tx_full += self.counters.tx_full;
        counters.errors += self.counters.errors;
        counters.drops.extend([
            ("fault_drop", received.dropped),
            ("fault_overrun", received.overrun),
            ("fault_drop_sent", sent.dropped),
        ]);
        counters
    }

    fn described(&self, below: PortDescription) -> PortDescription {
        let mut notes = below.notes;
        notes.push(self.name.clone());
        PortDescription { kind: format!("fault({})", below.kind), notes, ..below }
    }
}

/// Puts what left the sending wire into the port below, until that has no room.
fn drain(
    wire: &mut Wire,
    counters: &mut PortCounters,
    mut send: impl FnMut(&Label, &[u8]) -> Result<(), SendError>,
) {
    while let Some((label, bytes)) = wire.peek() {
        match send(label, bytes) {
            Err(SendError::Full) => return,
            Err(_) => counters.errors += 1,
            Ok(()) => {}
        }
        if let Some(slot) = wire.take() {
            wire.give_back(slot);
        }
    }
}

impl<P: FramePort> Fault<P> {
    fn drain_frames(&mut self) {
        let Some(wire) = &mut self.send else { return };
        drain(wire, &mut self.counters, |_, bytes| self.port.send(bytes));
    }
}

impl<P: FramePort> FramePort for Fault<P> {
    fn poll(&mut self) -> usize {
        self.give_back();
        if self.send.as_mut().is_some_and(Wire::tick) {
            self.drain_frames();
            self.port.flush();
        }
        if !self.receive.tick() {
            return self.lend_nothing();
        }
        let came = if self.receive.has_room() { self.port.poll() } else { 0 };
        for index in 0..came {
            let RxFrame { bytes, at } = self.port.frame(index);
            let label = Label { at, ..Label::default() };
            self.receive.put(label, bytes.len(), &mut |place| place.copy_from_slice(bytes));
        }
        if came == 0 {
            self.receive.idle();
        }
        self.lend()
    }

    fn frame(&self, index: usize) -> RxFrame<'_> {
        match self.lent(index) {
            Some((label, bytes)) => RxFrame { bytes, at: label.at },
            None => RxFrame { bytes: &[], at: RxStamp::default() },
        }
    }

    fn send_with(&mut self, len: usize, fill: &mut dyn FnMut(&mut [u8])) -> Result<(), SendError> {
        let max = self.frame_max();
        let Some(wire) = &mut self.send else { return self.port.send_with(len, fill) };
        if len > max {
            return Err(SendError::TooLong);
        }
        if !wire.has_room() {
            self.counters.tx_full += 1;
            return Err(SendError::Full);
        }
        wire.put(Label::default(), len, fill);
        Ok(())
    }

    fn flush(&mut self) {
        self.drain_frames();
        self.port.flush();
    }

    fn mac(&self) -> [u8; 6] {
        self.port.mac()
    }

    fn frame_max(&self) -> usize {
        match self.send {
            Some(_) => self.port.frame_max().min(PACKET_MAX),
            None => self.port.frame_max(),
        }
    }

    fn counters(&mut self) -> PortCounters {
        let below = self.port.counters();
        self.counted(below)
    }

    fn describe(&self) -> PortDescription {
        self.described(self.port.describe())
    }
}

impl<P: Port> Fault<P> {
    fn drain_datagrams(&mut self) {
        let Some(wire) = &mut self.send else { return };
        drain(wire, &mut self.counters, |label, bytes| {
            self.port.send(SocketAddrV4::new(label.dst.into(), label.dst_port), bytes)
        });
    }
}

impl<P: Port> Port for Fault<P> {
    fn poll(&mut self) -> usize {
        self.give_back();
        if self.send.as_mut().is_some_and(Wire::tick) {
            self.drain_datagrams();
            self.port.flush();
        }
        if !self.receive.tick() {
            return self.lend_nothing();
        }
        let came = if self.receive.has_room() { self.port.poll() } else { 0 };
        for index in 0..came {
            let Arrival { datagram, at } = self.port.arrival(index);
            let Datagram { src, dst, src_port, dst_port, payload, .. } = datagram;
            let label = Label { at, src, dst, src_port, dst_port };
            self.receive.put(label, payload.len(), &mut |place| place.copy_from_slice(payload));
        }
        if came == 0 {
            self.receive.idle();
        }
        self.lend()
    }

    fn arrival(&self, index: usize) -> Arrival<'_> {
        let Some((label, payload)) = self.lent(index) else { return nothing() };
        let Label { at, src, dst, src_port, dst_port } = *label;
        let datagram = Datagram { src, dst, src_port, dst_port, payload, ts_ns: at.wall };
        Arrival { datagram, at }
    }

    fn send(&mut self, to: SocketAddrV4, payload: &[u8]) -> Result<(), SendError> {
        let Some(wire) = &mut self.send else { return self.port.send(to, payload) };
        if payload.len() > PACKET_MAX {
            return Err(SendError::TooLong);
        }
        if !wire.has_room() {
            self.counters.tx_full += 1;
            return Err(SendError::Full);
        }
        let label = Label { dst: to.ip().octets(), dst_port: to.port(), ..Label::default() };
        wire.put(label, payload.len(), &mut |place| place.copy_from_slice(payload));
        Ok(())
    }

    fn flush(&mut self) {
        self.drain_datagrams();
        self.port.flush();
    }

    fn counters(&mut self) -> PortCounters {
        let below = self.port.counters();
        self.counted(below)
    }

    fn describe(&self) -> PortDescription {
        self.described(self.port.describe())
    }
}

impl<P> Fault<P> {
    fn lend_nothing(&mut self) -> usize {
        self.counters.burst(0);
        0
    }
}
