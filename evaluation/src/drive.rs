//! A drive as a whole: how far, how safe, how comfortable.

use crate::comfort::{Comfort, ComfortBounds, ComfortReport};
use crate::ego::{Ego, Footprint};
use crate::infraction::{Infraction, InfractionKind, LaneWatch};
use crate::proximity::{Proximity, ProximityReport};
use crate::route_line::RouteLine;
use auriga_geometry::{LogicalDuration, LogicalTime};
use auriga_map::{Map, Route};
use auriga_messages::auriga_msgs::{BehaviorDecision, GroundTruth, SafeCommandRecord, TruthEvent};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the evaluation of a drive goes by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DriveConfig {
    /// The route counts as finished this far before its end, metres (the car stops short of the goal, not on it).
    pub goal_tolerance_m: f64,
    /// Bounds of comfort.
    pub comfort: ComfortBounds,
}

impl Default for DriveConfig {
    fn default() -> Self {
        Self { goal_tolerance_m: 5.0, comfort: ComfortBounds::default() }
    }
}

/// How much of the route was driven.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct RouteReport {
    /// From start to goal, metres.
    pub length_m: f64,
    /// Driven along the route, metres.
    pub driven_m: f64,
    /// 0 to 100.
    pub completion_percent: f64,
    /// Whether the goal was reached.
    pub finished: bool,
}

/// One collision.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CollisionReport {
    /// When, seconds.
    pub at_s: f64,
    /// The other's number in the simulator; 0 for a thing that is not a road user.
    pub with: u32,
    /// The ego car's speed just before, m/s.
    pub ego_speed_mps: f64,
    /// For a person to read.
    pub text: String,
}

/// What a drive was like.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DriveReport {
    /// Logical seconds from the first truth to the last.
    pub duration_s: f64,
    /// How far.
    pub route: RouteReport,
    /// Each collision, in order.
    pub collisions: Vec<CollisionReport>,
    /// Each infraction, in order of discovery.
    pub infractions: Vec<Infraction>,
    /// Distances and times to others.
    pub proximity: ProximityReport,
    /// Accelerations, jerk, stops.
    pub comfort: ComfortReport,
    /// How often the gate stepped in, by `state: reason`.
    pub gate_interventions: BTreeMap<String, u32>,
    /// Seconds under each rule of the planner.
    pub behavior_s: BTreeMap<String, f64>,
}

impl DriveReport {
    /// Whether the car reached the goal without touching anybody.
    #[must_use]
    pub fn success(&self) -> bool {
        self.route.finished && self.collisions.is_empty()
    }

    /// Number of infractions of a kind.
    #[must_use]
    pub fn count(&self, kind: InfractionKind) -> usize {
        self.infractions.iter().filter(|infraction| infraction.kind == kind).count()
    }
}

/// The same two touch again within this: one collision.
const SAME_COLLISION: LogicalDuration = LogicalDuration::from_millis(2_000);
/// A lane change goes on this long after the planner's last word of it.
const CHANGE_FADES: LogicalDuration = LogicalDuration::from_millis(500);
/// The gate's states that are no intervention (`SafeCommandRecord::state`): silent, engaged, and the two holds at standstill,
/// which follow an intervention.
const QUIET_STATES: [u8; 4] = [0, 1, 3, 5];

/// Follows a drive and judges it. Messages are handed in as they come; truth in the order of time.
#[derive(Debug)]
pub struct DriveEvaluator {
    map: Arc<Map>,
    route: RouteLine,
    footprint: Footprint,
    config: DriveConfig,
    lanes: LaneWatch,
    proximity: Proximity,
    comfort: Comfort,
    report: DriveReport,
    first: Option<LogicalTime>,
    last: LogicalTime,
    speed_before_mps: f64,
    touched: BTreeMap<u32, LogicalTime>,
    decision: Option<(LogicalTime, String)>,
    changing_until: Option<LogicalTime>,
    gate: (u8, u8),
}

