//! Own orders: what our client has open at the venue.
//!
//! A slab of fixed capacity, a table from UserRefNum to slot, and for each traded instrument and
//! side a list in the order in which orders are filled: best price first, then time. Lists are
//! intrusive, so nothing moves when an order joins or leaves. Joining walks past the own orders that
//! are before it, which are few: a participant quotes some levels, not a book.

use nofx_types::{Price, Side};

use crate::acceptor::Terms;
use crate::queue::LevelPlace;
use nofx_rt::table::Table;

/// No slot.
const NONE: u32 = u32::MAX;

/// Place in the queue of the own price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// Feeds of orders: arrival number of the last real order before us. Orders that arrived later
    /// are behind. 0: none is before us. [`Place::LOST`]: all are.
    pub after: u64,
    /// Feeds of levels: what is assumed to rest before us.
    pub level: LevelPlace,
}

impl Place {
    /// Behind everything, now and later: the queue was lost in a gap.
    pub const LOST: u64 = u64::MAX;
}

/// An own order that is open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnOrder {
    pub user_ref: u32,
    /// The venue's id.
    pub order_ref: u64,
    /// Index of the traded instrument.
    pub row: usize,
    pub side: Side,
    pub price: Price,
    /// Open shares.
    pub leaves: u32,
    /// Shares filled since the first order of the chain of replaces.
    pub executed: u32,
    pub post_only: bool,
    pub group: u16,
    pub terms: Terms,
    pub place: Place,
}

#[derive(Clone, Copy)]
struct Node {
    order: Option<OwnOrder>,
    /// Neighbours in its list; `next` is the free list while the slot is empty.
    prev: u32,
    next: u32,
    linked: bool,
}

/// All open own orders.
pub(crate) struct OwnOrders {
    nodes: Box<[Node]>,
    free: u32,
    by_ref: Table<u32>,
    /// First slot for each instrument and side.
    heads: Box<[[u32; 2]]>,
}

impl OwnOrders {
    /// Room for `capacity` open orders in `rows` instruments.
    pub fn new(capacity: usize, rows: usize) -> OwnOrders {
        let node = |at: usize| Node {
            order: None,
            prev: NONE,
            next: if at + 1 < capacity { at as u32 + 1 } else { NONE },
            linked: false,
        };
        OwnOrders {
            nodes: (0..capacity).map(node).collect(),
            free: if capacity == 0 { NONE } else { 0 },
            by_ref: Table::new(capacity),
            heads: vec![[NONE; 2]; rows].into_boxed_slice(),
        }
    }

    /// Opens an order that does not rest yet; `None` when there is no room.
    pub fn open(&mut self, order: OwnOrder) -> Option<u32> {
        let slot = self.free;
        let node = self.nodes.get_mut(slot as usize)?;
        self.by_ref.insert(u64::from(order.user_ref), slot).ok()?;
        self.free = node.next;
        *node = Node { order: Some(order), prev: NONE, next: NONE, linked: false };
        Some(slot)
    }

    /// Lets it rest: it joins its list behind the own orders that are as good or better.
    pub fn rest(&mut self, slot: u32) {
        let Some(order) = self.get(slot).copied() else { return };
        let (mut prev, mut next) = (NONE, self.head(order.row, order.side));
        while let Some(other) = self.get(next) {
            if order.side.better(order.price, other.price) {
                break;
            }
            (prev, next) = (next, self.nodes[next as usize].next);
        }
        let node = &mut self.nodes[slot as usize];
        (node.prev, node.next, node.linked) = (prev, next, true);
        self.set_next(prev, order.row, order.side, slot);
        self.set_prev(next, slot);
    }

    /// Takes it out of its list; it stays open.
    pub fn lift(&mut self, slot: u32) {
        let Some(&Node { order: Some(order), prev, next, linked: true }) =
            self.nodes.get(slot as usize)
        else {
            return;
        };
        self.set_next(prev, order.row, order.side, next);
        self.set_prev(next, prev);
        let node = &mut self.nodes[slot as usize];
        (node.prev, node.next, node.linked) = (NONE, NONE, false);
    }

    /// Closes it.
    pub fn close(&mut self, slot: u32) -> Option<OwnOrder> {
        self.lift(slot);
        let node = self.nodes.get_mut(slot as usize)?;
        let order = node.order.take()?;
        node.next = std::mem::replace(&mut self.free, slot);
        self.by_ref.remove(u64::from(order.user_ref));
        Some(order)
    }

    /// Gives it another UserRefNum.
    pub fn rename(&mut self, slot: u32, user_ref: u32) {
        let Some(order) = self.get_mut(slot) else { return };
        let old = std::mem::replace(&mut order.user_ref, user_ref);
        self.by_ref.remove(u64::from(old));
        // Fits: the old name has just left.
        let _ = self.by_ref.insert(u64::from(user_ref), slot);
    }

