//! After each login, what became of our orders is proven before a new one goes out.
//!
//! Steps: the reports that were missed come first; the fence ([`crate::fence`]), or with OCG-C the
//! login itself, says where they end and which id the venue takes next. Then a walk over the open
//! orders settles each one: sent and below that id it must have been answered; at that id or above it
//! never arrived, and its exposure is released; a cancel in flight is given up. An order that was sent
//! and is not answered is waited for, then trading stays stopped. What contradicts the record stops
//! trading for good; the session stays open, so that orders can be cancelled and reports are read.

use nofx_types::{ClOrdId, Nanos, OrderUpdate};

use super::OrderManager;
use crate::anomaly::Anomaly;
use crate::config::Reconcile;
use crate::fence::Step;
use crate::link::Opened;
use crate::orders::{Order, State};
use crate::state::{SessionState, Unreconciled};

/// What the last login found; see [`OrderManager::reconciliation`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reconciliation {
    /// Logins after which everything was proven.
    pub proven: u64,
    /// The lowest id that the venue takes; 0 where it cannot say.
    pub next_id: ClOrdId,
    /// Orders and replacements that never arrived.
    pub never_arrived: u32,
    /// Orders that were open when all was proven.
    pub still_open: u32,
}

impl OrderManager {
    /// What the last login that was proven found.
    pub fn reconciliation(&self) -> Reconciliation {
        self.reconciliation
    }

    /// Answers to account queries that may still come, over all connections.
    pub fn answers_owed(&self) -> u64 {
        self.fence.owed()
    }

    /// A login was accepted.
    pub(super) fn opened(&mut self, opened: Opened) {
        self.fence.open(self.last_sent);
        if let Some(next_id) = opened.next_id {
            self.fence.told(next_id);
        }
        self.resends.clear();
        if opened.changed {
            self.fence.new_session();
        }
        if self.config.reconcile == Reconcile::Off {
            self.fence.step = Step::Done;
            return self.up();
        }
        self.line.session.state = SessionState::Reconciling;
        if let Some(why) = self.stopped {
            self.line.session.state = SessionState::Unreconciled(why);
        } else if opened.missed {
            self.stop(Unreconciled::Missed);
        } else if opened.lost {
            self.stop(Unreconciled::LostHistory);
        } else if let Some(next) = opened.foreign {
            self.stop(Unreconciled::ForeignIds(next));
        } else if opened.changed && self.machine.orders.open_count() > 0 {
            self.stop(Unreconciled::SessionChanged);
        }
    }

    fn up(&mut self) {
        self.line.session.state = match self.line.link.closed() {
            None => SessionState::Up,
            Some(state) => SessionState::Waiting(state),
        };
        self.line.backoff.reset();
    }

    /// The platform of the venue opened or closed.
    pub(super) fn platform(&mut self) {
        if matches!(self.line.session.state, SessionState::Up | SessionState::Waiting(_)) {
            self.up();
        }
    }

    /// The venue will not say what was not seen.
    pub(super) fn missed(&mut self) {
        self.stop(Unreconciled::Missed);
    }

    /// Trading stops, for good where another login could not prove better.
    #[cold]
    fn stop(&mut self, why: Unreconciled) {
        self.machine.anomalies.count(Anomaly::Unreconciled);
        if why.lasts() {
            self.stopped.get_or_insert(why);
        }
        if self.line.session.is_open() {
            self.line.session.state = SessionState::Unreconciled(why);
        }
    }

    #[inline]
    fn is_reconciling(&self) -> bool {
        self.line.session.state == SessionState::Reconciling
    }

    /// Whether the next account query is to be sent.
    #[inline]
    pub(super) fn wants_query(&self) -> bool {
        self.is_reconciling()
            && self.config.reconcile == Reconcile::Query
            && self.fence.wants_query()
            && self.line.link.query().is_some()
    }

    /// An account query was answered.
    #[cold]
    pub(super) fn on_next_id(&mut self, next_id: u32) {
        if !self.fence.answered(next_id) || !self.is_reconciling() {
            return;
        }
        if next_id > self.last_sent.saturating_add(1) {
            self.stop(Unreconciled::ForeignIds(next_id));
        } else if !self.fence.fits_reports() {
            self.stop(Unreconciled::NextId(next_id));
        } else {
            self.begin_sort();
        }
    }

