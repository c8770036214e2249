//! The price at which a call ends.
//!
//! Model: at price p, all bids at or above it and all asks at or below it can trade; the smaller sum
//! is the volume, the difference the imbalance. The price is, in this order:
//!
//! 1. the one with the largest volume;
//! 2. of these, with the smallest imbalance;
//! 3. of these, the highest where all have more to buy than to sell, the lowest where all have more
//!    to sell;
//! 4. of these, the nearest to the reference price;
//! 5. of two equally near, the higher.
//!
//! All whole ticks count, not only prices at which somebody stands. Between two neighbouring limit
//! prices nothing changes, so the two ends of such a gap and the point nearest to the reference
//! stand for all of it. Worst case: linear in the levels of the book, and one sort; it allocates, so
//! it is for the end of a call and for its imbalance messages.

use std::collections::BTreeMap;

use nofx_types::{Level, Price, Side};

/// What a call would end with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clearing {
    /// The one price of all trades.
    pub price: Price,
    /// Shares that trade.
    pub volume: u64,
    /// Shares that could trade at the price and find nobody.
    pub imbalance: u64,
    /// Side of the imbalance.
    pub side: Option<Side>,
}

/// The clearing of these levels, in any order; `None` where nothing crosses. `tick` is at least 1.
pub fn clearing(
    bids: impl Iterator<Item = Level>,
    asks: impl Iterator<Item = Level>,
    reference: Price,
    tick: i64,
) -> Option<Clearing> {
    let mut levels: BTreeMap<i64, [u64; 2]> = BTreeMap::new();
    for (side, level) in bids.map(|level| (0, level)).chain(asks.map(|level| (1, level))) {
        levels.entry(level.price.0).or_default()[side] += level.qty.0;
    }
    let bought: u64 = levels.values().map(|sums| sums[0]).sum();
    // Walking up: the bids that are left behind, the asks that have come within reach.
    let (mut demand, mut supply) = (bought, 0);
    let mut best = Best { reference: reference.0, tied: Vec::new() };
    let mut prices = levels.iter().peekable();
    while let Some((&price, sums)) = prices.next() {
        supply += sums[1];
        best.offer(price, demand, supply);
        demand -= sums[0];
        let Some(&(&next, _)) = prices.peek() else { break };
        let (low, high) = (price + tick, next - tick);
        if low <= high {
            let near = low + (reference.0.clamp(low, high) - low) / tick * tick;
            for inside in [low, near, (near + tick).min(high), high] {
                best.offer(inside, demand, supply);
            }
        }
    }
    best.choose()
}

struct Best {
    reference: i64,
    /// The best so far, all with the same volume and imbalance.
    tied: Vec<Clearing>,
}

impl Best {
    fn offer(&mut self, price: i64, demand: u64, supply: u64) {
        let volume = demand.min(supply);
        if volume == 0 {
            return;
        }
        let side = match demand.cmp(&supply) {
            std::cmp::Ordering::Greater => Some(Side::Buy),
            std::cmp::Ordering::Less => Some(Side::Sell),
            std::cmp::Ordering::Equal => None,
        };
        let new =
            Clearing { price: Price(price), volume, imbalance: demand.abs_diff(supply), side };
        let rank = |c: &Clearing| (c.volume, std::cmp::Reverse(c.imbalance));
        match self.tied.first().map(|old| rank(&new).cmp(&rank(old))) {
            Some(std::cmp::Ordering::Less) => return,
            Some(std::cmp::Ordering::Equal) => {}
            Some(std::cmp::Ordering::Greater) | None => self.tied.clear(),
        }
        self.tied.push(new);
    }

    fn choose(self) -> Option<Clearing> {
        let all = |side| self.tied.iter().all(|c| c.side == Some(side));
        let highest = self.tied.iter().max_by_key(|c| c.price);
        let lowest = self.tied.iter().min_by_key(|c| c.price);
        let distance = |c: &&Clearing| (c.price.0.abs_diff(self.reference), -c.price.0);
        match (all(Side::Buy), all(Side::Sell)) {
            (true, false) => highest.copied(),
            (false, true) => lowest.copied(),
            _ => self.tied.iter().min_by_key(distance).copied(),
        }
    }
}

#[cfg(test)]
mod tests {
    use nofx_rt::rng::Rng;
    use nofx_types::Qty;

    use super::*;

    const TICK: i64 = 5;

