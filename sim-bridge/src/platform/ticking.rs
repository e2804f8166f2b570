//! The sensing half: a tick moves the car and the world, then every sensor that is due speaks.

use super::ego::EgoCar;
use super::emission::Clockwork;
use super::truth::ground_truth;
use super::worker::SensorThread;
use super::{Aim, TICK};
use crate::plant::PlantState;
use crate::scenario::{Scenario, Success};
use crate::sensors::{Gnss, Inertial};
use crate::world::{Ego, Incident, IncidentKind, World, WorldSnapshot};
use auriga_geometry::{LogicalDuration, LogicalTime, Vec2};
use auriga_hal::{HalError, Payload, SensorKind, SensorMessage, SensorSink, Sensors};
use auriga_map::LanePosition;
use auriga_messages::builtin_interfaces::Time;
use auriga_messages::sensor_msgs::CameraInfo;
use std::sync::Arc;

/// The simulated car and its world, as sensors.
pub struct EmbeddedSensors {
    pub(super) clockwork: Clockwork,
    pub(super) gnss: Option<Gnss>,
    pub(super) imu: Option<Inertial>,
    pub(super) camera_info: Option<CameraInfo>,
    pub(super) lidar: Option<SensorThread>,
    pub(super) camera: Option<SensorThread>,
    /// The one snapshot of the next picture.
    pub(super) shot: Vec<WorldSnapshot>,
    /// The snapshots of the lidar's turn; the first `turn_filled` count.
    pub(super) turn: Vec<WorldSnapshot>,
    pub(super) turn_filled: usize,
    pub(super) world: World,
    pub(super) ego: Box<dyn EgoCar>,
    pub(super) snapshot: WorldSnapshot,
    /// Since the last truth message.
    pub(super) incidents: Vec<Incident>,
    pub(super) ending: Ending,
    pub(super) road_users_visible: bool,
    pub(super) finished: bool,
    pub(super) last_tick: Option<LogicalTime>,
}

impl Sensors for EmbeddedSensors {
    fn tick_period(&self) -> LogicalDuration {
        TICK
    }

    fn least_latency(&self) -> LogicalDuration {
        self.clockwork.least_latency()
    }

    fn kinds(&self) -> Vec<(SensorKind, LogicalDuration)> {
        self.clockwork.kinds()
    }

    fn tick(&mut self, now: LogicalTime, sink: &mut SensorSink) -> Result<(), HalError> {
        if self.last_tick.replace(now).is_some_and(|last| now < last) {
            return Err(HalError::backwards("embedded", now));
        }
        if self.finished {
            sink.finished = true;
            return Ok(());
        }
        self.ego.advance(now)?;
        let before = self.incidents.len();
        self.world.step(now, &*self.ego, &mut self.incidents);
        self.world.snapshot(&*self.ego, &mut self.snapshot);
        self.ending.look(now, &self.world, &*self.ego, &self.incidents[before..]);
        self.finished = self.ending.reached(now);

        self.emit_motion(now, sink);
        self.emit_camera(now, sink)?;
        self.emit_lidar(now, sink)?;
        self.emit_truth(now, sink, self.incidents.len() > before);
        sink.finished = self.finished;
        Ok(())
    }
}

impl EmbeddedSensors {
    fn emit_motion(&mut self, now: LogicalTime, sink: &mut SensorSink) {
        let motion: PlantState = *self.ego.state();
        let clockwork = &self.clockwork;
        if clockwork.due(SensorKind::Engage, now)
            && let Some(engage) = self.ego.engage(now)
        {
            clockwork.emit_ready(sink, now, SensorMessage::Engage(Arc::new(engage)));
        }
        if clockwork.due(SensorKind::VehicleState, now)
            && let Some(state) = self.ego.vehicle_state(now)
        {
            clockwork.emit_ready(sink, now, SensorMessage::VehicleState(Arc::new(state)));
        }
        if let (Some(imu), true) = (&mut self.imu, clockwork.due(SensorKind::Imu, now)) {
            clockwork.emit_ready(sink, now, SensorMessage::Imu(Arc::new(imu.measure(now, &motion))));
        }
        if let (Some(gnss), true) = (&mut self.gnss, clockwork.due(SensorKind::Gnss, now)) {
            clockwork.emit_ready(sink, now, SensorMessage::Gnss(Arc::new(gnss.measure(now, &motion.pose))));
        }
        if let (Some(info), true) = (&mut self.camera_info, clockwork.due(SensorKind::CameraInfo, now)) {
            info.header.stamp = Time::from(now);
            clockwork.emit_ready(sink, now, SensorMessage::CameraInfo(Arc::new(info.clone())));
        }
    }

    fn emit_camera(&mut self, now: LogicalTime, sink: &mut SensorSink) -> Result<(), HalError> {
        let (Some(thread), true) = (&self.camera, self.clockwork.due(SensorKind::Camera, now)) else {
            return Ok(());
        };
        let mut filled = 0;
        keep(&mut self.shot, &mut filled, &self.snapshot, self.road_users_visible);
        let (pending, buffers) = thread.compute(std::mem::take(&mut self.shot))?;
        self.shot = buffers;
        self.clockwork.emit(sink, SensorKind::Camera, now, now, Payload::Pending(pending));
        Ok(())
    }

