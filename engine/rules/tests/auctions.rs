//! Call auctions against a twin that tries every price and every order.

use nofx_rt::rng::Rng;
use nofx_rules::TickTable;
use nofx_rules::auction::{
    AT_AUCTION_BUY, AT_AUCTION_SELL, Candidates, Clearing, Pick, TieRule, clear,
};
use nofx_types::{Level, Price, Qty, Side};

const TICK: i64 = 100;

fn level(price: Price, qty: u64) -> Level {
    Level { price, qty: Qty(qty), orders: 1 }
}

/// Single orders as the twin sees them: no levels, no order, no cumulation.
#[derive(Clone, Debug)]
struct Orders {
    buys: Vec<(Price, u64)>,
    sells: Vec<(Price, u64)>,
}

impl Orders {
    fn random(rng: &mut Rng, free: bool) -> Orders {
        let mut side = |at: Price, low: i64, high: i64| -> Vec<(Price, u64)> {
            let count = rng.below(12);
            let orders = (0..count).map(|_| {
                let price = Price((low + rng.below((high - low) as u64 + 1) as i64) * TICK);
                let qty = (1 + rng.below(9)) * 100;
                (if free && rng.below(6) == 0 { at } else { price }, qty)
            });
            orders.collect()
        };
        let buys = side(AT_AUCTION_BUY, 96, 108);
        let sells = side(AT_AUCTION_SELL, 94, 106);
        Orders { buys, sells }
    }

    fn levels(orders: &[(Price, u64)], best_first: impl Fn(&Level) -> i64) -> Vec<Level> {
        let mut levels: Vec<Level> = Vec::new();
        for (price, qty) in orders {
            match levels.iter_mut().find(|level| level.price == *price) {
                Some(level) => level.qty.0 += qty,
                None => levels.push(level(*price, *qty)),
            }
        }
        levels.sort_by_key(best_first);
        levels
    }

    fn demand(&self, price: Price) -> u64 {
        self.buys.iter().filter(|(buy, _)| *buy >= price).map(|(_, qty)| qty).sum()
    }

    fn supply(&self, price: Price) -> u64 {
        self.sells.iter().filter(|(sell, _)| *sell <= price).map(|(_, qty)| qty).sum()
    }

    /// Every price that the rule lets be chosen.
    fn candidates(&self, rule: &TieRule) -> Vec<Price> {
        let limits = || {
            let all = self.buys.iter().chain(&self.sells).map(|(price, _)| *price);
            all.filter(|price| ![AT_AUCTION_BUY, AT_AUCTION_SELL].contains(price))
        };
        let (Some(low), Some(high)) = (limits().min(), limits().max()) else {
            return if rule.reference.0 > 0 { vec![rule.reference] } else { Vec::new() };
        };
        let ticks = (low.0 / TICK..=high.0 / TICK).map(|tick| Price(tick * TICK));
        match rule.candidates {
            Candidates::AllTicks => ticks.collect(),
            Candidates::OrderPrices => ticks.filter(|tick| limits().any(|p| p == *tick)).collect(),
        }
    }

    /// The rule word by word.
    fn clear(&self, rule: &TieRule) -> Option<Clearing> {
        let mut left = self.candidates(rule);
        let volume = |price: &Price| self.demand(*price).min(self.supply(*price));
        let imbalance = |price: &Price| self.demand(*price).abs_diff(self.supply(*price));
        let most = left.iter().map(volume).max().filter(|volume| *volume > 0)?;
        left.retain(|price| volume(price) == most);
        let unfilled = |price: &Price| {
            let above: u64 =
                self.buys.iter().filter(|(buy, _)| buy > price).map(|(_, qty)| qty).sum();
            let below: u64 =
                self.sells.iter().filter(|(sell, _)| sell < price).map(|(_, qty)| qty).sum();
            above.saturating_sub(most) + below.saturating_sub(most)
        };
        let fewest = left.iter().map(unfilled).min()?;
        left.retain(|price| unfilled(price) == fewest);
        let least = left.iter().map(imbalance).min()?;
        left.retain(|price| imbalance(price) == least);
        let (low, high) = (*left.first()?, *left.last()?);
        let price = if rule.pick == Pick::Nearest && rule.reference.0 > 0 {
            // Later is higher, and the last of equal minima is wanted.
            let far = |price: &Price| price.0.abs_diff(rule.reference.0);
            left.iter().rev().min_by_key(|price| far(price)).copied()?
        } else {
            let twice = low.0 + high.0;
            Price((twice + TICK) / (2 * TICK) * TICK)
        };
        let (demand, supply) = (self.demand(price), self.supply(price));
        let side = match demand.cmp(&supply) {
            std::cmp::Ordering::Greater => Some(Side::Buy),
            std::cmp::Ordering::Less => Some(Side::Sell),
            std::cmp::Ordering::Equal => None,
        };
        let (volume, imbalance) = (Qty(demand.min(supply)), Qty(demand.abs_diff(supply)));
        Some(Clearing { price, volume, imbalance, side })
    }
}

