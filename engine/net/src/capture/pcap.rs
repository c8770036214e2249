//! Classic pcap.
//!
//! | file header, 24 bytes | | packet header, 16 bytes | |
//! |---|---|---|---|
//! | 0 | magic: A1B2C3D4 us, A1B23C4D ns | 0 | seconds since 1970, u32 |
//! | 4 | version 2.4 | 4 | us or ns, u32 |
//! | 8 | 8 bytes unused | 8 | captured length, u32 |
//! | 16 | snap length, u32 | 12 | length on the wire, u32 |
//! | 20 | link type, low 16 bits of u32 | 16 | captured bytes |
//!
//! All numbers in the byte order of the magic.

use nofx_types::Nanos;

use super::{Head, LinkType, Walk, caplen_max};
use crate::bytes::ByteSource;
use crate::{Problem, Result, Unit};

const MAGIC_US: u32 = 0xA1B2_C3D4;
const MAGIC_NS: u32 = 0xA1B2_3C4D;
const FILE_HEADER: usize = 24;
const PACKET_HEADER: usize = 16;

/// What the file header says.
pub(super) struct Pcap {
    big_endian: bool,
    ns_per_fraction: u64,
    caplen_max: u32,
    link: LinkType,
}

impl Pcap {
    /// The variant that a magic names, if it is one of pcap's.
    pub(super) fn of(magic: [u8; 4]) -> Option<Pcap> {
        let (big_endian, ns_per_fraction) = match u32::from_le_bytes(magic) {
            MAGIC_US => (false, 1_000),
            MAGIC_NS => (false, 1),
            other => match other.swap_bytes() {
                MAGIC_US => (true, 1_000),
                MAGIC_NS => (true, 1),
                _ => return None,
            },
        };
        Some(Pcap { big_endian, ns_per_fraction, caplen_max: 0, link: LinkType(0) })
    }

    pub(super) fn file_header(&mut self, source: &mut ByteSource, walk: &mut Walk) -> Result<()> {
        let Some(header) = source.ensure(FILE_HEADER)?.first_chunk::<FILE_HEADER>() else {
            walk.cut(source, Unit::Header, 1, 0, FILE_HEADER as u64);
            return Ok(());
        };
        let [_, _, _, _, v0, v1, _, _, ..] = *header;
        let version = if self.big_endian {
            u16::from_be_bytes([v0, v1])
        } else {
            u16::from_le_bytes([v0, v1])
        };
        self.caplen_max = caplen_max(self.number(header, 16));
        self.link = LinkType(self.number(header, 20) as u16); // above: FCS length, unused
        if version != 2 {
            return Err(Walk::damaged(source, Unit::Header, 1, 0, Problem::Version(version, 2)));
        }
        source.consume(FILE_HEADER);
        Ok(())
    }

    #[inline]
    pub(super) fn advance(
        &mut self,
        source: &mut ByteSource,
        walk: &mut Walk,
    ) -> Result<Option<Head>> {
        let offset = source.position();
        let Some(header) = source.ensure(PACKET_HEADER)?.first_chunk::<PACKET_HEADER>() else {
            return Ok(self.cut(source, walk, offset, PACKET_HEADER as u64));
        };
        let seconds = u64::from(self.number(header, 0));
        let fraction = u64::from(self.number(header, 4));
        let caplen = self.number(header, 8);
        let orig_len = self.number(header, 12);
        walk.packets += 1;
        if caplen > self.caplen_max {
            let problem = Problem::CaptureLength { caplen, max: self.caplen_max };
            return Err(Walk::damaged(source, Unit::Packet, walk.packets, offset, problem));
        }
        let record = PACKET_HEADER + caplen as usize;
        if source.ensure(record)?.len() < record {
            walk.packets -= 1;
            return Ok(self.cut(source, walk, offset, record as u64));
        }
        let mark = source.mark(PACKET_HEADER);
        source.consume(record);
        Ok(Some(Head {
            ts_ns: Nanos(seconds * 1_000_000_000 + fraction * self.ns_per_fraction),
            orig_len,
            caplen,
            number: walk.packets,
            offset,
            link: self.link,
            mark,
        }))
    }

    #[cold]
    fn cut(
        &self,
        source: &mut ByteSource,
        walk: &mut Walk,
        offset: u64,
        promised: u64,
    ) -> Option<Head> {
        walk.packets += u64::from(!source.window().is_empty());
        walk.cut(source, Unit::Packet, walk.packets, offset, promised);
        None
    }

    /// The number at `at`, a constant below the header's length.
    #[inline(always)]
    fn number<const N: usize>(&self, header: &[u8; N], at: usize) -> u32 {
        let bytes = [header[at], header[at + 1], header[at + 2], header[at + 3]];
        let number = u32::from_le_bytes(bytes);
        if self.big_endian { number.swap_bytes() } else { number }
    }
}
