//! The session with a retransmission server: a stream that is logged in to and then asked
//! (OMD-C Binary Interface Specifications 1.45, retransmission).
//!
//! Model: bytes in, packets out, no socket; what is to be done to the connection is kept as flags and
//! handed out in the one order that makes sense. A session is opened when a request waits, and
//! stays open until the server ends it, a request times out or another server is asked: logons are
//! few. Time is the requests' own: a session that never comes to be is a request that times out.

use super::framer::Framer;
use super::protocol::{BrokenStream, Recoverable, Request};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Off,
    Connecting,
    LoggingIn,
    Open,
}

/// What is to be done to the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Todo {
    Close,
    Connect,
    Logon,
    Heartbeat,
}

pub(super) struct RequestSession {
    pub logon: Request,
    pub heartbeat: Request,
    phase: Phase,
    pub server: usize,
    todo: [bool; 4],
    framer: Framer,
}

impl RequestSession {
    /// `bytes` is the largest packet, 0 where there are no sessions.
    pub fn new(logon: Request, heartbeat: Request, bytes: usize) -> RequestSession {
        let framer = Framer::new(bytes);
        RequestSession { logon, heartbeat, phase: Phase::Off, server: 0, todo: [false; 4], framer }
    }

    /// A request waits for `server`.
    pub fn want(&mut self, server: usize) {
        if self.phase != Phase::Off && self.server == server {
            return;
        }
        self.stop();
        self.server = server;
        self.phase = Phase::Connecting;
        self.framer.clear();
        self.todo(Todo::Connect);
    }

    /// Whether requests can be sent.
    pub fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    /// Whether there is a connection, or one that is being made.
    pub fn is_on(&self) -> bool {
        self.phase != Phase::Off
    }

    /// The connection is open; one that nobody asked for is closed.
    pub fn opened(&mut self) {
        if self.phase != Phase::Connecting {
            return self.todo(Todo::Close);
        }
        self.phase = Phase::LoggingIn;
        self.todo(Todo::Logon);
    }

    /// The logon was accepted; false when nobody had asked.
    pub fn logged_on(&mut self) -> bool {
        let asked = self.phase == Phase::LoggingIn;
        if asked {
            self.phase = Phase::Open;
        }
        asked
    }

    /// The other side closed; whether that is news.
    pub fn closed(&mut self) -> bool {
        self.todo = [false; 4];
        std::mem::replace(&mut self.phase, Phase::Off) != Phase::Off
    }

    /// Leaves.
    pub fn stop(&mut self) {
        if self.phase == Phase::Off {
            return;
        }
        self.todo = [false; 4];
        self.phase = Phase::Off;
        self.todo(Todo::Close);
    }

    /// The server asked whether we live.
    pub fn answer_heartbeat(&mut self) {
        if self.phase == Phase::Open {
            self.todo(Todo::Heartbeat);
        }
    }

    /// The next packet of `bytes`, which loses what was read; `None` when it is used up.
    pub fn next<'a, 'b: 'a, D: Recoverable>(
        &'a mut self,
        bytes: &mut &'b [u8],
    ) -> Result<Option<&'a [u8]>, BrokenStream> {
        if matches!(self.phase, Phase::Off | Phase::Connecting) {
            *bytes = &[]; // of a connection that was given up
            return Ok(None);
        }
        self.framer.next(bytes, D::stream_len)
    }

    /// The next thing to do: a former session is left before a new one is opened.
    pub fn poll(&mut self) -> Option<Todo> {
        let order = [Todo::Close, Todo::Connect, Todo::Logon, Todo::Heartbeat];
        order.into_iter().find(|todo| std::mem::take(&mut self.todo[*todo as usize]))
    }

    fn todo(&mut self, todo: Todo) {
        self.todo[todo as usize] = true;
    }
}
