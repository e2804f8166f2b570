//! How the drive felt: accelerations and jerk.

use crate::ego::Ego;
use crate::proximity::Episode;
use crate::statistics::Distribution;
use auriga_geometry::{LogicalDuration, LogicalTime, Vec2};
use serde::Serialize;

/// Beyond these a passenger complains. The defaults are nuPlan's closed-loop bounds (`../shared/limits.md`).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ComfortBounds {
    /// Least longitudinal acceleration, m/s².
    pub longitudinal_least_mps2: f64,
    /// Greatest longitudinal acceleration, m/s².
    pub longitudinal_most_mps2: f64,
    /// Greatest magnitude of the lateral acceleration, m/s².
    pub lateral_mps2: f64,
    /// Greatest magnitude of the jerk, m/s³.
    pub jerk_mps3: f64,
    /// Greatest magnitude of the longitudinal jerk, m/s³.
    pub longitudinal_jerk_mps3: f64,
}

impl Default for ComfortBounds {
    fn default() -> Self {
        Self {
            longitudinal_least_mps2: -4.05,
            longitudinal_most_mps2: 2.40,
            lateral_mps2: 4.89,
            jerk_mps3: 8.37,
            longitudinal_jerk_mps3: 4.13,
        }
    }
}

/// Accelerations and jerk over a drive: means over 0.1 s, and jerk as their central difference over 0.2 s.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ComfortReport {
    /// m/s².
    pub longitudinal_acceleration_mps2: Distribution,
    /// m/s², left positive.
    pub lateral_acceleration_mps2: Distribution,
    /// m/s³.
    pub longitudinal_jerk_mps3: Distribution,
    /// m/s³, left positive.
    pub lateral_jerk_mps3: Distribution,
    /// Share of the time outside any of nuPlan's bounds, 0 to 1.
    pub share_outside: f64,
    /// How often the car braked harder than the longitudinal bound.
    pub hard_brakes: u32,
    /// How often it came to a stop.
    pub stops: u32,
    /// Mean speed, standing included, m/s.
    pub mean_speed_mps: f64,
    /// Greatest speed, m/s.
    pub max_speed_mps: f64,
}

const BIN: LogicalDuration = LogicalDuration::from_millis(100);
const STANDING_MPS: f64 = 0.1;
const DRIVING_MPS: f64 = 1.0;

/// Gathers what [`ComfortReport`] says.
#[derive(Debug)]
pub(crate) struct Comfort {
    bounds: ComfortBounds,
    bin_start: Option<LogicalTime>,
    sum: Vec2,
    samples: u32,
    /// Means of the bins: along, across.
    bins: Vec<Vec2>,
    hard_brake: Episode,
    has_driven: bool,
    speed_sum: f64,
    speed_samples: usize,
    report: ComfortReport,
}

impl Comfort {
    pub(crate) fn new(bounds: ComfortBounds) -> Self {
        Self {
            bounds,
            bin_start: None,
            sum: Vec2::zeros(),
            samples: 0,
            bins: Vec::new(),
            hard_brake: Episode::default(),
            has_driven: false,
            speed_sum: 0.0,
            speed_samples: 0,
            report: ComfortReport::default(),
        }
    }

    pub(crate) fn update(&mut self, ego: &Ego) {
        self.speed_sum += ego.speed_mps;
        self.speed_samples += 1;
        self.report.max_speed_mps = self.report.max_speed_mps.max(ego.speed_mps);
        if ego.speed_mps > DRIVING_MPS {
            self.has_driven = true;
        } else if self.has_driven && ego.speed_mps.abs() < STANDING_MPS {
            self.has_driven = false;
            self.report.stops += 1;
        }
        let start = *self.bin_start.get_or_insert(ego.time);
        if ego.time.since(start) >= BIN {
            self.close_bin();
            self.bin_start = Some(ego.time);
        }
        self.sum += ego.acceleration;
        self.samples += 1;
    }

