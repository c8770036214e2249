//! Orders and the queue of each level: intrusive links from head (served first) to tail.

use bytemuck::Zeroable;
use nofx_types::{Level, Price, Qty, Side};

use super::pool::{NIL, Pool, Row};

/// An order that is live.
#[derive(Clone, Copy, Zeroable)]
#[repr(C)]
pub(super) struct Order {
    /// The venue's reference.
    pub id: u64,
    /// Orders the queue: smaller is served first.
    pub arrival: u64,
    pub qty: u32,
    pub level: u32,
    pub prev: u32,
    /// Neighbour towards the tail; the list of free rows while nobody holds the row.
    pub next: u32,
}

impl Row for Order {
    fn link(&mut self) -> &mut u32 {
        &mut self.next
    }
}

/// A price with its queue, or the orders of a side that have no price.
#[derive(Clone, Copy, Zeroable)]
#[repr(C)]
pub(super) struct LevelRow {
    pub price: i64,
    pub qty: u64,
    pub orders: u32,
    pub head: u32,
    pub tail: u32,
    /// See [`Owner`]; the list of free rows while nobody holds the row.
    owner: u32,
}

impl Row for LevelRow {
    fn link(&mut self) -> &mut u32 {
        &mut self.owner
    }
}

/// Whose a level is: instrument, whether it shows a price, side; in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Owner(u32);

impl Owner {
    /// Instruments that fit.
    pub const INSTRUMENTS: u32 = 1 << 28;

    #[inline]
    pub fn new(instrument: u32, side: Side, shown: bool) -> Owner {
        Owner((instrument << 2) | (u32::from(shown) << 1) | side as u32)
    }

    #[inline]
    pub fn instrument(self) -> u32 {
        self.0 >> 2
    }

    #[inline]
    pub fn shown(self) -> bool {
        self.0 & 2 != 0
    }

    #[inline]
    pub fn side(self) -> Side {
        if self.0 & 1 == 0 { Side::Buy } else { Side::Sell }
    }
}

impl LevelRow {
    pub fn new(owner: Owner, price: Price) -> LevelRow {
        LevelRow { price: price.0, owner: owner.0, ..LevelRow::zeroed() }
    }

    #[inline]
    pub fn owner(&self) -> Owner {
        Owner(self.owner)
    }

    pub fn shows(&self) -> Level {
        Level { price: Price(self.price), qty: Qty(self.qty), orders: self.orders }
    }
}

/// All orders and levels.
pub(super) struct Queues {
    pub orders: Pool<Order>,
    pub levels: Pool<LevelRow>,
    /// The arrival number given last to an order at a back.
    arrivals: u64,
    /// How often the numbers of a level had to change.
    pub renumbered: u64,
}

/// Distance of the numbers of orders that join the back: halved each time an order is put between
/// the same two. Room for 2^32 joins.
const ARRIVAL_STEP: u64 = 1 << 32;
/// Arrival numbers start here, so that orders can be put before the first one.
const ARRIVAL_FIRST: u64 = 1 << 56;

impl Queues {
    pub fn new(orders: Pool<Order>, levels: Pool<LevelRow>) -> Queues {
        Queues { orders, levels, arrivals: ARRIVAL_FIRST, renumbered: 0 }
    }

    /// The order joins the back of a level.
    #[inline]
    pub fn push_back(&mut self, level: u32, order: u32) {
        self.arrivals = self.arrivals.saturating_add(ARRIVAL_STEP);
        let arrival = self.arrivals;
        let prev = self.levels[level].tail;
        self.link(level, order, prev, NIL, arrival);
    }

    /// The order joins at a rank from the head, or at the back when the level is shorter.
    #[cold]
    pub fn insert_at(&mut self, level: u32, order: u32, rank: u32) {
        let mut next = self.levels[level].head;
        for _ in 0..rank {
            if next == NIL {
                break;
            }
            next = self.orders[next].next;
        }
        if next == NIL {
            return self.push_back(level, order);
        }
        let prev = self.orders[next].prev;
        let arrival = self.arrival_before(next);
        self.link(level, order, prev, next, arrival);
    }

    /// A number half way between that of `next` and that of the order before it.
    fn arrival_before(&mut self, next: u32) -> u64 {
        let (prev, high) = (self.orders[next].prev, self.orders[next].arrival);
        let low = match prev {
            NIL => high.saturating_sub(2 * ARRIVAL_STEP),
            prev => self.orders[prev].arrival,
        };
        let arrival = low.midpoint(high);
        if arrival == low {
            self.make_room(prev, low);
        }
        arrival
    }

    /// `from` and the orders before it move down below `ceiling`, as far as they must.
    #[cold]
    fn make_room(&mut self, from: u32, ceiling: u64) {
        self.renumbered += 1;
        let (mut at, mut ceiling) = (from, ceiling);
        while at != NIL && self.orders[at].arrival >= ceiling {
            ceiling = ceiling.saturating_sub(1);
            self.orders[at].arrival = ceiling;
            at = self.orders[at].prev;
        }
    }

    #[inline]
    fn link(&mut self, level: u32, order: u32, prev: u32, next: u32, arrival: u64) {
        let row = &mut self.orders[order];
        (row.level, row.prev, row.next, row.arrival) = (level, prev, next, arrival);
        let qty = row.qty;
        self.join(level, prev, next, order, order);
        let level = &mut self.levels[level];
        level.qty += u64::from(qty);
        level.orders += 1;
    }

    /// The order leaves its queue; says how many are left there.
    #[inline]
    pub fn unlink(&mut self, order: u32) -> u32 {
        let Order { qty, level, prev, next, .. } = self.orders[order];
        self.join(level, prev, next, next, prev);
        let level = &mut self.levels[level];
        level.qty -= u64::from(qty);
        level.orders -= 1;
        level.orders
    }

    /// What follows `prev` and what precedes `next`; the ends of the level where these are nil.
    #[inline]
    fn join(&mut self, level: u32, prev: u32, next: u32, after_prev: u32, before_next: u32) {
        if prev == NIL {
            self.levels[level].head = after_prev;
        } else {
            self.orders[prev].next = after_prev;
        }
        if next == NIL {
            self.levels[level].tail = before_next;
        } else {
            self.orders[next].prev = before_next;
        }
    }

    /// The order's quantity changes, its place does not.
    #[inline]
    pub fn resize(&mut self, order: u32, qty: u32) {
        let row = &mut self.orders[order];
        let level = &mut self.levels[row.level];
        level.qty = level.qty - u64::from(row.qty) + u64::from(qty);
        row.qty = qty;
    }

    /// The rows of a queue from `from` on.
    pub fn walk(&self, from: u32) -> impl Iterator<Item = (u32, &Order)> {
        let mut at = from;
        std::iter::from_fn(move || {
            if at == NIL {
                return None;
            }
            let row = &self.orders[at];
            Some((std::mem::replace(&mut at, row.next), row))
        })
    }
}
