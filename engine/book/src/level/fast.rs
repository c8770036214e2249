//! The straight path: an order or a level on tick, inside the window of a side that is in order.
//!
//! Every check comes before the first write, so that whatever fails leaves the books as they were
//! and the slow path can take the event from its start. Always inlined: the sink's caller knows the
//! kind of event and the range of its numbers, and most checks of them fold.

use nofx_types::{Change, InstrumentId, OrderRef, Price, Qty, Side};

use super::LevelBooks;
use super::depth::set_word;
use super::orders::{QTY_SHIFT, Slot};
use super::side::Kind;
use super::slow::both;
use super::spill::Key;
use super::window::{COUNT_BITS, WINDOW, word};

impl LevelBooks {
    #[inline(always)]
    pub(super) fn add(
        &mut self,
        id: InstrumentId,
        order: OrderRef,
        side: Side,
        price: Price,
        qty: Qty,
    ) -> Change {
        let fast = self.add_fast::<false>(id, order, side, price, qty);
        fast.unwrap_or_else(|| self.add_crowded(id, order, side, price, qty))
    }

    /// The book is a wide one, the ring has wrapped around and the slot is taken, or the slow path
    /// must look.
    #[cold]
    #[inline(never)]
    fn add_crowded(
        &mut self,
        id: InstrumentId,
        order: OrderRef,
        side: Side,
        price: Price,
        qty: Qty,
    ) -> Change {
        if let Some(change) = self.add_wide(id, order, side, price, qty) {
            return change;
        }
        let key = Key { instrument: id.0, order };
        let crowded = self.orders.make_way(key, &self.depth.books);
        let joined = crowded.then(|| self.add_fast::<true>(id, order, side, price, qty)).flatten();
        joined.unwrap_or_else(|| self.add_slow(id, order, side, Some(price.0), qty))
    }

    /// `None` leaves everything as it was. `CROWDED` takes a free slot that orders were spilled from.
    #[inline(always)]
    fn add_fast<const CROWDED: bool>(
        &mut self,
        id: InstrumentId,
        order: OrderRef,
        side: Side,
        price: Price,
        qty: Qty,
    ) -> Option<Change> {
        let key = self.orders.key(id.0, order);
        let half = &mut self.depth.books.get_mut(id.index())?.half[side.index()];
        let offset = half.offset(side, price);
        let inside = offset < u64::from(half.span[Kind::Orders as usize]);
        let fits = qty.0.wrapping_sub(1) < u64::from(u32::MAX);
        if !inside || !fits {
            return None;
        }
        let (rank, at) = (half.at_offset(offset), offset as usize % WINDOW);
        let index = self.orders.index(order);
        let usable = |slot: &&mut Slot| if CROWDED { slot.key == 0 } else { slot.is_untouched() };
        let slot = self.orders.slot(index).filter(usable)?;
        let level = &mut half.words[at];
        let was = *level;
        *level = was.checked_add(word(qty.0, 1))?;
        let spilled = if CROWDED { slot.spilled() } else { 0 };
        *slot = Slot { key, rest: Slot::pack(side, rank, qty.0) | spilled };
        half.orders += 1;
        if was == 0 {
            half.mark(at);
        }
        let touch = rank >= half.best;
        half.best = half.best.max(rank);
        Some(Change { touch, levels: true })
    }

    #[inline(always)]
    pub(super) fn delete(&mut self, id: InstrumentId, order: OrderRef) -> Change {
        let fast = self.take_fast(id, order, u64::MAX);
        fast.unwrap_or_else(|| self.delete_other(id, order))
    }

    #[inline(always)]
    pub(super) fn reduce(&mut self, id: InstrumentId, order: OrderRef, qty: Qty) -> Change {
        let fits = qty.0 < u64::MAX;
        let fast = if fits { self.take_fast(id, order, qty.0) } else { None };
        fast.unwrap_or_else(|| self.reduce_other(id, order, qty))
    }

    /// Takes `qty` of an order, all of it for `u64::MAX`. `None` leaves everything as it was.
    #[inline(always)]
    fn take_fast(&mut self, id: InstrumentId, order: OrderRef, qty: u64) -> Option<Change> {
        let key = self.orders.key(id.0, order);
        let index = self.orders.index(order);
        let book = self.depth.books.get_mut(id.index())?;
        let slot = self.orders.slot(index).filter(|slot| slot.key == key)?;
        let (side, rank, has) = (slot.side_index(), slot.rank(), slot.qty());
        let half = &mut book.half[side];
        let inside = (rank.wrapping_sub(half.base()) as u32) < half.span[Kind::Orders as usize];
        if !inside || (qty > has && qty != u64::MAX) {
            return None;
        }
        let at = half.index(rank);
        let level = &mut half.words[at];
        let at_best = rank == half.best;
        if qty < has {
            *level = level.wrapping_sub(word(qty, 0));
            slot.rest -= qty << QTY_SHIFT;
            return Some(Change { touch: at_best && qty > 0, levels: qty > 0 });
        }
        slot.vacate();
        half.orders = half.orders.wrapping_sub(1);
        // The level holds this order, so it holds at least this much.
        *level = level.wrapping_sub(word(has, 1));
        if *level == 0 {
            half.unmark(at);
            if at_best {
                half.best = half.below(at);
                if half.best <= half.over {
                    self.best_fell(id, side);
                }
            }
        }
        Some(Change { touch: at_best, levels: true })
    }

