//! [`LiveFeed`]: what a live loop needs of a channel, whatever its protocol.

use nofx_types::{EventSink, Nanos};

use super::{Action, ChannelState, LineAlarm, Recoverable, Recovering, RecoveryCounters};
use crate::report::FeedReport;
use crate::sequencer::Sequencer;

/// A channel that takes bytes and times and says what is to be done; it owns no socket and no
/// clock. A protocol that has no use for an input ignores it.
pub trait LiveFeed {
    /// Takes one UDP payload that came on `line` at `at`.
    fn on_packet<S: EventSink>(
        &mut self,
        line: usize,
        packet_no: u64,
        at: Nanos,
        payload: &[u8],
        sink: &mut S,
    );

    /// Takes one UDP payload that re-request server `server` sent.
    fn on_reply<S: EventSink>(&mut self, server: usize, at: Nanos, payload: &[u8], sink: &mut S);

    /// The snapshot connection that was asked for is open.
    fn on_snapshot_opened(&mut self, at: Nanos);

    /// Takes bytes of the snapshot connection, cut anywhere.
    fn on_snapshot_bytes<S: EventSink>(&mut self, at: Nanos, bytes: &[u8], sink: &mut S);

    /// The snapshot connection ended, or could not be made, and nobody had asked for that.
    fn on_snapshot_closed<S: EventSink>(&mut self, at: Nanos, sink: &mut S);

    /// Takes one UDP payload of the refresh line.
    fn on_refresh<S: EventSink>(&mut self, at: Nanos, payload: &[u8], sink: &mut S);

    /// The connection to a re-request server that was asked for is open.
    fn on_retransmit_opened(&mut self, at: Nanos);

    /// Takes bytes of it, cut anywhere.
    fn on_retransmit_bytes<S: EventSink>(&mut self, at: Nanos, bytes: &[u8], sink: &mut S);

    /// It ended, or could not be made, and nobody had asked for that.
    fn on_retransmit_closed<S: EventSink>(&mut self, at: Nanos, sink: &mut S);

    /// Timers; to be called each turn of the loop, or at [`LiveFeed::next_deadline`].
    fn on_time<S: EventSink>(&mut self, now: Nanos, sink: &mut S);

    /// When [`LiveFeed::on_time`] has something to do at the latest.
    fn next_deadline(&self) -> Option<Nanos>;

    /// What is to be done next; to be asked until there is nothing more.
    fn poll_action(&mut self) -> Option<Action<'_>>;

    /// Where the channel stands.
    fn state(&self) -> ChannelState;

    /// Whether the books are the stream's up to the last message delivered.
    fn is_trusted(&self) -> bool;

    /// The next message to be delivered.
    fn expected(&self) -> u64;

    /// Lines, messages and memory.
    fn report(&self) -> FeedReport;

    /// The arbitration, for its counters.
    fn sequencer(&self) -> &Sequencer;

    /// What recovery went through.
    fn recovery(&self) -> &RecoveryCounters;

    /// The alarm of a line.
    fn line_alarm(&self, line: usize) -> LineAlarm;

    /// How long a line has said nothing at `now`, nanoseconds.
    fn line_silence_ns(&self, line: usize, now: Nanos) -> u64;
}

impl<D: Recoverable> LiveFeed for Recovering<D> {
    #[inline]
    fn on_packet<S: EventSink>(
        &mut self,
        line: usize,
        packet_no: u64,
        at: Nanos,
        payload: &[u8],
        sink: &mut S,
    ) {
        self.on_packet(line, packet_no, at, payload, sink);
    }

    fn on_reply<S: EventSink>(&mut self, server: usize, at: Nanos, payload: &[u8], sink: &mut S) {
        self.on_reply(server, at, payload, sink);
    }

    fn on_snapshot_opened(&mut self, at: Nanos) {
        self.on_snapshot_opened(at);
    }

    fn on_snapshot_bytes<S: EventSink>(&mut self, at: Nanos, bytes: &[u8], sink: &mut S) {
        self.on_snapshot_bytes(at, bytes, sink);
    }

    fn on_snapshot_closed<S: EventSink>(&mut self, at: Nanos, sink: &mut S) {
        self.on_snapshot_closed(at, sink);
    }

    fn on_refresh<S: EventSink>(&mut self, at: Nanos, payload: &[u8], sink: &mut S) {
        self.on_refresh(at, payload, sink);
    }

    fn on_retransmit_opened(&mut self, at: Nanos) {
        self.on_retransmit_opened(at);
    }

    fn on_retransmit_bytes<S: EventSink>(&mut self, at: Nanos, bytes: &[u8], sink: &mut S) {
        self.on_retransmit_bytes(at, bytes, sink);
    }

    fn on_retransmit_closed<S: EventSink>(&mut self, at: Nanos, sink: &mut S) {
        self.on_retransmit_closed(at, sink);
    }

    #[inline]
    fn on_time<S: EventSink>(&mut self, now: Nanos, sink: &mut S) {
        self.on_time(now, sink);
    }

    fn next_deadline(&self) -> Option<Nanos> {
        self.next_deadline()
    }

    #[inline]
    fn poll_action(&mut self) -> Option<Action<'_>> {
        self.poll_action()
    }

    fn state(&self) -> ChannelState {
        self.state()
    }

    fn is_trusted(&self) -> bool {
        self.is_trusted()
    }

    fn expected(&self) -> u64 {
        self.expected()
    }

    fn report(&self) -> FeedReport {
        self.report()
    }

    fn sequencer(&self) -> &Sequencer {
        self.sequencer()
    }

    fn recovery(&self) -> &RecoveryCounters {
        self.recovery()
    }

    fn line_alarm(&self, line: usize) -> LineAlarm {
        self.line_alarm(line)
    }

    fn line_silence_ns(&self, line: usize, now: Nanos) -> u64 {
        self.line_silence_ns(line, now)
    }
}
