//! The localizer: messages in, ego state out.

use super::earth::TangentPlane;
use super::filter::{BIAS, Filter, Fix, Noise, SCALE, SPEED, X, Y, YAW};
use super::start::Start;
use crate::PerceptionError;
use crate::error::{finite, positive};
use auriga_geometry::{LogicalTime, Pose2, Pose3, Vec2, Vec3};
use auriga_messages::auriga_msgs::VehicleState;
use auriga_messages::geometry_msgs::Pose;
use auriga_messages::nav_msgs::Odometry;
use auriga_messages::sensor_msgs::{Imu, NavSatFix};
use nalgebra::Matrix2;

/// Where the map lies on earth, where the sensors sit, and how good they are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LocalizerConfig {
    /// Latitude of the map's origin, radians.
    pub origin_latitude: f64,
    /// Longitude of the map's origin, radians.
    pub origin_longitude: f64,
    /// The antenna in `base_link`, metres.
    pub gnss_lever_arm: Vec2,
    /// The inertial sensor in `base_link`; its rotation matters.
    pub imu_pose: Pose3,
    /// Where the car stands at first, if that is known (from the start of its route, say); else it is found by driving.
    pub initial_pose: Option<Pose2>,
    /// Standard deviation of the initial pose: metres, radians.
    pub initial_sigma: (f64, f64),
    /// Gyro noise a sample, rad/s.
    pub gyro_noise_radps: f64,
    /// Standard deviation of the gyro's bias at the start, rad/s.
    pub gyro_bias_radps: f64,
    /// Wheel speed noise, m/s.
    pub wheel_noise_mps: f64,
    /// Added to the deviation that a fix states (its slowly wandering part), metres; used alone where it states none.
    pub gnss_floor_m: f64,
}

impl Default for LocalizerConfig {
    fn default() -> Self {
        Self {
            origin_latitude: 0.0,
            origin_longitude: 0.0,
            gnss_lever_arm: Vec2::zeros(),
            imu_pose: Pose3::default(),
            initial_pose: None,
            initial_sigma: (1.0, 0.1),
            gyro_noise_radps: 0.003,
            gyro_bias_radps: 0.005,
            wheel_noise_mps: 0.05,
            gnss_floor_m: 0.1,
        }
    }
}

/// How far localization is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocalizationStatus {
    /// No usable fix so far and no initial pose: the output is not valid.
    WaitingForFix,
    /// The heading is not known yet: the output is not valid.
    WaitingForMotion,
    /// The pose follows gyro and wheels alone: no fix was usable for two seconds.
    DeadReckoning,
    /// The pose is held by fixes.
    Running,
}

impl LocalizationStatus {
    /// Whether the output holds a pose.
    #[must_use]
    pub const fn has_pose(self) -> bool {
        matches!(self, Self::Running | Self::DeadReckoning)
    }
}

/// Squared Mahalanobis distance beyond which a fix is refused: 99.9 % of true ones are nearer.
const GATE_SQUARED: f64 = 13.8;
/// After so many refused fixes in a row the filter doubts itself.
const REFUSED_MOST: u32 = 10;
/// A car on its wheels does not accelerate harder, m/s².
const ACCELERATION_MOST: f64 = 12.0;
/// Without an accepted fix for longer it is dead reckoning, seconds.
const ALONE_AFTER_S: f64 = 2.0;

/// A car at this speed does not get the same position twice, m/s.
const MOVES_MPS: f64 = 1.0;

/// Finds the ego state.
#[derive(Clone, Debug)]
pub struct Localizer {
    config: LocalizerConfig,
    plane: TangentPlane,
    filter: Option<Filter>,
    start: Start,
    last_imu: Option<LogicalTime>,
    last_fix: Option<LogicalTime>,
    last_place: Option<(f64, f64)>,
    accepted: Option<LogicalTime>,
    refused_in_a_row: u32,
    rate: f64,
    wheel_speed: f64,
}

