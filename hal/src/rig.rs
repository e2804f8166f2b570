//! The sensor rig: which sensors the car carries, where, and how good they are (`configs/sensors/*.toml`).

use crate::HalError;
use auriga_geometry::{Pose3, Vec3};
use serde::Deserialize;

/// All sensors of a car. Poses are in `base_link`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SensorRig {
    /// For a person to read.
    pub name: String,
    /// Absent: the car has none.
    pub lidar: Option<LidarRig>,
    /// Absent: the car has none.
    pub camera: Option<CameraRig>,
    /// Absent: the car has none.
    pub gnss: Option<GnssRig>,
    /// Absent: the car has none.
    pub imu: Option<ImuRig>,
    /// Absent: the car has none.
    pub radar: Option<RadarRig>,
    /// Wheel speed and steering angle.
    pub wheels: WheelsRig,
}

/// Where a sensor sits: metres and degrees (rotation about z, then y, then x), in `base_link`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MountPose {
    /// Metres forward of the rear axle.
    pub x_m: f64,
    /// Metres to the left.
    pub y_m: f64,
    /// Metres above the ground.
    pub z_m: f64,
    /// Degrees about x.
    #[serde(default)]
    pub roll_deg: f64,
    /// Degrees about y; positive looks down.
    #[serde(default)]
    pub pitch_deg: f64,
    /// Degrees about z.
    #[serde(default)]
    pub yaw_deg: f64,
}

impl MountPose {
    /// As a transform from the sensor's body frame (x forward, y left, z up) to `base_link`.
    #[must_use]
    pub fn to_pose3(&self) -> Pose3 {
        Pose3::from_euler(
            Vec3::new(self.x_m, self.y_m, self.z_m),
            self.roll_deg.to_radians(),
            self.pitch_deg.to_radians(),
            self.yaw_deg.to_radians(),
        )
    }
}

/// A spinning lidar.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LidarRig {
    /// Where it sits.
    pub pose: MountPose,
    /// Turns a second.
    pub rate_hz: f64,
    /// Number of beams.
    pub beams: usize,
    /// Lowest beam, degrees.
    pub lowest_deg: f64,
    /// Highest beam, degrees.
    pub highest_deg: f64,
    /// Firings a turn.
    pub columns: usize,
    /// Metres.
    pub range_least_m: f64,
    /// Metres.
    pub range_most_m: f64,
    /// Standard deviation of the range, metres.
    pub range_noise_m: f64,
    /// Share of the returns that are lost, 0 to 1.
    pub dropout: f64,
    /// From the end of the turn to its arrival, milliseconds.
    pub latency_ms: f64,
}

/// A pinhole camera without distortion, looking along its body frame's x axis.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CameraRig {
    /// Where it sits (body frame; the optical frame is derived).
    pub pose: MountPose,
    /// Pictures a second.
    pub rate_hz: f64,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Horizontal field of view, degrees.
    pub horizontal_fov_deg: f64,
    /// Standard deviation of the pixel noise, 0 to 1.
    pub noise: f64,
    /// From exposure to arrival, milliseconds.
    pub latency_ms: f64,
}

impl CameraRig {
    /// Focal length, pixels.
    #[must_use]
    pub fn focal_length(&self) -> f64 {
        self.width as f64 / 2.0 / auriga_geometry::math::tan(self.horizontal_fov_deg.to_radians() / 2.0)
    }

    /// Intrinsic matrix, row-major 3×3, pixels; the principal point is the picture's centre.
    #[must_use]
    pub fn intrinsics(&self) -> [f64; 9] {
        let f = self.focal_length();
        [f, 0.0, self.width as f64 / 2.0, 0.0, f, self.height as f64 / 2.0, 0.0, 0.0, 1.0]
    }

    /// The optical frame (x right, y down, z forward) in `base_link`.
    #[must_use]
    pub fn optical_pose(&self) -> Pose3 {
        use auriga_geometry::math::FRAC_PI_2;
        self.pose.to_pose3().compose(&Pose3::from_euler(Vec3::zeros(), -FRAC_PI_2, 0.0, -FRAC_PI_2))
    }
}

/// A satellite receiver.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GnssRig {
    /// The antenna.
    pub pose: MountPose,
    /// Fixes a second.
    pub rate_hz: f64,
    /// Standard deviation of the white part, east and north, metres.
    pub noise_m: f64,
    /// Standard deviation of the slowly wandering part, metres.
    pub wander_m: f64,
    /// Time constant of the wandering part, seconds.
    pub wander_s: f64,
    /// From measurement to arrival, milliseconds.
    pub latency_ms: f64,
}

