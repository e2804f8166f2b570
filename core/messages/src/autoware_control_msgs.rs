//! Autoware package `autoware_control_msgs`.

use crate::builtin_interfaces::Time;
use auriga_wire::message;

message! {
    /// Steering.
    pub struct Lateral = "autoware_control_msgs/msg/Lateral" {
        /// When it was computed.
        pub stamp: Time,
        /// When it is meant to act.
        pub control_time: Time,
        /// Front wheel angle, rad, left positive.
        pub steering_tire_angle: f32,
        /// rad/s.
        pub steering_tire_rotation_rate: f32,
        /// Whether the rate is meant.
        pub is_defined_steering_tire_rotation_rate: bool,
    }
}

message! {
    /// Speed.
    pub struct Longitudinal = "autoware_control_msgs/msg/Longitudinal" {
        /// When it was computed.
        pub stamp: Time,
        /// When it is meant to act.
        pub control_time: Time,
        /// The speed aimed at, m/s.
        pub velocity: f32,
        /// m/s².
        pub acceleration: f32,
        /// m/s³.
        pub jerk: f32,
        /// Whether the acceleration is meant.
        pub is_defined_acceleration: bool,
        /// Whether the jerk is meant.
        pub is_defined_jerk: bool,
    }
}

message! {
    /// The controller's command, before the gate.
    pub struct Control = "autoware_control_msgs/msg/Control" {
        /// When it was computed.
        pub stamp: Time,
        /// When it is meant to act.
        pub control_time: Time,
        /// Steering.
        pub lateral: Lateral,
        /// Speed.
        pub longitudinal: Longitudinal,
    }
}
