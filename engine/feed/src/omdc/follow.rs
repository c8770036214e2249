//! Queues of a few instruments, followed to find out what a position on the wire counts.
//!
//! Model: price-time priority says where an order joins: behind all orders at its price, ahead of
//! all worse ones. So each reading of `order_book_position` predicts a number for an add, and the
//! reading whose predictions come true is the right one. Followed are the first instruments that
//! appear: a table from order to price and quantity, and for each side its prices with the number of
//! orders at each, sorted. Worst case: an add of a new price moves the prices of its side once. A
//! side with more prices than fit ends following for its instrument; a full table ends it for all.
//!
//! Nothing here decides what is in a book; [`ModifyPlace::ByQuantity`](super::ModifyPlace) and side
//! ranks ask it.

use nofx_rt::table::Table;
use nofx_types::{InstrumentId, OrderRef, Side};

use super::config::{OmdcConfig, PositionMeaning};

/// Prices of one side.
const PRICES: usize = 2_048;

/// Adds whose position agreed with price-time priority, by reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FitCounts {
    /// Adds that were looked at.
    pub checked: u64,
    /// Of these, those that agree, in the order of [`PositionMeaning::ALL`] without `Ignore`.
    pub agree: [u64; 4],
    /// Of these, those beyond the end of the queue under every reading.
    pub beyond: u64,
}

impl FitCounts {
    /// The reading that fits best, if any add was looked at and one reading beats all others.
    pub fn best(&self) -> Option<PositionMeaning> {
        let most = self.agree.iter().copied().max().filter(|most| *most > 0)?;
        let mut best = PositionMeaning::ALL.into_iter().zip(self.agree).filter(|(_, n)| *n == most);
        let (meaning, _) = best.next()?;
        best.next().is_none().then_some(meaning)
    }
}

#[derive(Clone, Copy)]
struct Order {
    price: i32,
    qty: u32,
}

/// One side: prices, worst first, with the number of orders at each.
struct Queue {
    prices: Vec<(i32, u32)>,
    /// Orders without a price.
    unpriced: u32,
}

pub(super) struct Follow {
    queues: Box<[[Queue; 2]]>,
    /// Whether the instrument is still followed.
    follows: Box<[bool]>,
    orders: Table<Order>,
    pub fits: FitCounts,
    /// Instruments that are not followed any more, for want of room.
    pub ended: u64,
}

/// How many orders rest before the back of a price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ahead {
    /// At the price.
    pub level: u32,
    /// At better prices.
    pub better: u32,
}

impl Follow {
    pub fn new(config: &OmdcConfig, instruments: u32) -> Follow {
        let followed = config.followed.min(instruments) as usize;
        let orders = if followed > 0 { config.followed_orders as usize } else { 1 };
        let queue = || Queue { prices: Vec::with_capacity(PRICES), unpriced: 0 };
        Follow {
            queues: (0..followed).map(|_| [queue(), queue()]).collect(),
            follows: vec![true; followed].into_boxed_slice(),
            orders: Table::new(orders),
            fits: FitCounts::default(),
            ended: 0,
        }
    }

    #[inline(always)]
    pub fn follows(&self, id: InstrumentId) -> bool {
        self.follows.get(id.index()).copied().unwrap_or(false)
    }

    /// An order joined; what was ahead of it. `position` is compared with that when it is to be
    /// `checked`.
    #[inline(never)]
    pub fn add(
        &mut self,
        id: InstrumentId,
        order: OrderRef,
        side: Side,
        price: Option<i32>,
        qty: u32,
        position: Option<i32>,
    ) -> Option<Ahead> {
        let key = key(id, order);
        if self.orders.get(key).is_some() {
            return None; // the book will say so
        }
        if self.orders.is_full() {
            self.end_all();
            return None;
        }
        let queue = self.queues.get_mut(id.index())?.get_mut(side.index())?;
        let Some(price) = price else {
            queue.unpriced += 1;
            let _ = self.orders.insert(key, Order { price: 0, qty }); // room was seen
            return None;
        };
        let ahead = queue.ahead(side, price);
        if !queue.join(side, price) {
            self.end(id);
            return None;
        }
        let unpriced = queue.unpriced > 0;
        let _ = self.orders.insert(key, Order { price, qty });
        if let Some(position) = position.filter(|_| !unpriced) {
            self.check(ahead, i64::from(position));
        }
        Some(ahead)
    }

    /// The quantity became `qty`; what it was.
    #[inline(never)]
    pub fn modify(&mut self, id: InstrumentId, order: OrderRef, qty: u32) -> Option<u32> {
        let held = self.orders.get_mut(key(id, order))?;
        Some(core::mem::replace(&mut held.qty, qty))
    }

    /// An order left.
    #[inline(never)]
    pub fn delete(&mut self, id: InstrumentId, order: OrderRef, side: Side) {
        let Some(held) = self.orders.remove(key(id, order)) else { return };
        let queues = self.queues.get_mut(id.index());
        if let Some(queue) = queues.and_then(|queues| queues.get_mut(side.index())) {
            queue.leave(side, held.price);
        }
    }

    /// Books were emptied: all of them, or those of one instrument.
    pub fn clear(&mut self, id: Option<InstrumentId>) {
        match id {
            Some(id) if !self.follows(id) => return,
            Some(id) => self.orders.retain(|key, _| key >> KEY_BITS != u64::from(id.0)),
            None => self.orders.retain(|_, _| false),
        }
        let rows = self.queues.iter_mut().enumerate();
        for (_, queues) in rows.filter(|(row, _)| id.is_none_or(|id| id.index() == *row)) {
            for queue in queues {
                queue.prices.clear();
                queue.unpriced = 0;
            }
        }
    }

