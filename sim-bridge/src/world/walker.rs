//! People on foot: along the sidewalks, over the crosswalks, and now and then where they should not.

use super::junction::EgoView;
use super::lights::TrafficLights;
use super::network::Network;
use super::state::{ActorKind, ActorSnapshot, LightColor};
use super::vehicle::Vehicle;
use crate::Noise;
use crate::sense::ground::KERB_HEIGHT;
use auriga_geometry::math::{PI, TAU, atan2, sin_cos, wrap_angle};
use auriga_geometry::{OrientedBox, Pose2, Pose3, Vec2};
use auriga_map::{CrosswalkId, LaneId, LaneKind, Map, SignalId, SignalKind};

/// Side of the square that somebody takes up, metres.
const SIZE: f64 = 0.6;

/// What somebody is doing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stage {
    /// Walks along a sidewalk.
    Sidewalk {
        /// The sidewalk.
        lane: LaneId,
        /// Metres along it.
        s: f64,
        /// Metres left of its middle.
        d: f64,
        /// Whether `s` grows.
        forward: bool,
    },
    /// Walks straight to a crosswalk's end.
    ToKerb {
        /// The crosswalk.
        crosswalk: CrosswalkId,
        /// Whether to the second end of its axis.
        second: bool,
    },
    /// Waits at the kerb.
    Waiting {
        /// The crosswalk.
        crosswalk: CrosswalkId,
        /// Whether at the second end of its axis.
        second: bool,
        /// Seconds.
        since: f64,
    },
    /// Walks over.
    Crossing {
        /// The crosswalk.
        crosswalk: CrosswalkId,
        /// Whether from the second end of its axis.
        second: bool,
        /// Metres walked.
        done: f64,
    },
    /// Walks straight back to a sidewalk.
    FromKerb {
        /// The sidewalk.
        lane: LaneId,
        /// Metres along it.
        s: f64,
        /// Metres left of its middle.
        d: f64,
    },
    /// Stands beside the road until the ego car comes, then walks across without looking.
    Jaywalking {
        /// Where he crosses the ego car's lane.
        target: Vec2,
        /// Sets off when the ego car would be there in so many seconds.
        trigger: f64,
        /// How far to walk, metres.
        distance: f64,
        /// Metres walked.
        done: f64,
        /// Whether he has set off.
        going: bool,
    },
}

/// Somebody on foot.
#[derive(Clone, Debug)]
pub struct Walker {
    /// Unique in a run.
    pub id: u32,
    appearance: u32,
    height: f64,
    pace: f64,
    position: Vec2,
    heading: f64,
    speed: f64,
    phase: f64,
    stage: Stage,
    noise: Noise,
}

impl Walker {
    /// His footprint.
    #[must_use]
    pub fn footprint(&self) -> OrientedBox {
        OrientedBox::new(Pose2::new(self.position.x, self.position.y, self.heading), SIZE, SIZE)
    }

    /// Whether he may be on the carriageway.
    fn exposed(&self) -> bool {
        matches!(self.stage, Stage::Crossing { .. } | Stage::Jaywalking { going: true, .. })
    }

    /// What sensors can see of him.
    #[must_use]
    pub fn snapshot(&self) -> ActorSnapshot {
        let pose = Pose2::new(self.position.x, self.position.y, self.heading);
        let z = if self.exposed() { 0.0 } else { f64::from(KERB_HEIGHT) };
        ActorSnapshot {
            id: self.id,
            kind: ActorKind::Pedestrian,
            appearance: self.appearance,
            pose: Pose3::from_pose2(&pose, z),
            length: SIZE,
            width: SIZE,
            height: self.height,
            speed: self.speed,
            walk_phase: self.phase,
            braking: false,
            indicator: 0,
        }
    }
}

/// Where a sidewalk meets an end of a crosswalk.
#[derive(Clone, Copy, Debug)]
struct Anchor {
    lane: LaneId,
    s: f64,
    crosswalk: CrosswalkId,
    second: bool,
}

/// All people on foot.
#[derive(Debug)]
pub struct Walkers {
    walkers: Vec<Walker>,
    anchors: Vec<Anchor>,
    /// By crosswalk: the lights that stop the cars before it.
    signals: Vec<Vec<SignalId>>,
    /// By crosswalk: the lanes over which it leads.
    crossed: Vec<Vec<LaneId>>,
    claimed: Vec<bool>,
    exposed: Vec<(OrientedBox, f64)>,
    noise: Noise,
    next_id: u32,
}

