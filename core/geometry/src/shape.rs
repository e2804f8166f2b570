//! Oriented boxes and convex polygons in the plane.

use crate::{Pose2, Vec2};

/// A rectangle with a heading: `length` along it, `width` across it, metres.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct OrientedBox {
    /// Centre and heading.
    pub center: Pose2,
    /// Extent along the heading, metres.
    pub length: f64,
    /// Extent across the heading, metres.
    pub width: f64,
}

impl OrientedBox {
    /// A box from its centre pose and its full extents.
    #[must_use]
    pub const fn new(center: Pose2, length: f64, width: f64) -> Self {
        Self { center, length, width }
    }

    /// Corners counter-clockwise: front left, rear left, rear right, front right.
    #[must_use]
    pub fn corners(&self) -> [Vec2; 4] {
        let (l, w) = (self.length / 2.0, self.width / 2.0);
        [(l, w), (-l, w), (-l, -w), (l, -w)].map(|(x, y)| self.center.to_parent(Vec2::new(x, y)))
    }

    /// The same box grown by `margin` metres on every side.
    #[must_use]
    pub fn inflated(&self, along: f64, across: f64) -> Self {
        Self { center: self.center, length: self.length + 2.0 * along, width: self.width + 2.0 * across }
    }

    /// Whether a point is inside or on the edge.
    #[must_use]
    pub fn contains(&self, point: Vec2) -> bool {
        let local = self.center.to_local(point);
        local.x.abs() <= self.length / 2.0 && local.y.abs() <= self.width / 2.0
    }

    /// Metres from the box to a point; zero inside.
    #[must_use]
    pub fn distance_to_point(&self, point: Vec2) -> f64 {
        let local = self.center.to_local(point);
        let dx = (local.x.abs() - self.length / 2.0).max(0.0);
        let dy = (local.y.abs() - self.width / 2.0).max(0.0);
        (dx * dx + dy * dy).sqrt()
    }

    /// Whether two boxes share a point (separating-axis test; Gottschalk, Lin, Manocha, 1996).
    #[must_use]
    pub fn intersects(&self, other: &Self) -> bool {
        let (a, b) = (self.corners(), other.corners());
        let axes = [self.center.direction(), other.center.direction()];
        for axis in axes {
            for axis in [axis, Vec2::new(-axis.y, axis.x)] {
                let (a_least, a_most) = project(&a, axis);
                let (b_least, b_most) = project(&b, axis);
                if a_most < b_least || b_most < a_least {
                    return false;
                }
            }
        }
        true
    }

    /// Metres between two boxes; zero where they touch.
    #[must_use]
    pub fn distance(&self, other: &Self) -> f64 {
        if self.intersects(other) {
            return 0.0;
        }
        let from = |a: &Self, b: &Self| {
            a.corners().iter().map(|&corner| b.distance_to_point(corner)).fold(f64::INFINITY, f64::min)
        };
        from(self, other).min(from(other, self))
    }

    /// Area of the overlap over area of the union, 0 to 1.
    #[must_use]
    pub fn intersection_over_union(&self, other: &Self) -> f64 {
        let overlap = Polygon::from(self).intersection(&Polygon::from(other)).area();
        let union = self.length * self.width + other.length * other.width - overlap;
        if union > 0.0 { overlap / union } else { 0.0 }
    }
}

fn project(points: &[Vec2], axis: Vec2) -> (f64, f64) {
    points
        .iter()
        .map(|p| p.dot(&axis))
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), d| (a.min(d), b.max(d)))
}

/// A convex polygon, vertices counter-clockwise.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Polygon {
    /// Vertices counter-clockwise, metres.
    pub vertices: Vec<Vec2>,
}

impl From<&OrientedBox> for Polygon {
    fn from(rectangle: &OrientedBox) -> Self {
        Self { vertices: rectangle.corners().to_vec() }
    }
}

