//! The journal ring: records in the mapped file, from the tile to the house-keeping thread.
//!
//! ```text
//! word 0    head: words written so far      \  the producer's lines
//! word 1    number of the last record        |
//! word 2    pushes refused, ring full        |
//! word 3    pushes refused, record too long /
//! word 16   tail: words released so far         the consumer's line
//! word 32   2^k words of records:  [length u32 | kind u8 << 32] [number] [time] [payload, padded]
//! ```
//!
//! The head moves with one release store after the record is whole. Since a killed process's stores
//! happened in order, whatever kills it leaves a head below which every record is whole: nothing
//! committed is lost, nothing half-written is ever seen. Only a machine crash loses the ring.
//!
//! Worst case: a push is `3 + ceil(bytes / 8)` stores and one, at times two, loads of the other
//! side's line; it refuses and counts when there is no room.

use nofx_types::Nanos;

use super::{PAYLOAD_MAX, Record};
use crate::sync::{AtomicU64, Ordering};
use crate::words::Words;

const HEAD: usize = 0;
const LAST: usize = 1;
const FULL: usize = 2;
const TOO_LONG: usize = 3;
const TAIL: usize = 16;
/// Words before the records.
pub(crate) const RING_HEAD: usize = 32;
/// Words of a record before its payload.
const RECORD_HEAD: usize = 3;

/// Words of a ring with room for about `bytes` of records: the power of two not above, with room for
/// at least two of the longest.
pub(crate) fn ring_words(bytes: u64) -> usize {
    let least = (2 * (PAYLOAD_MAX / 8 + RECORD_HEAD)).next_power_of_two();
    let words = (bytes / 8) as usize;
    RING_HEAD + words.checked_ilog2().map_or(0, |log| 1 << log).max(least)
}

/// Words of records of a ring section of this size, if it can be one.
fn capacity(words: usize) -> Option<usize> {
    words.checked_sub(RING_HEAD).filter(|capacity| capacity.is_power_of_two())
}

/// Begins a ring whose first record gets this number.
pub(crate) fn begin(words: &Words, first: u64) {
    if let Some(last) = words.get(LAST) {
        last.store(first.saturating_sub(1), Ordering::Relaxed);
    }
}

fn word(words: &[AtomicU64], at: usize) -> u64 {
    words.get(at).map_or(0, |word| word.load(Ordering::Relaxed))
}

/// What a reader may know of a ring: loads only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RingState {
    /// Number of the last record pushed.
    pub last: u64,
    /// Bytes that wait for the house-keeping thread.
    pub waiting: u64,
    /// Bytes the ring holds.
    pub capacity: u64,
    /// Pushes refused because the ring was full.
    pub full: u64,
    /// Pushes refused because the record was longer than [`PAYLOAD_MAX`].
    pub too_long: u64,
}

impl RingState {
    pub(crate) fn read(words: &[AtomicU64]) -> RingState {
        RingState {
            waiting: word(words, HEAD).saturating_sub(word(words, TAIL)).saturating_mul(8),
            capacity: capacity(words.len()).unwrap_or(0) as u64 * 8,
            last: word(words, LAST),
            full: word(words, FULL),
            too_long: word(words, TOO_LONG),
        }
    }
}

/// The tile's end of the ring.
pub struct Producer {
    words: Words,
    mask: u64,
    head: u64,
    /// As of the last look; the real one may be further.
    tail: u64,
    number: u64,
    payload_max: usize,
}

impl Producer {
    pub(crate) fn new(words: Words) -> Option<Producer> {
        let capacity = capacity(words.len())?;
        let (head, tail, number) = (word(&words, HEAD), word(&words, TAIL), word(&words, LAST));
        let payload_max = PAYLOAD_MAX.min(capacity.saturating_sub(RECORD_HEAD) * 8);
        Some(Producer { mask: capacity as u64 - 1, words, head, tail, number, payload_max })
    }

    /// Appends one record, its payload the `parts` one after the other, and returns its running
    /// number. `None` when the ring is full or the payload is longer than [`PAYLOAD_MAX`]: counted,
    /// and no number is used up.
    #[inline]
    pub fn push(&mut self, kind: u8, at: Nanos, parts: &[&[u8]]) -> Option<u64> {
        let bytes = parts.iter().fold(0usize, |sum, part| sum.saturating_add(part.len()));
        if bytes > self.payload_max {
            return self.refuse(TOO_LONG);
        }
        let next = self.head + (RECORD_HEAD + bytes.div_ceil(8)) as u64;
        if next - self.tail > self.mask + 1 && !self.has_room(next) {
            return self.refuse(FULL);
        }
        let number = self.number + 1;
        let (ring, mask) = (self.words.get(RING_HEAD..)?, self.mask);
        let put = |at: u64, value: u64| {
            if let Some(word) = ring.get((at & mask) as usize) {
                word.store(value, Ordering::Relaxed); // published by the head below
            }
        };
        put(self.head, bytes as u64 | u64::from(kind) << 32);
        put(self.head + 1, number);
        put(self.head + 2, at.0);
        pack(parts, self.head + RECORD_HEAD as u64, put);
        self.words.get(LAST)?.store(number, Ordering::Relaxed);
        // Everything above before the head: pairs with the consumer's load of it.
        self.words.get(HEAD)?.store(next, Ordering::Release);
        (self.head, self.number) = (next, number);
        Some(number)
    }

