//! Shares that were taken off.

use nofx_types::{Qty, UpdateKind};

use super::Machine;
use crate::anomaly::Anomaly;
use crate::orders::{Order, State};

impl Machine {
    #[inline]
    pub(super) fn canceled(&mut self, id: u32, qty: u32, asked: bool) {
        let Some(order) = self.find_open(id) else { return };
        if qty == 0 {
            return self.anomalies.count(Anomaly::Contradiction);
        }
        let order = self.in_place(&order);
        if qty > order.leaves {
            self.anomalies.count(Anomaly::Overcancel);
        }
        self.take_off(&order, qty.min(order.leaves), asked);
    }

    /// All that is left was taken off.
    pub(super) fn gone(&mut self, id: u32, asked: bool) {
        let Some(order) = self.find_open(id) else { return };
        let order = self.in_place(&order);
        self.take_off(&order, order.leaves, asked);
    }

    pub(super) fn modified(&mut self, id: u32, qty: u32) {
        let Some(order) = self.find_open(id) else { return };
        let order = self.in_place(&order);
        let kept = qty.saturating_sub(order.executed).min(order.leaves);
        if kept < order.leaves {
            self.take_off(&order, order.leaves - kept, false);
        }
    }

    /// `qty` of the open shares will never trade.
    fn take_off(&mut self, order: &Order, qty: u32, asked: bool) {
        self.set(order.id, |row| {
            row.leaves -= qty; // at most `leaves`
            if asked && row.state == State::PendingCancel {
                row.state = State::Live;
            }
        });
        let was = if qty == order.leaves { self.orders.end(order.id) } else { None };
        self.tell_off(order.id, qty);
        if was.is_some() {
            self.end_next(order);
        }
    }

    pub(super) fn tell_off(&mut self, id: u32, qty: u32) {
        self.tell(UpdateKind::Canceled, id, |update| update.released_qty = Qty(qty.into()));
    }
}
