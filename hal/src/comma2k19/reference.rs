//! The data set's own trajectory as odometry of `base_link`.

use super::segment::{GlobalPose, Segment};
use crate::local_earth::{LocalEarth, geodetic};
use auriga_geometry::math::{FRAC_PI_2, PI};
use auriga_geometry::{Pose3, Vec3};
use auriga_messages::geometry_msgs::Pose;
use auriga_messages::nav_msgs::Odometry;

/// Poses of `base_link` in `map`: the plane that touches the earth at the map's origin, z = 0 on the road at first.
pub(super) struct Reference {
    earth: LocalEarth,
    /// Takes directions from the earth-centred frame to east, north, up.
    to_plane: Pose3,
    /// The device in `base_link`.
    device: Pose3,
}

impl Reference {
    pub fn new(segment: &Segment, device: Pose3) -> Self {
        let [latitude, longitude] = segment.origin();
        let height = segment.poses.first().map_or(0.0, |pose| geodetic(pose.position).1);
        // First about the pole, so that y points away from it, then about the east (Hofmann-Wellenhof et al., *GNSS*,
        // 2008, equation 8.13).
        let east = Pose3::from_euler(Vec3::zeros(), 0.0, 0.0, -(FRAC_PI_2 + longitude));
        let up = Pose3::from_euler(Vec3::zeros(), -(FRAC_PI_2 - latitude), 0.0, 0.0);
        Self {
            earth: LocalEarth::new([latitude, longitude], height - device.translation.z),
            to_plane: up.compose(&east),
            device,
        }
    }

    /// The device (x forward, y left, z up) in `map`.
    fn device_in_map(&self, pose: &GlobalPose) -> Pose3 {
        let (position, height) = geodetic(pose.position);
        let [w, x, y, z] = pose.orientation;
        let in_earth = Pose3::from_quaternion(Vec3::zeros(), x, y, z, w);
        let turned = self.to_plane.compose(&in_earth).compose(&forward_left_up());
        Pose3 { translation: self.earth.to_plane(position, height), rotation: turned.rotation }
    }

    /// The odometry at a row.
    pub fn odometry(&self, poses: &[GlobalPose], row: usize) -> Option<Odometry> {
        let pose = poses.get(row)?;
        let in_map = self.device_in_map(pose);
        let base = in_map.compose(&self.device.inverse());
        let rate = self.rate(poses, row);
        let velocity_in_map = self.to_plane.rotation * pose.velocity;
        let at_device = base.rotation.inverse_transform_vector(&velocity_in_map);
        let mut odometry = Odometry::default();
        odometry.header.stamp = pose.at.into();
        "map".clone_into(&mut odometry.header.frame_id);
        "base_link".clone_into(&mut odometry.child_frame_id);
        odometry.pose.pose = Pose::from(&base);
        odometry.twist.twist.linear = (at_device - rate.cross(&self.device.translation)).into();
        odometry.twist.twist.angular = rate.into();
        Some(odometry)
    }

    /// Turning between the rows before and after, rad/s in `base_link`.
    fn rate(&self, poses: &[GlobalPose], row: usize) -> Vec3 {
        let before = poses.get(row.saturating_sub(1));
        let after = poses.get(row + 1).or_else(|| poses.get(row));
        let (Some(before), Some(after)) = (before, after) else { return Vec3::zeros() };
        let span = after.at.since(before.at).as_secs_f64();
        if span <= 0.0 {
            return Vec3::zeros();
        }
        let (from, to) = (self.device_in_map(before), self.device_in_map(after));
        let turn = from.rotation.inverse() * to.rotation;
        self.device.rotation * (turn.scaled_axis() / span)
    }
}

/// The device's axes (forward, right, down), turned.
fn forward_left_up() -> Pose3 {
    Pose3::from_euler(Vec3::zeros(), PI, 0.0, 0.0)
}
