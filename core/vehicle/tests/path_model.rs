//! The models beside a path: their Jacobians against finite differences, their limits against closed forms.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use auriga_geometry::math::tan;
use auriga_vehicle::path_model::{
    Along, HEADING, KinematicTrack, LATERAL, PathState, SIDE_SPEED, SLOW_MPS, SingleTrack, WHEEL, YAW_RATE,
};
use auriga_vehicle::{VehicleParameters, roll_along_arc};
use proptest::prelude::*;

fn model() -> SingleTrack {
    SingleTrack::new(&VehicleParameters::default())
}

fn along() -> impl Strategy<Value = Along> {
    (0.0..40.0, -0.1..0.1, -0.1..0.1).prop_map(|(speed, curvature, bank)| Along { speed, curvature, bank })
}

fn state() -> impl Strategy<Value = PathState> {
    (-2.0..2.0, -0.5..0.5, -2.0..2.0, -0.8..0.8, -0.55..0.55)
        .prop_map(|(e, heading, side, rate, wheel)| PathState::new(e, heading, side, rate, wheel))
}

proptest! {
    #[test]
    fn the_dynamic_jacobian_is_the_derivative(x in state(), command in -0.6..0.6, at in along()) {
        let (by_state, by_command) = model().jacobian(&x, &at);
        let h = 1e-5;
        for j in 0..5 {
            let mut step = PathState::zeros();
            step[j] = h;
            let (up, down) = (model().derivative(&(x + step), command, &at), model().derivative(&(x - step), command, &at));
            for i in 0..5 {
                let numeric = (up[i] - down[i]) / (2.0 * h);
                let exact = by_state[(i, j)];
                prop_assert!((numeric - exact).abs() < 1e-4 * exact.abs().max(1.0), "({i}, {j}): {exact} {numeric}");
            }
        }
        let (up, down) = (model().derivative(&x, command + h, &at), model().derivative(&x, command - h, &at));
        for i in 0..5 {
            let numeric = (up[i] - down[i]) / (2.0 * h);
            prop_assert!((numeric - by_command[i]).abs() < 1e-5, "{i}: {} {numeric}", by_command[i]);
        }
    }

    #[test]
    fn the_kinematic_jacobian_is_the_derivative(e in -2.0..2.0, heading in -0.5..0.5, wheel in -0.55..0.55, at in along()) {
        let model = KinematicTrack { wheelbase: 2.8 };
        let ([row0, row1], by_wheel) = model.jacobian([e, heading], wheel, &at);
        let h = 1e-6;
        let columns = [
            (model.derivative([e + h, heading], wheel, &at), model.derivative([e - h, heading], wheel, &at), [row0[0], row1[0]]),
            (model.derivative([e, heading + h], wheel, &at), model.derivative([e, heading - h], wheel, &at), [row0[1], row1[1]]),
            (model.derivative([e, heading], wheel + h, &at), model.derivative([e, heading], wheel - h, &at), by_wheel),
        ];
        for (up, down, exact) in columns {
            for i in 0..2 {
                let numeric = (up[i] - down[i]) / (2.0 * h);
                prop_assert!((numeric - exact[i]).abs() < 1e-5 * exact[i].abs().max(1.0), "{} {numeric}", exact[i]);
            }
        }
    }

    #[test]
    fn in_a_steady_turn_nothing_changes(speed in 0.0..40.0_f64, acceleration in -6.0..6.0_f64, bank in -0.05..0.05) {
        let curvature = (acceleration / (speed * speed + 1e-9)).clamp(-0.15, 0.15);
        let at = Along { speed, curvature, bank: if speed > 3.0 { bank } else { 0.0 } };
        let steady = model().steady_turn(&at);
        let rates = model().derivative(&steady, steady[WHEEL], &at);
        prop_assert!(rates[LATERAL].abs() < 1e-9 && rates[WHEEL].abs() < 1e-9);
        // The path's own direction turns a little faster than the car's yaw where the nose points into the curve.
        prop_assert!(rates[HEADING].abs() < 0.01 * (speed * curvature).abs() + 1e-9, "{rates}");
        // Below SLOW_MPS the tyres' bend is met at another slip.
        let near = if speed < SLOW_MPS { 0.05 } else { 1e-6 };
        prop_assert!(rates[SIDE_SPEED].abs() < near && rates[YAW_RATE].abs() < near, "{rates}");
    }

    /// Slowly driven, the dynamic model settles where the kinematic one is: v tan δ / L of yaw rate, no slip at the rear axle.
    #[test]
    fn at_walking_pace_the_tyres_settle_where_the_wheels_point(speed in 0.0..0.5, wheel in -0.5..0.5) {
        let car = VehicleParameters::default();
        let at = Along { speed, curvature: 0.0, bank: 0.0 };
        let mut x = PathState::new(0.0, 0.0, 0.3, -0.2, wheel);
        for _ in 0..2000 {
            let rates = model().derivative(&x, wheel, &at);
            x[SIDE_SPEED] += 1e-3 * rates[SIDE_SPEED];
            x[YAW_RATE] += 1e-3 * rates[YAW_RATE];
        }
        prop_assert!(rates_match(x[YAW_RATE], speed * tan(wheel) / car.wheelbase_m, 5e-3));
        prop_assert!(model().rear_side_speed(&x).abs() < 2e-3);
    }

    /// Beside a straight path the kinematic model is the arc that the bicycle rolls along.
    #[test]
    fn the_kinematic_track_rolls_along_the_arc(speed in 1.0..15.0, wheel in -0.4..0.4, e in -1.0..1.0) {
        let car = VehicleParameters::default();
        let model = KinematicTrack { wheelbase: car.wheelbase_m };
        let at = Along { speed, curvature: 0.0, bank: 0.0 };
        let mut x = [e, 0.0];
        let n = 2000;
        let dt = 0.5 / f64::from(n);
        for _ in 0..n {
            // Midpoint rule.
            let a = model.derivative(x, wheel, &at);
            let b = model.derivative([x[0] + 0.5 * dt * a[0], x[1] + 0.5 * dt * a[1]], wheel, &at);
            x = [x[0] + dt * b[0], x[1] + dt * b[1]];
        }
        let end = roll_along_arc(&auriga_geometry::Pose2::new(0.0, e, 0.0), 0.5 * speed, car.curvature(wheel));
        prop_assert!((x[0] - end.y).abs() < 1e-4, "{} {}", x[0], end.y);
    }
}

