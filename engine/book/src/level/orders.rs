//! Every live order by id: a ring of the last ids, and a table for what the ring does not hold.
//!
//! Shape: venues hand out rising ids, and most orders die young. So slot `id mod N` of a ring holds
//! the order, 16 bytes: adds write line after line, and the orders that live and die now stay in
//! cache; a hash table of the same size would miss on each add. The key in a slot is the id with
//! its low bits, which the place tells already, replaced by the instrument: exact for any 64-bit
//! id. An order in the way of a new one moves to the [`Spill`]; so do orders that a slot cannot
//! express (no price, price off tick). Each slot counts the spilled orders that belong to it, so an
//! unspilled slot never pays for the table.
//! Memory follows the number of live orders: 4 slots and at least 2 spill rows an order.
//! Worst case: ids that all share their low bits live in the table; correct, and slower.

use bytemuck::Zeroable;
use nofx_rt::mem::HugeSlice;
use nofx_types::{OrderRef, Side};

use super::side::Sides;
use super::spill::{Key, Order, Spill};

/// One slot of the ring.
#[derive(Clone, Copy, Zeroable)]
#[repr(C, align(16))]
pub(crate) struct Slot {
    /// 0: free, else the id with its low bits set, less the instrument: never 0, as there are fewer
    /// instruments than slots.
    pub key: u64,
    /// `qty << 32 | rank << 5 | spilled << 1 | side`, rank signed; only `spilled` stays when the
    /// order leaves.
    pub rest: u64,
}

const SPILLED_ONE: u64 = 1 << 1;
const SPILLED: u64 = 15 << 1;
const RANK_SHIFT: u32 = 5;
/// Shift of the quantity.
pub(crate) const QTY_SHIFT: u32 = 32;

impl Slot {
    /// What an order that just joined holds, in a slot that nothing was spilled from.
    #[inline(always)]
    pub fn pack(side: Side, rank: i32, qty: u64) -> u64 {
        (qty << QTY_SHIFT) | u64::from((rank as u32) << RANK_SHIFT) | side as u64
    }

    /// Whether neither an order is here nor one that belongs here is in the table.
    #[inline(always)]
    pub fn is_untouched(&self) -> bool {
        self.rest == 0
    }

    /// Rank of its price.
    #[inline(always)]
    pub fn rank(&self) -> i32 {
        self.rest as i32 >> RANK_SHIFT
    }

    /// Its quantity.
    #[inline(always)]
    pub fn qty(&self) -> u64 {
        self.rest >> QTY_SHIFT
    }

    /// 0 for buy, 1 for sell.
    #[inline(always)]
    pub fn side_index(&self) -> usize {
        (self.rest & 1) as usize
    }

    /// Its side.
    #[inline(always)]
    pub fn side(&self) -> Side {
        if self.side_index() == 0 { Side::Buy } else { Side::Sell }
    }

    /// Frees the slot.
    #[inline(always)]
    pub fn vacate(&mut self) {
        self.key = 0;
        self.rest &= SPILLED;
    }

    /// How many orders that belong here are in the table, in place.
    pub fn spilled(&self) -> u64 {
        self.rest & SPILLED
    }
}

/// The orders of all books.
pub(crate) struct Orders {
    ring: HugeSlice<Slot>,
    table: Spill,
    mask: u64,
}

impl Orders {
    /// Room for at least `limit` orders of `instruments` instruments.
    pub fn new(instruments: u32, limit: u32) -> std::io::Result<Orders> {
        let slots = (u64::from(limit) * 4).max(u64::from(instruments) + 2).next_power_of_two();
        Ok(Orders {
            ring: HugeSlice::zeroed(slots as usize)?,
            table: Spill::new(limit as usize)?,
            mask: slots - 1,
        })
    }

    /// The ring's memory.
    pub fn ring(&self) -> &HugeSlice<Slot> {
        &self.ring
    }

    /// The table.
    pub fn table(&self) -> &Spill {
        &self.table
    }

    /// What the slot of an order has as key when it holds it. `instrument` is below their number.
    #[inline(always)]
    pub fn key(&self, instrument: u32, order: OrderRef) -> u64 {
        (order.0 | self.mask).wrapping_sub(u64::from(instrument))
    }

    /// Index of the slot of an order.
    #[inline(always)]
    pub fn index(&self, order: OrderRef) -> usize {
        (order.0 & self.mask) as usize
    }

    /// The slot at an index.
    #[inline(always)]
    pub fn slot(&mut self, index: usize) -> Option<&mut Slot> {
        self.ring.get_mut(index)
    }

    #[inline(always)]
    fn peek(&self, key: Key) -> Slot {
        self.ring.get(self.index(key.order)).copied().unwrap_or(Slot::zeroed())
    }

    #[inline(always)]
    fn in_ring(&self, key: Key) -> Option<Slot> {
        let slot = self.peek(key);
        (slot.key == self.key(key.instrument, key.order)).then_some(slot)
    }

    /// The order of a key, wherever it is.
    #[inline(always)]
    pub fn get(&self, key: Key, books: &[Sides]) -> Option<Order> {
        match self.in_ring(key) {
            Some(slot) => Some(unpack(slot, key.instrument, books)),
            None => self.spilled(key),
        }
    }

    #[cold]
    #[inline(never)]
    fn spilled(&self, key: Key) -> Option<Order> {
        if self.peek(key).spilled() == 0 { None } else { self.table.get(key) }
    }

