//! ROS 2 package `std_msgs`.

use crate::builtin_interfaces::Time;
use auriga_wire::message;

message! {
    /// When and in which frame.
    pub struct Header = "std_msgs/msg/Header" {
        /// Capture instant of the data.
        pub stamp: Time,
        /// Name of the frame that the coordinates are in.
        pub frame_id: String,
    }
}

message! {
    /// A colour, components 0 to 1.
    pub struct ColorRGBA = "std_msgs/msg/ColorRGBA" {
        /// Red.
        pub r: f32,
        /// Green.
        pub g: f32,
        /// Blue.
        pub b: f32,
        /// Opacity.
        pub a: f32,
    }
}

message! {
    /// Text.
    pub struct StringMessage = "std_msgs/msg/String" {
        /// The text.
        pub data: String,
    }
}