    /// Every tick, every order: the rules as they are written.
    fn naive(orders: &[(Side, i64, u64)], reference: i64) -> Option<Clearing> {
        let reach = |side: Side, price: i64| -> u64 {
            let fits = |o: &&(Side, i64, u64)| {
                o.0 == side && (if side == Side::Buy { o.1 >= price } else { o.1 <= price })
            };
            orders.iter().filter(fits).map(|o| o.2).sum()
        };
        let prices: Vec<i64> = (0..60).map(|i| i * TICK).collect();
        let at: Vec<Clearing> = prices
            .iter()
            .map(|p| (*p, reach(Side::Buy, *p), reach(Side::Sell, *p)))
            .filter(|(_, b, s)| *b.min(s) > 0)
            .map(|(p, b, s)| Clearing {
                price: Price(p),
                volume: b.min(s),
                imbalance: b.abs_diff(s),
                side: if b > s {
                    Some(Side::Buy)
                } else if s > b {
                    Some(Side::Sell)
                } else {
                    None
                },
            })
            .collect();
        let volume = at.iter().map(|c| c.volume).max()?;
        let at: Vec<_> = at.into_iter().filter(|c| c.volume == volume).collect();
        let least = at.iter().map(|c| c.imbalance).min()?;
        let at: Vec<_> = at.into_iter().filter(|c| c.imbalance == least).collect();
        if at.iter().all(|c| c.side == Some(Side::Buy)) {
            return at.last().copied();
        }
        if at.iter().all(|c| c.side == Some(Side::Sell)) {
            return at.first().copied();
        }
        let near = at.iter().map(|c| (c.price.0 - reference).abs()).min()?;
        at.iter().rev().find(|c| (c.price.0 - reference).abs() == near).copied()
    }

    fn levels(orders: &[(Side, i64, u64)], side: Side) -> impl Iterator<Item = Level> {
        orders.iter().filter(move |o| o.0 == side).map(|o| Level {
            price: Price(o.1),
            qty: Qty(o.2),
            orders: 1,
        })
    }

    #[test]
    fn agrees_with_every_tick_tried() {
        let (mut crossed, mut between) = (0, 0);
        for seed in 0..4_000 {
            let mut rng = Rng::new(seed);
            let count = 1 + rng.below(9);
            let orders: Vec<_> = (0..count)
                .map(|_| {
                    let side = Side::BOTH[rng.below(2) as usize];
                    (side, (5 + rng.below(40) as i64) * TICK, 100 * (1 + rng.below(4)))
                })
                .collect();
            let reference = rng.below(300) as i64;
            let want = naive(&orders, reference);
            let bids = levels(&orders, Side::Buy);
            let got = clearing(bids, levels(&orders, Side::Sell), Price(reference), TICK);
            assert_eq!(got, want, "seed {seed}: {orders:?}, reference {reference}");
            crossed += u32::from(got.is_some());
            between += u32::from(got.is_some_and(|c| orders.iter().all(|o| o.1 != c.price.0)));
        }
        assert!(crossed > 1_000 && between > 100, "{crossed} {between}");
    }

    #[test]
    fn each_rule_decides_once() {
        use Side::{Buy, Sell};
        let price = |orders: &[(Side, i64, u64)], reference| {
            let bids = levels(orders, Buy);
            clearing(bids, levels(orders, Sell), Price(reference), TICK).map(|c| c.price.0)
        };
        assert_eq!(price(&[(Buy, 50, 1), (Sell, 55, 1)], 50), None);
        // Volume: 3 at 60, 1 at 50.
        let volume = [(Buy, 60, 3), (Sell, 50, 1), (Sell, 60, 2)];
        assert_eq!(price(&volume, 0), Some(60));
        // Imbalance: 50 and 60 leave 1 over, what lies between leaves nothing.
        let balance = [(Buy, 60, 2), (Buy, 50, 1), (Sell, 50, 2), (Sell, 60, 1)];
        assert_eq!(price(&balance, 0), Some(55));
        // Pressure: more to buy, so as high as the bids go; more to sell, as low as the asks.
        assert_eq!(price(&[(Buy, 60, 3), (Sell, 50, 2)], 0), Some(60));
        assert_eq!(price(&[(Buy, 60, 2), (Sell, 50, 3)], 99), Some(50));
        // Reference: everything from 50 to 60 is equal; the nearest tick, the higher of two.
        assert_eq!(price(&[(Buy, 60, 2), (Sell, 50, 2)], 56), Some(55));
        assert_eq!(price(&[(Buy, 60, 2), (Sell, 50, 2)], 99), Some(60));
    }
}
