//! One drive: the simulator's car, a follower, and what is measured of them.

use super::follower::{Estimator, Follower};
use super::{Course, Motion};
use crate::Distribution;
use auriga_geometry::math::{FRAC_PI_2, atan, sin};
use auriga_geometry::{LogicalDuration, LogicalTime, Pose2, Pose3, Vec3};
use auriga_hal::SensorRig;
use auriga_messages::auriga_msgs::VehicleState;
use auriga_messages::autoware_control_msgs::Control;
use auriga_messages::autoware_planning_msgs::{Trajectory, TrajectoryPoint};
use auriga_messages::nav_msgs::Odometry;
use auriga_sim_bridge::Noise;
use auriga_sim_bridge::plant::{Command, Plant, PlantParameters, PlantState, Push};
use auriga_sim_bridge::sensors::{Gnss, Inertial, TangentPlane, Wheels};
use serde::Serialize;
use std::collections::VecDeque;

const GRAVITY: f64 = 9.806_65;
const TICK: LogicalDuration = LogicalDuration::from_millis(10);
/// From the ego state to the command at the wheels: as in the stack (`configs/timing/cpu.toml`: 2, 1 and 1 ms, and phases).
const LATENCY_S: f64 = 0.008;
/// A plan every 100 ms, which looks so far ahead at these steps.
const PLAN_TICKS: u64 = 10;
const PLAN_POINTS: usize = 60;
const PLAN_STEP_S: f64 = 0.1;
/// Farther off than this the car has left the path; the drive ends.
const LOST_M: f64 = 5.0;

/// What the follower knows of where the car is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Knowledge {
    /// The truth.
    #[default]
    Truth,
    /// The truth with white noise: 2 cm, 0.1°, 0.03 m/s, 0.002 rad/s, and 0.001 rad at the wheels.
    Noisy,
    /// What localization makes of the sensors.
    Estimated,
}

/// In what the drive differs from the plain one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Condition {
    /// For a person to read.
    pub name: &'static str,
    /// Friction coefficient of the road.
    pub friction: f64,
    /// Multiplies the plant's front and rear cornering stiffness, its mass and its yaw inertia.
    pub factors: [f64; 4],
    /// More time until a command acts, seconds.
    pub delay_s: f64,
    /// Whether the controller's configuration says so.
    pub is_delay_told: bool,
    /// Greatest side force of gusts, N, with half as many N·m.
    pub gusts_n: f64,
    /// Roll and climb of the road, rad, as the trajectory's poses tell.
    pub tilt: (f64, f64),
    /// What the follower knows.
    pub knowledge: Knowledge,
}

impl Condition {
    /// Nothing is in the way: a dry road, the car as it is.
    pub const PLAIN: Self = Self {
        name: "plain",
        friction: 0.95,
        factors: [1.0; 4],
        delay_s: 0.0,
        is_delay_told: true,
        gusts_n: 0.0,
        tilt: (0.0, 0.0),
        knowledge: Knowledge::Truth,
    };

    fn plant(&self, base: &PlantParameters) -> PlantParameters {
        let mut plant = base.clone();
        plant.tyres.friction = self.friction;
        let [front, rear, mass, inertia] = self.factors;
        plant.tyres.front_stiffness_n_per_rad *= front;
        plant.tyres.rear_stiffness_n_per_rad *= rear;
        plant.body.mass_kg *= mass;
        plant.body.yaw_inertia_kgm2 *= inertia;
        plant
    }

    fn push(&self, plant: &PlantParameters, t: f64) -> Push {
        // A gust of 2 s every 4 s, from either side.
        let phase = t % 8.0;
        let wind = if phase < 2.0 {
            sin(phase * FRAC_PI_2)
        } else if (4.0..6.0).contains(&phase) {
            -sin((phase - 4.0) * FRAC_PI_2)
        } else {
            0.0
        };
        let weight = plant.body.mass_kg * GRAVITY;
        Push {
            forward_n: -weight * sin(self.tilt.1),
            left_n: self.gusts_n * wind - weight * sin(self.tilt.0),
            turning_nm: 0.5 * self.gusts_n * wind,
        }
    }
}

