//! The middle of a lanelet from its borders.

use super::osm::{Osm, Relation, Way};
use crate::{CenterPoint, Centerline, Fault, FaultKind};
use auriga_geometry::math::{PI, angle_difference, atan2, lerp, wrap_angle};
use auriga_geometry::{Vec2, Vec3, segment_distance};

/// Greatest distance between samples, metres; a little under the promised 1 m.
const SPACING: f64 = 0.98;
/// Most samples of one lanelet: 20 km.
const SAMPLES_MAX: f64 = 20_000.0;
/// Ways of one border that end farther apart than this are reported, metres.
const GAP: f64 = 0.01;

/// One side of a lanelet.
pub(crate) struct Border<'a> {
    /// Its ways, each with its id.
    pub ways: Vec<(&'a str, &'a Way)>,
    /// From the lanelet's start to its end.
    pub points: Vec<Vec3>,
    /// The ids of the first and last node, in driving direction.
    pub ends: (&'a str, &'a str),
    /// Whether the ways run against the lanelet.
    pub inverted: bool,
}

impl<'a> Border<'a> {
    /// The ways with a role, end to end; `None` where there are fewer than two points.
    pub(crate) fn new(
        osm: &'a Osm,
        relation: &'a Relation,
        role: &'a str,
        faults: &mut Vec<Fault>,
    ) -> Option<Self> {
        let ways: Vec<(&str, &Way)> =
            relation.role(role).filter_map(|id| Some((id, osm.ways.get(id)?))).collect();
        let mut nodes: Vec<&str> = Vec::new();
        for (_, way) in &ways {
            let mut next: Vec<&str> = way.nodes.iter().map(String::as_str).collect();
            if let (Some(last), Some(end)) = (nodes.last(), next.last())
                && last == end
            {
                next.reverse();
            }
            let joins = nodes.last().is_some() && nodes.last() == next.first();
            if let (Some(last), Some(first), false) = (nodes.last(), next.first(), joins)
                && let (Some(a), Some(b)) = (osm.nodes.get(*last), osm.nodes.get(*first))
                && (a - b).norm() > GAP
            {
                let place = format!("lanelet {}, {role} border", relation.id);
                let (line, size) = (Some(relation.line), (a - b).norm());
                faults.push(Fault { kind: FaultKind::BorderGap, place, line, size, mended: true });
            }
            nodes.extend(&next[usize::from(joins)..]);
        }
        nodes.retain(|id| osm.nodes.contains_key(*id));
        let points: Vec<Vec3> = nodes.iter().filter_map(|id| osm.nodes.get(*id).copied()).collect();
        let ends = (*nodes.first()?, *nodes.last()?);
        (points.len() >= 2).then_some(Self { ways, points, ends, inverted: false })
    }

    fn invert(&mut self) {
        self.points.reverse();
        self.ends = (self.ends.1, self.ends.0);
        self.inverted = !self.inverted;
    }

    /// Whether a point is to the left. Nearest to a corner, the edge that the point lies more to the side of decides.
    fn has_left(&self, point: Vec2) -> bool {
        let mut best = (f64::INFINITY, 0.0_f64);
        for pair in self.points.windows(2) {
            let (a, b) = (pair[0].xy(), pair[1].xy());
            let (distance, _) = segment_distance(a, b, point);
            let aside = (b - a).perp(&(point - a)) / (b - a).norm().max(1e-9);
            let nearer = distance < best.0 - 1e-9;
            if nearer || (distance < best.0 + 1e-9 && aside.abs() > best.1.abs()) {
                best = (distance, aside);
            }
        }
        best.1 > 0.0
    }

    /// The middle one of the points; of two, the place between them.
    fn middle(&self) -> Vec2 {
        match self.points[..] {
            [a, b] => (a.xy() + b.xy()) * 0.5,
            _ => self.points[self.points.len() / 2].xy(),
        }
    }
}

/// Turns borders so that each has the other on its proper side: their ways may be written in either direction.
///
/// One middle point of each decides, as in the Lanelet2 library: maps are drawn and checked with it.
pub(crate) fn align(left: &mut Border, right: &mut Border) {
    if left.has_left(right.middle()) {
        left.invert();
    }
    if !right.has_left(left.middle()) {
        right.invert();
    }
}

