//! One connection of a gateway: bytes in and out, and how long either side was silent.

use nofx_types::Nanos;

/// Bytes that may wait for the rest of a frame: no client message is longer.
pub(super) const WAITING_MAX: usize = 1 << 16;

/// Bytes that a client may leave unread before it is cut off.
const UNREAD_MAX: usize = 64 << 20;

/// Nanoseconds that a client has to log on.
const LOGON_NS: u64 = 10_000_000_000;

/// One connection.
#[derive(Default)]
pub(super) struct Stream {
    waiting: Vec<u8>,
    output: Vec<u8>,
    /// Whether it is to last.
    pub open: bool,
    /// Whether a client is logged on.
    pub logged_on: bool,
    /// Whether the client was cut off because it did not read.
    pub cut: bool,
    /// When something last came.
    pub heard: Nanos,
    /// When something was last sent.
    pub spoken: Nanos,
    /// Number of the last message sent, where the protocol numbers them per connection.
    pub sent: u64,
    /// Number of the last message that came.
    pub came: u64,
    /// Sets of reports that are live here: the client has had what there was.
    pub live: Vec<bool>,
    /// Nanoseconds between heartbeats, 0 for none.
    pub beat_ns: u64,
}

impl Stream {
    /// A client connected.
    pub fn connect(&mut self, now: Nanos, sets: usize) {
        *self = Stream {
            open: true,
            heard: now,
            spoken: now,
            live: vec![false; sets],
            ..Stream::default()
        };
    }

    /// The connection is to end when what waits has been sent.
    pub fn end(&mut self) {
        self.open = false;
        self.logged_on = false;
        self.waiting.clear();
        self.live.clear();
    }

    /// The connection ended.
    pub fn lost(&mut self) {
        self.end();
        self.output.clear();
    }

    /// Appends what came, and lends all that waits; give back what is no whole frame yet.
    pub fn take(&mut self, now: Nanos, bytes: &[u8]) -> Vec<u8> {
        self.heard = now;
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.extend_from_slice(bytes);
        waiting
    }

    /// Gives back what is no whole frame yet: everything behind the first `used` bytes.
    pub fn give_back(&mut self, mut waiting: Vec<u8>, used: usize) {
        waiting.drain(..used.min(waiting.len()));
        if self.open {
            self.waiting = waiting;
        }
    }

    /// Sends a frame.
    pub fn send(&mut self, now: Nanos, frame: &[u8]) {
        self.spoken = now;
        self.output.extend_from_slice(frame);
        if self.output.len() > UNREAD_MAX {
            self.lost();
            self.cut = true;
        }
    }

    /// What waits to be sent.
    pub fn output(&self) -> &[u8] {
        &self.output
    }

    /// The first `bytes` were sent.
    pub fn drop_sent(&mut self, bytes: usize) {
        self.output.drain(..bytes.min(self.output.len()));
    }

    /// Whether a heartbeat of ours is due.
    pub fn beat_due(&self, now: Nanos) -> bool {
        self.logged_on && self.beat_ns > 0 && now.since(self.spoken) >= self.beat_ns
    }

    /// Whether a client that connected has had its time to log on; what it sent may be a frame
    /// that never ends.
    pub fn late(&self, now: Nanos) -> bool {
        self.open && !self.logged_on && now.since(self.spoken) >= LOGON_NS
    }

    /// Whether the client has been silent for so many heartbeats.
    pub fn silent(&self, now: Nanos, beats: u64) -> bool {
        self.logged_on
            && self.beat_ns > 0
            && now.since(self.heard) >= self.beat_ns.saturating_mul(beats)
    }
}
