//! OCG-C, TGW and TDGW against a far end written from the documents: the same races and faults as
//! OUCH's. Connections cut at any byte either way, reports sent again, a client killed at any
//! moment and restored from its journal, and with the mainland's gateways a second session that
//! cancels while the first is down. No order takes effect twice, none is left, no share is released
//! twice.

mod common;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use common::far::Asked;
use common::gateway::Gateway;
use common::real::{FarEnd, Real};
use common::venue::Venue;
use common::{ACCOUNT, Client, INSTRUMENTS, Record, config, manager};
use nofx_order::{OrderConfig, Protocol, SessionState, Unreconciled};
use nofx_risk::VERDICTS_MAX;
use nofx_rt::rng::Rng;
use nofx_types::{ClOrdId, InstrumentId, IntentKind, OrderIntent, Price, Qty, Side, UpdateKind};

const PROTOCOLS: [Protocol; 3] = [Protocol::Ocg, Protocol::Tgw, Protocol::Tdgw];

#[derive(Clone, Copy, Debug)]
struct Plan {
    protocol: Protocol,
    /// Disconnects of the first session cancel.
    cancels: bool,
    /// There is a second session.
    rescue: bool,
    /// Orders that never arrived are sent again (OCG-C).
    resend: bool,
    in_flight: bool,
    /// The far end is the gateway of the simulated venue.
    real: bool,
}

impl Plan {
    fn of(protocol: Protocol) -> Plan {
        Plan {
            protocol,
            cancels: false,
            rescue: false,
            resend: false,
            in_flight: false,
            real: false,
        }
    }

    fn config(&self) -> OrderConfig {
        OrderConfig {
            reconcile: self.protocol.reconcile(),
            reconcile_quiet_ns: 3_000_000,
            reconcile_wait_ns: 60_000_000,
            cancel_on_disconnect: self.cancels,
            resend: self.resend,
            resend_age_ns: 20_000_000,
            cancel_in_flight: self.in_flight,
            retry_min_ns: 1_000_000,
            retry_max_ns: 8_000_000,
            heartbeat_ns: 5_000_000,
            silence_ns: 400_000_000,
            rescue: self.rescue,
            rescue_after_ns: 2_000_000,
            ..config(self.protocol)
        }
    }
}

struct Run {
    rng: Rng,
    plan: Plan,
    config: OrderConfig,
    client: Client,
    venue: Venue,
    far: Box<dyn FarEnd>,
    /// Requests between gateway and book.
    waiting: VecDeque<Asked>,
    slow: bool,
    /// Bytes on their way to the venue, by session.
    up: [VecDeque<u8>; 2],
    connected: [bool; 2],
    /// The first session may not come back.
    barred: bool,
    next_id: u32,
    known: Vec<(u32, u32, Side)>,
    sent: Vec<u32>,
    taken: BTreeSet<u32>,
    lives: u32,
    cuts: u32,
    rescued: u32,
    what: String,
}

const FIRST: usize = 0;
const SECOND: usize = 1;

impl Run {
    fn new(seed: u64, plan: Plan) -> Run {
        let mut rng = Rng::new(seed);
        let config = plan.config();
        let far: Box<dyn FarEnd> = match plan.real {
            true => Box::new(Real::new(plan.protocol, plan.cancels)),
            false => {
                let mut gateway = Gateway::new(plan.protocol, 2);
                gateway.terse = rng.chance(1, 2);
                Box::new(gateway)
            }
        };
        Run {
            client: Client::new(manager(&config)),
            what: format!("seed {seed}, {plan:?}"),
            venue: Venue::new(plan.protocol, &mut rng),
            rng,
            plan,
            config,
            far,
            waiting: VecDeque::new(),
            slow: false,
            up: Default::default(),
            connected: [false; 2],
            barred: false,
            next_id: 1,
            known: Vec::new(),
            sent: Vec::new(),
            taken: BTreeSet::new(),
            lives: 1,
            cuts: 0,
            rescued: 0,
        }
    }

