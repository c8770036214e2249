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

mod rescue;

use nofx_book::LevelBooks;
use nofx_gate::{Gate, KillScope, Rejects, Rule, Verdict};
use nofx_order::{OrderManager, OrderState, Positions};
use nofx_risk::host::{HostFacts, HostRules};
use nofx_risk::market::{MarketFacts, MarketRules};
use nofx_signal::{Context, InstrumentSet, Strategy};
use nofx_types::{
    AccountId, BookEvent, Change, EventKind, Instrument, InstrumentId, Instruments, IntentKind,
    Intents, Nanos, OrderIntent, OrderRef, OrderUpdate, Phase, Price, Qty, Symbol, UpdateKind,
};

use crate::decision::DecisionLog;
use crate::market_desk::MarketDesk;
use crate::phases::Phases;
use crate::record::{OrderRow, Recorder, UpdateRow};
use crate::stamps::{Stage, Stamps};
use crate::sweep::{SWEEP_STEP, Sweeps};

/// Where order bytes go: the simulated venue in a replay, a session live.
pub trait OrderPort {
    /// Sends the bytes of one message; they are gone, or the session is.
    fn send(&mut self, now: Nanos, bytes: &[u8]);

    /// Sends the bytes of a cleared order. A live port writes it to the journal first.
    #[inline]
    fn order(&mut self, intent: &OrderIntent, bytes: &[u8]) {
        self.send(intent.now_ns, bytes);
    }

    /// Sends the bytes of one message on the second session, where there is one.
    fn send_by_rescue(&mut self, now: Nanos, bytes: &[u8]) {
        self.send(now, bytes);
    }

    /// As [`OrderPort::order`], on the second session: a cancel while the first is down.
    fn order_by_rescue(&mut self, intent: &OrderIntent, bytes: &[u8]) {
        self.send_by_rescue(intent.now_ns, bytes);
    }

    /// An intent went no further, refused by `rejects` (none: the session was down).
    #[inline]
    fn refused(&mut self, intent: &OrderIntent, rejects: Rejects) {
        let _ = (intent, rejects);
    }

    /// What stands against an intent outside the engine at this moment: kill words.
    #[inline]
    fn blocked(&mut self, intent: &OrderIntent) -> Rejects {
        let _ = intent;
        Rejects::NONE
    }
}

