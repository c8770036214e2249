//! Segment files: a header, then records, one after the other.
//!
//! ```text
//! header, 128 bytes                          record, 32 bytes and its payload
//!   0  magic "NOFXJRNL"                         0  CRC32C of everything behind it
//!   8  version u32, header bytes u32            4  payload bytes u32
//!  16  number of the first record               8  running number
//!  24  session: when its engine started        16  time, ns
//!  64  engine and build, text                  24  kind u8, seven zeros
//! 120  CRC32C of bytes 0..120, u32 zero
//! ```
//!
//! Little-endian. The name of a file is the number of its first record in twenty digits, so names sort
//! like numbers. A session begins with a new file.
//!
//! The end of a file may be torn: a crash stopped the last write. Only an end without a whole record
//! behind it is torn; a bad record with a good one behind it is damage. That is looked for byte by
//! byte, so a damaged length cannot pass for an end.

use nofx_types::Nanos;

use super::{PAYLOAD_MAX, Record};
use crate::text::text;

/// Bytes of a segment's header.
pub const SEGMENT_BYTES: usize = 128;
/// Bytes of a record before its payload.
pub const RECORD_BYTES: usize = 32;

pub(crate) const VERSION: u32 = 1;
const MAGIC: [u8; 8] = *b"NOFXJRNL";
/// Bytes of the engine's text.
pub(crate) const TEXT_BYTES: usize = 56;

/// What a segment says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentHead {
    /// Number of its first record.
    pub first: u64,
    /// When the engine that wrote it started: names the session.
    pub session: Nanos,
    /// Name and build of that engine.
    pub engine: String,
}

/// Why a header is none.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BadHead {
    /// A crash before the header was written: too short, or zeros.
    Torn,
    Foreign,
    Version(u32),
    Checksum,
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(|b| b.first_chunk()).map_or(0, |b| u32::from_le_bytes(*b))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(|b| b.first_chunk()).map_or(0, |b| u64::from_le_bytes(*b))
}

impl SegmentHead {
    pub(crate) fn encode(&self) -> [u8; SEGMENT_BYTES] {
        let mut bytes = [0; SEGMENT_BYTES];
        bytes[0..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&(SEGMENT_BYTES as u32).to_le_bytes());
        bytes[16..24].copy_from_slice(&self.first.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.session.0.to_le_bytes());
        let engine = self.engine.as_bytes();
        let engine = &engine[..engine.len().min(TEXT_BYTES)];
        bytes[64..64 + engine.len()].copy_from_slice(engine);
        let crc = crc32c::crc32c(&bytes[..120]);
        bytes[120..124].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<SegmentHead, BadHead> {
        let Some(head) = bytes.get(..SEGMENT_BYTES) else { return Err(BadHead::Torn) };
        if bytes.iter().all(|byte| *byte == 0) {
            return Err(BadHead::Torn);
        }
        if head[..8] != MAGIC {
            return Err(BadHead::Foreign);
        }
        if u32_at(head, 8) != VERSION {
            return Err(BadHead::Version(u32_at(head, 8)));
        }
        if crc32c::crc32c(&head[..120]) != u32_at(head, 120) || u32_at(head, 124) != 0 {
            return Err(BadHead::Checksum);
        }
        Ok(SegmentHead {
            first: u64_at(head, 16),
            session: Nanos(u64_at(head, 24)),
            engine: text(&head[64..120]),
        })
    }
}

/// Appends a record to `bytes`.
pub(crate) fn encode(record: &Record<'_>, bytes: &mut Vec<u8>) {
    let mut head = [0; RECORD_BYTES];
    head[4..8].copy_from_slice(&(record.payload.len() as u32).to_le_bytes());
    head[8..16].copy_from_slice(&record.number.to_le_bytes());
    head[16..24].copy_from_slice(&record.at.0.to_le_bytes());
    head[24] = record.kind;
    let crc = crc32c::crc32c_append(crc32c::crc32c(&head[4..]), record.payload);
    head[0..4].copy_from_slice(&crc.to_le_bytes());
    bytes.extend_from_slice(&head);
    bytes.extend_from_slice(record.payload);
}

/// The record at the front of `bytes`, proven.
fn decode(bytes: &[u8]) -> Option<Record<'_>> {
    let head = bytes.get(..RECORD_BYTES)?;
    let length = u32_at(head, 4) as usize;
    if length > PAYLOAD_MAX {
        return None;
    }
    let payload = bytes.get(RECORD_BYTES..RECORD_BYTES + length)?;
    let crc = crc32c::crc32c_append(crc32c::crc32c(head.get(4..)?), payload);
    let good = crc == u32_at(head, 0) && head.get(25..)?.iter().all(|byte| *byte == 0);
    let (number, kind, at) = (u64_at(head, 8), *head.get(24)?, Nanos(u64_at(head, 16)));
    good.then_some(Record { number, kind, at, payload })
}

/// What stands at a place of a segment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    /// A record, and where the next begins.
    Record(Record<'a>, usize),
    /// The end of the file.
    End,
    /// Half a record, with nothing good behind it.
    Torn,
    /// Something else.
    Damaged(String),
}

/// Reads on at `at`, where record `want` should begin.
pub(crate) fn step(bytes: &[u8], at: usize, want: u64) -> Step<'_> {
    let rest = bytes.get(at..).unwrap_or(&[]);
    if rest.is_empty() {
        return Step::End;
    }
    match decode(rest) {
        Some(record) if record.number == want => {
            let next = at + RECORD_BYTES + record.payload.len();
            Step::Record(record, next)
        }
        Some(record) => Step::Damaged(format!("record {}, want record {want}", record.number)),
        None => match next_good(rest, want) {
            Some((offset, number)) => Step::Damaged(format!(
                "record {want} fails its checksum, and record {number} is good at byte {}",
                at + offset
            )),
            None => Step::Torn,
        },
    }
}

/// The next good record behind the front of `rest` that could follow `want`.
fn next_good(rest: &[u8], want: u64) -> Option<(usize, u64)> {
    // A record takes at least its head, so numbers behind here cannot be further on than this.
    let last = want.saturating_add((rest.len() / RECORD_BYTES) as u64);
    (1..rest.len().saturating_sub(RECORD_BYTES - 1)).find_map(|offset| {
        let number = u64_at(rest, offset + 8);
        let follows = number > want && number <= last;
        let good = follows && decode(&rest[offset..]).is_some();
        good.then_some((offset, number))
    })
}