    fn step(&mut self) {
        self.client.now.0 += 1 + self.rng.below(600_000);
        let session = self.rng.below(1 + u64::from(self.plan.rescue)) as usize;
        match self.rng.below(100) {
            0..=19 => self.wish(),
            20..=39 => self.verdict(),
            40..=54 => self.arrive(session),
            55..=74 => self.deliver(session),
            75..=82 => self.market(),
            83..=88 => self.work(1),
            89 => self.slow = self.rng.chance(1, 3),
            90 if self.rng.chance(1, 3) => self.cut(session),
            91 if self.rng.chance(1, 8) => self.kill(),
            92..=94 => self.far.heartbeat(session, self.client.now),
            95 if self.plan.protocol != Protocol::Ocg && self.rng.chance(1, 4) => {
                self.far.set_platform(self.client.now, 2 + self.rng.below(2) as u16);
            }
            _ => {}
        }
        self.turn();
        self.check();
    }

    /// What the application does each turn.
    fn turn(&mut self) {
        let now = self.client.now;
        if !self.connected[FIRST] && !self.barred && self.client.orders.should_connect(now) {
            match self.rng.chance(1, 5) {
                true => self.client.orders.disconnected(now), // nobody listens
                false => {
                    self.connected[FIRST] = true;
                    self.far.connect(FIRST, now);
                    let login = self.client.login();
                    self.up[FIRST].extend(login);
                }
            }
        }
        while self.connected[FIRST]
            && let Some(bytes) = self.client.keep_alive()
        {
            self.up[FIRST].extend(bytes);
        }
        if self.connected[FIRST] {
            self.client.resend();
            if self.client.orders.should_disconnect() {
                self.cut(FIRST);
            }
        } else {
            self.client.keep_alive();
        }
        if self.plan.rescue {
            self.rescue_turn();
        }
    }

    fn rescue_turn(&mut self) {
        let now = self.client.now;
        let mut rescue = self.client.orders.rescue().expect("a rescue");
        if !self.connected[SECOND] && rescue.should_connect(now) {
            self.connected[SECOND] = true;
            self.far.connect(SECOND, now);
            let login = self.client.rescue_login();
            self.up[SECOND].extend(login);
        }
        while self.connected[SECOND]
            && let Some(bytes) = self.client.rescue_keep_alive()
        {
            self.up[SECOND].extend(bytes);
        }
        if self.connected[SECOND] && self.client.orders.rescue().unwrap().should_disconnect() {
            self.cut(SECOND);
        }
        if self.client.orders.should_rescue(now) {
            self.rescued += 1;
            self.cancel_all();
        }
    }

    fn wish(&mut self) {
        let instrument = InstrumentId(self.rng.below(INSTRUMENTS.into()) as u32);
        let side = Side::BOTH[self.rng.below(2) as usize];
        let price = Price(1_000 - side.sign() * (20 + self.rng.below(10) as i64));
        let qty = Qty(1 + self.rng.below(20));
        let recent = self.known.len().saturating_sub(10);
        let pick = recent + self.rng.below(10) as usize;
        let mut intent = match (self.rng.below(3), self.known.get(pick).copied()) {
            (1, Some((id, at, side))) => {
                let price = Price(1_000 - side.sign() * (20 + self.rng.below(10) as i64));
                OrderIntent::replace(InstrumentId(at), ClOrdId(id), side, price, qty)
            }
            (2, Some((id, at, side))) => OrderIntent::cancel(InstrumentId(at), ClOrdId(id), side),
            _ => OrderIntent::new(instrument, side, price, qty),
        };
        if intent.kind != IntentKind::Cancel {
            intent.cl_ord_id = ClOrdId(self.next_id);
            self.known.push((self.next_id, intent.instrument.0, intent.side));
            self.next_id += 1;
        }
        self.client.submit(intent);
    }

    fn verdict(&mut self) {
        let before = self.client.record.len();
        // Which stream a cancel goes to, asked just before it is encoded.
        let by_rescue = self.client.orders.goes_by_rescue(IntentKind::Cancel);
        let Some(bytes) = self.client.verdict() else { return };
        let intent = self.client.record[before..].iter().find_map(|entry| match entry {
            Record::Sent(intent) => Some(*intent),
            _ => None,
        });
        let intent = intent.expect("journaled before its bytes leave");
        let cancels = intent.kind == IntentKind::Cancel;
        if !cancels {
            assert_eq!(self.client.orders.session(), SessionState::Up, "{}", self.what);
            self.sent.push(intent.cl_ord_id.0);
        }
        let at = if by_rescue && cancels { SECOND } else { FIRST };
        self.up[at].extend(bytes);
    }

