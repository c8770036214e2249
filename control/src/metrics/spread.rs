//! Histograms: one set of edges for all durations, another for sizes, and the counts of this process.
//!
//! The mailbox counts in 64 buckets per octave. A bucket that an edge cuts counts as above the edge,
//! so `le` never claims a value that may lie above it; at most 1.6 % of the edge. The sum takes each
//! value as the upper end of its bucket: at most 1.6 % too much. Values only come in, so every edge's
//! count only rises while an engine runs.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nofx_mailbox::Counts;

/// 1, 2, 5 in each decade from 10 ns to 10 s.
const EDGES: [u64; 28] = edges();

const fn edges() -> [u64; 28] {
    let mut edges = [0; 28];
    let (mut at, mut decade) = (0, 10u64);
    while at < edges.len() {
        edges[at] = decade * [1, 2, 5][at % 3];
        if at % 3 == 2 {
            decade *= 10;
        }
        at += 1;
    }
    edges
}

/// 1, 2, 4 and so on up to the largest batch of the audit log.
const SIZES: [u64; 13] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024, 2_048, 4_096];

/// Values of one base unit, where they are nanoseconds.
const SECOND: f64 = 1e9;

/// Cumulative counts at some edges, all values, their sum.
pub(super) struct Spread<const N: usize> {
    edges: &'static [u64; N],
    pub below: [u64; N],
    pub count: u64,
    pub sum: f64,
    /// Values of one base unit.
    pub unit: f64,
}

impl Spread<{ EDGES.len() }> {
    /// Of a histogram in a mailbox, in nanoseconds.
    pub fn of(counts: &Counts) -> Self {
        let mut spread = Spread::empty(&EDGES, SECOND);
        for (value, n) in counts.iter() {
            spread.count = spread.count.saturating_add(n);
            spread.sum += value as f64 * n as f64;
            let from = EDGES.partition_point(|edge| *edge < value);
            for below in spread.below.iter_mut().skip(from) {
                *below = below.saturating_add(n);
            }
        }
        spread
    }
}

impl<const N: usize> Spread<N> {
    fn empty(edges: &'static [u64; N], unit: f64) -> Spread<N> {
        Spread { edges, below: [0; N], count: 0, sum: 0.0, unit }
    }

    /// As (edge, count).
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.edges.iter().copied().zip(self.below.iter().copied())
    }
}

/// Values counted by this process, from many threads.
#[derive(Debug)]
struct Tally<const N: usize> {
    edges: &'static [u64; N],
    counts: [AtomicU64; N],
    above: AtomicU64,
    sum: AtomicU64,
}

impl<const N: usize> Tally<N> {
    fn new(edges: &'static [u64; N]) -> Tally<N> {
        let counts = [const { AtomicU64::new(0) }; N];
        Tally { edges, counts, above: AtomicU64::new(0), sum: AtomicU64::new(0) }
    }

    fn record(&self, value: u64) {
        let row = self.edges.partition_point(|edge| *edge < value);
        self.counts.get(row).unwrap_or(&self.above).fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    fn spread(&self, unit: f64) -> Spread<N> {
        let mut spread = Spread::empty(self.edges, unit);
        for (count, below) in self.counts.iter().zip(&mut spread.below) {
            spread.count += count.load(Ordering::Relaxed);
            *below = spread.count;
        }
        spread.count += self.above.load(Ordering::Relaxed);
        spread.sum = self.sum.load(Ordering::Relaxed) as f64;
        spread
    }
}

/// Durations counted by this process.
#[derive(Debug)]
pub struct Durations(Tally<{ EDGES.len() }>);

impl Default for Durations {
    fn default() -> Durations {
        Durations(Tally::new(&EDGES))
    }
}

impl Durations {
    /// Counts one.
    pub fn record(&self, span: Duration) {
        self.0.record(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX));
    }

    pub(super) fn spread(&self) -> Spread<{ EDGES.len() }> {
        self.0.spread(SECOND)
    }
}

/// How many at a time, counted by this process.
#[derive(Debug)]
pub struct Sizes(Tally<{ SIZES.len() }>);

impl Default for Sizes {
    fn default() -> Sizes {
        Sizes(Tally::new(&SIZES))
    }
}

impl Sizes {
    /// Counts one.
    pub fn record(&self, size: usize) {
        self.0.record(size as u64);
    }

    pub(super) fn spread(&self) -> Spread<{ SIZES.len() }> {
        self.0.spread(1.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn edges_rise_from_ten_nanoseconds_to_ten_seconds() {
        assert!(EDGES.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!((EDGES[0], EDGES[27]), (10, 10_000_000_000));
    }

    proptest! {
        /// The oracle: counting the values themselves.
        #[test]
        fn counts_are_those_of_the_values(values in prop::collection::vec(0u64..20_000_000_000, 0..200)) {
            let durations = Durations::default();
            values.iter().for_each(|ns| durations.record(Duration::from_nanos(*ns)));
            let spread = durations.spread();
            for (edge, below) in spread.buckets() {
                prop_assert_eq!(below, values.iter().filter(|ns| **ns <= edge).count() as u64);
            }
            prop_assert_eq!(spread.count, values.len() as u64);
            prop_assert_eq!(spread.sum as u64, values.iter().sum::<u64>());
        }
    }
}
