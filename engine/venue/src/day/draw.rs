//! Random draws in integers only, so that a seed gives the same day on every machine.
//!
//! Model: exponential draws come from a table of 1,024 quantiles, made once with an integer
//! logarithm (the tail is cut at 7.6 times the mean, which also bounds every draw). Zipf weights are
//! powers in quarters, `rank^(-q/4)`, because a fourth root is two integer square roots.

use nofx_rt::rng::Rng;

const QUANTILES: usize = 1 << 10;

/// A seeded generator with the distributions of the day.
#[derive(Clone, Debug)]
pub struct Draw {
    rng: Rng,
    /// `-ln(1 - u)` at the middle of each of 1,024 slices of `u`, in 1/65,536.
    quantiles: Box<[u32]>,
}

impl Draw {
    /// Starts at `seed`.
    pub fn new(seed: u64) -> Draw {
        let quantiles = (0..QUANTILES as u64).map(|i| minus_ln(2 * i + 1, 11)).collect();
        Draw { rng: Rng::new(seed), quantiles }
    }

    /// A number in `0..bound`, 0 when `bound` is 0.
    #[inline]
    pub fn below(&mut self, bound: u64) -> u64 {
        self.rng.below(bound)
    }

    /// A number in `low..=high`.
    #[inline]
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.rng.below((high + 1).saturating_sub(low))
    }

    /// True `part` times of `whole` in the long run.
    #[inline]
    pub fn chance(&mut self, part: u64, whole: u64) -> bool {
        self.rng.chance(part, whole)
    }

    /// An exponential draw of this mean, rounded down: geometric counts, waiting times, distances.
    #[inline]
    pub fn exponential(&mut self, mean: u64) -> u64 {
        let quantile = self.quantiles[(self.rng.next() >> 54) as usize];
        ((u128::from(mean) * u128::from(quantile)) >> 16) as u64
    }
}

/// `-ln(part / 2^bits)` in 1/65,536, for `1 <= part <= 2^bits`.
fn minus_ln(part: u64, bits: u32) -> u32 {
    const LN_2_E32: u64 = 2_977_044_472; // ln 2 in 1/2^32
    let whole = u64::from(part.ilog2());
    // The fraction of log2 bit by bit: squaring doubles the logarithm.
    let mut mantissa = u128::from(part) << (63 - whole);
    let mut fraction = 0u64;
    for _ in 0..24 {
        mantissa = (mantissa * mantissa) >> 63;
        fraction <<= 1;
        if mantissa >= 1 << 64 {
            mantissa >>= 1;
            fraction |= 1;
        }
    }
    let log2_e24 = (whole << 24) + fraction;
    let minus_e24 = (u64::from(bits) << 24) - log2_e24;
    ((u128::from(minus_e24) * u128::from(LN_2_E32)) >> 40) as u32
}

/// Ranks with Zipf activity: the first rank is drawn most often.
#[derive(Clone, Debug)]
pub struct Zipf {
    /// Sums of weights: rank `r` owns the numbers from `sums[r - 1]` to below `sums[r]`.
    sums: Box<[u64]>,
}

impl Zipf {
    /// `ranks` ranks with weights `rank^(-quarters/4)`; 4 is the classic 1/rank.
    pub fn new(ranks: usize, quarters: u32) -> Zipf {
        let mut sum = 0;
        let sums = (1..=ranks.max(1) as u64).map(|rank| {
            sum += weight(rank, quarters);
            sum
        });
        Zipf { sums: sums.collect() }
    }

    /// A rank, from 0.
    #[inline]
    pub fn rank(&self, draw: &mut Draw) -> usize {
        let at = draw.below(self.total());
        self.sums.partition_point(|sum| *sum <= at)
    }

    /// The part of `amount` that falls on `rank` by its weight.
    pub fn share(&self, rank: usize, amount: u64) -> u64 {
        let below = rank.checked_sub(1).map_or(0, |before| self.sums[before]);
        let weight = self.sums.get(rank).map_or(0, |sum| sum - below);
        (u128::from(amount) * u128::from(weight) / u128::from(self.total().max(1))) as u64
    }

    fn total(&self) -> u64 {
        self.sums.last().copied().unwrap_or(1)
    }
}

/// `rank^(-quarters/4)` in 1/2^32, at least 1.
fn weight(rank: u64, quarters: u32) -> u64 {
    let root = |value: u64| (u128::from(value) << 32).isqrt() as u64; // of 1/2^32, in 1/2^32
    let fourth_root = root(root(rank << 32));
    let mut weight = 1u64 << 32;
    for _ in 0..quarters {
        weight = ((u128::from(weight) << 32) / u128::from(fourth_root)) as u64;
    }
    weight.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithm_is_that_of_the_library() {
        for part in 1..=2048u64 {
            let want = -(part as f64 / 2048.0).ln() * 65_536.0;
            assert!((f64::from(minus_ln(part, 11)) - want).abs() < 1.5, "{part}");
        }
    }

    #[test]
    fn exponential_draws_have_their_mean_and_median() {
        let mut draw = Draw::new(3);
        let mut draws: Vec<u64> = (0..200_000).map(|_| draw.exponential(100_000)).collect();
        draws.sort_unstable();
        let mean = draws.iter().sum::<u64>() / draws.len() as u64;
        assert!((98_000..102_000).contains(&mean), "{mean}");
        let median = draws[draws.len() / 2];
        assert!((68_000..71_000).contains(&median), "{median}");
    }

    #[test]
    fn ranks_are_drawn_by_their_weight() {
        for (quarters, want) in [(4u32, 1.0f64), (0, 0.0), (6, 1.5)] {
            let (zipf, mut draw) = (Zipf::new(50, quarters), Draw::new(9));
            let mut counts = [0u32; 50];
            for _ in 0..500_000 {
                counts[zipf.rank(&mut draw)] += 1;
            }
            let total: f64 = (1..=50).map(|rank| f64::from(rank).powf(-want)).sum();
            for rank in [1usize, 2, 7, 20] {
                let expected = 500_000.0 * (rank as f64).powf(-want) / total;
                let got = f64::from(counts[rank - 1]);
                assert!((got - expected).abs() < 5.0 * expected.sqrt() + 5.0, "{quarters} {rank}");
            }
            let shares: u64 = (0..50).map(|rank| zipf.share(rank, 1_000_000)).sum();
            assert!((999_900..=1_000_000).contains(&shares), "{shares}");
        }
    }
}
