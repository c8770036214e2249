//! The layout of the file: header, section table, sections.
//!
//! ```text
//! byte 0     +--------------------------------------------------------------------+
//!            | magic "NOFXMBOX" | ABI u32 | header bytes u32 | file bytes u64     |
//!      24    | sections u32, 0 | pid | its start in clock ticks | started, ns     |
//!      56    | boot id, 16 bytes | engine and build, text of 56 bytes             |
//!     128    | section table: 32 x { kind u32, count u32, offset, stride, extra } |
//!    1152    | CRC32C of bytes 0..1152                                            |
//!    2048    | engine state (the header's only word that changes)                 |
//!    4096    +--------------------------------------------------------------------+
//!            | sections, each on a 128-byte line, in the order of [`Kind`]        |
//!            +--------------------------------------------------------------------+
//!
//! rows of tiles, links, counters, histograms begin with a named line:
//!            | value u64 | name, 56 bytes |   value: heartbeat, -, count, largest
//! tiles, links         named line, view page
//! counters             named line
//! histograms           named line, 3,776 counts
//! kill words           generation, epoch, bits              (module `kill`)
//! books, lines,        view page each                       (module `slots`)
//! sessions
//! orders, positions    one list page each
//! journal              ring                                 (module `journal::ring`)
//! schema               a parameter's specification each     (module `param`)
//! in force             one list page
//! acks                 two rows, parameters and models: { schema hash u64, kind u64, 0 }, view page
//! replies              the engine's side of the commands    (module `command_ring`)
//! events               ring                                 (module `event`)
//!                 on a page of 4,096 bytes, to the end of the file: what control writes
//! params, models       eight slots each                     (module `versions`)
//! commands             control's side of the commands       (module `command_ring`)
//! ```
//!
//! All numbers are little-endian. A reader takes offsets from the table and ignores kinds it does
//! not know, so a section can be added without a new ABI version; any change of a record, a page or
//! a section's meaning is a new version. Everything but the state word is written before the file
//! gets its name, so a reader that can open the file sees all of it. The sections that control writes
//! begin on a page of their own: control maps the rest read-only, so nothing it does can reach them.

use std::path::Path;

use nofx_types::Nanos;

use crate::command_ring::command_words;
use crate::error::MailboxError;
use crate::event::event_words;
use crate::journal::ring;
use crate::kill::kill_words;
use crate::metrics::BUCKETS;
use crate::page::{List, Page, words_of};
use crate::param::{AckView, ParamRow, ParamSpec};
use crate::spec::Spec;
use crate::sync::Ordering;
use crate::text::text;
use crate::versions::version_words;
use crate::view::{BookView, FeedView, LinkView, OrderView, PositionView, SessionView, TileView};
use crate::words::Words;

/// Version of the layout that this crate writes and reads.
pub const ABI: u32 = 2;

const MAGIC: u64 = u64::from_le_bytes(*b"NOFXMBOX");
/// Bytes of the header.
pub(crate) const HEADER_BYTES: usize = 4096;
/// Bytes of a name beside its value.
pub(crate) const NAME_BYTES: usize = 56;
/// Bytes of the engine's text.
pub(crate) const TEXT_BYTES: usize = 56;

// Offsets in words.
const FILE_BYTES: usize = 2;
const COUNT: usize = 3;
const PID: usize = 4;
const TICKS: usize = 5;
const STARTED: usize = 6;
const BOOT: usize = 7;
const TEXT: usize = 9;
const TABLE: usize = 16;
const ENTRY: usize = 4;
const ENTRIES: usize = 32;
const CRC: usize = TABLE + ENTRY * ENTRIES;
/// The engine's state.
pub(crate) const STATE: usize = 256;

const HEADER_WORDS: usize = HEADER_BYTES / 8;
/// Words of the line a section begins on: two cache lines, which processors fetch as a pair.
const LINE: usize = 16;
/// Words of a page of memory: the unit of what may be mapped for writing.
const PAGE: usize = 512;
/// Words of a named line.
pub(crate) const NAMED: usize = 8;

const _: () = assert!(size_of::<u64>() * TEXT + TEXT_BYTES == 128 && TABLE * 8 == 128);
const _: () = assert!(BOOT * 8 == 56 && CRC * 8 == 1152 && STATE * 8 == 2048);
const _: () = assert!(CRC < STATE && STATE < HEADER_WORDS && 8 + NAME_BYTES == NAMED * 8);
const _: () = assert!(cfg!(target_endian = "little"), "the file is little-endian");

