//! The client end of the TCP session, without a socket: words in, words out, frames found.

use nofx_types::Nanos;
use nofx_wire::num::BeI32;
use nofx_wire::szse::{
    BODY_MAX, Frame, FrameError, HEARTBEAT_FRAME, Logon, Logout, OVERHEAD, Resend, SessionStatus,
    frame_len, next_frame, put_frame, text,
};

use super::config::SzseConfig;

/// Where the session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SzseState {
    /// No connection.
    Down,
    /// The login was sent.
    LoggingIn,
    /// Open.
    Up,
    /// The server ended it, and says why.
    Ended(SessionStatus),
    /// The stream broke: close and connect anew.
    Broken,
}

const LOGON_LEN: usize = size_of::<Logon>() + OVERHEAD;
pub(super) const RESEND_LEN: usize = size_of::<Resend>() + OVERHEAD;

pub(super) struct Session {
    pub state: SzseState,
    logon: [u8; LOGON_LEN],
    /// The front of a frame that was cut.
    cut: Box<[u8]>,
    cut_len: usize,
    heartbeat_ns: u64,
    silence_ns: u64,
    last_sent: Nanos,
    last_heard: Nanos,
    next_attempt: Nanos,
    wait_ns: u64,
    retry_min_ns: u64,
    retry_max_ns: u64,
}

impl Session {
    /// Of a configuration that was checked.
    pub fn new(config: &SzseConfig) -> Session {
        let words = Logon {
            // Lengths were checked.
            sender_comp_id: text(&config.sender).unwrap_or([b' '; 20]),
            target_comp_id: text(&config.target).unwrap_or([b' '; 20]),
            heart_bt_int: BeI32::new(config.heartbeat_s as i32),
            password: text(&config.password).unwrap_or([b' '; 16]),
            default_appl_ver_id: text(&config.version).unwrap_or([b' '; 32]),
        };
        let mut logon = [0; LOGON_LEN];
        put_frame(&mut logon, Logon::TYPE, words.bytes());
        Session {
            state: SzseState::Down,
            logon,
            cut: vec![0; BODY_MAX + OVERHEAD].into(),
            cut_len: 0,
            heartbeat_ns: u64::from(config.heartbeat_s) * 1_000_000_000,
            silence_ns: config.silence_ns,
            last_sent: Nanos(0),
            last_heard: Nanos(0),
            next_attempt: Nanos(0),
            wait_ns: config.retry_min_ns,
            retry_min_ns: config.retry_min_ns,
            retry_max_ns: config.retry_max_ns,
        }
    }

    /// Whether to connect now; each `true` counts as an attempt.
    pub fn should_connect(&mut self, now: Nanos) -> bool {
        let wanted = match self.state {
            SzseState::Down => true,
            SzseState::LoggingIn | SzseState::Up | SzseState::Broken | SzseState::Ended(_) => false,
        };
        let due = wanted && now >= self.next_attempt;
        if due {
            self.next_attempt = now.plus(self.wait_ns);
            self.wait_ns = self.wait_ns.saturating_mul(2).min(self.retry_max_ns);
        }
        due
    }

    pub fn login(&mut self, now: Nanos) -> &[u8] {
        self.state = SzseState::LoggingIn;
        self.cut_len = 0;
        (self.last_sent, self.last_heard) = (now, now);
        &self.logon
    }

    pub fn accepted(&mut self) -> bool {
        let expected = self.state == SzseState::LoggingIn;
        if expected {
            self.state = SzseState::Up;
            self.wait_ns = self.retry_min_ns;
        }
        expected
    }

    pub fn ended(&mut self, logout: &Logout) {
        self.state = SzseState::Ended(SessionStatus::from_wire(logout.session_status.get()));
    }

    /// The connection is gone. After some logouts no login may follow.
    pub fn disconnected(&mut self) {
        self.cut_len = 0;
        if !matches!(self.state, SzseState::Ended(status) if status.is_final()) {
            self.state = SzseState::Down;
        }
    }

    pub fn is_alive(&self) -> bool {
        matches!(self.state, SzseState::LoggingIn | SzseState::Up)
    }

    /// Whether the server has been silent for too long, which ends the session.
    pub fn fell_silent(&mut self, now: Nanos) -> bool {
        let silent =
            self.is_alive() && self.silence_ns > 0 && now.since(self.last_heard) >= self.silence_ns;
        if silent {
            self.state = SzseState::Broken;
        }
        silent
    }

    /// A heartbeat, when one is due.
    pub fn beat(&mut self, now: Nanos) -> Option<&'static [u8]> {
        let due = self.state == SzseState::Up && now.since(self.last_sent) >= self.heartbeat_ns;
        due.then(|| {
            self.last_sent = now;
            &HEARTBEAT_FRAME[..]
        })
    }

    pub fn sent(&mut self, now: Nanos) {
        self.last_sent = self.last_sent.max(now);
    }

    /// When [`Session::beat`] or [`Session::fell_silent`] has something to say.
    pub fn deadline(&self) -> Option<Nanos> {
        match self.state {
            SzseState::Down => Some(self.next_attempt),
            SzseState::LoggingIn | SzseState::Up => {
                let beat = self.last_sent.plus(self.heartbeat_ns);
                Some(beat.min(self.last_heard.plus(self.silence_ns.max(1))))
            }
            SzseState::Ended(_) | SzseState::Broken => None,
        }
    }

    /// Walks over the frames that `bytes` complete. `take` says whether to go on.
    pub fn frames(
        &mut self,
        now: Nanos,
        bytes: &[u8],
        mut take: impl FnMut(&mut Session, Frame<'_>) -> bool,
    ) -> Result<(), FrameError> {
        self.last_heard = self.last_heard.max(now);
        let mut rest = bytes;
        while self.cut_len > 0 && !rest.is_empty() {
            rest = self.join(rest);
            // Lent out and put back, so that the frame can be read while the rest of us moves.
            let cut = std::mem::take(&mut self.cut);
            let found = next_frame(cut.get(..self.cut_len).unwrap_or(&[]));
            let mut goes_on = true;
            if let Ok(Some((frame, _))) = found {
                self.cut_len = 0;
                goes_on = take(self, frame);
            }
            let broken = found.err();
            self.cut = cut;
            if let Some(error) = broken {
                return Err(error);
            }
            if !goes_on {
                return Ok(());
            }
        }
        while let Some((frame, used)) = next_frame(rest)? {
            rest = rest.get(used..).unwrap_or(&[]);
            if !take(self, frame) {
                return Ok(());
            }
        }
        // A frame that is cut is shorter than the longest frame, so it fits.
        if let Some(place) = self.cut.get_mut(self.cut_len..self.cut_len + rest.len()) {
            place.copy_from_slice(rest);
            self.cut_len += rest.len();
        }
        Ok(())
    }

    /// Completes the frame that was cut, first its header, then the rest; what is left of `bytes`.
    fn join<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let want = frame_len(self.cut.get(..self.cut_len).unwrap_or(&[]));
        let missing = want.saturating_sub(self.cut_len).min(bytes.len());
        let (front, rest) = bytes.split_at_checked(missing).unwrap_or((bytes, &[]));
        if let Some(place) = self.cut.get_mut(self.cut_len..self.cut_len + front.len()) {
            place.copy_from_slice(front);
            self.cut_len += front.len();
        }
        rest
    }
}
