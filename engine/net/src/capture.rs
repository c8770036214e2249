//! Packet captures: classic pcap and pcapng as a walk over frames.
//!
//! Model: [`Capture::next`] lends the next [`Frame`], its bytes still where the file has them. The
//! walk knows two formats ([`pcap`], [`pcapng`]) and is told which by the first four bytes. It
//! ends in one of three ways: at the end of the last record; inside a record, which is a
//! [`Warning`] (captures are cut all the time: the disk filled up, the transfer stopped); or at a
//! length no writer produces, which is an [`Error`], because nothing behind it can be trusted.
//!
//! Worst case: a packet costs two comparisons and the reading of its header; in pcapng, blocks
//! that are no packets are stepped over by their length.

mod pcap;
mod pcapng;

use std::path::Path;

use nofx_types::Nanos;

use crate::bytes::{ByteSource, Mark};
use crate::detect::unknown;
use crate::{Error, Problem, Result, Unit, Warning, WarningKind};

/// The most bytes a captured packet may have: what libpcap itself accepts (`MAXIMUM_SNAPLEN`).
pub const CAPLEN_MAX: u32 = 262_144;

/// The most a packet may have whatever smaller snap length its file states: no IP datagram is
/// longer than this, and some writers state less than they write.
const CAPLEN_ANY: u32 = 65_535 + 64;

/// How the bytes of a frame begin, by the numbers of the registry that pcap and pcapng share
/// (tcpdump.org, "link-layer header types").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct LinkType(pub u16);

impl LinkType {
    /// Ethernet.
    pub const ETHERNET: LinkType = LinkType(1);
    /// IP without a link header, as some systems number it.
    pub const RAW_12: LinkType = LinkType(12);
    /// IP without a link header, as OpenBSD numbers it.
    pub const RAW_14: LinkType = LinkType(14);
    /// IP without a link header.
    pub const RAW: LinkType = LinkType(101);
    /// Linux cooked capture v1.
    pub const LINUX_SLL: LinkType = LinkType(113);
    /// IPv4 without a link header.
    pub const IPV4: LinkType = LinkType(228);
    /// Linux cooked capture v2.
    pub const LINUX_SLL2: LinkType = LinkType(276);
}

/// One captured packet, lent until the next is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The captured bytes; fewer than `orig_len` when the capture was snapped.
    pub data: &'a [u8],
    /// When it was captured, ns since 1970 UTC.
    pub ts_ns: Nanos,
    /// Bytes the packet had on the wire.
    pub orig_len: u32,
    /// 1-based number of the packet in its file.
    pub number: u64,
    /// Where its record begins in the decompressed file.
    pub offset: u64,
    /// What `data` begins with.
    pub link: LinkType,
}

/// A walk over the packets of one capture file.
pub struct Capture {
    source: ByteSource,
    format: Format,
    walk: Walk,
}

enum Format {
    Pcap(pcap::Pcap),
    PcapNg(Box<pcapng::PcapNg>),
}

/// What both formats keep.
#[derive(Default)]
struct Walk {
    /// Packet records begun, a cut one included.
    packets: u64,
    cut: Option<WarningKind>,
}

/// A [`Frame`] without its bytes, which are at `mark` until the source is refilled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub(crate) ts_ns: Nanos,
    orig_len: u32,
    caplen: u32,
    number: u64,
    offset: u64,
    link: LinkType,
    mark: Mark,
}

impl Capture {
    /// Opens a pcap or pcapng file, plain, gzip or zstd.
    ///
    /// # Errors
    /// The file is missing, empty, damaged at its head, or neither pcap nor pcapng.
    pub fn open(path: impl AsRef<Path>) -> Result<Capture> {
        Capture::new(ByteSource::open(path)?)
    }

    /// A capture over a source at its first byte.
    ///
    /// # Errors
    /// As [`Capture::open`].
    pub fn new(mut source: ByteSource) -> Result<Capture> {
        let magic = source.ensure(4)?.first_chunk().copied();
        let format = match magic {
            Some(pcapng::SECTION) => Format::PcapNg(Box::default()),
            Some(magic) => match pcap::Pcap::of(magic) {
                Some(pcap) => Format::Pcap(pcap),
                None => return Err(unknown(&source)),
            },
            None => return Err(unknown(&source)),
        };
        let mut capture = Capture { source, format, walk: Walk::default() };
        if let Format::Pcap(pcap) = &mut capture.format {
            pcap.file_header(&mut capture.source, &mut capture.walk)?;
        }
        Ok(capture)
    }

    /// The next packet; `None` at the end of the capture, whole or cut ([`Capture::warnings`]).
    ///
    /// # Errors
    /// The file cannot be read, does not decompress, or has an impossible length. The walk is over
    /// then: further calls return `None`.
    #[inline(always)]
    #[allow(clippy::should_implement_trait)] // it lends, `Iterator` cannot
    pub fn next(&mut self) -> Result<Option<Frame<'_>>> {
        match self.advance()? {
            Some(head) => Ok(Some(self.frame(&head))),
            None => Ok(None),
        }
    }

    /// Packets begun so far; a cut last one counts.
    pub fn packets(&self) -> u64 {
        self.walk.packets
    }

    /// What was odd so far, most of all where the file is cut. Complete after the last packet.
    pub fn warnings(&self) -> Vec<Warning> {
        let record = self.walk.cut.map(|kind| Warning { file: self.file().to_owned(), kind });
        self.source.warning().into_iter().chain(record).collect()
    }

    /// Bytes of the file done, and its size (0 for a pipe).
    pub fn progress(&self) -> (u64, u64) {
        self.source.progress()
    }

    /// The file.
    pub fn file(&self) -> &Path {
        self.source.file()
    }

    /// Steps to the next packet.
    #[inline(always)]
    pub(crate) fn advance(&mut self) -> Result<Option<Head>> {
        match &mut self.format {
            Format::Pcap(pcap) => pcap.advance(&mut self.source, &mut self.walk),
            Format::PcapNg(pcapng) => pcapng.advance(&mut self.source, &mut self.walk),
        }
    }

    /// The packet that the last [`Capture::advance`] returned.
    #[inline(always)]
    pub(crate) fn frame(&self, head: &Head) -> Frame<'_> {
        Frame {
            data: self.source.marked(head.mark, head.caplen as usize),
            ts_ns: head.ts_ns,
            orig_len: head.orig_len,
            number: head.number,
            offset: head.offset,
            link: head.link,
        }
    }
}

impl Walk {
    /// Ends the walk inside a record, unless no byte of it is there.
    #[cold]
    fn cut(
        &mut self,
        source: &mut ByteSource,
        unit: Unit,
        number: u64,
        offset: u64,
        promised: u64,
    ) {
        let present = source.position() + source.window().len() as u64 - offset;
        if present > 0 {
            self.cut = Some(WarningKind::CutRecord { unit, number, offset, promised, present });
        }
        source.close();
    }

    /// Ends the walk at a contradiction.
    #[cold]
    fn damaged(
        source: &mut ByteSource,
        unit: Unit,
        number: u64,
        offset: u64,
        problem: Problem,
    ) -> Box<Error> {
        source.close();
        Box::new(Error::Damaged { file: source.file().to_owned(), unit, number, offset, problem })
    }
}

/// The largest captured length that a file of this snap length (0: unlimited) may state.
fn caplen_max(snaplen: u32) -> u32 {
    if snaplen == 0 { CAPLEN_MAX } else { snaplen.clamp(CAPLEN_ANY, CAPLEN_MAX) }
}
