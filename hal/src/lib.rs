//! Platforms: a clock, sensors and a vehicle. The stack cannot tell which one it drives.
//!
//! A [`Platform`] splits into [`Sensors`], which the runtime ticks, and perhaps a [`Vehicle`], which takes what the gate
//! lets through. The built-in simulator, a recorded drive and a car on a CAN bus all look the same from above.
//!
//! ```
//! use auriga_hal::SensorRig;
//!
//! let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/sensors/default.toml")).unwrap();
//! let rig = SensorRig::from_toml(&text, "configs/sensors/default.toml").unwrap();
//! assert_eq!(rig.lidar.unwrap().beams, 64);
//! ```

pub mod can;
pub mod comma2k19;
pub mod conformance;
mod error;
pub mod fault;
mod gate_profile;
pub mod kitti;
mod local_earth;
pub mod npy;
mod platform;
pub mod points;
mod rig;
pub mod rosbag;

pub use error::HalError;
pub use gate_profile::gate_config;
pub use platform::{
    Emission, Payload, Pending, Platform, PlatformParts, SensorKind, SensorMessage, SensorSink, Sensors,
    Vehicle,
};
pub use rig::{CameraRig, GnssRig, ImuRig, LidarRig, MountPose, RadarRig, SensorRig, WheelsRig};

/// The page for newcomers; its code is compiled and run with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../docs/your-first-vehicle.md")]
struct YourFirstVehicle;
