//! Lines through mapped memory: the window that a host writes, the ring that it reads.
//!
//! Model: both are [`SLOTS`] slots of 64 bytes, the line with sequence `s` in slot `s mod SLOTS`, as
//! the adaptors of the card have it (`hw/pcie`). A line is there when the last word of its slot holds
//! its sequence; that word is stored last and read first, so nobody sees half a line. A put is eight
//! stores, a take one load until the line is there: no system call, no read over the bus.
//!
//! Whatever can be mapped serves: a memfd shared with the simulator ([`super::shm`]), a BAR through
//! sysfs `resourceN_wc` or the bypass node of the driver ([`super::bar`]) with the ring in memory
//! that the card may write. What differs is the kind of [`Stores`] and who opened the files.
//! [`HostLines`] is the host's half; [`CardLines`] the card's, for simulators and tests.
//!
//! Worst case: a line that never comes costs a load a turn; the caller's clock says when to give up.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use memmap2::{MmapOptions, MmapRaw};

use crate::line::{OpLine, VerdictLine, WORDS};
use crate::regs::op;

/// Slots of window and ring: the credits of the gate.
pub const SLOTS: u32 = crate::regs::parameter::CREDITS;
/// Bytes of window and ring.
pub const BYTES: usize = SLOTS as usize * 64;

const _: () = assert!(SLOTS.is_power_of_two());
const _: () = assert!(op::SEQ.lsb == 480 && op::SEQ.width == 32, "the sequence ends the line");

/// How a line is stored into the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stores {
    /// Words in order, the last one released: shared memory, and a BAR that is not write-combining.
    Ordered,
    /// The whole line past the caches, then a fence: a write-combining BAR takes it as one write. The
    /// card puts the pieces together whatever order they come in; memory that is polled does not, so
    /// this is for a BAR only.
    Combining,
}

/// Slots in mapped memory.
#[derive(Debug)]
struct Slots {
    memory: MmapRaw,
}

impl Slots {
    fn map(file: &File, offset: u64) -> io::Result<Slots> {
        Slots::map_bytes(file, offset, BYTES)
    }

    /// The slots in a ring's file, mapped as a whole: a huge page cannot be mapped in part.
    fn map_ring(file: &File) -> io::Result<Slots> {
        Slots::map_bytes(file, 0, BYTES.max(file.metadata()?.len() as usize))
    }

    fn map_bytes(file: &File, offset: u64, bytes: usize) -> io::Result<Slots> {
        let memory = MmapOptions::new().offset(offset).len(bytes).map_raw(file)?;
        if !memory.as_ptr().cast::<[u64; WORDS]>().is_aligned() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "slots are not aligned"));
        }
        Ok(Slots { memory })
    }

    /// The words of the slot of `seq`.
    #[inline]
    fn slot(&self, seq: u32) -> *mut u64 {
        let at = (seq & (SLOTS - 1)) as usize * 64;
        self.memory.as_mut_ptr().wrapping_add(at).cast()
    }

    #[inline]
    fn last(&self, seq: u32) -> &AtomicU64 {
        // SAFETY: the slot lies inside the mapping, is aligned to 64 bytes, and its last word is
        // accessed in this way only, by this process.
        unsafe { AtomicU64::from_ptr(self.slot(seq).add(WORDS - 1)) }
    }

    #[inline]
    fn store(&self, seq: u32, words: &[u64; WORDS]) {
        let slot = self.slot(seq);
        for (at, word) in words.iter().enumerate().take(WORDS - 1) {
            // SAFETY: inside the mapping and aligned; nobody reads it before the last word is there.
            unsafe { slot.add(at).write_volatile(*word) };
        }
        self.last(seq).store(words[WORDS - 1], Ordering::Release);
    }

    #[cfg(target_arch = "x86_64")]
    #[inline]
    fn store_combining(&self, seq: u32, words: &[u64; WORDS]) {
        use core::arch::x86_64::{_mm_set_epi64x, _mm_sfence, _mm_stream_si128};
        let slot = self.slot(seq);
        for (at, pair) in words.as_chunks::<2>().0.iter().enumerate() {
            let [low, high] = *pair;
            // SAFETY: SSE2 is part of x86-64; the slot lies inside the mapping, 16 bytes aligned.
            unsafe {
                _mm_stream_si128(slot.add(2 * at).cast(), _mm_set_epi64x(high as i64, low as i64));
            }
        }
        // SAFETY: SSE is part of x86-64.
        unsafe { _mm_sfence() };
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn store_combining(&self, seq: u32, words: &[u64; WORDS]) {
        self.store(seq, words);
    }

    /// The line in the slot of `seq`, if it is that line.
    #[inline]
    fn load(&self, seq: u32) -> Option<[u64; WORDS]> {
        let last = self.last(seq).load(Ordering::Acquire);
        if (last >> 32) as u32 != seq {
            return None;
        }
        let slot = self.slot(seq);
        let mut words = [last; WORDS];
        for (at, word) in words.iter_mut().enumerate().take(WORDS - 1) {
            // SAFETY: inside the mapping and aligned; its writer is done with it, as the last word says.
            *word = unsafe { slot.add(at).read_volatile() };
        }
        Some(words)
    }

    /// Empties every slot: no line is numbered as what is stored (slot 0 would take number 0).
    fn clear(&self) {
        for seq in 0..SLOTS {
            let nothing = u64::from(!seq) << 32;
            self.store(seq, &[0, 0, 0, 0, 0, 0, 0, nothing]);
        }
    }
}

