//! Which line brought which number, and when: a ring over the most recent [`WINDOW`] numbers.
//!
//! Model: one bit per number and line, and (with two lines) the time of the first copy. A datagram
//! touches one or two words; one that holds only numbers larger than all before, as nearly every
//! first copy does, is not compared with anything. Numbers older than the window are not told apart any more; they count
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
    /// One past the largest number anyone brought.
    end: u64,
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
            end: 0,
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
        self.end = 0;
    }

    /// Notes that `line` brought `seq..end` at `now`.
    #[inline]
    pub fn mark(&mut self, line: usize, seq: u64, end: u64, expected: u64, now: Nanos) -> Marked {
        if seq >= end {
            return Marked::default();
        }
        self.advance((end - 1) / 64 + 1);
        let fresh = seq >= self.end && seq >= expected;
        self.end = self.end.max(end);
        if fresh && end - seq <= WINDOW {
            self.mark_fresh(line, seq, end, now);
            return Marked { first: end - seq, duplicate: 0 };
        }
        self.mark_again(line, seq, end, expected, now)
    }

    /// Numbers that nobody brought before.
    #[inline]
    fn mark_fresh(&mut self, line: usize, seq: u64, end: u64, now: Nanos) {
        self.distinct[line & 1] += end - seq;
        for word in seq / 64..=(end - 1) / 64 {
            self.seen[line & 1][(word % WORDS) as usize] |= mask_of(word, seq, end);
        }
        if self.lines > 1 {
            (seq..end).for_each(|number| self.times[(number % WINDOW) as usize] = now.0);
        }
    }

    /// Numbers of which some were brought before, were given up, or are older than the window.
    fn mark_again(&mut self, line: usize, seq: u64, end: u64, expected: u64, now: Nanos) -> Marked {
        let mut marked = Marked::default();
        let oldest = (self.end_word - WORDS) * 64;
        if seq < oldest {
            marked.first += oldest.min(end).saturating_sub(seq.max(expected));
        }
        let seq = seq.max(oldest);
        if seq >= end {
            return marked;
        }
        for word in seq / 64..=(end - 1) / 64 {
            // Numbers of this word that were handed on or given up.
            let passed = match expected.saturating_sub(word * 64) {
                0 => 0,
                n @ 1..=63 => u64::MAX >> (64 - n),
                _ => u64::MAX,
            };
            self.mark_word(line, word, mask_of(word, seq, end), passed, now, &mut marked);
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
        bits(first).for_each(|bit| times[bit] = now.0);
        let mut previous = None;
        for bit in bits(second) {
            let time = times[bit];
            if previous.replace(time) != Some(time) {
                self.skew[leader].record(now.0.saturating_sub(time));
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

/// The bits of `word` that stand for numbers of `seq..end`, which it shares at least one with.
#[inline]
fn mask_of(word: u64, seq: u64, end: u64) -> u64 {
    let from = seq.max(word * 64) - word * 64;
    let len = (end - word * 64).min(64) - from;
    (u64::MAX >> (64 - len)) << from
}

/// Positions of the bits of `word` that are set, rising.
fn bits(mut word: u64) -> impl Iterator<Item = usize> {
    core::iter::from_fn(move || {
        let bit = (word != 0).then(|| word.trailing_zeros() as usize)?;
        word &= word - 1;
        Some(bit)
    })
}
