//! The types that flow between the nodes, with their units and frames. No behaviour lives here.
//!
//! Where ROS 2 or Autoware has the message, its name, fields and meaning are used; `auriga_msgs` holds the rest. Each
//! module is one ROS 2 package. All are plain structs; [`auriga_wire::Message`] puts them on the wire.
//!
//! ```
//! use auriga_messages::{autoware_planning_msgs::Trajectory, builtin_interfaces::Time};
//! use auriga_wire::{Message, from_cdr, to_cdr};
//!
//! let mut trajectory = Trajectory::default();
//! trajectory.header.stamp = Time { sec: 3, nanosec: 500 };
//! assert_eq!(from_cdr::<Trajectory>(&to_cdr(&trajectory)).unwrap(), trajectory);
//! assert_eq!(Trajectory::NAME, "autoware_planning_msgs/msg/Trajectory");
//! ```

pub mod auriga_msgs;
pub mod autoware_control_msgs;
pub mod autoware_perception_msgs;
pub mod autoware_planning_msgs;
pub mod builtin_interfaces;
mod convert;
pub mod geometry_msgs;
pub mod nav_msgs;
pub mod radar_msgs;
pub mod sensor_msgs;
pub mod std_msgs;
pub mod tf2_msgs;
pub mod unique_identifier_msgs;
pub mod vision_msgs;
pub mod visualization_msgs;

pub use auriga_wire::Message;
