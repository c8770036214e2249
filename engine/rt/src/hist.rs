//! A flat log-linear histogram: 64 buckets per octave, recorded with two shifts and one add.
//!
//! Values below 64 are exact; above, a bucket is at most 1/64 (1.6 %) wide. The bucket of `v` is
//! `(octave << 6) + next six bits`, which is monotonic, so percentiles are one walk. No bounds
//! logic: every u64 has a bucket, the array is 3,776 counters (30 KiB).

const SUB_BITS: u32 = 6;
const SUBS: u64 = 1 << SUB_BITS;
const BUCKETS: usize = ((64 - SUB_BITS as usize) + 1) << SUB_BITS;

/// Counts of values, typically cycles.
#[derive(Clone)]
pub struct Histogram {
    buckets: Box<[u64; BUCKETS]>,
    max: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Histogram::new()
    }
}

impl Histogram {
    /// Empty.
    pub fn new() -> Histogram {
        let buckets = vec![0u64; BUCKETS].into_boxed_slice();
        Histogram { buckets: buckets.try_into().expect("length is BUCKETS"), max: 0 }
    }

    /// Counts `value`.
    #[inline]
    pub fn record(&mut self, value: u64) {
        if let Some(bucket) = self.buckets.get_mut(bucket_of(value)) {
            *bucket += 1; // always: every value has a bucket
        }
        self.max = self.max.max(value);
    }

    /// How many values were recorded.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// Smallest value, at bucket precision from below; 0 when empty.
    pub fn min(&self) -> u64 {
        self.buckets.iter().position(|n| *n > 0).map_or(0, first_of)
    }

    /// Largest value, exact.
    pub fn max(&self) -> u64 {
        self.max
    }

    /// The value that `quantile` (0 to 1) of the records do not exceed, at bucket precision.
    pub fn quantile(&self, quantile: f64) -> u64 {
        let count = self.count();
        let rank = ((count as f64 * quantile).ceil() as u64).clamp(1, count.max(1));
        let mut seen = 0;
        for (value, n) in self.iter() {
            seen += n;
            if seen >= rank {
                return value.clamp(self.min(), self.max);
            }
        }
        self.max
    }

    /// Non-empty buckets as (largest value of the bucket, count), rising.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let filled = self.buckets.iter().enumerate().filter(|(_, n)| **n > 0);
        filled.map(|(bucket, n)| (last_of(bucket), *n))
    }

    /// Tells what was recorded since `published` last stood level with this, as (largest value of the
    /// bucket, count), and brings it level: for copies that are kept elsewhere.
    pub fn publish(&self, published: &mut Histogram, mut tell: impl FnMut(u64, u64)) {
        let pairs = self.buckets.iter().zip(published.buckets.iter_mut());
        for (bucket, (now, then)) in pairs.enumerate().filter(|(_, (now, then))| **now != **then) {
            tell(last_of(bucket).min(self.max), now.wrapping_sub(*then));
            *then = *now;
        }
        published.max = self.max;
    }

    /// Forgets all records, keeping the memory.
    pub fn clear(&mut self) {
        self.buckets.fill(0);
        self.max = 0;
    }

    /// Adds the counts of `other`.
    pub fn merge(&mut self, other: &Histogram) {
        for (mine, theirs) in self.buckets.iter_mut().zip(other.buckets.iter()) {
            *mine += theirs;
        }
        self.max = self.max.max(other.max);
    }
}

#[inline]
fn bucket_of(value: u64) -> usize {
    // The octave is 0 for values below 64, so that those are exact.
    let octave = (63 - (value | (SUBS - 1)).leading_zeros()) - (SUB_BITS - 1);
    let shift = octave.saturating_sub(1);
    ((u64::from(octave) << SUB_BITS) + ((value >> shift) & (SUBS - 1))) as usize
}

/// Smallest value of a bucket.
fn first_of(bucket: usize) -> u64 {
    bucket.checked_sub(1).map_or(0, |before| last_of(before) + 1)
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_rise_and_hold_their_values() {
        let mut previous = 0;
        for exponent in 0..64u32 {
            for offset in [0u64, 1, 63] {
                let value = (1u64 << exponent).saturating_add(offset << exponent.saturating_sub(6));
                let bucket = bucket_of(value);
                assert!(bucket < BUCKETS && last_of(bucket) >= value, "{value}");
                assert!(last_of(bucket) - value <= value / 64, "{value} ends {}", last_of(bucket));
                if offset == 0 {
                    assert!(bucket >= previous);
                    previous = bucket;
                }
            }
        }
        assert!(bucket_of(u64::MAX) < BUCKETS);
    }

    #[test]
    fn quantiles_of_a_ramp_are_within_a_bucket() {
        let mut histogram = Histogram::new();
        (1..=10_000).for_each(|v| histogram.record(v));
        for (quantile, want) in [(0.5, 5_000f64), (0.99, 9_900.0), (1.0, 10_000.0)] {
            let got = histogram.quantile(quantile) as f64;
            assert!((got / want - 1.0).abs() < 1.0 / 64.0, "{quantile}: {got}");
        }
        assert_eq!((histogram.min(), histogram.max(), histogram.count()), (1, 10_000, 10_000));
    }
}
