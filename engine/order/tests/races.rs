//! The heart: random interleavings of requests, fills, cancels, refusals, broken and corrected trades,
//! duplicates and reconnects against a model venue. Whatever happens, no share that the venue has
//! open is ever unreserved, and when all is over nothing is reserved and positions are the sum of
//! fills.

mod common;

use std::collections::{BTreeMap, VecDeque};

use common::venue::{Resting, Venue};
use common::{ACCOUNT, Client, INSTRUMENTS, config, up};
use nofx_order::Protocol;
use nofx_risk::VERDICTS_MAX;
use nofx_rt::rng::Rng;
use nofx_types::{
    ClOrdId, InstrumentId, IntentKind, OrderIntent, Price, Qty, Side, TimeInForce, UpdateKind,
};
use nofx_wire::soup;

struct Run {
    rng: Rng,
    client: Client,
    venue: Venue,
    /// Frames on their way to the venue.
    uplink: VecDeque<Vec<u8>>,
    /// Frames of the venue that the client has been sent.
    sent_down: usize,
    /// Bytes on their way to the client.
    downlink: VecDeque<u8>,
    next_id: u32,
    known: Vec<(u32, u32, Side)>,
    seed: u64,
}

impl Run {
    fn new(seed: u64) -> Run {
        let mut rng = Rng::new(seed);
        let protocol = [Protocol::Ouch50, Protocol::Ouch42][rng.below(2) as usize];
        let venue = Venue::new(protocol, &mut rng);
        Run {
            client: Client::new(up(&config(protocol))),
            rng,
            venue,
            uplink: VecDeque::new(),
            sent_down: 0,
            downlink: VecDeque::new(),
            next_id: 1,
            known: Vec::new(),
            seed,
        }
    }

    fn step(&mut self) {
        self.client.now.0 += 1_000;
        match self.rng.below(100) {
            0..=24 => self.wish(),
            25..=44 => self.verdict(),
            45..=64 => self.arrive(),
            65..=79 => self.venue.market(&mut self.rng),
            80..=81 => self.venue.regret(&mut self.rng),
            82 => self.venue.nonsense(&mut self.rng),
            83 if self.rng.chance(1, 4) => self.reconnect(),
            _ => self.deliver(),
        }
        self.check();
    }

    fn wish(&mut self) {
        let instrument = InstrumentId(self.rng.below(INSTRUMENTS.into()) as u32);
        let side = Side::BOTH[self.rng.below(2) as usize];
        // Apart, so that the gate's self-match rule leaves most of them alone.
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
        if intent.kind == IntentKind::New && self.rng.chance(1, 10) {
            intent.tif = TimeInForce::Ioc;
        }
        self.client.submit(intent);
    }

    /// The gate answers some time later: meanwhile the order may have moved.
    fn verdict(&mut self) {
        if let Some(bytes) = self.client.verdict() {
            self.uplink.push_back(bytes);
        }
    }

    fn arrive(&mut self) {
        if let Some(frame) = self.uplink.pop_front() {
            self.venue.on_request(&frame, &mut self.rng);
        }
    }

    fn deliver(&mut self) {
        for frame in self.venue.said.iter().skip(self.sent_down) {
            self.downlink.extend(frame);
        }
        self.sent_down = self.venue.said.len();
        let most = self.downlink.len().min(1 + self.rng.below(150) as usize);
        let bytes: Vec<u8> = self.downlink.drain(..most).collect();
        self.client.receive(&bytes);
    }

    /// The connection breaks: the newest requests are lost, bytes under way too. The client logs in
    /// again, gets what it missed, and sends again what may not have arrived.
    fn reconnect(&mut self) {
        self.client.orders.disconnected(self.client.now);
        let unsure: Vec<_> = self.uplink.iter().cloned().collect();
        for _ in 0..self.rng.below(self.uplink.len() as u64 + 1) {
            self.arrive();
        }
        self.uplink.clear();
        self.downlink.clear();
        let login = self.client.orders.login(self.client.now).to_vec();
        let Ok(Some((soup::Frame::LoginRequest(request), 49))) = soup::next_frame(&login) else {
            panic!("{login:?}");
        };
        let from = request.next_sequence().expect("a number");
        // Sometimes the server starts earlier than it was asked to.
        let from = from.saturating_sub(self.rng.below(3)).max(1);
        self.sent_down = from as usize - 1;
        let accepted = soup::login_accepted(soup::session_name("DAY1").expect("short"), from);
        self.downlink.extend(accepted);
        self.uplink.extend(unsure);
    }

