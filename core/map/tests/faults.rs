//! Recoverable faults are listed with their size and mended; elements that nobody reads are counted.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "tests may")]

use auriga_map::{Fault, FaultKind, Map};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Two roads end to end; the second begins `gap` metres further on and says whether it follows the first.
fn roads(gap: f64, linked: &str, geometry: &str) -> Map {
    let road = |id: u32, link: &str, geometry: &str| {
        format!(
            "<road id=\"{id}\" length=\"20\" junction=\"-1\">{link}<planView>{geometry}</planView><lanes><laneSection s=\"0\">
             <center><lane id=\"0\" type=\"none\"/></center><right><lane id=\"-1\" type=\"driving\">
             <link><predecessor id=\"-1\"/><successor id=\"-1\"/></link>
             <width sOffset=\"0\" a=\"3\" b=\"0\" c=\"0\" d=\"0\"/><access sOffset=\"5\" rule=\"deny\"><restriction type=\"bus\"/></access>
             <speed sOffset=\"0\" max=\"50\" unit=\"km/h\"/><speed sOffset=\"8\" max=\"30\" unit=\"km/h\"/></lane></right></laneSection></lanes></road>"
        )
    };
    let line = |x: f64| {
        format!(
            "<geometry s=\"0\" x=\"{x}\" y=\"0\" hdg=\"0\" length=\"20\"><line/></geometry><userData><a/><a/></userData>"
        )
    };
    let first = road(1, linked, &(if geometry.is_empty() { line(0.0) } else { geometry.to_string() }));
    Map::from_opendrive(&format!("<OpenDRIVE>{first}{}</OpenDRIVE>", road(2, "", &line(20.0 + gap)))).unwrap()
}

fn of(map: &Map, kind: FaultKind) -> Vec<&Fault> {
    map.faults().iter().filter(|fault| fault.kind == kind).collect()
}

#[test]
fn lanes_that_meet_without_a_link_are_linked() {
    let map = roads(0.01, "", "");
    let missing = of(&map, FaultKind::MissingLink);
    assert!(
        missing.len() == 1 && missing[0].mended && (missing[0].size - 0.01).abs() < 1e-9,
        "{:?}",
        map.faults()
    );
    assert_eq!(map.lanes()[0].successors, vec![map.lanes()[1].id]);
    assert!(roads(0.5, "", "").lanes()[0].successors.is_empty());
    assert_eq!(map.skipped_elements().get("userData"), Some(&2));
    assert_eq!(map.skipped_elements().get("a"), None);
}

#[test]
fn a_link_that_one_side_states_holds() {
    let link = "<link><successor elementType=\"road\" elementId=\"2\" contactPoint=\"start\"/></link>";
    let map = roads(0.3, link, "");
    assert_eq!(map.lanes()[0].successors, vec![map.lanes()[1].id]);
    assert_eq!(of(&map, FaultKind::OneSidedLink).len(), 1);
    let gap = of(&map, FaultKind::LaneGap);
    assert!(gap.len() == 1 && !gap[0].mended && (gap[0].size - 0.3).abs() < 1e-9);
}

#[test]
fn gaps_kinks_and_overlaps_of_a_reference_line_have_sizes() {
    let broken = "<geometry s=\"0\" x=\"0\" y=\"0\" hdg=\"0\" length=\"10.2\"><line/></geometry>
                  <geometry s=\"10\" x=\"10\" y=\"0.07\" hdg=\"0.05\" length=\"9.5\"><line/></geometry>";
    let map = roads(0.0, "", broken);
    let size = |kind| of(&map, kind)[0].size;
    assert!((size(FaultKind::Gap) - 0.07).abs() < 1e-9);
    assert!((size(FaultKind::Kink) - 0.05).abs() < 1e-9);
    assert!((size(FaultKind::Overlap) - 0.2).abs() < 1e-9);
    assert!((size(FaultKind::Length) - 0.5).abs() < 1e-9);
    assert_eq!(of(&map, FaultKind::Gap)[0].line, Some(1));
}

#[test]
fn limits_and_access_change_along_a_lane() {
    let map = roads(0.0, "", "");
    let lane = &map.lanes()[0];
    assert!(
        (lane.speed_limit_at(7.9) - 50.0 / 3.6).abs() < 1e-9
            && (lane.speed_limit_at(8.1) - 30.0 / 3.6).abs() < 1e-9
    );
    let access = &lane.access[0];
    assert!(!access.allowed && access.users == ["bus"] && (access.s_start, access.s_end) == (5.0, 20.0));
}

fn files(folder: &Path, extension: &str, out: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            files(&path, extension, out);
        } else if path.extension().is_some_and(|found| found == extension) {
            out.push(path);
        }
    }
}

#[test]
fn every_opendrive_file_loads() {
    let root = std::env::var_os("AURIGA_DATA").map(PathBuf::from).unwrap_or_default();
    let mut found = Vec::new();
    files(&root, "xodr", &mut found);
    if found.is_empty() {
        assert!(std::env::var("AURIGA_REQUIRE_DATA").as_deref() != Ok("1"), "{}", root.display());
        let _ = writeln!(std::io::stderr(), "skipped: no .xodr under {}", root.display());
        return;
    }
    found.sort();
    for file in &found {
        let map = Map::from_opendrive(&std::fs::read_to_string(file).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        println!("{}: {} faults, skipped {:?}", file.display(), map.faults().len(), map.skipped_elements());
        map.faults().iter().take(4).for_each(|fault| println!("  {fault}"));
    }
    println!("{} files", found.len());
    assert!(found.len() >= 36);
}
