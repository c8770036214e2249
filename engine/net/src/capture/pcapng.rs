//! pcapng (draft-ietf-opsawg-pcapng).
//!
//! A file is a row of blocks, each `type u32, length u32, body, length u32`, padded to four bytes:
//!
//! | type | block | body we read |
//! |---|---|---|
//! | 0A0D0D0A | section header | 8 byte-order magic 1A2B3C4D, 12 version 1.x |
//! | 1 | interface | 8 link type u16, 12 snap length u32, 16 options |
//! | 6 | enhanced packet | 8 interface u32, 12 time high u32, low u32, 20 captured u32, 24 length u32, 28 bytes |
//! | 3 | simple packet | 8 length u32, 12 bytes |
//! | 2 | packet (obsolete) | 8 interface u16, 12 time high u32, low u32, 20 captured u32, 24 length u32, 28 bytes |
//!
//! Each section chooses its byte order and begins with no interfaces; each interface has its own
//! link type and clock (options `if_tsresol` 9, `if_tsoffset` 14). Other blocks are stepped over.

use nofx_types::Nanos;

use super::{CAPLEN_MAX, Head, LinkType, Walk, caplen_max};
use crate::bytes::{ByteSource, WINDOW};
use crate::{Problem, Result, Unit};

/// Type of the section header, the same in both byte orders.
pub(super) const SECTION: [u8; 4] = [0x0A, 0x0D, 0x0D, 0x0A];

const INTERFACE: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;
const BYTE_ORDER: u32 = 0x1A2B_3C4D;

const IF_TSRESOL: u16 = 9;
const IF_TSOFFSET: u16 = 14;

/// Interfaces of one section that are kept; their table is allocated at the start.
const INTERFACES_MAX: usize = 1024;

/// Bytes of a packet block that are not the packet: head, options, trailing length.
const PACKET_BLOCK_MAX: u32 = WINDOW as u32;
const _: () = assert!(PACKET_BLOCK_MAX >= CAPLEN_MAX + (1 << 16)); // room for options

/// The state of the section that is being read.
pub(super) struct PcapNg {
    big_endian: bool,
    interfaces: Vec<Interface>,
    blocks: u64,
    /// Time of the packet before: a simple packet block carries none.
    last_ns: Nanos,
}

#[derive(Clone, Copy)]
struct Interface {
    link: LinkType,
    snaplen: u32,
    clock: Clock,
}

/// How an interface counts time.
#[derive(Clone, Copy)]
struct Clock {
    unit: ClockUnit,
    offset_s: i64,
}

#[derive(Clone, Copy)]
enum ClockUnit {
    /// Whole nanoseconds per count.
    Multiple(u64),
    /// Counts per nanosecond.
    Fraction(u64),
    /// Counts of 2^-n seconds.
    Binary(u8),
}

/// A block's type, length and place.
#[derive(Clone, Copy)]
struct Block {
    kind: u32,
    length: u32,
    offset: u64,
}

impl Default for PcapNg {
    fn default() -> PcapNg {
        PcapNg {
            big_endian: false,
            interfaces: Vec::with_capacity(INTERFACES_MAX),
            blocks: 0,
            last_ns: Nanos(0),
        }
    }
}

