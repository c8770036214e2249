//! The pages that others read: written by the trade tile, which owns what they show.
//!
//! Model: a round writes every page once, at the configured rate; a house-keeping turn does one small
//! step of it, so that no turn of the tile is long. Names of counters stand in the file, so readers
//! follow what is written here.

use std::time::Instant;

use nofx_feed::ChannelState;
use nofx_gate::Rule;
use nofx_mailbox::view::{
    BookView, FeedView, LEVELS, LevelView, OrderView, PositionView, SessionView, TileView,
};
use nofx_mailbox::{Counter, EngineState, EventKind, Heart, Histogram, Views};
use nofx_order::SessionState;
use nofx_risk::LimitGate;
use nofx_rt::clock::CycleClock;
use nofx_rt::guard;
use nofx_rt::hist::Histogram as Local;
use nofx_rt::tile::TileStats;
use nofx_shot::words;
use nofx_signal::Strategy;
use nofx_types::{AccountId, InstrumentId, Ladder, Level, Nanos, Price, Side, Touch, UpdateKind};

use super::core::{Core, Ending};
use super::market_feed::MarketFeed;
use super::tape::Tape;
use crate::hot_path::HotPath;
use crate::stamps::Stage;

/// Books of one step.
const BOOKS_STEP: usize = 4;
/// Counters before those of the rules.
const PLAIN: [&str; 42] = [
    "inputs",
    "packets",
    "packets.foreign",
    "intents",
    "orders.sent",
    "orders.open",
    "orders.accepted",
    "orders.rejected",
    "orders.refused",
    "orders.filled",
    "orders.canceled",
    "orders.replaced",
    "orders.unsent",
    "orders.withheld",
    "journal.last",
    "journal.lost",
    "journal.fill",
    "kill.seen",
    "sweep.done",
    "sweep.cancels",
    "sweep.cancelled_at_ns",
    "sweep.confirmed_at_ns",
    "kill.taken_at_ns",
    "feed.holes",
    "feed.requests",
    "feed.recovered",
    "feed.snapshots",
    "feed.snapshots_joined",
    "feed.stale_episodes",
    "feed.buffer_full",
    "books.crossed",
    "books.live_orders",
    "session.reconciled",
    "session.never_arrived",
    "clock.drift_ms",
    "allocations",
    "trading_since_ns",
    "live_since_ns",
    "control.pages",
    "control.requests",
    "control.refused",
    "control.halted",
];

/// Names of all counters, in their order.
pub fn counter_names() -> Vec<String> {
    let rules = Rule::ALL.iter().map(|rule| format!("reject.{}", rule.name()));
    PLAIN.iter().map(|name| (*name).to_owned()).chain(rules).collect()
}

/// Names of all histograms, in their order; nanoseconds, but for `feed.recover_ns` as it says.
pub fn histogram_names() -> Vec<String> {
    let stages = Stage::ALL.iter().map(|stage| format!("latency.{}", stage.name()));
    let rest = ["tile.turn", "port.hook", "feed.recover"].map(str::to_owned);
    stages.chain(rest).collect()
}

/// What a mailbox gave the tile to write into.
pub struct ViewParts {
    /// View pages.
    pub views: Views,
    /// Heartbeat of the tile.
    pub heart: Heart,
    /// Counters, as [`counter_names`] lists them.
    pub counters: Vec<Counter>,
    /// Histograms, as [`histogram_names`] lists them.
    pub histograms: Vec<Histogram>,
    /// The word of the engine's state.
    pub state: Box<dyn Fn(EngineState) + Send>,
    /// Instruments with a book page, in the order of their rows.
    pub books: Vec<InstrumentId>,
    /// The tile's row among the tiles.
    pub row: usize,
    /// The tile's core.
    pub core: Option<usize>,
    /// Its idle policy, as a number: spin, pause, yield, sleep.
    pub idle: u8,
    /// Turns cycles into nanoseconds.
    pub cycles: CycleClock,
}

/// Writes the pages.
pub struct ViewWriter {
    parts: ViewParts,
    published: Vec<Local>,
    step: usize,
    begun: Nanos,
    period: u64,
    trading_since: Nanos,
    live_since: Nanos,
    /// The same two, on the monotonic clock.
    pub since: [Option<Instant>; 2],
    state: EngineState,
    /// States of session and feed that were told of.
    told: [u8; 2],
    /// A whole round is asked for, out of turn.
    asked: bool,
    /// The round under way is that one.
    answers: bool,
    snapshots: u64,
}