/// Metres along a polyline at each point.
fn lengths(points: &[Vec3]) -> Vec<f64> {
    let mut sum = 0.0;
    let step = |i: usize| {
        if i > 0 {
            sum += (points[i].xy() - points[i - 1].xy()).norm();
        }
        sum
    };
    (0..points.len()).map(step).collect()
}

/// The point at a share of a polyline's length.
fn place(points: &[Vec3], lengths: &[f64], ratio: f64) -> Vec3 {
    let s = ratio * lengths[lengths.len() - 1];
    let i = lengths.partition_point(|length| *length <= s).clamp(1, points.len() - 1) - 1;
    let span = lengths[i + 1] - lengths[i];
    let u = if span > 0.0 { ((s - lengths[i]) / span).clamp(0.0, 1.0) } else { 0.0 };
    points[i] + (points[i + 1] - points[i]) * u
}

/// The middle between two borders that run the same way; `None` where it has no length.
///
/// Points at equal shares of the borders' lengths are paired, their middles resampled. A Hermite curve through positions and
/// headings then rounds the corners of the polyline.
pub(crate) fn centerline(left: &[Vec3], right: &[Vec3]) -> Option<Centerline> {
    let (on_left, on_right) = (lengths(left), lengths(right));
    let longest = on_left[on_left.len() - 1].max(on_right[on_right.len() - 1]);
    if !(longest > 1e-3 && longest < SAMPLES_MAX) {
        return None;
    }
    let steps = (longest / SPACING) as usize + 2;
    let pairs: Vec<(Vec3, Vec3)> = (0..=steps)
        .map(|i| i as f64 / steps as f64)
        .map(|ratio| (place(left, &on_left, ratio), place(right, &on_right, ratio)))
        .collect();
    let mut middles: Vec<(Vec3, f64)> = Vec::with_capacity(pairs.len());
    for (a, b) in pairs {
        let middle = (a + b) * 0.5;
        if middles.last().is_none_or(|(last, _)| (middle.xy() - last.xy()).norm() > 1e-3) {
            let to = |border: &[Vec3]| {
                let gaps = border.windows(2).map(|p| segment_distance(p[0].xy(), p[1].xy(), middle.xy()).0);
                gaps.fold(f64::INFINITY, f64::min)
            };
            middles.push((middle, to(left) + to(right)));
        }
    }
    through(&middles)
}

/// A centre line through points, each with a width.
fn through(middles: &[(Vec3, f64)]) -> Option<Centerline> {
    let n = middles.len();
    if n < 2 {
        return None;
    }
    let chord = |i: usize| middles[i + 1].0.xy() - middles[i].0.xy();
    let heading_of = |v: Vec2| atan2(v.y, v.x);
    let heading = |i: usize| match i {
        0 => heading_of(chord(0)),
        i if i == n - 1 => heading_of(chord(n - 2)),
        i => {
            let (before, after) = (chord(i - 1), chord(i));
            let (from, turn) = (heading_of(before), angle_difference(heading_of(after), heading_of(before)));
            wrap_angle(lerp(from, from + turn, before.norm() / (before.norm() + after.norm())))
        }
    };
    let headings: Vec<f64> = (0..n).map(heading).collect();
    let mut s = 0.0;
    let mut points = Vec::with_capacity(n);
    for (i, (middle, width)) in middles.iter().enumerate() {
        if i > 0 {
            s += chord(i - 1).norm();
        }
        let (a, b) = (i.saturating_sub(1), (i + 1).min(n - 1));
        let span: f64 = (a..b).map(|k| chord(k).norm()).sum();
        points.push(CenterPoint {
            s,
            position: middle.xy(),
            z: middle.z,
            heading: headings[i],
            curvature: angle_difference(headings[b], headings[a]) / span,
            width: *width,
        });
    }
    Centerline::new(points)
}

/// The same line, driven the other way.
pub(crate) fn reversed(line: &Centerline) -> Option<Centerline> {
    let length = line.length();
    let back = |p: &CenterPoint| CenterPoint {
        s: length - p.s,
        heading: wrap_angle(p.heading + PI),
        curvature: -p.curvature,
        ..*p
    };
    Centerline::new(line.points.iter().rev().map(back).collect())
}
