//! The second order session: what it says and hears, and cancels when the first is gone.

use nofx_gate::KillScope;
use nofx_risk::LimitGate;
use nofx_signal::Strategy;
use nofx_types::Nanos;

use super::{HotPath, OrderPort};

impl<S: Strategy, G: LimitGate> HotPath<S, G> {
    /// Whether the configuration has a second session.
    #[inline]
    pub fn has_rescue(&self) -> bool {
        self.orders.rescue_session().is_some()
    }

    /// Opens the second session.
    pub fn rescue_log_in(&mut self, now: Nanos, port: &mut impl OrderPort) {
        let Some(mut rescue) = self.orders.rescue() else { return };
        let bytes = rescue.login(now);
        self.log.sent(now, bytes);
        port.send_by_rescue(now, bytes);
    }

    /// Bytes of the venue on the second session: news of our orders all the same.
    pub fn on_rescue_bytes(&mut self, now: Nanos, bytes: &[u8], port: &mut impl OrderPort) {
        let Some(mut rescue) = self.orders.rescue() else { return };
        self.log.received(now, bytes);
        rescue.receive(now, bytes);
        self.hear(port);
        self.react(now, port);
    }

    /// The connection of the second session is gone.
    pub fn on_rescue_disconnect(&mut self, now: Nanos) {
        if let Some(mut rescue) = self.orders.rescue() {
            rescue.disconnected(now);
        }
    }

    /// Keeps the second session alive, and cancels everything by it once the first has been gone for
    /// too long.
    pub fn rescue_turn(&mut self, now: Nanos, port: &mut impl OrderPort) {
        let Some(mut rescue) = self.orders.rescue() else { return };
        while let Some(bytes) = rescue.keep_alive(now) {
            self.log.sent(now, bytes);
            port.send_by_rescue(now, bytes);
        }
        self.hear(port);
        self.react(now, port);
        if self.orders.should_rescue(now) {
            self.sweep(KillScope::Global);
        }
    }

    /// Logs out of the second session, if it is open.
    pub fn rescue_log_out(&mut self, now: Nanos, port: &mut impl OrderPort) {
        let Some(mut rescue) = self.orders.rescue() else { return };
        if !rescue.should_disconnect() {
            let bytes = rescue.logout();
            self.log.sent(now, bytes);
            port.send_by_rescue(now, bytes);
        }
    }

    /// Session bytes that a former run sent on its second session.
    pub fn restore_rescue_control(&mut self, now: Nanos, bytes: &[u8]) {
        if let Some(mut rescue) = self.orders.rescue() {
            rescue.replay_control(now, bytes);
        }
        self.restore_news();
    }

    /// Bytes that a former run received on its second session.
    pub fn restore_rescue_received(&mut self, now: Nanos, bytes: &[u8]) {
        if let Some(mut rescue) = self.orders.rescue() {
            rescue.receive(now, bytes);
        }
        self.restore_news();
    }
}
