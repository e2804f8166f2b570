//! Speed: the trajectory's acceleration as feed-forward, position and speed error as feedback.

use crate::ControllerConfig;
use crate::reference::{PathError, Reference};
use auriga_vehicle::VehicleParameters;

/// Below this a car stands, m/s.
const STANDSTILL_MPS: f64 = 0.15;

/// The speed law's state.
#[derive(Clone, Debug, Default)]
pub(crate) struct Longitudinal {
    integral: f64,
    command: Option<f64>,
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
    /// The acceleration to command, `t` seconds after the trajectory's stamp.
    pub fn step(
        &mut self,
        config: &ControllerConfig,
        car: &VehicleParameters,
        reference: &Reference,
        error: &PathError,
        speed: f64,
        t: f64,
    ) -> Demand {
        let now = reference.at_time(t);
        // The command takes effect a dead time and a lag later: ask for what is meant then.
        let ahead = reference.at_time(t + config.dead_time_s + car.acceleration_lag_s);
        let soon = reference.at_time(t + 0.35);
        let stops = ahead.speed < 0.05 && soon.speed < 0.1;
        if stops && speed < STANDSTILL_MPS {
            self.integral = 0.0;
            let mut demand = self.limit(config, car, -config.hold_deceleration_mps2, 0.0);
            demand.holding = true;
            return demand;
        }
        let speed_error = now.speed - speed;
        let most = config.position_error_max_m;
        let position_error = (now.s - error.s).clamp(-most, most);
        if speed > STANDSTILL_MPS {
            let grown = self.integral + config.speed_integral * speed_error * config.period_s;
            self.integral = grown.clamp(-config.speed_integral_max, config.speed_integral_max);
        }
        let mut wanted = ahead.acceleration
            + config.speed_gain * speed_error
            + config.position_gain * position_error
            + self.integral;
        if stops {
            // The plan stands already but the car still rolls: no more gas, and at least a soft brake.
            wanted = wanted.min(-config.hold_deceleration_mps2);
        }
        self.limit(config, car, wanted, now.speed)
    }

    /// Brakes to a stop without a trajectory, and holds.
    pub fn stop(&mut self, config: &ControllerConfig, car: &VehicleParameters, speed: Option<f64>) -> Demand {
        self.integral = 0.0;
        let standing = speed.is_some_and(|v| v.abs() < STANDSTILL_MPS);
        let wanted = if standing { config.hold_deceleration_mps2 } else { config.stop_deceleration_mps2 };
        let mut demand = self.limit(config, car, -wanted, 0.0);
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
        let wanted = wanted.clamp(-car.max_deceleration_mps2, car.max_acceleration_mps2);
        let from = self.command.unwrap_or(0.0);
        let step = config.jerk_max_mps3 * config.period_s;
        // A demand beyond comfortable braking is passed on as it is: the jerk limit must not make a crash harder.
        let least = if wanted < -3.0 { wanted } else { from - step };
        let acceleration = wanted.clamp(least.min(from + step), from + step);
        self.command = Some(acceleration);
        Demand { speed, acceleration, jerk: (acceleration - from) / config.period_s, holding: false }
    }

    /// Forgets the integral and the last command.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}
