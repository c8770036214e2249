//! Books order by order: every order with its place in the queue of its price.
//!
//! Model: one header for each instrument, and three pools that all instruments share: orders, levels
//! and sorted price arrays. An order is found by its name through a hash table of row numbers; it
//! names its level; a level names the head and tail of its queue. The header keeps the best level of
//! each side, so the touch is two reads. An instrument that has no events costs its header (64
//! bytes) and nothing else. What each event means is written at [`crate::TwinBooks`].
//!
//! Arrival numbers order a queue: an order with a smaller number at the same price is served first.
//! They rise as orders join; a participant who remembers the number of the last order before him
//! knows later which orders are ahead. A join between two orders takes a number half way; only when
//! that was done 32 times between the same two do orders of that level get other numbers (counted).
//!
//! Worst case: a delete that empties a level moves the better prices of its side by 16 bytes each;
//! a join at a given rank walks that far; a clear walks the orders of the side. When an order or a
//! level finds no room, it is dropped and counted, and the book is marked
//! [`StaleReason::Exhausted`] for good. Nothing allocates after construction.

mod blocks;
mod check;
mod fifo;
mod index;
mod ladder;
mod pool;
mod view;

use std::io;

use nofx_types::{
    BookEvent, Change, EventKind, Instrument, InstrumentId, OrderRef, Price, Pricing, Priority,
    Qty, Side, StaleReason,
};

use crate::counts::{BookCounts, ConfigError};
use crate::twin::worse;
use fifo::{LevelRow, Owner, Queues};
use index::Index;
use ladder::{Ladder, Ladders, NoRoom, Rung, key};
use pool::NIL;
pub use view::{QueueBook, QueuedOrder};

/// Sizes of the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueConfig {
    /// Instrument ids are below this.
    pub instruments: u32,
    /// Orders that live at once, over all instruments.
    pub live_orders: u32,
    /// Prices with orders at once, over all instruments and both sides; one more for each side that
    /// has orders without a price.
    pub levels: u32,
}

impl Default for QueueConfig {
    fn default() -> QueueConfig {
        QueueConfig { instruments: 8_192, live_orders: 1 << 20, levels: 1 << 18 }
    }
}

/// All books of a run.
pub struct QueueBooks {
    books: Box<[Book]>,
    queues: Queues,
    index: Index,
    ladders: Ladders,
    counts: BookCounts,
}

/// The header of one book.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Book {
    /// Best level of each side; nil while the side is empty.
    best: [u32; 2],
    ladders: [Ladder; 2],
    /// Orders of each side that have no price; nil while there are none.
    unpriced: [u32; 2],
    holds: Holds,
    stale: Option<StaleReason>,
}

/// What a book is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Holds {
    #[default]
    Nothing,
    Orders,
    Levels,
}

/// Where in its queue an order goes.
#[derive(Clone, Copy)]
enum Place {
    Back,
    Rank(u32),
}

impl Place {
    fn of(priority: Priority) -> Place {
        match priority {
            Priority::At(rank) => Place::Rank(rank),
            Priority::Back | Priority::Kept => Place::Back,
        }
    }
}

/// A [`EventKind::Replace`] with its parts named.
#[derive(Clone, Copy)]
struct Replacement {
    old: OrderRef,
    new: OrderRef,
    price: Option<Price>,
    qty: Qty,
    priority: Priority,
}

/// Orders of one venue hold at most this.
const QTY_MAX: u64 = u32::MAX as u64;

impl QueueBooks {
    /// Books of this size, empty; all memory is taken here.
    pub fn new(config: &QueueConfig) -> Result<QueueBooks, ConfigError> {
        let QueueConfig { instruments, live_orders, levels } = *config;
        positive("instruments", instruments, Owner::INSTRUMENTS)?;
        positive("live_orders", live_orders, 1 << 30)?;
        positive("levels", levels, 1 << 28)?;
        let memory = |key| move |error: io::Error| ConfigError::new(key, error.to_string());
        let (orders, rows) = fifo::pools(live_orders, levels).map_err(memory("live_orders"))?;
        Ok(QueueBooks {
            books: vec![Book::default(); instruments as usize].into_boxed_slice(),
            queues: Queues::new(orders, rows),
            index: Index::new(live_orders).map_err(memory("live_orders"))?,
            ladders: Ladders::new(levels, 2 * instruments).map_err(memory("levels"))?,
            counts: BookCounts::default(),
        })
    }

    /// Nothing of a definition matters to these books: any price has a level of its own.
    pub fn define(&mut self, instrument: &Instrument) {
        let _ = instrument;
    }

    /// Takes one event and says what it changed.
    #[inline]
    pub fn apply(&mut self, event: &BookEvent) -> Change {
        if event.instrument.index() >= self.books.len() {
            return self.apply_elsewhere(event);
        }
        self.apply_to(event.instrument.0, &event.kind)
    }

    /// Events of the whole stream, and of instruments that have no book.
    #[cold]
    fn apply_elsewhere(&mut self, event: &BookEvent) -> Change {
        match event.kind {
            EventKind::Clear { .. } | EventKind::Stale(_)
                if event.instrument == InstrumentId::ALL =>
            {
                (0..self.books.len() as u32).fold(Change::NONE, |sum, id| {
                    let change = self.apply_to(id, &event.kind);
                    Change { touch: sum.touch | change.touch, levels: sum.levels | change.levels }
                })
            }
            EventKind::Add { .. }
            | EventKind::Execute { .. }
            | EventKind::Reduce { .. }
            | EventKind::Replace { .. }
            | EventKind::Delete { .. }
            | EventKind::LevelSet { .. }
                if event.instrument != InstrumentId::ALL =>
            {
                self.counts.out_of_range += 1;
                Change::NONE
            }
            _ => Change::NONE,
        }
    }

