//! Recording one value: ours against `hdrhistogram` at the same relative precision or less.

use hdrhistogram::Histogram as Hdr;
use nofx_rt::hist::Histogram;
use nofx_rt::rng::Rng;

use super::{Measured, Setup};
use crate::harness::{Contest, Lap, lap};
use crate::row::Row;

/// One line.
pub const ABOUT: &str = "record one value: nofx_rt::hist against hdrhistogram";

const OPS: u64 = 20_000_000;

/// Latency-like values: most near 100, a tail over four octaves; small enough to stay in cache.
fn values() -> Vec<u64> {
    let mut rng = Rng::new(1);
    (0..4_096).map(|_| (80 + rng.below(60)) << rng.below(16).saturating_sub(11)).collect()
}

fn record(values: &[u64], mut record: impl FnMut(u64)) -> u64 {
    let laps = OPS / values.len() as u64;
    for _ in 0..laps {
        values.iter().for_each(|value| record(*value));
    }
    laps * values.len() as u64
}

fn ours(values: &[u64]) -> Lap {
    let mut histogram = Histogram::new();
    lap(|| (record(values, |value| histogram.record(value)), histogram.count() ^ histogram.max()))
}

/// 1 to 10^9 at `digits` significant digits: 2 is 1 %, 3 is 0.1 %; ours is 1.6 %.
fn hdr(values: &[u64], digits: u8) -> Lap {
    let mut histogram =
        Hdr::<u64>::new_with_bounds(1, 1_000_000_000, digits).expect("valid bounds");
    let highest = values.iter().copied().max().unwrap_or(0);
    lap(|| {
        let ops = record(values, |value| histogram.record(value).expect("within bounds"));
        assert!(histogram.equivalent(histogram.max(), highest));
        (ops, histogram.len() ^ highest)
    })
}

/// Measures.
///
/// # Errors
/// The histograms counted differently.
pub fn run(setup: &Setup) -> Measured {
    let values = values();
    let results = Contest::new()
        .enter("nofx_rt::hist", || ours(&values))
        .enter("hdrhistogram, 3 digits", || hdr(&values, 3))
        .enter("hdrhistogram, 2 digits", || hdr(&values, 2))
        .run(setup.rounds)?;
    let row = |baseline| {
        let what = "record a latency".to_owned();
        Row::versus("histogram", what, "value", &results, ["nofx_rt::hist", baseline], Some(0.5))
    };
    Ok(vec![row("hdrhistogram, 3 digits"), row("hdrhistogram, 2 digits")])
}
