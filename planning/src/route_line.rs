//! The route as a ribbon of lanes: stretches one after another, each with the lanes beside it that go the same way.
//!
//! A *station* is metres along the route's own lanes from a little before its start. Lanes beside one another are driven
//! over the same ratios of their lengths, so that one station names one cross-section of the ribbon.

use crate::PlanningError;
use auriga_geometry::Vec2;
use auriga_geometry::math::{angle_difference, lerp};
use auriga_map::{CenterPoint, Lane, LaneId, LaneKind, Map, Route};

/// How far the ribbon reaches back before the route's start and on beyond its goal, metres.
const BEFORE_M: f64 = 15.0;
const BEYOND_M: f64 = 60.0;
/// Lanes to either side that a stretch has at most.
const SIDES_MAX: i32 = 3;

/// One lane of a stretch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct StageLane {
    pub lane: LaneId,
    /// Lanes to the left of the one that the route leaves the stretch by.
    pub offset: i32,
    pub s_start: f64,
    pub s_end: f64,
}

/// A stretch of the route: lanes beside one another.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stage {
    /// Station of its start.
    pub start: f64,
    pub length: f64,
    /// By ascending offset.
    pub lanes: Vec<StageLane>,
}

impl Stage {
    pub fn end(&self) -> f64 {
        self.start + self.length
    }

    pub fn lane(&self, lane: LaneId) -> Option<&StageLane> {
        self.lanes.iter().find(|l| l.lane == lane)
    }

    /// The lane by which the route leaves this stretch.
    pub fn target(&self) -> LaneId {
        self.lanes.iter().find(|l| l.offset == 0).map_or(self.lanes[0].lane, |l| l.lane)
    }

    /// Metres along a lane of this stretch at a station.
    pub fn lane_s(&self, lane: &StageLane, station: f64) -> f64 {
        lerp(lane.s_start, lane.s_end, ((station - self.start) / self.length).clamp(0.0, 1.0))
    }

    /// The point on the middle of a lane at a station.
    pub fn point(&self, map: &Map, lane: &StageLane, station: f64) -> CenterPoint {
        map.lane(lane.lane).centerline.at(self.lane_s(lane, station))
    }
}

/// The route as a ribbon of lanes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RouteLine {
    pub stages: Vec<Stage>,
    /// Station where the route begins.
    pub origin: f64,
    /// Station of the goal.
    pub goal: f64,
}

impl RouteLine {
    pub fn new(map: &Map, route: &Route) -> Result<Self, PlanningError> {
        let bad = |problem| PlanningError::Route { problem };
        if route.segments.is_empty() {
            return Err(bad("it has no segments"));
        }
        if route.segments.iter().any(|s| s.lane.index() >= map.lanes().len()) {
            return Err(bad("it names a lane that the map does not have"));
        }
        let mut line = Self { stages: Vec::new(), origin: 0.0, goal: 0.0 };
        let mut at = 0.0;
        let runs = route.segments.split_inclusive(|s| !s.change_to_next);
        for (i, run) in runs.enumerate() {
            let target = run[run.len() - 1];
            let lane = map.lane(target.lane);
            let (mut from, mut to) = (target.s_start.max(0.0), target.s_end.min(lane.length));
            if i == 0 {
                let back = from.min(BEFORE_M);
                from -= back;
                line.origin = back;
            }
            line.goal = at + to - from;
            if to - from < 1e-3 {
                // Of a point-like end only a sliver is kept, so that ratios stay defined.
                from = (to - 1e-2).max(0.0);
                to = from + 1e-2;
            }
            at = line.push(map, target.lane, from, to, at);
        }
        line.extend_beyond(map, at);
        Ok(line)
    }

