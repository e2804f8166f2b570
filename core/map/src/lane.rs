//! A lane: one strip of one lane section, in driving direction, with everything that governs it.

use crate::{CenterPoint, Centerline, CrosswalkId, JunctionId, SignalId};
use auriga_geometry::Vec2;
use auriga_geometry::math::{lerp, sin_cos};

/// A lane's place in [`Map::lanes`](crate::Map::lanes); dense from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LaneId(pub u32);

impl LaneId {
    /// The id as an index into [`Map::lanes`](crate::Map::lanes).
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Where a lane stands in the OpenDRIVE file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LaneKey {
    /// The road's id.
    pub road: String,
    /// The lane section's number on that road, from 0.
    pub section: usize,
    /// The lane's signed number: positive to the left of the reference line, negative to the right.
    pub lane: i32,
}

/// What a lane is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LaneKind {
    /// Cars drive here.
    Driving,
    /// Pedestrians walk here.
    Sidewalk,
    /// A hard shoulder or emergency lane.
    Shoulder,
    /// A cycle lane.
    Biking,
    /// Cars park here.
    Parking,
    /// The edge of the carriageway, a kerb included.
    Border,
    /// Anything else (medians, restricted areas, rails).
    Other,
}

/// The line pattern of a road mark, named from the lane's inside to its outside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum MarkKind {
    /// No mark.
    #[default]
    None,
    /// One continuous line.
    Solid,
    /// One dashed line.
    Broken,
    /// Two continuous lines.
    SolidSolid,
    /// A continuous line left of a dashed one, seen in driving direction.
    SolidBroken,
    /// A dashed line left of a continuous one, seen in driving direction.
    BrokenSolid,
    /// Two dashed lines.
    BrokenBroken,
    /// A kerb.
    Curb,
    /// Anything else (Botts' dots, grass, edge).
    Other,
}

/// The colour of a road mark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum MarkColor {
    /// White, and what the file calls standard.
    #[default]
    White,
    /// Yellow or orange.
    Yellow,
    /// Any other colour.
    Other,
}

/// The mark along one side of a lane.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RoadMark {
    /// The line pattern.
    pub kind: MarkKind,
    /// The colour.
    pub color: MarkColor,
    /// The width of one line, metres.
    pub width: f64,
}

/// The lane beside a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neighbor {
    /// The lane on the other side of the mark; of any kind.
    pub lane: LaneId,
    /// Whether a car on this lane may change to it: both are driven the same way, and the mark allows it (in OpenDRIVE maps
    /// outside a junction only).
    pub change_allowed: bool,
    /// Whether it is driven the same way as this lane.
    pub same_direction: bool,
}

/// Another lane of the same junction whose strip overlaps this one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conflict {
    /// The other lane.
    pub lane: LaneId,
    /// Where the overlap begins on this lane, metres.
    pub s_start: f64,
    /// Where the overlap ends on this lane, metres.
    pub s_end: f64,
    /// Whether traffic on this lane must give way to the other.
    pub yields: bool,
}

/// Who may use a lane, or may not.
#[derive(Clone, Debug, PartialEq)]
pub struct Access {
    /// The stretch that it holds for: metres along the lane.
    pub s_start: f64,
    /// Where the stretch ends.
    pub s_end: f64,
    /// Whether the users below are admitted (and others not), or kept out.
    pub allowed: bool,
    /// The users in the file's words: `autonomousTraffic`, `bus`, `pedestrian`, …
    pub users: Vec<String>,
}

/// A signal that governs a lane.
#[derive(Clone, Debug, PartialEq)]
pub struct Control {
    /// The light or sign.
    pub signal: SignalId,
    /// Where to stop: metres along this lane.
    pub stop_s: f64,
    /// The connecting lanes that it governs; empty when it governs every way on.
    pub movements: Vec<LaneId>,
}

/// A pedestrian crossing over a lane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Crossing {
    /// The crosswalk.
    pub crosswalk: CrosswalkId,
    /// Where it begins on this lane, metres.
    pub s_start: f64,
    /// Where it ends on this lane, metres.
    pub s_end: f64,
}