/// An inertial sensor.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImuRig {
    /// Where it sits.
    pub pose: MountPose,
    /// Measurements a second.
    pub rate_hz: f64,
    /// Standard deviation of the rate, rad/s.
    pub gyro_noise_radps: f64,
    /// Standard deviation of the constant rate bias, rad/s.
    pub gyro_bias_radps: f64,
    /// Standard deviation of the acceleration, m/s².
    pub accel_noise_mps2: f64,
    /// Standard deviation of the constant acceleration bias, m/s².
    pub accel_bias_mps2: f64,
    /// From measurement to arrival, milliseconds.
    pub latency_ms: f64,
}

/// A radar that follows objects by itself.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RadarRig {
    /// Where it sits.
    pub pose: MountPose,
}

/// Wheel speed and steering angle from the bus.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WheelsRig {
    /// Messages a second.
    pub rate_hz: f64,
    /// Standard deviation of the speed, m/s.
    pub speed_noise_mps: f64,
    /// Share by which the wheel radius is off (standard deviation over cars).
    pub speed_scale_error: f64,
    /// Standard deviation of the steering angle, rad.
    pub steering_noise_rad: f64,
    /// From measurement to arrival, milliseconds.
    pub latency_ms: f64,
}

impl SensorRig {
    /// Parses and checks a rig.
    ///
    /// # Errors
    /// An unknown key, a missing one, or an impossible value; names file, line and field.
    pub fn from_toml(text: &str, file: &str) -> Result<Self, HalError> {
        let rig: Self = toml::from_str(text)
            .map_err(|error| HalError::Configuration { file: file.to_owned(), problem: error.to_string() })?;
        rig.check().map_err(|problem| HalError::Configuration { file: file.to_owned(), problem })?;
        Ok(rig)
    }

    fn check(&self) -> Result<(), String> {
        let positive = |field: &str, value: f64| {
            if value.is_finite() && value > 0.0 {
                Ok(())
            } else {
                Err(format!("{field} = {value}: must be above 0"))
            }
        };
        let not_negative = |field: &str, value: f64| {
            if value.is_finite() && value >= 0.0 {
                Ok(())
            } else {
                Err(format!("{field} = {value}: must not be negative"))
            }
        };
        if let Some(lidar) = &self.lidar {
            positive("lidar.rate_hz", lidar.rate_hz)?;
            positive("lidar.latency_ms", lidar.latency_ms)?;
            positive("lidar.range_least_m", lidar.range_least_m)?;
            positive("lidar.range_most_m", lidar.range_most_m - lidar.range_least_m)?;
            positive("lidar.highest_deg - lidar.lowest_deg", lidar.highest_deg - lidar.lowest_deg)?;
            not_negative("lidar.range_noise_m", lidar.range_noise_m)?;
            if !(1..=256).contains(&lidar.beams) || !(16..=8192).contains(&lidar.columns) {
                return Err(format!(
                    "lidar.beams = {}, lidar.columns = {}: must be in 1..=256 and 16..=8192",
                    lidar.beams, lidar.columns
                ));
            }
            if !(0.0..1.0).contains(&lidar.dropout) {
                return Err(format!("lidar.dropout = {}: must be in 0..1", lidar.dropout));
            }
        }
        if let Some(camera) = &self.camera {
            positive("camera.rate_hz", camera.rate_hz)?;
            positive("camera.latency_ms", camera.latency_ms)?;
            not_negative("camera.noise", camera.noise)?;
            if !(10.0..=150.0).contains(&camera.horizontal_fov_deg) {
                return Err(format!(
                    "camera.horizontal_fov_deg = {}: must be in 10..=150",
                    camera.horizontal_fov_deg
                ));
            }
            if !(32..=4096).contains(&camera.width) || !(32..=4096).contains(&camera.height) {
                return Err(format!(
                    "camera.width = {}, camera.height = {}: must be in 32..=4096",
                    camera.width, camera.height
                ));
            }
        }
        if let Some(gnss) = &self.gnss {
            positive("gnss.rate_hz", gnss.rate_hz)?;
            positive("gnss.latency_ms", gnss.latency_ms)?;
            positive("gnss.wander_s", gnss.wander_s)?;
            not_negative("gnss.noise_m", gnss.noise_m)?;
            not_negative("gnss.wander_m", gnss.wander_m)?;
        }
        if let Some(imu) = &self.imu {
            positive("imu.rate_hz", imu.rate_hz)?;
            positive("imu.latency_ms", imu.latency_ms)?;
            not_negative("imu.gyro_noise_radps", imu.gyro_noise_radps)?;
            not_negative("imu.accel_noise_mps2", imu.accel_noise_mps2)?;
        }
        positive("wheels.rate_hz", self.wheels.rate_hz)?;
        positive("wheels.latency_ms", self.wheels.latency_ms)?;
        not_negative("wheels.speed_noise_mps", self.wheels.speed_noise_mps)
    }
}
