//! Every CARLA town loads, and its lanes hang together.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use auriga_geometry::Vec2;
use auriga_geometry::math::angle_difference;
use auriga_map::{Lane, LaneKind, Map, SignalKind};
use std::io::Write as _;
use std::path::PathBuf;

/// The towns' files; `None` where the data is not there and need not be.
fn towns() -> Option<Vec<PathBuf>> {
    let root = std::env::var_os("AURIGA_DATA").map(PathBuf::from).unwrap_or_default();
    let folder = root.join("opendrive_carla_towns/v2020_with_signals");
    match std::fs::read_dir(&folder) {
        Ok(entries) => {
            let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
            files.sort();
            Some(files)
        }
        Err(error) => {
            assert!(
                std::env::var("AURIGA_REQUIRE_DATA").as_deref() != Ok("1"),
                "{}: {error}",
                folder.display()
            );
            let _ = writeln!(std::io::stderr(), "skipped: {} is not there", folder.display());
            None
        }
    }
}

#[test]
fn carla_towns_load_and_hang_together() {
    let Some(files) = towns() else { return };
    assert!(files.len() >= 4);
    for file in files {
        let map = Map::from_opendrive(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let driving: Vec<_> = map.lanes().iter().filter(|lane| lane.kind == LaneKind::Driving).collect();
        let kilometres = driving.iter().map(|lane| lane.length).sum::<f64>() / 1000.0;
        let ends = driving.iter().filter(|lane| lane.successors.is_empty()).count();
        let lights = map.signals().iter().filter(|signal| signal.kind == SignalKind::TrafficLight).count();
        let controlled = driving.iter().filter(|lane| !lane.controls.is_empty()).count();
        let conflicts: usize = driving.iter().map(|lane| lane.conflicts.len()).sum();
        let crossed = driving.iter().filter(|lane| !lane.crossings.is_empty()).count();
        let mut joints = 0;
        let (mut gap_max, mut turn_max) = (0.0_f64, 0.0_f64);
        for lane in &driving {
            let end = lane.centerline.at(lane.length);
            for next in lane
                .successors
                .iter()
                .map(|&next| map.lane(next))
                .filter(|next| next.kind == LaneKind::Driving)
            {
                let start = next.centerline.at(0.0);
                joints += 1;
                gap_max = gap_max.max((end.position - start.position).norm());
                turn_max = turn_max.max(angle_difference(end.heading, start.heading).abs());
            }
        }
        println!(
            "{}: {} lanes, {} driving ({kilometres:.1} km), {} junctions, {} signals ({lights} lights), {controlled} lanes \
             controlled, {conflicts} conflicts, {} crosswalks ({crossed} lanes), {} objects, {joints} joints (gap to {gap_max:.3} m, \
             turn to {turn_max:.3} rad), {ends} dead ends",
            file.file_name().unwrap().to_string_lossy(),
            map.lanes().len(),
            driving.len(),
            map.junctions().len(),
            map.signals().len(),
            map.crosswalks().len(),
            map.objects().len(),
        );
        check_against_carla(&file.file_stem().unwrap().to_string_lossy(), &map);
        assert!(lights > 0 && controlled > 0 && conflicts > 0 && joints > driving.len() / 2);
        // Driving lanes only: Town06 has a shoulder with a step of 3.5 m in its lane offset.
        for lane in &driving {
            for pair in lane.centerline.points.windows(2) {
                assert!((pair[1].position - pair[0].position).norm() <= 1.0 + 1e-6, "{:?}", lane.key);
            }
        }
    }
}

/// Lane centres, headings, widths and the links between roads as CARLA's own map library has them.
fn check_against_carla(town: &str, map: &Map) {
    let mut compared = 0;
    for line in include_str!("data/carla_waypoints.txt").lines().filter(|line| line.starts_with(town)) {
        let fields: Vec<&str> = line.split(' ').collect();
        let value = |i: usize| fields[i].parse::<f64>().unwrap();
        let is_it = |lane: &&Lane| {
            lane.key.road == fields[1]
                && lane.key.section == value(2) as usize
                && f64::from(lane.key.lane) == value(3)
        };
        let lane = map.lanes().iter().find(is_it).unwrap();
        let (s, d) = lane.centerline.project(Vec2::new(value(4), value(5)));
        let at = lane.centerline.at(s);
        assert!(d.abs() < 2e-3 && (at.position - Vec2::new(value(4), value(5))).norm() < 2e-3, "{line}: {d}");
        assert!(angle_difference(at.heading, value(6)).abs() < 1e-3, "{line}: {}", at.heading);
        assert!((at.width - value(7)).abs() < 2e-3, "{line}: {}", at.width);
        compared += 1;
    }
    // Counted from carla.Map.get_topology().
    let links_in_carla = match town {
        "Town01" => 160,
        "Town04" => 550,
        "Town06" => 446,
        _ => return,
    };
    let driving = map.lanes().iter().filter(|lane| lane.kind == LaneKind::Driving);
    let links: usize = driving
        .map(|lane| lane.successors.iter().filter(|next| map.lane(**next).key.road != lane.key.road).count())
        .sum();
    println!("{town}: {compared} lane centres and {links} links between roads agree with CARLA");
    assert_eq!(links, links_in_carla);
    assert!(compared > 20);
}
