//! What own orders have taken from real ones.
//!
//! The real market does not know of our fills: an order that we hit still rests on the tape. What we
//! took is remembered for each real order (on feeds of levels: for each level) and is not offered to
//! us again. A real order that is executed or reduced keeps what we took as long as it is that large
//! (its owner lost shares of his own, not ours); an order that is replaced takes its debt along,
//! since a venue that had filled it would have had less to replace; one that leaves is forgotten.

use nofx_types::{OrderRef, Price, Side};

use nofx_rt::table::{Full, Table};

use super::market::Market;

/// What liquidity is remembered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key(u64);

impl Key {
    /// A real order. References are unique in their feed; the row keeps feeds apart.
    #[inline]
    pub fn order(row: usize, order: OrderRef) -> Key {
        Key(order.0 ^ spread(row))
    }

    /// A level.
    #[inline]
    pub fn level(row: usize, side: Side, price: Price) -> Key {
        Key((((price.0 as u64) << 1) | side.index() as u64) ^ spread(row))
    }
}

fn spread(row: usize) -> u64 {
    (row as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Where liquidity stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    pub row: usize,
    pub side: Side,
    pub price: Price,
}

#[derive(Clone, Copy, Debug)]
struct Debt {
    spot: Spot,
    qty: u64,
}

pub(super) struct Taken {
    debts: Table<Debt>,
}

impl Taken {
    pub fn new(capacity: usize) -> Taken {
        Taken { debts: Table::new(capacity) }
    }

    /// How much of `shown` we have not taken yet.
    #[inline]
    pub fn left(&self, key: Key, shown: u64) -> u64 {
        if self.debts.is_empty() {
            return shown;
        }
        shown.saturating_sub(self.debts.get(key.0).map_or(0, |debt| debt.qty))
    }

    /// Whether taking from it can be remembered. When the table is full, what stood at prices where
    /// nothing is shown any more is forgotten: a feed of the best level never says that it left.
    pub fn make_room(&mut self, key: Key, market: &Market) -> bool {
        if !self.debts.is_full() || self.debts.get(key.0).is_some() {
            return true;
        }
        self.debts.retain(|_, Debt { spot, .. }| market.shown(spot.row, spot.side, spot.price) > 0);
        !self.debts.is_full()
    }

    /// Remembers that `qty` was taken; refuses when there is no room to remember it.
    pub fn take(&mut self, key: Key, spot: Spot, qty: u64) -> Result<(), Full> {
        if qty == 0 {
            return Ok(());
        }
        match self.debts.get_mut(key.0) {
            Some(debt) => {
                debt.qty = debt.qty.saturating_add(qty);
                Ok(())
            }
            None => self.debts.insert(key.0, Debt { spot, qty }),
        }
    }

    /// The liquidity now shows `shown`.
    #[inline]
    pub fn settle(&mut self, key: Key, shown: u64) {
        if self.debts.is_empty() {
            return;
        }
        match self.debts.get_mut(key.0) {
            Some(debt) if shown > 0 => debt.qty = debt.qty.min(shown),
            Some(_) => _ = self.debts.remove(key.0),
            None => {}
        }
    }

    /// `old` became `new`, which shows `shown`.
    pub fn carry(&mut self, old: Key, new: Key, shown: u64) {
        if let Some(debt) = self.debts.remove(old.0)
            && shown > 0
        {
            // Fits: one has just left.
            let _ = self.debts.insert(new.0, Debt { qty: debt.qty.min(shown), ..debt });
        }
    }

    /// A side of the book of `row` was cleared.
    pub fn forget(&mut self, row: usize, side: Side) {
        self.debts.retain(|_, debt| (debt.spot.row, debt.spot.side) != (row, side));
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.debts.is_empty()
    }

    /// Bytes of the table.
    pub fn memory(&self) -> u64 {
        self.debts.memory()
    }
}
