//! Price-time matching: a venue's own order books, without session and without clock.
//!
//! Model: orders rest in queues, one for each price; the queues of a side are linked from best to
//! worst. An incoming order trades with the head of the best opposite queue at that queue's price
//! while prices cross, and rests with what is left. What happens is told to a [`MatchSink`] in the
//! order of a feed: executions of the resting side first, then the rest that joins the book.
//!
//! Orders and levels live in pools with index links, found through one hash table, so every step
//! costs the same however deep the book, but one: an order at a new price walks from the best price
//! to its place. Orders come near the touch, so the walk is short; at worst it is as long as the side
//! has levels. All memory is there from the start: an order that finds none is refused, unchanged.

mod pool;
mod words;

use nofx_rt::table::Table;
use nofx_types::{Level, OrderRef, Price, Qty, Side};

use pool::{NIL, Pool};
pub use words::{MatchSink, Outcome, Refused, Resting, Trade};

#[derive(Clone, Copy)]
struct Order {
    id: u64,
    qty: u32,
    level: u32,
    /// Neighbours in the queue, head first.
    prev: u32,
    next: u32,
}

#[derive(Clone, Copy)]
struct Queue {
    price: i64,
    qty: u64,
    row: u32,
    side: Side,
    orders: u32,
    head: u32,
    tail: u32,
    /// Neighbours in the side, best first.
    prev: u32,
    next: u32,
}

/// The books of a venue.
pub struct Matching {
    orders: Pool<Order>,
    queues: Pool<Queue>,
    by_id: Table<u32>,
    /// Best queue of each book and side.
    best: Box<[[u32; 2]]>,
}

impl Matching {
    /// `instruments` empty books that share room for `orders` resting orders at `levels` prices.
    pub fn new(instruments: usize, orders: usize, levels: usize) -> Matching {
        let order = Order { id: 0, qty: 0, level: NIL, prev: NIL, next: NIL };
        let queue = Queue {
            price: 0,
            qty: 0,
            row: 0,
            side: Side::Buy,
            orders: 0,
            head: NIL,
            tail: NIL,
            prev: NIL,
            next: NIL,
        };
        Matching {
            orders: Pool::new(orders, order),
            queues: Pool::new(levels, queue),
            by_id: Table::new(orders),
            best: vec![[NIL; 2]; instruments].into_boxed_slice(),
        }
    }

    /// An incoming limit order: trades while prices cross, then rests.
    pub fn add(
        &mut self,
        row: u32,
        order: OrderRef,
        side: Side,
        price: Price,
        qty: u32,
        sink: &mut impl MatchSink,
    ) -> Result<Outcome, Refused> {
        self.check(row, order, qty)?;
        if self.orders.is_full() || self.queues.is_full() {
            return Err(Refused::Full);
        }
        let left = self.trade(row, order, side, price, qty, sink);
        let resting = Resting { order, row, side, price, qty: left };
        if left > 0 {
            self.join(&resting);
            sink.rested(&resting);
        }
        Ok(Outcome { executed: qty - left, rested: left })
    }

    /// An incoming order that trades while prices cross and never rests.
    pub fn take(
        &mut self,
        row: u32,
        order: OrderRef,
        side: Side,
        price: Price,
        qty: u32,
        sink: &mut impl MatchSink,
    ) -> Result<Outcome, Refused> {
        self.check(row, order, qty)?;
        let left = self.trade(row, order, side, price, qty, sink);
        Ok(Outcome { executed: qty - left, rested: 0 })
    }

    /// Joins without trading, whatever it crosses: a call collects.
    pub fn rest(
        &mut self,
        row: u32,
        order: OrderRef,
        side: Side,
        price: Price,
        qty: u32,
        sink: &mut impl MatchSink,
    ) -> Result<(), Refused> {
        self.check(row, order, qty)?;
        if self.orders.is_full() || self.queues.is_full() {
            return Err(Refused::Full);
        }
        let resting = Resting { order, row, side, price, qty };
        self.join(&resting);
        sink.rested(&resting);
        Ok(())
    }

    /// Lets the fronts of both sides trade `volume` with each other, whatever their prices: the end
    /// of a call. Returns what traded, less than `volume` where a side ran out.
    pub fn uncross(&mut self, row: u32, volume: u64, sink: &mut impl MatchSink) -> u64 {
        let mut left = volume;
        while let (Some(bid), Some(ask)) = (
            self.queues.get(self.best_queue(row, Side::Buy)).map(|queue| queue.head),
            self.queues.get(self.best_queue(row, Side::Sell)).map(|queue| queue.head),
        ) {
            let most = self.resting(bid).qty.min(self.resting(ask).qty);
            let qty = most.min(u32::try_from(left).unwrap_or(u32::MAX));
            if qty == 0 {
                break;
            }
            left -= u64::from(qty);
            let (bid, ask) = (self.fill(bid, qty), self.fill(ask, qty));
            sink.crossed(&bid, &ask, qty);
        }
        volume - left
    }