impl Localizer {
    /// A localizer that has seen nothing yet.
    ///
    /// # Errors
    /// A deviation that is not above zero, or an origin that is not finite.
    pub fn new(config: LocalizerConfig) -> Result<Self, PerceptionError> {
        finite("origin_latitude", config.origin_latitude)?;
        finite("origin_longitude", config.origin_longitude)?;
        positive("initial_sigma", config.initial_sigma.0.min(config.initial_sigma.1))?;
        positive("gyro_noise_radps", config.gyro_noise_radps)?;
        positive("gyro_bias_radps", config.gyro_bias_radps)?;
        positive("wheel_noise_mps", config.wheel_noise_mps)?;
        positive("gnss_floor_m", config.gnss_floor_m)?;
        Ok(Self {
            config,
            plane: TangentPlane::new(config.origin_latitude, config.origin_longitude),
            filter: None,
            start: Start::default(),
            last_imu: None,
            last_fix: None,
            last_place: None,
            accepted: None,
            refused_in_a_row: 0,
            rate: 0.0,
            wheel_speed: 0.0,
        })
    }

    /// Takes in what is new: inertial measurements in time order, the latest wheel speed, and a fix. A message that was
    /// handed in before changes nothing. `out` is the ego state at the last inertial measurement; it is left as it was
    /// while the status [has no pose](LocalizationStatus::has_pose).
    ///
    /// # Errors
    /// A measurement that is not finite, or a position that has not moved while the car did; it is left out.
    pub fn step(
        &mut self,
        now: LogicalTime,
        imu: &[&Imu],
        wheels: &VehicleState,
        fix: Option<&NavSatFix>,
        out: &mut Odometry,
    ) -> Result<LocalizationStatus, PerceptionError> {
        finite("speed_mps", wheels.speed_mps)?;
        self.wheel_speed = wheels.speed_mps;
        for measurement in imu {
            self.take_imu(measurement, wheels.speed_mps)?;
        }
        if let Some(fix) = fix.filter(|fix| fix.status.status >= 0) {
            self.take_fix(fix)?;
        }
        if let Some(filter) = &self.filter {
            self.report(filter, out);
        }
        Ok(self.status(now))
    }

    /// Gyro bias (rad/s) and wheel scale (0: exact) as estimated; `None` before there is a pose.
    #[must_use]
    pub fn sensor_errors(&self) -> Option<(f64, f64)> {
        self.filter.as_ref().map(|f| (f.state[BIAS], f.state[SCALE]))
    }

    fn status(&self, now: LogicalTime) -> LocalizationStatus {
        if self.filter.is_none() {
            return if self.start.has_fix() {
                LocalizationStatus::WaitingForMotion
            } else {
                LocalizationStatus::WaitingForFix
            };
        }
        let is_held = self.accepted.is_some_and(|at| now.since(at).as_secs_f64() <= ALONE_AFTER_S);
        if is_held { LocalizationStatus::Running } else { LocalizationStatus::DeadReckoning }
    }

    fn take_imu(&mut self, imu: &Imu, wheel_speed: f64) -> Result<(), PerceptionError> {
        let time = LogicalTime::from(&imu.header.stamp);
        if self.last_imu.is_some_and(|last| last >= time) {
            return Ok(());
        }
        let rates = Vec3::from(&imu.angular_velocity);
        let rate = (self.config.imu_pose.rotation * rates).z;
        let acceleration = (self.config.imu_pose.rotation * Vec3::from(&imu.linear_acceleration)).x;
        finite("angular_velocity", rate)?;
        finite("linear_acceleration", acceleration)?;
        self.last_imu = Some(time);
        // The mean of two samples is the rate between them.
        let between = if self.filter.is_some() { (self.rate + rate) / 2.0 } else { rate };
        self.rate = rate;
        match &mut self.filter {
            Some(filter) => {
                filter.predict(time, between, acceleration.clamp(-ACCELERATION_MOST, ACCELERATION_MOST));
                filter.measure_wheels(wheel_speed, rate);
            }
            None => {
                if let Some(pose) = self.config.initial_pose {
                    self.begin(time, &pose, self.config.initial_sigma);
                } else {
                    self.start.drive(time, wheel_speed, rate);
                }
            }
        }
        Ok(())
    }

