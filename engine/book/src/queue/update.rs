//! What each event does to an order: join, shrink, move, leave.

use nofx_types::{Change, InstrumentId, OrderRef, Price, Priority, Qty, Side, StaleReason};

use super::index::Index;
use super::ladder::NoRoom;
use super::pool::NIL;
use super::{Holds, QueueBooks};

/// Where in its queue an order goes.
#[derive(Clone, Copy)]
pub(super) enum Place {
    Back,
    Rank(u32),
}

impl Place {
    pub fn of(priority: Priority) -> Place {
        match priority {
            Priority::At(rank) => Place::Rank(rank),
            Priority::Back | Priority::Kept => Place::Back,
        }
    }
}

/// A [`nofx_types::EventKind::Replace`] with its parts named.
#[derive(Clone, Copy)]
pub(super) struct Replacement {
    pub old: OrderRef,
    pub new: OrderRef,
    pub price: Option<Price>,
    pub qty: Qty,
    pub priority: Priority,
}

/// Orders of one venue hold at most this.
const QTY_MAX: u64 = u32::MAX as u64;

impl QueueBooks {
    #[inline]
    pub(super) fn add(
        &mut self,
        id: u32,
        order: OrderRef,
        side: Side,
        price: Option<Price>,
        qty: Qty,
        place: Place,
    ) -> Change {
        if !self.becomes(id, Holds::Orders) {
            return Change::NONE;
        }
        let hash = Index::hash(id, order.0);
        if self.find_hashed(id, order, hash) != NIL {
            return self.duplicate(id);
        }
        if qty.0 == 0 || qty.0 > QTY_MAX {
            return self.out_of_range(id);
        }
        let Some(row) = self.queues.orders.take() else { return self.exhausted(id) };
        let new = &mut self.queues.orders[row];
        (new.id, new.qty) = (order.0, qty.0 as u32);
        match self.join(id, side, price, row, place) {
            Ok(change) => {
                self.index.insert(hash, row);
                change
            }
            Err(NoRoom) => {
                self.queues.orders.give(row);
                self.exhausted(id)
            }
        }
    }

    /// An order that is at no level joins one.
    #[inline]
    fn join(
        &mut self,
        id: u32,
        side: Side,
        price: Option<Price>,
        row: u32,
        place: Place,
    ) -> Result<Change, NoRoom> {
        let level = match price {
            Some(price) => self.level_for(id, side, price)?,
            None => self.unpriced_for(id, side)?,
        };
        match place {
            Place::Back => self.queues.push_back(level, row),
            Place::Rank(rank) => self.queues.insert_at(level, row, rank),
        }
        let best = self.books[id as usize].best[side.index()] == level;
        Ok(Change { touch: best, levels: price.is_some() })
    }

    #[inline]
    pub(super) fn reduce(&mut self, id: u32, order: OrderRef, qty: Qty) -> Change {
        let row = self.find(id, order);
        if row == NIL {
            return self.unknown();
        }
        let held = self.queues.orders[row];
        let has = u64::from(held.qty);
        if qty.0 >= has {
            if qty.0 > has {
                self.counts.overfill += 1;
                self.mark(id, StaleReason::Inconsistent);
            }
            return self.take_out(id, row);
        }
        self.resize(id, row, held.qty - qty.0 as u32)
    }

    /// Changes the quantity of an order in its place.
    #[inline]
    fn resize(&mut self, id: u32, row: u32, qty: u32) -> Change {
        let held = self.queues.orders[row];
        self.queues.resize(row, qty);
        let owner = self.queues.levels[held.level].owner();
        let changed = owner.shown() && held.qty != qty;
        let best = self.books[id as usize].best[owner.side().index()] == held.level;
        Change { touch: changed && best, levels: changed }
    }

    /// Removes an order altogether.
    #[inline]
    pub(super) fn take_out(&mut self, id: u32, row: u32) -> Change {
        let change = self.leave(id, row);
        let hash = Index::hash(id, self.queues.orders[row].id);
        self.index.remove(hash, row);
        self.queues.orders.give(row);
        change
    }

    /// An order leaves its level, and the level leaves the book with its last order.
    #[inline]
    fn leave(&mut self, id: u32, row: u32) -> Change {
        let level = self.queues.orders[row].level;
        let owner = self.queues.levels[level].owner();
        let left = self.queues.unlink(row);
        let best = self.books[id as usize].best[owner.side().index()] == level;
        if left == 0 {
            self.drop_level(id, level);
        }
        Change { touch: best && owner.shown(), levels: owner.shown() }
    }

    pub(super) fn replace(&mut self, id: u32, to: &Replacement) -> Change {
        let row = self.find(id, to.old);
        if row == NIL {
            return self.unknown();
        }
        if to.qty.0 == 0 {
            return self.take_out(id, row);
        }
        if to.new != to.old && self.find(id, to.new) != NIL {
            self.duplicate(id);
            return self.take_out(id, row);
        }
        if to.qty.0 > QTY_MAX {
            self.out_of_range(id);
            return self.take_out(id, row);
        }
        let held = self.queues.orders[row];
        let level = self.queues.levels[held.level];
        let price = level.owner().shown().then_some(Price(level.price));
        self.rename(id, row, to.new);
        let same_price = to.price.is_none_or(|wanted| price == Some(wanted));
        if to.priority == Priority::Kept && same_price {
            return self.resize(id, row, to.qty.0 as u32);
        }
        let touch = self.touch(InstrumentId(id));
        self.leave(id, row);
        self.queues.orders[row].qty = to.qty.0 as u32;
        let side = level.owner().side();
        let joined = self.join(id, side, to.price.or(price), row, Place::of(to.priority));
        let levels = match joined {
            Ok(_) if same_price => price.is_some() && to.qty.0 != u64::from(held.qty),
            Ok(_) => true,
            Err(NoRoom) => {
                self.forget(id, row);
                self.exhausted(id);
                price.is_some()
            }
        };
        Change { touch: self.touch(InstrumentId(id)) != touch, levels }
    }

    fn rename(&mut self, id: u32, row: u32, new: OrderRef) {
        let old = std::mem::replace(&mut self.queues.orders[row].id, new.0);
        if old != new.0 {
            self.index.remove(Index::hash(id, old), row);
            self.index.insert(Index::hash(id, new.0), row);
        }
    }

    /// Frees an order that is at no level.
    pub(super) fn forget(&mut self, id: u32, row: u32) {
        let order = self.queues.orders[row].id;
        self.index.remove(Index::hash(id, order), row);
        self.queues.orders.give(row);
    }

    #[inline]
    pub(super) fn find(&self, id: u32, order: OrderRef) -> u32 {
        self.find_hashed(id, order, Index::hash(id, order.0))
    }

    #[inline]
    fn find_hashed(&self, id: u32, order: OrderRef, hash: u32) -> u32 {
        self.index.find(hash, |row| {
            let row = &self.queues.orders[row];
            row.id == order.0 && self.queues.levels[row.level].owner().instrument() == id
        })
    }
}
