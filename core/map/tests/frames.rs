//! Frenet frames, lengths, curvatures, the index and routes, against closed forms and brute force.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use auriga_geometry::Vec2;
use auriga_geometry::math::{FRAC_PI_2, PI, angle_difference, sin_cos};
use auriga_map::{CenterPoint, Lane, LaneId, LaneKind, LanePosition, Map, MarkKind};
use proptest::prelude::*;
use std::sync::LazyLock;

static TOWN: LazyLock<Map> =
    LazyLock::new(|| Map::from_opendrive(include_str!("../../../configs/maps/town.xodr")).unwrap());

/// A road of one geometry with two lanes to the right (3 m and 2 m) and one to the left (4 m).
fn road(geometry: &str, length: f64, attributes: &str) -> Map {
    let lane = |number: i32, width: f64, mark: &str| {
        format!(
            "<lane id=\"{number}\" type=\"driving\"><width sOffset=\"0\" a=\"{width}\" b=\"0\" c=\"0\" d=\"0\"/>{mark}</lane>"
        )
    };
    Map::from_opendrive(&format!(
        "<OpenDRIVE><road id=\"r\" length=\"{length}\" junction=\"-1\" {attributes}>
           <planView><geometry s=\"0\" x=\"5\" y=\"-7\" hdg=\"0.4\" length=\"{length}\">{geometry}</geometry></planView>
           <lanes><laneSection s=\"0\"><left>{}</left><center><lane id=\"0\" type=\"none\"><roadMark sOffset=\"0\" type=\"solid\"/></lane></center>
           <right>{}{}</right></laneSection></lanes></road></OpenDRIVE>",
        lane(1, 4.0, ""),
        lane(-1, 3.0, "<roadMark sOffset=\"0\" type=\"solid broken\"/>"),
        lane(-2, 2.0, "<roadMark sOffset=\"0\" type=\"none\"/>"),
    ))
    .unwrap()
}

fn by_number(map: &Map, number: i32) -> &Lane {
    map.lanes().iter().find(|lane| lane.key.lane == number).unwrap()
}

fn off(lane: &Lane, s: f64, d: f64) -> Vec2 {
    let at = lane.centerline.at(s);
    let (sin, cos) = sin_cos(at.heading);
    at.position + Vec2::new(-sin, cos) * d
}

fn driving() -> Vec<&'static Lane> {
    TOWN.lanes().iter().filter(|lane| lane.kind == LaneKind::Driving).collect()
}

