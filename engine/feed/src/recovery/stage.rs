//! What a channel does about what is missing, and what it tells of its books.

use nofx_types::{EventKind, EventSink, Nanos, StaleReason};

use super::{ChannelState, Recoverable, Recovering};

/// What is being done about what is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
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

impl<D: Recoverable> Recovering<D> {
    /// Nothing is missing and nothing is being done: the state of nearly every packet.
    #[inline]
    pub(super) fn is_calm(&self) -> bool {
        let sequencer = self.feed.sequencer();
        self.trusted != self.gave_up()
            && self.stage == Stage::Idle
            && sequencer.is_level()
            && sequencer.incarnation() == self.incarnation
            && !self.feed.decoder().is_void()
    }

    pub(super) fn is_ended(&self) -> bool {
        let sequencer = self.feed.sequencer();
        sequencer.is_over() && sequencer.is_level()
    }

    /// Whether messages were lost for good in this incarnation.
    pub(super) fn gave_up(&self) -> bool {
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
    pub(super) fn turn<S: EventSink>(&mut self, now: Nanos, sink: &mut S) {
        if self.feed.sequencer().incarnation() != self.incarnation {
            self.begin_anew();
        }
        let heard_again = self.was_silent && !self.silence.all();
        self.was_silent = self.silence.all();
        if self.config.snapshot
            && (self.feed.decoder_mut().take_rejoin() || (D::RESET_NEEDS_IMAGE && heard_again))
        {
            self.feed.sequencer_mut().freeze();
        }
        if !self.images_on_time(now) {
            self.snapshot_failed(now);
        }
        if let Stage::Requesting { .. } = self.stage {
            self.expire_requests(now);
        }
        self.advance(now);
        if let Stage::Requesting { .. } = self.stage {
            self.ask(now);
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
            self.trusted = true;
        }
        if !first && D::RESET_NEEDS_IMAGE && self.config.snapshot {
            self.feed.sequencer_mut().freeze();
        }
        self.requester.begin_anew();
        self.session.stop(); // what is under way in it may be of the former
        self.stop_images();
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
        if need == Need::Messages && self.requester.has_server() && few {
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
        self.start_images(now);
        self.feed.sequencer_mut().evict_oldest(true);
        self.stage = Stage::Snapshot;
    }

    /// Leaves the present stage.
    fn leave(&mut self) {
        self.requester.clear();
        self.stop_images();
        self.feed.sequencer_mut().evict_oldest(false);
    }

    /// The snapshot is of no use. Books that it has begun to fill wait for another one.
    pub(super) fn snapshot_failed(&mut self, now: Nanos) {
        if self.stage != Stage::Snapshot {
            return;
        }
        self.counters.snapshots_failed += 1;
        self.leave();
        self.stage = Stage::Resting { until: now.plus(self.config.retry_ns) };
    }

    /// The image is whole; the stream goes on at `next`.
    pub(super) fn join<S: EventSink>(&mut self, at: Nanos, next: u64, sink: &mut S) -> bool {
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
