//! Samples and what is said of them.

use serde::Serialize;

/// A set of samples in a few figures. All absent when there is no sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Distribution {
    /// Number of samples.
    pub count: usize,
    /// Mean.
    pub mean: Option<f64>,
    /// Root of the mean square.
    pub rms: Option<f64>,
    /// Least.
    pub min: Option<f64>,
    /// 1st percentile.
    pub p01: Option<f64>,
    /// 5th percentile.
    pub p05: Option<f64>,
    /// Median.
    pub p50: Option<f64>,
    /// 95th percentile.
    pub p95: Option<f64>,
    /// 99th percentile.
    pub p99: Option<f64>,
    /// Greatest.
    pub max: Option<f64>,
    /// 95th percentile of the magnitude.
    pub magnitude_p95: Option<f64>,
}

impl Distribution {
    /// The figures of `samples`; those that are not finite are left out.
    #[must_use]
    pub fn of(samples: &[f64]) -> Self {
        let mut sorted: Vec<f64> = samples.iter().copied().filter(|x| x.is_finite()).collect();
        if sorted.is_empty() {
            return Self::default();
        }
        sorted.sort_by(f64::total_cmp);
        let n = sorted.len() as f64;
        Self {
            count: sorted.len(),
            mean: Some(sorted.iter().sum::<f64>() / n),
            rms: Some((sorted.iter().map(|x| x * x).sum::<f64>() / n).sqrt()),
            min: sorted.first().copied(),
            p01: percentile(&sorted, 0.01),
            p05: percentile(&sorted, 0.05),
            p50: percentile(&sorted, 0.50),
            p95: percentile(&sorted, 0.95),
            p99: percentile(&sorted, 0.99),
            max: sorted.last().copied(),
            magnitude_p95: {
                let mut magnitudes: Vec<f64> = sorted.iter().map(|x| x.abs()).collect();
                magnitudes.sort_by(f64::total_cmp);
                percentile(&magnitudes, 0.95)
            },
        }
    }

    /// The greatest magnitude.
    #[must_use]
    pub fn magnitude_max(&self) -> Option<f64> {
        Some(self.min?.abs().max(self.max?.abs()))
    }
}

/// The `share` (0 to 1) percentile of ascending samples, linear between neighbours.
fn percentile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = share.clamp(0.0, 1.0) * last as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(last);
    Some(sorted[below] + (sorted[above] - sorted[below]) * (place - below as f64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_hundred_numbers() {
        let samples: Vec<f64> = (0..=100).map(f64::from).collect();
        let d = Distribution::of(&samples);
        assert_eq!((d.count, d.mean, d.min, d.max), (101, Some(50.0), Some(0.0), Some(100.0)));
        assert_eq!((d.p01, d.p05, d.p50, d.p99), (Some(1.0), Some(5.0), Some(50.0), Some(99.0)));
    }

    #[test]
    fn nothing_is_said_of_no_samples() {
        assert_eq!(Distribution::of(&[f64::NAN, f64::INFINITY]), Distribution::default());
        assert_eq!(Distribution::default().magnitude_max(), None);
    }

    proptest! {
        #[test]
        fn figures_are_in_order(samples in prop::collection::vec(-1e3..1e3, 1..60)) {
            let d = Distribution::of(&samples);
            let order = [d.min, d.p01, d.p05, d.p50, d.p95, d.p99, d.max].map(Option::unwrap);
            prop_assert!(order.windows(2).all(|w| w[0] <= w[1]));
            prop_assert!(d.mean.unwrap().abs() <= d.rms.unwrap() + 1e-9);
            prop_assert!(d.rms.unwrap() <= d.magnitude_max().unwrap() + 1e-9);
            let p95 = d.magnitude_p95.unwrap();
            prop_assert!(d.p95.unwrap() <= p95 && p95 <= d.magnitude_max().unwrap());
        }
    }
}
