//! Who calls: mutual TLS, certificates, and what a certificate says about its holder.
//!
//! Model: a person is the CN of a client certificate, roles are its OUs, and only the configured
//! authority may issue it. The handshake proves that the other end holds the key of what it presents
//! ([`proof`]); whether that is good (issuer, time, revocation list, purpose, role) is judged for
//! every request ([`Peer::caller`]), and a stream ends when the judgement changes ([`fn@require`]). A
//! request without a good certificate gets 401 or 403 that says which fault it has and what to do;
//! health and the console's files are the only things without one.
//!
//! Worst case: a judgement is one `stat` of the revocation list, and two verifications of signatures
//! when the list is new; a peer holds at most one handshake's worth of certificates (64 KiB).

mod authority;
mod caller;
mod gate;
mod proof;
mod refusal;
mod require;
pub(crate) mod subject;

use std::path::Path;

pub use caller::{Caller, NoSuchRole, Role};
pub use gate::{Gate, Peer};
pub use refusal::Refusal;
pub use require::require;

/// A file of `[server]` that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("server.{key}: {file}: {what}: name a PEM file; `nofx-control pki init` makes all of them")]
pub struct IdentityError {
    key: &'static str,
    file: String,
    what: String,
}

impl IdentityError {
    fn new(key: &'static str, file: &Path, what: String) -> IdentityError {
        IdentityError { key, file: file.display().to_string(), what }
    }
}
