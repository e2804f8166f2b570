//! Who follows the path: the trait, and two laws from the textbook to compare with.

use auriga_geometry::math::{angle_difference, atan, atan2, lerp, sin_cos};
use auriga_geometry::{LogicalDuration, LogicalTime, Pose2, Vec2};
use auriga_messages::auriga_msgs::VehicleState;
use auriga_messages::autoware_control_msgs::Control;
use auriga_messages::autoware_planning_msgs::Trajectory;
use auriga_messages::nav_msgs::Odometry;
use auriga_messages::sensor_msgs::{Imu, NavSatFix};

/// What is tested: from trajectory and ego state to a command, every 10 ms.
pub trait Follower {
    /// The command for the tick at `now`.
    fn step(
        &mut self,
        now: LogicalTime,
        trajectory: &Trajectory,
        ego: &Odometry,
        vehicle: &VehicleState,
        command: &mut Control,
    );

    /// How often something failed in it so far, and another law stepped in.
    fn fall_backs(&self) -> usize {
        0
    }
}

/// From sensors to the ego state, where the follower is not told the truth.
pub trait Estimator {
    /// Takes in a tick's measurements; false while the ego state is not known.
    fn step(
        &mut self,
        now: LogicalTime,
        imu: &Imu,
        wheels: &VehicleState,
        fix: Option<&NavSatFix>,
        ego: &mut Odometry,
    ) -> bool;
}

/// A steering law of the textbook, with the trajectory's acceleration and a proportional speed law.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Textbook {
    /// Pure pursuit: the arc from the rear axle to the point on the path that lies `time` seconds ahead (Coulter,
    /// "Implementation of the pure pursuit path tracking algorithm", CMU-RI-TR-92-01, 1992).
    PurePursuit {
        /// Seconds of driving ahead; never nearer than 3 m.
        time: f64,
    },
    /// Stanley's law: heading error, and the front axle's lateral error over the speed (Hoffmann et al., "Autonomous automobile
    /// trajectory tracking for off-road driving", ACC 2007, equation 5, with its softening).
    Stanley {
        /// 1/s.
        gain: f64,
    },
}

impl Textbook {
    /// For a person to read.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::PurePursuit { time } => format!("pure pursuit {time} s"),
            Self::Stanley { gain } => format!("Stanley {gain}/s"),
        }
    }
}

const WHEELBASE_M: f64 = 2.8;
const ANGLE_MOST: f64 = 0.6;
const SOFTENING_MPS: f64 = 1.0;

impl Follower for Textbook {
    fn step(
        &mut self,
        now: LogicalTime,
        trajectory: &Trajectory,
        ego: &Odometry,
        _vehicle: &VehicleState,
        command: &mut Control,
    ) {
        let pose = Pose2::from(&ego.pose.pose);
        let speed = ego.twist.twist.linear.x.max(0.0);
        let path: Vec<Pose2> = trajectory.points.iter().map(|point| Pose2::from(&point.pose)).collect();
        let angle = match *self {
            Self::PurePursuit { time } => pursue(&path, &pose, (time * speed).max(3.0)),
            Self::Stanley { gain } => stanley(&path, &pose, speed, gain),
        };
        command.lateral.steering_tire_angle = angle.clamp(-ANGLE_MOST, ANGLE_MOST) as f32;
        let t = now.since(LogicalTime::from(&trajectory.header.stamp)).as_secs_f64();
        let (planned, acceleration) = planned(trajectory, t);
        let wanted = acceleration + 1.2 * (planned - speed);
        let stands = planned < 0.05 && speed < 0.15;
        command.longitudinal.acceleration = if stands { -0.6 } else { wanted.clamp(-8.0, 3.0) as f32 };
    }
}

/// Speed and acceleration of the trajectory at a time after its stamp.
fn planned(trajectory: &Trajectory, t: f64) -> (f64, f64) {
    let time = |i: usize| LogicalDuration::from(&trajectory.points[i].time_from_start).as_secs_f64();
    let count = trajectory.points.len();
    let i = (1..count).find(|&i| time(i) > t).unwrap_or(count - 1);
    let u = ((t - time(i - 1)) / (time(i) - time(i - 1))).clamp(0.0, 1.0);
    let (a, b) = (&trajectory.points[i - 1], &trajectory.points[i]);
    let mix = |a: f32, b: f32| lerp(f64::from(a), f64::from(b), u);
    (
        mix(a.longitudinal_velocity_mps, b.longitudinal_velocity_mps),
        mix(a.acceleration_mps2, b.acceleration_mps2),
    )
}

/// Nearest place on the path to a point, as (index, ratio), looking at every segment.
fn nearest(path: &[Pose2], point: Vec2) -> (usize, f64) {
    let mut best = (f64::INFINITY, 0, 0.0);
    for (i, pair) in path.windows(2).enumerate() {
        let (distance, ratio) =
            auriga_geometry::segment_distance(pair[0].position(), pair[1].position(), point);
        if distance < best.0 {
            best = (distance, i, ratio);
        }
    }
    (best.1, best.2)
}

fn pursue(path: &[Pose2], pose: &Pose2, ahead: f64) -> f64 {
    let (start, ratio) = nearest(path, pose.position());
    let mut goal = path[start].interpolate(&path[(start + 1).min(path.len() - 1)], ratio).position();
    // The first crossing of the circle about the rear axle.
    for pair in path[start..].windows(2) {
        let from = if (goal - pose.position()).norm() < ahead { goal } else { break };
        let to = pair[1].position();
        if (to - pose.position()).norm() < ahead {
            goal = to;
            continue;
        }
        let (d, f) = (to - from, from - pose.position());
        let (a, b, c) = (d.dot(&d), f.dot(&d), f.dot(&f) - ahead * ahead);
        goal = from + d * ((-b + (b * b - a * c).max(0.0).sqrt()) / a.max(1e-12));
        break;
    }
    let local = pose.to_local(goal);
    // κ = 2y / l².
    atan(WHEELBASE_M * 2.0 * local.y / local.norm_squared().max(1.0))
}

fn stanley(path: &[Pose2], pose: &Pose2, speed: f64, gain: f64) -> f64 {
    let (sin, cos) = sin_cos(pose.yaw);
    let front = pose.position() + Vec2::new(cos, sin) * WHEELBASE_M;
    let (i, ratio) = nearest(path, front);
    let at = path[i].interpolate(&path[(i + 1).min(path.len() - 1)], ratio);
    let offset = at.to_local(front);
    let error = angle_difference(at.yaw, pose.yaw);
    error + atan2(-gain * offset.y, speed + SOFTENING_MPS)
}
