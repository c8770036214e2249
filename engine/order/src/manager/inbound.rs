//! From the venue's bytes to reports: frames found in a stream that may be cut anywhere.

use nofx_types::Nanos;
use nofx_wire::soup;

use super::OrderManager;
use crate::anomaly::Anomaly;
use crate::config::Protocol;
use crate::line::Line;
use crate::link::{Ear, Heard, Link, SoupHeard, Taken};
use crate::report::{self, Report};
use crate::state::SessionState;

impl OrderManager {
    /// Takes bytes of the venue, cut anywhere, and queues the news they make. Take those with
    /// [`OrderManager::poll_update`] before more than [`crate::RECEIVE_MAX`] bytes are brought.
    pub fn receive(&mut self, now: Nanos, bytes: &[u8]) {
        self.receive_on::<false>(now, bytes);
    }

    /// As [`OrderManager::receive`], on the first or the second (`RESCUE`) session.
    #[inline]
    pub(super) fn receive_on<const RESCUE: bool>(&mut self, now: Nanos, bytes: &[u8]) {
        let Some(line) = self.line_of::<RESCUE>() else { return };
        line.session.heard(now);
        let mut rest = bytes;
        while !rest.is_empty() && self.line_of::<RESCUE>().is_some_and(|line| line.is_cut()) {
            rest = self.join::<RESCUE>(now, rest);
        }
        while !rest.is_empty() {
            let Some(used) = self.frame::<RESCUE>(now, rest) else {
                if let Some(line) = self.line_of::<RESCUE>() {
                    line.keep(rest);
                }
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

    #[inline]
    pub(super) fn line_of<const RESCUE: bool>(&mut self) -> Option<&mut Line> {
        if RESCUE { self.rescue.as_deref_mut() } else { Some(&mut self.line) }
    }

    fn join<'a, const RESCUE: bool>(&mut self, now: Nanos, bytes: &'a [u8]) -> &'a [u8] {
        let Some(line) = self.line_of::<RESCUE>() else { return &[] };
        let rest = line.join(bytes);
        let (cut, len) = line.lend();
        let read = self.frame::<RESCUE>(now, cut.get(..len).unwrap_or(&[])).is_some();
        if let Some(line) = self.line_of::<RESCUE>() {
            line.give_back(cut, read);
        }
        rest
    }

    /// Takes the first frame of `bytes`: how many bytes it was, `None` when it is cut. OUCH is read in
    /// place and its reports are not handed on by value.
    #[inline]
    fn frame<const RESCUE: bool>(&mut self, now: Nanos, bytes: &[u8]) -> Option<usize> {
        if RESCUE {
            return self.far_frame::<RESCUE>(now, bytes); // no second session speaks OUCH
        }
        let line = &mut self.line;
        let Link::Soup(soup) = &mut line.link else {
            return self.far_frame::<RESCUE>(now, bytes);
        };
        if line.session.state == SessionState::Broken {
            return Some(bytes.len()); // nothing can be found in it
        }
        match soup::next_frame(bytes) {
            Ok(None) => None,
            Ok(Some((frame, used))) => {
                match soup.hear(now, &mut line.session, &mut self.machine, &frame) {
                    Some(SoupHeard::Report(body)) => self.on_ouch(now, body),
                    Some(SoupHeard::Opened(opened)) => self.opened(opened),
                    None => {}
                }
                Some(used)
            }
            Err(_) => Some(self.broken::<RESCUE>(bytes)),
        }
    }

    #[inline(always)]
    fn on_ouch(&mut self, now: Nanos, body: &[u8]) {
        let read = match self.config.protocol {
            Protocol::Ouch42 => report::from_ouch42(body),
            _ => report::from_ouch50(body),
        };
        match read {
            Ok(report) => {
                self.machine.report(now, &report);
                self.after_report(now, &report);
            }
            Err(no_report) => self.machine.anomalies.count(no_report.into()),
        }
    }

    /// As [`OrderManager::frame`], of the other protocols.
    #[inline(never)]
    fn far_frame<const RESCUE: bool>(&mut self, now: Nanos, bytes: &[u8]) -> Option<usize> {
        let line = if RESCUE { self.rescue.as_deref_mut()? } else { &mut self.line };
        let session = &mut line.session;
        if session.state == SessionState::Broken {
            return Some(bytes.len());
        }
        let (machine, cancels, seen) = (&mut self.machine, &self.cancels, &mut self.seen);
        let mut ear = Ear { now, session, machine, cancels, seen };
        match line.link.take(&mut ear, bytes) {
            Taken::Cut => None,
            Taken::Frame { used, heard } => {
                self.on_heard::<RESCUE>(now, &heard);
                Some(used)
            }
            Taken::Broken => Some(self.broken::<RESCUE>(bytes)),
        }
    }

    /// Nothing can be found in the stream any more: all of `bytes` is taken.
    #[cold]
    fn broken<const RESCUE: bool>(&mut self, bytes: &[u8]) -> usize {
        if let Some(line) = self.line_of::<RESCUE>() {
            line.session.state = SessionState::Broken;
        }
        self.machine.anomalies.count(Anomaly::BrokenStream);
        bytes.len()
    }

    #[inline(never)] // once, not in each copy of the way here
    fn on_report(&mut self, now: Nanos, report: &Report) {
        self.machine.report(now, report);
        self.after_report(now, report);
    }

    fn on_heard<const RESCUE: bool>(&mut self, now: Nanos, heard: &Heard) {
        match heard {
            Heard::Report(report) => self.on_report(now, report),
            Heard::Opened(_) if RESCUE => self.rescue_opened(),
            Heard::Opened(opened) => self.opened(*opened),
            Heard::Platform if !RESCUE => self.platform(),
            Heard::Missed if !RESCUE => self.missed(),
            Heard::Nothing | Heard::Platform | Heard::Missed => {}
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
