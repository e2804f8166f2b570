//! Maps of the esmini project load: left-hand traffic, spirals, parametric cubics, tunnels, roundabouts.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use auriga_map::{LaneKind, Map};
use std::io::Write as _;
use std::path::PathBuf;

#[test]
fn esmini_maps_load() {
    let root = std::env::var_os("AURIGA_DATA").map(PathBuf::from).unwrap_or_default();
    let folder = root.join("scenarios/esmini/resources/xodr");
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) => {
            assert!(
                std::env::var("AURIGA_REQUIRE_DATA").as_deref() != Ok("1"),
                "{}: {error}",
                folder.display()
            );
            let _ = writeln!(std::io::stderr(), "skipped: {} is not there", folder.display());
            return;
        }
    };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "xodr"));
    files.sort();
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let map = Map::from_opendrive(&std::fs::read_to_string(&file).unwrap())
            .unwrap_or_else(|e| panic!("{name}: {e}"));
        let driving: Vec<_> = map.lanes().iter().filter(|lane| lane.kind == LaneKind::Driving).collect();
        let (mut joints, mut gap_max) = (0, 0.0_f64);
        for lane in &driving {
            for next in &lane.successors {
                let gap = (lane.centerline.at(lane.length).position
                    - map.lane(*next).centerline.at(0.0).position)
                    .norm();
                (joints, gap_max) = (joints + 1, gap_max.max(gap));
            }
        }
        println!(
            "{name}: {} lanes, {} driving, {} junctions, {} signals, {} crosswalks, {} objects, {joints} joints (gap to {gap_max:.3} m)",
            map.lanes().len(),
            driving.len(),
            map.junctions().len(),
            map.signals().len(),
            map.crosswalks().len(),
            map.objects().len()
        );
        assert!(!driving.is_empty(), "{name}");
    }
}
