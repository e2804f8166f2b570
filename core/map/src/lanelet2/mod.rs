//! Lanelet2 maps (`.osm`): lanelets become lanes of the same graph as OpenDRIVE's.
//!
//! Each lanelet is a lane of its own; [`LaneKey::road`](crate::LaneKey) is its id, and `lane` is −1 in the lanelet's
//! direction, 1 against it where both are allowed. Format: Poggenhans et al., "Lanelet2: A high-definition map framework for
//! the future of automated driving", ITSC 2018, and the format's pages in the Lanelet2 repository; Autoware's additions
//! (`local_x`, `local_y`, `turn_direction`, road shoulders) from its own documentation.

mod links;
mod osm;
mod rules;
mod strip;

use crate::build::{LanesByRoad, bounds, conflicts, crossings, lanes_by_road, links as forgotten_links};
use crate::grid::Grid;
use crate::{
    Access, Centerline, Fault, FaultKind, GeoReference, Junction, JunctionId, Lane, LaneId, LaneKey,
    LaneKind, Map, MapError, Projection, RoadMark,
};
use osm::{Osm, Relation};
use std::collections::BTreeMap;

/// How a Lanelet2 map's nodes become points of the plane.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Projector {
    /// `local_x` and `local_y` where every node has them; else MGRS.
    #[default]
    Automatic,
    /// UTM within its 100 km square, as Autoware's `local_x` and `local_y` are.
    Mgrs,
    /// Latitude and longitude through a projection.
    Geographic(Projection),
}

/// A lanelet's borders as written, in the order in which it is driven.
pub(crate) struct Lanelet<'a> {
    relation: &'a Relation,
    left: strip::Border<'a>,
    right: strip::Border<'a>,
    /// Whether it is driven both ways.
    both_ways: bool,
    kind: LaneKind,
}

/// One lane of a lanelet: (index of the lanelet, whether it is driven in the lanelet's direction).
pub(crate) type Source = (usize, bool);

/// Reads the text of a Lanelet2 file.
pub(crate) fn read(xml: &str, projector: Projector) -> Result<Map, MapError> {
    let osm = Osm::read(xml, projector)?;
    let mut faults = Vec::new();
    let mut lanelets = Vec::new();
    for relation in osm.relations.values().filter(|relation| relation.is("type", "lanelet")) {
        match lanelet(&osm, relation, &mut faults) {
            Some(lanelet) => lanelets.push(lanelet),
            None => faults.push(Fault {
                kind: FaultKind::DanglingReference,
                place: format!("lanelet {}: it has no two borders and is left out", relation.id),
                line: Some(relation.line),
                size: 0.0,
                mended: true,
            }),
        }
    }
    let (mut lanes, sources) = lay_out(&lanelets);
    let left_hand_traffic = links::link(&lanelets, &sources, &mut lanes);
    forgotten_links::mend(&mut lanes, &mut faults);
    let junctions = links::junctions(&mut lanes);
    let crosswalks = rules::crosswalks(&lanes);
    crossings::find(&crosswalks, &mut lanes);
    let (signals, controllers) = rules::signals(&osm);
    rules::controls(&osm, &lanelets, &sources, &signals, &mut lanes);
    let priorities = rules::priorities(&osm, &junctions, &lanes);
    conflicts::find(&junctions, &priorities, &|_| left_hand_traffic, &signals, &mut lanes);
    let bounds = bounds(&lanes, std::iter::empty());
    let grid = Grid::new(&lanes, bounds);
    let roads: LanesByRoad = lanes_by_road(&lanes);
    Ok(Map {
        lanes,
        signals,
        crosswalks,
        junctions,
        geo_reference: geo_reference(&osm),
        bounds,
        grid,
        roads,
        controllers,
        faults,
        skipped: osm.unread(),
        ..Map::default()
    })
}

/// Where the plane's origin lies on earth.
fn geo_reference(osm: &Osm) -> Option<GeoReference> {
    let projection = osm.projection?;
    let (latitude, longitude) = projection.unproject(auriga_geometry::Vec2::zeros());
    let text = format!(
        "+proj=tmerc +lat_0={} +lon_0={} +k={} +x_0={} +y_0={} +datum=WGS84 +units=m",
        projection.latitude.to_degrees(),
        projection.longitude.to_degrees(),
        projection.scale,
        projection.offset.x,
        projection.offset.y
    );
    Some(GeoReference { latitude, longitude, text })
}

