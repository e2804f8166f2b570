//! Time, poses, shapes and elementary functions that every other crate builds on.
//!
//! Everything here gives the same bits on every machine: elementary functions come from the `libm` crate, not from the
//! platform.
//!
//! ```
//! use auriga_geometry::{OrientedBox, Pose2, Vec2};
//!
//! let car = OrientedBox::new(Pose2::new(10.0, 2.0, 0.3), 4.5, 1.8);
//! assert!(car.contains(Vec2::new(10.5, 2.2)));
//! assert!(car.distance_to_point(Vec2::new(0.0, 0.0)) > 7.0);
//! ```

pub mod math;
mod pose;
mod shape;
mod time;

pub use nalgebra;
pub use pose::{Pose2, Pose3};
pub use shape::{OrientedBox, Polygon, segment_distance};
pub use time::{LogicalDuration, LogicalTime};

/// A point or vector in a plane, metres.
pub type Vec2 = nalgebra::Vector2<f64>;
/// A point or vector in space, metres.
pub type Vec3 = nalgebra::Vector3<f64>;