    fn market(&mut self) {
        let ids: Vec<u32> = self.venue.open.keys().copied().collect();
        let Some(&id) = ids.get(self.rng.below(ids.len() as u64) as usize) else { return };
        match self.rng.below(12) {
            0..=9 => self.venue.fill(id, &mut self.rng, b'A'),
            _ => self.venue.take_off(id, u32::MAX, b'H'),
        }
    }

    fn arrive(&mut self, at: usize) {
        let most = 1 + self.rng.below(300) as usize;
        self.arrive_at_most(at, most);
    }

    fn arrive_at_most(&mut self, at: usize, most: usize) {
        if !self.connected[at] {
            return;
        }
        let bytes: Vec<u8> = self.up[at].drain(..self.up[at].len().min(most)).collect();
        // A login looks back on what was said so far.
        self.far.pump(self.client.now, &self.venue.reports);
        for asked in self.far.read(at, self.client.now, &bytes) {
            if let Asked::Enter { id, .. } | Asked::Replace { id, .. } = asked {
                assert!(self.taken.insert(id), "{}: {id} arrived twice", self.what);
                self.venue.last_id = 0; // ids need not rise here
            }
            self.waiting.push_back(asked);
        }
        if !self.slow {
            self.work(usize::MAX);
        }
    }

    fn work(&mut self, most: usize) {
        for _ in 0..most.min(self.waiting.len()) {
            let Some(asked) = self.waiting.pop_front() else { break };
            self.venue.last_id = 0;
            self.venue.on_asked(&asked, &mut self.rng);
        }
    }

    fn deliver(&mut self, at: usize) {
        let most = 1 + self.rng.below(400) as usize;
        self.deliver_at_most(at, most);
    }

    fn deliver_at_most(&mut self, at: usize, most: usize) {
        self.far.pump(self.client.now, &self.venue.reports);
        let bytes = self.far.take(at, most);
        if self.connected[at] && !bytes.is_empty() {
            match at {
                FIRST => self.client.receive(&bytes),
                _ => self.client.rescue_receive(&bytes),
            }
        }
    }

    /// The connection breaks at some byte either way.
    fn cut(&mut self, at: usize) {
        if !self.connected[at] {
            return;
        }
        self.cuts += 1;
        let front = self.rng.below(self.up[at].len() as u64 + 1) as usize;
        self.arrive_at_most(at, front);
        self.far.pump(self.client.now, &self.venue.reports);
        let front = self.rng.below(self.far.waiting(at) as u64 + 1) as usize;
        self.deliver_at_most(at, front);
        self.drop_connection(at);
        match at {
            FIRST => self.client.orders.disconnected(self.client.now),
            _ => self.client.orders.rescue().expect("a rescue").disconnected(self.client.now),
        }
    }

    fn drop_connection(&mut self, at: usize) {
        self.connected[at] = false;
        self.up[at].clear();
        self.far.hang_up(at, self.client.now);
        if self.plan.cancels && at == FIRST {
            self.work(usize::MAX);
            let ids: Vec<u32> = self.venue.open.keys().copied().collect();
            ids.into_iter().for_each(|id| self.venue.take_off(id, u32::MAX, b'S'));
        }
    }

    /// The process is killed and started again from its journal.
    fn kill(&mut self) {
        self.lives += 1;
        for at in [FIRST, SECOND] {
            if self.connected[at] {
                self.arrive(at);
                self.drop_connection(at);
            }
        }
        let restored = Client::restored(&self.config, self.client.now, &self.client.record);
        let (old, new, what) = (&self.client.orders, &restored.orders, &self.what);
        assert_eq!(new.next_seq(), old.next_seq(), "{what}");
        assert!(new.first_free_id() > self.sent.iter().copied().max().unwrap_or(0), "{what}");
        for id in (0..INSTRUMENTS).map(InstrumentId) {
            let position = |client: &Client| client.positions.position(ACCOUNT, id);
            assert_eq!(position(&restored), position(&self.client), "{what}");
        }
        self.client = restored;
        self.next_id = self.next_id.max(self.client.orders.first_free_id());
    }

    /// Nothing that the venue has open is unreserved here.
    fn check(&self) {
        let what = &self.what;
        for id in (0..INSTRUMENTS).map(InstrumentId) {
            for side in Side::BOTH {
                let open = self.venue.open.values();
                let open = open.filter(|o| (o.instrument, o.side) == (id.0, side));
                let open: u64 = open.map(|order| u64::from(order.leaves)).sum();
                let reserved = self.client.reserved(id, side);
                assert!(reserved >= open, "{what}: {reserved} < {open} {side:?}");
            }
        }
        assert_eq!(self.client.gate.card().faults(), 0, "{what}");
    }

