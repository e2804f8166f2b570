//! One track: filter, heading, extent, class, life.

use super::class::{Class, ClassVotes};
use super::motion::MotionTest;
use super::outline::{aligned, anchored_center, extent_after, half_turn_difference};
use auriga_geometry::math::{FRAC_PI_2, atan2, wrap_angle};
use auriga_geometry::{LogicalTime, OrientedBox, Pose2, Vec2};
use nalgebra::{Matrix2, Matrix2x4, Matrix4, Vector4};

/// A detection in `map`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sighting {
    pub outline: OrientedBox,
    /// Height of the centre, metres.
    pub center_z: f64,
    pub height: f64,
    pub class: Class,
    pub score: f64,
    /// From the car, metres.
    pub range: f64,
}

/// Speed of an object seen for the first time: standard deviation, m/s.
const FIRST_SPEED: f64 = 10.0;
/// So many sightings where they were expected show that a thing stands for good.
const CALM_LEAST: u32 = 8;
/// Squared Mahalanobis distance that one in a hundred true pairs exceeds: what stood may have begun to move.
const SURPRISE_SQUARED: f64 = 9.2;
/// Standard deviation that the velocity is given then, m/s.
const SURPRISE_SPEED: f64 = 2.0;
/// A standing thing that has begun to move may be so far from where it stood, metres.
const STARTED_M: f64 = 0.4;
/// A box so many times as long as it is wide has a direction of its own.
const LONG: f64 = 1.5;
/// It lies across the track from this angle on, rad (60°).
const ACROSS: f64 = 1.047;
/// So many more boxes across than along turn the track.
const ACROSS_LEAST: u32 = 3;
/// Below this speed a course is too noisy to tell a car's side from its end, m/s.
const QUARTER_TURN_MPS: f64 = 3.0;

/// An object followed over time. State: x, y, vx, vy in `map`.
#[derive(Clone, Debug)]
pub(super) struct Track {
    pub id: u64,
    pub time: LogicalTime,
    pub state: Vector4<f64>,
    pub covariance: Matrix4<f64>,
    pub yaw: f64,
    /// Whether the heading is known, not just up to half a turn.
    pub has_direction: bool,
    pub extent: (f64, f64),
    pub center_z: f64,
    pub height: f64,
    pub votes: ClassVotes,
    pub hits: u32,
    pub misses: u32,
    pub is_confirmed: bool,
    motion: MotionTest,
    /// The position after the last sighting.
    seen_at: Vec2,
    /// Sightings that lay across the track, less those that lay along it.
    across: u32,
    /// Sightings in a row that were where the track expected them.
    calm: u32,
}

impl Track {
    pub fn new(id: u64, time: LogicalTime, seen: &Sighting) -> Self {
        let sigma = position_sigma(seen);
        let speed = FIRST_SPEED.min(seen.class.speed_most());
        let mut votes = ClassVotes::default();
        votes.add(seen.class, vote_weight(seen));
        let center = seen.outline.center;
        let mut motion = MotionTest::default();
        motion.add(time, center.position(), sigma);
        Self {
            id,
            time,
            state: Vector4::new(center.x, center.y, 0.0, 0.0),
            covariance: Matrix4::from_diagonal(&Vector4::new(
                sigma * sigma,
                sigma * sigma,
                speed * speed,
                speed * speed,
            )),
            yaw: center.yaw,
            has_direction: false,
            extent: (seen.outline.length, seen.outline.width),
            center_z: seen.center_z,
            height: seen.height,
            votes,
            hits: 1,
            misses: 0,
            is_confirmed: false,
            motion,
            seen_at: center.position(),
            across: 0,
            calm: 0,
        }
    }

    pub fn class(&self) -> Class {
        self.votes.best()
    }

    pub fn is_moving(&self) -> bool {
        self.motion.is_moving()
    }

    pub fn position(&self) -> Vec2 {
        Vec2::new(self.state[0], self.state[1])
    }

    /// The position to report: what is out of sight and is not known to move is where it was seen.
    pub fn position_reported(&self) -> Vec2 {
        if self.misses > 0 && !self.is_moving() { self.seen_at } else { self.position() }
    }

    /// In `map`, m/s; zero for what stands.
    pub fn velocity(&self) -> Vec2 {
        if self.is_moving() { Vec2::new(self.state[2], self.state[3]) } else { Vec2::zeros() }
    }

    pub fn outline(&self) -> OrientedBox {
        OrientedBox::new(Pose2::new(self.state[0], self.state[1], self.yaw), self.extent.0, self.extent.1)
    }

    fn is_settled(&self) -> bool {
        self.calm > CALM_LEAST && !self.is_moving()
    }

