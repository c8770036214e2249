//! The venue against a simulator that was written to be obviously right: plain lists, every question
//! answered by sorting or searching them, places kept as the names of the orders that are before us.

mod common;

use std::collections::HashMap;

use common::market::{Market, ROWS};
use common::*;
use nofx_rt::rng::Rng;
use nofx_types::{EventKind, InstrumentId, Side};
use nofx_venue::MarketKind;

#[derive(Clone, Copy)]
struct Real {
    id: u64,
    instrument: InstrumentId,
    side: Side,
    price: i64,
    qty: u64,
}

struct Own {
    user_ref: u32,
    instrument: InstrumentId,
    side: Side,
    price: i64,
    leaves: u64,
    executed: u64,
    post_only: bool,
    before: Vec<u64>,
}

#[derive(Default)]
struct Naive {
    /// In the order of their turn.
    real: Vec<Real>,
    own: Vec<Own>,
    taken: HashMap<u64, u64>,
    heard: Vec<String>,
    /// Shares that the market offered: traded, or arriving at a price that crosses us.
    offered: u64,
    maker: u64,
}

fn crosses(side: Side, price: i64, other: i64) -> bool {
    side.sign() * price >= side.sign() * other
}

impl Naive {
    /// References of own orders of a side that `which` names, best and oldest first.
    fn own_sorted(&self, of: (InstrumentId, Side), which: impl Fn(&Own) -> bool) -> Vec<u32> {
        let mut own: Vec<&Own> =
            self.own.iter().filter(|o| (o.instrument, o.side) == of && which(o)).collect();
        own.sort_by_key(|o| -o.side.sign() * o.price);
        own.iter().map(|o| o.user_ref).collect()
    }

    fn own_at(&self, user_ref: u32) -> Option<usize> {
        self.own.iter().position(|o| o.user_ref == user_ref)
    }

    /// Fills up to `most`; `price` when it takes, else its own.
    fn fill(&mut self, user_ref: u32, most: u64, price: Option<i64>) -> u64 {
        let Some(at) = self.own_at(user_ref) else { return 0 };
        let own = &mut self.own[at];
        let qty = most.min(own.leaves);
        if qty == 0 {
            return 0;
        }
        own.leaves -= qty;
        own.executed += qty;
        let (flag, price) = (if price.is_some() { "R" } else { "A" }, price.unwrap_or(own.price));
        self.heard.push(format!("E {user_ref} {qty}@{price} {flag}"));
        self.maker += if flag == "A" { qty } else { 0 };
        if own.leaves == 0 {
            self.own.remove(at);
        }
        qty
    }

    fn left(&self, real: &Real) -> u64 {
        real.qty - self.taken.get(&real.id).copied().unwrap_or(0).min(real.qty)
    }

    fn execute(&mut self, id: u64, qty: u64) {
        let Some(real) = self.real.iter().find(|r| r.id == id).copied() else { return };
        self.offered += qty;
        let reached = |own: &Own| {
            let better = own.side.sign() * own.price > own.side.sign() * real.price;
            better || (own.price == real.price && !own.before.contains(&id))
        };
        let mut left = qty;
        for user_ref in self.own_sorted((real.instrument, real.side), reached) {
            left -= self.fill(user_ref, left, None);
        }
        self.shrink(id, qty);
    }

    fn shrink(&mut self, id: u64, qty: u64) {
        let Some(at) = self.real.iter().position(|r| r.id == id) else { return };
        self.real[at].qty -= qty;
        let shown = self.real[at].qty;
        if let Some(taken) = self.taken.get_mut(&id) {
            *taken = shown.min(*taken);
        }
        if shown == 0 {
            self.real.remove(at);
            self.own.iter_mut().for_each(|own| own.before.retain(|other| *other != id));
        }
    }

    fn arrive(&mut self, real: Real) {
        self.real.push(real);
        let ours = (real.instrument, real.side.opposite());
        let meets = |own: &Own| crosses(own.side, own.price, real.price);
        let mut left = self.left(&real);
        for user_ref in self.own_sorted(ours, meets) {
            let filled = self.fill(user_ref, left, None);
            self.offered += filled;
            *self.taken.entry(real.id).or_default() += filled;
            left -= filled;
        }
    }

