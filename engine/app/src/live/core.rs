//! The engine of a live run without its sockets: inputs in, in order, and what comes of them out.
//!
//! Model: [`Core::take`] is the only door. Everything the engine ever learns comes through it as an
//! [`Input`] with the time at which it was taken, and everything it does goes to an [`Outside`]. So
//! the live tile, which reads sockets, and the re-run of a journal, which reads a file, drive the
//! same code, and the same inputs give the same decisions.
//!
//! Worst case of one input: a datagram that releases everything parked behind a hole, or a piece of
//! a snapshot; then at most [`SWEEP_STEP`](crate::sweep::SWEEP_STEP) cancels of a sweep.

use nofx_feed::Action;
use nofx_gate::KillScope;
use nofx_mailbox::Request;
use nofx_order::{SessionState, Unreconciled};
use nofx_risk::LimitGate;
use nofx_signal::Strategy;
use nofx_types::{
    BookEvent, EventKind, EventSink, Instrument, InstrumentId, Nanos, OrderRef, Symbol, Touch,
};

use super::market_feed::MarketFeed;
use super::record::{Answer, Command};
use super::steered::Steered;
use crate::definitions::Definitions;
use crate::hot_path::{HotPath, OrderPort};
use crate::params::page::Taken;
use crate::stamps::Stage;

/// How long a session that lacks an answer is left open before another login is tried.
const TRY_AGAIN_NS: u64 = 5_000_000_000;

