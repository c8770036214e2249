//! Our open orders, for whoever shows or cancels them.

use nofx_types::{AccountId, ClOrdId, InstrumentId, OrderIntent, OrderRef, Price, Qty, Side};

use super::OrderManager;
use crate::orders::{Order, State};

/// An order that is open or in flight. While a replace is in flight both its ends are listed: a
/// cancel goes to the newer one, which the venue finds in place when it reads the cancel, or, where
/// it refused the replacement, to the older one once it has said so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenOrder {
    /// Our id.
    pub id: ClOrdId,
    /// The instrument.
    pub instrument: InstrumentId,
    /// Its side.
    pub side: Side,
    /// Limit price, as we sent it.
    pub price: Price,
    /// Shares that are open and reserved.
    pub leaves: Qty,
    /// Where it stands.
    pub state: State,
    /// The account it is for.
    pub account: AccountId,
    /// The venue's id, 0 until accepted.
    pub order_ref: OrderRef,
    /// Whether a cancel of it would pass [`OrderManager::stage`] now.
    pub cancellable: bool,
}

impl OpenOrder {
    fn of(order: &Order, cancellable: bool) -> OpenOrder {
        OpenOrder {
            id: ClOrdId(order.id),
            instrument: order.instrument,
            side: order.side,
            price: order.price,
            leaves: Qty(order.leaves.into()),
            state: order.state,
            account: order.account,
            order_ref: OrderRef(order.order_ref),
            cancellable,
        }
    }

    /// The intent that cancels it.
    pub fn cancel(&self) -> OrderIntent {
        let mut intent = OrderIntent::cancel(self.instrument, self.id, self.side);
        intent.account = self.account;
        intent
    }
}

impl OrderManager {
    /// The first open order in row `from` of the table or behind it, and its row: a walk begins at 0
    /// and goes on at the row after, and orders that come or go meanwhile do not disturb it. A step
    /// costs a few loads (one more for each 4,096 rows passed).
    #[inline]
    pub fn next_open(&self, from: usize) -> Option<(usize, OpenOrder)> {
        let (row, order) = self.machine.orders.next_open(from)?;
        Some((row, OpenOrder::of(order, self.machine.is_cancellable(order))))
    }

    /// Every open order, in the order of rows.
    pub fn open(&self) -> impl Iterator<Item = OpenOrder> {
        let first = self.next_open(0);
        std::iter::successors(first, |(row, _)| self.next_open(row + 1)).map(|(_, order)| order)
    }

    /// The order with this id, while it is open or in flight.
    pub fn order(&self, id: ClOrdId) -> Option<OpenOrder> {
        let order = self.machine.orders.get(id.0).filter(|order| order.is_open())?;
        Some(OpenOrder::of(order, self.machine.is_cancellable(order)))
    }

    /// Takes the cancel of this order that is in flight as lost: another one passes, and whoever waits
    /// for its answer is told. The venue may still answer it, and both.
    pub fn cancel_again(&mut self, id: ClOrdId) {
        self.machine.cancel_again(id.0);
    }
}
