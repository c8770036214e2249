//! One order session: what the application holds.

mod inbound;
mod open;
mod reconcile;
mod rescue;
mod resend;
mod restore;

use nofx_gate::{Cleared, Rejects, Rule};
use nofx_types::{
    ClOrdId, Instrument, IntentKind, Nanos, OrderIntent, OrderUpdate, PRICE_DECIMALS, Symbol,
};

use crate::anomaly::Anomaly;
use crate::cancels::Cancels;
use crate::config::{ConfigError, OrderConfig, Protocol};
use crate::fence::Fence;
use crate::frames::Wire;
use crate::line::Line;
use crate::link::Link;
use crate::machine::Machine;
use crate::report;
use crate::seen::Seen;
use crate::state::{SessionState, Unreconciled};
use crate::throttle::Throttle;

pub use open::OpenOrder;
pub use reconcile::Reconciliation;
use rescue::Outage;
pub use rescue::Rescue;
pub use resend::Resend;
use resend::Resends;

/// Our orders at one venue, and the session that carries them.
#[derive(Debug)]
pub struct OrderManager {
    machine: Machine,
    line: Line,
    /// The second session, which stands in for the first.
    rescue: Option<Box<Line>>,
    outage: Outage,
    /// Reports seen, where several sessions bring them.
    seen: Seen,
    cancels: Cancels,
    throttle: Throttle,
    symbols: Box<[[u8; 8]]>,
    config: OrderConfig,
    /// Highest id that was staged.
    last_staged: u32,
    /// Highest id that the venue may have: it ignores anything not above it.
    last_sent: u32,
    /// Highest id that may be used.
    id_limit: u32,
    sent: u64,
    fence: Fence,
    resends: Resends,
    /// Why no login can bring trading back.
    stopped: Option<Unreconciled>,
    reconciliation: Reconciliation,
}

impl OrderManager {
    /// A session that is not logged in.
    ///
    /// # Errors
    /// A value that cannot be used; the error names its key.
    pub fn new(config: &OrderConfig) -> Result<OrderManager, ConfigError> {
        config.check()?;
        Ok(OrderManager {
            line: Line::new(config, Link::new(config, false)),
            rescue: config.rescue.then(|| Box::new(Line::new(config, Link::new(config, true)))),
            outage: Outage::default(),
            seen: Seen::new(),
            cancels: Cancels::new(if config.protocol.names_cancels() {
                config.orders_max
            } else {
                0
            }),
            machine: Machine::new(config.orders_max, config.fills_max, config.cancel_in_flight),
            throttle: Throttle::new(config.throttle_max, config.throttle_window_ns),
            symbols: vec![Symbol::NONE.0; config.instruments as usize].into_boxed_slice(),
            config: OrderConfig { throttle_reason: throttle_reason(config), ..config.clone() },
            last_staged: 0,
            last_sent: 0,
            id_limit: id_limit(config),
            sent: 0,
            fence: Fence::default(),
            resends: Resends::new(config),
            stopped: None,
            reconciliation: Reconciliation::default(),
        })
    }

    /// An instrument was defined: orders carry its symbol from here on. One outside the table,
    /// without a symbol, or whose prices have not the four decimals of OUCH takes no order.
    pub fn define(&mut self, instrument: &Instrument) {
        if let Some(symbol) = self.symbols.get_mut(instrument.id.index()) {
            let fits = instrument.decimals == PRICE_DECIMALS;
            *symbol = if fits { instrument.symbol.0 } else { Symbol::NONE.0 };
        }
    }

    /// Orders are stamped with this fencing epoch from here on.
    pub fn set_epoch(&mut self, epoch: u32) {
        self.config.epoch = epoch;
    }

    /// The fencing epoch that orders are stamped with.
    pub fn epoch(&self) -> u32 {
        self.config.epoch
    }

    /// Completes an intent: account, epoch, what is known of the order it touches, and an id where
    /// it has none. It is not sent, and no row is taken for it, until [`OrderManager::encode`]; the
    /// throttle counts it here, whatever becomes of it.
    ///
    /// # Errors
    /// The rules that refuse it: [`Rule::UnknownOrder`] when the order is unknown, ended, has a
    /// request in flight or is not of this instrument and side; [`Rule::Busy`] when the row of the
    /// id is taken, the id does not rise or is above the limit, or the throttle holds it; [`Rule::NotTradable`] when the
    /// instrument cannot be named or priced; [`Rule::Range`] when the quantity of the chain has no room,
    /// or the protocol has no words for the order: a replace where it knows none, a time in force, a
    /// short sale, an order that must not take liquidity.
    #[inline]
    pub fn stage(&mut self, intent: &mut OrderIntent) -> Result<(), Rejects> {
        intent.account = self.config.account;
        intent.epoch = self.config.epoch;
        let mut rejects = self.stage_orig(intent);
        if intent.kind == IntentKind::Cancel {
            intent.cl_ord_id = intent.orig;
        } else {
            if intent.cl_ord_id == ClOrdId::NONE {
                intent.cl_ord_id = ClOrdId(self.last_staged.saturating_add(1));
            }
            let id = intent.cl_ord_id.0;
            let rises = id > self.last_staged || self.resends.is_out(id);
            let free = rises && id <= self.id_limit && self.machine.orders.is_free(id);
            let busy = !free || !self.throttle.allows(intent.now_ns);
            rejects = rejects
                .with(Rule::Busy, busy)
                .with(Rule::NotTradable, self.symbol(intent).is_none())
                .with(Rule::Range, !self.line.link.says(intent));
            self.last_staged = self.last_staged.max(id);
        }
        if !rejects.is_pass() {
            return Err(rejects);
        }
        self.throttle.charge(intent.now_ns);
        Ok(())
    }

