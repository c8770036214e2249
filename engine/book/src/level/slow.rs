//! Events off the straight path, and what is rare anyway. Everything here takes any state.

use nofx_types::{
    BookEvent, Change, EventKind, InstrumentId, OrderRef, Price, Pricing, Qty, Side, StaleReason,
};

use super::LevelBooks;
use super::depth::{Edit, Refused, SideOf, set_word};
use super::side::Kind;
use super::spill::{Key, Order};
use super::window::word;

/// What two changes make together.
#[inline(always)]
pub(super) const fn both(a: Change, b: Change) -> Change {
    Change { touch: a.touch | b.touch, levels: a.levels | b.levels }
}

impl LevelBooks {
    /// An order joins. `price` is `None` for an order that shows at no level.
    #[cold]
    #[inline(never)]
    pub(super) fn add_slow(
        &mut self,
        id: InstrumentId,
        order: OrderRef,
        side: Side,
        price: Option<i64>,
        qty: Qty,
    ) -> Change {
        let key = Key { instrument: id.0, order };
        if !self.becomes(id, Kind::Orders) {
            return Change::NONE;
        }
        if self.orders.get(key, &self.depth.books).is_some() {
            self.counts.duplicate_add += 1;
            return self.mark(id, StaleReason::Inconsistent);
        }
        let Some(qty) = u32::try_from(qty.0).ok().filter(|qty| *qty > 0) else {
            self.counts.out_of_range += 1;
            return self.mark(id, StaleReason::Inconsistent);
        };
        let of = SideOf { book: id.index(), side };
        let rank = self.depth.half(of).and_then(|half| half.rank(side, price?));
        if !self.orders.has_room(key, rank) {
            return self.refused(id, Refused::Full);
        }
        let join = Edit::Join(word(u64::from(qty), 1));
        let change = match price.map(|price| self.edit(of, price, join)) {
            None => Change::NONE,
            Some(Ok(change)) => change,
            Some(Err(why)) => return self.refused(id, why),
        };
        self.orders.insert(key, Order { side, price, qty }, rank, &self.depth.books);
        self.count_orders(of, 1);
        change
    }

    /// An order leaves.
    #[cold]
    #[inline(never)]
    pub(super) fn delete_slow(&mut self, id: InstrumentId, order: OrderRef) -> Change {
        let key = Key { instrument: id.0, order };
        let Some(held) = self.known(key) else { return Change::NONE };
        self.orders.remove(key);
        let of = SideOf { book: id.index(), side: held.side };
        self.count_orders(of, -1);
        self.leave(of, held.price, word(u64::from(held.qty), 1))
    }

    /// Part of an order leaves.
    #[cold]
    #[inline(never)]
    pub(super) fn reduce_slow(&mut self, id: InstrumentId, order: OrderRef, qty: Qty) -> Change {
        let key = Key { instrument: id.0, order };
        let Some(held) = self.known(key) else { return Change::NONE };
        let has = u64::from(held.qty);
        if qty.0 > has {
            self.counts.overfill += 1;
            self.mark(id, StaleReason::Inconsistent);
        }
        if qty.0 >= has {
            return self.delete(id, order);
        }
        self.orders.set_qty(key, (has - qty.0) as u32);
        let of = SideOf { book: id.index(), side: held.side };
        self.leave(of, held.price, word(qty.0, 0))
    }

    /// A level is this now.
    #[cold]
    #[inline(never)]
    pub(super) fn set_level_slow(
        &mut self,
        id: InstrumentId,
        side: Side,
        price: Price,
        qty: Qty,
        orders: u32,
    ) -> Change {
        if !self.becomes(id, Kind::Levels) {
            return Change::NONE;
        }
        let Some(word) = set_word(qty, orders) else {
            return self.refused(id, Refused::TooLarge);
        };
        let of = SideOf { book: id.index(), side };
        self.edit(of, price.0, Edit::Set(word)).unwrap_or_else(|why| self.refused(id, why))
    }

    /// The window's best is no longer known to be the side's.
    #[cold]
    #[inline(never)]
    pub(super) fn best_fell(&mut self, id: InstrumentId, side: usize) {
        let side = if side == 0 { Side::Buy } else { Side::Sell };
        self.depth.settle(SideOf { book: id.index(), side });
    }

    /// Events that few feeds send, or few times a day.
    #[cold]
    #[inline(never)]
    pub(super) fn rare(&mut self, event: &BookEvent) -> Change {
        let id = event.instrument;
        match event.kind {
            EventKind::Add { order, side, qty, pricing, price, .. } => {
                let price = match pricing {
                    Pricing::Limit => Some(price.0),
                    Pricing::Market => None,
                    Pricing::OwnBest => self.touch(id).best(side).map(|price| price.0),
                };
                self.add_slow(id, order, side, price, qty)
            }
            EventKind::Clear { side } if id == InstrumentId::ALL => self.clear_all(side),
            EventKind::Clear { side } => self.clear(id, side),
            EventKind::Stale(reason) if id == InstrumentId::ALL => {
                let all = self.stale.iter_mut();
                all.for_each(|stale| *stale = crate::twin::worse(*stale, reason));
                Change::NONE
            }
            EventKind::Stale(reason) => {
                self.see(id);
                self.mark(id, reason)
            }
            EventKind::Recovered => {
                let rows = if id == InstrumentId::ALL { 0..self.stale.len() } else { one(id) };
                let rows = self.stale.get_mut(rows).into_iter().flatten();
                rows.for_each(|stale| *stale = crate::twin::recovered(*stale));
                Change::NONE
            }
            _ => Change::NONE,
        }
    }

