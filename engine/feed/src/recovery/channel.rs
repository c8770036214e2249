//! The channel itself: inputs in, events and actions out.

use nofx_types::{EventSink, Nanos};
use nofx_wire::soup;

use super::requester::Requester;
use super::silence::Silence;
use super::snapshot::{SnapshotClient, Step, Todo};
use super::stage::Stage;
use super::{
    Action, ChannelState, Join, LineAlarm, Mark, Recoverable, RecoveryConfig, RecoveryCounters,
};
use crate::packet::{LineFeed, PacketFeed};
use crate::report::FeedReport;
use crate::sequencer::{Answer, Holes, Sequencer, Start};
use crate::{ConfigError, FeedConfig};

/// One channel of one protocol; the module says how it recovers.
pub struct Recovering<D> {
    pub(super) feed: LineFeed<D>,
    pub(super) config: RecoveryConfig,
    pub(super) requester: Requester,
    pub(super) snapshot: SnapshotClient,
    pub(super) silence: Silence,
    pub(super) stage: Stage,
    /// The present snapshot has begun to fill the books.
    pub(super) image: bool,
    /// No other snapshot before this.
    pub(super) snapshot_at: Nanos,
    pub(super) trusted: bool,
    /// Since when they are not.
    pub(super) stale_since: Nanos,
    pub(super) incarnation: u64,
    pub(super) counters: RecoveryCounters,
}

impl<D: Recoverable> Recovering<D> {
    /// Sized by both configurations; fails on a value outside its range, naming its key. A channel
    /// without servers and without snapshots gives holes up, as [`LineFeed`] does.
    pub fn new(feed: FeedConfig, recovery: RecoveryConfig) -> Result<Self, ConfigError> {
        recovery.check()?;
        let start = if recovery.join == Join::FromOne { Start::FromOne } else { Start::Live };
        let feed = FeedConfig { start, park_packets: recovery.buffer_packets, ..feed };
        let mut lines = LineFeed::new(feed)?;
        lines.sequencer_mut().keep(match recovery.join {
            _ if recovery.servers == 0 && !recovery.snapshot => Holes::GiveUp,
            Join::Snapshot => Holes::KeepAndJoin,
            Join::FromOne | Join::Live => Holes::Keep,
        });
        Ok(Recovering {
            feed: lines,
            requester: Requester::new(&recovery),
            snapshot: SnapshotClient::new(&recovery)?,
            silence: Silence::new(feed.lines, recovery.silence_ns),
            stage: Stage::Idle,
            image: false,
            snapshot_at: Nanos(0),
            trusted: true,
            stale_since: Nanos(0),
            incarnation: 0,
            counters: RecoveryCounters::default(),
            config: recovery,
        })
    }

    /// Takes one UDP payload that came on `line` at `at`.
    #[inline]
    pub fn on_packet<S: EventSink>(
        &mut self,
        line: usize,
        packet_no: u64,
        at: Nanos,
        payload: &[u8],
        sink: &mut S,
    ) {
        let Some(datagram) = self.feed.decoder_mut().datagram(payload) else { return };
        let (sequencer, mut delivery) = self.feed.split(sink);
        sequencer.on_packet(line, packet_no, at, &datagram, &mut delivery);
        if datagram.session == sequencer.session() && !sequencer.is_back(line) {
            self.silence.heard(line, at);
        }
        if !self.is_calm() {
            self.turn(at, sink);
        }
    }

    /// Takes one UDP payload that re-request server `server` sent.
    pub fn on_reply<S: EventSink>(
        &mut self,
        server: usize,
        at: Nanos,
        payload: &[u8],
        sink: &mut S,
    ) {
        self.counters.replies += 1;
        let known_server = server < self.config.servers;
        let datagram = self.feed.decoder_mut().datagram(payload).filter(|_| known_server);
        let Some(datagram) = datagram else {
            self.counters.replies_refused += 1;
            return;
        };
        let (sequencer, mut delivery) = self.feed.split(sink);
        match sequencer.on_answer(at, &datagram, &mut delivery) {
            Answer::New(messages) => self.counters.recovered += messages,
            Answer::Known => self.counters.replies_late += 1,
            Answer::Refused => {
                self.counters.replies_refused += 1;
                return;
            }
        }
        let end = datagram.seq.saturating_add(u64::from(datagram.count));
        self.requester.answered(datagram.seq, end);
        self.turn(at, sink);
    }

    /// The snapshot connection that was asked for is open.
    pub fn on_snapshot_opened(&mut self, at: Nanos) {
        self.snapshot.opened(at);
    }

