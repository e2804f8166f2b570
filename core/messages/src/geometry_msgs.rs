//! ROS 2 package `geometry_msgs`.

use crate::std_msgs::Header;
use auriga_wire::message;

message! {
    /// A position, metres.
    pub struct Point = "geometry_msgs/msg/Point" {
        /// Along x.
        pub x: f64,
        /// Along y.
        pub y: f64,
        /// Along z.
        pub z: f64,
    }
}

message! {
    /// A position in single precision, metres.
    pub struct Point32 = "geometry_msgs/msg/Point32" {
        /// Along x.
        pub x: f32,
        /// Along y.
        pub y: f32,
        /// Along z.
        pub z: f32,
    }
}

message! {
    /// A vector; the unit is the field's that holds it.
    pub struct Vector3 = "geometry_msgs/msg/Vector3" {
        /// Along x.
        pub x: f64,
        /// Along y.
        pub y: f64,
        /// Along z.
        pub z: f64,
    }
}

message! {
    /// An orientation as a unit quaternion.
    pub struct Quaternion = "geometry_msgs/msg/Quaternion" {
        /// i.
        pub x: f64,
        /// j.
        pub y: f64,
        /// k.
        pub z: f64,
        /// Real part.
        pub w: f64,
    }
}

message! {
    /// A position and orientation.
    pub struct Pose = "geometry_msgs/msg/Pose" {
        /// Position, metres.
        pub position: Point,
        /// Orientation.
        pub orientation: Quaternion,
    }
}

message! {
    /// A pose with its uncertainty.
    pub struct PoseWithCovariance = "geometry_msgs/msg/PoseWithCovariance" {
        /// Position and orientation.
        pub pose: Pose,
        /// Row-major 6×6 over (x, y, z, rotation about x, y, z): m², rad².
        pub covariance: Matrix6,
    }
}

message! {
    /// Linear and angular velocity.
    pub struct Twist = "geometry_msgs/msg/Twist" {
        /// m/s.
        pub linear: Vector3,
        /// rad/s.
        pub angular: Vector3,
    }
}

message! {
    /// A velocity with its uncertainty.
    pub struct TwistWithCovariance = "geometry_msgs/msg/TwistWithCovariance" {
        /// Velocity.
        pub twist: Twist,
        /// Row-major 6×6 over (vx, vy, vz, rotation rates about x, y, z).
        pub covariance: Matrix6,
    }
}

message! {
    /// A velocity at an instant.
    pub struct TwistStamped = "geometry_msgs/msg/TwistStamped" {
        /// Instant of measurement, and the frame that the velocity is in.
        pub header: Header,
        /// Velocity.
        pub twist: Twist,
    }
}

message! {
    /// Linear and angular acceleration.
    pub struct Accel = "geometry_msgs/msg/Accel" {
        /// m/s².
        pub linear: Vector3,
        /// rad/s².
        pub angular: Vector3,
    }
}

message! {
    /// An acceleration with its uncertainty.
    pub struct AccelWithCovariance = "geometry_msgs/msg/AccelWithCovariance" {
        /// Acceleration.
        pub accel: Accel,
        /// Row-major 6×6.
        pub covariance: Matrix6,
    }
}

message! {
    /// A polygon, vertices counter-clockwise.
    pub struct Polygon = "geometry_msgs/msg/Polygon" {
        /// Vertices, metres.
        pub points: Vec<Point32>,
    }
}

message! {
    /// A rigid transform.
    pub struct Transform = "geometry_msgs/msg/Transform" {
        /// Metres.
        pub translation: Vector3,
        /// Orientation of the child frame in the parent frame.
        pub rotation: Quaternion,
    }
}

message! {
    /// A transform between two named frames.
    pub struct TransformStamped = "geometry_msgs/msg/TransformStamped" {
        /// When, and the parent frame.
        pub header: Header,
        /// The child frame.
        pub child_frame_id: String,
        /// Takes points of the child frame to the parent frame.
        pub transform: Transform,
    }
}

/// A row-major 6×6 matrix that starts as zeros.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix6(pub [f64; 36]);

impl Default for Matrix6 {
    fn default() -> Self {
        Self([0.0; 36])
    }
}

impl auriga_wire::Field for Matrix6 {
    const LEAST_SIZE: usize = 288;
    fn write(&self, writer: &mut auriga_wire::CdrWriter<'_>) {
        self.0.write(writer);
    }
    fn read(&mut self, reader: &mut auriga_wire::CdrReader<'_>) -> Result<(), auriga_wire::WireError> {
        self.0.read(reader)
    }
    fn reset(&mut self) {
        self.0.reset();
    }
    fn field_type() -> auriga_wire::FieldType {
        <[f64; 36] as auriga_wire::Field>::field_type()
    }
}
