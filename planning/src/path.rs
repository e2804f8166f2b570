//! The path of `base_link` over the next stretch of road: where the car would roll, whatever its speed.

use crate::route_line::RouteLine;
use auriga_geometry::math::{angle_difference, atan2, lerp, sin_cos, wrap_angle};
use auriga_geometry::{OrientedBox, Pose2, Vec2, segment_distance};
use auriga_map::{LaneId, Map};
use auriga_vehicle::VehicleParameters;

/// Stations between two points, metres.
const STEP_M: f64 = 0.5;
/// Points to either side that the curvature is averaged over.
const SMOOTH: usize = 3;

/// A move from one lane to the one beside it, between two stations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Change {
    pub start: f64,
    pub end: f64,
    pub to: LaneId,
}

/// Which lanes the car means to take, seen from a stretch a little behind it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LanePlan {
    pub stage: usize,
    pub lane: LaneId,
    pub change: Option<Change>,
    /// A lateral offset that dies out: (station where it is whole, station where it is gone, metres to the left).
    pub shift: Option<(f64, f64, f64)>,
}

/// A point of the path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PathPoint {
    pub station: f64,
    /// Metres along the path from its first point.
    pub s: f64,
    pub pose: Pose2,
    pub z: f64,
    /// 1/m, left positive.
    pub curvature: f64,
    pub speed_limit: f64,
}

/// A lane that the path follows for a while. `s` are metres along the path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Run {
    pub lane: LaneId,
    pub stage: usize,
    pub s_start: f64,
    pub s_end: f64,
    pub lane_s_start: f64,
    pub lane_s_end: f64,
}

impl Run {
    /// Metres along the path of a place on the lane; beyond the run's ends it goes on one to one.
    pub fn path_s(&self, lane_s: f64) -> f64 {
        let span = self.lane_s_end - self.lane_s_start;
        if span < 1e-6 || lane_s > self.lane_s_end {
            return self.s_end + (lane_s - self.lane_s_end).max(0.0);
        }
        self.s_start + (lane_s - self.lane_s_start) * (self.s_end - self.s_start) / span
    }
}

/// The ground that the car covers at a point of the path.
#[derive(Clone, Copy, Debug)]
struct Body {
    center: Vec2,
    direction: Vec2,
}

/// A path with what is needed to ask what is in its way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Path {
    pub points: Vec<PathPoint>,
    pub runs: Vec<Run>,
    /// Whether it ends because the lane does not lead on along the route.
    pub dead_end: bool,
    bodies: Vec<Body>,
    half_length: f64,
    half_width: f64,
    scratch: Vec<f64>,
}

impl Path {
    /// Lays the path anew from a station over `length` metres.
    pub fn build(
        &mut self,
        map: &Map,
        line: &RouteLine,
        plan: &LanePlan,
        car: &VehicleParameters,
        from: f64,
        length: f64,
    ) {
        self.points.clear();
        self.runs.clear();
        self.dead_end = false;
        let mut stage = plan.stage;
        let mut lanes = (Some(plan.lane), plan.change.map(|c| c.to));
        // On a grid of stations, so that the path does not crawl under the car from plan to plan.
        let first = (from.max(0.0) / STEP_M).floor();
        let mut i = 0.0;
        loop {
            let station = (first + i) * STEP_M;
            i += 1.0;
            if station > from + length || station > line.end() {
                break;
            }
            while station > line.stages[stage].end() && stage + 1 < line.stages.len() {
                lanes = (
                    lanes.0.and_then(|lane| line.follow(map, stage, lane)),
                    lanes.1.and_then(|lane| line.follow(map, stage, lane)),
                );
                stage += 1;
            }
            if !self.push(map, line, plan, stage, lanes, station) {
                self.dead_end = true;
                break;
            }
        }
        self.differentiate();
        self.finish_runs();
        self.lay_bodies(car);
    }

    /// Lays a straight path from a pose, long enough to stop on.
    pub fn straight(&mut self, from: &Pose2, car: &VehicleParameters) {
        self.points.clear();
        self.runs.clear();
        self.dead_end = true;
        for i in 0..200 {
            let s = f64::from(i) * STEP_M;
            let position = from.to_parent(Vec2::new(s, 0.0));
            let pose = Pose2::new(position.x, position.y, from.yaw);
            self.points.push(PathPoint { station: s, s, pose, z: 0.0, curvature: 0.0, speed_limit: 1.0 });
        }
        self.lay_bodies(car);
    }