/// What people on foot look at.
pub struct Sight<'a> {
    /// The roads.
    pub network: &'a Network,
    /// The lights.
    pub lights: &'a TrafficLights,
    /// The traffic.
    pub vehicles: &'a [Vehicle],
    /// Their footprints.
    pub footprints: &'a [OrientedBox],
    /// The ego car.
    pub ego: &'a EgoView,
}

impl Walkers {
    /// Nobody yet; their numbers begin at `first_id`.
    #[must_use]
    pub fn new(map: &Map, first_id: u32, noise: Noise) -> Self {
        let count = map.crosswalks().len();
        let mut signals = vec![Vec::new(); count];
        let mut crossed = vec![Vec::new(); count];
        for lane in map.lanes() {
            for crossing in &lane.crossings {
                let index = crossing.crosswalk.index();
                crossed[index].push(lane.id);
                for control in &lane.controls {
                    let light = map.signal(control.signal).kind == SignalKind::TrafficLight;
                    let before = crossing.s_start - control.stop_s;
                    if light && (-1.0..12.0).contains(&before) && !signals[index].contains(&control.signal) {
                        signals[index].push(control.signal);
                    }
                }
            }
        }
        Self {
            walkers: Vec::new(),
            anchors: anchors(map),
            signals,
            crossed,
            claimed: vec![false; count],
            exposed: Vec::with_capacity(32),
            noise,
            next_id: first_id,
        }
    }

    /// Everybody.
    #[must_use]
    pub fn walkers(&self) -> &[Walker] {
        &self.walkers
    }

    /// By crosswalk: whether somebody is on it or wants to be.
    #[must_use]
    pub fn claimed(&self) -> &[bool] {
        &self.claimed
    }

    /// Everybody who may be on the carriageway, with his speed.
    #[must_use]
    pub fn exposed(&self) -> &[(OrientedBox, f64)] {
        &self.exposed
    }

    /// Adds `count` people on sidewalks and at crosswalks.
    pub fn populate(&mut self, map: &Map, count: usize) {
        let sidewalks: Vec<LaneId> = map
            .lanes()
            .iter()
            .filter(|l| l.kind == LaneKind::Sidewalk && l.length > 8.0)
            .map(|l| l.id)
            .collect();
        for k in 0..count {
            let near_crosswalk = k % 2 == 0 && !map.crosswalks().is_empty();
            if near_crosswalk || sidewalks.is_empty() {
                if map.crosswalks().is_empty() {
                    return;
                }
                let crosswalk = CrosswalkId(self.noise.below(map.crosswalks().len()) as u32);
                let second = self.noise.uniform() < 0.5;
                self.start_at_crosswalk(map, crosswalk, second);
            } else {
                let lane = sidewalks[self.noise.below(sidewalks.len())];
                let s = self.noise.between(1.0, map.lane(lane).length - 1.0);
                self.start_on_sidewalk(map, lane, s);
            }
        }
    }

    fn start_at_crosswalk(&mut self, map: &Map, crosswalk: CrosswalkId, second: bool) {
        let anchor = self.anchors.iter().find(|a| a.crosswalk == crosswalk && a.second == second).copied();
        if let Some(anchor) = anchor {
            let length = map.lane(anchor.lane).length;
            let s = (anchor.s + self.noise.between(-25.0, 25.0)).clamp(0.5, (length - 0.5).max(0.5));
            self.start_on_sidewalk(map, anchor.lane, s);
        } else {
            let axis = map.crosswalks()[crosswalk.index()].axis;
            let at = if second { axis.1 } else { axis.0 };
            let since = -self.noise.between(0.0, 20.0);
            self.add(at, 0.0, Stage::Waiting { crosswalk, second, since });
        }
    }

    fn start_on_sidewalk(&mut self, map: &Map, lane: LaneId, s: f64) {
        let at = map.lane(lane).centerline.at(s);
        let d = (at.width / 2.0 - 0.5).max(0.0) * self.noise.between(-0.8, 0.8);
        let forward = self.noise.uniform() < 0.5;
        let (sin, cos) = sin_cos(at.heading);
        let position = at.position + Vec2::new(-sin, cos) * d;
        let heading = if forward { at.heading } else { wrap_angle(at.heading + PI) };
        self.add(position, heading, Stage::Sidewalk { lane, s, d, forward });
    }

