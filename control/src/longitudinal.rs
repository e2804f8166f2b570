//! Speed: the trajectory's acceleration, the slope and the resistances as feed-forward, position and speed error as feedback.

use crate::ControllerConfig;
use crate::reference::Reference;
use auriga_geometry::math::sin;
use auriga_vehicle::VehicleParameters;

const GRAVITY: f64 = 9.806_65;
/// Below this a car stands, m/s.
const STANDSTILL_MPS: f64 = 0.15;

/// The speed law's state.
#[derive(Clone, Debug, Default)]
pub(crate) struct Longitudinal {
    integral: f64,
    command: Option<f64>,
}

/// Where the car is along the trajectory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    /// Metres along the trajectory.
    pub s: f64,
    /// m/s.
    pub speed: f64,
    /// Seconds after the trajectory's stamp.
    pub t: f64,
    /// Climb of the road, rad.
    pub grade: f64,
}

/// What the speed law asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Demand {
    /// m/s.
    pub speed: f64,
    /// m/s².
    pub acceleration: f64,
    /// m/s³.
    pub jerk: f64,
    /// Whether the car is held at standstill.
    pub holding: bool,
}

impl Longitudinal {
    /// The acceleration to command.
    pub fn step(
        &mut self,
        config: &ControllerConfig,
        car: &VehicleParameters,
        reference: &Reference,
        progress: &Progress,
    ) -> Demand {
        let Progress { s, speed, t, grade } = *progress;
        let now = reference.at_time(t);
        // The command takes effect a dead time and a lag later: ask for what is meant then.
        let lag = if now.acceleration < 0.0 { car.brake_lag_s } else { car.acceleration_lag_s };
        let ahead = reference.at_time(t + config.dead_time_s + lag);
        let soon = reference.at_time(t + 0.35);
        let stops = ahead.speed < 0.05 && soon.speed < 0.1;
        let pull = GRAVITY * sin(grade);
        // Enough to stand on the slope, uphill or downhill.
        let hold = config.hold_deceleration_mps2 + pull.abs();
        if stops && speed < STANDSTILL_MPS {
            self.integral = 0.0;
            let mut demand = self.limit(config, car, -hold, speed);
            demand.holding = true;
            return demand;
        }
        let speed_error = now.speed - speed;
        let most = config.position_error_max_m;
        let position_error = (now.s - s).clamp(-most, most);
        let law = ahead.acceleration
            + config.speed_gain * speed_error
            + config.position_gain * position_error
            + pull
            + if speed > STANDSTILL_MPS { car.resistance(speed) } else { 0.0 };
        let (least, greatest) = (-braking_most(car, speed), driving_most(car, speed));
        let wanted = law + self.integral;
        // Anti-windup: what the drive or the brakes can't give is not asked for more and more.
        let saturates = (wanted > greatest && speed_error > 0.0) || (wanted < least && speed_error < 0.0);
        if speed > STANDSTILL_MPS && !saturates {
            let grown = self.integral + config.speed_integral * speed_error * config.period_s;
            self.integral = grown.clamp(-config.speed_integral_max, config.speed_integral_max);
        }
        let mut wanted = law + self.integral;
        if stops {
            // The plan stands already but the car still rolls: no more gas, and at least a soft brake.
            wanted = wanted.min(pull - config.hold_deceleration_mps2);
        }
        Demand { speed: now.speed, ..self.limit(config, car, wanted, speed) }
    }

    /// Brakes to a stop without a trajectory, and holds, on a road that climbs by `grade` rad.
    pub fn stop(
        &mut self,
        config: &ControllerConfig,
        car: &VehicleParameters,
        speed: Option<f64>,
        grade: f64,
    ) -> Demand {
        self.integral = 0.0;
        let pull = GRAVITY * sin(grade);
        let standing = speed.is_some_and(|v| v.abs() < STANDSTILL_MPS);
        let wanted = if standing {
            config.hold_deceleration_mps2 + pull.abs()
        } else {
            // Uphill the slope helps; the brake still does its part.
            (config.stop_deceleration_mps2 - pull).max(config.hold_deceleration_mps2)
        };
        let mut demand = self.limit(config, car, -wanted, speed.unwrap_or(0.0));
        demand.holding = standing;
        demand
    }

    fn limit(
        &mut self,
        config: &ControllerConfig,
        car: &VehicleParameters,
        wanted: f64,
        speed: f64,
    ) -> Demand {
        let wanted = wanted.clamp(-braking_most(car, speed), driving_most(car, speed));
        let from = self.command.unwrap_or(0.0);
        let step = config.jerk_max_mps3 * config.period_s;
        // A demand beyond comfortable braking is passed on as it is: the jerk limit must not make a crash harder.
        let least = if wanted < -3.0 { wanted } else { from - step };
        let acceleration = wanted.clamp(least.min(from + step), from + step);
        self.command = Some(acceleration);
        Demand { speed: 0.0, acceleration, jerk: (acceleration - from) / config.period_s, holding: false }
    }

    /// Forgets the integral and the last command.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

/// What the drive can do at a speed, m/s².
fn driving_most(car: &VehicleParameters, speed: f64) -> f64 {
    car.drive_map.at(speed).min(car.max_acceleration_mps2)
}

/// What the brakes can do at a speed, m/s², positive.
fn braking_most(car: &VehicleParameters, speed: f64) -> f64 {
    car.brake_map.at(speed).min(car.max_deceleration_mps2)
}
