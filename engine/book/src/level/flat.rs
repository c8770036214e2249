//! Flat arrays for books whose day has price limits wider than a window: one word per tick from the
//! lower to the upper limit, per side, with a bitmap of three steps.
//!
//! Shape: all arrays stand in one slab taken at construction; a side's part is `sums | bits |
//! words`: one word per tick, one bit per word, one bit per 64 bits, and the side's header holds
//! one bit per word of sums. So the next best is found in three bit scans whatever the distance,
//! and a side has up to [`TICKS_MAX`] ticks. A book keeps its part for good and takes another only
//! when new limits do not fit. Limits that fit a window need nothing of this: the window is then
//! laid over them once and never moves.
//! Worst case: an operation touches four words, each in a cache line of its own.

use nofx_rt::mem::{HugeSlice, Pages};

use super::side::{HalfBook, NOTHING};
use super::window::WINDOW;

/// Most ticks of a flat side: three steps of 64.
pub(crate) const TICKS_MAX: u64 = 64 * 64 * 64;

/// A side's part of the slab.
#[derive(Clone, Copy, Debug, Default)]
struct Part {
    start: u32,
    /// Words of 64 ticks; 0: no part.
    lanes: u32,
}

/// The flat arrays of all sides.
pub(crate) struct Flats {
    slab: HugeSlice<u64>,
    parts: Box<[Part]>,
    /// Words from here on belong to nobody.
    fresh: usize,
}

/// One side's part, borrowed.
pub(crate) struct Flat<'a> {
    sums: &'a mut [u64],
    bits: &'a mut [u64],
    words: &'a mut [u64],
}

impl Part {
    const fn sums(self) -> usize {
        (self.lanes as usize).div_ceil(64)
    }

    const fn words(self) -> usize {
        self.lanes as usize * 64
    }

    const fn len(self) -> usize {
        self.sums() + self.lanes as usize + self.words()
    }
}

impl Flats {
    /// Room for books with `ticks` ticks in all.
    pub fn new(sides: usize, ticks: u64) -> std::io::Result<Flats> {
        // Each wide book is rounded up to whole words of each step.
        let rounding = ticks.div_ceil(WINDOW as u64) * 66;
        let side = ticks + ticks.div_ceil(64) + ticks.div_ceil(4096) + rounding;
        let parts = vec![Part::default(); sides].into();
        Ok(Flats { slab: HugeSlice::zeroed(side as usize * 2)?, parts, fresh: 0 })
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.slab.bytes() + size_of_val(&*self.parts)
    }

    /// Which pages back the slab; `None` for an empty one.
    pub fn pages(&self) -> Option<Pages> {
        (!self.slab.is_empty()).then(|| self.slab.pages())
    }

    /// Makes room for `ticks` ticks on both sides of a book; false when there is none.
    pub fn reserve(&mut self, book: usize, ticks: u64) -> bool {
        let lanes = ticks.div_ceil(64) as u32;
        let Some([buy, sell]) = self.parts.get_mut(book * 2..book * 2 + 2) else { return false };
        if buy.lanes >= lanes && sell.lanes >= lanes {
            return true;
        }
        let len = Part { start: 0, lanes }.len();
        if ticks > TICKS_MAX || self.fresh + 2 * len > self.slab.len() {
            return false;
        }
        *buy = Part { start: self.fresh as u32, lanes };
        *sell = Part { start: (self.fresh + len) as u32, lanes };
        self.fresh += 2 * len;
        true
    }

    /// The part of a side; empty when it has none.
    #[inline]
    pub fn of(&mut self, side: usize) -> Flat<'_> {
        let part = self.parts.get(side).copied().unwrap_or_default();
        let start = part.start as usize;
        let all = self.slab.get_mut(start..start + part.len()).unwrap_or(&mut []);
        let (sums, rest) = all.split_at_mut_checked(part.sums()).unwrap_or_default();
        let (bits, words) = rest.split_at_mut_checked(part.lanes as usize).unwrap_or_default();
        Flat { sums, bits, words }
    }

    /// Sums, bits and words of a side, to look at.
    pub fn parts_of(&self, side: usize) -> (&[u64], &[u64], &[u64]) {
        let part = self.parts.get(side).copied().unwrap_or_default();
        let start = part.start as usize;
        let all = self.slab.get(start..start + part.len()).unwrap_or(&[]);
        let (sums, rest) = all.split_at_checked(part.sums()).unwrap_or_default();
        let (bits, words) = rest.split_at_checked(part.lanes as usize).unwrap_or_default();
        (sums, bits, words)
    }

    /// The word at an index of a side.
    #[inline]
    pub fn word(&self, side: usize, at: usize) -> u64 {
        self.parts_of(side).2.get(at).copied().unwrap_or(0)
    }

    /// Highest rank below the one at index `at`.
    #[inline]
    pub fn below(&self, side: usize, half: &HalfBook, at: usize) -> i32 {
        let (sums, bits, _) = self.parts_of(side);
        below(sums, bits, half, at)
    }
}