proptest! {
    #[test]
    fn a_frenet_round_trip_is_exact(pick in any::<prop::sample::Index>(), ratio in 0.0..=1.0f64, d in -3.0..3.0f64) {
        let lanes = driving();
        let lane = lanes[pick.index(lanes.len())];
        let s = ratio * lane.length;
        let (found_s, found_d) = lane.centerline.project(off(lane, s, d));
        prop_assert!((found_s - s).abs() < 1e-3 && (found_d - d).abs() < 1e-3, "{:?}: {s} {d} became {found_s} {found_d}", lane.key);
    }

    #[test]
    fn arcs_have_the_lengths_and_curvatures_of_circles(radius in 15.0..300.0f64, turn in 0.2..3.0f64, left in any::<bool>()) {
        let sign = if left { 1.0 } else { -1.0 };
        let length = radius * turn;
        let map = road(&format!("<arc curvature=\"{}\"/>", sign / radius), length, "");
        for (number, offset) in [(1, 2.0), (-1, -1.5), (-2, -4.0)] {
            let lane = by_number(&map, number);
            let lane_radius = radius - sign * offset;
            let driven_left = if number > 0 { -sign } else { sign };
            prop_assert!((lane.length - lane_radius * turn).abs() < 1e-6 * lane.length);
            for point in &lane.centerline.points {
                prop_assert!((point.curvature - driven_left / lane_radius).abs() < 1e-9);
            }
            for i in 0..50 {
                let at = lane.centerline.at(lane.length * f64::from(i) / 49.0);
                let expected = if number > 0 { 0.4 + sign * turn + PI + driven_left * at.s / lane_radius } else { 0.4 + driven_left * at.s / lane_radius };
                prop_assert!(angle_difference(at.heading, expected).abs() < 1e-6);
                let (sin, cos) = sin_cos(0.4);
                let center = Vec2::new(5.0, -7.0) + Vec2::new(-sin, cos) * (sign * radius);
                prop_assert!(((at.position - center).norm() - lane_radius).abs() < 1e-4);
            }
            for pair in lane.centerline.points.windows(2) {
                let chord = (pair[1].position - pair[0].position).norm();
                prop_assert!(chord <= 1.0 && chord * chord / (8.0 * lane_radius) <= 0.02);
            }
        }
    }

    #[test]
    fn a_spiral_turns_by_the_mean_curvature(start in -0.03..0.03f64, end in -0.03..0.03f64, length in 20.0..80.0f64) {
        let map = road(&format!("<spiral curvStart=\"{start}\" curvEnd=\"{end}\"/>"), length, "");
        let lane = by_number(&map, -1);
        let (first, last) = (lane.centerline.at(0.0), lane.centerline.at(lane.length));
        let turn = 0.5 * (start + end) * length;
        prop_assert!(angle_difference(last.heading - first.heading, turn).abs() < 1e-9);
        // An offset curve of a curve that turns by θ is longer by offset · θ (for the right side of a left turn).
        prop_assert!((lane.length - (length + 1.5 * turn)).abs() < 1e-6);
        prop_assert!((last.curvature - end / (1.0 + 1.5 * end)).abs() < 1e-9);
    }

    #[test]
    fn the_index_finds_what_brute_force_finds(x in -60.0..480.0f64, y in -60.0..320.0f64, radius in 0.0..60.0f64) {
        let point = Vec2::new(x, y);
        let found = TOWN.nearest_lane(point, None).unwrap();
        let distance = |lane: &Lane| (lane.centerline.at(lane.centerline.project(point).0).position - point).norm();
        let least = driving().into_iter().map(distance).fold(f64::INFINITY, f64::min);
        prop_assert!((distance(TOWN.lane(found.lane)) - least).abs() < 1e-6);
        let mut within = Vec::new();
        TOWN.lanes_within(point, radius, &mut within);
        prop_assert!(within.is_sorted());
        for lane in TOWN.lanes() {
            // Where a lane widens, its strip may come near beside a place that is not the nearest of its middle.
            let gap = |at: CenterPoint| (at.position - point).norm() - 0.5 * at.width - radius;
            let nearest = gap(lane.centerline.at(lane.centerline.project(point).0));
            let least = lane.centerline.points.iter().map(|at| gap(*at)).fold(nearest, f64::min);
            let found = within.contains(&lane.id);
            prop_assert!(if found { least < 0.5 } else { nearest > -1e-6 }, "{:?} {nearest} {least}", lane.key);
            prop_assert!(found || least > -0.5, "{:?} {least}", lane.key);
        }
    }

    #[test]
    fn a_route_hangs_together(from in any::<prop::sample::Index>(), to in any::<prop::sample::Index>(), a in 0.0..=1.0f64, b in 0.0..=1.0f64) {
        let lanes = driving();
        let (start, goal) = (lanes[from.index(lanes.len())], lanes[to.index(lanes.len())]);
        let ends = [(start, a), (goal, b)].map(|(lane, ratio)| LanePosition { lane: lane.id, s: ratio * lane.length, d: 0.0 });
        let route = TOWN.route(ends[0], ends[1]).expect("every lane of the town can be reached from every other");
        prop_assert_eq!(&route, &TOWN.route(ends[0], ends[1]).unwrap());
        let (first, last) = (route.segments[0], route.segments[route.segments.len() - 1]);
        prop_assert!(first.lane == start.id && (first.s_start - ends[0].s).abs() < 1e-9);
        prop_assert!(last.lane == goal.id && (last.s_end - ends[1].s).abs() < 1e-9 && !last.change_to_next);
        let mut length = 0.0;
        for pair in route.segments.windows(2) {
            let lane = TOWN.lane(pair[0].lane);
            if pair[0].change_to_next {
                let beside = [lane.left, lane.right].into_iter().flatten().find(|n| n.lane == pair[1].lane).unwrap();
                prop_assert!(beside.change_allowed);
            } else {
                prop_assert!(lane.successors.contains(&pair[1].lane) && pair[1].s_start == 0.0);
                prop_assert!((pair[0].s_end - lane.length).abs() < 1e-9);
                length += pair[0].s_end - pair[0].s_start;
            }
        }
        prop_assert!((length + last.s_end - last.s_start - route.length).abs() < 1e-6);
    }
}