    fn push(&mut self, map: &Map, target: LaneId, from: f64, to: f64, at: f64) -> f64 {
        let lane = map.lane(target);
        let (a, b) = (from / lane.length, to / lane.length);
        let mut lanes = vec![StageLane { lane: target, offset: 0, s_start: from, s_end: to }];
        for side in [1, -1] {
            let mut last = lane;
            for offset in 1..=SIDES_MAX {
                let Some(next) = beside(map, last, side) else { break };
                let at = StageLane {
                    lane: next.id,
                    offset: side * offset,
                    s_start: a * next.length,
                    s_end: b * next.length,
                };
                lanes.push(at);
                last = next;
            }
        }
        lanes.sort_by_key(|l| l.offset);
        self.stages.push(Stage { start: at, length: to - from, lanes });
        at + to - from
    }

    /// Goes on beyond the goal, the straightest way, so that the goal is a place on the way and not the end of the world.
    fn extend_beyond(&mut self, map: &Map, mut at: f64) {
        let end = at + BEYOND_M;
        let Some(last) = self.stages.last() else { return };
        let mut lane = last.target();
        let mut from = last.lane(lane).map_or(0.0, |l| l.s_end);
        while at < end {
            let here = map.lane(lane);
            if here.length - from > 0.1 {
                at = self.push(map, lane, from, here.length, at);
            }
            let heading = here.centerline.at(here.length).heading;
            let turn = |id: &&LaneId| {
                let next = map.lane(**id);
                angle_difference(next.centerline.at(next.length).heading, heading).abs()
            };
            let next = here
                .successors
                .iter()
                .filter(|id| map.lane(**id).kind == LaneKind::Driving)
                .min_by(|a, b| turn(a).total_cmp(&turn(b)));
            let Some(&next) = next else { return };
            lane = next;
            from = 0.0;
        }
    }

    /// End of the ribbon.
    pub fn end(&self) -> f64 {
        self.stages[self.stages.len() - 1].end()
    }

    /// The lane of stretch `stage + 1` that a lane of stretch `stage` leads to.
    pub fn follow(&self, map: &Map, stage: usize, lane: LaneId) -> Option<LaneId> {
        let next = self.stages.get(stage + 1)?;
        if next.lane(lane).is_some() {
            // The same lane goes on: the goal lies in the middle of it.
            return Some(lane);
        }
        let successors = &map.lane(lane).successors;
        next.lanes.iter().map(|l| l.lane).find(|id| successors.contains(id))
    }

    /// The station, stretch and lane nearest to a point among the stretches that come within `window` stations.
    pub fn locate(&self, map: &Map, point: Vec2, window: (f64, f64)) -> Option<Located> {
        let mut best: Option<Located> = None;
        for (i, stage) in self.stages.iter().enumerate() {
            if stage.end() < window.0 || stage.start > window.1 {
                continue;
            }
            for lane in &stage.lanes {
                let (s, _) = map.lane(lane.lane).centerline.project(point);
                let s = s.clamp(lane.s_start, lane.s_end);
                let distance = (map.lane(lane.lane).centerline.at(s).position - point).norm();
                let ratio = (s - lane.s_start) / (lane.s_end - lane.s_start);
                let station = stage.start + ratio * stage.length;
                if best.is_none_or(|b| distance < b.distance) {
                    best = Some(Located { station, stage: i, lane: lane.lane, distance });
                }
            }
        }
        best
    }
}

/// Where a point is on the ribbon.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Located {
    pub station: f64,
    pub stage: usize,
    pub lane: LaneId,
    /// From the middle of that lane, metres.
    pub distance: f64,
}

/// The driving lane beside a lane (1 left, −1 right) that goes the same way.
pub(crate) fn beside<'m>(map: &'m Map, lane: &Lane, side: i32) -> Option<&'m Lane> {
    let neighbor = if side > 0 { lane.left } else { lane.right };
    let neighbor = neighbor.filter(|n| n.same_direction)?;
    Some(map.lane(neighbor.lane)).filter(|l| l.kind == LaneKind::Driving)
}
