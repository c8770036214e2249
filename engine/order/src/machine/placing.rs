//! How the venue took an order or a replacement, or that it refused.

use nofx_types::{ClOrdId, OrderUpdate, Price, Qty, UpdateKind};

use super::Machine;
use crate::anomaly::Anomaly;
use crate::orders::{Order, State};
use crate::report::Placed;

impl Machine {
    #[inline]
    pub(super) fn accepted(&mut self, placed: &Placed) {
        let Some(order) = self.find_open(placed.id) else { return };
        if !order.state.is_new() {
            if order.order_ref == 0 && !order.state.is_replacing() {
                // A fill came first: what is new is the reference.
                self.set(placed.id, |row| row.order_ref = placed.order_ref);
            }
            return self.anomalies.count(Anomaly::Duplicate);
        }
        let cut = self.place(placed);
        self.tell(UpdateKind::Accepted, placed.id, |update| update.released_qty = Qty(cut.into()));
    }

    /// Writes into the row how the venue took the order; how many of its shares are gone.
    fn place(&mut self, placed: &Placed) -> u32 {
        let Some(order) = self.orders.get(placed.id).copied() else { return 0 };
        let (leaves, executed) = (order.leaves, order.executed);
        // The quantity may be the chain's or what is open: only what is less than both is taken off.
        let as_asked = placed.qty == leaves || placed.qty == leaves.saturating_add(executed);
        if !as_asked {
            self.anomalies.count(Anomaly::QuantityDiffers);
        }
        if i64::try_from(placed.price) != Ok(order.price.0) {
            self.anomalies.count(Anomaly::PriceDiffers);
        }
        let kept = match placed.dead {
            true => 0,
            // An order of no shares is no order we know of: keep it until it is cancelled.
            false if placed.qty == 0 => leaves,
            false => leaves.min(placed.qty),
        };
        self.set(placed.id, |row| {
            (row.state, row.leaves, row.peer) = (row.state.placed(), kept, 0);
            row.order_ref = placed.order_ref;
        });
        if kept == 0 {
            self.orders.end(placed.id);
        }
        leaves - kept
    }

    pub(super) fn replaced(&mut self, orig: u32, placed: &Placed) {
        let Some(order) = self.find_open(placed.id) else { return };
        if !order.state.is_replacing() {
            return self.anomalies.count(Anomaly::Duplicate);
        }
        if order.peer != orig {
            self.anomalies.count(Anomaly::Contradiction);
        }
        self.set(placed.id, |row| row.order_ref = placed.order_ref);
        self.take_place(&order);
        let cut = self.place(placed);
        let ended = self.orders.get(placed.id).is_some_and(|row| !row.is_open());
        if ended || cut > 0 {
            self.tell_off(placed.id, cut);
        }
    }

    /// `order` takes the place of its peer, which ends.
    fn take_place(&mut self, order: &Order) {
        let old = self.orders.end(order.peer);
        self.set(order.id, |row| (row.state, row.peer) = (row.state.placed(), 0));
        let (left, price) = old.map_or((0, Price(0)), |old| (old.leaves, old.price));
        let orig = ClOrdId(order.peer);
        self.tell(UpdateKind::Replaced, order.id, |update| {
            update.orig = orig;
            (update.released_qty, update.released_price) = (Qty(left.into()), price);
            update.closed = old.is_some();
        });
    }

    /// A fill or cancel of an order says that it is in place, if that has not been said.
    #[inline]
    pub(super) fn in_place(&mut self, order: &Order) -> Order {
        match order.state {
            State::PendingNew | State::CancelingNew => {
                self.anomalies.count(Anomaly::ImpliedAccept);
                self.set(order.id, |row| row.state = row.state.placed());
            }
            State::Replacing | State::CancelingReplace => {
                self.anomalies.count(Anomaly::ImpliedReplace);
                self.take_place(order);
            }
            _ => return *order,
        }
        self.orders.get(order.id).copied().unwrap_or(*order)
    }

    pub(super) fn rejected(&mut self, id: u32) {
        let Some(order) = self.find_open(id) else { return };
        match order.state {
            State::PendingNew | State::CancelingNew => {
                self.orders.end(id);
                self.tell(UpdateKind::Rejected, id, |update| {
                    update.released_qty = Qty(order.leaves.into());
                });
            }
            State::Replacing | State::CancelingReplace => {
                self.set(order.peer, |row| {
                    if row.state == State::PendingReplace {
                        (row.state, row.peer) = (State::Live, 0);
                    }
                });
                self.refuse_replace(id);
            }
            _ => self.anomalies.count(Anomaly::Contradiction),
        }
    }

    pub(super) fn cancel_rejected(&mut self, id: u32) {
        let Some(order) = self.find_open(id) else { return };
        if order.state != State::PendingCancel {
            return self.anomalies.count(Anomaly::Contradiction);
        }
        self.set(id, |row| row.state = State::Live);
        self.tell(UpdateKind::CancelRejected, id, |_| {});
    }

    /// `order` ended: a replacement that was in flight ends with it.
    #[inline]
    pub(super) fn end_next(&mut self, order: &Order) {
        if order.state == State::PendingReplace {
            self.refuse_replace(order.peer);
        }
    }

    pub(super) fn refuse_replace(&mut self, id: u32) {
        let Some(was) = self.orders.end(id) else { return };
        let orig_open = self.orders.get(was.peer).is_some_and(Order::is_open);
        self.tell(UpdateKind::ReplaceRejected, id, |update| {
            update.orig = ClOrdId(was.peer);
            update.released_qty = Qty(was.leaves.into());
            update.closed = !orig_open;
        });
    }

    /// A login proved that the order or replacement was never read by the venue.
    #[cold]
    pub fn never_arrived(&mut self, id: u32) {
        self.anomalies.count(Anomaly::NeverArrived);
        self.never_arrived = self.never_arrived.saturating_add(1);
        self.rejected(id);
    }

    /// Takes such an order out of the table to be sent again: what releases its exposure.
    pub fn withdraw(&mut self, id: u32) -> Option<OrderUpdate> {
        self.never_arrived(id);
        self.orders.vacate(id);
        self.updates.pop_last()
    }

    /// Orders that never arrived, since this was last asked.
    pub fn take_never_arrived(&mut self) -> u32 {
        std::mem::take(&mut self.never_arrived)
    }

    /// A cancel that was in flight when the connection ended is given up: whoever waits for its answer
    /// is told, and another may be sent.
    pub fn cancel_again(&mut self, id: u32) {
        let state = match self.orders.get(id).map(|order| order.state) {
            Some(State::PendingCancel) => State::Live,
            Some(State::CancelingNew) => State::PendingNew,
            Some(State::CancelingReplace) => State::Replacing,
            _ => return,
        };
        self.set(id, |row| row.state = state);
        self.tell(UpdateKind::CancelRejected, id, |_| {});
    }
}
