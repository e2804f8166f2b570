//! Lanelet2 maps become the same lane graph.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "tests may")]

use auriga_geometry::Vec2;
use auriga_geometry::math::angle_difference;
use auriga_map::{FaultKind, Lane, LaneKind, LanePosition, Map, Projection, Projector, SignalKind};
use proptest::prelude::*;
use std::io::Write as _;
use std::path::{Path, PathBuf};

fn files(folder: &Path, out: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            files(&path, out);
        } else if path.extension().is_some_and(|extension| extension == "osm") {
            out.push(path);
        }
    }
    out.sort();
}

/// The folder of maps; `None` where the data is not there and need not be.
fn folder() -> Option<PathBuf> {
    let root = std::env::var_os("AURIGA_DATA").map(PathBuf::from).unwrap_or_default().join("lanelet2");
    if root.is_dir() {
        return Some(root);
    }
    assert!(std::env::var("AURIGA_REQUIRE_DATA").as_deref() != Ok("1"), "{}", root.display());
    let _ = writeln!(std::io::stderr(), "skipped: {} is not there", root.display());
    None
}

fn load(file: &Path) -> Map {
    Map::from_text(&std::fs::read_to_string(file).unwrap())
        .unwrap_or_else(|e| panic!("{}: {e}", file.display()))
}

fn driving(map: &Map) -> impl Iterator<Item = &Lane> {
    map.lanes().iter().filter(|lane| lane.kind == LaneKind::Driving)
}

#[test]
fn every_lanelet2_file_loads_and_hangs_together() {
    let Some(root) = folder() else { return };
    let mut found = Vec::new();
    files(&root, &mut found);
    assert!(found.len() >= 21);
    for file in found {
        let map = load(&file);
        let (mut joints, mut gap_max, mut turn_max, mut yields) = (0, 0.0_f64, 0.0_f64, 0);
        for lane in driving(&map) {
            yields += lane.conflicts.iter().filter(|conflict| conflict.yields).count();
            let end = lane.centerline.at(lane.length);
            for next in &lane.successors {
                let start = map.lane(*next).centerline.at(0.0);
                joints += 1;
                gap_max = gap_max.max((start.position - end.position).norm());
                turn_max = turn_max.max(angle_difference(start.heading, end.heading).abs());
                assert!(map.lane(*next).predecessors.contains(&lane.id));
            }
            for pair in lane.centerline.points.windows(2) {
                assert!((pair[1].position - pair[0].position).norm() <= 1.0);
            }
        }
        let lights = map.signals().iter().filter(|signal| signal.kind == SignalKind::TrafficLight).count();
        println!(
            "{}: {} lanes, {} driving, {joints} joints (gap to {gap_max:.3} m, turn to {turn_max:.2} rad), {} junctions, {} signals \
             ({lights} lights), {} lanes controlled, {yields} gives way, {} crosswalks, {} faults, unread {:?}",
            file.strip_prefix(&root).unwrap().display(),
            map.lanes().len(),
            driving(&map).count(),
            map.junctions().len(),
            map.signals().len(),
            driving(&map).filter(|lane| !lane.controls.is_empty()).count(),
            map.crosswalks().len(),
            map.faults().len(),
            map.skipped_elements(),
        );
        map.faults().iter().take(3).for_each(|fault| println!("  {fault}"));
        // Borders that share their end nodes have middles that meet.
        assert!(gap_max < 0.05 || map.faults().iter().any(|fault| fault.kind == FaultKind::LaneGap));
    }
}

#[test]
fn latitude_and_longitude_lead_where_local_coordinates_do() {
    let Some(root) = folder() else { return };
    let folder = root.join("scenario_simulator_v2/map/kashiwanoha_map/map");
    let earth = load(&folder.join("lanelet2_map.osm"));
    let local = load(&folder.join("road_shoulder_added/lanelet2_map.osm"));
    let mut compared = 0;
    for lane in driving(&earth) {
        let Some(other) = local.lanes().iter().find(|other| other.key == lane.key) else { continue };
        if (other.length - lane.length).abs() < 0.02 {
            compared += 1;
            let apart = other.centerline.points[0].position - lane.centerline.points[0].position;
            assert!(apart.norm() < 0.02, "{:?}: {apart}", lane.key);
        }
    }
    assert!(compared > 60, "{compared}");
    // One keeps left there.
    let origin = earth.geo_reference().unwrap();
    assert!((origin.projection().unwrap().unproject(Vec2::zeros()).0 - origin.latitude).abs() < 1e-12);
    let xml = std::fs::read_to_string(folder.join("lanelet2_map.osm")).unwrap();
    let centre = Projection::local(35.9_f64.to_radians(), 139.93_f64.to_radians());
    let near = Map::from_lanelet2(&xml, Projector::Geographic(centre)).unwrap();
    assert!(near.bounds().0.norm() < 2000.0 && near.lanes().len() == earth.lanes().len());
}