    /// The faults end: everything arrives, and what is open is cancelled.
    fn finish(&mut self) {
        self.venue.moody = false;
        self.slow = false;
        self.far.set_platform(self.client.now, 2);
        for _ in 0..60 {
            self.client.now.0 += 4_000_000;
            self.work(usize::MAX);
            self.turn();
            for at in [FIRST, SECOND] {
                self.arrive_at_most(at, usize::MAX);
                self.deliver_at_most(at, usize::MAX);
            }
            (0..VERDICTS_MAX).for_each(|_| self.verdict());
            self.cancel_all();
        }
    }

    fn cancel_all(&mut self) {
        let mut from = 0;
        while let Some((row, order)) = self.client.orders.next_open(from) {
            from = row + 1;
            if order.cancellable && self.client.orders.may_cancel() {
                self.client.submit(order.cancel());
                self.verdict();
            }
        }
    }

    fn compare(&self) {
        let what = &self.what;
        assert!(self.venue.open.is_empty(), "{what}: {:?}", self.venue.open);
        self.client.assert_released(what);
        self.compare_trades();
    }

    fn compare_trades(&self) {
        let what = &self.what;
        for id in (0..INSTRUMENTS).map(InstrumentId) {
            let trades = self.venue.trades.iter().filter(|t| t.instrument == id.0);
            let position: i64 = trades.map(|t| t.side.sign() * i64::from(t.qty)).sum();
            assert_eq!(self.client.positions.position(ACCOUNT, id), position, "{what}");
        }
        let mut ends: BTreeMap<u32, u32> = BTreeMap::new();
        for update in &self.client.told {
            let closes = match update.kind {
                UpdateKind::Rejected | UpdateKind::ReplaceRejected => true,
                UpdateKind::Accepted | UpdateKind::Filled | UpdateKind::Canceled => update.closed,
                _ => false,
            };
            *ends.entry(update.cl_ord_id.0).or_default() += u32::from(closes);
        }
        if !self.plan.resend {
            assert!(ends.values().all(|n| *n <= 1), "{what}: an order ended twice: {ends:?}");
        }
    }

    /// What is still open here never arrived.
    fn compare_left(&self) {
        for order in self.client.orders.open().filter(|_| self.far.names_ids()) {
            assert!(!self.taken.contains(&order.id.0), "{}: {order:?}", self.what);
        }
    }

    /// Orders that the venue never had, or that are still unanswered, may stop trading where it
    /// cannot be asked; nothing else may be left.
    fn compare_stopped(&self) {
        let state = self.client.orders.session();
        let unanswered = matches!(state, SessionState::Unreconciled(Unreconciled::Unanswered(_)));
        assert!(unanswered, "{}: {state:?}", self.what);
        assert!(self.venue.open.is_empty(), "{}: {:?}", self.what, self.venue.open);
        self.compare_left();
        self.compare_trades();
    }
}

fn run(seed: u64, plan: Plan) -> Run {
    let mut run = Run::new(seed, plan);
    for _ in 0..400 {
        run.step();
    }
    run.finish();
    run
}

#[derive(Debug, Default)]
struct Met {
    anomalies: BTreeMap<&'static str, u64>,
    states: BTreeMap<String, u64>,
    lives: u32,
    cuts: u32,
    orders: usize,
    rescued: u32,
    proven: u64,
}

/// Runs a number of seeds and compares both ends after each.
fn runs(plan: Plan, seeds: std::ops::Range<u64>) -> Met {
    let mut met = Met::default();
    for seed in seeds {
        let run = run(seed, plan);
        match run.client.orders.session() {
            SessionState::Up => run.compare(),
            _ => run.compare_stopped(),
        }
        let orders = &run.client.orders;
        orders.anomalies().for_each(|(name, n)| *met.anomalies.entry(name).or_default() += n);
        let state = format!("{:?}", orders.session());
        *met.states
            .entry(state.split(|c: char| c.is_ascii_digit()).next().unwrap().into())
            .or_default() += 1;
        (met.lives, met.cuts) = (met.lives + run.lives, met.cuts + run.cuts);
        (met.orders, met.rescued) = (met.orders + run.sent.len(), met.rescued + run.rescued);
        met.proven += orders.reconciliation().proven;
    }
    println!("{plan:?}: {met:?}");
    for name in ["ghost", "missed", "overfill", "update_lost", "broken_stream"] {
        assert_eq!(met.anomalies.get(name), None, "{met:?}");
    }
    met
}

