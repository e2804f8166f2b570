//! A vehicle's parameters, footprint and motion models, as planner and controller see them.
//!
//! The reference point is `base_link`: the rear axle's centre on the ground, x forward, y left.
//!
//! ```
//! use auriga_geometry::Pose2;
//! use auriga_vehicle::{VehicleParameters, roll_along_arc};
//!
//! let car = VehicleParameters::default();
//! let ahead = roll_along_arc(&Pose2::new(0.0, 0.0, 0.0), 10.0, 0.0);
//! assert!((ahead.x - 10.0).abs() < 1e-12);
//! assert!((car.front_m() - 3.65).abs() < 1e-12);
//! assert!((car.footprint(&ahead).center.x - 11.35).abs() < 1e-12);
//! ```

mod bicycle;
mod error;
mod parameters;
pub mod path_model;
mod speed_table;

pub use bicycle::{KinematicBicycle, roll_along_arc};
pub use error::VehicleError;
pub use parameters::VehicleParameters;
pub use speed_table::SpeedTable;
