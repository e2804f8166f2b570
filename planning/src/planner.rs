//! One planning step: where the car is on its route, who is in its way, what the rules ask for, and the motion that obeys.

use crate::encounter::{Encounters, Meeting};
use crate::lane_choice::{LaneScene, Proposal, advance};
use crate::objects::{Kind, Objects};
use crate::output::{write_decision, write_trajectory};
use crate::path::{LanePlan, Path};
use crate::profile::{Binding, Limits, Motion, Stop, end_in_a_stop, lay_allowed};
use crate::right_of_way::{OnLane, Scene};
use crate::route_line::RouteLine;
use crate::rule::{Cause, Rule};
use crate::signals::SignalMemory;
use crate::{PlannerConfig, PlanningError};
use auriga_geometry::math::angle_difference;
use auriga_geometry::{LogicalTime, Pose2};
use auriga_map::{LaneId, LaneKind, Map, Route};
use auriga_messages::auriga_msgs::BehaviorDecision;
use auriga_messages::autoware_perception_msgs::{PredictedObjects, TrafficLightGroupArray};
use auriga_messages::autoware_planning_msgs::Trajectory;
use auriga_messages::nav_msgs::Odometry;
use auriga_vehicle::{VehicleParameters, roll_along_arc};

/// The path begins this far behind the car, metres.
const BEHIND_M: f64 = 4.0;
/// Farther from every lane of its route a car is lost, metres.
const LOST_M: f64 = 6.0;

/// The state of a planned car.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Planned {
    pub t: f64,
    pub pose: Pose2,
    pub v: f64,
    pub a: f64,
}

/// The ego state that a step works on.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Ego {
    pose: Pose2,
    speed: f64,
    /// Standard deviation of the position where it is largest, metres.
    sigma: f64,
}

/// Plans trajectories along a route. One step each 0.1 s or so.
///
/// The route is fixed; the map that it was made on is handed to every step.
#[derive(Clone, Debug)]
pub struct Planner {
    pub(crate) config: PlannerConfig,
    pub(crate) car: VehicleParameters,
    pub(crate) line: RouteLine,
    plan: Option<LanePlan>,
    station: f64,
    signals: SignalMemory,
    /// Perception has not told anything new.
    is_blind: bool,
    /// Where the car is is not known well enough.
    is_lost: bool,
    last: Option<LogicalTime>,
    previous: Vec<Planned>,
    // Buffers, reused from step to step.
    objects: Objects,
    path: Path,
    other_path: Path,
    encounters: Encounters,
    other_encounters: Encounters,
    on_lanes: Vec<OnLane>,
    lanes: Vec<LaneId>,
    proposals: Vec<Proposal>,
    caps: Vec<(f64, f64, f64)>,
    allowed: Vec<f64>,
    stops: Vec<Stop>,
    motions: Vec<Motion>,
    changing_for: Cause,
}

impl Planner {
    /// A planner for a route, which must come from [`Map::route`] of the map that is handed to [`Planner::step`].
    ///
    /// # Errors
    /// [`PlanningError`] where a parameter makes no sense or the route is not of this map.
    pub fn new(
        config: PlannerConfig,
        vehicle: VehicleParameters,
        map: &Map,
        route: &Route,
    ) -> Result<Self, PlanningError> {
        config.check()?;
        vehicle.check("vehicle")?;
        let line = RouteLine::new(map, route)?;
        let station = line.origin;
        Ok(Self {
            config,
            car: vehicle,
            line,
            plan: None,
            station,
            signals: SignalMemory::default(),
            is_blind: false,
            is_lost: false,
            last: None,
            previous: Vec::new(),
            objects: Objects::default(),
            path: Path::default(),
            other_path: Path::default(),
            encounters: Encounters::default(),
            other_encounters: Encounters::default(),
            on_lanes: Vec::new(),
            lanes: Vec::new(),
            proposals: Vec::new(),
            caps: Vec::new(),
            allowed: Vec::new(),
            stops: Vec::new(),
            motions: Vec::new(),
            changing_for: Cause::None,
        })
    }

