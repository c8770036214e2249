//! Histograms: one set of edges for all, and the counts of this process.
//!
//! The mailbox counts in 64 buckets per octave. A bucket that an edge cuts counts as above the edge,
//! so `le` never claims a value that may lie above it; at most 1.6 % of the edge. The sum takes each
//! value as the upper end of its bucket: at most 1.6 % too much. Values only come in, so every edge's
//! count only rises while an engine runs.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nofx_mailbox::Counts;

/// 1, 2, 5 in each decade from 10 ns to 10 s.
pub(super) const EDGES: [u64; 28] = edges();

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

/// Cumulative counts at [`EDGES`], all values, their sum in nanoseconds.
pub(super) struct Spread {
    pub below: [u64; EDGES.len()],
    pub count: u64,
    pub sum_ns: f64,
}

impl Spread {
    /// Of a histogram in a mailbox.
    pub fn of(counts: &Counts) -> Spread {
        let mut spread = Spread { below: [0; EDGES.len()], count: 0, sum_ns: 0.0 };
        for (value, n) in counts.iter() {
            spread.count = spread.count.saturating_add(n);
            spread.sum_ns += value as f64 * n as f64;
            let from = EDGES.partition_point(|edge| *edge < value);
            for below in spread.below.iter_mut().skip(from) {
                *below = below.saturating_add(n);
            }
        }
        spread
    }

    /// As (edge, count).
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        EDGES.iter().copied().zip(self.below.iter().copied())
    }
}

/// Durations counted by this process, from many threads.
pub struct Durations {
    counts: [AtomicU64; EDGES.len() + 1],
    sum_ns: AtomicU64,
}

impl Default for Durations {
    fn default() -> Durations {
        Durations {
            counts: [const { AtomicU64::new(0) }; EDGES.len() + 1],
            sum_ns: AtomicU64::new(0),
        }
    }
}

impl Durations {
    /// Counts one.
    pub fn record(&self, span: Duration) {
        let ns = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        if let Some(count) = self.counts.get(EDGES.partition_point(|edge| *edge < ns)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum_ns.fetch_add(ns, Ordering::Relaxed);
    }

    pub(super) fn spread(&self) -> Spread {
        let mut spread = Spread { below: [0; EDGES.len()], count: 0, sum_ns: 0.0 };
        for (row, count) in self.counts.iter().enumerate() {
            spread.count += count.load(Ordering::Relaxed);
            if let Some(below) = spread.below.get_mut(row) {
                *below = spread.count;
            }
        }
        spread.sum_ns = self.sum_ns.load(Ordering::Relaxed) as f64;
        spread
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
            prop_assert_eq!(spread.sum_ns as u64, values.iter().sum::<u64>());
        }
    }
}