/// What the engine can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input<'a> {
    /// A datagram of a line of the feed.
    Packet {
        /// 0 for A, 1 for B.
        line: u8,
        /// Its UDP payload.
        payload: &'a [u8],
    },
    /// A datagram of a re-request server.
    Reply {
        /// Which server.
        server: u8,
        /// Its UDP payload.
        payload: &'a [u8],
    },
    /// The snapshot stream opened.
    SnapshotOpened,
    /// Bytes of the snapshot stream.
    SnapshotBytes(&'a [u8]),
    /// The snapshot stream ended.
    SnapshotClosed,
    /// The order stream opened.
    OrderOpened,
    /// Bytes of the order stream.
    OrderBytes(&'a [u8]),
    /// The order stream ended.
    OrderClosed,
    /// The stream of the second order session opened.
    RescueOpened,
    /// Bytes of it.
    RescueBytes(&'a [u8]),
    /// It ended.
    RescueClosed,
    /// Nothing but the time.
    Time,
    /// A command.
    Command(Command),
    /// A [page](crate::params::page) of parameters.
    Params(&'a [u8]),
    /// A model, as a [page](crate::params::page).
    Model(&'a [u8]),
    /// What control asks for.
    Request(Request),
}

/// Where the doings of the engine go.
pub trait Outside: OrderPort {
    /// An instrument was defined or redefined.
    fn defined(&mut self, instrument: &Instrument);

    /// The order stream is to be connected.
    fn connect_orders(&mut self, now: Nanos);

    /// The order stream is to be closed: nothing sensible can come of it.
    fn close_orders(&mut self, now: Nanos);

    /// As [`Outside::connect_orders`], for the second session.
    fn connect_rescue(&mut self, now: Nanos);

    /// As [`Outside::close_orders`], for the second session.
    fn close_rescue(&mut self, now: Nanos);

    /// Recovery wants something of its servers.
    fn recover(&mut self, now: Nanos, action: Action<'_>);

    /// A page is in force, or was refused.
    fn taken(&mut self, now: Nanos, taken: &Taken);

    /// A request was taken, or refused.
    fn answered(&mut self, now: Nanos, answer: &Answer);
}

/// How far the end of a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Not asked for.
    Running,
    /// Orders are being cancelled.
    Cancelling,
    /// Logged out, or there was nothing to log out from.
    LoggedOut,
}

/// Where the order stream stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    Closed,
    Opening,
    Open,
}

/// The stages with the feed in front of them.
pub struct Core<S, G> {
    /// The stages.
    pub path: HotPath<S, G>,
    /// The feed, with its recovery.
    pub feed: MarketFeed,
    definitions: Definitions,
    packets: u64,
    ending: Ending,
    /// Where the order stream stands, as far as the engine was told.
    link: Link,
    /// As `link`, for the second session.
    rescue: Link,
    /// The order stream has been asked for.
    asked: bool,
    /// Instruments named before the first packet.
    names: Vec<Symbol>,
    /// Orders known from a former run are cancelled once the session is reconciled.
    clean_up: bool,
    /// Since when another login might prove what this one could not.
    stuck_since: Option<Nanos>,
    /// When the last kill was taken.
    killed_at: Nanos,
    /// What control did to it.
    steered: Steered,
    now: Nanos,
}

impl<S: Strategy, G: LimitGate> Core<S, G> {
    /// Joins feed and stages. With `clean_up`, orders that are open when the session has first been
    /// reconciled are cancelled: they are of a strategy that has forgotten them.
    pub fn new(
        path: HotPath<S, G>,
        feed: MarketFeed,
        definitions: Definitions,
        clean_up: bool,
    ) -> Core<S, G> {
        let names = definitions.symbols();
        let steered = Steered::new(&path);
        Core {
            path,
            feed,
            definitions,
            packets: 0,
            ending: Ending::Running,
            link: Link::Closed,
            rescue: Link::Closed,
            asked: false,
            names,
            clean_up,
            stuck_since: None,
            killed_at: Nanos(0),
            steered,
            now: Nanos(0),
        }
    }

    /// Instruments that are known from a file, before the first input.
    pub fn define_known(&mut self, out: &mut impl Outside) {
        let names = std::mem::take(&mut self.names);
        let mut walk = Walk { path: &mut self.path, definitions: &self.definitions, out };
        self.feed.name(&names, &mut walk);
        let known: Vec<Instrument> =
            self.path.instruments.iter().filter(|i| i.flags.defined).copied().collect();
        for instrument in &known {
            self.path.on_definition(instrument);
            out.defined(instrument);
        }
    }

    /// Takes one input that came at `now`.
    #[inline]
    pub fn take(&mut self, now: Nanos, input: Input<'_>, out: &mut impl Outside) {
        self.now = now;
        match input {
            Input::Packet { line, payload } => self.packet(now, line, payload, out),
            Input::OrderBytes(bytes) => self.path.on_order_bytes(now, bytes, out),
            Input::SnapshotBytes(bytes) => {
                if self.feed.lives_on_its_stream() {
                    self.packets += 1;
                    self.path.stamps.packet(self.packets);
                }
                let mut walk = Walk { path: &mut self.path, definitions: &self.definitions, out };
                self.feed.on_stream_bytes(now, bytes, &mut walk);
            }
            other => self.rare(now, other, out),
        }
        self.after(now, out);
    }

    #[inline]
    fn packet(&mut self, now: Nanos, line: u8, payload: &[u8], out: &mut impl Outside) {
        self.packets += 1;
        self.path.stamps.packet(self.packets);
        let mut walk = Walk { path: &mut self.path, definitions: &self.definitions, out };
        self.feed.on_packet(line.into(), self.packets, now, payload, &mut walk);
    }

    fn rare(&mut self, now: Nanos, input: Input<'_>, out: &mut impl Outside) {
        let mut walk = Walk { path: &mut self.path, definitions: &self.definitions, out };
        match input {
            Input::Reply { server, payload } => {
                self.feed.on_reply(server.into(), now, payload, &mut walk);
            }
            Input::SnapshotOpened => self.feed.on_stream_opened(now),
            Input::SnapshotClosed => self.feed.on_stream_closed(now, &mut walk),
            Input::Time => {
                self.feed.on_time(now, &mut walk);
                self.path.keep_alive(now, out);
                self.rescue_session(now, out);
            }
            Input::OrderOpened => {
                self.link = Link::Open;
                self.path.log_in(now, out);
            }
            Input::OrderClosed => {
                self.link = Link::Closed;
                self.path.on_disconnect(now);
            }
            Input::RescueOpened => {
                self.rescue = Link::Open;
                self.path.rescue_log_in(now, out);
            }
            Input::RescueBytes(bytes) => self.path.on_rescue_bytes(now, bytes, out),
            Input::RescueClosed => {
                self.rescue = Link::Closed;
                self.path.on_rescue_disconnect(now);
            }
            Input::Command(command) => self.command(now, command),
            Input::Params(bytes) => self.steered.params(now, bytes, &mut self.path, out),
            Input::Model(bytes) => self.steered.model(now, bytes, &mut self.path, out),
            Input::Request(request) => self.steered.request(now, request, &mut self.path, out),
            Input::Packet { .. } | Input::OrderBytes(_) | Input::SnapshotBytes(_) => {}
        }
    }

    fn command(&mut self, now: Nanos, command: Command) {
        match command {
            Command::Kill(scope) => {
                self.killed_at = now;
                self.path.kill(scope, true);
            }
            Command::Release(scope) => self.path.kill(scope, false),
            Command::Epoch(epoch) => {
                self.steered.fence(epoch);
                self.path.gate.on_epoch(epoch);
            }
            Command::IdLimit(limit) => self.path.orders.set_id_limit(limit),
            Command::Journal { broken } => self.path.hold(broken),
            Command::Stop => self.stop(),
            // The gate refuses by itself; what is open has to be cancelled.
            Command::GateFailed { .. } => {
                self.killed_at = now;
                self.steered.gate_failed();
                self.path.kill(KillScope::Global, true);
            }
        }
    }

    fn stop(&mut self) {
        self.path.stop();
        self.ending = Ending::Cancelling;
    }

    /// What follows every input: cancels that wait, the session's own messages, recovery.
    #[inline]
    fn after(&mut self, now: Nanos, out: &mut impl Outside) {
        self.path.sweep_on(now, out);
        self.path.session_turn(now, out);
        while let Some(action) = self.feed.poll_action(now) {
            out.recover(now, action);
        }
        if self.is_waiting() {
            self.session(now, out);
        }
    }

    /// Whether the session wants anything but to go on.
    #[inline]
    fn is_waiting(&self) -> bool {
        self.clean_up || self.ending == Ending::Cancelling || !self.path.orders.is_up()
    }

    #[cold]
    fn session(&mut self, now: Nanos, out: &mut impl Outside) {
        if self.clean_up && self.path.orders.is_up() {
            self.clean_up = false;
            self.path.sweep(KillScope::Global);
            self.path.sweep_on(now, out);
        }
        if self.ending == Ending::Cancelling {
            let done = self.path.orders.open_orders() == 0;
            let unreachable = self.link != Link::Open && self.rescue != Link::Open;
            if done || unreachable {
                self.path.log_out(now, out);
                self.path.rescue_log_out(now, out);
                self.ending = Ending::LoggedOut;
            }
            return;
        }
        if self.link == Link::Open && self.path.orders.should_disconnect() {
            self.link = Link::Closed;
            self.path.on_disconnect(now);
            out.close_orders(now);
        }
        self.try_again(now, out);
        let wanted = self.ending == Ending::Running && self.link == Link::Closed;
        if wanted && self.path.orders.should_connect(now) {
            (self.link, self.asked) = (Link::Opening, true);
            out.connect_orders(now);
        }
    }

    /// What the second session wants, now and then.
    fn rescue_session(&mut self, now: Nanos, out: &mut impl Outside) {
        if !self.path.has_rescue() {
            return;
        }
        self.path.rescue_turn(now, out);
        let Some(mut rescue) = self.path.orders.rescue() else { return };
        if self.rescue == Link::Open && rescue.should_disconnect() {
            self.rescue = Link::Closed;
            rescue.disconnected(now);
            out.close_rescue(now);
        }
        // The first session comes first.
        let wanted = self.asked && self.ending == Ending::Running && self.rescue == Link::Closed;
        if wanted && rescue.should_connect(now) {
            self.rescue = Link::Opening;
            out.connect_rescue(now);
        }
    }

    /// What was not proven for want of an answer may be proven by another login.
    fn try_again(&mut self, now: Nanos, out: &mut impl Outside) {
        use Unreconciled::{NoAnswer, Unanswered};
        let state = self.path.orders.session();
        let curable = matches!(state, SessionState::Unreconciled(NoAnswer | Unanswered(_)));
        if !curable || self.link != Link::Open {
            self.stuck_since = None;
        } else if now.since(*self.stuck_since.get_or_insert(now)) >= TRY_AGAIN_NS {
            self.link = Link::Closed;
            self.path.on_disconnect(now);
            out.close_orders(now);
        }
    }

    /// How far the end of the run has come.
    pub fn ending(&self) -> Ending {
        self.ending
    }

    /// When the time must be taken at the latest, if a timer runs.
    #[inline]
    pub fn next_deadline(&self) -> Option<Nanos> {
        self.feed.next_deadline()
    }

    /// When the last kill was taken; 0 when there was none.
    pub fn killed_at(&self) -> Nanos {
        self.killed_at
    }

    /// Time of the last input.
    pub fn now(&self) -> Nanos {
        self.now
    }

    /// Packets taken.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// Where the order session stands.
    pub fn session_state(&self) -> SessionState {
        self.path.orders.session()
    }
}

/// What the feed is connected to.
struct Walk<'a, S, G, O> {
    path: &'a mut HotPath<S, G>,
    definitions: &'a Definitions,
    out: &'a mut O,
}

impl<S: Strategy, G: LimitGate, O: Outside> EventSink for Walk<'_, S, G, O> {
    #[inline(always)]
    fn on_event(&mut self, event: &BookEvent) {
        self.path.stamps.mark(Stage::Decode);
        self.path.on_event(event, self.out);
        if matches!(event.kind, EventKind::Stale(_)) {
            self.path.sweep(KillScope::Symbol(event.instrument));
        }
    }

    fn on_definition(&mut self, instrument: &Instrument) {
        let whole = self.definitions.complete(instrument);
        self.path.on_definition(&whole);
        self.out.defined(&whole);
    }

    #[inline]
    fn hint(&mut self, instrument: InstrumentId, order: OrderRef) {
        self.path.hint(instrument, order);
    }

    #[inline]
    fn touch(&self, instrument: InstrumentId) -> Touch {
        self.path.books.touch(instrument)
    }
}
