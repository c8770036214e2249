//! The client end of an OCG-C session.
//!
//! Model: both directions number every message. A login states the next number that we want to see;
//! the gateway answers with its own number, up to which everything said before comes again or is
//! filled in, and with the next number that it wants: what we sent from there on never arrived. So a
//! login proves by itself what became of our orders. What never arrived is not sent again here: its
//! numbers are filled in. A gap in what comes is asked for once, and what stands behind it is dropped,
//! since it comes again behind what is missing.

mod requests;

use nofx_types::{Nanos, OrderIntent};
use nofx_wire::ocg::codes::session as code;
use nofx_wire::ocg::{
    self, Fields, Frame, Head, Heartbeat, Logon, Logout, Message, ResendRequest, SequenceReset,
    TestRequest, Text,
};
use nofx_wire::text::padded;

use super::{Ear, Heard, Opened, Ours, Taken};
use crate::anomaly::Anomaly;
use crate::config::OrderConfig;
use crate::frames::Wire;
use crate::report::{self, NoReport, Report};
use crate::state::SessionState;

use requests::Requests;

/// Bytes of the longest frame that we write outside of orders: a logon.
const CONTROL_MAX: usize = 640;

/// What a message of ours was, by its number.
#[derive(Clone, Copy, Debug, Default)]
struct Sent {
    /// Its client order id; 0 for a message of the session.
    id: u32,
    /// The highest id of an order or replacement before it.
    placed_before: u32,
}

/// What the session has to say.
#[derive(Clone, Copy, Debug, Default)]
struct Due {
    /// Our numbers from this one on are not sent again.
    fill: Option<u32>,
    /// A test request to be answered.
    answer: Option<u16>,
    /// What is missing is to be asked for.
    resend: bool,
    test: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Ocg {
    comp_id: [u8; 12],
    password: Option<[u8; 450]>,
    requests: Requests,
    tests: bool,
    /// Number of our next message.
    out_seq: u32,
    /// Number of the first message of the gateway that has not been seen.
    in_seq: u32,
    /// Highest id of an order or replacement that was numbered.
    placed: u32,
    /// Our last messages, by number.
    sent: Box<[Sent]>,
    /// Number of the gateway's answer to the login of this connection; 0 before it.
    answer: u32,
    /// A gap was asked for and is not closed.
    asked: bool,
    /// A test request was sent and nothing heard since.
    testing: bool,
    due: Due,
    control: [u8; CONTROL_MAX],
}

impl Ocg {
    pub fn new(config: &OrderConfig) -> Ocg {
        let own = &config.ocg;
        let password = own.password.as_bytes();
        let rows = config.orders_max.saturating_mul(2).clamp(1_024, 1 << 20);
        Ocg {
            // Texts were checked to fit.
            comp_id: padded(own.comp_id.as_bytes(), 0).unwrap_or_default(),
            password: if password.is_empty() { None } else { padded(password, 0) },
            requests: Requests::new(own),
            tests: own.test_request,
            out_seq: 1,
            in_seq: 1,
            placed: 0,
            sent: vec![Sent::default(); rows as usize].into_boxed_slice(),
            answer: 0,
            asked: false,
            testing: false,
            due: Due::default(),
            control: [0; CONTROL_MAX],
        }
    }

    // Numbers.

    /// Numbers a message of ours that names `id`.
    #[inline]
    fn number(&mut self, id: u32) -> u32 {
        let seq = self.out_seq;
        self.out_seq = seq.saturating_add(1);
        let at = seq as usize & (self.sent.len() - 1);
        if let Some(place) = self.sent.get_mut(at) {
            *place = Sent { id, placed_before: self.placed };
        }
        seq
    }

    #[inline]
    fn number_placing(&mut self, id: u32) -> u32 {
        let seq = self.number(id);
        self.placed = self.placed.max(id);
        seq
    }

