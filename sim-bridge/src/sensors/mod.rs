//! GNSS, inertial sensor and wheels: what they say of the true motion, with the errors that the rig states.

mod geodesy;
mod gnss;
mod imu;
mod wheels;

pub use geodesy::TangentPlane;
pub use gnss::Gnss;
pub use imu::Inertial;
pub use wheels::Wheels;
