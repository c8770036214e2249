//! MoldUDP64 1.00: a run of numbered messages in one datagram.
//!
//! All numbers are big-endian; a message never spans datagrams.
//!
//! | offset | length | field |
//! |---|---|---|
//! | 0 | 10 | session, space padded |
//! | 10 | 8 | sequence number of the first message; without messages: the next to be sent |
//! | 18 | 2 | message count; 0 heartbeat, 0xFFFF end of session |
//! | 20 | .. | count times: u16 length, then that many bytes |
//!
//! Model: [`Packet::parse`] walks all blocks once, checked; a block that runs over the end drops the
//! whole datagram, so a receiver never delivers half of one. The iterator then needs no count and
//! no second kind of error. A block of length 0 is legal: it uses up a sequence number and carries
//! nothing. Worst case: a datagram of 32,742 empty blocks, two loads and two compares for each.

use core::fmt;

use crate::num::{Be16, Be64};
use crate::record::record;

record! {
    /// Header of a downstream packet; the same bytes are the whole of a request.
    Header, 20 {
        /// Stream instance, space padded.
        0 session: [u8; 10],
        /// Sequence number of the first message (request: first wanted).
        10 seq: Be64,
        /// Number of messages (request: how many are wanted).
        18 count: Be16,
    }
}

/// A request for messages to a re-request server: 20 bytes, unicast.
pub type Request = Header;

/// Bytes before the first block.
pub const HEADER_LEN: usize = size_of::<Header>();
/// Bytes before each message.
pub const BLOCK_LEN: usize = 2;
/// Most messages of a packet: the next count means end of session.
pub const COUNT_MAX: u16 = END_OF_SESSION - 1;

const HEARTBEAT: u16 = 0;
const END_OF_SESSION: u16 = 0xFFFF;

/// What a packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// This many messages, at least one.
    Data(u16),
    /// Nothing to send; the sequence number is the next one.
    Heartbeat,
    /// No more messages will come; the sequence number is one past the last.
    EndOfSession,
}

/// Why a datagram was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoldError {
    /// Shorter than its header.
    Short,
    /// A block runs over the end.
    Overrun,
    /// Sequence numbers beyond 64 bits.
    SeqRange,
}

impl fmt::Display for MoldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Short => "shorter than a MoldUDP64 header (20 bytes)",
            Self::Overrun => "a message block runs over the end of the datagram",
            Self::SeqRange => "sequence numbers beyond 64 bits",
        })
    }
}

impl core::error::Error for MoldError {}

/// A datagram whose blocks were all checked.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    header: &'a Header,
    blocks: &'a [u8],
    trailing: usize,
}

impl<'a> Packet<'a> {
    /// Checks `datagram` (a UDP payload) from end to end.
    #[inline]
    pub fn parse(datagram: &'a [u8]) -> Result<Self, MoldError> {
        let header = Header::parse(datagram).ok_or(MoldError::Short)?;
        let body = datagram.get(HEADER_LEN..).unwrap_or(&[]);
        let count = match header.count.get() {
            END_OF_SESSION => 0,
            count => count,
        };
        header.seq.get().checked_add(u64::from(count)).ok_or(MoldError::SeqRange)?;
        let mut walk = Blocks { rest: body };
        for _ in 0..count {
            walk.next().ok_or(MoldError::Overrun)?;
        }
        let trailing = walk.rest.len();
        let blocks = body.get(..body.len() - trailing).unwrap_or(&[]);
        Ok(Packet { header, blocks, trailing })
    }

