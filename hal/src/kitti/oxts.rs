//! Rows of KITTI's INS (`oxts/dataformat.txt`): 30 numbers.

use crate::local_earth::LocalEarth;
use auriga_geometry::Pose3;

/// What is used of a row. Frame: x forward, y left, z up. Radians, m/s, rad/s, m/s².
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct OxtsRow {
    pub latitude_deg: f64,
    pub longitude_deg: f64,
    pub altitude_m: f64,
    pub roll: f64,
    pub pitch: f64,
    /// 0 is east, counter-clockwise.
    pub yaw: f64,
    /// Parallel to the ground: forward, left, up.
    pub velocity: [f64; 3],
    /// Parallel to the ground: forward, left, up; with gravity's reaction.
    pub acceleration: [f64; 3],
    /// Around the axes parallel to the ground: forward, left, up.
    pub rate: [f64; 3],
}

impl OxtsRow {
    /// From a line's numbers. Says what is wrong.
    pub(super) fn parse(line: &str) -> Result<Self, String> {
        let mut v = [0.0_f64; 23];
        let mut words = line.split_whitespace();
        for (column, value) in v.iter_mut().enumerate() {
            let word = words.next().ok_or_else(|| format!("{column} numbers instead of 30"))?;
            *value = word.parse().map_err(|_| format!("column {}: {word:?} is no number", column + 1))?;
            if !value.is_finite() {
                return Err(format!("column {}: {word} is not finite", column + 1));
            }
        }
        if v[0].abs() > 89.0 || v[1].abs() > 180.0 {
            return Err(format!("latitude {} or longitude {} is out of range", v[0], v[1]));
        }
        Ok(Self {
            latitude_deg: v[0],
            longitude_deg: v[1],
            altitude_m: v[2],
            roll: v[3],
            pitch: v[4],
            yaw: v[5],
            velocity: [v[8], v[9], v[10]],
            acceleration: [v[14], v[15], v[16]],
            rate: [v[20], v[21], v[22]],
        })
    }

    /// Latitude and longitude, radians.
    pub(super) fn origin(&self) -> [f64; 2] {
        [self.latitude_deg.to_radians(), self.longitude_deg.to_radians()]
    }
}

/// The INS in the plane.
pub(super) fn imu_pose(earth: &LocalEarth, row: &OxtsRow) -> Pose3 {
    Pose3::from_euler(earth.to_plane(row.origin(), row.altitude_m), row.roll, row.pitch, row.yaw)
}