    fn on_event(&mut self, instrument: InstrumentId, kind: &EventKind) {
        match *kind {
            EventKind::Add { order, side, price, qty, .. } => {
                self.arrive(Real { id: order.0, instrument, side, price: price.0, qty: qty.0 });
            }
            EventKind::Execute { order, qty, .. } => self.execute(order.0, qty.0),
            EventKind::Reduce { order, qty } => self.shrink(order.0, qty.0),
            EventKind::Delete { order } => self.shrink(order.0, self.shown(order.0)),
            EventKind::Replace { old, new, price: Some(price), qty, .. } => {
                let side = self.real.iter().find(|r| r.id == old.0).expect("it rests").side;
                let debt = self.taken.remove(&old.0).unwrap_or(0);
                self.shrink(old.0, self.shown(old.0));
                self.taken.insert(new.0, debt.min(qty.0));
                self.arrive(Real { id: new.0, instrument, side, price: price.0, qty: qty.0 });
            }
            _ => {}
        }
    }

    fn shown(&self, id: u64) -> u64 {
        self.real.iter().find(|r| r.id == id).map_or(0, |r| r.qty)
    }

    fn on_own(&mut self, mut own: Own, ioc: bool) {
        let user_ref = own.user_ref;
        let theirs = (own.instrument, own.side.opposite());
        let (side, price) = (own.side, own.price);
        let mut offers: Vec<Real> = self.real.clone();
        offers.retain(|r| (r.instrument, r.side) == theirs && crosses(side, price, r.price));
        offers.sort_by_key(|r| side.sign() * r.price);
        let in_the_way = self
            .own_sorted(theirs, |o| crosses(side, price, o.price))
            .first()
            .and_then(|first| Some(self.own[self.own_at(*first)?].price));
        if own.post_only && (in_the_way.is_some() || offers.iter().any(|r| self.left(r) > 0)) {
            return self.heard.push(format!("C {user_ref} {} G", own.leaves));
        }
        let queue = |r: &&Real| (r.instrument, r.side, r.price) == (own.instrument, side, price);
        own.before = self.real.iter().filter(queue).map(|r| r.id).collect();
        self.own.push(own);
        for offer in offers {
            let through = in_the_way.is_some_and(|p| side.sign() * offer.price >= side.sign() * p);
            if !through {
                let filled = self.fill(user_ref, self.left(&offer), Some(offer.price));
                *self.taken.entry(offer.id).or_default() += filled;
            }
        }
        let ends = if in_the_way.is_some() { Some("Q") } else { ioc.then_some("I") };
        if let (Some(reason), Some(at)) = (ends, self.own_at(user_ref)) {
            let own = self.own.remove(at);
            self.heard.push(format!("C {user_ref} {} {reason}", own.leaves));
        }
    }

    fn on_replace(&mut self, orig: u32, user_ref: u32, quantity: u64, price: i64, post_only: bool) {
        let Some(at) = self.own_at(orig) else {
            return self.heard.push(format!("J {user_ref} 0x15"));
        };
        let own = &mut self.own[at];
        let leaves = quantity.saturating_sub(own.executed);
        if leaves == 0 {
            let own = self.own.remove(at);
            return self.heard.push(format!("C {orig} {} U", own.leaves));
        }
        self.heard.push(format!("U {orig}>{user_ref} {quantity}@{price}"));
        let keeps = price == own.price && leaves <= own.leaves && post_only == own.post_only;
        (own.user_ref, own.leaves) = (user_ref, leaves);
        if !keeps {
            let own = self.own.remove(at);
            self.on_own(Own { price, post_only, before: Vec::new(), ..own }, false);
        }
    }

    fn on_cancel(&mut self, user_ref: u32, down_to: u64) {
        let found = self.own_at(user_ref);
        let cut = found.map(|at| {
            let own = &self.own[at];
            own.leaves.saturating_sub(down_to.saturating_sub(own.executed))
        });
        let (Some(at), Some(cut @ 1..)) = (found, cut) else {
            return self.heard.push(format!("I {user_ref}"));
        };
        self.own[at].leaves -= cut;
        if self.own[at].leaves == 0 {
            self.own.remove(at);
        }
        self.heard.push(format!("C {user_ref} {cut} U"));
    }
}

