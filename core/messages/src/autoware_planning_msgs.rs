//! Autoware package `autoware_planning_msgs`.

use crate::builtin_interfaces::Duration;
use crate::geometry_msgs::Pose;
use crate::std_msgs::Header;
use auriga_wire::message;

message! {
    /// One point of a trajectory: the pose of `base_link` and its motion there.
    pub struct TrajectoryPoint = "autoware_planning_msgs/msg/TrajectoryPoint" {
        /// Since the trajectory's stamp.
        pub time_from_start: Duration,
        /// Pose of `base_link`.
        pub pose: Pose,
        /// m/s along the heading.
        pub longitudinal_velocity_mps: f32,
        /// m/s to the left.
        pub lateral_velocity_mps: f32,
        /// m/s² along the heading.
        pub acceleration_mps2: f32,
        /// Yaw rate, rad/s.
        pub heading_rate_rps: f32,
        /// Front wheel angle, rad, left positive.
        pub front_wheel_angle_rad: f32,
        /// Rear wheel angle, rad.
        pub rear_wheel_angle_rad: f32,
    }
}

message! {
    /// What the car shall do next; always ends in a stop or goes on longer than the stopping distance.
    pub struct Trajectory = "autoware_planning_msgs/msg/Trajectory" {
        /// Instant of the first point, and the frame (`map`).
        pub header: Header,
        /// In time order.
        pub points: Vec<TrajectoryPoint>,
    }
}
