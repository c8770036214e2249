//! Percentiles against HdrHistogram and against the sorted values.

use hdrhistogram::Histogram as Hdr;
use nofx_rt::hist::Histogram;
use nofx_rt::rng::Rng;

const QUANTILES: [f64; 8] = [0.0, 0.01, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0];

/// Values of a latency's shape: a narrow body, a tail over many octaves.
fn latencies(seed: u64, count: usize) -> Vec<u64> {
    let mut rng = Rng::new(seed);
    let octaves = 1 + rng.below(40);
    let body = rng.below(5_000);
    let draw = |rng: &mut Rng| match rng.below(20) {
        0 => rng.next() >> (63 - rng.below(octaves)),
        _ => body + rng.below(200),
    };
    (0..count).map(|_| draw(&mut rng)).collect()
}

#[test]
fn quantiles_agree_with_hdr_and_with_the_sorted_values() {
    for seed in 0..200 {
        let count = 1 + Rng::new(seed).below(3_000) as usize;
        let mut values = latencies(seed, count);
        let (mut mine, mut hdr) = (Histogram::new(), Hdr::<u64>::new(3).expect("3 digits"));
        for value in &values {
            mine.record(*value);
            hdr.record(*value).expect("it grows");
        }
        values.sort_unstable();
        assert_eq!((mine.count(), mine.max()), (hdr.len(), values[count - 1]));
        let (min, least) = (mine.min(), values[0]);
        assert!(min <= least && least - min <= least / 64, "{min} for {least}");
        for quantile in QUANTILES {
            let got = mine.quantile(quantile);
            let rank = ((count as f64 * quantile).ceil() as usize).clamp(1, count);
            let exact = values[rank - 1];
            assert!(
                (exact..=exact + exact / 64).contains(&got),
                "seed {seed} {quantile}: {got} {exact}"
            );
            // HdrHistogram is right to 1/1000, and rounds a bucket up as we do.
            let theirs = hdr.value_at_quantile(quantile);
            let allowed = theirs / 64 + theirs / 1_000 + 1;
            assert!(got.abs_diff(theirs) <= allowed, "seed {seed} {quantile}: {got} {theirs}");
        }
    }
}

#[test]
fn merged_histograms_are_those_of_all_values() {
    let (first, second) = (latencies(1, 900), latencies(2, 1_700));
    let of = |values: &[u64]| {
        let mut histogram = Histogram::new();
        values.iter().for_each(|value| histogram.record(*value));
        histogram
    };
    let (mut merged, all) = (of(&first), of(&[first.clone(), second.clone()].concat()));
    merged.merge(&of(&second));
    assert!(merged.iter().eq(all.iter()));
    assert_eq!((merged.min(), merged.max()), (all.min(), all.max()));
    merged.clear();
    assert_eq!((merged.count(), merged.min(), merged.max(), merged.quantile(0.5)), (0, 0, 0, 0));
    assert!(merged.iter().next().is_none());
}
