//! Routes through given places, and back onto a route that was left.

use crate::{LaneId, LaneKind, LanePosition, Map, MapError, Route, RouteSegment};
use auriga_geometry::Vec2;
use auriga_geometry::math::{FRAC_PI_2, angle_difference};

/// How much farther than the nearest lane another one may be and still be meant, metres.
const DOUBT: f64 = 1.0;
/// Lanes that one waypoint may stand for; junctions have many over one another.
const LANES_MAX: usize = 8;
/// What a metre between waypoint and lane counts for, metres of route; a waypoint is not a place to lie beside.
const OFFSET_WEIGHT: f64 = 5.0;
/// How many stretches ahead one looks for a way back onto a route.
const REJOIN_MAX: usize = 12;
/// Ways back are looked for at these shares of a stretch, so that there is room left for a lane change.
const REJOIN_AT: [f64; 2] = [0.0, 1.0];

/// A place that a route goes through.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Waypoint {
    /// In the map frame, metres.
    pub position: Vec2,
    /// Height, metres, where it is known: tells a bridge from the road below.
    pub height: Option<f64>,
    /// Direction of travel, radians, where it is known.
    pub heading: Option<f64>,
}

/// A lane that a waypoint may stand for.
#[derive(Clone, Copy)]
struct Candidate {
    at: LanePosition,
    offset: f64,
    /// The least cost of a way here from the first waypoint, and the candidate before.
    cost: f64,
    before: usize,
}

impl Map {
    /// The shortest way through places in their order; each may stand for any lane near it, and the choice is made for the
    /// whole way (by dynamic programming over the candidates). A lane is near when its middle is within `reach` metres; 4 m is
    /// enough for waypoints that are meant to be on the road.
    ///
    /// # Errors
    /// [`MapError::OffRoad`] and [`MapError::NoWay`] with the number of the waypoint; fewer than two are `NoWay`.
    pub fn route_through(&self, waypoints: &[Waypoint], reach: f64) -> Result<Route, MapError> {
        let mut stages: Vec<Vec<Candidate>> = Vec::with_capacity(waypoints.len());
        for (i, waypoint) in waypoints.iter().enumerate() {
            let mut stage = self.candidates(waypoint, reach);
            if stage.is_empty() {
                return Err(MapError::OffRoad { waypoint: i });
            }
            if let Some(before) = stages.last() {
                stage.iter_mut().for_each(|candidate| self.reach(candidate, before));
                stage.retain(|candidate| candidate.cost.is_finite());
            }
            if stage.is_empty() {
                return Err(MapError::NoWay { waypoint: i });
            }
            stages.push(stage);
        }
        if stages.len() < 2 {
            return Err(MapError::NoWay { waypoint: 0 });
        }
        let mut chosen = Vec::with_capacity(stages.len());
        let last = &stages[stages.len() - 1];
        let mut pick = (0..last.len()).min_by(|a, b| last[*a].cost.total_cmp(&last[*b].cost)).unwrap_or(0);
        for stage in stages.iter().rev() {
            chosen.push(stage[pick].at);
            pick = stage[pick].before;
        }
        chosen.reverse();
        let mut whole = Route { segments: Vec::new(), length: 0.0 };
        for (i, leg) in chosen.windows(2).enumerate() {
            let leg = self.route(leg[0], leg[1]).ok_or(MapError::NoWay { waypoint: i + 1 })?;
            append(&mut whole, &leg);
        }
        Ok(whole)
    }

