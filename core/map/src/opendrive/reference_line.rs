//! A road's reference line: lines, arcs, spirals, cubics (ASAM OpenDRIVE 1.6, chapter 7).

use super::xml::{child, children, invalid, number, text};
use crate::MapError;
use auriga_geometry::Vec2;
use auriga_geometry::math::{angle_difference, atan2, sin_cos};
use roxmltree::Node;

/// A point of the reference line with what an offset curve needs to know.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ReferencePoint {
    pub position: Vec2,
    pub heading: f64,
    pub curvature: f64,
    /// Change of curvature along the line, 1/m²; zero where it is not simply known.
    pub curvature_rate: f64,
    /// Metres along the curve per metre of `s`: 1 but for parametric cubics.
    pub rate: f64,
}

#[derive(Clone, Debug, PartialEq)]
enum Shape {
    Line,
    Arc { curvature: f64 },
    Spiral { start: f64, rate: f64 },
    Poly3 { coefficients: [f64; 4], stations: Vec<f64> },
    ParamPoly3 { u: [f64; 4], v: [f64; 4], per_metre: f64 },
}

#[derive(Clone, Debug, PartialEq)]
struct Geometry {
    s: f64,
    length: f64,
    origin: Vec2,
    heading: f64,
    shape: Shape,
}

/// The curve that a road's lanes are laid out along.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ReferenceLine {
    geometries: Vec<Geometry>,
}

/// Longest road that is read, metres: longer ones are garbage.
pub(crate) const LENGTH_MAX: f64 = 200_000.0;
/// Tightest curvature that is read, 1/m.
const CURVATURE_MAX: f64 = 10.0;
/// Greatest turn of one geometry, radians.
const TURN_MAX: f64 = 200.0;

impl ReferenceLine {
    pub(crate) fn read(road: Node) -> Result<Self, MapError> {
        let plan = child(road, "planView")
            .ok_or_else(|| invalid(road, "there is no <planView>", "give the road a reference line"))?;
        let mut geometries: Vec<Geometry> = Vec::new();
        for node in children(plan, "geometry") {
            let geometry = read_geometry(node)?;
            if geometries.last().is_some_and(|last| geometry.s < last.s) {
                return Err(invalid(
                    node,
                    "`s` is before that of its predecessor",
                    "sort the geometries by `s`",
                ));
            }
            geometries.push(geometry);
        }
        if geometries.is_empty() {
            return Err(invalid(plan, "there is no <geometry>", "give the road a reference line"));
        }
        Ok(Self { geometries })
    }

    /// The point at `s` of the geometry in force at `inside`.
    pub(crate) fn at(&self, s: f64, inside: f64) -> ReferencePoint {
        let after = self.geometries.partition_point(|geometry| geometry.s <= inside);
        let geometry = &self.geometries[after.saturating_sub(1)];
        geometry.at(s - geometry.s)
    }

    /// How the pieces meet.
    pub(crate) fn joints(&self) -> impl Iterator<Item = Joint> {
        self.geometries.windows(2).map(|pair| {
            let (end, start) = (pair[0].at(pair[1].s - pair[0].s), pair[1].at(0.0));
            Joint {
                s: pair[1].s,
                gap: (end.position - start.position).norm(),
                turn: angle_difference(end.heading, start.heading).abs(),
                overlap: pair[0].s + pair[0].length - pair[1].s,
            }
        })
    }

    /// Where the last piece ends.
    pub(crate) fn end(&self) -> f64 {
        self.geometries.last().map_or(0.0, |last| last.s + last.length)
    }

    /// Appends the starts of geometries strictly between `low` and `high`.
    pub(crate) fn breaks(&self, low: f64, high: f64, out: &mut Vec<f64>) {
        out.extend(self.geometries.iter().map(|geometry| geometry.s).filter(|&s| s > low && s < high));
    }
}

/// How two pieces of a reference line meet.
pub(crate) struct Joint {
    pub s: f64,
    /// Metres between the end of one and the start of the other.
    pub gap: f64,
    /// Radians between their directions.
    pub turn: f64,
    /// Metres of `s` that both claim.
    pub overlap: f64,
}

