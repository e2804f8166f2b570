//! The controller against a car that it does not know: a dynamic single-track model with linear tyres, actuator lags and
//! dead time (Rajamani, Vehicle Dynamics and Control, 2nd ed., section 2.3), written for this test alone.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use auriga_control::{Controller, ControllerConfig, Status};
use auriga_geometry::math::{atan, cos, sin};
use auriga_geometry::{LogicalDuration, LogicalTime, Pose2, Vec2};
use auriga_messages::auriga_msgs::VehicleState;
use auriga_messages::autoware_control_msgs::Control;
use auriga_messages::autoware_planning_msgs::{Trajectory, TrajectoryPoint};
use auriga_messages::nav_msgs::Odometry;
use auriga_vehicle::{VehicleParameters, roll_along_arc};
use proptest::prelude::*;
use std::collections::VecDeque;

const DT: f64 = 0.001;

/// The single-track model; its state is at the centre of mass.
struct Car {
    pose: Pose2,
    vx: f64,
    vy: f64,
    yaw_rate: f64,
    steering: f64,
    acceleration: f64,
    commands: VecDeque<(f64, f64)>,
}

impl Car {
    const TO_FRONT: f64 = 1.35;
    const TO_REAR: f64 = 1.45;
    const MASS: f64 = 1650.0;
    const INERTIA: f64 = 2700.0;
    const FRONT_STIFFNESS: f64 = 95_000.0;
    const REAR_STIFFNESS: f64 = 105_000.0;

    fn new(base_link: &Pose2, speed: f64) -> Self {
        let center = base_link.to_parent(Vec2::new(Self::TO_REAR, 0.0));
        let pose = Pose2::new(center.x, center.y, base_link.yaw);
        Self {
            pose,
            vx: speed,
            vy: 0.0,
            yaw_rate: 0.0,
            steering: 0.0,
            acceleration: 0.0,
            commands: VecDeque::from(vec![(0.0, 0.0); 20]),
        }
    }

    fn base_link(&self) -> Pose2 {
        let p = self.pose.to_parent(Vec2::new(-Self::TO_REAR, 0.0));
        Pose2::new(p.x, p.y, self.pose.yaw)
    }

    /// One millisecond; commands act 20 ms late.
    fn step(&mut self, command: (f64, f64)) {
        self.commands.push_back(command);
        let (steer, accel) = self.commands.pop_front().unwrap();
        self.steering += ((steer - self.steering) / 0.1).clamp(-0.7, 0.7) * DT;
        self.acceleration += (accel - self.acceleration) / 0.22 * DT;
        if self.vx > 1.0 {
            let front_slip = self.steering - atan((self.vy + Self::TO_FRONT * self.yaw_rate) / self.vx);
            let rear_slip = -atan((self.vy - Self::TO_REAR * self.yaw_rate) / self.vx);
            let (front, rear) = (Self::FRONT_STIFFNESS * front_slip, Self::REAR_STIFFNESS * rear_slip);
            self.vy += ((front + rear) / Self::MASS - self.vx * self.yaw_rate) * DT;
            self.yaw_rate += (Self::TO_FRONT * front - Self::TO_REAR * rear) / Self::INERTIA * DT;
        } else {
            let curvature = auriga_geometry::math::tan(self.steering) / (Self::TO_FRONT + Self::TO_REAR);
            self.yaw_rate = self.vx * curvature;
            self.vy = self.yaw_rate * Self::TO_REAR;
        }
        self.vx = (self.vx + self.acceleration * DT).max(0.0);
        let (s, c) = (sin(self.pose.yaw), cos(self.pose.yaw));
        self.pose.x += (self.vx * c - self.vy * s) * DT;
        self.pose.y += (self.vx * s + self.vy * c) * DT;
        self.pose.yaw += self.yaw_rate * DT;
    }
}

/// A path of arcs: (length, curvature).
fn along(pieces: &[(f64, f64)], mut s: f64) -> (Pose2, f64) {
    let mut pose = Pose2::default();
    for (i, &(length, curvature)) in pieces.iter().enumerate() {
        if s <= length || i + 1 == pieces.len() {
            return (roll_along_arc(&pose, s, curvature), curvature);
        }
        pose = roll_along_arc(&pose, length, curvature);
        s -= length;
    }
    (pose, 0.0)
}

/// Position, speed and acceleration along the path at a time.
type Motion = fn(f64) -> (f64, f64, f64);

fn plan(pieces: &[(f64, f64)], motion: Motion, now: f64, trajectory: &mut Trajectory) {
    trajectory.header.stamp = LogicalTime::from_nanos((now * 1e9).round() as i64).into();
    trajectory.points.clear();
    for i in 0..70 {
        let t = f64::from(i) * 0.1;
        let (s, v, a) = motion(now + t);
        let (pose, curvature) = along(pieces, s);
        trajectory.points.push(TrajectoryPoint {
            time_from_start: LogicalDuration::from_secs_f64(t).into(),
            pose: (&pose).into(),
            longitudinal_velocity_mps: v as f32,
            acceleration_mps2: a as f32,
            front_wheel_angle_rad: atan(2.8 * curvature) as f32,
            ..TrajectoryPoint::default()
        });
    }
}

