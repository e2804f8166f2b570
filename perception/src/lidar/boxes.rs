//! The oriented box that fits the seen outline of a thing.
//!
//! Search over headings with the closeness criterion of Zhang, Xu, Dong, Dolan, "Efficient L-shape fitting for vehicle
//! detection using laser scanners", IV 2017, algorithm 3: points near the nearer of two perpendicular edges count most.

use super::cluster::Member;
use auriga_geometry::math::{FRAC_PI_2, sin_cos};

/// Points nearer to an edge than this all count the same, metres.
const NEAR_M: f64 = 0.04;
/// At most this many points are looked at.
const SAMPLES: usize = 128;
/// Headings tried at first, and how often the step between them is then halved.
const HEADINGS: u32 = 18;
const HALVINGS: u32 = 3;

/// A box around points: axis `u` at `yaw`, axis `v` a quarter turn to the left of it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FittedBox {
    /// Heading of axis `u`, 0 to a quarter turn, radians.
    pub yaw: f64,
    /// Least and greatest coordinate along `u`, metres.
    pub u: (f64, f64),
    /// Least and greatest coordinate along `v`, metres.
    pub v: (f64, f64),
    /// Share of the points that lie within 0.15 m of one of the two edges nearest to the origin, 0 to 1.
    pub edge_share: f64,
}

/// Fits a box to the points of a thing; `samples` is scratch memory.
#[must_use]
pub fn fit_box(members: &[Member], samples: &mut Vec<[f64; 2]>) -> FittedBox {
    samples.clear();
    let step = members.len().div_ceil(SAMPLES).max(1);
    samples.extend(members.iter().step_by(step).map(|m| [f64::from(m.x), f64::from(m.y)]));
    let mut turned = [(0.0, 0.0); SAMPLES];
    let turned = &mut turned[..samples.len()];
    let mut best = (f64::NEG_INFINITY, 0.0);
    let mut step = FRAC_PI_2 / f64::from(HEADINGS);
    for k in 0..HEADINGS {
        let yaw = f64::from(k) * step;
        best = better(best, (closeness(samples, yaw, turned), yaw));
    }
    for _ in 0..HALVINGS {
        step /= 2.0;
        let middle = best.1;
        for yaw in [middle - step, middle + step] {
            best = better(best, (closeness(samples, yaw, turned), yaw));
        }
    }
    let yaw = if best.1 < 0.0 { best.1 + FRAC_PI_2 } else { best.1 };
    measure(members, yaw)
}

fn better(a: (f64, f64), b: (f64, f64)) -> (f64, f64) {
    if b.0 > a.0 { b } else { a }
}

fn bounds(points: impl Iterator<Item = (f64, f64)>) -> (f64, f64, f64, f64) {
    points
        .fold((f64::INFINITY, f64::NEG_INFINITY, f64::INFINITY, f64::NEG_INFINITY), |(a, b, c, d), (u, v)| {
            (a.min(u), b.max(u), c.min(v), d.max(v))
        })
}

/// The criterion at a heading; `turned` is scratch memory of as many places as there are points.
fn closeness(points: &[[f64; 2]], yaw: f64, turned: &mut [(f64, f64)]) -> f64 {
    let (sin, cos) = sin_cos(yaw);
    for (out, p) in turned.iter_mut().zip(points) {
        *out = (p[0] * cos + p[1] * sin, p[1] * cos - p[0] * sin);
    }
    let (u0, u1, v0, v1) = bounds(turned.iter().copied());
    let mut sum = 0.0;
    for &(u, v) in turned.iter() {
        let to_edge = (u - u0).min(u1 - u).min((v - v0).min(v1 - v));
        sum += 1.0 / to_edge.max(NEAR_M);
    }
    sum
}

fn measure(members: &[Member], yaw: f64) -> FittedBox {
    let (sin, cos) = sin_cos(yaw);
    let turned = |m: &Member| {
        let (x, y) = (f64::from(m.x), f64::from(m.y));
        (x * cos + y * sin, y * cos - x * sin)
    };
    let (u0, u1, v0, v1) = bounds(members.iter().map(turned));
    let near_u = if u0.abs() < u1.abs() { u0 } else { u1 };
    let near_v = if v0.abs() < v1.abs() { v0 } else { v1 };
    let on_edge = members
        .iter()
        .map(turned)
        .filter(|(u, v)| (u - near_u).abs() < 0.15 || (v - near_v).abs() < 0.15)
        .count();
    FittedBox { yaw, u: (u0, u1), v: (v0, v1), edge_share: on_edge as f64 / members.len().max(1) as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use auriga_geometry::{Pose2, Vec2};
    use proptest::prelude::*;

    proptest! {
        /// Two sides of a car, as a scanner sees them, give its heading and both extents.
        #[test]
        fn two_sides_give_the_box(yaw in -3.1..3.1, x in 6.0..30.0, y in -12.0..12.0) {
            let (length, width) = (4.4, 1.8);
            let car = Pose2::new(x, y, yaw);
            let eye = car.to_local(Vec2::zeros());
            prop_assume!(eye.x.abs() > 3.2 && eye.y.abs() > 1.9);
            let (side_v, end_u) = (width / 2.0 * eye.y.signum(), length / 2.0 * eye.x.signum());
            let mut members = Vec::new();
            let mut put = |u: f64, v: f64| {
                let p = car.to_parent(Vec2::new(u, v));
                members.push(Member { x: p.x as f32, y: p.y as f32, ..Member::default() });
            };
            for k in 0..=60 {
                put(-length / 2.0 + length * f64::from(k) / 60.0, side_v);
            }
            for k in 0..=25 {
                put(end_u, -width / 2.0 + width * f64::from(k) / 25.0);
            }
            let fitted = fit_box(&members, &mut Vec::new());
            let mut off = (fitted.yaw - yaw) % FRAC_PI_2;
            if off < 0.0 { off += FRAC_PI_2; }
            prop_assert!(off.min(FRAC_PI_2 - off) < 0.03, "{off}");
            let (a, b) = (fitted.u.1 - fitted.u.0, fitted.v.1 - fitted.v.0);
            prop_assert!((a.max(b) - length).abs() < 0.12 && (a.min(b) - width).abs() < 0.12);
            prop_assert!(fitted.edge_share > 0.9);
        }
    }
}
