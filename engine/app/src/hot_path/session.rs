//! The order session: what it says, and what it wants sent again.

use nofx_risk::LimitGate;
use nofx_signal::Strategy;
use nofx_types::Nanos;

use super::{HotPath, OrderPort};

impl<S: Strategy, G: LimitGate> HotPath<S, G> {
    /// Opens the order session.
    pub fn log_in(&mut self, now: Nanos, port: &mut impl OrderPort) {
        let bytes = self.orders.login(now);
        self.log.sent(now, bytes);
        port.send(now, bytes);
    }

    /// Keeps the order session alive: heartbeats, account queries, and the end of a silent venue;
    /// cancels that a kill or the stop still wants are asked for again.
    #[inline]
    pub fn keep_alive(&mut self, now: Nanos, port: &mut impl OrderPort) {
        if let Some(bytes) = self.orders.keep_alive(now) {
            self.log.sent(now, bytes);
            port.send(now, bytes);
        }
        self.hear(port);
        self.react(now, port);
        self.sweep_again(now);
    }

    /// What a session that is not up wants after every input, and orders it wants sent again once it
    /// is.
    #[inline]
    pub fn session_turn(&mut self, now: Nanos, port: &mut impl OrderPort) {
        if !self.orders.is_up() {
            self.settled = false;
            self.keep_alive(now, port);
        }
        if !self.settled {
            self.resend(now, port);
            self.settled = self.orders.is_up();
        }
    }

    #[cold]
    fn resend(&mut self, now: Nanos, port: &mut impl OrderPort) {
        if let Some(resend) = self.orders.poll_resend(now) {
            self.gate.on_update(&resend.release);
            if let Some(market) = &mut self.market {
                market.rules.on_update(&resend.release);
            }
            self.submit(resend.intent, port);
        }
    }

    /// The connection of the order session is gone.
    pub fn on_disconnect(&mut self, now: Nanos) {
        self.orders.disconnected(now);
    }

    /// Logs out of the order session, if it is open.
    pub fn log_out(&mut self, now: Nanos, port: &mut impl OrderPort) {
        if !self.orders.should_disconnect() {
            let bytes = self.orders.logout();
            self.log.sent(now, bytes);
            port.send(now, bytes);
        }
    }
}