fn lanelet<'a>(osm: &'a Osm, relation: &'a Relation, faults: &mut Vec<Fault>) -> Option<Lanelet<'a>> {
    let mut left = strip::Border::new(osm, relation, "left", faults)?;
    let mut right = strip::Border::new(osm, relation, "right", faults)?;
    strip::align(&mut left, &mut right);
    let kind = kind(relation);
    let walked = matches!(kind, LaneKind::Sidewalk);
    let both_ways = match relation.tag("one_way") {
        Some(text) => text == "no" && !walked,
        None => false,
    };
    Some(Lanelet { relation, left, right, both_ways, kind })
}

/// What a lanelet is for, from its subtype and its participants.
fn kind(relation: &Relation) -> LaneKind {
    let may = |who: &str| relation.is(who, "yes");
    match relation.tag("subtype").unwrap_or_default() {
        "road" | "highway" | "play_street" | "exit" | "bus_lane" => {
            if may("participant:pedestrian") && !may("participant:vehicle") && !may("participant:vehicle:car")
            {
                LaneKind::Sidewalk
            } else {
                LaneKind::Driving
            }
        }
        "crosswalk" | "walkway" | "shared_walkway" | "stairs" => LaneKind::Sidewalk,
        "bicycle_lane" => LaneKind::Biking,
        "road_shoulder" | "emergency_lane" | "pedestrian_lane" => LaneKind::Shoulder,
        "parking" => LaneKind::Parking,
        _ => LaneKind::Other,
    }
}

fn lay_out(lanelets: &[Lanelet]) -> (Vec<Lane>, Vec<Source>) {
    let (mut lanes, mut sources) = (Vec::new(), Vec::new());
    for (i, lanelet) in lanelets.iter().enumerate() {
        let Some(line) = strip::centerline(&lanelet.left.points, &lanelet.right.points) else { continue };
        if lanelet.both_ways
            && let Some(back) = strip::reversed(&line)
        {
            lanes.push(lane(LaneId(lanes.len() as u32), lanelet, line.clone(), true));
            sources.push((i, true));
            lanes.push(lane(LaneId(lanes.len() as u32), lanelet, back, false));
            sources.push((i, false));
        } else {
            lanes.push(lane(LaneId(lanes.len() as u32), lanelet, line, true));
            sources.push((i, true));
        }
    }
    (lanes, sources)
}

fn lane(id: LaneId, lanelet: &Lanelet, centerline: Centerline, forward: bool) -> Lane {
    let length = centerline.length();
    let stations = centerline.points.iter().map(|p| if forward { p.s } else { length - p.s }).collect();
    let relation = lanelet.relation;
    let users = relation
        .tags
        .iter()
        .filter_map(|(key, value)| Some((key.strip_prefix("participant:")?.to_string(), value == "yes")));
    let access =
        users.map(|(user, allowed)| Access { s_start: 0.0, s_end: length, allowed, users: vec![user] });
    Lane {
        id,
        key: LaneKey { road: relation.id.clone(), section: 0, lane: if forward { -1 } else { 1 } },
        kind: lanelet.kind,
        length,
        speed_limit: rules::speed_limit(relation),
        speed_changes: Vec::new(),
        category: relation.tag("subtype").unwrap_or_default().to_string(),
        access: access.collect(),
        centerline,
        stations,
        successors: Vec::new(),
        predecessors: Vec::new(),
        left: None,
        right: None,
        left_mark: RoadMark::default(),
        right_mark: RoadMark::default(),
        junction: None,
        conflicts: Vec::new(),
        controls: Vec::new(),
        crossings: Vec::new(),
    }
}

/// Junctions from groups of lanes; numbers them.
pub(crate) fn list_junctions(groups: &BTreeMap<usize, Vec<LaneId>>, lanes: &mut [Lane]) -> Vec<Junction> {
    let mut junctions = Vec::new();
    for within in groups.values() {
        let id = JunctionId(junctions.len() as u32);
        for lane in within {
            lanes[lane.index()].junction = Some(id);
        }
        junctions.push(Junction {
            id,
            name: lanes[within[0].index()].key.road.clone(),
            lanes: within.clone(),
            incoming: Vec::new(),
            controllers: Vec::new(),
        });
    }
    for junction in &mut junctions {
        let before = junction.lanes.iter().flat_map(|lane| &lanes[lane.index()].predecessors).copied();
        junction.incoming = before.filter(|lane| lanes[lane.index()].junction != Some(junction.id)).collect();
        junction.incoming.sort();
        junction.incoming.dedup();
    }
    junctions
}
