//! A second session that stands in for the first.
//!
//! Mainland gateways do not cancel when a connection ends, and reports of a trading unit go to every
//! session of it. So a second one of the same protocol is kept logged in: it sends no order, its
//! reports are counted together with those of the first, and while the first is down cancels go out
//! on it. The state of orders is not proven by it; new orders wait for the first.

use nofx_types::{IntentKind, Nanos};

use super::{OpenOrder, OrderManager};
use crate::line::Line;
use crate::state::SessionState;

/// Open orders that are looked at in one turn while the second session takes over.
const TAKE_OVER_STEP: usize = 64;

/// How far the first session is gone.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Outage {
    /// Since when no cancel can go out on it.
    since: Option<Nanos>,
    /// Cancels that were in flight on it, of orders before this row, may be sent again.
    row: usize,
    /// So may all others.
    taken_over: bool,
    /// That all orders should be cancelled was said.
    said: bool,
}

/// The second session, as the application holds it: a connection with a life of its own, like that
/// of the [`OrderManager`] and with calls of the same names. News of both are taken with
/// [`OrderManager::poll_update`].
#[derive(Debug)]
pub struct Rescue<'a> {
    orders: &'a mut OrderManager,
}

impl Rescue<'_> {
    fn line(&mut self) -> Option<&mut Line> {
        self.orders.rescue.as_deref_mut()
    }

    /// See [`OrderManager::should_connect`].
    pub fn should_connect(&mut self, now: Nanos) -> bool {
        self.line().is_some_and(|line| line.should_connect(now))
    }

    /// See [`OrderManager::should_disconnect`].
    pub fn should_disconnect(&mut self) -> bool {
        self.line().is_some_and(|line| line.should_disconnect())
    }

    /// See [`OrderManager::login`].
    pub fn login(&mut self, now: Nanos) -> &[u8] {
        self.line().map_or(&[], |line| line.login(now))
    }

    /// See [`OrderManager::receive`].
    pub fn receive(&mut self, now: Nanos, bytes: &[u8]) {
        self.orders.receive_on::<true>(now, bytes);
        self.orders.rescue_turn(now);
    }

    /// See [`OrderManager::keep_alive`].
    pub fn keep_alive(&mut self, now: Nanos) -> Option<&[u8]> {
        self.orders.rescue_turn(now);
        let OrderManager { rescue, machine, seen, .. } = &mut *self.orders;
        let line = rescue.as_deref_mut()?;
        let beat = line.session.keep_alive(now, &mut machine.anomalies);
        line.words(now, beat, seen)
    }

    /// See [`OrderManager::disconnected`].
    pub fn disconnected(&mut self, now: Nanos) {
        // Its cancels may be lost.
        let outage = &mut self.orders.outage;
        (outage.row, outage.taken_over, outage.said) = (0, false, false);
        if let Some(line) = self.line() {
            line.disconnected(now);
        }
    }

    /// See [`OrderManager::logout`].
    pub fn logout(&mut self) -> &[u8] {
        let Some(line) = self.line() else { return &[] };
        line.session.state = SessionState::LoggedOut;
        line.link.logout()
    }

    /// See [`OrderManager::replay_control`].
    pub fn replay_control(&mut self, now: Nanos, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some((used, _)) = self.line().and_then(|line| line.replay(now, rest)) {
            rest = rest.get(used..).unwrap_or(&[]);
        }
    }
}

impl OrderManager {
    /// The second session, where the configuration has one.
    pub fn rescue(&mut self) -> Option<Rescue<'_>> {
        self.rescue.is_some().then_some(Rescue { orders: self })
    }

    /// Where the second session stands.
    pub fn rescue_session(&self) -> Option<SessionState> {
        self.rescue.as_ref().map(|line| line.session.state)
    }

    #[inline]
    fn rescue_is_up(&self) -> bool {
        self.rescue.as_ref().is_some_and(|line| line.session.is_up())
    }

    /// Whether the second session can take cancels: it is up, and what was in flight on the first is
    /// given up, so that no order is passed by.
    #[inline]
    pub(super) fn rescue_stands_in(&self) -> bool {
        self.outage.taken_over && self.rescue_is_up()
    }

    /// Whether a message of this kind, encoded now, is for the stream of the second session: a cancel
    /// while the first session takes none.
    #[inline]
    pub fn goes_by_rescue(&self, kind: IntentKind) -> bool {
        kind == IntentKind::Cancel && !self.line.session.may_cancel() && self.rescue_stands_in()
    }

    /// Whether all open orders should be cancelled by the second session now, because the first has
    /// been down for `rescue_after_ns`; true once in each outage, and once more when the second comes
    /// back from one of its own.
    pub fn should_rescue(&mut self, now: Nanos) -> bool {
        let after = self.config.rescue_after_ns;
        let long = self.outage.since.is_some_and(|since| now.since(since) >= after);
        let due = long && after > 0 && self.rescue_stands_in() && self.open_orders() > 0;
        due && !std::mem::replace(&mut self.outage.said, true)
    }

    /// Open orders that nothing of ours can cancel now and that the venue does not cancel either: for
    /// the alarm. None while a session is up, or where a disconnect cancels.
    pub fn stranded(&self) -> impl Iterator<Item = OpenOrder> {
        let may = self.line.session.may_cancel() || self.rescue_is_up();
        let stranded = !may && !self.config.cancel_on_disconnect;
        self.open().take_while(move |_| stranded)
    }

    /// The second session was logged in.
    pub(super) fn rescue_opened(&mut self) {
        if let Some(line) = &mut self.rescue {
            line.session.state = SessionState::Reconciling;
        }
    }

    /// It is up once the reports that were missed have come.
    fn rescue_turn(&mut self, now: Nanos) {
        let Some(line) = &mut self.rescue else { return };
        let waits = line.session.state == SessionState::Reconciling;
        if waits && !line.link.is_behind(&self.seen) {
            line.session.state = SessionState::Up;
            line.backoff.reset();
        }
        self.watch(now);
    }

    /// Keeps count of how long the first session is gone; when the second takes over, cancels that
    /// were in flight on the first are given up.
    #[inline]
    pub(super) fn watch(&mut self, now: Nanos) {
        if self.line.session.may_cancel() {
            self.outage = Outage::default();
        } else if self.rescue.is_some() {
            self.outage.since.get_or_insert(now);
            if self.rescue_is_up() && !self.outage.taken_over {
                self.take_over();
            }
        }
    }

    /// One step of it, so that a turn has a bound however many orders are open.
    #[cold]
    fn take_over(&mut self) {
        for _ in 0..TAKE_OVER_STEP {
            let Some((row, order)) = self.machine.orders.next_open(self.outage.row) else {
                self.outage.taken_over = true;
                return;
            };
            let id = order.id;
            self.outage.row = row + 1;
            self.machine.cancel_again(id);
        }
    }
}
