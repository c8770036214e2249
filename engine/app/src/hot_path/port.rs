//! The way out of the stages.

use nofx_gate::Rejects;
use nofx_types::{Nanos, OrderIntent, OrderUpdate};

/// Where order bytes go: the simulated venue in a replay, a session live.
pub trait OrderPort {
    /// Sends the bytes of one message; they are gone, or the session is.
    fn send(&mut self, now: Nanos, bytes: &[u8]);

    /// Sends the bytes of a cleared order. A live port writes it to the journal first.
    #[inline]
    fn order(&mut self, intent: &OrderIntent, bytes: &[u8]) {
        self.send(intent.now_ns, bytes);
    }

    /// Sends the bytes of one message on the second session, where there is one.
    fn send_by_rescue(&mut self, now: Nanos, bytes: &[u8]) {
        self.send(now, bytes);
    }

    /// As [`OrderPort::order`], on the second session: a cancel while the first is down.
    fn order_by_rescue(&mut self, intent: &OrderIntent, bytes: &[u8]) {
        self.send_by_rescue(intent.now_ns, bytes);
    }

    /// An intent went no further, refused by `rejects` (none: the session was down).
    #[inline]
    fn refused(&mut self, intent: &OrderIntent, rejects: Rejects) {
        let _ = (intent, rejects);
    }

    /// There is news of an order; `position` is what its account holds in the instrument by now.
    #[inline]
    fn heard(&mut self, update: &OrderUpdate, position: i64) {
        let _ = (update, position);
    }

    /// What stands against an intent outside the engine at this moment: kill words.
    #[inline]
    fn blocked(&mut self, intent: &OrderIntent) -> Rejects {
        let _ = intent;
        Rejects::NONE
    }
}
