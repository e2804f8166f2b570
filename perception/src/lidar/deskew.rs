//! Taking out the car's own motion during a scan.

use super::Cloud;
use auriga_geometry::Pose3;

/// How the car moves while the scanner turns: constant speed and yaw rate.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Motion {
    /// Speed of `base_link`, m/s, negative backwards.
    pub speed_mps: f64,
    /// rad/s, left positive.
    pub yaw_rate_rps: f64,
}

impl Motion {
    /// Where `base_link` is after `seconds` (which may be negative), seen from where it is now: x, y, sine and cosine of
    /// the heading.
    ///
    /// The arc's closed form as a series in the turned angle: no division by a yaw rate near zero, and exact to 1e-8 up to
    /// a third of a radian, which no car turns in a scan.
    #[inline]
    #[must_use]
    pub fn after(&self, seconds: f32) -> (f32, f32, f32, f32) {
        let angle = (self.yaw_rate_rps as f32) * seconds;
        let way = (self.speed_mps as f32) * seconds;
        let a2 = angle * angle;
        let x = way * (1.0 - a2 / 6.0 * (1.0 - a2 / 20.0));
        let y = way * angle * 0.5 * (1.0 - a2 / 12.0 * (1.0 - a2 / 30.0));
        let sin = angle * (1.0 - a2 / 6.0 * (1.0 - a2 / 20.0));
        let cos = 1.0 - a2 * 0.5 * (1.0 - a2 / 12.0 * (1.0 - a2 / 30.0));
        (x, y, sin, cos)
    }
}

/// The points of a scan in `base_link` as it is at the scan's end, in the cloud's order, into `out`.
///
/// `lidar_pose` is the sensor in `base_link`.
pub fn deskew(cloud: &Cloud, lidar_pose: &Pose3, motion: &Motion, out: &mut Vec<[f32; 3]>) {
    let rotation = lidar_pose.rotation.to_rotation_matrix();
    let m: [[f32; 3]; 3] = std::array::from_fn(|i| std::array::from_fn(|j| rotation[(i, j)] as f32));
    let t: [f32; 3] = std::array::from_fn(|i| lidar_pose.translation[i] as f32);
    let span = cloud.end.since(cloud.start).as_nanos() as f32;
    out.clear();
    out.extend(cloud.points.iter().map(|point| {
        let [x, y, z] = point.position;
        let bx = m[0][0] * x + m[0][1] * y + m[0][2] * z + t[0];
        let by = m[1][0] * x + m[1][1] * y + m[1][2] * z + t[1];
        let bz = m[2][0] * x + m[2][1] * y + m[2][2] * z + t[2];
        let seconds = (point.time_offset_ns as f32 - span) * 1e-9;
        let (dx, dy, sin, cos) = motion.after(seconds);
        [dx + cos * bx - sin * by, dy + sin * bx + cos * by, bz]
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lidar::LidarPoint;
    use auriga_geometry::math::sin_cos;
    use auriga_geometry::{LogicalTime, Pose2, Vec2, Vec3};
    use proptest::prelude::*;

    fn arc(motion: &Motion, seconds: f64) -> Pose2 {
        let (v, w) = (motion.speed_mps, motion.yaw_rate_rps);
        let angle = w * seconds;
        let (sin, cos) = sin_cos(angle);
        if w.abs() < 1e-9 {
            Pose2::new(v * seconds, 0.0, angle)
        } else {
            Pose2::new(v / w * sin, v / w * (1.0 - cos), angle)
        }
    }

    proptest! {
        /// A post that stands still is seen at one place, whenever in the turn the beam hit it.
        #[test]
        fn a_standing_post_is_one_point(
            v in -10.0..40.0, w in -1.0..1.0, x in -50.0..50.0, y in -50.0..50.0, yaw in -3.0..3.0,
            t in 0_u32..100_000_000,
        ) {
            let motion = Motion { speed_mps: v, yaw_rate_rps: w };
            let lidar = Pose3::from_euler(Vec3::new(1.2, 0.1, 1.9), 0.0, 0.0, yaw);
            let seen = |offset_ns: u32| {
                let base = arc(&motion, (f64::from(offset_ns) - 1e8) * 1e-9);
                let local = base.to_local(Vec2::new(x, y));
                let p = lidar.to_local(Vec3::new(local.x, local.y, 0.7));
                LidarPoint { position: [p.x as f32, p.y as f32, p.z as f32], time_offset_ns: offset_ns, ..LidarPoint::default() }
            };
            let cloud = Cloud {
                end: LogicalTime::from_nanos(100_000_000),
                points: vec![seen(0), seen(t), seen(100_000_000)],
                ..Cloud::default()
            };
            let mut out = Vec::new();
            deskew(&cloud, &lidar, &motion, &mut out);
            for p in out {
                prop_assert!((f64::from(p[0]) - x).abs() < 1e-3 && (f64::from(p[1]) - y).abs() < 1e-3);
                prop_assert!((p[2] - 0.7).abs() < 1e-4);
            }
        }
    }
}
