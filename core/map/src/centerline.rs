//! A lane's centre line and its Frenet frame.
//!
//! Between the samples the position is a cubic Hermite curve through positions and headings and the heading is linear in
//! `s`. [`Centerline::project`] inverts exactly this frame: a point at (s, d) comes back as (s, d).

use auriga_geometry::math::{angle_difference, lerp, sin_cos, wrap_angle};
use auriga_geometry::{Vec2, segment_distance};

/// A point of a centre line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CenterPoint {
    /// Metres along the line.
    pub s: f64,
    /// Position in the map frame, metres.
    pub position: Vec2,
    /// Height of the road surface, metres.
    pub z: f64,
    /// Direction of the line, radians in (−π, π].
    pub heading: f64,
    /// Curvature, 1/m; positive where the line turns left.
    pub curvature: f64,
    /// Width of the lane here, metres.
    pub width: f64,
}

/// The middle of a lane as samples in driving direction: at most 1 m apart, chords within 2 cm of the curve.
#[derive(Clone, Debug, PartialEq)]
pub struct Centerline {
    /// The samples: at least two, `s` ascending from 0.
    pub points: Vec<CenterPoint>,
    /// Greatest distance between two neighbouring samples, metres.
    spacing_max: f64,
}

impl Centerline {
    /// A line through samples with ascending `s`; `None` with fewer than two, or where `s` does not ascend.
    #[must_use]
    pub fn new(points: Vec<CenterPoint>) -> Option<Self> {
        if points.len() < 2 || points.windows(2).any(|pair| pair[1].s <= pair[0].s || !pair[1].s.is_finite())
        {
            return None;
        }
        let gap = |pair: &[CenterPoint]| (pair[1].position - pair[0].position).norm();
        let spacing_max = points.windows(2).map(gap).fold(0.0, f64::max);
        Some(Self { points, spacing_max })
    }

    /// Length, metres.
    #[must_use]
    pub fn length(&self) -> f64 {
        self.points[self.points.len() - 1].s
    }

    /// The point at `s` metres from the start; `s` is clamped to the line.
    #[must_use]
    pub fn at(&self, s: f64) -> CenterPoint {
        self.at_in(self.interval(s), s)
    }

    /// The nearest place on the line: (`s`, `d`), where `d` is metres to the left of the line.
    ///
    /// Before the start and past the end `s` is clamped and `d` is measured across the direction of that end.
    #[must_use]
    pub fn project(&self, point: Vec2) -> (f64, f64) {
        self.project_between(point, 0, self.points.len() - 1)
    }

    /// [`Self::project`] onto the samples from `first` to `last` (inclusive) only.
    pub(crate) fn project_between(&self, point: Vec2, first: usize, last: usize) -> (f64, f64) {
        let nearest = self.nearest_sample(point, first, last);
        let mut best = (f64::INFINITY, nearest, 0.0);
        for i in [nearest.wrapping_sub(1), nearest] {
            if i >= first && i < last {
                let (a, b) = (&self.points[i], &self.points[i + 1]);
                let (distance, ratio) = segment_distance(a.position, b.position, point);
                if distance < best.0 {
                    best = (distance, i, ratio);
                }
            }
        }
        let (_, i, ratio) = best;
        let i = i.min(self.points.len() - 2);
        let s = lerp(self.points[i].s, self.points[i + 1].s, ratio);
        let (low, high) = (self.points[i.saturating_sub(1).max(first)].s, self.points[(i + 2).min(last)].s);
        self.refine(point, s, low, high)
    }

    /// The sample nearest to a point.
    pub(crate) fn nearest_point(&self, point: Vec2) -> CenterPoint {
        self.points[self.nearest_sample(point, 0, self.points.len() - 1)]
    }

    /// Newton's method on (point − position(s)) · direction(s) = 0, kept between `low` and `high`.
    fn refine(&self, point: Vec2, start: f64, mut low: f64, mut high: f64) -> (f64, f64) {
        let mut s = start;
        let mut d = 0.0;
        for _ in 0..24 {
            let at = self.at(s);
            let (sin, cos) = sin_cos(at.heading);
            let offset = point - at.position;
            let ahead = offset.x * cos + offset.y * sin;
            d = offset.y * cos - offset.x * sin;
            if ahead > 0.0 {
                low = s;
            } else {
                high = s;
            }
            let next = s + ahead / (1.0 - at.curvature * d).max(0.2);
            let next = if next > low && next < high { next } else { lerp(low, high, 0.5) };
            let step = next - s;
            s = next;
            if step.abs() < 1e-9 {
                break;
            }
        }
        (s, d)
    }

    /// The sample nearest to a point. Samples that can't be nearer than the best so far are skipped: `n` samples on, the
    /// distance has shrunk by no more than `n` times the greatest spacing.
    fn nearest_sample(&self, point: Vec2, first: usize, last: usize) -> usize {
        let (mut best, mut best_distance) = (first, f64::INFINITY);
        let mut i = first;
        while i <= last {
            let distance = (self.points[i].position - point).norm();
            if distance < best_distance {
                (best, best_distance) = (i, distance);
            }
            let skip = (distance - best_distance) / self.spacing_max;
            i += 1 + if skip >= 1.0 { (skip as usize).min(last) } else { 0 };
        }
        best
    }

    /// Index of the sample at or before `s`, at most the last but one.
    fn interval(&self, s: f64) -> usize {
        self.points.partition_point(|p| p.s <= s).clamp(1, self.points.len() - 1) - 1
    }

    fn at_in(&self, i: usize, s: f64) -> CenterPoint {
        let (a, b) = (&self.points[i], &self.points[i + 1]);
        let s = if s.is_finite() { s.clamp(a.s, b.s) } else { a.s };
        let span = b.s - a.s;
        let u = (s - a.s) / span;
        let (u2, u3) = (u * u, u * u * u);
        let (sin_a, cos_a) = sin_cos(a.heading);
        let (sin_b, cos_b) = sin_cos(b.heading);
        let position = a.position * (2.0 * u3 - 3.0 * u2 + 1.0)
            + b.position * (3.0 * u2 - 2.0 * u3)
            + Vec2::new(cos_a, sin_a) * (span * (u3 - 2.0 * u2 + u))
            + Vec2::new(cos_b, sin_b) * (span * (u3 - u2));
        CenterPoint {
            s,
            position,
            z: lerp(a.z, b.z, u),
            heading: wrap_angle(a.heading + angle_difference(b.heading, a.heading) * u),
            curvature: lerp(a.curvature, b.curvature, u),
            width: lerp(a.width, b.width, u),
        }
    }
}
