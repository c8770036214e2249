//! The real books of the traded instruments.
//!
//! One order-by-order book for each traded row; the books know rows, not the ids of the feed, so
//! their memory depends on what is traded and not on what is listed.

use std::ops::ControlFlow;

use nofx_book::{QueueBooks, QueueConfig, QueuedOrder};
use nofx_types::{BookEvent, Instrument, InstrumentId, Level, OrderRef, Price, Side};

use super::MarketKind;
use super::taken::Key;
use crate::config::{ConfigError, Sizes};

pub(super) struct Market {
    books: QueueBooks,
    kind: MarketKind,
}

impl Market {
    pub fn new(rows: usize, kind: MarketKind, sizes: &Sizes) -> Result<Market, ConfigError> {
        let config = QueueConfig {
            instruments: rows.max(1) as u32,
            live_orders: sizes.book_orders,
            levels: sizes.book_levels,
        };
        let books = QueueBooks::new(&config)
            .map_err(|error| ConfigError::new("venue.sizes", error.to_string()))?;
        Ok(Market { books, kind })
    }

    pub fn define(&mut self, row: usize, instrument: &Instrument) {
        self.books.define(&Instrument { id: id(row), ..*instrument });
    }

    /// Applies an event of one row.
    #[inline]
    pub fn apply(&mut self, row: usize, event: &BookEvent) {
        self.books.apply(&BookEvent { instrument: id(row), ..*event });
    }

    /// Applies an event of the whole stream.
    pub fn apply_to_all(&mut self, event: &BookEvent) {
        self.books.apply(event);
    }

    /// A real order that shows at a price.
    #[inline]
    pub fn order(&self, row: usize, order: OrderRef) -> Option<QueuedOrder> {
        self.books.order(id(row), order).filter(|order| order.shown)
    }

    /// Quantity that rests at a price.
    #[inline]
    pub fn shown(&self, row: usize, side: Side, price: Price) -> u64 {
        self.books.level(id(row), side, price).map_or(0, |level| level.qty.0)
    }

    /// Best price of a side.
    #[inline]
    pub fn best(&self, row: usize, side: Side) -> Option<Price> {
        self.books.touch(id(row)).best(side)
    }

    /// Arrival number of the last order at a price, 0 when there is none.
    pub fn back(&self, row: usize, side: Side, price: Price) -> u64 {
        self.books.back(id(row), side, price).map_or(0, |order| order.arrival)
    }

    /// Quantity at a price of orders that arrived no later than `after`.
    pub fn ahead(&self, row: usize, side: Side, price: Price, after: u64) -> u64 {
        let queue = self.books.queue(id(row), side, price);
        queue.take_while(|order| order.arrival <= after).map(|order| order.qty.0).sum()
    }

    #[inline]
    pub fn is_stale(&self, row: usize) -> bool {
        self.books.stale(id(row)).is_some()
    }

    /// Walks what an order of the other side at `limit` could trade with, first come first, until
    /// `visit` breaks.
    pub fn offers(
        &self,
        row: usize,
        side: Side,
        limit: Price,
        mut visit: impl FnMut(Key, Price, u64) -> ControlFlow<()>,
    ) {
        for level in self.books.book(id(row)).ladder(side) {
            let crosses = !side.opposite().better(level.price, limit);
            if !crosses || self.offers_at(row, side, &level, &mut visit).is_break() {
                return;
            }
        }
    }

    fn offers_at(
        &self,
        row: usize,
        side: Side,
        level: &Level,
        visit: &mut impl FnMut(Key, Price, u64) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        match self.kind {
            MarketKind::Levels => {
                visit(Key::level(row, side, level.price), level.price, level.qty.0)
            }
            MarketKind::Orders => {
                let mut queue = self.books.queue(id(row), side, level.price);
                queue.try_for_each(|order| {
                    visit(Key::order(row, order.order), level.price, order.qty.0)
                })
            }
        }
    }

    pub fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.books.counts().iter()
    }

    pub fn memory(&self) -> u64 {
        self.books.memory().map(|(_, bytes)| bytes).sum()
    }
}

/// A row as the books know it.
fn id(row: usize) -> InstrumentId {
    InstrumentId(row as u32)
}
