//! ROS 2 package `sensor_msgs`.

use crate::geometry_msgs::{Quaternion, Vector3};
use crate::std_msgs::Header;
use auriga_wire::message;

message! {
    /// How one value lies within a point of a [`PointCloud2`].
    pub struct PointField = "sensor_msgs/msg/PointField" {
        /// Name, such as `x`.
        pub name: String,
        /// Bytes from the start of the point.
        pub offset: u32,
        /// One of the constants.
        pub datatype: u8,
        /// Number of values.
        pub count: u32,
    } constants {
        /// i8.
        INT8: u8 = 1,
        /// u8.
        UINT8: u8 = 2,
        /// i16.
        INT16: u8 = 3,
        /// u16.
        UINT16: u8 = 4,
        /// i32.
        INT32: u8 = 5,
        /// u32.
        UINT32: u8 = 6,
        /// f32.
        FLOAT32: u8 = 7,
        /// f64.
        FLOAT64: u8 = 8,
    }
}

message! {
    /// A lidar scan: points in the sensor's frame, not corrected for the car's motion during the turn.
    ///
    /// Auriga's own layout (24 bytes a point, little endian): `x`, `y`, `z`, `intensity` (f32; metres, 0 to 1),
    /// `t` (u32, nanoseconds after `header.stamp`, which is the instant of the oldest point), `ring` (u16), 2 bytes of
    /// padding. Foreign clouds may have another layout: read it from `fields`.
    pub struct PointCloud2 = "sensor_msgs/msg/PointCloud2" {
        /// Instant of the oldest point, and the sensor's frame.
        pub header: Header,
        /// 1: an unordered list.
        pub height: u32,
        /// Number of points.
        pub width: u32,
        /// Layout of a point.
        pub fields: Vec<PointField>,
        /// Byte order.
        pub is_bigendian: bool,
        /// Bytes a point.
        pub point_step: u32,
        /// Bytes a row.
        pub row_step: u32,
        /// The points.
        pub data: Vec<u8>,
        /// Whether every point is finite.
        pub is_dense: bool,
    }
}

message! {
    /// A picture.
    pub struct Image = "sensor_msgs/msg/Image" {
        /// Instant of exposure, and the camera's optical frame (x right, y down, z forward).
        pub header: Header,
        /// Rows.
        pub height: u32,
        /// Columns.
        pub width: u32,
        /// `rgb8`, `bgr8` or `mono8`.
        pub encoding: String,
        /// Byte order.
        pub is_bigendian: u8,
        /// Bytes a row.
        pub step: u32,
        /// Pixels, row by row.
        pub data: Vec<u8>,
    }
}

message! {
    /// A part of the sensor.
    pub struct RegionOfInterest = "sensor_msgs/msg/RegionOfInterest" {
        /// Left column.
        pub x_offset: u32,
        /// Top row.
        pub y_offset: u32,
        /// Rows; 0 for all.
        pub height: u32,
        /// Columns; 0 for all.
        pub width: u32,
        /// Whether a rectified window is meant.
        pub do_rectify: bool,
    }
}

message! {
    /// A camera's calibration.
    pub struct CameraInfo = "sensor_msgs/msg/CameraInfo" {
        /// Instant of validity, and the camera's optical frame.
        pub header: Header,
        /// Rows.
        pub height: u32,
        /// Columns.
        pub width: u32,
        /// `plumb_bob` or empty.
        pub distortion_model: String,
        /// Distortion coefficients.
        pub d: Vec<f64>,
        /// Intrinsic matrix, row-major 3×3: fx 0 cx, 0 fy cy, 0 0 1, pixels.
        pub k: [f64; 9],
        /// Rectification, row-major 3×3.
        pub r: [f64; 9],
        /// Projection, row-major 3×4.
        pub p: [f64; 12],
        /// Horizontal binning; 0 or 1 for none.
        pub binning_x: u32,
        /// Vertical binning; 0 or 1 for none.
        pub binning_y: u32,
        /// The part of the sensor in use.
        pub roi: RegionOfInterest,
    }
}

message! {
    /// An inertial measurement in the sensor's frame.
    pub struct Imu = "sensor_msgs/msg/Imu" {
        /// Instant of measurement, and the sensor's frame.
        pub header: Header,
        /// Orientation; `orientation_covariance[0]` is −1 where there is none.
        pub orientation: Quaternion,
        /// rad²; first element −1: no orientation.
        pub orientation_covariance: [f64; 9],
        /// rad/s.
        pub angular_velocity: Vector3,
        /// (rad/s)².
        pub angular_velocity_covariance: [f64; 9],
        /// Specific force, m/s² (at rest: +g upwards).
        pub linear_acceleration: Vector3,
        /// (m/s²)².
        pub linear_acceleration_covariance: [f64; 9],
    }
}

message! {
    /// Whether and with which service a position was found.
    pub struct NavSatStatus = "sensor_msgs/msg/NavSatStatus" {
        /// −1 no fix, 0 fix, 1 satellite-based, 2 ground-based augmentation.
        pub status: i8,
        /// Bits: 1 GPS, 2 GLONASS, 4 COMPASS, 8 GALILEO.
        pub service: u16,
    }
}

message! {
    /// A position from satellites, WGS 84.
    pub struct NavSatFix = "sensor_msgs/msg/NavSatFix" {
        /// Instant of measurement, and the antenna's frame.
        pub header: Header,
        /// Quality.
        pub status: NavSatStatus,
        /// Degrees, north positive.
        pub latitude: f64,
        /// Degrees, east positive.
        pub longitude: f64,
        /// Metres above the ellipsoid.
        pub altitude: f64,
        /// Row-major 3×3 in east, north, up: m².
        pub position_covariance: [f64; 9],
        /// 0 unknown, 1 approximated, 2 diagonal known, 3 known.
        pub position_covariance_type: u8,
    }
}

message! {
    /// A compressed picture.
    pub struct CompressedImage = "sensor_msgs/msg/CompressedImage" {
        /// Instant of exposure, and the camera's frame.
        pub header: Header,
        /// `jpeg` or `png`.
        pub format: String,
        /// The file.
        pub data: Vec<u8>,
    }
}
