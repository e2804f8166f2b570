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
    /// What evaluation needs of each sample, computed once.
    tangents: Vec<Tangent>,
    /// Greatest distance between two neighbouring samples, metres.
    spacing_max: f64,
    /// The box around the samples.
    extent: (Vec2, Vec2),
    /// Greatest width, metres.
    width_max: f64,
}

/// So many samples are sooner looked at one by one than skipped by distance.
const SHORT_RUN: usize = 20;

/// The direction of a sample, and the turn from it to the next one.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Tangent {
    direction: Vec2,
    turn: f64,
}

/// A place on the line with its derivatives by `s`.
#[derive(Clone, Copy, Debug)]
struct Foot {
    at: CenterPoint,
    /// Of the heading.
    direction: Vec2,
    /// Of the position.
    velocity: Vec2,
    /// Radians per metre.
    turn_rate: f64,
}

/// [`sin_cos`], quickly for the small turn between two samples: Taylor's series, whose next term is below 2e-16 here.
#[inline(always)]
fn sin_cos_of_turn(x: f64) -> (f64, f64) {
    if x.abs() > 0.25 {
        return sin_cos(x);
    }
    let q = x * x;
    let term = |divisor: f64, rest: f64| 1.0 - q * (1.0 / divisor) * rest;
    let sin = term(6.0, term(20.0, term(42.0, term(72.0, term(110.0, 1.0)))));
    let cos = term(2.0, term(12.0, term(30.0, term(56.0, term(90.0, 1.0)))));
    (x * sin, cos)
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
        let turn = |i: usize| match points.get(i + 1) {
            Some(next) => angle_difference(next.heading, points[i].heading),
            None => 0.0,
        };
        let tangent = |i: usize| {
            let (sin, cos) = sin_cos(points[i].heading);
            Tangent { direction: Vec2::new(cos, sin), turn: turn(i) }
        };
        let tangents = (0..points.len()).map(tangent).collect();
        let low = points.iter().fold(points[0].position, |low, p| low.inf(&p.position));
        let high = points.iter().fold(points[0].position, |high, p| high.sup(&p.position));
        let width_max = points.iter().map(|p| p.width).fold(0.0, f64::max);
        Some(Self { points, tangents, spacing_max, extent: (low, high), width_max })
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
        let (at, d) = self.project_onto(point, first, last);
        (at.s, d)
    }

    /// [`Self::project_between`] with everything that is known of the place.
    pub(crate) fn project_onto(&self, point: Vec2, first: usize, last: usize) -> (CenterPoint, f64) {
        self.project_near(point, self.nearest_sample(point, first, last, f64::INFINITY), first, last)
    }

    /// [`Self::project_onto`] with the nearest sample known.
    pub(crate) fn project_near(
        &self,
        point: Vec2,
        nearest: usize,
        first: usize,
        last: usize,
    ) -> (CenterPoint, f64) {
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
        self.refine(point, i, s, (low, high))
    }

    /// The sample nearest to a point.
    pub(crate) fn nearest_point(&self, point: Vec2) -> CenterPoint {
        self.points[self.nearest_index(point)]
    }

    /// The index of the sample nearest to a point.
    pub(crate) fn nearest_index(&self, point: Vec2) -> usize {
        self.nearest_sample(point, 0, self.points.len() - 1, f64::INFINITY)
    }

    /// [`Self::nearest_index`], quickly, with a sample known that is not far from the nearest one.
    pub(crate) fn nearest_index_near(&self, point: Vec2, known: usize) -> usize {
        let known = (self.points[known].position - point).norm() + 1e-9;
        self.nearest_sample(point, 0, self.points.len() - 1, known)
    }

    /// How far a point is from the box around the samples, metres.
    pub(crate) fn box_distance(&self, point: Vec2) -> f64 {
        let (low, high) = self.extent;
        (low - point).sup(&(point - high)).sup(&Vec2::zeros()).norm()
    }

    /// Whether the boxes around two strips touch.
    pub(crate) fn may_touch(&self, other: &Self) -> bool {
        let margin = 0.5 * (self.width_max + other.width_max) + 0.1;
        let gap = (self.extent.0 - other.extent.1).sup(&(other.extent.0 - self.extent.1));
        gap.x <= margin && gap.y <= margin
    }

    /// Greatest width, metres.
    pub(crate) fn width_max(&self) -> f64 {
        self.width_max
    }

    /// Newton's method on (point − position(s)) · direction(s) = 0, kept between `low` and `high`; `i` is the interval of
    /// `start`.
    fn refine(
        &self,
        point: Vec2,
        mut i: usize,
        start: f64,
        (mut low, mut high): (f64, f64),
    ) -> (CenterPoint, f64) {
        let mut s = start;
        let (mut foot, mut d) = (self.foot(i, s), 0.0);
        for _ in 0..24 {
            i = self.interval_from(i, s);
            foot = self.foot(i, s);
            let offset = point - foot.at.position;
            let ahead = offset.dot(&foot.direction);
            d = foot.direction.perp(&offset);
            if ahead > 0.0 {
                low = s;
            } else {
                high = s;
            }
            let slope = foot.velocity.dot(&foot.direction) - foot.turn_rate * d;
            let newton = s + ahead / slope.max(0.2);
            // The bounds themselves are let in: one of them is the place itself where `ahead` is exactly 0.
            let next = if (low..=high).contains(&newton) { newton } else { lerp(low, high, 0.5) };
            let step = next - s;
            s = next;
            // Within an interval the method converges quadratically: after such a step it has arrived.
            let last = next == newton && slope > 0.2 && step.abs() < 1e-5 && self.holds(i, s);
            if last || step.abs() < 1e-9 {
                // On to `s` along the derivatives.
                d -= foot.direction.perp(&foot.velocity) * step;
                foot.at.s = s;
                foot.at.position += foot.velocity * step;
                foot.at.heading = wrap_angle(foot.at.heading + foot.turn_rate * step);
                break;
            }
        }
        (foot.at, d)
    }

    /// Whether `s` is in interval `i`.
    fn holds(&self, i: usize, s: f64) -> bool {
        self.points[i].s <= s && s <= self.points[i + 1].s
    }

    /// The place at `s` of interval `i` with everything that the projection needs.
    #[inline(always)]
    fn foot(&self, i: usize, s: f64) -> Foot {
        let at = self.at_in(i, s);
        let (a, b) = (&self.points[i], &self.points[i + 1]);
        let (from, to) = (&self.tangents[i], &self.tangents[i + 1]);
        let span = b.s - a.s;
        let u = (at.s - a.s) / span;
        let u2 = u * u;
        let velocity = (b.position - a.position) * (6.0 * (u - u2) / span)
            + from.direction * (3.0 * u2 - 4.0 * u + 1.0)
            + to.direction * (3.0 * u2 - 2.0 * u);
        let (sin, cos) = sin_cos_of_turn(from.turn * u);
        let (x, y) = (from.direction.x, from.direction.y);
        Foot {
            at,
            direction: Vec2::new(x * cos - y * sin, y * cos + x * sin),
            velocity,
            turn_rate: from.turn / span,
        }
    }

    /// [`Self::interval`], searched from a place near it.
    fn interval_from(&self, mut i: usize, s: f64) -> usize {
        while i > 0 && self.points[i].s > s {
            i -= 1;
        }
        while i + 2 < self.points.len() && self.points[i + 1].s <= s {
            i += 1;
        }
        i
    }

    /// How far the curve may lie from the chords of its samples from `first` to `last`, metres: the cubic of an interval is
    /// its chord plus two of Hermite's base functions, neither above 4/27, times the difference of end tangent and chord.
    pub(crate) fn bulge(&self, first: usize, last: usize) -> f64 {
        let of_interval = |i: usize| {
            let chord = self.points[i + 1].position - self.points[i].position;
            let span = self.points[i + 1].s - self.points[i].s;
            let off = |k: usize| (self.tangents[k].direction * span - chord).norm();
            4.0 / 27.0 * (off(i) + off(i + 1))
        };
        (first..last).map(of_interval).fold(0.0, f64::max)
    }

    /// Greatest distance between two neighbouring samples, metres.
    pub(crate) fn spacing_max(&self) -> f64 {
        self.spacing_max
    }

    /// The sample nearest to a point. Samples that can't be nearer than the best so far are skipped: `n` samples on, the
    /// distance has shrunk by no more than `n` times the greatest spacing. One is known to be nearer than `known`.
    fn nearest_sample(&self, point: Vec2, first: usize, last: usize, known: f64) -> usize {
        let squared_to = |i: usize| (self.points[i].position - point).norm_squared();
        let square = |x: f64| x * x;
        let (mut best, mut best_distance, mut best_squared) = (first, known, square(known));
        if last.saturating_sub(first) < SHORT_RUN {
            for i in first..=last {
                let squared = squared_to(i);
                if squared < best_squared {
                    (best, best_squared) = (i, squared);
                }
            }
            return best;
        }
        // Never above one over the spacing, so that no sample is skipped for rounding.
        let per_spacing = (1.0 - 1e-12) / self.spacing_max;
        let mut i = first;
        while i <= last {
            let squared = squared_to(i);
            i += 1;
            if squared < best_squared {
                (best, best_distance, best_squared) = (i - 1, squared.sqrt(), squared);
            } else if squared > square(best_distance + self.spacing_max) {
                let skip = (squared.sqrt() - best_distance) * per_spacing;
                i += (skip as usize).min(last);
            }
        }
        best
    }

    /// [`Self::at`] with the change of curvature along the line, 1/m².
    pub(crate) fn at_with_rate(&self, s: f64) -> (CenterPoint, f64) {
        let i = self.interval(s);
        let (a, b) = (&self.points[i], &self.points[i + 1]);
        (self.at_in(i, s), (b.curvature - a.curvature) / (b.s - a.s))
    }

    /// Index of the sample at or before `s`, at most the last but one.
    fn interval(&self, s: f64) -> usize {
        self.points.partition_point(|p| p.s <= s).clamp(1, self.points.len() - 1) - 1
    }

    #[inline(always)]
    fn at_in(&self, i: usize, s: f64) -> CenterPoint {
        let (a, b) = (&self.points[i], &self.points[i + 1]);
        let s = if s.is_finite() { s.clamp(a.s, b.s) } else { a.s };
        let span = b.s - a.s;
        let u = (s - a.s) / span;
        let (u2, u3) = (u * u, u * u * u);
        let (from, to) = (&self.tangents[i], &self.tangents[i + 1]);
        let position = a.position * (2.0 * u3 - 3.0 * u2 + 1.0)
            + b.position * (3.0 * u2 - 2.0 * u3)
            + from.direction * (span * (u3 - 2.0 * u2 + u))
            + to.direction * (span * (u3 - u2));
        CenterPoint {
            s,
            position,
            z: lerp(a.z, b.z, u),
            heading: wrap_angle(a.heading + from.turn * u),
            curvature: lerp(a.curvature, b.curvature, u),
            width: lerp(a.width, b.width, u),
        }
    }
}