/// Counts of the walk itself.
#[derive(Clone, Debug)]
pub struct PathCounters {
    /// Refusals by rule bit.
    pub rejects: [u64; 64],
    /// News of orders by kind.
    pub updates: [u64; 9],
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
            updates: [0; 9],
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
    /// The intent at hand is a cancel of a sweep.
    sweeping: bool,
    /// New orders and replaces are held back.
    held: bool,
    /// The session is up, and what it wanted sent again was.
    settled: bool,
    traded: InstrumentSet,
    intents: Intents,
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

impl<S: Strategy, G: Gate> HotPath<S, G> {
    /// Joins the parts.
    pub fn new(parts: Parts<S, G>) -> HotPath<S, G> {
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
            sweeps: Sweeps::default(),
            market: None,
            sweeping: false,
            held: false,
            settled: false,
            traded: parts.traded,
            intents: Intents::new(parts.first_id),
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
            self.gate.on_halt(id, matches!(phase, Phase::Halted | Phase::Paused));
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

    /// Walks the intents that are queued now; those that refusals cause wait for the next event, so
    /// that the work per event is bounded.
    #[inline]
    fn submit_intents(&mut self, event: &BookEvent, port: &mut impl OrderPort) {
        for _ in 0..self.intents.len() {
            let Some(mut intent) = self.intents.pop() else { break };
            intent.cause_seq = event.seq;
            intent.now_ns = event.capture_ns;
            self.submit(intent, port);
        }
    }

    fn submit(&mut self, mut intent: OrderIntent, port: &mut impl OrderPort) {
        self.counters.intents += 1;
        let staged = self.orders.stage(&mut intent);
        let rejects = staged.err().unwrap_or_else(|| {
            let blocked = match intent.kind {
                IntentKind::Cancel => Rejects::NONE,
                IntentKind::New | IntentKind::Replace => {
                    port.blocked(&intent).with(Rule::Busy, self.held)
                }
            };
            Rejects(self.host_rules(&intent).0 | blocked.0)
        });
        if !rejects.is_pass() {
            self.stamps.mark(Stage::Risk);
            return self.refused(&intent, rejects, port);
        }
        if self.gate.submit(&intent).is_err() {
            self.counters.gate_busy += 1;
            return self.refused(&intent, Rejects::NONE.with(Rule::Busy, true), port);
        }
        self.on_verdicts(port);
    }

    fn host_rules(&self, intent: &OrderIntent) -> Rejects {
        let id = intent.instrument;
        let Some(instrument) = self.instruments.get(id) else {
            return Rejects::NONE.with(Rule::NotTradable, true);
        };
        let facts = HostFacts {
            instrument,
            phase: self.phases.of(id),
            touch: self.books.touch(id),
            stale: self.books.stale(id).is_some(),
        };
        let refused = self.host.check(intent, &facts);
        match &self.market {
            None => refused,
            Some(market) => market.rules.check_after(refused, intent, &self.market_facts(id)),
        }
    }

    fn market_facts(&self, id: InstrumentId) -> MarketFacts {
        let (phase, touch) = (self.phases.of(id), self.books.touch(id));
        MarketFacts { phase, touch, sweep: self.sweeping }
    }

    /// What the market's rules keep of an intent that passed them all.
    #[inline]
    fn reserve(&mut self, intent: &OrderIntent) {
        if let Some(market) = &mut self.market {
            market.rules.reserve(intent);
        }
    }

    /// News of an order, for gate, positions and the market's rules.
    #[inline]
    fn settle(&mut self, update: &OrderUpdate) {
        self.gate.on_update(update);
        self.positions.on_update(update);
        if let Some(market) = &mut self.market {
            market.rules.on_update(update);
        }
    }

    /// Software gate and card answer here alike, so this code cannot tell them apart.
    pub fn on_verdicts(&mut self, port: &mut impl OrderPort) {
        while let Some(verdict) = self.gate.poll() {
            self.stamps.mark(Stage::Risk);
            match verdict {
                Verdict::Reject(intent, rejects) => self.refused(&intent, rejects, port),
                Verdict::Pass(cleared) => {
                    let intent = *cleared.get();
                    self.reserve(&intent);
                    let by_rescue = self.orders.goes_by_rescue(intent.kind);
                    let Some(bytes) = self.orders.encode(cleared) else {
                        self.log.decided(&intent, Rejects::NONE);
                        port.refused(&intent, Rejects::NONE);
                        self.counters.session_down += 1;
                        self.hear(); // its exposure is released again
                        continue;
                    };
                    self.stamps.mark(Stage::Encode);
                    let cycles = self.stamps.order_out(intent.now_ns);
                    // The order first, then what is written about it here.
                    match by_rescue {
                        false => port.order(&intent, bytes),
                        true => port.order_by_rescue(&intent, bytes),
                    }
                    self.log.decided(&intent, Rejects::NONE);
                    self.log.sent(intent.now_ns, bytes);
                    if let Some(market) = &mut self.market {
                        market.rules.on_sent(&intent);
                    }
                    self.recorder.orders.push(OrderRow { intent, rejects: Rejects::NONE, cycles });
                    self.stamps.resume();
                }
            }
        }
    }

    #[cold]
    fn refused(&mut self, intent: &OrderIntent, rejects: Rejects, port: &mut impl OrderPort) {
        self.log.decided(intent, rejects);
        port.refused(intent, rejects);
        let facts = self.market_facts(intent.instrument);
        if let Some(market) = self.market.as_mut().filter(|_| MarketRules::refuses(rejects)) {
            market.rules.note(intent, &facts);
        }
        for rule in rejects.rules() {
            if let Some(count) = self.counters.rejects.get_mut(rule as usize) {
                *count += 1;
            }
        }
        self.recorder.orders.push(OrderRow { intent: *intent, rejects, cycles: 0 });
        let update = refusal(intent);
        self.tell(&update);
    }

    /// Bytes from the venue: news of our orders. Intents they cause are sent at once.
    pub fn on_order_bytes(&mut self, now: Nanos, bytes: &[u8], port: &mut impl OrderPort) {
        self.log.received(now, bytes);
        self.orders.receive(now, bytes);
        self.hear();
        self.react(now, port);
    }

    /// Sends the intents that news caused.
    #[inline]
    fn react(&mut self, now: Nanos, port: &mut impl OrderPort) {
        for _ in 0..self.intents.len() {
            let Some(mut intent) = self.intents.pop() else { break };
            intent.now_ns = now;
            self.submit(intent, port);
        }
    }

    /// News of our orders, to whom they concern.
    fn hear(&mut self) {
        while let Some(update) = self.orders.poll_update() {
            self.settle(&update);
            self.tell(&update);
        }
    }

    /// Counts the news, keeps it for the outputs and tells the strategy.
    fn tell(&mut self, update: &OrderUpdate) {
        if let Some(count) = self.counters.updates.get_mut(update.kind as usize) {
            *count += 1;
        }
        if update.kind == UpdateKind::Canceled {
            self.sweeps.confirmed_at = update.now_ns;
        }
        if update.kind == UpdateKind::Filled {
            if let Some(filled) = self.counters.filled.get_mut(update.side.index()) {
                *filled += update.fill_qty.0;
            }
            self.counters.maker_qty += if update.maker { update.fill_qty.0 } else { 0 };
        }
        let id = update.instrument;
        let position = self.positions.position(update.account, id);
        self.recorder.updates.push(UpdateRow { update: *update, position });
        let Some(instrument) = self.instruments.get(id) else { return };
        let ctx = Context {
            now: update.now_ns,
            instrument,
            phase: self.phases.of(id),
            stale: self.books.stale(id).is_some(),
            position,
        };
        self.strategy.on_order(&ctx, update, &mut self.intents);
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
            self.orders.define(instrument);
            self.positions.define(instrument);
            self.strategy.on_definition(instrument);
            self.recorder.limits(instrument);
        }
    }