    fn close_bin(&mut self) {
        if self.samples == 0 {
            return;
        }
        let mean = self.sum / f64::from(self.samples);
        let (start, bounds) = (self.bin_start.unwrap_or_default(), &self.bounds);
        let hard = mean.x < bounds.longitudinal_least_mps2;
        self.report.hard_brakes += u32::from(self.hard_brake.update(hard, start, LogicalDuration::ZERO));
        self.bins.push(mean);
        (self.sum, self.samples) = (Vec2::zeros(), 0);
    }

    pub(crate) fn finish(mut self) -> ComfortReport {
        self.close_bin();
        let bounds = &self.bounds;
        let jerk: Vec<Vec2> =
            self.bins.windows(3).map(|w| (w[2] - w[0]) / (2.0 * BIN.as_secs_f64())).collect();
        let acceleration_out = |a: &Vec2| {
            a.x < bounds.longitudinal_least_mps2
                || a.x > bounds.longitudinal_most_mps2
                || a.y.abs() > bounds.lateral_mps2
        };
        let jerk_out = |j: &Vec2| j.x.abs() > bounds.longitudinal_jerk_mps3 || j.norm() > bounds.jerk_mps3;
        let outside = (0..self.bins.len())
            .filter(|&i| {
                acceleration_out(&self.bins[i])
                    || i.checked_sub(1).and_then(|i| jerk.get(i)).is_some_and(jerk_out)
            })
            .count();
        let column = |vectors: &[Vec2], row: usize| {
            Distribution::of(&vectors.iter().map(|v| v[row]).collect::<Vec<f64>>())
        };
        self.report.longitudinal_acceleration_mps2 = column(&self.bins, 0);
        self.report.lateral_acceleration_mps2 = column(&self.bins, 1);
        self.report.longitudinal_jerk_mps3 = column(&jerk, 0);
        self.report.lateral_jerk_mps3 = column(&jerk, 1);
        self.report.share_outside = outside as f64 / self.bins.len().max(1) as f64;
        self.report.mean_speed_mps = self.speed_sum / self.speed_samples.max(1) as f64;
        self.report
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auriga_geometry::{OrientedBox, Pose2};

    fn ego(t: f64, speed: f64, acceleration: f64) -> Ego {
        Ego {
            time: LogicalTime::ZERO + LogicalDuration::from_secs_f64(t),
            pose: Pose2::default(),
            outline: OrientedBox::default(),
            velocity: Vec2::zeros(),
            speed_mps: speed,
            acceleration: Vec2::new(acceleration, 0.0),
        }
    }

    #[test]
    fn a_ramp_has_a_constant_jerk_and_a_hard_brake_is_counted_once() {
        let mut comfort = Comfort::new(ComfortBounds::default());
        for i in 0..=1000 {
            let t = f64::from(i) * 0.01;
            comfort.update(&ego(t, 10.0, -0.6 * t));
        }
        let report = comfort.finish();
        let jerk = report.longitudinal_jerk_mps3;
        assert!((jerk.p50.unwrap() + 0.6).abs() < 1e-9, "{jerk:?}");
        assert_eq!(report.hard_brakes, 1);
        // -4.05 m/s² is crossed at 6.75 s of 10 s.
        assert!((report.share_outside - 0.325).abs() < 0.02, "{}", report.share_outside);
        assert!((report.longitudinal_acceleration_mps2.rms.unwrap() - 6.0 / 3.0_f64.sqrt()).abs() < 0.05);
    }

    #[test]
    fn stops_count_once_each() {
        let mut comfort = Comfort::new(ComfortBounds::default());
        let speeds = [5.0, 2.0, 0.5, 0.05, 0.0, 0.08, 0.5, 0.05, 3.0, 0.0];
        for (i, speed) in speeds.into_iter().enumerate() {
            comfort.update(&ego(i as f64 * 0.1, speed, 0.0));
        }
        let report = comfort.finish();
        assert_eq!((report.stops, report.max_speed_mps), (2, 5.0));
    }
}