    /// Metres driven along the route, and metres left.
    #[must_use]
    pub fn progress(&self) -> (f64, f64) {
        (self.station - self.line.origin, (self.line.goal - self.station).max(0.0))
    }

    /// The plan for `now`. `trajectory` and `decision` are written anew; the trajectory's first point is at `now`.
    ///
    /// Without `objects`, or with old ones, the car stops, unless obstacles are not braked for at all; without `lights` no light
    /// has been seen.
    ///
    /// # Errors
    /// [`PlanningError::Input`] where the ego state is not finite; the outputs are then left as they were.
    #[allow(clippy::too_many_arguments, reason = "one argument per input and output of the node")]
    pub fn step(
        &mut self,
        now: LogicalTime,
        ego: &Odometry,
        objects: Option<&PredictedObjects>,
        lights: Option<&TrafficLightGroupArray>,
        map: &Map,
        trajectory: &mut Trajectory,
        decision: &mut BehaviorDecision,
    ) -> Result<(), PlanningError> {
        let ego = read_ego(now, ego)?;
        if let Some(lights) = lights {
            self.signals.see(lights);
        }
        match objects.filter(|_| self.config.obstacle_braking) {
            Some(objects) => self.objects.load(now, objects),
            None => self.objects.clear(),
        }
        self.is_blind = self.config.obstacle_braking && self.is_old(now, objects);
        self.find_lanes(map, &ego);
        self.is_lost = ego.sigma > self.config.position_sigma_max_m;
        let start = if self.locate(map, &ego) { self.lay_path(now, map, &ego) } else { None };
        let binding = match start {
            Some(start) => {
                let start = self.choose_lane(map, start);
                self.decide(now, map, start)
            }
            None => self.stop_where_it_is(&ego),
        };
        end_in_a_stop(&self.config, &mut self.motions);
        write_trajectory(now, &self.car, &self.path, &self.motions, trajectory, &mut self.previous);
        self.last = Some(now);
        let target = self.motions.get(10).map_or(0.0, |m| m.v);
        write_decision(now, map, binding, self.progress(), &self.motions, target, decision);
        Ok(())
    }

    fn is_old(&self, now: LogicalTime, objects: Option<&PredictedObjects>) -> bool {
        objects.is_none_or(|objects| {
            let age = now.since(LogicalTime::from(&objects.header.stamp)).as_secs_f64();
            age > self.config.objects_age_max_s
        })
    }

    /// Finds the car on the ribbon; false when it is lost.
    fn locate(&mut self, map: &Map, ego: &Ego) -> bool {
        let window = match self.plan {
            Some(_) => (self.station - 15.0, self.station + 30.0),
            None => (f64::NEG_INFINITY, f64::INFINITY),
        };
        let Some(found) = self.line.locate(map, ego.pose.position(), window) else { return false };
        if found.distance > LOST_M {
            return false;
        }
        match &mut self.plan {
            Some(plan) => {
                self.station = found.station;
                advance(map, &self.line, plan, found.station - BEHIND_M);
            }
            None => {
                self.station = found.station;
                self.plan =
                    Some(LanePlan { stage: found.stage, lane: found.lane, change: None, shift: None });
            }
        }
        true
    }

