//! Packets: a run of numbered messages in one datagram, or in the stream of a retransmission server.

use core::fmt;

use bytemuck::Pod;

use super::MessageHeader;
use crate::num::{Le16, Le32, Le64};
use crate::record::record;

record! {
    /// What a packet begins with.
    PacketHeader, 16 {
        /// Bytes of the whole packet, these sixteen included.
        0 pkt_size: Le16,
        /// Messages; 0 is a heartbeat.
        2 msg_count: u8,
        /// Skipped.
        3 filler: u8,
        /// Sequence number of the first message; of a heartbeat, of the next one to be sent.
        4 seq_num: Le32,
        /// When it was sent, nanoseconds since 1970 UTC.
        8 send_time: Le64,
    }
}

/// Bytes before the first message.
pub const HEADER_LEN: usize = size_of::<PacketHeader>();
/// Largest packet of a multicast channel: an Ethernet frame without the headers of IPv4 and UDP.
pub const PACKET_MAX: usize = 1_500 - 28;
/// Largest packet that `pkt_size` can state.
pub const STREAM_PACKET_MAX: usize = u16::MAX as usize;

/// Why a packet was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketError {
    /// Shorter than its header.
    Short,
    /// `pkt_size` is not the length of the datagram, or below that of a header.
    Size,
    /// A message shorter than its own header.
    MessageSize,
    /// A message runs over the end.
    Overrun,
    /// Bytes behind the last message.
    Trailing,
    /// Sequence numbers beyond 32 bits.
    SeqRange,
}

impl fmt::Display for PacketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Short => "shorter than a packet header (16 bytes)",
            Self::Size => "its stated size is not its length",
            Self::MessageSize => "a message is shorter than its header (4 bytes)",
            Self::Overrun => "a message runs over the end of the packet",
            Self::Trailing => "bytes behind the last message",
            Self::SeqRange => "sequence numbers beyond 32 bits",
        })
    }
}

impl core::error::Error for PacketError {}

/// A packet whose messages were all walked: their sizes use it exactly.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    header: &'a PacketHeader,
    messages: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Checks `datagram` (a UDP payload) from end to end.
    #[inline]
    pub fn parse(datagram: &'a [u8]) -> Result<Packet<'a>, PacketError> {
        let header = PacketHeader::parse(datagram).ok_or(PacketError::Short)?;
        if usize::from(header.pkt_size.get()) != datagram.len() {
            return Err(PacketError::Size);
        }
        header
            .seq_num
            .get()
            .checked_add(u32::from(header.msg_count))
            .ok_or(PacketError::SeqRange)?;
        let messages = datagram.get(HEADER_LEN..).unwrap_or(&[]);
        let mut rest = messages;
        for _ in 0..header.msg_count {
            rest = split_message(rest)?.1;
        }
        if !rest.is_empty() {
            return Err(PacketError::Trailing);
        }
        Ok(Packet { header, messages })
    }

    /// The header.
    #[inline]
    pub fn header(&self) -> &'a PacketHeader {
        self.header
    }

    /// Sequence number of the first message; of a heartbeat, of the next one to be sent.
    #[inline]
    pub fn seq(&self) -> u32 {
        self.header.seq_num.get()
    }

    /// Number of messages.
    #[inline]
    pub fn count(&self) -> u8 {
        self.header.msg_count
    }

    /// Sequence number that follows this packet; never overflows.
    #[inline]
    pub fn next_seq(&self) -> u32 {
        self.seq() + u32::from(self.count())
    }

    /// Whether it says only that the channel lives.
    #[inline]
    pub fn is_heartbeat(&self) -> bool {
        self.count() == 0
    }

    /// The messages in order, each with its own header.
    #[inline]
    pub fn messages(&self) -> Messages<'a> {
        Messages { rest: self.messages }
    }
}

/// Messages of a [`Packet`].
#[derive(Clone, Copy, Debug)]
pub struct Messages<'a> {
    rest: &'a [u8],
}

impl<'a> Messages<'a> {
    /// The bytes not yet taken.
    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let (message, rest) = split_message(self.rest).ok()?;
        self.rest = rest;
        Some(message)
    }
}

/// The first message of `bytes`, header included, and what follows it.
#[inline]
pub fn split_message(bytes: &[u8]) -> Result<(&[u8], &[u8]), PacketError> {
    let header = MessageHeader::parse(bytes).ok_or(PacketError::Overrun)?;
    let size = usize::from(header.msg_size.get());
    if size < size_of::<MessageHeader>() {
        return Err(PacketError::MessageSize);
    }
    bytes.split_at_checked(size).ok_or(PacketError::Overrun)
}

