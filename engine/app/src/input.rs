//! The input of a replay: files of any container as one stream of packets or records.
//!
//! Model: containers are recognised by content. Captures become datagrams tagged with their line;
//! message files become records; files of ticks are read whole before the run, and lent; of a captured
//! TCP session one direction becomes segments. The reader owns the files and lends each item until
//! the next.

use std::fmt;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nofx_net::bytes::ByteSource;
use nofx_net::capture::Capture;
use nofx_net::detect::{Container, detect};
use nofx_net::frame::{
    DecodeOptions, FrameCounts, Segment, StampFormat, TrailerStamp, decode, segment,
};
use nofx_net::join::{Chain, FileFrame, FrameStream, Merge};
use nofx_net::records::{BinaryFile, Dbn, Record};
use nofx_ticks::{Hole, TickFile};
use nofx_types::{Instrument, Nanos, Tick};

/// Why an input cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// A file cannot be read; names file, record and offset.
    #[error(transparent)]
    Read(#[from] Box<nofx_net::Error>),
    /// The files do not go together, or an option does not fit them.
    #[error("{0}")]
    Usage(String),
}

/// What to read and how.
#[derive(Clone, Debug, Default)]
pub struct InputOptions {
    /// Files, in order.
    pub files: Vec<PathBuf>,
    /// Line B in a file of its own.
    pub line_b: Option<PathBuf>,
    /// Groups that are taken: none takes all, one is the only line, two are lines A and B (with
    /// `line_b`, one of each file).
    pub groups: Vec<Group>,
    /// Where the bytes of a captured TCP session come from, and where they go.
    pub session: Option<TcpEnds>,
    /// Join files by time.
    pub merge: bool,
    /// Distance of a vendor's stamp from the end of the frame.
    pub trailer_stamp: Option<u16>,
    /// Take a file without magic as BinaryFILE although its records have other lengths.
    pub force_binary_file: bool,
    /// The files are of ticks, and this is what they hold.
    pub ticks: Option<Arc<TickFile>>,
    /// What was decided about the input and should be known.
    pub notes: Vec<String>,
}

/// A multicast group and its port.
pub type Group = (Ipv4Addr, u16);

/// The side of a TCP session whose bytes are wanted, and the host they go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpEnds {
    /// Address and port of the sender.
    pub from: ([u8; 4], u16),
    /// Address of the receiver, whose port changes with each connection.
    pub to: [u8; 4],
}

impl TcpEnds {
    /// The ends of a segment.
    pub fn of(segment: &Segment<'_>) -> TcpEnds {
        TcpEnds { from: (segment.src, segment.src_port), to: segment.dst }
    }
}

/// What the files are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Packets, messages or records.
    Container(Container),
    /// Mainland ticks in any form.
    Ticks,
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Content::Container(container) => container.fmt(f),
            Content::Ticks => f.pad("ticks"),
        }
    }
}

/// One thing read.
pub enum Item<'a> {
    /// A datagram of the feed.
    Packet {
        /// 0 for line A, 1 for line B.
        line: usize,
        /// Number of the packet over all files, from 1.
        number: u64,
        /// Capture (or wire) time.
        at: Nanos,
        /// Where it was sent to.
        to: Group,
        /// What UDP carries.
        payload: &'a [u8],
    },
    /// A TCP segment of the session that is followed; of any while none is chosen.
    Segment {
        /// Number of the packet over all files, from 1.
        number: u64,
        /// The segment, with its capture time.
        segment: Segment<'a>,
    },
    /// A frame that carries nothing for us; it has been counted.
    Skipped,
    /// An ITCH message of a BinaryFILE.
    Message(Record<'a>),
    /// A record of a DBN file and its type.
    Mbo(u8, Record<'a>),
    /// A tick of a mainland exchange, and what is lost in front of it.
    Tick(&'a Tick, &'a [Hole]),
}

impl Item<'_> {
    /// Engine time of the item: capture time of a packet, exchange time of an ITCH message, receive
    /// time of a DBN record; `None` where it carries none.
    #[inline]
    pub fn time(&self) -> Option<Nanos> {
        match self {
            Item::Packet { at, .. } => Some(*at),
            Item::Segment { segment, .. } => Some(segment.ts_ns),
            Item::Skipped => None,
            Item::Tick(tick, _) => Some(tick.exch_ns),
            Item::Message(record) => {
                // ITCH 5.0: six bytes big-endian behind type, locate and tracking number.
                let field = record.data.get(3..11)?.first_chunk::<8>()?;
                Some(Nanos(u64::from_be_bytes(*field) & 0xFFFF_FFFF_FFFF))
            }
            Item::Mbo(rtype, record) => match *rtype {
                nofx_wire::dbn::RTYPE_MBO => {
                    let field = record.data.get(40..48)?.first_chunk::<8>()?;
                    Some(Nanos(u64::from_le_bytes(*field)))
                }
                _ => None,
            },
        }
    }
}

