//! Between wire types and geometry: the same values in other clothes.

use crate::builtin_interfaces::{Duration, Time};
use crate::geometry_msgs::{Point, Pose, Quaternion, Transform, Vector3};
use auriga_geometry::{LogicalDuration, LogicalTime, Pose2, Pose3, Vec3};

const NANOS: i64 = 1_000_000_000;

impl From<LogicalTime> for Time {
    fn from(time: LogicalTime) -> Self {
        let nanos = time.as_nanos();
        Self { sec: nanos.div_euclid(NANOS) as i32, nanosec: nanos.rem_euclid(NANOS) as u32 }
    }
}

impl From<&Time> for LogicalTime {
    fn from(time: &Time) -> Self {
        Self::from_nanos(i64::from(time.sec) * NANOS + i64::from(time.nanosec))
    }
}

impl From<LogicalDuration> for Duration {
    fn from(span: LogicalDuration) -> Self {
        let nanos = span.as_nanos();
        Self { sec: nanos.div_euclid(NANOS) as i32, nanosec: nanos.rem_euclid(NANOS) as u32 }
    }
}

impl From<&Duration> for LogicalDuration {
    fn from(span: &Duration) -> Self {
        Self::from_nanos(i64::from(span.sec) * NANOS + i64::from(span.nanosec))
    }
}

impl From<&Pose3> for Pose {
    fn from(pose: &Pose3) -> Self {
        let (t, q) = (pose.translation, pose.rotation.as_ref());
        Self {
            position: Point { x: t.x, y: t.y, z: t.z },
            orientation: Quaternion { x: q.i, y: q.j, z: q.k, w: q.w },
        }
    }
}

impl From<&Pose2> for Pose {
    /// On the ground, z = 0.
    fn from(pose: &Pose2) -> Self {
        Self::from(&Pose3::from_pose2(pose, 0.0))
    }
}

impl From<&Pose> for Pose3 {
    fn from(pose: &Pose) -> Self {
        let (p, q) = (&pose.position, &pose.orientation);
        Self::from_quaternion(Vec3::new(p.x, p.y, p.z), q.x, q.y, q.z, q.w)
    }
}

impl From<&Pose> for Pose2 {
    /// Height, roll and pitch are dropped.
    fn from(pose: &Pose) -> Self {
        Pose3::from(pose).to_pose2()
    }
}

impl From<&Pose3> for Transform {
    fn from(pose: &Pose3) -> Self {
        let (t, q) = (pose.translation, pose.rotation.as_ref());
        Self {
            translation: Vector3 { x: t.x, y: t.y, z: t.z },
            rotation: Quaternion { x: q.i, y: q.j, z: q.k, w: q.w },
        }
    }
}

impl From<Vec3> for Vector3 {
    fn from(v: Vec3) -> Self {
        Self { x: v.x, y: v.y, z: v.z }
    }
}

impl From<&Vector3> for Vec3 {
    fn from(v: &Vector3) -> Self {
        Self::new(v.x, v.y, v.z)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Message, std_msgs::Header};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn times_and_poses_come_back(nanos in -1_000_000_000_000_i64..1_000_000_000_000, x in -1e3..1e3, yaw in -3.1..3.1) {
            let time = LogicalTime::from_nanos(nanos);
            prop_assert_eq!(LogicalTime::from(&Time::from(time)), time);
            let pose = Pose2::new(x, -x, yaw);
            let back = Pose2::from(&Pose::from(&pose));
            prop_assert!(back.distance(&pose) < 1e-9 && (back.yaw - yaw).abs() < 1e-9);
        }
    }

    #[test]
    fn the_type_hash_is_ros_2s() {
        // As `ros2 topic info --verbose` prints it for std_msgs/msg/Header in Jazzy.
        assert_eq!(
            Header::type_hash(),
            "RIHS01_f49fb3ae2cf070f793645ff749683ac6b06203e41c891e17701b1cb597ce6a01"
        );
    }
}
