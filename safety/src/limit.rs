//! Cuts a wanted steering angle and acceleration down to the envelope. Magnitude first, then the rate, which always holds:
//! where a limit falls below what is already commanded (the car got faster), the command follows it at the allowed rate,
//! because a jump of the steering is worse than a moment above the limit.

use crate::config::{Envelope, VehicleLimits};

/// Below this speed lateral limits are those at this speed, m/s; the car's own steering binds there anyway.
const SPEED_LOWEST_MPS: f64 = 0.5;

/// The largest steering angle at a speed, rad: lateral acceleration v²·tan δ / L in a kinematic single-track model
/// (Rajamani, *Vehicle Dynamics and Control*, eq. 2.9 with small slip), and the steering's stop.
pub(crate) fn steering_angle_max(vehicle: &VehicleLimits, envelope: &Envelope, speed_mps: f64) -> f64 {
    let speed = speed_mps.abs().max(SPEED_LOWEST_MPS);
    let curvature_max = envelope.lateral_acceleration_mps2.at(speed) / (speed * speed);
    libm::atan(curvature_max * vehicle.wheelbase_m).min(vehicle.max_steering_angle_rad)
}

/// The steering angle that may be commanded after `last`, `seconds` later.
pub(crate) fn steering(
    vehicle: &VehicleLimits,
    envelope: &Envelope,
    speed_mps: f64,
    seconds: f64,
    last: f64,
    wanted: f64,
) -> f64 {
    let angle_max = steering_angle_max(vehicle, envelope, speed_mps);
    let target = wanted.clamp(-angle_max, angle_max);
    let speed = speed_mps.abs().max(SPEED_LOWEST_MPS);
    // Lateral jerk at constant speed is v²·dκ/dt with κ = tan δ / L.
    let tangent = libm::tan(last);
    let tangent_step = envelope.lateral_jerk_mps3.at(speed) / (speed * speed) * seconds * vehicle.wheelbase_m;
    let angle_step = vehicle.max_steering_rate_rad_s * seconds;
    let low = libm::atan(tangent - tangent_step).max(last - angle_step);
    let high = libm::atan(tangent + tangent_step).min(last + angle_step);
    // Rounding in atan(tan(last)) may put `last` a hair outside its own window.
    target.max(low.min(last)).min(high.max(last))
}

/// The acceleration that may be commanded after `last`, `seconds` later.
pub(crate) fn acceleration(envelope: &Envelope, speed_mps: f64, seconds: f64, last: f64, wanted: f64) -> f64 {
    let strongest_braking = -envelope.deceleration_mps2.at(speed_mps);
    let target = wanted.min(envelope.acceleration_mps2.at(speed_mps)).max(strongest_braking);
    let low = last - envelope.jerk_down_mps3.at(speed_mps) * seconds;
    let high = last + envelope.jerk_up_mps3.at(speed_mps) * seconds;
    target.max(low).min(high)
}