    /// Adds somebody.
    pub fn add(&mut self, position: Vec2, heading: f64, stage: Stage) -> &mut Walker {
        let id = self.next_id;
        self.next_id += 1;
        let mut noise = Noise::new(self.noise.bits(), u64::from(id));
        self.walkers.push(Walker {
            id,
            appearance: (noise.bits() >> 32) as u32,
            height: noise.between(1.55, 1.9),
            pace: noise.between(1.15, 1.5),
            position,
            heading,
            speed: 0.0,
            phase: 0.0,
            stage,
            noise,
        });
        let last = self.walkers.len() - 1;
        &mut self.walkers[last]
    }

    /// Adds somebody who steps out before the ego car.
    pub fn add_jaywalker(&mut self, from: Vec2, target: Vec2, trigger: f64, pace: f64, distance: f64) {
        let along = target - from;
        let heading = atan2(along.y, along.x);
        let stage = Stage::Jaywalking { target, trigger, distance, done: 0.0, going: false };
        self.add(from, heading, stage).pace = pace;
    }

    /// Moves everybody for `dt` seconds.
    pub fn step(&mut self, sight: &Sight<'_>, dt: f64) {
        let mut walkers = std::mem::take(&mut self.walkers);
        for walker in &mut walkers {
            self.step_one(sight, walker, dt);
        }
        self.walkers = walkers;
        self.claimed.fill(false);
        self.exposed.clear();
        for walker in &self.walkers {
            match walker.stage {
                Stage::Crossing { crosswalk, .. } => self.claimed[crosswalk.index()] = true,
                Stage::Waiting { crosswalk, since, .. }
                    if since > 0.3 && !self.signalised(crosswalk, sight.lights) =>
                {
                    self.claimed[crosswalk.index()] = true;
                }
                _ => {}
            }
            if walker.exposed() {
                self.exposed.push((walker.footprint(), walker.speed));
            }
        }
    }

    fn signalised(&self, crosswalk: CrosswalkId, lights: &TrafficLights) -> bool {
        self.signals[crosswalk.index()].iter().any(|&signal| lights.color(signal) != LightColor::Off)
    }

    fn step_one(&self, sight: &Sight<'_>, walker: &mut Walker, dt: f64) {
        let map = &sight.network.map;
        match walker.stage {
            Stage::Sidewalk { .. } => self.walk_along(map, walker, dt),
            Stage::ToKerb { crosswalk, second } => {
                let axis = map.crosswalks()[crosswalk.index()].axis;
                if walk_to(walker, if second { axis.1 } else { axis.0 }, dt) {
                    let across = if second { axis.0 - axis.1 } else { axis.1 - axis.0 };
                    walker.heading = atan2(across.y, across.x);
                    walker.stage = Stage::Waiting { crosswalk, second, since: 0.0 };
                }
            }
            Stage::Waiting { crosswalk, second, since } => {
                walker.speed = 0.0;
                let since = since + dt;
                let go = since > 1.0 && self.may_cross(sight, crosswalk, walker.pace);
                walker.stage = if go {
                    Stage::Crossing { crosswalk, second, done: 0.0 }
                } else {
                    Stage::Waiting { crosswalk, second, since }
                };
            }
            Stage::Crossing { crosswalk, second, done } => {
                let (a, b) = map.crosswalks()[crosswalk.index()].axis;
                let (from, to) = if second { (b, a) } else { (a, b) };
                let length = (to - from).norm();
                let direction = (to - from) / length.max(0.1);
                let done = step_out(sight, walker, from, direction, done, dt);
                walker.stage = if done >= length {
                    self.after_crossing(map, walker, crosswalk, !second)
                } else {
                    Stage::Crossing { crosswalk, second, done }
                };
            }
            Stage::FromKerb { lane, s, d } => {
                let at = map.lane(lane).centerline.at(s);
                let (sin, cos) = sin_cos(at.heading);
                if walk_to(walker, at.position + Vec2::new(-sin, cos) * d, dt) {
                    let forward = walker.noise.uniform() < 0.5;
                    walker.stage = Stage::Sidewalk { lane, s, d, forward };
                }
            }
            Stage::Jaywalking { .. } => jaywalk(sight, walker, dt),
        }
    }