impl<'a> Item<'a> {
    /// The same packet with another engine time; messages and records carry their own.
    pub fn at(self, time: Nanos) -> Item<'a> {
        match self {
            Item::Packet { line, number, to, payload, .. } => {
                Item::Packet { line, number, at: time, to, payload }
            }
            Item::Segment { number, segment } => {
                Item::Segment { number, segment: Segment { ts_ns: time, ..segment } }
            }
            other => other,
        }
    }
}

/// The files as one stream.
pub struct Reader {
    source: Source,
    /// What became of the frames.
    pub frames: FrameCounts,
    options: DecodeOptions,
    groups: Vec<Group>,
    tcp: Tcp,
    file_is_line: bool,
    other_groups: u64,
    notes: Vec<String>,
    items: u64,
    content: Content,
}

/// What becomes of TCP segments.
#[derive(Clone, Copy, Default)]
struct Tcp {
    wanted: Option<Option<TcpEnds>>,
    taken: u64,
    other: u64,
}

impl Tcp {
    /// The segment of a frame, if there is one and sessions are looked at.
    #[inline]
    fn take<'a>(&mut self, frame: &nofx_net::capture::Frame<'a>, number: u64) -> Option<Item<'a>> {
        let wanted = self.wanted?;
        let segment = segment(frame).ok()?;
        if wanted.is_some_and(|ends| ends != TcpEnds::of(&segment)) {
            self.other += 1;
            return Some(Item::Skipped);
        }
        self.taken += 1;
        Some(Item::Segment { number, segment })
    }
}

enum Source {
    Chain(Chain),
    Merge(Merge),
    BinaryFiles(Vec<BinaryFile>, usize),
    Dbns(Vec<Dbn>, usize),
    Ticks(TickWalk),
}

/// Ticks that are in memory already, one after the other.
struct TickWalk {
    file: Arc<TickFile>,
    /// Ticks and holes walked over.
    at: usize,
    hole: usize,
}

impl TickWalk {
    #[inline]
    fn next(&mut self) -> Option<Item<'_>> {
        let tick = self.file.ticks.get(self.at)?;
        let holes = self.file.holes.get(self.hole..).unwrap_or_default();
        let here = holes.iter().take_while(|hole| hole.before <= self.at).count();
        self.at += 1;
        self.hole += here;
        Some(Item::Tick(tick, holes.get(..here).unwrap_or_default()))
    }

    /// Bytes that the ticks done take in memory, and all of them.
    fn progress(&self) -> (u64, u64) {
        let bytes = |ticks: usize| (ticks * size_of::<Tick>()) as u64;
        (bytes(self.at), bytes(self.file.ticks.len()))
    }
}

impl Reader {
    /// Opens all files at once, so that a missing one is known before the first packet.
    ///
    /// # Errors
    /// A file cannot be read, or the files do not go together.
    pub fn open(options: &InputOptions) -> Result<Reader, InputError> {
        let paths: Vec<&Path> =
            options.files.iter().chain(&options.line_b).map(PathBuf::as_path).collect();
        if options.line_b.is_some() && options.files.len() != 1 {
            return Err(InputError::Usage(
                "--line-b takes exactly one FILE for line A: join the files of each line first"
                    .into(),
            ));
        }
        let (content, source) = match &options.ticks {
            Some(file) => {
                let walk = TickWalk { file: Arc::clone(file), at: 0, hole: 0 };
                (Content::Ticks, Source::Ticks(walk))
            }
            None => {
                let (container, source) = open_all(&paths, options)?;
                (Content::Container(container), source)
            }
        };
        let packets = matches!(content, Content::Container(Container::Pcap | Container::PcapNg));
        if !packets && (options.line_b.is_some() || !options.groups.is_empty()) {
            return Err(InputError::Usage(format!(
                "lines A and B need packets (pcap or pcapng), this is {content}"
            )));
        }
        let stamp = options.trailer_stamp.map(|bytes| TrailerStamp {
            bytes_from_end: usize::from(bytes),
            format: StampFormat::SecondsNanos32,
        });
        Ok(Reader {
            source,
            frames: FrameCounts::default(),
            options: DecodeOptions { wire_stamp: stamp },
            groups: options.groups.clone(),
            tcp: Tcp { wanted: options.session.map(Some), ..Tcp::default() },
            notes: options.notes.clone(),
            file_is_line: options.line_b.is_some(),
            other_groups: 0,
            items: 0,
            content,
        })
    }