    /// The driving lanes that a waypoint may stand for, nearest first.
    fn candidates(&self, waypoint: &Waypoint, reach: f64) -> Vec<Candidate> {
        let mut near: Vec<LaneId> = Vec::new();
        self.lanes_within(waypoint.position, reach, &mut near);
        let mut found: Vec<Candidate> = Vec::new();
        for lane in near.iter().map(|id| self.lane(*id)).filter(|lane| lane.kind == LaneKind::Driving) {
            let (s, d) = lane.centerline.project(waypoint.position);
            let at = lane.centerline.at(s);
            let off = waypoint.heading.map_or(0.0, |heading| angle_difference(at.heading, heading).abs());
            let above = waypoint.height.map_or(0.0, |height| (at.z - height).abs());
            let offset = (at.position - waypoint.position).norm();
            // A car's own height and a map's inaccuracy, but no storey.
            if offset <= reach && off < FRAC_PI_2 && above < 3.0 {
                found.push(Candidate {
                    at: LanePosition { lane: lane.id, s, d },
                    offset,
                    cost: 0.0,
                    before: 0,
                });
            }
        }
        found.sort_by(|a, b| a.offset.total_cmp(&b.offset).then(a.at.lane.cmp(&b.at.lane)));
        let least = found.first().map_or(0.0, |first| first.offset);
        found.retain(|candidate| candidate.offset <= least + DOUBT);
        found.truncate(LANES_MAX);
        found.iter_mut().for_each(|candidate| candidate.cost = OFFSET_WEIGHT * (candidate.offset - least));
        found
    }

    /// Fills in the cheapest way to a candidate.
    fn reach(&self, candidate: &mut Candidate, before: &[Candidate]) {
        let own = candidate.cost;
        candidate.cost = f64::INFINITY;
        for (i, from) in before.iter().enumerate() {
            if let Some(route) = self.route(from.at, candidate.at) {
                let cost = from.cost + own + route.length;
                if cost < candidate.cost {
                    (candidate.cost, candidate.before) = (cost, i);
                }
            }
        }
    }

    /// The shortest way from where the car is, to a route that it has left, and on along it to its end; `None` where it
    /// can't be reached any more. `passed` stretches of the route lie behind.
    ///
    /// A car that is still on the route gets what is left of it.
    #[must_use]
    pub fn rejoin(&self, route: &Route, passed: usize, at: LanePosition) -> Option<Route> {
        let ahead = route.segments.get(passed..)?;
        let on_it = |segment: &RouteSegment| segment.lane == at.lane && at.s <= segment.s_end;
        if let Some(i) = ahead.iter().take(2).position(on_it) {
            let mut left = ahead[i..].to_vec();
            let ratio = at.s.max(left[0].s_start) / self.lane(at.lane).length;
            // Stretches beside this one begin beside the car.
            for stretch in &mut left {
                stretch.s_start = ratio * self.lane(stretch.lane).length;
                if !stretch.change_to_next {
                    break;
                }
            }
            return Some(joined(left));
        }
        let mut best: Option<Route> = None;
        // One comes back on a stretch that is driven to its end, not on one that is left by a lane change.
        let joins = ahead.iter().enumerate().filter(|(_, segment)| !segment.change_to_next);
        for (i, segment) in joins.take(REJOIN_MAX) {
            for share in REJOIN_AT {
                let s = segment.s_start + share * (segment.s_end - segment.s_start);
                let Some(mut back) = self.route(at, LanePosition { lane: segment.lane, s, d: 0.0 }) else {
                    continue;
                };
                let mut left = ahead[i..].to_vec();
                left[0].s_start = s;
                append(&mut back, &joined(left));
                if best.as_ref().is_none_or(|known| back.length < known.length - 1e-9) {
                    best = Some(back);
                }
            }
        }
        best
    }
}

/// Stretches with their length: those that lie beside one another count once.
fn joined(segments: Vec<RouteSegment>) -> Route {
    let driven = segments.iter().filter(|segment| !segment.change_to_next);
    let length = driven.map(|segment| segment.s_end - segment.s_start).sum();
    Route { segments, length }
}

/// Puts a route behind another that ends where it begins; the two stretches there become one.
fn append(whole: &mut Route, next: &Route) {
    whole.length += next.length;
    let mut added = next.segments.iter().copied();
    if let (Some(last), Some(first)) = (whole.segments.last_mut(), next.segments.first())
        && last.lane == first.lane
        && (last.s_end - first.s_start).abs() < 1e-6
    {
        last.s_end = first.s_end;
        last.change_to_next = first.change_to_next;
        added.next();
    }
    whole.segments.extend(added);
}
