//! Datagrams that wait behind a hole, in memory allocated at start.
//!
//! Model: `slots` blocks of `slot_bytes` each, a stack of free ones, and a queue of what waits,
//! sorted by first sequence number. A datagram mostly comes with the highest number yet, so the
//! sorted insert is a push at the back; the worst case moves the whole queue once.

use std::collections::VecDeque;

use nofx_types::Nanos;

use super::Datagram;

/// A datagram that waits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parked {
    pub seq: u64,
    pub count: u16,
    len: u32,
    slot: u32,
    at: Nanos,
    pub packet_no: u64,
    pub send_ns: u64,
}

impl Parked {
    /// One past its last sequence number.
    pub fn end(&self) -> u64 {
        self.seq + u64::from(self.count) // checked when the datagram was accepted
    }
}

pub(super) struct Park {
    bytes: Box<[u8]>,
    slot_bytes: usize,
    free: Vec<u32>,
    queue: VecDeque<Parked>,
}

impl Park {
    pub fn new(slots: usize, slot_bytes: usize) -> Park {
        Park {
            bytes: vec![0; slots * slot_bytes].into_boxed_slice(),
            slot_bytes,
            free: (0..slots as u32).rev().collect(),
            queue: VecDeque::with_capacity(slots),
        }
    }

    /// Copies a datagram in; false when no slot is free or it is longer than a slot.
    pub fn push(&mut self, datagram: &Datagram<'_>, at: Nanos, packet_no: u64) -> bool {
        let Datagram { seq, count, blocks, send_ns, .. } = *datagram;
        if blocks.len() > self.slot_bytes {
            return false;
        }
        let Some(slot) = self.free.pop() else { return false };
        let start = slot as usize * self.slot_bytes;
        let Some(room) = self.bytes.get_mut(start..start + blocks.len()) else { return false };
        room.copy_from_slice(blocks);
        let parked = Parked { seq, count, len: blocks.len() as u32, slot, at, packet_no, send_ns };
        let place = self.queue.partition_point(|other| other.seq <= seq);
        self.queue.insert(place, parked);
        true
    }

    /// Takes out the first datagram if it starts at or before `expected`. Its bytes stay readable
    /// until [`Park::release`].
    pub fn pop_up_to(&mut self, expected: u64) -> Option<Parked> {
        if self.queue.front()?.seq > expected {
            return None;
        }
        self.queue.pop_front()
    }

    pub fn bytes(&self, parked: &Parked) -> &[u8] {
        let start = parked.slot as usize * self.slot_bytes;
        self.bytes.get(start..start + parked.len as usize).unwrap_or(&[])
    }

    pub fn release(&mut self, parked: Parked) {
        self.free.push(parked.slot);
    }

    /// Whether one waiting datagram holds all of `seq..end`.
    pub fn covers(&self, seq: u64, end: u64) -> bool {
        let behind = self.queue.partition_point(|other| other.seq <= seq);
        let front = self.queue.range(..behind);
        // Copies start at the same number, so the neighbours on the left are enough; a datagram
        // that is covered by one further left is parked once more and skipped when drained.
        front.rev().take(4).any(|other| other.end() >= end)
    }

    /// The first numbers at or behind `from` that no waiting datagram holds: `first..end`.
    pub fn hole_from(&self, from: u64) -> (u64, u64) {
        let behind = self.queue.partition_point(|other| other.seq <= from);
        let left = self.queue.range(..behind).rev().take(4).map(Parked::end);
        let mut first = left.fold(from, u64::max);
        for parked in self.queue.range(behind..) {
            if parked.seq > first {
                return (first, parked.seq);
            }
            first = first.max(parked.end());
        }
        (first, u64::MAX)
    }

    pub fn first_seq(&self) -> Option<u64> {
        self.queue.front().map(|parked| parked.seq)
    }

    /// When the first waiting datagram came.
    pub fn first_at(&self) -> Option<Nanos> {
        self.queue.front().map(|parked| parked.at)
    }

    pub fn len(&self) -> usize {
        self.queue.len()
    }

    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub fn clear(&mut self) {
        while let Some(parked) = self.queue.pop_front() {
            self.free.push(parked.slot);
        }
    }
}
