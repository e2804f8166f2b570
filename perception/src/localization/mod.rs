//! Where the car is: from satellites, gyro and wheels; and, where there are none, from scan to scan.

mod earth;
mod filter;
mod localizer;
pub mod scan_matching;
mod start;

pub use earth::TangentPlane;
pub use localizer::{LocalizationStatus, Localizer, LocalizerConfig};
