//! One tick of control: choose what can be tracked, track it, or stop.

use crate::lateral::{Lateral, LateralReport, Situation};
use crate::longitudinal::{Demand, Longitudinal, Progress};
use crate::mpc::STEPS;
use crate::qp::Problem;
use crate::reference::{PathError, Reference, climb};
use crate::{ControlError, ControllerConfig};
use auriga_geometry::{LogicalDuration, LogicalTime, Pose2, Pose3};
use auriga_messages::auriga_msgs::VehicleState;
use auriga_messages::autoware_control_msgs::Control;
use auriga_messages::autoware_planning_msgs::Trajectory;
use auriga_messages::builtin_interfaces::Time;
use auriga_messages::nav_msgs::Odometry;
use auriga_vehicle::{VehicleParameters, roll_along_arc};

/// What the controller is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It tracks the trajectory.
    Tracking,
    /// It tracks the trajectory, which stands; the brake holds the car.
    Holding,
    /// There is no trajectory: the car is being stopped.
    NoTrajectory,
    /// The trajectory is too old: the car is being stopped along it.
    StaleTrajectory,
    /// There is no ego state, or it is too old: the car is being stopped with the wheels held.
    NoEgo,
}

/// Where the car is now: the ego state carried forward.
#[derive(Clone, Copy, Debug)]
struct Ego {
    pose: Pose2,
    speed: f64,
    yaw_rate: f64,
    /// Climb as measured, rad.
    grade: f64,
}

/// Tracks trajectories. One step a tick.
#[derive(Clone, Debug)]
pub struct Controller {
    config: ControllerConfig,
    car: VehicleParameters,
    reference: Reference,
    lateral: Lateral,
    longitudinal: Longitudinal,
    /// Of the last tick.
    error: Option<PathError>,
}

impl Controller {
    /// A controller for a car.
    ///
    /// # Errors
    /// [`ControlError::Config`] or [`ControlError::Vehicle`] where a parameter makes no sense.
    pub fn new(config: ControllerConfig, vehicle: VehicleParameters) -> Result<Self, ControlError> {
        config.check()?;
        vehicle.check("vehicle")?;
        Ok(Self {
            lateral: Lateral::new(&config, &vehicle),
            config,
            car: vehicle,
            reference: Reference::default(),
            longitudinal: Longitudinal::default(),
            error: None,
        })
    }

    /// Forgets everything but its configuration.
    pub fn reset(&mut self) {
        self.reference = Reference::default();
        self.lateral.reset();
        self.longitudinal.reset();
        self.error = None;
    }

    /// The command for the tick at `now`.
    ///
    /// # Errors
    /// [`ControlError::Input`] where an input is not finite; `command` then is a controlled stop.
    pub fn step(
        &mut self,
        now: LogicalTime,
        trajectory: Option<&Trajectory>,
        ego: Option<&Odometry>,
        vehicle: Option<&VehicleState>,
        command: &mut Control,
    ) -> Result<Status, ControlError> {
        self.error = None;
        let measured = vehicle.map(|v| v.steering_angle_rad).filter(|angle| angle.is_finite());
        let wheel_speed = vehicle.map(|v| v.speed_mps).filter(|speed| speed.is_finite());
        let ego = self.ego_now(now, ego);
        let read = match trajectory {
            Some(trajectory) => self.reference.update(trajectory, &self.car).map(|()| self.reference.stamp()),
            None => Ok(None),
        };
        let (ego_now, stamp, problem) = match (ego, read) {
            (Ok(ego), Ok(stamp)) => (ego, stamp, None),
            (Ok(ego), Err(error)) => (ego, None, Some(error)),
            (Err(error), _) => (None, None, Some(error)),
        };
        let speed = ego_now.map(|e| e.speed).or(wheel_speed);
        let status = match (ego_now, stamp) {
            (Some(ego), Some(stamp)) => self.track(now, stamp, &ego, measured, command),
            (None, _) => {
                self.brake(now, speed, measured, command);
                Status::NoEgo
            }
            (_, None) => {
                self.brake(now, speed, measured, command);
                Status::NoTrajectory
            }
        };
        problem.map_or(Ok(status), Err)
    }

    /// Where the car was beside the path at the last tick; `None` when it tracked nothing.
    #[must_use]
    pub fn path_error(&self) -> Option<&PathError> {
        self.error.as_ref()
    }

    /// Who steered at the last tick, and how well the solver did.
    #[must_use]
    pub fn lateral_report(&self) -> &LateralReport {
        self.lateral.report()
    }

