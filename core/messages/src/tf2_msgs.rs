//! ROS 2 package `tf2_msgs`.

use crate::geometry_msgs::TransformStamped;
use auriga_wire::message;

message! {
    /// Transforms between frames.
    pub struct TFMessage = "tf2_msgs/msg/TFMessage" {
        /// One a pair of frames.
        pub transforms: Vec<TransformStamped>,
    }
}