fn rates_match(a: f64, b: f64, share: f64) -> bool {
    (a - b).abs() <= share * b.abs() + 1e-4
}

#[test]
fn gradients_are_those_of_the_steady_turn() {
    let car = VehicleParameters::default();
    let model = SingleTrack::new(&car);
    let at = |curvature| Along { speed: 20.0, curvature, bank: 0.0 };
    let a = 0.05;
    let turn = model.steady_turn(&at(a / 400.0));
    let extra = turn[WHEEL] - car.steering_angle(a / 400.0);
    assert!(rates_match(extra / a, car.understeer_gradient(), 1e-3), "{}", extra / a);
    assert!(rates_match(turn[HEADING] / a, car.rear_slip_gradient(), 1e-3), "{}", turn[HEADING] / a);
    // The sedan: mildly understeering.
    assert!((car.understeer_gradient() - 0.000_893).abs() < 1e-6);
    assert!((car.rear_slip_gradient() - 0.004_821).abs() < 1e-6);
}

#[test]
fn on_a_banked_road_the_wheels_are_turned_uphill() {
    let at = Along { speed: 20.0, curvature: 0.0, bank: 0.05 };
    let turn = model().steady_turn(&at);
    let rates = model().derivative(&turn, turn[WHEEL], &at);
    assert!(turn[WHEEL] > 0.0 && turn[HEADING] > 0.0 && rates.norm() < 1e-9, "{turn} {rates}");
}
