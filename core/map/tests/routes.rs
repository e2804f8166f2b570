//! Routes through waypoints (CARLA's route files among them), back onto a route, and Frenet frames with curvature.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "tests may")]

use auriga_geometry::Vec2;
use auriga_geometry::math::{angle_difference, sin_cos};
use auriga_map::{CurvePoint, Lane, LaneKind, LanePosition, Map, MapError, Route, Waypoint};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

static TOWN: LazyLock<Map> =
    LazyLock::new(|| Map::from_opendrive(include_str!("../../../configs/maps/town.xodr")).unwrap());

fn driving(map: &Map) -> Vec<&Lane> {
    map.lanes().iter().filter(|lane| lane.kind == LaneKind::Driving).collect()
}

/// Every stretch is followed by the next one, and the length is what is driven.
fn check(map: &Map, route: &Route) {
    let mut length = 0.0;
    for (i, segment) in route.segments.iter().enumerate() {
        let lane = map.lane(segment.lane);
        assert!(segment.s_start <= segment.s_end + 1e-6 && segment.s_end <= lane.length + 1e-6);
        if !segment.change_to_next {
            length += segment.s_end - segment.s_start;
        }
        if let Some(next) = route.segments.get(i + 1) {
            let beside = [lane.left, lane.right]
                .into_iter()
                .flatten()
                .any(|n| n.lane == next.lane && n.change_allowed);
            let follows = lane.successors.contains(&next.lane) && next.s_start < 1e-6;
            assert!(
                if segment.change_to_next { beside } else { follows },
                "stretch {i}: {segment:?} {next:?}"
            );
        }
    }
    assert!((length - route.length).abs() < 1e-3, "{length} {}", route.length);
}

fn at(map: &Map, place: LanePosition) -> Waypoint {
    let point = map.lane(place.lane).centerline.at(place.s);
    Waypoint { position: point.position, height: Some(point.z), heading: Some(point.heading) }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_route_through_its_own_points_is_the_same_route(from in any::<prop::sample::Index>(), to in any::<prop::sample::Index>(), a in 0.1..0.9f64) {
        let lanes = driving(&TOWN);
        let place = |lane: &Lane| LanePosition { lane: lane.id, s: a * lane.length, d: 0.0 };
        let (start, goal) = (place(lanes[from.index(lanes.len())]), place(lanes[to.index(lanes.len())]));
        let route = TOWN.route(start, goal).unwrap();
        let mut waypoints = vec![at(&TOWN, start)];
        for segment in route.segments.iter().filter(|segment| !segment.change_to_next).take(route.segments.len() - 1) {
            let s = 0.5 * (segment.s_start + segment.s_end);
            waypoints.push(at(&TOWN, LanePosition { lane: segment.lane, s, d: 0.0 }));
        }
        waypoints.push(at(&TOWN, goal));
        let through = TOWN.route_through(&waypoints, 4.0).unwrap();
        check(&TOWN, &through);
        prop_assert!((through.length - route.length).abs() < 25.0, "{} {}", through.length, route.length);
    }

    #[test]
    fn one_comes_back_onto_a_route(from in any::<prop::sample::Index>(), to in any::<prop::sample::Index>(), lost in any::<prop::sample::Index>(), a in 0.0..1.0f64) {
        let lanes = driving(&TOWN);
        let place = |lane: &Lane| LanePosition { lane: lane.id, s: a * lane.length, d: 0.0 };
        let [start, goal, lost] = [from, to, lost].map(|pick| place(lanes[pick.index(lanes.len())]));
        let route = TOWN.route(start, goal).unwrap();
        let back = TOWN.rejoin(&route, 0, lost).unwrap();
        check(&TOWN, &back);
        prop_assert_eq!(back.segments[0].lane, lost.lane);
        prop_assert!((back.segments[0].s_start - lost.s).abs() < 1e-9);
        let end = back.segments[back.segments.len() - 1];
        prop_assert!(end.lane == goal.lane && (end.s_end - goal.s).abs() < 1e-6);
        // A car that is on the route keeps to it.
        let same = TOWN.rejoin(&route, 0, start).unwrap();
        prop_assert_eq!(&same, &route);
    }

    #[test]
    fn frenet_points_come_back(pick in any::<prop::sample::Index>(), ratio in 0.02..0.98f64, d in -1.5..1.5f64, turn in -1.2..1.2f64, curvature in -0.2..0.2f64) {
        let lanes = driving(&TOWN);
        let lane = lanes[pick.index(lanes.len())];
        let line = lane.centerline.at(ratio * lane.length);
        let (sin, cos) = sin_cos(line.heading);
        let car = CurvePoint { position: line.position + Vec2::new(-sin, cos) * d, heading: line.heading + turn, curvature };
        let frenet = lane.centerline.frenet(&car).unwrap();
        prop_assert!((frenet.s - line.s).abs() < 1e-6 && (frenet.d - d).abs() < 1e-6);
        let back = lane.centerline.cartesian(&frenet).unwrap();
        prop_assert!((back.position - car.position).norm() < 1e-6);
        prop_assert!(angle_difference(back.heading, car.heading).abs() < 1e-6 && (back.curvature - curvature).abs() < 1e-6);
    }

    #[test]
    fn polylines_keep_their_tolerance(pick in any::<prop::sample::Index>(), tolerance in 0.03..0.5f64) {
        let lanes = driving(&TOWN);
        let lane = lanes[pick.index(lanes.len())];
        let kept = lane.centerline.polyline(tolerance);
        prop_assert!(kept[0].s == 0.0 && (kept[kept.len() - 1].s - lane.length).abs() < 1e-9);
        prop_assert!(kept.len() <= lane.centerline.points.len());
        for i in 0..200 {
            let point = lane.centerline.at(lane.length * f64::from(i) / 199.0).position;
            let off = kept.windows(2).map(|p| auriga_geometry::segment_distance(p[0].position, p[1].position, point).0);
            prop_assert!(off.fold(f64::INFINITY, f64::min) <= tolerance + 1e-9);
        }
    }
}