    /// Takes bytes of the snapshot connection, cut anywhere.
    pub fn on_snapshot_bytes<S: EventSink>(&mut self, at: Nanos, bytes: &[u8], sink: &mut S) {
        let mut rest = bytes;
        let mut failed = false;
        // Each turn takes a frame of at least two bytes.
        while let Some(step) = self.snapshot.next(at, &mut rest) {
            let sequencer = self.feed.sequencer();
            let session = sequencer.session();
            let mark = match step {
                Step::Nothing => continue,
                Step::Accepted(name)
                    if !self.config.snapshot_same_session || D::is_session(session, name) =>
                {
                    continue;
                }
                Step::Accepted(_) | Step::Failed => Mark::Broken,
                Step::Message(message) => {
                    self.counters.snapshot_messages += 1;
                    let first = !std::mem::replace(&mut self.image, true);
                    image(&mut self.feed, at, message, first, sink)
                }
            };
            match mark {
                Mark::None => {}
                Mark::Next(next) => {
                    failed = !self.join(at, next, sink);
                    break;
                }
                Mark::Broken => {
                    failed = true;
                    break;
                }
            }
        }
        if failed {
            self.snapshot_failed(at);
        }
        self.turn(at, sink);
    }

    /// The snapshot connection ended, or could not be made, and nobody had asked for that.
    pub fn on_snapshot_closed<S: EventSink>(&mut self, at: Nanos, sink: &mut S) {
        if self.snapshot.closed() {
            self.snapshot_failed(at);
        }
        self.turn(at, sink);
    }

    /// Timers; to be called each turn of the loop, or at [`Recovering::next_deadline`].
    #[inline]
    pub fn on_time<S: EventSink>(&mut self, now: Nanos, sink: &mut S) {
        if !self.is_ended() {
            self.silence.check(now);
        }
        if !self.is_calm() || self.silence.all() {
            self.feed.on_time(now, sink);
            self.turn(now, sink);
        }
    }

    /// When [`Recovering::on_time`] has something to do at the latest.
    pub fn next_deadline(&self) -> Option<Nanos> {
        let stage = match self.stage {
            Stage::Idle => None,
            Stage::Requesting { since } => {
                let end = since.plus(self.config.retransmission_timeout_ns);
                Some(self.requester.deadline().map_or(end, |next| next.min(end)))
            }
            Stage::Snapshot => self.snapshot.deadline(),
            Stage::Ahead { until } | Stage::Resting { until } => Some(until),
        };
        let hole = self.feed.sequencer().hole_deadline();
        let silence = self.silence.deadline().filter(|_| !self.is_ended());
        [stage, hole, silence].into_iter().flatten().min()
    }

    /// What is to be done next; to be asked until there is nothing more.
    pub fn poll_action(&mut self) -> Option<Action<'_>> {
        if let Some(todo) = self.snapshot.poll() {
            return Some(match todo {
                Todo::Connect => Action::SnapshotConnect,
                Todo::Close => Action::SnapshotClose,
                Todo::Login => Action::SnapshotSend(&self.snapshot.login),
                Todo::Heartbeat => Action::SnapshotSend(&soup::CLIENT_HEARTBEAT),
                Todo::Logout => Action::SnapshotSend(&soup::LOGOUT),
            });
        }
        self.requester.poll().map(|(server, bytes)| Action::Request { server, bytes })
    }

    /// Where the channel stands.
    pub fn state(&self) -> ChannelState {
        let sequencer = self.feed.sequencer();
        match self.stage {
            Stage::Requesting { .. } => ChannelState::Retransmission,
            Stage::Snapshot | Stage::Ahead { .. } => ChannelState::Snapshot,
            Stage::Resting { .. } => ChannelState::Stale,
            Stage::Idle if self.gave_up() => ChannelState::Stale,
            Stage::Idle if self.is_ended() => ChannelState::Ended,
            Stage::Idle if self.silence.all() => ChannelState::Stale,
            Stage::Idle if !sequencer.is_started() => ChannelState::Waiting,
            Stage::Idle if sequencer.is_level() => ChannelState::Live,
            Stage::Idle => ChannelState::Gap,
        }
    }

    /// Whether the books are the stream's up to the last message delivered: whether the last thing
    /// the sink was told is not that they are stale.
    pub fn is_trusted(&self) -> bool {
        self.trusted
    }

    /// The next message to be delivered.
    pub fn expected(&self) -> u64 {
        self.feed.sequencer().expected()
    }

    /// Lines, messages and memory. Messages of snapshots count in `total` and by type.
    pub fn report(&self) -> FeedReport {
        self.feed.report()
    }

    /// The arbitration, for its counters.
    pub fn sequencer(&self) -> &Sequencer {
        self.feed.sequencer()
    }

    /// What recovery went through.
    pub fn recovery(&self) -> &RecoveryCounters {
        &self.counters
    }

    /// The alarm of a line.
    pub fn line_alarm(&self, line: usize) -> LineAlarm {
        self.silence.alarm(line)
    }

    /// How long a line has said nothing at `now`, nanoseconds.
    pub fn line_silence_ns(&self, line: usize, now: Nanos) -> u64 {
        self.silence.of(line, now)
    }
}

/// A message of a snapshot: what it says about its end, or part of the image, of which the first
/// clears the books.
fn image<D: Recoverable, S: EventSink>(
    feed: &mut LineFeed<D>,
    at: Nanos,
    message: &[u8],
    first: bool,
    sink: &mut S,
) -> Mark {
    let mark = D::mark(message);
    let (sequencer, mut delivery) = feed.split(sink);
    if first {
        sequencer.freeze();
        delivery.begin_image(at);
    }
    if mark == Mark::None {
        delivery.unnumbered(at, message);
    }
    mark
}
