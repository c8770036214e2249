//! The session against the simulated venue, whose own session is other code: cuts and restarts on a
//! market that moves, with latency. When all is over both ends count the same orders and shares.

mod common;

use std::collections::VecDeque;

use common::{ACCOUNT, Client, INSTRUMENTS, config, instrument, manager};
use nofx_order::{OrderConfig, Protocol, Reconcile, SessionState};
use nofx_rt::rng::Rng;
use nofx_types::{
    BookEvent, EventKind, InstrumentId, OrderIntent, OrderRef, Phase, Price, Pricing, Priority,
    Qty, Side, UpdateKind,
};
use nofx_venue::latency::Direction;
use nofx_venue::{MarketKind, ReplayVenue, VenueConfig};

const TICK: i64 = 100;

struct Pair {
    rng: Rng,
    config: OrderConfig,
    client: Client,
    venue: ReplayVenue,
    /// Bytes on their way to the venue's end of the connection.
    up: VecDeque<u8>,
    connected: bool,
    real: Vec<(u32, u64)>,
    next_real: u64,
    shares: u64,
    told: usize,
    restarts: u32,
}

impl Pair {
    fn new(seed: u64, cancels: bool) -> Pair {
        let mut rules = VenueConfig::default();
        rules.latency.to_venue = Direction::fixed(20_000);
        rules.latency.from_venue = Direction::fixed(30_000);
        rules.session.heartbeat_ns = 0;
        rules.session.cancel_on_disconnect = cancels;
        (rules.rejects.random_ppm, rules.seed) = (30_000, seed);
        let mut read = |_: &str| Err(std::io::Error::other("no files"));
        let instruments: Vec<_> = (0..INSTRUMENTS).map(instrument).collect();
        let venue = ReplayVenue::new(&rules, &instruments, MarketKind::Orders, &mut read);
        let config = OrderConfig {
            reconcile: Reconcile::Query,
            cancel_on_disconnect: cancels,
            cancel_in_flight: seed.is_multiple_of(2),
            silence_ns: 0,
            retry_min_ns: 1_000,
            retry_max_ns: 100_000,
            ..config(Protocol::Ouch50)
        };
        let mut pair = Pair {
            rng: Rng::new(seed),
            client: Client::new(manager(&config)),
            config,
            venue: venue.expect("usable"),
            up: VecDeque::new(),
            connected: false,
            real: Vec::new(),
            next_real: 1,
            shares: 0,
            told: 0,
            restarts: 0,
        };
        pair.venue.disconnect(pair.client.now);
        pair.event(0, EventKind::Phase(Phase::Continuous));
        pair.event(1, EventKind::Phase(Phase::Continuous));
        pair
    }

    fn event(&mut self, id: u32, kind: EventKind) {
        let (instrument, at) = (InstrumentId(id), self.client.now);
        let (seq, last) = (1, true);
        self.venue.on_event(&BookEvent {
            instrument,
            seq,
            exch_ns: at,
            capture_ns: at,
            last,
            kind,
        });
    }

    /// An order of somebody else comes, trades or goes.
    fn market(&mut self) {
        let pick = self.rng.below(self.real.len() as u64 + 1) as usize;
        if self.rng.chance(1, 2) || pick >= self.real.len() {
            let side = Side::BOTH[self.rng.below(2) as usize];
            let price = 100_000 - side.sign() * TICK * (1 + self.rng.below(5) as i64);
            let (id, order) = (self.rng.below(INSTRUMENTS.into()) as u32, self.next_real);
            self.next_real += 1;
            self.real.push((id, order));
            let kind = EventKind::Add {
                order: OrderRef(order),
                side,
                price: Price(price),
                qty: Qty(50),
                priority: Priority::Back,
                pricing: Pricing::Limit,
            };
            return self.event(id, kind);
        }
        let (id, order) = self.real.swap_remove(pick);
        let order = OrderRef(order);
        let kind = match self.rng.chance(2, 3) {
            true => {
                let (qty, price, printable, match_id) = (Qty(50), None, true, 0);
                EventKind::Execute { order, qty, price, printable, match_id }
            }
            false => EventKind::Delete { order },
        };
        self.event(id, kind);
    }

    fn wish(&mut self) {
        let side = Side::BOTH[self.rng.below(2) as usize];
        let price = Price(100_000 + TICK * (self.rng.below(9) as i64 - 4 - side.sign()));
        let qty = Qty(1 + self.rng.below(60));
        let open: Vec<_> = self.client.orders.open().collect();
        let intent = match open.get(self.rng.below(open.len() as u64 * 2 + 2) as usize) {
            Some(order) if self.rng.chance(1, 2) => order.cancel(),
            Some(order) => OrderIntent::replace(order.instrument, order.id, order.side, price, qty),
            None => {
                let id = InstrumentId(self.rng.below(INSTRUMENTS.into()) as u32);
                OrderIntent::new(id, side, price, qty)
            }
        };
        if let Some(bytes) = self.client.send(intent) {
            self.up.extend(bytes);
        }
    }

