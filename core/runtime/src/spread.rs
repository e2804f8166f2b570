//! How long a node's steps take on some machine, drawn by chance but the same for the same seed.

use auriga_geometry::{LogicalDuration, LogicalTime};
use serde::Deserialize;

/// The spread of a node's durations, in milliseconds: straight lines between four quantiles.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// No step is quicker.
    pub least: f64,
    /// Half of the steps are quicker.
    pub median: f64,
    /// All but one in a hundred are quicker.
    pub p99: f64,
    /// No step takes longer.
    pub most: f64,
}

impl Spread {
    /// What is wrong with it, if anything.
    pub(crate) fn check(&self) -> Result<(), String> {
        let marks = [self.least, self.median, self.p99, self.most];
        if marks.iter().any(|ms| !ms.is_finite()) || self.least < 1e-3 || self.most > 3.6e6 {
            return Err("must be at least 0.001 and at most an hour".to_owned());
        }
        if marks.windows(2).any(|pair| pair[1] < pair[0]) {
            return Err("must ascend: least, median, p99, most".to_owned());
        }
        Ok(())
    }

    /// The duration that a share (0 to 1) of the steps do not exceed.
    #[must_use]
    pub fn quantile(&self, share: f64) -> LogicalDuration {
        let marks = [(0.0, self.least), (0.5, self.median), (0.99, self.p99), (1.0, self.most)];
        let after = marks.iter().position(|(at, _)| share < *at).unwrap_or(marks.len() - 1).max(1);
        let ((from, low), (to, high)) = (marks[after - 1], marks[after]);
        let millis = low + (high - low) * ((share - from) / (to - from)).clamp(0.0, 1.0);
        LogicalDuration::from_secs_f64(millis * 1e-3).max(LogicalDuration::LEAST)
    }

    /// The duration of the step that `node` begins at `release`: a function of its arguments alone, so that it is the same in
    /// every process and whatever else is drawn.
    #[must_use]
    pub fn draw(&self, seed: u64, node: &str, release: LogicalTime) -> LogicalDuration {
        let mut state = mix(seed);
        for byte in node.bytes() {
            state = mix(state ^ u64::from(byte));
        }
        let drawn = mix(state ^ release.as_nanos().unsigned_abs());
        self.quantile((drawn >> 11) as f64 / (1_u64 << 53) as f64)
    }
}

/// The output function of SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
fn mix(state: u64) -> u64 {
    let z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPREAD: Spread = Spread { least: 2.0, median: 4.0, p99: 10.0, most: 30.0 };

    #[test]
    fn draws_have_the_quantiles_that_were_asked_for() {
        let count = 100_000;
        let mut drawn: Vec<f64> = (0..count)
            .map(|i| SPREAD.draw(7, "planner", LogicalTime::from_nanos(i * 100_000_000)).as_secs_f64() * 1e3)
            .collect();
        drawn.sort_by(f64::total_cmp);
        let at = |share: f64| drawn[(share * (drawn.len() - 1) as f64) as usize];
        assert!(drawn[0] >= 2.0 && drawn[drawn.len() - 1] <= 30.0);
        // Four standard deviations of a sample quantile: sqrt(q (1 − q) / n) over the density there.
        assert!((at(0.5) - 4.0).abs() < 0.05, "{}", at(0.5));
        assert!((at(0.99) - 10.0).abs() < 0.3, "{}", at(0.99));
        assert!((at(0.25) - 3.0).abs() < 0.05, "{}", at(0.25));
    }

    #[test]
    fn a_draw_depends_on_seed_node_and_release_only() {
        let at = LogicalTime::from_nanos(300_000_000);
        let first = SPREAD.draw(1, "a", at);
        assert_eq!(first, SPREAD.draw(1, "a", at));
        assert_ne!(first, SPREAD.draw(2, "a", at));
        assert_ne!(first, SPREAD.draw(1, "b", at));
        assert_ne!(first, SPREAD.draw(1, "a", at + LogicalDuration::LEAST));
    }

    #[test]
    fn the_ends_are_kept() {
        assert_eq!(SPREAD.quantile(0.0), LogicalDuration::from_millis(2));
        assert_eq!(SPREAD.quantile(1.0), LogicalDuration::from_millis(30));
        assert_eq!(SPREAD.quantile(7.0), LogicalDuration::from_millis(30));
        let still = Spread { least: 5.0, median: 5.0, p99: 5.0, most: 5.0 };
        assert_eq!(still.quantile(0.3), LogicalDuration::from_millis(5));
    }
}
