//! Autoware package `autoware_perception_msgs`: objects and traffic lights.

use crate::builtin_interfaces::{Duration, Time};
use crate::geometry_msgs::{
    AccelWithCovariance, Polygon, Pose, PoseWithCovariance, TwistWithCovariance, Vector3,
};
use crate::std_msgs::Header;
use crate::unique_identifier_msgs::UUID;
use auriga_wire::message;

message! {
    /// What an object may be.
    pub struct ObjectClassification = "autoware_perception_msgs/msg/ObjectClassification" {
        /// One of the constants.
        pub label: u8,
        /// 0 to 1.
        pub probability: f32,
    } constants {
        /// Not known.
        UNKNOWN: u8 = 0,
        /// A car or van.
        CAR: u8 = 1,
        /// A lorry.
        TRUCK: u8 = 2,
        /// A bus.
        BUS: u8 = 3,
        /// A trailer.
        TRAILER: u8 = 4,
        /// A motorcycle.
        MOTORCYCLE: u8 = 5,
        /// A bicycle with its rider.
        BICYCLE: u8 = 6,
        /// A person on foot.
        PEDESTRIAN: u8 = 7,
    }
}

message! {
    /// The extent of an object.
    pub struct Shape = "autoware_perception_msgs/msg/Shape" {
        /// One of the constants.
        pub r#type: u8,
        /// Outline on the ground in the object's frame, for polygons.
        pub footprint: Polygon,
        /// Full length, width, height, metres.
        pub dimensions: Vector3,
    } constants {
        /// A box.
        BOUNDING_BOX: u8 = 0,
        /// A standing cylinder.
        CYLINDER: u8 = 1,
        /// A prism over `footprint`.
        POLYGON: u8 = 2,
    }
}

message! {
    /// Where a tracked object is and how it moves.
    pub struct TrackedObjectKinematics = "autoware_perception_msgs/msg/TrackedObjectKinematics" {
        /// Pose of the centre in the message's frame.
        pub pose_with_covariance: PoseWithCovariance,
        /// Velocity in the object's own frame.
        pub twist_with_covariance: TwistWithCovariance,
        /// Acceleration in the object's own frame.
        pub acceleration_with_covariance: AccelWithCovariance,
        /// One of the constants.
        pub orientation_availability: u8,
        /// Whether it stands.
        pub is_stationary: bool,
    } constants {
        /// The heading is not known.
        UNAVAILABLE: u8 = 0,
        /// The heading is known up to half a turn.
        SIGN_UNKNOWN: u8 = 1,
        /// The heading is known.
        AVAILABLE: u8 = 2,
    }
}

message! {
    /// An object followed over time.
    pub struct TrackedObject = "autoware_perception_msgs/msg/TrackedObject" {
        /// Stays the same for as long as the track lives.
        pub object_id: UUID,
        /// 0 to 1.
        pub existence_probability: f32,
        /// Best first.
        pub classification: Vec<ObjectClassification>,
        /// Pose and motion.
        pub kinematics: TrackedObjectKinematics,
        /// Extent.
        pub shape: Shape,
    }
}

message! {
    /// All tracks at one instant.
    pub struct TrackedObjects = "autoware_perception_msgs/msg/TrackedObjects" {
        /// Instant, and frame (`map`, or `odom` without a map).
        pub header: Header,
        /// By ascending id.
        pub objects: Vec<TrackedObject>,
    }
}

message! {
    /// One way that an object may go.
    pub struct PredictedPath = "autoware_perception_msgs/msg/PredictedPath" {
        /// Poses of the centre at equal steps, the first one now.
        pub path: Vec<Pose>,
        /// The step.
        pub time_step: Duration,
        /// 0 to 1; the paths of one object sum to 1.
        pub confidence: f32,
    }
}

message! {
    /// Where an object is and may go.
    pub struct PredictedObjectKinematics = "autoware_perception_msgs/msg/PredictedObjectKinematics" {
        /// Pose of the centre now.
        pub initial_pose_with_covariance: PoseWithCovariance,
        /// Velocity now, in the object's own frame.
        pub initial_twist_with_covariance: TwistWithCovariance,
        /// Acceleration now, in the object's own frame.
        pub initial_acceleration_with_covariance: AccelWithCovariance,
        /// Most likely first.
        pub predicted_paths: Vec<PredictedPath>,
    }
}

message! {
    /// An object with its predicted motion.
    pub struct PredictedObject = "autoware_perception_msgs/msg/PredictedObject" {
        /// The track's.
        pub object_id: UUID,
        /// 0 to 1.
        pub existence_probability: f32,
        /// Best first.
        pub classification: Vec<ObjectClassification>,
        /// Motion.
        pub kinematics: PredictedObjectKinematics,
        /// Extent.
        pub shape: Shape,
    }
}

message! {
    /// All objects with their predicted motion.
    pub struct PredictedObjects = "autoware_perception_msgs/msg/PredictedObjects" {
        /// Instant, and frame (`map`).
        pub header: Header,
        /// By ascending id.
        pub objects: Vec<PredictedObject>,
    }
}

message! {
    /// One lamp of a traffic light.
    pub struct TrafficLightElement = "autoware_perception_msgs/msg/TrafficLightElement" {
        /// One of the colour constants.
        pub color: u8,
        /// 0 unknown, 1 circle.
        pub shape: u8,
        /// 0 unknown, 1 off, 2 on, 3 flashing.
        pub status: u8,
        /// 0 to 1.
        pub confidence: f32,
    } constants {
        /// Not known, or dark.
        UNKNOWN: u8 = 0,
        /// Red.
        RED: u8 = 1,
        /// Amber.
        AMBER: u8 = 2,
        /// Green.
        GREEN: u8 = 3,
        /// White.
        WHITE: u8 = 4,
    }
}

message! {
    /// The state of one traffic light.
    pub struct TrafficLightGroup = "autoware_perception_msgs/msg/TrafficLightGroup" {
        /// The map's `SignalId`.
        pub traffic_light_group_id: i64,
        /// Lamps that are lit.
        pub elements: Vec<TrafficLightElement>,
    }
}

message! {
    /// The states of the traffic lights that can be seen.
    pub struct TrafficLightGroupArray = "autoware_perception_msgs/msg/TrafficLightGroupArray" {
        /// Instant of the picture.
        pub stamp: Time,
        /// By ascending id.
        pub traffic_light_groups: Vec<TrafficLightGroup>,
    }
}
