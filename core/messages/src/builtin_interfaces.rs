//! ROS 2 package `builtin_interfaces`.

use auriga_wire::message;

message! {
    /// An instant: seconds and nanoseconds since the run's epoch.
    pub struct Time = "builtin_interfaces/msg/Time" {
        /// Whole seconds.
        pub sec: i32,
        /// Nanoseconds in 0..1e9, added to the seconds.
        pub nanosec: u32,
    }
}

message! {
    /// A span of time.
    pub struct Duration = "builtin_interfaces/msg/Duration" {
        /// Whole seconds.
        pub sec: i32,
        /// Nanoseconds in 0..1e9, added to the seconds.
        pub nanosec: u32,
    }
}
