//! What no sensor says: side speed, and by how much the believed model is wrong.
//!
//! A Kalman filter around the single-track model. Beside side speed, yaw rate and wheel angle it carries two slowly wandering
//! errors: a *steering offset* (the wheel angle that would explain the yaw rate seen; wind, bank, wrong stiffness and a bent
//! tie rod all end up here) and a *slip offset* (the angle between where the model says that `base_link` goes and where it
//! goes). With both the controller's prediction has no steady error, so neither has its tracking (Pannocchia and Rawlings,
//! "Disturbance models for offset-free model-predictive control", AIChE Journal 49, 2003).

use crate::mpc::Discrete;
use auriga_geometry::math::sin_cos;
use auriga_geometry::{Pose2, Vec2};
use auriga_vehicle::path_model::{Along, PathState, SIDE_SPEED, SingleTrack, WHEEL, YAW_RATE};
use nalgebra::{SMatrix, SVector};

const SIDE: usize = 0;
const RATE: usize = 1;
const ANGLE: usize = 2;
const OFFSET: usize = 3;
const SLIP: usize = 4;
const PLACE: usize = 5;
type State = SVector<f64, 6>;
type Covariance = SMatrix<f64, 6, 6>;

/// Growth of the variances, per second: side speed, yaw rate, wheel angle, steering offset, slip offset, place.
const GROWTH: [f64; 6] = [0.1, 0.05, 1e-3, 1e-3, 1e-3, 1e-4];
/// Variances of a measured yaw rate, wheel angle and place.
const RATE_VARIANCE: f64 = 1e-5;
const ANGLE_VARIANCE: f64 = 4e-6;
const PLACE_VARIANCE: f64 = 4e-4;
/// Greater errors are not believed, rad.
const OFFSET_MOST: f64 = 0.1;
const SLIP_MOST: f64 = 0.08;
/// Below this speed the errors are not told from noise, m/s.
const SEEN_ABOVE_MPS: f64 = 2.0;
/// A place farther off is a jump of the localization, metres.
const JUMP_M: f64 = 0.5;

/// What is measured at one tick.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measurement {
    /// `base_link` in the map.
    pub pose: Pose2,
    /// Forwards, m/s.
    pub speed: f64,
    /// rad/s.
    pub yaw_rate: f64,
    /// Front wheel angle, rad.
    pub wheel: Option<f64>,
}

/// The filter.
#[derive(Clone, Debug)]
pub(crate) struct Observer {
    model: SingleTrack,
    state: State,
    covariance: Covariance,
    /// The estimated place, and the yaw measured there.
    place: Option<Pose2>,
}

impl Observer {
    pub fn new(model: SingleTrack) -> Self {
        let mut observer =
            Self { model, state: State::zeros(), covariance: Covariance::zeros(), place: None };
        observer.reset();
        observer
    }

    /// Forgets all that it has learnt.
    pub fn reset(&mut self) {
        self.state = State::zeros();
        self.covariance = Covariance::from_diagonal(&State::new(0.1, 0.1, 0.01, 1e-5, 1e-5, 1e-3));
        self.place = None;
    }

    /// Takes in one tick: `command` was at work for the `dt` seconds before it, on a road with this bank.
    pub fn step(&mut self, measured: &Measurement, command: f64, bank: f64, dt: f64) {
        let place =
            self.place.filter(|place| place.distance(&measured.pose) < JUMP_M + 2.0 * measured.speed * dt);
        let Some(place) = place else {
            self.reset();
            self.state[RATE] = measured.yaw_rate;
            self.state[ANGLE] = measured.wheel.unwrap_or(command);
            self.place = Some(measured.pose);
            return;
        };
        let (sin, cos) = sin_cos(measured.pose.yaw);
        let place = self.predict(measured, command, bank, dt, &place);
        self.correct(RATE, measured.yaw_rate, RATE_VARIANCE);
        if let Some(wheel) = measured.wheel {
            self.correct(ANGLE, wheel, ANGLE_VARIANCE);
        }
        let off = measured.pose.position() - place;
        self.state[PLACE] = 0.0;
        self.correct(PLACE, off.y * cos - off.x * sin, PLACE_VARIANCE);
        // Along the car the measurement is taken as it is.
        let along = off.x * cos + off.y * sin;
        let left = self.state[PLACE];
        self.place = Some(Pose2::new(
            place.x + along * cos - left * sin,
            place.y + along * sin + left * cos,
            measured.pose.yaw,
        ));
        self.state[OFFSET] = self.state[OFFSET].clamp(-OFFSET_MOST, OFFSET_MOST);
        self.state[SLIP] = self.state[SLIP].clamp(-SLIP_MOST, SLIP_MOST);
    }

