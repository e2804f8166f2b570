//! A broken file is an error that says where; never a panic.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use auriga_map::{Map, MapError};
use proptest::prelude::*;

const TOWN: &str = include_str!("../../../configs/maps/town.xodr");

/// A small whole map: lines, a spiral, a poly3, a junction, a signal, a crosswalk, a repeat.
const SMALL: &str = include_str!("data/small.xodr");

#[test]
fn the_small_map_is_whole() {
    let map = Map::from_opendrive(SMALL).unwrap();
    assert!(map.lanes().len() >= 6 && map.crosswalks().len() == 1 && map.signals().len() == 2);
}

#[test]
fn errors_say_where_and_what() {
    let cases = [
        ("", "map line 1:1: not well-formed XML"),
        ("<OpenDRIVE>", "not well-formed XML"),
        ("<html/>", "map line 1:1: <html>: the root element is not <OpenDRIVE>"),
        ("<OpenDRIVE/>", "there is no <road>"),
        ("<OpenDRIVE>\n<road id=\"1\"/></OpenDRIVE>", "map line 2:1: <road>: attribute `length` is missing"),
        ("<OpenDRIVE><road id=\"1\" length=\"NaN\"/></OpenDRIVE>", "attribute `length` is \"NaN\""),
        ("<OpenDRIVE><road id=\"1\" length=\"-3\"/></OpenDRIVE>", "`length` is -3"),
        ("<OpenDRIVE><road id=\"1\" length=\"3\"/></OpenDRIVE>", "there is no <lanes>"),
    ];
    for (xml, expected) in cases {
        let error = Map::from_opendrive(xml).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let broken = SMALL.replace(
        "<successor elementType=\"junction\" elementId=\"9\"/>",
        "<successor elementType=\"junction\" elementId=\"77\"/>",
    );
    let error = Map::from_opendrive(&broken).unwrap_err();
    assert!(matches!(&error, MapError::Invalid { problem, .. } if problem.contains("77")), "{error}");
}

#[test]
fn a_lane_that_leaves_the_world_is_named() {
    let broken = SMALL.replace("a=\"0\" b=\"0.1\" c=\"0\" d=\"0\"", "a=\"0\" b=\"0.1\" c=\"0\" d=\"1e7\"");
    let error = Map::from_opendrive(&broken).unwrap_err();
    assert!(matches!(&error, MapError::Layout { lane: -2, section: 1, .. }), "{error}");
    let steep = SMALL.replace("a=\"0\" b=\"0.1\" c=\"0\" d=\"0\"", "a=\"0\" b=\"0.1\" c=\"0\" d=\"20\"");
    assert!(Map::from_opendrive(&steep).is_ok());
}

#[test]
fn a_truncated_town_is_an_error() {
    for tenth in 0..10 {
        let end = TOWN.len() * tenth / 10;
        assert!(Map::from_opendrive(&TOWN[..end]).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn mutated_bytes_never_panic(edits in prop::collection::vec((0..SMALL.len(), any::<u8>()), 1..8)) {
        let mut bytes = SMALL.as_bytes().to_vec();
        for (at, byte) in edits {
            // Digits, signs and exponents make the more dangerous files: half of the edits are such.
            bytes[at] = if byte < 128 { b"0123456789-.e+"[byte as usize % 14] } else { byte & 0x7f };
        }
        let text = String::from_utf8(bytes).unwrap();
        if let Ok(map) = Map::from_opendrive(&text) {
            let mut lanes = Vec::new();
            map.lanes_within(auriga_geometry::Vec2::new(50.0, 0.0), 30.0, &mut lanes);
            if let Some(at) = map.nearest_lane(auriga_geometry::Vec2::new(50.0, 0.0), None) {
                let _ = map.route(at, auriga_map::LanePosition { lane: auriga_map::LaneId(0), s: 1.0, d: 0.0 });
            }
        }
    }

    #[test]
    fn mutated_digits_never_panic(edits in prop::collection::vec((0..SMALL.len(), 0..10u8), 1..20)) {
        let mut bytes = SMALL.as_bytes().to_vec();
        for (at, digit) in edits {
            if bytes[at].is_ascii_digit() || bytes[at] == b'.' {
                bytes[at] = b'0' + digit;
            }
        }
        let _ = Map::from_opendrive(&String::from_utf8(bytes).unwrap());
    }
}
