//! How far the ego state drifts off while no satellite position comes.

use auriga_evaluation::DriftReport;
use auriga_geometry::math::{angle_difference, hypot};
use auriga_geometry::{LogicalTime, Pose2};
use auriga_messages::nav_msgs::Odometry;
use std::collections::VecDeque;

/// References that wait for an ego state of their instant or later: more than 2 s of them.
const WAITING_MOST: usize = 256;

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
    waiting: VecDeque<(LogicalTime, Pose2)>,
    ego: Option<(LogicalTime, Pose2)>,
    last_place: Option<Pose2>,
    first: Option<Sample>,
    last: Option<Sample>,
}

impl Drift {
    /// Positions cease at `since`.
    pub fn new(since: LogicalTime) -> Self {
        Self { since, waiting: VecDeque::new(), ego: None, last_place: None, first: None, last: None }
    }

    /// Takes note of where the car really is; in the order of time.
    pub fn reference(&mut self, odometry: &Odometry) {
        let time = LogicalTime::from(&odometry.header.stamp);
        if time < self.since {
            return;
        }
        if self.waiting.len() == WAITING_MOST {
            self.waiting.pop_front();
        }
        self.waiting.push_back((time, Pose2::from(&odometry.pose.pose)));
    }

    /// Takes note of where it believes to be; in the order of time.
    pub fn ego(&mut self, odometry: &Odometry) {
        let now = (LogicalTime::from(&odometry.header.stamp), Pose2::from(&odometry.pose.pose));
        let before = self.ego.replace(now);
        while let Some(&(time, truth)) = self.waiting.front().filter(|(time, _)| *time <= now.0) {
            self.waiting.pop_front();
            if time == now.0 {
                self.compare(time, &truth, &now.1);
            } else if let Some(before) = before.filter(|before| before.0 <= time) {
                let span = now.0.since(before.0).as_secs_f64();
                let ratio = time.since(before.0).as_secs_f64() / span;
                self.compare(time, &truth, &before.1.interpolate(&now.1, ratio));
            }
        }
    }

    fn compare(&mut self, time: LogicalTime, truth: &Pose2, ego: &Pose2) {
        let step = self.last_place.map_or(0.0, |last| hypot(truth.x - last.x, truth.y - last.y));
        self.last_place = Some(*truth);
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
