//! Where a stream stands, why, and how often: moved together, so that the counts cannot disagree.

use std::io;

use nofx_types::Nanos;

use super::{StreamCounters, StreamError, StreamState};

/// Ended by [`super::Stream::close`].
pub(super) const CLOSED_HERE: &str = "closed here";
/// The peer ended it in order.
pub(super) const CLOSED_BY_PEER: &str = "closed by peer";
/// The peer does not know the connection.
pub(super) const RESET: &str = "reset by peer";
/// Nobody listens there.
pub(super) const REFUSED: &str = "refused";
/// No answer in time.
pub(super) const TIMED_OUT: &str = "timed out";
/// Before the first connection.
const NEVER: &str = "not connected yet";

/// State, reason, counts and the time the handshake may take.
#[derive(Debug)]
pub(super) struct Life {
    pub state: StreamState,
    pub reason: &'static str,
    pub counters: StreamCounters,
    within_ns: u64,
    asked: Nanos,
}

impl Life {
    /// A stream that gives a handshake up after `within_ns`.
    pub fn new(within_ns: u64) -> Life {
        let counters = StreamCounters::default();
        Life { state: StreamState::Closed, reason: NEVER, counters, within_ns, asked: Nanos(0) }
    }

    /// The handshake began at `now`.
    pub fn connecting(&mut self, now: Nanos) {
        if self.state != StreamState::Closed {
            self.ended(CLOSED_HERE);
        }
        (self.state, self.reason, self.asked) = (StreamState::Connecting, "", now);
    }

    /// Whether the handshake has taken too long.
    pub fn overdue(&self, now: Nanos) -> bool {
        self.state == StreamState::Connecting && now.since(self.asked) > self.within_ns
    }

    /// Bytes flow from now on.
    pub fn opened(&mut self) {
        (self.state, self.reason) = (StreamState::Open, "");
        self.counters.opened += 1;
    }

    /// It ended or did not come about; the first reason stands.
    pub fn ended(&mut self, reason: &'static str) {
        if self.state != StreamState::Closed {
            (self.state, self.reason) = (StreamState::Closed, reason);
            self.counters.closed += 1;
        }
    }

    /// The peer, the way or the system ended it, or refused to begin; only the last is an error.
    pub fn failed(&mut self, error: &io::Error) {
        let words = words(error);
        self.counters.errors += u64::from(![REFUSED, RESET, TIMED_OUT].contains(&words));
        self.ended(words);
    }

    /// Counts a message of `len` bytes, or why it was not taken.
    #[inline]
    pub fn admit(&mut self, len: usize, room: usize) -> Result<(), StreamError> {
        if self.state != StreamState::Open {
            return Err(StreamError::NotOpen);
        }
        if len > room {
            self.counters.full += 1;
            return Err(StreamError::Full);
        }
        self.counters.tx_bytes += len as u64;
        Ok(())
    }
}

/// What an error of a socket means, in words that stay.
fn words(error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        Some(libc::ECONNREFUSED) => REFUSED,
        Some(libc::ECONNRESET | libc::EPIPE | libc::ECONNABORTED) => RESET,
        Some(libc::ETIMEDOUT) => TIMED_OUT,
        Some(libc::EHOSTUNREACH) => "no way to the host",
        Some(libc::ENETUNREACH) => "no way to the network",
        Some(libc::ENETDOWN) => "the network is down",
        Some(libc::EADDRNOTAVAIL) => {
            "the source address is not of this host, or its ports are used up"
        }
        Some(libc::EADDRINUSE) => "the source address and port are in use",
        Some(libc::ENODEV) => "no such interface",
        Some(libc::EACCES | libc::EPERM) => "not permitted",
        Some(libc::EMFILE | libc::ENFILE) => "too many open files",
        Some(libc::ENOBUFS | libc::ENOMEM) => "the kernel has no memory for it",
        _ => "an error of the system",
    }
}
