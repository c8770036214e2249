//! From the venue's bytes to reports: frames found in a stream that may be cut anywhere.

use nofx_types::Nanos;

use super::OrderManager;
use crate::anomaly::Anomaly;
use crate::link::{Ear, Heard, Taken};
use crate::report::Report;
use crate::state::SessionState;

impl OrderManager {
    /// Takes bytes of the venue, cut anywhere, and queues the news they make. Take those with
    /// [`OrderManager::poll_update`] before more than [`crate::RECEIVE_MAX`] bytes are brought.
    pub fn receive(&mut self, now: Nanos, bytes: &[u8]) {
        self.line.session.heard(now);
        let mut rest = bytes;
        while self.line.is_cut() && !rest.is_empty() {
            rest = self.join(now, rest);
        }
        while !rest.is_empty() {
            let Some(used) = self.frame(now, rest) else {
                self.line.keep(rest);
                break;
            };
            rest = rest.get(used..).unwrap_or(&[]);
        }
        let lost = self.machine.updates.take_lost();
        if lost > 0 {
            self.machine.anomalies.add(Anomaly::UpdateLost, lost);
            self.line.session.state = SessionState::Broken;
        }
    }

    fn join<'a>(&mut self, now: Nanos, bytes: &'a [u8]) -> &'a [u8] {
        let rest = self.line.join(bytes);
        let (cut, len) = self.line.lend();
        let read = self.frame(now, cut.get(..len).unwrap_or(&[])).is_some();
        self.line.give_back(cut, read);
        rest
    }

    /// Takes the first frame of `bytes`: how many bytes it was, `None` when it is cut.
    #[inline]
    fn frame(&mut self, now: Nanos, bytes: &[u8]) -> Option<usize> {
        let session = &mut self.line.session;
        if session.state == SessionState::Broken {
            return Some(bytes.len()); // nothing can be found in it
        }
        let mut ear = Ear { now, session, machine: &mut self.machine };
        match self.line.link.take(&mut ear, bytes) {
            Taken::Cut => None,
            Taken::Frame { used, heard } => {
                self.on_heard(now, &heard);
                Some(used)
            }
            Taken::Broken => {
                self.line.session.state = SessionState::Broken;
                self.machine.anomalies.count(Anomaly::BrokenStream);
                Some(bytes.len())
            }
        }
    }

    #[inline]
    fn on_heard(&mut self, now: Nanos, heard: &Heard) {
        match heard {
            Heard::Report(report) => {
                self.machine.report(now, report);
                self.after_report(now, report);
            }
            Heard::Opened(opened) => self.opened(*opened),
            Heard::Nothing => {}
        }
    }

    /// What a report says beside its order.
    #[inline]
    fn after_report(&mut self, now: Nanos, report: &Report) {
        if let Some(id) = report.taken() {
            self.taken(id);
        }
        match *report {
            Report::NextId(id) => self.on_next_id(id),
            Report::Rejected { reason, .. } if reason == self.config.throttle_reason => {
                self.venue_throttled(now, reason);
            }
            _ => {}
        }
        self.look_again();
    }

    /// The venue's throttle held an order: ours holds for a window.
    #[cold]
    fn venue_throttled(&mut self, now: Nanos, reason: u16) {
        if reason != 0 {
            self.machine.anomalies.count(Anomaly::VenueThrottle);
            self.throttle.hold(now, self.config.throttle_window_ns);
        }
    }
}