/// A request drawn at random, made of both; its text for the venue.
fn request(rng: &mut Rng, naive: &mut Naive, user_ref: u32) -> Vec<u8> {
    let side = Side::BOTH[rng.below(2) as usize];
    let quantity = 1 + rng.below(120);
    let price = 100_000 + 100 * (rng.below(11) as i64 - 5 - 2 * side.sign());
    // Mostly one that is open, now and then one that is gone.
    let open = naive.own.get(rng.below(naive.own.len() as u64 + 1) as usize);
    let target = open.map_or(1, |own| own.user_ref);
    let extra = [PLAIN, PLAIN, POST_ONLY, IOC][rng.below(4) as usize];
    let post_only = extra.display == b'P';
    match rng.below(8) {
        0 => {
            naive.on_cancel(target, quantity);
            cancel(target, quantity as u32)
        }
        1 => {
            naive.on_cancel(target, 0);
            cancel(target, 0)
        }
        2..4 if extra.tif == b'0' => {
            let price = if rng.chance(1, 3) { open.map_or(price, |own| own.price) } else { price };
            naive.on_replace(target, user_ref, quantity, price, post_only);
            replace(target, user_ref, quantity as u32, price as u64, extra)
        }
        _ => {
            let row = rng.below(2) as usize;
            let letter = [b'B', b'S'][side.index()];
            naive.heard.push(format!("A {user_ref} {} {quantity}@{price} L", char::from(letter)));
            let (instrument, before) = (ROWS[row], Vec::new());
            let (leaves, executed) = (quantity, 0);
            let own =
                Own { user_ref, instrument, side, price, leaves, executed, post_only, before };
            naive.on_own(own, extra.tif == b'3');
            let extra = Extra { symbol: ["AAA", "BBB"][row], ..extra };
            enter(user_ref, letter, quantity as u32, price as u64, extra)
        }
    }
}

#[test]
fn agrees_with_plain_lists_on_random_markets() {
    let mut kinds: HashMap<char, u64> = HashMap::new();
    for seed in 0..60 {
        let (mut stage, mut naive) = (Stage::plain(), Naive::default());
        let (mut market, mut rng) = (Market::new(seed), Rng::new(!seed));
        for step in 0..1_500u32 {
            stage.pass(1_000);
            for (instrument, kind) in market.step() {
                stage.event_of(instrument, kind, true);
                if instrument != ROWS[2] {
                    naive.on_event(instrument, &kind);
                }
            }
            if rng.chance(1, 3) {
                let bytes = request(&mut rng, &mut naive, 2 + step);
                stage.send(&bytes);
                stage.pass(1);
            }
            let heard = stage.hear();
            assert_eq!(heard, naive.heard, "seed {seed} step {step}");
            naive.heard.clear();
            for text in heard {
                *kinds.entry(text.chars().last().expect("text")).or_default() += 1;
            }
        }
        let maker = stage.count("maker_shares");
        assert_eq!(maker, naive.maker, "seed {seed}");
        assert!(maker <= naive.offered, "seed {seed}: {maker} filled of {}", naive.offered);
    }
    for letter in ['A', 'R', 'G', 'Q', 'I', 'U'] {
        let seen = kinds.get(&letter).copied().unwrap_or(0);
        assert!(seen > 300, "only {seen} reports end in {letter}: the test tests little");
    }
}

/// Everything that reached the client in a run, with the times.
fn transcript(seed: u64, polls: u64) -> Vec<(u64, Vec<u8>)> {
    use nofx_venue::latency::{Direction, Latency};
    let mut config = config(0, 0);
    config.seed = seed;
    let points = vec![(0, 5_000), (500_000, 12_000), (1_000_000, 90_000)];
    let drawn = Latency::Quantiles { points };
    config.latency.to_venue = Direction { new: drawn.clone(), ..Direction::fixed(8_000) };
    config.latency.from_venue = Direction { other: drawn, ..Direction::fixed(8_000) };
    config.rejects.random_ppm = 20_000;
    let mut stage = Stage::new(&config, MarketKind::Orders);
    let (mut market, mut rng) = (Market::new(1), Rng::new(2));
    let mut heard = Vec::new();
    for step in 0..3_000u32 {
        for _ in 0..polls {
            stage.pass(4_000 / polls);
            let now = nofx_types::Nanos(stage.now);
            while let Some((at, bytes)) = stage.venue.poll_out(now) {
                heard.push((at.0, bytes.to_vec()));
            }
        }
        for (instrument, kind) in market.step() {
            stage.event_of(instrument, kind, true);
        }
        if rng.chance(1, 3) {
            let bytes = request(&mut rng, &mut Naive::default(), 2 + step);
            stage.send(&bytes);
        }
    }
    heard
}

#[test]
fn the_seed_decides_and_how_often_we_look_does_not() {
    let first = transcript(7, 1);
    assert!(first.len() > 1_500, "{}", first.len());
    assert_eq!(first, transcript(7, 1));
    assert_eq!(first, transcript(7, 4));
    assert_ne!(first, transcript(8, 1));
    assert!(first.windows(2).all(|pair| pair[0].0 <= pair[1].0), "a report overtook another");
}
