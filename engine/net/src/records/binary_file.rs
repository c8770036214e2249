//! Nasdaq BinaryFILE 1.00: `length u16 big-endian, message` and so on, no file header. A record of
//! length 0 ends the session; its absence means an excerpt or a cut file.

use std::path::Path;

use super::Record;
use crate::bytes::ByteSource;
use crate::{Result, Unit, Warning, WarningKind};

/// A walk over the records of a BinaryFILE.
pub struct BinaryFile {
    source: ByteSource,
    records: u64,
    end: Option<WarningKind>,
    ended_orderly: bool,
}

impl BinaryFile {
    /// Opens a BinaryFILE, plain, gzip or zstd.
    ///
    /// # Errors
    /// The file is missing, unreadable or empty.
    pub fn open(path: impl AsRef<Path>) -> Result<BinaryFile> {
        Ok(BinaryFile::new(ByteSource::open(path)?))
    }

    /// A walk over a source at its first byte.
    pub fn new(source: ByteSource) -> BinaryFile {
        BinaryFile { source, records: 0, end: None, ended_orderly: false }
    }

    /// The next record; `None` at the end of the session or of the file, whole or cut.
    ///
    /// # Errors
    /// The file cannot be read or does not decompress.
    #[inline]
    #[allow(clippy::should_implement_trait)] // it lends, `Iterator` cannot
    pub fn next(&mut self) -> Result<Option<Record<'_>>> {
        let offset = self.source.position();
        let Some(length) = self.source.ensure(2)?.first_chunk::<2>() else {
            return self.finish(offset, 2);
        };
        let length = usize::from(u16::from_be_bytes(*length));
        if length == 0 {
            return self.end_of_session(offset);
        }
        if self.source.ensure(2 + length)?.len() < 2 + length {
            return self.finish(offset, 2 + length as u64);
        }
        let mark = self.source.mark(2);
        self.source.consume(2 + length);
        self.records += 1;
        Ok(Some(Record {
            data: self.source.marked(mark, length),
            ahead: self.source.window(),
            number: self.records,
            offset,
        }))
    }

    /// Records read so far.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Whether the record that ends a session was read.
    pub fn ended_orderly(&self) -> bool {
        self.ended_orderly
    }

    /// What was odd so far. Complete after the last record.
    pub fn warnings(&self) -> Vec<Warning> {
        let end = self.end.map(|kind| Warning { file: self.file().to_owned(), kind });
        self.source.warning().into_iter().chain(end).collect()
    }

    /// Bytes of the file done, and its size (0 for a pipe).
    pub fn progress(&self) -> (u64, u64) {
        self.source.progress()
    }

    /// The file.
    pub fn file(&self) -> &Path {
        self.source.file()
    }

    #[cold]
    fn finish(&mut self, offset: u64, promised: u64) -> Result<Option<Record<'_>>> {
        let present = self.source.window().len() as u64;
        let (unit, number) = (Unit::Record, self.records + 1);
        if present > 0 {
            self.end = Some(WarningKind::CutRecord { unit, number, offset, promised, present });
        } else if self.end.is_none() && !self.ended_orderly {
            self.end = Some(WarningKind::NoEndOfSession { records: self.records });
        }
        self.source.close();
        Ok(None)
    }

    #[cold]
    fn end_of_session(&mut self, offset: u64) -> Result<Option<Record<'_>>> {
        self.ended_orderly = true;
        self.source.consume(2);
        if !self.source.ensure(1)?.is_empty() {
            self.end = Some(WarningKind::BytesBehindEnd { offset: offset + 2 });
        }
        self.source.close();
        Ok(None)
    }
}