impl PcapNg {
    #[inline(never)] // it is large, and would keep the walk of classic pcap from being inlined
    pub(super) fn advance(
        &mut self,
        source: &mut ByteSource,
        walk: &mut Walk,
    ) -> Result<Option<Head>> {
        loop {
            let Some(block) = self.block(source, walk)? else { return Ok(None) };
            match block.kind {
                ENHANCED_PACKET | OBSOLETE_PACKET | SIMPLE_PACKET => {
                    return self.packet(source, walk, block);
                }
                _ => {
                    if !self.other(source, walk, block)? {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// The head of the next block; `None` at the end.
    #[inline]
    fn block(&mut self, source: &mut ByteSource, walk: &mut Walk) -> Result<Option<Block>> {
        let offset = source.position();
        let window = source.ensure(12)?;
        let Some(head) = window.first_chunk::<12>() else {
            walk.cut(source, Unit::Block, self.blocks + 1, offset, 12);
            return Ok(None);
        };
        self.blocks += 1;
        if head.first_chunk() == Some(&SECTION) {
            // The length is in the byte order that the magic behind it tells.
            match number(head, 8) {
                BYTE_ORDER => self.big_endian = false,
                other if other.swap_bytes() == BYTE_ORDER => self.big_endian = true,
                other => return Err(self.damaged(source, offset, Problem::ByteOrder(other))),
            }
        }
        let [kind, length] = [self.number(head, 0), self.number(head, 4)];
        Ok(Some(Block { kind, length, offset }))
    }

    /// A packet of any of the three kinds; leaves the source behind its block.
    #[inline]
    fn packet(
        &mut self,
        source: &mut ByteSource,
        walk: &mut Walk,
        block: Block,
    ) -> Result<Option<Head>> {
        let Block { kind, length, offset } = block;
        walk.packets += 1;
        let number = walk.packets;
        let head_len = if kind == SIMPLE_PACKET { 12 } else { 28 };
        let min = head_len + 4;
        if length < min || !length.is_multiple_of(4) {
            let problem = Problem::BlockLength { length, min };
            return Err(Walk::damaged(source, Unit::Packet, number, offset, problem));
        }
        if length > PACKET_BLOCK_MAX {
            let problem = Problem::CaptureLength { caplen: length - min, max: CAPLEN_MAX };
            return Err(Walk::damaged(source, Unit::Packet, number, offset, problem));
        }
        let Some(bytes) = source.ensure(length as usize)?.get(..length as usize) else {
            walk.cut(source, Unit::Packet, number, offset, u64::from(length));
            return Ok(None);
        };
        let facts = self.packet_facts(bytes, kind, min);
        let PacketFacts { interface, count, caplen, orig_len } = match facts {
            Ok(facts) => facts,
            Err(problem) => {
                return Err(Walk::damaged(source, Unit::Packet, number, offset, problem));
            }
        };
        if let Some(count) = count {
            self.last_ns = interface.clock.nanos(count);
        }
        let mark = source.mark(head_len as usize);
        source.consume(length as usize);
        let (ts_ns, link) = (self.last_ns, interface.link);
        Ok(Some(Head { ts_ns, orig_len, caplen, number, offset, link, mark }))
    }

    #[inline]
    fn packet_facts(
        &self,
        block: &[u8],
        kind: u32,
        min: u32,
    ) -> std::result::Result<PacketFacts, Problem> {
        let front = self.at(block, 4);
        let back = self.at(block, block.len().saturating_sub(4));
        if front != back {
            return Err(Problem::BlockTrailer { front, back });
        }
        let index = match kind {
            ENHANCED_PACKET => self.at(block, 8),
            OBSOLETE_PACKET => u32::from(self.at16(block, 8)),
            _ => 0, // "the Simple Packet Block ... on the interface with index 0" (4.4)
        };
        let Some(&interface) = self.interfaces.get(index as usize) else {
            let known = self.interfaces.len() as u32;
            return Err(Problem::UnknownInterface { interface: index, known });
        };
        let room = block.len() as u32 - min;
        let max = caplen_max(interface.snaplen).min(room);
        if kind == SIMPLE_PACKET {
            let orig_len = self.at(block, 8);
            // 4.4: the captured length is the smaller of snap length and length on the wire.
            let snapped = if interface.snaplen == 0 { u32::MAX } else { interface.snaplen };
            let caplen = orig_len.min(snapped);
            if caplen > room {
                return Err(Problem::CaptureLength { caplen, max });
            }
            return Ok(PacketFacts { interface, count: None, caplen, orig_len });
        }
        let count = u64::from(self.at(block, 12)) << 32 | u64::from(self.at(block, 16));
        let [caplen, orig_len] = [self.at(block, 20), self.at(block, 24)];
        if caplen > max {
            return Err(Problem::CaptureLength { caplen, max });
        }
        Ok(PacketFacts { interface, count: Some(count), caplen, orig_len })
    }

    /// A block that is no packet: learns from it, steps over it. False when the file is cut in it.
    #[cold]
    fn other(&mut self, source: &mut ByteSource, walk: &mut Walk, block: Block) -> Result<bool> {
        let Block { kind, length, offset } = block;
        let is_section = kind == u32::from_le_bytes(SECTION);
        let min = if is_section {
            28
        } else if kind == INTERFACE {
            20
        } else {
            12
        };
        if length < min || !length.is_multiple_of(4) {
            return Err(self.damaged(source, offset, Problem::BlockLength { length, min }));
        }
        let front = (length as usize).min(WINDOW);
        if let Some(bytes) = source.ensure(front)?.get(..front) {
            let learnt = if is_section {
                self.section(bytes)
            } else if kind == INTERFACE {
                self.interface(bytes)
            } else {
                Ok(())
            };
            learnt.map_err(|problem| self.damaged(source, offset, problem))?;
        }
        source.skip(u64::from(length) - 4)?;
        let Some(back) = source.ensure(4)?.first_chunk::<4>().map(|back| self.number(back, 0))
        else {
            walk.cut(source, Unit::Block, self.blocks, offset, u64::from(length));
            return Ok(false);
        };
        if back != length {
            let problem = Problem::BlockTrailer { front: length, back };
            return Err(self.damaged(source, offset, problem));
        }
        source.consume(4);
        Ok(true)
    }

    fn section(&mut self, block: &[u8]) -> std::result::Result<(), Problem> {
        self.interfaces.clear();
        match self.at16(block, 12) {
            1 => Ok(()),
            other => Err(Problem::Version(other, 1)),
        }
    }

    fn interface(&mut self, block: &[u8]) -> std::result::Result<(), Problem> {
        if self.interfaces.len() == INTERFACES_MAX {
            return Err(Problem::TooManyInterfaces(INTERFACES_MAX as u32));
        }
        let link = LinkType(self.at16(block, 8));
        let snaplen = self.at(block, 12);
        let options = block.get(16..block.len().saturating_sub(4)).unwrap_or(&[]);
        let clock = self.clock(options)?;
        self.interfaces.push(Interface { link, snaplen, clock });
        Ok(())
    }

    /// The clock that an interface's options describe; microseconds unless they say otherwise.
    fn clock(&self, mut options: &[u8]) -> std::result::Result<Clock, Problem> {
        let mut clock = Clock { unit: ClockUnit::Multiple(1_000), offset_s: 0 };
        while let Some((head, rest)) = options.split_first_chunk::<4>() {
            let [code, length] = [self.at16(head, 0), self.at16(head, 2)];
            let padded = usize::from(length).next_multiple_of(4);
            let (Some(value), Some(next)) = (rest.get(..usize::from(length)), rest.get(padded..))
            else {
                break; // runs over the block: what is left says nothing
            };
            match (code, value) {
                (0, _) => break, // opt_endofopt
                (IF_TSRESOL, &[exponent]) => clock.unit = ClockUnit::of(exponent)?,
                (IF_TSOFFSET, value) => {
                    if let Some(bytes) = value.first_chunk::<8>() {
                        clock.offset_s = if self.big_endian {
                            i64::from_be_bytes(*bytes)
                        } else {
                            i64::from_le_bytes(*bytes)
                        };
                    }
                }
                _ => {}
            }
            options = next;
        }
        Ok(clock)
    }

    #[cold]
    fn damaged(&self, source: &mut ByteSource, offset: u64, problem: Problem) -> Box<crate::Error> {
        Walk::damaged(source, Unit::Block, self.blocks, offset, problem)
    }

    #[inline]
    fn number<const N: usize>(&self, bytes: &[u8; N], at: usize) -> u32 {
        let number = number(bytes, at);
        if self.big_endian { number.swap_bytes() } else { number }
    }

    /// The u32 at `at`, 0 where the block has none (its length was checked before).
    #[inline]
    fn at(&self, block: &[u8], at: usize) -> u32 {
        match block.get(at..).and_then(|from| from.first_chunk::<4>()) {
            Some(bytes) => self.number(bytes, 0),
            None => 0,
        }
    }

    #[inline]
    fn at16(&self, block: &[u8], at: usize) -> u16 {
        match block.get(at..).and_then(|from| from.first_chunk::<2>()) {
            Some(bytes) if self.big_endian => u16::from_be_bytes(*bytes),
            Some(bytes) => u16::from_le_bytes(*bytes),
            None => 0,
        }
    }
}

/// What a packet block says of its packet.
struct PacketFacts {
    interface: Interface,
    /// Time in units of the interface's clock.
    count: Option<u64>,
    caplen: u32,
    orig_len: u32,
}

/// The little-endian number at `at`, a constant below the array's length.
#[inline(always)]
fn number<const N: usize>(bytes: &[u8; N], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

impl ClockUnit {
    /// `if_tsresol`: the top bit chooses powers of two, the rest is the negative exponent.
    fn of(resolution: u8) -> std::result::Result<ClockUnit, Problem> {
        let exponent = u32::from(resolution & 0x7F);
        let unit = if resolution & 0x80 != 0 {
            (exponent < 64).then_some(ClockUnit::Binary(exponent as u8))
        } else if exponent <= 9 {
            Some(ClockUnit::Multiple(10u64.pow(9 - exponent)))
        } else {
            10u64.checked_pow(exponent - 9).map(ClockUnit::Fraction)
        };
        unit.ok_or(Problem::TimeResolution(resolution))
    }
}

impl Clock {
    /// Nanoseconds since 1970 of a count; saturates at both ends of what a [`Nanos`] holds.
    #[inline]
    fn nanos(self, count: u64) -> Nanos {
        let ns = match self.unit {
            ClockUnit::Multiple(ns) => u128::from(count) * u128::from(ns),
            ClockUnit::Fraction(counts) => u128::from(count / counts),
            ClockUnit::Binary(exponent) => (u128::from(count) * 1_000_000_000) >> exponent,
        };
        if self.offset_s == 0 {
            return Nanos(u64::try_from(ns).unwrap_or(u64::MAX));
        }
        let shifted = ns as i128 + i128::from(self.offset_s) * 1_000_000_000;
        Nanos(shifted.clamp(0, i128::from(u64::MAX)) as u64)
    }
}
