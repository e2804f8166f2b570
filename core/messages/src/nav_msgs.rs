//! ROS 2 package `nav_msgs`.

use crate::geometry_msgs::{PoseWithCovariance, TwistWithCovariance};
use crate::std_msgs::Header;
use auriga_wire::message;

message! {
    /// Where the car is and how it moves. Auriga's ego state: pose of `base_link` in `header.frame_id` (`map`), twist in
    /// `child_frame_id` (`base_link`).
    pub struct Odometry = "nav_msgs/msg/Odometry" {
        /// Instant of validity, and the frame of the pose.
        pub header: Header,
        /// The frame that moves, and in which the twist is given.
        pub child_frame_id: String,
        /// Pose of the child frame.
        pub pose: PoseWithCovariance,
        /// Velocity in the child frame.
        pub twist: TwistWithCovariance,
    }
}
