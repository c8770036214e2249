//! One connection: its session, what it speaks, and its byte stream, which may be cut anywhere.

use nofx_types::Nanos;

use crate::backoff::Backoff;
use crate::config::OrderConfig;
use crate::link::{Link, Ours};
use crate::seen::Seen;
use crate::session::Session;
use crate::state::SessionState;

#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub session: Session,
    pub link: Link,
    pub backoff: Backoff,
    /// The front of a frame that was cut.
    cut: Box<[u8]>,
    cut_len: usize,
}

impl Line {
    pub fn new(config: &OrderConfig, link: Link) -> Line {
        Line {
            session: Session::new(config.heartbeat_ns, config.silence_ns),
            backoff: Backoff::new(config.retry_min_ns, config.retry_max_ns),
            cut: vec![0; link.frame_max()].into_boxed_slice(),
            cut_len: 0,
            link,
        }
    }

    /// Whether to connect now; each `true` counts as an attempt.
    pub fn should_connect(&mut self, now: Nanos) -> bool {
        let state = self.session.state;
        let down =
            matches!(state, SessionState::Down | SessionState::Refused(_) | SessionState::Broken);
        down && !self.session.has_ended() && self.backoff.attempt(now)
    }

    /// Whether the connection is of no more use.
    pub fn should_disconnect(&self) -> bool {
        !self.session.is_open() && self.session.state != SessionState::LoggingIn
    }

    /// The connection is gone.
    pub fn disconnected(&mut self, now: Nanos) {
        self.backoff.ended(now);
        self.session.disconnected();
        self.cut_len = 0;
    }

    /// A login goes out on a new connection.
    pub fn login(&mut self, now: Nanos) -> &[u8] {
        self.cut_len = 0;
        self.session.login(now);
        self.link.login(now)
    }

    /// What the session itself has to say, a heartbeat where `beat` says that one is due.
    pub fn words(&mut self, now: Nanos, beat: bool, seen: &Seen) -> Option<&[u8]> {
        if self.session.is_open() && self.link.has_words() {
            self.session.news(now);
            self.session.sent(now);
            return Some(self.link.say(seen));
        }
        beat.then(|| self.link.heartbeat())
    }

    /// The first frame of ours that was no order, from the record: its length, and what it was.
    pub fn replay(&mut self, now: Nanos, bytes: &[u8]) -> Option<(usize, Ours)> {
        let (used, ours) = self.link.replay(bytes)?;
        match ours {
            Ours::Login => {
                self.cut_len = 0;
                self.session.login(now);
            }
            Ours::Logout => self.session.state = SessionState::LoggedOut,
            Ours::Query | Ours::CancelAll | Ours::Other => {}
        }
        self.session.sent(now);
        Some((used, ours))
    }

    /// Whether the front of a frame waits for its rest.
    #[inline]
    pub fn is_cut(&self) -> bool {
        self.cut_len > 0
    }

    /// Joins `bytes` to the frame that was cut, first what tells its length, then the rest; what is
    /// left of them.
    pub fn join<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let want = self.link.want(self.cut.get(..self.cut_len).unwrap_or(&[]));
        let missing = want.saturating_sub(self.cut_len).min(bytes.len());
        let (front, rest) = bytes.split_at_checked(missing).unwrap_or((bytes, &[]));
        if let Some(place) = self.cut.get_mut(self.cut_len..self.cut_len + front.len()) {
            place.copy_from_slice(front);
            self.cut_len += front.len();
        }
        rest
    }

    /// Lends the joined bytes, so that they can be read while the rest of us moves; to be given back.
    pub fn lend(&mut self) -> (Box<[u8]>, usize) {
        (std::mem::take(&mut self.cut), self.cut_len)
    }

    /// Takes the buffer back; a frame that was read is gone from it.
    pub fn give_back(&mut self, cut: Box<[u8]>, read: bool) {
        self.cut = cut;
        if read {
            self.cut_len = 0;
        }
    }

    /// Keeps the front of a frame.
    pub fn keep(&mut self, rest: &[u8]) {
        // A frame that is cut is shorter than the longest frame, so it fits.
        if let Some(place) = self.cut.get_mut(..rest.len()) {
            place.copy_from_slice(rest);
            self.cut_len = rest.len();
        }
    }

    pub fn bytes(&self) -> u64 {
        self.cut.len() as u64 + self.link.bytes()
    }
}
