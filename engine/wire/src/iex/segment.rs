//! IEX-TP v1: one datagram is one segment.
//!
//! A segment that says more than it holds keeps its good front: the blocks before the one that
//! runs over the end are delivered and [`Segment::missing`] tells how many were promised and are
//! not there, so that the receiver treats those sequence numbers as a gap.

use core::fmt;

use crate::num::{Le16, Le32, LeI64};
use crate::record::record;

record! {
    /// Header of a segment.
    SegmentHeader, 40 {
        /// [`VERSION`].
        0 version: u8,
        /// Ignored.
        1 reserved: u8,
        /// The feed: ids in [`super::Protocol`].
        2 protocol_id: Le16,
        /// Stream within the feed.
        4 channel_id: Le32,
        /// Incarnation of the stream.
        8 session_id: Le32,
        /// Bytes after this header, block lengths included.
        12 payload_length: Le16,
        /// Number of blocks; 0 is a heartbeat.
        14 message_count: Le16,
        /// Position of the payload in the stream; in a heartbeat: next byte to be sent.
        16 stream_offset: LeI64,
        /// Sequence number of the first block; in a heartbeat: next to be sent.
        24 first_seq: LeI64,
        /// When the segment was sent, nanoseconds since 1970 UTC.
        32 send_ns: LeI64,
    }
}

/// Bytes before the first block.
pub const HEADER_LEN: usize = size_of::<SegmentHeader>();
/// The transport version that this module reads.
pub const VERSION: u8 = 1;

/// Why a datagram was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentError {
    /// Shorter than its header.
    Short,
    /// Another transport version.
    Version(u8),
    /// The payload is longer than the datagram.
    PayloadOverrun,
    /// Blocks without payload, or payload without blocks.
    CountMismatch,
    /// A sequence number or stream offset below zero or beyond 63 bits.
    SeqRange,
}

impl fmt::Display for SegmentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short => f.write_str("shorter than an IEX-TP header (40 bytes)"),
            Self::Version(version) => write!(f, "transport version {version}, want {VERSION}"),
            Self::PayloadOverrun => f.write_str("payload runs over the end of the datagram"),
            Self::CountMismatch => f.write_str("message count and payload length disagree"),
            Self::SeqRange => f.write_str("sequence number or stream offset out of range"),
        }
    }
}

impl core::error::Error for SegmentError {}

/// A datagram whose blocks were all checked.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    header: &'a SegmentHeader,
    blocks: &'a [u8],
    whole: u16,
    trailing: usize,
}

impl<'a> Segment<'a> {
    /// Checks `datagram` (a UDP payload, without Ethernet padding) from end to end.
    #[inline]
    pub fn parse(datagram: &'a [u8]) -> Result<Self, SegmentError> {
        let header = SegmentHeader::parse(datagram).ok_or(SegmentError::Short)?;
        if header.version != VERSION {
            return Err(SegmentError::Version(header.version));
        }
        let length = usize::from(header.payload_length.get());
        let body = datagram.get(HEADER_LEN..).unwrap_or(&[]);
        let payload = body.get(..length).ok_or(SegmentError::PayloadOverrun)?;
        let count = header.message_count.get();
        if (count == 0) != (length == 0) {
            return Err(SegmentError::CountMismatch);
        }
        let in_range = |first: i64, by: i64| first >= 0 && first.checked_add(by).is_some();
        if !in_range(header.first_seq.get(), i64::from(count))
            || !in_range(header.stream_offset.get(), i64::from(header.payload_length.get()))
        {
            return Err(SegmentError::SeqRange);
        }
        let mut walk = Blocks { rest: payload };
        let mut whole = 0;
        while whole < count && walk.next().is_some() {
            whole += 1;
        }
        let unread = walk.rest.len();
        let blocks = payload.get(..length - unread).unwrap_or(&[]);
        let trailing = if whole == count { body.len() - blocks.len() } else { body.len() - length };
        Ok(Segment { header, blocks, whole, trailing })
    }

    /// The header, for the identity of the stream and the time of sending.
    #[inline]
    pub fn header(&self) -> &'a SegmentHeader {
        self.header
    }

    /// Sequence number of the first block; in a heartbeat, of the next to be sent.
    #[inline]
    pub fn seq(&self) -> u64 {
        self.header.first_seq.get().unsigned_abs()
    }

    /// Sequence number that follows this segment; never overflows.
    #[inline]
    pub fn next_seq(&self) -> u64 {
        self.seq() + u64::from(self.header.message_count.get())
    }

    /// Position in the stream that follows this segment.
    #[inline]
    pub fn next_offset(&self) -> u64 {
        let offset = self.header.stream_offset.get().unsigned_abs();
        offset + u64::from(self.header.payload_length.get())
    }

    /// Whether it carries nothing.
    #[inline]
    pub fn is_heartbeat(&self) -> bool {
        self.header.message_count.get() == 0
    }

    /// Number of blocks that are there.
    #[inline]
    pub fn count(&self) -> u16 {
        self.whole
    }

    /// Blocks that the header promises and the datagram does not hold: sequence numbers
    /// `seq() + count()..next_seq()`.
    #[inline]
    pub fn missing(&self) -> u16 {
        self.header.message_count.get() - self.whole
    }

    /// The blocks that are there, in order: the first has sequence number [`Segment::seq`]. An
    /// empty block has no type; the receiver counts and skips it.
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

/// Messages of a [`Segment`].
#[derive(Clone, Copy, Debug)]
pub struct Blocks<'a> {
    rest: &'a [u8],
}

impl<'a> Blocks<'a> {
    /// The bytes not yet taken.
    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Blocks<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.rest.split_first_chunk::<2>()?;
        let (block, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
        self.rest = rest;
        Some(block)
    }
}
