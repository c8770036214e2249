//! The venue's voice: market happenings as ITCH 5.0 messages in MoldUDP64 packets.
//!
//! Model: a [`Publisher`] numbers messages (sequence, tracking number), stamps them and packs them
//! into one packet buffer. A packet leaves when the next message does not fit or belongs to a later
//! time slot, so that what happens within one slot shares a packet and nothing waits longer than a
//! slot. After a heartbeat interval without a packet a heartbeat tells the next sequence number.
//! Bytes go to an [`Outlet`], each message once and each packet once.
//!
//! Time is the venue's: nanoseconds since midnight, never backwards (an earlier time is raised to
//! the last one). Worst case: one packet per message; nothing allocates after construction.

mod happening;

pub use happening::Happening;

pub(crate) use happening::{Buffer, Stamp};
use nofx_types::Nanos;
use nofx_wire::itch;
use nofx_wire::mold::{self, PacketBuilder};
use nofx_wire::num::{Be16, Be64};

/// Least payload: a header and the longest message.
pub const PAYLOAD_MIN: usize = mold::HEADER_LEN + mold::BLOCK_LEN + itch::LENGTH_MAX;
/// Largest payload: what a datagram carries on Ethernet without fragments.
pub const PAYLOAD_MAX: usize = 1_472;
/// How often the end of a session is told.
const ENDS: u64 = 3;

/// Where the bytes go.
pub trait Outlet {
    /// What can go wrong there; the publisher stops and hands it on.
    type Error;
    /// A message, in sequence.
    fn message(&mut self, message: &[u8]) -> Result<(), Self::Error>;
    /// A packet that left at `at`, since midnight.
    fn packet(&mut self, at: Nanos, payload: &[u8]) -> Result<(), Self::Error>;
}

/// How packets are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublisherConfig {
    /// Session of the stream, space padded.
    pub session: [u8; 10],
    /// Largest payload in bytes, clamped to [`PAYLOAD_MIN`]..=[`PAYLOAD_MAX`].
    pub payload_max: usize,
    /// Width of a time slot in nanoseconds, at least 1.
    pub slot_ns: u64,
    /// Silence after which a heartbeat is sent, in nanoseconds, at least 1.
    pub heartbeat_ns: u64,
}

impl Default for PublisherConfig {
    fn default() -> Self {
        PublisherConfig {
            session: *b"0000000001",
            payload_max: 1_400,
            slot_ns: 10_000,
            heartbeat_ns: 1_000_000_000,
        }
    }
}

/// The publisher of one stream.
#[derive(Debug)]
pub struct Publisher {
    config: PublisherConfig,
    /// Time of the latest message.
    now: Nanos,
    /// When the latest packet left.
    sent: Nanos,
    /// Sequence number of the next message.
    next_seq: u64,
    tracking: u16,
    /// The open packet: messages and bytes so far.
    count: u16,
    used: usize,
    packet: Box<[u8]>,
}

impl Publisher {
    /// A stream that starts with sequence number 1 at `start`.
    pub fn new(config: &PublisherConfig, start: Nanos) -> Publisher {
        let payload_max = config.payload_max.clamp(PAYLOAD_MIN, PAYLOAD_MAX);
        let config = PublisherConfig {
            payload_max,
            slot_ns: config.slot_ns.max(1),
            heartbeat_ns: config.heartbeat_ns.max(1),
            ..*config
        };
        Publisher {
            config,
            now: start,
            sent: start,
            next_seq: 1,
            tracking: 0,
            count: 0,
            used: mold::HEADER_LEN,
            packet: vec![0; payload_max].into_boxed_slice(),
        }
    }

    /// Sequence number of the next message.
    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Tells that `what` happened at `at`; `locate` is 0 where it concerns no single instrument.
    #[inline]
    pub fn publish<O: Outlet>(
        &mut self,
        at: Nanos,
        locate: u16,
        what: &Happening,
        out: &mut O,
    ) -> Result<(), O::Error> {
        self.poll(at, out)?;
        self.tracking = self.tracking.wrapping_add(1);
        let stamp = Stamp { locate, tracking: self.tracking, ts_ns: self.now.0 };
        let mut buffer: Buffer = [0; itch::LENGTH_MAX];
        let message = what.encode(stamp, &mut buffer);
        out.message(message)?;
        if self.used + mold::BLOCK_LEN + message.len() > self.packet.len()
            || self.count == mold::COUNT_MAX
        {
            self.flush(out)?;
        }
        self.append(message);
        Ok(())
    }

    /// Time has come to `now`: the packet of a slot that is over leaves, and heartbeats are told.
    #[inline]
    pub fn poll<O: Outlet>(&mut self, now: Nanos, out: &mut O) -> Result<(), O::Error> {
        let now = now.max(self.now);
        if self.count > 0 && now.0 / self.config.slot_ns != self.now.0 / self.config.slot_ns {
            self.flush(out)?;
        }
        while self.count == 0 && now.since(self.sent) > self.config.heartbeat_ns {
            self.sent = self.sent.plus(self.config.heartbeat_ns);
            self.empty(false, out)?;
        }
        self.now = now;
        Ok(())
    }

    /// Sends what is packed.
    pub fn flush<O: Outlet>(&mut self, out: &mut O) -> Result<(), O::Error> {
        if self.count == 0 {
            return Ok(());
        }
        let header = mold::Header {
            session: self.config.session,
            seq: Be64::new(self.next_seq - u64::from(self.count)),
            count: Be16::new(self.count),
        };
        self.packet[..mold::HEADER_LEN].copy_from_slice(header.bytes());
        out.packet(self.now, &self.packet[..self.used])?;
        (self.sent, self.count, self.used) = (self.now, 0, mold::HEADER_LEN);
        Ok(())
    }

    /// Sends what is packed and tells the end of the session, three times a heartbeat apart.
    pub fn end<O: Outlet>(&mut self, out: &mut O) -> Result<(), O::Error> {
        self.flush(out)?;
        self.sent = self.now;
        for _ in 0..ENDS {
            self.sent = self.sent.plus(self.config.heartbeat_ns);
            self.empty(true, out)?;
        }
        Ok(())
    }

    fn append(&mut self, message: &[u8]) {
        let (prefix, body) = self.packet[self.used..].split_at_mut(mold::BLOCK_LEN);
        prefix.copy_from_slice(&(message.len() as u16).to_be_bytes());
        body[..message.len()].copy_from_slice(message);
        self.used += mold::BLOCK_LEN + message.len();
        self.count += 1;
        self.next_seq += 1;
    }

    /// A packet without messages: a heartbeat, or the end of the session.
    fn empty<O: Outlet>(&mut self, end: bool, out: &mut O) -> Result<(), O::Error> {
        let mut header = [0; mold::HEADER_LEN];
        let session = &self.config.session;
        let Some(packet) = PacketBuilder::new(&mut header, session, self.next_seq) else {
            return Ok(());
        };
        out.packet(self.sent, if end { packet.finish_session() } else { packet.finish() })
    }
}
