//! The controller's gains and limits.

use crate::ControlError;
use serde::Deserialize;

/// How the car is steered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LateralLaw {
    /// Model predictive control; where its solver fails, [`LateralLaw::Feedback`] takes over.
    #[default]
    Predictive,
    /// Curvature ahead as feed-forward, lateral and heading error as feedback.
    Feedback,
}

/// What the predictive controller pays for: weights of squares, integrated over the horizon's seconds.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MpcWeights {
    /// Lateral error, 1/m².
    pub lateral: f64,
    /// Rate of the lateral error, s²/m².
    pub lateral_rate: f64,
    /// Yaw rate less the path's, s²/rad².
    pub yaw_rate: f64,
    /// Lateral jerk of the command beyond the path's own, s⁶/m².
    pub jerk: f64,
    /// Steering rate of the command beyond the path's own, s²/rad².
    pub steering_rate: f64,
    /// The first three at the horizon's end: as if they went on for so many seconds more.
    pub terminal: f64,
}

impl Default for MpcWeights {
    fn default() -> Self {
        Self {
            lateral: 1.0,
            lateral_rate: 0.2,
            yaw_rate: 0.5,
            jerk: 2e-4,
            steering_rate: 0.02,
            terminal: 5.0,
        }
    }
}

/// Predictive steering.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MpcConfig {
    /// How far it looks ahead, seconds, in [`crate::STEPS`] steps: the first as long as a control period, each longer than
    /// the one before by the same.
    pub horizon_s: f64,
    /// What is paid for.
    pub weights: MpcWeights,
    /// Greatest lateral error that is acted on, metres.
    pub lateral_error_max_m: f64,
    /// Greatest heading error that is acted on, rad.
    pub heading_error_max_rad: f64,
    /// The solver gives up after so many constraints taken up or dropped.
    pub solver_iterations_max: usize,
    /// A solution with a greater residual is not used.
    pub residual_max: f64,
}

impl Default for MpcConfig {
    fn default() -> Self {
        Self {
            horizon_s: 1.5,
            weights: MpcWeights::default(),
            lateral_error_max_m: 2.0,
            heading_error_max_rad: 0.8,
            solver_iterations_max: 120,
            residual_max: 1e-6,
        }
    }
}

/// Gains and limits. The defaults suit a passenger car in town.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ControllerConfig {
    /// Seconds between two steps.
    pub period_s: f64,
    /// From the ego state's instant of use to the command's arrival at the actuator, seconds.
    pub dead_time_s: f64,
    /// Which law steers.
    pub lateral_law: LateralLaw,
    /// Predictive steering.
    pub mpc: MpcConfig,
    /// Fall-back law: a lateral error decays over this many seconds of driving, ...
    pub lateral_time_s: f64,
    /// ... and over no less than this many metres.
    pub lateral_length_min_m: f64,
    /// Damping ratio of the lateral error's decay.
    pub lateral_damping: f64,
    /// Integral gain on the lateral error, as a share of the proportional gain per second.
    pub lateral_integral: f64,
    /// Greatest curvature that the integral may add, 1/m.
    pub lateral_integral_max: f64,
    /// Gain on the speed error, 1/s.
    pub speed_gain: f64,
    /// Gain on the position error along the path, 1/s².
    pub position_gain: f64,
    /// Integral gain on the speed error, 1/s².
    pub speed_integral: f64,
    /// Greatest acceleration that the integral may add, m/s².
    pub speed_integral_max: f64,
    /// Greatest position error along the path that is acted on, metres.
    pub position_error_max_m: f64,
    /// An older trajectory is not tracked, seconds.
    pub trajectory_age_max_s: f64,
    /// An older ego state is not used, seconds.
    pub ego_age_max_s: f64,
    /// Deceleration of a controlled stop, m/s², positive.
    pub stop_deceleration_mps2: f64,
    /// Deceleration commanded at standstill, m/s², positive.
    pub hold_deceleration_mps2: f64,
    /// Greatest change of the commanded acceleration away from emergencies, m/s³.
    pub jerk_max_mps3: f64,
}

impl Default for ControllerConfig {
    fn default() -> Self {
        Self {
            period_s: 0.01,
            dead_time_s: 0.01,
            lateral_law: LateralLaw::Predictive,
            mpc: MpcConfig::default(),
            lateral_time_s: 0.6,
            lateral_length_min_m: 3.0,
            lateral_damping: 0.9,
            lateral_integral: 0.35,
            lateral_integral_max: 0.01,
            speed_gain: 1.2,
            position_gain: 0.4,
            speed_integral: 0.1,
            speed_integral_max: 0.8,
            position_error_max_m: 1.5,
            trajectory_age_max_s: 0.5,
            ego_age_max_s: 0.2,
            stop_deceleration_mps2: 2.5,
            hold_deceleration_mps2: 0.6,
            jerk_max_mps3: 30.0,
        }
    }
}

impl ControllerConfig {
    /// Whether every value makes sense.
    ///
    /// # Errors
    /// [`ControlError::Config`] with the first field that is not finite and above zero.
    pub fn check(&self) -> Result<(), ControlError> {
        let fields = [
            ("period_s", self.period_s),
            ("mpc.horizon_s", self.mpc.horizon_s),
            ("mpc.lateral_error_max_m", self.mpc.lateral_error_max_m),
            ("mpc.heading_error_max_rad", self.mpc.heading_error_max_rad),
            ("mpc.residual_max", self.mpc.residual_max),
            ("mpc.weights.steering_rate", self.mpc.weights.steering_rate),
            ("lateral_time_s", self.lateral_time_s),
            ("lateral_length_min_m", self.lateral_length_min_m),
            ("lateral_damping", self.lateral_damping),
            ("speed_gain", self.speed_gain),
            ("trajectory_age_max_s", self.trajectory_age_max_s),
            ("ego_age_max_s", self.ego_age_max_s),
            ("stop_deceleration_mps2", self.stop_deceleration_mps2),
            ("hold_deceleration_mps2", self.hold_deceleration_mps2),
            ("jerk_max_mps3", self.jerk_max_mps3),
        ];
        let may_be_zero = [
            ("dead_time_s", self.dead_time_s),
            ("mpc.weights.lateral", self.mpc.weights.lateral),
            ("mpc.weights.lateral_rate", self.mpc.weights.lateral_rate),
            ("mpc.weights.yaw_rate", self.mpc.weights.yaw_rate),
            ("mpc.weights.jerk", self.mpc.weights.jerk),
            ("mpc.weights.terminal", self.mpc.weights.terminal),
            ("lateral_integral", self.lateral_integral),
            ("lateral_integral_max", self.lateral_integral_max),
            ("position_gain", self.position_gain),
            ("speed_integral", self.speed_integral),
            ("speed_integral_max", self.speed_integral_max),
            ("position_error_max_m", self.position_error_max_m),
        ];
        let bad = fields.iter().find(|(_, value)| !(value.is_finite() && *value > 0.0));
        let bad = bad.or_else(|| may_be_zero.iter().find(|(_, value)| !(value.is_finite() && *value >= 0.0)));
        match bad {
            Some(&(field, value)) => Err(ControlError::Config { field, value }),
            None => Ok(()),
        }
    }
}
