//! [`SegmentWriter`]: appends records to segment files, within bounds.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use nofx_types::Nanos;

use super::format::{self, RECORD_BYTES, SEGMENT_BYTES, SegmentHead};
use super::reader::{self, Listed, Segment};
use super::{Cut, JournalError, PAYLOAD_MAX, Record};
use crate::lock::Lock;

/// When the files are forced to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fsync {
    /// When the system likes: a crash of the machine loses some 30 seconds.
    Never,
    /// When this many milliseconds have passed since the last time: that much is lost at most, and
    /// what was in the ring.
    EveryMs(u64),
    /// At the end of every drain.
    Always,
}

/// Bounds and names of a journal folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentConfig {
    /// Bytes after which a new segment begins.
    pub segment_bytes: u64,
    /// Bytes that all segments may take: see [`SegmentWriter::keep_from`].
    pub disk_max_bytes: u64,
    /// When the files are forced to the disk.
    pub fsync: Fsync,
    /// When the engine started: names the session.
    pub session: Nanos,
    /// Name and build of the engine: at most 56 bytes are kept.
    pub engine: String,
}

impl Default for SegmentConfig {
    fn default() -> SegmentConfig {
        SegmentConfig {
            segment_bytes: 64 << 20,
            disk_max_bytes: 16 << 30,
            fsync: Fsync::EveryMs(50),
            session: Nanos(0),
            engine: String::new(),
        }
    }
}

/// Records gathered before they are written, at most.
const BUFFER_BYTES: usize = 256 << 10;
/// A segment holds at least the longest record.
const SEGMENT_MIN: u64 = (SEGMENT_BYTES + RECORD_BYTES + PAYLOAD_MAX) as u64;

impl SegmentConfig {
    fn check(&self) -> Result<(), JournalError> {
        let refuse = |key, problem| Err(JournalError::Config { key, problem });
        if self.segment_bytes < SEGMENT_MIN {
            return refuse(
                "segment_bytes",
                format!("{} is below {SEGMENT_MIN}", self.segment_bytes),
            );
        }
        if self.disk_max_bytes / 2 < self.segment_bytes {
            return refuse("disk_max_bytes", "must hold two segments".into());
        }
        Ok(())
    }
}

/// The segment being written.
struct Open {
    file: File,
    name: Listed,
    /// Bytes of it that are written; the buffer comes behind them.
    written: u64,
}

/// Appends records to the segments of a folder; one writer per folder.
///
/// An error leaves the writer as it was: what was appended is kept in a bounded buffer and written by
/// the next call that can.
pub struct SegmentWriter {
    folder: PathBuf,
    config: SegmentConfig,
    /// Finished segments and their bytes, oldest first.
    finished: Vec<(Listed, u64)>,
    open: Option<Open>,
    buffer: Vec<u8>,
    last: Option<u64>,
    /// Last record that is in a file.
    written: Option<u64>,
    cut: Option<Cut>,
    keep_from: u64,
    unsynced: bool,
    synced_at: Nanos,
    _lock: Lock,
}

impl SegmentWriter {
    /// Opens a folder, makes it if need be, and cuts off what a crash left half-written.
    ///
    /// # Errors
    /// Another process writes there, the newest segment is damaged in its middle, a bound makes no
    /// sense, or the system refuses.
    pub fn open(
        folder: impl AsRef<Path>,
        config: SegmentConfig,
    ) -> Result<SegmentWriter, JournalError> {
        config.check()?;
        let folder = folder.as_ref().to_owned();
        fs::create_dir_all(&folder).map_err(|e| JournalError::io(&folder, "make", e))?;
        let lock = Lock::take(&folder.join("writer"))?;
        let (last, cut) = mend(&folder)?;
        let mut finished = Vec::new();
        for listed in reader::list(&folder)? {
            let found = fs::metadata(&listed.path);
            let bytes = found.map_err(|e| JournalError::io(&listed.path, "look at", e))?.len();
            finished.push((listed, bytes));
        }
        Ok(SegmentWriter {
            folder,
            config,
            finished,
            open: None,
            buffer: Vec::with_capacity(BUFFER_BYTES),
            last,
            written: last,
            cut,
            keep_from: 0,
            unsynced: false,
            synced_at: Nanos(0),
            _lock: lock,
        })
    }

    /// Appends a record; whether it was new. One that is there already (its number is not above the
    /// last) changes nothing.
    ///
    /// # Errors
    /// Numbers are missing before it, or there is no room for it: it was not taken.
    pub fn append(&mut self, record: &Record<'_>) -> Result<bool, JournalError> {
        if let Some(last) = self.last {
            if record.number <= last {
                return Ok(false);
            }
            if record.number != last + 1 {
                return Err(JournalError::Hole { want: last + 1, found: record.number });
            }
        }
        let bytes = RECORD_BYTES + record.payload.len();
        if self.buffer.len() + bytes > BUFFER_BYTES {
            self.flush()?;
        }
        if self.open.as_ref().is_some_and(|open| self.is_full(open, bytes)) {
            self.finish()?;
        }
        if self.open.is_none() {
            self.begin(record.number)?;
        }
        format::encode(record, &mut self.buffer);
        self.last = Some(record.number);
        Ok(true)
    }

    /// Writes what was appended, and forces it to the disk when it is time.
    ///
    /// # Errors
    /// The system refuses: a full disk is this. Call again.
    pub fn sync(&mut self, now: Nanos) -> Result<(), JournalError> {
        self.flush()?;
        let due = match self.config.fsync {
            Fsync::Never => false,
            Fsync::EveryMs(ms) => now.since(self.synced_at) >= ms.saturating_mul(1_000_000),
            Fsync::Always => true,
        };
        if due && self.unsynced {
            self.force()?;
            self.synced_at = now;
        }
        Ok(())
    }

