//! Reading the books: touches, levels, queues.

use nofx_types::{InstrumentId, Ladder, Level, OrderRef, Price, Qty, Side, StaleReason, Touch};

use super::fifo::Order;
use super::ladder::key;
use super::pool::NIL;
use super::{Book, QueueBooks};
use crate::counts::BookCounts;
use crate::touch_hash::touch_hash;

/// An order with its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueuedOrder {
    /// The venue's reference.
    pub order: OrderRef,
    /// Its side.
    pub side: Side,
    /// Its price, 0 while it has none.
    pub price: Price,
    /// What is open.
    pub qty: Qty,
    /// Its turn: of two orders at a price the one with the smaller number is served first.
    pub arrival: u64,
    /// Whether it has a price, and so shows at a level.
    pub shown: bool,
}

impl QueueBooks {
    /// Best bid and ask.
    #[inline]
    pub fn touch(&self, id: InstrumentId) -> Touch {
        self.books.get(id.index()).map_or(Touch::default(), |book| self.touch_of(book))
    }

    #[inline]
    fn touch_of(&self, book: &Book) -> Touch {
        let [bid, ask] = book.best.map(|level| &self.queues.levels[level]);
        Touch {
            bid_px: Price(bid.price),
            bid_qty: Qty(bid.qty),
            ask_px: Price(ask.price),
            ask_qty: Qty(ask.qty),
        }
    }

    /// Whether the best bid is at or above the best ask.
    pub fn is_crossed(&self, id: InstrumentId) -> bool {
        self.touch(id).is_crossed()
    }

    /// Why the book is not to be trusted, if so.
    #[inline]
    pub fn stale(&self, id: InstrumentId) -> Option<StaleReason> {
        self.books.get(id.index())?.stale
    }

    /// The book of an instrument as a strategy sees it; empty when there is none.
    #[inline]
    pub fn book(&self, id: InstrumentId) -> QueueBook<'_> {
        QueueBook { books: self, id }
    }

    /// A live order.
    #[inline]
    pub fn order(&self, instrument: InstrumentId, order: OrderRef) -> Option<QueuedOrder> {
        match self.find(instrument.0, order) {
            NIL => None,
            row => Some(self.queued(&self.queues.orders[row])),
        }
    }

    #[inline]
    pub(super) fn queued(&self, order: &Order) -> QueuedOrder {
        let level = &self.queues.levels[order.level];
        QueuedOrder {
            order: OrderRef(order.id),
            side: level.owner().side(),
            price: Price(level.price),
            qty: Qty(u64::from(order.qty)),
            arrival: order.arrival,
            shown: level.owner().shown(),
        }
    }

    /// The level row at a price, nil when nothing rests there.
    #[inline]
    pub(super) fn level_at(&self, id: InstrumentId, side: Side, price: Price) -> u32 {
        let Some(book) = self.books.get(id.index()) else { return NIL };
        let best = book.best[side.index()];
        if best == NIL || self.queues.levels[best].price == price.0 {
            return best;
        }
        let ladder = &book.ladders[side.index()];
        match self.ladders.search(ladder, key(side, price)) {
            Ok(at) => self.ladders.rungs(ladder)[at].level,
            Err(_) => NIL,
        }
    }

    /// What rests at a price.
    #[inline]
    pub fn level(&self, id: InstrumentId, side: Side, price: Price) -> Option<Level> {
        match self.level_at(id, side, price) {
            NIL => None,
            level => Some(self.queues.levels[level].shows()),
        }
    }

    /// The order that is served first at a price.
    #[inline]
    pub fn front(&self, id: InstrumentId, side: Side, price: Price) -> Option<QueuedOrder> {
        self.row(self.queues.levels[self.level_at(id, side, price)].head)
    }

    /// The order that is served last at a price.
    #[inline]
    pub fn back(&self, id: InstrumentId, side: Side, price: Price) -> Option<QueuedOrder> {
        self.row(self.queues.levels[self.level_at(id, side, price)].tail)
    }

    #[inline]
    fn row(&self, row: u32) -> Option<QueuedOrder> {
        (row != NIL).then(|| self.queued(&self.queues.orders[row]))
    }

    /// The orders at a price, first served first.
    pub fn queue(
        &self,
        id: InstrumentId,
        side: Side,
        price: Price,
    ) -> impl Iterator<Item = QueuedOrder> + '_ {
        let head = self.queues.levels[self.level_at(id, side, price)].head;
        self.queues.walk(head).map(|(_, order)| self.queued(order))
    }

    /// Quantity that is served before the order at its price; walks that part of the queue. `None`
    /// for an order that is unknown or has no price.
    pub fn ahead(&self, id: InstrumentId, order: OrderRef) -> Option<Qty> {
        let target = self.order(id, order).filter(|o| o.shown)?;
        let before = self.queue(id, target.side, target.price).take_while(|o| o.order != order);
        Some(Qty(before.map(|o| o.qty.0).sum()))
    }

    /// Orders in all books, those without a price included.
    pub fn live_orders(&self) -> u64 {
        u64::from(self.queues.orders.held())
    }

    /// Prices with orders in all books.
    pub fn live_levels(&self) -> u64 {
        u64::from(self.queues.levels.held())
    }

    /// Events that did not fit. `overflow`: joins at a rank for which a level was renumbered.
    pub fn counts(&self) -> BookCounts {
        BookCounts { overflow: self.queues.renumbered, ..self.counts }
    }

    /// Bytes by holder, fixed at construction.
    pub fn memory(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
        [
            ("queue_headers", size_of_val(&*self.books) as u64),
            ("queue_orders", self.queues.orders.bytes()),
            ("queue_index", self.index.bytes()),
            ("queue_levels", self.queues.levels.bytes()),
            ("queue_prices", self.ladders.bytes()),
        ]
        .into_iter()
    }

    /// One number for all touches, see [`touch_hash`].
    pub fn touch_hash(&self) -> u64 {
        let ids = (0..self.books.len() as u32).map(InstrumentId);
        touch_hash(ids.map(|id| (id, self.touch(id))))
    }
}

/// One book, read only.
#[derive(Clone, Copy)]
pub struct QueueBook<'a> {
    books: &'a QueueBooks,
    id: InstrumentId,
}

impl QueueBook<'_> {
    /// All levels of a side, best first.
    pub fn ladder(&self, side: Side) -> impl Iterator<Item = Level> + '_ {
        let book = self.books.books.get(self.id.index());
        let rungs =
            book.map_or(&[][..], |book| self.books.ladders.rungs(&book.ladders[side.index()]));
        rungs.iter().rev().map(|rung| self.books.queues.levels[rung.level].shows())
    }
}

impl Ladder for QueueBook<'_> {
    #[inline]
    fn touch(&self) -> Touch {
        self.books.touch(self.id)
    }

    #[inline]
    fn levels(&self, side: Side, out: &mut [Level]) -> usize {
        let mut filled = 0;
        for (slot, level) in out.iter_mut().zip(self.ladder(side)) {
            *slot = level;
            filled += 1;
        }
        filled
    }
}
