//! What the threads of a live run tell each other: a few words, each with one writer.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// The words.
#[derive(Debug, Default)]
pub struct Shared {
    /// The run is to end: cancel, log out, flush.
    pub stop: AtomicBool,
    /// The journal cannot be written; set and cleared by its writer.
    pub journal_broken: AtomicBool,
    /// Order ids up to this are reserved on disk; raised by the writer.
    pub id_limit: AtomicU32,
    /// The lowest order id that is not used; raised by the tile.
    pub id_used: AtomicU32,
    /// The trade tile has ended: nothing more comes into the journal.
    pub tile_ended: AtomicBool,
    /// Records in the files, by their last number.
    pub written: AtomicU64,
}

impl Shared {
    /// Whether a flag is up.
    #[inline]
    pub fn is(flag: &AtomicBool) -> bool {
        flag.load(Ordering::Acquire)
    }
}