    /// What the message with this number was, unless it is forgotten or was never sent.
    fn sent(&self, seq: u32) -> Option<Sent> {
        let age = self.out_seq.checked_sub(seq).filter(|age| *age > 0)?;
        let at = seq as usize & (self.sent.len() - 1);
        self.sent.get(at).copied().filter(|_| age as usize <= self.sent.len())
    }

    /// Whether messages are missing that the gateway has said.
    pub fn is_behind(&self) -> bool {
        self.answer == 0 || self.in_seq <= self.answer || self.asked
    }

    pub fn next_seq(&self) -> u64 {
        self.in_seq.into()
    }

    // What we say.

    fn put<M: Fields>(&mut self, seq: u32, poss_dup: bool, message: &M) -> &[u8] {
        let head = Head { sequence: seq, poss_dup, comp_id: self.comp_id };
        let length = ocg::put(&mut self.control, &head, message).unwrap_or(0);
        self.control.get(..length).unwrap_or(&[])
    }

    pub fn login(&mut self) -> &[u8] {
        (self.answer, self.asked, self.testing, self.due) = (0, false, false, Due::default());
        let (seq, password) = (self.number(0), self.password);
        let logon = Logon {
            password: password.as_ref().map(Text),
            new_password: None,
            next_expected: self.in_seq,
            session_status: None,
            text: None,
            test: None,
        };
        self.put(seq, false, &logon)
    }

    pub fn logout(&mut self) -> &[u8] {
        let seq = self.number(0);
        self.put(seq, false, &Logout::default())
    }

    pub fn heartbeat(&mut self) -> &[u8] {
        let seq = self.number(0);
        self.put(seq, false, &Heartbeat { reference_test_request_id: None })
    }

    /// The venue has been silent for half of what is borne: asks once whether it is there.
    pub fn is_still(&mut self) {
        if self.tests && !self.testing {
            (self.testing, self.due.test) = (true, true);
        }
    }

    pub fn has_words(&self) -> bool {
        let Due { fill, answer, resend, test } = self.due;
        fill.is_some() || answer.is_some() || resend || test
    }

    /// What the session has to say, one message.
    pub fn say(&mut self) -> &[u8] {
        let due = &mut self.due;
        if let Some(from) = due.fill.take() {
            let fill = SequenceReset { gap_fill: Some(b'Y'), new_sequence: self.out_seq };
            return self.put(from, true, &fill);
        }
        let answered = due.answer.take();
        let resend = answered.is_none() && std::mem::take(&mut due.resend);
        let seq = self.number(0);
        if let Some(id) = answered {
            return self.put(seq, false, &Heartbeat { reference_test_request_id: Some(id) });
        }
        if resend {
            let start = self.in_seq;
            return self.put(seq, false, &ResendRequest { start, end: 0 });
        }
        self.due.test = false;
        self.put(seq, false, &TestRequest { test_request_id: (seq & 0x7fff) as u16 })
    }

    #[inline]
    pub fn enter(&mut self, intent: &OrderIntent, wire: &Wire) -> &[u8] {
        let seq = self.number_placing(intent.cl_ord_id.0);
        self.requests.enter(seq, intent, wire)
    }

    #[inline]
    pub fn replace(&mut self, intent: &OrderIntent, wire: &Wire) -> &[u8] {
        let seq = self.number_placing(intent.cl_ord_id.0);
        self.requests.replace(seq, intent, wire)
    }

    #[inline]
    pub fn cancel(&mut self, intent: &OrderIntent, wire: &Wire) -> &[u8] {
        let seq = self.number(wire.cancel);
        self.requests.cancel(seq, intent, wire)
    }

    /// One message that cancels everything; `id` is the cancel's.
    pub fn cancel_all(&mut self, now: Nanos, id: u32) -> &[u8] {
        let seq = self.number(id);
        self.requests.cancel_all(seq, now, id)
    }

    // The record.

    /// An order or cancel that was sent, as the record has it.
    pub fn replay_sent(&mut self, places: bool, id: u32) {
        match places {
            true => self.number_placing(id),
            false => self.number(id),
        };
    }