    /// The quadratic program that the last tick's steering solved, for comparing solvers.
    #[must_use]
    pub fn lateral_problem(&self) -> &Problem<STEPS> {
        self.lateral.problem()
    }

    fn track(
        &mut self,
        now: LogicalTime,
        stamp: LogicalTime,
        ego: &Ego,
        measured: Option<f64>,
        command: &mut Control,
    ) -> Status {
        let t = now.since(stamp).as_secs_f64();
        let planned = self.reference.at_time(t);
        let error = self.reference.project(&ego.pose, planned.s, 12.0);
        // The plan knows the road ahead; else what the car's own pitch says.
        let (_, told) = self.reference.tilt_at(error.s);
        let grade = if told == 0.0 { ego.grade } else { told };
        let stale = t > self.config.trajectory_age_max_s;
        let demand = if stale {
            self.longitudinal.stop(&self.config, &self.car, Some(ego.speed), grade)
        } else {
            let progress = Progress { s: error.s, speed: ego.speed, t, grade };
            self.longitudinal.step(&self.config, &self.car, &self.reference, &progress)
        };
        // Tyres are not turned on the spot.
        let steering = if demand.holding {
            self.lateral.hold(&self.config, &self.car, measured)
        } else {
            let situation = Situation {
                reference: &self.reference,
                error: &error,
                t,
                pose: ego.pose,
                speed: ego.speed,
                yaw_rate: ego.yaw_rate,
                wheel: measured,
            };
            self.lateral.step(&self.config, &self.car, &situation)
        };
        self.error = Some(error);
        self.write(now, steering, &demand, command);
        match (stale, demand.holding) {
            (true, _) => Status::StaleTrajectory,
            (false, true) => Status::Holding,
            (false, false) => Status::Tracking,
        }
    }

    fn brake(&mut self, now: LogicalTime, speed: Option<f64>, measured: Option<f64>, command: &mut Control) {
        let demand = self.longitudinal.stop(&self.config, &self.car, speed, 0.0);
        let steering = self.lateral.hold(&self.config, &self.car, measured);
        self.write(now, steering, &demand, command);
    }

    /// The ego state carried to `now` along the arc that it is on; `None` when it is missing or too old.
    fn ego_now(&self, now: LogicalTime, ego: Option<&Odometry>) -> Result<Option<Ego>, ControlError> {
        let Some(ego) = ego else { return Ok(None) };
        let twist = &ego.twist.twist;
        let (speed, yaw_rate) = (twist.linear.x, twist.angular.z);
        let pose = Pose2::from(&ego.pose.pose);
        if ![speed, yaw_rate, pose.x, pose.y, pose.yaw].iter().all(|v| v.is_finite()) {
            return Err(ControlError::Input { topic: "/localization/ego", problem: "it is not finite" });
        }
        let age = now.since(LogicalTime::from(&ego.header.stamp)).as_secs_f64();
        if age > self.config.ego_age_max_s {
            return Ok(None);
        }
        let curvature = if speed > 0.5 { yaw_rate / speed } else { 0.0 };
        let grade = climb(&Pose3::from(&ego.pose.pose));
        let pose = roll_along_arc(&pose, speed * age.max(0.0), curvature);
        Ok(Some(Ego { pose, speed: speed.max(0.0), yaw_rate, grade }))
    }

    fn write(&self, now: LogicalTime, steering: (f64, f64), demand: &Demand, command: &mut Control) {
        let stamp = Time::from(now);
        let acts = Time::from(now + LogicalDuration::from_secs_f64(self.config.dead_time_s));
        (command.stamp, command.control_time) = (stamp.clone(), acts.clone());
        let lateral = &mut command.lateral;
        (lateral.stamp, lateral.control_time) = (stamp.clone(), acts.clone());
        lateral.steering_tire_angle = steering.0 as f32;
        lateral.steering_tire_rotation_rate = steering.1 as f32;
        lateral.is_defined_steering_tire_rotation_rate = true;
        let longitudinal = &mut command.longitudinal;
        (longitudinal.stamp, longitudinal.control_time) = (stamp, acts);
        longitudinal.velocity = demand.speed as f32;
        longitudinal.acceleration = demand.acceleration as f32;
        longitudinal.jerk = demand.jerk as f32;
        longitudinal.is_defined_acceleration = true;
        longitudinal.is_defined_jerk = true;
    }
}