    /// The next item; `None` at the end.
    ///
    /// # Errors
    /// A file is damaged or cannot be read.
    #[inline]
    #[allow(clippy::should_implement_trait)] // it lends, `Iterator` cannot
    pub fn next(&mut self) -> Result<Option<Item<'_>>, InputError> {
        self.items += 1;
        let number = self.items;
        let Reader { source, frames, options, groups, tcp, file_is_line, other_groups, .. } = self;
        let frame = match source {
            Source::Chain(chain) => chain.next()?,
            Source::Merge(merge) => merge.next()?,
            Source::BinaryFiles(files, current) => return next_message(files, current),
            Source::Dbns(files, current) => return next_mbo(files, current),
            Source::Ticks(walk) => return Ok(walk.next()),
        };
        let Some(FileFrame { file, frame }) = frame else { return Ok(None) };
        if let Some(item) = tcp.take(&frame, number) {
            return Ok(Some(item));
        }
        let Some(datagram) = decode(&frame, options, frames) else {
            return Ok(Some(Item::Skipped));
        };
        let to = (Ipv4Addr::from(datagram.dst), datagram.dst_port);
        let place = groups.iter().position(|group| *group == to);
        let line = match place {
            None if !groups.is_empty() => {
                *other_groups += 1;
                return Ok(Some(Item::Skipped));
            }
            _ if *file_is_line => file.min(1),
            place => place.unwrap_or(0),
        };
        Ok(Some(Item::Packet { line, number, at: datagram.ts_ns, to, payload: datagram.payload }))
    }

    /// Lends the segments of every TCP session too.
    pub fn look_at_sessions(&mut self) {
        self.tcp.wanted = Some(None);
    }

    /// Items read whole so far: packets or records.
    pub fn items(&self) -> u64 {
        match &self.source {
            Source::Chain(_) | Source::Merge(_) => {
                let frames = self.frames.datagrams() + self.frames.dropped_all();
                frames + self.tcp.taken + self.tcp.other
            }
            Source::BinaryFiles(files, _) => files.iter().map(BinaryFile::records).sum(),
            Source::Dbns(files, _) => files.iter().map(Dbn::records).sum(),
            Source::Ticks(walk) => walk.at as u64,
        }
    }

    /// Bytes done and bytes in all (0 for a pipe).
    pub fn progress(&self) -> (u64, u64) {
        let sum = |a: (u64, u64), b: (u64, u64)| (a.0 + b.0, a.1 + b.1);
        match &self.source {
            Source::Chain(chain) => chain.progress(),
            Source::Merge(merge) => merge.progress(),
            Source::BinaryFiles(files, _) => {
                files.iter().map(BinaryFile::progress).fold((0, 0), sum)
            }
            Source::Dbns(files, _) => files.iter().map(Dbn::progress).fold((0, 0), sum),
            Source::Ticks(walk) => walk.progress(),
        }
    }

    /// What was odd in any file, as text that names file, packet and offset.
    pub fn warnings(&self) -> Vec<String> {
        let warnings = match &self.source {
            Source::Chain(chain) => chain.warnings(),
            Source::Merge(merge) => merge.warnings(),
            Source::BinaryFiles(files, _) => files.iter().flat_map(BinaryFile::warnings).collect(),
            Source::Dbns(files, _) => files.iter().flat_map(Dbn::warnings).collect(),
            Source::Ticks(walk) => return tick_warnings(&walk.file),
        };
        warnings.iter().map(ToString::to_string).chain(self.notes.iter().cloned()).collect()
    }

    /// Frames without a datagram of the feed, by reason.
    pub fn dropped(&self) -> impl Iterator<Item = (String, u64)> + '_ {
        let frames = self.frames.iter().map(|(name, n)| (name.to_owned(), n));
        let more = [
            ("other_group".to_owned(), self.other_groups),
            ("other_session".to_owned(), self.tcp.other),
            ("no_wire_stamp".to_owned(), self.frames.unstamped()),
        ];
        frames.chain(more).filter(|(_, n)| *n > 0)
    }

    /// What the files hold.
    pub fn content(&self) -> Content {
        self.content
    }

    /// How many lines the input has.
    pub fn lines(&self) -> usize {
        if self.file_is_line || self.groups.len() > 1 { 2 } else { 1 }
    }

    /// Securities that files of ticks hold; their ids are the feed's to choose.
    pub fn tick_instruments(&self) -> Vec<Instrument> {
        match &self.source {
            Source::Ticks(walk) => walk.file.symbols.iter().map(crate::ticks::instrument).collect(),
            _ => Vec::new(),
        }
    }

    /// Symbols that a DBN file names, by its instrument id.
    pub fn dbn_symbols(&self) -> Vec<(u32, String)> {
        match &self.source {
            Source::Dbns(files, _) => {
                files.iter().flat_map(|file| file.metadata().symbols.iter().cloned()).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// Rows that could not be read: the first of them by place, and how many there are of each kind.
fn tick_warnings(file: &TickFile) -> Vec<String> {
    let counts = file.bad.by_reason().map(|(reason, n)| format!("{n} rows: {reason}"));
    file.bad.first().iter().map(ToString::to_string).chain(counts).collect()
}

fn next_message<'a>(
    files: &'a mut [BinaryFile],
    current: &mut usize,
) -> Result<Option<Item<'a>>, InputError> {
    let more = *current + 1 < files.len();
    let Some(file) = files.get_mut(*current) else { return Ok(None) };
    match file.next()? {
        Some(record) => Ok(Some(Item::Message(record))),
        None => Ok(next_file(current, more)),
    }
}

fn next_mbo<'a>(files: &'a mut [Dbn], current: &mut usize) -> Result<Option<Item<'a>>, InputError> {
    let more = *current + 1 < files.len();
    let Some(file) = files.get_mut(*current) else { return Ok(None) };
    match file.next()? {
        Some((rtype, record)) => Ok(Some(Item::Mbo(rtype, record))),
        None => Ok(next_file(current, more)),
    }
}

