//! Orders that the ring does not hold: a hash table with full 64-bit ids and prices.
//!
//! Open addressing with linear probing at a load of at most one half; removal shifts the run that
//! follows back, so there are no tombstones. Ids are scrambled with an odd constant, so strided and
//! sparse ids spread. Worst case: one probe run.

use bytemuck::Zeroable;
use nofx_rt::mem::HugeSlice;
use nofx_types::{OrderRef, Side};

/// A resting order with everything that is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    pub side: Side,
    /// `None`: it shows at no level.
    pub price: Option<i64>,
    pub qty: u32,
}

/// An order's name: ids of two instruments never collide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub instrument: u32,
    pub order: OrderRef,
}

#[derive(Clone, Copy, Zeroable)]
#[repr(C)]
pub(crate) struct Row {
    order: u64,
    price: i64,
    /// 0: the row is free.
    qty: u32,
    /// `instrument << 2 | priced << 1 | side`.
    whose: u32,
}

/// The table.
pub(crate) struct Spill {
    rows: HugeSlice<Row>,
    shift: u32,
    len: usize,
    limit: usize,
}

impl Spill {
    /// Room for `orders` orders.
    pub fn new(orders: usize) -> std::io::Result<Spill> {
        let rows = (orders * 2).next_power_of_two().max(4);
        let shift = 64 - rows.trailing_zeros();
        Ok(Spill { rows: HugeSlice::zeroed(rows)?, shift, len: 0, limit: orders })
    }

    /// The memory.
    pub fn memory(&self) -> &HugeSlice<Row> {
        &self.rows
    }

    /// The order of a key.
    pub fn get(&self, key: Key) -> Option<Order> {
        self.row(self.find(key)).order()
    }

    /// Whether no order may be put in.
    pub fn is_full(&self) -> bool {
        self.len >= self.limit
    }

    /// Puts an order in; its key must not be there, and the table not full.
    pub fn insert(&mut self, key: Key, order: Order) {
        self.len += 1;
        let at = self.find(key);
        self.put(at, Row::of(key, order));
    }

    /// Changes what is left of an order.
    pub fn set_qty(&mut self, key: Key, qty: u32) {
        let at = self.find(key);
        let row = Row { qty, ..self.row(at) };
        self.put(at, row);
    }

    /// Takes an order out.
    pub fn remove(&mut self, key: Key) -> Option<Order> {
        let at = self.find(key);
        let gone = self.row(at).order()?;
        self.shift_back(at);
        Some(gone)
    }

    /// Takes out what `gone` wants; it is told each order once. Walks the whole table.
    pub fn forget(&mut self, mut gone: impl FnMut(Key, Order) -> bool) {
        let mut at = 0;
        while at < self.rows.len() {
            let row = self.row(at);
            match row.order() {
                // Removal may pull another order into this row: look again.
                Some(order) if gone(row.key(), order) => self.shift_back(at),
                _ => at += 1,
            }
        }
    }

    /// Every order.
    pub fn iter(&self) -> impl Iterator<Item = (Key, Order)> + '_ {
        self.rows.iter().filter_map(|row| Some((row.key(), row.order()?)))
    }

    fn shift_back(&mut self, mut hole: usize) {
        self.len -= 1;
        let mask = self.rows.len() - 1;
        let mut at = (hole + 1) & mask;
        while self.row(at).qty != 0 {
            let row = self.row(at);
            // A row may move back into the hole unless its home lies behind the hole.
            if (at.wrapping_sub(self.home(row.key())) & mask) >= (at.wrapping_sub(hole) & mask) {
                self.put(hole, row);
                hole = at;
            }
            at = (at + 1) & mask;
        }
        self.put(hole, Row::zeroed());
    }

    fn home(&self, key: Key) -> usize {
        let id = key.order.0 ^ u64::from(key.instrument).rotate_right(24);
        (id.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift) as usize
    }

    /// Where the key is, or the free row where it would go; one half of the rows is always free.
    fn find(&self, key: Key) -> usize {
        let mask = self.rows.len() - 1;
        let mut at = self.home(key);
        while self.row(at).qty != 0 && self.row(at).key() != key {
            at = (at + 1) & mask;
        }
        at
    }

    fn row(&self, at: usize) -> Row {
        self.rows.get(at).copied().unwrap_or(Row::zeroed())
    }

    fn put(&mut self, at: usize, row: Row) {
        if let Some(slot) = self.rows.get_mut(at) {
            *slot = row;
        }
    }
}

impl Row {
    fn of(key: Key, order: Order) -> Row {
        let priced = u32::from(order.price.is_some());
        Row {
            order: key.order.0,
            price: order.price.unwrap_or(0),
            qty: order.qty,
            whose: (key.instrument << 2) | (priced << 1) | order.side as u32,
        }
    }

    fn key(&self) -> Key {
        Key { instrument: self.whose >> 2, order: OrderRef(self.order) }
    }

    fn order(&self) -> Option<Order> {
        let side = if self.whose & 1 == 0 { Side::Buy } else { Side::Sell };
        let price = (self.whose & 2 != 0).then_some(self.price);
        (self.qty != 0).then_some(Order { side, price, qty: self.qty })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use nofx_rt::rng::Rng;

    use super::*;

    #[test]
    fn agrees_with_a_std_map_up_to_its_limit() {
        for seed in 0..10 {
            let (mut rng, mut spill) = (Rng::new(seed), Spill::new(64).expect("memory"));
            let mut twin = HashMap::new();
            for step in 1..20_000u32 {
                let order = OrderRef(rng.below(40) << (rng.below(2) * 57));
                let key = Key { instrument: rng.below(2) as u32, order };
                let named = (key.instrument, order);
                let price = rng.chance(1, 2).then_some(-i64::from(step));
                let side = if rng.chance(1, 2) { Side::Buy } else { Side::Sell };
                let row = Order { side, price, qty: step };
                assert_eq!(spill.get(key), twin.get(&named).copied(), "seed {seed}");
                match spill.get(key) {
                    Some(_) if rng.chance(1, 2) => {
                        spill.set_qty(key, 7);
                        twin.get_mut(&named).expect("twin").qty = 7;
                    }
                    Some(_) => assert_eq!(spill.remove(key), twin.remove(&named)),
                    None if !spill.is_full() => {
                        spill.insert(key, row);
                        twin.insert(named, row);
                    }
                    None => assert_eq!(twin.len(), 64),
                }
            }
            spill.forget(|key, _| key.instrument == 1);
            twin.retain(|(instrument, _), _| *instrument != 1);
            assert_eq!(spill.iter().count(), twin.len(), "seed {seed}");
            assert!(spill.iter().all(|(k, o)| twin.get(&(k.instrument, k.order)) == Some(&o)));
        }
    }
}
