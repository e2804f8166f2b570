//! A recorded minute of comma2k19 as a platform: a Toyota RAV4's own CAN frames, a phone's inertial sensor, a satellite
//! receiver, a radar, and a reference trajectory for the evaluation.
//!
//! The data set (github.com/commaai/comma2k19, MIT; Schafer et al., arXiv:1812.05752) keeps a minute as NumPy arrays. What
//! its readme says, and what was checked on its example (`example_1`):
//!
//! **Time.** Seconds since the device was booted. Inertial samples, pictures and with them the reference carry their
//! instant; CAN frames the one at which the device read them. A satellite position carries the UTC of its epoch and the
//! instant at which it was logged: from the receiver's raw measurements, which have both GPS time and the device's, follows
//! when it was captured (GPS time is ahead of UTC by 18 s from 2017 on: IERS Bulletin C 52), and it arrives when it was
//! logged. Checked: by this clock positions and reference agree to 5 ms; by `frame_gps_times` they would be 0.13 s apart.
//!
//! **Frames.** Device: forward, right, down; messages have forward, left, up. Checked: gyro and accelerometer against the
//! reference's rotation and acceleration (correlations 0.91 to 0.99 on all axes, no delay). The orientation takes vectors
//! from the device to the earth-centred frame: so turned, the velocity points ahead. Where the sensors sit, and how the
//! device is tilted, is in the rig (`configs/sensors/comma2k19-rav4.toml`), with what of it is assumed.
//!
//! **The reference** is `global_pose`: post-processed from the same receiver's raw measurements, the same inertial sensor
//! and the pictures. So it is better than what runs live, and not independent of it.
//!
//! ```no_run
//! use auriga_hal::can::{Database, VehicleProfile};
//! use auriga_hal::comma2k19::{Comma2k19Car, Comma2k19Options, Comma2k19Platform};
//! use auriga_hal::{Platform, SensorRig};
//!
//! let read = |file: &str| std::fs::read_to_string(file).unwrap();
//! let profile = "configs/vehicles/toyota-rav4-tssp.toml";
//! let rig = "configs/sensors/comma2k19-rav4.toml";
//! let car = Comma2k19Car {
//!     profile: VehicleProfile::from_toml(&read(profile), profile).unwrap(),
//!     car: Database::read("configs/can/toyota_rav4_tssp.dbc".as_ref()).unwrap(),
//!     radar: Database::read("configs/can/toyota_tssp_radar.dbc".as_ref()).unwrap(),
//!     rig: SensorRig::from_toml(&read(rig), rig).unwrap(),
//! };
//! let folder = "../shared/data/comma2k19/example_1".as_ref();
//! let platform = Comma2k19Platform::open(folder, &car, Comma2k19Options::default()).unwrap();
//! assert!(Box::new(platform).split().vehicle.is_none());
//! ```

mod reference;
mod segment;
mod sensors;
#[cfg(test)]
mod tests;

use crate::can::{CanCar, Database, ToyotaRadar, VehicleProfile};
use crate::{HalError, Platform, PlatformParts, SensorRig};
use auriga_geometry::{LogicalDuration, Pose3};
use segment::Segment;
use sensors::Comma2k19Sensors;
use std::path::Path;

/// What is known of the car beside its recording.
#[derive(Clone, Debug)]
pub struct Comma2k19Car {
    /// Which messages carry its state.
    pub profile: VehicleProfile,
    /// The messages of its own bus (source 0 in the recording).
    pub car: Database,
    /// The messages of the radar's bus (source 1).
    pub radar: Database,
    /// Where its sensors sit, and how good they are: receiver, inertial sensor and radar.
    pub rig: SensorRig,
}

/// How to play it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Comma2k19Options {
    /// No satellite positions from this long after the epoch on: for measuring drift.
    pub gnss_withheld_after: Option<LogicalDuration>,
}

/// What of the rig is needed.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Mounting {
    /// The device (inertial sensor and camera) in `base_link`.
    device: Pose3,
    gyro_noise: f64,
    accel_noise: f64,
    /// Deviation of a satellite position, metres.
    fix_sigma: f64,
}

/// A recorded minute.
#[derive(Debug)]
pub struct Comma2k19Platform {
    segment: Segment,
    car: CanCar,
    radar: ToyotaRadar,
    mounting: Mounting,
    options: Comma2k19Options,
}

impl Comma2k19Platform {
    /// Reads a minute's folder (with `processed_log/` and `global_pose/`). Its epoch is the earliest instant in it.
    ///
    /// # Errors
    /// A file that is missing or malformed, by its name and with what to do; a profile or DBC file that does not fit; a rig
    /// without receiver or inertial sensor.
    pub fn open(folder: &Path, car: &Comma2k19Car, options: Comma2k19Options) -> Result<Self, HalError> {
        let lacks = |field: &str| HalError::Configuration {
            file: car.rig.name.clone(),
            problem: format!("field `{field}`: missing in the sensor rig of a comma2k19 car"),
        };
        let imu = car.rig.imu.as_ref().ok_or_else(|| lacks("imu"))?;
        let gnss = car.rig.gnss.as_ref().ok_or_else(|| lacks("gnss"))?;
        let mounting = Mounting {
            device: imu.pose.to_pose3(),
            gyro_noise: imu.gyro_noise_radps,
            accel_noise: imu.accel_noise_mps2,
            fix_sigma: (gnss.noise_m * gnss.noise_m + gnss.wander_m * gnss.wander_m).sqrt(),
        };
        let can_car = car.profile.bind(car.car.clone())?;
        let radar = ToyotaRadar::bind(car.radar.clone())?;
        let segment = Segment::open(folder, &car.car, &car.radar)?;
        Ok(Self { segment, car: can_car, radar, mounting, options })
    }

    /// Latitude and longitude of the map's origin, radians: the first satellite position.
    #[must_use]
    pub fn origin(&self) -> [f64; 2] {
        self.segment.origin()
    }
}

impl Platform for Comma2k19Platform {
    fn name(&self) -> &'static str {
        "comma2k19"
    }

    fn split(self: Box<Self>) -> PlatformParts {
        PlatformParts { sensors: Box::new(Comma2k19Sensors::new(*self)), vehicle: None }
    }
}
