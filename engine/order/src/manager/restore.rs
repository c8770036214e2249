//! After a restart the state is rebuilt from the record: what was sent, and what was received.
//!
//! Model: whoever holds the record brings, in its order, each order that was sent
//! ([`OrderManager::replay_sent`]), each frame of ours that was no order
//! ([`OrderManager::replay_control`]), and each piece of the venue's stream
//! ([`OrderManager::receive`], as it was received), and takes the news after each. The same code
//! moves the same state, so orders, positions, sequence numbers and answers owed are those of the
//! moment of the crash; a login then proves what the venue made of the rest.

use nofx_types::{IntentKind, Nanos, OrderIntent};

use super::{OrderManager, id_limit};
use crate::anomaly::Anomaly;
use crate::link::Ours;
use crate::state::SessionState;

impl OrderManager {
    /// An order that was sent, as [`OrderManager::encode`] was given it: it is marked as sent, and no
    /// bytes are made. False when the record does not fit the state.
    pub fn replay_sent(&mut self, intent: &OrderIntent) -> bool {
        let places = intent.kind != IntentKind::Cancel;
        let id = intent.cl_ord_id.0;
        if places || self.rescue.is_none() {
            self.was_proven();
        }
        if places {
            self.replay_resends(id);
        } else {
            // One that was in flight had been taken as lost.
            self.machine.cancel_again(intent.orig.0);
        }
        let fits = self.machine.request(intent).is_some();
        if !fits {
            self.machine.anomalies.count(Anomaly::NotSendable);
        }
        let own = if places { id } else { self.cancels.next(intent.orig.0) };
        self.line.link.replay_sent(places, own);
        if places {
            self.last_sent = self.last_sent.max(id);
            self.last_staged = self.last_staged.max(id);
            self.resends.sent(intent);
        }
        self.line.session.sent(intent.now_ns);
        self.throttle.charge(intent.now_ns);
        self.sent += 1;
        fits
    }

    /// Frames of ours that were no orders: logins, account queries, heartbeats, logouts.
    pub fn replay_control(&mut self, now: Nanos, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some((used, ours)) = self.line.replay(now, rest) {
            if ours == Ours::Query {
                self.fence.asked();
                self.line.session.news(now);
            }
            if ours == Ours::CancelAll {
                self.cancels.next(0);
            }
            rest = rest.get(used..).unwrap_or(&[]);
        }
    }

    /// The record has ended: another process takes the session up, which is not connected.
    pub fn replay_ended(&mut self, now: Nanos) {
        self.disconnected(now);
        // That the session ended or was refused was said to the process before: this one asks anew.
        self.line.session.state = SessionState::Down;
        if let Some(line) = &mut self.rescue {
            line.disconnected(now);
            line.session.state = SessionState::Down;
        }
    }

    /// Orders above this id are refused ([`nofx_gate::Rule::Busy`]): it is not yet reserved.
    pub fn set_id_limit(&mut self, last: u32) {
        self.id_limit = last.min(id_limit(&self.config));
    }

    /// The lowest id that was never used.
    pub fn first_free_id(&self) -> u32 {
        self.last_staged.max(self.last_sent).saturating_add(1)
    }

    /// Ids up to the limit that were never used.
    pub fn ids_left(&self) -> u32 {
        self.id_limit.saturating_sub(self.first_free_id() - 1)
    }
}