    #[inline]
    fn apply_to(&mut self, id: u32, kind: &EventKind) -> Change {
        match *kind {
            EventKind::Add { order, side, price, qty, priority, pricing } => {
                let price = match pricing {
                    Pricing::Limit => Some(price),
                    Pricing::Market => None,
                    Pricing::OwnBest => self.touch(InstrumentId(id)).best(side),
                };
                self.add(id, order, side, price, qty, Place::of(priority))
            }
            EventKind::Execute { order, qty, .. } | EventKind::Reduce { order, qty } => {
                self.reduce(id, order, qty)
            }
            EventKind::Delete { order } => match self.find(id, order) {
                NIL => self.unknown(),
                row => self.take_out(id, row),
            },
            EventKind::Replace { old, new, price, qty, priority } => {
                self.replace(id, &Replacement { old, new, price, qty, priority })
            }
            EventKind::LevelSet { side, price, qty, orders } => {
                self.set_level(id, side, price, qty, orders)
            }
            EventKind::Clear { side } => self.clear(id, side),
            EventKind::Stale(reason) => {
                self.mark(id, reason);
                Change::NONE
            }
            EventKind::Trade { .. }
            | EventKind::Phase(_)
            | EventKind::Auction(_)
            | EventKind::Band { .. }
            | EventKind::EndOfEvent => Change::NONE,
        }
    }

    #[inline]
    fn add(
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
    fn reduce(&mut self, id: u32, order: OrderRef, qty: Qty) -> Change {
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
    fn take_out(&mut self, id: u32, row: u32) -> Change {
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

    fn replace(&mut self, id: u32, to: &Replacement) -> Change {
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
        if joined.is_err() {
            self.forget(id, row);
            self.exhausted(id);
        }
        let shown = price.is_some() || to.price.is_some();
        let as_before = joined.is_ok() && same_price && to.qty.0 == u64::from(held.qty);
        Change { touch: self.touch(InstrumentId(id)) != touch, levels: shown && !as_before }
    }

    fn rename(&mut self, id: u32, row: u32, new: OrderRef) {
        let old = std::mem::replace(&mut self.queues.orders[row].id, new.0);
        if old != new.0 {
            self.index.remove(Index::hash(id, old), row);
            self.index.insert(Index::hash(id, new.0), row);
        }
    }

    /// Frees an order that is at no level.
    fn forget(&mut self, id: u32, row: u32) {
        let order = self.queues.orders[row].id;
        self.index.remove(Index::hash(id, order), row);
        self.queues.orders.give(row);
    }

    fn set_level(&mut self, id: u32, side: Side, price: Price, qty: Qty, orders: u32) -> Change {
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
    fn level_for(&mut self, id: u32, side: Side, price: Price) -> Result<u32, NoRoom> {
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
    fn unpriced_for(&mut self, id: u32, side: Side) -> Result<u32, NoRoom> {
        let kept = &mut self.books[id as usize].unpriced[side.index()];
        if *kept == NIL {
            *kept = self.queues.levels.take().ok_or(NoRoom)?;
            self.queues.levels[*kept] = LevelRow::new(Owner::new(id, side, false), Price(0));
        }
        Ok(*kept)
    }

    /// An empty level leaves the book.
    fn drop_level(&mut self, id: u32, level: u32) {
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
    fn clear(&mut self, id: u32, side: Option<Side>) -> Change {
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

    #[inline]
    fn find(&self, id: u32, order: OrderRef) -> u32 {
        self.find_hashed(id, order, Index::hash(id, order.0))
    }

    #[inline]
    fn find_hashed(&self, id: u32, order: OrderRef, hash: u32) -> u32 {
        self.index.find(hash, |row| {
            let row = &self.queues.orders[row];
            row.id == order.0 && self.queues.levels[row.level].owner().instrument() == id
        })
    }

    /// Whether the book is, or from now on becomes, one of `kind`.
    #[inline]
    fn becomes(&mut self, id: u32, kind: Holds) -> bool {
        let holds = &mut self.books[id as usize].holds;
        if *holds == Holds::Nothing {
            *holds = kind;
        }
        let fits = *holds == kind;
        if !fits {
            self.counts.mixed += 1;
            self.mark(id, StaleReason::Inconsistent);
        }
        fits
    }

    #[cold]
    fn mark(&mut self, id: u32, reason: StaleReason) {
        let stale = &mut self.books[id as usize].stale;
        *stale = worse(*stale, reason);
    }

    #[cold]
    fn unknown(&mut self) -> Change {
        self.counts.unknown_order += 1;
        Change::NONE
    }

    #[cold]
    fn duplicate(&mut self, id: u32) -> Change {
        self.counts.duplicate_add += 1;
        self.mark(id, StaleReason::Inconsistent);
        Change::NONE
    }

    #[cold]
    fn out_of_range(&mut self, id: u32) -> Change {
        self.counts.out_of_range += 1;
        self.mark(id, StaleReason::Inconsistent);
        Change::NONE
    }

    #[cold]
    fn exhausted(&mut self, id: u32) -> Change {
        self.counts.exhausted += 1;
        self.mark(id, StaleReason::Exhausted);
        Change::NONE
    }
}

fn positive(key: &'static str, value: u32, max: u32) -> Result<(), ConfigError> {
    if value == 0 || value > max {
        return Err(ConfigError::new(key, format!("is {value}, must be 1 to {max}")));
    }
    Ok(())
}
