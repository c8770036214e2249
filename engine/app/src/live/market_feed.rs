//! The feed of a live run, whichever protocol it speaks.
//!
//! Model: one of a few kinds, chosen by `feed.kind`; each packet asks once which it is. What the kinds
//! have in common is what [`Recovering`](nofx_feed::Recovering) offers, so the core, the views and the
//! closing report know no protocol.

use nofx_feed::sequencer::Sequencer;
use nofx_feed::{Action, ChannelState, FeedReport, LineAlarm, RecoveringFeed, RecoveryCounters};
use nofx_types::{EventSink, Nanos};

/// See the module.
pub enum MarketFeed {
    /// TotalView-ITCH 5.0 over MoldUDP64, with re-requests and GLIMPSE.
    Itch(Box<RecoveringFeed>),
}

/// Writes a call once for every kind.
macro_rules! each {
    ($self:expr, $feed:ident => $call:expr) => {
        match $self {
            MarketFeed::Itch($feed) => $call,
        }
    };
}

impl MarketFeed {
    /// One datagram of a line.
    #[inline]
    pub fn on_packet<S: EventSink>(
        &mut self,
        line: usize,
        number: u64,
        now: Nanos,
        payload: &[u8],
        sink: &mut S,
    ) {
        each!(self, feed => feed.on_packet(line, number, now, payload, sink));
    }

    /// One datagram of a re-request server.
    pub fn on_reply<S: EventSink>(
        &mut self,
        server: usize,
        now: Nanos,
        payload: &[u8],
        sink: &mut S,
    ) {
        each!(self, feed => feed.on_reply(server, now, payload, sink));
    }

    /// The recovery stream opened.
    pub fn on_stream_opened(&mut self, now: Nanos) {
        each!(self, feed => feed.on_snapshot_opened(now));
    }

    /// Bytes of the recovery stream.
    pub fn on_stream_bytes<S: EventSink>(&mut self, now: Nanos, bytes: &[u8], sink: &mut S) {
        each!(self, feed => feed.on_snapshot_bytes(now, bytes, sink));
    }

    /// The recovery stream ended.
    pub fn on_stream_closed<S: EventSink>(&mut self, now: Nanos, sink: &mut S) {
        each!(self, feed => feed.on_snapshot_closed(now, sink));
    }

    /// Timers.
    pub fn on_time<S: EventSink>(&mut self, now: Nanos, sink: &mut S) {
        each!(self, feed => feed.on_time(now, sink));
    }

    /// What is to be done next.
    pub fn poll_action(&mut self) -> Option<Action<'_>> {
        each!(self, feed => feed.poll_action())
    }

    /// When the time must be taken at the latest.
    pub fn next_deadline(&self) -> Option<Nanos> {
        each!(self, feed => feed.next_deadline())
    }

    /// Where the channel stands.
    pub fn state(&self) -> ChannelState {
        each!(self, feed => feed.state())
    }

    /// Whether the books may be believed.
    pub fn is_trusted(&self) -> bool {
        each!(self, feed => feed.is_trusted())
    }

    /// The next message to be delivered.
    pub fn expected(&self) -> u64 {
        each!(self, feed => feed.expected())
    }

    /// Lines, messages and memory.
    pub fn report(&self) -> FeedReport {
        each!(self, feed => feed.report())
    }

    /// The arbitration, for its counters.
    pub fn sequencer(&self) -> &Sequencer {
        each!(self, feed => feed.sequencer())
    }

    /// What recovery went through.
    pub fn recovery(&self) -> &RecoveryCounters {
        each!(self, feed => feed.recovery())
    }

    /// The alarm of a line.
    pub fn line_alarm(&self, line: usize) -> LineAlarm {
        each!(self, feed => feed.line_alarm(line))
    }

    /// How long a line has said nothing at `now`, nanoseconds.
    pub fn line_silence_ns(&self, line: usize, now: Nanos) -> u64 {
        each!(self, feed => feed.line_silence_ns(line, now))
    }
}
