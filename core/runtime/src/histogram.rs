//! Counts of durations, of fixed size.

use std::time::Duration;

/// Buckets per doubling: a quantile is known to within 1/16 of itself.
const PER_OCTAVE: u32 = 16;
const BUCKETS: usize = 64 * PER_OCTAVE as usize;

/// How often durations fell into buckets whose widths grow with them. Adding one allocates nothing.
#[derive(Clone, Debug)]
pub struct Histogram {
    counts: Vec<u64>,
    count: u64,
    most: Duration,
    total: Duration,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; BUCKETS], count: 0, most: Duration::ZERO, total: Duration::ZERO }
    }
}

/// The bucket of a number of nanoseconds: its power of two and the next four bits.
fn bucket(nanos: u64) -> usize {
    let octave = nanos.max(PER_OCTAVE.into()).ilog2();
    let within = (nanos >> (octave - PER_OCTAVE.ilog2())) as usize & (PER_OCTAVE as usize - 1);
    if nanos < PER_OCTAVE.into() { nanos as usize } else { octave as usize * PER_OCTAVE as usize + within }
}

/// The least number of nanoseconds beyond a bucket.
fn end_of(bucket: usize) -> u64 {
    let (octave, within) = (bucket as u32 / PER_OCTAVE, bucket as u64 % u64::from(PER_OCTAVE));
    if octave < PER_OCTAVE.ilog2() {
        return bucket as u64 + 1;
    }
    let step = 1_u64 << (octave - PER_OCTAVE.ilog2());
    (u64::from(PER_OCTAVE) + within).saturating_add(1).saturating_mul(step)
}

impl Histogram {
    /// Counts a duration.
    pub fn add(&mut self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.counts[bucket(nanos)] += 1;
        self.count += 1;
        self.most = self.most.max(duration);
        self.total = self.total.saturating_add(duration);
    }

    /// Their sum.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.total
    }

    /// How many were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The longest.
    #[must_use]
    pub fn most(&self) -> Duration {
        self.most
    }

    /// What the share `quantile` (0 to 1) of them did not exceed, at most 1/16 too long.
    #[must_use]
    pub fn quantile(&self, quantile: f64) -> Duration {
        let rank = (quantile.clamp(0.0, 1.0) * self.count as f64).ceil().max(1.0) as u64;
        let mut below = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            below += count;
            if below >= rank {
                return Duration::from_nanos(end_of(bucket)).min(self.most);
            }
        }
        self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn quantiles_are_those_of_the_sorted_list(mut nanos in prop::collection::vec(0_u64..4_000_000_000, 1..200), share in 0.0..1.0_f64) {
            let mut histogram = Histogram::default();
            nanos.iter().for_each(|&n| histogram.add(Duration::from_nanos(n)));
            nanos.sort_unstable();
            let rank = ((share * nanos.len() as f64).ceil().max(1.0) as usize).min(nanos.len());
            let (exact, found) = (nanos[rank - 1], histogram.quantile(share).as_nanos() as u64);
            prop_assert!(found >= exact && found <= exact + exact / 16 + 1, "{found} {exact}");
            prop_assert_eq!(histogram.most().as_nanos() as u64, nanos[nanos.len() - 1]);
        }

        #[test]
        fn a_bucket_ends_where_the_next_begins(nanos in any::<u64>()) {
            let at = bucket(nanos);
            prop_assert!(at < BUCKETS && (end_of(at) > nanos || end_of(at) == u64::MAX));
            prop_assert!(at == 0 || end_of(at - 1) <= nanos || nanos < 16);
        }
    }
}