    fn clear_all(&mut self, side: Option<Side>) -> Change {
        if self.live_orders() > 0 {
            self.orders.forget(|_, of| side.is_none_or(|side| side == of));
        }
        (0..self.depth.books.len())
            .map(|book| self.clear_levels(book, side))
            .fold(Change::NONE, both)
    }

    fn clear(&mut self, id: InstrumentId, side: Option<Side>) -> Change {
        self.see(id);
        let wanted = |of: Side| side.is_none_or(|side| side == of);
        let Some(book) = self.depth.books.get(id.index()) else { return Change::NONE };
        if Side::BOTH.iter().any(|of| wanted(*of) && book.half[of.index()].orders > 0) {
            self.orders.forget(|instrument, of| instrument == id.0 && wanted(of));
        }
        self.clear_levels(id.index(), side)
    }

    /// Empties the levels of a book whose orders are forgotten already.
    fn clear_levels(&mut self, book: usize, side: Option<Side>) -> Change {
        let mut changed = false;
        if side.is_none()
            && let Some(sides) = self.depth.books.get_mut(book)
        {
            sides.half[0].kind = 0;
            if let Some(stale) = self.stale.get_mut(book) {
                *stale = stale.filter(|reason| *reason == StaleReason::Exhausted);
            }
        }
        for of in Side::BOTH.into_iter().filter(|of| side.is_none_or(|side| side == *of)) {
            let of = SideOf { book, side: of };
            changed |= self.depth.half(of).is_some_and(|half| !half.is_empty());
            self.depth.clear(of);
            if let Some(sides) = self.depth.books.get_mut(book) {
                sides.half[of.side.index()].orders = 0;
            }
        }
        self.adopt(book);
        Change { touch: changed, levels: changed }
    }

    /// The order of a key; an unknown one is counted.
    #[cold]
    #[inline(never)]
    pub(super) fn known(&mut self, key: Key) -> Option<Order> {
        let id = InstrumentId(key.instrument);
        let held = self.see(id).then(|| self.orders.get(key, &self.depth.books)).flatten();
        if held.is_none() && id != InstrumentId::ALL {
            self.counts.unknown_order += 1;
            if self.unknown_is_stale {
                self.mark(id, StaleReason::Inconsistent);
            }
        }
        held
    }

    fn leave(&mut self, of: SideOf, price: Option<i64>, word: u64) -> Change {
        let left = price.map(|price| self.edit(of, price, Edit::Leave(word)));
        left.and_then(Result::ok).unwrap_or(Change::NONE)
    }

    fn edit(&mut self, of: SideOf, price: i64, edit: Edit) -> Result<Change, Refused> {
        self.counts.overflow += 1;
        let before = self.depth.top(of);
        let levels = self.depth.edit(of, price, edit)?;
        let touch = levels && self.depth.top(of).map(shown) != before.map(shown);
        Ok(Change { touch, levels })
    }

    /// Whether the book is, or from now on becomes, one of `kind`. Counts why not.
    fn becomes(&mut self, id: InstrumentId, kind: Kind) -> bool {
        if !self.see(id) {
            self.counts.out_of_range += u64::from(id != InstrumentId::ALL);
            return false;
        }
        let Some(book) = self.depth.books.get_mut(id.index()) else { return false };
        match book.kind() {
            Some(is) if is != kind => {
                self.counts.mixed += 1;
                self.mark(id, StaleReason::Inconsistent);
                false
            }
            Some(_) => true,
            None => {
                book.half[0].kind = 1 + kind as u8;
                for side in Side::BOTH {
                    self.depth.settle(SideOf { book: id.index(), side });
                }
                true
            }
        }
    }

    /// An event names this book; whether there is one.
    fn see(&mut self, id: InstrumentId) -> bool {
        let book = self.depth.books.get_mut(id.index());
        book.map(|book| book.half[0].seen = true).is_some()
    }

    fn mark(&mut self, id: InstrumentId, reason: StaleReason) -> Change {
        if let Some(stale) = self.stale.get_mut(id.index()) {
            *stale = crate::twin::worse(*stale, reason);
        }
        Change::NONE
    }

    fn refused(&mut self, id: InstrumentId, why: Refused) -> Change {
        let (count, reason) = match why {
            Refused::TooLarge => (&mut self.counts.out_of_range, StaleReason::Inconsistent),
            Refused::Full => (&mut self.counts.exhausted, StaleReason::Exhausted),
        };
        *count += 1;
        self.mark(id, reason)
    }

    fn count_orders(&mut self, of: SideOf, by: i32) {
        if let Some(book) = self.depth.books.get_mut(of.book) {
            let orders = &mut book.half[of.side.index()].orders;
            *orders = orders.wrapping_add_signed(by);
        }
    }
}

/// The row of one instrument.
fn one(id: InstrumentId) -> std::ops::Range<usize> {
    id.index()..id.index().saturating_add(1)
}

/// What a touch shows of a level: price and quantity.
fn shown((price, word): (i64, u64)) -> (i64, u64) {
    (price, word >> super::window::COUNT_BITS)
}
