//! Positions with orientations, in the plane and in space.

use crate::math::{atan2, hypot, lerp, sin_cos, wrap_angle};
use crate::{Vec2, Vec3};
use nalgebra::{Quaternion, Unit, UnitQuaternion};

/// A position and heading in a plane: metres, radians counter-clockwise from x.
///
/// Read as a transform it takes points of its own frame to the parent frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Pose2 {
    /// Metres along the parent frame's x axis.
    pub x: f64,
    /// Metres along the parent frame's y axis.
    pub y: f64,
    /// Heading, radians counter-clockwise from the parent's x axis.
    pub yaw: f64,
}

impl Pose2 {
    /// A pose from its coordinates.
    #[must_use]
    pub const fn new(x: f64, y: f64, yaw: f64) -> Self {
        Self { x, y, yaw }
    }

    /// The position alone.
    #[must_use]
    pub fn position(&self) -> Vec2 {
        Vec2::new(self.x, self.y)
    }

    /// The unit vector along the heading, in the parent frame.
    #[must_use]
    pub fn direction(&self) -> Vec2 {
        let (sin, cos) = sin_cos(self.yaw);
        Vec2::new(cos, sin)
    }

    /// A point of this frame in the parent frame.
    #[must_use]
    pub fn to_parent(&self, point: Vec2) -> Vec2 {
        let (sin, cos) = sin_cos(self.yaw);
        Vec2::new(self.x + cos * point.x - sin * point.y, self.y + sin * point.x + cos * point.y)
    }

    /// A point of the parent frame in this frame.
    #[must_use]
    pub fn to_local(&self, point: Vec2) -> Vec2 {
        let (sin, cos) = sin_cos(self.yaw);
        let (dx, dy) = (point.x - self.x, point.y - self.y);
        Vec2::new(cos * dx + sin * dy, -sin * dx + cos * dy)
    }

    /// This pose, then `child` (given in this frame), in the parent frame.
    #[must_use]
    pub fn compose(&self, child: &Pose2) -> Pose2 {
        let p = self.to_parent(child.position());
        Pose2::new(p.x, p.y, wrap_angle(self.yaw + child.yaw))
    }

    /// `other` (given in the parent frame) as seen from this frame.
    #[must_use]
    pub fn relative(&self, other: &Pose2) -> Pose2 {
        let p = self.to_local(other.position());
        Pose2::new(p.x, p.y, wrap_angle(other.yaw - self.yaw))
    }

    /// Metres between two positions.
    #[must_use]
    pub fn distance(&self, other: &Pose2) -> f64 {
        hypot(other.x - self.x, other.y - self.y)
    }

    /// Between `self` (ratio 0) and `other` (ratio 1), the heading by the shorter way.
    #[must_use]
    pub fn interpolate(&self, other: &Pose2, ratio: f64) -> Pose2 {
        Pose2::new(
            lerp(self.x, other.x, ratio),
            lerp(self.y, other.y, ratio),
            wrap_angle(self.yaw + wrap_angle(other.yaw - self.yaw) * ratio),
        )
    }
}

/// A position and orientation in space: metres and a unit quaternion.
///
/// Read as a transform it takes points of its own frame to the parent frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pose3 {
    /// Origin of this frame in the parent frame, metres.
    pub translation: Vec3,
    /// Orientation of this frame in the parent frame.
    pub rotation: UnitQuaternion<f64>,
}

impl Default for Pose3 {
    fn default() -> Self {
        Self { translation: Vec3::zeros(), rotation: UnitQuaternion::identity() }
    }
}

impl Pose3 {
    /// A pose from a translation and roll, pitch, yaw in radians (rotation about z, then y, then x, intrinsic).
    #[must_use]
    pub fn from_euler(translation: Vec3, roll: f64, pitch: f64, yaw: f64) -> Self {
        let (sr, cr) = sin_cos(roll / 2.0);
        let (sp, cp) = sin_cos(pitch / 2.0);
        let (sy, cy) = sin_cos(yaw / 2.0);
        let q = Quaternion::new(
            cr * cp * cy + sr * sp * sy,
            sr * cp * cy - cr * sp * sy,
            cr * sp * cy + sr * cp * sy,
            cr * cp * sy - sr * sp * cy,
        );
        Self { translation, rotation: Unit::new_normalize(q) }
    }