    /// The stream instance.
    #[inline]
    pub fn session(&self) -> &'a [u8; 10] {
        &self.header.session
    }

    /// Sequence number of the first message; without messages, of the next to be sent.
    #[inline]
    pub fn seq(&self) -> u64 {
        self.header.seq.get()
    }

    /// What the packet is.
    #[inline]
    pub fn kind(&self) -> Kind {
        match self.header.count.get() {
            HEARTBEAT => Kind::Heartbeat,
            END_OF_SESSION => Kind::EndOfSession,
            count => Kind::Data(count),
        }
    }

    /// Number of messages, 0 for a heartbeat and the end of session.
    #[inline]
    pub fn count(&self) -> u16 {
        match self.kind() {
            Kind::Data(count) => count,
            Kind::Heartbeat | Kind::EndOfSession => 0,
        }
    }

    /// Sequence number that follows this packet; never overflows.
    #[inline]
    pub fn next_seq(&self) -> u64 {
        self.seq() + u64::from(self.count())
    }

    /// The messages in order: the first has sequence number [`Packet::seq`].
    #[inline]
    pub fn blocks(&self) -> Blocks<'a> {
        Blocks { rest: self.blocks }
    }

    /// Bytes after the last block, which the receiver counts and ignores.
    #[inline]
    pub fn trailing(&self) -> usize {
        self.trailing
    }
}

/// Messages of a [`Packet`].
#[derive(Clone, Copy, Debug)]
pub struct Blocks<'a> {
    rest: &'a [u8],
}

impl<'a> Blocks<'a> {
    /// The bytes not yet taken, for a look ahead.
    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Blocks<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.rest.split_first_chunk::<BLOCK_LEN>()?;
        let (block, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        self.rest = rest;
        Some(block)
    }
}

/// Builds a packet in a buffer of the caller; the buffer's length is the largest payload.
#[derive(Debug)]
pub struct PacketBuilder<'a> {
    buffer: &'a mut [u8],
    used: usize,
    count: u16,
}

/// The message does not fit the packet any more: finish this one and start another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketFull;

impl<'a> PacketBuilder<'a> {
    /// Starts a packet whose first message has sequence number `seq`; `None` when `buffer` does
    /// not hold a header.
    pub fn new(buffer: &'a mut [u8], session: &[u8; 10], seq: u64) -> Option<Self> {
        let header = Header { session: *session, seq: Be64::new(seq), count: Be16::new(HEARTBEAT) };
        buffer.get_mut(..HEADER_LEN)?.copy_from_slice(header.bytes());
        Some(PacketBuilder { buffer, used: HEADER_LEN, count: 0 })
    }

    /// Appends a message.
    pub fn push(&mut self, message: &[u8]) -> Result<(), PacketFull> {
        let length = u16::try_from(message.len()).map_err(|_| PacketFull)?;
        if self.count == COUNT_MAX {
            return Err(PacketFull);
        }
        let end = self.used + BLOCK_LEN + message.len();
        let block = self.buffer.get_mut(self.used..end).ok_or(PacketFull)?;
        let (prefix, body) = block.split_at_mut(BLOCK_LEN);
        prefix.copy_from_slice(&length.to_be_bytes());
        body.copy_from_slice(message);
        self.used = end;
        self.count += 1;
        Ok(())
    }

    /// Messages so far.
    pub fn count(&self) -> u16 {
        self.count
    }

    /// Bytes so far.
    pub fn len(&self) -> usize {
        self.used
    }

    /// Whether no message was pushed: finished like this it is a heartbeat.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The packet: with messages data, without a heartbeat.
    pub fn finish(self) -> &'a [u8] {
        let count = self.count;
        self.seal(count)
    }

    /// The packet as end of session; messages that were pushed are dropped.
    pub fn finish_session(mut self) -> &'a [u8] {
        self.used = HEADER_LEN;
        self.seal(END_OF_SESSION)
    }

    fn seal(self, count: u16) -> &'a [u8] {
        let buffer: &'a [u8] = {
            let slot = self.buffer.get_mut(HEADER_LEN - 2..HEADER_LEN);
            slot.into_iter().for_each(|slot| slot.copy_from_slice(&count.to_be_bytes()));
            self.buffer
        };
        buffer.get(..self.used).unwrap_or(&[])
    }
}
