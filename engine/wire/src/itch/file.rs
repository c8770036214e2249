//! BinaryFILE 1.00: ITCH stored as `u16 BE length`, message, and so on.
//!
//! There is no file header; the sequence number of a record is its 1-based index. A record of
//! length 0 marks the orderly end of the session; a file that ends without it is a cut file.

use super::length_of;

/// What stands at the front of a piece of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front<'a> {
    /// A record, and what follows it.
    Record {
        /// The message.
        body: &'a [u8],
        /// The bytes after it.
        rest: &'a [u8],
    },
    /// A record of length 0: the session ended in order.
    EndOfSession,
    /// Nothing.
    Empty,
    /// The beginning of a record whose end is missing.
    Cut,
}

/// Reads the record at the front of `bytes`.
#[inline]
pub fn front(bytes: &[u8]) -> Front<'_> {
    let Some((length, rest)) = bytes.split_first_chunk::<2>() else {
        return if bytes.is_empty() { Front::Empty } else { Front::Cut };
    };
    let length = usize::from(u16::from_be_bytes(*length));
    match rest.split_at_checked(length) {
        Some(([], _)) => Front::EndOfSession,
        Some((body, rest)) => Front::Record { body, rest },
        None => Front::Cut,
    }
}

/// How many records [`looks_like`] wants to see.
pub const PROBE_RECORDS: usize = 64;

/// Whether the first 64 records of a file (fewer when it is shorter) have the length of their type.
pub fn looks_like(mut bytes: &[u8]) -> bool {
    for record in 0..PROBE_RECORDS {
        match front(bytes) {
            Front::Record { body: body @ [kind, ..], rest }
                if length_of(*kind) == Some(body.len()) =>
            {
                bytes = rest;
            }
            Front::Record { .. } => return false,
            Front::EndOfSession | Front::Empty | Front::Cut => return record > 0,
        }
    }
    true
}
