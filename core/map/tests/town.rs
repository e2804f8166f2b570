//! The town in `configs/maps` is what its README says.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use auriga_geometry::math::{angle_difference, sin_cos};
use auriga_geometry::{OrientedBox, Vec2};
use auriga_map::{Lane, LaneId, LaneKind, LanePosition, Map, ObjectKind, Route, SignalKind};

fn town() -> Map {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../configs/maps/town.xodr");
    Map::from_opendrive(&std::fs::read_to_string(file).unwrap()).unwrap()
}

fn driving(map: &Map) -> impl Iterator<Item = &Lane> {
    map.lanes().iter().filter(|lane| lane.kind == LaneKind::Driving)
}

fn lane(map: &Map, road: &str, number: i32) -> LaneId {
    map.lanes().iter().find(|lane| lane.key.road == road && lane.key.lane == number).unwrap().id
}

#[test]
fn lanes_have_no_dead_ends_and_meet_exactly() {
    let map = town();
    let (mut joints, mut gap_max, mut turn_max) = (0, 0.0_f64, 0.0_f64);
    for lane in driving(&map) {
        assert!(!lane.successors.is_empty() && !lane.predecessors.is_empty(), "{:?}", lane.key);
        for next in lane.successors.iter().map(|&next| map.lane(next)) {
            assert_eq!(next.kind, LaneKind::Driving);
            assert!(next.predecessors.contains(&lane.id));
            let (end, start) = (lane.centerline.at(lane.length), next.centerline.at(0.0));
            gap_max = gap_max.max((end.position - start.position).norm());
            turn_max = turn_max.max(angle_difference(end.heading, start.heading).abs());
            joints += 1;
        }
        for point in &lane.centerline.points {
            assert!((point.width - 3.5).abs() < 1e-6 && point.z == 0.0);
        }
    }
    println!("{joints} joints, gap to {gap_max:.2e} m, turn to {turn_max:.2e} rad");
    assert!(gap_max < 0.01 && turn_max < 0.5_f64.to_radians());
}

#[test]
fn the_town_has_what_a_town_needs() {
    let map = town();
    let (low, high) = map.bounds();
    let kilometres = driving(&map).map(|lane| lane.length).sum::<f64>() / 1000.0;
    println!(
        "{} lanes ({kilometres:.2} km driving), {} junctions, {} signals, {} crosswalks, {} objects, from ({:.0}, {:.0}) to ({:.0}, {:.0})",
        map.lanes().len(),
        map.junctions().len(),
        map.signals().len(),
        map.crosswalks().len(),
        map.objects().len(),
        low.x,
        low.y,
        high.x,
        high.y,
    );
    assert_eq!(map.junctions().len(), 6);
    let count = |kind: SignalKind| map.signals().iter().filter(|signal| signal.kind == kind).count();
    assert_eq!(count(SignalKind::TrafficLight), 8);
    assert_eq!(count(SignalKind::StopSign), 2);
    assert_eq!(count(SignalKind::YieldSign), 2);
    assert_eq!(count(SignalKind::SpeedLimit(30.0 / 3.6)), 2);
    assert_eq!(map.crosswalks().len(), 10);
    let origin = map.geo_reference().unwrap();
    assert!(
        (origin.latitude.to_degrees() - 49.0).abs() < 1e-9
            && (origin.longitude.to_degrees() - 8.4).abs() < 1e-9
    );
    for kind in
        [ObjectKind::Building, ObjectKind::Tree, ObjectKind::Pole, ObjectKind::Parking, ObjectKind::Barrier]
    {
        assert!(map.objects().iter().any(|object| object.kind == kind), "{kind:?}");
    }
    let main = map.lane(lane(&map, "1", -1));
    assert!(main.length >= 200.0);
    let right = main.right.unwrap();
    assert!(right.change_allowed && right.same_direction && right.lane == lane(&map, "1", -2));
    assert_eq!(map.lane(right.lane).left.unwrap().lane, main.id);
    let oncoming = main.left.unwrap();
    assert!(!oncoming.change_allowed && !oncoming.same_direction && oncoming.lane == lane(&map, "1", 1));
    assert!((main.speed_limit - 50.0 / 3.6).abs() < 1e-9);
    let crescent = map.lane(lane(&map, "10", -1));
    assert!((crescent.speed_limit - 30.0 / 3.6).abs() < 1e-9);
    assert_eq!(map.lane(crescent.right.unwrap().lane).kind, LaneKind::Parking);
    let tightest = driving(&map)
        .filter(|lane| lane.junction.is_none() && lane.key.road != "10")
        .flat_map(|lane| &lane.centerline.points)
        .fold(0.0_f64, |k, p| k.max(p.curvature.abs()));
    assert!((1.0 / tightest) > 20.0 && (1.0 / tightest) < 30.0, "{}", 1.0 / tightest);
}

