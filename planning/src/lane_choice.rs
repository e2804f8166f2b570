//! Which lane to be on: the route's, or the one beside it while something stands in the way.

use crate::PlannerConfig;
use crate::encounter::{Encounters, Meeting};
use crate::objects::{Kind, Objects};
use crate::path::{Change, LanePlan, Path};
use crate::profile::Motion;
use crate::route_line::{RouteLine, StageLane};
use crate::rule::Cause;
use auriga_map::{LaneId, Map, SignalKind};
use auriga_vehicle::VehicleParameters;

/// The shortest lane change, at walking pace, metres.
const SHORTEST_M: f64 = 14.0;

/// What the choice of a lane looks at.
pub(crate) struct LaneScene<'a> {
    pub config: &'a PlannerConfig,
    pub car: &'a VehicleParameters,
    pub map: &'a Map,
    pub line: &'a RouteLine,
    pub objects: &'a Objects,
    /// The car's station, and its motion on the present path.
    pub station: f64,
    pub start: Motion,
}

/// A lane change that might be made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Proposal {
    pub plan: LanePlan,
    pub cause: Cause,
    /// The change and what it leads past must fit on the path up to here, metres along the present path.
    pub clear_to: f64,
    /// An object that the change is to avoid.
    pub around: Option<u64>,
}

/// Moves the plan on as the car moves: stretches left behind, changes that are done.
pub(crate) fn advance(map: &Map, line: &RouteLine, plan: &mut LanePlan, behind: f64) {
    while behind > line.stages[plan.stage].end() && plan.stage + 1 < line.stages.len() {
        let next = &line.stages[plan.stage + 1];
        let to = plan.change.and_then(|c| line.follow(map, plan.stage, c.to));
        let lane = line.follow(map, plan.stage, plan.lane);
        plan.change = match (plan.change, to) {
            (Some(change), Some(to)) => Some(Change { to, ..change }),
            _ => None,
        };
        plan.lane = lane.or(to).unwrap_or_else(|| next.target());
        plan.stage += 1;
    }
    if let Some(change) = plan.change.filter(|c| behind > c.end) {
        plan.lane = change.to;
        plan.change = None;
    }
    plan.shift = plan.shift.filter(|shift| behind < shift.1);
}

