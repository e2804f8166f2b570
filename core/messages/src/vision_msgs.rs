//! ROS 2 package `vision_msgs`.

use crate::geometry_msgs::{Pose, PoseWithCovariance, Vector3};
use crate::std_msgs::Header;
use auriga_wire::message;

message! {
    /// A pixel position.
    pub struct Point2D = "vision_msgs/msg/Point2D" {
        /// Column.
        pub x: f64,
        /// Row.
        pub y: f64,
    }
}

message! {
    /// A pixel position with a direction.
    pub struct Pose2D = "vision_msgs/msg/Pose2D" {
        /// Position, pixels.
        pub position: Point2D,
        /// Radians.
        pub theta: f64,
    }
}

message! {
    /// A box in a picture.
    pub struct BoundingBox2D = "vision_msgs/msg/BoundingBox2D" {
        /// Centre, pixels.
        pub center: Pose2D,
        /// Width, pixels.
        pub size_x: f64,
        /// Height, pixels.
        pub size_y: f64,
    }
}

message! {
    /// A box in space.
    pub struct BoundingBox3D = "vision_msgs/msg/BoundingBox3D" {
        /// Centre and orientation.
        pub center: Pose,
        /// Full extents along the box's own x (length), y (width), z (height), metres.
        pub size: Vector3,
    }
}

message! {
    /// A class and how sure it is.
    pub struct ObjectHypothesis = "vision_msgs/msg/ObjectHypothesis" {
        /// `vehicle`, `truck`, `pedestrian`, `cyclist` or `unknown`.
        pub class_id: String,
        /// 0 to 1.
        pub score: f64,
    }
}

message! {
    /// A class with a pose.
    pub struct ObjectHypothesisWithPose = "vision_msgs/msg/ObjectHypothesisWithPose" {
        /// Class and score.
        pub hypothesis: ObjectHypothesis,
        /// Pose, where known.
        pub pose: PoseWithCovariance,
    }
}

message! {
    /// A detection in a picture.
    pub struct Detection2D = "vision_msgs/msg/Detection2D" {
        /// As in the array.
        pub header: Header,
        /// Classes, best first.
        pub results: Vec<ObjectHypothesisWithPose>,
        /// Where.
        pub bbox: BoundingBox2D,
        /// Empty, or the detection's name.
        pub id: String,
    }
}

message! {
    /// The detections in one picture.
    pub struct Detection2DArray = "vision_msgs/msg/Detection2DArray" {
        /// The picture's header.
        pub header: Header,
        /// Best score first.
        pub detections: Vec<Detection2D>,
    }
}

message! {
    /// A detection in space.
    pub struct Detection3D = "vision_msgs/msg/Detection3D" {
        /// As in the array.
        pub header: Header,
        /// Classes, best first.
        pub results: Vec<ObjectHypothesisWithPose>,
        /// Where, in the array's frame.
        pub bbox: BoundingBox3D,
        /// Empty, or the detection's name.
        pub id: String,
    }
}

message! {
    /// The detections in one scan.
    pub struct Detection3DArray = "vision_msgs/msg/Detection3DArray" {
        /// Instant to which the points were corrected, and the frame (`base_link`).
        pub header: Header,
        /// In the order in which they were found.
        pub detections: Vec<Detection3D>,
    }
}
