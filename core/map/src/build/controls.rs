//! Which signals govern which lanes, and where to stop for them.

use super::furniture::road_pose;
use super::{LaneIndex, approaches};
use crate::opendrive::{OpenDrive, Orientation, Road, Validity, WrittenObject};
use crate::{Control, Lane, LaneId, LaneKind, Signal, SignalId, SignalKind};
use auriga_geometry::Vec2;
use std::collections::BTreeMap;

/// How far before a signal a stop line or crosswalk still belongs to it, metres.
const STOP_LINE_REACH: f64 = 15.0;
/// Room left before a crosswalk without a stop line: 1 m, as RMS (Germany's marking guideline) places the line.
const CROSSWALK_MARGIN: f64 = 1.0;

pub(super) fn find(file: &OpenDrive, index: &LaneIndex, signals: &[Signal], lanes: &mut [Lane]) {
    let mut by_name: BTreeMap<&str, SignalId> = BTreeMap::new();
    for signal in signals {
        let governs =
            matches!(signal.kind, SignalKind::TrafficLight | SignalKind::StopSign | SignalKind::YieldSign);
        if governs {
            by_name.entry(&signal.name).or_insert(signal.id);
        }
    }
    for (r, road) in file.roads.iter().enumerate() {
        for validity in &road.furniture.validities {
            let Some(&signal) = by_name.get(validity.signal.as_str()) else { continue };
            for lane in governed(road, r, validity, index, lanes) {
                if lanes[lane.index()].junction.is_some() {
                    control_movement(signal, lane, lanes);
                } else {
                    let at = road_pose(road, validity.s, 0.0).position();
                    let stop_s = lanes[lane.index()].centerline.project(at).0;
                    lanes[lane.index()].controls.push(Control { signal, stop_s, movements: Vec::new() });
                }
            }
        }
    }
    let stop_lines = stop_lines(file);
    for lane in lanes {
        settle(lane, &stop_lines);
    }
}

/// The driving lanes that a signal applies to. Explicit lane numbers count; the orientation only where there are none, or
/// where they name both sides.
fn governed(road: &Road, r: usize, validity: &Validity, index: &LaneIndex, lanes: &[Lane]) -> Vec<LaneId> {
    let n = road.section_at(validity.s.clamp(0.0, road.length - 1e-3));
    let both_sides =
        validity.lanes.is_empty() || validity.lanes.iter().any(|&(low, high)| low < 0 && high > 0);
    let applies = |number: i32| {
        let named = validity.lanes.is_empty()
            || validity.lanes.iter().any(|&(low, high)| low <= number && number <= high);
        let meant = match validity.orientation {
            Orientation::Both => true,
            Orientation::Forward => road.runs_forward(number),
            Orientation::Backward => !road.runs_forward(number),
        };
        named && (meant || !both_sides)
    };
    index
        .range((r, n, i32::MIN)..=(r, n, i32::MAX))
        .filter(|((_, _, number), id)| applies(*number) && lanes[id.index()].kind == LaneKind::Driving)
        .map(|(_, &id)| id)
        .collect()
}

/// A signal written inside a junction governs one movement: it belongs to the lanes that lead into it.
fn control_movement(signal: SignalId, movement: LaneId, lanes: &mut [Lane]) {
    for (incoming, entry) in approaches(movement, lanes) {
        let stop_s = lanes[incoming.index()].length;
        lanes[incoming.index()].controls.push(Control { signal, stop_s, movements: vec![entry] });
    }
}

/// Merges controls of one signal, moves them to their stop lines and sorts them.
pub(crate) fn settle(lane: &mut Lane, stop_lines: &[Vec2]) {
    let mut merged: BTreeMap<SignalId, Control> = BTreeMap::new();
    for control in lane.controls.drain(..) {
        match merged.get_mut(&control.signal) {
            None => {
                merged.insert(control.signal, control);
            }
            Some(known) => {
                known.stop_s = known.stop_s.min(control.stop_s);
                if known.movements.is_empty() || control.movements.is_empty() {
                    known.movements.clear();
                } else {
                    known.movements.extend(control.movements);
                }
            }
        }
    }
    let mut controls: Vec<Control> = merged.into_values().collect();
    for control in &mut controls {
        control.movements.sort();
        control.movements.dedup();
        if control.movements == lane.successors {
            control.movements.clear();
        }
        control.stop_s = stop_before(lane, control.stop_s, stop_lines);
    }
    controls.sort_by(|a, b| a.stop_s.total_cmp(&b.stop_s).then(a.signal.cmp(&b.signal)));
    lane.controls = controls;
}

/// A stop line on the lane shortly before `s` counts; else a crosswalk there is kept free; else it is `s` itself.
fn stop_before(lane: &Lane, s: f64, stop_lines: &[Vec2]) -> f64 {
    let reach = s - STOP_LINE_REACH..=s + 2.0;
    let line = stop_lines
        .iter()
        .filter(|line| (lane.centerline.nearest_point(**line).position - **line).norm() < 5.0)
        .map(|line| (lane.centerline.project(*line), lane.width_half()))
        .filter(|((at, d), half)| d.abs() < *half && reach.contains(at))
        .map(|((at, _), _)| at)
        .fold(None, |nearest: Option<f64>, at| {
            Some(nearest.map_or(at, |n| if (n - s).abs() < (at - s).abs() { n } else { at }))
        });
    if let Some(line) = line {
        return line;
    }
    let crossing =
        lane.crossings.iter().map(|c| c.s_start - CROSSWALK_MARGIN).find(|at| reach.contains(at) && *at < s);
    crossing.unwrap_or(s).max(0.0)
}

/// The middles of all stop lines.
fn stop_lines(file: &OpenDrive) -> Vec<Vec2> {
    let is_stop_line = |object: &WrittenObject| {
        [&object.name, &object.kind, &object.subtype].iter().any(|text| {
            let letters: String = text.chars().filter(char::is_ascii_alphabetic).collect();
            letters.to_ascii_lowercase().contains("stopline")
        })
    };
    let on_road = |road: &Road| {
        let lines: Vec<Vec2> = road
            .furniture
            .objects
            .iter()
            .filter(|object| is_stop_line(object))
            .map(|object| road_pose(road, object.s, object.t).position())
            .collect();
        lines
    };
    file.roads.iter().flat_map(on_road).collect()
}

impl Lane {
    fn width_half(&self) -> f64 {
        0.5 * self.centerline.points[0]
            .width
            .max(self.centerline.points[self.centerline.points.len() - 1].width)
    }
}
