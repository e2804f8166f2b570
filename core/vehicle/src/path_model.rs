//! Motion beside a path: the kinematic and the dynamic single-track model in path coordinates, with exact Jacobians.
//!
//! State of both: the distance of `base_link` to the left of the path, and the heading to the left of the path's. The
//! dynamic model adds the side speed of the centre of gravity, the yaw rate and the wheel angle (Rajamani, *Vehicle Dynamics
//! and Control*, 2012, sections 2.3 and 2.5), with tyres that saturate. Its wheel angle follows the command with a
//! first-order lag.
//!
//! Slip angles divide by the speed. Below [`SLOW_MPS`] that divisor is held and the centripetal and bank terms shrink with the
//! speed: the tyres then settle no faster than at that speed, but they settle where they would have (but for their bend under
//! load); the limit at walking pace is the kinematic model. At standstill nothing is divided by zero.

use crate::VehicleParameters;
use auriga_geometry::math::{atan, sin, sin_cos, tan};
use nalgebra::{SMatrix, SVector};

/// Metres to the left of the path.
pub const LATERAL: usize = 0;
/// Radians to the left of the path's direction.
pub const HEADING: usize = 1;
/// m/s to the left, of the centre of gravity.
pub const SIDE_SPEED: usize = 2;
/// rad/s.
pub const YAW_RATE: usize = 3;
/// Front wheel angle, rad.
pub const WHEEL: usize = 4;

/// State of the dynamic model: [`LATERAL`], [`HEADING`], [`SIDE_SPEED`], [`YAW_RATE`], [`WHEEL`].
pub type PathState = SVector<f64, 5>;
/// Derivative of the dynamic model's rates by its state.
pub type PathJacobian = SMatrix<f64, 5, 5>;

/// Slip angles are taken at no less than this speed, m/s.
pub const SLOW_MPS: f64 = 3.0;
const GRAVITY: f64 = 9.806_65;
/// A steady turn is asked of the tyres up to this share of their grip.
const GRIP_SHARE_MOST: f64 = 0.97;

/// Where on the path, and how fast.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Along {
    /// Speed of `base_link` along the heading, m/s, not negative.
    pub speed: f64,
    /// Of the path, 1/m, left positive.
    pub curvature: f64,
    /// Roll of the road, rad: positive where its left side is the higher one (the car is pulled to the right).
    pub bank: f64,
}

/// The kinematic single-track model beside a path: wheels roll where they point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KinematicTrack {
    /// Metres.
    pub wheelbase: f64,
}

impl KinematicTrack {
    /// Rates of lateral error (m/s) and heading error (rad/s) at a wheel angle (rad).
    #[must_use]
    pub fn derivative(&self, [lateral, heading]: [f64; 2], wheel: f64, at: &Along) -> [f64; 2] {
        let (sin, cos) = sin_cos(heading);
        let along = at.speed * cos / (1.0 - at.curvature * lateral);
        [at.speed * sin, at.speed * tan(wheel) / self.wheelbase - at.curvature * along]
    }

    /// Derivatives of the two rates by the two states (row by row), and by the wheel angle.
    #[must_use]
    pub fn jacobian(
        &self,
        [lateral, heading]: [f64; 2],
        wheel: f64,
        at: &Along,
    ) -> ([[f64; 2]; 2], [f64; 2]) {
        let (sin, cos) = sin_cos(heading);
        let stretch = 1.0 / (1.0 - at.curvature * lateral);
        let (v, k) = (at.speed, at.curvature);
        let turn = tan(wheel);
        (
            [[0.0, v * cos], [-k * k * v * cos * stretch * stretch, k * v * sin * stretch]],
            [0.0, v * (1.0 + turn * turn) / self.wheelbase],
        )
    }
}

/// The dynamic single-track model beside a path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SingleTrack {
    mass: f64,
    yaw_inertia: f64,
    to_front: f64,
    to_rear: f64,
    front: Tyre,
    rear: Tyre,
    lag: f64,
}

/// A pair of tyres: force C·α / √(1 + (C·α / F)²), linear at small slip, F at large slip.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Tyre {
    /// N/rad.
    stiffness: f64,
    /// N.
    most: f64,
}

impl Tyre {
    /// Force (N) at a slip angle, and its derivative (N/rad).
    fn force(&self, slip: f64) -> (f64, f64) {
        let share = self.stiffness * slip / self.most;
        let root = (1.0 + share * share).sqrt();
        (self.stiffness * slip / root, self.stiffness / (root * root * root))
    }

    /// The slip angle that makes a force; the force is bounded below the tyre's grip.
    fn slip(&self, force: f64) -> f64 {
        let share = (force / self.most).clamp(-GRIP_SHARE_MOST, GRIP_SHARE_MOST);
        share * self.most / (self.stiffness * (1.0 - share * share).sqrt())
    }
}

impl SingleTrack {
    /// The model of a car that passed [`VehicleParameters::check`].
    #[must_use]
    pub fn new(car: &VehicleParameters) -> Self {
        let to_rear = car.gravity_centre_m;
        let to_front = car.wheelbase_m - to_rear;
        let weight = car.friction * car.mass_kg * GRAVITY / car.wheelbase_m;
        Self {
            mass: car.mass_kg,
            yaw_inertia: car.yaw_inertia_kgm2,
            to_front,
            to_rear,
            front: Tyre { stiffness: car.front_stiffness_n_per_rad, most: weight * to_rear },
            rear: Tyre { stiffness: car.rear_stiffness_n_per_rad, most: weight * to_front },
            // Below a millisecond a lag is not told from none.
            lag: car.steering_lag_s.max(1e-3),
        }
    }