    /// Where to go from a crosswalk's end.
    fn after_crossing(&self, map: &Map, walker: &mut Walker, crosswalk: CrosswalkId, second: bool) -> Stage {
        match self.anchors.iter().find(|a| a.crosswalk == crosswalk && a.second == second) {
            Some(anchor) => {
                let width = map.lane(anchor.lane).centerline.at(anchor.s).width;
                let d = (width / 2.0 - 0.5).max(0.0) * walker.noise.between(-0.8, 0.8);
                Stage::FromKerb { lane: anchor.lane, s: anchor.s, d }
            }
            None => Stage::Waiting { crosswalk, second, since: -walker.noise.between(8.0, 25.0) },
        }
    }

    fn walk_along(&self, map: &Map, walker: &mut Walker, dt: f64) {
        let Stage::Sidewalk { lane, s, d, forward } = walker.stage else { return };
        let step = if forward { walker.pace * dt } else { -walker.pace * dt };
        let next = s + step;
        let passed =
            self.anchors.iter().find(|a| a.lane == lane && (a.s - s) * (a.s - next) <= 0.0 && a.s != s);
        if let Some(anchor) = passed
            && walker.noise.uniform() < 0.6
        {
            walker.stage = Stage::ToKerb { crosswalk: anchor.crosswalk, second: anchor.second };
            return;
        }
        let here = map.lane(lane);
        let sidewalk =
            |ids: &[LaneId]| ids.iter().copied().find(|&id| map.lane(id).kind == LaneKind::Sidewalk);
        walker.stage = if next > here.length {
            match sidewalk(&here.successors) {
                Some(on) => Stage::Sidewalk { lane: on, s: 0.0, d, forward },
                None => Stage::Sidewalk { lane, s: here.length, d, forward: false },
            }
        } else if next < 0.0 {
            match sidewalk(&here.predecessors) {
                Some(on) => Stage::Sidewalk { lane: on, s: map.lane(on).length, d, forward },
                None => Stage::Sidewalk { lane, s: 0.0, d, forward: true },
            }
        } else {
            Stage::Sidewalk { lane, s: next, d, forward }
        };
        if let Stage::Sidewalk { lane, s, d, forward } = walker.stage {
            let at = map.lane(lane).centerline.at(s);
            let d = d.clamp(-(at.width / 2.0 - 0.4).max(0.0), (at.width / 2.0 - 0.4).max(0.0));
            let (sin, cos) = sin_cos(at.heading);
            walker.position = at.position + Vec2::new(-sin, cos) * d;
            walker.heading = if forward { at.heading } else { wrap_angle(at.heading + PI) };
            stride(walker, dt);
        }
    }

    fn may_cross(&self, sight: &Sight<'_>, crosswalk: CrosswalkId, pace: f64) -> bool {
        let walk = &sight.network.map.crosswalks()[crosswalk.index()];
        let length = (walk.axis.1 - walk.axis.0).norm();
        if self.signalised(crosswalk, sight.lights) {
            let needed = length / pace + 1.0;
            if self.signals[crosswalk.index()].iter().any(|&signal| sight.lights.red_for(signal) < needed) {
                return false;
            }
        }
        let middle = (walk.axis.0 + walk.axis.1) / 2.0;
        let ego = sight.ego;
        let front = ego.footprint.center.to_parent(Vec2::new(ego.footprint.length / 2.0, 0.0));
        let to_middle = middle - front;
        let ahead = to_middle.dot(&ego.footprint.center.direction());
        let beside = (to_middle - ego.footprint.center.direction() * ahead).norm();
        let distance = ahead - 4.0;
        let comes = ahead > -6.0 && ahead < 80.0 && beside < 15.0;
        if comes && ego.speed > 1.0 && ego.speed * ego.speed > 2.0 * 1.5 * (distance - 3.0).max(0.1) {
            return false;
        }
        if (middle - ego.footprint.center.position()).norm() < length / 2.0 + 3.0
            && ego.footprint.distance_to_point(middle) < 3.0
        {
            return false;
        }
        sight.vehicles.iter().all(|vehicle| self.gives_way(sight.network, vehicle, crosswalk))
    }