/// What a section is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Kind {
    Tiles = 1,
    Links = 2,
    Counters = 3,
    Histograms = 4,
    Kill = 5,
    Books = 6,
    Orders = 7,
    Positions = 8,
    Lines = 9,
    Sessions = 10,
    Journal = 11,
    Schema = 12,
    InForce = 13,
    Acks = 14,
    Replies = 15,
    Events = 16,
    Params = 17,
    Models = 18,
    Commands = 19,
}

const KINDS: [Kind; 19] = [
    Kind::Tiles,
    Kind::Links,
    Kind::Counters,
    Kind::Histograms,
    Kind::Kill,
    Kind::Books,
    Kind::Orders,
    Kind::Positions,
    Kind::Lines,
    Kind::Sessions,
    Kind::Journal,
    Kind::Schema,
    Kind::InForce,
    Kind::Acks,
    Kind::Replies,
    Kind::Events,
    Kind::Params,
    Kind::Models,
    Kind::Commands,
];

/// The sections that control writes; the last ones.
const STEERED: [Kind; 3] = [Kind::Params, Kind::Models, Kind::Commands];
/// Rows of the section of acknowledgements.
pub(crate) const ACKS: [Kind; 2] = [Kind::Params, Kind::Models];

/// One row of the section table, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Section {
    kind: Kind,
    /// Rows; for `Kill` the accounts.
    pub(crate) count: u32,
    offset: usize,
    stride: usize,
    /// `Kill`: the instruments. `Orders`, `Positions`, `InForce`: the capacity. `Params`, `Models`:
    /// words of a page. `Replies`, `Events`, `Commands`: slots. Else 0.
    pub(crate) extra: u32,
}

impl Section {
    fn words(&self) -> usize {
        let rows = if self.kind == Kind::Kill { 1 } else { self.count as usize };
        rows * self.stride
    }
}

/// Slots of a ring that is to have `slots`.
fn slots(slots: u32) -> u32 {
    if slots == 0 { 0 } else { slots.next_power_of_two().max(4) }
}

/// Words of one row of a section: what the table must say.
fn stride(kind: Kind, count: u32, extra: u32) -> usize {
    let words = match kind {
        Kind::Tiles => NAMED + Page::<TileView>::WORDS,
        Kind::Links => NAMED + Page::<LinkView>::WORDS,
        Kind::Counters => NAMED,
        Kind::Histograms => NAMED + BUCKETS,
        Kind::Kill => kill_words(count, extra),
        Kind::Books => Page::<BookView>::WORDS,
        Kind::Orders => List::<OrderView>::words(extra as usize),
        Kind::Positions => List::<PositionView>::words(extra as usize),
        Kind::Lines => Page::<FeedView>::WORDS,
        Kind::Sessions => Page::<SessionView>::WORDS,
        Kind::Schema => words_of::<ParamSpec>(),
        Kind::InForce => List::<ParamRow>::words(extra as usize),
        Kind::Acks => NAMED + Page::<AckView>::WORDS,
        Kind::Replies | Kind::Commands => command_words(extra as usize),
        Kind::Events => event_words(extra as usize),
        Kind::Params | Kind::Models => version_words(extra as usize),
        // The ring's own shape; its size is not derived from a count.
        Kind::Journal => return 0,
    };
    words.next_multiple_of(NAMED)
}

/// Where everything is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    sections: Vec<Section>,
    words: usize,
}

impl Layout {
    /// The layout of a specification.
    pub(crate) fn of(spec: &Spec) -> Layout {
        let named = |names: &[String]| names.len() as u32;
        let (mut sections, mut words) = (Vec::new(), HEADER_WORDS);
        for kind in KINDS {
            let (count, extra) = match kind {
                Kind::Tiles => (named(&spec.tiles), 0),
                Kind::Links => (named(&spec.links), 0),
                Kind::Counters => (named(&spec.counters), 0),
                Kind::Histograms => (named(&spec.histograms), 0),
                Kind::Kill => (spec.accounts, spec.instruments),
                Kind::Books => (spec.book_rows, 0),
                Kind::Orders => (1, spec.orders),
                Kind::Positions => (1, spec.positions),
                Kind::Lines => (spec.lines, 0),
                Kind::Sessions => (spec.sessions, 0),
                Kind::Journal => (1, 0),
                Kind::Schema => (spec.schema.len() as u32, 0),
                Kind::InForce => (1, spec.in_force),
                Kind::Acks => (ACKS.len() as u32, 0),
                Kind::Replies | Kind::Commands => (1, slots(spec.commands)),
                Kind::Events => (1, slots(spec.events)),
                Kind::Params => (1, spec.param_rows * words_of::<ParamRow>() as u32),
                Kind::Models => (1, spec.model_words),
            };
            let stride = match kind {
                Kind::Journal => ring::ring_words(spec.journal_bytes),
                _ => stride(kind, count, extra),
            };
            if kind == STEERED[0] {
                words = words.next_multiple_of(PAGE);
            }
            let section = Section { kind, count, offset: words, stride, extra };
            words = (words + section.words()).next_multiple_of(LINE);
            sections.push(section);
        }
        Layout { sections, words: words.next_multiple_of(PAGE) }
    }

