//! The client end of a SoupBinTCP session, without a socket.
//!
//! Model: [`Session::login`] gives the bytes that open it; frames of the server move the state.
//! Sequenced messages are numbered from what the server said at login, so after a reconnect the
//! session asks for the first number it has not seen: what comes twice is dropped and counted, what
//! the server no longer has is counted as missed.

use nofx_types::Nanos;
use nofx_wire::soup;

use crate::anomaly::{Anomalies, Anomaly};
use crate::config::{ConfigError, OrderConfig};

/// Where a session stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SessionState {
    /// No login is under way.
    #[default]
    Down,
    /// A login was sent.
    LoggingIn,
    /// Orders may be sent.
    Up,
    /// The login was refused, with the server's letter: `A` not authorised, `S` no such session.
    Refused(u8),
    /// The server ended the session for the day.
    Ended,
    /// The stream lost its frames: close the connection.
    Broken,
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
    last_sent: Nanos,
    last_heard: Nanos,
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
            last_sent: Nanos(0),
            last_heard: Nanos(0),
            heartbeat_ns: config.heartbeat_ns,
            silence_ns: config.silence_ns,
            login: [0; soup::LOGIN_REQUEST_LEN],
        })
    }

    /// The bytes that ask for the session from the first message not seen.
    pub fn login(&mut self, now: Nanos) -> &[u8] {
        let (user, pass) = (&self.username, &self.password);
        // Name and password were checked to fit.
        if let Some(frame) = soup::login_request(user, pass, self.name, self.next_seq) {
            self.login = frame;
        }
        self.state = SessionState::LoggingIn;
        (self.last_sent, self.last_heard) = (now, now);
        &self.login
    }

    #[inline]
    pub fn is_up(&self) -> bool {
        self.state == SessionState::Up
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
        let open = matches!(self.state, SessionState::Up | SessionState::LoggingIn);
        if open && self.silence_ns > 0 && now.since(self.last_heard) >= self.silence_ns {
            self.state = SessionState::Down;
            anomalies.count(Anomaly::Silence);
        }
        let quiet = now.since(self.last_sent);
        let due = self.is_up() && self.heartbeat_ns > 0 && quiet >= self.heartbeat_ns;
        if due {
            self.sent(now);
        }
        due
    }

    /// The server opened the session and said where it continues.
    pub fn accepted(&mut self, frame: &soup::LoginAccepted, anomalies: &mut Anomalies) {
        if self.state != SessionState::LoggingIn {
            return anomalies.count(Anomaly::UnexpectedFrame); // it must not renumber the stream
        }
        let Some(from) = frame.next_sequence() else {
            self.state = SessionState::Broken;
            return anomalies.count(Anomaly::BrokenStream);
        };
        let same = self.known && frame.session.trim_ascii() == self.name.trim_ascii();
        if same && from > self.next_seq {
            anomalies.add(Anomaly::Missed, from - self.next_seq);
        }
        self.next_seq = if same { self.next_seq.max(from) } else { from };
        self.wire_seq = from;
        self.name = frame.session;
        self.known = true;
        self.state = SessionState::Up;
    }

    /// The server refused the session.
    pub fn refused(&mut self, reason: u8, anomalies: &mut Anomalies) {
        if self.state != SessionState::LoggingIn {
            return anomalies.count(Anomaly::UnexpectedFrame);
        }
        self.state = SessionState::Refused(reason);
        anomalies.count(Anomaly::LoginRejected);
    }

    /// Whether messages of the server have numbers: it has answered the login of this connection.
    /// Reports are still read after a logout or the end of the session.
    #[inline]
    pub fn is_numbered(&self) -> bool {
        self.known && self.state != SessionState::LoggingIn
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
