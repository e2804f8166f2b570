//! The route as one line, and how far along it the car is.

use auriga_geometry::Vec2;
use auriga_map::{LaneId, Map, Route};
use std::sync::Arc;

/// One lane's part of the route.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    lane: LaneId,
    s_start: f64,
    s_end: f64,
    /// Metres along the route at `s_start`.
    station: f64,
    change_to_next: bool,
}

/// The route as one line with *stations* (metres from its start), and the car's place on it.
///
/// The place only moves on: a route that crosses itself is followed in order.
#[derive(Clone, Debug)]
pub struct RouteLine {
    map: Arc<Map>,
    stretches: Vec<Stretch>,
    length: f64,
    current: usize,
    station: f64,
}

/// How many lanes ahead of the car's place are looked at.
const LANES_AHEAD: usize = 4;
/// Farther from the route than this, the car is not on it and makes no progress, metres.
const OFF_ROUTE_M: f64 = 8.0;

impl RouteLine {
    /// The line of `route`, the car at its start. Segments that name lanes which are not in `map` are left out.
    #[must_use]
    pub fn new(map: Arc<Map>, route: &Route) -> Self {
        let mut stretches: Vec<Stretch> = Vec::with_capacity(route.segments.len());
        for segment in &route.segments {
            let Some(lane) = map.lanes().get(segment.lane.index()) else { continue };
            let station = match stretches.last() {
                None => 0.0,
                // Beside the one before: it begins where its first point lies along that one.
                Some(last) if last.change_to_next => {
                    let before = &map.lane(last.lane).centerline;
                    let (s, _) = before.project(lane.centerline.at(segment.s_start).position);
                    last.station + (s - last.s_start)
                }
                Some(last) => last.station + (last.s_end - last.s_start),
            };
            stretches.push(Stretch {
                lane: segment.lane,
                s_start: segment.s_start,
                s_end: segment.s_end,
                station,
                change_to_next: segment.change_to_next,
            });
        }
        let length = stretches.last().map_or(0.0, |last| last.station + (last.s_end - last.s_start));
        Self { map, stretches, length, current: 0, station: 0.0 }
    }

    /// Metres from start to goal.
    #[must_use]
    pub fn length(&self) -> f64 {
        self.length
    }

    /// The farthest station reached so far, metres.
    #[must_use]
    pub fn station(&self) -> f64 {
        self.station
    }

    /// Moves the place on to the point of the route nearest to `point` (map frame).
    pub fn update(&mut self, point: Vec2) {
        let end = (self.current + LANES_AHEAD + 1).min(self.stretches.len());
        let mut best: Option<(f64, usize, f64)> = None;
        for index in self.current.saturating_sub(1)..end {
            let (distance, station) = self.nearest(index, point);
            // At a seam both lanes are equally near: the later one is where the car goes.
            if best.is_none_or(|(least, _, _)| distance <= least + 1e-9) {
                best = Some((distance, index, station));
            }
        }
        if let Some((distance, index, station)) = best
            && distance < OFF_ROUTE_M
        {
            self.current = self.current.max(index);
            self.station = self.station.max(station);
        }
    }

    /// Metres from `point` to the part of the route from the car's place on, at most 120 m ahead; infinite without a route.
    #[must_use]
    pub fn distance_ahead(&self, point: Vec2) -> f64 {
        let from = self.current.saturating_sub(1);
        self.stretches[from.min(self.stretches.len())..]
            .iter()
            .enumerate()
            .take_while(|(_, stretch)| stretch.station < self.station + 120.0)
            .map(|(offset, _)| self.nearest(from + offset, point).0)
            .fold(f64::INFINITY, f64::min)
    }

    /// Whether the route changes lanes where the car is.
    #[must_use]
    pub fn changes_lane_here(&self) -> bool {
        let at = |index: usize| self.stretches.get(index).is_some_and(|stretch| stretch.change_to_next);
        at(self.current) || (self.current > 0 && at(self.current - 1))
    }

    /// Distance from `point` to a stretch, and the station of its nearest point.
    fn nearest(&self, index: usize, point: Vec2) -> (f64, f64) {
        let stretch = &self.stretches[index];
        let line = &self.map.lane(stretch.lane).centerline;
        let s = line.project(point).0.max(stretch.s_start).min(stretch.s_end);
        ((line.at(s).position - point).norm(), stretch.station + (s - stretch.s_start))
    }
}
