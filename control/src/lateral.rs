//! Steering: curvature ahead as feed-forward, lateral and heading error as feedback.
//!
//! For a kinematic bicycle beside a path, per metre driven: e″ = κ − κ_ref, where e is the lateral error and e′ the heading
//! error. κ = κ_ref − e/l² − 2ζ·e′/l makes it a damped oscillator with decay length l.

use crate::ControllerConfig;
use crate::reference::{PathError, Reference};
use auriga_vehicle::VehicleParameters;

/// The steering law's state.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lateral {
    integral: f64,
    command: Option<f64>,
}

impl Lateral {
    /// The front wheel angle to command (rad) and its rate (rad/s). `measured` is the wheels' angle now, if known.
    pub fn step(
        &mut self,
        config: &ControllerConfig,
        car: &VehicleParameters,
        reference: &Reference,
        error: &PathError,
        speed: f64,
        measured: Option<f64>,
    ) -> (f64, f64) {
        let length = (config.lateral_time_s * speed).max(config.lateral_length_min_m);
        let proportional = 1.0 / (length * length);
        let lateral = error.lateral.clamp(-2.0, 2.0);
        let preview = speed * (car.steering_lag_s + config.dead_time_s);
        let feed_forward = reference.curvature_at(error.s + preview);
        let lateral_acceleration = speed * speed * reference.curvature_at(error.s);
        // In a curve the rear axle slips outwards: the car moves along the path while its nose points into the curve.
        let heading = error.heading - car.rear_slip_gradient_rad_s2_m * lateral_acceleration;
        // Heading feedback wins over position feedback far from the path: the path is met at no more than about 35°.
        let wanted_turn =
            (-proportional * lateral * length / (2.0 * config.lateral_damping)).clamp(-0.6, 0.6);
        let feedback = 2.0 * config.lateral_damping / length * (wanted_turn - heading);
        if speed > 1.0 {
            let most = config.lateral_integral_max;
            let grown = self.integral - config.lateral_integral * proportional * lateral * config.period_s;
            self.integral = grown.clamp(-most, most);
        }
        let curvature = feed_forward + feedback + self.integral;
        let understeer = car.understeer_gradient_rad_s2_m * speed * speed * feed_forward;
        self.limit(config, car, car.steering_angle(curvature) + understeer, measured)
    }

    /// Keeps the wheels where they are: at standstill, or with nothing to steer after.
    pub fn hold(
        &mut self,
        config: &ControllerConfig,
        car: &VehicleParameters,
        measured: Option<f64>,
    ) -> (f64, f64) {
        let angle = self.command.or(measured).unwrap_or(0.0);
        self.limit(config, car, angle, measured)
    }

    fn limit(
        &mut self,
        config: &ControllerConfig,
        car: &VehicleParameters,
        wanted: f64,
        measured: Option<f64>,
    ) -> (f64, f64) {
        let from = self.command.or(measured).unwrap_or(wanted);
        let step = car.max_steering_rate_rad_s * config.period_s;
        let most = car.max_steering_angle_rad;
        let angle = wanted.clamp(from - step, from + step).clamp(-most, most);
        self.command = Some(angle);
        (angle, (angle - from) / config.period_s)
    }

    /// Forgets the integral and the last command.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}