#[test]
fn faults_of_ocg_lose_nothing() {
    let met = runs(Plan::of(Protocol::Ocg), 0..300);
    assert_eq!(met.states.len(), 1, "the venue says what arrived, so all is proven: {met:?}");
    assert!(met.cuts > 300 && met.orders > 1_500, "{met:?}");
    for name in ["never_arrived", "late_answer"] {
        assert!(met.anomalies.get(name).is_some_and(|n| *n > 0), "no run met {name}: {met:?}");
    }
}

#[test]
fn ocg_cancels_on_disconnect_and_cancels_in_flight() {
    let plan = Plan { cancels: true, in_flight: true, ..Plan::of(Protocol::Ocg) };
    let met = runs(plan, 300..500);
    assert_eq!((met.states.len(), met.anomalies.get("still_open")), (1, None), "{met:?}");
}

#[test]
fn orders_that_never_arrived_at_ocg_go_again_once() {
    let plan = Plan { resend: true, ..Plan::of(Protocol::Ocg) };
    let met = runs(plan, 500..700);
    assert_eq!(met.states.len(), 1, "{met:?}");
}

#[test]
fn faults_of_the_mainlands_gateways_lose_nothing_or_stop_trading() {
    for protocol in [Protocol::Tgw, Protocol::Tdgw] {
        let met = runs(Plan::of(protocol), 0..250);
        assert!(met.states.len() == 2 && met.proven > 150, "{met:?}");
        assert!(met.cuts > 250 && met.orders > 800, "{met:?}");
    }
}

#[test]
fn a_second_session_counts_reports_once_and_cancels_while_the_first_is_down() {
    for protocol in [Protocol::Tgw, Protocol::Tdgw] {
        let plan = Plan { rescue: true, in_flight: true, ..Plan::of(protocol) };
        let met = runs(plan, 0..250);
        assert!(met.rescued > 50, "{met:?}");
        let twice = met.anomalies.get("replayed").copied().unwrap_or(0);
        assert!(twice > 1_000, "both sessions bring every report: {met:?}");
    }
}

#[test]
fn the_first_session_lost_at_each_point_leaves_no_order() {
    for (protocol, point) in
        [Protocol::Tgw, Protocol::Tdgw].into_iter().flat_map(|p| (0..120u64).map(move |n| (p, n)))
    {
        let mut run = Run::new(point, Plan { rescue: true, ..Plan::of(protocol) });
        for _ in 0..40 + point * 3 {
            run.step();
        }
        run.barred = true;
        run.cut(FIRST);
        run.finish();
        let what = &run.what;
        assert!(run.venue.open.is_empty(), "{what}: {:?}", run.venue.open);
        run.compare_left();
        run.compare_trades();
    }
}

#[test]
fn without_a_second_session_the_open_orders_are_named() {
    for protocol in PROTOCOLS {
        let mut run = Run::new(7, Plan::of(protocol));
        for _ in 0..300 {
            run.step();
        }
        run.barred = true;
        run.cut(FIRST);
        let open: Vec<_> = run.client.orders.open().map(|order| order.id).collect();
        assert!(!open.is_empty());
        let named: Vec<_> = run.client.orders.stranded().map(|order| order.id).collect();
        assert_eq!(named, open);
        assert_eq!(run.client.orders.rescue_session(), None);
    }
}

#[test]
fn the_gateways_of_the_simulated_venue_agree() {
    for protocol in PROTOCOLS {
        let plan = Plan { real: true, ..Plan::of(protocol) };
        let met = runs(plan, 0..150);
        assert!(met.cuts > 100 && met.orders > 500, "{met:?}");
        if protocol == Protocol::Ocg {
            assert_eq!(met.states.len(), 1, "{met:?}");
            runs(Plan { cancels: true, in_flight: true, ..plan }, 150..250);
            runs(Plan { resend: true, ..plan }, 250..350);
        } else {
            let met = runs(Plan { rescue: true, ..plan }, 150..300);
            assert!(met.rescued > 30, "{met:?}");
        }
    }
}
