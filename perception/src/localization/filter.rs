//! The extended Kalman filter: position, heading, speed, gyro bias, wheel scale.
//!
//! The gyro's rate drives the heading, the measured acceleration the speed; the wheels measure the speed, the satellites the antenna's position. Late
//! measurements are compared with the pose at their own instant, taken from a short history, and applied to the present
//! through the way driven since.

use auriga_geometry::math::{sin_cos, wrap_angle};
use auriga_geometry::{LogicalTime, Pose2, Vec2};
use nalgebra::{Matrix2, SMatrix, SVector};
use std::collections::VecDeque;

pub(super) type State = SVector<f64, 6>;
pub(super) type Covariance = SMatrix<f64, 6, 6>;

/// Indices into the state.
pub(super) const X: usize = 0;
pub(super) const Y: usize = 1;
pub(super) const YAW: usize = 2;
pub(super) const SPEED: usize = 3;
pub(super) const BIAS: usize = 4;
pub(super) const SCALE: usize = 5;

/// Noise densities and deviations of the sensors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Noise {
    /// Gyro, rad/s a sample.
    pub gyro: f64,
    /// Drift of the gyro's bias, rad/s a square root of a second.
    pub gyro_drift: f64,
    /// Acceleration that the inertial sensor does not show (bias, slopes), m/s².
    pub acceleration: f64,
    /// Wheel speed, m/s.
    pub wheel: f64,
    /// Drift of the wheel scale a square root of a second.
    pub scale_drift: f64,
    /// Sideways slip and unevenness, m a square root of a second.
    pub slip: f64,
}

/// Poses kept for late measurements: 1.5 s at 100 Hz.
const KEPT: usize = 150;

#[derive(Clone, Debug)]
pub(super) struct Filter {
    pub state: State,
    pub covariance: Covariance,
    pub time: LogicalTime,
    /// Yaw rate of the last prediction, bias taken out, rad/s.
    pub yaw_rate: f64,
    /// Whether the wheels stood when they were last heard of.
    stands: bool,
    noise: Noise,
    history: VecDeque<(LogicalTime, Pose2)>,
}

/// A measured position of the antenna.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fix {
    pub time: LogicalTime,
    pub position: Vec2,
    pub covariance: Matrix2<f64>,
    /// The antenna in `base_link`.
    pub lever_arm: Vec2,
}

impl Filter {
    pub fn new(time: LogicalTime, pose: &Pose2, sigma: (f64, f64), bias_sigma: f64, noise: Noise) -> Self {
        let mut state = State::zeros();
        (state[X], state[Y], state[YAW]) = (pose.x, pose.y, pose.yaw);
        let deviations = State::from([sigma.0, sigma.0, sigma.1, 1.0, bias_sigma, 0.02]);
        Self {
            state,
            covariance: Covariance::from_diagonal(&deviations.component_mul(&deviations)),
            time,
            yaw_rate: 0.0,
            stands: false,
            noise,
            history: VecDeque::from([(time, *pose)]),
        }
    }

    pub fn pose(&self) -> Pose2 {
        Pose2::new(self.state[X], self.state[Y], self.state[YAW])
    }

    /// Carries the state on to `time` with the gyro's rate and the measured acceleration ahead.
    pub fn predict(&mut self, time: LogicalTime, rate: f64, acceleration: f64) {
        let dt = time.since(self.time).as_secs_f64();
        if dt <= 0.0 {
            return;
        }
        self.time = time;
        // A car whose wheels stand does not turn, whatever the gyro says.
        self.yaw_rate = if self.stands { 0.0 } else { rate - self.state[BIAS] };
        let turn = self.yaw_rate * dt;
        let speed = self.state[SPEED] + acceleration * dt / 2.0;
        self.state[SPEED] += acceleration * dt;
        let (sin, cos) = sin_cos(self.state[YAW] + turn / 2.0);
        self.state[X] += speed * cos * dt;
        self.state[Y] += speed * sin * dt;
        self.state[YAW] = wrap_angle(self.state[YAW] + turn);
        let mut f = Covariance::identity();
        f[(X, YAW)] = -speed * sin * dt;
        f[(Y, YAW)] = speed * cos * dt;
        f[(X, SPEED)] = cos * dt;
        f[(Y, SPEED)] = sin * dt;
        f[(YAW, BIAS)] = if self.stands { 0.0 } else { -dt };
        let n = &self.noise;
        let slip = n.slip * n.slip * dt * (speed.abs() / 5.0).min(1.0);
        let q = State::from([
            slip,
            slip,
            if self.stands { 0.0 } else { n.gyro * n.gyro * dt * dt },
            n.acceleration * n.acceleration * dt * dt,
            n.gyro_drift * n.gyro_drift * dt,
            n.scale_drift * n.scale_drift * dt,
        ]);
        self.covariance = f * self.covariance * f.transpose() + Covariance::from_diagonal(&q);
        if self.history.len() == KEPT {
            self.history.pop_front();
        }
        self.history.push_back((time, self.pose()));
    }