struct Outcome {
    lateral_max: f64,
    /// Beyond the plan's last position, metres.
    overshoot: f64,
    speed: f64,
    status: Status,
    command: Control,
}

/// Drives for `seconds`; plans stop coming after `plans_until`.
fn drive(pieces: &[(f64, f64)], motion: Motion, start: Pose2, seconds: f64, plans_until: f64) -> Outcome {
    let mut controller = Controller::new(ControllerConfig::default(), VehicleParameters::default()).unwrap();
    let mut car = Car::new(&start, motion(0.0).1);
    let (mut trajectory, mut ego, mut vehicle, mut command) =
        (Trajectory::default(), Odometry::default(), VehicleState::default(), Control::default());
    let mut outcome = Outcome {
        lateral_max: 0.0,
        overshoot: f64::NEG_INFINITY,
        speed: 0.0,
        status: Status::NoTrajectory,
        command: Control::default(),
    };
    let goal = motion(1e3).0;
    for ms in 0..(seconds * 1e3) as i64 {
        let now = ms as f64 * 1e-3;
        // A plan is 30 ms old when it comes.
        if ms % 100 == 30 && now < plans_until {
            plan(pieces, motion, now - 0.03, &mut trajectory);
        }
        if ms % 10 == 0 && ms >= 30 {
            let base = car.base_link();
            ego.header.stamp = LogicalTime::from_nanos((ms - 2) * 1_000_000).into();
            let back = base.to_parent(Vec2::new(-0.002 * car.vx, 0.0));
            ego.pose.pose = (&Pose2::new(back.x, back.y, base.yaw)).into();
            ego.twist.twist.linear.x = car.vx;
            ego.twist.twist.angular.z = car.yaw_rate;
            vehicle.speed_mps = car.vx;
            vehicle.steering_angle_rad = car.steering;
            let time = LogicalTime::from_nanos(ms * 1_000_000);
            outcome.status =
                controller.step(time, Some(&trajectory), Some(&ego), Some(&vehicle), &mut command).unwrap();
        }
        car.step((
            f64::from(command.lateral.steering_tire_angle),
            f64::from(command.longitudinal.acceleration),
        ));
        let base = car.base_link();
        let error = nearest(pieces, &base, goal);
        if now > 0.5 {
            outcome.lateral_max = outcome.lateral_max.max(error.1.abs());
        }
        outcome.overshoot = outcome.overshoot.max(error.0 - goal);
    }
    outcome.speed = car.vx;
    outcome.command = command;
    outcome
}

/// (s, d) of a pose, by a search fine enough for a test.
fn nearest(pieces: &[(f64, f64)], pose: &Pose2, goal: f64) -> (f64, f64) {
    let mut best = (0.0, f64::INFINITY);
    let mut step = 1.0;
    let mut range = (-2.0, goal.min(400.0) + 5.0);
    while step > 1e-3 {
        let mut s = range.0;
        while s <= range.1 {
            let d = along(pieces, s).0.distance(pose);
            if d < best.1 {
                best = (s, d);
            }
            s += step;
        }
        range = (best.0 - step, best.0 + step);
        step /= 10.0;
    }
    best
}

fn steady_7(t: f64) -> (f64, f64, f64) {
    (7.0 * t, 7.0, 0.0)
}

fn steady_13(t: f64) -> (f64, f64, f64) {
    (13.0 * t, 13.0, 0.0)
}

/// 10 m/s for 3 s, then −2 m/s² to a stop after 5 s more, at 55 m.
fn brake_to_a_stop(t: f64) -> (f64, f64, f64) {
    if t < 3.0 {
        (10.0 * t, 10.0, 0.0)
    } else if t < 8.0 {
        let u = t - 3.0;
        (30.0 + 10.0 * u - u * u, 10.0 - 2.0 * u, -2.0)
    } else {
        (55.0, 0.0, 0.0)
    }
}

fn start_after_2_s(t: f64) -> (f64, f64, f64) {
    let u = (t - 2.0).max(0.0);
    if u < 5.0 {
        (0.75 * u * u, 1.5 * u, if u > 0.0 { 1.5 } else { 0.0 })
    } else {
        (18.75 + 7.5 * (u - 5.0), 7.5, 0.0)
    }
}

