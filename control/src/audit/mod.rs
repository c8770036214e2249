//! The audit log: who did what, when, and what came of it.
//!
//! Model: an [`Entry`] is appended and gets a sequence number; a sensitive one waits for the disk.

pub mod cli;

use serde_json::Value;

use crate::config::AuditConfig;
use crate::failure::Failure;

/// One thing that was done, tried or refused.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The person.
    pub who: String,
    /// The role that allowed it.
    pub role: String,
    /// Name of the action.
    pub action: String,
    /// What it was done to.
    pub object: String,
    /// When, nanoseconds since 1970.
    pub when: u64,
    /// How far that may be off; `None`: not known.
    pub clock_error_ns: Option<u64>,
    /// Values before.
    pub before: Value,
    /// Values after.
    pub after: Value,
    /// Why, as the person says.
    pub reason: String,
    /// Correlation id of the request.
    pub correlation: String,
    /// What came of it: `intent`, `done`, `refused`, `failed`, `unknown`.
    pub result: String,
    /// Whether it waits for the disk.
    pub sensitive: bool,
}

/// Why an entry cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The disk, or the file, refuses.
    #[error("the audit log cannot be written: {0}")]
    Write(String),
}

/// The log.
pub struct Audit {}

impl Audit {
    /// Opens the log.
    ///
    /// # Errors
    /// The file cannot be opened or does not verify.
    pub fn open(_config: &AuditConfig) -> Result<Audit, Failure> {
        Ok(Audit {})
    }

    /// Appends an entry; its sequence number.
    ///
    /// # Errors
    /// It cannot be written.
    pub async fn record(&self, _entry: Entry) -> Result<u64, AuditError> {
        Err(AuditError::Write("no log is open".into()))
    }
}