/// States of a feed that last for moments: gap and retransmission.
const PASSING: [u8; 2] = [2, 3];
/// No state has this number.
const UNTOLD: u8 = u8::MAX;

/// What a step may look at.
pub struct Seen<'a, S, G> {
    /// The engine.
    pub core: &'a Core<S, G>,
    /// Its outside.
    pub tape: &'a mut Tape,
    /// The tile's own counts.
    pub stats: &'a TileStats,
    /// Driver hook to tile.
    pub hook: &'a Local,
    /// Packets that were no line's.
    pub foreign: u64,
    /// How far the wall clock is from the engine's.
    pub drift_ns: i64,
}

impl ViewWriter {
    /// Begins a round every `period` nanoseconds.
    pub fn new(parts: ViewParts, period: u64) -> ViewWriter {
        ViewWriter {
            published: parts.histograms.iter().map(|_| Local::new()).collect(),
            parts,
            step: usize::MAX,
            begun: Nanos(0),
            period,
            trading_since: Nanos(0),
            live_since: Nanos(0),
            since: [None; 2],
            state: EngineState::Starting,
            told: [UNTOLD; 2],
            asked: false,
            answers: false,
            snapshots: 0,
        }
    }

    /// Asks for a whole round that begins as soon as the one under way has ended.
    pub fn ask(&mut self) {
        self.asked = true;
    }

    /// Rounds that were asked for and are done.
    pub fn snapshots(&self) -> u64 {
        self.snapshots
    }

    /// After a page: what is in force, and then what became of the page.
    pub fn steered<S: Strategy, G: LimitGate>(
        &mut self,
        now: Nanos,
        core: &Core<S, G>,
        tape: &mut Tape,
    ) {
        self.in_force(now, &core.path, tape);
        self.acks(now, tape);
    }

    fn in_force<S: Strategy, G: LimitGate>(
        &mut self,
        now: Nanos,
        path: &HotPath<S, G>,
        tape: &mut Tape,
    ) {
        if tape.acks.take_in_force() {
            self.parts.views.in_force(now, path.params.in_force(path.traded(), &path.instruments));
        }
    }

    fn acks(&mut self, now: Nanos, tape: &mut Tape) {
        if let Some([params, models]) = tape.acks.take_changed() {
            self.parts.views.params_ack(now, &params);
            self.parts.views.model_ack(now, &models);
        }
    }

    /// One house-keeping turn: heartbeat, state, and a step of the round under way.
    pub fn turn<S: Strategy, G: LimitGate>(&mut self, now: Nanos, seen: Seen<'_, S, G>) {
        self.parts.heart.beat(now);
        self.set_state(now, seen.core, seen.tape);
        self.tell(now, seen.core, seen.tape);
        self.acks(now, seen.tape);
        if self.step == usize::MAX && (self.asked || now.since(self.begun) >= self.period) {
            (self.step, self.begun) = (0, now);
            self.answers = std::mem::take(&mut self.asked);
        }
        if self.step != usize::MAX {
            self.step(now, seen);
        }
    }

    /// Events of session and feed.
    fn tell<S: Strategy, G: LimitGate>(&mut self, now: Nanos, core: &Core<S, G>, tape: &mut Tape) {
        let session = session_code(core.path.orders.session());
        let feed = channel_code(core.feed.state());
        let states = [
            (EventKind::SessionState, session, words::session(session)),
            (EventKind::FeedState, feed, words::channel(feed)),
        ];
        for (told, (kind, code, name)) in self.told.iter_mut().zip(states) {
            let passing = kind == EventKind::FeedState && PASSING.contains(&code);
            if *told != code && !passing {
                *told = code;
                tape.events.state(now, kind, code, name);
            }
        }
    }