#[test]
fn curves_of_25_m_radius_at_7_mps_are_tracked_within_20_cm() {
    for curvature in [0.04, -0.04] {
        let pieces = [(20.0, 0.0), (40.0, curvature), (15.0, 0.0), (30.0, -curvature), (80.0, 0.0)];
        let outcome = drive(&pieces, steady_7, Pose2::default(), 24.0, 1e9);
        println!("R = 25 m at 7 m/s: lateral error at most {:.3} m", outcome.lateral_max);
        assert!(outcome.lateral_max < 0.2, "{}", outcome.lateral_max);
        assert!((outcome.speed - 7.0).abs() < 0.1);
    }
}

#[test]
fn a_gentle_curve_at_13_mps_is_tracked_within_20_cm() {
    let pieces = [(30.0, 0.0), (100.0, 1.0 / 90.0), (200.0, 0.0)];
    let outcome = drive(&pieces, steady_13, Pose2::default(), 20.0, 1e9);
    println!("R = 90 m at 13 m/s: lateral error at most {:.3} m", outcome.lateral_max);
    assert!(outcome.lateral_max < 0.2, "{}", outcome.lateral_max);
}

#[test]
fn a_stop_overshoots_by_less_than_30_cm_and_is_held() {
    let outcome = drive(&[(200.0, 0.0)], brake_to_a_stop, Pose2::default(), 12.0, 1e9);
    println!("stop: overshoot {:.3} m", outcome.overshoot);
    assert!(outcome.overshoot.abs() < 0.3, "{}", outcome.overshoot);
    assert_eq!(outcome.speed, 0.0);
    assert_eq!(outcome.status, Status::Holding);
    assert!(outcome.command.longitudinal.acceleration < 0.0);
}

#[test]
fn a_car_that_stands_pulls_away() {
    let outcome = drive(&[(200.0, 0.0)], start_after_2_s, Pose2::default(), 12.0, 1e9);
    assert!((outcome.speed - 7.5).abs() < 0.2, "{}", outcome.speed);
    assert_eq!(outcome.status, Status::Tracking);
}

#[test]
fn a_trajectory_that_goes_stale_ends_in_a_stop_along_it() {
    let pieces = [(20.0, 0.0), (80.0, 0.03), (80.0, 0.0)];
    let outcome = drive(&pieces, steady_7, Pose2::default(), 9.0, 3.0);
    assert_eq!(outcome.status, Status::StaleTrajectory);
    assert_eq!(outcome.speed, 0.0);
    assert!(outcome.lateral_max < 0.25, "{}", outcome.lateral_max);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn an_offset_decays(offset in -1.2..1.2, turn in -0.15..0.15) {
        let start = Pose2::new(0.0, offset, turn);
        let outcome = drive(&[(400.0, 0.0)], steady_7, start, 8.0, 1e9);
        let late = drive(&[(400.0, 0.0)], steady_7, start, 16.0, 1e9);
        prop_assert!(outcome.lateral_max < offset.abs() + 0.8);
        prop_assert!((late.speed - 7.0).abs() < 0.1);
        prop_assert!(f64::from(late.command.lateral.steering_tire_angle).abs() < 0.01);
    }
}

#[test]
fn bad_input_is_an_error_and_a_stop() {
    let mut controller = Controller::new(ControllerConfig::default(), VehicleParameters::default()).unwrap();
    let (mut trajectory, mut ego, mut command) =
        (Trajectory::default(), Odometry::default(), Control::default());
    plan(&[(100.0, 0.0)], steady_7, 0.0, &mut trajectory);
    ego.pose.pose.orientation.w = 1.0;
    let now = LogicalTime::ZERO;

    trajectory.points[3].pose.position.x = f64::NAN;
    let error = controller.step(now, Some(&trajectory), Some(&ego), None, &mut command).unwrap_err();
    assert!(error.to_string().contains("/planning/trajectory"));
    assert!(command.longitudinal.acceleration < 0.0 && command.lateral.steering_tire_angle.is_finite());

    trajectory.points.clear();
    assert!(controller.step(now, Some(&trajectory), Some(&ego), None, &mut command).is_err());

    plan(&[(100.0, 0.0)], steady_7, 0.0, &mut trajectory);
    ego.twist.twist.linear.x = f64::INFINITY;
    let error = controller.step(now, Some(&trajectory), Some(&ego), None, &mut command).unwrap_err();
    assert!(error.to_string().contains("/localization/ego"));
    assert!(command.longitudinal.acceleration < 0.0);

    ego.twist.twist.linear.x = 7.0;
    let late = LogicalTime::from_nanos(1_000_000_000);
    assert_eq!(
        controller.step(late, Some(&trajectory), Some(&ego), None, &mut command).unwrap(),
        Status::NoEgo
    );
    assert_eq!(controller.step(late, None, None, None, &mut command).unwrap(), Status::NoEgo);

    let config = ControllerConfig { speed_gain: f64::NAN, ..ControllerConfig::default() };
    assert!(
        Controller::new(config, VehicleParameters::default()).unwrap_err().to_string().contains("speed_gain")
    );
}
