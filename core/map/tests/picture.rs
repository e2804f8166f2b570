//! The picture of a map is well-formed and shows every lane.

#![allow(clippy::unwrap_used, reason = "tests may")]

use auriga_map::{LaneKind, Map};

#[test]
fn the_picture_shows_every_lane() {
    let map = Map::from_opendrive(include_str!("../../../configs/maps/town.xodr")).unwrap();
    let picture = map.svg();
    let document = roxmltree::Document::parse(&picture).unwrap();
    let of_class =
        |class: &str| document.descendants().filter(|n| n.attribute("class") == Some(class)).count();
    let driving = map.lanes().iter().filter(|lane| lane.kind == LaneKind::Driving).count();
    assert_eq!(of_class("driving") + of_class("junction"), driving);
    assert_eq!(of_class("crosswalk"), map.crosswalks().len());
    assert_eq!(of_class("light") + of_class("sign"), map.signals().len());
    assert!(picture.len() < 2_000_000 && !picture.contains("NaN"));
}
