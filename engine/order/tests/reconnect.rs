//! The session under faults: connections cut at any byte either way, refused logins, reports sent
//! again, a venue that is slow to answer or loses its history, a client killed at any moment and
//! restored from its journal. No order takes effect twice, no new order goes out before the fence,
//! no id is used twice; when all is over the venue's orders and shares are ours, and where they
//! cannot be proven to be, trading has stopped.

mod common;

use std::collections::{BTreeMap, VecDeque};

use common::server::Server;
use common::venue::Venue;
use common::{ACCOUNT, Client, INSTRUMENTS, config, manager};
use nofx_order::{OrderConfig, OrderState, Protocol, Reconcile, SessionState};
use nofx_risk::VERDICTS_MAX;
use nofx_rt::rng::Rng;
use nofx_types::{ClOrdId, InstrumentId, IntentKind, OrderIntent, Price, Qty, Side};

/// What a run is made of.
#[derive(Clone, Copy, Debug, Default)]
struct Plan {
    /// OUCH 4.2, which has no query.
    old_protocol: bool,
    /// Disconnects cancel.
    cancels: bool,
    /// Orders that never arrived are sent again.
    resend: bool,
    /// Cancels may follow unanswered orders.
    in_flight: bool,
    /// The venue loses messages, or begins another session.
    loses_history: bool,
}

struct Run {
    rng: Rng,
    plan: Plan,
    config: OrderConfig,
    client: Client,
    server: Server,
    /// Bytes on their way to the venue.
    up: VecDeque<u8>,
    connected: bool,
    next_id: u32,
    known: Vec<(u32, u32, Side)>,
    /// Ids of orders sent, in order.
    sent: Vec<u32>,
    lives: u32,
    /// When history was lost while orders might be open: nothing may be sent once that is known.
    cuts: u32,
    what: String,
}

fn session_config(plan: &Plan) -> OrderConfig {
    let protocol = if plan.old_protocol { Protocol::Ouch42 } else { Protocol::Ouch50 };
    OrderConfig {
        reconcile: if plan.old_protocol { Reconcile::Quiet } else { Reconcile::Query },
        reconcile_quiet_ns: 3_000_000,
        reconcile_wait_ns: 60_000_000,
        cancel_on_disconnect: plan.cancels,
        resend: plan.resend,
        resend_age_ns: 20_000_000,
        cancel_in_flight: plan.in_flight,
        retry_min_ns: 1_000_000,
        retry_max_ns: 8_000_000,
        heartbeat_ns: 5_000_000,
        silence_ns: 400_000_000,
        ..config(protocol)
    }
}

impl Run {
    fn new(seed: u64, plan: Plan) -> Run {
        let mut rng = Rng::new(seed);
        let config = session_config(&plan);
        let mut server = Server::new(Venue::new(config.protocol, &mut rng));
        server.strict = rng.chance(1, 2);
        Run {
            client: Client::new(manager(&config)),
            what: format!("seed {seed}, {plan:?}"),
            rng,
            plan,
            config,
            server,
            up: VecDeque::new(),
            connected: false,
            next_id: 1,
            known: Vec::new(),
            sent: Vec::new(),
            lives: 1,
            cuts: 0,
        }
    }

    fn step(&mut self) {
        self.client.now.0 += 1 + self.rng.below(600_000);
        match self.rng.below(100) {
            0..=19 => self.wish(),
            20..=39 => self.verdict(),
            40..=54 => self.arrive(),
            55..=74 => self.deliver(),
            75..=82 => self.server.venue.market(&mut self.rng),
            83..=88 => self.server.work(1, &mut self.rng),
            89 => self.server.slow = self.rng.chance(1, 3),
            90 if self.rng.chance(1, 3) => self.cut(),
            91 if self.rng.chance(1, 8) => self.kill(),
            92 if self.plan.loses_history && self.rng.chance(1, 12) => self.lose_history(),
            93..=94 => self.server.heartbeat(),
            _ => {}
        }
        self.turn();
        self.check();
    }