    /// A frame of ours that was no order, from the record.
    pub fn replay(&mut self, bytes: &[u8]) -> Option<(usize, Ours)> {
        let (frame, used) = ocg::next_frame(bytes).ok()??;
        if !frame.is_dup() {
            self.out_seq = frame.sequence();
            self.number(0);
        }
        let ours = match Message::parse(&frame) {
            Ok(Message::MassCancel(_)) => Ours::CancelAll,
            Ok(Message::Logon(_)) => {
                (self.answer, self.asked, self.due) = (0, false, Due::default());
                Ours::Login
            }
            Ok(Message::Logout(_)) => Ours::Logout,
            _ => Ours::Other,
        };
        Some((used, ours))
    }

    // What the gateway says.

    /// Bytes of the frame whose front is `cut`, as far as they tell.
    pub fn want(cut: &[u8]) -> usize {
        match *cut {
            [_, low, high, ..] => usize::from(u16::from_le_bytes([low, high])),
            _ => 3,
        }
    }

    #[inline]
    pub fn take(&mut self, ear: &mut Ear<'_>, bytes: &[u8]) -> Taken {
        match ocg::next_frame(bytes) {
            Ok(None) => Taken::Cut,
            Ok(Some((frame, used))) => Taken::Frame { used, heard: self.on_frame(ear, &frame) },
            Err(_) => Taken::Broken,
        }
    }

    fn on_frame(&mut self, ear: &mut Ear<'_>, frame: &Frame<'_>) -> Heard {
        self.testing = false;
        let message = Message::parse(frame);
        let seq = frame.sequence();
        match message {
            Ok(Message::Logon(logon)) => return self.logon(ear, seq, &logon),
            Ok(Message::Logout(logout)) => {
                self.logged_out(ear, &logout);
                return Heard::Nothing;
            }
            _ if self.answer == 0 => {
                ear.machine.anomalies.count(Anomaly::UnexpectedFrame);
                return Heard::Nothing;
            }
            Ok(Message::SequenceReset(reset)) => return self.reset(ear, seq, &reset),
            _ => {}
        }
        if !self.is_next(ear, seq) {
            return Heard::Nothing;
        }
        let message = message.map_err(|_| NoReport::Malformed);
        let read = message.and_then(|message| self.read(ear, &message));
        ear.heard(read)
    }

    /// Whether a message is the first that has not been seen; counts what was seen, and what is
    /// ahead of a gap asks for it.
    #[inline]
    fn is_next(&mut self, ear: &mut Ear<'_>, seq: u32) -> bool {
        if seq < self.in_seq || seq == self.answer {
            ear.machine.anomalies.count(Anomaly::Replayed);
            return false;
        }
        if seq > self.in_seq {
            self.gap(ear);
            return false;
        }
        ear.session.news(ear.now);
        self.seen(seq);
        true
    }

    /// Everything up to `seq` is seen.
    fn seen(&mut self, seq: u32) {
        self.in_seq = self.in_seq.max(seq.saturating_add(1));
        if self.in_seq == self.answer {
            self.in_seq = self.answer.saturating_add(1); // came ahead of what was missed
        }
        self.asked = false;
    }

    #[cold]
    fn gap(&mut self, ear: &mut Ear<'_>) {
        ear.machine.anomalies.count(Anomaly::Gap);
        if !self.asked {
            (self.asked, self.due.resend) = (true, true);
        }
    }

    fn logon(&mut self, ear: &mut Ear<'_>, seq: u32, logon: &Logon<'_>) -> Heard {
        if ear.session.state != SessionState::LoggingIn || self.answer != 0 {
            ear.machine.anomalies.count(Anomaly::UnexpectedFrame);
            return Heard::Nothing;
        }
        if logon.session_status.is_some_and(is_refusal) {
            self.refused(ear, logon.session_status);
            return Heard::Nothing;
        }
        ear.session.news(ear.now);
        let mut opened = Opened { lost: seq < self.in_seq, ..Opened::default() };
        self.answer = seq;
        if seq == self.in_seq {
            self.seen(seq);
        }
        self.arrived(logon.next_expected, &mut opened);
        Heard::Opened(opened)
    }