    /// Side speed of `base_link`, m/s to the left.
    #[must_use]
    pub fn rear_side_speed(&self, state: &PathState) -> f64 {
        state[SIDE_SPEED] - self.to_rear * state[YAW_RATE]
    }

    /// Slip angles of front and rear tyres, rad.
    fn slips(&self, x: &PathState, at: &Along) -> (f64, f64) {
        let divisor = at.speed.max(SLOW_MPS);
        let front = at.speed * tan(x[WHEEL]) - x[SIDE_SPEED] - self.to_front * x[YAW_RATE];
        let rear = self.to_rear * x[YAW_RATE] - x[SIDE_SPEED];
        (front / divisor, rear / divisor)
    }

    /// Rates of the state under a commanded wheel angle (rad).
    #[must_use]
    pub fn derivative(&self, x: &PathState, command: f64, at: &Along) -> PathState {
        let (sin_h, cos_h) = sin_cos(x[HEADING]);
        let side = self.rear_side_speed(x);
        let along = (at.speed * cos_h - side * sin_h) / (1.0 - at.curvature * x[LATERAL]);
        let (front_slip, rear_slip) = self.slips(x, at);
        let (front, rear) = (self.front.force(front_slip).0, self.rear.force(rear_slip).0);
        let fading = at.speed / at.speed.max(SLOW_MPS);
        PathState::new(
            at.speed * sin_h + side * cos_h,
            x[YAW_RATE] - at.curvature * along,
            (front + rear) / self.mass - fading * (at.speed * x[YAW_RATE] + GRAVITY * sin(at.bank)),
            (self.to_front * front - self.to_rear * rear) / self.yaw_inertia,
            (command - x[WHEEL]) / self.lag,
        )
    }

    /// Derivatives of the rates by the state, and by the commanded wheel angle.
    #[must_use]
    pub fn jacobian(&self, x: &PathState, at: &Along) -> (PathJacobian, PathState) {
        let (sin_h, cos_h) = sin_cos(x[HEADING]);
        let side = self.rear_side_speed(x);
        let (v, k) = (at.speed, at.curvature);
        let stretch = 1.0 / (1.0 - k * x[LATERAL]);
        let along = (v * cos_h - side * sin_h) * stretch;
        let (front_slip, rear_slip) = self.slips(x, at);
        let divisor = v.max(SLOW_MPS);
        let (cf, cr) = (self.front.force(front_slip).1 / divisor, self.rear.force(rear_slip).1 / divisor);
        let (a, b, m, i) = (self.to_front, self.to_rear, self.mass, self.yaw_inertia);
        let turn = tan(x[WHEEL]);
        let by_wheel = v * (1.0 + turn * turn) * cf;
        let mut j = PathJacobian::zeros();
        j[(LATERAL, HEADING)] = v * cos_h - side * sin_h;
        j[(LATERAL, SIDE_SPEED)] = cos_h;
        j[(LATERAL, YAW_RATE)] = -b * cos_h;
        j[(HEADING, LATERAL)] = -k * k * along * stretch;
        j[(HEADING, HEADING)] = k * stretch * (v * sin_h + side * cos_h);
        j[(HEADING, SIDE_SPEED)] = k * stretch * sin_h;
        j[(HEADING, YAW_RATE)] = 1.0 - k * stretch * b * sin_h;
        j[(SIDE_SPEED, SIDE_SPEED)] = -(cf + cr) / m;
        j[(SIDE_SPEED, YAW_RATE)] = (b * cr - a * cf) / m - v * v / divisor;
        j[(SIDE_SPEED, WHEEL)] = by_wheel / m;
        j[(YAW_RATE, SIDE_SPEED)] = (b * cr - a * cf) / i;
        j[(YAW_RATE, YAW_RATE)] = -(a * a * cf + b * b * cr) / i;
        j[(YAW_RATE, WHEEL)] = a * by_wheel / i;
        j[(WHEEL, WHEEL)] = -1.0 / self.lag;
        (j, PathState::new(0.0, 0.0, 0.0, 0.0, 1.0 / self.lag))
    }

    /// The state in which the car follows a path of constant curvature: `base_link` on it, moving along it. The wheel angle
    /// is also the command that keeps it there.
    #[must_use]
    pub fn steady_turn(&self, at: &Along) -> PathState {
        let v = at.speed;
        let wheelbase = self.to_front + self.to_rear;
        // What the tyres have to bring: the turn, and what holds the car on a banked road.
        let pull = self.mass * (v * v * at.curvature + GRAVITY * sin(at.bank)) / wheelbase;
        let front_slip = self.front.slip(pull * self.to_rear);
        let rear_slip = self.rear.slip(pull * self.to_front);
        let yaw_rate = v * at.curvature;
        let wheel = atan(wheelbase * at.curvature + front_slip - rear_slip);
        PathState::new(0.0, atan(rear_slip), self.to_rear * yaw_rate - v * rear_slip, yaw_rate, wheel)
    }
}
