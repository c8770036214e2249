//! One side of a book, and everything an operation needs before it touches a level.

use bytemuck::Zeroable;
use nofx_types::{Price, Side};

use super::window::{LANES, WINDOW};

/// Rank of no level: worse than every rank.
pub(crate) const NOTHING: i32 = i32::MIN;

/// Ticks (and so ranks) that an order of the ring can hold: `-LIMIT..LIMIT`.
pub(crate) const RANK_LIMIT: i64 = 1 << 26;

/// Largest tick: the price of any rank in a window is exact.
pub(crate) const TICK_LIMIT: i64 = 1 << 36;

/// What a book is made of, decided by the first event since it was last cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// Orders by id.
    Orders = 0,
    /// Levels with absolute quantities.
    Levels = 1,
}

/// Where the levels of a side are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Zeroable)]
#[repr(u8)]
pub(crate) enum Place {
    /// In a window that follows the touch.
    Window = 0,
    /// In the window's memory, laid over the day's limits; it does not move.
    Pinned = 1,
    /// In a flat array of the slab, laid over the day's limits.
    Slab = 2,
}

/// What an empty side becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub tick: i64,
    /// Lowest tick; 0 for windows.
    pub low: i32,
    /// Ticks.
    pub width: u32,
    pub place: Place,
}

impl Shape {
    /// A window of `width` ticks.
    pub const fn window(tick: i64, width: u32) -> Shape {
        Shape { tick, low: 0, width, place: Place::Window }
    }

    /// A flat array from tick `low` on.
    pub const fn flat(tick: i64, low: i32, width: u32, slab: bool) -> Shape {
        let place = if slab { Place::Slab } else { Place::Pinned };
        Shape { tick, low, width, place }
    }

    /// Lowest rank of a side.
    fn base(self, side: Side) -> i32 {
        match (self.place, side) {
            (Place::Window, _) => 0,
            (_, Side::Buy) => self.low,
            (_, Side::Sell) => !(self.low + self.width as i32 - 1),
        }
    }
}

/// One side of one book: a header of one cache line, then bitmap and window.
///
/// A *rank* counts ticks so that a larger rank is a better price on either side: the tick itself
/// for bids, its bitwise complement for asks. So one code serves both sides and the best is the
/// maximum.
#[derive(Clone, Copy, Zeroable)]
#[repr(C, align(64))]
pub(crate) struct HalfBook {
    /// One bit per word of the window's bitmap.
    pub summary: u64,
    /// Price units per tick.
    pub tick: i64,
    /// Inverse modulo 2^64 of the odd part of `tick`.
    inverse: u64,
    /// Price of `base`, complemented for asks.
    floor: i64,
    /// Lowest rank of the window.
    base: i32,
    /// Best rank in the window, or [`NOTHING`].
    pub best: i32,
    /// The window's best is the side's best while it is above this; [`NOTHING`] while the side has
    /// no far levels; see [`super::depth`].
    pub over: i32,
    /// By [`Kind`]: length of the window, or 0 where operations of that kind must take the slow
    /// path.
    pub span: [u32; 2],
    /// Live orders, those without a price included.
    pub orders: u32,
    /// Ticks that the window or flat array covers from `base` on.
    pub width: u32,
    /// Trailing zero bits of `tick`.
    twos: u8,
    /// 0: undecided, else 1 + [`Kind`]. Kept in the buy side for both.
    pub kind: u8,
    /// Whether an event ever named the book. Kept in the buy side for both.
    pub seen: bool,
    /// Where the levels from `base` on are.
    pub place: Place,
    /// One bit per word.
    pub bits: [u64; LANES],
    /// The window, see [`super::window`]. Of a [`Place::Slab`] only the word of the best is kept
    /// here, at the place that its rank has modulo the length: who asks for the touch need not know.
    pub words: [u64; WINDOW],
}

/// Both sides of a book.
#[derive(Clone, Copy, Zeroable)]
#[repr(C)]
pub(crate) struct Sides {
    pub half: [HalfBook; 2],
}

/// All ones for sells, zero for buys: `x ^ flip(side)` turns ticks into ranks and back.
#[inline(always)]
pub(crate) const fn flip(side: Side) -> i64 {
    -(side as i64)
}

impl HalfBook {
    /// How far above the window's lowest rank a price is, if the answer is a small number.
    ///
    /// Exact division (Granlund and Montgomery, "Division by invariant integers using
    /// multiplication", 1994, section 9): multiplying by the inverse and rotating maps 64-bit
    /// numbers one to one, and the multiple `n * tick` to `n`. So an answer below the window's
    /// length means this many whole ticks, and prices off tick, below the window or far above it
    /// give answers that are larger.
    #[inline(always)]
    pub fn offset(&self, side: Side, price: Price) -> u64 {
        let above = (price.0 ^ flip(side)).wrapping_sub(self.floor) as u64;
        above.wrapping_mul(self.inverse).rotate_right(u32::from(self.twos))
    }

    /// Rank at an offset.
    #[inline(always)]
    pub fn at_offset(&self, offset: u64) -> i32 {
        self.base.wrapping_add(offset as i32)
    }

    /// Rank of any price on tick, limited to what an order of the ring can hold.
    pub fn rank(&self, side: Side, price: i64) -> Option<i32> {
        let tick = price.checked_div(self.tick)?;
        let exact = tick * self.tick == price && (-RANK_LIMIT..RANK_LIMIT).contains(&tick);
        exact.then_some((tick ^ flip(side)) as i32)
    }

    /// Lowest rank of the window.
    #[inline(always)]
    pub fn base(&self) -> i32 {
        self.base
    }