    /// Takes `qty`, which the order has, off it; returns it with what is left.
    fn fill(&mut self, slot: u32, qty: u32) -> Resting {
        let mut order = self.resting(slot);
        order.qty -= qty;
        if order.qty == 0 {
            self.leave(slot);
        } else {
            self.shrink(slot, qty);
        }
        order
    }

    /// Takes `qty` off a resting order, which keeps its place; all of it deletes the order.
    pub fn cancel(
        &mut self,
        order: OrderRef,
        qty: u32,
        sink: &mut impl MatchSink,
    ) -> Result<(), Refused> {
        let slot = self.by_id.get(order.0).ok_or(Refused::Unknown)?;
        let resting = self.resting(slot);
        if qty >= resting.qty {
            self.leave(slot);
            sink.deleted(&resting);
        } else if qty > 0 {
            self.shrink(slot, qty);
            sink.reduced(&Resting { qty: resting.qty - qty, ..resting }, qty);
        }
        Ok(())
    }

    /// Removes a resting order.
    pub fn delete(&mut self, order: OrderRef, sink: &mut impl MatchSink) -> Result<(), Refused> {
        self.cancel(order, u32::MAX, sink)
    }

    /// `old` leaves; `new` comes in its stead at `price` with `qty` and has lost its turn. Where it
    /// crosses, the old order is deleted and the new one is an incoming order, as on a feed.
    pub fn replace(
        &mut self,
        old: OrderRef,
        new: OrderRef,
        price: Price,
        qty: u32,
        sink: &mut impl MatchSink,
    ) -> Result<Outcome, Refused> {
        let slot = self.by_id.get(old.0).ok_or(Refused::Unknown)?;
        let before = self.resting(slot);
        let Resting { row, side, .. } = before;
        if new != old {
            self.check(row, new, qty)?;
        } else if qty == 0 {
            return Err(Refused::Quantity);
        }
        if self.queues.is_full() && self.queue_len(slot) > 1 {
            return Err(Refused::Full); // its own queue would not make room for another
        }
        self.leave(slot);
        if self.crosses(row, side, price).is_some() {
            sink.deleted(&before);
            return self.add(row, new, side, price, qty, sink);
        }
        let after = Resting { order: new, row, side, price, qty };
        self.join(&after);
        sink.replaced(&before, &after);
        Ok(Outcome { executed: 0, rested: qty })
    }

    /// Best price of a side with what rests there.
    #[inline]
    pub fn best(&self, row: u32, side: Side) -> Option<Level> {
        self.queues.get(self.best_queue(row, side)).map(level)
    }

    /// The order that is filled next.
    pub fn front(&self, row: u32, side: Side) -> Option<Resting> {
        let queue = self.queues.get(self.best_queue(row, side))?;
        Some(self.resting(queue.head))
    }

    /// A resting order.
    pub fn order(&self, order: OrderRef) -> Option<Resting> {
        self.by_id.get(order.0).map(|slot| self.resting(slot))
    }

    /// The levels of a side, best first.
    pub fn levels(&self, row: u32, side: Side) -> impl Iterator<Item = Level> {
        let first = self.queues.get(self.best_queue(row, side));
        std::iter::successors(first, |queue| self.queues.get(queue.next)).map(level)
    }

    /// The orders of a side in the order in which they are filled.
    pub fn resting_orders(&self, row: u32, side: Side) -> impl Iterator<Item = Resting> {
        let first = self.queues.get(self.best_queue(row, side));
        let queues = std::iter::successors(first, |queue| self.queues.get(queue.next));
        queues.flat_map(|queue| {
            let head = self.orders.get(queue.head).map(|order| (queue.head, order));
            let next = |at: &(u32, &Order)| Some((at.1.next, self.orders.get(at.1.next)?));
            std::iter::successors(head, next).map(|(slot, _)| self.resting(slot))
        })
    }

