//! How far the ego state drifts off while no satellite position comes.

use auriga_evaluation::DriftReport;
use auriga_geometry::math::{angle_difference, hypot};
use auriga_geometry::{LogicalTime, Pose2};
use auriga_messages::nav_msgs::Odometry;

/// Ego state and reference at one instant.
#[derive(Clone, Copy)]
struct Sample {
    time: LogicalTime,
    /// Ego less reference: east and north, metres; heading, radians.
    error: [f64; 3],
    /// Metres driven since the first sample.
    driven_m: f64,
}

/// Compares the error at the end with the error when the positions ceased.
pub struct Drift {
    since: LogicalTime,
    reference: Option<(LogicalTime, Pose2)>,
    ego: Option<(LogicalTime, Pose2)>,
    last_place: Option<Pose2>,
    first: Option<Sample>,
    last: Option<Sample>,
}

impl Drift {
    /// Positions cease at `since`.
    pub fn new(since: LogicalTime) -> Self {
        Self { since, reference: None, ego: None, last_place: None, first: None, last: None }
    }

    /// Takes note of where the car really is.
    pub fn reference(&mut self, odometry: &Odometry) {
        self.reference = Some((LogicalTime::from(&odometry.header.stamp), Pose2::from(&odometry.pose.pose)));
        self.compare();
    }

    /// Takes note of where it believes to be.
    pub fn ego(&mut self, odometry: &Odometry) {
        self.ego = Some((LogicalTime::from(&odometry.header.stamp), Pose2::from(&odometry.pose.pose)));
        self.compare();
    }

    /// Both have the stamps of the INS, so that equal instants are the rule.
    fn compare(&mut self) {
        let (Some((time, truth)), Some((other, ego))) = (self.reference, self.ego) else { return };
        if time != other || time < self.since || self.last.is_some_and(|last| last.time >= time) {
            return;
        }
        let step = self.last_place.map_or(0.0, |last| hypot(truth.x - last.x, truth.y - last.y));
        self.last_place = Some(truth);
        let driven_m = self.last.map_or(0.0, |last| last.driven_m) + step;
        let error = [ego.x - truth.x, ego.y - truth.y, angle_difference(ego.yaw, truth.yaw)];
        let sample = Sample { time, error, driven_m };
        self.first.get_or_insert(sample);
        self.last = Some(sample);
    }

    /// What the error grew by; `None` where there was nothing to compare.
    pub fn finish(&self) -> Option<DriftReport> {
        let (first, last) = (self.first?, self.last?);
        let grown: [f64; 3] = std::array::from_fn(|k| last.error[k] - first.error[k]);
        Some(DriftReport {
            seconds: last.time.since(first.time).as_secs_f64(),
            driven_m: last.driven_m,
            position_m: hypot(grown[0], grown[1]),
            yaw_rad: grown[2],
        })
    }
}