    fn gives_way(&self, network: &Network, vehicle: &Vehicle, crosswalk: CrosswalkId) -> bool {
        let crossed = &self.crossed[crosswalk.index()];
        for lane in vehicle.path.lanes() {
            if lane.start > vehicle.front() + 60.0 || !crossed.contains(&lane.lane) {
                continue;
            }
            for crossing in &network.map.lane(lane.lane).crossings {
                if crossing.crosswalk != crosswalk || vehicle.rear() > lane.start + crossing.s_end + 0.5 {
                    continue;
                }
                let distance = lane.start + crossing.s_start - 1.0 - vehicle.front();
                if distance < -0.6 {
                    return false;
                }
                if vehicle.speed > 0.5 && vehicle.speed * vehicle.speed > 2.0 * 2.5 * distance.max(0.1) {
                    return false;
                }
            }
        }
        true
    }
}

fn anchors(map: &Map) -> Vec<Anchor> {
    let mut anchors = Vec::new();
    for crosswalk in map.crosswalks() {
        for second in [false, true] {
            let end = if second { crosswalk.axis.1 } else { crosswalk.axis.0 };
            let mut best: Option<(f64, Anchor)> = None;
            for lane in map.lanes().iter().filter(|lane| lane.kind == LaneKind::Sidewalk) {
                let (s, _) = lane.centerline.project(end);
                let distance = (lane.centerline.at(s).position - end).norm();
                if distance < 6.0 && best.is_none_or(|(d, _)| distance < d) {
                    let s = s.clamp(0.3, (lane.length - 0.3).max(0.3));
                    best = Some((distance, Anchor { lane: lane.id, s, crosswalk: crosswalk.id, second }));
                }
            }
            anchors.extend(best.map(|(_, anchor)| anchor));
        }
    }
    anchors
}

fn stride(walker: &mut Walker, dt: f64) {
    walker.speed = walker.pace;
    // A step of about 0.7 m: two steps a cycle.
    walker.phase = (walker.phase + walker.pace * dt / 1.4 * TAU) % TAU;
}

fn walk_to(walker: &mut Walker, target: Vec2, dt: f64) -> bool {
    let way = target - walker.position;
    let left = way.norm();
    if left <= walker.pace * dt {
        walker.position = target;
        return true;
    }
    walker.position += way / left * (walker.pace * dt);
    walker.heading = atan2(way.y, way.x);
    stride(walker, dt);
    false
}

/// A step over the road: nobody walks into the side of a car that is in the way. Returns the metres walked.
fn step_out(sight: &Sight<'_>, walker: &mut Walker, from: Vec2, direction: Vec2, done: f64, dt: f64) -> f64 {
    let next = done + walker.pace * dt;
    let ahead = from + direction * (next + 0.35);
    let near = |footprint: &OrientedBox| footprint.distance_to_point(ahead) < 0.35;
    if near(&sight.ego.footprint) || sight.footprints.iter().any(near) {
        walker.speed = 0.0;
        return done;
    }
    walker.heading = atan2(direction.y, direction.x);
    walker.position = from + direction * next;
    stride(walker, dt);
    next
}

fn jaywalk(sight: &Sight<'_>, walker: &mut Walker, dt: f64) {
    let Stage::Jaywalking { target, trigger, distance, done, going } = walker.stage else { return };
    let (sin, cos) = sin_cos(walker.heading);
    let direction = Vec2::new(cos, sin);
    let from = walker.position - direction * done;
    let ego = &sight.ego.footprint;
    let front = ego.center.to_parent(Vec2::new(ego.length / 2.0, 0.0));
    let ahead = (target - front).dot(&ego.center.direction());
    let beside = ((target - front) - ego.center.direction() * ahead).norm();
    let comes = ahead > 0.0 && beside < 4.0 && ahead < trigger * sight.ego.speed;
    let going = going || comes;
    let done =
        if going && done < distance { step_out(sight, walker, from, direction, done, dt) } else { done };
    if !going || done >= distance {
        walker.speed = 0.0;
    }
    walker.stage = Stage::Jaywalking { target, trigger, distance, done, going };
}