    /// Fills in what is known of the order that a replace or cancel touches.
    #[inline]
    fn stage_orig(&self, intent: &mut OrderIntent) -> Rejects {
        if intent.kind == IntentKind::New {
            return Rejects::NONE;
        }
        let Some(orig) = self.machine.touchable(intent) else {
            return Rejects::NONE.with(Rule::UnknownOrder, true);
        };
        intent.orig_price = orig.price;
        intent.orig_leaves.0 = orig.leaves.into();
        let room = u64::from(u32::MAX - orig.executed);
        Rejects::NONE.with(Rule::Range, intent.qty.0 > room)
    }

    /// The bytes of a cleared intent, which must be sent at once, on the stream of the second session
    /// where [`OrderManager::goes_by_rescue`] said so just before. `None` when they cannot be: the
    /// session is down, or the order it touches has ended or moved since it was staged; then an
    /// update that releases its exposure is queued.
    #[inline]
    pub fn encode(&mut self, cleared: Cleared<OrderIntent>) -> Option<&[u8]> {
        let intent = cleared.get();
        let wire = match self.wire(intent) {
            Ok(wire) => wire,
            Err(anomaly) => {
                self.machine.anomalies.count(anomaly);
                self.machine.unsent(intent);
                return None;
            }
        };
        self.sent += 1;
        let by_rescue = self.goes_by_rescue(intent.kind);
        let line = match &mut self.rescue {
            Some(rescue) if by_rescue => &mut **rescue,
            _ => &mut self.line,
        };
        line.session.sent(intent.now_ns);
        Some(match intent.kind {
            IntentKind::New => line.link.enter(intent, &wire),
            IntentKind::Replace => line.link.replace(intent, &wire),
            IntentKind::Cancel => line.link.cancel(intent, &wire),
        })
    }

    /// What the wire needs, once the order is marked as sent.
    #[inline]
    fn wire(&mut self, intent: &OrderIntent) -> Result<Wire, Anomaly> {
        if !self.may_send(intent) {
            return Err(Anomaly::SessionDown);
        }
        let symbol = self.symbol(intent).ok_or(Anomaly::NotSendable)?;
        let price = u64::try_from(intent.price.0).map_err(|_| Anomaly::NotSendable)?;
        let places = intent.kind != IntentKind::Cancel;
        let id = intent.cl_ord_id.0;
        if places && (id <= self.last_sent || !self.line.link.takes(price)) {
            return Err(Anomaly::NotSendable);
        }
        let quantity = self.machine.request(intent).ok_or(Anomaly::NotSendable)?;
        let mut cancel = 0;
        if places {
            self.last_sent = id;
            self.resends.sent(intent);
        } else {
            cancel = self.cancels.next(intent.orig.0);
        }
        Ok(Wire { symbol, quantity, cancel, price })
    }

    /// Orders that never arrived go again before any newer one. A cancel may go where the state of
    /// orders is not proven: it opens nothing.
    #[inline]
    fn may_send(&self, intent: &OrderIntent) -> bool {
        match intent.kind {
            IntentKind::Cancel => self.may_cancel(),
            IntentKind::New | IntentKind::Replace => {
                self.line.session.is_up() && self.resends.gives_way(intent.cl_ord_id.0)
            }
        }
    }

    #[inline]
    fn symbol(&self, intent: &OrderIntent) -> Option<[u8; 8]> {
        let symbol = self.symbols.get(intent.instrument.index())?;
        (*symbol != Symbol::NONE.0).then_some(*symbol)
    }

    /// Takes the oldest news out. To be called until there is none after [`OrderManager::receive`] and
    /// [`OrderManager::keep_alive`]: news of orders that never arrived are found here, one at a time.
    #[inline]
    pub fn poll_update(&mut self) -> Option<OrderUpdate> {
        self.machine.updates.pop().or_else(|| self.sort())
    }

