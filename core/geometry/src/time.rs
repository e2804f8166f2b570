//! Logical time: integer nanoseconds since the run's epoch.

use core::fmt;
use core::ops::{Add, AddAssign, Sub};

/// An instant of logical time: nanoseconds since the run's epoch.
///
/// It has no relation to a clock: the runtime decides when it passes.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct LogicalTime(i64);

/// A span of logical time in nanoseconds; may be negative.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct LogicalDuration(i64);

impl LogicalTime {
    /// The run's epoch.
    pub const ZERO: Self = Self(0);
    /// Later than every instant of a run.
    pub const MAX: Self = Self(i64::MAX);

    /// An instant from nanoseconds since the epoch.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the epoch.
    #[must_use]
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Seconds since the epoch.
    #[must_use]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 * 1e-9
    }

    /// The span since `earlier` (negative if `earlier` is later).
    #[must_use]
    pub const fn since(self, earlier: Self) -> LogicalDuration {
        LogicalDuration(self.0.saturating_sub(earlier.0))
    }
}

impl LogicalDuration {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// The least budget, latency or link delay that the runtime accepts: 1 µs.
    pub const LEAST: Self = Self(1_000);

    /// A span from nanoseconds.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// A span from microseconds.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros.saturating_mul(1_000))
    }

    /// A span from milliseconds.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// A span from seconds, rounded to the nearest nanosecond.
    #[must_use]
    pub fn from_secs_f64(secs: f64) -> Self {
        Self(libm::round(secs * 1e9) as i64)
    }

    /// Nanoseconds.
    #[must_use]
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// Seconds.
    #[must_use]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 * 1e-9
    }

    /// Milliseconds.
    #[must_use]
    pub fn as_millis_f64(self) -> f64 {
        self.0 as f64 * 1e-6
    }
}

impl Add<LogicalDuration> for LogicalTime {
    type Output = Self;
    fn add(self, span: LogicalDuration) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl AddAssign<LogicalDuration> for LogicalTime {
    fn add_assign(&mut self, span: LogicalDuration) {
        *self = *self + span;
    }
}

impl Sub<LogicalDuration> for LogicalTime {
    type Output = Self;
    fn sub(self, span: LogicalDuration) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

impl Sub for LogicalTime {
    type Output = LogicalDuration;
    fn sub(self, earlier: Self) -> LogicalDuration {
        self.since(earlier)
    }
}

impl Add for LogicalDuration {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for LogicalDuration {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for LogicalTime {
    /// Seconds with nanoseconds: `12.345000000 s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let magnitude = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:09} s", magnitude / 1_000_000_000, magnitude % 1_000_000_000)
    }
}

impl fmt::Display for LogicalDuration {
    /// Milliseconds with microseconds: `60.000 ms`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let micros = self.0.unsigned_abs() / 1_000;
        write!(f, "{sign}{}.{:03} ms", micros / 1_000, micros % 1_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_seconds_and_milliseconds() {
        assert_eq!(LogicalTime::from_nanos(12_345_000_001).to_string(), "12.345000001 s");
        assert_eq!(LogicalDuration::from_micros(-1_500).to_string(), "-1.500 ms");
    }
}
