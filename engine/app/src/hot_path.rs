//! One packet's way: event -> book -> signal -> risk -> order. The only place where stages meet.
//!
//! Model: a feed pushes events into [`HotPath::on_event`]; the book takes each one, a strategy that
//! trades the instrument is asked when the venue's atomic event ends, and each of its intents walks
//! through order manager, host rules and gate before bytes are made. The gate answers through
//! `poll`, so an instant software answer and a slow card look alike. Replay and live differ in who
//! calls and in the [`OrderPort`] the bytes go to, not in this code.
//!
//! Worst case per event: one book update, [`nofx_types::INTENTS_MAX`] intents. Nothing here
//! allocates, locks, logs, waits or reads a clock other than the cycle counter of the stamps.

mod orders;
mod params;
mod port;
mod rescue;
mod restore;
mod session;
mod sweep;

use nofx_book::LevelBooks;
use nofx_order::{OrderManager, Positions};
use nofx_risk::LimitGate;
use nofx_risk::host::HostRules;
use nofx_signal::{Context, InstrumentSet, Strategy};
use nofx_types::{
    AccountId, BookEvent, Change, EventKind, Instrument, InstrumentId, Instruments, Intents,
    OrderRef, Phase, Symbol,
};

use crate::decision::DecisionLog;
use crate::market_desk::MarketDesk;
use crate::params::Params;
use crate::phases::Phases;
use crate::record::Recorder;
use crate::stamps::{Stage, Stamps};
use crate::sweep::Sweeps;

pub use port::OrderPort;

/// Counts of the walk itself.
#[derive(Clone, Debug)]
pub struct PathCounters {
    /// Refusals by rule bit.
    pub rejects: [u64; 64],
    /// News of orders by kind.
    pub updates: [u64; nofx_types::UpdateKind::COUNT],
    /// Bought and sold quantity.
    pub filled: [u64; 2],
    /// Filled quantity that rested.
    pub maker_qty: u64,
    /// Event ends at which a book in continuous trading was crossed.
    pub crossed: u64,
    /// Intents lost because the gate was busy.
    pub gate_busy: u64,
    /// Orders that passed but found the session down.
    pub session_down: u64,
    /// Intents handed to the order manager.
    pub intents: u64,
}

impl Default for PathCounters {
    fn default() -> Self {
        PathCounters {
            rejects: [0; 64],
            updates: [0; nofx_types::UpdateKind::COUNT],
            filled: [0; 2],
            maker_qty: 0,
            crossed: 0,
            gate_busy: 0,
            session_down: 0,
            intents: 0,
        }
    }
}

/// All the stages of one tile, generic over strategy and gate: no call here is dynamic.
pub struct HotPath<S, G> {
    /// Every book of the run.
    pub books: LevelBooks,
    /// Instruments as the feed defined them.
    pub instruments: Instruments,
    /// Trading phases.
    pub phases: Phases,
    /// What trades.
    pub strategy: S,
    /// Judges intents.
    pub gate: G,
    /// Host rules, before the gate.
    pub host: HostRules,
    /// Our orders.
    pub orders: OrderManager,
    /// Our positions.
    pub positions: Positions,
    /// Time stamps.
    pub stamps: Stamps,
    /// Outputs of the run.
    pub recorder: Recorder,
    /// Decision log.
    pub log: DecisionLog,
    /// Counts.
    pub counters: PathCounters,
    /// Cancels of everything, or of a part, under way.
    pub sweeps: Sweeps,
    /// Rules of the exchange, where it has some; behind the host rules, before the gate.
    pub market: Option<Box<MarketDesk>>,
    /// What control changed of limits and rules.
    pub params: Params,
    /// The intent at hand is a cancel of a sweep.
    sweeping: bool,
    /// New orders and replaces are held back: the journal cannot be written, or the run stops.
    held: bool,
    /// As `held`, by a command.
    halted: bool,
    /// The session is up, and what it wanted sent again was.
    settled: bool,
    traded: InstrumentSet,
    intents: Intents,
    /// What intents without an answer touch.
    batch: orders::Batch,
    account: AccountId,
}

/// What a [`HotPath`] is made of.
pub struct Parts<S, G> {
    /// See [`HotPath::books`].
    pub books: LevelBooks,
    /// See [`HotPath::instruments`].
    pub instruments: Instruments,
    /// See [`HotPath::phases`].
    pub phases: Phases,
    /// See [`HotPath::strategy`].
    pub strategy: S,
    /// See [`HotPath::gate`].
    pub gate: G,
    /// See [`HotPath::host`].
    pub host: HostRules,
    /// See [`HotPath::orders`].
    pub orders: OrderManager,
    /// See [`HotPath::positions`].
    pub positions: Positions,
    /// See [`HotPath::stamps`].
    pub stamps: Stamps,
    /// See [`HotPath::recorder`].
    pub recorder: Recorder,
    /// Instruments that the strategy trades.
    pub traded: InstrumentSet,
    /// Account of its orders.
    pub account: AccountId,
    /// Id of the first order, at least 1.
    pub first_id: u32,
}

impl<S: Strategy, G: LimitGate> HotPath<S, G> {
    /// Joins the parts.
    pub fn new(parts: Parts<S, G>) -> HotPath<S, G> {
        let sweeps = Sweeps::new(parts.instruments.capacity());
        HotPath {
            books: parts.books,
            instruments: parts.instruments,
            phases: parts.phases,
            strategy: parts.strategy,
            gate: parts.gate,
            host: parts.host,
            orders: parts.orders,
            positions: parts.positions,
            stamps: parts.stamps,
            recorder: parts.recorder,
            log: DecisionLog::default(),
            counters: PathCounters::default(),
            sweeps,
            market: None,
            params: Params::none(),
            sweeping: false,
            held: false,
            halted: false,
            settled: false,
            traded: parts.traded,
            intents: Intents::new(parts.first_id),
            batch: orders::Batch::EMPTY,
            account: parts.account,
        }
    }

