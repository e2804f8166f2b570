//! ROS 2 package `unique_identifier_msgs`.

use auriga_wire::message;

message! {
    /// An identifier. Auriga's tracks put their number in the first eight bytes, little endian.
    pub struct UUID = "unique_identifier_msgs/msg/UUID" {
        /// 16 bytes.
        pub uuid: [u8; 16],
    }
}
