//! The record of a former run, taken through the same stages: exposure, orders and positions as they
//! were.

use nofx_risk::LimitGate;
use nofx_signal::Strategy;
use nofx_types::{Nanos, OrderIntent};

use super::HotPath;

impl<S: Strategy, G: LimitGate> HotPath<S, G> {
    /// An order that a former run sent, from its journal. False when the record does not fit.
    pub fn restore_sent(&mut self, intent: &OrderIntent) -> bool {
        self.gate.restore(intent);
        self.reserve(intent);
        if let Some(market) = &mut self.market {
            market.rules.on_sent(intent);
        }
        let fits = self.orders.replay_sent(intent);
        self.restore_news();
        fits
    }

    /// Session bytes that a former run sent, and that were no order.
    pub fn restore_control(&mut self, now: Nanos, bytes: &[u8]) {
        self.orders.replay_control(now, bytes);
        self.restore_news();
    }

    /// Bytes that a former run received on its order session.
    pub fn restore_received(&mut self, now: Nanos, bytes: &[u8]) {
        self.orders.receive(now, bytes);
        self.restore_news();
    }

    /// The record of the former run is at its end.
    pub fn restore_end(&mut self, now: Nanos) {
        self.orders.replay_ended(now);
        self.restore_news();
    }

    /// As [`HotPath::hear`], but for a strategy that does not remember these orders.
    pub(super) fn restore_news(&mut self) {
        while let Some(update) = self.orders.poll_update() {
            self.settle(&update);
        }
    }
}