    /// What the application does each turn.
    fn turn(&mut self) {
        if !self.connected && self.client.orders.should_connect(self.client.now) {
            match self.rng.chance(1, 5) {
                true => self.client.orders.disconnected(self.client.now), // nobody listens
                false => {
                    self.connected = true;
                    let login = self.client.login();
                    self.up.extend(login);
                }
            }
        }
        if self.connected {
            while let Some(bytes) = self.client.keep_alive() {
                self.up.extend(bytes);
            }
            self.client.resend();
            if self.client.orders.should_disconnect() {
                self.cut();
            }
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
        let Some(bytes) = self.client.verdict() else { return };
        let intent = self.client.record[before..].iter().find_map(|entry| match entry {
            common::Record::Sent(intent) => Some(*intent),
            _ => None,
        });
        let intent = intent.expect("journaled before its bytes leave");
        if intent.kind != IntentKind::Cancel {
            self.check_fence();
            self.sent.push(intent.cl_ord_id.0);
        }
        self.up.extend(bytes);
    }

    /// A new order goes out: the answer to a query of this connection has been seen.
    fn check_fence(&self) {
        let what = &self.what;
        assert_eq!(self.client.orders.session(), SessionState::Up, "{what}");
        if self.config.reconcile == Reconcile::Query {
            let answer = self.server.answered_at.expect("a query of this connection was answered");
            let seen = self.client.orders.next_seq() as usize;
            assert!(seen > answer + 1, "{what}: seen up to {seen}, answer at {answer}");
        }
        if self.plan.resend {
            return; // those that wait for their turn are in flight
        }
        let unanswered =
            self.client.orders.open().filter(|order| {
                !self.server.taken.contains(&order.id.0) && !self.sent_now(order.id.0)
            });
        assert_eq!(unanswered.count(), 0, "{what}: an order that never arrived is still in flight");
    }

    /// Whether an order was sent on this connection.
    fn sent_now(&self, id: u32) -> bool {
        let logins = self.client.record.iter().rposition(
            |entry| matches!(entry, common::Record::Control(_, bytes) if bytes[2] == b'L'),
        );
        self.client.record[logins.unwrap_or(0)..]
            .iter()
            .any(|entry| matches!(entry, common::Record::Sent(intent) if intent.cl_ord_id.0 == id))
    }

    fn arrive(&mut self) {
        let most = 1 + self.rng.below(150) as usize;
        self.arrive_at_most(most);
    }

    fn arrive_at_most(&mut self, most: usize) {
        if self.connected {
            let bytes: Vec<u8> = self.up.drain(..self.up.len().min(most)).collect();
            self.server.read(&bytes, &mut self.rng);
        }
    }

    fn deliver(&mut self) {
        let most = 1 + self.rng.below(200) as usize;
        self.deliver_at_most(most);
    }

    fn deliver_at_most(&mut self, most: usize) {
        self.server.pump();
        let bytes: Vec<u8> = self.server.out.drain(..self.server.out.len().min(most)).collect();
        if self.connected && !bytes.is_empty() {
            self.client.receive(&bytes);
        }
    }

    /// The connection breaks at some byte either way.
    fn cut(&mut self) {
        if !self.connected {
            return;
        }
        self.cuts += 1;
        self.lose_bytes();
        let front = self.rng.below(self.server.out.len() as u64 + 1) as usize;
        self.deliver_at_most(front);
        self.drop_connection();
        self.client.orders.disconnected(self.client.now);
    }

    fn lose_bytes(&mut self) {
        let front = self.rng.below(self.up.len() as u64 + 1) as usize;
        self.arrive_at_most(front);
        self.server.pump();
    }

    fn drop_connection(&mut self) {
        self.connected = false;
        self.up.clear();
        self.server.hang_up();
        if self.plan.cancels {
            self.server.work(usize::MAX, &mut self.rng);
            self.server.cancel_all();
        }
    }

    /// The process is killed and started again from its journal.
    fn kill(&mut self) {
        self.lives += 1;
        self.lose_bytes();
        self.drop_connection();
        let restored = Client::restored(&self.config, self.client.now, &self.client.record);
        self.compare_restored(&restored);
        self.client = restored;
        self.next_id = self.next_id.max(self.client.orders.first_free_id());
    }

    fn compare_restored(&self, restored: &Client) {
        let (old, new, what) = (&self.client.orders, &restored.orders, &self.what);
        assert_eq!(new.next_seq(), old.next_seq(), "{what}");
        assert_eq!(new.answers_owed(), old.answers_owed(), "{what}");
        assert!(new.first_free_id() > self.sent.iter().copied().max().unwrap_or(0), "{what}");
        for id in (0..INSTRUMENTS).map(InstrumentId) {
            let position = |client: &Client| client.positions.position(ACCOUNT, id);
            assert_eq!(position(restored), position(&self.client), "{what}");
        }
        if self.plan.resend || self.plan.old_protocol {
            return; // what waits to be sent again, and silence, are not in the record
        }
        let ours: Vec<_> = old.open().collect();
        assert_eq!(new.open().collect::<Vec<_>>(), ours, "{what}");
        for id in (0..INSTRUMENTS).map(InstrumentId) {
            for side in Side::BOTH {
                let open = ours.iter().filter(|o| (o.instrument, o.side) == (id, side));
                let shares: u64 = open.map(|order| order.leaves.0).sum();
                assert_eq!(restored.reserved(id, side), shares, "{what}");
            }
        }
    }

    fn lose_history(&mut self) {
        if self.rng.chance(1, 2) {
            self.server.gone = self.server.venue.said.len();
        } else {
            self.cut();
            // Now and then under the name of the one before.
            self.server.new_session(format!("DAY{}", self.cuts % 3));
        }
        self.cut();
    }

    /// Nothing that the venue has open is unreserved here, and ids rise.
    fn check(&self) {
        let what = &self.what;
        assert_eq!(self.server.stale, 0, "{what}: an id was used twice");
        if !self.plan.resend {
            assert!(self.sent.windows(2).all(|ids| ids[0] < ids[1]), "{what}");
        }
        if self.plan.loses_history {
            return;
        }
        for id in (0..INSTRUMENTS).map(InstrumentId) {
            for side in Side::BOTH {
                let open = self.server.venue.open.values();
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
        self.server.venue.moody = false;
        (self.server.moody, self.server.slow) = (false, false);
        for _ in 0..60 {
            self.client.now.0 += 4_000_000;
            self.server.work(usize::MAX, &mut self.rng);
            let stuck = matches!(self.client.orders.session(), SessionState::Unreconciled(_));
            if stuck && self.client.orders.open_orders() > 0 && !self.plan.old_protocol {
                self.cut();
            }
            self.turn();
            self.arrive_at_most(usize::MAX);
            self.deliver_at_most(usize::MAX);
            (0..VERDICTS_MAX).for_each(|_| self.verdict());
            self.end_waiting();
            self.cancel_all();
        }
    }

    fn end_waiting(&mut self) {
        let open = self.server.venue.open.iter().filter(|(_, order)| order.cancel_waits);
        let waiting: Vec<u32> = open.map(|(id, _)| *id).collect();
        waiting.into_iter().for_each(|id| self.server.venue.take_off(id, u32::MAX, b'U'));
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
        assert_eq!(self.server.waiting(), 0, "{what}");
        assert!(self.server.venue.open.is_empty(), "{what}: {:?}", self.server.venue.open);
        self.client.assert_released(what);
        for id in (0..INSTRUMENTS).map(InstrumentId) {
            let trades = self.server.venue.trades.iter().filter(|t| t.instrument == id.0);
            let position: i64 = trades.map(|t| t.side.sign() * i64::from(t.qty)).sum();
            assert_eq!(self.client.positions.position(ACCOUNT, id), position, "{what}");
        }
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

/// What a number of runs met.
#[derive(Debug, Default)]
struct Met {
    anomalies: BTreeMap<&'static str, u64>,
    states: BTreeMap<String, u64>,
    lives: u32,
    cuts: u32,
    orders: usize,
    proven: u64,
}

impl Met {
    fn add(&mut self, run: &Run) {
        let orders = &run.client.orders;
        orders.anomalies().for_each(|(name, n)| *self.anomalies.entry(name).or_default() += n);
        let state = format!("{:?}", orders.session());
        let state = state.split_once(|c: char| c.is_ascii_digit()).map_or(&*state, |(s, _)| s);
        *self.states.entry(state.to_owned()).or_default() += 1;
        (self.lives, self.cuts) = (self.lives + run.lives, self.cuts + run.cuts);
        self.orders += run.sent.len();
        self.proven += orders.reconciliation().proven;
    }
}

fn runs(plan: Plan, seeds: std::ops::Range<u64>) -> Met {
    let mut met = Met::default();
    for seed in seeds {
        let run = run(seed, plan);
        assert_eq!(run.client.orders.session(), SessionState::Up, "{}", run.what);
        run.compare();
        met.add(&run);
    }
    println!("{plan:?}: {met:?}");
    met
}

#[test]
fn faults_of_connections_and_processes_lose_nothing() {
    let met = runs(Plan::default(), 0..800);
    assert!(met.cuts > 1_000 && met.lives > 900 && met.orders > 3_000, "{met:?}");
    for name in ["never_arrived", "replayed", "login_rejected", "late_answer"] {
        assert!(met.anomalies.get(name).is_some_and(|n| *n > 0), "no run met {name}: {met:?}");
    }
    for name in ["ghost", "missed", "overfill", "update_lost", "broken_stream"] {
        assert_eq!(met.anomalies.get(name), None, "{met:?}");
    }
}

#[test]
fn cancels_on_disconnect_and_cancels_of_orders_in_flight() {
    let met = runs(Plan { cancels: true, in_flight: true, ..Plan::default() }, 0..400);
    assert!(!met.anomalies.contains_key("still_open"), "{met:?}");
    runs(Plan { in_flight: true, ..Plan::default() }, 400..800);
}

#[test]
fn orders_that_never_arrived_go_again_under_their_old_ids_once() {
    let mut again = 0;
    for seed in 0..800u64 {
        let plan = Plan { resend: true, in_flight: seed.is_multiple_of(2), ..Plan::default() };
        let run = run(seed, plan);
        assert_eq!(run.client.orders.session(), SessionState::Up, "{}", run.what);
        run.compare();
        let mut ids = run.sent.clone();
        ids.sort_unstable();
        ids.dedup();
        again += run.sent.len() - ids.len();
    }
    assert!(again > 100, "{again}");
}

#[test]
fn without_a_query_silence_ends_the_reports_and_an_unanswered_order_stops() {
    let plan = Plan { old_protocol: true, ..Plan::default() };
    let mut met = Met::default();
    for seed in 0..400 {
        let run = run(seed, plan);
        met.add(&run);
        if run.client.orders.session() == SessionState::Up {
            run.compare();
            continue;
        }
        let unanswered =
            run.client.orders.open().filter(|order| {
                matches!(order.state, OrderState::PendingNew | OrderState::Replacing)
            });
        assert!(unanswered.count() > 0, "{}: {:?}", run.what, run.client.orders.session());
    }
    println!("{met:?}");
    assert!(met.states.len() >= 2 && met.proven > 200, "{met:?}");
}

#[test]
fn lost_history_stops_trading_or_changes_nothing() {
    let plan = Plan { loses_history: true, ..Plan::default() };
    let mut met = Met::default();
    for seed in 0..600 {
        let run = run(seed, plan);
        met.add(&run);
        if run.client.orders.session() == SessionState::Up {
            run.compare();
        }
    }
    println!("{met:?}");
    let stopped =
        ["Missed", "SessionChanged", "LostHistory"].map(|why| format!("Unreconciled({why})"));
    for state in stopped.iter().map(String::as_str).chain(["Up"]) {
        assert!(met.states.get(state).is_some_and(|n| *n > 0), "no run met {state}: {met:?}");
    }
}