impl DriveEvaluator {
    /// An evaluator for a drive along `route`.
    #[must_use]
    pub fn new(map: Arc<Map>, route: &Route, footprint: Footprint, config: DriveConfig) -> Self {
        Self {
            route: RouteLine::new(Arc::clone(&map), route),
            map,
            footprint,
            config,
            lanes: LaneWatch::default(),
            proximity: Proximity::default(),
            comfort: Comfort::new(config.comfort),
            report: DriveReport::default(),
            first: None,
            last: LogicalTime::ZERO,
            speed_before_mps: 0.0,
            touched: BTreeMap::new(),
            decision: None,
            changing_until: None,
            gate: (0, 0),
        }
    }

    /// Takes the world as it is at one instant.
    pub fn truth(&mut self, truth: &GroundTruth) {
        let ego = Ego::of(truth, &self.footprint);
        self.first.get_or_insert(ego.time);
        self.last = ego.time;
        for event in &truth.events {
            self.event(event, &ego);
        }
        self.route.update(ego.pose.position());
        let changing =
            self.route.changes_lane_here() || self.changing_until.is_some_and(|until| ego.time <= until);
        self.lanes.update(&self.map, &ego, changing, &mut self.report.infractions);
        self.proximity.update(&ego, truth, &self.route);
        self.comfort.update(&ego);
        self.speed_before_mps = ego.speed_mps;
    }

    fn event(&mut self, event: &TruthEvent, ego: &Ego) {
        let time = LogicalTime::from(&event.stamp);
        let at_s = time.as_secs_f64();
        let infraction = |kind| Infraction { kind, at_s, worst: 0.0, text: event.text.clone() };
        match event.kind {
            TruthEvent::COLLISION => {
                let before = self.touched.insert(event.object_id, time);
                if before.is_none_or(|before| time.since(before) > SAME_COLLISION) {
                    self.report.collisions.push(CollisionReport {
                        at_s,
                        with: event.object_id,
                        ego_speed_mps: self.speed_before_mps.max(ego.speed_mps),
                        text: event.text.clone(),
                    });
                }
            }
            TruthEvent::RED_LIGHT => self.report.infractions.push(infraction(InfractionKind::RedLight)),
            TruthEvent::OFF_ROAD => self.report.infractions.push(infraction(InfractionKind::OffRoad)),
            _ => {}
        }
    }

    /// Takes what the planner decided.
    pub fn decision(&mut self, decision: &BehaviorDecision) {
        let time = LogicalTime::from(&decision.stamp);
        if let Some((since, rule)) = self.decision.take() {
            *self.report.behavior_s.entry(rule).or_default() += time.since(since).as_secs_f64();
        }
        if decision.rule.contains("change") {
            self.changing_until = Some(time + CHANGE_FADES);
        }
        self.decision = Some((time, decision.rule.clone()));
    }

    /// Takes what left the gate.
    pub fn safe_command(&mut self, record: &SafeCommandRecord) {
        let now = (record.state, record.reason);
        if now != self.gate && !QUIET_STATES.contains(&record.state) {
            let name = format!("{}: {}", record.state_name, record.reason_name);
            *self.report.gate_interventions.entry(name).or_default() += 1;
        }
        self.gate = now;
    }

    /// Metres driven along the route so far, and its length: for a progress bar.
    #[must_use]
    pub fn progress(&self) -> (f64, f64) {
        (self.route.station(), self.route.length())
    }

    /// Whether the goal has been reached.
    #[must_use]
    pub fn finished(&self) -> bool {
        let (driven, length) = self.progress();
        length > 0.0 && driven >= length - self.config.goal_tolerance_m
    }

    /// Collisions so far.
    #[must_use]
    pub fn collisions(&self) -> usize {
        self.report.collisions.len()
    }

    /// The report of the whole drive.
    #[must_use]
    pub fn finish(self) -> DriveReport {
        let (driven, length) = self.progress();
        let finished = self.finished();
        let share = if length > 0.0 { (driven / length).min(1.0) } else { 0.0 };
        DriveReport {
            duration_s: self.first.map_or(0.0, |first| self.last.since(first).as_secs_f64()),
            route: RouteReport {
                length_m: length,
                driven_m: driven,
                completion_percent: if finished { 100.0 } else { 100.0 * share },
                finished,
            },
            proximity: self.proximity.finish(),
            comfort: self.comfort.finish(),
            ..self.report
        }
    }
}
