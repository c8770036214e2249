//! Hong Kong's quotation rules against a reference that counts spreads one by one.

use nofx_rt::rng::Rng;
use nofx_rules::{CageFacts, Listing, Quotation, Reach, RuleBook, TickTable};
use nofx_types::{Market, Price, Qty, Side, Touch};

const REACHES: [Reach; 4] = [Reach::Auction, Reach::Best, Reach::Spreads, Reach::Any];

/// Every price of a table up to `most`, one spread apart.
fn ladder(table: &TickTable, most: i64) -> Vec<i64> {
    let (mut prices, mut price) = (Vec::new(), 0);
    for (up_to, tick) in table.bands() {
        while price < up_to.0.min(most) {
            price += tick;
            prices.push(price);
        }
    }
    prices
}

/// Whether the sheet takes the price in row `at` of the ladder.
fn taken(rule: &Quotation, ladder: &[i64], at: usize, case: &Case) -> bool {
    let price = i128::from(ladder[at]);
    let nominal = if case.last > 0 { case.last } else { case.close };
    let times = i128::from(rule.times);
    let far = price > i128::from(nominal) * times || price * times < i128::from(nominal);
    if nominal > 0 && far {
        return false;
    }
    let spreads_from = |from: i64| {
        let row = ladder.iter().position(|price| *price == from).expect("on the ladder");
        at as i64 - row as i64
    };
    if case.reach == Reach::Auction {
        return true;
    }
    if case.last == 0 && case.bid.is_none() && case.ask.is_none() && case.close > 0 {
        return spreads_from(case.close).unsigned_abs() <= u64::from(rule.first_spreads);
    }
    let through = match case.side {
        Side::Buy => case.ask.map(spreads_from),
        Side::Sell => case.bid.map(|bid| -spreads_from(bid)),
    };
    let most = match case.reach {
        Reach::Best => 0,
        Reach::Spreads => i64::from(rule.enhanced_spreads),
        Reach::Auction | Reach::Any => i64::MAX,
    };
    through.is_none_or(|spreads| spreads <= most)
}

#[derive(Debug)]
struct Case {
    side: Side,
    reach: Reach,
    bid: Option<i64>,
    ask: Option<i64>,
    last: i64,
    close: i64,
}

impl Case {
    fn random(rng: &mut Rng, ladder: &[i64]) -> Case {
        let near = rng.below(ladder.len() as u64 - 60) as usize + 30;
        let mut some = |n: u64| {
            let row = near + rng.below(40) as usize - 20;
            (rng.below(n) > 0).then(|| ladder[row])
        };
        let (first, second, last, close) = (some(2), some(2), some(2), some(8));
        let (bid, ask) = match (first, second) {
            (Some(a), Some(b)) if a > b => (Some(b), Some(a)),
            other => other,
        };
        let side = Side::BOTH[rng.below(2) as usize];
        let reach = REACHES[rng.below(4) as usize];
        Case { side, reach, bid, ask, last: last.unwrap_or(0), close: close.unwrap_or(0) }
    }

    fn facts(&self) -> CageFacts {
        let touch = Touch {
            bid_px: Price(self.bid.unwrap_or(0)),
            bid_qty: Qty(u64::from(self.bid.is_some())),
            ask_px: Price(self.ask.unwrap_or(0)),
            ask_qty: Qty(u64::from(self.ask.is_some())),
        };
        CageFacts { touch, last: Price(self.last), previous_close: Price(self.close) }
    }
}

#[test]
fn the_band_takes_what_the_sheet_takes() {
    let day = RuleBook::builtin(Market::Hkex).on("2025-09-01".parse().expect("a day"));
    let listing = Listing { lot: 100, ..Listing::default() };
    let rules = day.expect("covered").instrument("700", &listing).expect("known");
    let (table, rule) = (rules.tick.rule, rules.quotation.expect("has one").rule);
    // Up to 30.00: four changes of the spread.
    let ladder = ladder(&table, 300_000);
    let mut seen = [[0u32; 2]; 4];
    for seed in 0..3_000 {
        let mut rng = Rng::new(seed);
        let case = Case::random(&mut rng, &ladder);
        let band = rule.band(case.side, case.reach, &case.facts(), &table);
        for _ in 0..20 {
            let at = rng.below(ladder.len() as u64) as usize;
            let anchor = [case.bid, case.ask, Some(case.close)].into_iter().flatten().next();
            let row = anchor.and_then(|price| ladder.iter().position(|p| *p == price));
            // Half of them close to the bounds.
            let at = match row {
                Some(row) if rng.chance(1, 2) => (row + rng.below(60) as usize).saturating_sub(30),
                _ => at,
            };
            let Some(price) = ladder.get(at).copied() else { continue };
            let want = taken(&rule, &ladder, at, &case);
            assert_eq!(band.holds(Price(price)), want, "seed {seed}: {price} {case:?} {band:?}");
            seen[case.reach as usize][usize::from(want)] += 1;
        }
    }
    println!("refused and taken by reach: {seen:?}");
    assert!(seen.iter().flatten().all(|count| *count > 100), "{seen:?}");
}

#[test]
fn a_rule_that_counts_too_many_spreads_is_refused_by_key() {
    let text = include_str!("../../../rules/hkex.toml");
    for key in ["first_spreads", "enhanced_spreads"] {
        let line = text.lines().find(|line| line.starts_with(key)).expect("there");
        let wrong = text.replace(line, &format!("{key} = 101"));
        let error = RuleBook::parse("test", &wrong).expect_err(key).to_string();
        assert!(error.contains("quotation") && error.contains(key), "{error}");
    }
}