    fn set_state<S: Strategy, G: LimitGate>(
        &mut self,
        now: Nanos,
        core: &Core<S, G>,
        tape: &mut Tape,
    ) {
        let up = core.path.orders.is_up();
        let live = core.feed.is_trusted();
        if live && self.live_since == Nanos(0) {
            self.live_since = now;
            self.since[0] = Some(Instant::now());
        }
        let state = match core.ending() {
            Ending::LoggedOut => EngineState::Ended,
            Ending::Cancelling => EngineState::Ending,
            Ending::Running if core.path.is_held() => EngineState::Stopped,
            Ending::Running if up && live => EngineState::Trading,
            Ending::Running if self.trading_since == Nanos(0) => EngineState::Recovering,
            Ending::Running => EngineState::Stopped,
        };
        if state == EngineState::Trading && self.trading_since == Nanos(0) {
            self.trading_since = now;
            self.since[1] = Some(Instant::now());
        }
        if state != self.state {
            self.state = state;
            (self.parts.state)(state);
            tape.events.engine(now, state, state_name(state));
        }
    }

    fn step<S: Strategy, G: LimitGate>(&mut self, now: Nanos, seen: Seen<'_, S, G>) {
        let path = &seen.core.path;
        let books = self.parts.books.len().div_ceil(BOOKS_STEP);
        match self.step.checked_sub(books) {
            None => self.books(now, path),
            Some(0) => self.orders(now, path),
            Some(1) => self.positions(now, path),
            Some(2) => self.feeds(now, &seen.core.feed),
            Some(3) => self.session(now, path),
            Some(4) => self.tile(now, seen.stats),
            Some(5) => self.counters(seen),
            Some(6) => self.in_force(now, path, seen.tape),
            Some(more) => {
                if more - 7 < self.published.len() {
                    self.histogram(more - 7, &seen);
                } else {
                    self.step = usize::MAX;
                    self.snapshots += u64::from(std::mem::take(&mut self.answers));
                    return;
                }
            }
        }
        self.step += 1;
    }

    fn books<S: Strategy, G: LimitGate>(&mut self, now: Nanos, path: &HotPath<S, G>) {
        let first = self.step * BOOKS_STEP;
        for row in first..first + BOOKS_STEP {
            let Some(id) = self.parts.books.get(row) else { break };
            self.parts.views.book(now, row, &book_view(path, *id));
        }
    }

    fn orders<S: Strategy, G: LimitGate>(&mut self, now: Nanos, path: &HotPath<S, G>) {
        let rows = path.orders.open().map(|order| OrderView {
            cl_ord_id: order.id.0,
            instrument: order.instrument.0,
            account: order.account.0,
            side: order.side.index() as u8,
            state: order.state as u8,
            reserved: 0,
            order_ref: order.order_ref.0,
            price: order.price.0,
            qty: order.leaves.0,
            leaves: order.leaves.0,
            sent_ns: 0,
            update_ns: 0,
            queue_ahead: u64::MAX,
        });
        self.parts.views.orders(now, rows);
    }

    fn positions<S: Strategy, G: LimitGate>(&mut self, now: Nanos, path: &HotPath<S, G>) {
        let account = path.account();
        let rows = path.traded().ids().iter().filter_map(|id| position_view(path, account, *id));
        self.parts.views.positions(now, rows);
    }

    fn feeds(&mut self, now: Nanos, feed: &MarketFeed) {
        let recovery = feed.recovery();
        let Some(sequencer) = feed.sequencer() else { return self.stream_feed(now, feed) };
        for line in 0..sequencer.lines() {
            let counts = sequencer.line(line);
            let lead = |line| sequencer.skew(line).map_or(0, |skew| skew.mean_ns() as i64);
            let mut name = [0; 16];
            name[..6].copy_from_slice(if line == 0 { b"line A" } else { b"line B" });
            let view = FeedView {
                name,
                state: channel_code(feed.state()),
                alive: u8::from(!feed.line_alarm(line).silent),
                packets: counts.packets,
                messages: counts.messages,
                first: counts.first,
                duplicates: counts.duplicate,
                gaps: counts.missing,
                lost: sequencer.counters().missing,
                recovered: recovery.recovered,
                skew_ns: lead(1 - line.min(1)) - lead(line),
                next_seq: feed.expected(),
                last_ns: now.0.saturating_sub(feed.line_silence_ns(line, now)),
                ..FeedView::default()
            };
            self.parts.views.feed(now, line, &view);
        }
    }