fn read_geometry(node: Node) -> Result<Geometry, MapError> {
    let length = number(node, "length")?;
    if !(0.0..=LENGTH_MAX).contains(&length) {
        return Err(invalid(node, format!("`length` is {length}"), "write a length from 0 to 200000 m"));
    }
    let shape = node
        .children()
        .filter(Node::is_element)
        .find_map(|shape| match shape.tag_name().name() {
            "line" => Some(Ok(Shape::Line)),
            "arc" => Some(read_arc(shape, length)),
            "spiral" => Some(read_spiral(shape, length)),
            "poly3" => Some(read_poly3(shape, length)),
            "paramPoly3" => Some(read_param_poly3(shape, length)),
            _ => None,
        })
        .unwrap_or_else(|| {
            Err(invalid(
                node,
                "there is no shape in it",
                "put a <line>, <arc>, <spiral>, <poly3> or <paramPoly3> in",
            ))
        })?;
    let origin = Vec2::new(number(node, "x")?, number(node, "y")?);
    Ok(Geometry { s: number(node, "s")?, length, origin, heading: number(node, "hdg")?, shape })
}

fn read_curvature(node: Node, name: &str, length: f64) -> Result<f64, MapError> {
    let curvature = number(node, name)?;
    if curvature.abs() > CURVATURE_MAX || curvature.abs() * length > TURN_MAX {
        return Err(invalid(
            node,
            format!("`{name}` is {curvature} over {length} m"),
            "write at most 10 per metre, and turn by at most 200 rad",
        ));
    }
    Ok(curvature)
}

fn read_arc(node: Node, length: f64) -> Result<Shape, MapError> {
    Ok(Shape::Arc { curvature: read_curvature(node, "curvature", length)? })
}

fn read_spiral(node: Node, length: f64) -> Result<Shape, MapError> {
    let start = read_curvature(node, "curvStart", length)?;
    let end = read_curvature(node, "curvEnd", length)?;
    let rate = if length > 0.0 { (end - start) / length } else { 0.0 };
    Ok(Shape::Spiral { start, rate })
}

fn read_poly3(node: Node, length: f64) -> Result<Shape, MapError> {
    let coefficients = [number(node, "a")?, number(node, "b")?, number(node, "c")?, number(node, "d")?];
    let mut stations = vec![0.0];
    let mut u = 0.0;
    for _ in 0..length as usize {
        u = advance_along(&coefficients, u, 1.0);
        stations.push(u);
    }
    Ok(Shape::Poly3 { coefficients, stations })
}

fn read_param_poly3(node: Node, length: f64) -> Result<Shape, MapError> {
    let u = [number(node, "aU")?, number(node, "bU")?, number(node, "cU")?, number(node, "dU")?];
    let v = [number(node, "aV")?, number(node, "bV")?, number(node, "cV")?, number(node, "dV")?];
    let per_metre = match node.attribute("pRange") {
        Some("arcLength") => 1.0,
        None | Some("normalized") => 1.0 / length.max(1e-9),
        Some(_) => {
            let found = text(node, "pRange")?;
            return Err(invalid(node, format!("`pRange` is \"{found}\""), "write arcLength or normalized"));
        }
    };
    Ok(Shape::ParamPoly3 { u, v, per_metre })
}

impl Geometry {
    fn at(&self, ds: f64) -> ReferencePoint {
        let (local, turn, curvature, curvature_rate, rate) = self.shape.at(ds);
        let (sin, cos) = sin_cos(self.heading);
        ReferencePoint {
            position: self.origin + Vec2::new(cos * local.x - sin * local.y, sin * local.x + cos * local.y),
            heading: self.heading + turn,
            curvature,
            curvature_rate,
            rate,
        }
    }
}

impl Shape {
    /// (point, heading, curvature, its rate, metres per metre of `s`) in the frame of the geometry's start.
    fn at(&self, ds: f64) -> (Vec2, f64, f64, f64, f64) {
        match self {
            Self::Line => (Vec2::new(ds, 0.0), 0.0, 0.0, 0.0, 1.0),
            Self::Arc { curvature } => (clothoid(*curvature, 0.0, ds), curvature * ds, *curvature, 0.0, 1.0),
            Self::Spiral { start, rate } => {
                (clothoid(*start, *rate, ds), ds * (start + 0.5 * rate * ds), start + rate * ds, *rate, 1.0)
            }
            Self::Poly3 { coefficients, stations } => {
                let whole = (ds.max(0.0) as usize).min(stations.len() - 1);
                let u = advance_along(coefficients, stations[whole], ds - whole as f64);
                let (value, first, second) = cubic(coefficients, u);
                let (point, heading, curvature, _) = parametric((u, 1.0, 0.0), (value, first, second));
                (point, heading, curvature, 0.0, 1.0)
            }
            Self::ParamPoly3 { u, v, per_metre } => {
                let p = ds * per_metre;
                let (point, heading, curvature, speed) = parametric(cubic(u, p), cubic(v, p));
                (point, heading, curvature, 0.0, speed * per_metre)
            }
        }
    }
}

fn cubic([a, b, c, d]: &[f64; 4], p: f64) -> (f64, f64, f64) {
    (a + p * (b + p * (c + p * d)), b + p * (2.0 * c + p * 3.0 * d), 2.0 * c + p * 6.0 * d)
}