    /// Engages or releases a kill; what it covers is cancelled, step by step.
    pub fn kill(&mut self, scope: KillScope, engaged: bool) {
        self.gate.on_kill(scope, engaged);
        if engaged {
            self.sweep(scope);
        }
    }

    /// Holds every new order and replace back, or lets them through again.
    pub fn hold(&mut self, held: bool) {
        self.held = held;
    }

    /// Asks for the cancel of every open order that `scope` covers.
    pub fn sweep(&mut self, scope: KillScope) {
        if self.orders.open_orders() > 0 {
            self.sweeps.ask(scope);
        }
    }

    /// One step of the sweep under way.
    #[inline]
    pub fn sweep_on(&mut self, now: Nanos, port: &mut impl OrderPort) {
        if self.sweeps.is_active() {
            self.sweep_step(now, port);
        }
    }

    #[cold]
    fn sweep_step(&mut self, now: Nanos, port: &mut impl OrderPort) {
        if !self.orders.may_cancel() {
            return; // the sweep goes on when the session does
        }
        for _ in 0..SWEEP_STEP {
            let Some((row, order)) = self.orders.next_open(self.sweeps.row()) else {
                return self.sweeps.end_of_table();
            };
            self.sweeps.passed(row);
            if !self.sweeps.covers(order.account, order.instrument) {
                continue;
            }
            if order.cancellable {
                self.sweeps.cancelled(now);
                let mut intent = order.cancel();
                intent.now_ns = now;
                self.sweeping = true;
                self.submit(intent, port);
                self.sweeping = false;
            } else if order.state == OrderState::PendingNew {
                self.sweeps.come_back();
            }
        }
    }

