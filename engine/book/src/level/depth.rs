//! The slow path to a level: any price, any side, whatever state the window is in.
//!
//! Model: a level is in the window when its price is on tick and the window covers its rank, else
//! in the side's run of far levels; never in both. `over` is the highest rank that does not beat
//! the run's best, so while `best > over` the window's best is the side's best and the fast path
//! may run. When that does not hold the window moves to the run's best; where it cannot (the best
//! is off tick, or no memory is left to move levels out), `span` is 0 and every operation of the
//! side comes here, so the touch is exact at all times.
//! Worst case: moving the window walks its levels and the run once. It moves when a better price
//! lands outside or when the best has drifted a quarter of the window, so the walk is paid for by
//! operations. The array of a day with limits ([`Place`]) never moves: what lies outside the limits
//! is far.

use nofx_rt::mem::HugeSlice;
use nofx_types::{Price, Qty, Side, Touch};

use super::far::{Far, FarLevels};
use super::flat::Flats;
use super::side::{HalfBook, Kind, NOTHING, Place, Shape, Sides, flip};
use super::window::{COUNT_BITS, COUNT_LIMIT, QTY_LIMIT, word};

/// The levels of all books.
pub(crate) struct Depth {
    pub books: HugeSlice<Sides>,
    pub far: FarLevels,
    pub flats: Flats,
}

/// What to do with a level.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Edit {
    /// Add this word.
    Join(u64),
    /// Subtract this word.
    Leave(u64),
    /// The word is this now.
    Set(u64),
}

/// Why a level was left as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The level would show more than it can.
    TooLarge,
    /// No memory for another level.
    Full,
}

/// One side of one book.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SideOf {
    pub book: usize,
    pub side: Side,
}

impl SideOf {
    /// Index of the side among all sides.
    #[inline]
    pub fn index(self) -> usize {
        self.book * 2 + self.side.index()
    }
}

impl Edit {
    fn of(self, word: u64) -> Option<u64> {
        match self {
            Edit::Join(more) => word.checked_add(more),
            Edit::Leave(less) => Some(word.saturating_sub(less)),
            Edit::Set(word) => Some(word),
        }
    }
}

impl Depth {
    /// Makes zeroed headers those of empty sides.
    pub fn lay_out(&mut self, shape: Shape) {
        for book in self.books.iter_mut() {
            for side in Side::BOTH {
                book.half[side.index()].set_shape(side, shape);
            }
        }
    }

    /// Header of a side.
    #[inline]
    pub fn half(&self, of: SideOf) -> Option<&HalfBook> {
        self.books.get(of.book).map(|book| &book.half[of.side.index()])
    }

    /// Price and word of the best level; `None` when the side is empty.
    #[inline]
    pub fn top(&self, of: SideOf) -> Option<(i64, u64)> {
        let half = self.half(of)?;
        if half.best > half.over {
            let word = half.word(half.index(half.best));
            return Some((half.price(of.side, half.best), word));
        }
        let far = self.far.of(of.index()).last()?;
        Some((far.rank ^ flip(of.side), far.level))
    }

    /// Best bid and ask of a book.
    #[inline]
    pub fn touch(&self, book: usize) -> Touch {
        let top = |side| self.top(SideOf { book, side }).unwrap_or((0, 0));
        let (bid, ask) = (top(Side::Buy), top(Side::Sell));
        Touch {
            bid_px: Price(bid.0),
            bid_qty: Qty(bid.1 >> COUNT_BITS),
            ask_px: Price(ask.0),
            ask_qty: Qty(ask.1 >> COUNT_BITS),
        }
    }

    /// Word of the level at a price, 0 when there is none.
    pub fn word(&self, of: SideOf, price: i64) -> u64 {
        let Some(half) = self.half(of) else { return 0 };
        match covered(half, of.side, price) {
            Some(rank) => self.near(of, half, rank),
            None => {
                let rows = self.far.of(of.index());
                let found = self.far.find(of.index(), price ^ flip(of.side));
                found.ok().and_then(|at| rows.get(at)).map_or(0, |far| far.level)
            }
        }
    }

    /// Word of a rank that window or flat array covers.
    fn near(&self, of: SideOf, half: &HalfBook, rank: i32) -> u64 {
        match half.place {
            Place::Slab => self.flats.word(of.index(), half.offset_of(rank)),
            _ => half.word(half.index(rank)),
        }
    }