    fn check(&mut self, ahead: Ahead, position: i64) {
        let (level, side) = (i64::from(ahead.level), i64::from(ahead.level + ahead.better));
        let predictions = [level + 1, level, side + 1, side];
        self.fits.checked += 1;
        for (agree, predicted) in self.fits.agree.iter_mut().zip(predictions) {
            *agree += u64::from(position == predicted);
        }
        self.fits.beyond += u64::from(position > side + 1 || position < 0);
    }

    #[cold]
    fn end(&mut self, id: InstrumentId) {
        self.clear(Some(id));
        if let Some(follows) = self.follows.get_mut(id.index()) {
            *follows = false;
            self.ended += 1;
        }
    }

    #[cold]
    fn end_all(&mut self) {
        self.clear(None);
        self.ended += self.follows.iter().filter(|follows| **follows).count() as u64;
        self.follows.fill(false);
    }

    pub fn memory_bytes(&self) -> u64 {
        let queues = self.queues.len() * 2 * PRICES * size_of::<(i32, u32)>();
        queues as u64 + self.orders.memory()
    }
}

impl Queue {
    /// Where `price` stands, or would: prices rise towards the best.
    fn find(&self, side: Side, price: i32) -> Result<usize, usize> {
        let rank = |price: i32| i64::from(price) * side.sign();
        self.prices.binary_search_by_key(&rank(price), |(price, _)| rank(*price))
    }

    fn ahead(&self, side: Side, price: i32) -> Ahead {
        let found = self.find(side, price);
        let (level, better) = match found {
            Ok(at) => (self.prices.get(at).map_or(0, |row| row.1), at + 1),
            Err(at) => (0, at),
        };
        let better = self.prices.get(better..).unwrap_or(&[]).iter().map(|row| row.1).sum();
        Ahead { level, better }
    }

    fn join(&mut self, side: Side, price: i32) -> bool {
        match self.find(side, price) {
            Ok(at) => self.prices.get_mut(at).map(|row| row.1 += 1).is_some(),
            Err(_) if self.prices.len() == PRICES => false,
            Err(at) => {
                self.prices.insert(at, (price, 1));
                true
            }
        }
    }

    /// Orders without a price are held at price 0, which no limit has.
    fn leave(&mut self, side: Side, price: i32) {
        if price == 0 {
            self.unpriced = self.unpriced.saturating_sub(1);
            return;
        }
        let Ok(at) = self.find(side, price) else { return };
        let Some(row) = self.prices.get_mut(at) else { return };
        row.1 -= 1; // a price is listed while it has orders
        if row.1 == 0 {
            self.prices.remove(at);
        }
    }
}

/// Bits of an order in a key; the rest is the instrument.
const KEY_BITS: u32 = 64 - 17;

/// Instrument and order in one word. Order ids of one security that are equal in 46 bits and side
/// would be taken for one another: counts would be off, books would not.
fn key(id: InstrumentId, order: OrderRef) -> u64 {
    let low = order.0 & ((1 << (KEY_BITS - 1)) - 1);
    u64::from(id.0) << KEY_BITS | order.0 >> 63 << (KEY_BITS - 1) | low
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: InstrumentId = InstrumentId(0);

    fn follow() -> Follow {
        let config = OmdcConfig { followed: 1, followed_orders: 8, ..OmdcConfig::default() };
        Follow::new(&config, 4)
    }

    fn join(follow: &mut Follow, order: u64, side: Side, price: i32, position: i32) -> Ahead {
        let ahead = follow.add(ID, OrderRef(order), side, Some(price), 10, Some(position));
        ahead.expect("followed")
    }

    #[test]
    fn ahead_counts_the_level_and_what_is_better() {
        let mut follow = follow();
        for (order, price, level, better) in
            [(1, 100, 0, 0), (2, 100, 1, 0), (3, 90, 0, 2), (4, 110, 0, 0), (5, 100, 2, 1)]
        {
            let ahead = join(&mut follow, order, Side::Buy, price, 0);
            assert_eq!(ahead, Ahead { level, better }, "order {order}");
        }
        follow.delete(ID, OrderRef(4), Side::Buy);
        follow.delete(ID, OrderRef(1), Side::Buy);
        assert_eq!(join(&mut follow, 6, Side::Buy, 90, 0), Ahead { level: 1, better: 2 });
        assert_eq!(follow.modify(ID, OrderRef(6), 3), Some(10));
    }

    #[test]
    fn the_reading_that_was_used_fits_best() {
        for (index, meaning) in PositionMeaning::ALL.into_iter().take(4).enumerate() {
            let mut follow = follow();
            for (order, price) in [(1, 50), (2, 50), (3, 49), (4, 49), (5, 51), (6, 50)] {
                let ahead = follow.queues[0][1].ahead(Side::Sell, price);
                let side = index >= 2;
                let rank = ahead.level + if side { ahead.better } else { 0 };
                let position = i64::from(rank) + meaning.first();
                join(&mut follow, order, Side::Sell, price, position as i32);
            }
            assert_eq!(follow.fits.best(), Some(meaning));
            assert_eq!((follow.fits.checked, follow.fits.agree[index]), (6, 6));
        }
    }

    #[test]
    fn too_many_orders_end_it_for_all() {
        let mut follow = follow();
        for order in 0..9 {
            follow.add(ID, OrderRef(order), Side::Buy, Some(7), 1, None);
        }
        assert!(!follow.follows(ID) && follow.ended == 1);
    }
}
