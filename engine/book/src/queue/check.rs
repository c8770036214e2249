//! What must hold of a book at any event.

use nofx_types::{InstrumentId, Price, Side};

use super::fifo::LevelRow;
use super::index::Index;
use super::ladder::key;
use super::pool::NIL;
use super::{Book, Holds, QueueBooks};
use crate::counts::Broken;

impl QueueBooks {
    /// Proves one book: prices in order, best at hand, no empty level, sums right, each queue linked
    /// both ways with rising arrivals, each order found by its name. Walks the whole book.
    pub fn check(&self, id: InstrumentId) -> Result<(), Broken> {
        match self.books.get(id.index()) {
            Some(book) => self.check_book(id, book).map(|_| ()),
            None => Ok(()),
        }
    }

    /// Proves every book, and that no order, level or price array exists outside of one.
    pub fn check_all(&self) -> Result<(), Broken> {
        let (mut orders, mut levels) = (0, 0);
        for (id, book) in self.books.iter().enumerate() {
            let (o, l) = self.check_book(InstrumentId(id as u32), book)?;
            (orders, levels) = (orders + o, levels + l);
        }
        ensure(InstrumentId::ALL, orders == self.live_orders(), "no orphan order")?;
        ensure(InstrumentId::ALL, levels == self.live_levels(), "no orphan level")?;
        let ladders = self.books.iter().flat_map(|book| &book.ladders);
        let held = ladders.map(|ladder| u64::from(ladder.room())).sum();
        ensure(InstrumentId::ALL, self.ladders.accounts_for(held), "no orphan price array")
    }

    /// Proves a book; how many orders and levels it has.
    fn check_book(&self, id: InstrumentId, book: &Book) -> Result<(u64, u64), Broken> {
        let (mut orders, mut levels) = (0, 0);
        for side in Side::BOTH {
            let rungs = self.ladders.rungs(&book.ladders[side.index()]);
            ensure(id, rungs.is_sorted_by(|a, b| a.key < b.key), "prices rise")?;
            let best = rungs.last().map_or(NIL, |rung| rung.level);
            ensure(id, best == book.best[side.index()], "best is at hand")?;
            for rung in rungs {
                let level = &self.queues.levels[rung.level];
                let same = key(side, Price(level.price)) == rung.key;
                ensure(id, same && level.owner().shown(), "level has the price of its rung")?;
                orders += self.check_level(id, side, book.holds, rung.level, level)?;
            }
            levels += rungs.len() as u64;
            let unpriced = book.unpriced[side.index()];
            if unpriced != NIL {
                let level = &self.queues.levels[unpriced];
                ensure(id, !level.owner().shown(), "orders without a price show nowhere")?;
                orders += self.check_level(id, side, book.holds, unpriced, level)?;
                levels += 1;
            }
        }
        Ok((orders, levels))
    }

    fn check_level(
        &self,
        id: InstrumentId,
        side: Side,
        holds: Holds,
        at: u32,
        level: &LevelRow,
    ) -> Result<u64, Broken> {
        let owner = level.owner();
        ensure(id, (owner.instrument(), owner.side()) == (id.0, side), "level knows its owner")?;
        ensure(id, level.qty > 0, "no empty level")?;
        if holds == Holds::Levels {
            ensure(id, (level.head, level.tail) == (NIL, NIL), "a level feed has no orders")?;
            return Ok(0);
        }
        let (mut prev, mut arrival, mut qty, mut orders) = (NIL, 0, 0, 0);
        for (row, order) in self.queues.walk(level.head) {
            ensure(id, order.level == at && order.prev == prev, "queue is linked both ways")?;
            ensure(id, order.arrival > arrival, "arrivals rise")?;
            ensure(id, order.qty > 0, "no empty order")?;
            let hash = Index::hash(id.0, order.id);
            let found = self.index.find(hash, |other| other == row);
            ensure(id, found == row, "order is found by its name")?;
            (prev, arrival) = (row, order.arrival);
            qty += u64::from(order.qty);
            orders += 1;
        }
        ensure(id, level.tail == prev, "tail is last")?;
        ensure(id, (level.qty, level.orders) == (qty, orders), "level is the sum of its orders")?;
        Ok(u64::from(orders))
    }
}

fn ensure(instrument: InstrumentId, holds: bool, rule: &'static str) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(Broken { instrument, rule }) }
}
