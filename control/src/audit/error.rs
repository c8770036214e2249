//! [`AuditError`]: why an entry was not recorded, or the log cannot be used.

use std::path::PathBuf;

use super::{MAX_BYTES, PATIENCE};
use crate::failure::Failure;

/// Why an entry was not recorded, or the log cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditError {
    /// More comes than the disk takes.
    #[error("the queue of the audit log is full: the disk is slower than what comes")]
    QueueFull,
    /// SQLite or the system refuses.
    #[error("the audit log cannot be read or written: {0}")]
    Disk(String),
    /// The disk did not answer in time.
    #[error("the disk of the audit log did not answer within {} s", PATIENCE.as_secs())]
    Timeout,
    /// The process is ending.
    #[error("the audit log is closed")]
    Stopped,
    /// An entry beyond [`MAX_BYTES`].
    #[error("the audit entry has {bytes} bytes, more than {MAX_BYTES}")]
    TooLarge {
        /// How many it has.
        bytes: usize,
    },
    /// An entry cannot be written as JSON, or stored bytes cannot be read.
    #[error("an audit entry cannot be encoded or decoded: {0}")]
    Encoding(String),
    /// Another process appends to the log.
    #[error("{0} is in use: another nofx-control appends to this audit log")]
    InUse(PathBuf),
    /// The log contradicts itself or its signed heads.
    #[error("the audit log was tampered with or damaged: {0}")]
    Tampered(String),
    /// The signing key.
    #[error("audit key {}: {why}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The second place.
    #[error("audit checkpoint file {}: {why}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Not a file of this program.
    #[error("{} is not an audit log: {why}", path.display())]
    NotALog {
        /// The file.
        path: PathBuf,
        /// What it is.
        why: String,
    },
    /// One verification at a time.
    #[error("the audit log is being verified already")]
    Busy,
    /// A record, size or parameter that does not exist.
    #[error("{0}")]
    NotFound(String),
}

impl AuditError {
    /// JSON that cannot be made or read.
    pub(super) fn encoding(error: serde_json::Error) -> AuditError {
        AuditError::Encoding(error.to_string())
    }
}

impl From<rusqlite::Error> for AuditError {
    fn from(error: rusqlite::Error) -> AuditError {
        AuditError::Disk(error.to_string())
    }
}

impl From<std::io::Error> for AuditError {
    fn from(error: std::io::Error) -> AuditError {
        AuditError::Disk(error.to_string())
    }
}

/// As a command ends with it: damage is a finding, everything else something that cannot be read.
impl From<AuditError> for Failure {
    fn from(error: AuditError) -> Failure {
        match error {
            AuditError::Tampered(_) | AuditError::Encoding(_) | AuditError::NotFound(_) => {
                Failure::wrong(error)
            }
            other => Failure::input(other),
        }
    }
}
