//! Bytes of the client's stream, cut into frames and held until they arrive.
//!
//! A byte stream may be cut anywhere, so an unfinished frame waits in a small buffer. A whole frame
//! is stamped with the time of its last byte, given its latency, and queued. The queue is a ring of
//! fixed slots: while it is full no further byte is taken, which is what a full socket does. A
//! frame that is longer than any order is skipped by its length and counted.

use nofx_types::Nanos;
use nofx_wire::soup::{self, Frame};

use crate::latency::{Line, Topic};

/// Longest payload that is kept: Enter Order with every optional field of OUCH 5.0 is 146.
pub(super) const PAYLOAD_MAX: usize = 192;
/// Packet type of the end of the connection, which is no frame.
pub(super) const GONE: u8 = 0;
const BUFFER: usize = PAYLOAD_MAX + soup::HEADER_LEN;

/// One frame on its way to the venue.
#[derive(Clone, Copy)]
pub(super) struct Arrival {
    pub due: Nanos,
    pub packet_type: u8,
    len: u8,
    bytes: [u8; PAYLOAD_MAX],
}

impl Arrival {
    const BLANK: Arrival =
        Arrival { due: Nanos(0), packet_type: 0, len: 0, bytes: [0; PAYLOAD_MAX] };

    pub fn payload(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

const _: () = assert!(PAYLOAD_MAX <= u8::MAX as usize);

/// Frames that were not queued, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InboxDrops {
    /// Longer than any request.
    pub oversize: u64,
    /// The framing was lost: the connection ended there.
    pub broken: u64,
    /// Bytes that came before a connection or after its end.
    pub unconnected_bytes: u64,
}

pub(super) struct Inbox {
    ring: Box<[Arrival]>,
    head: usize,
    len: usize,
    line: Line,
    /// The front of a frame whose rest has not come.
    partial: [u8; BUFFER],
    partial_len: usize,
    /// Bytes of an oversize frame still to be thrown away.
    skip: usize,
    connected: bool,
    pub drops: InboxDrops,
}

impl Inbox {
    pub fn new(capacity: usize, line: Line) -> Inbox {
        Inbox {
            ring: vec![Arrival::BLANK; capacity.max(1)].into_boxed_slice(),
            head: 0,
            len: 0,
            line,
            partial: [0; BUFFER],
            partial_len: 0,
            skip: 0,
            connected: true,
            drops: InboxDrops::default(),
        }
    }

    /// Takes bytes that the client sent at `sent`; returns how many were taken.
    pub fn push(&mut self, sent: Nanos, bytes: &[u8]) -> usize {
        let mut rest = bytes;
        while !rest.is_empty() {
            if !self.connected {
                self.drops.unconnected_bytes += rest.len() as u64;
                return bytes.len();
            }
            let taken = self.step(sent, rest);
            if taken == 0 {
                break; // full
            }
            rest = rest.get(taken..).unwrap_or(&[]);
        }
        bytes.len() - rest.len()
    }

    /// Takes a frame, a piece of one, or a piece of one that is thrown away.
    fn step(&mut self, sent: Nanos, bytes: &[u8]) -> usize {
        if self.skip > 0 {
            let taken = self.skip.min(bytes.len());
            self.skip -= taken;
            return taken;
        }
        if self.len == self.ring.len() {
            return 0;
        }
        if self.partial_len == 0
            && let Some(taken) = self.take_whole(sent, bytes)
        {
            return taken;
        }
        self.take_piece(sent, bytes)
    }

    /// The usual case, a whole frame at the front of `bytes`: read where it lies.
    fn take_whole(&mut self, sent: Nanos, bytes: &[u8]) -> Option<usize> {
        let total = 2 + usize::from(u16::from_be_bytes(*bytes.first_chunk::<2>()?));
        let frame = bytes.get(..total)?;
        if total > BUFFER {
            self.drops.oversize += 1;
        } else {
            self.enqueue(sent, frame);
        }
        Some(total)
    }

    /// Appends to the unfinished frame as much as it lacks, and queues it when it is whole.
    fn take_piece(&mut self, sent: Nanos, bytes: &[u8]) -> usize {
        let want = if self.partial_len < 2 { 2 } else { self.partial_total() };
        let taken = (want - self.partial_len).min(bytes.len());
        let Some(room) = self.partial.get_mut(self.partial_len..self.partial_len + taken) else {
            return bytes.len(); // never: `want` is at most BUFFER, checked when it became known
        };
        room.copy_from_slice(&bytes[..taken]);
        self.partial_len += taken;
        if self.partial_len < 2 {
            return taken;
        }
        let total = self.partial_total();
        if total > BUFFER {
            self.drops.oversize += 1;
            (self.skip, self.partial_len) = (total - self.partial_len, 0);
        } else if self.partial_len == total {
            let frame = self.partial;
            self.partial_len = 0;
            self.enqueue(sent, &frame[..total]);
        }
        taken
    }

    fn partial_total(&self) -> usize {
        2 + usize::from(u16::from_be_bytes([self.partial[0], self.partial[1]]))
    }

    fn enqueue(&mut self, sent: Nanos, frame: &[u8]) {
        match soup::next_frame(frame) {
            Ok(Some((parsed, _))) => {
                self.queue(sent, topic_of(&parsed), frame[2], &frame[soup::HEADER_LEN..]);
            }
            Ok(None) | Err(_) => {
                self.drops.broken += 1;
                self.hang_up(sent);
            }
        }
    }

