//! What a run took of clock and processor: outside of every digest.

use auriga_geometry::LogicalDuration;
use std::time::Duration;

/// One node's steps, measured on the machine that ran it.
#[derive(Clone, Debug, Default)]
pub struct NodeStatistics {
    /// Its name.
    pub name: String,
    /// Its budget.
    pub budget: LogicalDuration,
    /// Steps that ran.
    pub steps: u64,
    /// Releases that found it busy.
    pub skipped: u64,
    /// Steps that failed.
    pub failed: u64,
    /// The first error, if any.
    pub first_error: Option<String>,
    /// Steps whose publication came after release + budget.
    pub missed: u64,
    /// Wall time of every step, microseconds, unsorted.
    pub wall_micros: Vec<u32>,
    /// Processor time of all steps, on the threads that ran them: threads that a step starts or asks are not in it.
    pub cpu_total: Duration,
}

impl NodeStatistics {
    pub(crate) fn new(name: &str, budget: LogicalDuration) -> Self {
        Self { name: name.to_owned(), budget, wall_micros: Vec::with_capacity(1 << 16), ..Self::default() }
    }

    pub(crate) fn step(&mut self, wall: Duration, cpu: Option<Duration>) {
        self.steps += 1;
        self.cpu_total += cpu.unwrap_or_default();
        self.wall_micros.push(u32::try_from(wall.as_micros()).unwrap_or(u32::MAX));
    }

    /// The share `quantile` (0 to 1) of the steps took at most this long, microseconds.
    #[must_use]
    pub fn wall_quantile(&self, quantile: f64) -> u32 {
        let mut sorted = self.wall_micros.clone();
        sorted.sort_unstable();
        let last = sorted.len().saturating_sub(1);
        sorted.get((last as f64 * quantile.clamp(0.0, 1.0)) as usize).copied().unwrap_or(0)
    }

    /// Sum of all steps.
    #[must_use]
    pub fn wall_total(&self) -> Duration {
        Duration::from_micros(self.wall_micros.iter().map(|&micros| u64::from(micros)).sum())
    }
}
