//! ROS 2 package `visualization_msgs`: the map as markers, so that any viewer shows it.

use crate::builtin_interfaces::Duration;
use crate::geometry_msgs::{Point, Pose, Vector3};
use crate::sensor_msgs::CompressedImage;
use crate::std_msgs::{ColorRGBA, Header};
use auriga_wire::message;

message! {
    /// Texture coordinates.
    pub struct UVCoordinate = "visualization_msgs/msg/UVCoordinate" {
        /// 0 to 1.
        pub u: f32,
        /// 0 to 1.
        pub v: f32,
    }
}

message! {
    /// A mesh file within a marker.
    pub struct MeshFile = "visualization_msgs/msg/MeshFile" {
        /// Its name.
        pub filename: String,
        /// Its bytes.
        pub data: Vec<u8>,
    }
}

message! {
    /// Something to draw.
    pub struct Marker = "visualization_msgs/msg/Marker" {
        /// Instant and frame.
        pub header: Header,
        /// Namespace.
        pub ns: String,
        /// Number within the namespace.
        pub id: i32,
        /// One of the constants.
        pub r#type: i32,
        /// 0 add, 2 delete.
        pub action: i32,
        /// Pose of the marker.
        pub pose: Pose,
        /// Extents, metres.
        pub scale: Vector3,
        /// Colour.
        pub color: ColorRGBA,
        /// 0: for ever.
        pub lifetime: Duration,
        /// Whether it moves with its frame.
        pub frame_locked: bool,
        /// Vertices of a list or strip, metres.
        pub points: Vec<Point>,
        /// A colour a vertex, or none.
        pub colors: Vec<ColorRGBA>,
        /// Empty.
        pub texture_resource: String,
        /// Empty.
        pub texture: CompressedImage,
        /// Empty.
        pub uv_coordinates: Vec<UVCoordinate>,
        /// Text of a text marker.
        pub text: String,
        /// Empty.
        pub mesh_resource: String,
        /// Empty.
        pub mesh_file: MeshFile,
        /// Unused.
        pub mesh_use_embedded_materials: bool,
    } constants {
        /// A box.
        CUBE: i32 = 1,
        /// A line through its points.
        LINE_STRIP: i32 = 4,
        /// Lines between pairs of points.
        LINE_LIST: i32 = 5,
        /// Triangles.
        TRIANGLE_LIST: i32 = 11,
    }
}

message! {
    /// Things to draw.
    pub struct MarkerArray = "visualization_msgs/msg/MarkerArray" {
        /// Each with its namespace and number.
        pub markers: Vec<Marker>,
    }
}
