//! The client end of a SoupBinTCP session, without a socket.
//!
//! Model: [`Session::login`] gives the bytes that open it; frames of the server move the state.
//! Sequenced messages are numbered from what the server said at login, so after a reconnect the
//! session asks for the first number it has not seen: what comes twice is dropped and counted, what
//! the server no longer has is counted as missed. When the server no longer has the session that is
//! named and no order is open, the next login asks for the current one.

use nofx_types::Nanos;
use nofx_wire::soup;

use crate::anomaly::{Anomalies, Anomaly};
use crate::config::{ConfigError, OrderConfig};
use crate::state::SessionState;

/// What a login found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opened {
    /// Another session than the one of the last login.
    pub changed: bool,
    /// Messages that were not seen are gone.
    pub missed: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub state: SessionState,
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
    last_sent: Nanos,
    last_heard: Nanos,
    /// When the server last said something new, or was asked.
    last_news: Nanos,
    heartbeat_ns: u64,
    silence_ns: u64,
    login: [u8; soup::LOGIN_REQUEST_LEN],
}

impl Session {
    pub fn new(config: &OrderConfig) -> Result<Session, ConfigError> {
        config.check()?;
        Ok(Session {
            state: SessionState::Down,
            username: config.username.clone(),
            password: config.password.clone(),
            name: soup::session_name(&config.session).unwrap_or(soup::ANY_SESSION),
            next_seq: config.sequence,
            wire_seq: 0,
            known: false,
            numbered: false,
            ask_any: false,
            last_sent: Nanos(0),
            last_heard: Nanos(0),
            last_news: Nanos(0),
            heartbeat_ns: config.heartbeat_ns,
            silence_ns: config.silence_ns,
            login: [0; soup::LOGIN_REQUEST_LEN],
        })
    }

    /// The bytes that ask for the session from the first message not seen.
    pub fn login(&mut self, now: Nanos) -> &[u8] {
        let (user, pass) = (&self.username, &self.password);
        let (name, from) = match self.ask_any {
            true => (soup::ANY_SESSION, 1),
            false => (self.name, self.next_seq),
        };
        // Name and password were checked to fit.
        if let Some(frame) = soup::login_request(user, pass, name, from) {
            self.login = frame;
        }
        self.state = SessionState::LoggingIn;
        self.numbered = false;
        (self.last_sent, self.last_heard, self.last_news) = (now, now, now);
        &self.login
    }

    #[inline]
    pub fn is_up(&self) -> bool {
        self.state == SessionState::Up
    }

    /// Whether the server has taken the login and not ended the session.
    #[inline]
    pub fn is_open(&self) -> bool {
        matches!(
            self.state,
            SessionState::Up | SessionState::Reconciling | SessionState::Unreconciled(_)
        )
    }

    /// Time since the server last said something new, or was asked.
    pub fn quiet(&self, now: Nanos) -> u64 {
        now.since(self.last_news)
    }

    pub fn news(&mut self, now: Nanos) {
        self.last_news = self.last_news.max(now);
    }

    #[inline]
    pub fn sent(&mut self, now: Nanos) {
        self.last_sent = self.last_sent.max(now);
    }

    #[inline]
    pub fn heard(&mut self, now: Nanos) {
        self.last_heard = self.last_heard.max(now);
    }

    /// Whether a heartbeat is due; gives the session up when the server has been silent too long.
    pub fn keep_alive(&mut self, now: Nanos, anomalies: &mut Anomalies) -> bool {
        let alive = self.is_open() || self.state == SessionState::LoggingIn;
        if alive && self.silence_ns > 0 && now.since(self.last_heard) >= self.silence_ns {
            self.state = SessionState::Down;
            anomalies.count(Anomaly::Silence);
        }
        let quiet = now.since(self.last_sent);
        let due = self.is_open() && self.heartbeat_ns > 0 && quiet >= self.heartbeat_ns;
        if due {
            self.sent(now);
        }
        due
    }

    /// The server opened the session and said where it continues; `None` when it did not.
    pub fn accepted(
        &mut self,
        frame: &soup::LoginAccepted,
        anomalies: &mut Anomalies,
    ) -> Option<Opened> {
        if self.state != SessionState::LoggingIn {
            anomalies.count(Anomaly::UnexpectedFrame); // it must not renumber the stream
            return None;
        }
        let Some(from) = frame.next_sequence() else {
            self.state = SessionState::Broken;
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
        Some(Opened { changed, missed: missed > 0 })
    }

    /// The server refused the session. With no order open, another session of it will do.
    pub fn refused(&mut self, reason: u8, none_open: bool, anomalies: &mut Anomalies) {
        if self.state != SessionState::LoggingIn {
            return anomalies.count(Anomaly::UnexpectedFrame);
        }
        self.state = SessionState::Refused(reason);
        self.ask_any = reason == soup::REJECT_NO_SESSION && none_open && self.known;
        anomalies.count(Anomaly::LoginRejected);
    }

    /// The connection is gone. What ended the session for good stays to be seen.
    pub fn disconnected(&mut self) {
        if !matches!(self.state, SessionState::Refused(_)) && !self.has_ended() {
            self.state = SessionState::Down;
        }
    }

    /// Whether no login may follow.
    pub fn has_ended(&self) -> bool {
        matches!(
            self.state,
            SessionState::Refused(soup::REJECT_NOT_AUTHORISED)
                | SessionState::Ended
                | SessionState::LoggedOut
        )
    }

    /// Whether messages of the server have numbers: it has answered the login of this connection.
    /// Reports are still read after a logout or the end of the session.
    #[inline]
    pub fn is_numbered(&self) -> bool {
        self.numbered
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
}