/// What was measured of one drive.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Tracking {
    /// Distance of the rear axle's centre to the left of the path, m.
    pub lateral_m: Distribution,
    /// Course over ground less the path's direction, rad: the heading error but for the slip that a curve needs.
    pub course_rad: Distribution,
    /// Heading less the path's direction, rad.
    pub heading_rad: Distribution,
    /// m/s less the plan's.
    pub speed_mps: Distribution,
    /// Lateral, m/s³: central difference over 0.2 s.
    pub jerk_mps3: Distribution,
    /// Greatest lateral acceleration that the path asks for, m/s².
    pub lateral_acceleration_mps2: f64,
    /// Whether the car left the path by more than 5 m.
    pub is_lost: bool,
    /// Ticks at which a fall-back stepped in.
    pub fall_backs: usize,
    /// Lateral error over time: (s, m), every 0.1 s.
    #[serde(skip)]
    pub trace: Vec<(f64, f64)>,
}

/// A car on a course.
#[derive(Clone, Copy, Debug)]
pub struct Drive<'a> {
    /// The path.
    pub course: &'a Course,
    /// When to be where.
    pub motion: &'a Motion,
    /// The simulator's car.
    pub plant: &'a PlantParameters,
    /// Its sensors, for noise and estimation.
    pub rig: &'a SensorRig,
    /// In what it differs from the plain one.
    pub condition: &'a Condition,
    /// Of the noise.
    pub seed: u64,
}

impl Drive<'_> {
    /// Drives to the end. The estimator is asked only where the condition says so.
    pub fn run(&self, follower: &mut dyn Follower, estimator: Option<&mut dyn Estimator>) -> Tracking {
        let plant = self.condition.plant(self.plant);
        let (_, speed, _) = self.motion.at(0.0);
        let start = self.course.at(0.0).0;
        let mut car = Plant::new(&plant, start, speed, LogicalTime::ZERO);
        let mut senses = Senses::new(self, estimator);
        let mut queue = VecDeque::new();
        let mut log = Log::default();
        let (mut trajectory, mut command) = (Trajectory::default(), Control::default());
        let latency = LogicalDuration::from_secs_f64(LATENCY_S + self.condition.delay_s);
        let ticks = (self.motion.duration() * 100.0) as u64;
        let mut now = LogicalTime::ZERO;
        for tick in 0..ticks {
            let t = tick as f64 * 0.01;
            if tick.is_multiple_of(PLAN_TICKS) {
                self.plan(t, now, &mut trajectory);
            }
            senses.feel(now, car.state());
            if senses.is_ready {
                follower.step(now, &trajectory, &senses.ego, &senses.wheels, &mut command);
            }
            let hold = command.longitudinal.velocity.abs() < 1e-3 && command.longitudinal.acceleration < 0.0;
            queue.push_back((
                now + latency,
                Command {
                    active: true,
                    steering_angle: f64::from(command.lateral.steering_tire_angle),
                    acceleration: f64::from(command.longitudinal.acceleration),
                    hold: hold && car.state().speed < 0.2,
                },
            ));
            car.push(self.condition.push(&plant, t));
            now += TICK;
            car.advance(now, &mut queue);
            if !log.note(self, t + 0.01, car.state()) {
                break;
            }
        }
        log.finish(follower.fall_backs())
    }

    /// The plan of an ideal planner: the path ahead, from where the car should be now.
    fn plan(&self, t: f64, now: LogicalTime, trajectory: &mut Trajectory) {
        trajectory.header.stamp = now.into();
        trajectory.points.clear();
        let (bank, climb) = self.condition.tilt;
        for i in 0..PLAN_POINTS {
            let after = i as f64 * PLAN_STEP_S;
            let (s, v, a) = self.motion.at(t + after);
            let (pose, curvature) = self.course.at(s);
            let pose = Pose3::from_euler(Vec3::new(pose.x, pose.y, 0.0), bank, -climb, pose.yaw);
            trajectory.points.push(TrajectoryPoint {
                time_from_start: LogicalDuration::from_secs_f64(after).into(),
                pose: (&pose).into(),
                longitudinal_velocity_mps: v as f32,
                acceleration_mps2: a as f32,
                heading_rate_rps: (v * curvature) as f32,
                front_wheel_angle_rad: atan(self.plant.body.wheelbase_m * curvature) as f32,
                ..TrajectoryPoint::default()
            });
        }
    }
}

/// What the follower is told of the car.
struct Senses<'a> {
    knowledge: Knowledge,
    estimator: Option<&'a mut dyn Estimator>,
    noise: Noise,
    /// With the ticks from one fix to the next.
    gnss: Option<(Gnss, u64)>,
    inertial: Option<Inertial>,
    wheel_sensors: Wheels,
    tick: u64,
    ego: Odometry,
    wheels: VehicleState,
    is_ready: bool,
}