    fn pass(&mut self, ns: u64) {
        self.client.now.0 += ns;
        self.venue.on_time(self.client.now);
        if !self.connected && self.client.orders.should_connect(self.client.now) {
            self.connected = true;
            self.venue.connect(self.client.now);
            let login = self.client.login();
            self.up.extend(login);
        }
        while self.connected
            && let Some(bytes) = self.client.keep_alive()
        {
            self.up.extend(bytes);
        }
        let most = self.rng.below(300) as usize;
        self.write(most);
        while let Some((_, bytes)) = self.venue.poll_out(self.client.now) {
            let bytes = bytes.to_vec();
            self.client.receive(&bytes);
        }
        self.count_fills();
    }

    fn write(&mut self, most: usize) {
        let bytes: Vec<u8> = self.up.drain(..self.up.len().min(most)).collect();
        assert_eq!(self.venue.on_bytes(self.client.now, &bytes), bytes.len());
    }

    fn count_fills(&mut self) {
        let fills = self.client.told[self.told..].iter();
        let fills = fills.filter(|update| update.kind == UpdateKind::Filled);
        self.shares += fills.map(|update| update.fill_qty.0).sum::<u64>();
        self.told = self.client.told.len();
    }

    fn cut(&mut self, killed: bool) {
        if !self.connected {
            return;
        }
        let front = self.rng.below(self.up.len() as u64 + 1) as usize;
        self.write(front);
        self.up.clear();
        self.connected = false;
        self.venue.disconnect(self.client.now);
        if killed {
            self.restarts += 1;
            let fresh = Client::restored(&self.config, self.client.now, &self.client.record);
            assert_eq!(
                fresh.orders.open().collect::<Vec<_>>(),
                self.client.orders.open().collect::<Vec<_>>()
            );
            self.told = fresh.told.len(); // those fills were counted
            self.client = fresh;
        } else {
            self.client.orders.disconnected(self.client.now);
        }
        // The end of the connection arrives before the next one begins.
        self.client.now.0 += 100_000;
        self.venue.on_time(self.client.now);
        while self.venue.poll_out(self.client.now).is_some() {}
    }

    fn finish(&mut self) {
        for _ in 0..200 {
            self.pass(50_000);
            let mut from = 0;
            while let Some((row, order)) = self.client.orders.next_open(from) {
                from = row + 1;
                if order.cancellable
                    && let Some(bytes) = self.client.send(order.cancel())
                {
                    self.up.extend(bytes);
                }
            }
        }
    }

    fn count(&self, name: &str) -> u64 {
        self.venue.counts().find(|(key, _)| *key == name).expect("counted").1
    }
}

#[test]
fn both_ends_agree_after_cuts_and_restarts() {
    let (mut shares, mut lost, mut restarts) = (0, 0, 0);
    for seed in 0..60 {
        let mut pair = Pair::new(seed, seed % 3 == 0);
        for _ in 0..1_500 {
            pair.pass(10_000);
            pair.market();
            match pair.rng.below(100) {
                0..=29 => pair.wish(),
                30 => pair.cut(false),
                31 if pair.rng.chance(1, 2) => pair.cut(true),
                _ => {}
            }
        }
        pair.finish();
        let what = format!("seed {seed}");
        assert_eq!(pair.client.orders.session(), SessionState::Up, "{what}");
        assert_eq!(pair.venue.open_orders(), 0, "{what}");
        pair.client.assert_released(&what);
        let filled = pair.count("maker_shares") + pair.count("taker_shares");
        assert_eq!(pair.shares, filled, "{what}: shares of both ends");
        let position: i64 = (0..INSTRUMENTS)
            .map(|id| pair.client.positions.position(ACCOUNT, InstrumentId(id)).abs())
            .sum();
        assert!(position.unsigned_abs() <= filled, "{what}");
        (shares, restarts) = (shares + filled, restarts + pair.restarts);
        lost += pair.client.anomaly("never_arrived");
        let told: Vec<_> = pair.client.orders.anomalies().collect();
        for name in ["ghost", "unreconciled", "overfill", "unknown_order", "still_open"] {
            assert!(told.iter().all(|(at, _)| *at != name), "{what}: {told:?}");
        }
    }
    println!("{shares} shares, {lost} orders never arrived, {restarts} restarts");
    assert!(shares > 1_000 && lost > 20 && restarts > 100, "{shares} {lost} {restarts}");
}
