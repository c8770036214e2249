//! Price-time matching against a list of orders that is sorted again for every question.

use nofx_rt::rng::Rng;
use nofx_types::{OrderRef, Price, Side};
use nofx_venue::matching::{MatchSink, Matching, Outcome, Refused, Resting, Trade};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    Rested(Resting),
    Executed(Trade),
    Reduced(Resting, u32),
    Deleted(Resting),
    Replaced(Resting, Resting),
}

#[derive(Default)]
struct Ear(Vec<Heard>);

impl MatchSink for Ear {
    fn rested(&mut self, order: &Resting) {
        self.0.push(Heard::Rested(*order));
    }
    fn executed(&mut self, trade: &Trade) {
        self.0.push(Heard::Executed(*trade));
    }
    fn reduced(&mut self, order: &Resting, by: u32) {
        self.0.push(Heard::Reduced(*order, by));
    }
    fn deleted(&mut self, order: &Resting) {
        self.0.push(Heard::Deleted(*order));
    }
    fn replaced(&mut self, old: &Resting, order: &Resting) {
        self.0.push(Heard::Replaced(*old, *order));
    }
}

/// Orders in the order of their arrival.
#[derive(Default)]
struct Naive {
    orders: Vec<Resting>,
}

impl Naive {
    fn sorted(&self, row: u32, side: Side) -> Vec<Resting> {
        let own = self.orders.iter().filter(|o| (o.row, o.side) == (row, side));
        let mut orders: Vec<Resting> = own.copied().collect();
        orders.sort_by_key(|o| -side.sign() * o.price.0); // stable: time stays
        orders
    }

    fn at(&mut self, order: OrderRef) -> Option<usize> {
        self.orders.iter().position(|o| o.order == order)
    }

    fn incoming(&mut self, order: Resting, rests: bool, heard: &mut Vec<Heard>) {
        let mut left = order.qty;
        for mut maker in self.sorted(order.row, order.side.opposite()) {
            let crosses = match order.side {
                Side::Buy => maker.price <= order.price,
                Side::Sell => maker.price >= order.price,
            };
            if left == 0 || !crosses {
                break;
            }
            let qty = left.min(maker.qty);
            left -= qty;
            maker.qty -= qty;
            let at = self.at(maker.order).expect("it rests");
            match maker.qty {
                0 => _ = self.orders.remove(at),
                _ => self.orders[at] = maker,
            }
            heard.push(Heard::Executed(Trade { maker, taker: order.order, qty, taker_left: left }));
        }
        if left > 0 && rests {
            let rest = Resting { qty: left, ..order };
            self.orders.push(rest);
            heard.push(Heard::Rested(rest));
        }
    }
}

#[test]
fn agrees_with_a_sorted_list() {
    for seed in 0..30 {
        let (mut rng, mut naive, mut ear) = (Rng::new(seed), Naive::default(), Ear::default());
        let (mut matching, mut heard) = (Matching::new(2, 4_000, 64), Vec::new());
        for step in 0..3_000u64 {
            let id = OrderRef(step.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let victim = naive.orders.get(rng.below(naive.orders.len() as u64) as usize).copied();
            let (row, side) = (rng.below(2) as u32, Side::BOTH[rng.below(2) as usize]);
            let price = Price(100 + rng.below(12) as i64 - 3 * side.sign());
            let qty = 1 + rng.below(9) as u32;
            let new = Resting { order: id, row, side, price, qty };
            match (rng.below(8), victim) {
                (0, _) => {
                    matching.take(row, id, side, price, qty, &mut ear).expect("fits");
                    naive.incoming(new, false, &mut heard);
                }
                (1, Some(order)) => {
                    matching.delete(order.order, &mut ear).expect("rests");
                    naive.orders.retain(|o| o.order != order.order);
                    heard.push(Heard::Deleted(order));
                }
                (2, Some(order)) if qty < order.qty => {
                    matching.cancel(order.order, qty, &mut ear).expect("rests");
                    let at = naive.at(order.order).expect("rests");
                    naive.orders[at].qty -= qty;
                    heard.push(Heard::Reduced(naive.orders[at], qty));
                }
                (3, Some(order)) => {
                    let new = Resting { row: order.row, side: order.side, ..new };
                    matching.replace(order.order, id, price, qty, &mut ear).expect("fits");
                    naive.orders.retain(|o| o.order != order.order);
                    let opposite = naive.sorted(new.row, new.side.opposite());
                    if opposite.first().is_some_and(|o| !new.side.better(o.price, price)) {
                        heard.push(Heard::Deleted(order));
                        naive.incoming(new, true, &mut heard);
                    } else {
                        naive.orders.push(new);
                        heard.push(Heard::Replaced(order, new));
                    }
                }
                _ => {
                    let outcome = matching.add(row, id, side, price, qty, &mut ear).expect("fits");
                    assert_eq!(outcome.executed + outcome.rested, qty);
                    naive.incoming(new, true, &mut heard);
                }
            }
            assert_eq!(ear.0, heard, "seed {seed} step {step}");
            (ear.0, heard) = (Vec::new(), Vec::new());
            for (row, side) in [(0, Side::Buy), (0, Side::Sell), (1, Side::Buy), (1, Side::Sell)] {
                let want = naive.sorted(row, side);
                assert_eq!(matching.resting_orders(row, side).collect::<Vec<_>>(), want);
                assert_eq!(matching.front(row, side), want.first().copied());
                let shown: u64 = matching.levels(row, side).map(|level| level.qty.0).sum();
                assert_eq!(shown, want.iter().map(|o| u64::from(o.qty)).sum::<u64>());
                let best = matching.best(row, side);
                assert_eq!(best.map(|l| l.price), want.first().map(|o| o.price), "seed {seed}");
            }
            assert_eq!(matching.len(), naive.orders.len());
        }
        assert!(matching.len() > 100, "seed {seed}: the books stayed thin");
    }
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let (mut matching, mut ear) = (Matching::new(1, 3, 2), Ear::default());
    let mut add = |matching: &mut Matching, id, side, price, qty| {
        matching.add(0, OrderRef(id), side, Price(price), qty, &mut ear)
    };
    let rests = |rested| Ok(Outcome { executed: 0, rested });
    assert_eq!(add(&mut matching, 1, Side::Buy, 10, 5), rests(5));
    assert_eq!(add(&mut matching, 1, Side::Buy, 10, 5), Err(Refused::Duplicate));
    assert_eq!(add(&mut matching, 2, Side::Buy, 10, 0), Err(Refused::Quantity));
    assert_eq!(add(&mut matching, 2, Side::Buy, 9, 1), rests(1));
    assert_eq!(add(&mut matching, 3, Side::Buy, 8, 1), Err(Refused::Full), "no third price");
    let mut ear = Ear::default();
    assert_eq!(matching.add(1, OrderRef(9), Side::Buy, Price(1), 1, &mut ear), Err(Refused::Row));
    assert_eq!(matching.delete(OrderRef(7), &mut ear), Err(Refused::Unknown));
    let nowhere = matching.replace(OrderRef(7), OrderRef(8), Price(1), 1, &mut ear);
    assert_eq!(nowhere, Err(Refused::Unknown));
    // Its own queue makes room: the order is alone there.
    assert_eq!(matching.replace(OrderRef(2), OrderRef(8), Price(7), 4, &mut ear), rests(4));
    let prices: Vec<i64> = matching.levels(0, Side::Buy).map(|level| level.price.0).collect();
    assert_eq!((prices, ear.0.len()), (vec![10, 7], 1));
}
