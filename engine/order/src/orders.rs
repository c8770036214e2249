//! The table of our orders: a row by id, found by one indexed load.
//!
//! Ids rise, so the row of an id is free again when every older order of that row has ended. A row
//! keeps its last order after the end, so that late answers and broken trades find their order until
//! a newer one moves in.

use nofx_types::{AccountId, InstrumentId, OrderIntent, Price, Side};

/// Where an order stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum State {
    /// Ended, or never used.
    #[default]
    Ended,
    /// Sent, not yet answered.
    PendingNew,
    /// Open at the venue, nothing in flight.
    Live,
    /// Open, and `peer` is to take its place.
    PendingReplace,
    /// Open, with a cancel in flight.
    PendingCancel,
    /// To take the place of `peer`.
    Replacing,
    /// Sent and not yet answered, with a cancel behind it.
    CancelingNew,
    /// To take the place of `peer`, with a cancel behind it.
    CancelingReplace,
}

impl State {
    /// Not yet answered, as a new order or as a replacement.
    #[inline]
    pub(crate) fn is_unanswered(self) -> bool {
        self.is_new() || self.is_replacing()
    }

    #[inline]
    pub(crate) fn is_new(self) -> bool {
        matches!(self, State::PendingNew | State::CancelingNew)
    }

    #[inline]
    pub(crate) fn is_replacing(self) -> bool {
        matches!(self, State::Replacing | State::CancelingReplace)
    }

    /// Where it stands once the venue has it.
    #[inline]
    pub(crate) fn placed(self) -> State {
        match self {
            State::CancelingNew | State::CancelingReplace | State::PendingCancel => {
                State::PendingCancel
            }
            _ => State::Live,
        }
    }
}

/// One order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    pub id: u32,
    /// The other end of a replace in flight, else 0.
    pub peer: u32,
    pub instrument: InstrumentId,
    /// Shares that are open and reserved.
    pub leaves: u32,
    /// Shares filled since the first order of the chain of replaces.
    pub executed: u32,
    pub account: AccountId,
    pub side: Side,
    pub state: State,
    /// Price at which it was reserved: ours, whatever the venue made of it.
    pub price: Price,
    /// The venue's id.
    pub order_ref: u64,
}

const NO_ORDER: Order = Order {
    id: 0,
    peer: 0,
    instrument: InstrumentId(0),
    leaves: 0,
    executed: 0,
    account: AccountId(0),
    side: Side::Buy,
    state: State::Ended,
    price: Price(0),
    order_ref: 0,
};

impl Order {
    /// The order that `intent` asks for.
    #[inline]
    pub fn of(intent: &OrderIntent, qty: u32) -> Order {
        Order {
            id: intent.cl_ord_id.0,
            peer: 0,
            instrument: intent.instrument,
            leaves: qty,
            executed: 0,
            account: intent.account,
            side: intent.side,
            state: State::PendingNew,
            price: intent.price,
            order_ref: 0,
        }
    }

