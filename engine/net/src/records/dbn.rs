//! Databento Binary Encoding, versions 1 to 3.
//!
//! The metadata (which differs by version) is decoded by Databento's own crate. The records behind
//! it are read in place: a market-by-order record is the same 56 bytes in all three versions, which
//! the compiler checks below against that crate, so upgrading one is the identity. Each record says
//! its length in its first byte, in units of four; records of other types (symbol mappings and
//! system messages of a live recording) are lent too, with their type, for the caller to skip.

use std::path::Path;

use dbn::Schema;
use dbn::decode::dbn::fsm::{DbnFsm, ProcessResult};

use super::Record;
use crate::bytes::{ByteSource, WINDOW};
use crate::{Error, Problem, Result, Unit, Warning, WarningKind};

/// Bytes of a market-by-order record.
const MBO: usize = 56;
const _: () = {
    assert!(size_of::<dbn::v1::MboMsg>() == MBO);
    // One type under three names: what version 1 wrote is what version 3 reads.
    let _: fn(dbn::v1::MboMsg) -> dbn::v2::MboMsg = |record| record;
    let _: fn(dbn::v2::MboMsg) -> dbn::v3::MboMsg = |record| record;
};

/// Bytes of the header that each record begins with: length, type, publisher, instrument, time.
const HEADER: usize = 16;

/// `DBN`, version, and the length of what follows, u32 little-endian.
const PRELUDE: usize = 8;

/// Metadata longer than this is not believed: a million symbol mappings take 150 MB.
const METADATA_MAX: u32 = 256 << 20;

/// What the head of a DBN file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DbnMetadata {
    /// DBN version of the file.
    pub version: u8,
    /// Dataset code, e.g. `XNAS.ITCH`.
    pub dataset: String,
    /// Schema; empty for a live recording, which may mix them.
    pub schema: &'static str,
    /// Instrument ids and their symbols, in the order of the file; an id may occur more than once
    /// when its symbol changed over the dates of the file.
    pub symbols: Vec<(u32, String)>,
}

/// A walk over the records of a DBN file.
pub struct Dbn {
    source: ByteSource,
    metadata: DbnMetadata,
    records: u64,
    cut: Option<WarningKind>,
}

impl Dbn {
    /// Opens a DBN file of schema `mbo`, plain, zstd or gzip.
    ///
    /// # Errors
    /// The file is missing, unreadable or empty, its metadata is damaged or of a version above 3,
    /// or its schema is not `mbo`.
    pub fn open(path: impl AsRef<Path>) -> Result<Dbn> {
        Dbn::new(ByteSource::open(path)?)
    }

    /// A walk over a source at its first byte.
    ///
    /// # Errors
    /// As [`Dbn::open`].
    pub fn new(mut source: ByteSource) -> Result<Dbn> {
        // The decoder upgrades what it reads to the newest version, its number included.
        let version = source.ensure(PRELUDE)?.get(3).copied().unwrap_or(0);
        let metadata = read_metadata(&mut source)?;
        if let Some(schema) = metadata.schema.filter(|schema| *schema != Schema::Mbo) {
            let (file, schema) = (source.file().to_owned(), schema.as_str());
            return Err(Box::new(Error::DbnSchema { file, schema }));
        }
        let metadata = DbnMetadata {
            version,
            schema: metadata.schema.map_or("", |schema| schema.as_str()),
            symbols: symbols(&metadata),
            dataset: metadata.dataset,
        };
        Ok(Dbn { source, metadata, records: 0, cut: None })
    }

    /// The next record and its type ([`Record::data`] holds exactly the 56 bytes of a
    /// market-by-order record, type 0xA0; all bytes of others); `None` at the end.
    ///
    /// # Errors
    /// The file cannot be read, does not decompress, or has an impossible record length. The walk
    /// is over then: further calls return `None`.
    #[inline]
    #[allow(clippy::should_implement_trait)] // it lends, `Iterator` cannot
    pub fn next(&mut self) -> Result<Option<(u8, Record<'_>)>> {
        let offset = self.source.position();
        let Some(&[words, rtype]) = self.source.ensure(2)?.first_chunk::<2>() else {
            return Ok(self.finish(offset, HEADER as u64));
        };
        let length = usize::from(words) * 4;
        let is_mbo = rtype == dbn::rtype::MBO;
        let min = if is_mbo { MBO } else { HEADER };
        if length < min {
            return Err(self.impossible(offset, length, rtype, min));
        }
        if self.source.ensure(length)?.len() < length {
            return Ok(self.finish(offset, length as u64));
        }
        let mark = self.source.mark(0);
        self.source.consume(length);
        self.records += 1;
        let shown = if is_mbo { MBO } else { length }; // behind it: an optional send time
        let record = Record {
            data: self.source.marked(mark, shown),
            ahead: self.source.window(),
            number: self.records,
            offset,
        };
        Ok(Some((rtype, record)))
    }

