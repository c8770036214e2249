//! Levels near the touch: per side a circular array of one word per tick, with a bitmap of two steps.
//!
//! Shape: the level of rank `r` is word `r mod W` of its side, so moving the window moves nothing that
//! stays inside. A level is one word, `quantity << 24 | orders`: an order joins or leaves with one
//! addition, a carry out of the word is the overflow, and an empty level is zero.
//! Worst case: the next best after the best left is three bit scans, whatever the distance.

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
    mask: u32,
}

impl Windows {
    /// Windows of `1 << shift` ticks, at least 64 and at most 4,096, for `sides` sides.
    pub fn new(sides: usize, shift: u32) -> std::io::Result<Windows> {
        let words = HugeSlice::zeroed(sides << shift)?;
        Ok(Windows {
            words,
            bits: HugeSlice::zeroed((sides << shift) / 64)?,
            mask: (1 << shift) - 1,
        })
    }

    /// Ticks of a window.
    #[inline(always)]
    pub fn len(&self) -> u32 {
        self.mask + 1
    }

    /// Index of the word of `rank`.
    #[inline(always)]
    pub fn at(&self, half: &HalfBook, rank: i32) -> usize {
        half.first as usize + (rank as u32 & self.mask) as usize
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

    /// Highest rank below `rank`, whose index is `at`; [`NOTHING`] when there is none in the window.
    #[inline]
    pub fn below(&self, half: &HalfBook, at: usize, rank: i32) -> i32 {
        let (here, lane) = (at / 64, lane(at));
        let near = self.bits.get(here).map_or(0, |bits| bits & ((1 << (at % 64)) - 1));
        let (word, bits) = if near != 0 {
            (here, near)
        } else {
            // Lanes below this one, else around the end: the circle's highest lane.
            let lower = half.summary & ((1 << lane) - 1);
            let lanes = if lower != 0 { lower } else { half.summary };
            let Some(lane2) = lanes.checked_ilog2() else { return NOTHING };
            let word = here - lane + lane2 as usize;
            (word, self.bits.get(word).copied().unwrap_or(0))
        };
        let Some(bit) = bits.checked_ilog2() else { return NOTHING };
        let found = word * 64 + bit as usize;
        let steps = (at as u32).wrapping_sub(found as u32) & self.mask;
        let below = rank.wrapping_sub(steps as i32);
        // A search that comes around finds the rank itself or better ones, a whole window lower.
        if steps == 0 || below < half.base() { NOTHING } else { below }
    }

    /// Highest rank that is there, by the bitmap.
    pub fn highest(&self, half: &HalfBook) -> i32 {
        let top = half.base() + self.mask as i32;
        let at = self.at(half, top);
        if self.get(at) != 0 { top } else { self.below(half, at, top) }
    }

    /// Ranks and words of a side, best first.
    pub fn walk<'a>(&'a self, half: &'a HalfBook) -> impl Iterator<Item = (i32, u64)> + 'a {
        let first = Some(half.best).filter(|best| *best != NOTHING);
        std::iter::successors(first, move |rank| {
            let next = self.below(half, self.at(half, *rank), *rank);
            (next != NOTHING).then_some(next)
        })
        .map(move |rank| (rank, self.get(self.at(half, rank))))
    }

    /// Empties the window of a side.
    pub fn clear(&mut self, half: &mut HalfBook) {
        while half.best != NOTHING {
            let at = self.at(half, half.best);
            self.set(half, at, 0);
            half.best = self.below(half, at, half.best);
        }
    }
}

/// Bit of a summary for the bitmap word that holds the bit of `at`. A window has at most 64 words and
/// starts at a multiple of their number, so the words of one side have distinct, rising bits.
#[inline(always)]
const fn lane(at: usize) -> usize {
    (at / 64) % 64
}