impl Polygon {
    /// The convex hull of points, counter-clockwise (monotone chain; Andrew, 1979).
    #[must_use]
    pub fn convex_hull(points: &[Vec2]) -> Self {
        let mut sorted = points.to_vec();
        sorted.sort_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));
        sorted.dedup();
        if sorted.len() < 3 {
            return Self { vertices: sorted };
        }
        let mut hull: Vec<Vec2> = Vec::with_capacity(sorted.len() + 1);
        let half = |hull: &mut Vec<Vec2>, points: &mut dyn Iterator<Item = &Vec2>| {
            let start = hull.len();
            for &p in points {
                while hull.len() >= start + 2 {
                    let (a, b) = (hull[hull.len() - 2], hull[hull.len() - 1]);
                    if (b - a).perp(&(p - b)) > 0.0 {
                        break;
                    }
                    hull.pop();
                }
                hull.push(p);
            }
            hull.pop();
        };
        half(&mut hull, &mut sorted.iter());
        half(&mut hull, &mut sorted.iter().rev());
        Self { vertices: hull }
    }

    /// Enclosed area, m² (shoelace formula).
    #[must_use]
    pub fn area(&self) -> f64 {
        let n = self.vertices.len();
        (0..n).map(|i| self.vertices[i].perp(&self.vertices[(i + 1) % n])).sum::<f64>().abs() / 2.0
    }

    /// Whether a point is inside or on the edge.
    #[must_use]
    pub fn contains(&self, point: Vec2) -> bool {
        let n = self.vertices.len();
        n >= 3
            && (0..n).all(|i| {
                let (a, b) = (self.vertices[i], self.vertices[(i + 1) % n]);
                (b - a).perp(&(point - a)) >= 0.0
            })
    }

    /// The overlap with another convex polygon (Sutherland and Hodgman, 1974).
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let mut clipped = self.vertices.clone();
        let n = other.vertices.len();
        for i in 0..n {
            let (a, b) = (other.vertices[i], other.vertices[(i + 1) % n]);
            let side = |p: &Vec2| (b - a).perp(&(p - a));
            let input = core::mem::take(&mut clipped);
            for (j, p) in input.iter().enumerate() {
                let q = &input[(j + 1) % input.len()];
                let (sp, sq) = (side(p), side(q));
                if sp >= 0.0 {
                    clipped.push(*p);
                }
                if (sp > 0.0 && sq < 0.0) || (sp < 0.0 && sq > 0.0) {
                    clipped.push(p + (q - p) * (sp / (sp - sq)));
                }
            }
        }
        Self { vertices: clipped }
    }
}

/// The point of segment `a`–`b` nearest to `point`: (metres to it, ratio along the segment in 0..=1).
#[inline]
#[must_use]
pub fn segment_distance(a: Vec2, b: Vec2, point: Vec2) -> (f64, f64) {
    let ab = b - a;
    let length_squared = ab.norm_squared();
    let ratio =
        if length_squared > 0.0 { ((point - a).dot(&ab) / length_squared).clamp(0.0, 1.0) } else { 0.0 };
    ((a + ab * ratio - point).norm(), ratio)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_box() -> impl Strategy<Value = OrientedBox> {
        (-8.0..8.0, -8.0..8.0, -3.1..3.1, 0.5..6.0, 0.5..3.0)
            .prop_map(|(x, y, yaw, l, w)| OrientedBox::new(Pose2::new(x, y, yaw), l, w))
    }

    proptest! {
        #[test]
        fn overlap_area_distance_and_the_axis_test_agree(a in any_box(), b in any_box()) {
            let area = Polygon::from(&a).intersection(&Polygon::from(&b)).area();
            if area > 1e-9 {
                prop_assert!(a.intersects(&b));
            }
            if !a.intersects(&b) {
                prop_assert!(area < 1e-9);
                prop_assert!(a.distance(&b) > 0.0);
            }
            prop_assert!((a.intersection_over_union(&b) - b.intersection_over_union(&a)).abs() < 1e-9);
            prop_assert!((a.intersection_over_union(&a) - 1.0).abs() < 1e-9);
        }

        #[test]
        fn a_hull_contains_its_points(points in prop::collection::vec((-9.0..9.0, -9.0..9.0), 3..40)) {
            let points: Vec<Vec2> = points.into_iter().map(|(x, y)| Vec2::new(x, y)).collect();
            let hull = Polygon::convex_hull(&points);
            let grown = Polygon { vertices: hull.vertices.iter().map(|v| v * 1.000_001).collect() };
            prop_assert!(hull.area() >= 0.0);
            if grown.contains(Vec2::zeros()) {
                for p in &points {
                    prop_assert!(grown.contains(*p));
                }
            }
        }
    }
}