    /// A pose from a translation and a quaternion (x, y, z, w), normalised here.
    #[must_use]
    pub fn from_quaternion(translation: Vec3, x: f64, y: f64, z: f64, w: f64) -> Self {
        let q = Quaternion::new(w, x, y, z);
        let rotation =
            if q.norm_squared() > 1e-12 { Unit::new_normalize(q) } else { UnitQuaternion::identity() };
        Self { translation, rotation }
    }

    /// A plane pose lifted to height `z`.
    #[must_use]
    pub fn from_pose2(pose: &Pose2, z: f64) -> Self {
        Self::from_euler(Vec3::new(pose.x, pose.y, z), 0.0, 0.0, pose.yaw)
    }

    /// The position and heading on the ground plane; roll and pitch are dropped.
    #[must_use]
    pub fn to_pose2(&self) -> Pose2 {
        Pose2::new(self.translation.x, self.translation.y, self.yaw())
    }

    /// Heading about z, radians.
    #[must_use]
    pub fn yaw(&self) -> f64 {
        let q = self.rotation.as_ref();
        atan2(2.0 * (q.w * q.k + q.i * q.j), 1.0 - 2.0 * (q.j * q.j + q.k * q.k))
    }

    /// A point of this frame in the parent frame.
    #[inline]
    #[must_use]
    pub fn to_parent(&self, point: Vec3) -> Vec3 {
        self.rotation * point + self.translation
    }

    /// A point of the parent frame in this frame.
    #[inline]
    #[must_use]
    pub fn to_local(&self, point: Vec3) -> Vec3 {
        self.rotation.inverse_transform_vector(&(point - self.translation))
    }

    /// This pose, then `child` (given in this frame), in the parent frame.
    #[must_use]
    pub fn compose(&self, child: &Pose3) -> Pose3 {
        Pose3 { translation: self.to_parent(child.translation), rotation: self.rotation * child.rotation }
    }

    /// The transform from the parent frame to this frame.
    #[must_use]
    pub fn inverse(&self) -> Pose3 {
        let rotation = self.rotation.inverse();
        Pose3 { translation: -(rotation * self.translation), rotation }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pose2() -> impl Strategy<Value = Pose2> {
        (-1e3..1e3, -1e3..1e3, -3.1..3.1).prop_map(|(x, y, yaw)| Pose2::new(x, y, yaw))
    }

    proptest! {
        #[test]
        fn local_and_parent_are_inverse(pose in pose2(), x in -100.0..100.0, y in -100.0..100.0) {
            let p = Vec2::new(x, y);
            prop_assert!((pose.to_local(pose.to_parent(p)) - p).norm() < 1e-9);
        }

        #[test]
        fn compose_and_relative_are_inverse(a in pose2(), b in pose2()) {
            let c = a.compose(&a.relative(&b));
            prop_assert!(c.distance(&b) < 1e-9);
            prop_assert!(wrap_angle(c.yaw - b.yaw).abs() < 1e-9);
        }

        #[test]
        fn space_agrees_with_the_plane(pose in pose2(), x in -100.0..100.0, y in -100.0..100.0) {
            let in_space = Pose3::from_pose2(&pose, 1.5);
            let p = in_space.to_parent(Vec3::new(x, y, 0.0));
            let q = pose.to_parent(Vec2::new(x, y));
            prop_assert!((p.x - q.x).abs() < 1e-9 && (p.y - q.y).abs() < 1e-9 && (p.z - 1.5).abs() < 1e-9);
            prop_assert!(wrap_angle(in_space.yaw() - pose.yaw).abs() < 1e-9);
            let back = in_space.inverse().to_parent(p);
            prop_assert!((back - Vec3::new(x, y, 0.0)).norm() < 1e-8);
        }
    }
}
