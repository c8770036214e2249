//! The channel itself: inputs in, events and actions out.

use nofx_types::{EventSink, Nanos};

use super::refresh::RefreshLine;
use super::request_session::RequestSession;
use super::requester::Requester;
use super::silence::Silence;
use super::snapshot::SnapshotClient;
use super::stage::Stage;
use super::{
    Action, ChannelState, Images, Join, LineAlarm, Recoverable, RecoveryConfig, RecoveryCounters,
};
use crate::packet::{LineFeed, PacketFeed};
use crate::report::FeedReport;
use crate::sequencer::{Holes, Sequencer, Start};
use crate::{ConfigError, FeedConfig};

/// One channel of one protocol; the module says how it recovers.
pub struct Recovering<D> {
    pub(super) feed: LineFeed<D>,
    pub(super) config: RecoveryConfig,
    pub(super) requester: Requester,
    /// Where requests go through a session.
    pub(super) session: RequestSession,
    /// Where images come from a session.
    pub(super) snapshot: SnapshotClient,
    /// Where they come from a line.
    pub(super) refresh: RefreshLine,
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
    /// No line spoke at the last turn.
    pub(super) was_silent: bool,
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
            requester: Requester::new(&recovery, D::REQUESTS),
            session: super::servers::session::<D>(&recovery)?,
            snapshot: SnapshotClient::new(
                &recovery,
                recovery.snapshot && D::IMAGES == Images::Session,
            )?,
            refresh: RefreshLine::new(recovery.snapshot_timeout_ns),
            silence: Silence::new(feed.lines, recovery.silence_ns),
            stage: Stage::Idle,
            image: false,
            snapshot_at: Nanos(0),
            trusted: true,
            stale_since: Nanos(0),
            incarnation: 0,
            was_silent: false,
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
            Stage::Snapshot => self.images_deadline(),
            Stage::Ahead { until } | Stage::Resting { until } => Some(until),
        };
        let hole = self.feed.sequencer().hole_deadline();
        let silence = self.silence.deadline().filter(|_| !self.is_ended());
        [stage, hole, silence].into_iter().flatten().min()
    }

    /// What is to be done next; to be asked until there is nothing more.
    pub fn poll_action(&mut self) -> Option<Action<'_>> {
        match self.image_todo() {
            Some(todo) => Some(self.image_action(todo)),
            None => self.request_action(),
        }
    }

    /// Where the channel stands.
    pub fn state(&self) -> ChannelState {
        let sequencer = self.feed.sequencer();
        match self.stage {
            Stage::Requesting { .. } => ChannelState::Retransmission,
            Stage::Snapshot | Stage::Ahead { .. } => ChannelState::Snapshot,
            Stage::Resting { .. } => ChannelState::Stale,
            Stage::Idle if self.feed.decoder().is_void() => ChannelState::Stale,
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

    /// The protocol, for what it remembers.
    pub fn decoder(&self) -> &D {
        self.feed.decoder()
    }

    /// The protocol, for what the application tells it before the first packet.
    pub fn decoder_mut(&mut self) -> &mut D {
        self.feed.decoder_mut()
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