    /// Whether a new order finds room: a free slot, or a row for it or for who is in its way.
    pub fn has_room(&self, key: Key, rank: Option<i32>) -> bool {
        (rank.is_some() && self.peek(key).key == 0) || !self.table.is_full()
    }

    /// Puts a new order in that has room: into the ring when `rank` is known, moving who is in the
    /// way.
    pub fn insert(&mut self, key: Key, order: Order, rank: Option<i32>, books: &[Sides]) {
        let Some(rank) = rank else { return self.spill(key, order) };
        self.evict(self.index(key.order), books);
        let packed = Slot::pack(order.side, rank, u64::from(order.qty));
        let named = self.key(key.instrument, key.order);
        if let Some(slot) = self.ring.get_mut((key.order.0 & self.mask) as usize) {
            *slot = Slot { key: named, rest: packed | slot.spilled() };
        }
    }

    /// Frees the slot of a new order from an older one. `false` when that is not what keeps the
    /// order out: the slot is untouched, the order is there already, or the table is full.
    pub fn make_way(&mut self, key: Key, books: &[Sides]) -> bool {
        let slot = self.peek(key);
        let known = slot.key == self.key(key.instrument, key.order) || self.spilled(key).is_some();
        if slot.is_untouched() || known || (slot.key != 0 && self.table.is_full()) {
            return false;
        }
        self.evict(self.index(key.order), books);
        true
    }

    /// Moves the order in a slot, if there is one, to the table.
    fn evict(&mut self, index: usize, books: &[Sides]) {
        let Some(slot) = self.ring.get_mut(index).filter(|slot| slot.key != 0) else { return };
        let was = *slot;
        slot.vacate();
        let key = self.unkey(was.key, index);
        self.spill(key, unpack(was, key.instrument, books));
    }

    fn spill(&mut self, key: Key, order: Order) {
        self.table.insert(key, order);
        let index = self.index(key.order);
        if let Some(slot) = self.ring.get_mut(index).filter(|slot| slot.spilled() != SPILLED) {
            slot.rest += SPILLED_ONE;
        }
    }

    /// Changes what is left of an order.
    pub fn set_qty(&mut self, key: Key, qty: u32) {
        if self.in_ring(key).is_none() {
            return self.table.set_qty(key, qty);
        }
        let index = self.index(key.order);
        if let Some(slot) = self.ring.get_mut(index) {
            slot.rest = (slot.rest & u64::from(u32::MAX)) | u64::from(qty) << QTY_SHIFT;
        }
    }

    /// Takes an order out that is there.
    pub fn remove(&mut self, key: Key) {
        let index = self.index(key.order);
        let spilled = self.in_ring(key).is_none();
        let Some(slot) = self.ring.get_mut(index) else { return };
        if spilled {
            unspill(slot);
            self.table.remove(key);
        } else {
            slot.vacate();
        }
    }

    /// Takes out every order that `gone` wants. Walks everything.
    pub fn forget(&mut self, gone: impl Fn(u32, Side) -> bool) {
        let ring = &mut self.ring;
        let low = self.mask;
        for slot in ring.iter_mut().filter(|slot| slot.key != 0) {
            if gone(instrument_of(slot.key, low), slot.side()) {
                slot.vacate();
            }
        }
        self.table.forget(|key, order| {
            let gone = gone(key.instrument, order.side);
            if let Some(slot) = ring.get_mut((key.order.0 & low) as usize).filter(|_| gone) {
                unspill(slot);
            }
            gone
        });
    }

    /// Every order. Walks everything.
    pub fn iter<'a>(&'a self, books: &'a [Sides]) -> impl Iterator<Item = (Key, Order)> + 'a {
        let slots = self.ring.iter().enumerate().filter(|(_, slot)| slot.key != 0);
        let ring = slots.map(move |(index, slot)| {
            let key = self.unkey(slot.key, index);
            (key, unpack(*slot, key.instrument, books))
        });
        ring.chain(self.table.iter())
    }

    fn unkey(&self, key: u64, index: usize) -> Key {
        let order = OrderRef((key & !self.mask) | index as u64);
        Key { instrument: instrument_of(key, self.mask), order }
    }
}

fn instrument_of(key: u64, mask: u64) -> u32 {
    (!key & mask) as u32
}

/// One order of this slot left the table. A count that reached its end is not exact: it stays.
fn unspill(slot: &mut Slot) {
    if slot.spilled() != SPILLED {
        slot.rest -= SPILLED_ONE;
    }
}

#[inline(always)]
fn unpack(slot: Slot, instrument: u32, books: &[Sides]) -> Order {
    let side = slot.side();
    let half = books.get(instrument as usize).map(|book| &book.half[side.index()]);
    Order { side, price: half.map(|half| half.price(side, slot.rank())), qty: slot.qty() as u32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_as_new_once_its_spilled_orders_are_gone() {
        let mut orders = Orders::new(1, 100).expect("memory");
        let order = Order { side: Side::Sell, price: Some(0), qty: 7 };
        let keys = |n: u64| Key { instrument: 0, order: OrderRef(5 + (n << 32)) };
        (0..10).for_each(|n| orders.insert(keys(n), order, Some(0), &[]));
        assert!((0..10).all(|n| orders.get(keys(n), &[]).is_some()));
        (0..10).for_each(|n| orders.remove(keys(n)));
        assert!(orders.slot(5).is_some_and(|slot| slot.is_untouched() && slot.key == 0));
        assert_eq!(orders.table().iter().count(), 0);
    }
}
