//! Byte streams for order entry and snapshots: kernel TCP, a TCP stack of our own over a frame
//! port, and a pair in memory for tests, behind one trait.
//!
//! Model: a [`Stream`] is polled like a port and never waits. Bytes that arrived are lent by
//! [`Stream::received`] until [`Stream::consume`]; a message is sent whole or not at all, so nobody
//! ever holds half an order. A stream that ended is connected again by [`Stream::connect`]; when to
//! do so (back-off) is its user's decision.

mod life;
pub mod pair;
mod queue;
pub mod smol;
mod socket;
pub mod tcp;
mod templates;

use std::fmt;

use nofx_types::Nanos;

pub use pair::{PairControl, PairEnd, pair};
pub use smol::{SmolConfig, SmolError, SmolRole, SmolTcp};
pub use tcp::{KernelListener, KernelTcp, TcpConfig};

/// Where a stream stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StreamState {
    /// Not connected, and why.
    #[default]
    Closed,
    /// The handshake is under way.
    Connecting,
    /// Bytes flow.
    Open,
}

/// Why bytes were not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamError {
    /// Not open.
    NotOpen,
    /// No room for the whole message; nothing of it was sent.
    Full,
}

/// Counts of a stream since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StreamCounters {
    /// Bytes received.
    pub rx_bytes: u64,
    /// Bytes taken for sending.
    pub tx_bytes: u64,
    /// Messages refused for want of room.
    pub full: u64,
    /// Connections that opened.
    pub opened: u64,
    /// Connections that ended or failed.
    pub closed: u64,
    /// Errors of the system other than "nothing there".
    pub errors: u64,
}

/// A byte stream to one peer.
pub trait Stream {
    /// Starts to connect, after closing what was open.
    fn connect(&mut self, now: Nanos);

    /// Moves the connection on: handshake, timers, bytes in and out. `now` is any clock that rises.
    fn poll(&mut self, now: Nanos) -> StreamState;

    /// Where it stood at the last poll.
    fn state(&self) -> StreamState;

    /// Why it is closed, for people: `refused`, `reset by peer`, …; empty while it is not.
    fn reason(&self) -> &str;

    /// Bytes that have arrived and were not consumed.
    fn received(&self) -> &[u8];

    /// Forgets the first `len` bytes of [`Stream::received`].
    fn consume(&mut self, len: usize);

    /// Sends all of `bytes` or nothing.
    ///
    /// # Errors
    /// Nothing was sent.
    fn send(&mut self, bytes: &[u8]) -> Result<(), StreamError>;

    /// Announces that messages of this length, and mostly these bytes, will be sent: the stream
    /// prepares what it can. Before the hot path; it may allocate.
    fn prebuild(&mut self, _message: &[u8]) {}

    /// Bytes that can be sent now.
    fn room(&self) -> usize;

    /// Bytes that were taken for sending and wait in this stream for their turn. After
    /// [`Stream::close`], keep polling while it is not 0.
    fn unsent(&self) -> usize {
        0
    }

    /// Closes in order: it is closed at once for its user, and what was sent still leaves with the
    /// polls that follow.
    fn close(&mut self);

    /// Counts so far.
    fn counters(&self) -> StreamCounters;

    /// What it is: `kernel TCP 10.0.0.1:5000, nodelay`, …
    fn describe(&self) -> String;
}

impl fmt::Display for StreamState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StreamState::Closed => "closed",
            StreamState::Connecting => "connecting",
            StreamState::Open => "open",
        })
    }
}

impl<S: Stream + ?Sized> Stream for Box<S> {
    fn connect(&mut self, now: Nanos) {
        (**self).connect(now);
    }

    fn poll(&mut self, now: Nanos) -> StreamState {
        (**self).poll(now)
    }

    fn state(&self) -> StreamState {
        (**self).state()
    }

    fn reason(&self) -> &str {
        (**self).reason()
    }

    fn received(&self) -> &[u8] {
        (**self).received()
    }

    fn consume(&mut self, len: usize) {
        (**self).consume(len);
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), StreamError> {
        (**self).send(bytes)
    }

    fn prebuild(&mut self, message: &[u8]) {
        (**self).prebuild(message);
    }

    fn room(&self) -> usize {
        (**self).room()
    }

    fn unsent(&self) -> usize {
        (**self).unsent()
    }

    fn close(&mut self) {
        (**self).close();
    }

    fn counters(&self) -> StreamCounters {
        (**self).counters()
    }

    fn describe(&self) -> String {
        (**self).describe()
    }
}