    /// A feed without lines shows as one.
    fn stream_feed(&mut self, now: Nanos, feed: &MarketFeed) {
        let recovery = feed.recovery();
        let mut name = [0; 16];
        name[..6].copy_from_slice(b"stream");
        let view = FeedView {
            name,
            state: channel_code(feed.state()),
            alive: u8::from(feed.is_trusted()),
            messages: feed.messages(),
            recovered: recovery.recovered,
            next_seq: feed.expected(),
            last_ns: now.0,
            ..FeedView::default()
        };
        self.parts.views.feed(now, 0, &view);
    }

    fn session<S: Strategy, G: LimitGate>(&mut self, now: Nanos, path: &HotPath<S, G>) {
        let update = |kind: UpdateKind| path.counters.updates.get(kind as usize).copied();
        let count = |kind| update(kind).unwrap_or(0);
        let mut name = [0; 16];
        name[..6].copy_from_slice(b"orders");
        let view = SessionView {
            name,
            state: session_code(path.orders.session()),
            blocked: u8::from(!path.orders.is_up()),
            next_in: path.orders.next_seq(),
            sent: path.orders.sent(),
            accepted: count(UpdateKind::Accepted),
            rejected: count(UpdateKind::Rejected),
            refused: count(UpdateKind::RefusedByGate),
            canceled: count(UpdateKind::Canceled),
            fills: count(UpdateKind::Filled),
            open: path.orders.open_orders() as u64,
            logins: path.orders.reconciliation().proven,
            ..SessionView::default()
        };
        self.parts.views.session(now, 0, &view);
    }

    fn tile(&mut self, now: Nanos, stats: &TileStats) {
        let ViewParts { views, cycles, core, idle, row, .. } = &mut self.parts;
        views.tile(now, *row, &tile_view(stats, cycles, *core, *idle));
    }

    fn counters<S: Strategy, G: LimitGate>(&mut self, seen: Seen<'_, S, G>) {
        let fill = seen.tape.journal_fill();
        let (path, feed) = (&seen.core.path, &seen.core.feed);
        let (tape, recovery, sweeps) = (&seen.tape.counters, feed.recovery(), &path.sweeps);
        let update = |kind: UpdateKind| path.counters.updates.get(kind as usize).copied();
        let count = |kind| update(kind).unwrap_or(0);
        let reconciled = path.orders.reconciliation();
        let plain: [u64; PLAIN.len()] = [
            tape.inputs,
            seen.core.packets(),
            seen.foreign,
            path.counters.intents,
            path.orders.sent(),
            path.orders.open_orders() as u64,
            count(UpdateKind::Accepted),
            count(UpdateKind::Rejected),
            count(UpdateKind::RefusedByGate),
            count(UpdateKind::Filled),
            count(UpdateKind::Canceled),
            count(UpdateKind::Replaced),
            tape.unsent,
            tape.withheld,
            seen.tape.journal_last(),
            tape.lost,
            u64::from(fill) * 100 / 255,
            tape.kills_seen,
            sweeps.done,
            sweeps.cancels,
            sweeps.cancelled_at.0,
            sweeps.confirmed_at.0,
            seen.core.killed_at().0,
            recovery.holes,
            recovery.requests,
            recovery.recovered,
            recovery.snapshots,
            recovery.snapshots_joined,
            recovery.stale_episodes,
            recovery.buffer_full,
            path.counters.crossed,
            path.books.live_orders(),
            reconciled.proven,
            reconciled.never_arrived.into(),
            (seen.drift_ns / 1_000_000).unsigned_abs(),
            guard::sealed_allocations(),
            self.trading_since.0,
            self.live_since.0,
            tape.pages,
            tape.requests,
            tape.steering_refused,
            path.is_halted().into(),
        ];
        let rules = Rule::ALL.iter().map(|rule| path.counters.rejects.get(*rule as usize));
        let rules = rules.map(|n| n.copied().unwrap_or(0));
        for (counter, value) in self.parts.counters.iter().zip(plain.into_iter().chain(rules)) {
            counter.set(value);
        }
    }

    fn histogram<S: Strategy, G: LimitGate>(&mut self, index: usize, seen: &Seen<'_, S, G>) {
        let cycles = &self.parts.cycles;
        let in_ns = |cycles_: u64| cycles.ns(cycles_);
        let (source, scaled): (&Local, bool) = match Stage::ALL.get(index) {
            Some(stage) => (seen.core.path.stamps.histogram(*stage), true),
            None => match index - Stage::ALL.len() {
                0 => (&seen.stats.loop_time, true),
                1 => (seen.hook, false),
                _ => (&seen.core.feed.recovery().recover_ns, false),
            },
        };
        let Some((published, page)) =
            self.published.get_mut(index).zip(self.parts.histograms.get(index))
        else {
            return;
        };
        source.publish(published, |value, n| {
            page.record_many(if scaled { in_ns(value) } else { value }, n);
        });
    }
}