    /// Highest rank below one that window or flat array covers.
    fn below(&self, of: SideOf, half: &HalfBook, rank: i32) -> i32 {
        match half.place {
            Place::Slab => self.flats.below(of.index(), half, half.offset_of(rank)),
            _ => half.below(half.index(rank)),
        }
    }

    /// Ranks and words of window or flat array, best first.
    pub fn walk<'a>(
        &'a self,
        of: SideOf,
        half: &'a HalfBook,
    ) -> impl Iterator<Item = (i32, u64)> + 'a {
        let level = |rank: i32| (rank != NOTHING).then_some(rank);
        let ranks =
            std::iter::successors(level(half.best), move |rank| level(self.below(of, half, *rank)));
        ranks.map(move |rank| (rank, self.near(of, half, rank)))
    }

    /// Changes the level at a price and keeps touch and window. Says whether the level changed.
    pub fn edit(&mut self, of: SideOf, price: i64, edit: Edit) -> Result<bool, Refused> {
        if !matches!(edit, Edit::Leave(_)) {
            self.approach(of, price);
        }
        let changed = self.change(of, price, edit);
        self.settle(of);
        changed
    }

    fn change(&mut self, of: SideOf, price: i64, edit: Edit) -> Result<bool, Refused> {
        let old = self.word(of, price);
        let new = edit.of(old).ok_or(Refused::TooLarge)?;
        let new = if new >> COUNT_BITS == 0 { 0 } else { new };
        if new != old {
            self.write(of, price, new)?;
        }
        Ok(new != old)
    }

    /// Moves the window where a level at `price` is better served, if that pays.
    fn approach(&mut self, of: SideOf, price: i64) {
        let Some(half) = self.half(of).filter(|half| half.place == Place::Window) else { return };
        let (base, best, width) = (half.base(), half.best, half.width as i32);
        let Some(rank) = half.rank(of.side, price) else { return };
        if best == NOTHING || rank >= base + width {
            self.recentre(of, rank);
        } else if rank < base && best - base < width / 2 {
            self.recentre(of, best);
        }
    }

    /// Writes the word of a level, wherever it belongs.
    fn write(&mut self, of: SideOf, price: i64, word: u64) -> Result<(), Refused> {
        let Some(half) = half_mut(&mut self.books, of) else { return Ok(()) };
        if let Some(rank) = covered(half, of.side, price) {
            match half.place {
                Place::Slab => self.write_flat(of, rank, word),
                _ => write_window(half, rank, word),
            }
            return Ok(());
        }
        let rank = price ^ flip(of.side);
        match self.far.find(of.index(), rank) {
            Ok(at) if word == 0 => self.far.remove(of.index(), at),
            Ok(at) => {
                if let Some(far) = self.far.of_mut(of.index()).get_mut(at) {
                    far.level = word;
                }
            }
            Err(_) if word == 0 => {}
            Err(at) => {
                if !self.far.reserve(of.index(), 1) {
                    return Err(Refused::Full);
                }
                self.far.insert(of.index(), at, Far { rank, level: word });
            }
        }
        Ok(())
    }

    fn write_flat(&mut self, of: SideOf, rank: i32, word: u64) {
        let Some(half) = half_mut(&mut self.books, of) else { return };
        let at = half.offset_of(rank);
        let mut flat = self.flats.of(of.index());
        flat.set(half, at, word);
        if word == 0 && rank == half.best {
            half.best = flat.below(half, at);
        } else if word != 0 {
            half.best = half.best.max(rank);
        }
        if half.best != NOTHING {
            let best = flat.word(half.offset_of(half.best)).map_or(0, |word| *word);
            half.show_best(best);
        }
    }

    /// Makes the window hold the side's best if it can be, and decides whether the fast path may
    /// run.
    pub fn settle(&mut self, of: SideOf) {
        self.weigh(of);
        let Some(half) = self.half(of) else { return };
        if half.best <= half.over
            && let Some(far) = self.far.of(of.index()).last()
            && let Some(rank) = half.rank(of.side, far.rank ^ flip(of.side))
        {
            self.recentre(of, rank);
            self.weigh(of);
        }
    }

    /// Compares the run's best with the window's, and opens or shuts the fast path.
    fn weigh(&mut self, of: SideOf) {
        let Some(book) = self.books.get_mut(of.book) else { return };
        let kind = book.kind();
        let half = &mut book.half[of.side.index()];
        // The straight path through the window's memory is not that of the slab.
        let width = if half.place == Place::Slab { 0 } else { half.width };
        let far = self.far.of(of.index()).last();
        half.over = far.map_or(NOTHING, |far| half.floor_rank(of.side, far.rank ^ flip(of.side)));
        let fast = far.is_none() || half.best > half.over;
        half.span = [Kind::Orders, Kind::Levels]
            .map(|of_kind| if fast && kind == Some(of_kind) { width } else { 0 });
    }

    /// Moves the window so that `top` has a quarter of it above and three quarters below. Does
    /// nothing when the pool cannot take the levels that would fall out, or the array is flat.
    fn recentre(&mut self, of: SideOf, top: i32) {
        let index = of.index();
        let Some(half) = half_mut(&mut self.books, of) else { return };
        if half.place != Place::Window {
            return;
        }
        let width = half.width as i32;
        let base = top - width / 4 * 3;
        let stays = |rank: i32| (base..base + width).contains(&rank);
        let leaving = half.walk().filter(|(rank, _)| !stays(*rank)).count();
        if !self.far.reserve(of.index(), leaving) {
            return;
        }
        let mut rank = half.best;
        while rank != NOTHING {
            let at = half.index(rank);
            let below = half.below(at);
            if !stays(rank) {
                let far_rank = half.price(of.side, rank) ^ flip(of.side);
                let far = Far { rank: far_rank, level: half.word(at) };
                let end = self.far.of(index).len();
                self.far.insert(index, end, far);
                half.set(at, 0);
            }
            rank = below;
        }
        half.slide(base.wrapping_sub(half.base()));
        half.set_base(of.side, base);
        self.far.of_mut(of.index()).sort_unstable_by_key(|far| far.rank);
        pull_in(&mut self.far, half, of);
        half.best = half.highest(half.summary);
    }

    /// Empties a side.
    pub fn clear(&mut self, of: SideOf) {
        let Some(half) = half_mut(&mut self.books, of) else { return };
        match half.place {
            Place::Slab => self.flats.of(of.index()).clear(half),
            _ => half.clear(),
        }
        self.far.truncate(of.index(), 0);
        half.over = NOTHING;
        self.weigh(of);
    }
}

