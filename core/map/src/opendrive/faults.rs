//! Recoverable faults of the file as written, and the elements that nobody reads.

use super::road::Road;
use super::xml::children;
use crate::{Fault, FaultKind};
use roxmltree::Node;
use std::collections::BTreeMap;

/// What is a fault and not rounding, metres and radians.
const GAP: f64 = 0.01;
const KINK: f64 = 0.01;
/// Negative widths up to this are the rounding of a lane that ends, metres.
const WIDTH: f64 = 1e-3;

/// The elements that the reader looks at, sorted.
#[rustfmt::skip]
const READ: [&str; 55] = [
    "OpenDRIVE", "access", "arc", "border", "center", "connection", "control", "controller",
    "cornerLocal", "cornerRoad", "crosswalk", "dependency", "elevation", "elevationProfile",
    "geoReference", "geometry", "header", "height", "junction", "lane", "laneLink", "laneOffset",
    "laneSection", "lanes", "lateralProfile", "left", "line", "link", "object", "objects", "outline",
    "outlines", "paramPoly3", "physicalPosition", "planView", "poly3", "positionInertial",
    "predecessor", "priority", "repeat", "restriction", "right", "road", "roadMark", "signal",
    "signalReference", "signals", "speed", "spiral", "successor", "superelevation", "type", "validity",
    "vectorScene", "width",
];

/// All faults of the roads, in the order of the file.
pub(super) fn find(root: Node, roads: &[Road]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (node, road) in children(root, "road").zip(roads) {
        let before = faults.len();
        in_reference_line(road, &mut faults);
        in_widths(road, &mut faults);
        if faults.len() > before {
            let line = node.document().text_pos_at(node.range().start).row;
            faults[before..].iter_mut().for_each(|fault| fault.line = Some(line));
        }
    }
    faults
}

fn fault(kind: FaultKind, place: String, size: f64) -> Fault {
    Fault { kind, place, line: None, size, mended: true }
}

fn in_reference_line(road: &Road, faults: &mut Vec<Fault>) {
    for joint in road.line.joints() {
        let place = || format!("road \"{}\", s {:.2}", road.id, joint.s);
        if joint.overlap > GAP {
            faults.push(fault(FaultKind::Overlap, place(), joint.overlap));
        }
        if joint.gap > GAP {
            faults.push(fault(FaultKind::Gap, place(), joint.gap));
        }
        if joint.turn > KINK {
            faults.push(fault(FaultKind::Kink, place(), joint.turn));
        }
    }
    let off = (road.line.end() - road.length).abs();
    if off > GAP {
        faults.push(fault(FaultKind::Length, format!("road \"{}\"", road.id), off));
    }
}

fn in_widths(road: &Road, faults: &mut Vec<Fault>) {
    for (n, section) in road.sections.iter().enumerate() {
        for lane in section.lanes.values() {
            let least = lane.width.least(section.start, section.end);
            if least < -WIDTH {
                let place = format!("road \"{}\", lane section {n}, lane {}", road.id, lane.number);
                faults.push(fault(FaultKind::NegativeWidth, place, -least));
            }
        }
    }
}

/// Counts elements that are skipped, by name; what is inside a skipped element is not counted again.
pub(super) fn skipped(root: Node) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    let mut waiting = vec![root];
    while let Some(node) = waiting.pop() {
        for child in node.children().filter(Node::is_element) {
            let name = child.tag_name().name();
            if READ.binary_search(&name).is_ok() {
                waiting.push(child);
            } else if let Some(count) = counts.get_mut(name) {
                *count += 1;
            } else {
                counts.insert(name.to_string(), 1);
            }
        }
    }
    counts
}
