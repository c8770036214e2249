//! The last fills: a broken trade names its match and not what was traded.
//!
//! Model: a table by match and order, and a ring of keys in the order of arrival; the oldest leaves
//! when a new one needs its place. An order takes part in a match once, so a pair that is there
//! already is a fill told twice.

use nofx_rt::table::Table;
use nofx_types::{AccountId, InstrumentId, Price, Side};

/// A fill that may still be broken or corrected. It knows what its order was, because the order's
/// row may be taken by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fill {
    pub match_number: u64,
    pub price: Price,
    pub id: u32,
    pub qty: u32,
    pub instrument: InstrumentId,
    pub account: AccountId,
    pub side: Side,
}

#[derive(Debug)]
pub(crate) struct Fills {
    table: Table<Fill>,
    /// Keys in the order of arrival, oldest at `next` once the ring is full.
    ring: Box<[Option<u64>]>,
    next: usize,
}

/// One word for the pair, scrambled (the finaliser of SplitMix64): matches and orders are counted in
/// steps, and steps times the constant of the table would make long runs. Two pairs with one word
/// need matches that differ in their upper half only; then the newer is not remembered.
#[inline]
fn key(id: u32, match_number: u64) -> u64 {
    let mut z = match_number ^ u64::from(id) << 32;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Fills {
    pub fn new(most: usize) -> Fills {
        Fills { table: Table::new(most), ring: vec![None; most].into_boxed_slice(), next: 0 }
    }

    #[inline]
    pub fn get(&self, id: u32, match_number: u64) -> Option<Fill> {
        self.table
            .get(key(id, match_number))
            .filter(|fill| (fill.id, fill.match_number) == (id, match_number))
    }

    /// Remembers a fill; false when it cannot.
    #[inline]
    pub fn remember(&mut self, fill: Fill) -> bool {
        let key = key(fill.id, fill.match_number);
        if self.table.get(key).is_some() {
            return false;
        }
        let Some(place) = self.ring.get_mut(self.next) else { return false };
        if let Some(oldest) = place.replace(key) {
            self.table.remove(oldest);
        }
        self.next = (self.next + 1) % self.ring.len();
        self.table.insert(key, fill).is_ok()
    }

    /// Changes a fill that is there: what it is now, quantity 0 when it was broken.
    pub fn correct(&mut self, fill: Fill) {
        if let Some(kept) = self.table.get_mut(key(fill.id, fill.match_number)) {
            *kept = fill;
        }
    }

    pub fn bytes(&self) -> u64 {
        // The table has twice as many slots as fills, each a key and an optional fill.
        let slots = (self.ring.len() * 2).next_power_of_two().max(4);
        let slot = size_of::<u64>() + size_of::<Option<Fill>>();
        (slots * slot + size_of_val(&*self.ring)) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_leaves_and_a_fill_told_twice_is_known() {
        let mut fills = Fills::new(3);
        let fill = |id, match_number| Fill {
            match_number,
            price: Price(7),
            id,
            qty: 5,
            instrument: InstrumentId(1),
            account: AccountId(2),
            side: Side::Sell,
        };
        for n in 1..=3 {
            assert!(fills.remember(fill(1, n)));
        }
        assert!(!fills.remember(fill(1, 2)));
        assert!(fills.remember(fill(2, 2))); // the other side of a match with ourselves
        assert_eq!(fills.get(1, 1), None);
        assert_eq!(fills.get(1, 3), Some(fill(1, 3)));
        fills.correct(Fill { qty: 0, ..fill(1, 3) });
        assert_eq!(fills.get(1, 3).map(|fill| fill.qty), Some(0));
        for n in 10..10_000 {
            assert!(fills.remember(fill(3, n)));
            assert!(fills.get(3, n).is_some());
        }
    }
}
