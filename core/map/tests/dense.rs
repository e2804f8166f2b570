//! s and d on real towns against dense integration: the centre line as a chain of 2 mm chords.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "tests may")]

use auriga_geometry::math::sin_cos;
use auriga_geometry::{Vec2, segment_distance};
use auriga_map::{Lane, LaneKind, LanePosition, Map};
use std::io::Write as _;
use std::path::PathBuf;

/// A town's map; `None` where the data is not there and need not be.
fn town(name: &str) -> Option<Map> {
    let root = std::env::var_os("AURIGA_DATA").map(PathBuf::from).unwrap_or_default();
    let file = root.join("opendrive_carla_towns/v2020_with_signals").join(name);
    match std::fs::read_to_string(&file) {
        Ok(xml) => Some(Map::from_opendrive(&xml).unwrap()),
        Err(error) => {
            assert!(
                std::env::var("AURIGA_REQUIRE_DATA").as_deref() != Ok("1"),
                "{}: {error}",
                file.display()
            );
            let _ = writeln!(std::io::stderr(), "skipped: {} is not there", file.display());
            None
        }
    }
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as f64 / (1u64 << 31) as f64
    }
}

/// (metres driven to the nearest place, distance to it) by summing chords.
fn integrate(lane: &Lane, point: Vec2) -> (f64, f64, f64) {
    let steps = (lane.length / 0.002) as usize + 1;
    let (mut driven, mut best) = (0.0, (0.0, f64::INFINITY));
    let mut from = lane.centerline.at(0.0).position;
    for i in 1..=steps {
        let to = lane.centerline.at(lane.length * i as f64 / steps as f64).position;
        let chord = (to - from).norm();
        let (distance, ratio) = segment_distance(from, to, point);
        if distance < best.1 {
            best = (driven + ratio * chord, distance);
        }
        driven += chord;
        from = to;
    }
    (best.0, best.1, driven)
}

#[test]
fn s_and_d_are_those_of_dense_integration() {
    let Some(map) = town("Town04.xodr") else { return };
    let driving: Vec<&Lane> = map
        .lanes()
        .iter()
        .filter(|lane| lane.kind == LaneKind::Driving && lane.length > 1.0 && lane.length < 200.0)
        .collect();
    let mut random = Random(3);
    let (mut s_worst, mut d_worst, mut length_worst) = (0.0_f64, 0.0_f64, 0.0_f64);
    for _ in 0..200 {
        let lane = driving[(random.next() * driving.len() as f64) as usize];
        let at = lane.centerline.at(random.next() * lane.length);
        let (sin, cos) = sin_cos(at.heading);
        let point = at.position + Vec2::new(-sin, cos) * (4.0 * random.next() - 2.0);
        let (s, d) = lane.centerline.project(point);
        let (driven, distance, length) = integrate(lane, point);
        s_worst = s_worst.max((s - driven).abs());
        d_worst = d_worst.max((d.abs() - distance).abs());
        length_worst = length_worst.max((lane.length - length).abs());
    }
    println!(
        "200 points on Town04: s off by at most {s_worst:.5} m, d by {d_worst:.5} m, lengths by {length_worst:.5} m"
    );
    assert!(s_worst < 0.01 && d_worst < 0.01 && length_worst < 0.02);
}

#[test]
fn walks_end_where_they_should() {
    let Some(map) = town("Town04.xodr") else { return };
    let driving: Vec<&Lane> = map.lanes().iter().filter(|lane| lane.kind == LaneKind::Driving).collect();
    let mut random = Random(5);
    let (mut ahead, mut back) = (Vec::new(), Vec::new());
    for _ in 0..500 {
        let lane = driving[(random.next() * driving.len() as f64) as usize];
        let from = LanePosition { lane: lane.id, s: random.next() * lane.length, d: 0.5 };
        let distance = random.next() * 120.0;
        map.next(from, distance, &mut ahead);
        for &reached in &ahead {
            assert!(reached.s >= 0.0 && reached.s <= map.lane(reached.lane).length && reached.d == 0.5);
            map.previous(reached, distance, &mut back);
            let home = |at: &&LanePosition| at.lane == from.lane && (at.s - from.s).abs() < 1e-6;
            assert!(back.iter().any(|at| home(&at)), "{from:?} {distance} {reached:?} {back:?}");
        }
        if lane.successors.is_empty() && distance > lane.length {
            assert!(ahead.is_empty());
        }
    }
}

#[test]
fn road_places_and_lane_places_are_inverse() {
    let Some(map) = town("Town04.xodr") else { return };
    for lane in map.lanes().iter().filter(|lane| lane.length > 0.1) {
        for i in 1..20 {
            let s = lane.length * f64::from(i) / 20.0;
            assert!((lane.s_at_road_s(lane.road_s(s)) - s).abs() < 1e-6, "{:?} {s}", lane.key);
            let found = map.locate(&lane.key.road, lane.road_s(s), lane.key.lane).unwrap();
            assert!(found.lane == lane.id && (found.s - s).abs() < 1e-6, "{:?} {s}", lane.key);
        }
    }
}
