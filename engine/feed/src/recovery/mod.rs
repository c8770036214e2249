//! A channel that recovers: what lines cannot bring is re-requested, or comes with a snapshot.
//!
//! Model: [`Recovering`] is a [`LineFeed`](crate::LineFeed) whose sequencer keeps its holes, with a
//! re-request client ([`Requester`]), a snapshot session ([`SnapshotClient`]) and an alarm clock per
//! line ([`Silence`]) around it. Bytes and times go in; events go to the sink, and [`Action`]s are
//! picked up: the application owns every socket. All of it follows from the inputs and their times,
//! so a replay of the inputs takes the same turns.
//!
//! ```text
//!            first datagram        hole          lines have passed it
//!  Waiting ────────────────> Live ──────> Gap ───────────────────────> Retransmission
//!     │                       ^ ^          │ filled by a line            │ filled   │ no answer,
//!     │ not message 1         │ └──────────┴─────────────────────────────┘          │ too long
//!     └────────> Snapshot ────┘ joined, and reached by the lines                     v
//!                  ^  └──> Stale: rest, then again <── no snapshot server ── Snapshot
//! ```
//!
//! Books are trusted in `Live`, in `Gap`, and after the end of the session. Anything else begins with
//! [`EventKind::Stale`] on every instrument and ends with [`EventKind::Recovered`], which is sent
//! only when nothing at all is missing. A snapshot clears the books and leaves them stale until the
//! lines have reached its marker: an image of another day never becomes a market. When all lines
//! are silent the books are stale too, since nobody knows what they missed.
//!
//! A hole that is still open when recovery fails stays open: what waits behind it is not delivered,
//! so a book is either exactly the stream's up to one number, or marked. Worst case: one datagram
//! releases everything that waited ([`RecoveryConfig::buffer_packets`]), and a request walks over
//! what waits once. Nothing allocates after construction.

mod config;
mod counters;
mod requester;
mod silence;
mod snapshot;

use nofx_types::{EventKind, EventSink, Nanos, StaleReason};
use nofx_wire::soup;

use crate::packet::{Decoder, LineFeed, PacketFeed};
use crate::report::FeedReport;
use crate::sequencer::{Answer, Holes, Sequencer, Start};
use crate::{ConfigError, FeedConfig, itch};

pub use config::{IN_FLIGHT_MAX, Join, RecoveryConfig, SERVERS_MAX};
pub use counters::{LineAlarm, RecoveryCounters};
pub use requester::REQUEST_LEN;
use requester::Requester;
use silence::Silence;
use snapshot::{SnapshotClient, Step, Todo};

/// TotalView-ITCH 5.0 over MoldUDP64, recovered by MoldUDP64 requests and GLIMPSE 5.0.
pub type RecoveringFeed = Recovering<itch::Mold>;

/// What a protocol adds to be recovered.
pub trait Recoverable: Decoder {
    /// The packet that asks a re-request server for `count` messages from `first` on.
    fn request(session: u128, first: u64, count: u16) -> [u8; REQUEST_LEN];

    /// What a message of a snapshot says about its end.
    fn mark(message: &[u8]) -> Mark;

    /// Whether a snapshot session of this name is of the stream's session.
    fn is_session(session: u128, name: &[u8; 10]) -> bool;
}

/// Whether a message ends a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It is part of the image.
    None,
    /// The image is whole; this is the first live message.
    Next(u64),
    /// It says so, but not with a number.
    Broken,
}

/// Where a channel stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelState {
    /// Nothing was seen yet.
    Waiting,
    /// Everything that is known to exist was delivered.
    Live,
    /// Something is missing that a line may still bring.
    Gap,
    /// Something is missing that re-request servers are asked for.
    Retransmission,
    /// A snapshot is under way, or was joined and the lines have not reached it.
    Snapshot,
    /// Nothing helped, or no line speaks: waiting to try again.
    Stale,
    /// The session is over and everything of it was delivered.
    Ended,
}

