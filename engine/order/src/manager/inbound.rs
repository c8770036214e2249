//! From the venue's bytes to reports: frames found in a stream that may be cut anywhere.

use nofx_types::Nanos;
use nofx_wire::soup::{self, Frame};

use super::OrderManager;
use crate::anomaly::Anomaly;
use crate::config::Protocol;
use crate::report::{self, NoReport, Report};
use crate::state::SessionState;

impl OrderManager {
    /// Takes bytes of the venue, cut anywhere, and queues the news they make. Take those with
    /// [`OrderManager::poll_update`] before more than [`crate::RECEIVE_MAX`] bytes are brought.
    pub fn receive(&mut self, now: Nanos, bytes: &[u8]) {
        self.session.heard(now);
        let mut rest = bytes;
        while self.cut_len > 0 && !rest.is_empty() {
            rest = self.join(now, rest);
        }
        while !rest.is_empty() {
            let Some(used) = self.frame(now, rest) else {
                self.keep(rest);
                break;
            };
            rest = rest.get(used..).unwrap_or(&[]);
        }
        let lost = self.machine.updates.take_lost();
        if lost > 0 {
            self.machine.anomalies.add(Anomaly::UpdateLost, lost);
            self.session.state = SessionState::Broken;
        }
    }

    /// Completes the frame that was cut, first its length, then the rest; what is left of `bytes`.
    fn join<'a>(&mut self, now: Nanos, bytes: &'a [u8]) -> &'a [u8] {
        let want = match self.cut {
            ref cut if self.cut_len >= 2 => {
                2 + usize::from(u16::from_be_bytes([cut[0], cut[1]])) // the buffer holds any frame
            }
            _ => 2,
        };
        let missing = want.saturating_sub(self.cut_len).min(bytes.len());
        let (front, rest) = bytes.split_at_checked(missing).unwrap_or((bytes, &[]));
        if let Some(place) = self.cut.get_mut(self.cut_len..self.cut_len + front.len()) {
            place.copy_from_slice(front);
            self.cut_len += front.len();
        }
        // Lent out and put back, so that the frame can be read while the rest of us moves.
        let cut = std::mem::take(&mut self.cut);
        let whole = cut.get(..self.cut_len).unwrap_or(&[]);
        if self.frame(now, whole).is_some() {
            self.cut_len = 0;
        }
        self.cut = cut;
        rest
    }

    fn keep(&mut self, rest: &[u8]) {
        // A frame that is cut is shorter than the longest frame, so it fits.
        if let Some(place) = self.cut.get_mut(..rest.len()) {
            place.copy_from_slice(rest);
            self.cut_len = rest.len();
        }
    }

    /// Takes the first frame of `bytes`: how many bytes it was, `None` when it is cut.
    #[inline]
    fn frame(&mut self, now: Nanos, bytes: &[u8]) -> Option<usize> {
        if self.session.state == SessionState::Broken {
            return Some(bytes.len()); // nothing can be found in it
        }
        match soup::next_frame(bytes) {
            Ok(None) => None,
            Ok(Some((frame, used))) => {
                self.on_frame(now, &frame);
                Some(used)
            }
            Err(_) => {
                self.session.state = SessionState::Broken;
                self.machine.anomalies.count(Anomaly::BrokenStream);
                Some(bytes.len())
            }
        }
    }

    #[inline]
    fn on_frame(&mut self, now: Nanos, frame: &Frame<'_>) {
        let anomalies = &mut self.machine.anomalies;
        match *frame {
            Frame::Sequenced(body) if self.session.is_numbered() => {
                self.session.news(now);
                match self.session.is_new() {
                    true => self.on_message(now, body),
                    false => anomalies.count(Anomaly::Replayed),
                }
            }
            Frame::ServerHeartbeat | Frame::Debug(_) => {}
            Frame::LoginAccepted(accepted) => {
                if let Some(opened) = self.session.accepted(accepted, anomalies) {
                    self.opened(opened);
                }
            }
            Frame::LoginRejected(reason) => {
                let none_open = self.machine.orders.open_count() == 0;
                self.session.refused(reason, none_open, anomalies);
            }
            Frame::EndOfSession => self.session.state = SessionState::Ended,
            Frame::Sequenced(_)
            | Frame::Unsequenced(_)
            | Frame::LoginRequest(_)
            | Frame::ClientHeartbeat
            | Frame::Logout
            | Frame::Unknown(..) => anomalies.count(Anomaly::UnexpectedFrame),
        }
    }

    #[inline]
    fn on_message(&mut self, now: Nanos, body: &[u8]) {
        let read = match self.config.protocol {
            Protocol::Ouch50 => report::from_ouch50(body),
            Protocol::Ouch42 => report::from_ouch42(body),
        };
        match read {
            Ok(report) => {
                self.machine.report(now, &report);
                self.after_report(now, &report);
            }
            Err(NoReport::Malformed) => self.machine.anomalies.count(Anomaly::Malformed),
            Err(NoReport::ForeignToken) => self.machine.anomalies.count(Anomaly::ForeignToken),
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
