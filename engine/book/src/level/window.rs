//! Levels near the touch: per side an array of one word per tick, with a bitmap of two steps.
//!
//! Shape: the level at rank `base + i` is word `i` of its side. A level is one word,
//! `quantity << 24 | orders`: an order joins or leaves with one addition, a carry out of the word is the
//! overflow, and an empty level is zero. One bit per word and one summary bit per 64 words find the next
//! best after the best left in two bit scans, whatever the distance.
//! Worst case: sliding a window copies its words and builds its bitmap anew (2,048 ticks: 16 KiB).

use nofx_rt::mem::HugeSlice;
use nofx_types::{Level, Price, Qty};

use super::side::{HalfBook, NOTHING};

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

/// The windows of all sides.
pub(crate) struct Windows {
    pub words: HugeSlice<u64>,
    pub bits: HugeSlice<u64>,
    width: u32,
}

impl Windows {
    /// Windows of `width` ticks, a power of two from 64 to 4,096, for `sides` sides.
    pub fn new(sides: usize, width: u32) -> std::io::Result<Windows> {
        let count = sides * width as usize;
        let (words, bits) = (HugeSlice::zeroed(count)?, HugeSlice::zeroed(count / 64)?);
        Ok(Windows { words, bits, width })
    }

    /// Ticks of a window.
    #[inline(always)]
    pub fn len(&self) -> u32 {
        self.width
    }

    /// The word at an index.
    #[inline]
    pub fn get(&self, at: usize) -> u64 {
        self.words.get(at).copied().unwrap_or(0)
    }

    /// Writes the word at an index and keeps the bitmap.
    pub fn set(&mut self, half: &mut HalfBook, at: usize, word: u64) {
        let Some(slot) = self.words.get_mut(at) else { return };
        let was = std::mem::replace(slot, word);
        match (was, word) {
            (0, 1..) => self.mark(half, at),
            (1.., 0) => self.unmark(half, at),
            _ => {}
        }
    }

    /// The level at `at` is there now.
    #[inline(always)]
    pub fn mark(&mut self, half: &mut HalfBook, at: usize) {
        if let Some(bits) = self.bits.get_mut(at / 64) {
            *bits |= 1 << (at % 64);
            half.summary |= 1 << lane(at);
        }
    }

    /// The level at `at` is gone now.
    #[inline(always)]
    pub fn unmark(&mut self, half: &mut HalfBook, at: usize) {
        if let Some(bits) = self.bits.get_mut(at / 64) {
            *bits &= !(1 << (at % 64));
            if *bits == 0 {
                half.summary &= !(1 << lane(at));
            }
        }
    }

    /// Highest rank below the one at index `at`; [`NOTHING`] when there is none in the window.
    #[inline]
    pub fn below(&self, half: &HalfBook, at: usize) -> i32 {
        let near = self.bits.get(at / 64).map_or(0, |bits| bits & ((1 << (at % 64)) - 1));
        match near.checked_ilog2() {
            Some(bit) => half.rank_at(at / 64 * 64 + bit as usize),
            None => self.highest(half, half.summary & ((1 << lane(at)) - 1)),
        }
    }

    /// Highest rank among some words of a side's bitmap, given as bits of its summary.
    #[inline]
    pub fn highest(&self, half: &HalfBook, lanes: u64) -> i32 {
        let Some(lane) = lanes.checked_ilog2() else { return NOTHING };
        let word = half.first as usize / 4096 * 64 + lane as usize;
        let bits = self.bits.get(word).and_then(|bits| bits.checked_ilog2());
        bits.map_or(NOTHING, |bit| half.rank_at(word * 64 + bit as usize))
    }

    /// Ranks and words of a side, best first.
    pub fn walk<'a>(&'a self, half: &'a HalfBook) -> impl Iterator<Item = (i32, u64)> + 'a {
        let first = Some(half.best).filter(|best| *best != NOTHING);
        std::iter::successors(first, move |rank| {
            let next = self.below(half, half.index(*rank));
            (next != NOTHING).then_some(next)
        })
        .map(move |rank| (rank, self.get(half.index(rank))))
    }

    /// Moves every word `by` ticks down (up when negative); those that would fall out must be zero.
    pub fn slide(&mut self, half: &mut HalfBook, by: i32) {
        if half.summary == 0 {
            return;
        }
        let (first, width) = (half.first as usize, self.width as usize);
        let Some(words) = self.words.get_mut(first..first + width) else { return };
        let steps = (by.unsigned_abs() as usize).min(width);
        if by > 0 {
            words.copy_within(steps.., 0);
            words[width - steps..].fill(0);
        } else {
            words.copy_within(..width - steps, steps);
            words[..steps].fill(0);
        }
        half.summary = 0;
        let bits = self.bits.iter_mut().zip(0..).skip(first / 64);
        for (word, (bits, index)) in words.chunks_exact(64).zip(bits) {
            *bits = word.iter().rev().fold(0, |bits, word| bits << 1 | u64::from(*word != 0));
            half.summary |= u64::from(*bits != 0) << (index % 64);
        }
    }

    /// Empties the window of a side.
    pub fn clear(&mut self, half: &mut HalfBook) {
        while half.best != NOTHING {
            let at = half.index(half.best);
            self.set(half, at, 0);
            half.best = self.below(half, at);
        }
    }
}

/// Bit of a summary for the bitmap word that holds the bit of `at`. A window is at most 64 words of
/// bitmap and starts at a multiple of its length, so the words of one side have distinct, rising bits.
#[inline(always)]
const fn lane(at: usize) -> usize {
    (at / 64) % 64
}