/// On the line itself the equation for `s` is met exactly sooner or later, at one of its own bounds.
#[test]
fn points_on_every_line_come_back() {
    for lane in driving(&TOWN) {
        for i in 1..400 {
            let line = lane.centerline.at(lane.length * f64::from(i) / 400.0);
            let (s, d) = lane.centerline.project(line.position);
            assert!((s - line.s).abs() < 1e-8 && d.abs() < 1e-8, "{} at {}: {s} {d}", lane.id.0, line.s);
        }
    }
}

#[test]
fn a_constant_offset_has_the_curvature_of_a_parallel() {
    let road = "<OpenDRIVE><road id=\"1\" length=\"60\"><planView><geometry s=\"0\" x=\"0\" y=\"0\" hdg=\"0\" length=\"60\"><arc curvature=\"0.02\"/></geometry></planView>
        <lanes><laneSection s=\"0\"><center><lane id=\"0\"/></center><right><lane id=\"-1\" type=\"driving\"><width sOffset=\"0\" a=\"4\" b=\"0\" c=\"0\" d=\"0\"/></lane></right></laneSection></lanes></road></OpenDRIVE>";
    let map = Map::from_opendrive(road).unwrap();
    let lane = &map.lanes()[0];
    // The lane's middle has the radius 52 m; 3 m to its left it is 49 m.
    let parallel = auriga_map::FrenetPoint { s: 20.0, d: 3.0, ..Default::default() };
    assert!((lane.centerline.cartesian(&parallel).unwrap().curvature - 1.0 / 49.0).abs() < 1e-9);
    let mut outline = Vec::new();
    lane.outline(&mut outline);
    let n = outline.len();
    let area: f64 = (0..n).map(|i| 0.5 * outline[i].perp(&outline[(i + 1) % n])).sum();
    // A ring's share: 4 m wide, 52 m from its centre.
    assert!((area - 4.0 * lane.length).abs() < 0.05, "{area}");
}

#[test]
fn bad_waypoints_are_named() {
    let off = Waypoint { position: Vec2::new(-500.0, 0.0), height: None, heading: None };
    let lanes = driving(&TOWN);
    let good = at(&TOWN, LanePosition { lane: lanes[0].id, s: 1.0, d: 0.0 });
    assert!(matches!(TOWN.route_through(&[good, off], 4.0), Err(MapError::OffRoad { waypoint: 1, .. })));
    assert!(matches!(TOWN.route_through(&[good], 4.0), Err(MapError::NoWay { .. })));
}

fn files(folder: &Path, out: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            files(&path, out);
        } else if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("routes_")) {
            out.push(path);
        }
    }
    out.sort();
}

/// CARLA's frame has its y axis to the right. Its own route planner looks at the positions only, and some files have yaws
/// across the lane.
fn waypoint(node: roxmltree::Node) -> Option<Waypoint> {
    let number = |name: &str| node.attribute(name)?.parse::<f64>().ok();
    Some(Waypoint { position: Vec2::new(number("x")?, -number("y")?), height: None, heading: None })
}

#[test]
fn carla_route_files_become_routes() {
    let root = std::env::var_os("AURIGA_DATA").map(PathBuf::from).unwrap_or_default();
    let mut found = Vec::new();
    files(&root.join("scenarios"), &mut found);
    if found.is_empty() {
        assert!(std::env::var("AURIGA_REQUIRE_DATA").as_deref() != Ok("1"), "{}", root.display());
        let _ = writeln!(std::io::stderr(), "skipped: no route files under {}", root.display());
        return;
    }
    let mut maps: BTreeMap<String, Map> = BTreeMap::new();
    let (mut routed, mut asked, mut kilometres) = (0, 0, 0.0);
    for file in &found {
        let text = std::fs::read_to_string(file).unwrap();
        let document = roxmltree::Document::parse(&text).unwrap();
        for route in document.descendants().filter(|node| node.has_tag_name("route")) {
            let town = route.attribute("town").unwrap_or_default();
            let path = root.join(format!("opendrive_carla_towns/v2020_with_signals/{town}.xodr"));
            if !path.exists() {
                continue;
            }
            let map = maps
                .entry(town.to_string())
                .or_insert_with(|| Map::from_opendrive(&std::fs::read_to_string(&path).unwrap()).unwrap());
            let is_point =
                |node: &roxmltree::Node| node.has_tag_name("waypoint") || node.has_tag_name("position");
            let waypoints: Vec<Waypoint> =
                route.descendants().filter(is_point).filter_map(waypoint).collect();
            if waypoints.len() < 2 {
                continue;
            }
            asked += 1;
            // The waypoints of the `_short` files are corners of boxes around junctions, far from any lane; CARLA takes the
            // nearest lane, wherever it is.
            let reach = if file.to_string_lossy().contains("_short") { 80.0 } else { 4.0 };
            match map.route_through(&waypoints, reach) {
                Ok(route) => {
                    check(map, &route);
                    routed += 1;
                    kilometres += route.length / 1000.0;
                }
                Err(error) => {
                    println!("{} route {}: {error}", file.display(), route.attribute("id").unwrap_or("?"));
                }
            }
        }
    }
    println!("{routed} of {asked} routes of {} files, {kilometres:.0} km", found.len());
    assert!(asked > 100 && routed as f64 >= 0.97 * asked as f64);
}