/// What the application is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action<'a> {
    /// Send `bytes` to re-request server number `server`, from the socket that takes its answers.
    Request {
        /// Index below [`RecoveryConfig::servers`].
        server: usize,
        /// One datagram.
        bytes: &'a [u8],
    },
    /// Connect to the snapshot server.
    SnapshotConnect,
    /// Send these bytes on the snapshot connection.
    SnapshotSend(&'a [u8]),
    /// Close the snapshot connection.
    SnapshotClose,
}

/// What is being done about what is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing.
    Idle,
    /// Requests are under way.
    Requesting { since: Nanos },
    /// A snapshot is under way.
    Snapshot,
    /// A snapshot was joined beyond what the lines have shown.
    Ahead { until: Nanos },
    /// Everything failed.
    Resting { until: Nanos },
}

/// What is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    /// Nothing, or what a line may still bring.
    Nothing,
    /// Messages that no line will bring.
    Messages,
    /// The whole book.
    Image,
    /// The lines, to confirm a snapshot.
    Lines,
}

/// One channel of one protocol; the module says how it recovers.
pub struct Recovering<D> {
    feed: LineFeed<D>,
    config: RecoveryConfig,
    requester: Requester,
    snapshot: SnapshotClient,
    silence: Silence,
    stage: Stage,
    /// The present snapshot has begun to fill the books.
    image: bool,
    /// No other snapshot before this.
    snapshot_at: Nanos,
    trusted: bool,
    /// Since when they are not.
    stale_since: Nanos,
    incarnation: u64,
    /// Ends of session seen before this incarnation.
    ends: u64,
    counters: RecoveryCounters,
}

impl<D: Recoverable> Recovering<D> {
    /// Sized by both configurations; fails on a value outside its range, naming its key. A channel
    /// without servers and without snapshots gives holes up, as [`LineFeed`](crate::LineFeed) does.
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
            ends: 0,
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
        self.silence.heard(line, at);
        self.feed.on_packet(line, packet_no, at, payload, sink);
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
            Stage::Idle if !sequencer.is_started() => ChannelState::Waiting,
            Stage::Idle if self.gave_up() => ChannelState::Stale,
            Stage::Idle if self.is_ended() => ChannelState::Ended,
            Stage::Idle if self.silence.all() => ChannelState::Stale,
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

    /// Nothing is missing and nothing is being done: the state of nearly every packet.
    #[inline]
    fn is_calm(&self) -> bool {
        let sequencer = self.feed.sequencer();
        self.trusted != self.gave_up()
            && self.stage == Stage::Idle
            && sequencer.is_level()
            && sequencer.incarnation() == self.incarnation
    }

    fn is_ended(&self) -> bool {
        let sequencer = self.feed.sequencer();
        sequencer.counters().ends > self.ends && sequencer.is_level()
    }

    /// Whether messages were lost for good in this incarnation.
    fn gave_up(&self) -> bool {
        self.feed.sequencer().lost_any()
    }

    fn need(&self) -> Need {
        let sequencer = self.feed.sequencer();
        if sequencer.is_frozen() {
            Need::Image
        } else if sequencer.is_due() {
            Need::Messages
        } else if sequencer.is_ahead() {
            Need::Lines
        } else {
            Need::Nothing
        }
    }

    /// Looks at what the last input changed, and acts on it.
    #[cold]
    #[inline(never)]
    fn turn<S: EventSink>(&mut self, now: Nanos, sink: &mut S) {
        if self.feed.sequencer().incarnation() != self.incarnation {
            self.begin_anew();
        }
        if !self.snapshot.on_time(now) {
            self.snapshot_failed(now);
        }
        if let Stage::Requesting { .. } = self.stage {
            self.requester.expire(now, self.feed.sequencer(), &mut self.counters);
        }
        self.advance(now);
        if let Stage::Requesting { .. } = self.stage {
            let sequencer = self.feed.sequencer();
            let request = |first, count| D::request(sequencer.session(), first, count);
            self.requester.ask(now, sequencer, request, &mut self.counters);
        }
        self.counters.buffer_full = self.feed.sequencer().no_room();
        self.tell(now, sink);
    }