    fn queue(&mut self, sent: Nanos, topic: Topic, packet_type: u8, payload: &[u8]) {
        let due = self.line.due(sent, topic);
        let at = (self.head + self.len) % self.ring.len();
        let slot = &mut self.ring[at];
        (slot.due, slot.packet_type, slot.len) = (due, packet_type, payload.len() as u8);
        slot.bytes[..payload.len()].copy_from_slice(payload);
        self.len += 1;
    }

    /// The next frame if it has arrived by `until`.
    pub fn pop(&mut self, until: Nanos) -> Option<Arrival> {
        let arrival = self.ring[self.head];
        if self.len == 0 || arrival.due > until {
            return None;
        }
        self.head = (self.head + 1) % self.ring.len();
        self.len -= 1;
        Some(arrival)
    }

    pub fn next_due(&self) -> Option<Nanos> {
        (self.len > 0).then(|| self.ring[self.head].due)
    }

    pub fn is_connected(&self) -> bool {
        self.connected
    }

    /// A new connection: what the old one left unfinished is gone; what it sent still arrives.
    pub fn connect(&mut self) {
        (self.connected, self.partial_len, self.skip) = (true, 0, 0);
    }

    /// The connection ends behind what was sent: the end arrives like a frame. When the queue is
    /// full the end takes the place of the last frame, which a broken connection may lose.
    pub fn hang_up(&mut self, sent: Nanos) {
        if !self.connected {
            return;
        }
        self.connected = false;
        self.len = self.len.min(self.ring.len() - 1);
        self.queue(sent, Topic::Other, GONE, &[]);
    }

    pub fn memory(&self) -> u64 {
        size_of_val(&*self.ring) as u64
    }
}

fn topic_of(frame: &Frame<'_>) -> Topic {
    match frame {
        Frame::Unsequenced([b'O', ..]) => Topic::New,
        Frame::Unsequenced([b'U', ..]) => Topic::Replace,
        Frame::Unsequenced([b'X' | b'C', ..]) => Topic::Cancel,
        _ => Topic::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::latency::Direction;

    fn inbox(capacity: usize) -> Inbox {
        let mut read = |_: &str| Err(std::io::Error::other("no file"));
        Inbox::new(capacity, Line::new(&Direction::fixed(10), "t", 0, &mut read).expect("fixed"))
    }

    fn drain(inbox: &mut Inbox) -> Vec<(u8, Vec<u8>)> {
        let pops = std::iter::from_fn(|| inbox.pop(Nanos(u64::MAX)));
        pops.map(|a| (a.packet_type, a.payload().to_vec())).collect()
    }

    /// Heartbeat, a cancel, an oversize frame, logout.
    fn stream() -> Vec<u8> {
        let mut bytes = vec![0, 1, b'R', 0, 10, 0x55, 0x58, 0, 0x75, 0x2e, 0x71, 0, 0, 0, 0];
        bytes.extend([0x01, 0x2d, b'U']);
        bytes.extend([7; 300]);
        bytes.extend([0, 1, b'O']);
        bytes
    }

    #[test]
    fn a_stream_cut_anywhere_gives_the_same_frames() {
        let whole = {
            let mut inbox = inbox(8);
            assert_eq!(inbox.push(Nanos(5), &stream()), stream().len());
            drain(&mut inbox)
        };
        assert_eq!(whole.len(), 3);
        assert_eq!(whole[1], (b'U', vec![0x58, 0, 0x75, 0x2e, 0x71, 0, 0, 0, 0]));
        for cut in 0..=stream().len() {
            let mut inbox = inbox(8);
            let (front, back) = (&stream()[..cut], &stream()[cut..]);
            assert_eq!(inbox.push(Nanos(1), front) + inbox.push(Nanos(2), back), stream().len());
            assert_eq!(drain(&mut inbox), whole, "cut at {cut}");
            assert_eq!(inbox.drops.oversize, 1);
        }
        let mut bytewise = inbox(8);
        stream().iter().for_each(|byte| assert_eq!(bytewise.push(Nanos(1), &[*byte]), 1));
        assert_eq!(drain(&mut bytewise), whole);
    }

    #[test]
    fn a_full_inbox_takes_no_bytes_and_goes_on_later() {
        let mut inbox = inbox(2);
        let heartbeats = [0, 1, b'R'].repeat(5);
        assert_eq!(inbox.push(Nanos(0), &heartbeats), 6);
        assert_eq!(inbox.pop(Nanos(9)).map(|a| a.due), None);
        assert_eq!(inbox.pop(Nanos(10)).map(|a| a.due), Some(Nanos(10)));
        assert_eq!(inbox.push(Nanos(0), &heartbeats[6..]), 3);
        assert_eq!(drain(&mut inbox).len(), 2);
    }

    #[test]
    fn lost_framing_ends_the_connection() {
        for broken in [&[0u8, 0, b'R'][..], &[0, 3, b'L', 1, 1]] {
            let mut inbox = inbox(4);
            assert_eq!(inbox.push(Nanos(0), broken), broken.len());
            assert!(!inbox.connected && inbox.drops.broken == 1);
            assert_eq!(inbox.push(Nanos(0), &[0, 1, b'R']), 3);
            assert!(inbox.drops.unconnected_bytes >= 3);
            assert_eq!(drain(&mut inbox), [(GONE, vec![])]);
            inbox.connect();
            inbox.push(Nanos(0), &[0, 1, b'R']);
            assert_eq!(drain(&mut inbox), [(b'R', vec![])]);
        }
    }
}
