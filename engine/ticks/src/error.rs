//! Why a file of ticks cannot be read at all.

use std::path::PathBuf;

/// Why a file of ticks cannot be read at all; bad rows are no such reason.
#[derive(Debug, thiserror::Error)]
pub enum TickError {
    /// A file cannot be opened or unpacked.
    #[error(transparent)]
    Read(#[from] Box<nofx_net::Error>),
    /// A zip archive cannot be read.
    #[error("{file}: zip: {reason}")]
    Zip {
        /// The archive.
        file: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// Nothing says what the file holds.
    #[error("{file}: {reason}")]
    Unknown {
        /// The file.
        file: PathBuf,
        /// What was looked for.
        reason: String,
    },
    /// A Parquet file is damaged.
    #[error("{file}: parquet: {reason}")]
    Parquet {
        /// The file.
        file: PathBuf,
        /// The library's words.
        reason: String,
    },
    /// A layout cannot be used.
    #[error("{place}: {reason}")]
    Layout {
        /// File and key.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An option is missing or does not fit the file.
    #[error("{0}")]
    Usage(String),
    /// A file cannot be written.
    #[error("{file}: {source}")]
    Write {
        /// The file.
        file: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
}
