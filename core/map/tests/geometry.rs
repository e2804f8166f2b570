//! Every geometry type: there and back in the Frenet frame within a millimetre; clothoids against Fresnel's integrals.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "tests may")]

use auriga_geometry::Vec2;
use auriga_geometry::math::{PI, sin_cos};
use auriga_map::{Lane, Map};
use proptest::prelude::*;

/// A road of one geometry with one lane of 4 m to the right: its middle is 2 m beside the reference line.
fn lane(geometry: &str, length: f64) -> Lane {
    let map = Map::from_opendrive(&format!(
        "<OpenDRIVE><road id=\"r\" length=\"{length}\" junction=\"-1\">
           <planView><geometry s=\"0\" x=\"5\" y=\"-7\" hdg=\"0.4\" length=\"{length}\">{geometry}</geometry></planView>
           <lateralProfile><superelevation s=\"0\" a=\"0.05\" b=\"0\" c=\"0\" d=\"0\"/></lateralProfile>
           <lanes><laneSection s=\"0\"><center><lane id=\"0\" type=\"none\"/></center><right><lane id=\"-1\" type=\"driving\">
           <width sOffset=\"0\" a=\"4\" b=\"0\" c=\"0\" d=\"0\"/></lane></right></laneSection></lanes></road></OpenDRIVE>"
    ))
    .unwrap();
    map.lanes()[0].clone()
}

/// The five geometries of OpenDRIVE, curved to either side by up to 1/20 m.
fn geometry() -> impl Strategy<Value = (String, f64)> {
    let cubic = |b: f64, c: f64, d: f64| format!("a=\"0\" b=\"{b}\" c=\"{c}\" d=\"{d}\"");
    prop_oneof![
        (10.0..200.0f64).prop_map(|length| ("<line/>".to_string(), length)),
        (-0.05..0.05f64, 10.0..60.0f64).prop_map(|(k, length)| (format!("<arc curvature=\"{k}\"/>"), length)),
        (-0.05..0.05f64, -0.05..0.05f64, 10.0..60.0f64)
            .prop_map(|(a, b, length)| (format!("<spiral curvStart=\"{a}\" curvEnd=\"{b}\"/>"), length)),
        (-0.3..0.3f64, -0.005..0.005f64, -1e-4..1e-4f64, 10.0..40.0f64)
            .prop_map(move |(b, c, d, length)| (format!("<poly3 {}/>", cubic(b, c, d)), length)),
        (-0.3..0.3f64, -0.005..0.005f64, -1e-4..1e-4f64, 10.0..40.0f64).prop_map(|(b, c, d, length)| {
            let curve =
                format!("aU=\"0\" bU=\"1\" cU=\"0\" dU=\"0\" aV=\"0\" bV=\"{b}\" cV=\"{c}\" dV=\"{d}\"");
            (format!("<paramPoly3 pRange=\"arcLength\" {curve}/>"), length)
        }),
    ]
}

/// Fresnel's integrals C(t) and S(t) by their power series (Abramowitz and Stegun, 7.3.11 and 7.3.13); for |t| up to 3.
fn fresnel(t: f64) -> (f64, f64) {
    let x = 0.5 * PI * t * t;
    let (mut c, mut s, mut term) = (0.0, 0.0, t);
    for n in 0..60 {
        let k = f64::from(2 * n + 1);
        // `term` is t·xⁿ/n!; even ones belong to C, odd ones to S, in pairs of one sign.
        let sign = if n % 4 < 2 { 1.0 } else { -1.0 };
        if n % 2 == 0 {
            c += sign * term / k
        } else {
            s += sign * term / k
        }
        term *= x / f64::from(n + 1);
    }
    (c, s)
}

#[test]
fn the_series_are_fresnels() {
    // Table 7.8.
    let (c, s) = fresnel(1.0);
    assert!((c - 0.779_893_400_376_822_8).abs() < 1e-12 && (s - 0.438_259_147_390_354_8).abs() < 1e-12);
    let (c, s) = fresnel(2.0);
    assert!((c - 0.488_253_406_075_340_8).abs() < 1e-9 && (s - 0.343_415_678_363_698_2).abs() < 1e-9);
}

proptest! {
    #[test]
    fn cartesian_to_frenet_to_cartesian_is_exact((shape, length) in geometry(), ratio in 0.02..0.98f64, d in -3.0..3.0f64) {
        let lane = lane(&shape, length);
        let at = lane.centerline.at(ratio * lane.length);
        let (sin, cos) = sin_cos(at.heading);
        let point = at.position + Vec2::new(-sin, cos) * d;
        let (s, found) = lane.centerline.project(point);
        let there = lane.centerline.at(s);
        let (sin, cos) = sin_cos(there.heading);
        let back = there.position + Vec2::new(-sin, cos) * found;
        prop_assert!((back - point).norm() < 1e-3, "{shape}: {}", (back - point).norm());
        prop_assert!((s - at.s).abs() < 1e-3 && (found - d).abs() < 1e-3);
    }

    #[test]
    fn lengths_are_those_of_the_curve((shape, length) in geometry()) {
        let lane = lane(&shape, length);
        let steps = 20_000;
        let place = |i: usize| lane.centerline.at(lane.length * i as f64 / steps as f64).position;
        let summed: f64 = (0..steps).map(|i| (place(i + 1) - place(i)).norm()).sum();
        prop_assert!((summed - lane.length).abs() < 2e-3, "{shape}: {summed} {}", lane.length);
    }

    #[test]
    fn clothoids_follow_fresnels_integrals(end in 0.005..0.05f64, length in 20.0..80.0f64, ratio in 0.0..=1.0f64, left in any::<bool>()) {
        let sign = if left { 1.0 } else { -1.0 };
        let lane = lane(&format!("<spiral curvStart=\"0\" curvEnd=\"{}\"/>", sign * end), length);
        let s = lane.s_at_road_s(ratio * length);
        let at = lane.centerline.at(s);
        // A clothoid with curvature growing by `end / length` per metre is Fresnel's, scaled by a.
        let a = (PI * length / end).sqrt();
        let reference = lane.road_s(s);
        let (x, y) = fresnel(reference / a);
        let heading = sign * 0.5 * PI * (reference / a) * (reference / a);
        let (sin, cos) = sin_cos(0.4 + heading);
        let (sin0, cos0) = sin_cos(0.4);
        let local = Vec2::new(a * x, sign * a * y);
        let on_line = Vec2::new(5.0, -7.0) + Vec2::new(cos0 * local.x - sin0 * local.y, sin0 * local.x + cos0 * local.y);
        let middle = on_line + Vec2::new(sin, -cos) * 2.0;
        prop_assert!((at.position - middle).norm() < 1e-3, "{}", (at.position - middle).norm());
        let curvature = sign * end * reference / length;
        prop_assert!((at.curvature - curvature / (1.0 + 2.0 * curvature)).abs() < 1e-4);
        // A roll of 0.05 rad lowers the right side.
        prop_assert!((at.z + 2.0 * 0.05).abs() < 1e-3);
    }
}