    /// Adds the point at a station; false where the lane does not go on.
    fn push(
        &mut self,
        map: &Map,
        line: &RouteLine,
        plan: &LanePlan,
        stage: usize,
        lanes: (Option<LaneId>, Option<LaneId>),
        station: f64,
    ) -> bool {
        let here = &line.stages[stage];
        let at = |lane: Option<LaneId>| lane.and_then(|id| here.lane(id));
        let ratio = plan.change.map_or(0.0, |c| smooth_step((station - c.start) / (c.end - c.start)));
        let (main, other) = (at(lanes.0), at(lanes.1));
        let (point, lane) = match (main, other) {
            (Some(a), None) if ratio <= 0.0 || plan.change.is_none() => (here.point(map, a, station), a),
            (Some(a), Some(b)) => {
                let (p, q) = (here.point(map, a, station), here.point(map, b, station));
                let mut mixed = p;
                mixed.position = p.position * (1.0 - ratio) + q.position * ratio;
                mixed.heading = wrap_angle(p.heading + angle_difference(q.heading, p.heading) * ratio);
                (mixed, if ratio > 0.5 { b } else { a })
            }
            (None, Some(b)) if ratio > 0.5 => (here.point(map, b, station), b),
            _ => return false,
        };
        let mut position = point.position;
        if let Some((whole, gone, left)) = plan.shift {
            let rest = left * (1.0 - smooth_step((station - whole) / (gone - whole)));
            let (sin, cos) = sin_cos(point.heading);
            position += Vec2::new(-sin, cos) * rest;
        }
        let s = self.points.last().map_or(0.0, |last| last.s + (position - last.pose.position()).norm());
        let pose = Pose2::new(position.x, position.y, point.heading);
        let lane_s = here.lane_s(lane, station);
        match self.runs.last_mut().filter(|run| run.lane == lane.lane && run.stage == stage) {
            Some(run) => (run.s_end, run.lane_s_end) = (s, lane_s),
            None => self.runs.push(Run {
                lane: lane.lane,
                stage,
                s_start: s,
                s_end: s,
                lane_s_start: lane_s,
                lane_s_end: lane_s,
            }),
        }
        let speed_limit = map.lane(lane.lane).speed_limit;
        self.points.push(PathPoint { station, s, pose, z: point.z, curvature: 0.0, speed_limit });
        true
    }

    /// Headings and curvatures from the positions.
    fn differentiate(&mut self) {
        let n = self.points.len();
        if n < 3 {
            return;
        }
        self.scratch.clear();
        for i in 0..n {
            let (a, b) = (&self.points[i.saturating_sub(1)], &self.points[(i + 1).min(n - 1)]);
            let chord = b.pose.position() - a.pose.position();
            self.scratch.push(atan2(chord.y, chord.x));
        }
        for (point, &yaw) in self.points.iter_mut().zip(&self.scratch) {
            point.pose.yaw = yaw;
        }
        self.scratch.clear();
        for i in 0..n {
            let (a, b) = (&self.points[i.saturating_sub(1)], &self.points[(i + 1).min(n - 1)]);
            let turn = angle_difference(b.pose.yaw, a.pose.yaw);
            self.scratch.push(turn / (b.s - a.s).max(1e-3));
        }
        for i in 0..n {
            let window = &self.scratch[i.saturating_sub(SMOOTH)..(i + SMOOTH + 1).min(n)];
            self.points[i].curvature = window.iter().sum::<f64>() / window.len() as f64;
        }
    }

    /// A run ends where the next one begins.
    fn finish_runs(&mut self) {
        for i in 1..self.runs.len() {
            let next = self.runs[i].s_start;
            let run = &mut self.runs[i - 1];
            run.lane_s_end += next - run.s_end;
            run.s_end = next;
        }
    }

    fn lay_bodies(&mut self, car: &VehicleParameters) {
        self.half_length = car.length_m / 2.0;
        self.half_width = car.width_m / 2.0;
        let ahead = car.front_m() - self.half_length;
        self.bodies.clear();
        for point in &self.points {
            let direction = point.pose.direction();
            self.bodies.push(Body { center: point.pose.position() + direction * ahead, direction });
        }
    }

    /// Length, metres.
    pub fn length(&self) -> f64 {
        self.points.last().map_or(0.0, |p| p.s)
    }