    /// Byte from which on only control writes, if nothing else lies there.
    pub(crate) fn steered_from(&self) -> Option<u64> {
        let is_steered = |section: &&Section| STEERED.contains(&section.kind);
        let from = self.sections.iter().filter(is_steered).map(|s| s.offset).min()?;
        let mut others = self.sections.iter().filter(|section| !is_steered(section));
        let apart = others.all(|section| section.offset + section.words() <= from);
        (apart && from.is_multiple_of(PAGE)).then_some(from as u64 * 8)
    }

    /// Bytes of the file.
    pub(crate) fn bytes(&self) -> usize {
        self.words * 8
    }

    /// A section's row of the table, if the file has it.
    pub(crate) fn section(&self, kind: Kind) -> Option<&Section> {
        self.sections.iter().find(|section| section.kind == kind)
    }

    /// The words of row `row` of a section.
    pub(crate) fn row(&self, words: &Words, kind: Kind, row: usize) -> Option<Words> {
        self.row_behind(words, 0, kind, row)
    }

    /// The same where `words` begin at byte `from` of the file.
    pub(crate) fn row_behind(
        &self,
        words: &Words,
        from: u64,
        kind: Kind,
        row: usize,
    ) -> Option<Words> {
        let section = self.section(kind)?;
        let rows = if kind == Kind::Kill { 1 } else { section.count as usize };
        let start = section.offset + section.stride * (row < rows).then_some(row)?;
        let start = start.checked_sub((from / 8) as usize)?;
        words.part(start..start + section.stride)
    }

    /// Every row of a section.
    pub(crate) fn rows(&self, words: &Words, kind: Kind) -> impl Iterator<Item = Words> {
        let rows = self.section(kind).map_or(0, |section| section.count as usize);
        (0..rows).filter_map(move |row| self.row(words, kind, row))
    }
}

/// What the header says besides the layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Process of the engine.
    pub pid: u32,
    /// When the process began, in clock ticks since boot: tells it from a later one of its number.
    pub ticks: u64,
    /// When the engine started: names the session.
    pub started: Nanos,
    /// The machine's boot it ran in.
    pub boot: [u8; 16],
    /// Name and build of the engine.
    pub engine: String,
}

fn put(words: &Words, at: usize, value: u64) {
    if let Some(word) = words.get(at) {
        word.store(value, Ordering::Relaxed);
    }
}

fn get(words: &Words, at: usize) -> u64 {
    words.get(at).map_or(0, |word| word.load(Ordering::Relaxed))
}

fn put_bytes(words: &Words, at: usize, bytes: &[u8]) {
    for (index, chunk) in bytes.chunks(8).enumerate() {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        put(words, at + index, u64::from_le_bytes(word));
    }
}

/// Writes a record at the front of a row, before the file has its name.
pub(crate) fn put_record<T: bytemuck::Pod>(row: &Words, value: &T) {
    put_bytes(row, 0, bytemuck::bytes_of(value));
}

/// The record at the front of a row that no longer changes.
pub(crate) fn record<T: bytemuck::Pod>(row: &Words) -> T {
    let mut value = T::zeroed();
    for (index, chunk) in bytemuck::bytes_of_mut(&mut value).chunks_mut(8).enumerate() {
        chunk.copy_from_slice(&get(row, index).to_le_bytes()[..chunk.len()]);
    }
    value
}

fn bytes_at<const N: usize>(words: &Words, at: usize) -> [u8; N] {
    let mut bytes = [0; N];
    for (index, chunk) in bytes.chunks_mut(8).enumerate() {
        chunk.copy_from_slice(&get(words, at + index).to_le_bytes()[..chunk.len()]);
    }
    bytes
}

/// Writes the name of a named line.
pub(crate) fn put_name(row: &Words, name: &str) {
    put_bytes(row, 1, name.as_bytes());
}

/// The name of a named line.
pub(crate) fn name(row: &Words) -> String {
    text(&bytes_at::<NAME_BYTES>(row, 1))
}