    /// Index of the word of a rank that the window covers.
    #[inline(always)]
    pub fn index(&self, rank: i32) -> usize {
        rank.wrapping_sub(self.base) as u32 as usize % WINDOW
    }

    /// Moves the window's lowest rank.
    pub fn set_base(&mut self, side: Side, base: i32) {
        self.base = base;
        self.floor = self.price(side, base) ^ flip(side);
    }

    /// Price of a rank.
    #[inline]
    pub fn price(&self, side: Side, rank: i32) -> i64 {
        (i64::from(rank) ^ flip(side)).wrapping_mul(self.tick)
    }

    /// Highest rank whose price is not better than `price`, clamped to what [`HalfBook::over`]
    /// holds.
    pub fn floor_rank(&self, side: Side, price: i64) -> i32 {
        let down = price.div_euclid(self.tick.max(1));
        let up = down + i64::from(price.rem_euclid(self.tick.max(1)) != 0);
        let rank = match side {
            Side::Buy => down,
            Side::Sell => !up,
        };
        rank.clamp(i64::from(NOTHING) + 1, i64::from(i32::MAX)) as i32
    }

    /// Whether no level rests here.
    pub fn is_empty(&self) -> bool {
        self.summary == 0 && self.over == NOTHING
    }

    /// How many ticks a rank is above the lowest.
    #[inline(always)]
    pub fn offset_of(&self, rank: i32) -> usize {
        rank.wrapping_sub(self.base) as u32 as usize
    }

    /// Whether the best of window or flat array is known to be the side's best, or nothing is there
    /// that could be better.
    #[inline(always)]
    pub fn is_open(&self) -> bool {
        self.over == NOTHING || self.best > self.over
    }

    /// Keeps the word of the best of a [`Place::Slab`] at hand.
    #[inline(always)]
    pub fn show_best(&mut self, word: u64) {
        let at = self.index(self.best);
        self.words[at] = word;
    }

    /// Takes a shape on; its tick is at least 1. Only while nothing rests here.
    pub fn set_shape(&mut self, side: Side, shape: Shape) {
        if self.place == Place::Slab {
            self.words = [0; WINDOW];
        }
        self.tick = shape.tick;
        self.twos = shape.tick.trailing_zeros() as u8;
        self.inverse = inverse_of_odd((shape.tick >> self.twos) as u64);
        (self.width, self.place) = (shape.width, shape.place);
        (self.best, self.over, self.span) = (NOTHING, NOTHING, [0; 2]);
        self.set_base(side, shape.base(side));
    }
}

/// Inverse of an odd number modulo 2^64, by Newton's iteration: each step doubles the bits that are
/// right, and any odd number is its own inverse modulo 8.
const fn inverse_of_odd(odd: u64) -> u64 {
    let mut inverse = odd;
    let mut right = 3;
    while right < 64 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(odd.wrapping_mul(inverse)));
        right *= 2;
    }
    inverse
}

impl Sides {
    /// Whether orders rest here, in flat arrays of the slab.
    #[inline(always)]
    pub fn has_wide_orders(&self) -> bool {
        self.half[0].place == Place::Slab && self.half[0].kind == 1 + Kind::Orders as u8
    }

    /// Whether nothing rests here, orders without a price included.
    pub fn is_idle(&self) -> bool {
        self.half.iter().all(|half| half.is_empty() && half.orders == 0)
    }

    /// The shape it has.
    pub fn shape(&self) -> Shape {
        let buy = &self.half[0];
        let low = if buy.place == Place::Window { 0 } else { buy.base };
        Shape { tick: buy.tick, low, width: buy.width, place: buy.place }
    }

    /// What the book is made of, if that is decided.
    pub fn kind(&self) -> Option<Kind> {
        match self.half[0].kind {
            0 => None,
            1 => Some(Kind::Orders),
            _ => Some(Kind::Levels),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_inside_a_window_is_that_many_ticks_and_all_are_found() {
        let mut rng = nofx_rt::rng::Rng::new(3);
        for _ in 0..100_000 {
            let tick = (1 + (rng.next() >> (28 + rng.below(36)))) as i64;
            let base = (rng.below(1 << 27) as i64 - (1 << 26)) >> rng.below(26);
            for side in Side::BOTH {
                let mut half = HalfBook::zeroed();
                half.set_shape(side, Shape::window(tick, 2_048));
                half.set_base(side, base as i32);
                let offset = rng.below(4096);
                let price = half.price(side, half.at_offset(offset));
                assert_eq!(half.offset(side, Price(price)), offset, "tick {tick}");
                let any = Price(price.wrapping_add((rng.next() >> rng.below(64)) as i64));
                let offset = half.offset(side, any);
                if offset < 4096 {
                    let rank = half.at_offset(offset);
                    assert_eq!(any.0, half.price(side, rank), "tick {tick} base {base}");
                }
            }
        }
    }

    #[test]
    fn a_floor_rank_is_never_better_than_its_price() {
        let mut half = HalfBook::zeroed();
        half.set_shape(Side::Buy, Shape::window(100, 2_048));
        for (price, bid, ask) in [(250, 2, !3), (200, 2, !2), (-250, -3, !-2), (0, 0, !0)] {
            assert_eq!(half.floor_rank(Side::Buy, price), bid);
            assert_eq!(half.floor_rank(Side::Sell, price), ask);
        }
    }

    #[test]
    fn header_bitmap_and_window_start_on_cache_lines() {
        use std::mem::offset_of;
        assert_eq!((offset_of!(HalfBook, bits), offset_of!(HalfBook, words) % 64), (64, 0));
        assert_eq!(size_of::<Sides>() % 64, 0);
    }
}
