//! The straight path of books whose day's limits are wider than a window: as [`super::fast`], on
//! the flat arrays of the slab. One call away from the path of the other books, which pays nothing.

use nofx_types::{Change, InstrumentId, OrderRef, Price, Qty, Side};

use super::LevelBooks;
use super::depth::SideOf;
use super::orders::{QTY_SHIFT, Slot};
use super::side::NOTHING;
use super::window::word;

impl LevelBooks {
    /// `None` leaves everything as it was: not a wide book, or not a plain event.
    #[inline]
    pub(super) fn add_wide(
        &mut self,
        id: InstrumentId,
        order: OrderRef,
        side: Side,
        price: Price,
        qty: Qty,
    ) -> Option<Change> {
        let key = self.orders.key(id.0, order);
        let book = self.depth.books.get_mut(id.index()).filter(|book| book.has_wide_orders())?;
        let half = &mut book.half[side.index()];
        let offset = half.offset(side, price);
        let inside = offset < u64::from(half.width) && half.is_open();
        let fits = qty.0.wrapping_sub(1) < u64::from(u32::MAX);
        if !inside || !fits {
            return None;
        }
        let (rank, at, index) = (half.at_offset(offset), offset as usize, self.orders.index(order));
        let slot = self.orders.slot(index).filter(|slot| slot.is_untouched())?;
        let mut flat = self.depth.flats.of(SideOf { book: id.index(), side }.index());
        let level = flat.word(at)?;
        let was = *level;
        let now = was.checked_add(word(qty.0, 1))?;
        *level = now;
        *slot = Slot { key, rest: Slot::pack(side, rank, qty.0) };
        half.orders += 1;
        if was == 0 {
            flat.mark(half, at);
        }
        let touch = rank >= half.best;
        if touch {
            half.best = rank;
            half.show_best(now);
        }
        Some(Change { touch, levels: true })
    }

    /// Takes `qty` of an order, all of it for `u64::MAX`. `None` leaves everything as it was.
    #[inline]
    fn take_wide(&mut self, id: InstrumentId, order: OrderRef, qty: u64) -> Option<Change> {
        let (key, index) = (self.orders.key(id.0, order), self.orders.index(order));
        let book = self.depth.books.get_mut(id.index()).filter(|book| book.has_wide_orders())?;
        let slot = self.orders.slot(index).filter(|slot| slot.key == key)?;
        let (side, rank, has) = (slot.side(), slot.rank(), slot.qty());
        let half = &mut book.half[side.index()];
        let at = half.offset_of(rank);
        if at >= half.width as usize || !half.is_open() || (qty > has && qty != u64::MAX) {
            return None;
        }
        let mut flat = self.depth.flats.of(SideOf { book: id.index(), side }.index());
        let level = flat.word(at)?;
        let at_best = rank == half.best;
        if qty < has {
            *level = level.wrapping_sub(word(qty, 0));
            let now = *level;
            slot.rest -= qty << QTY_SHIFT;
            if at_best {
                half.show_best(now);
            }
            return Some(Change { touch: at_best && qty > 0, levels: qty > 0 });
        }
        slot.vacate();
        half.orders = half.orders.wrapping_sub(1);
        *level = level.wrapping_sub(word(has, 1));
        let now = *level;
        if now == 0 {
            flat.unmark(half, at);
        }
        if at_best && now != 0 {
            half.show_best(now);
        } else if at_best {
            half.best = flat.below(half, at);
            if half.best != NOTHING {
                let best = flat.word(half.offset_of(half.best)).map_or(0, |word| *word);
                half.show_best(best);
            }
            if half.best <= half.over {
                self.best_fell(id, side.index());
            }
        }
        Some(Change { touch: at_best, levels: true })
    }

    /// An order of a wide book leaves, or the slow path must look.
    #[cold]
    #[inline(never)]
    pub(super) fn delete_other(&mut self, id: InstrumentId, order: OrderRef) -> Change {
        let wide = self.take_wide(id, order, u64::MAX);
        wide.unwrap_or_else(|| self.delete_slow(id, order))
    }

    /// Part of an order of a wide book leaves, or the slow path must look.
    #[cold]
    #[inline(never)]
    pub(super) fn reduce_other(&mut self, id: InstrumentId, order: OrderRef, qty: Qty) -> Change {
        let wide = if qty.0 < u64::MAX { self.take_wide(id, order, qty.0) } else { None };
        wide.unwrap_or_else(|| self.reduce_slow(id, order, qty))
    }
}
