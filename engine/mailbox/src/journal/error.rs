//! What can go wrong with the journal, as text for the person who has to act on it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::MailboxError;

/// Why the journal cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The operating system refused; a full disk is this.
    #[error("{}: cannot {doing}: {source} (check that the directory exists, is writable and has space left)", file.display())]
    Io {
        /// The file or folder.
        file: PathBuf,
        /// What was being done, after "cannot".
        doing: &'static str,
        /// The system's answer.
        source: io::Error,
    },
    /// A segment contradicts its format, and not only at its end.
    #[error("{}: damaged at byte {offset}: {what}", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// Where in the file.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// A segment of another format version.
    #[error("{}: segment format version {found}, this program reads version {want}", file.display())]
    Version {
        /// The file.
        file: PathBuf,
        /// Its version.
        found: u32,
        /// Ours.
        want: u32,
    },
    /// A record does not follow the one before: some are missing in between.
    #[error(
        "journal: record {want} is missing, the next at hand is {found}: is this the folder that belongs to the mailbox?"
    )]
    Hole {
        /// The number that should come.
        want: u64,
        /// The number that came.
        found: u64,
    },
    /// The ring in the mapped file contradicts itself.
    #[error("journal: the ring in the mailbox is damaged behind record {}: another program wrote into it", after.unwrap_or(0))]
    Ring {
        /// The last good record.
        after: Option<u64>,
    },
    /// The folder has reached its bound, and nothing in it may be removed.
    #[error(
        "{}: {used} bytes of segments and another of {segment} would pass disk_max_bytes = {max}, and no segment lies wholly below record {keep_from}: raise disk_max_bytes, or move finished days away",
        folder.display()
    )]
    NoRoom {
        /// The folder.
        folder: PathBuf,
        /// Bytes of the segments there.
        used: u64,
        /// Bytes of one more.
        segment: u64,
        /// The bound.
        max: u64,
        /// Records from here on must stay.
        keep_from: u64,
    },
    /// The configuration cannot be.
    #[error("journal.{key}: {problem}")]
    Config {
        /// The key.
        key: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// Another process writes there.
    #[error(transparent)]
    Locked(#[from] MailboxError),
}

impl JournalError {
    pub(crate) fn io(file: &Path, doing: &'static str, source: io::Error) -> JournalError {
        JournalError::Io { file: file.to_owned(), doing, source }
    }
}

/// The end of the last segment that a crash left half-written, and that is not part of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The file.
    pub file: PathBuf,
    /// Where its good part ends.
    pub offset: u64,
    /// Bytes behind that.
    pub bytes: u64,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (file, Cut { offset, bytes, .. }) = (self.file.display(), self);
        write!(f, "{file}: {bytes} bytes behind byte {offset} are half a record of a crash")
    }
}
