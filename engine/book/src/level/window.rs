//! Levels near the touch: per side an array of one word per tick, with a bitmap of two steps.
//!
//! Shape: the level at rank `base + i` is word `i` of its side. A level is one word, `quantity <<
//! 24 | orders`: an order joins or leaves with one addition, a carry out of the word is the
//! overflow, and an empty level is zero. One bit per word and one summary bit per 64 words find the
//! next best after the best left in two bit scans, whatever the distance. The length is a constant,
//! so that an index is proven by its mask, and header, bitmap and words are one block of memory.
//! Worst case: sliding a window copies its words and builds its bitmap anew (16 KiB).

use nofx_types::{Level, Price, Qty};

use super::side::{HalfBook, NOTHING};

/// Words of a window. A configured length below it leaves the rest unused.
pub(crate) const WINDOW: usize = 2_048;

/// Words of a window's bitmap.
pub(crate) const LANES: usize = WINDOW / 64;

/// Bits of the order count in a level's word.
pub(crate) const COUNT_BITS: u32 = 24;

/// Most quantity that one level shows.
pub(crate) const QTY_LIMIT: u64 = (1 << (64 - COUNT_BITS)) - 1;

/// Most orders that one level counts.
pub(crate) const COUNT_LIMIT: u64 = (1 << COUNT_BITS) - 1;

/// The word of a level, or what one order adds to it.
#[inline(always)]
pub(crate) const fn word(qty: u64, orders: u64) -> u64 {
    (qty << COUNT_BITS) | orders
}

/// The level of a word.
pub(crate) const fn level(price: i64, word: u64) -> Level {
    let orders = (word & COUNT_LIMIT) as u32;
    Level { price: Price(price), qty: Qty(word >> COUNT_BITS), orders }
}

impl HalfBook {
    /// The word at an index.
    #[inline(always)]
    pub fn word(&self, at: usize) -> u64 {
        self.words[at % WINDOW]
    }

    /// Writes the word at an index and keeps the bitmap.
    pub fn set(&mut self, at: usize, word: u64) {
        let was = std::mem::replace(&mut self.words[at % WINDOW], word);
        match (was, word) {
            (0, 1..) => self.mark(at),
            (1.., 0) => self.unmark(at),
            _ => {}
        }
    }

    /// The level at `at` is there now.
    #[inline(always)]
    pub fn mark(&mut self, at: usize) {
        let at = at % WINDOW;
        self.bits[at / 64] |= 1 << (at % 64);
        self.summary |= 1 << (at / 64);
    }

    /// The level at `at` is gone now.
    #[inline(always)]
    pub fn unmark(&mut self, at: usize) {
        let at = at % WINDOW;
        self.bits[at / 64] &= !(1 << (at % 64));
        if self.bits[at / 64] == 0 {
            self.summary &= !(1 << (at / 64));
        }
    }

    /// Highest rank below the one at index `at`; [`NOTHING`] when there is none in the window.
    #[inline]
    pub fn below(&self, at: usize) -> i32 {
        let at = at % WINDOW;
        let near = self.bits[at / 64] & ((1 << (at % 64)) - 1);
        match near.checked_ilog2() {
            Some(bit) => self.at_offset((at / 64 * 64) as u64 + u64::from(bit)),
            None => self.highest(self.summary & ((1 << (at / 64)) - 1)),
        }
    }

    /// Highest rank among some words of the bitmap, given as bits of the summary.
    #[inline]
    pub fn highest(&self, lanes: u64) -> i32 {
        let Some(lane) = lanes.checked_ilog2() else { return NOTHING };
        let bit = self.bits[lane as usize % LANES].checked_ilog2();
        bit.map_or(NOTHING, |bit| self.at_offset(u64::from(lane * 64 + bit)))
    }

    /// Ranks and words, best first.
    pub fn walk(&self) -> impl Iterator<Item = (i32, u64)> + '_ {
        let first = Some(self.best).filter(|best| *best != NOTHING);
        std::iter::successors(first, |rank| {
            let next = self.below(self.index(*rank));
            (next != NOTHING).then_some(next)
        })
        .map(|rank| (rank, self.word(self.index(rank))))
    }

    /// Moves every word `by` ticks down (up when negative); those that fall out must be zero.
    pub fn slide(&mut self, by: i32) {
        if self.summary == 0 {
            return;
        }
        let steps = (by.unsigned_abs() as usize).min(WINDOW);
        if by > 0 {
            self.words.copy_within(steps.., 0);
            self.words[WINDOW - steps..].fill(0);
        } else {
            self.words.copy_within(..WINDOW - steps, steps);
            self.words[..steps].fill(0);
        }
        self.summary = 0;
        for (lane, (words, bits)) in self.words.chunks_exact(64).zip(&mut self.bits).enumerate() {
            *bits = words.iter().rev().fold(0, |bits, word| bits << 1 | u64::from(*word != 0));
            self.summary |= u64::from(*bits != 0) << lane;
        }
    }

    /// Empties the window.
    pub fn clear(&mut self) {
        while self.best != NOTHING {
            let at = self.index(self.best);
            self.set(at, 0);
            self.best = self.below(at);
        }
    }
}