    /// The stream began anew: nothing of the former one matters, and the books were cleared.
    fn begin_anew(&mut self) {
        let sequencer = self.feed.sequencer();
        let first = self.incarnation == 0;
        self.incarnation = sequencer.incarnation();
        if !first {
            self.ends = sequencer.counters().ends;
            self.trusted = true;
        }
        self.requester.clear();
        self.snapshot.stop();
        self.image = false;
        self.stage = Stage::Idle;
    }

    /// Moves the stage on.
    fn advance(&mut self, now: Nanos) {
        let need = self.need();
        let over = match self.stage {
            _ if need == Need::Nothing => {
                self.leave();
                self.stage = Stage::Idle;
                return;
            }
            Stage::Idle => true,
            Stage::Requesting { since } => {
                let old = now.since(since) >= self.config.retransmission_timeout_ns;
                let failed = old || self.requester.failures() >= self.config.attempts;
                if need == Need::Messages && failed {
                    self.counters.retransmissions_failed += 1;
                    self.leave();
                    return self.begin_snapshot(now);
                }
                need != Need::Messages
            }
            Stage::Snapshot => false,
            Stage::Ahead { until } => need != Need::Lines || now >= until,
            Stage::Resting { until } => now >= until,
        };
        if over {
            self.leave();
            self.begin(need, now);
        }
    }

    /// Starts what helps first.
    fn begin(&mut self, need: Need, now: Nanos) {
        let few = self.feed.sequencer().hole_len() <= self.config.retransmission_max_messages;
        if need == Need::Messages && self.stage == Stage::Idle {
            self.counters.holes += 1;
        }
        if need == Need::Messages && self.config.servers > 0 && few {
            self.stage = Stage::Requesting { since: now };
            return;
        }
        self.begin_snapshot(now);
    }

    fn begin_snapshot(&mut self, now: Nanos) {
        if !self.config.snapshot || now < self.snapshot_at {
            let rest = now.plus(self.config.retry_ns);
            let until = if self.config.snapshot { self.snapshot_at } else { rest };
            self.stage = Stage::Resting { until };
            return;
        }
        self.counters.snapshots += 1;
        self.snapshot_at = now.plus(self.config.retry_ns);
        self.image = false;
        self.snapshot.start(now);
        self.feed.sequencer_mut().evict_oldest(true);
        self.stage = Stage::Snapshot;
    }

    /// Leaves the present stage.
    fn leave(&mut self) {
        self.requester.clear();
        self.snapshot.stop();
        self.feed.sequencer_mut().evict_oldest(false);
    }

    /// The snapshot is of no use. Books that it has begun to fill wait for another one.
    fn snapshot_failed(&mut self, now: Nanos) {
        if self.stage != Stage::Snapshot {
            return;
        }
        self.counters.snapshots_failed += 1;
        self.leave();
        self.stage = Stage::Resting { until: now.plus(self.config.retry_ns) };
    }

    /// The image is whole; the stream goes on at `next`.
    fn join<S: EventSink>(&mut self, at: Nanos, next: u64, sink: &mut S) -> bool {
        let (sequencer, mut delivery) = self.feed.split(sink);
        if !sequencer.join(next, at, &mut delivery) {
            return false;
        }
        self.counters.snapshots_joined += 1;
        self.leave();
        self.stage = Stage::Ahead { until: at.plus(self.config.snapshot_timeout_ns) };
        true
    }

    /// Tells the sink when the books cease to be trusted, and when they are again.
    fn tell<S: EventSink>(&mut self, now: Nanos, sink: &mut S) {
        let state = self.state();
        let trusted = match state {
            ChannelState::Waiting | ChannelState::Live | ChannelState::Ended => true,
            ChannelState::Gap => self.trusted,
            _ => false,
        };
        if trusted == self.trusted {
            return;
        }
        self.trusted = trusted;
        let kind = if trusted {
            self.counters.recover_ns.record(now.since(self.stale_since));
            EventKind::Recovered
        } else {
            self.counters.stale_episodes += 1;
            self.stale_since = now;
            if self.gave_up() {
                return; // the gap was told where it happened
            }
            EventKind::Stale(StaleReason::Gap)
        };
        let (sequencer, mut delivery) = self.feed.split(sink);
        delivery.stream_event(sequencer.expected(), now, true, kind);
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