    #[inline]
    pub fn is_open(&self) -> bool {
        self.state != State::Ended
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Orders {
    rows: Box<[Order]>,
    mask: usize,
    open: usize,
    /// A bit for each row that is open, and one for each word of those that is not 0: a walk over
    /// open orders touches only their rows.
    bits: Box<[u64]>,
    words: Box<[u64]>,
}

const NONE_OPEN: u64 = 0;

impl Orders {
    /// Room for `most` orders, a power of two.
    pub fn new(most: u32) -> Orders {
        let rows = vec![NO_ORDER; most.max(1) as usize].into_boxed_slice();
        let bits = vec![NONE_OPEN; rows.len().div_ceil(64)].into_boxed_slice();
        let words = vec![NONE_OPEN; bits.len().div_ceil(64)].into_boxed_slice();
        Orders { mask: rows.len() - 1, rows, open: 0, bits, words }
    }

    /// The order with this id, open or ended.
    #[inline]
    pub fn get(&self, id: u32) -> Option<&Order> {
        self.rows.get(id as usize & self.mask).filter(|row| row.id == id && id != 0)
    }

    #[inline]
    pub fn get_mut(&mut self, id: u32) -> Option<&mut Order> {
        self.rows.get_mut(id as usize & self.mask).filter(|row| row.id == id && id != 0)
    }

    /// Whether the row of `id` can take a new order.
    #[inline]
    pub fn is_free(&self, id: u32) -> bool {
        self.rows.get(id as usize & self.mask).is_some_and(|row| !row.is_open() && row.id < id)
    }

    /// Opens an order whose row is free.
    #[inline]
    pub fn open(&mut self, order: Order) {
        let at = order.id as usize & self.mask;
        if let Some(row) = self.rows.get_mut(at) {
            *row = order;
            self.open += 1;
            self.mark_open(at);
        }
    }

    /// Ends an open order and returns it as it was.
    #[inline]
    pub fn end(&mut self, id: u32) -> Option<Order> {
        let row = self.get_mut(id).filter(|row| row.is_open())?;
        let was = *row;
        (row.state, row.leaves, row.peer) = (State::Ended, 0, 0);
        self.open -= 1;
        self.mark_ended(id as usize & self.mask);
        Some(was)
    }

    /// Forgets an order that has ended: its id may be used once more.
    pub fn vacate(&mut self, id: u32) {
        if let Some(row) = self.get_mut(id).filter(|row| !row.is_open()) {
            *row = NO_ORDER;
        }
    }

    #[inline]
    fn mark_open(&mut self, at: usize) {
        if let Some(bits) = self.bits.get_mut(at >> 6) {
            *bits |= 1 << (at & 63);
        }
        if let Some(word) = self.words.get_mut(at >> 12) {
            *word |= 1 << (at >> 6 & 63);
        }
    }

    #[inline]
    fn mark_ended(&mut self, at: usize) {
        let Some(bits) = self.bits.get_mut(at >> 6) else { return };
        *bits &= !(1 << (at & 63));
        if *bits == NONE_OPEN
            && let Some(word) = self.words.get_mut(at >> 12)
        {
            *word &= !(1 << (at >> 6 & 63));
        }
    }

    /// The first open order in row `from` or behind it, and its row. Reads two words, and one more
    /// for each 4,096 rows between.
    pub fn next_open(&self, from: usize) -> Option<(usize, &Order)> {
        let at = next_bit(&self.bits, from, 1).or_else(|| {
            let word = next_bit(&self.words, (from >> 6) + 1, usize::MAX)?;
            next_bit(&self.bits, word << 6, 1)
        })?;
        self.rows.get(at).map(|row| (at, row))
    }

    pub fn open_count(&self) -> usize {
        self.open
    }

    pub fn bytes(&self) -> u64 {
        (size_of_val(&*self.rows) + size_of_val(&*self.bits) + size_of_val(&*self.words)) as u64
    }
}

/// The first bit that is set, at `from` or behind it, in the first `most` words looked at.
fn next_bit(words: &[u64], from: usize, most: usize) -> Option<usize> {
    let front = from >> 6;
    let first = words.get(front)? & (u64::MAX << (from & 63));
    if first != 0 {
        return Some(front << 6 | first.trailing_zeros() as usize);
    }
    let rest = words.iter().enumerate().take(front.saturating_add(most)).skip(front + 1);
    rest.map(|(at, word)| (at, *word))
        .find(|(_, word)| *word != 0)
        .map(|(at, word)| at << 6 | word.trailing_zeros() as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nofx_rt::rng::Rng;
    use nofx_types::Qty;
    use std::collections::BTreeSet;

    #[test]
    fn a_walk_meets_each_open_row_once() {
        for (seed, most) in [(1u64, 1u32), (2, 2), (3, 64), (4, 128), (5, 8_192), (6, 65_536)] {
            let (mut rng, mut orders) = (Rng::new(seed), Orders::new(most));
            let (mut naive, mut id) = (BTreeSet::new(), 0u32);
            for _ in 0..300 {
                id += 1 + rng.below(u64::from(most) / 50 + 2) as u32;
                if orders.is_free(id) {
                    let intent = OrderIntent::new(InstrumentId(0), Side::Buy, Price(1), Qty(1));
                    orders.open(Order { id, ..Order::of(&intent, 1) });
                    naive.insert((id as usize & orders.mask, id));
                }
                if rng.chance(1, 3) {
                    let pick = rng.below(naive.len() as u64) as usize;
                    if let Some(gone) = naive.iter().nth(pick).copied() {
                        assert!(orders.end(gone.1).is_some());
                        naive.remove(&gone);
                    }
                }
                let (mut from, mut met) = (0, BTreeSet::new());
                while let Some((at, order)) = orders.next_open(from) {
                    met.insert((at, order.id));
                    from = at + 1;
                }
                assert_eq!(met, naive, "seed {seed}");
                assert_eq!(orders.open_count(), naive.len());
            }
        }
    }
}