/// (point, heading, curvature, speed) of a plane curve from its coordinates' values and derivatives.
fn parametric(u: (f64, f64, f64), v: (f64, f64, f64)) -> (Vec2, f64, f64, f64) {
    let speed = (u.1 * u.1 + v.1 * v.1).sqrt();
    let cube = speed * speed * speed;
    let curvature = if cube > 1e-12 { (u.1 * v.2 - v.1 * u.2) / cube } else { 0.0 };
    (Vec2::new(u.0, v.0), atan2(v.1, u.1), curvature, speed)
}

/// The abscissa `length` metres of arc after abscissa `u` on a cubic (classical Runge-Kutta on du/ds = 1/√(1 + v′²)).
fn advance_along(coefficients: &[f64; 4], u: f64, length: f64) -> f64 {
    let slope = |u: f64| {
        let (_, first, _) = cubic(coefficients, u);
        1.0 / (1.0 + first * first).sqrt()
    };
    let h = length / 4.0;
    (0..4).fold(u, |u, _| {
        let k1 = slope(u);
        let k2 = slope(u + 0.5 * h * k1);
        let k3 = slope(u + 0.5 * h * k2);
        let k4 = slope(u + h * k3);
        u + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
    })
}

/// Where a curve that starts at the origin along x ends after `length` metres, when its curvature is `start + rate · s`:
/// the integral of (cos, sin) of `start · s + rate/2 · s²`, by five-point Gauss-Legendre quadrature (Abramowitz and Stegun,
/// table 25.4) on panels that turn by at most a quarter radian.
pub(crate) fn clothoid(start: f64, rate: f64, length: f64) -> Vec2 {
    const NODES: [(f64, f64); 5] = [
        (-0.906_179_845_938_664, 0.236_926_885_056_189_1),
        (-0.538_469_310_105_683_1, 0.478_628_670_499_366_5),
        (0.0, 0.568_888_888_888_888_9),
        (0.538_469_310_105_683_1, 0.478_628_670_499_366_5),
        (0.906_179_845_938_664, 0.236_926_885_056_189_1),
    ];
    let steepest = start.abs().max((start + rate * length).abs());
    let panels = 1 + (steepest * length.abs() / 0.25).min(10_000.0) as usize;
    let half = 0.5 * length / panels as f64;
    let mut sum = Vec2::zeros();
    for panel in 0..panels {
        let middle = (2.0 * panel as f64 + 1.0) * half;
        for (node, weight) in NODES {
            let s = middle + half * node;
            let (sin, cos) = sin_cos(s * (start + 0.5 * rate * s));
            sum += Vec2::new(cos, sin) * (weight * half);
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_spiral_ends_where_the_fresnel_integrals_say() {
        // C(1) and S(1), Abramowitz and Stegun table 7.8: curvature π·s gives exactly (C(s), S(s)).
        let end = clothoid(0.0, core::f64::consts::PI, 1.0);
        assert!((end.x - 0.779_893_400_376_822_8).abs() < 1e-12, "{end}");
        assert!((end.y - 0.438_259_147_390_354_8).abs() < 1e-12, "{end}");
        let end = clothoid(0.0, core::f64::consts::PI, 2.0);
        assert!((end.x - 0.488_253_406_075_340_8).abs() < 1e-10, "{end}");
        assert!((end.y - 0.343_415_678_363_698_2).abs() < 1e-10, "{end}");
    }

    proptest! {
        #[test]
        fn an_arc_is_a_circle(radius in 1.0..500.0f64, turn in -6.0..6.0f64) {
            let length = radius * turn.abs();
            let end = clothoid(turn.signum() / radius, 0.0, length);
            let (sin, cos) = sin_cos(turn.abs());
            let expected = Vec2::new(radius * sin, turn.signum() * radius * (1.0 - cos));
            prop_assert!((end - expected).norm() < 1e-9 * radius);
        }

        #[test]
        fn cubics_keep_to_their_arc_length(b in -0.5..0.5f64, c in -0.01..0.01f64, d in -1e-4..1e-4f64) {
            let coefficients = [0.0, b, c, d];
            let u = advance_along(&coefficients, 0.0, 1.0);
            let steps = 2000;
            let length: f64 = (0..steps).map(|i| {
                let v = |k: usize| cubic(&coefficients, u * k as f64 / steps as f64).0;
                let du = u / steps as f64;
                (du * du + (v(i + 1) - v(i)) * (v(i + 1) - v(i))).sqrt()
            }).sum();
            prop_assert!((length - 1.0).abs() < 1e-6, "{length}");
        }
    }
}
