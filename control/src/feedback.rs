//! Steering: curvature ahead as feed-forward, lateral and heading error as feedback.
//!
//! For a kinematic bicycle beside a path, per metre driven: e″ = κ − κ_ref, where e is the lateral error and e′ the heading
//! error. κ = κ_ref − e/l² − 2ζ·e′/l makes it a damped oscillator with decay length l.

use crate::ControllerConfig;
use crate::reference::{PathError, Reference};
use auriga_vehicle::VehicleParameters;

/// The steering law's state.
#[derive(Clone, Debug, Default)]
pub(crate) struct Feedback {
    integral: f64,
}

impl Feedback {
    /// The front wheel angle to command, rad, before the actuator's limits.
    pub fn step(
        &mut self,
        config: &ControllerConfig,
        car: &VehicleParameters,
        reference: &Reference,
        error: &PathError,
        speed: f64,
    ) -> f64 {
        let length = (config.lateral_time_s * speed).max(config.lateral_length_min_m);
        let proportional = 1.0 / (length * length);
        let lateral = error.lateral.clamp(-2.0, 2.0);
        let preview = speed * (car.steering_lag_s + config.dead_time_s);
        let feed_forward = reference.curvature_at(error.s + preview);
        let lateral_acceleration = speed * speed * reference.curvature_at(error.s);
        // In a curve the rear axle slips outwards: the car moves along the path while its nose points into the curve.
        let heading = error.heading - car.rear_slip_gradient() * lateral_acceleration;
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
        let understeer = car.understeer_gradient() * speed * speed * feed_forward;
        car.steering_angle(curvature) + understeer
    }

    /// Forgets the integral.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}
