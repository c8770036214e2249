//! The session: logons, numbers, what is missing and sent again, the throttle.

use nofx_types::Nanos;
use nofx_wire::ocg::codes::{business, reject, session};
use nofx_wire::ocg::{
    BusinessReject, Fields, Frame, Head, Heartbeat, Logon, Logout, Message, OcgError, Reject,
    ResendRequest, SequenceReset, Text, Var, mark_dup, put,
};

use super::Ocg;
use crate::gateway::Ask;

impl Ocg {
    pub(super) fn on_frame(&mut self, now: Nanos, frame: &Frame<'_>) {
        let message = Message::parse(frame);
        self.tested = false;
        if !self.stream.logged_on {
            return match message {
                Ok(Message::Logon(logon)) => self.on_logon(now, frame, &logon),
                _ => self.stream.end(), // nobody we know: no answer
            };
        }
        let sequence = frame.sequence();
        // A reset, unlike a gap that is filled, holds whatever its own number is.
        if let Ok(Message::SequenceReset(reset)) = &message
            && reset.gap_fill == Some(b'N')
        {
            return self.reset(now, reset.new_sequence);
        }
        if sequence > self.next_in {
            return self.ask_again(now);
        }
        if sequence < self.next_in {
            if !frame.is_dup() {
                self.log_out(now, session::OTHER, b"sequence number too low");
            }
            return;
        }
        if !self.count(now) {
            return;
        }
        self.gap_asked = false;
        match message {
            Ok(message) => self.on_message(now, frame, &message),
            Err(error) => self.on_unreadable(now, frame, error),
        }
    }

    /// Counts a message in its turn. A day that has used up its numbers has no next one.
    fn count(&mut self, now: Nanos) -> bool {
        let next = self.next_in.checked_add(1);
        match next {
            Some(next) => self.next_in = next,
            None => self.log_out(now, session::OTHER, b"no number left"),
        }
        next.is_some()
    }

    /// The client goes on with `next`, which is never lower than what it had.
    fn reset(&mut self, now: Nanos, next: u32) {
        if next == u32::MAX {
            return self.log_out(now, session::OTHER, b"no number left");
        }
        self.next_in = self.next_in.max(next);
    }

    fn ask_again(&mut self, now: Nanos) {
        if !std::mem::replace(&mut self.gap_asked, true) {
            let start = self.next_in;
            self.send_session(now, &ResendRequest { start, end: 0 });
        }
    }

    fn on_logon(&mut self, now: Nanos, frame: &Frame<'_>, logon: &Logon<'_>) {
        let password = logon.password.map_or(&[][..], |password| password.get());
        let wanted = self.config.password.as_bytes();
        if frame.header.comp_id != self.comp_id || (!wanted.is_empty() && password != wanted) {
            return self.log_out(now, session::BAD_LOGIN, b"bad user or password");
        }
        if logon.next_expected > self.next_out() || logon.next_expected == 0 {
            return self.log_out(now, session::OTHER, b"next expected number too high");
        }
        if frame.sequence() < self.next_in {
            return self.log_out(now, session::OTHER, b"sequence number too low");
        }
        if frame.sequence() > self.next_in {
            self.gap_asked = true; // our answer says what is missing
        } else if !self.count(now) {
            return;
        }
        self.stream.logged_on = true;
        self.stream.beat_ns = self.config.heartbeat_ns;
        let last = self.next_out() - 1;
        self.send_session(
            now,
            &Logon {
                password: None,
                new_password: None,
                next_expected: self.next_in,
                session_status: Some(session::ACTIVE),
                text: None,
                test: None,
            },
        );
        self.send_again(now, logon.next_expected, last);
    }

    /// Sends messages `from..=to` once more.
    fn send_again(&mut self, now: Nanos, from: u32, to: u32) {
        let mut at = from.max(1);
        while at <= to.min(self.history.len() as u32) {
            let sent = self.history.get(at as usize - 1).cloned().flatten();
            match sent {
                Some(mut frame) => {
                    mark_dup(&mut frame);
                    self.stream.send(now, &frame);
                    at += 1;
                }
                None => {
                    let behind = self.history.iter().skip(at as usize);
                    let session = behind.take_while(|sent| sent.is_none()).count() as u32;
                    let next = (at + 1 + session).min(to + 1);
                    self.fill_gap(now, at, next);
                    at = next;
                }
            }
        }
    }

    fn fill_gap(&mut self, now: Nanos, sequence: u32, new_sequence: u32) {
        let head = Head { sequence, poss_dup: true, comp_id: self.comp_id };
        let reset = SequenceReset { gap_fill: Some(b'Y'), new_sequence };
        if let Some(length) = put(&mut self.scratch, &head, &reset)
            && let Some(frame) = self.scratch.get(..length)
        {
            self.stream.send(now, frame);
        }
    }

