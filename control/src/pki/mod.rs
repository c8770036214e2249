//! A private certificate authority for those who have none: `nofx-control pki`.
//!
//! ```text
//! DIR/ca.crt ca.key            the authority (ECDSA P-256); the key should leave the machine
//! DIR/server.crt server.key    the server, for its host names
//! DIR/crl.pem                  what was revoked, signed; the server reads it again by itself
//! DIR/audit.key audit.pub      Ed25519, signs the audit log's checkpoints
//! DIR/register.json            every certificate that was issued, who holds it, what became of it
//! ```
//!
//! Model: files in one folder and a register; one process at a time by a lock file. Everything is
//! written under another name, forced to the disk and renamed, private keys readable for their owner
//! only; nothing is overwritten but register and revocation list. A certificate is in the register
//! before it is handed out, so that whatever exists can be revoked.
//!
//! Worst case: a crash between the two leaves an entry of a certificate that nobody has.

mod authority;
mod browser;
mod cli;
mod files;
mod register;

pub use authority::{Authority, Issued, Wanted};
pub use cli::{Args, run};
pub use register::{Entry, Kind};

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// The system refuses.
    #[error("{file}: {error}: {todo}")]
    Io {
        /// The file.
        file: String,
        /// What it says.
        error: std::io::Error,
        /// What to do.
        todo: &'static str,
    },
    /// It would be overwritten.
    #[error(
        "{0} is there already, and is not overwritten: choose another name, or remove it yourself"
    )]
    Exists(String),
    /// Another process is at work in the folder.
    #[error("{0} is in use by another process: wait for it")]
    Busy(String),
    /// A file does not hold what it should.
    #[error("{file}: {what}: name the folder that `pki init` made")]
    Damaged {
        /// The file.
        file: String,
        /// What is wrong with it.
        what: String,
    },
    /// What was asked for cannot be.
    #[error("{0}")]
    Asked(String),
    /// Making or signing failed.
    #[error("cannot make the certificate: {0}")]
    Make(#[from] rcgen::Error),
}
