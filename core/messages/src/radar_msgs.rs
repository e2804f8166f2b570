//! ROS 2 package `radar_msgs` (github.com/ros-perception/radar_msgs, `msg/RadarTrack.msg` and `msg/RadarTracks.msg`).

use crate::geometry_msgs::{Point, Vector3};
use crate::std_msgs::Header;
use crate::unique_identifier_msgs::UUID;
use auriga_wire::message;

message! {
    /// An object that a radar follows, in the radar's frame (x along its axis, y left, z up). What the radar does not tell is 0,
    /// and so is its covariance.
    pub struct RadarTrack = "radar_msgs/msg/RadarTrack" {
        /// Another one when the radar has taken up another object. Auriga puts a number into the first eight bytes, little
        /// endian.
        pub uuid: UUID,
        /// m.
        pub position: Point,
        /// Relative to the radar, m/s.
        pub velocity: Vector3,
        /// Relative to the radar, m/s².
        pub acceleration: Vector3,
        /// m.
        pub size: Vector3,
        /// One of the constants; from 32000 on the vendor's own.
        pub classification: u16,
        /// Upper triangle of x, y, z, m².
        pub position_covariance: [f32; 6],
        /// Upper triangle of x, y, z, (m/s)².
        pub velocity_covariance: [f32; 6],
        /// Upper triangle of x, y, z, (m/s²)².
        pub acceleration_covariance: [f32; 6],
        /// Upper triangle of x, y, z, m².
        pub size_covariance: [f32; 6],
    } constants {
        /// Not classified.
        NO_CLASSIFICATION: u16 = 0,
        /// It stands.
        STATIC: u16 = 1,
        /// It moves.
        DYNAMIC: u16 = 2,
    }
}

message! {
    /// All objects that a radar follows.
    pub struct RadarTracks = "radar_msgs/msg/RadarTracks" {
        /// Instant of measurement, and the radar's frame.
        pub header: Header,
        /// In no order.
        pub tracks: Vec<RadarTrack>,
    }
}
