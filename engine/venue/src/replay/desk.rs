//! The client's side of the venue: its open orders, and the session that hears about them.
//!
//! Everything that changes an own order goes through here, so that no change goes unreported. Each
//! open order has one frame of the outbox kept for it: its end can always be told.

use nofx_types::{Nanos, Price, Side};
use nofx_wire::ouch50::codes::{cancel, liquidity};

use super::counts::Counts;
use crate::acceptor::{Acceptor, Fill, Placed};
use crate::own::{OwnOrder, OwnOrders};

/// Frames that a request may need besides those kept for open orders: its answer, one fill, its end.
pub(super) const REQUEST_FRAMES: usize = 4;

/// Own ids start here: a feed's own ids stay below.
const IDS_FROM: u64 = 1 << 63;

pub(super) struct Desk {
    pub acceptor: Acceptor,
    pub own: OwnOrders,
    pub counts: Counts,
    next_order: u64,
    next_match: u64,
}

impl Desk {
    pub fn new(acceptor: Acceptor, own: OwnOrders) -> Desk {
        let (next_order, next_match) = (IDS_FROM, IDS_FROM);
        Desk { acceptor, own, counts: Counts::default(), next_order, next_match }
    }

    /// Frames that must stay free while a request is served.
    pub fn reserve(&self) -> usize {
        self.own.count() + REQUEST_FRAMES
    }

    /// Whether a fill can be told.
    #[inline]
    pub fn can_fill(&self) -> bool {
        self.acceptor.room() > self.own.count()
    }

    /// A new id for an own order.
    pub fn order_id(&mut self) -> u64 {
        self.next_order += 1;
        self.next_order
    }

    /// Opens an order and says so; `None` when there is no room.
    pub fn open(&mut self, at: Nanos, order: OwnOrder) -> Option<u32> {
        let slot = self.own.open(order)?;
        self.counts.accepted += 1;
        self.acceptor.accepted(at, placed(&order, order.leaves));
        Some(slot)
    }

    /// Says that the order in `slot` took the place of `orig`, with `quantity` for the whole chain.
    pub fn replaced(&mut self, at: Nanos, orig: u32, slot: u32, quantity: u32) {
        if let Some(order) = self.own.get(slot) {
            self.counts.replaced += 1;
            self.acceptor.replaced(at, orig, placed(order, quantity));
        }
    }

    /// A resting order was reached: fills up to `most` at its own price; returns how much.
    pub fn fill_maker(&mut self, at: Nanos, slot: u32, most: u64) -> u64 {
        let Some(order) = self.own.get(slot) else { return 0 };
        let filled = self.fill(at, slot, order.price, most, liquidity::ADDED);
        self.counts.maker_fills += u64::from(filled > 0);
        self.counts.maker_shares += filled;
        filled
    }

    /// An incoming order takes up to `most` at `price`; returns how much.
    pub fn fill_taker(&mut self, at: Nanos, slot: u32, price: Price, most: u64) -> u64 {
        let filled = self.fill(at, slot, price, most, liquidity::REMOVED);
        self.counts.taker_fills += u64::from(filled > 0);
        self.counts.taker_shares += filled;
        filled
    }

    fn fill(&mut self, at: Nanos, slot: u32, price: Price, most: u64, flag: u8) -> u64 {
        if !self.can_fill() {
            self.counts.missed_fills += u64::from(most > 0);
            return 0;
        }
        let Some(order) = self.own.get_mut(slot) else { return 0 };
        let quantity = order.leaves.min(u32::try_from(most).unwrap_or(u32::MAX));
        if quantity == 0 {
            return 0;
        }
        order.leaves -= quantity;
        order.executed = order.executed.saturating_add(quantity);
        let (user_ref, done) = (order.user_ref, order.leaves == 0);
        self.next_match += 1;
        let fill = Fill {
            user_ref,
            quantity,
            price: price.0.unsigned_abs(),
            liquidity: flag,
            match_number: self.next_match,
        };
        self.acceptor.executed(at, fill);
        if done {
            self.own.close(slot);
        }
        u64::from(quantity)
    }

    /// Takes `quantity` off an order, which ends with its last share.
    pub fn cut(&mut self, at: Nanos, slot: u32, quantity: u32, reason: u8) {
        let Some(order) = self.own.get_mut(slot) else { return };
        let quantity = quantity.min(order.leaves);
        order.leaves -= quantity;
        let (user_ref, done) = (order.user_ref, order.leaves == 0);
        if done {
            self.own.close(slot);
        }
        self.counts.canceled += 1;
        self.acceptor.canceled(at, user_ref, quantity, reason);
    }

    /// Ends an order.
    pub fn cancel(&mut self, at: Nanos, slot: u32, reason: u8) {
        self.cut(at, slot, u32::MAX, reason);
    }

    /// Ends the resting orders of a row that `which` names.
    pub fn cancel_row(
        &mut self,
        at: Nanos,
        row: usize,
        reason: u8,
        which: impl Fn(&OwnOrder) -> bool,
    ) {
        for side in Side::BOTH {
            let mut next = self.own.first(row, side);
            while let Some(slot) = next {
                next = self.own.next(slot);
                if self.own.get(slot).is_some_and(&which) {
                    self.cancel(at, slot, reason);
                }
            }
        }
    }

    /// The close: day orders end.
    pub fn close_row(&mut self, at: Nanos, row: usize) {
        self.cancel_row(at, row, cancel::CLOSED, |_| true);
    }
}

fn placed(order: &OwnOrder, quantity: u32) -> Placed<'_> {
    Placed {
        user_ref: order.user_ref,
        order_ref: order.order_ref,
        quantity,
        price: order.price.0.unsigned_abs(),
        terms: &order.terms,
    }
}