#[test]
fn one_finds_routes_through_kashiwanoha() {
    let Some(root) = folder() else { return };
    let map = load(&root.join("scenario_simulator_v2/map/kashiwanoha_map/map/lanelet2_map.osm"));
    let (mut found, mut asked, mut longest) = (0, 0, 0.0_f64);
    for from in driving(&map) {
        for to in driving(&map) {
            let place = |lane: &Lane| LanePosition { lane: lane.id, s: 0.5 * lane.length, d: 0.0 };
            asked += 1;
            if let Some(route) = map.route(place(from), place(to)) {
                found += 1;
                longest = longest.max(route.length);
            }
        }
    }
    println!("{found} of {asked} routes, up to {longest:.0} m");
    assert!(found * 2 > asked);
}

/// A road with two lanelets side by side, a third one after them, an oncoming one, a light and a crosswalk.
const SMALL: &str = include_str!("data/small.osm");

#[test]
fn a_small_map_is_read_as_it_is_written() {
    let map = Map::from_text(SMALL).unwrap();
    let lane = |id: &str| map.lanes().iter().find(|lane| lane.key.road == id).unwrap();
    let (right, left, on, oncoming) = (lane("101"), lane("102"), lane("103"), lane("104"));
    assert!(
        (right.length - 50.0).abs() < 1e-9
            && (right.centerline.at(20.0).position - Vec2::new(20.0, 1.5)).norm() < 1e-6
    );
    assert!((right.centerline.at(20.0).width - 3.0).abs() < 1e-9);
    // Its right border is written against the lane.
    assert!(
        right.centerline.at(0.0).heading.abs() < 1e-9
            && (oncoming.centerline.at(0.0).heading.abs() - core::f64::consts::PI).abs() < 0.01
    );
    assert_eq!(right.left.map(|n| (n.lane, n.change_allowed, n.same_direction)), Some((left.id, true, true)));
    assert_eq!(left.right.map(|n| (n.lane, n.change_allowed)), Some((right.id, true)));
    assert_eq!(
        left.left.map(|n| (n.lane, n.change_allowed, n.same_direction)),
        Some((oncoming.id, false, false))
    );
    assert_eq!(right.successors, vec![on.id]);
    assert!((right.speed_limit - 30.0 / 3.6).abs() < 1e-9 && (on.speed_limit - 50.0 / 3.6).abs() < 1e-9);
    let control = &right.controls[0];
    assert!(
        (control.stop_s - 45.0).abs() < 1e-6 && map.signal(control.signal).kind == SignalKind::TrafficLight
    );
    let light = map.signal(control.signal);
    // It faces those who approach.
    assert!(
        angle_difference(light.yaw, std::f64::consts::PI).abs() < 1e-6
            && (light.position.z - 5.25).abs() < 1e-9
    );
    assert_eq!((map.crosswalks().len(), on.crossings.len()), (1, 1));
    assert!(
        map.faults().iter().any(|fault| fault.kind == FaultKind::DanglingReference && fault.line.is_some())
    );
    assert_eq!(map.skipped_elements().get("way wall"), Some(&1));
}

#[test]
fn errors_say_where_and_what() {
    for (xml, expected) in [
        ("<osm", "not well-formed XML"),
        ("<osm><node id='1'/></osm>", "map line 1:6: <node>: it has no usable coordinates"),
        ("<osm>\n<node id='1' lat='x' lon='2'/></osm>", "map line 2:1: <node>: `lat` or `lon` is no angle"),
        ("<osm><node lat='1' lon='2'/></osm>", "attribute `id` is missing"),
    ] {
        let error = Map::from_text(xml).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn mutated_bytes_never_panic(edits in prop::collection::vec((0..SMALL.len(), any::<u8>()), 1..8)) {
        let mut bytes = SMALL.as_bytes().to_vec();
        for (at, byte) in edits {
            bytes[at] = if byte < 128 { b"0123456789-.e+"[byte as usize % 14] } else { byte & 0x7f };
        }
        if let Ok(map) = Map::from_lanelet2(&String::from_utf8(bytes).unwrap(), Projector::Automatic) {
            let _ = map.nearest_lane(Vec2::new(50.0, 0.0), None);
        }
    }
}