    /// An order leaves, another joins on its side. The sum of the two changes is the change unless
    /// the same quantity came back to the same price.
    #[inline(never)]
    pub(super) fn replace(
        &mut self,
        id: InstrumentId,
        old: OrderRef,
        new: OrderRef,
        price: Option<Price>,
        qty: Qty,
    ) -> Change {
        let (key, index) = (self.orders.key(id.0, old), self.orders.index(old));
        let slot = self.orders.slot(index).filter(|slot| slot.key == key).map(|slot| *slot);
        let (Some(slot), 1..) = (slot, qty.0) else {
            return self.replace_slow(id, old, new, price, qty);
        };
        // Hong Kong's modify names no price.
        let (side, held) = (slot.side(), self.price_of(id, slot));
        let Some(price) = price.or(held.map(Price)) else {
            return self.replace_slow(id, old, new, price, qty);
        };
        let back = slot.qty() == qty.0 && held == Some(price.0);
        let left = self.delete(id, old);
        let joined = self.add(id, new, side, price, qty);
        let same = back && joined.levels;
        let sum = both(left, joined);
        Change { touch: sum.touch && !same, levels: sum.levels && !same }
    }

    fn price_of(&self, id: InstrumentId, slot: Slot) -> Option<i64> {
        let half = &self.depth.books.get(id.index())?.half[slot.side_index()];
        Some(half.price(slot.side(), slot.rank()))
    }

    #[cold]
    #[inline(never)]
    fn replace_slow(
        &mut self,
        id: InstrumentId,
        old: OrderRef,
        new: OrderRef,
        price: Option<Price>,
        qty: Qty,
    ) -> Change {
        let key = Key { instrument: id.0, order: old };
        let books = &self.depth.books;
        let held = books.get(id.index()).and_then(|_| self.orders.get(key, books));
        let Some(held) = held.or_else(|| self.known(key)) else { return Change::NONE };
        let left = self.delete(id, old);
        let joined = match price.or(held.price.map(Price)) {
            _ if qty.0 == 0 => Change::NONE,
            Some(price) => self.add(id, new, held.side, price, qty),
            None => self.add_slow(id, new, held.side, None, qty),
        };
        let moved = price.is_some_and(|price| Some(price.0) != held.price);
        let same = joined.levels && !moved && u64::from(held.qty) == qty.0;
        let sum = both(left, joined);
        Change { touch: sum.touch && !same, levels: sum.levels && !same }
    }

    #[inline(always)]
    pub(super) fn set_level(
        &mut self,
        id: InstrumentId,
        side: Side,
        price: Price,
        qty: Qty,
        orders: u32,
    ) -> Change {
        let fast = self.set_level_fast(id, side, price, qty, orders);
        fast.unwrap_or_else(|| self.set_level_slow(id, side, price, qty, orders))
    }

    /// `None` leaves everything as it was.
    #[inline(always)]
    fn set_level_fast(
        &mut self,
        id: InstrumentId,
        side: Side,
        price: Price,
        qty: Qty,
        orders: u32,
    ) -> Option<Change> {
        let half = &mut self.depth.books.get_mut(id.index())?.half[side.index()];
        let offset = half.offset(side, price);
        let inside = offset < u64::from(half.span[Kind::Levels as usize]);
        if !inside {
            return None;
        }
        let (rank, word) = (half.at_offset(offset), set_word(qty, orders)?);
        let at = half.index(rank);
        let was = std::mem::replace(&mut half.words[at], word);
        let touch = rank >= half.best && was >> COUNT_BITS != qty.0;
        match (was, word) {
            (0, 1..) => {
                half.mark(at);
                half.best = half.best.max(rank);
            }
            (1.., 0) => {
                half.unmark(at);
                if rank == half.best {
                    half.best = half.below(at);
                    if half.best <= half.over {
                        self.best_fell(id, side.index());
                    }
                }
            }
            _ => {}
        }
        Some(Change { touch, levels: was != word })
    }
}