#[test]
fn lights_stand_beyond_the_junction_and_face_their_lane() {
    let map = town();
    let mut controlled = 0;
    for lane in driving(&map) {
        for control in &lane.controls {
            let signal = map.signal(control.signal);
            assert!(control.movements.is_empty());
            let stop = lane.centerline.at(control.stop_s);
            let before_end = lane.length - control.stop_s;
            if signal.kind != SignalKind::TrafficLight {
                assert!((before_end - 2.0).abs() < 0.1);
                continue;
            }
            controlled += 1;
            assert!((before_end - 5.0).abs() < 0.1 && signal.controller.is_some());
            assert!(signal.position.z > 3.0 && signal.position.z < 5.0);
            assert!(angle_difference(signal.yaw, stop.heading + core::f64::consts::PI).abs() < 0.01);
            for distance in [0.0, 20.0, 40.0] {
                let eye = lane.centerline.at(control.stop_s - distance);
                let to = Vec2::new(signal.position.x, signal.position.y) - eye.position;
                let (sin, cos) = sin_cos(eye.heading);
                let (ahead, aside) = (to.x * cos + to.y * sin, to.y * cos - to.x * sin);
                // Seen by a camera of 60 degrees, and with nothing solid in between.
                assert!(ahead > 25.0 && aside.abs() < ahead * 0.5, "{} {ahead} {aside}", signal.name);
                for object in map.objects().iter().filter(|o| o.kind == ObjectKind::Building) {
                    let house = OrientedBox::new(object.pose, object.length, object.width);
                    assert!(
                        (0..=100).all(|i| !house.contains(eye.position + to * (f64::from(i) / 100.0))),
                        "{}",
                        signal.name
                    );
                }
            }
        }
    }
    // Three arms of one lane and one of two, at two junctions.
    assert_eq!(controlled, 10);
    let groups: std::collections::BTreeSet<_> =
        map.signals().iter().filter_map(|signal| signal.controller).collect();
    assert_eq!(groups.len(), 4);
}

#[test]
fn nothing_solid_stands_on_a_lane() {
    let map = town();
    for object in map.objects().iter().filter(|o| !matches!(o.kind, ObjectKind::Parking | ObjectKind::Other))
    {
        let r = object.radius.max(0.01);
        let size = if object.radius > 0.0 { (2.0 * r, 2.0 * r) } else { (object.length, object.width) };
        let solid = OrientedBox::new(object.pose, size.0, size.1);
        let keep = if object.kind == ObjectKind::Building { 2.5 } else { 0.0 };
        for lane in driving(&map) {
            for point in &lane.centerline.points {
                let distance = solid.distance_to_point(point.position);
                assert!(
                    distance > 0.5 * point.width + keep + 0.2,
                    "{} {:?} {:?}",
                    object.name,
                    object.pose,
                    lane.key
                );
            }
        }
        if object.kind == ObjectKind::Building {
            assert!(object.height >= 5.0 && object.height <= 20.0);
        }
    }
}

#[test]
fn conflicts_are_mutual_and_rights_of_way_consistent() {
    let map = town();
    let mut pairs = 0;
    for lane in driving(&map) {
        for conflict in &lane.conflicts {
            let other = map.lane(conflict.lane);
            let back = other.conflicts.iter().find(|c| c.lane == lane.id).unwrap();
            assert!(!(conflict.yields && back.yields), "{:?} {:?}", lane.key, other.key);
            assert!(conflict.s_start < conflict.s_end && conflict.s_end <= lane.length);
            assert_eq!(lane.junction, other.junction);
            pairs += 1;
        }
    }
    println!("{} conflicts", pairs / 2);
    // At the give-way sign from Mill Street, every way out gives way to the priority road.
    let mill = map.lane(lane(&map, "5", -1));
    for way in mill.successors.iter().map(|&way| map.lane(way)) {
        assert!(
            !way.conflicts.is_empty() && way.conflicts.iter().all(|conflict| conflict.yields),
            "{:?}",
            way.key
        );
    }
    // A left turn from Main Street gives way to oncoming traffic, and to nobody who has red meanwhile.
    let main = map.lane(lane(&map, "1", -1));
    let left = main.successors.iter().map(|&way| map.lane(way)).find(|way| {
        angle_difference(way.centerline.at(way.length).heading, way.centerline.at(0.0).heading) > 1.0
    });
    let left = left.unwrap();
    let oncoming: Vec<_> = left.conflicts.iter().filter(|c| c.yields).map(|c| map.lane(c.lane)).collect();
    assert!(!oncoming.is_empty());
    for way in oncoming {
        let opposite =
            angle_difference(way.centerline.at(0.0).heading, left.centerline.at(0.0).heading).abs();
        assert!(opposite > 2.5, "{:?}", way.key);
    }
}