impl<'a> Senses<'a> {
    fn new(drive: &Drive<'_>, estimator: Option<&'a mut dyn Estimator>) -> Self {
        let rig = drive.rig;
        let mut ego = Odometry::default();
        ego.header.frame_id = "map".to_owned();
        Self {
            knowledge: drive.condition.knowledge,
            estimator,
            noise: Noise::new(drive.seed, 1),
            gnss: rig.gnss.as_ref().map(|gnss| {
                let ticks = (100.0 / gnss.rate_hz).round().max(1.0) as u64;
                (Gnss::new(gnss, TangentPlane::new(0.0, 0.0), Noise::new(drive.seed, 2)), ticks)
            }),
            inertial: rig.imu.as_ref().map(|imu| Inertial::new(imu, Noise::new(drive.seed, 3))),
            wheel_sensors: Wheels::new(&rig.wheels, Noise::new(drive.seed, 4)),
            tick: 0,
            ego,
            wheels: VehicleState::default(),
            is_ready: true,
        }
    }

    fn feel(&mut self, now: LogicalTime, state: &PlantState) {
        let estimates = self.knowledge == Knowledge::Estimated;
        let parts = (estimates, self.estimator.as_deref_mut(), self.inertial.as_mut());
        if let (true, Some(estimator), Some(inertial)) = parts {
            self.wheels = self.wheel_sensors.measure(now, state);
            let imu = inertial.measure(now, state);
            let due = self.gnss.as_mut().filter(|(_, ticks)| self.tick.is_multiple_of(*ticks));
            let fix = due.map(|(gnss, _)| gnss.measure(now, &state.pose));
            self.is_ready = estimator.step(now, &imu, &self.wheels, fix.as_ref(), &mut self.ego);
        } else {
            let share = if self.knowledge == Knowledge::Noisy { 1.0 } else { 0.0 };
            let mut noise = |sigma: f64| share * sigma * self.noise.normal();
            let pose = Pose2::new(
                state.pose.x + noise(0.02),
                state.pose.y + noise(0.02),
                state.pose.yaw + noise(0.1_f64.to_radians()),
            );
            self.ego.header.stamp = now.into();
            self.ego.pose.pose = (&pose).into();
            self.ego.twist.twist.linear.x = state.speed + noise(0.03);
            self.ego.twist.twist.angular.z = state.yaw_rate + noise(0.002);
            self.wheels.stamp = now.into();
            self.wheels.speed_mps = (state.speed + noise(0.03)).max(0.0);
            self.wheels.steering_angle_rad = state.steering_angle + noise(0.001);
        }
        self.tick += 1;
    }
}

/// What is noted on the way.
#[derive(Default)]
struct Log {
    near: f64,
    lateral: Vec<f64>,
    course: Vec<f64>,
    heading: Vec<f64>,
    speed: Vec<f64>,
    acceleration: Vec<f64>,
    asked: f64,
    trace: Vec<(f64, f64)>,
    is_lost: bool,
}

impl Log {
    /// Notes a tick; false when the car is lost.
    fn note(&mut self, drive: &Drive<'_>, t: f64, state: &PlantState) -> bool {
        let beside = drive.course.beside(&state.pose, self.near);
        self.near = beside.s;
        self.lateral.push(beside.lateral);
        self.heading.push(beside.heading);
        if state.speed > 1.0 {
            self.course.push(beside.heading + atan(state.lateral_speed / state.speed));
        }
        let (_, v, _) = drive.motion.at(t);
        self.speed.push(state.speed - v);
        self.acceleration.push(state.lateral_acceleration);
        let asked = drive.course.at(beside.s).1.abs() * v * v;
        self.asked = self.asked.max(asked);
        if self.lateral.len() % 10 == 1 {
            self.trace.push((t, beside.lateral));
        }
        self.is_lost = beside.lateral.abs() > LOST_M;
        !self.is_lost
    }

    fn finish(self, fall_backs: usize) -> Tracking {
        let means: Vec<f64> =
            self.acceleration.chunks_exact(10).map(|bin| bin.iter().sum::<f64>() / 10.0).collect();
        let jerk: Vec<f64> = means.windows(3).map(|w| (w[2] - w[0]) / 0.2).collect();
        Tracking {
            lateral_m: Distribution::of(&self.lateral),
            course_rad: Distribution::of(&self.course),
            heading_rad: Distribution::of(&self.heading),
            speed_mps: Distribution::of(&self.speed),
            jerk_mps3: Distribution::of(&jerk),
            lateral_acceleration_mps2: self.asked,
            is_lost: self.is_lost,
            fall_backs,
            trace: self.trace,
        }
    }
}