    fn begin(&mut self, time: LogicalTime, pose: &Pose2, sigma: (f64, f64)) {
        let c = &self.config;
        let noise = Noise {
            gyro: c.gyro_noise_radps,
            gyro_drift: 2e-5,
            acceleration: 1.5,
            wheel: c.wheel_noise_mps,
            scale_drift: 1e-4,
            slip: 0.02,
        };
        self.filter = Some(Filter::new(time, pose, sigma, c.gyro_bias_radps, noise));
    }

    fn take_fix(&mut self, fix: &NavSatFix) -> Result<(), PerceptionError> {
        let time = LogicalTime::from(&fix.header.stamp);
        if self.last_fix.is_some_and(|last| last >= time) {
            return Ok(());
        }
        finite("latitude", fix.latitude)?;
        finite("longitude", fix.longitude)?;
        self.last_fix = Some(time);
        let place = (fix.latitude, fix.longitude);
        if self.last_place.replace(place) == Some(place) && self.wheel_speed > MOVES_MPS {
            return Err(PerceptionError::Frozen { sensor: "satellite receiver" });
        }
        let position = self.plane.to_plane(fix.latitude, fix.longitude);
        let lever_arm = self.config.gnss_lever_arm;
        let covariance = self.fix_covariance(fix);
        let Some(filter) = &mut self.filter else {
            if let (Some(pose), Some(at)) = (self.start.fix(position, lever_arm), self.last_imu) {
                let sigma = covariance[(0, 0)].max(covariance[(1, 1)]).sqrt();
                self.begin(at, &pose, (sigma, (2.0 * sigma / 5.0).clamp(0.03, 0.8)));
                if let Some(filter) = &mut self.filter {
                    filter.state[SPEED] = self.wheel_speed;
                }
            }
            return Ok(());
        };
        let Some((distance, innovation)) = filter.judge(&Fix { time, position, covariance, lever_arm })
        else {
            return Ok(());
        };
        if distance <= GATE_SQUARED {
            filter.apply(&innovation);
            self.accepted = Some(time);
            self.refused_in_a_row = 0;
        } else {
            self.refused_in_a_row += 1;
            if self.refused_in_a_row >= REFUSED_MOST {
                filter.doubt(5.0, 0.3);
                self.refused_in_a_row = 0;
            }
        }
        Ok(())
    }

    fn fix_covariance(&self, fix: &NavSatFix) -> Matrix2<f64> {
        let floor = Matrix2::identity() * (self.config.gnss_floor_m * self.config.gnss_floor_m);
        let c = &fix.position_covariance;
        let stated = Matrix2::new(c[0], c[1], c[3], c[4]);
        let is_usable = fix.position_covariance_type > 0
            && stated.iter().all(|v| v.is_finite())
            && c[0] > 0.0
            && c[4] > 0.0
            && stated.determinant() >= 0.0;
        if is_usable { stated + floor } else { floor }
    }

    fn report(&self, filter: &Filter, out: &mut Odometry) {
        out.header.stamp = filter.time.into();
        for (name, value) in [(&mut out.header.frame_id, "map"), (&mut out.child_frame_id, "base_link")] {
            name.clear();
            name.push_str(value);
        }
        out.pose.pose = Pose::from(&filter.pose());
        let p = &filter.covariance;
        let pose = &mut out.pose.covariance.0;
        for (i, a) in [(0, X), (1, Y), (5, YAW)] {
            for (j, b) in [(0, X), (1, Y), (5, YAW)] {
                pose[6 * i + j] = p[(a, b)];
            }
        }
        let twist = &mut out.twist.twist;
        twist.linear.x = filter.state[SPEED];
        twist.angular.z = self.rate - filter.state[BIAS];
        out.twist.covariance.0[0] = p[(SPEED, SPEED)];
        let noise = self.config.gyro_noise_radps;
        out.twist.covariance.0[35] = p[(BIAS, BIAS)] + noise * noise;
    }
}

#[cfg(test)]
mod tests;