/// A file is at its end: the next call reads the one after it, if there is one.
fn next_file<'a>(current: &mut usize, more: bool) -> Option<Item<'a>> {
    *current += usize::from(more);
    more.then_some(Item::Skipped)
}

fn open_all(paths: &[&Path], options: &InputOptions) -> Result<(Container, Source), InputError> {
    let (mut captures, mut messages, mut dbns) = (Vec::new(), Vec::new(), Vec::new());
    let mut first = None;
    for path in paths {
        let mut source = ByteSource::open(path)?;
        let found = match detect(&mut source, nofx_wire::itch::length_of) {
            Err(_) if options.force_binary_file => Container::BinaryFile,
            found => found?,
        };
        let kind = |c: Container| if c == Container::PcapNg { Container::Pcap } else { c };
        if kind(*first.get_or_insert(found)) != kind(found) {
            return Err(InputError::Usage(format!(
                "{}: holds {found}, but the files before it hold {}: replay them one by one",
                path.display(),
                first.unwrap_or(found)
            )));
        }
        match found {
            Container::Pcap | Container::PcapNg => captures.push(Capture::new(source)?),
            Container::BinaryFile => messages.push(BinaryFile::new(source)),
            Container::Dbn => dbns.push(Dbn::new(source)?),
        }
    }
    let container = first.ok_or_else(|| InputError::Usage("no FILE given".into()))?;
    let source = match container {
        Container::Pcap | Container::PcapNg if options.merge || options.line_b.is_some() => {
            Source::Merge(Merge::new(captures))
        }
        Container::Pcap | Container::PcapNg => Source::Chain(Chain::new(captures)),
        _ if options.merge => {
            return Err(InputError::Usage(format!("--merge joins captures, not {container}")));
        }
        Container::BinaryFile => Source::BinaryFiles(messages, 0),
        Container::Dbn => Source::Dbns(dbns, 0),
    };
    Ok((container, source))
}

/// Parses `GROUP:PORT,GROUP:PORT`.
///
/// # Errors
/// Text of another form, as a sentence.
pub fn parse_lines(text: &str) -> Result<[Group; 2], String> {
    let one = |text: &str| {
        let (group, port) = text.trim().split_once(':')?;
        Some((group.parse().ok()?, port.parse().ok()?))
    };
    let pair = text.split_once(',').and_then(|(a, b)| Some([one(a)?, one(b)?]));
    let pair = pair.filter(|[a, b]| a != b);
    pair.ok_or_else(|| {
        format!("--lines {text}: want two groups, e.g. 233.54.12.111:26477,233.49.196.111:26477")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_groups_are_parsed_or_refused_with_an_example() {
        let groups = parse_lines("233.54.12.111:26477, 10.0.0.1:5").expect("two groups");
        assert_eq!(groups[1], (Ipv4Addr::new(10, 0, 0, 1), 5));
        for text in
            ["", "1.2.3.4:5", "1.2.3.4,5.6.7.8", "1.2.3.4:5,1.2.3.4:5", "1.2.3.4:5,1.2.3.4:99999"]
        {
            assert!(parse_lines(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_missing_file_is_named() {
        let options = InputOptions { files: vec!["absent.pcap".into()], ..InputOptions::default() };
        let error = Reader::open(&options).err().expect("cannot be opened").to_string();
        assert!(error.contains("absent.pcap"), "{error}");
    }
}
