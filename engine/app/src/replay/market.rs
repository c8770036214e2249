//! What stands at the other end of the wire in a replay: the simulated venue, or nothing.

use nofx_types::{BookEvent, Instrument, Nanos};
use nofx_venue::ReplayVenue;

use crate::hot_path::OrderPort;

/// Longest message of a venue that is taken over: OUCH reports with every optional field stay below.
pub const FRAME_MAX: usize = 512;

/// A message on its way from the venue, copied out so that answers may be sent while it is read.
pub struct Frame {
    bytes: [u8; FRAME_MAX],
    len: usize,
}

impl Default for Frame {
    fn default() -> Self {
        Frame { bytes: [0; FRAME_MAX], len: 0 }
    }
}

impl Frame {
    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(&[])
    }

    fn set(&mut self, bytes: &[u8]) {
        self.len = bytes.len().min(FRAME_MAX);
        for (slot, byte) in self.bytes.iter_mut().zip(bytes) {
            *slot = *byte;
        }
    }
}

/// The other end of the wire.
pub trait Market: OrderPort {
    /// Whether orders are taken at all; a false here folds everything about it away.
    const TAKES_ORDERS: bool;

    /// The replayed market moved; the engine has seen the event.
    fn on_event(&mut self, event: &BookEvent);

    /// An instrument was defined.
    fn define(&mut self, instrument: &Instrument);

    /// The next message that reached the engine by `now`, and when.
    fn next_message(&mut self, now: Nanos, frame: &mut Frame) -> Option<Nanos>;

    /// What happened at this end, by name.
    fn counts(&self) -> impl Iterator<Item = (&'static str, u64)>;

    /// Bytes by holder, fixed at construction.
    fn memory(&self) -> impl Iterator<Item = (&'static str, u64)>;
}

/// Nobody is there: for strategies that send nothing.
pub struct Nobody;

impl OrderPort for Nobody {
    fn send(&mut self, _: Nanos, _: &[u8]) {}
}

impl Market for Nobody {
    const TAKES_ORDERS: bool = false;

    #[inline(always)]
    fn on_event(&mut self, _: &BookEvent) {}

    fn define(&mut self, _: &Instrument) {}

    #[inline(always)]
    fn next_message(&mut self, _: Nanos, _: &mut Frame) -> Option<Nanos> {
        None
    }

    fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        std::iter::empty()
    }

    fn memory(&self) -> impl Iterator<Item = (&'static str, u64)> {
        std::iter::empty()
    }
}

/// How much of a quiet stretch the venue lives through.
const QUIET_NS: u64 = 3_600_000_000_000;

/// The simulated venue, acting on the replayed market.
pub struct Simulated {
    /// The venue.
    pub venue: ReplayVenue,
    /// Bytes it would not take because too many were under way: counted, as a full socket would
    /// break the session.
    pub refused_bytes: u64,
}

impl OrderPort for Simulated {
    #[inline]
    fn send(&mut self, now: Nanos, bytes: &[u8]) {
        let taken = self.venue.on_bytes(now, bytes);
        self.refused_bytes += (bytes.len() - taken) as u64;
    }
}

impl Market for Simulated {
    const TAKES_ORDERS: bool = true;

    #[inline]
    fn on_event(&mut self, event: &BookEvent) {
        self.venue.on_event(event);
    }

    fn define(&mut self, instrument: &Instrument) {
        self.venue.define(instrument);
    }

    /// Serves the venue's dates one by one, so that an answer to an answer arrives in its turn. Of a
    /// long quiet stretch only the last hour is lived through (all that happens in one are
    /// heartbeats), so that a damaged time stamp costs no more than that.
    #[inline]
    fn next_message(&mut self, now: Nanos, frame: &mut Frame) -> Option<Nanos> {
        let mut served = Nanos(0);
        while let Some(due) = self.venue.next_due().filter(|due| *due <= now && *due > served) {
            served = due;
            let at = due.max(Nanos(now.0.saturating_sub(QUIET_NS)));
            self.venue.on_time(at);
            if let Some((at, bytes)) = self.venue.poll_out(at) {
                frame.set(bytes);
                return Some(at);
            }
        }
        None
    }

    fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.venue.counts().chain([("venue_refused_bytes", self.refused_bytes)])
    }

    fn memory(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.venue.memory()
    }
}
