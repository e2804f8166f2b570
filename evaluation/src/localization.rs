//! The ego state against truth.

use crate::statistics::Distribution;
use crate::truth_buffer::TruthBuffer;
use auriga_geometry::math::angle_difference;
use auriga_geometry::{LogicalTime, Pose2};
use auriga_messages::auriga_msgs::GroundTruth;
use auriga_messages::nav_msgs::Odometry;
use serde::Serialize;
use std::collections::VecDeque;

/// Errors of the ego state in the true car's frame: forward, to the left, in heading, and in speed ahead.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LocalizationReport {
    /// Ego states that were compared.
    pub samples: usize,
    /// Metres.
    pub longitudinal_m: Distribution,
    /// Metres.
    pub lateral_m: Distribution,
    /// Radians.
    pub yaw_rad: Distribution,
    /// Metres in the plane.
    pub position_m: Distribution,
    /// m/s.
    pub speed_mps: Distribution,
}

/// Compares ego states with truth at the instants of their validity.
#[derive(Debug, Default)]
pub struct LocalizationEvaluator {
    buffer: TruthBuffer,
    /// Ego states that wait for truth: at most [`WAITING`].
    waiting: VecDeque<(LogicalTime, Pose2, f64)>,
    longitudinal: Vec<f64>,
    lateral: Vec<f64>,
    yaw: Vec<f64>,
    position: Vec<f64>,
    speed: Vec<f64>,
}

const WAITING: usize = 256;

impl LocalizationEvaluator {
    /// An evaluator that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the world as it is at one instant; in the order of time.
    pub fn truth(&mut self, truth: &GroundTruth) {
        self.buffer.push(truth);
        self.compare();
    }

    /// Takes an ego state in `map`.
    pub fn odometry(&mut self, odometry: &Odometry) {
        if self.waiting.len() == WAITING {
            self.waiting.pop_front();
        }
        let time = LogicalTime::from(&odometry.header.stamp);
        self.waiting.push_back((time, Pose2::from(&odometry.pose.pose), odometry.twist.twist.linear.x));
        self.compare();
    }

    fn compare(&mut self) {
        let Some(newest) = self.buffer.newest() else { return };
        while let Some(&(time, estimate, speed)) = self.waiting.front()
            && time <= newest
        {
            self.waiting.pop_front();
            if let Some((truth, true_speed)) = self.buffer.ego_at(time) {
                let error = truth.to_local(estimate.position());
                self.longitudinal.push(error.x);
                self.lateral.push(error.y);
                self.position.push(error.norm());
                self.yaw.push(angle_difference(estimate.yaw, truth.yaw));
                self.speed.push(speed - true_speed);
            }
        }
    }

    /// The report.
    #[must_use]
    pub fn finish(self) -> LocalizationReport {
        LocalizationReport {
            samples: self.position.len(),
            longitudinal_m: Distribution::of(&self.longitudinal),
            lateral_m: Distribution::of(&self.lateral),
            yaw_rad: Distribution::of(&self.yaw),
            position_m: Distribution::of(&self.position),
            speed_mps: Distribution::of(&self.speed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auriga_geometry::{LogicalDuration, Vec2};
    use proptest::prelude::*;

    proptest! {
        /// The car drives a straight line at constant speed; the estimate is off by a constant vector of its own frame.
        #[test]
        fn a_constant_offset_is_found(yaw in -3.0..3.0, ahead in -2.0..2.0, left in -2.0..2.0, turn in -0.1..0.1, faster in -1.0..1.0) {
            let mut evaluator = LocalizationEvaluator::new();
            let at = |t: f64| Pose2::new(0.0, 0.0, yaw).compose(&Pose2::new(12.0 * t, 0.0, 0.0));
            for i in 0..40_i64 {
                let stamp = LogicalTime::ZERO + LogicalDuration::from_millis(i * 50);
                let mut odometry = Odometry::default();
                // Valid 10 ms before it comes, between two truths.
                let valid = stamp - LogicalDuration::from_millis(10);
                let estimate = at(valid.as_secs_f64()).compose(&Pose2::new(ahead, left, turn));
                odometry.header.stamp = valid.into();
                odometry.pose.pose = (&estimate).into();
                odometry.twist.twist.linear.x = 12.0 + 3.0 * valid.as_secs_f64() + faster;
                evaluator.odometry(&odometry);
                let mut truth = GroundTruth::default();
                truth.header.stamp = stamp.into();
                truth.ego_pose = (&at(stamp.as_secs_f64())).into();
                truth.ego_twist.linear.x = 12.0 + 3.0 * stamp.as_secs_f64();
                evaluator.truth(&truth);
            }
            let report = evaluator.finish();
            prop_assert_eq!(report.samples, 39);
            for (found, set) in [(report.longitudinal_m, ahead), (report.lateral_m, left), (report.yaw_rad, turn), (report.speed_mps, faster)] {
                prop_assert!((found.mean.unwrap() - set).abs() < 1e-6 && (found.rms.unwrap() - set.abs()).abs() < 1e-6);
            }
            prop_assert!((report.position_m.max.unwrap() - Vec2::new(ahead, left).norm()).abs() < 1e-6);
        }
    }
}