    /// Lays the path, and finds where on it the plan starts: where the previous plan has the car now, if it is near there.
    /// `None` where no path leads on.
    fn lay_path(&mut self, now: LogicalTime, map: &Map, ego: &Ego) -> Option<Motion> {
        let planned = self.planned(now);
        let near = planned.filter(|p| {
            let local = p.pose.to_local(ego.pose.position());
            local.x.abs() < 1.5 && local.y.abs() < 0.6 && (p.v - ego.speed).abs() < 1.5
        });
        self.build(map, ego.speed);
        if near.is_none() {
            let (_, d) = self.path.project(ego.pose.position());
            if d.abs() > 0.3 {
                let length = (3.0 * ego.speed).max(12.0);
                if let Some(plan) = &mut self.plan {
                    let before = plan.shift.map_or(0.0, |shift| shift.2);
                    plan.shift = Some((self.station, self.station + length, d + before));
                }
                self.build(map, ego.speed);
            }
        }
        let (pose, v, a) = match near {
            Some(p) => (p.pose, p.v, p.a),
            None => (ego.pose, ego.speed, planned.map_or(0.0, |p| p.a.clamp(-3.0, 1.0))),
        };
        let (s, _) = self.path.project(pose.position());
        (self.path.points.len() > 3).then_some(Motion { t: 0.0, s, v, a })
    }

    fn build(&mut self, map: &Map, speed: f64) {
        let Some(plan) = &self.plan else { return };
        let from = self.station - BEHIND_M;
        self.path.build(map, &self.line, plan, &self.car, from, path_length(speed));
    }

    /// Where the previous plan has the car now.
    fn planned(&self, now: LogicalTime) -> Option<Planned> {
        let t = now.since(self.last?).as_secs_f64();
        let after = self.previous.partition_point(|p| p.t <= t);
        let (a, b) = (self.previous.get(after.checked_sub(1)?)?, self.previous.get(after)?);
        let u = (t - a.t) / (b.t - a.t);
        Some(Planned {
            t,
            pose: a.pose.interpolate(&b.pose, u),
            v: a.v + (b.v - a.v) * u,
            a: a.a + (b.a - a.a) * u,
        })
    }

    /// Makes a lane change if one is due and free; returns the start on the path that then counts.
    fn choose_lane(&mut self, map: &Map, start: Motion) -> Motion {
        self.encounters.find(&self.config, &self.car, &self.objects, &self.path, start.s);
        let Some(plan) = self.plan else { return start };
        if plan.change.is_none() {
            self.changing_for = Cause::None;
        }
        let scene = LaneScene {
            config: &self.config,
            car: &self.car,
            map,
            line: &self.line,
            objects: &self.objects,
            station: self.station,
            start,
        };
        scene.proposals(&plan, &self.path, &self.encounters, &mut self.proposals);
        let place = self.path.at(start.s).pose.position();
        for proposal in &self.proposals {
            let from = self.station - BEHIND_M;
            // The stretch behind the car may be another one than the change's.
            let from = from.max(self.line.stages[proposal.plan.stage].start);
            let length = path_length(start.v);
            self.other_path.build(map, &self.line, &proposal.plan, &self.car, from, length);
            if self.other_path.points.len() <= 3 {
                continue;
            }
            let (s, _) = self.other_path.project(place);
            self.other_encounters.find(&self.config, &self.car, &self.objects, &self.other_path, s);
            if scene.is_free(proposal, &self.other_path, &self.other_encounters, s) {
                self.plan = Some(proposal.plan);
                self.changing_for = proposal.cause;
                core::mem::swap(&mut self.path, &mut self.other_path);
                core::mem::swap(&mut self.encounters, &mut self.other_encounters);
                return Motion { s, ..start };
            }
        }
        start
    }