    /// All that was missed has come, and the login had said what arrived.
    fn on_told(&mut self) {
        match self.fence.fits_reports() {
            true => self.begin_sort(),
            false => self.stop(Unreconciled::NextId(self.fence.next_id)),
        }
    }

    fn begin_sort(&mut self) {
        (self.fence.step, self.fence.unanswered) = (Step::Sort { row: 0 }, None);
    }

    /// The venue took `id` in.
    #[inline]
    pub(super) fn taken(&mut self, id: u32) {
        self.fence.taken(id);
        if self.fence.is_ghost(id) {
            self.machine.anomalies.count(Anomaly::Ghost);
            self.stop(Unreconciled::Ghost(id));
        }
    }

    /// A report came: it may be the one that was waited for.
    #[inline]
    pub(super) fn look_again(&mut self) {
        if self.is_reconciling() && self.fence.step == Step::Wait {
            self.begin_sort();
        }
    }

    /// Walks on over the open orders until one makes news.
    #[inline]
    pub(super) fn sort(&mut self) -> Option<OrderUpdate> {
        while self.sort_next() {
            if let Some(news) = self.machine.updates.pop() {
                return Some(news);
            }
        }
        None
    }

    /// One step of the walk; false when there is none to do.
    #[inline]
    fn sort_next(&mut self) -> bool {
        let Step::Sort { row } = self.fence.step else { return false };
        if !self.is_reconciling() {
            return false;
        }
        match self.machine.orders.next_open(row) {
            Some((at, order)) => {
                let order = *order;
                self.fence.step = Step::Sort { row: at + 1 };
                self.settle(&order);
            }
            None => self.sorted(),
        }
        true
    }

    fn settle(&mut self, order: &Order) {
        if order.state == State::PendingCancel {
            self.machine.cancel_again(order.id);
        } else if !order.state.is_unanswered() {
            // As the reports have told.
        } else if order.id < self.fence.next_id {
            self.fence.unanswered.get_or_insert(order.id);
        } else if !self.config.resend {
            self.machine.never_arrived(order.id);
        }
    }

    fn sorted(&mut self) {
        if self.fence.unanswered.is_some() {
            self.fence.step = Step::Wait;
            return;
        }
        self.fence.step = Step::Done;
        let next_id = self.fence.next_id;
        let lost = self.machine.take_never_arrived();
        if self.resends.open(next_id) {
            self.last_sent = next_id.saturating_sub(1);
        } else {
            self.fence.lost(self.last_sent);
        }
        let open = self.machine.orders.open_count();
        if self.config.cancel_on_disconnect {
            self.machine.anomalies.add(Anomaly::StillOpen, open as u64);
        }
        self.reconciliation = Reconciliation {
            proven: self.reconciliation.proven + 1,
            next_id: ClOrdId(if next_id == u32::MAX { 0 } else { next_id }),
            never_arrived: lost,
            still_open: u32::try_from(open).unwrap_or(u32::MAX),
        };
        self.up();
    }

    /// Gives up what does not come, and takes silence for the end where the venue has no query.
    #[inline]
    pub(super) fn time_out(&mut self, now: Nanos) {
        if !self.is_reconciling() {
            return;
        }
        let quiet = self.line.session.quiet(now);
        let asks = self.config.reconcile == Reconcile::Query;
        let behind = self.line.link.is_behind(&self.seen);
        let still = quiet >= self.config.reconcile_quiet_ns && !behind;
        let late = quiet >= self.config.reconcile_wait_ns;
        let counts = !self.config.protocol.shares_reports();
        match self.fence.step {
            Step::Ask if self.fence.is_told() && !behind => self.on_told(),
            Step::Ask if !asks && still => self.begin_sort(),
            Step::Ask if late && behind && counts => self.stop(Unreconciled::LostHistory),
            Step::Ask if late => self.stop(Unreconciled::NoAnswer),
            Step::Wait if late => {
                self.stop(Unreconciled::Unanswered(self.fence.unanswered.unwrap_or(0)));
            }
            _ => {}
        }
    }

    /// Something was sent that only goes out when all is proven: so it was. Silence that proved it is
    /// not in the record.
    pub(super) fn was_proven(&mut self) {
        if self.is_reconciling() && !matches!(self.fence.step, Step::Sort { .. }) {
            self.begin_sort();
        }
        while self.sort_next() {}
    }
}