    /// No open share at the venue is unreserved here.
    fn check(&self) {
        for id in (0..INSTRUMENTS).map(InstrumentId) {
            for side in Side::BOTH {
                let of = |o: &&Resting| o.instrument == id.0 && o.side == side;
                let open: u64 =
                    self.venue.open.values().filter(of).map(|o| u64::from(o.leaves)).sum();
                let reserved = self.client.reserved(id, side);
                assert!(reserved >= open, "seed {}: {reserved} < {open} {side:?}", self.seed);
            }
        }
        assert_eq!(self.client.gate.card().faults(), 0, "seed {}", self.seed);
    }

    /// Lets everything arrive, cancels what is left, until nothing is.
    fn finish(&mut self) {
        self.venue.moody = false;
        for _ in 0..20 {
            while !self.uplink.is_empty() {
                self.arrive();
            }
            self.deliver();
            while !self.downlink.is_empty() {
                self.deliver();
            }
            (0..VERDICTS_MAX).for_each(|_| self.verdict());
            let waiting: Vec<u32> =
                self.venue.open.iter().filter(|(_, o)| o.cancel_waits).map(|(id, _)| *id).collect();
            waiting.into_iter().for_each(|id| self.venue.take_off(id, u32::MAX, b'U'));
            for (id, at, side) in self.known.clone() {
                let cancel = OrderIntent::cancel(InstrumentId(at), ClOrdId(id), side);
                if let Some(bytes) = self.client.send(cancel) {
                    self.uplink.push_back(bytes);
                }
            }
        }
    }

    fn compare(&self) {
        let what = format!("seed {}", self.seed);
        assert!(self.venue.open.is_empty(), "{what}");
        self.client.assert_released(&what);
        for id in 0..INSTRUMENTS {
            let (mut position, mut cash) = (0i64, 0i64);
            for t in self.venue.trades.iter().filter(|t| t.instrument == id) {
                position += t.side.sign() * i64::from(t.qty);
                cash -= t.side.sign() * i64::from(t.qty) * t.price as i64;
            }
            let id = InstrumentId(id);
            assert_eq!(self.client.positions.position(ACCOUNT, id), position, "{what}");
            let row = self.client.positions.rows().find(|row| row.instrument == id);
            let profit = row.map_or(0, |row| row.realised_e4 + row.open_e4(Price(1_003)));
            assert_eq!(profit, cash + position * 1_003, "{what}");
        }
        self.ends_once(&what);
    }

    /// Every order that was said to be open is said to end exactly once.
    fn ends_once(&self, what: &str) {
        let mut ends: BTreeMap<u32, u32> = BTreeMap::new();
        for update in &self.client.told {
            match update.kind {
                UpdateKind::Rejected | UpdateKind::ReplaceRejected => {
                    *ends.entry(update.cl_ord_id.0).or_default() += 1;
                }
                UpdateKind::Replaced => *ends.entry(update.orig.0).or_default() += 1,
                UpdateKind::Accepted | UpdateKind::Filled | UpdateKind::Canceled => {
                    *ends.entry(update.cl_ord_id.0).or_default() += u32::from(update.closed);
                }
                _ => {}
            }
        }
        assert!(ends.values().all(|n| *n <= 1), "{what}: {ends:?}");
    }
}

fn run(seed: u64, steps: usize) -> Run {
    let mut run = Run::new(seed);
    for _ in 0..steps {
        run.step();
    }
    run.finish();
    run.compare();
    run
}

#[test]
fn exposure_and_positions_survive_every_race() {
    let mut seen: BTreeMap<&'static str, u64> = BTreeMap::new();
    let mut kinds = [0u64; UpdateKind::COUNT];
    for seed in 0..3_000 {
        let run = run(seed, 400);
        run.client.orders.anomalies().for_each(|(name, n)| *seen.entry(name).or_default() += n);
        run.client.told.iter().for_each(|update| kinds[update.kind as usize] += 1);
    }
    println!("anomalies {seen:?}, updates by kind {kinds:?}");
    // The runs must have met what they are for.
    for name in [
        "unknown_order",
        "duplicate",
        "late_answer",
        "duplicate_fill",
        "not_sendable",
        "quantity_differs",
        "malformed",
        "replayed",
    ] {
        assert!(seen.get(name).is_some_and(|n| *n > 0), "no run met {name}: {seen:?}");
    }
    for name in ["overfill", "overcancel", "missed", "update_lost", "broken_stream"] {
        assert_eq!(seen.get(name), None, "{seen:?}");
    }
    for (kind, n) in
        kinds.iter().enumerate().filter(|(k, _)| *k != UpdateKind::RefusedByGate as usize)
    {
        assert!(*n > 1_000, "kind {kind}: {kinds:?}");
    }
}
