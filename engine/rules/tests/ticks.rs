//! Rounding to a tick table against exact fractions.

use nofx_rt::rng::Rng;
use nofx_rules::TickTable;
use nofx_types::Price;

/// The nearest whole number of `tick`s, halves upward: the floor of `price / tick + 1/2`.
fn nearest(price: i64, tick: i64) -> i64 {
    let (price, tick) = (i128::from(price), i128::from(tick));
    let steps = (2 * price + tick).div_euclid(2 * tick);
    (steps * tick) as i64
}

/// A table of one to six ranges with steps odd and even.
fn table(rng: &mut Rng) -> TickTable {
    let (mut bands, mut from) = (Vec::new(), 0);
    let ticks: Vec<i64> = (0..1 + rng.below(6)).map(|_| 1 + rng.below(60) as i64).collect();
    for (at, tick) in ticks.iter().enumerate() {
        // A boundary is a whole number of the steps on both of its sides.
        let next = ticks.get(at + 1).copied().unwrap_or(1);
        let both = tick * next;
        from += (from / both + 1 + rng.below(4) as i64) * both - from;
        bands.push((from, *tick));
    }
    TickTable::new(&bands).expect("a table")
}

#[test]
fn a_price_is_rounded_to_the_nearest_step_of_its_range() {
    for seed in 0..2_000 {
        let mut rng = Rng::new(seed);
        let flat = TickTable::flat(1 + rng.below(101) as u32);
        for table in [flat, table(&mut rng)] {
            let most = table.highest().0.min(200_000);
            for _ in 0..50 {
                let price = rng.below(most as u64 + 50) as i64 - 20;
                let tick = table.at(Price(price));
                let want = nearest(price, tick).max(tick).min(table.highest().0);
                let got = table.round(Price(price));
                assert_eq!(got, Price(want), "seed {seed}: {price} in steps of {tick}");
                assert!(table.holds(got), "seed {seed}: {got:?} is on the table");
            }
        }
    }
}

#[test]
fn a_price_at_the_ends_of_the_range_is_rounded_inside_the_table() {
    let table = TickTable::new(&[(999, 3), (1_998, 9)]).expect("a table");
    let rounded = |price| table.round(Price(price)).0;
    assert_eq!([i64::MIN, -1, 0, 1, 2, 4, 5].map(rounded), [3, 3, 3, 3, 3, 3, 6]);
    assert_eq!(
        [1_003, 1_004, 1_998, 1_999, i64::MAX].map(rounded),
        [999, 1_008, 1_998, 1_998, 1_998]
    );
}