#[test]
fn heading_tells_the_two_sides_of_a_road_apart() {
    let main = TOWN.lanes().iter().find(|lane| lane.key.road == "1" && lane.key.lane == -1).unwrap();
    let middle = off(main, 100.0, 1.6);
    assert_eq!(TOWN.nearest_lane(middle, Some(0.0)).unwrap().lane, main.id);
    assert_eq!(TOWN.lane(TOWN.nearest_lane(middle, Some(PI)).unwrap().lane).key.lane, 1);
    let d = TOWN.nearest_lane(middle, Some(0.1)).unwrap().d;
    assert!((d - 1.6).abs() < 1e-6);
    assert!(TOWN.nearest_lane(Vec2::new(f64::NAN, 0.0), None).is_none());
    assert!(TOWN.nearest_lane(Vec2::new(9e8, -9e8), None).is_some());
}

#[test]
fn marks_and_changes_are_seen_in_driving_direction() {
    let map = road("<line/>", 50.0, "");
    let (inner, outer) = (by_number(&map, -1), by_number(&map, -2));
    assert_eq!((inner.right_mark.kind, outer.left_mark.kind), (MarkKind::SolidBroken, MarkKind::SolidBroken));
    assert!(!inner.right.unwrap().change_allowed && outer.left.unwrap().change_allowed);
    let oncoming = by_number(&map, 1);
    assert_eq!(oncoming.left.unwrap().lane, inner.id);
    assert!(
        !oncoming.left.unwrap().same_direction
            && oncoming.left_mark.kind == MarkKind::Solid
            && oncoming.right.is_none()
    );
    let end = LanePosition { lane: inner.id, s: 40.0, d: 0.0 };
    let route = map.route(LanePosition { lane: outer.id, s: 10.0, d: 0.0 }, end).unwrap();
    assert_eq!(route.segments.len(), 2);
    assert!(route.segments[0].change_to_next && (route.length - 30.0).abs() < 1e-9);
    assert!((route.segments[0].s_start - 10.0).abs() < 1e-9 && (route.segments[0].s_end - 40.0).abs() < 1e-9);
    assert!(map.route(end, LanePosition { lane: outer.id, s: 45.0, d: 0.0 }).is_none());
    assert!(map.route(LanePosition { lane: LaneId(99), s: 0.0, d: 0.0 }, end).is_none());
}

#[test]
fn where_traffic_keeps_left_lanes_run_the_other_way() {
    let map = road("<line/>", 50.0, "rule=\"LHT\"");
    assert!((by_number(&map, 1).centerline.at(0.0).heading - 0.4).abs() < 1e-12);
    assert!(angle_difference(by_number(&map, -1).centerline.at(0.0).heading, 0.4 + PI).abs() < 1e-12);
    assert_eq!(by_number(&map, -1).left.unwrap().lane, by_number(&map, -2).id);
}

#[test]
fn a_cubic_in_parameters_meets_its_ends() {
    // A Hermite quarter turn of radius 20: it ends at (20, 20), heading left.
    let map = road(
        "<paramPoly3 pRange=\"normalized\" aU=\"0\" bU=\"33\" cU=\"-6\" dU=\"-7\" aV=\"0\" bV=\"0\" cV=\"27\" dV=\"-7\"/>",
        31.0,
        "",
    );
    let lane = by_number(&map, -1);
    let turn = angle_difference(lane.centerline.at(lane.length).heading, lane.centerline.at(0.0).heading);
    assert!((turn - FRAC_PI_2).abs() < 1e-9, "{turn}");
    let summed: f64 = lane.centerline.points.windows(2).map(|p| (p[1].position - p[0].position).norm()).sum();
    assert!((summed - lane.length).abs() < 0.01 * lane.length);
}
