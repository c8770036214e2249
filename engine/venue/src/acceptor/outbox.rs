//! Frames on their way to the client, each with the time it arrives.
//!
//! A ring of fixed slots, in the order of the stream: the line's latency never lets one overtake
//! another. Sequenced messages are also kept in a history, from which a client that reconnects and
//! asks for number n is served again. The caller asks for [`Outbox::room`] before it speaks; a push
//! beyond it is refused and changes nothing.

use nofx_types::Nanos;
use nofx_wire::{ouch50, soup};

use crate::latency::{Line, Topic};

/// Longest frame: the longest OUCH message without optional fields. A login accepted is shorter.
pub(super) const FRAME_MAX: usize = soup::HEADER_LEN + ouch50::FIXED_MAX;

#[derive(Clone, Copy)]
struct Slot {
    due: Nanos,
    len: u8,
    bytes: [u8; FRAME_MAX],
}

#[derive(Clone, Copy)]
struct Kept {
    len: u8,
    bytes: [u8; ouch50::FIXED_MAX],
}

const _: () = assert!(FRAME_MAX <= u8::MAX as usize);

pub(super) struct Outbox {
    ring: Box<[Slot]>,
    head: usize,
    len: usize,
    line: Line,
    history: Box<[Kept]>,
    next_seq: u64,
    /// Whether a client is logged in; without one, messages only go to the history.
    online: bool,
    /// When the venue last said anything.
    last_sent: Nanos,
}

/// There is no room, or the message is longer than a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoRoom;

impl Outbox {
    pub fn new(capacity: usize, history: usize, line: Line) -> Outbox {
        let slot = Slot { due: Nanos(0), len: 0, bytes: [0; FRAME_MAX] };
        let kept = Kept { len: 0, bytes: [0; ouch50::FIXED_MAX] };
        Outbox {
            ring: vec![slot; capacity.max(1)].into_boxed_slice(),
            head: 0,
            len: 0,
            line,
            history: vec![kept; history.max(1)].into_boxed_slice(),
            next_seq: 1,
            online: false,
            last_sent: Nanos(0),
        }
    }

    /// Frames that may still be pushed.
    #[inline]
    pub fn room(&self) -> usize {
        self.ring.len() - self.len
    }

    /// Number of the next sequenced message.
    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }

    pub fn last_sent(&self) -> Nanos {
        self.last_sent
    }

    /// Pushes a session frame (login, heartbeat), which has no number.
    pub fn push_control(&mut self, at: Nanos, frame: &[u8]) -> Result<(), NoRoom> {
        let len = u8::try_from(frame.len()).map_err(|_| NoRoom)?;
        let slot = self.next_slot().ok_or(NoRoom)?;
        slot.bytes.get_mut(..frame.len()).ok_or(NoRoom)?.copy_from_slice(frame);
        slot.len = len;
        self.sent(at, Topic::Other);
        Ok(())
    }

    /// Gives `message` the next number, keeps it, and pushes it when a client is there; it is kept
    /// also where there is no room to push it.
    pub fn push_sequenced(
        &mut self,
        at: Nanos,
        topic: Topic,
        message: &[u8],
    ) -> Result<(), NoRoom> {
        if message.len() > ouch50::FIXED_MAX {
            return Err(NoRoom);
        }
        let row = (self.next_seq % self.history.len() as u64) as usize;
        let kept = &mut self.history[row];
        kept.len = message.len() as u8;
        kept.bytes[..message.len()].copy_from_slice(message);
        self.next_seq += 1;
        if self.online { self.push_message(at, topic, message) } else { Ok(()) }
    }

    /// Pushes message `seq` again; it must be in the history.
    pub fn push_again(&mut self, at: Nanos, seq: u64) -> Result<(), NoRoom> {
        let kept = self.history[(seq % self.history.len() as u64) as usize];
        self.push_message(at, Topic::Other, &kept.bytes[..usize::from(kept.len)])
    }

    /// Whether every message from `seq` on is still kept.
    pub fn keeps_from(&self, seq: u64) -> bool {
        seq >= 1 && seq <= self.next_seq && self.next_seq - seq <= self.history.len() as u64
    }

    fn push_message(&mut self, at: Nanos, topic: Topic, message: &[u8]) -> Result<(), NoRoom> {
        let slot = self.next_slot().ok_or(NoRoom)?;
        let len = soup::put_frame(&mut slot.bytes, b'S', message).ok_or(NoRoom)?;
        slot.len = len as u8;
        self.sent(at, topic);
        Ok(())
    }

    fn next_slot(&mut self) -> Option<&mut Slot> {
        let at = (self.head + self.len) % self.ring.len();
        if self.room() == 0 { None } else { self.ring.get_mut(at) }
    }

    /// The slot behind the last one was filled: it is on its way.
    fn sent(&mut self, at: Nanos, topic: Topic) {
        let slot = (self.head + self.len) % self.ring.len();
        self.ring[slot].due = self.line.due(at, topic);
        self.len += 1;
        self.last_sent = self.last_sent.max(at);
    }

    /// The next frame if it has arrived by `now`, and when it did.
    #[inline]
    pub fn pop(&mut self, now: Nanos) -> Option<(Nanos, &[u8])> {
        if self.len == 0 || self.ring[self.head].due > now {
            return None;
        }
        let slot = &self.ring[self.head];
        self.head = (self.head + 1) % self.ring.len();
        self.len -= 1;
        Some((slot.due, &slot.bytes[..usize::from(slot.len)]))
    }

    pub fn next_due(&self) -> Option<Nanos> {
        (self.len > 0).then(|| self.ring[self.head].due)
    }

    pub fn memory(&self) -> u64 {
        (size_of_val(&*self.ring) + size_of_val(&*self.history)) as u64
    }

    pub fn connect(&mut self) {
        self.online = true;
    }

    /// The connection ended: what is under way does not arrive. Numbers and history stay.
    pub fn disconnect(&mut self) {
        (self.head, self.len, self.online) = (0, 0, false);
    }
}