fn half_mut(books: &mut HugeSlice<Sides>, of: SideOf) -> Option<&mut HalfBook> {
    books.get_mut(of.book).map(|book| &mut book.half[of.side.index()])
}

/// Rank of a price that belongs into window or flat array.
pub(super) fn covered(half: &HalfBook, side: Side, price: i64) -> Option<i32> {
    half.rank(side, price).filter(|rank| half.offset_of(*rank) < half.width as usize)
}

fn write_window(half: &mut HalfBook, rank: i32, word: u64) {
    let at = half.index(rank);
    half.set(at, word);
    if word != 0 {
        half.best = half.best.max(rank);
    } else if rank == half.best {
        half.best = half.below(at);
    }
}

/// Moves the far levels that the window covers now into it.
fn pull_in(far: &mut FarLevels, half: &mut HalfBook, of: SideOf) {
    let mut kept = 0;
    for at in 0..far.of(of.index()).len() {
        let Some(row) = far.of(of.index()).get(at).copied() else { break };
        match covered(half, of.side, row.rank ^ flip(of.side)) {
            Some(rank) => half.set(half.index(rank), row.level),
            None => {
                if let Some(slot) = far.of_mut(of.index()).get_mut(kept) {
                    *slot = row;
                }
                kept += 1;
            }
        }
    }
    far.truncate(of.index(), kept);
}

/// The word of a level that a feed sets, if it can be held; 0 for quantity 0.
#[inline(always)]
pub(crate) fn set_word(qty: Qty, orders: u32) -> Option<u64> {
    let orders = if qty.0 == 0 { 0 } else { u64::from(orders).min(COUNT_LIMIT) };
    (qty.0 <= QTY_LIMIT).then(|| word(qty.0, orders))
}