    /// Carries state and covariance over one tick; returns where `base_link` should be then.
    fn predict(&mut self, measured: &Measurement, command: f64, bank: f64, dt: f64, from: &Pose2) -> Vec2 {
        let x = self.tyres_state();
        let at = Along { speed: measured.speed, curvature: 0.0, bank };
        let (a, b) = self.model.jacobian(&x, &at);
        let drift = self.model.derivative(&x, 0.0, &at) - a * x;
        let held = Discrete::hold(&a, &b, &drift, dt);
        let next = held.state * x + held.input * (command + self.state[OFFSET]) + held.drift;
        let side = 0.5 * (self.model.rear_side_speed(&x) + self.model.rear_side_speed(&next))
            + measured.speed * self.state[SLIP];

        let mut f = Covariance::identity();
        let rows = [(SIDE, SIDE_SPEED), (RATE, YAW_RATE), (ANGLE, WHEEL)];
        for (to, row) in rows {
            for (of, column) in rows {
                f[(to, of)] = held.state[(row, column)];
            }
            f[(to, OFFSET)] = if to == ANGLE { 0.0 } else { held.state[(row, WHEEL)] + held.input[row] };
        }
        let probe = |i| {
            let mut unit = PathState::zeros();
            unit[i] = 1.0;
            self.model.rear_side_speed(&unit)
        };
        f[(PLACE, SIDE)] = dt * probe(SIDE_SPEED);
        f[(PLACE, RATE)] = dt * probe(YAW_RATE);
        f[(PLACE, SLIP)] = dt * measured.speed;
        self.covariance = f * self.covariance * f.transpose();
        for (i, growth) in GROWTH.iter().enumerate() {
            if measured.speed > SEEN_ABOVE_MPS || (i != OFFSET && i != SLIP) {
                self.covariance[(i, i)] += growth * dt;
            }
        }
        let offset = self.state[OFFSET];
        self.state[SIDE] = next[SIDE_SPEED];
        self.state[RATE] = next[YAW_RATE];
        self.state[ANGLE] = next[WHEEL] - offset;
        let (sin, cos) = sin_cos(0.5 * (from.yaw + measured.pose.yaw));
        // Across ±π the mean points backwards; the difference is below any bound of interest otherwise.
        let (sin, cos) =
            if (from.yaw - measured.pose.yaw).abs() > 1.0 { sin_cos(measured.pose.yaw) } else { (sin, cos) };
        let forward = measured.speed * dt;
        Vec2::new(from.x + forward * cos - side * dt * sin, from.y + forward * sin + side * dt * cos)
    }

    /// One scalar measurement of state `i`.
    fn correct(&mut self, i: usize, measured: f64, variance: f64) {
        let column: State = self.covariance.column(i).into_owned();
        let gain = column / (column[i] + variance);
        self.state += gain * (measured - self.state[i]);
        self.covariance -= gain * column.transpose();
    }

    /// The model's state as the tyres see it: the steering offset counts as turned wheel. Lateral and heading error are zero.
    pub fn tyres_state(&self) -> PathState {
        let s = &self.state;
        PathState::new(0.0, 0.0, s[SIDE], s[RATE], s[ANGLE] + s[OFFSET])
    }

    /// The steering offset, rad.
    pub fn steering_offset(&self) -> f64 {
        self.state[OFFSET]
    }

    /// The slip offset, rad to the left.
    pub fn slip_offset(&self) -> f64 {
        self.state[SLIP]
    }

    /// How far to the left of the measured place the estimated one is, metres.
    pub fn place_correction(&self, pose: &Pose2) -> f64 {
        self.place.map_or(0.0, |place| pose.to_local(place.position()).y)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auriga_geometry::math::wrap_angle;
    use auriga_vehicle::VehicleParameters;
    use proptest::prelude::*;

    proptest! {
        /// A car whose wheels stand off by `offset` and that drifts by `slip`, otherwise as the model says.
        #[test]
        fn a_steering_and_a_slip_offset_are_found(offset in -0.02..0.02_f64, slip in -0.02..0.02_f64, speed in 8.0..35.0_f64) {
            let model = SingleTrack::new(&VehicleParameters::default());
            let mut observer = Observer::new(model);
            let (mut x, mut pose) = (PathState::zeros(), Pose2::default());
            let at = Along { speed, curvature: 0.0, bank: 0.0 };
            for tick in 0..1500 {
                let command = 0.01 * auriga_geometry::math::sin(0.01 * f64::from(tick));
                for _ in 0..10 {
                    x += model.derivative(&x, command + offset, &at) * 1e-3;
                    let (sin, cos) = sin_cos(pose.yaw);
                    let left = model.rear_side_speed(&x) + speed * slip;
                    pose.x += (speed * cos - left * sin) * 1e-3;
                    pose.y += (speed * sin + left * cos) * 1e-3;
                    pose.yaw = wrap_angle(pose.yaw + x[YAW_RATE] * 1e-3);
                }
                let measured = Measurement { pose, speed, yaw_rate: x[YAW_RATE], wheel: Some(x[WHEEL] - offset) };
                observer.step(&measured, command, 0.0, 0.01);
            }
            prop_assert!((observer.steering_offset() - offset).abs() < 0.002, "{} {offset}", observer.steering_offset());
            prop_assert!((observer.slip_offset() - slip).abs() < 0.003, "{} {slip}", observer.slip_offset());
            prop_assert!((observer.tyres_state()[SIDE_SPEED] - x[SIDE_SPEED]).abs() < 0.1);
        }
    }

    #[test]
    fn a_jump_of_the_localization_starts_it_anew() {
        let mut observer = Observer::new(SingleTrack::new(&VehicleParameters::default()));
        let at = |x: f64, y: f64| Measurement {
            pose: Pose2::new(x, y, 0.0),
            speed: 10.0,
            yaw_rate: 0.1,
            wheel: None,
        };
        for tick in 0..50 {
            observer.step(&at(0.1 * f64::from(tick), 0.0), 0.0, 0.0, 0.01);
        }
        assert!(observer.steering_offset() != 0.0);
        observer.step(&at(5.0, 3.0), 0.0, 0.0, 0.01);
        assert_eq!(
            (observer.steering_offset(), observer.place_correction(&Pose2::new(5.0, 3.0, 0.0))),
            (0.0, 0.0)
        );
    }
}