    fn on_message(&mut self, now: Nanos, frame: &Frame<'_>, message: &Message<'_>) {
        match message {
            Message::Heartbeat(_) | Message::Reject(_) => {}
            Message::TestRequest(test) => {
                let reference_test_request_id = Some(test.test_request_id);
                self.send_session(now, &Heartbeat { reference_test_request_id });
            }
            Message::ResendRequest(request) => {
                let last = self.next_out() - 1;
                let end = if request.end == 0 { last } else { request.end.min(last) };
                self.send_again(now, request.start, end);
            }
            Message::SequenceReset(reset) => self.reset(now, reset.new_sequence),
            Message::Logout(_) => {
                self.log_out(now, session::LOGOUT, b"");
            }
            Message::New(_) | Message::Amend(_) | Message::Cancel(_) | Message::MassCancel(_)
                if !self.admit(now) =>
            {
                self.throttled(now, frame, message);
            }
            Message::New(order) => self.on_new(now, frame, order),
            Message::Amend(order) => self.on_amend(now, frame, order),
            Message::Cancel(order) => self.on_cancel(now, order),
            Message::MassCancel(request) => self.on_mass_cancel(now, frame, request),
            _ => self.refuse(now, frame, reject::MESSAGE_TYPE, "message type", None),
        }
    }

    fn on_unreadable(&mut self, now: Nanos, frame: &Frame<'_>, error: OcgError) {
        let code = match error {
            OcgError::Missing { .. } => reject::FIELD_MISSING,
            OcgError::Unknown { .. } => reject::FIELD_NOT_DEFINED,
            _ => reject::OTHER,
        };
        self.refuse(now, frame, code, &error.to_string(), None);
    }

    /// Whether the client may send one more in this second.
    fn admit(&mut self, now: Nanos) -> bool {
        let second = now.0 / 1_000_000_000;
        if second != self.second {
            (self.second, self.in_second) = (second, 0);
        }
        self.in_second = self.in_second.saturating_add(1);
        self.config.throttle == 0 || self.in_second <= self.config.throttle
    }

    fn throttled(&mut self, now: Nanos, frame: &Frame<'_>, message: &Message<'_>) {
        let reference_id = match message {
            Message::New(order) => Some(order.client_order_id),
            Message::Amend(order) => Some(order.client_order_id),
            Message::Cancel(order) => Some(order.client_order_id),
            Message::MassCancel(request) => Some(request.client_order_id),
            _ => None,
        };
        let rejected = BusinessReject {
            code: business::THROTTLE,
            reason: Some(Var(b"throttle limit exceeded")),
            reference_type: Some(frame.kind()),
            reference_field: None,
            reference_sequence: Some(frame.sequence()),
            reference_id,
        };
        self.send(now, &rejected);
    }

    /// A message that breaks the rules of the protocol.
    pub(super) fn refuse(
        &mut self,
        now: Nanos,
        frame: &Frame<'_>,
        code: u16,
        what: &str,
        client_order_id: Option<Text<'_, 21>>,
    ) {
        let reason = what.as_bytes();
        let rejected = Reject {
            code,
            reason: Some(Var(reason.get(..reason.len().min(74)).unwrap_or(reason))),
            reference_type: Some(frame.kind()),
            reference_field: None,
            reference_sequence: frame.sequence(),
            client_order_id,
        };
        self.send_session(now, &rejected);
    }

    /// Sends a report, or keeps it for the next logon.
    pub(super) fn send<M: Fields>(&mut self, now: Nanos, message: &M) {
        self.put(now, message, true);
    }

    /// Sends a message of the session, which is not sent again.
    pub(super) fn send_session<M: Fields>(&mut self, now: Nanos, message: &M) {
        self.put(now, message, false);
    }

    fn put<M: Fields>(&mut self, now: Nanos, message: &M, again: bool) {
        let head = Head::new(self.next_out(), self.comp_id);
        let Some(length) = put(&mut self.scratch, &head, message) else { return };
        let Some(frame) = self.scratch.get(..length) else { return };
        self.history.push(again.then(|| frame.into()));
        if self.stream.open && (self.stream.logged_on || !again) {
            self.stream.send(now, frame);
        }
    }

    pub(super) fn log_out(&mut self, now: Nanos, session_status: u8, text: &[u8]) {
        let text = Some(Var(text)).filter(|text| !text.0.is_empty());
        self.send_session(now, &Logout { text, session_status: Some(session_status) });
        self.stream.end();
    }

    /// The session is over, however it ended.
    pub(super) fn lose(&mut self) {
        if self.config.cancel_on_disconnect {
            self.orders.ask(Ask::MassCancel { id: 0, symbol: None, side: None });
        }
    }
}
