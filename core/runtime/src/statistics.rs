//! What a run took of clock and processor: outside of every digest.

use crate::histogram::Histogram;
use auriga_geometry::LogicalDuration;
use std::time::Duration;

/// What is measured of each step. No output sees any of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Measuring {
    /// Wall time, processor time and allocations. Asks the system for the processor time twice per step, which takes longer
    /// than a short step itself.
    #[default]
    All,
    /// Wall time and allocations.
    Wall,
    /// Allocations.
    Nothing,
}

/// One step, measured.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Measured {
    /// Absent where it is not measured.
    pub times: Option<Times>,
    pub allocations: u64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub wall: Duration,
    /// Of the thread that ran it; zero where the system does not say.
    pub cpu: Duration,
}

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
    /// Steps that the watchdog of a live run found hanging.
    pub hung: u64,
    /// Steps whose messages were dropped because a topic had no free slot.
    pub without_slot: u64,
    /// Wall time of the steps; empty where it was not measured.
    pub wall: Histogram,
    /// Processor time of all steps, on the threads that ran them: threads that a step starts or asks are not in it.
    pub cpu_total: Duration,
    /// Allocations in its steps, where `auriga_allocations::Counted` is installed.
    pub allocations: u64,
}

impl NodeStatistics {
    pub(crate) fn new(name: &str, budget: LogicalDuration) -> Self {
        Self { name: name.to_owned(), budget, ..Self::default() }
    }

    pub(crate) fn step(&mut self, measured: Measured) {
        self.steps += 1;
        self.allocations += measured.allocations;
        if let Some(Times { wall, cpu }) = measured.times {
            self.cpu_total += cpu;
            self.wall.add(wall);
        }
    }

    /// The share `quantile` (0 to 1) of the steps took at most this long, microseconds; up to 1/16 too long.
    #[must_use]
    pub fn wall_quantile(&self, quantile: f64) -> u32 {
        u32::try_from(self.wall.quantile(quantile).as_micros()).unwrap_or(u32::MAX)
    }

    /// Sum of all steps.
    #[must_use]
    pub fn wall_total(&self) -> Duration {
        self.wall.total()
    }
}
