//! Shenzhen live: the gateway's session, the rebuild of clean books, and when they may be believed.
//!
//! Model: [`SzseFeed`] holds the session and the order of each channel; its raw events go through
//! [`Rebuild`] into the books. While the session is down nobody knows what was missed, so all books
//! are stale until every channel that was known has spoken again and has no hole.

use nofx_book::rebuild::HeldOrder;
use nofx_feed::szse::SzseState;
use nofx_feed::{Action, ChannelState, FeedReport, RecoveryCounters, SzseAction, SzseFeed};
use nofx_types::{EventSink, InstrumentId, Nanos, Symbol};

use crate::feeds::{Rebuild, mark_all_stale, recover, whole};

/// See the module.
pub struct SzseLive {
    feed: SzseFeed,
    rebuild: Rebuild,
    /// The login is to be sent.
    login_due: bool,
    /// Books are stale since the session was lost.
    stale: bool,
    stale_since: Nanos,
    counters: RecoveryCounters,
}

impl SzseLive {
    /// A session that is not connected.
    pub fn new(feed: SzseFeed, rebuild: Rebuild) -> SzseLive {
        SzseLive {
            feed,
            rebuild,
            login_due: false,
            stale: false,
            stale_since: Nanos(0),
            counters: RecoveryCounters::default(),
        }
    }

    /// Names a security before the first tick.
    pub fn assign<S: EventSink>(&mut self, symbol: Symbol, sink: &mut S) {
        self.feed.assign(symbol, &mut self.rebuild.clean(sink));
    }

    /// One datagram of whole frames: appliances send the same messages as packets.
    #[inline]
    pub fn on_datagram<S: EventSink>(&mut self, now: Nanos, payload: &[u8], sink: &mut S) {
        self.feed.on_datagram(now, payload, &mut self.rebuild.clean(sink));
    }

    /// The connection is open.
    pub fn opened(&mut self) {
        self.login_due = true;
    }

    /// Bytes of the connection.
    #[inline]
    pub fn receive<S: EventSink>(&mut self, now: Nanos, bytes: &[u8], sink: &mut S) {
        self.feed.receive(now, bytes, &mut self.rebuild.clean(sink));
        if self.stale {
            self.look(now, sink);
        }
    }

    /// The connection ended.
    pub fn closed<S: EventSink>(&mut self, now: Nanos, sink: &mut S) {
        self.login_due = false;
        self.feed.disconnected(now);
        if !self.stale && self.feed.channels().next().is_some() {
            (self.stale, self.stale_since) = (true, now);
            self.counters.stale_episodes += 1;
            mark_all_stale(now, sink);
        }
    }

    /// Timers.
    pub fn on_time<S: EventSink>(&mut self, now: Nanos, sink: &mut S) {
        self.feed.on_time(now, &mut self.rebuild.clean(sink));
        if self.stale {
            self.look(now, sink);
        }
    }

    /// Whether everything that was missed has come.
    #[cold]
    fn look<S: EventSink>(&mut self, now: Nanos, sink: &mut S) {
        if self.feed.state() == SzseState::Up && whole(&self.feed) {
            self.stale = false;
            self.counters.recover_ns.record(now.since(self.stale_since));
            recover(&self.feed, now, sink);
        }
    }

    /// What is to be done next.
    pub fn poll_action(&mut self, now: Nanos) -> Option<Action<'_>> {
        if std::mem::take(&mut self.login_due) {
            return Some(Action::SnapshotSend(self.feed.login(now)));
        }
        self.feed.poll_action(now).map(|action| match action {
            SzseAction::Connect => Action::SnapshotConnect,
            SzseAction::Send(bytes) => Action::SnapshotSend(bytes),
            SzseAction::Close => Action::SnapshotClose,
        })
    }

    /// When the time must be taken at the latest.
    pub fn next_deadline(&self) -> Option<Nanos> {
        self.feed.next_deadline()
    }

    /// Where the feed stands, in the words of a channel.
    pub fn state(&self) -> ChannelState {
        let hole = || self.feed.channels().any(|channel| channel.expected <= channel.high);
        match self.feed.state() {
            SzseState::Up if self.stale || hole() => ChannelState::Retransmission,
            SzseState::Up => ChannelState::Live,
            _ if self.stale => ChannelState::Stale,
            _ => ChannelState::Waiting,
        }
    }

    /// Whether the books may be believed.
    pub fn is_trusted(&self) -> bool {
        self.feed.state() == SzseState::Up && !self.stale
    }

    /// The next tick, over all channels.
    pub fn expected(&self) -> u64 {
        self.feed.channels().map(|channel| channel.expected).sum()
    }

    /// Ticks that were handed on.
    pub fn messages(&self) -> u64 {
        let counters = self.feed.counters();
        counters.orders + counters.trades + counters.cancels
    }

    /// The order of an instrument whose messages may still come: not in the book yet.
    pub fn held(&self, instrument: InstrumentId) -> Option<HeldOrder> {
        self.rebuild.held(instrument)
    }

    /// Messages and memory.
    pub fn report(&self) -> FeedReport {
        let mut report = self.feed.report();
        report.memory_bytes += self.rebuild.memory_bytes();
        report
    }

    /// What recovery went through.
    pub fn recovery(&self) -> &RecoveryCounters {
        &self.counters
    }
}
