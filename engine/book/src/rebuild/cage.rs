//! The valid declaration range of the continuous phase (trading rules of Shanghai
//! and Shenzhen, 2023; `[[cage]]` in `rules/*.toml`).

use nofx_types::{Price, Side, Touch};

/// The cage of one instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cage {
    /// How far a buy may be above the reference and a sell below, in 1/10,000 of it: 200 for 2 %.
    pub ratio_e4: i64,
    /// The same in ticks where that is further; 0 where there is no such floor.
    pub ticks: i64,
    /// Price step.
    pub tick: i64,
    /// Reference of last resort; 0 when unknown.
    pub previous_close: Price,
}

impl Cage {
    /// Whether an order of `side` at `price` is inside. Without any reference everything is.
    #[inline]
    pub fn holds(&self, side: Side, price: Price, touch: &Touch, last: Price) -> bool {
        let Some(reference) = self.reference(side, touch, last) else { return true };
        let sign = side.sign();
        let near = self.rounded(reference.0, 10_000 + sign * self.ratio_e4);
        let floor = reference.0.saturating_add(sign * self.ticks.saturating_mul(self.tick));
        match side {
            Side::Buy => price.0 <= near.max(floor),
            Side::Sell => price.0 >= near.min(floor),
        }
    }

    /// Best opposite quote, else best of the own side, else the last trade, else the previous close.
    fn reference(&self, side: Side, touch: &Touch, last: Price) -> Option<Price> {
        let quoted = touch.best(side.opposite()).or_else(|| touch.best(side));
        let known = |price: Price| (price.0 > 0).then_some(price);
        quoted.or_else(|| known(last)).or_else(|| known(self.previous_close))
    }

    /// `price` times `ratio` 1/10,000, rounded half up to the tick.
    fn rounded(&self, price: i64, ratio: i64) -> i64 {
        let step = i128::from(self.tick.max(1)) * 10_000;
        let exact = i128::from(price) * i128::from(ratio);
        let ticks = (exact + step / 2).div_euclid(step);
        i64::try_from(ticks * i128::from(self.tick.max(1))).unwrap_or(price)
    }
}

#[cfg(test)]
mod tests {
    use nofx_types::Qty;

    use super::*;

    const CAGE: Cage = Cage { ratio_e4: 200, ticks: 0, tick: 100, previous_close: Price(100_000) };

    fn touch(bid: i64, ask: i64) -> Touch {
        let qty = |price| Qty(u64::from(price > 0));
        Touch { bid_px: Price(bid), bid_qty: qty(bid), ask_px: Price(ask), ask_qty: qty(ask) }
    }

    fn edges(cage: Cage, touch: Touch, last: i64) -> [i64; 2] {
        let inside = |side, price: &i64| cage.holds(side, Price(*price), &touch, Price(last));
        let prices = || (1..=2_000).map(|ticks| ticks * 100);
        let highest = prices().filter(|price| inside(Side::Buy, price)).max();
        let lowest = prices().filter(|price| inside(Side::Sell, price)).min();
        [highest.expect("a buy"), lowest.expect("a sell")]
    }

    #[test]
    fn the_reference_is_the_opposite_the_own_side_the_last_trade_or_the_close() {
        // Buys measure against the ask, sells against the bid: 102 % of 11.00, 98 % of 10.00.
        assert_eq!(edges(CAGE, touch(100_000, 110_000), 50_000), [112_200, 98_000]);
        assert_eq!(edges(CAGE, touch(100_000, 0), 50_000), [102_000, 98_000]);
        assert_eq!(edges(CAGE, touch(0, 110_000), 50_000), [112_200, 107_800]);
        assert_eq!(edges(CAGE, touch(0, 0), 50_000), [51_000, 49_000]);
        assert_eq!(edges(CAGE, touch(0, 0), 0), [102_000, 98_000]);
    }

    #[test]
    fn edges_are_rounded_half_up_and_have_a_floor_of_ticks() {
        // 1.25 * 1.02 = 1.275 -> 1.28; 1.25 * 0.98 = 1.225 -> 1.23.
        assert_eq!(edges(CAGE, touch(12_500, 12_500), 0), [12_800, 12_300]);
        let floor = Cage { ticks: 10, ..CAGE };
        assert_eq!(edges(floor, touch(12_500, 12_500), 0), [13_500, 11_500]);
        assert_eq!(edges(floor, touch(100_000, 100_000), 0), [102_000, 98_000]);
        let unknown = Cage { previous_close: Price(0), ..CAGE };
        assert!(unknown.holds(Side::Buy, Price(i64::MAX), &touch(0, 0), Price(0)));
    }
}
