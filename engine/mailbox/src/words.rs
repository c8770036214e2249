//! [`Words`]: a piece of the mapped file as a slice of atomic 64-bit words.
//!
//! Model: the file is only ever touched through atomic words, so that nothing another process does
//! to it can be a data race here; a torn or absurd value is then a value like any other, and the
//! protocols above notice it. A piece keeps its map alive, is cheap to clone and can be sent to the
//! thread that uses it. The same type stands over plain memory for copies of a file, for Miri and
//! (with loom's atomics) for the model checker.
//!
//! This module holds the crate's only `unsafe` code.

use std::ops::{Deref, Range};
use std::sync::Arc;

use crate::sync::AtomicU64;

/// Atomic words of a mapped file, or of plain memory.
#[derive(Clone)]
pub(crate) struct Words {
    memory: Arc<Memory>,
    /// First word; `len` words from there lie inside `memory`, whose content never moves.
    first: *const AtomicU64,
    len: usize,
}

enum Memory {
    Plain(Box<[AtomicU64]>),
    #[cfg(not(loom))]
    Mapped(memmap2::MmapRaw),
}

// SAFETY: the words are atomics in memory that the `Arc` keeps; nothing is tied to a thread.
unsafe impl Send for Words {}
// SAFETY: as above: shared access is atomic access.
unsafe impl Sync for Words {}

impl Words {
    /// Plain memory with these values.
    pub(crate) fn plain(values: impl IntoIterator<Item = u64>) -> Words {
        Words::over(Memory::Plain(values.into_iter().map(AtomicU64::new).collect()))
    }

    fn over(memory: Memory) -> Words {
        let memory = Arc::new(memory);
        let (first, len) = match &*memory {
            Memory::Plain(words) => (words.as_ptr(), words.len()),
            #[cfg(not(loom))]
            Memory::Mapped(map) => (map.as_ptr().cast(), map.len() / size_of::<AtomicU64>()),
        };
        Words { memory, first, len }
    }

    /// The words of `range`, if they are all there.
    pub(crate) fn part(&self, range: Range<usize>) -> Option<Words> {
        let part = self.get(range)?;
        Some(Words { memory: self.memory.clone(), first: part.as_ptr(), len: part.len() })
    }
}

#[cfg(not(loom))]
impl Words {
    /// Maps the whole of `file` for loads and stores, its pages present at once.
    pub(crate) fn map_writable(file: &std::fs::File) -> std::io::Result<Words> {
        let map = memmap2::MmapOptions::new().populate().map_raw(file)?;
        Ok(Words::over(Memory::Mapped(map)))
    }

    /// Maps `file` from byte `from` on for loads and stores, its pages present at once.
    pub(crate) fn map_writable_from(file: &std::fs::File, from: u64) -> std::io::Result<Words> {
        let map = memmap2::MmapOptions::new().offset(from).populate().map_raw(file)?;
        Ok(Words::over(Memory::Mapped(map)))
    }

    /// Maps the whole of `file` for loads: the system stops a store with SIGSEGV.
    pub(crate) fn map_readable(file: &std::fs::File) -> std::io::Result<Words> {
        let map = memmap2::MmapOptions::new().map_raw_read_only(file)?;
        Ok(Words::over(Memory::Mapped(map)))
    }
}

impl Deref for Words {
    type Target = [AtomicU64];

    #[inline]
    fn deref(&self) -> &[AtomicU64] {
        // SAFETY: `first` is aligned (a page, or a box of words, plus whole words) and `len` words
        // from there lie in `memory`, which this value keeps and which nobody frees, moves or (for a
        // mapped file: by the rule that a mailbox is never truncated) shortens. Every bit pattern is
        // an `AtomicU64`. Other processes change the words by atomic stores only.
        unsafe { std::slice::from_raw_parts(self.first, self.len) }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::sync::Ordering;

    #[test]
    fn parts_share_the_words_and_outlive_the_whole() {
        let whole = Words::plain(0..10);
        let part = whole.part(4..6).expect("inside");
        assert!(whole.part(9..11).is_none());
        whole[5].store(77, Ordering::Relaxed);
        drop(whole);
        assert_eq!(part.iter().map(|w| w.load(Ordering::Relaxed)).collect::<Vec<_>>(), [4, 77]);
    }
}
