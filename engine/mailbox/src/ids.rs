//! [`IdFile`]: ids reserved in blocks on disk, ahead of use.
//!
//! Model: the file holds one number, the first that nobody reserved. [`IdFile::reserve`] makes a new
//! file with a higher number, forces it to the disk and renames it into place before it hands the
//! block out: whatever crashes when, no id is handed out twice. Ids of a block that were not used
//! before a crash are skipped. A damaged file is an error, never a fresh start.

use std::fs::{self, File};
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::error::MailboxError;
use crate::lock::Lock;

const MAGIC: [u8; 8] = *b"NOFXIDS1";
const BYTES: usize = 24;
const ADVICE: &str = "check that the directory exists, is writable and has space left";

/// A file of reserved ids; one process at a time.
pub struct IdFile {
    path: PathBuf,
    next: u64,
    _lock: Lock,
}

impl IdFile {
    /// Opens the file; where there is none, ids begin at 1.
    ///
    /// # Errors
    /// Another process has it, it is damaged, or the system refuses.
    pub fn open(path: impl AsRef<Path>) -> Result<IdFile, MailboxError> {
        let path = path.as_ref().to_owned();
        let lock = Lock::take(&path)?;
        let next = match fs::read(&path) {
            Ok(bytes) => decode(&bytes).ok_or_else(|| MailboxError::Damaged {
                file: path.clone(),
                what: "not a file of reserved ids, or its checksum is wrong".into(),
            })?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => 1,
            Err(e) => return Err(MailboxError::io(&path, "read", ADVICE, e)),
        };
        Ok(IdFile { path, next, _lock: lock })
    }

    /// The first id that nobody reserved.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Reserves `n` ids: on the disk before this returns.
    ///
    /// # Errors
    /// The system refuses, or ids have run out; nothing is reserved then.
    pub fn reserve(&mut self, n: u64) -> Result<Range<u64>, MailboxError> {
        self.reserve_from(0, n)
    }

    /// Reserves `n` ids at or above `floor`: for a floor that another source knows, such as the
    /// highest id in the journal.
    ///
    /// # Errors
    /// As for [`IdFile::reserve`].
    pub fn reserve_from(&mut self, floor: u64, n: u64) -> Result<Range<u64>, MailboxError> {
        let first = self.next.max(floor);
        let next = first.checked_add(n).ok_or_else(|| MailboxError::Spec {
            key: "ids",
            problem: format!("no {n} ids are left above {first}"),
        })?;
        self.write(next).map_err(|e| MailboxError::io(&self.path, "write", ADVICE, e))?;
        self.next = next;
        Ok(first..next)
    }

    fn write(&self, next: u64) -> io::Result<()> {
        let fresh = self.path.with_added_extension("new");
        let mut file = File::create(&fresh)?;
        file.write_all(&encode(next))?;
        file.sync_all()?;
        fs::rename(&fresh, &self.path)?;
        // The name survives a power cut only once its directory is synced.
        let folder = self.path.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}

fn encode(next: u64) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    bytes[..8].copy_from_slice(&MAGIC);
    bytes[8..16].copy_from_slice(&next.to_le_bytes());
    let crc = u64::from(crc32c::crc32c(&bytes[..16]));
    bytes[16..].copy_from_slice(&crc.to_le_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Option<u64> {
    let next = u64::from_le_bytes(*bytes.get(8..)?.first_chunk()?);
    (bytes == encode(next)).then_some(next)
}