    /// Number of the last record pushed, by this process or the one before.
    #[inline]
    pub fn last(&self) -> u64 {
        self.number
    }

    /// Part of the ring that waits for the house-keeping thread, in 1/256: for alarms, a fresh look.
    pub fn fill(&mut self) -> u8 {
        self.has_room(0);
        ((self.head - self.tail) * 255 / (self.mask + 1)) as u8
    }

    /// Looks at the consumer's tail again: whether words up to `next` fit now.
    #[cold]
    fn has_room(&mut self, next: u64) -> bool {
        let Some(tail) = self.words.get(TAIL) else { return false };
        // The consumer's copies before our next stores: pairs with `release`.
        let tail = tail.load(Ordering::Acquire);
        // A tail outside what was pushed would be a foreign hand's: keep what we know.
        if tail >= self.tail && tail <= self.head {
            self.tail = tail;
        }
        next.saturating_sub(self.tail) <= self.mask + 1
    }

    #[cold]
    fn refuse(&self, counter: usize) -> Option<u64> {
        let counter = self.words.get(counter)?;
        counter.store(counter.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        None
    }
}

/// Puts the bytes of `parts` into words from `at` on, the last one padded with zeros.
#[inline]
fn pack(parts: &[&[u8]], mut at: u64, put: impl Fn(u64, u64)) {
    let (mut word, mut bits) = (0u64, 0u32); // bytes that do not fill a word yet
    for part in parts {
        let chunks = part.chunks_exact(8);
        let rest = chunks.remainder();
        for chunk in chunks {
            let value = chunk.try_into().map_or(0, u64::from_le_bytes);
            put(at, word | value << bits);
            at += 1;
            word = value.checked_shr(64 - bits).unwrap_or(0);
        }
        let value = rest.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte));
        word |= value << bits;
        let filled = bits + rest.len() as u32 * 8;
        if filled >= 64 {
            put(at, word);
            at += 1;
            word = value.checked_shr(64 - bits).unwrap_or(0);
        }
        bits = filled % 64;
    }
    if bits > 0 {
        put(at, word);
    }
}

/// The house-keeping thread's end of the ring, or the next process's after a crash.
///
/// [`Consumer::next`] reads on; only [`Consumer::release`] gives the room back, to be called when
/// what was read is in its file. After a crash in between, the records come again; the segment
/// writer knows their numbers.
pub struct Consumer {
    words: Words,
    mask: u64,
    /// Read up to here; the tail in the file follows at `release`.
    cursor: u64,
    last: Option<u64>,
    payload: Box<[u64]>,
    damaged: bool,
    /// Held while a dead engine's ring is read, so that no new engine starts meanwhile.
    #[cfg(not(loom))]
    pub(crate) lock: Option<crate::lock::Lock>,
}

impl Consumer {
    pub(crate) fn new(words: Words) -> Option<Consumer> {
        let capacity = capacity(words.len())?;
        Some(Consumer {
            mask: capacity as u64 - 1,
            cursor: word(&words, TAIL),
            words,
            last: None,
            payload: vec![0; PAYLOAD_MAX.div_ceil(8)].into_boxed_slice(),
            damaged: false,
            #[cfg(not(loom))]
            lock: None,
        })
    }

    /// The oldest record not yet read, `None` when there is none now.
    #[allow(clippy::should_implement_trait)] // lends its payload
    #[inline]
    pub fn next(&mut self) -> Option<Record<'_>> {
        // Pairs with the producer's store of the head: the record below it is whole.
        let head = self.words.get(HEAD)?.load(Ordering::Acquire);
        if head == self.cursor || self.damaged {
            return None;
        }
        let ring = self.words.get(RING_HEAD..)?;
        let take = |at: u64| word(ring, (at & self.mask) as usize);
        let (first, number, at) = (
            take(self.cursor),
            take(self.cursor.wrapping_add(1)),
            take(self.cursor.wrapping_add(2)),
        );
        let bytes = first as u32 as usize;
        let next = self.cursor.wrapping_add((RECORD_HEAD + bytes.div_ceil(8)) as u64);
        let follows = self.last.is_none_or(|last| number == last.wrapping_add(1));
        let inside = next <= head && head.wrapping_sub(self.cursor) <= self.mask + 1;
        if bytes > PAYLOAD_MAX || !follows || !inside {
            self.damaged = true; // a foreign hand: nothing behind it can be found
            return None;
        }
        for (place, word) in
            self.payload.iter_mut().zip(self.cursor.wrapping_add(RECORD_HEAD as u64)..next)
        {
            *place = take(word);
        }
        self.cursor = next;
        self.last = Some(number);
        let payload = bytemuck::cast_slice(&self.payload).get(..bytes)?;
        Some(Record { number, kind: (first >> 32) as u8, at: Nanos(at), payload })
    }

    /// Gives the room of everything read so far back to the producer.
    #[inline]
    pub fn release(&mut self) {
        if let Some(tail) = self.words.get(TAIL) {
            tail.store(self.cursor, Ordering::Release);
        }
    }

    /// Goes back to the oldest record whose room was not given back.
    pub fn rewind(&mut self) {
        self.cursor = word(&self.words, TAIL);
        self.last = None;
    }

    /// Whether the ring's content contradicts itself: nothing more comes out of it.
    pub fn is_damaged(&self) -> bool {
        self.damaged
    }

    /// Counts and fill of the ring.
    pub fn state(&self) -> RingState {
        RingState::read(&self.words)
    }
}