/// The host's half.
#[derive(Debug)]
pub struct HostLines {
    window: Slots,
    ring: Slots,
    stores: Stores,
    /// Number of the last verdict taken.
    taken: u32,
}

impl HostLines {
    /// Maps the window at `offset` of `window` and the ring at the start of `ring`, and empties the
    /// ring. The next line is number 1.
    pub fn map(window: &File, offset: u64, ring: &File, stores: Stores) -> io::Result<HostLines> {
        let lines = HostLines {
            window: Slots::map(window, offset)?,
            ring: Slots::map_ring(ring)?,
            stores,
            taken: 0,
        };
        lines.ring.clear();
        Ok(lines)
    }

    /// Stores a line into the slot of its sequence; false while the verdict of the line that had the
    /// slot before was not taken.
    #[inline]
    pub fn put(&mut self, line: &OpLine) -> bool {
        let seq = line.seq();
        if seq.wrapping_sub(self.taken) > SLOTS {
            return false;
        }
        match self.stores {
            Stores::Ordered => self.window.store(seq, &line.words),
            Stores::Combining => self.window.store_combining(seq, &line.words),
        }
        true
    }

    /// The next verdict, if it is there.
    #[inline]
    pub fn take(&mut self) -> Option<VerdictLine> {
        let next = self.taken.wrapping_add(1);
        let words = self.ring.load(next)?;
        self.taken = next;
        Some(VerdictLine { words })
    }

    /// The card begins anew (a scrub, a reset): its next line is number 1, and so is its next verdict.
    pub fn restart(&mut self) {
        self.ring.clear();
        self.taken = 0;
    }
}

/// The card's half.
#[derive(Debug)]
pub struct CardLines {
    window: Slots,
    ring: Slots,
    /// Number of the last line taken.
    taken: u32,
}

impl CardLines {
    /// Maps both and empties the window. The next line is number 1.
    pub fn map(window: &File, ring: &File) -> io::Result<CardLines> {
        let lines =
            CardLines { window: Slots::map(window, 0)?, ring: Slots::map(ring, 0)?, taken: 0 };
        lines.window.clear();
        Ok(lines)
    }

    /// The next line, if it is there.
    #[inline]
    pub fn take(&mut self) -> Option<OpLine> {
        let next = self.taken.wrapping_add(1);
        let words = self.window.load(next)?;
        self.taken = next;
        Some(OpLine { words })
    }

    /// Writes a verdict into the slot of its sequence.
    #[inline]
    pub fn put(&mut self, verdict: &VerdictLine) {
        self.ring.store(verdict.seq(), &verdict.words);
    }

    /// Begins anew: every slot of the window empty, the next line is number 1.
    pub fn restart(&mut self) {
        self.window.clear();
        self.taken = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn halves(stores: Stores) -> (HostLines, CardLines) {
        let files = [(); 2].map(|()| {
            let file = tempfile::tempfile().expect("a file");
            file.set_len(BYTES as u64).expect("as long as the slots");
            file
        });
        let host = HostLines::map(&files[0], 0, &files[1], stores).expect("mapped");
        (host, CardLines::map(&files[0], &files[1]).expect("mapped"))
    }

    fn line(seq: u32) -> OpLine {
        let mut line = OpLine::ZERO;
        line.words.fill(u64::from(seq).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        line.with(op::SEQ, seq.into())
    }

    #[test]
    fn lines_cross_in_order_over_many_turns_and_the_end_of_numbers() {
        for stores in [Stores::Ordered, Stores::Combining] {
            let (mut host, mut card) = halves(stores);
            for first in [1, u32::MAX - 200] {
                host.taken = first - 1;
                card.taken = first - 1;
                for step in 0..1_000u32 {
                    let seq = first.wrapping_add(step);
                    assert!(card.take().is_none() && host.take().is_none());
                    assert!(host.put(&line(seq)));
                    assert_eq!(card.take(), Some(line(seq)));
                    card.put(&VerdictLine { words: line(seq).words });
                    assert_eq!(host.take().map(|verdict| verdict.words), Some(line(seq).words));
                }
            }
        }
    }

    #[test]
    fn a_slot_is_not_written_before_its_verdict_was_taken() {
        let (mut host, mut card) = halves(Stores::Ordered);
        assert!((1..=SLOTS).all(|seq| host.put(&line(seq))));
        assert!(!host.put(&line(SLOTS + 1)), "no room");
        assert_eq!(card.take(), Some(line(1)));
        assert!(!host.put(&line(SLOTS + 1)), "taken, but not answered");
        card.put(&VerdictLine { words: line(1).words });
        assert!(host.take().is_some() && host.put(&line(SLOTS + 1)));
        assert!((2..=SLOTS + 1).all(|seq| card.take() == Some(line(seq))));
    }

    #[test]
    fn a_line_that_is_not_next_is_not_seen() {
        let (mut host, mut card) = halves(Stores::Ordered);
        assert!(host.put(&line(2)));
        assert!(card.take().is_none());
        assert!(host.put(&line(1)));
        assert_eq!((card.take(), card.take()), (Some(line(1)), Some(line(2))));
    }

    #[test]
    fn nothing_of_before_is_seen_after_a_restart() {
        let (mut host, mut card) = halves(Stores::Ordered);
        for seq in 1..=3 {
            assert!(host.put(&line(seq)));
            assert!(card.take().is_some());
            card.put(&VerdictLine { words: line(seq).words });
        }
        assert!(host.put(&line(4)) && host.take().is_some());
        card.restart();
        host.restart();
        assert!(card.take().is_none() && host.take().is_none());
        assert!(host.put(&line(1)));
        assert_eq!(card.take(), Some(line(1)));
    }
}