    /// Whether to connect now, while there is no connection; each `true` counts as an attempt, and
    /// the next one waits longer until the session has come up. Never after a login that was refused
    /// as not authorised, the end of the session or a logout.
    pub fn should_connect(&mut self, now: Nanos) -> bool {
        self.line.should_connect(now)
    }

    /// Whether the connection is of no more use: refused, ended, broken, silent or logged out.
    pub fn should_disconnect(&self) -> bool {
        self.line.should_disconnect()
    }

    /// The bytes that log in on a new connection, from the first message that has not been seen.
    pub fn login(&mut self, now: Nanos) -> &[u8] {
        self.line.login(now)
    }

    /// Whether new orders can be sent: the session is up and none waits to be sent again.
    #[inline]
    pub fn is_up(&self) -> bool {
        self.line.session.is_up() && !self.resends.is_pending()
    }

    /// Whether cancels can be sent: the session is up, or trading is stopped for want of a proof, or
    /// the second session has taken over.
    #[inline]
    pub fn may_cancel(&self) -> bool {
        self.line.session.may_cancel() || self.rescue_stands_in()
    }

    /// Where the session stands; it says in words why trading is stopped.
    pub fn session(&self) -> SessionState {
        self.line.session.state
    }

    /// First sequenced message of the venue that has not been seen.
    pub fn next_seq(&self) -> u64 {
        self.line.link.next_seq(&self.seen)
    }

    /// Bytes of the session itself that are due: an account query, a request for missed reports, an
    /// answer, or a heartbeat. Also gives the session up when the venue has been silent for too long,
    /// and reconciliation when an answer does not come. To be called at least once a second, and each
    /// turn while the session is not up; news may be waiting afterwards.
    pub fn keep_alive(&mut self, now: Nanos) -> Option<&[u8]> {
        self.time_out(now);
        self.watch(now);
        let line = &mut self.line;
        let beat = line.session.keep_alive(now, &mut self.machine.anomalies);
        if line.session.is_still(now) {
            line.link.is_still();
        }
        if self.wants_query() {
            self.fence.asked();
            self.line.session.news(now);
            self.line.session.sent(now);
            return self.line.link.query();
        }
        self.line.words(now, beat, &self.seen)
    }

    /// The connection is gone: nothing is sent until the next login. Orders stay as they are known.
    pub fn disconnected(&mut self, now: Nanos) {
        self.line.disconnected(now);
        self.watch(now);
    }

    /// The bytes that log out; nothing is sent after them.
    pub fn logout(&mut self) -> &[u8] {
        self.line.session.state = SessionState::LoggedOut;
        self.line.link.logout()
    }

    /// One message that cancels every order of the session, where the protocol has it and the
    /// configuration wants it, for a sweep of everything; the venue reports each order, so cancels of
    /// single ones may follow. `None` otherwise, and while no cancel can be sent.
    pub fn cancel_all(&mut self, now: Nanos) -> Option<&[u8]> {
        let wanted = self.config.protocol == Protocol::Ocg && self.config.ocg.mass_cancel;
        if !wanted || !self.line.session.may_cancel() {
            return None;
        }
        let id = self.cancels.next(0);
        self.line.session.sent(now);
        self.line.link.cancel_all(now, id)
    }

    /// Orders that are open or in flight; a replace in flight counts as one more.
    pub fn open_orders(&self) -> usize {
        self.machine.orders.open_count()
    }

    /// What should not have happened and did, by name.
    pub fn anomalies(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.machine.anomalies.iter()
    }

    /// Messages encoded: new orders, replaces and cancels.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Bytes of each table, fixed at start.
    pub fn memory(&self) -> impl Iterator<Item = (&'static str, u64)> {
        [
            ("orders", self.machine.orders.bytes()),
            ("order_fills", self.machine.fills.bytes()),
            ("order_updates", self.machine.updates.bytes()),
            ("order_symbols", size_of_val(&*self.symbols) as u64),
            ("order_stream", self.line.bytes()),
            ("order_resends", self.resends.bytes()),
            ("order_cancels", self.cancels.bytes()),
            ("order_rescue", self.rescue.as_ref().map_or(0, |line| line.bytes())),
        ]
        .into_iter()
        .filter(|(_, bytes)| *bytes > 0)
    }
}

/// The highest id that an order may have: above it are the ids of cancels, where they have some.
fn id_limit(config: &OrderConfig) -> u32 {
    if config.protocol.names_cancels() { Cancels::ORDERS_MAX } else { u32::MAX }
}

/// Reject reason of the venue's throttle; OCG-C has its own.
fn throttle_reason(config: &OrderConfig) -> u16 {
    match config.protocol {
        Protocol::Ocg => report::THROTTLED,
        _ => config.throttle_reason,
    }
}