/// A lane of one lane section. `s` is metres along [`Lane::centerline`], in driving direction.
#[derive(Clone, Debug)]
pub struct Lane {
    /// Its place in the map.
    pub id: LaneId,
    /// Its place in the file.
    pub key: LaneKey,
    /// What it is for.
    pub kind: LaneKind,
    /// Length of the centre line, metres.
    pub length: f64,
    /// The speed limit, m/s; where it changes along the lane, the first one.
    pub speed_limit: f64,
    /// Where along the lane which limit begins: (metres, m/s), ascending; empty where it stays as it is.
    pub speed_changes: Vec<(f64, f64)>,
    /// The lane's type as the file writes it.
    pub category: String,
    /// Who may use the lane; empty where the file says nothing.
    pub access: Vec<Access>,
    /// The middle of the strip, in driving direction.
    pub centerline: Centerline,
    /// The reference line's `s` at each sample of the centre line.
    pub(crate) stations: Vec<f64>,
    /// Lanes that begin where this one ends; ascending.
    pub successors: Vec<LaneId>,
    /// Lanes that end where this one begins; ascending.
    pub predecessors: Vec<LaneId>,
    /// The lane to the left, seen in driving direction.
    pub left: Option<Neighbor>,
    /// The lane to the right, seen in driving direction.
    pub right: Option<Neighbor>,
    /// The mark on the left edge.
    pub left_mark: RoadMark,
    /// The mark on the right edge.
    pub right_mark: RoadMark,
    /// The junction that it crosses, if any.
    pub junction: Option<JunctionId>,
    /// Lanes of the same junction that overlap it, by ascending `lane`. Lanes that start from the same lane are not listed.
    pub conflicts: Vec<Conflict>,
    /// Signals that govern it, by ascending `stop_s`. Those of a junction are on the lane *before* the junction.
    pub controls: Vec<Control>,
    /// Pedestrian crossings over it, by ascending `s_start`.
    pub crossings: Vec<Crossing>,
}

impl Lane {
    /// The `s` of the road's reference line beside `s` metres along this lane. On a bend the two run at different rates; on
    /// a lane that is driven against the reference line they run in opposite ways. `s` is clamped to the lane.
    #[must_use]
    pub fn road_s(&self, s: f64) -> f64 {
        let points = &self.centerline.points;
        let i = points.partition_point(|point| point.s <= s).clamp(1, points.len() - 1) - 1;
        let ratio = (s - points[i].s) / (points[i + 1].s - points[i].s);
        lerp(self.stations[i], self.stations[i + 1], if ratio > 0.0 { ratio.min(1.0) } else { 0.0 })
    }

    /// The inverse of [`Self::road_s`]: metres along this lane beside `road_s` metres along the reference line, clamped to
    /// the lane.
    #[must_use]
    pub fn s_at_road_s(&self, road_s: f64) -> f64 {
        let points = &self.centerline.points;
        let forward = self.runs_forward();
        let before = |station: &f64| if forward { *station <= road_s } else { *station >= road_s };
        let i = self.stations.partition_point(before).clamp(1, points.len() - 1) - 1;
        let span = self.stations[i + 1] - self.stations[i];
        let ratio = if span == 0.0 { 0.0 } else { (road_s - self.stations[i]) / span };
        lerp(points[i].s, points[i + 1].s, if ratio > 0.0 { ratio.min(1.0) } else { 0.0 })
    }

    /// The point on the left (`side` = 1) or right (−1) edge beside `s` metres along the lane; or anywhere between.
    #[must_use]
    pub fn edge(&self, s: f64, side: f64) -> Vec2 {
        beside(&self.centerline.at(s), side)
    }

    /// The lane's area as a polygon, counter-clockwise: its right edge from start to end, its left edge back. `out` is
    /// cleared first.
    pub fn outline(&self, out: &mut Vec<Vec2>) {
        out.clear();
        let points = &self.centerline.points;
        out.extend(points.iter().map(|point| beside(point, -1.0)));
        out.extend(points.iter().rev().map(|point| beside(point, 1.0)));
    }

    /// The speed limit at `s` metres along the lane, m/s.
    #[must_use]
    pub fn speed_limit_at(&self, s: f64) -> f64 {
        let in_force = self.speed_changes.iter().take_while(|(start, _)| *start <= s).last();
        in_force.map_or(self.speed_limit, |&(_, limit)| limit)
    }

    /// Whether the lane is driven along its road's reference line.
    #[must_use]
    pub fn runs_forward(&self) -> bool {
        self.stations[0] <= self.stations[self.stations.len() - 1]
    }
}

fn beside(point: &CenterPoint, side: f64) -> Vec2 {
    let (sin, cos) = sin_cos(point.heading);
    point.position + Vec2::new(-sin, cos) * (0.5 * side * point.width)
}

/// A point given by a lane: `s` metres along its centre line, `d` metres to the left of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LanePosition {
    /// The lane.
    pub lane: LaneId,
    /// Metres from the lane's start, in driving direction.
    pub s: f64,
    /// Metres to the left of the centre line.
    pub d: f64,
}
