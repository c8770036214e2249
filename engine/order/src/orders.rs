//! The table of our orders: a row by id, found by one indexed load.
//!
//! Ids rise, so the row of an id is free again when every older order of that row has ended. A row
//! keeps its last order after the end, so that late answers and broken trades find their order until
//! a newer one moves in.

use nofx_types::{AccountId, InstrumentId, OrderIntent, Price, Side};

/// Where an order stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum State {
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
}

impl Orders {
    /// Room for `most` orders, a power of two.
    pub fn new(most: u32) -> Orders {
        let rows = vec![NO_ORDER; most.max(1) as usize].into_boxed_slice();
        Orders { mask: rows.len() - 1, rows, open: 0 }
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
        if let Some(row) = self.rows.get_mut(order.id as usize & self.mask) {
            *row = order;
            self.open += 1;
        }
    }

    /// Ends an open order and returns it as it was.
    #[inline]
    pub fn end(&mut self, id: u32) -> Option<Order> {
        let row = self.get_mut(id).filter(|row| row.is_open())?;
        let was = *row;
        (row.state, row.leaves, row.peer) = (State::Ended, 0, 0);
        self.open -= 1;
        Some(was)
    }

    pub fn open_count(&self) -> usize {
        self.open
    }

    pub fn bytes(&self) -> u64 {
        size_of_val(&*self.rows) as u64
    }
}
