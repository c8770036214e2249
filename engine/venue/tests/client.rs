//! The engine's own order manager at the other end of the wire, on random markets with latency: both
//! must agree on every order and every share, whatever races.

mod common;

use common::market::{Market, ROWS};
use common::*;
use nofx_gate::GateKey;
use nofx_order::{OrderConfig, OrderManager, Reconcile};
use nofx_rt::rng::Rng;
use nofx_types::{
    BookEvent, ClOrdId, EventKind, InstrumentId, Nanos, OrderIntent, OrderUpdate, Phase, Price,
    Qty, Side, TimeInForce, UpdateKind,
};
use nofx_venue::config::VenueConfig;
use nofx_venue::latency::Latency;
use nofx_venue::{MarketKind, ReplayVenue};

const KEY: GateKey = GateKey::issue();

/// Both ends, and what the client made of what it heard.
struct Pair {
    venue: ReplayVenue,
    manager: OrderManager,
    now: u64,
    open: Vec<OrderUpdate>,
    shares: u64,
    kinds: [u64; UpdateKind::COUNT],
}

impl Pair {
    fn new(config: &VenueConfig) -> Pair {
        let mut read = |_: &str| Err(std::io::Error::other("no files"));
        let venue = ReplayVenue::new(config, &instruments(), MarketKind::Orders, &mut read);
        let silence_ns = 0; // the clock of this test jumps
        let reconcile = Reconcile::Off; // the connection does not break
        let order =
            OrderConfig { instruments: 16, silence_ns, reconcile, ..OrderConfig::default() };
        let mut manager = OrderManager::new(&order).expect("usable");
        instruments().iter().for_each(|instrument| manager.define(instrument));
        let (open, shares, kinds) = (Vec::new(), 0, [0; UpdateKind::COUNT]);
        let mut pair =
            Pair { venue: venue.expect("usable"), manager, now: 1_000, open, shares, kinds };
        let login = pair.manager.login(Nanos(pair.now)).to_vec();
        pair.venue.on_bytes(Nanos(pair.now), &login);
        pair.pass(1_000_000);
        assert!(pair.manager.is_up());
        pair
    }

    fn pass(&mut self, ns: u64) {
        self.now += ns;
        while let Some((at, bytes)) = self.venue.poll_out(Nanos(self.now)) {
            self.manager.receive(at, bytes);
        }
        while let Some(update) = self.manager.poll_update() {
            self.on_update(&update);
        }
    }

    fn on_update(&mut self, update: &OrderUpdate) {
        self.kinds[update.kind as usize] += 1;
        if update.kind == UpdateKind::Filled {
            self.shares += update.fill_qty.0;
        }
        let (gone, lives) = match update.kind {
            // Of a replace, `closed` speaks of the old order.
            UpdateKind::Replaced => (update.orig, update.leaves.0 > 0),
            UpdateKind::ReplaceRejected if !update.closed => return,
            UpdateKind::ReplaceRejected => (update.orig, false),
            _ => (update.cl_ord_id, !update.closed),
        };
        self.open.retain(|order| order.cl_ord_id != gone);
        if lives {
            self.open.push(*update);
        }
    }

    fn submit(&mut self, mut intent: OrderIntent) {
        intent.now_ns = Nanos(self.now);
        if self.manager.stage(&mut intent).is_err() {
            return; // a request is in flight, or the order has ended meanwhile
        }
        if let Some(bytes) = self.manager.encode(KEY.clear(intent)) {
            self.venue.on_bytes(Nanos(self.now), bytes);
        }
    }

    fn event(&mut self, instrument: InstrumentId, kind: EventKind) {
        let at = Nanos(self.now);
        let (seq, last) = (1, true);
        let event = BookEvent { instrument, seq, exch_ns: at, capture_ns: at, last, kind };
        self.venue.on_event(&event);
    }

    fn count(&self, name: &str) -> u64 {
        self.venue.counts().find(|(key, _)| *key == name).expect("counted").1
    }

    fn random_intent(&self, rng: &mut Rng) -> OrderIntent {
        let side = Side::BOTH[rng.below(2) as usize];
        let qty = Qty(1 + rng.below(120));
        let price = Price(100_000 + 100 * (rng.below(11) as i64 - 5 - 2 * side.sign()));
        let target = self.open.get(rng.below(self.open.len() as u64) as usize);
        match (rng.below(6), target) {
            (0 | 1, Some(order)) => {
                OrderIntent::cancel(order.instrument, order.cl_ord_id, order.side)
            }
            (2 | 3, Some(order)) => {
                let (id, instrument) = (order.cl_ord_id, order.instrument);
                OrderIntent::replace(instrument, id, order.side, price, qty)
            }
            (kind, _) => {
                let mut intent = OrderIntent::new(ROWS[rng.below(2) as usize], side, price, qty);
                intent.cl_ord_id = ClOrdId::NONE;
                intent.post_only = kind == 4;
                intent.tif = if kind == 5 { TimeInForce::Ioc } else { TimeInForce::Day };
                intent
            }
        }
    }
}

#[test]
fn both_ends_agree_on_every_order_and_share() {
    let mut kinds = [0; UpdateKind::COUNT];
    for seed in 0..20 {
        let mut config = config(0, 0);
        let points = vec![(0, 500), (900_000, 9_000), (1_000_000, 60_000)];
        let drawn = Latency::Quantiles { points };
        (config.latency.to_venue.new, config.latency.to_venue.cancel) = (drawn.clone(), drawn);
        config.latency.from_venue.other = Latency::Fixed { ns: 4_000 };
        (config.seed, config.rejects.random_ppm) = (seed, 30_000);
        let mut pair = Pair::new(&config);
        let (mut market, mut rng) = (Market::new(seed), Rng::new(!seed));
        for _ in 0..4_000 {
            pair.pass(1_000);
            for (instrument, kind) in market.step() {
                pair.event(instrument, kind);
            }
            if rng.chance(1, 3) {
                let intent = pair.random_intent(&mut rng);
                pair.submit(intent);
            }
        }
        pair.pass(1_000_000_000);
        let told: Vec<_> = pair.manager.anomalies().collect();
        let surprising = told.iter().filter(|(name, _)| *name != "late_answer").count();
        assert_eq!(surprising, 0, "seed {seed}: {told:?}");
        assert_eq!(pair.manager.open_orders(), pair.venue.open_orders(), "seed {seed}");
        assert_eq!(pair.open.len(), pair.venue.open_orders(), "seed {seed}");
        let filled = pair.count("maker_shares") + pair.count("taker_shares");
        assert_eq!(pair.shares, filled, "seed {seed}");
        // The close ends what is left, at both ends.
        pair.event(InstrumentId::ALL, EventKind::Phase(Phase::Closed));
        pair.pass(1_000_000_000);
        assert_eq!((pair.manager.open_orders(), pair.venue.open_orders()), (0, 0));
        kinds.iter_mut().zip(pair.kinds).for_each(|(sum, count)| *sum += count);
    }
    for kind in [
        UpdateKind::Accepted,
        UpdateKind::Rejected,
        UpdateKind::Filled,
        UpdateKind::Canceled,
        UpdateKind::Replaced,
        UpdateKind::ReplaceRejected,
    ] {
        assert!(kinds[kind as usize] > 100, "{kind:?} hardly happened: {kinds:?}");
    }
}
