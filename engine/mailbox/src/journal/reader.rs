//! [`Reader`]: every record of a folder of segments, in order.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::format::{self, BadHead, SEGMENT_BYTES, SegmentHead, Step};
use super::{Cut, JournalError, Record};

/// Ending of a segment's name.
const ENDING: &str = ".journal";

/// One segment file, by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Listed {
    /// Number of its first record, from the name.
    pub(crate) first: u64,
    pub(crate) path: PathBuf,
}

/// Name of the segment whose first record is `first`.
pub(crate) fn name(folder: &Path, first: u64) -> PathBuf {
    folder.join(format!("{first:020}{ENDING}"))
}

/// Segments of a folder, oldest first; other files are not looked at.
pub(crate) fn list(folder: &Path) -> Result<Vec<Listed>, JournalError> {
    let failed = |e| JournalError::io(folder, "list", e);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let file = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let digits = file.strip_suffix(ENDING).filter(|digits| digits.len() == 20);
        if let Some(first) = digits.and_then(|digits| digits.parse().ok()) {
            found.push(Listed { first, path });
        }
    }
    found.sort();
    Ok(found)
}

/// A segment in memory, and how far it was read.
#[derive(Debug)]
pub struct Segment {
    path: PathBuf,
    head: SegmentHead,
    bytes: Vec<u8>,
    at: usize,
    next: u64,
}

impl Segment {
    /// From the bytes of a file; `None` when a crash left it without a header.
    ///
    /// # Errors
    /// It is no segment, of another version, or its header is damaged.
    pub fn parse(path: &Path, bytes: Vec<u8>) -> Result<Option<Segment>, JournalError> {
        let damaged = |what: &str| JournalError::Damaged {
            file: path.to_owned(),
            offset: 0,
            what: what.to_owned(),
        };
        match SegmentHead::decode(&bytes) {
            Ok(head) => {
                let (at, next) = (SEGMENT_BYTES, head.first);
                Ok(Some(Segment { path: path.to_owned(), head, bytes, at, next }))
            }
            Err(BadHead::Torn) => Ok(None),
            Err(BadHead::Foreign) => Err(damaged("not a journal segment")),
            Err(BadHead::Checksum) => Err(damaged("the header's checksum is wrong")),
            Err(BadHead::Version(found)) => {
                Err(JournalError::Version { file: path.to_owned(), found, want: format::VERSION })
            }
        }
    }

    pub(crate) fn load(listed: &Listed) -> Result<Option<Segment>, JournalError> {
        let bytes =
            fs::read(&listed.path).map_err(|e| JournalError::io(&listed.path, "read", e))?;
        let segment = Segment::parse(&listed.path, bytes)?;
        match &segment {
            Some(segment) if segment.head.first != listed.first => Err(JournalError::Damaged {
                file: listed.path.clone(),
                offset: 16,
                what: format!("begins with record {}, not as its name says", segment.head.first),
            }),
            _ => Ok(segment),
        }
    }

    /// What it says of itself.
    pub fn head(&self) -> &SegmentHead {
        &self.head
    }

    /// The next record; `None` at the end, whether whole or torn (see [`Segment::cut`]).
    ///
    /// # Errors
    /// The record is damaged, or not the one that should come.
    #[allow(clippy::should_implement_trait)] // lends its payload
    pub fn next(&mut self) -> Result<Option<Record<'_>>, JournalError> {
        match format::step(&self.bytes, self.at, self.next) {
            Step::Record(record, at) => {
                self.at = at;
                self.next += 1;
                Ok(Some(record))
            }
            Step::End | Step::Torn => Ok(None),
            Step::Damaged(what) => Err(self.damaged(what)),
        }
    }

    /// What stands behind the last good record, once `next` has come to the end.
    pub fn cut(&self) -> Option<Cut> {
        let (offset, bytes) = (self.at as u64, (self.bytes.len() - self.at) as u64);
        (bytes > 0).then(|| Cut { file: self.path.clone(), offset, bytes })
    }

    /// Number of the record that comes next.
    pub(crate) fn next_number(&self) -> u64 {
        self.next
    }

    pub(crate) fn damaged(&self, what: String) -> JournalError {
        JournalError::Damaged { file: self.path.clone(), offset: self.at as u64, what }
    }
}

/// Reads a folder of segments from the first record to the last. Loads one segment at a time.
#[derive(Debug)]
pub struct Reader {
    /// Segments not loaded yet, newest first.
    left: Vec<Listed>,
    segment: Option<Segment>,
    /// What the next segment must begin with.
    want: Option<u64>,
    cut: Option<Cut>,
}

impl Reader {
    /// Opens a folder; an absent one holds no records.
    ///
    /// # Errors
    /// It cannot be listed, or its first segment is damaged.
    pub fn open(folder: impl AsRef<Path>) -> Result<Reader, JournalError> {
        let mut left = match list(folder.as_ref()) {
            Err(JournalError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Vec::new()
            }
            listed => listed?,
        };
        left.reverse();
        let mut reader = Reader { left, segment: None, want: None, cut: None };
        reader.advance()?;
        Ok(reader)
    }

    /// The next record, `None` at the end of the last segment.
    ///
    /// # Errors
    /// A file cannot be read, is damaged in its middle, or does not follow the one before; the error
    /// names file and byte.
    #[allow(clippy::should_implement_trait)] // lends its payload
    pub fn next(&mut self) -> Result<Option<Record<'_>>, JournalError> {
        while self.at_the_end()? {
            if !self.advance()? {
                return Ok(None);
            }
        }
        match &mut self.segment {
            Some(segment) => segment.next(),
            None => Ok(None),
        }
    }

    /// The segment that is being read: its session and engine. `None` in an empty folder.
    pub fn head(&self) -> Option<&SegmentHead> {
        self.segment.as_ref().map(Segment::head)
    }

    /// The torn end that a crash left, once the end was reached.
    pub fn cut(&self) -> Option<&Cut> {
        self.cut.as_ref()
    }

    /// Whether the segment at hand has no further record.
    fn at_the_end(&mut self) -> Result<bool, JournalError> {
        let Some(segment) = &self.segment else { return Ok(true) };
        match format::step(&segment.bytes, segment.at, segment.next) {
            Step::Record(..) => Ok(false),
            Step::End => Ok(true),
            Step::Damaged(what) => Err(segment.damaged(what)),
            // A writer cuts a torn end off before it begins another file.
            Step::Torn if !self.left.is_empty() => {
                Err(segment.damaged(format!("record {} is half there", segment.next)))
            }
            Step::Torn => {
                self.cut = segment.cut();
                Ok(true)
            }
        }
    }

    /// Loads the next segment; whether there was one.
    fn advance(&mut self) -> Result<bool, JournalError> {
        if let Some(segment) = &self.segment {
            self.want = Some(segment.next_number());
        }
        let Some(listed) = self.left.pop() else { return Ok(false) };
        let Some(segment) = Segment::load(&listed)? else {
            let (file, bytes) = (listed.path, 0);
            if self.left.is_empty() {
                self.cut = Some(Cut { file, offset: 0, bytes });
                return Ok(false);
            }
            let what = "no header, and segments behind it".to_owned();
            return Err(JournalError::Damaged { file, offset: 0, what });
        };
        if let Some(want) = self.want.filter(|want| *want != segment.head.first) {
            let what = format!("begins with record {}, want record {want}", segment.head.first);
            return Err(segment.damaged(what));
        }
        self.segment = Some(segment);
        Ok(true)
    }
}