    /// What the head of the file says.
    pub fn metadata(&self) -> &DbnMetadata {
        &self.metadata
    }

    /// Records read so far.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// What was odd so far. Complete after the last record.
    pub fn warnings(&self) -> Vec<Warning> {
        let cut = self.cut.map(|kind| Warning { file: self.file().to_owned(), kind });
        self.source.warning().into_iter().chain(cut).collect()
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
    fn finish(&mut self, offset: u64, promised: u64) -> Option<(u8, Record<'_>)> {
        let present = self.source.window().len() as u64;
        let (unit, number) = (Unit::Record, self.records + 1);
        if present > 0 {
            self.cut = Some(WarningKind::CutRecord { unit, number, offset, promised, present });
        }
        self.source.close();
        None
    }

    #[cold]
    fn impossible(&mut self, offset: u64, length: usize, rtype: u8, min: usize) -> Box<Error> {
        self.source.close();
        let problem = Problem::RecordLength { length: length as u32, rtype, min: min as u32 };
        let (file, unit, number) = (self.file().to_owned(), Unit::Record, self.records + 1);
        Box::new(Error::Damaged { file, unit, number, offset, problem })
    }
}

/// Decodes the head of the file; leaves the source at the first record.
fn read_metadata(source: &mut ByteSource) -> Result<dbn::Metadata> {
    let Some(prelude) = source.ensure(PRELUDE)?.first_chunk::<PRELUDE>() else {
        return Err(bad_metadata(source, "the file ends inside it"));
    };
    let [_, _, _, _, l0, l1, l2, l3] = *prelude;
    let length = u32::from_le_bytes([l0, l1, l2, l3]);
    if length > METADATA_MAX {
        return Err(bad_metadata(source, &format!("length {length} is impossible")));
    }
    let mut fsm = DbnFsm::new(PRELUDE, 0);
    let mut left = PRELUDE + length as usize;
    loop {
        let piece = left.min(WINDOW);
        let Some(bytes) = source.ensure(piece)?.get(..piece).filter(|bytes| !bytes.is_empty())
        else {
            return Err(bad_metadata(source, "the file ends inside it"));
        };
        fsm.write_all(bytes);
        source.consume(piece);
        left -= piece;
        match fsm.process() {
            ProcessResult::Metadata(metadata) => return Ok(metadata),
            ProcessResult::ReadMore(_) => {}
            ProcessResult::Err(error) => return Err(bad_metadata(source, &error.to_string())),
            ProcessResult::Record(()) => return Err(bad_metadata(source, "a record came first")),
        }
    }
}

#[cold]
fn bad_metadata(source: &ByteSource, detail: &str) -> Box<Error> {
    Box::new(Error::DbnMetadata { file: source.file().to_owned(), detail: detail.to_owned() })
}

/// Instrument ids and symbols. A mapping goes from what was asked for (`raw_symbol`) to what it was
/// between two dates (`symbol`); one of the two sides is the number.
fn symbols(metadata: &dbn::Metadata) -> Vec<(u32, String)> {
    let by_id = metadata.stype_in == Some(dbn::SType::InstrumentId);
    let mut symbols = Vec::new();
    for mapping in &metadata.mappings {
        for interval in &mapping.intervals {
            let (id, symbol) = if by_id {
                (&mapping.raw_symbol, &interval.symbol)
            } else {
                (&interval.symbol, &mapping.raw_symbol)
            };
            if let Ok(id) = id.parse() {
                symbols.push((id, symbol.clone()));
            }
        }
    }
    symbols
}