impl Flat<'_> {
    /// The word at an index, to change; the bitmap is the caller's.
    #[inline(always)]
    pub fn word(&mut self, at: usize) -> Option<&mut u64> {
        self.words.get_mut(at)
    }

    /// Writes the word at an index and keeps the bitmap.
    pub fn set(&mut self, half: &mut HalfBook, at: usize, word: u64) {
        let Some(was) = self.words.get_mut(at).map(|slot| std::mem::replace(slot, word)) else {
            return;
        };
        match (was, word) {
            (0, 1..) => self.mark(half, at),
            (1.., 0) => self.unmark(half, at),
            _ => {}
        }
    }

    /// The level at `at` is there now.
    #[inline(always)]
    pub fn mark(&mut self, half: &mut HalfBook, at: usize) {
        let (lane, sum) = (at / 64, at / 4096);
        if let (Some(bits), Some(sums)) = (self.bits.get_mut(lane), self.sums.get_mut(sum)) {
            *bits |= 1 << (at % 64);
            *sums |= 1 << (lane % 64);
            half.summary |= 1 << (sum % 64);
        }
    }

    /// The level at `at` is gone now.
    #[inline(always)]
    pub fn unmark(&mut self, half: &mut HalfBook, at: usize) {
        let (lane, sum) = (at / 64, at / 4096);
        let (Some(bits), Some(sums)) = (self.bits.get_mut(lane), self.sums.get_mut(sum)) else {
            return;
        };
        *bits &= !(1 << (at % 64));
        if *bits == 0 {
            *sums &= !(1 << (lane % 64));
            if *sums == 0 {
                half.summary &= !(1 << (sum % 64));
            }
        }
    }

    /// Highest rank below the one at index `at`.
    #[inline(always)]
    pub fn below(&self, half: &HalfBook, at: usize) -> i32 {
        below(self.sums, self.bits, half, at)
    }

    /// Empties the side.
    pub fn clear(&mut self, half: &mut HalfBook) {
        while half.best != NOTHING {
            let at = half.offset_of(half.best);
            self.set(half, at, 0);
            half.best = self.below(half, at);
        }
    }
}

/// Highest rank below the one at index `at`; [`NOTHING`] when there is none.
#[inline(always)]
fn below(sums: &[u64], bits: &[u64], half: &HalfBook, at: usize) -> i32 {
    let low = |word: u64, bit: usize| word & ((1 << (bit % 64)) - 1);
    let word = |words: &[u64], at: usize| words.get(at).copied().unwrap_or(0);
    let (lane, sum) = (at / 64, at / 4096);
    if let Some(bit) = low(word(bits, lane), at).checked_ilog2() {
        return half.at_offset((lane * 64) as u64 + u64::from(bit));
    }
    let (sum, near) = match low(word(sums, sum), lane) {
        0 => match low(half.summary, sum).checked_ilog2() {
            Some(top) => (top as usize, word(sums, top as usize)),
            None => return NOTHING,
        },
        near => (sum, near),
    };
    let Some(bit) = near.checked_ilog2() else { return NOTHING };
    let lane = sum * 64 + bit as usize;
    let bit = word(bits, lane).checked_ilog2();
    bit.map_or(NOTHING, |bit| half.at_offset((lane * 64) as u64 + u64::from(bit)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bytemuck::Zeroable;
    use nofx_rt::rng::Rng;
    use nofx_types::Side;

    use super::super::side::Shape;
    use super::*;

    #[test]
    fn agrees_with_a_map_at_every_width() {
        for (seed, ticks) in [(1, 2_049), (2, 5_000), (3, 100_000), (4, TICKS_MAX)] {
            let mut flats = Flats::new(2, ticks).expect("memory");
            assert!(flats.reserve(0, ticks) && flats.reserve(0, ticks));
            let mut half = HalfBook::zeroed();
            half.set_shape(Side::Buy, Shape::flat(1, 1_000, ticks as u32, true));
            let (mut rng, mut twin) = (Rng::new(seed), BTreeMap::new());
            for step in 1..20_000u64 {
                let spread = if rng.chance(1, 2) { ticks } else { 3 };
                let at = (rng.below(spread) + ticks - spread) as usize;
                let word = if rng.chance(1, 2) { step } else { 0 };
                flats.of(0).set(&mut half, at, word);
                if word == 0 {
                    twin.remove(&at)
                } else {
                    twin.insert(at, word)
                };
                let from = rng.below(ticks) as usize;
                let next = twin.range(..from).next_back().map(|(at, _)| 1_000 + *at as i32);
                assert_eq!(flats.below(0, &half, from), next.unwrap_or(NOTHING), "seed {seed}");
                assert_eq!(flats.word(0, at), word);
            }
        }
    }

    #[test]
    fn the_slab_has_an_end_and_a_book_keeps_its_part() {
        let mut flats = Flats::new(6, 10_000).expect("memory");
        assert!(flats.reserve(0, 5_000) && flats.reserve(1, 5_000) && !flats.reserve(2, 5_000));
        assert!(flats.reserve(0, 4_000) && !flats.reserve(0, 6_000));
        assert!(!Flats::new(2, 1 << 20).expect("memory").reserve(0, TICKS_MAX + 1));
        assert!(!Flats::new(2, 0).expect("memory").reserve(0, 2_049));
    }
}
