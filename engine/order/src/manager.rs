//! One order session: what the application holds.

use nofx_gate::{Cleared, Rejects, Rule};
use nofx_types::{
    ClOrdId, Instrument, IntentKind, Nanos, OrderIntent, OrderUpdate, PRICE_DECIMALS, Symbol,
};
use nofx_wire::soup::{self, Frame};

use crate::anomaly::Anomaly;
use crate::config::{ConfigError, OrderConfig, Protocol};
use crate::frames::{Frames, Wire};
use crate::machine::Machine;
use crate::report::{self, NoReport};
use crate::session::{Session, SessionState};
use crate::throttle::Throttle;

/// Our orders at one venue, and the session that carries them.
#[derive(Debug)]
pub struct OrderManager {
    machine: Machine,
    frames: Frames,
    session: Session,
    throttle: Throttle,
    symbols: Box<[[u8; 8]]>,
    /// The front of a frame that was cut.
    cut: Box<[u8]>,
    cut_len: usize,
    config: OrderConfig,
    /// Highest id that was staged.
    last_staged: u32,
    /// Highest id that was sent: the venue ignores anything not above it.
    last_sent: u32,
    sent: u64,
}

impl OrderManager {
    /// A session that is not logged in.
    ///
    /// # Errors
    /// A value that cannot be used; the error names its key.
    pub fn new(config: &OrderConfig) -> Result<OrderManager, ConfigError> {
        Ok(OrderManager {
            session: Session::new(config)?,
            machine: Machine::new(config.orders_max, config.fills_max),
            frames: Frames::new(config),
            throttle: Throttle::new(config.throttle_max, config.throttle_window_ns),
            symbols: vec![Symbol::NONE.0; config.instruments as usize].into_boxed_slice(),
            cut: vec![0; soup::FRAME_MAX].into_boxed_slice(),
            cut_len: 0,
            config: config.clone(),
            last_staged: 0,
            last_sent: 0,
            sent: 0,
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

    /// Completes an intent: account, epoch, what is known of the order it touches, and an id where
    /// it has none. It is not sent, and no row is taken for it, until [`OrderManager::encode`]; the
    /// throttle counts it here, whatever becomes of it.
    ///
    /// # Errors
    /// The rules that refuse it: [`Rule::UnknownOrder`] when the order is unknown, ended, has a
    /// request in flight or is not of this instrument and side; [`Rule::Busy`] when the row of the
    /// id is taken, the id does not rise or the throttle holds it; [`Rule::NotTradable`] when the
    /// instrument cannot be named or priced; [`Rule::Range`] when the quantity of the chain has no room.
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
            let free = id > self.last_staged && self.machine.orders.is_free(id);
            let busy = !free || !self.throttle.allows(intent.now_ns);
            rejects = rejects
                .with(Rule::Busy, busy)
                .with(Rule::NotTradable, self.symbol(intent).is_none());
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

    /// The bytes of a cleared intent, which must be sent at once. `None` when they cannot be: the
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
        self.session.sent(intent.now_ns);
        self.sent += 1;
        Some(match intent.kind {
            IntentKind::New => self.frames.enter(intent, &wire),
            IntentKind::Replace => self.frames.replace(intent, &wire),
            IntentKind::Cancel => self.frames.cancel(intent.orig.0),
        })
    }

    /// What the wire needs, once the order is marked as sent.
    #[inline]
    fn wire(&mut self, intent: &OrderIntent) -> Result<Wire, Anomaly> {
        if !self.session.is_up() {
            return Err(Anomaly::SessionDown);
        }
        let symbol = self.symbol(intent).ok_or(Anomaly::NotSendable)?;
        let price = u64::try_from(intent.price.0).map_err(|_| Anomaly::NotSendable)?;
        let places = intent.kind != IntentKind::Cancel;
        let id = intent.cl_ord_id.0;
        if places && (id <= self.last_sent || !self.frames.takes(price)) {
            return Err(Anomaly::NotSendable);
        }
        let quantity = self.machine.request(intent).ok_or(Anomaly::NotSendable)?;
        if places {
            self.last_sent = id;
        }
        Ok(Wire { symbol, quantity, price })
    }

    #[inline]
    fn symbol(&self, intent: &OrderIntent) -> Option<[u8; 8]> {
        let symbol = self.symbols.get(intent.instrument.index())?;
        (*symbol != Symbol::NONE.0).then_some(*symbol)
    }

    /// Takes bytes of the venue, cut anywhere, and queues the news they make. Take those with
    /// [`OrderManager::poll_update`] before more than [`crate::RECEIVE_MAX`] bytes are brought.
    pub fn receive(&mut self, now: Nanos, bytes: &[u8]) {
        self.session.heard(now);
        let mut rest = bytes;
        while self.cut_len > 0 && !rest.is_empty() {
            rest = self.join(now, rest);
        }
        while !rest.is_empty() {
            let Some(used) = self.frame(now, rest) else {
                self.keep(rest);
                break;
            };
            rest = rest.get(used..).unwrap_or(&[]);
        }
        let lost = self.machine.updates.take_lost();
        if lost > 0 {
            self.machine.anomalies.add(Anomaly::UpdateLost, lost);
            self.session.state = SessionState::Broken;
        }
    }

    /// Completes the frame that was cut, first its length, then the rest; what is left of `bytes`.
    fn join<'a>(&mut self, now: Nanos, bytes: &'a [u8]) -> &'a [u8] {
        let want = match self.cut {
            ref cut if self.cut_len >= 2 => {
                2 + usize::from(u16::from_be_bytes([cut[0], cut[1]])) // the buffer holds any frame
            }
            _ => 2,
        };
        let missing = want.saturating_sub(self.cut_len).min(bytes.len());
        let (front, rest) = bytes.split_at_checked(missing).unwrap_or((bytes, &[]));
        if let Some(place) = self.cut.get_mut(self.cut_len..self.cut_len + front.len()) {
            place.copy_from_slice(front);
            self.cut_len += front.len();
        }
        // Lent out and put back, so that the frame can be read while the rest of us moves.
        let cut = std::mem::take(&mut self.cut);
        let whole = cut.get(..self.cut_len).unwrap_or(&[]);
        if self.frame(now, whole).is_some() {
            self.cut_len = 0;
        }
        self.cut = cut;
        rest
    }