fn header_crc(words: &Words) -> u64 {
    let bytes: Vec<u8> = (0..CRC).flat_map(|at| get(words, at).to_le_bytes()).collect();
    u64::from(crc32c::crc32c(&bytes))
}

/// Writes the header of a new file.
pub(crate) fn write(words: &Words, layout: &Layout, identity: &Identity) {
    put(words, 0, MAGIC);
    put(words, 1, u64::from(ABI) | (HEADER_BYTES as u64) << 32);
    put(words, FILE_BYTES, layout.bytes() as u64);
    put(words, COUNT, layout.sections.len() as u64);
    put(words, PID, u64::from(identity.pid));
    put(words, TICKS, identity.ticks);
    put(words, STARTED, identity.started.0);
    put_bytes(words, BOOT, &identity.boot);
    put_bytes(words, TEXT, identity.engine.as_bytes());
    for (index, section) in layout.sections.iter().enumerate() {
        let entry = [
            u64::from(section.kind as u32) | u64::from(section.count) << 32,
            section.offset as u64 * 8,
            section.stride as u64 * 8,
            u64::from(section.extra),
        ];
        for (field, value) in entry.into_iter().enumerate() {
            put(words, TABLE + index * ENTRY + field, value);
        }
    }
    put(words, CRC, header_crc(words));
}

/// Reads and proves the header: afterwards every section lies inside `words`.
pub(crate) fn read(words: &Words, file: &Path) -> Result<(Layout, Identity), MailboxError> {
    let damaged = |what: String| MailboxError::Damaged { file: file.to_owned(), what };
    let found = words.len() as u64 * 8;
    let truncated = |want| MailboxError::Truncated { file: file.to_owned(), found, want };
    if words.is_empty() {
        return Err(truncated(HEADER_BYTES as u64));
    }
    if get(words, 0) != MAGIC {
        return Err(MailboxError::Foreign { file: file.to_owned(), found: get(words, 0) });
    }
    if words.len() < HEADER_WORDS {
        return Err(truncated(HEADER_BYTES as u64));
    }
    let engine = text(&bytes_at::<TEXT_BYTES>(words, TEXT));
    let abi = get(words, 1) as u32;
    if abi != ABI {
        return Err(MailboxError::WrongAbi {
            file: file.to_owned(),
            found: abi,
            want: ABI,
            engine,
        });
    }
    if header_crc(words) != get(words, CRC) {
        return Err(damaged("the header's checksum is wrong".into()));
    }
    if found < get(words, FILE_BYTES) {
        return Err(truncated(get(words, FILE_BYTES)));
    }
    let layout = read_table(words).map_err(damaged)?;
    let identity = Identity {
        pid: get(words, PID) as u32,
        ticks: get(words, TICKS),
        started: Nanos(get(words, STARTED)),
        boot: bytes_at(words, BOOT),
        engine,
    };
    Ok((layout, identity))
}

fn read_table(words: &Words) -> Result<Layout, String> {
    let mut sections = Vec::new();
    for index in 0..(get(words, COUNT) as usize).min(ENTRIES) {
        let [first, offset, stride_bytes, extra] =
            std::array::from_fn(|field| get(words, TABLE + index * ENTRY + field));
        let Some(kind) = KINDS.into_iter().find(|kind| *kind as u32 == first as u32) else {
            continue; // of a later release with the same ABI
        };
        let (count, extra) = ((first >> 32) as u32, extra as u32);
        let (offset, in_words) = (offset as usize / 8, stride_bytes as usize / 8);
        let section = Section { kind, count, offset, stride: in_words, extra };
        if kind != Kind::Journal && in_words != stride(kind, count, extra) {
            return Err(format!("rows of section {kind:?} have {stride_bytes} bytes"));
        }
        let rows = if kind == Kind::Kill { 1 } else { count.max(1) as usize };
        let end = rows.checked_mul(in_words).and_then(|words| words.checked_add(offset));
        if end.is_none_or(|end| end > words.len()) || offset % NAMED != 0 {
            return Err(format!("section {kind:?} does not lie inside the file"));
        }
        if sections.iter().any(|earlier: &Section| earlier.kind == kind) {
            return Err(format!("section {kind:?} is there twice"));
        }
        sections.push(section);
    }
    match KINDS.into_iter().find(|kind| !sections.iter().any(|s: &Section| s.kind == *kind)) {
        Some(kind) => Err(format!("section {kind:?} is missing")),
        None => Ok(Layout { sections, words: words.len() }),
    }
}
