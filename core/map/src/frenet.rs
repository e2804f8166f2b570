//! Motion along a centre line: position, direction and curvature in its frame and back.
//!
//! The relations are those of Werling et al., "Optimal trajectory generation for dynamic street scenarios in a Frenet
//! frame", ICRA 2010, appendix I.
//!
//! ```
//! # use auriga_geometry::Vec2;
//! # use auriga_map::{CenterPoint, Centerline, CurvePoint};
//! # let at = |s: f64| CenterPoint { s, position: Vec2::new(s, 0.0), z: 0.0, heading: 0.0, curvature: 0.0, width: 3.5 };
//! # let line = Centerline::new(vec![at(0.0), at(1.0), at(2.0)]).unwrap();
//! let car = CurvePoint { position: Vec2::new(1.2, 0.5), heading: 0.1, curvature: 0.02 };
//! let frenet = line.frenet(&car).unwrap();
//! assert!((frenet.s - 1.2).abs() < 1e-9 && (frenet.d - 0.5).abs() < 1e-9);
//! let back = line.cartesian(&frenet).unwrap();
//! assert!((back.position - car.position).norm() < 1e-9 && (back.curvature - car.curvature).abs() < 1e-9);
//! ```

use crate::{CenterPoint, Centerline};
use auriga_geometry::math::{FRAC_PI_2, angle_difference, atan, cos, sin_cos, tan, wrap_angle};
use auriga_geometry::{Vec2, segment_distance};

/// A point of a driven curve in the map frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CurvePoint {
    /// Metres.
    pub position: Vec2,
    /// Radians in (−π, π].
    pub heading: f64,
    /// 1/m; positive to the left.
    pub curvature: f64,
}

/// The same in the frame of a centre line.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FrenetPoint {
    /// Metres along the line.
    pub s: f64,
    /// Metres to the left of the line.
    pub d: f64,
    /// Change of `d` per metre of `s`.
    pub d_first: f64,
    /// Second derivative of `d` by `s`, 1/m.
    pub d_second: f64,
}

impl Centerline {
    /// A curve's point in this line's frame; `None` where the frame has no say: across or against the line, or beyond the
    /// centre of its curvature.
    #[must_use]
    pub fn frenet(&self, point: &CurvePoint) -> Option<FrenetPoint> {
        let (s, d) = self.project(point.position);
        let (line, curvature_rate) = self.at_with_rate(s);
        let turn = angle_difference(point.heading, line.heading);
        let stretch = 1.0 - line.curvature * d;
        if turn.abs() >= FRAC_PI_2 - 1e-6 || stretch <= 1e-6 {
            return None;
        }
        let (slope, cosine) = (tan(turn), cos(turn));
        let d_first = stretch * slope;
        let bend = point.curvature * stretch / cosine - line.curvature;
        let d_second =
            -(curvature_rate * d + line.curvature * d_first) * slope + stretch / (cosine * cosine) * bend;
        Some(FrenetPoint { s, d, d_first, d_second })
    }

    /// The inverse of [`Self::frenet`]; `None` beyond the centre of the line's curvature. `s` is clamped to the line.
    #[must_use]
    pub fn cartesian(&self, point: &FrenetPoint) -> Option<CurvePoint> {
        let (line, curvature_rate) = self.at_with_rate(point.s);
        let stretch = 1.0 - line.curvature * point.d;
        if stretch <= 1e-6 {
            return None;
        }
        let (sin_line, cos_line) = sin_cos(line.heading);
        let slope = point.d_first / stretch;
        let turn = atan(slope);
        let cosine = cos(turn);
        let bend = point.d_second + (curvature_rate * point.d + line.curvature * point.d_first) * slope;
        Some(CurvePoint {
            position: line.position + Vec2::new(-sin_line, cos_line) * point.d,
            heading: wrap_angle(line.heading + turn),
            curvature: (bend * cosine * cosine / stretch + line.curvature) * cosine / stretch,
        })
    }

    /// The samples that a polyline needs to stay within `tolerance` metres of the line: at least its two ends.
    ///
    /// A chord is let grow while all samples under it are near enough, so that it needs few more than the least number.
    #[must_use]
    pub fn polyline(&self, tolerance: f64) -> Vec<CenterPoint> {
        let points = &self.points;
        let mut kept = vec![points[0]];
        let mut from = 0;
        while from + 1 < points.len() {
            let fits = |to: usize| {
                let (a, b) = (points[from].position, points[to].position);
                let room = tolerance - self.bulge(from, to);
                points[from..to].iter().all(|p| segment_distance(a, b, p.position).0 <= room)
            };
            // Doubling, then halving: the longest chord up to a place where one does not fit.
            let mut step = 1;
            while from + 2 * step < points.len() && fits(from + 2 * step) {
                step *= 2;
            }
            let mut to = from + step;
            while step > 1 {
                step /= 2;
                if to + step < points.len() && fits(to + step) {
                    to += step;
                }
            }
            kept.push(points[to]);
            from = to;
        }
        kept
    }
}
