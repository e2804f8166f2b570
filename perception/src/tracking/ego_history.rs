//! Where the car was: a short history, so that a detection can be placed by the instant at which it was seen.

use auriga_geometry::math::sin_cos;
use auriga_geometry::{LogicalTime, Pose2};
use auriga_messages::nav_msgs::Odometry;
use std::collections::VecDeque;

/// Instants kept: two seconds at 100 Hz.
const KEPT: usize = 200;
/// A pose is not carried farther than this past the history's ends, seconds.
const CARRY_MOST_S: f64 = 0.5;

#[derive(Clone, Copy, Debug)]
struct Instant {
    time: LogicalTime,
    pose: Pose2,
    speed: f64,
    yaw_rate: f64,
}

/// Poses of the car over the last instants, in time order.
#[derive(Clone, Debug, Default)]
pub struct EgoHistory {
    instants: VecDeque<Instant>,
}

impl EgoHistory {
    /// Adds an ego state; one that is not later than the last is left out.
    pub fn note(&mut self, odometry: &Odometry) {
        let time = LogicalTime::from(&odometry.header.stamp);
        let pose = Pose2::from(&odometry.pose.pose);
        let twist = &odometry.twist.twist;
        let is_finite =
            [pose.x, pose.y, pose.yaw, twist.linear.x, twist.angular.z].iter().all(|v| v.is_finite());
        if !is_finite || self.instants.back().is_some_and(|last| last.time >= time) {
            return;
        }
        if self.instants.len() == KEPT {
            self.instants.pop_front();
        }
        self.instants.push_back(Instant { time, pose, speed: twist.linear.x, yaw_rate: twist.angular.z });
    }

    /// The pose at an instant: between two known ones, or carried on from the nearest by its motion.
    #[must_use]
    pub fn pose_at(&self, time: LogicalTime) -> Option<Pose2> {
        let after = self.instants.iter().position(|i| i.time >= time);
        match after {
            Some(0) => self.instants.front().and_then(|i| i.carried_to(time)),
            None => self.instants.back().and_then(|i| i.carried_to(time)),
            Some(k) => {
                let (a, b) = (&self.instants[k - 1], &self.instants[k]);
                let ratio = time.since(a.time).as_secs_f64() / b.time.since(a.time).as_secs_f64();
                Some(a.pose.interpolate(&b.pose, ratio))
            }
        }
    }

    /// Speed and yaw rate at the last known instant.
    #[must_use]
    pub fn last_motion(&self) -> Option<(f64, f64)> {
        self.instants.back().map(|i| (i.speed, i.yaw_rate))
    }
}

impl Instant {
    fn carried_to(&self, time: LogicalTime) -> Option<Pose2> {
        let dt = time.since(self.time).as_secs_f64();
        if dt.abs() > CARRY_MOST_S {
            return None;
        }
        let turn = self.yaw_rate * dt;
        let (sin, cos) = sin_cos(turn / 2.0);
        let way = self.speed * dt;
        Some(self.pose.compose(&Pose2::new(way * cos, way * sin, turn)))
    }
}