/// The type of a message; `None` when it has no header.
#[inline]
pub fn type_of(message: &[u8]) -> Option<u16> {
    MessageHeader::parse(message).map(|header| header.msg_type.get())
}

/// Bytes of the packet at the front of a stream; `None` when more are needed to know. A size that
/// holds no header cannot be stepped over: the stream is of no use any more.
#[inline]
pub fn stream_packet_len(bytes: &[u8]) -> Result<Option<usize>, PacketError> {
    let Some((size, _)) = bytes.split_first_chunk::<2>() else { return Ok(None) };
    match usize::from(u16::from_le_bytes(*size)) {
        size if size < HEADER_LEN => Err(PacketError::Size),
        size => Ok(Some(size)),
    }
}

/// Writes a packet into a buffer of the caller, message by message; sizes and the count are patched.
///
/// ```
/// use nofx_wire::omdc::{DeleteOrder, Packet, PacketWriter};
/// let mut buffer = [0; 1472];
/// let mut writer = PacketWriter::new(&mut buffer, 7, 1_700_000_000_000_000_000).unwrap();
/// writer.push(DeleteOrder { security_code: 700.into(), ..DeleteOrder::blank() }.bytes()).unwrap();
/// let packet = Packet::parse(writer.finish()).unwrap();
/// assert_eq!((packet.seq(), packet.next_seq()), (7, 8));
/// ```
#[derive(Debug)]
pub struct PacketWriter<'a> {
    buffer: &'a mut [u8],
    used: usize,
    count: u8,
    seq: u32,
}

/// The message does not fit the packet any more: finish this one and start another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketFull;

impl<'a> PacketWriter<'a> {
    /// Starts a packet of at most [`PACKET_MAX`] bytes (less if `buffer` is shorter) whose first
    /// message has number `seq`; `None` when `buffer` does not hold a header.
    pub fn new(buffer: &'a mut [u8], seq: u32, send_time: u64) -> Option<PacketWriter<'a>> {
        PacketWriter::limited(buffer, PACKET_MAX, seq, send_time)
    }

    /// As [`PacketWriter::new`], with another limit: packets of a stream may be longer.
    pub fn limited(
        buffer: &'a mut [u8],
        limit: usize,
        seq: u32,
        send_time: u64,
    ) -> Option<PacketWriter<'a>> {
        let limit = limit.min(STREAM_PACKET_MAX).min(buffer.len());
        let buffer = buffer.get_mut(..limit)?;
        let header = PacketHeader {
            pkt_size: Le16::new(HEADER_LEN as u16),
            msg_count: 0,
            filler: 0,
            seq_num: Le32::new(seq),
            send_time: Le64::new(send_time),
        };
        buffer.get_mut(..HEADER_LEN)?.copy_from_slice(header.bytes());
        Some(PacketWriter { buffer, used: HEADER_LEN, count: 0, seq })
    }

    /// Appends a message, its header included; `msg_size` becomes its length.
    pub fn push(&mut self, message: &[u8]) -> Result<(), PacketFull> {
        self.push_parts(message, &[])
    }

    /// Appends a message that ends in a group: its fixed front, then the entries. The front's own
    /// count of entries is the caller's; `msg_size` becomes the whole length.
    pub fn push_group<T: Pod>(&mut self, front: &[u8], entries: &[T]) -> Result<(), PacketFull> {
        self.push_parts(front, bytemuck::cast_slice(entries))
    }

    fn push_parts(&mut self, front: &[u8], group: &[u8]) -> Result<(), PacketFull> {
        let size = front.len() + group.len();
        let count = self.count.checked_add(1).ok_or(PacketFull)?;
        let msg_size = u16::try_from(size).map_err(|_| PacketFull)?;
        if front.len() < size_of::<MessageHeader>() {
            return Err(PacketFull);
        }
        let room = self.buffer.get_mut(self.used..self.used + size).ok_or(PacketFull)?;
        let (head, tail) = room.split_at_mut(front.len());
        head.copy_from_slice(front);
        tail.copy_from_slice(group);
        room[..2].copy_from_slice(&msg_size.to_le_bytes()); // at least a header
        self.used += size;
        self.count = count;
        Ok(())
    }

    /// Messages so far.
    pub fn count(&self) -> u8 {
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

    /// Number of the next message.
    pub fn next_seq(&self) -> u32 {
        self.seq.wrapping_add(u32::from(self.count))
    }

    /// The packet.
    pub fn finish(self) -> &'a [u8] {
        let size = (self.used as u16).to_le_bytes(); // below the limit, a u16
        if let Some(front) = self.buffer.get_mut(..3) {
            front.copy_from_slice(&[size[0], size[1], self.count]);
        }
        self.buffer.get(..self.used).unwrap_or(&[])
    }
}
