//! The heart: random interleavings of requests, fills, cancels, refusals, broken and corrected trades,
//! duplicates and reconnects against a model venue. Whatever happens, no share that the venue has
//! open is ever unreserved, and when all is over nothing is reserved and positions are the sum of
//! fills.

mod common;

use std::collections::{BTreeMap, VecDeque};

use common::far::{self, Asked, Say};
use common::{ACCOUNT, Client, INSTRUMENTS, config, instrument, up};
use nofx_order::Protocol;
use nofx_risk::VERDICTS_MAX;
use nofx_rt::rng::Rng;
use nofx_types::{
    ClOrdId, InstrumentId, IntentKind, OrderIntent, Price, Qty, Side, TimeInForce, UpdateKind,
};
use nofx_wire::soup;

#[derive(Clone, Copy, Debug)]
struct Resting {
    instrument: u32,
    side: Side,
    price: u64,
    executed: u32,
    leaves: u32,
    cancel_waits: bool,
}

#[derive(Clone, Copy, Debug)]
struct Traded {
    id: u32,
    instrument: u32,
    side: Side,
    qty: u32,
    price: u64,
    match_number: u64,
}

/// A venue that does anything it may do.
struct Venue {
    protocol: Protocol,
    open: BTreeMap<u32, Resting>,
    trades: Vec<Traded>,
    last_id: u32,
    matches: u64,
    /// Every sequenced frame of the day.
    said: Vec<Vec<u8>>,
    /// Refuses and surprises; off when the day ends.
    moody: bool,
    /// Ignores what it cannot do instead of answering.
    silent: bool,
    /// Names in Replaced what is open, not the quantity of the chain.
    tells_open: bool,
}

impl Venue {
    fn say(&mut self, say: &Say) {
        self.said.push(far::frame(self.protocol, say));
    }

    fn mood(&self, rng: &mut Rng, part: u64) -> bool {
        rng.chance(part, 100) && self.moody
    }

    fn on_request(&mut self, frame: &[u8], rng: &mut Rng) {
        match far::read(self.protocol, frame) {
            Asked::Enter { id, side, qty, price, symbol, ioc } => {
                if self.rises(id) {
                    let instrument = u32::from(symbol == instrument(1).symbol.0);
                    self.enter(id, instrument, side, qty, price, ioc, rng);
                }
            }
            Asked::Replace { orig, id, qty, price, .. } => {
                if self.rises(id) {
                    self.replace(orig, id, qty, price, rng);
                }
            }
            Asked::Cancel { id, down_to } => {
                assert_eq!(down_to, 0);
                self.cancel(id, rng);
            }
            Asked::Query => panic!("nothing is reconciled here"),
        }
    }

    fn rises(&mut self, id: u32) -> bool {
        let rises = id > self.last_id;
        self.last_id = self.last_id.max(id);
        rises
    }

    #[allow(clippy::too_many_arguments)]
    fn enter(
        &mut self,
        id: u32,
        instrument: u32,
        side: Side,
        qty: u32,
        price: u64,
        ioc: bool,
        rng: &mut Rng,
    ) {
        if self.mood(rng, 10) {
            return self.say(&Say::Rejected { id });
        }
        let (order_ref, dead) = (u64::from(id) << 8, self.mood(rng, 5));
        let taken = if self.mood(rng, 5) { qty.div_ceil(2) } else { qty };
        self.say(&Say::Accepted { id, side, qty: taken, price, order_ref, dead });
        if dead {
            return;
        }
        let leaves = taken;
        let order = Resting { instrument, side, price, executed: 0, leaves, cancel_waits: false };
        self.open.insert(id, order);
        if rng.chance(1, 4) {
            self.fill(id, rng, b'R');
        }
        if ioc && self.open.contains_key(&id) {
            self.take_off(id, u32::MAX, b'I');
        }
    }

    fn replace(&mut self, orig: u32, id: u32, total: u32, price: u64, rng: &mut Rng) {
        let Some(old) = self.open.get(&orig).copied() else {
            if !self.silent {
                self.say(&Say::Rejected { id });
            }
            return;
        };
        if self.mood(rng, 15) {
            return self.say(&Say::Rejected { id });
        }
        let Some(leaves) = total.checked_sub(old.executed).filter(|leaves| *leaves > 0) else {
            // Cut down to less than has been filled: nothing is left of it.
            self.take_off(orig, u32::MAX, b'U');
            if !self.silent {
                self.say(&Say::Rejected { id });
            }
            return;
        };
        self.open.remove(&orig);
        let dead = self.mood(rng, 5);
        let (order_ref, qty) = (u64::from(id) << 8, if self.tells_open { leaves } else { total });
        self.say(&Say::Replaced { orig, id, side: old.side, qty, price, order_ref, dead });
        if !dead {
            self.open.insert(id, Resting { price, leaves, cancel_waits: false, ..old });
        }
    }

    fn cancel(&mut self, id: u32, rng: &mut Rng) {
        let moody = self.moody;
        match self.open.get_mut(&id) {
            None if self.silent => {}
            None => self.say(&Say::CancelRejected { id }),
            Some(_) if moody && rng.chance(1, 8) => self.say(&Say::CancelRejected { id }),
            Some(order) if moody && rng.chance(1, 8) => {
                order.cancel_waits = true;
                self.say(&Say::CancelPending { id });
            }
            Some(_) => self.take_off(id, u32::MAX, b'U'),
        }
    }

