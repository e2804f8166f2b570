//! A recorded KITTI drive as a platform: lidar, left colour camera, and from the INS what stands in for IMU, GNSS and the
//! car's bus.
//!
//! Two layouts are read: KITTI raw's own (`velodyne_points/data/*.bin`, `image_02/data/*.png`, `oxts/data/*.txt` and
//! `timestamps.txt` beside them, calibration one folder up) and the compact one (`velodyne/*.kvz` or `*.bin`,
//! `image_02/*.png`, `oxts.txt`, calibration in `../calib_*`), where frames are 0.1036 s apart.
//!
//! **Time.** The run's epoch is the start of the first scan. The scanner turns counter-clockwise seen from above (KITTI
//! raw's readme) and a scan begins and ends at the rear, so a point's instant follows from its azimuth; halfway the
//! scanner looks ahead, which triggers the cameras.
//!
//! **Frames.** `base_link` is the rear axle's centre on the ground. From the published set-up (Geiger et al., "Vision
//! meets Robotics", IJRR 2013, figure 3): the INS 0.05 m behind the rear axle and 0.93 m up, the scanner 0.81 m before
//! the INS and 1.73 m up, the cameras 0.27 m before the scanner and 1.68 m behind the front axle (2.71 m wheelbase: the
//! sum closes). Assumed: the scanner on the car's middle plane; see [`KittiRig`] for its tilt.
//!
//! ```no_run
//! use auriga_hal::kitti::KittiPlatform;
//! use auriga_hal::Platform;
//!
//! let platform = KittiPlatform::open("../shared/data/kitti_raw/drive_0005".as_ref()).unwrap();
//! assert!(platform.rig().geo_reference.is_some());
//! let parts = Box::new(platform).split();
//! assert!(parts.vehicle.is_none());
//! ```

mod calibration;
mod drive;
mod oxts;
mod scan;
mod sensors;
#[cfg(test)]
mod tests;

pub use calibration::KittiRig;

use crate::{HalError, Platform, PlatformParts};
use auriga_geometry::LogicalDuration;
use drive::Drive;
use sensors::KittiSensors;
use std::path::{Path, PathBuf};

/// What to make of the INS.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KittiOptions {
    /// Seed of the noise.
    pub seed: u64,
    /// Standard deviation of the noise on east, north and height of a satellite position, metres.
    pub gnss_noise_m: f64,
    /// Between two satellite positions.
    pub gnss_period: LogicalDuration,
    /// No satellite positions from this long after the epoch on: for measuring drift.
    pub gnss_withheld_after: Option<LogicalDuration>,
}

impl Default for KittiOptions {
    /// One position a second with 1 m of noise.
    fn default() -> Self {
        Self {
            seed: 1,
            gnss_noise_m: 1.0,
            gnss_period: LogicalDuration::from_millis(1_000),
            gnss_withheld_after: None,
        }
    }
}

/// A recorded KITTI drive.
#[derive(Debug)]
pub struct KittiPlatform {
    drive: Drive,
    rig: KittiRig,
    options: KittiOptions,
}

impl KittiPlatform {
    /// Opens a drive's folder with the default options.
    ///
    /// # Errors
    /// When a file is missing or malformed; names it and says what to do.
    pub fn open(folder: &Path) -> Result<Self, HalError> {
        Self::open_with(folder, KittiOptions::default())
    }

    /// Opens a drive's folder. Scans and pictures are read when their time comes.
    ///
    /// # Errors
    /// When a file is missing or malformed; names it and says what to do.
    pub fn open_with(folder: &Path, options: KittiOptions) -> Result<Self, HalError> {
        let drive = Drive::open(folder)?;
        let mut rig = KittiRig::open(&drive.calibration)?;
        rig.geo_reference = drive.oxts.first().map(|sample| sample.row.origin());
        Ok(Self { drive, rig, options })
    }

    /// Where the sensors sit, the camera's calibration and the origin of `map`.
    #[must_use]
    pub fn rig(&self) -> KittiRig {
        self.rig
    }

    /// Number of scans.
    #[must_use]
    pub fn scans(&self) -> usize {
        self.drive.scans.len()
    }

    /// The frame number (in the file's name) of each scan, in order: labels count by it.
    #[must_use]
    pub fn frames(&self) -> Vec<u64> {
        self.drive.scans.iter().map(|scan| scan.frame).collect()
    }
}

impl Platform for KittiPlatform {
    fn name(&self) -> &'static str {
        "kitti"
    }

    fn split(self: Box<Self>) -> PlatformParts {
        PlatformParts {
            sensors: Box::new(KittiSensors::new(self.drive, self.rig, self.options)),
            vehicle: None,
        }
    }
}

fn malformed(path: &Path, problem: impl Into<String>) -> HalError {
    HalError::Recording { path: path.to_owned(), problem: problem.into() }
}

fn read_error(path: &Path) -> impl FnOnce(std::io::Error) -> HalError {
    let path: PathBuf = path.to_owned();
    move |source| HalError::Read { path, source }
}