/// Routes from stop to stop, as one.
fn tour(map: &Map, stops: &[(&str, i32, f64)]) -> Route {
    let stops: Vec<LanePosition> = stops
        .iter()
        .map(|&(road, number, s)| LanePosition { lane: lane(map, road, number), s, d: 0.0 })
        .collect();
    let legs: Vec<Route> = stops.windows(2).map(|leg| map.route(leg[0], leg[1]).unwrap()).collect();
    let length = legs.iter().map(|leg| leg.length).sum();
    Route { segments: legs.into_iter().flat_map(|leg| leg.segments).collect(), length }
}

/// Prints a tour and counts what it passes: lights, signs, crossings, junctions, metres of two lanes.
fn survey(map: &Map, tour: &Route) -> (usize, usize, usize, usize, f64) {
    let mut driven = 0.0;
    let mut passed = (0, 0, 0, 0, 0.0);
    for segment in &tour.segments {
        let lane = map.lane(segment.lane);
        let (from, to) =
            (lane.centerline.at(segment.s_start).position, lane.centerline.at(segment.s_end).position);
        let on = |s: f64| segment.s_start <= s && s < segment.s_end;
        let kinds: Vec<_> =
            lane.controls.iter().filter(|c| on(c.stop_s)).map(|c| map.signal(c.signal).kind).collect();
        let crossed = lane.crossings.iter().filter(|c| on(c.s_start)).count();
        passed.0 += kinds.iter().filter(|kind| **kind == SignalKind::TrafficLight).count();
        passed.1 += kinds.iter().filter(|kind| **kind != SignalKind::TrafficLight).count();
        passed.2 += crossed;
        passed.3 += usize::from(lane.junction.is_some());
        if lane.right.is_some_and(|right| right.change_allowed) {
            passed.4 += segment.s_end - segment.s_start;
        }
        println!(
            "{driven:7.1} m: lane {} road {} {:+}, s {:.1} to {:.1}, ({:.1}, {:.1}) to ({:.1}, {:.1}), {kinds:?}, {crossed} crossings",
            lane.id.0,
            lane.key.road,
            lane.key.lane,
            segment.s_start,
            segment.s_end,
            from.x,
            from.y,
            to.x,
            to.y
        );
        driven += segment.s_end - segment.s_start;
    }
    println!(
        "tour of {:.1} m passes (lights, signs, crossings, junctions, metres of two lanes) {passed:?}",
        tour.length
    );
    passed
}

#[test]
fn the_long_tour_keeps_to_the_priority_roads() {
    let map = town();
    let tour = tour(&map, &[("2", 1, 75.0), ("3", -1, 100.0), ("4", 1, 100.0), ("9", -1, 90.0)]);
    let (lights, signs, crossings, junctions, two_lane) = survey(&map, &tour);
    assert!(tour.length > 1000.0 && tour.length < 1500.0);
    assert!(lights == 3 && signs == 0 && crossings == 8 && junctions == 7 && two_lane > 200.0);
}

#[test]
fn the_short_tour_stops_at_a_sign() {
    let map = town();
    let tour = tour(&map, &[("2", 1, 75.0), ("6", -1, 50.0), ("4", 1, 100.0), ("9", -1, 90.0)]);
    let (lights, signs, crossings, junctions, two_lane) = survey(&map, &tour);
    assert!(tour.length > 1000.0 && tour.length < 1500.0);
    assert!(lights == 3 && signs == 1 && crossings == 8 && junctions == 7 && two_lane > 200.0);
}

#[test]
fn the_crosswalk_axis_runs_from_kerb_to_kerb() {
    let map = town();
    for crosswalk in map.crosswalks() {
        let (a, b) = crosswalk.axis;
        let middle = map.nearest_lane((a + b) * 0.5, None).unwrap();
        let at = map.lane(middle.lane).centerline.at(middle.s);
        let (sin, cos) = sin_cos(at.heading);
        let along = (b - a) / (b - a).norm();
        assert!((along.x * cos + along.y * sin).abs() < 0.1);
        assert!(((b - a).norm() - 7.0).abs() < 0.01 || ((b - a).norm() - 14.0).abs() < 0.01);
        let crossed = driving(&map).filter(|lane| lane.crossings.iter().any(|c| c.crosswalk == crosswalk.id));
        assert_eq!(crossed.count(), if (b - a).norm() > 10.0 { 4 } else { 2 });
    }
}