    /// Collects what the rules ask for and rolls out the motion.
    fn decide(&mut self, now: LogicalTime, map: &Map, start: Motion) -> Binding {
        self.cap_at_narrow_places(start.s);
        lay_allowed(&self.config, &self.path, &self.caps, &mut self.allowed);
        self.stops.clear();
        self.stop_at_ends(start);
        for (is_so, rule) in [(self.is_blind, Rule::Blind), (self.is_lost, Rule::Lost)] {
            if is_so {
                let braking = 0.5 * start.v * start.v / self.config.deceleration_comfort_mps2;
                let s = start.s + braking;
                self.stops.push(Stop { s, reserve: 0.0, rule, cause: Cause::None });
            }
        }
        let scene = Scene {
            config: &self.config,
            car: &self.car,
            map,
            path: &self.path,
            objects: &self.objects,
            on_lanes: &self.on_lanes,
            encounters: &self.encounters,
            now,
            start,
        };
        scene.stop_at_signals(&mut self.signals, &mut self.stops);
        let limits = Limits {
            config: &self.config,
            path: &self.path,
            allowed: &self.allowed,
            encounters: &self.encounters,
        };
        // How the car would go if nobody crossed: whom it would meet then decides whom it gives way to.
        limits.roll(start, &self.stops, &mut self.motions);
        let roomy = self.plan.is_some_and(|plan| plan.change.is_none()) && self.can_leave(map, start);
        scene.stop_for_others(&self.motions, roomy, &mut self.stops);
        scene.stop_at_crosswalks(&self.motions, &mut self.stops);
        scene.stop_at_junctions(&self.signals, &self.motions, &mut self.stops);
        let mut binding = limits.roll(start, &self.stops, &mut self.motions);
        let firm = self.config.deceleration_firm_mps2;
        if let Some(id) = first_collision(&self.encounters, &self.motions, firm) {
            limits.roll_emergency(start, &mut self.motions);
            binding = Binding { rule: Rule::EmergencyBrake, cause: Cause::Object(id) };
        } else if binding.rule == Rule::Cruise && self.plan.is_some_and(|plan| plan.change.is_some()) {
            binding = Binding { rule: Rule::ChangeLane, cause: self.changing_for };
        }
        binding
    }

    fn can_leave(&self, map: &Map, start: Motion) -> bool {
        let scene = LaneScene {
            config: &self.config,
            car: &self.car,
            map,
            line: &self.line,
            objects: &self.objects,
            station: self.station,
            start,
        };
        self.plan.is_some_and(|plan| scene.may_leave(&plan))
    }

    /// The goal, and the end of a lane that does not lead there.
    fn stop_at_ends(&mut self, start: Motion) {
        let goal = self.path.s_of_station(self.line.goal);
        if goal < self.path.length() {
            self.stops.push(Stop { s: goal, reserve: 1.0, rule: Rule::Goal, cause: Cause::None });
        }
        // Where the lane ends, room is kept for the change that has not been possible yet.
        let room = if self.path.dead_end { 18.0 } else { 1.0 };
        let end = (self.path.length() - self.car.front_m() - room).max(start.s);
        let cause = self.path.runs.last().map_or(Cause::None, |run| Cause::Lane(run.lane));
        // Elsewhere the path ends because it was laid no further.
        let rule = if self.path.dead_end { Rule::LaneEnd } else { Rule::Cruise };
        self.stops.push(Stop { s: end, reserve: room, rule, cause });
    }

    /// Slows down where something stands close beside the path.
    fn cap_at_narrow_places(&mut self, from: f64) {
        self.caps.clear();
        for object in self.objects.all.iter().filter(|o| o.stands()) {
            let Some((s, room)) = self.path.side_room(&object.shape) else { continue };
            let person = object.kind == Kind::Pedestrian || object.kind == Kind::Cyclist;
            let wide = if person { 1.0 } else { 0.6 };
            if room < wide && room > -0.3 && s > from {
                let half = object.shape.length / 2.0 + self.car.front_m();
                let cap = 4.0 + 8.0 * (room / wide).clamp(0.0, 1.0);
                self.caps.push((s - half, s + half, cap));
            }
        }
    }

    /// Which lanes the vehicles near the car are on.
    fn find_lanes(&mut self, map: &Map, ego: &Ego) {
        self.on_lanes.clear();
        for (i, object) in self.objects.all.iter().enumerate() {
            let pose = &object.shape.center;
            if object.kind == Kind::Pedestrian || pose.distance(&ego.pose) > 120.0 {
                continue;
            }
            map.lanes_within(pose.position(), 0.3, &mut self.lanes);
            for &id in &self.lanes {
                let lane = map.lane(id);
                if lane.kind != LaneKind::Driving {
                    continue;
                }
                let (s, d) = lane.centerline.project(pose.position());
                let at = lane.centerline.at(s);
                if d.abs() < 0.5 * at.width + 0.3 && angle_difference(pose.yaw, at.heading).abs() < 0.9 {
                    self.on_lanes.push(OnLane { object: i, lane: id, s });
                }
            }
        }
    }

