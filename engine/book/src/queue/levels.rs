//! Levels of a book: made with the first order at a price, gone with the last; set by feeds of levels.

use nofx_types::{Change, InstrumentId, Price, Qty, Side, StaleReason};

use super::fifo::{LevelRow, Owner};
use super::ladder::{NoRoom, Rung, key};
use super::pool::NIL;
use super::{Holds, QueueBooks};

impl QueueBooks {
    pub(super) fn set_level(
        &mut self,
        id: u32,
        side: Side,
        price: Price,
        qty: Qty,
        orders: u32,
    ) -> Change {
        if !self.becomes(id, Holds::Levels) {
            return Change::NONE;
        }
        let touch = self.touch(InstrumentId(id));
        let known = self.level_at(InstrumentId(id), side, price);
        let level = match (known, qty.0) {
            (NIL, 0) => return Change::NONE,
            (level, 0) => {
                self.drop_level(id, level);
                return Change { touch: self.touch(InstrumentId(id)) != touch, levels: true };
            }
            _ => self.level_for(id, side, price),
        };
        let Ok(level) = level else { return self.exhausted(id) };
        let row = &mut self.queues.levels[level];
        let changed = (row.qty, row.orders) != (qty.0, orders);
        (row.qty, row.orders) = (qty.0, orders);
        Change { touch: self.touch(InstrumentId(id)) != touch, levels: changed }
    }

    /// The level of a price; a new one if there is none.
    #[inline]
    pub(super) fn level_for(&mut self, id: u32, side: Side, price: Price) -> Result<u32, NoRoom> {
        let book = &mut self.books[id as usize];
        let best = book.best[side.index()];
        if best != NIL && self.queues.levels[best].price == price.0 {
            return Ok(best);
        }
        let ladder = &mut book.ladders[side.index()];
        let key = key(side, price);
        let at = match self.ladders.search(ladder, key) {
            Ok(at) => return Ok(self.ladders.rungs(ladder)[at].level),
            Err(at) => at,
        };
        let level = self.queues.levels.take().ok_or(NoRoom)?;
        if self.ladders.insert(ladder, at, Rung::new(key, level)).is_err() {
            self.queues.levels.give(level);
            return Err(NoRoom);
        }
        if at + 1 == ladder.len() as usize {
            book.best[side.index()] = level;
        }
        self.queues.levels[level] = LevelRow::new(Owner::new(id, side, true), price);
        Ok(level)
    }

    /// Where orders without a price are kept.
    #[cold]
    pub(super) fn unpriced_for(&mut self, id: u32, side: Side) -> Result<u32, NoRoom> {
        let kept = &mut self.books[id as usize].unpriced[side.index()];
        if *kept == NIL {
            *kept = self.queues.levels.take().ok_or(NoRoom)?;
            self.queues.levels[*kept] = LevelRow::new(Owner::new(id, side, false), Price(0));
        }
        Ok(*kept)
    }

    /// An empty level leaves the book.
    pub(super) fn drop_level(&mut self, id: u32, level: u32) {
        let row = self.queues.levels[level];
        let (book, side) = (&mut self.books[id as usize], row.owner().side());
        if row.owner().shown() {
            let ladder = &mut book.ladders[side.index()];
            if let Ok(at) = self.ladders.search(ladder, key(side, Price(row.price))) {
                self.ladders.remove(ladder, at);
            }
            let best = self.ladders.rungs(ladder).last();
            book.best[side.index()] = best.map_or(NIL, |rung| rung.level);
        } else {
            book.unpriced[side.index()] = NIL;
        }
        self.queues.levels.give(level);
    }

    #[cold]
    pub(super) fn clear(&mut self, id: u32, side: Option<Side>) -> Change {
        let mut change = Change::NONE;
        for cleared in Side::BOTH.into_iter().filter(|s| side.is_none_or(|side| side == *s)) {
            let shown = self.clear_side(id, cleared);
            change = Change { touch: change.touch | shown, levels: change.levels | shown };
        }
        let book = &mut self.books[id as usize];
        if side.is_none() {
            book.holds = Holds::Nothing;
            book.stale = book.stale.filter(|reason| *reason == StaleReason::Exhausted);
        }
        change
    }

    /// Empties a side; whether it showed anything.
    fn clear_side(&mut self, id: u32, side: Side) -> bool {
        let book = &mut self.books[id as usize];
        let mut ladder = std::mem::take(&mut book.ladders[side.index()]);
        let unpriced = std::mem::replace(&mut book.unpriced[side.index()], NIL);
        let shown = std::mem::replace(&mut book.best[side.index()], NIL) != NIL;
        for at in 0..ladder.len() as usize {
            let level = self.ladders.rungs(&ladder)[at].level;
            self.drop_queue(id, level);
        }
        if unpriced != NIL {
            self.drop_queue(id, unpriced);
        }
        self.ladders.release(&mut ladder);
        shown
    }

    fn drop_queue(&mut self, id: u32, level: u32) {
        let mut at = self.queues.levels[level].head;
        while at != NIL {
            let next = self.queues.orders[at].next;
            self.forget(id, at);
            at = next;
        }
        self.queues.levels.give(level);
    }
}

#[cfg(test)]
mod tests {
    use nofx_types::{
        BookEvent, EventKind, InstrumentId, Nanos, OrderRef, Price, Pricing, Priority, Qty, Side,
        StaleReason,
    };

    use super::super::ladder::Ladders;
    use super::super::{QueueBooks, QueueConfig};

    #[test]
    fn a_price_array_that_cannot_grow_refuses_the_price_and_nothing_else() {
        let config = QueueConfig { instruments: 1, live_orders: 10, levels: 10 };
        let mut books = QueueBooks::new(&config).expect("sizes are good");
        books.ladders = Ladders::new(1, 0).expect("one block of four");
        for order in 0..6 {
            let kind = EventKind::Add {
                order: OrderRef(order),
                side: Side::Buy,
                price: Price(order as i64),
                qty: Qty(1),
                priority: Priority::Back,
                pricing: Pricing::Limit,
            };
            let (instrument, ns) = (InstrumentId(0), Nanos(0));
            let event =
                BookEvent { instrument, seq: 0, exch_ns: ns, capture_ns: ns, last: true, kind };
            books.apply(&event);
            assert_eq!(books.check_all(), Ok(()), "order {order}");
        }
        assert_eq!((books.live_orders(), books.live_levels(), books.counts().exhausted), (4, 4, 2));
        assert_eq!(books.stale(InstrumentId(0)), Some(StaleReason::Exhausted));
    }
}