    fn keep(&mut self, rest: &[u8]) {
        // A frame that is cut is shorter than the longest frame, so it fits.
        if let Some(place) = self.cut.get_mut(..rest.len()) {
            place.copy_from_slice(rest);
            self.cut_len = rest.len();
        }
    }

    /// Takes the first frame of `bytes`: how many bytes it was, `None` when it is cut.
    #[inline]
    fn frame(&mut self, now: Nanos, bytes: &[u8]) -> Option<usize> {
        if self.session.state == SessionState::Broken {
            return Some(bytes.len()); // nothing can be found in it
        }
        match soup::next_frame(bytes) {
            Ok(None) => None,
            Ok(Some((frame, used))) => {
                self.on_frame(now, &frame);
                Some(used)
            }
            Err(_) => {
                self.session.state = SessionState::Broken;
                self.machine.anomalies.count(Anomaly::BrokenStream);
                Some(bytes.len())
            }
        }
    }

    #[inline]
    fn on_frame(&mut self, now: Nanos, frame: &Frame<'_>) {
        let anomalies = &mut self.machine.anomalies;
        match *frame {
            Frame::Sequenced(body) if self.session.is_numbered() => match self.session.is_new() {
                true => self.on_message(now, body),
                false => anomalies.count(Anomaly::Replayed),
            },
            Frame::ServerHeartbeat | Frame::Debug(_) => {}
            Frame::LoginAccepted(accepted) => self.session.accepted(accepted, anomalies),
            Frame::LoginRejected(reason) => self.session.refused(reason, anomalies),
            Frame::EndOfSession => self.session.state = SessionState::Ended,
            Frame::Sequenced(_)
            | Frame::Unsequenced(_)
            | Frame::LoginRequest(_)
            | Frame::ClientHeartbeat
            | Frame::Logout
            | Frame::Unknown(..) => anomalies.count(Anomaly::UnexpectedFrame),
        }
    }

    #[inline]
    fn on_message(&mut self, now: Nanos, body: &[u8]) {
        let read = match self.config.protocol {
            Protocol::Ouch50 => report::from_ouch50(body),
            Protocol::Ouch42 => report::from_ouch42(body),
        };
        match read {
            Ok(report) => self.machine.report(now, &report),
            Err(NoReport::Malformed) => self.machine.anomalies.count(Anomaly::Malformed),
            Err(NoReport::ForeignToken) => self.machine.anomalies.count(Anomaly::ForeignToken),
        }
    }

    /// Takes the oldest news out.
    #[inline]
    pub fn poll_update(&mut self) -> Option<OrderUpdate> {
        self.machine.updates.pop()
    }

    /// The bytes that log in on a new connection, from the first message that has not been seen.
    pub fn login(&mut self, now: Nanos) -> &[u8] {
        self.cut_len = 0;
        self.session.login(now)
    }

    /// Whether orders can be sent.
    #[inline]
    pub fn is_up(&self) -> bool {
        self.session.is_up()
    }

    /// Where the session stands.
    pub fn session(&self) -> SessionState {
        self.session.state
    }

    /// First sequenced message of the venue that has not been seen.
    pub fn next_seq(&self) -> u64 {
        self.session.next_seq()
    }

    /// A heartbeat when one is due. Also gives the session up when the venue has been silent for
    /// too long, so it is to be called about once a second.
    pub fn heartbeat(&mut self, now: Nanos) -> Option<&[u8]> {
        let due = self.session.keep_alive(now, &mut self.machine.anomalies);
        due.then_some(&soup::CLIENT_HEARTBEAT)
    }

    /// The connection is gone: nothing is sent until the next login. Orders stay as they are known.
    pub fn disconnected(&mut self) {
        self.session.state = SessionState::Down;
        self.cut_len = 0;
    }

    /// The bytes that log out; nothing is sent after them.
    pub fn logout(&mut self) -> &[u8] {
        self.session.state = SessionState::Down;
        &soup::LOGOUT
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
            ("order_stream", self.cut.len() as u64),
        ]
        .into_iter()
    }
}
