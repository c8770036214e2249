//! Which line brought which number, and when: a ring over the most recent [`WINDOW`] numbers.
//!
//! Model: one bit per number and line, and (with two lines) the time of the first copy. A datagram
//! touches one or two words. Numbers older than the window are not told apart any more; they count
//! as late. This is bookkeeping only: nothing here decides what is delivered.

use nofx_types::Nanos;

use super::{LINES_MAX, Skew};

/// Numbers remembered: 24 MB/s of 40-byte messages for a tenth of a second.
const WINDOW: u64 = 1 << 16;
const WORDS: u64 = WINDOW / 64;

/// How a datagram's numbers stood when it came. What is neither is late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Marked {
    /// Not seen before and still wanted.
    pub first: u64,
    /// Seen before.
    pub duplicate: u64,
}

pub(super) struct Arrivals {
    /// Bit `n % 64` of word `n / 64 % WORDS` per line.
    seen: [Box<[u64]>; LINES_MAX],
    /// Time of the first copy, by `n % WINDOW`; empty with one line.
    times: Box<[u64]>,
    /// Words `end_word - WORDS .. end_word` are valid.
    end_word: u64,
    distinct: [u64; LINES_MAX],
    skew: [Skew; LINES_MAX],
    lines: usize,
}

impl Arrivals {
    pub fn new(lines: usize) -> Arrivals {
        let words = || vec![0u64; WORDS as usize].into_boxed_slice();
        let times = if lines > 1 { WINDOW as usize } else { 0 };
        Arrivals {
            seen: [words(), words()],
            times: vec![0; times].into_boxed_slice(),
            end_word: WORDS,
            distinct: [0; LINES_MAX],
            skew: [Skew::default(), Skew::default()],
            lines,
        }
    }

    /// Forgets which numbers were seen; counts stay.
    pub fn restart(&mut self, origin: u64) {
        for line in &mut self.seen {
            line.fill(0);
        }
        self.end_word = (origin / 64).max(WORDS);
    }

    /// Notes that `line` brought `seq..end` at `now`.
    pub fn mark(&mut self, line: usize, seq: u64, end: u64, expected: u64, now: Nanos) -> Marked {
        let mut marked = Marked::default();
        if seq >= end {
            return marked;
        }
        let last_word = (end - 1) / 64;
        self.advance(last_word + 1);
        let oldest = (self.end_word - WORDS) * 64;
        if seq < oldest {
            marked.first += oldest.min(end).saturating_sub(seq.max(expected));
        }
        let seq = seq.max(oldest);
        if seq >= end {
            return marked;
        }
        for word in seq / 64..=last_word {
            let from = seq.max(word * 64) - word * 64;
            let len = (end - word * 64).min(64) - from;
            let mask = (u64::MAX >> (64 - len)) << from;
            // Numbers of this word that were handed on or given up.
            let passed = match expected.saturating_sub(word * 64) {
                0 => 0,
                n @ 1..=63 => u64::MAX >> (64 - n),
                _ => u64::MAX,
            };
            self.mark_word(line, word, mask, passed, now, &mut marked);
        }
        marked
    }

    pub fn memory_bytes(&self) -> u64 {
        let seen: usize = self.seen.iter().map(|words| size_of_val(&**words)).sum();
        (seen + size_of_val(&*self.times)) as u64
    }

    /// Numbers that `line` carried, each once.
    pub fn distinct(&self, line: usize) -> u64 {
        self.distinct.get(line).copied().unwrap_or(0)
    }

    pub fn skew(&self, line: usize) -> Option<&Skew> {
        self.skew.get(line).filter(|_| self.lines > 1)
    }

    #[inline]
    fn mark_word(
        &mut self,
        line: usize,
        word: u64,
        mask: u64,
        passed: u64,
        now: Nanos,
        marked: &mut Marked,
    ) {
        let index = (word % WORDS) as usize;
        let (own, other) = (line & 1, (line & 1) ^ 1);
        let (mine, theirs) = (self.seen[own][index], self.seen[other][index]);
        let unseen = mask & !mine & !theirs;
        marked.first += u64::from((unseen & !passed).count_ones());
        marked.duplicate += u64::from((mask & (mine | theirs)).count_ones());
        self.distinct[own] += u64::from((mask & !mine).count_ones());
        self.seen[own][index] = mine | mask;
        if self.lines > 1 {
            self.time_word(other, index * 64, unseen, mask & theirs & !mine, now);
        }
    }

    /// Stores the time of first copies, and measures second ones against it: one value per run of
    /// equal times, that is per pair of datagrams.
    fn time_word(&mut self, leader: usize, base: usize, first: u64, second: u64, now: Nanos) {
        let Some(times) = self.times.get_mut(base..base + 64) else { return };
        let mut previous = None;
        for (bit, time) in times.iter_mut().enumerate() {
            if first >> bit & 1 == 1 {
                *time = now.0;
            } else if second >> bit & 1 == 1 && previous.replace(*time) != Some(*time) {
                self.skew[leader].record(now.0.saturating_sub(*time));
            }
        }
    }

    /// Makes the words up to `end_word` valid; what falls out of the window is forgotten.
    #[inline]
    fn advance(&mut self, end_word: u64) {
        if end_word <= self.end_word {
            return;
        }
        let fresh = (end_word - self.end_word).min(WORDS);
        for word in end_word - fresh..end_word {
            let index = (word % WORDS) as usize;
            for line in &mut self.seen {
                line[index] = 0;
            }
        }
        self.end_word = end_word;
    }
}