    /// Puts the rules of an exchange into force, for the instruments known so far and to come.
    pub fn open_market(&mut self, market: Option<Box<MarketDesk>>) {
        self.market = market;
        for id in (0..self.instruments.capacity()).map(InstrumentId) {
            let known = self.instruments.get(id).filter(|i| i.symbol != Symbol::NONE).copied();
            if let Some(instrument) = known.filter(|_| self.market.is_some()) {
                self.on_definition(&instrument);
            }
        }
    }

    /// One event of the market. Always inlined, so that each message type of the feed becomes
    /// straight-line code down to the book; what few events need is behind one branch.
    #[inline(always)]
    pub fn on_event(&mut self, event: &BookEvent, port: &mut impl OrderPort) {
        let overflow = self.books.overflow_count();
        let change = self.books.apply(event);
        self.stamps.mark(Stage::Book);
        if self.concerns_us(event) {
            self.after_book(event, change, port);
        } else if change.touch && event.last && self.books.is_crossed(event.instrument) {
            self.count_crossed(event.instrument);
        }
        self.stamps.event_done(event, self.books.overflow_count() != overflow);
    }

    #[inline(always)]
    fn concerns_us(&self, event: &BookEvent) -> bool {
        let market_wide = event.instrument == InstrumentId::ALL;
        let phase = matches!(event.kind, EventKind::Phase(_));
        market_wide
            || phase
            || self.recorder.watches_books()
            || self.traded.row(event.instrument).is_some()
    }

    #[inline(never)]
    fn after_book(&mut self, event: &BookEvent, change: Change, port: &mut impl OrderPort) {
        if let EventKind::Phase(phase) = event.kind {
            self.on_phase(event.instrument, phase);
        }
        if change.touch && event.last && self.books.is_crossed(event.instrument) {
            self.count_crossed(event.instrument);
        }
        self.publish(event, change);
        if let Some(market) = &mut self.market {
            let id = event.instrument;
            market.rules.on_event(event, self.books.touch(id), self.phases.of(id));
        }
        if event.instrument == InstrumentId::ALL {
            for row in 0..self.traded.len() {
                if let Some(id) = self.traded.ids().get(row).copied() {
                    self.signal(id, event, change);
                    self.submit_intents(event, port);
                }
            }
        } else if self.traded.row(event.instrument).is_some() {
            self.signal(event.instrument, event, change);
            self.submit_intents(event, port);
        }
    }

    fn on_phase(&mut self, id: InstrumentId, phase: Phase) {
        self.phases.set(id, phase);
        if id != InstrumentId::ALL {
            self.tell_halt(id);
        }
    }

    fn publish(&mut self, event: &BookEvent, change: Change) {
        if !self.recorder.watches_books() {
            return;
        }
        self.stamps.pause();
        self.recorder.market(event, self.phases.of(event.instrument));
        let changed = change.touch || change.levels;
        if event.instrument == InstrumentId::ALL {
            let cleared = matches!(event.kind, EventKind::Clear { .. });
            for id in (0..self.instruments.capacity()).map(InstrumentId).filter(|_| cleared) {
                self.recorder.book(event, id, true, &self.books.book(id));
            }
        } else {
            let book = self.books.book(event.instrument);
            self.recorder.book(event, event.instrument, changed, &book);
        }
        self.stamps.resume();
    }

    #[inline]
    fn signal(&mut self, id: InstrumentId, event: &BookEvent, change: Change) {
        let Some(instrument) = self.instruments.get(id) else { return };
        let ctx = Context {
            now: event.capture_ns,
            instrument,
            phase: self.phases.of(id),
            stale: self.books.stale(id).is_some(),
            position: self.positions.position(self.account, id),
        };
        if event.last {
            let book = self.books.book(id);
            self.strategy.on_event(&ctx, event, &book, change, &mut self.intents);
        } else {
            self.strategy.on_part(&ctx, event);
        }
        self.stamps.mark(Stage::Signal);
    }

    #[cold]
    fn count_crossed(&mut self, id: InstrumentId) {
        // A book that missed messages may well be crossed: it is known not to be right.
        if self.phases.of(id) == Phase::Continuous && self.books.stale(id).is_none() {
            self.counters.crossed += 1;
        }
    }

    /// An instrument was defined: books learn its tick, the gate its limits, the session its symbol.
    pub fn on_definition(&mut self, instrument: &Instrument) {
        let ruled = self.market.as_mut().map(|market| market.define(instrument));
        let instrument = ruled.as_ref().unwrap_or(instrument);
        if self.instruments.set(*instrument).is_ok() {
            self.books.define(instrument);
            self.gate.on_definition(instrument);
            self.limit(instrument, false);
            self.orders.define(instrument);
            self.positions.define(instrument);
            self.strategy.on_definition(instrument);
            self.recorder.limits(instrument);
        }
    }

    /// An event is at hand and will come: brings its memory near.
    #[inline]
    pub fn hint(&self, instrument: InstrumentId, order: OrderRef) {
        self.books.hint(instrument, order);
    }

    /// Intents that found no room in their queue.
    pub fn intents_dropped(&self) -> u64 {
        self.intents.dropped()
    }

    /// Whether new orders are held back, for whatever reason.
    pub fn is_held(&self) -> bool {
        self.held || self.halted
    }

    /// Whether a command holds new orders back.
    pub fn is_halted(&self) -> bool {
        self.halted
    }

    /// Account of the strategy's orders.
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// Instruments that are traded.
    pub fn traded(&self) -> &InstrumentSet {
        &self.traded
    }
}
