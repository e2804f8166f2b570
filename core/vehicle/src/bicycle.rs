//! The kinematic bicycle: wheels roll where they point. True at low lateral acceleration.

use crate::VehicleParameters;
use auriga_geometry::Pose2;
use auriga_geometry::math::{cos, sin, sin_cos, wrap_angle};

/// The pose after rolling `distance` metres along an arc of constant `curvature` (1/m, left positive).
///
/// Exact: the chord of an arc of length `l` and turn `θ` is `l · sin(θ/2)/(θ/2)`, at half the turn.
#[must_use]
pub fn roll_along_arc(pose: &Pose2, distance: f64, curvature: f64) -> Pose2 {
    let half_turn = 0.5 * curvature * distance;
    // Below this the next term of the series, θ⁴/120, is under the last bit.
    let shrink =
        if half_turn.abs() < 1e-4 { 1.0 - half_turn * half_turn / 6.0 } else { sin(half_turn) / half_turn };
    let (sin_mid, cos_mid) = sin_cos(pose.yaw + half_turn);
    let chord = distance * shrink;
    Pose2::new(pose.x + chord * cos_mid, pose.y + chord * sin_mid, wrap_angle(pose.yaw + 2.0 * half_turn))
}

/// A car as a kinematic bicycle: pose of `base_link` and speed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct KinematicBicycle {
    /// Pose of `base_link` in the map.
    pub pose: Pose2,
    /// m/s along the heading, not negative.
    pub speed_mps: f64,
}

impl KinematicBicycle {
    /// The state `dt` seconds on, under a constant wheel angle (rad) and acceleration (m/s²); it stops at standstill and does
    /// not roll back.
    #[must_use]
    pub fn step(
        &self,
        parameters: &VehicleParameters,
        steering_angle_rad: f64,
        acceleration_mps2: f64,
        dt: f64,
    ) -> Self {
        let end_speed = self.speed_mps + acceleration_mps2 * dt;
        let (distance, speed_mps) = if end_speed >= 0.0 {
            (0.5 * (self.speed_mps + end_speed) * dt, end_speed)
        } else {
            // v²/2a: it stands before the step is over.
            (0.5 * self.speed_mps * self.speed_mps / -acceleration_mps2, 0.0)
        };
        let pose = roll_along_arc(&self.pose, distance, parameters.curvature(steering_angle_rad));
        Self { pose, speed_mps }
    }

    /// Yaw rate at a wheel angle, rad/s.
    #[must_use]
    pub fn yaw_rate(&self, parameters: &VehicleParameters, steering_angle_rad: f64) -> f64 {
        self.speed_mps * parameters.curvature(steering_angle_rad)
    }

    /// Pose of the front axle's centre in the map.
    #[must_use]
    pub fn front_axle(&self, parameters: &VehicleParameters) -> Pose2 {
        let reach = parameters.wheelbase_m;
        Pose2::new(
            self.pose.x + reach * cos(self.pose.yaw),
            self.pose.y + reach * sin(self.pose.yaw),
            self.pose.yaw,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auriga_geometry::math::{PI, TAU};
    use proptest::prelude::*;

    #[test]
    fn a_full_circle_ends_where_it_began() {
        let start = Pose2::new(3.0, -2.0, 0.7);
        let radius = 12.5;
        let quarter = roll_along_arc(&start, radius * PI / 2.0, 1.0 / radius);
        assert!((start.distance(&quarter) - radius * 2.0_f64.sqrt()).abs() < 1e-9);
        let full = roll_along_arc(&start, radius * TAU, 1.0 / radius);
        assert!(start.distance(&full) < 1e-9 && wrap_angle(full.yaw - start.yaw).abs() < 1e-9);
    }

    #[test]
    fn braking_ends_at_the_closed_forms_distance() {
        let car = VehicleParameters::default();
        let mut state = KinematicBicycle { pose: Pose2::default(), speed_mps: 10.0 };
        for _ in 0..400 {
            state = state.step(&car, 0.0, -3.0, 0.01);
        }
        assert_eq!(state.speed_mps, 0.0);
        assert!((state.pose.x - 100.0 / 6.0).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn two_arcs_in_a_row_are_one(a in 0.0..20.0, b in 0.0..20.0, curvature in -0.2..0.2, yaw in -3.0..3.0) {
            let start = Pose2::new(1.0, 2.0, yaw);
            let twice = roll_along_arc(&roll_along_arc(&start, a, curvature), b, curvature);
            let once = roll_along_arc(&start, a + b, curvature);
            prop_assert!(twice.distance(&once) < 1e-8);
        }

        #[test]
        fn steps_follow_the_circle_of_the_wheel_angle(angle in 0.02..0.55, speed in 0.5..15.0) {
            let car = VehicleParameters::default();
            let radius = 1.0 / car.curvature(angle);
            let mut state = KinematicBicycle { pose: Pose2::default(), speed_mps: speed };
            for _ in 0..200 {
                state = state.step(&car, angle, 0.0, 0.01);
            }
            // The turning centre lies at (0, radius).
            let from_center = Pose2::new(0.0, radius, 0.0).distance(&state.pose);
            prop_assert!((from_center - radius).abs() < 1e-8 * radius.max(1.0));
            prop_assert!((wrap_angle(state.pose.yaw - speed * 2.0 / radius)).abs() < 1e-9);
        }
    }
}