#[test]
fn clears_as_the_twin_that_tries_every_price() {
    let (mut crossed, mut tied) = (0, 0);
    for seed in 0..20_000u64 {
        let mut rng = Rng::new(seed);
        let rule = TieRule {
            candidates: [Candidates::OrderPrices, Candidates::AllTicks][rng.below(2) as usize],
            pick: [Pick::Middle, Pick::Nearest][rng.below(2) as usize],
            reference: Price(
                rng.below(3) as i64 * TICK * (90 + rng.below(20) as i64) / 2 / TICK * TICK,
            ),
            tick: TickTable::flat(TICK as u32),
        };
        let free = rng.below(2) == 0;
        let orders = Orders::random(&mut rng, free);
        let bids = Orders::levels(&orders.buys, |level| -level.price.0.min(i64::MAX - 1));
        let asks = Orders::levels(&orders.sells, |level| level.price.0);
        let got = clear(&bids, &asks, &rule);
        assert_eq!(got, orders.clear(&rule), "seed {seed}: {rule:?} {orders:?}");
        crossed += u32::from(got.is_some());
        tied += u32::from(got.is_some_and(|c| c.imbalance.0 == 0));
    }
    assert!(crossed > 5_000 && tied > 500, "{crossed} crossed, {tied} balanced");
}

/// What the rules promise whatever the orders are: better orders trade whole, and no price trades more.
#[test]
fn no_price_trades_more_and_one_side_is_filled() {
    for seed in 20_000..30_000u64 {
        let mut rng = Rng::new(seed);
        let orders = Orders::random(&mut rng, false);
        let rule = TieRule {
            candidates: Candidates::AllTicks,
            pick: Pick::Nearest,
            reference: Price(100 * TICK),
            tick: TickTable::flat(TICK as u32),
        };
        let bids = Orders::levels(&orders.buys, |level| -level.price.0);
        let asks = Orders::levels(&orders.sells, |level| level.price.0);
        let Some(cleared) = clear(&bids, &asks, &rule) else { continue };
        for tick in 90..=110 {
            let price = Price(tick * TICK);
            let volume = orders.demand(price).min(orders.supply(price));
            assert!(volume <= cleared.volume.0, "seed {seed}: {price:?} trades {volume}");
        }
        let above = orders.demand(Price(cleared.price.0 + 1));
        let below = orders.supply(Price(cleared.price.0 - 1));
        assert!(above <= cleared.volume.0 && below <= cleared.volume.0, "seed {seed}");
        let (demand, supply) = (orders.demand(cleared.price), orders.supply(cleared.price));
        assert!(cleared.volume.0 == demand || cleared.volume.0 == supply, "seed {seed}");
    }
}

/// Ranges of Hong Kong's table meet inside the auction: prices between orders are those of the table.
#[test]
fn prices_between_orders_follow_the_tick_table() {
    // 0.01 up to 10.00, 0.02 up to 20.00.
    let tick = TickTable::new(&[(100_000, 100), (200_000, 200)]).expect("rising");
    let rule = |reference| TieRule {
        candidates: Candidates::AllTicks,
        pick: Pick::Nearest,
        reference: Price(reference),
        tick,
    };
    let (bids, asks) = ([level(Price(100_600), 100)], [level(Price(99_500), 100)]);
    for (reference, want) in [
        (99_000, 99_500),
        (99_700, 99_700),
        (100_000, 100_000),
        (100_200, 100_200),
        (100_500, 100_600),
        (110_000, 100_600),
    ] {
        let cleared = clear(&bids, &asks, &rule(reference)).expect("crossed");
        assert_eq!(cleared.price, Price(want), "{reference}");
    }
}