    /// Ends the segment; the next record begins another.
    ///
    /// # Errors
    /// The system refuses.
    pub fn rotate(&mut self) -> Result<(), JournalError> {
        self.finish()
    }

    /// Allows segments to be removed, oldest first, that lie wholly below record `number`, when the
    /// bound on the disk is reached. Until this is called nothing may be removed: a restart needs the
    /// day's records, and the application knows where the day begins.
    pub fn keep_from(&mut self, number: u64) {
        self.keep_from = number;
    }

    /// Number of the last record appended, by this writer or one before.
    pub fn last(&self) -> Option<u64> {
        self.last
    }

    /// Number of the last record that is in a file.
    pub fn written(&self) -> Option<u64> {
        self.written
    }

    /// What a crash left half-written and `open` cut off.
    pub fn cut(&self) -> Option<&Cut> {
        self.cut.as_ref()
    }

    /// Bytes that the segments take.
    pub fn disk_bytes(&self) -> u64 {
        let finished: u64 = self.finished.iter().map(|(_, bytes)| bytes).sum();
        finished + self.open.as_ref().map_or(0, |open| open.written)
    }

    fn is_full(&self, open: &Open, more: usize) -> bool {
        open.written + (self.buffer.len() + more) as u64 > self.config.segment_bytes
    }

    fn begin(&mut self, first: u64) -> Result<(), JournalError> {
        self.make_room()?;
        let path = reader::name(&self.folder, first);
        // Not `create_new`: an earlier try may have failed behind the creation.
        let file = File::options().write(true).create(true).truncate(true).open(&path);
        let file = file.map_err(|e| JournalError::io(&path, "create", e))?;
        let (session, engine) = (self.config.session, self.config.engine.clone());
        self.buffer.extend_from_slice(&SegmentHead { first, session, engine }.encode());
        self.open = Some(Open { file, name: Listed { first, path }, written: 0 });
        Ok(())
    }

    /// Removes what may be removed until another segment fits.
    fn make_room(&mut self) -> Result<(), JournalError> {
        let (segment, max) = (self.config.segment_bytes, self.config.disk_max_bytes);
        while self.disk_bytes() + segment > max {
            // A segment ends where the next one begins.
            let next = self.finished.get(1).map(|(next, _)| next.first);
            let end = next.or(self.last.map(|last| last + 1)).filter(|_| !self.finished.is_empty());
            if end.is_none_or(|end| end > self.keep_from) {
                return Err(JournalError::NoRoom {
                    folder: self.folder.clone(),
                    used: self.disk_bytes(),
                    segment,
                    max,
                    keep_from: self.keep_from,
                });
            }
            let oldest = &self.finished[0].0.path;
            fs::remove_file(oldest).map_err(|e| JournalError::io(oldest, "remove", e))?;
            self.finished.remove(0);
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), JournalError> {
        let Some(open) = self.open.as_mut().filter(|_| !self.buffer.is_empty()) else {
            return Ok(());
        };
        // At the known end: a write that failed half way is written over by the next.
        let done = open.file.write_all_at(&self.buffer, open.written);
        done.map_err(|e| JournalError::io(&open.name.path, "write", e))?;
        open.written += self.buffer.len() as u64;
        self.buffer.clear();
        self.written = self.last;
        self.unsynced = true;
        Ok(())
    }

    fn force(&mut self) -> Result<(), JournalError> {
        if let Some(open) = &self.open {
            open.file.sync_data().map_err(|e| JournalError::io(&open.name.path, "sync", e))?;
        }
        self.unsynced = false;
        Ok(())
    }

    fn finish(&mut self) -> Result<(), JournalError> {
        self.flush()?;
        if self.config.fsync != Fsync::Never {
            self.force()?;
            sync_folder(&self.folder)?;
        }
        self.finished.extend(self.open.take().map(|open| (open.name, open.written)));
        Ok(())
    }
}

impl Drop for SegmentWriter {
    fn drop(&mut self) {
        _ = self.flush(); // `sync` is where errors are told
    }
}

fn sync_folder(folder: &Path) -> Result<(), JournalError> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    match synced {
        // Some file systems cannot sync a folder.
        Err(e) if e.kind() != io::ErrorKind::InvalidInput => {
            Err(JournalError::io(folder, "sync", e))
        }
        _ => Ok(()),
    }
}

/// Brings the end of the newest segment in order; returns the last record of the folder.
fn mend(folder: &Path) -> Result<(Option<u64>, Option<Cut>), JournalError> {
    let mut listed = reader::list(folder)?;
    let mut cut = None;
    while let Some(newest) = listed.pop() {
        let path = newest.path.as_path();
        let failed = |doing| move |e| JournalError::io(path, doing, e);
        let Some(mut segment) = Segment::load(&newest)? else {
            let bytes = fs::metadata(path).map_err(failed("look at"))?.len();
            cut = Some(Cut { file: newest.path.clone(), offset: 0, bytes });
            fs::remove_file(path).map_err(failed("remove"))?;
            continue;
        };
        while segment.next()?.is_some() {}
        if let Some(torn) = segment.cut() {
            let file = File::options().write(true).open(path).map_err(failed("open"))?;
            file.set_len(torn.offset).and_then(|()| file.sync_all()).map_err(failed("cut"))?;
            cut = Some(torn);
        }
        if segment.next_number() == newest.first {
            // No record in it: its name is the next segment's.
            fs::remove_file(path).map_err(failed("remove"))?;
            continue;
        }
        return Ok((Some(segment.next_number() - 1), cut));
    }
    Ok((None, cut))
}
