//! News that wait to be taken: a queue of fixed size.
//!
//! Its bound: whoever reads takes all news after each `receive` of at most [`RECEIVE_MAX`] bytes, to
//! which at most one cut frame of 65,537 bytes is joined. The frame that makes most news per byte is
//! Order Canceled, 21 bytes for two (the order, and the replacement that dies with it), so there are
//! never more than 2 * (65,536 + 65,537) / 21 = 12,483 at a time, and some refusals of ours.

use nofx_types::{
    AccountId, ClOrdId, InstrumentId, Nanos, OrderRef, OrderUpdate, Price, Qty, Side, UpdateKind,
};

/// Most bytes that one `receive` should bring: more are read all the same, but then the room for
/// news is not proven.
pub const RECEIVE_MAX: usize = 65_536;

const ROOM: usize = 1 << 14;

/// An update that says nothing yet.
pub(crate) const BLANK: OrderUpdate = OrderUpdate {
    kind: UpdateKind::Accepted,
    side: Side::Buy,
    maker: false,
    account: AccountId(0),
    instrument: InstrumentId(0),
    cl_ord_id: ClOrdId::NONE,
    orig: ClOrdId::NONE,
    order_ref: OrderRef(0),
    price: Price(0),
    leaves: Qty(0),
    fill_price: Price(0),
    fill_qty: Qty(0),
    released_qty: Qty(0),
    released_price: Price(0),
    closed: false,
    now_ns: Nanos(0),
};

#[derive(Clone, Debug)]
pub(crate) struct Updates {
    rows: Box<[OrderUpdate]>,
    head: usize,
    tail: usize,
    lost: u64,
}

impl Updates {
    pub fn new() -> Updates {
        Updates { rows: vec![BLANK; ROOM].into_boxed_slice(), head: 0, tail: 0, lost: 0 }
    }

    #[inline]
    pub fn push(&mut self, update: OrderUpdate) {
        match self.rows.get_mut(self.tail) {
            Some(row) => {
                *row = update;
                self.tail += 1;
            }
            None => self.lost = self.lost.saturating_add(1),
        }
    }

    #[inline]
    pub fn pop(&mut self) -> Option<OrderUpdate> {
        let update = *self.rows.get(self.head..self.tail)?.first()?;
        self.head += 1;
        if self.head == self.tail {
            // Empty: start again in front, where the rows are warm.
            (self.head, self.tail) = (0, 0);
        }
        Some(update)
    }

    /// Takes the newest back.
    pub fn pop_last(&mut self) -> Option<OrderUpdate> {
        let last = self.tail.checked_sub(1).filter(|last| *last >= self.head)?;
        self.tail = last;
        self.rows.get(last).copied()
    }

    /// Updates that found no room, since this was last asked.
    #[inline]
    pub fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }

    pub fn bytes(&self) -> u64 {
        size_of_val(&*self.rows) as u64
    }
}