    /// Off the route there is nothing to follow: straight on, to a stop.
    fn stop_where_it_is(&mut self, ego: &Ego) -> Binding {
        self.path.straight(&ego.pose, &self.car);
        self.encounters.find(&self.config, &self.car, &self.objects, &self.path, 0.0);
        let start = Motion { t: 0.0, s: 0.0, v: ego.speed, a: 0.0 };
        self.allowed.clear();
        self.allowed.resize(self.path.points.len(), 1.0);
        let rule = Rule::OffRoute;
        self.stops.clear();
        self.stops.push(Stop { s: 0.0, reserve: 20.0, rule, cause: Cause::None });
        let limits = Limits {
            config: &self.config,
            path: &self.path,
            allowed: &self.allowed,
            encounters: &self.encounters,
        };
        limits.roll(start, &self.stops, &mut self.motions);
        Binding { rule, cause: Cause::None }
    }
}

fn path_length(speed: f64) -> f64 {
    (60.0 + 8.0 * speed).clamp(90.0, 190.0)
}

fn read_ego(now: LogicalTime, ego: &Odometry) -> Result<Ego, PlanningError> {
    let twist = &ego.twist.twist;
    let pose = Pose2::from(&ego.pose.pose);
    let values = [pose.x, pose.y, pose.yaw, twist.linear.x, twist.angular.z];
    if !values.iter().all(|v| v.is_finite()) {
        return Err(PlanningError::Input { topic: "/localization/ego", problem: "it is not finite" });
    }
    let speed = twist.linear.x.max(0.0);
    let age = now.since(LogicalTime::from(&ego.header.stamp)).as_secs_f64().clamp(0.0, 0.5);
    let curvature = if speed > 0.5 { twist.angular.z / speed } else { 0.0 };
    let sigma = greatest_sigma(&ego.pose.covariance.0);
    if !sigma.is_finite() {
        return Err(PlanningError::Input {
            topic: "/localization/ego",
            problem: "its covariance is not finite",
        });
    }
    Ok(Ego { pose: roll_along_arc(&pose, speed * age, curvature), speed, sigma })
}

/// Standard deviation of a position along the longer axis of its error ellipse, from a pose's row-major 6 × 6 covariance.
fn greatest_sigma(covariance: &[f64; 36]) -> f64 {
    let (xx, xy, yy) = (covariance[0], covariance[1], covariance[7]);
    let (middle, half) = ((xx + yy) / 2.0, (xx - yy) / 2.0);
    (middle + (half * half + xy * xy).sqrt()).max(0.0).sqrt()
}

/// The first object that the motion would touch soon, although it is not there yet.
///
/// A place that can be stopped at with no more than `firm` m/s² is left to the rules: they see to it in time.
fn first_collision(encounters: &Encounters, motions: &[Motion], firm: f64) -> Option<u64> {
    let start = motions.first()?;
    let is_near = |s: f64| 0.5 * start.v * start.v > firm * (s - start.s);
    for motion in motions.iter().take_while(|m| m.t < 4.0 && is_near(m.s)).filter(|m| m.v > 0.3) {
        for encounter in &encounters.all {
            let relevant = match encounter.meeting {
                Meeting::Standing | Meeting::Ahead => true,
                Meeting::Crossing => encounter.kind != Kind::Unknown && encounter.enters < 2.0,
                Meeting::Oncoming => encounter.enters < 1.5,
            };
            let there_already = encounters.touches(encounter, 0.0, start.s);
            if relevant && !there_already && encounters.touches(encounter, motion.t, motion.s) {
                return Some(encounter.id);
            }
        }
    }
    None
}
