//! One direction of a bad wire: what happens to each packet, and those that it holds back.
//!
//! Model: packets are copied into places made before. `ready` is the order in which they come out;
//! `held` are those that wait for a poll (delay) or for later packets to overtake them (reorder).
//! Time is the number of polls and of packets, so a run with the same seed and the same packets
//! per poll is the same run.

use std::collections::VecDeque;

use nofx_rt::rng::Rng;

use super::{FaultCounts, Faults};
use crate::port::RxStamp;

/// Packets that a direction holds, at most.
const PLACES: usize = 1_024;

/// Longest packet that it holds.
pub const PACKET_MAX: usize = 9_216;

/// What a packet is besides its bytes; frames have no addresses here.
#[derive(Clone, Copy, Debug, Default)]
pub struct Label {
    pub at: RxStamp,
    pub src: [u8; 4],
    pub dst: [u8; 4],
    pub src_port: u16,
    pub dst_port: u16,
}

struct Place {
    bytes: Vec<u8>,
    label: Label,
}

/// When a held packet comes out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    Poll(u64),
    Packet(u64),
}

pub struct Wire {
    faults: Faults,
    rng: Rng,
    places: Vec<Place>,
    free: Vec<usize>,
    ready: VecDeque<usize>,
    held: Vec<(Until, usize)>,
    polls: u64,
    packets: u64,
    stalled_until: u64,
    pub counts: FaultCounts,
}

impl Wire {
    pub fn new(seed: u64, faults: Faults) -> Wire {
        let place = || Place { bytes: Vec::with_capacity(PACKET_MAX), label: Label::default() };
        let places = if faults == Faults::default() { 2 * crate::port::BURST_MAX } else { PLACES };
        Wire {
            faults,
            rng: Rng::new(seed),
            places: (0..places).map(|_| place()).collect(),
            free: (0..places).collect(),
            ready: VecDeque::with_capacity(places),
            held: Vec::with_capacity(places),
            polls: 0,
            packets: 0,
            stalled_until: 0,
            counts: FaultCounts::default(),
        }
    }

    /// One poll passes. False while the wire stands still.
    pub fn tick(&mut self) -> bool {
        self.polls += 1;
        if self.polls < self.stalled_until {
            return false;
        }
        if self.hits(self.faults.stall_ppm) {
            self.counts.stalls += 1;
            self.stalled_until = self.polls + self.faults.stall_polls;
            return false;
        }
        let polls = self.polls;
        self.release(|until| matches!(until, Until::Poll(at) if at <= polls));
        true
    }

    /// Nothing came: nobody will overtake those that wait for it.
    pub fn idle(&mut self) {
        self.release(|until| matches!(until, Until::Packet(_)));
    }

    /// Whether a packet finds a place; its copy may need a second one.
    pub fn has_room(&self) -> bool {
        self.free.len() >= 2
    }

    /// Takes a packet and decides what happens to it. False when there is no room for it.
    pub fn put(&mut self, label: Label, len: usize, fill: &mut dyn FnMut(&mut [u8])) -> bool {
        self.packets += 1;
        if self.hits(self.faults.drop_ppm) {
            self.counts.dropped += 1;
            return true;
        }
        let Some(slot) = self.fill(label, len, fill) else { return false };
        if self.hits(self.faults.corrupt_ppm) {
            self.corrupt(slot);
        }
        if self.hits(self.faults.duplicate_ppm) {
            self.duplicate(slot);
        }
        self.place(slot);
        let packets = self.packets;
        self.release(|until| matches!(until, Until::Packet(at) if at <= packets));
        true
    }

    /// The next packet to come out, to be given back by [`Wire::give_back`].
    pub fn take(&mut self) -> Option<usize> {
        self.ready.pop_front()
    }

    /// The next packet to come out, which stays.
    pub fn peek(&self) -> Option<(&Label, &[u8])> {
        self.get(*self.ready.front()?)
    }

    /// A packet that was taken.
    pub fn get(&self, slot: usize) -> Option<(&Label, &[u8])> {
        self.places.get(slot).map(|place| (&place.label, place.bytes.as_slice()))
    }

    pub fn give_back(&mut self, slot: usize) {
        self.free.push(slot);
    }

    fn fill(&mut self, label: Label, len: usize, fill: &mut dyn FnMut(&mut [u8])) -> Option<usize> {
        if len > PACKET_MAX {
            self.counts.overrun += 1;
            return None;
        }
        let Some(slot) = self.free.pop() else {
            self.counts.overrun += 1;
            return None;
        };
        let place = self.places.get_mut(slot)?;
        place.bytes.clear();
        place.bytes.resize(len, 0);
        fill(&mut place.bytes);
        place.label = label;
        Some(slot)
    }

    fn corrupt(&mut self, slot: usize) {
        let draw = self.rng.next();
        let Some(place) = self.places.get_mut(slot) else { return };
        let bits = place.bytes.len() as u64 * 8;
        if let Some(bit) = draw.checked_rem(bits)
            && let Some(byte) = place.bytes.get_mut((bit / 8) as usize)
        {
            *byte ^= 1 << (bit % 8);
            self.counts.corrupted += 1;
        }
    }

    fn duplicate(&mut self, slot: usize) {
        let Some(copy) = self.free.pop() else { return };
        let (low, high) = (slot.min(copy), slot.max(copy));
        let (front, back) = self.places.split_at_mut(high);
        if let (Some(one), Some(other)) = (front.get_mut(low), back.first_mut()) {
            let (from, to) = if slot < copy { (one, other) } else { (other, one) };
            to.bytes.clone_from(&from.bytes);
            to.label = from.label;
        }
        self.counts.duplicated += 1;
        self.ready.push_back(copy);
    }

    fn place(&mut self, slot: usize) {
        if self.hits(self.faults.delay_ppm) {
            self.counts.delayed += 1;
            self.held.push((Until::Poll(self.polls + self.faults.delay_polls), slot));
        } else if self.hits(self.faults.reorder_ppm) {
            self.counts.reordered += 1;
            let behind = 1 + self.rng.below(self.faults.reorder_depth.max(1));
            self.held.push((Until::Packet(self.packets + behind), slot));
        } else {
            self.ready.push_back(slot);
        }
    }

    fn release(&mut self, due: impl Fn(Until) -> bool) {
        let ready = &mut self.ready;
        self.held.retain(|(until, slot)| {
            let stays = !due(*until);
            if !stays {
                ready.push_back(*slot);
            }
            stays
        });
    }

    /// Draws only where there is something to decide, so that one fault more does not change the
    /// others' draws where it is off.
    fn hits(&mut self, ppm: u32) -> bool {
        ppm > 0 && self.rng.chance(u64::from(ppm), 1_000_000)
    }
}