fn book_view<S: Strategy, G: LimitGate>(path: &HotPath<S, G>, id: InstrumentId) -> BookView {
    let book = path.books.book(id);
    let mut view = BookView { instrument: id.0, ..BookView::default() };
    let mut levels = [Level::default(); LEVELS];
    let shown = |level: &Level| LevelView {
        price: level.price.0,
        qty: level.qty.0,
        orders: level.orders.into(),
    };
    for side in Side::BOTH {
        let count = book.levels(side, &mut levels);
        let (page, out) = match side {
            Side::Buy => (&mut view.bids, &mut view.bid_levels),
            Side::Sell => (&mut view.asks, &mut view.ask_levels),
        };
        *out = count as u8;
        page.iter_mut().zip(levels.iter().take(count)).for_each(|(row, l)| *row = shown(l));
    }
    if let Some(instrument) = path.instruments.get(id) {
        (view.symbol, view.decimals) = (instrument.symbol.0, instrument.decimals);
    }
    view.phase = path.phases.of(id) as u8;
    view.stale = path.books.stale(id).map_or(0, |reason| 1 + reason as u8);
    view
}

fn position_view<S: Strategy, G: LimitGate>(
    path: &HotPath<S, G>,
    account: AccountId,
    id: InstrumentId,
) -> Option<PositionView> {
    let row = path.positions.row(account, id)?;
    let instrument = path.instruments.get(id)?;
    Some(PositionView {
        symbol: instrument.symbol.0,
        instrument: id.0,
        account: account.0,
        decimals: instrument.decimals,
        reserved: 0,
        position: row.position,
        realised_e4: row.realised_e4,
        open_e4: mid(&path.books.touch(id)).map_or(0, |mid| row.open_e4(mid)),
        fills: row.trades.into(),
        volume: 0,
    })
}

/// The mid, rounded down to a price unit; of a one-sided book the side that is there.
pub fn mid(touch: &Touch) -> Option<Price> {
    match (touch.best(Side::Buy), touch.best(Side::Sell)) {
        (Some(bid), Some(ask)) => Some(Price(bid.0.saturating_add(ask.0).div_euclid(2))),
        (bid, ask) => bid.or(ask),
    }
}

/// Code of a channel's state.
pub fn channel_code(state: ChannelState) -> u8 {
    match state {
        ChannelState::Waiting => 0,
        ChannelState::Live => 1,
        ChannelState::Gap => 2,
        ChannelState::Retransmission => 3,
        ChannelState::Snapshot => 4,
        ChannelState::Stale => 5,
        ChannelState::Ended => 6,
    }
}

/// The name of a state of the engine.
fn state_name(state: EngineState) -> &'static str {
    match state {
        EngineState::Starting => "starting",
        EngineState::Recovering => "recovering",
        EngineState::Trading => "trading",
        EngineState::Stopped => "stopped",
        EngineState::Ending => "ending",
        EngineState::Ended => "ended",
    }
}

fn session_code(state: SessionState) -> u8 {
    match state {
        SessionState::Down => 0,
        SessionState::LoggingIn => 1,
        SessionState::Reconciling => 2,
        SessionState::Up => 3,
        SessionState::Unreconciled(_) => 4,
        SessionState::Refused(_) => 5,
        SessionState::Ended => 6,
        SessionState::LoggedOut => 7,
        SessionState::Broken => 8,
        SessionState::Waiting(_) => 9,
    }
}

/// A tile, for its page.
pub fn tile_view(
    stats: &TileStats,
    cycles: &CycleClock,
    core: Option<usize>,
    idle: u8,
) -> TileView {
    TileView {
        core: core.map_or(u32::MAX, |core| core as u32),
        idle,
        turns: stats.turns,
        busy: stats.busy_turns,
        stalls: stats.stalls,
        turn_ns_max: cycles.ns(stats.loop_time.max()),
        burst_max: stats.high_water,
        commands: stats.commands,
        allocations: guard::sealed_allocations(),
        ..TileView::default()
    }
}