    /// Takes in the wheels' speed: speed times (1 + scale). While the wheels stand, the gyro shows its bias.
    pub fn measure_wheels(&mut self, wheel_speed: f64, rate: f64) {
        let mut h = SMatrix::<f64, 1, 6>::zeros();
        h[SPEED] = 1.0 + self.state[SCALE];
        h[SCALE] = self.state[SPEED];
        let expected = self.state[SPEED] * (1.0 + self.state[SCALE]);
        self.correct_one(&h, wheel_speed - expected, self.noise.wheel * self.noise.wheel);
        self.stands = wheel_speed.abs() < 3.0 * self.noise.wheel && self.state[SPEED].abs() < 0.1;
        if self.stands {
            let mut h = SMatrix::<f64, 1, 6>::zeros();
            h[BIAS] = 1.0;
            self.correct_one(&h, rate - self.state[BIAS], self.noise.gyro * self.noise.gyro * 4.0);
        }
    }

    /// Squared Mahalanobis distance of a fix, and the correction it would make; `None` where it is older than the history.
    pub fn judge(&self, fix: &Fix) -> Option<(f64, Innovation)> {
        let then = self.pose_at(fix.time)?;
        let innovation = fix.position - then.to_parent(fix.lever_arm);
        let mut h = SMatrix::<f64, 2, 6>::zeros();
        let arm = then.to_parent(fix.lever_arm) - then.position();
        let driven = self.pose().position() - then.position();
        let dt = self.time.since(fix.time).as_secs_f64();
        let (sin, cos) = sin_cos(then.yaw);
        (h[(0, X)], h[(1, Y)]) = (1.0, 1.0);
        // Turning the heading turns the arm about the car then, and the way driven since about the car now.
        (h[(0, YAW)], h[(1, YAW)]) = (-arm.y + driven.y, arm.x - driven.x);
        (h[(0, SPEED)], h[(1, SPEED)]) = (-cos * dt, -sin * dt);
        let s = h * self.covariance * h.transpose() + fix.covariance;
        let inverse = s.try_inverse()?;
        let distance = innovation.dot(&(inverse * innovation));
        Some((distance, Innovation { h, innovation, inverse, noise: fix.covariance }))
    }

    /// Takes in a fix.
    ///
    /// While the wheels stand it says nothing of heading and biases: the antenna does not move, so what moves is the slow
    /// error of the fixes, which the filter takes for white (a consider update: Schmidt, "Application of state-space methods
    /// to navigation problems", 1966).
    pub fn apply(&mut self, i: &Innovation) {
        let mut gain = self.covariance * i.h.transpose() * i.inverse;
        if self.stands {
            [YAW, BIAS, SCALE].into_iter().for_each(|k| gain.row_mut(k).fill(0.0));
        }
        let rest = Covariance::identity() - gain * i.h;
        self.covariance = rest * self.covariance * rest.transpose() + gain * i.noise * gain.transpose();
        self.shift(gain * i.innovation);
    }

    /// Lets the position be uncertain again (after measurements that were refused for too long).
    pub fn doubt(&mut self, position_sigma: f64, yaw_sigma: f64) {
        for (k, sigma) in [(X, position_sigma), (Y, position_sigma), (YAW, yaw_sigma)] {
            self.covariance[(k, k)] += sigma * sigma;
        }
    }

    fn correct_one(&mut self, h: &SMatrix<f64, 1, 6>, innovation: f64, noise: f64) {
        let s = (h * self.covariance * h.transpose())[0] + noise;
        let gain = self.covariance * h.transpose() / s;
        let rest = Covariance::identity() - gain * h;
        self.covariance = rest * self.covariance * rest.transpose() + gain * noise * gain.transpose();
        self.shift(gain * innovation);
    }

    /// Corrects the state, and the history with it: the next late measurement must not bring the same correction again.
    fn shift(&mut self, by: State) {
        let before = self.pose();
        self.state += by;
        self.state[YAW] = wrap_angle(self.state[YAW]);
        let after = self.pose();
        let moved = by[X] != 0.0 || by[Y] != 0.0 || by[YAW] != 0.0;
        if moved {
            for (_, pose) in &mut self.history {
                *pose = after.compose(&before.relative(pose));
            }
        }
    }

    fn pose_at(&self, time: LogicalTime) -> Option<Pose2> {
        let (first, last) = (self.history.front()?, self.history.back()?);
        if time < first.0 {
            return None;
        }
        if time >= last.0 {
            let dt = time.since(last.0).as_secs_f64().min(0.2);
            return Some(last.1.compose(&Pose2::new(self.state[SPEED] * dt, 0.0, self.yaw_rate * dt)));
        }
        let k = self.history.partition_point(|h| h.0 <= time).max(1);
        let (a, b) = (&self.history[k - 1], &self.history[k]);
        let span = b.0.since(a.0).as_secs_f64();
        Some(a.1.interpolate(&b.1, time.since(a.0).as_secs_f64() / span))
    }
}

/// A fix seen against the state.
#[derive(Clone, Copy, Debug)]
pub(super) struct Innovation {
    h: SMatrix<f64, 2, 6>,
    innovation: Vec2,
    inverse: Matrix2<f64>,
    noise: Matrix2<f64>,
}
