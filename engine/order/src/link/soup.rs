//! The client end of a SoupBinTCP session with OUCH 5.0 or 4.2.
//!
//! Model: [`Soup::login`] gives the bytes that open it; frames of the server move the state.
//! Sequenced messages are numbered from what the server said at login, so after a reconnect the
//! session asks for the first number it has not seen: what comes twice is dropped and counted, what
//! the server no longer has is counted as missed. When the server no longer has the session that is
//! named and no order is open, the next login asks for the current one.

use nofx_types::Nanos;
use nofx_wire::ouch50::Inbound;
use nofx_wire::soup::{self, Frame};

use super::{Opened, Ours};
use crate::anomaly::{Anomalies, Anomaly};
use crate::config::{OrderConfig, Protocol};
use crate::frames::Frames;
use crate::machine::Machine;
use crate::session::Session;
use crate::state::SessionState;

/// What a frame comes to, as far as orders are concerned.
pub(crate) enum SoupHeard<'a> {
    /// A report that was not seen before, still to be read.
    Report(&'a [u8]),
    /// The login was accepted.
    Opened(Opened),
}

#[derive(Clone, Debug)]
pub(crate) struct Soup {
    pub frames: Frames,
    protocol: Protocol,
    username: String,
    password: String,
    name: soup::Session,
    /// First sequenced message that has not been seen.
    next_seq: u64,
    /// Number of the next sequenced message on the wire.
    wire_seq: u64,
    known: bool,
    /// The server has answered the login of this connection: its messages have numbers.
    numbered: bool,
    /// The session of this name is gone: ask for the current one.
    ask_any: bool,
    login: [u8; soup::LOGIN_REQUEST_LEN],
}

impl Soup {
    pub fn new(config: &OrderConfig) -> Soup {
        Soup {
            frames: Frames::new(config),
            protocol: config.protocol,
            username: config.username.clone(),
            password: config.password.clone(),
            name: soup::session_name(&config.session).unwrap_or(soup::ANY_SESSION),
            next_seq: config.sequence,
            wire_seq: 0,
            known: false,
            numbered: false,
            ask_any: false,
            login: [0; soup::LOGIN_REQUEST_LEN],
        }
    }

    /// The bytes that ask for the session from the first message not seen.
    pub fn login(&mut self) -> &[u8] {
        let (user, pass) = (&self.username, &self.password);
        let (name, from) = match self.ask_any {
            true => (soup::ANY_SESSION, 1),
            false => (self.name, self.next_seq),
        };
        // Name and password were checked to fit.
        if let Some(frame) = soup::login_request(user, pass, name, from) {
            self.login = frame;
        }
        self.numbered = false;
        &self.login
    }

    /// Bytes of the frame whose front is `cut`, as far as they tell.
    pub fn want(cut: &[u8]) -> usize {
        match *cut {
            [high, low, ..] => 2 + usize::from(u16::from_be_bytes([high, low])),
            _ => 2,
        }
    }

    /// Takes one frame of the server.
    #[inline]
    pub fn hear<'a>(
        &mut self,
        now: Nanos,
        session: &mut Session,
        machine: &mut Machine,
        frame: &Frame<'a>,
    ) -> Option<SoupHeard<'a>> {
        let anomalies = &mut machine.anomalies;
        match *frame {
            Frame::Sequenced(body) if self.numbered => {
                session.news(now);
                match self.is_new() {
                    true => return Some(SoupHeard::Report(body)),
                    false => anomalies.count(Anomaly::Replayed),
                }
            }
            Frame::ServerHeartbeat | Frame::Debug(_) => {}
            Frame::LoginAccepted(accepted) => {
                return self.accepted(session, accepted, anomalies).map(SoupHeard::Opened);
            }
            Frame::LoginRejected(reason) => {
                let none_open = machine.orders.open_count() == 0;
                self.refused(session, reason, none_open, anomalies);
            }
            Frame::EndOfSession => session.state = SessionState::Ended,
            Frame::Sequenced(_)
            | Frame::Unsequenced(_)
            | Frame::LoginRequest(_)
            | Frame::ClientHeartbeat
            | Frame::Logout
            | Frame::Unknown(..) => anomalies.count(Anomaly::UnexpectedFrame),
        }
        None
    }

    /// The server opened the session and said where it continues.
    fn accepted(
        &mut self,
        session: &mut Session,
        frame: &soup::LoginAccepted,
        anomalies: &mut Anomalies,
    ) -> Option<Opened> {
        if session.state != SessionState::LoggingIn {
            anomalies.count(Anomaly::UnexpectedFrame); // it must not renumber the stream
            return None;
        }
        let Some(from) = frame.next_sequence() else {
            session.state = SessionState::Broken;
            anomalies.count(Anomaly::BrokenStream);
            return None;
        };
        let same = frame.session.trim_ascii() == self.name.trim_ascii();
        let changed = self.known && !same;
        // At the first login 0 asks for whatever comes.
        let missed = match !changed && self.next_seq > 0 {
            true => from.saturating_sub(self.next_seq),
            false => 0,
        };
        anomalies.add(Anomaly::Missed, missed);
        self.next_seq = if changed { from } else { self.next_seq.max(from) };
        self.wire_seq = from;
        self.name = frame.session;
        (self.known, self.numbered, self.ask_any) = (true, true, false);
        Some(Opened { changed, missed: missed > 0, ..Opened::default() })
    }

    /// The server refused the session. With no order open, another session of it will do.
    fn refused(
        &mut self,
        session: &mut Session,
        reason: u8,
        none_open: bool,
        anomalies: &mut Anomalies,
    ) {
        if session.state != SessionState::LoggingIn {
            return anomalies.count(Anomaly::UnexpectedFrame);
        }
        session.state = SessionState::Refused(reason);
        self.ask_any = reason == soup::REJECT_NO_SESSION && none_open && self.known;
        anomalies.count(Anomaly::LoginRejected);
    }

    /// Whether the server's numbers have not reached those that were seen.
    pub fn is_behind(&self) -> bool {
        self.wire_seq < self.next_seq
    }

    /// Numbers one sequenced message; false when it had been seen before.
    #[inline]
    pub fn is_new(&mut self) -> bool {
        let seq = self.wire_seq;
        self.wire_seq = seq.saturating_add(1);
        let new = seq >= self.next_seq;
        self.next_seq = self.next_seq.max(self.wire_seq);
        new
    }

    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Whether the venue answers account queries.
    pub fn has_query(&self) -> bool {
        self.protocol == Protocol::Ouch50
    }

    /// A frame of ours that was no order, from the record.
    pub fn replay(&mut self, bytes: &[u8]) -> Option<(usize, Ours)> {
        let (frame, used) = soup::next_frame(bytes).ok()??;
        let ours = match frame {
            Frame::LoginRequest(_) => {
                self.login();
                Ours::Login
            }
            Frame::Unsequenced(body) => match Inbound::parse(body) {
                Ok((Inbound::Query(_), _)) => Ours::Query,
                _ => Ours::Other,
            },
            Frame::Logout => Ours::Logout,
            _ => Ours::Other,
        };
        Some((used, ours))
    }
}