    /// Keeps the instants of the turn, and hands them over when it is complete. The turn's last instant is the next one's
    /// first.
    fn emit_lidar(&mut self, now: LogicalTime, sink: &mut SensorSink) -> Result<(), HalError> {
        let (Some(thread), Some(period)) = (&self.lidar, self.clockwork.period(SensorKind::Lidar)) else {
            return Ok(());
        };
        keep(&mut self.turn, &mut self.turn_filled, &self.snapshot, self.road_users_visible);
        if !self.clockwork.due(SensorKind::Lidar, now) {
            return Ok(());
        }
        if self.turn_filled as i64 == period + 1 {
            self.turn.truncate(self.turn_filled);
            let oldest = self.turn[0].time;
            let (pending, buffers) = thread.compute(std::mem::take(&mut self.turn))?;
            self.turn = buffers;
            self.clockwork.emit(sink, SensorKind::Lidar, oldest, now, Payload::Pending(pending));
        }
        self.turn_filled = 0;
        keep(&mut self.turn, &mut self.turn_filled, &self.snapshot, self.road_users_visible);
        Ok(())
    }

    fn emit_truth(&mut self, now: LogicalTime, sink: &mut SensorSink, news: bool) {
        if self.clockwork.due(SensorKind::Truth, now) || news || self.finished {
            let truth = ground_truth(&self.snapshot, self.ego.state(), &self.incidents);
            self.incidents.clear();
            self.clockwork.emit_ready(sink, now, SensorMessage::Truth(Arc::new(truth)));
        }
    }
}

/// Copies a snapshot into the next slot, whose buffers are reused; without road users where sensors are not to see them.
fn keep(
    turn: &mut Vec<WorldSnapshot>,
    filled: &mut usize,
    snapshot: &WorldSnapshot,
    road_users_visible: bool,
) {
    if turn.len() <= *filled {
        turn.push(WorldSnapshot::default());
    }
    let slot = &mut turn[*filled];
    slot.time = snapshot.time;
    slot.ego = snapshot.ego;
    slot.actors.clear();
    if road_users_visible {
        slot.actors.extend_from_slice(&snapshot.actors);
    }
    slot.lights.clear();
    slot.lights.extend_from_slice(&snapshot.lights);
    *filled += 1;
}

/// When the run is over.
#[derive(Debug)]
pub struct Ending {
    aim: Aim,
    at: LogicalTime,
    moved: bool,
    start: Option<Vec2>,
    standing_since: Option<LogicalTime>,
}

/// From a collision to the end of the run.
const AFTERMATH: LogicalDuration = LogicalDuration::from_millis(2_000);
/// Slower than this the car stands, m/s.
const STANDS_BELOW: f64 = 0.3;
/// So near to the goal counts, metres along the lane.
const GOAL_REACH_M: f64 = 5.0;
/// So long the car must stand to have stopped for good.
const STOPPED: LogicalDuration = LogicalDuration::from_millis(3_000);

impl Ending {
    /// The end of a scenario, which leads to `goal`.
    #[must_use]
    pub fn new(scenario: &Scenario, goal: Option<LanePosition>) -> Self {
        Self {
            aim: Aim { success: scenario.success, goal },
            at: LogicalTime::ZERO + LogicalDuration::from_secs_f64(scenario.duration_s),
            moved: false,
            start: None,
            standing_since: None,
        }
    }

    /// Looks at one instant.
    pub fn look(&mut self, now: LogicalTime, world: &World, ego: &dyn Ego, news: &[Incident]) {
        let state = ego.state();
        let place = state.pose.position();
        let start = *self.start.get_or_insert(place);
        self.moved |= (place - start).norm() > 5.0;
        let standing = state.speed < STANDS_BELOW;
        self.standing_since = if standing { self.standing_since.or(Some(now)) } else { None };
        if news.iter().any(|incident| incident.kind == IncidentKind::Collision) {
            self.at = self.at.min(now + AFTERMATH);
        }
        let over = match self.aim.success {
            Success::Goal => standing && self.moved && self.is_at_goal(world, ego),
            Success::Standing => {
                self.moved && self.standing_since.is_some_and(|since| now.since(since) >= STOPPED)
            }
            Success::Duration => false,
        };
        if over {
            self.at = self.at.min(now);
        }
    }

    /// Whether the run is over.
    #[must_use]
    pub fn reached(&self, now: LogicalTime) -> bool {
        now >= self.at
    }

    /// Whether the rear axle or the front bumper is within reach of the goal, on its lane.
    fn is_at_goal(&self, world: &World, ego: &dyn Ego) -> bool {
        let Some(goal) = self.aim.goal else { return false };
        let pose = ego.state().pose;
        let front = pose.to_parent(Vec2::new(world.ego_front_m(), 0.0));
        [pose.position(), front].into_iter().any(|point| {
            world
                .map()
                .nearest_lane(point, Some(pose.yaw))
                .is_some_and(|at| at.lane == goal.lane && (at.s - goal.s).abs() < GOAL_REACH_M)
        })
    }
}