    /// Opens the order session.
    pub fn log_in(&mut self, now: Nanos, port: &mut impl OrderPort) {
        let bytes = self.orders.login(now);
        self.log.sent(now, bytes);
        port.send(now, bytes);
    }

    /// Keeps the order session alive: heartbeats, account queries, and the end of a silent venue.
    #[inline]
    pub fn keep_alive(&mut self, now: Nanos, port: &mut impl OrderPort) {
        if let Some(bytes) = self.orders.keep_alive(now) {
            self.log.sent(now, bytes);
            port.send(now, bytes);
        }
        self.hear();
        self.react(now, port);
    }

    /// What a session that is not up wants after every input, and orders it wants sent again once it
    /// is.
    #[inline]
    pub fn session_turn(&mut self, now: Nanos, port: &mut impl OrderPort) {
        if !self.orders.is_up() {
            self.settled = false;
            self.keep_alive(now, port);
        }
        if !self.settled {
            self.resend(now, port);
            self.settled = self.orders.is_up();
        }
    }

    #[cold]
    fn resend(&mut self, now: Nanos, port: &mut impl OrderPort) {
        while let Some(resend) = self.orders.poll_resend(now) {
            self.gate.on_update(&resend.release);
            if let Some(market) = &mut self.market {
                market.rules.on_update(&resend.release);
            }
            self.submit(resend.intent, port);
        }
    }

    /// The connection of the order session is gone.
    pub fn on_disconnect(&mut self, now: Nanos) {
        self.orders.disconnected(now);
    }

    /// Logs out of the order session, if it is open.
    pub fn log_out(&mut self, now: Nanos, port: &mut impl OrderPort) {
        if !self.orders.should_disconnect() {
            let bytes = self.orders.logout();
            self.log.sent(now, bytes);
            port.send(now, bytes);
        }
    }

    /// An order that a former run sent, from its journal. False when the record does not fit.
    pub fn restore_sent(&mut self, intent: &OrderIntent) -> bool {
        self.gate.restore(intent);
        self.reserve(intent);
        if let Some(market) = &mut self.market {
            market.rules.on_sent(intent);
        }
        let fits = self.orders.replay_sent(intent);
        self.restore_news();
        fits
    }

    /// Session bytes that a former run sent, and that were no order.
    pub fn restore_control(&mut self, now: Nanos, bytes: &[u8]) {
        self.orders.replay_control(now, bytes);
        self.restore_news();
    }

    /// Bytes that a former run received on its order session.
    pub fn restore_received(&mut self, now: Nanos, bytes: &[u8]) {
        self.orders.receive(now, bytes);
        self.restore_news();
    }

    /// The record of the former run is at its end.
    pub fn restore_end(&mut self, now: Nanos) {
        self.orders.replay_ended(now);
        self.restore_news();
    }

    /// As [`HotPath::hear`], but for a strategy that does not remember these orders.
    fn restore_news(&mut self) {
        while let Some(update) = self.orders.poll_update() {
            self.settle(&update);
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

    /// Whether new orders are held back.
    pub fn is_held(&self) -> bool {
        self.held
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

/// The news that an intent never left us.
fn refusal(intent: &OrderIntent) -> OrderUpdate {
    OrderUpdate {
        kind: UpdateKind::RefusedByGate,
        side: intent.side,
        maker: false,
        account: intent.account,
        instrument: intent.instrument,
        cl_ord_id: intent.cl_ord_id,
        orig: intent.orig,
        order_ref: OrderRef(0),
        price: intent.price,
        leaves: Qty(0),
        fill_price: Price(0),
        fill_qty: Qty(0),
        released_qty: Qty(0),
        released_price: Price(0),
        closed: intent.orig == nofx_types::ClOrdId::NONE,
        now_ns: intent.now_ns,
    }
}
