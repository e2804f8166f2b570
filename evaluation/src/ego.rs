//! The ego car at one instant of truth.

use auriga_geometry::{LogicalTime, OrientedBox, Pose2, Vec2};
use auriga_messages::auriga_msgs::GroundTruth;

/// The ego car's outline on the ground, relative to `base_link` (rear axle centre), metres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Footprint {
    /// Bumper to bumper.
    pub length_m: f64,
    /// Without mirrors.
    pub width_m: f64,
    /// From the rear axle to the rear bumper.
    pub rear_overhang_m: f64,
}

impl Footprint {
    /// The outline when `base_link` is at `pose`.
    #[must_use]
    pub fn at(&self, pose: &Pose2) -> OrientedBox {
        let ahead = Vec2::new(self.length_m / 2.0 - self.rear_overhang_m, 0.0);
        let center = pose.to_parent(ahead);
        OrientedBox::new(Pose2::new(center.x, center.y, pose.yaw), self.length_m, self.width_m)
    }
}

/// What the evaluators read of one [`GroundTruth`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ego {
    pub time: LogicalTime,
    /// `base_link` in `map`.
    pub pose: Pose2,
    pub outline: OrientedBox,
    /// In `map`, m/s.
    pub velocity: Vec2,
    /// Along the heading, m/s.
    pub speed_mps: f64,
    /// Along and across the heading, m/s².
    pub acceleration: Vec2,
}

impl Ego {
    pub(crate) fn of(truth: &GroundTruth, footprint: &Footprint) -> Self {
        let pose = Pose2::from(&truth.ego_pose);
        let (linear, acceleration) = (&truth.ego_twist.linear, &truth.ego_acceleration.linear);
        let heading = Pose2::new(0.0, 0.0, pose.yaw);
        Self {
            time: LogicalTime::from(&truth.header.stamp),
            pose,
            outline: footprint.at(&pose),
            velocity: heading.to_parent(Vec2::new(linear.x, linear.y)),
            speed_mps: linear.x,
            acceleration: Vec2::new(acceleration.x, acceleration.y),
        }
    }
}
