//! The snapshot session: a SoupBinTCP client that logs in at sequence 1 and takes messages
//! (SoupBinTCP 3.00; GLIMPSE 5.0).
//!
//! Model: bytes in, frames out, no socket. What is to be done to the connection is kept as flags and
//! handed out in the one order that makes sense.

use nofx_types::Nanos;
use nofx_wire::soup::{self, Frame};

use super::RecoveryConfig;
use super::framer::Framer;
use crate::ConfigError;

/// A connection that is not open and accepted after this never will be.
const LOGIN_NS: u64 = 5_000_000_000;

/// Where the session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Off,
    Connecting,
    LoggingIn,
    Image,
}

/// What came next.
pub(super) enum Step<'a> {
    /// The session is open; its name.
    Accepted(&'a [u8; 10]),
    /// A message of the image.
    Message(&'a [u8]),
    /// A frame that carries nothing.
    Nothing,
    /// The session is of no use.
    Failed,
}

/// What is to be done to the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Todo {
    Connect,
    Close,
    Login,
    Heartbeat,
    Logout,
}

pub(super) struct SnapshotClient {
    pub login: [u8; soup::LOGIN_REQUEST_LEN],
    timeout_ns: u64,
    phase: Phase,
    started: Nanos,
    heard: Nanos,
    said: Nanos,
    todo: [bool; 5],
    framer: Framer,
}

impl SnapshotClient {
    /// With `sessions`, images come from sessions.
    pub fn new(config: &RecoveryConfig, sessions: bool) -> Result<SnapshotClient, ConfigError> {
        Ok(SnapshotClient {
            login: config.login()?,
            timeout_ns: config.snapshot_timeout_ns,
            phase: Phase::Off,
            started: Nanos(0),
            heard: Nanos(0),
            said: Nanos(0),
            todo: [false; 5],
            framer: Framer::new(if sessions { soup::FRAME_MAX } else { 0 }),
        })
    }

    /// Asks for a connection.
    pub fn start(&mut self, now: Nanos) {
        self.phase = Phase::Connecting;
        self.started = now;
        self.framer.clear();
        self.todo(Todo::Connect);
    }

    /// The connection is open; one that nobody asked for is closed.
    pub fn opened(&mut self, now: Nanos) {
        if self.phase != Phase::Connecting {
            return self.todo(Todo::Close);
        }
        self.phase = Phase::LoggingIn;
        (self.heard, self.said) = (now, now);
        self.todo(Todo::Login);
    }

    /// The other side closed; whether that is news.
    pub fn closed(&mut self) -> bool {
        self.todo = [false; 5];
        std::mem::replace(&mut self.phase, Phase::Off) != Phase::Off
    }

    /// Leaves: the image is whole, or of no use.
    pub fn stop(&mut self) {
        if self.phase == Phase::Off {
            return;
        }
        if matches!(self.phase, Phase::LoggingIn | Phase::Image) {
            self.todo(Todo::Logout);
        }
        let unused = [Todo::Connect, Todo::Login, Todo::Heartbeat];
        unused.iter().for_each(|todo| self.todo[*todo as usize] = false);
        self.phase = Phase::Off;
        self.todo(Todo::Close);
    }

    /// The next message of `bytes`, which loses what was read; `None` when it is used up.
    pub fn next<'a, 'b: 'a>(&'a mut self, now: Nanos, bytes: &mut &'b [u8]) -> Option<Step<'a>> {
        if matches!(self.phase, Phase::Off | Phase::Connecting) {
            *bytes = &[]; // of a connection that was given up
            return None;
        }
        self.heard = now;
        let Ok(frame) = self.framer.next(bytes, frame_len);
        let frame = match soup::next_frame(frame?) {
            Ok(Some((frame, _))) => frame,
            Ok(None) | Err(_) => return Some(Step::Failed),
        };
        Some(match (frame, self.phase) {
            (Frame::LoginAccepted(accepted), Phase::LoggingIn)
                if accepted.next_sequence() == Some(1) =>
            {
                self.phase = Phase::Image;
                Step::Accepted(&accepted.session)
            }
            (Frame::Sequenced(message), Phase::Image) => Step::Message(message),
            (
                Frame::ServerHeartbeat
                | Frame::Debug(_)
                | Frame::Unsequenced(_)
                | Frame::Unknown(..),
                _,
            ) => Step::Nothing,
            _ => Step::Failed,
        })
    }

    /// Says that we live, and tells whether the session still does.
    pub fn on_time(&mut self, now: Nanos) -> bool {
        if self.phase == Phase::Off {
            return true;
        }
        let talks = self.phase != Phase::Connecting;
        if talks && now.since(self.said) >= soup::HEARTBEAT_NS {
            self.said = now;
            self.todo(Todo::Heartbeat);
        }
        now < self.until() && !(talks && now.since(self.heard) >= soup::SILENCE_NS)
    }

    /// When `on_time` has something to do.
    pub fn deadline(&self) -> Option<Nanos> {
        match self.phase {
            Phase::Off => None,
            Phase::Connecting => Some(self.until()),
            _ => {
                let silence = self.heard.plus(soup::SILENCE_NS);
                Some(self.until().min(silence).min(self.said.plus(soup::HEARTBEAT_NS)))
            }
        }
    }

    /// When patience ends.
    fn until(&self) -> Nanos {
        let patience = match self.phase {
            Phase::Image => self.timeout_ns,
            _ => self.timeout_ns.min(LOGIN_NS),
        };
        self.started.plus(patience)
    }

    /// The next thing to do: a former session is left before a new one is opened.
    pub fn poll(&mut self) -> Option<Todo> {
        let order = [Todo::Logout, Todo::Close, Todo::Connect, Todo::Login, Todo::Heartbeat];
        order.into_iter().find(|todo| std::mem::take(&mut self.todo[*todo as usize]))
    }

    fn todo(&mut self, todo: Todo) {
        self.todo[todo as usize] = true;
    }
}

/// Bytes of the SoupBinTCP frame at the front.
fn frame_len(bytes: &[u8]) -> Result<Option<usize>, std::convert::Infallible> {
    let length = bytes.first_chunk::<2>();
    Ok(length.map(|length| 2 + usize::from(u16::from_be_bytes(*length))))
}
