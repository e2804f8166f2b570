//! From the file as written to the map: lays out lanes, links them, finds what governs them.

pub(crate) mod conflicts;
pub(crate) mod controls;
pub(crate) mod crossings;
mod furniture;
pub(crate) mod links;
mod neighbors;
mod rules;
mod strips;
mod topology;

use crate::grid::Grid;
use crate::opendrive::{OpenDrive, Road};
use crate::{CenterPoint, Centerline, Junction, JunctionId, Lane, LaneId, LaneKey, Map, MapError, RoadMark};
use auriga_geometry::Vec2;
use std::collections::BTreeMap;
use std::ops::Range;

/// Lanes by (road, section, lane number).
type LaneIndex = BTreeMap<(usize, usize, i32), LaneId>;

/// Farthest that a lane may lie from the origin, metres.
const REACH_MAX: f64 = 1e8;
/// Longest lane, metres.
const LANE_LENGTH_MAX: f64 = 1e6;
/// Most samples of all centre lines together: 1 GiB.
const SAMPLES_MAX: usize = 16_000_000;

/// Builds the map, or says which lane has no reasonable shape.
pub(crate) fn build(file: &OpenDrive) -> Result<Map, MapError> {
    let (mut lanes, index) = lay_out_lanes(file)?;
    let mut faults = file.faults.clone();
    topology::link(file, &index, &mut lanes, &mut faults);
    links::mend(&mut lanes, &mut faults);
    neighbors::link(file, &index, &mut lanes);
    let junctions = list_junctions(file, &lanes);
    let signals = furniture::signals(file);
    let (objects, crosswalks) = furniture::objects(file, &lanes);
    crossings::find(&crosswalks, &mut lanes);
    controls::find(file, &index, &signals, &mut lanes);
    let keeps_left = |lane: &Lane| {
        file.road(&lane.key.road).is_some_and(|(_, road): (usize, &Road)| road.left_hand_traffic)
    };
    let priorities: Vec<_> = file.junctions.iter().map(|junction| junction.priorities.clone()).collect();
    conflicts::find(&junctions, &priorities, &keeps_left, &signals, &mut lanes);
    let bounds = bounds(&lanes, objects.iter().map(|object| object.pose.position()));
    let grid = Grid::new(&lanes, bounds);
    let geo_reference = file.geo_reference.clone();
    let roads = lanes_by_road(&lanes);
    let controllers = furniture::controllers(file, &signals);
    let skipped = file.skipped.clone();
    Ok(Map {
        lanes,
        signals,
        crosswalks,
        objects,
        junctions,
        geo_reference,
        bounds,
        grid,
        roads,
        controllers,
        faults,
        skipped,
    })
}

/// Where the lanes of each road are among all lanes.
pub(crate) type LanesByRoad = BTreeMap<String, Range<usize>>;

pub(crate) fn lanes_by_road(lanes: &[Lane]) -> LanesByRoad {
    let mut roads = LanesByRoad::new();
    for (i, lane) in lanes.iter().enumerate() {
        match roads.get_mut(&lane.key.road) {
            Some(range) => range.end = i + 1,
            None => {
                roads.insert(lane.key.road.clone(), i..i + 1);
            }
        }
    }
    roads
}

