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

use nofx_rt::mem::prefetch;
use nofx_types::Nanos;

use super::{Head, LinkType, Walk, caplen_max};
use crate::bytes::ByteSource;
use crate::{Problem, Result, Unit};

const MAGIC_US: u32 = 0xA1B2_C3D4;
const MAGIC_NS: u32 = 0xA1B2_3C4D;
const FILE_HEADER: usize = 24;
const PACKET_HEADER: usize = 16;

/// How far ahead of the walk bytes are brought near: some packets, so that they are there in time.
/// The headers are a chain of loads, each at an address that the one before tells, and a processor
/// does not guess such addresses.
const AHEAD: usize = 1_024;

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
        self.caplen_max = caplen_max(number(header, 16, self.big_endian));
        self.link = LinkType(number(header, 20, self.big_endian) as u16); // above: FCS length, unused
        if version != 2 {
            return Err(Walk::damaged(source, Unit::Header, 1, 0, Problem::Version(version, 2)));
        }
        source.consume(FILE_HEADER);
        Ok(())
    }

    #[inline(always)]
    pub(super) fn advance(
        &mut self,
        source: &mut ByteSource,
        walk: &mut Walk,
    ) -> Result<Option<Head>> {
        let at_hand = if self.big_endian { None } else { self.at_hand::<false>(source, walk) };
        match at_hand {
            Some(head) => Ok(Some(head)),
            None => self.fetch(source, walk),
        }
    }

    /// The next packet, if it is in the window and not damaged.
    ///
    /// What the next call waits for is the captured length and the sum that steps over it. All else
    /// here runs beside that, so nothing else may stand on the way: the byte order is a constant.
    #[inline(always)]
    fn at_hand<const BIG_ENDIAN: bool>(
        &self,
        source: &mut ByteSource,
        walk: &mut Walk,
    ) -> Option<Head> {
        let window = source.window();
        prefetch(window, AHEAD);
        let header = window.first_chunk::<PACKET_HEADER>()?;
        let seconds = u64::from(number(header, 0, BIG_ENDIAN));
        let fraction = u64::from(number(header, 4, BIG_ENDIAN));
        let caplen = number(header, 8, BIG_ENDIAN);
        let orig_len = number(header, 12, BIG_ENDIAN);
        let offset = source.position();
        let mark = source.mark(PACKET_HEADER);
        if caplen > self.caplen_max || !source.step(PACKET_HEADER + caplen as usize) {
            return None;
        }
        walk.packets += 1;
        Some(Head {
            ts_ns: Nanos(seconds * 1_000_000_000 + fraction * self.ns_per_fraction),
            orig_len,
            caplen,
            number: walk.packets,
            offset,
            link: self.link,
            mark,
        })
    }

    /// The next packet of a big-endian file or after a refill; the end, cut or not; or the damage.
    #[inline(never)]
    fn fetch(&self, source: &mut ByteSource, walk: &mut Walk) -> Result<Option<Head>> {
        let offset = source.position();
        let Some(header) = source.ensure(PACKET_HEADER)?.first_chunk::<PACKET_HEADER>() else {
            return Ok(self.cut(source, walk, offset, PACKET_HEADER as u64));
        };
        let caplen = number(header, 8, self.big_endian);
        if caplen > self.caplen_max {
            walk.packets += 1;
            let problem = Problem::CaptureLength { caplen, max: self.caplen_max };
            return Err(Walk::damaged(source, Unit::Packet, walk.packets, offset, problem));
        }
        let record = PACKET_HEADER + caplen as usize;
        source.ensure(record)?;
        let at_hand = if self.big_endian {
            self.at_hand::<true>(source, walk)
        } else {
            self.at_hand::<false>(source, walk)
        };
        match at_hand {
            Some(head) => Ok(Some(head)),
            None => Ok(self.cut(source, walk, offset, record as u64)),
        }
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
}

/// The number at `at`, a constant below the header's length.
#[inline(always)]
fn number<const N: usize>(header: &[u8; N], at: usize, big_endian: bool) -> u32 {
    let number = u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    if big_endian { number.swap_bytes() } else { number }
}
