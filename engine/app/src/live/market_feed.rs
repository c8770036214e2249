//! The feed of a live run, whichever protocol it speaks.
//!
//! Model: one of a few kinds, chosen by `network.feed`; each packet asks once which it is. Inputs and
//! actions are those of a [`LiveFeed`](nofx_feed::LiveFeed). Two names stand for more than they say: the *stream* of a feed
//! is its TCP connection beside the lines (GLIMPSE of ITCH, the retransmission server of OMD-C, the
//! gateway of Shenzhen itself), and the packets of a line behind the last are those of a refresh line.

use nofx_book::rebuild::HeldOrder;
use nofx_feed::sequencer::Sequencer;
use nofx_feed::{
    Action, ChannelState, FeedReport, LineAlarm, RecoveringFeed, RecoveringOmdc, RecoveryCounters,
};
use nofx_types::{EventSink, InstrumentId, Nanos, Symbol};

use super::szse_feed::SzseLive;

/// See the module.
pub enum MarketFeed {
    /// TotalView-ITCH 5.0 over MoldUDP64, with re-requests and GLIMPSE.
    Itch(Box<RecoveringFeed>),
    /// OMD-C full tick, with retransmission and refresh.
    Omdc {
        /// The channel.
        feed: Box<RecoveringOmdc>,
        /// Its lines; what comes on a later one is refresh.
        lines: usize,
    },
    /// Binary Level-2 of Shenzhen on a TCP session.
    Szse(Box<SzseLive>),
}

/// Writes a call once for every kind that has lines, and apart for the one that has none.
macro_rules! each {
    ($self:expr, $feed:ident => $call:expr, $szse:ident => $other:expr) => {
        match $self {
            MarketFeed::Itch($feed) => $call,
            MarketFeed::Omdc { feed: $feed, .. } => $call,
            MarketFeed::Szse($szse) => $other,
        }
    };
}

impl MarketFeed {
    /// Names instruments before the first packet: they get their ids in this order. ITCH has ids of
    /// its own.
    pub fn name<S: EventSink>(&mut self, symbols: &[Symbol], sink: &mut S) {
        for symbol in symbols {
            match self {
                MarketFeed::Itch(_) => return,
                MarketFeed::Omdc { feed, .. } => {
                    if let Ok(code) = symbol.as_str().parse() {
                        feed.decoder_mut().assign(code, sink);
                    }
                }
                MarketFeed::Szse(feed) => feed.assign(*symbol, sink),
            }
        }
    }

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
        match self {
            MarketFeed::Itch(feed) => feed.on_packet(line, number, now, payload, sink),
            MarketFeed::Omdc { feed, lines } if line < *lines => {
                feed.on_packet(line, number, now, payload, sink);
            }
            MarketFeed::Omdc { feed, .. } => feed.on_refresh(now, payload, sink),
            MarketFeed::Szse(feed) => feed.on_datagram(now, payload, sink),
        }
    }

    /// One datagram of a re-request server.
    pub fn on_reply<S: EventSink>(
        &mut self,
        server: usize,
        now: Nanos,
        payload: &[u8],
        sink: &mut S,
    ) {
        each!(self, feed => feed.on_reply(server, now, payload, sink), _none => ());
    }

    /// The stream opened.
    pub fn on_stream_opened(&mut self, now: Nanos) {
        match self {
            MarketFeed::Itch(feed) => feed.on_snapshot_opened(now),
            MarketFeed::Omdc { feed, .. } => feed.on_retransmit_opened(now),
            MarketFeed::Szse(feed) => feed.opened(),
        }
    }

    /// Bytes of the stream.
    #[inline]
    pub fn on_stream_bytes<S: EventSink>(&mut self, now: Nanos, bytes: &[u8], sink: &mut S) {
        match self {
            MarketFeed::Itch(feed) => feed.on_snapshot_bytes(now, bytes, sink),
            MarketFeed::Omdc { feed, .. } => feed.on_retransmit_bytes(now, bytes, sink),
            MarketFeed::Szse(feed) => feed.receive(now, bytes, sink),
        }
    }

    /// The stream ended, or could not be made.
    pub fn on_stream_closed<S: EventSink>(&mut self, now: Nanos, sink: &mut S) {
        match self {
            MarketFeed::Itch(feed) => feed.on_snapshot_closed(now, sink),
            MarketFeed::Omdc { feed, .. } => feed.on_retransmit_closed(now, sink),
            MarketFeed::Szse(feed) => feed.closed(now, sink),
        }
    }

    /// Timers.
    pub fn on_time<S: EventSink>(&mut self, now: Nanos, sink: &mut S) {
        each!(self, feed => feed.on_time(now, sink), szse => szse.on_time(now, sink));
    }

    /// What is to be done next.
    #[inline]
    pub fn poll_action(&mut self, now: Nanos) -> Option<Action<'_>> {
        each!(self, feed => feed.poll_action(), szse => szse.poll_action(now))
    }

    /// When the time must be taken at the latest.
    #[inline]
    pub fn next_deadline(&self) -> Option<Nanos> {
        each!(self, feed => feed.next_deadline(), szse => szse.next_deadline())
    }

    /// Where the channel stands.
    pub fn state(&self) -> ChannelState {
        each!(self, feed => feed.state(), szse => szse.state())
    }

    /// Whether the stream is the feed itself, and not only its recovery: it is always looked at.
    pub fn lives_on_its_stream(&self) -> bool {
        matches!(self, MarketFeed::Szse(_))
    }

    /// Whether the books may be believed.
    pub fn is_trusted(&self) -> bool {
        each!(self, feed => feed.is_trusted(), szse => szse.is_trusted())
    }

    /// The next message to be delivered.
    pub fn expected(&self) -> u64 {
        each!(self, feed => feed.expected(), szse => szse.expected())
    }

    /// Lines, messages and memory.
    pub fn report(&self) -> FeedReport {
        each!(self, feed => feed.report(), szse => szse.report())
    }

    /// The arbitration of the lines, for its counters; `None` without lines.
    pub fn sequencer(&self) -> Option<&Sequencer> {
        each!(self, feed => Some(feed.sequencer()), _none => None)
    }

    /// Messages that were handed on.
    pub fn messages(&self) -> u64 {
        each!(self, feed => feed.sequencer().counters().delivered, szse => szse.messages())
    }

    /// The order of an instrument whose messages may still come: not in the book yet.
    pub fn held(&self, instrument: InstrumentId) -> Option<HeldOrder> {
        each!(self, _feed => None, szse => szse.held(instrument))
    }

    /// What recovery went through.
    pub fn recovery(&self) -> &RecoveryCounters {
        each!(self, feed => feed.recovery(), szse => szse.recovery())
    }

    /// The alarm of a line.
    pub fn line_alarm(&self, line: usize) -> LineAlarm {
        each!(self, feed => feed.line_alarm(line), _none => LineAlarm::default())
    }

    /// How long a line has said nothing at `now`, nanoseconds.
    pub fn line_silence_ns(&self, line: usize, now: Nanos) -> u64 {
        each!(self, feed => feed.line_silence_ns(line, now), _none => 0)
    }
}