fn lay_out_lanes(file: &OpenDrive) -> Result<(Vec<Lane>, LaneIndex), MapError> {
    let mut lanes = Vec::new();
    let mut samples = 0;
    let mut index = LaneIndex::new();
    for (r, road) in file.roads.iter().enumerate() {
        let junction = road.junction.as_ref().and_then(|id| file.junctions.iter().position(|j| j.id == *id));
        let junction = junction.map(|j| JunctionId(j as u32));
        for (n, section) in road.sections.iter().enumerate() {
            let mut strips = strips::lay_out(road, section);
            strips.sort_by_key(|strip| strip.number);
            for strip in strips {
                samples += strip.centerline.points.len();
                if let Some(problem) = shape_problem(&strip.centerline, samples) {
                    return Err(MapError::Layout {
                        road: road.id.clone(),
                        section: n,
                        lane: strip.number,
                        problem,
                    });
                }
                let id = LaneId(lanes.len() as u32);
                index.insert((r, n, strip.number), id);
                let written = &section.lanes[&strip.number];
                lanes.push(Lane {
                    id,
                    key: LaneKey { road: road.id.clone(), section: n, lane: strip.number },
                    kind: written.kind,
                    length: strip.centerline.length(),
                    speed_limit: 0.0,
                    speed_changes: Vec::new(),
                    category: written.category.clone(),
                    access: Vec::new(),
                    centerline: strip.centerline,
                    stations: strip.stations,
                    successors: Vec::new(),
                    predecessors: Vec::new(),
                    left: None,
                    right: None,
                    left_mark: RoadMark::default(),
                    right_mark: RoadMark::default(),
                    junction,
                    conflicts: Vec::new(),
                    controls: Vec::new(),
                    crossings: Vec::new(),
                });
                rules::apply(road, section, written, &mut lanes[id.index()]);
            }
        }
    }
    Ok((lanes, index))
}

/// What no lane of a real map has; `samples` counts those of all lanes so far.
fn shape_problem(line: &Centerline, samples: usize) -> Option<&'static str> {
    let within =
        |p: &CenterPoint| p.position.amax() <= REACH_MAX && p.width <= REACH_MAX && p.z.abs() <= REACH_MAX;
    if !line.points.iter().all(within) {
        return Some("leaves the map (100000 km)");
    }
    if line.length() > LANE_LENGTH_MAX {
        return Some("is longer than 1000 km");
    }
    (samples > SAMPLES_MAX).then_some("is one more than fits: the map is too large or too winding")
}

fn list_junctions(file: &OpenDrive, lanes: &[Lane]) -> Vec<Junction> {
    let junction = |(j, written): (usize, &crate::opendrive::WrittenJunction)| {
        let id = JunctionId(j as u32);
        let within: Vec<LaneId> =
            lanes.iter().filter(|lane| lane.junction == Some(id)).map(|lane| lane.id).collect();
        let mut incoming: Vec<LaneId> = within
            .iter()
            .flat_map(|lane| &lanes[lane.index()].predecessors)
            .copied()
            .filter(|lane| {
                lanes[lane.index()].junction != Some(id)
                    && lanes[lane.index()].kind == crate::LaneKind::Driving
            })
            .collect();
        incoming.sort();
        incoming.dedup();
        let place = |id: &String| file.controllers.iter().position(|c| c.id == *id).map(|c| c as u32);
        let controllers = written.controllers.iter().filter_map(place).collect();
        Junction { id, name: written.id.clone(), lanes: within, incoming, controllers }
    };
    file.junctions.iter().enumerate().map(junction).collect()
}

/// The box around all lanes and some other points.
pub(crate) fn bounds(lanes: &[Lane], others: impl Iterator<Item = Vec2>) -> (Vec2, Vec2) {
    let mut low = Vec2::new(f64::INFINITY, f64::INFINITY);
    let mut high = -low;
    let mut include = |point: Vec2, margin: f64| {
        low = low.inf(&(point - Vec2::new(margin, margin)));
        high = high.sup(&(point + Vec2::new(margin, margin)));
    };
    for point in lanes.iter().flat_map(|lane| &lane.centerline.points) {
        include(point.position, 0.5 * point.width);
    }
    others.for_each(|point| include(point, 0.0));
    if low.x <= high.x { (low, high) } else { (Vec2::zeros(), Vec2::zeros()) }
}

/// The lanes that lead into the junction of `lane` and on to it, each with the lane of the junction that it leads into (which
/// is `lane` itself unless its road has several sections).
fn approaches(lane: LaneId, lanes: &[Lane]) -> Vec<(LaneId, LaneId)> {
    let junction = lanes[lane.index()].junction;
    let (mut found, mut entries) = (Vec::new(), vec![lane]);
    let mut next = 0;
    while let Some(&entry) = entries.get(next) {
        next += 1;
        for &before in &lanes[entry.index()].predecessors {
            if lanes[before.index()].junction != junction {
                found.push((before, entry));
            } else if !entries.contains(&before) {
                entries.push(before);
            }
        }
    }
    found.sort();
    found
}
