//! The journal: a ring in the mapped file, and the segment files it is drained to.
//!
//! ```text
//!  tile ──push──> ring (mapped file) ──drain──> segment files ──Reader──> replay, recovery
//!                 survives kill -9              survives a crash of the machine,
//!                                               but for the stated fsync window
//! ```
//!
//! A record is a running number, a kind, a time and bytes; kinds and bytes are the application's. The
//! numbers are consecutive over restarts. [`drain`] moves records from the ring to the files and
//! gives room back only for what is in a file, so a crash between the two repeats records, whose
//! numbers the [`SegmentWriter`] knows: none is lost and none is there twice. After a crash the next
//! start drains the dead engine's ring the same way ([`recover`]) before it makes a new mailbox.
//!
//! What is lost when: process killed, nothing. Machine down: what was written since the last fsync
//! ([`Fsync`]) and what was in the ring; the next start goes on with the number after the last record
//! found.

#[cfg(not(loom))]
mod error;
#[cfg(not(loom))]
mod format;
#[cfg(not(loom))]
mod reader;
pub(crate) mod ring;
#[cfg(not(loom))]
mod writer;

#[cfg(not(loom))]
pub use error::{Cut, JournalError};
#[cfg(not(loom))]
pub use format::{RECORD_BYTES, SEGMENT_BYTES, SegmentHead};
#[cfg(not(loom))]
pub use reader::{Reader, Segment};
pub use ring::{Consumer, Producer, RingState};
#[cfg(not(loom))]
pub use writer::{Fsync, SegmentConfig, SegmentWriter};

use nofx_types::Nanos;

/// Longest payload of a record: above the longest datagram.
#[cfg(not(loom))]
pub const PAYLOAD_MAX: usize = 1 << 16;
#[cfg(loom)]
pub(crate) const PAYLOAD_MAX: usize = 8;

/// One record, lent by whoever reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Running number: consecutive, from 1.
    pub number: u64,
    /// What it is, as the application numbers it.
    pub kind: u8,
    /// The engine's time.
    pub at: Nanos,
    /// Its bytes.
    pub payload: &'a [u8],
}

/// Moves what waits in the ring to the segment files; returns how many records are new there. At most
/// one ring's worth per call. Room is given back only when all of it is written.
///
/// # Errors
/// The files cannot be written. Nothing is lost: the records stay in the ring, the next call tries
/// them again, and the tile's pushes are refused once the ring is full.
#[cfg(not(loom))]
pub fn drain(
    ring: &mut Consumer,
    files: &mut SegmentWriter,
    now: Nanos,
) -> Result<u64, JournalError> {
    let drained = append_all(ring, files).and_then(|new| files.sync(now).map(|()| new));
    match &drained {
        Ok(_) => ring.release(),
        Err(_) => ring.rewind(),
    }
    drained
}

#[cfg(not(loom))]
fn append_all(ring: &mut Consumer, files: &mut SegmentWriter) -> Result<u64, JournalError> {
    let (mut new, mut room) = (0, ring.state().capacity);
    while let Some(record) = ring.next() {
        new += u64::from(files.append(&record)?);
        room = room.saturating_sub(record.payload.len() as u64);
        if room == 0 {
            break;
        }
    }
    if ring.is_damaged() {
        return Err(JournalError::Ring { after: files.last() });
    }
    Ok(new)
}

/// The ring that the engine before left in the mailbox at `path`: everything it pushed and nobody
/// drained. `None` when there is no mailbox, or when the machine was started again since (the ring is
/// then what the disk happened to have). To be [`drain`]ed, then dropped: a new engine is refused
/// while it is held, and while it is not drained.
///
/// # Errors
/// The engine still runs, or the file is no mailbox of this ABI version.
#[cfg(not(loom))]
pub fn recover(path: impl AsRef<std::path::Path>) -> Result<Option<Consumer>, crate::MailboxError> {
    crate::engine::recover(path.as_ref())
}