    #[inline]
    pub fn get_mut(&mut self, slot: u32) -> Option<&mut OwnOrder> {
        self.nodes.get_mut(slot as usize)?.order.as_mut()
    }

    #[inline]
    pub fn get(&self, slot: u32) -> Option<&OwnOrder> {
        self.nodes.get(slot as usize)?.order.as_ref()
    }

    /// The slot of an open order.
    #[inline]
    pub fn find(&self, user_ref: u32) -> Option<u32> {
        self.by_ref.get(u64::from(user_ref))
    }

    /// The resting order that is filled first.
    #[inline]
    pub fn first(&self, row: usize, side: Side) -> Option<u32> {
        some(self.head(row, side))
    }

    /// The resting order that is filled after `slot`.
    #[inline]
    pub fn next(&self, slot: u32) -> Option<u32> {
        some(self.nodes.get(slot as usize)?.next)
    }

    /// Whether any order of the instrument rests.
    #[inline]
    pub fn rests(&self, row: usize) -> bool {
        self.heads.get(row).is_some_and(|heads| *heads != [NONE; 2])
    }

    /// How many are open.
    #[inline]
    pub fn count(&self) -> usize {
        self.by_ref.len()
    }

    /// Bytes of its tables.
    pub fn memory(&self) -> u64 {
        let lists = size_of_val(&*self.nodes) + size_of_val(&*self.heads);
        lists as u64 + self.by_ref.memory()
    }

    #[inline]
    fn head(&self, row: usize, side: Side) -> u32 {
        self.heads.get(row).map_or(NONE, |heads| heads[side.index()])
    }

    fn set_next(&mut self, slot: u32, row: usize, side: Side, next: u32) {
        match self.nodes.get_mut(slot as usize) {
            Some(node) => node.next = next,
            None => self.heads[row][side.index()] = next,
        }
    }

    fn set_prev(&mut self, slot: u32, prev: u32) {
        if let Some(node) = self.nodes.get_mut(slot as usize) {
            node.prev = prev;
        }
    }
}

fn some(slot: u32) -> Option<u32> {
    (slot != NONE).then_some(slot)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nofx_rt::rng::Rng;

    fn order(user_ref: u32, row: usize, side: Side, price: i64) -> OwnOrder {
        OwnOrder {
            user_ref,
            order_ref: user_ref.into(),
            row,
            side,
            price: Price(price),
            leaves: 1,
            executed: 0,
            post_only: false,
            group: 0,
            terms: Terms {
                side: b'B',
                symbol: [b' '; 8],
                time_in_force: b'0',
                display: b'Y',
                capacity: b'P',
                sweep: b'N',
                cross_type: b'N',
                clordid: [b' '; 14],
            },
            place: Place::default(),
        }
    }

    fn listed(own: &OwnOrders, row: usize, side: Side) -> Vec<u32> {
        let slots = std::iter::successors(own.first(row, side), |slot| own.next(*slot));
        slots.map(|slot| own.get(slot).expect("listed orders are open").user_ref).collect()
    }

    #[test]
    fn lists_agree_with_a_sorted_vector() {
        for seed in 0..10 {
            let (mut rng, mut own) = (Rng::new(seed), OwnOrders::new(24, 2));
            // (user_ref, row, side, price, time)
            let mut twin: Vec<(u32, usize, Side, i64, u32)> = Vec::new();
            for step in 1..5_000u32 {
                let pick = rng.below(3);
                let victim = rng.below(twin.len().max(1) as u64) as usize;
                if pick > 0 && twin.len() < 24 {
                    let side = Side::BOTH[rng.below(2) as usize];
                    let (row, price) = (rng.below(2) as usize, 100 + rng.below(4) as i64);
                    let slot = own.open(order(step, row, side, price)).expect("there is room");
                    own.rest(slot);
                    twin.push((step, row, side, price, step));
                } else if twin.len() == 24 && pick == 1 {
                    assert!(own.open(order(step, 0, Side::Buy, 1)).is_none());
                } else if pick == 0 && victim < twin.len() {
                    let slot = own.find(twin[victim].0).expect("open");
                    assert_eq!(own.close(slot).map(|o| o.user_ref), Some(twin.remove(victim).0));
                } else if victim < twin.len() {
                    let slot = own.find(twin[victim].0).expect("open");
                    own.lift(slot);
                    own.rename(slot, step);
                    own.rest(slot);
                    (twin[victim].0, twin[victim].4) = (step, step);
                }
                assert_eq!(own.count(), twin.len());
                for (row, side) in [(0, Side::Buy), (0, Side::Sell), (1, Side::Buy)] {
                    let mut want: Vec<_> =
                        twin.iter().filter(|o| (o.1, o.2) == (row, side)).copied().collect();
                    want.sort_by_key(|o| (-side.sign() * o.3, o.4));
                    let want: Vec<u32> = want.iter().map(|o| o.0).collect();
                    assert_eq!(listed(&own, row, side), want, "seed {seed} step {step}");
                }
            }
        }
    }
}