    /// How many orders rest.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether none rests.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    fn check(&self, row: u32, order: OrderRef, qty: u32) -> Result<(), Refused> {
        if self.best.get(row as usize).is_none() {
            Err(Refused::Row)
        } else if qty == 0 {
            Err(Refused::Quantity)
        } else if self.by_id.get(order.0).is_some() {
            Err(Refused::Duplicate)
        } else {
            Ok(())
        }
    }

    /// Trades with the other side as far as prices cross; returns what is left.
    fn trade(
        &mut self,
        row: u32,
        taker: OrderRef,
        side: Side,
        price: Price,
        qty: u32,
        sink: &mut impl MatchSink,
    ) -> u32 {
        let mut left = qty;
        while left > 0
            && let Some(slot) = self.crosses(row, side, price)
        {
            let traded = left.min(self.resting(slot).qty);
            left -= traded;
            let maker = self.fill(slot, traded);
            sink.executed(&Trade { maker, taker, qty: traded, taker_left: left });
        }
        left
    }

    /// The resting order that an order of `side` at `price` would trade with now.
    #[inline]
    fn crosses(&self, row: u32, side: Side, price: Price) -> Option<u32> {
        let queue = self.queues.get(self.best_queue(row, side.opposite()))?;
        (!side.better(Price(queue.price), price)).then_some(queue.head)
    }

    /// Appends an order that fits: the callers have looked.
    fn join(&mut self, order: &Resting) {
        let level = self.queue_at(order.row, order.side, order.price.0);
        let tail = self.queues[level].tail;
        let node = Order { id: order.order.0, qty: order.qty, level, prev: tail, next: NIL };
        let slot = self.orders.take(node);
        match self.orders.get_mut(tail) {
            Some(last) => last.next = slot,
            None => self.queues[level].head = slot,
        }
        let queue = &mut self.queues[level];
        queue.tail = slot;
        queue.orders += 1;
        queue.qty += u64::from(order.qty);
        let _ = self.by_id.insert(order.order.0, slot); // as large as the pool
    }

    /// The queue at `price`, a new one if there is none yet.
    fn queue_at(&mut self, row: u32, side: Side, price: i64) -> u32 {
        let (mut prev, mut next) = (NIL, self.best_queue(row, side));
        while let Some(queue) = self.queues.get(next) {
            if queue.price == price {
                return next;
            }
            if side.better(Price(price), Price(queue.price)) {
                break;
            }
            (prev, next) = (next, queue.next);
        }
        let (orders, head, tail) = (0, NIL, NIL);
        let queue = Queue { price, qty: 0, row, side, orders, head, tail, prev, next };
        let slot = self.queues.take(queue);
        self.link(row, side, prev, slot);
        if let Some(worse) = self.queues.get_mut(next) {
            worse.prev = slot;
        }
        slot
    }

    /// Removes an order, and its queue when that is empty then.
    fn leave(&mut self, slot: u32) {
        let Order { id, qty, level, prev, next } = self.orders[slot];
        match self.orders.get_mut(prev) {
            Some(before) => before.next = next,
            None => self.queues[level].head = next,
        }
        match self.orders.get_mut(next) {
            Some(behind) => behind.prev = prev,
            None => self.queues[level].tail = prev,
        }
        self.orders.give(slot);
        self.by_id.remove(id);
        let queue = &mut self.queues[level];
        queue.orders -= 1;
        queue.qty -= u64::from(qty);
        if queue.orders == 0 {
            let Queue { row, side, prev, next, .. } = *queue;
            self.link(row, side, prev, next);
            if let Some(worse) = self.queues.get_mut(next) {
                worse.prev = prev;
            }
            self.queues.give(level);
        }
    }

    /// Lets `next` follow `prev`, or be the best.
    fn link(&mut self, row: u32, side: Side, prev: u32, next: u32) {
        match self.queues.get_mut(prev) {
            Some(better) => better.next = next,
            None => self.best[row as usize][side.index()] = next,
        }
    }

    fn shrink(&mut self, slot: u32, by: u32) {
        let order = &mut self.orders[slot];
        order.qty -= by;
        let level = order.level;
        self.queues[level].qty -= u64::from(by);
    }

    fn resting(&self, slot: u32) -> Resting {
        let order = &self.orders[slot];
        let queue = &self.queues[order.level];
        Resting {
            order: OrderRef(order.id),
            row: queue.row,
            side: queue.side,
            price: Price(queue.price),
            qty: order.qty,
        }
    }

    fn queue_len(&self, slot: u32) -> u32 {
        self.queues[self.orders[slot].level].orders
    }

    #[inline]
    fn best_queue(&self, row: u32, side: Side) -> u32 {
        self.best.get(row as usize).map_or(NIL, |best| best[side.index()])
    }
}

fn level(queue: &Queue) -> Level {
    Level { price: Price(queue.price), qty: Qty(queue.qty), orders: queue.orders }
}