    /// The gateway wants our number `next`: what was sent from there on never arrived.
    fn arrived(&mut self, next: u32, opened: &mut Opened) {
        if next > self.out_seq || next == 0 {
            opened.foreign = Some(next);
            return;
        }
        if next == self.out_seq {
            opened.next_id = Some(self.placed.saturating_add(1));
            return;
        }
        match self.sent(next) {
            Some(sent) => {
                opened.next_id = Some(sent.placed_before.saturating_add(1));
                self.placed = sent.placed_before;
                self.due.fill = Some(next);
            }
            None => opened.lost = true,
        }
    }

    fn logged_out(&mut self, ear: &mut Ear<'_>, logout: &Logout<'_>) {
        if ear.session.state == SessionState::LoggingIn {
            self.refused(ear, logout.session_status);
        } else if ear.session.is_open() {
            ear.session.state = SessionState::Down;
        }
    }

    fn refused(&mut self, ear: &mut Ear<'_>, status: Option<u8>) {
        ear.machine.anomalies.count(Anomaly::LoginRejected);
        let unauthorised = matches!(status, Some(code::BAD_LOGIN | code::LOCKED | 8 | 100));
        ear.session.state = SessionState::Refused(match status {
            _ if unauthorised => SessionState::NOT_AUTHORISED,
            Some(status) => status,
            None => code::OTHER,
        });
    }

    fn reset(&mut self, ear: &mut Ear<'_>, seq: u32, reset: &SequenceReset) -> Heard {
        let fills = reset.gap_fill == Some(b'Y');
        let next = reset.new_sequence;
        if fills && seq > self.in_seq {
            self.gap(ear);
        } else if next > self.in_seq {
            let missed = u64::from(next - self.in_seq);
            self.seen(next - 1);
            if !fills {
                ear.machine.anomalies.add(Anomaly::Missed, missed);
                return Heard::Missed;
            }
        } else {
            ear.machine.anomalies.count(Anomaly::Replayed);
        }
        Heard::Nothing
    }

    fn read(&mut self, ear: &mut Ear<'_>, message: &Message<'_>) -> Result<Report, NoReport> {
        let cancels = ear.cancels;
        match message {
            Message::Execution(m) => return report::from_ocg(m, cancels, ear.machine),
            Message::TestRequest(m) => self.due.answer = Some(m.test_request_id),
            Message::ResendRequest(m) => self.wanted_again(ear, m.start),
            Message::BusinessReject(m) => {
                let remembered = m.reference_sequence.and_then(|seq| self.sent(seq));
                let id = remembered.map(|sent| sent.id);
                let throttled = report::is_throttle(m.code);
                return report::from_ocg_reject(m.reference_id, id, throttled, m.code, cancels);
            }
            Message::Reject(m) => {
                let id = self.sent(m.reference_sequence).map(|sent| sent.id);
                return report::from_ocg_reject(m.client_order_id, id, false, m.code, cancels);
            }
            _ => {}
        }
        Ok(Report::Note)
    }

    /// The gateway misses messages of ours. At a login that was said before; later it means that
    /// orders were lost on a stream that loses nothing: only another login can prove which.
    fn wanted_again(&mut self, ear: &mut Ear<'_>, start: u32) {
        if ear.session.is_up() {
            ear.machine.anomalies.count(Anomaly::Gap);
            ear.session.state = SessionState::Down;
        } else if start > 0 && start < self.out_seq {
            self.due.fill = Some(start);
        }
    }

    pub fn bytes(&self) -> u64 {
        size_of_val(&*self.sent) as u64
    }
}

/// Whether a session status refuses a login rather than warn of an old password.
fn is_refusal(status: u8) -> bool {
    matches!(status, code::LOGOUT..=8 | 100 | code::OTHER)
}
