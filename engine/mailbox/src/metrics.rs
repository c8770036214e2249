//! Counters and histograms in the file. Each has one writer; anybody may read.
//!
//! A counter is a word with its name beside it, in a cache line of its own, so that a reader needs
//! no list of names and writers on two cores do not share a line. A histogram is the same head (its
//! word is the largest value) and flat log-linear counts: 64 buckets per octave, values below 64
//! exact, above at most 1/64 wide, the buckets of `nofx-rt`'s histogram. Recording is one load, add
//! and store; percentiles are the reader's work.
//!
//! Worst case: a reader sees counts of slightly different instants; each is a count that was true.

use crate::sync::Ordering;
use crate::words::Words;

/// One named count, written by one thread.
#[derive(Clone)]
pub struct Counter {
    words: Words,
}

impl Counter {
    pub(crate) fn new(words: Words) -> Counter {
        Counter { words }
    }

    /// Counts `n` more.
    #[inline]
    pub fn add(&self, n: u64) {
        self.set(self.get().wrapping_add(n));
    }

    /// Replaces the count: for totals that are gathered elsewhere and published now and then.
    #[inline]
    pub fn set(&self, value: u64) {
        if let Some(word) = self.words.first() {
            word.store(value, Ordering::Relaxed); // one writer: no read-modify-write needed
        }
    }

    /// The count.
    #[inline]
    pub fn get(&self) -> u64 {
        self.words.first().map_or(0, |word| word.load(Ordering::Relaxed))
    }
}

const SUB_BITS: u32 = 6;
const SUBS: u64 = 1 << SUB_BITS;

/// Counts of a histogram: every `u64` has one.
pub(crate) const BUCKETS: usize = ((64 - SUB_BITS as usize) + 1) << SUB_BITS;

/// Counts of values, written by one thread.
#[derive(Clone)]
pub struct Histogram {
    max: Counter,
    buckets: Words,
}

impl Histogram {
    pub(crate) fn new(max: Words, buckets: Words) -> Histogram {
        Histogram { max: Counter::new(max), buckets }
    }

    /// Counts `value`.
    #[inline]
    pub fn record(&self, value: u64) {
        self.record_many(value, 1);
    }

    /// Counts `value` `n` times: for histograms that are gathered elsewhere.
    #[inline]
    pub fn record_many(&self, value: u64, n: u64) {
        if let Some(bucket) = self.buckets.get(bucket_of(value)) {
            bucket.store(bucket.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
        }
        if value > self.max.get() {
            self.max.set(value);
        }
    }

    /// A copy of the counts.
    pub fn counts(&self) -> Counts {
        let buckets = self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).collect();
        Counts { buckets, max: self.max.get() }
    }
}

/// Counts copied out of a [`Histogram`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    buckets: Vec<u64>,
    max: u64,
}

impl Counts {
    /// How many values were recorded.
    pub fn count(&self) -> u64 {
        self.buckets.iter().fold(0, |sum, n| sum.wrapping_add(*n))
    }

    /// Largest value, exact.
    pub fn max(&self) -> u64 {
        self.max
    }

    /// The value that `quantile` (0 to 1) of the records do not exceed, at bucket precision.
    pub fn quantile(&self, quantile: f64) -> u64 {
        let count = self.count();
        let rank = ((count as f64 * quantile).ceil() as u64).clamp(1, count.max(1));
        let mut seen = 0u64;
        for (value, n) in self.iter() {
            seen = seen.wrapping_add(n);
            if seen >= rank {
                return value.min(self.max);
            }
        }
        self.max
    }

    /// Non-empty buckets as (largest value of the bucket, count), rising.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let filled = self.buckets.iter().enumerate().filter(|(_, n)| **n > 0);
        filled.map(|(bucket, n)| (last_of(bucket), *n))
    }

    /// What was recorded since `earlier`, a copy of the same histogram. The largest value is then
    /// at bucket precision.
    pub fn since(&self, earlier: &Counts) -> Counts {
        let pairs = self.buckets.iter().zip(&earlier.buckets);
        let buckets: Vec<u64> = pairs.map(|(now, then)| now.saturating_sub(*then)).collect();
        let largest = buckets.iter().rposition(|n| *n > 0).map_or(0, last_of);
        Counts { buckets, max: largest.min(self.max) }
    }
}

#[inline]
fn bucket_of(value: u64) -> usize {
    // The octave is 0 for values below 64, so that those are exact.
    let octave = (63 - (value | (SUBS - 1)).leading_zeros()) - (SUB_BITS - 1);
    let shift = octave.saturating_sub(1);
    ((u64::from(octave) << SUB_BITS) + ((value >> shift) & (SUBS - 1))) as usize
}

/// Largest value of a bucket.
fn last_of(bucket: usize) -> u64 {
    let (octave, sub) = ((bucket >> SUB_BITS) as u32, bucket as u64 & (SUBS - 1));
    match octave {
        0 => sub,
        _ => {
            let shift = octave - 1;
            ((SUBS + sub) << shift) | ((1 << shift) - 1)
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn histogram() -> Histogram {
        Histogram::new(Words::plain([0]), Words::plain(vec![0; BUCKETS]))
    }

    /// The oracle of the percentiles: a sorted list.
    fn check(values: &mut [u64]) {
        let histogram = histogram();
        values.iter().for_each(|value| histogram.record(*value));
        values.sort_unstable();
        let counts = histogram.counts();
        assert_eq!((counts.count(), counts.max()), (values.len() as u64, values[values.len() - 1]));
        for quantile in [0.0, 0.5, 0.9, 0.99, 1.0] {
            let rank = ((values.len() as f64 * quantile).ceil() as usize).max(1);
            let (want, got) = (values[rank - 1], counts.quantile(quantile));
            assert!(got >= want && got - want <= want / 64, "{quantile}: {got}, want {want}");
        }
    }

    #[test]
    fn quantiles_are_those_of_the_sorted_values_within_a_bucket() {
        check(&mut [0]);
        check(&mut [u64::MAX, 0, 1, 63, 64, 65, 127, 128]);
        check(&mut (1..=10_000).collect::<Vec<_>>());
        check(&mut (0..64).map(|bit| 1 << bit).collect::<Vec<_>>());
        check(
            &mut (0..5_000u64)
                .map(|n| n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (n % 60))
                .collect::<Vec<_>>(),
        );
    }

    #[test]
    fn a_difference_holds_what_came_in_between() {
        let histogram = histogram();
        (0..100).for_each(|value| histogram.record(value));
        let then = histogram.counts();
        histogram.record_many(40, 3);
        let new = histogram.counts().since(&then);
        assert_eq!(new.iter().collect::<Vec<_>>(), [(40, 3)]);
        assert_eq!((new.max(), new.quantile(0.5)), (40, 40));
    }
}
