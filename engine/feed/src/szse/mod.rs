//! Shenzhen binary Level-2: a TCP session or datagrams, channels of numbered ticks, events per channel
//! (Binary Market Data Interface Specification of the exchange).
//!
//! Model: four parts in a row. [`session`] is the client end of the TCP session without a socket:
//! login, heartbeats, frames out of bytes cut anywhere. [`channel`] puts the ticks of each channel in
//! the order of their numbers: what is ahead of a hole waits in bounded memory while the hole is
//! asked for; what cannot be had is given up. [`translate`] makes of each tick the raw events that
//! a rebuild adaptor of the book stage wants, and of statuses phases and definitions. [`check`]
//! compares snapshots with the books.
//!
//! ```text
//!  bytes ──> session ──> channel ──> translate ──> ChannelSink ──> rebuild adaptor ──> book
//!  datagram ───┘  frames    number order  raw events    by channel
//!                 └──> snapshots, statuses ──> phases, definitions, cross-check
//! ```
//!
//! Shenzhen has no snapshot of orders, so a hole that nobody fills leaves the books of its channel
//! stale for the day. A security belongs to the channel that its first tick came on. A wrong checksum
//! ends the connection: the stream has no other place to begin again. Datagrams of appliances carry
//! whole frames of the same kind; a wrong one is dropped alone.
//!
//! Worst case: a tick that fills a hole delivers all that waited behind it
//! ([`SzseConfig::park_ticks`]); giving a hole up walks all instruments. Nothing allocates after
//! construction but [`SzseFeed::report`].

mod channel;
mod check;
mod config;
mod counters;
mod feed;
mod session;
mod tick;
mod translate;

pub use channel::ChannelView;
pub use config::{SzseConfig, SzseJoin};
pub use counters::SzseCounters;
pub use feed::{SzseAction, SzseFeed};
pub use session::SzseState;
pub use translate::{SecurityView, raw_events};

use nofx_types::{BookEvent, EventSink, Instrument, InstrumentId, Level, Side};

/// Receives events with the channel they came in, which says what may follow what.
pub trait ChannelSink {
    /// One event of a channel; events of no channel in particular come with channel 0.
    fn on_event(&mut self, channel: u16, event: &BookEvent);

    /// An instrument was named or redefined.
    fn on_definition(&mut self, instrument: &Instrument) {
        let _ = instrument;
    }

    /// Fills `out` with the best levels of a book and says how many there are; `None` where there is
    /// no book, or it is in the middle of something.
    fn levels(&self, instrument: InstrumentId, side: Side, out: &mut [Level]) -> Option<usize> {
        let _ = (instrument, side, out);
        None
    }
}

/// An [`EventSink`] that does not care for channels.
#[derive(Debug)]
pub struct AnyChannel<'a, S>(pub &'a mut S);

impl<S: EventSink> ChannelSink for AnyChannel<'_, S> {
    #[inline]
    fn on_event(&mut self, _: u16, event: &BookEvent) {
        self.0.on_event(event);
    }

    fn on_definition(&mut self, instrument: &Instrument) {
        self.0.on_definition(instrument);
    }
}