    /// Carries the track on to a later instant (white acceleration noise; Bar-Shalom, Li, Kirubarajan, "Estimation with
    /// applications to tracking and navigation", 2001, 6.3.2).
    pub fn predict(&mut self, time: LogicalTime) {
        let dt = time.since(self.time).as_secs_f64();
        if dt <= 0.0 {
            return;
        }
        self.time = time;
        let mut f = Matrix4::identity();
        f[(0, 2)] = dt;
        f[(1, 3)] = dt;
        let settled = self.is_settled();
        let a = if settled { 0.4 } else { self.class().acceleration() };
        let (p, c, v) = (dt * dt * dt * dt / 4.0, dt * dt * dt / 2.0, dt * dt);
        #[rustfmt::skip]
        let q = Matrix4::new(
            p, 0.0, c, 0.0,
            0.0, p, 0.0, c,
            c, 0.0, v, 0.0,
            0.0, c, 0.0, v,
        ) * (a * a);
        // What stands is not carried away by the noise in its velocity.
        if settled {
            self.state[2] *= 0.7;
            self.state[3] *= 0.7;
        }
        self.state = f * self.state;
        self.covariance = f * self.covariance * f.transpose() + q;
    }

    /// The centre that a sighting means for this track, as if its whole extent were seen.
    pub fn center_of(&self, seen: &Sighting, eye: Vec2) -> Vec2 {
        anchored_center(&aligned(&seen.outline, self.yaw), self.extent, eye)
    }

    /// Squared Mahalanobis distance to a sighting's centre; a thing that stands may just have begun to move.
    pub fn distance_squared(&self, center: Vec2, seen: &Sighting) -> f64 {
        let started = if self.is_settled() { STARTED_M } else { 0.0 };
        let sigma = position_sigma(seen);
        self.surprise_squared(center, sigma * sigma + started * started)
    }

    fn surprise_squared(&self, center: Vec2, variance: f64) -> f64 {
        let s = self.covariance.fixed_view::<2, 2>(0, 0) + Matrix2::identity() * variance;
        let innovation = center - self.position();
        s.try_inverse().map_or(f64::INFINITY, |inverse| innovation.dot(&(inverse * innovation)))
    }

    /// Counts calm sightings. One that surprises opens a slow track for another motion.
    fn note_calm(&mut self, center: Vec2, sigma: f64) {
        if self.surprise_squared(center, sigma * sigma) < SURPRISE_SQUARED {
            self.calm += 1;
            return;
        }
        self.calm = 0;
        if self.speed() < SURPRISE_SPEED {
            self.open_for_motion();
        }
    }

    fn open_for_motion(&mut self) {
        for (of, sigma) in [(0, STARTED_M), (1, STARTED_M), (2, SURPRISE_SPEED), (3, SURPRISE_SPEED)] {
            self.covariance[(of, of)] += sigma * sigma;
        }
    }

    fn speed(&self) -> f64 {
        (self.state[2] * self.state[2] + self.state[3] * self.state[3]).sqrt()
    }

    /// Takes in a sighting made from `eye` at the track's instant.
    pub fn update(&mut self, seen: &Sighting, eye: Vec2) {
        self.hits += 1;
        self.misses = 0;
        self.votes.fade();
        self.votes.add(seen.class, vote_weight(seen));
        self.update_outline(seen, eye);
        let center = self.center_of(seen, eye);
        let sigma = position_sigma(seen);
        self.note_calm(center, sigma);
        self.correct(center, sigma);
        let was_moving = self.is_moving();
        if self.motion.add(self.time, center, sigma) && !was_moving {
            self.has_direction = false;
            if self.hits > 2 * CALM_LEAST {
                self.open_for_motion();
            }
        }
        let most = self.class().speed_most();
        let speed = self.speed();
        if speed > most {
            self.state[2] *= most / speed;
            self.state[3] *= most / speed;
        }
        self.turn_into_motion();
        self.seen_at = self.position();
        self.center_z += 0.3 * (seen.center_z - self.center_z);
        self.height += if seen.height > self.height { 0.5 } else { 0.1 } * (seen.height - self.height);
    }

    pub fn miss(&mut self) {
        self.misses += 1;
    }

    /// 0 to 1, from hits and misses.
    pub fn existence(&self) -> f64 {
        let known = 1.0 - 1.0 / (1.0 + f64::from(self.hits));
        let mut p = known;
        for _ in 0..self.misses.min(16) {
            p *= 0.8;
        }
        p
    }