    /// The point at `s`; clamped to the ends. The path must not be empty.
    pub fn at(&self, s: f64) -> PathPoint {
        let after = self.points.partition_point(|p| p.s <= s);
        if after == 0 {
            return self.points[0];
        }
        let Some(b) = self.points.get(after) else { return self.points[after - 1] };
        let a = &self.points[after - 1];
        let u = (s - a.s) / (b.s - a.s).max(1e-9);
        PathPoint {
            station: lerp(a.station, b.station, u),
            s,
            pose: a.pose.interpolate(&b.pose, u),
            z: lerp(a.z, b.z, u),
            curvature: lerp(a.curvature, b.curvature, u),
            speed_limit: a.speed_limit,
        }
    }

    /// Metres along the path of a station.
    pub fn s_of_station(&self, station: f64) -> f64 {
        let after = self.points.partition_point(|p| p.station <= station);
        match (after.checked_sub(1).map(|i| &self.points[i]), self.points.get(after)) {
            (Some(a), Some(b)) => lerp(a.s, b.s, (station - a.station) / (b.station - a.station).max(1e-9)),
            (Some(a), None) => a.s + (station - a.station),
            (None, Some(b)) => b.s - (b.station - station),
            (None, None) => 0.0,
        }
    }

    /// The nearest place on the path: (`s`, metres to the left).
    pub fn project(&self, point: Vec2) -> (f64, f64) {
        let mut best = (f64::INFINITY, 0.0, 0.0);
        let mut i = 0;
        while i + 1 < self.points.len() {
            let (a, b) = (&self.points[i], &self.points[i + 1]);
            let (distance, ratio) = segment_distance(a.pose.position(), b.pose.position(), point);
            if distance < best.0 {
                let chord = b.pose.position() - a.pose.position();
                let side = chord.perp(&(point - a.pose.position()));
                best = (distance, lerp(a.s, b.s, ratio), if side < 0.0 { -distance } else { distance });
            }
            // Neighbouring points lie half a metre apart: what is much farther can't be near soon.
            let skip = (distance - best.0) / (2.0 * STEP_M) - 1.0;
            i += 1 + if skip > 0.0 { skip as usize } else { 0 };
        }
        (best.1, best.2)
    }

    /// Where along the path the car would touch a box, with `room` metres to either side: the first and last `s` of
    /// `base_link` at or after `from`.
    pub fn overlap(&self, shape: &OrientedBox, room: f64, from: f64) -> Option<(f64, f64)> {
        let direction = shape.center.direction();
        let center = shape.center.position();
        let (length, width) = (shape.length / 2.0, shape.width / 2.0);
        let half_width = self.half_width + room;
        let reach = (self.half_length * self.half_length + half_width * half_width).sqrt()
            + (length * length + width * width).sqrt();
        let mut i = self.points.partition_point(|p| p.s < from);
        let mut found: Option<(usize, usize)> = None;
        while i < self.bodies.len() {
            let body = &self.bodies[i];
            let offset = center - body.center;
            let distance = offset.norm();
            if distance > reach {
                if found.is_some() {
                    break;
                }
                // Bodies move by no more than about a step (more at the front in curves) from point to point.
                i += 1 + ((distance - reach) / (1.5 * STEP_M)) as usize;
                continue;
            }
            let touches = {
                let cos = body.direction.dot(&direction).abs();
                let sin = body.direction.perp(&direction).abs();
                offset.dot(&body.direction).abs() <= self.half_length + length * cos + width * sin
                    && offset.perp(&body.direction).abs() <= half_width + length * sin + width * cos
                    && offset.dot(&direction).abs() <= length + self.half_length * cos + half_width * sin
                    && offset.perp(&direction).abs() <= width + self.half_length * sin + half_width * cos
            };
            match (&mut found, touches) {
                (None, true) => found = Some((i, i)),
                (Some(run), true) => run.1 = i,
                (Some(_), false) => break,
                (None, false) => {}
            }
            i += 1;
        }
        found.map(|(a, b)| (self.points[a].s, self.points[b].s))
    }

    /// Room to the side of the car on the path to a box that it passes, metres; `None` when the car does not pass it.
    pub fn side_room(&self, shape: &OrientedBox) -> Option<(f64, f64)> {
        let (s, _) = self.project(shape.center.position());
        if s <= 0.0 || s >= self.length() {
            return None;
        }
        let at = self.at(s).pose;
        let mut least = f64::INFINITY;
        for corner in shape.corners() {
            least = least.min(at.to_local(corner).y.abs());
        }
        Some((s, least - self.half_width))
    }
}

/// 0 before 0, 1 after 1, with continuous first and second derivatives (quintic).
pub(crate) fn smooth_step(x: f64) -> f64 {
    let x = x.clamp(0.0, 1.0);
    x * x * x * (10.0 + x * (6.0 * x - 15.0))
}