impl LaneScene<'_> {
    /// The lane that the plan is on at the car's station, and its stretch.
    fn here(&self, plan: &LanePlan) -> Option<(usize, StageLane)> {
        let (mut stage, mut lane) = (plan.stage, plan.lane);
        while self.station > self.line.stages[stage].end() && stage + 1 < self.line.stages.len() {
            lane = self.line.follow(self.map, stage, lane)?;
            stage += 1;
        }
        self.line.stages[stage].lane(lane).map(|l| (stage, *l))
    }

    /// Whether the car may go to a lane beside the one that it is on.
    pub fn may_leave(&self, plan: &LanePlan) -> bool {
        plan.change.is_none()
            && self
                .here(plan)
                .is_some_and(|(_, lane)| [1, -1].iter().any(|side| self.neighbor(lane.lane, *side).is_some()))
    }

    fn neighbor(&self, lane: LaneId, side: i32) -> Option<LaneId> {
        let lane = self.map.lane(lane);
        let neighbor = if side > 0 { lane.left } else { lane.right };
        neighbor.filter(|n| n.change_allowed && n.same_direction).map(|n| n.lane)
    }

    /// Lane changes worth looking at, best first.
    pub fn proposals(&self, plan: &LanePlan, path: &Path, encounters: &Encounters, out: &mut Vec<Proposal>) {
        out.clear();
        if plan.change.is_some() {
            return;
        }
        let Some((stage, lane)) = self.here(plan) else { return };
        if let Some((id, from, to)) = self.obstacle(path, encounters) {
            for side in [1, -1] {
                let Some(target) = self.neighbor(lane.lane, side) else { continue };
                // First a change at ease, then one as tight as the way to the obstacle asks for.
                let room = from - self.start.s + 3.0;
                for length in [self.change_length(3.7), self.change_length(2.6).min(room.max(SHORTEST_M))] {
                    let plan = self.with_change(plan, stage, target, lane.lane, length);
                    out.push(Proposal {
                        plan,
                        cause: Cause::Object(id),
                        clear_to: to + 12.0,
                        around: Some(id),
                    });
                }
            }
            return;
        }
        if lane.offset != 0 {
            let side = -lane.offset.signum();
            let Some(target) = self.neighbor(lane.lane, side) else { return };
            let length = self.change_length(3.7).max(20.0);
            for length in [length, SHORTEST_M.max(0.5 * length)] {
                let plan = self.with_change(plan, stage, target, lane.lane, length);
                let clear_to = self.start.s + length + 12.0 + self.start.v;
                out.push(Proposal { plan, cause: Cause::Lane(target), clear_to, around: None });
            }
        }
    }

    /// Metres that a change takes; 3.7 s keep its lateral acceleration under 1.5 m/s² for a lane of 3.5 m.
    fn change_length(&self, seconds: f64) -> f64 {
        (seconds * self.start.v).max(SHORTEST_M)
    }

    fn with_change(&self, plan: &LanePlan, stage: usize, to: LaneId, from: LaneId, length: f64) -> LanePlan {
        let start = self.station + 0.2 * self.start.v;
        LanePlan {
            stage,
            lane: from,
            change: Some(Change { start, end: start + length, to }),
            shift: plan.shift,
        }
    }

    /// Something that has stood in the way for a while and is not the end of a queue: (id, from, to).
    fn obstacle(&self, path: &Path, encounters: &Encounters) -> Option<(u64, f64, f64)> {
        let nearest = encounters
            .all
            .iter()
            .filter(|e| e.meeting == Meeting::Standing && e.from > self.start.s)
            .min_by(|a, b| a.from.total_cmp(&b.from))?;
        let object = &self.objects.all[nearest.object];
        let ahead = nearest.from - self.start.s;
        // Who has been driving will do so again: it is given more time.
        let patience = if object.has_driven { 15.0 } else { self.config.overtake_after_s };
        let waited = object.standing_s >= patience;
        if object.kind == Kind::Pedestrian || !waited || ahead > 60.0 {
            return None;
        }
        // Behind a stop line or before a junction a standing vehicle waits its turn, unless it does so for very long.
        let head = self.head_of_queue(encounters, nearest.from);
        let queue = path.runs.iter().any(|run| {
            let lane = self.map.lane(run.lane);
            let near = |s: f64| s > nearest.from && s < head + 20.0;
            (lane.junction.is_some() && near(run.s_start))
                || lane.controls.iter().any(|c| {
                    near(run.path_s(c.stop_s)) && self.map.signal(c.signal).kind == SignalKind::TrafficLight
                })
        });
        (!queue || object.standing_s > 40.0).then_some((nearest.id, nearest.from, nearest.to))
    }

    /// Where the front of the first of several vehicles is that stand one behind the other.
    fn head_of_queue(&self, encounters: &Encounters, from: f64) -> f64 {
        let mut head = from;
        // Each pass takes in at least one more vehicle, or none is left to take in.
        for _ in 0..encounters.all.len() {
            let next = encounters
                .all
                .iter()
                .filter(|e| e.meeting != Meeting::Crossing && e.speed_along < 2.0 && e.enters < 0.5)
                .filter(|e| e.from < head + 12.0)
                .map(|e| e.to)
                .fold(head, f64::max);
            if next <= head {
                break;
            }
            head = next;
        }
        head + self.car.front_m()
    }

    /// Whether a proposed path is free: nothing stands on it, and nobody ahead of or behind the gap is bothered.
    pub fn is_free(&self, proposal: &Proposal, path: &Path, encounters: &Encounters, s: f64) -> bool {
        let Some(change) = proposal.plan.change else { return false };
        let clear_to = proposal.clear_to - self.start.s + s;
        if path.length() < clear_to {
            return false;
        }
        let v = self.start.v;
        for encounter in &encounters.all {
            let gap = encounter.from - s;
            let bad = match encounter.meeting {
                Meeting::Standing => encounter.from < clear_to + 5.0 || proposal.around == Some(encounter.id),
                Meeting::Ahead => {
                    let closing = (v - encounter.speed_along).max(0.0);
                    gap < 3.0 + 0.5 * v + closing * closing / 3.0
                }
                Meeting::Crossing | Meeting::Oncoming => encounter.from < clear_to && encounter.enters < 6.0,
            };
            if bad {
                return false;
            }
        }
        !self.is_beside_or_behind(proposal.plan.stage, change.to)
    }

    /// Whether somebody drives beside the car or comes up behind it on a lane.
    fn is_beside_or_behind(&self, stage: usize, lane: LaneId) -> bool {
        let Some(target) = self.line.stages[stage].lane(lane) else { return true };
        let here = self.line.stages[stage].lane_s(target, self.station);
        let lane = self.map.lane(lane);
        let rear = self.car.rear_overhang_m;
        let blocks = |lane_s: f64, object: usize| {
            let object = &self.objects.all[object];
            let half = object.shape.length / 2.0;
            let behind = here - rear - lane_s - half;
            if lane_s - half > here + self.car.front_m() + 1.0 {
                return false;
            }
            let closing = (object.speed - self.start.v).max(0.0);
            behind < 2.5 + 0.6 * object.speed + closing * closing / 3.0 + 1.5 * closing
        };
        for (i, object) in self.objects.all.iter().enumerate() {
            if object.kind == Kind::Pedestrian {
                continue;
            }
            let point = object.shape.center.position();
            let reach = 0.5 * object.shape.width + 1.2;
            let (s, d) = lane.centerline.project(point);
            if s > 0.0 && s < lane.length {
                if d.abs() < reach && blocks(s, i) {
                    return true;
                }
                continue;
            }
            for &before in &lane.predecessors {
                let before = self.map.lane(before);
                let (s, d) = before.centerline.project(point);
                if s > 0.0 && s < before.length && d.abs() < reach && blocks(s - before.length, i) {
                    return true;
                }
            }
        }
        false
    }
}