    /// A standing car that was first seen from a distance may lie across its first box.
    fn turn_across(&mut self, seen: &Sighting) {
        let is_vehicle = matches!(seen.class, Class::Vehicle | Class::Truck);
        if self.has_direction || !is_vehicle || seen.outline.length < LONG * seen.outline.width {
            return;
        }
        let off = half_turn_difference(seen.outline.center.yaw, self.yaw);
        self.across = if off.abs() > ACROSS { self.across + 1 } else { self.across.saturating_sub(1) };
        if self.across >= ACROSS_LEAST {
            self.yaw = wrap_angle(self.yaw + off);
            self.extent = (self.extent.1.max(seen.outline.length), self.extent.0.min(seen.outline.width));
            self.across = 0;
        }
    }

    fn update_outline(&mut self, seen: &Sighting, eye: Vec2) {
        self.turn_across(seen);
        let box_seen = aligned(&seen.outline, self.yaw);
        let off = half_turn_difference(box_seen.center.yaw, self.yaw);
        let is_long = self.extent.0 > 1.3 * self.extent.1;
        let gain = if is_long && seen.class != Class::Pedestrian { 0.25 } else { 0.1 };
        self.yaw = wrap_angle(self.yaw + gain * off);
        let before = self.center_of(seen, eye);
        self.extent = extent_after(self.extent, (box_seen.length, box_seen.width), self.class());
        let after = self.center_of(seen, eye);
        // A new extent moves the centre, but not the object.
        let by = after - before;
        self.state[0] += by.x;
        self.state[1] += by.y;
        self.motion.shift(by);
    }

    fn correct(&mut self, center: Vec2, sigma: f64) {
        #[rustfmt::skip]
        let h = Matrix2x4::new(
            1.0, 0.0, 0.0, 0.0,
            0.0, 1.0, 0.0, 0.0,
        );
        let r = Matrix2::identity() * (sigma * sigma);
        let s = h * self.covariance * h.transpose() + r;
        let Some(inverse) = s.try_inverse() else { return };
        let gain = self.covariance * h.transpose() * inverse;
        self.state += gain * (center - self.position());
        // Joseph's form keeps the covariance symmetric and positive.
        let rest = Matrix4::identity() - gain * h;
        self.covariance = rest * self.covariance * rest.transpose() + gain * r * gain.transpose();
    }

    /// A vehicle of which only the outline is known drives the way of its lane.
    pub fn turn_towards(&mut self, lane_heading: f64) {
        if !self.has_direction && wrap_angle(lane_heading - self.yaw).abs() > FRAC_PI_2 {
            self.yaw = wrap_angle(self.yaw + std::f64::consts::PI);
        }
    }

    /// A moving object looks where it goes.
    fn turn_into_motion(&mut self) {
        let velocity = self.velocity();
        let speed = velocity.norm();
        let least = if self.class() == Class::Pedestrian { 0.5 } else { 1.0 };
        if speed < least {
            return;
        }
        let course = atan2(velocity.y, velocity.x);
        let off = wrap_angle(course - self.yaw);
        if !self.has_direction {
            let is_across = off.abs() > FRAC_PI_2 * 0.5 && off.abs() <= FRAC_PI_2 * 1.5;
            if is_across && self.class() != Class::Pedestrian && speed < QUARTER_TURN_MPS {
                return;
            }
            if off.abs() > FRAC_PI_2 * 1.5 {
                self.yaw = wrap_angle(self.yaw + std::f64::consts::PI);
            } else if is_across {
                self.yaw = wrap_angle(self.yaw + FRAC_PI_2 * off.signum());
                self.extent = (self.extent.1, self.extent.0);
            }
            self.has_direction = true;
        }
        let off = wrap_angle(course - self.yaw);
        if off.abs() > FRAC_PI_2 * 1.6 && speed > 2.0 * least {
            self.yaw = wrap_angle(self.yaw + std::f64::consts::PI);
        } else if off.abs() < FRAC_PI_2 {
            self.yaw = wrap_angle(self.yaw + 0.3 * (speed / 4.0).min(1.0) * off);
        }
    }
}

/// Standard deviation of a sighting's centre, metres.
pub(super) fn position_sigma(seen: &Sighting) -> f64 {
    let (fixed, grows) = match seen.class {
        Class::Pedestrian => (0.08, 0.002),
        Class::Cyclist => (0.12, 0.003),
        Class::Unknown => (0.18, 0.005),
        Class::Vehicle | Class::Truck => (0.1, 0.004),
    };
    fixed + grows * seen.range
}

fn vote_weight(seen: &Sighting) -> f64 {
    if seen.class == Class::Unknown { 0.25 } else { 0.3 + seen.score }
}
