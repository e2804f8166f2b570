//! Every CARLA town loads, and its lanes hang together.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use auriga_map::{LaneKind, Map, SignalKind};
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
            println!("skipped: {} is not there", folder.display());
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
                turn_max =
                    turn_max.max(auriga_geometry::math::angle_difference(end.heading, start.heading).abs());
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
        assert!(lights > 0 && controlled > 0 && conflicts > 0 && joints > driving.len() / 2);
        // Driving lanes only: Town06 has a shoulder with a step of 3.5 m in its lane offset.
        for lane in &driving {
            for pair in lane.centerline.points.windows(2) {
                assert!((pair[1].position - pair[0].position).norm() <= 1.0 + 1e-6, "{:?}", lane.key);
            }
        }
    }
}
