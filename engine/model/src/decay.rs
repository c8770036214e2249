//! Exponential decay in clock time without `exp`.
//!
//! Half-lives are powers of two of nanoseconds, so an elapsed time splits into whole half-lives, a
//! power of two that is exact, and a fraction `f` in `[0, 1)`, for which `2^-f` is the cubic that
//! agrees with it in value and slope at both ends (Hermite). The slope matters more than the value:
//! a stream of many small steps then decays at the same rate as one large step, so the half-life does
//! not depend on how busy the market is. Largest error: 0.07 %.

use nofx_types::Nanos;

const LN_2: f64 = core::f64::consts::LN_2;
/// Value 1/2 and slope `-ln 2 / 2` at `f = 1` give these two.
const C3: f64 = 1.5 * LN_2 - 1.0;
const C2: f64 = C3 + LN_2 - 0.5;

/// Below this a decayed sum is zero: keeps the loop out of subnormal numbers, which are slow.
const FLUSH: f64 = 1e-30;

/// `2^-(elapsed_ns / 2^half_life_lg)`: how much is left of 1 after `elapsed_ns`.
///
/// `half_life_lg` is the log2 of the half-life in nanoseconds, at most 52. After 64 half-lives
/// nothing is left.
#[inline]
pub fn remaining(elapsed_ns: u64, half_life_lg: u32) -> f64 {
    let whole = elapsed_ns >> half_life_lg;
    if whole >= 64 {
        return 0.0;
    }
    let below = elapsed_ns & ((1 << half_life_lg) - 1);
    let f = below as f64 * power_of_half(u64::from(half_life_lg));
    let fraction = 1.0 - f * (LN_2 - f * (C2 - f * C3));
    fraction * power_of_half(whole)
}

/// `2^-k`, exact, for `k` up to 64.
#[inline]
fn power_of_half(k: u64) -> f64 {
    f64::from_bits((1023 - k) << 52)
}

/// A sum whose past fades with a half-life of `2^LG` nanoseconds.
///
/// The stored sum changes only in [`add`](Decayed::add), never by reading it: what a strategy looks
/// at cannot change what it sees later.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Decayed<const LG: u32> {
    value: f64,
    at: Nanos,
}

impl<const LG: u32> Decayed<LG> {
    /// Adds `amount` at `now`. A clock that steps back counts as standing still.
    #[inline]
    pub fn add(&mut self, now: Nanos, amount: f64) {
        self.value = self.read(now) + amount;
        self.at = self.at.max(now);
    }

    /// The sum as it has faded by `now`.
    #[inline]
    pub fn read(&self, now: Nanos) -> f64 {
        let value = self.value * remaining(now.since(self.at), LG);
        if value.abs() < FLUSH { 0.0 } else { value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cubic_agrees_with_the_exponential() {
        let mut worst = 0f64;
        for step in 0..10_000u64 {
            let elapsed = step * 1_000_003;
            let exact = (-(elapsed as f64) / (1u64 << 30) as f64).exp2();
            worst = worst.max((remaining(elapsed, 30) / exact - 1.0).abs());
        }
        assert!(worst < 7e-4, "worst relative error {worst}");
    }

    #[test]
    fn whole_half_lives_are_exact_and_the_end_is_zero() {
        for k in 0..64u64 {
            assert_eq!(remaining(k << 27, 27), 0.5f64.powi(k as i32));
        }
        assert_eq!(remaining(64 << 27, 27), 0.0);
        assert_eq!(remaining(u64::MAX, 27), 0.0);
    }

    #[test]
    fn small_steps_decay_as_fast_as_a_large_one() {
        let mut stepped = Decayed::<30>::default();
        stepped.add(Nanos(0), 1.0);
        for step in 1..=10_000u64 {
            stepped.add(Nanos(step * 214_748), 0.0); // 2 half-lives in all
        }
        let once = 0.25;
        assert!((stepped.read(Nanos(1 << 31)) / once - 1.0).abs() < 1e-3);
    }

    #[test]
    fn reading_changes_nothing_and_a_backward_clock_stands_still() {
        let mut sum = Decayed::<30>::default();
        sum.add(Nanos(5_000_000_000), 8.0);
        let before = sum;
        assert!(sum.read(Nanos(9_000_000_000)) < 8.0);
        assert_eq!(sum, before);
        sum.add(Nanos(1), 1.0);
        assert_eq!(sum.read(Nanos(5_000_000_000)), 9.0);
    }
}
