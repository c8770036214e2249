//! What every session has, whatever it speaks: where it stands, and when something was last sent and
//! heard. What it speaks is [`crate::link`].

use nofx_types::Nanos;

use crate::anomaly::{Anomalies, Anomaly};
use crate::state::SessionState;

#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub state: SessionState,
    last_sent: Nanos,
    last_heard: Nanos,
    /// When the server last said something new, or was asked.
    last_news: Nanos,
    heartbeat_ns: u64,
    silence_ns: u64,
}

impl Session {
    pub fn new(heartbeat_ns: u64, silence_ns: u64) -> Session {
        Session {
            state: SessionState::Down,
            last_sent: Nanos(0),
            last_heard: Nanos(0),
            last_news: Nanos(0),
            heartbeat_ns,
            silence_ns,
        }
    }

    /// A login is sent.
    pub fn login(&mut self, now: Nanos) {
        self.state = SessionState::LoggingIn;
        (self.last_sent, self.last_heard, self.last_news) = (now, now, now);
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
            SessionState::Up
                | SessionState::Waiting(_)
                | SessionState::Reconciling
                | SessionState::Unreconciled(_)
        )
    }

    /// Whether cancels can be sent.
    #[inline]
    pub fn may_cancel(&self) -> bool {
        use SessionState::{Unreconciled, Up, Waiting};
        matches!(self.state, Up | Waiting(_) | Unreconciled(_))
    }

    /// Time since the server last said something new, or was asked.
    pub fn quiet(&self, now: Nanos) -> u64 {
        now.since(self.last_news)
    }

    pub fn news(&mut self, now: Nanos) {
        self.last_news = self.last_news.max(now);
    }

    /// Whether the server has been silent for half of what is borne.
    pub fn is_still(&self, now: Nanos) -> bool {
        self.is_open() && self.silence_ns > 0 && now.since(self.last_heard) >= self.silence_ns / 2
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
            SessionState::Refused(SessionState::NOT_AUTHORISED)
                | SessionState::Ended
                | SessionState::LoggedOut
        )
    }
}