    /// Takes shares off and says so.
    fn take_off(&mut self, id: u32, most: u32, reason: u8) {
        let Some(order) = self.open.get_mut(&id) else { return };
        let qty = order.leaves.min(most);
        order.leaves -= qty;
        if order.leaves == 0 {
            self.open.remove(&id);
        }
        let say = match reason {
            b'Q' => Say::Aiq { id, qty },
            _ => Say::Canceled { id, qty, reason },
        };
        self.say(&say);
    }

    fn fill(&mut self, id: u32, rng: &mut Rng, flag: u8) {
        self.matches += 1;
        let match_number = self.matches;
        let Some(order) = self.open.get_mut(&id) else { return };
        let all = rng.chance(1, 3);
        let qty = if all { order.leaves } else { 1 + rng.below(order.leaves.into()) as u32 };
        (order.leaves, order.executed) = (order.leaves - qty, order.executed + qty);
        let Resting { instrument, side, price, .. } = *order;
        // At the limit or better.
        let price = price.saturating_add_signed(-side.sign() * rng.below(3) as i64);
        if order.leaves == 0 {
            self.open.remove(&id);
        }
        self.trades.push(Traded { id, instrument, side, qty, price, match_number });
        self.say(&Say::Executed { id, qty, price, flag, match_number });
    }

    /// The market moves: something happens to some order.
    fn market(&mut self, rng: &mut Rng) {
        let ids: Vec<u32> = self.open.keys().copied().collect();
        let Some(&id) = ids.get(rng.below(ids.len() as u64) as usize) else { return };
        let order = self.open[&id];
        match rng.below(20) {
            0..=10 => self.fill(id, rng, b'A'),
            11 => self.take_off(id, u32::MAX, b'H'),
            12 => self.take_off(id, 1 + rng.below(order.leaves.into()) as u32, b'D'),
            13 => self.take_off(id, 1 + rng.below(order.leaves.into()) as u32, b'Q'),
            14 if order.cancel_waits => self.take_off(id, u32::MAX, b'U'),
            15 => self.say(&Say::Priority { id, price: order.price, order_ref: rng.next() }),
            16 => self.say(&Say::Day),
            17 => self.modify(id, rng),
            _ => {}
        }
    }

    /// Cut in place.
    fn modify(&mut self, id: u32, rng: &mut Rng) {
        let Some(order) = self.open.get_mut(&id).filter(|order| order.leaves > 1) else { return };
        order.leaves = 1 + rng.below(u64::from(order.leaves) - 1) as u32;
        let say = Say::Modified { id, side: order.side, qty: order.executed + order.leaves };
        self.say(&say);
    }

    /// A past trade is taken back, or stated anew.
    fn regret(&mut self, rng: &mut Rng) {
        let at = rng.below(self.trades.len() as u64) as usize;
        let Some(trade) = self.trades.get_mut(at).filter(|trade| trade.qty > 0) else { return };
        let (id, match_number) = (trade.id, trade.match_number);
        let say = if rng.chance(1, 2) {
            trade.qty = 0;
            Say::Broken { id, match_number }
        } else {
            trade.price += 1;
            trade.qty = trade.qty.saturating_sub(rng.below(2) as u32).max(1);
            Say::Corrected { id, qty: trade.qty, price: trade.price, match_number }
        };
        self.say(&say);
    }

    /// Says something that is not true, or was said before.
    fn nonsense(&mut self, rng: &mut Rng) {
        let id = 1 + rng.below(u64::from(self.last_id) + 5) as u32;
        let ended = !self.open.contains_key(&id) && id <= self.last_id;
        let stranger = 1_000_000 + id;
        match rng.below(8) {
            0 => self.say(&Say::Canceled { id: stranger, qty: 5, reason: b'U' }),
            1 => self.say(&Say::Rejected { id: stranger }),
            2 => self.say(&Say::Broken { id: stranger, match_number: 3 }),
            3 => self.said.push(far::sequenced(b"")),
            4 => self.said.push(far::sequenced(b"A too short to be one")),
            5 if ended && self.trades.iter().any(|t| t.id == id) => {
                // An order that was filled is long accepted: these are late.
                self.say(&Say::Rejected { id });
            }
            6 => {
                let Some(t) = self.trades.last().copied().filter(|t| t.qty > 0) else { return };
                let Traded { id, qty, price, match_number, .. } = t;
                self.say(&Say::Executed { id, qty, price, flag: b'A', match_number });
            }
            _ => {
                let Some(order) = self.open.get(&id).copied() else { return };
                let Resting { side, price, leaves: qty, executed, .. } = order;
                let qty = qty + executed;
                self.say(&Say::Accepted { id, side, qty, price, order_ref: 9, dead: false });
            }
        }
    }
}

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
        let venue = Venue {
            protocol,
            open: BTreeMap::new(),
            trades: Vec::new(),
            last_id: 0,
            matches: 0,
            said: Vec::new(),
            moody: true,
            silent: rng.chance(1, 2),
            tells_open: rng.chance(1, 2),
        };
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
    let mut kinds = [0u64; 9];
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
