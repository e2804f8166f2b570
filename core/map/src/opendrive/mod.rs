//! The OpenDRIVE file as written (ASAM OpenDRIVE 1.4 to 1.8): checked value by value, not yet interpreted.

mod faults;
mod furniture;
mod profile;
mod reference_line;
mod road;
pub(crate) mod xml;

pub(crate) use furniture::{Corner, Orientation, Validity, WrittenObject, WrittenSignal};
pub(crate) use profile::Value;
pub(crate) use road::{End, LaneChange, Road, RoadLink, Section, WrittenLane, WrittenMark, to_mps};

use crate::{Fault, GeoReference, MapError};
use roxmltree::{Document, Node};
use std::collections::BTreeMap;
use xml::{child, children, integer, invalid, not_xml, text};

/// A `<connection>` of a junction.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    pub incoming: String,
    pub connecting: String,
    /// The end of the connecting road that meets the incoming road.
    pub contact: End,
    /// (lane of the incoming road, lane of the connecting road).
    pub lane_links: Vec<(i32, i32)>,
}

/// A `<junction>`.
#[derive(Clone, Debug)]
pub(crate) struct WrittenJunction {
    pub id: String,
    pub connections: Vec<Connection>,
    /// (road with the right of way, road that gives way).
    pub priorities: Vec<(String, String)>,
    /// The ids of its controllers.
    pub controllers: Vec<String>,
}

/// A `<controller>`: signals that switch together.
#[derive(Clone, Debug)]
pub(crate) struct WrittenController {
    pub id: String,
    pub signals: Vec<String>,
}

/// A whole file.
#[derive(Clone, Debug)]
pub(crate) struct OpenDrive {
    pub geo_reference: Option<GeoReference>,
    pub roads: Vec<Road>,
    /// Roads by id.
    pub road_index: BTreeMap<String, usize>,
    pub junctions: Vec<WrittenJunction>,
    pub controllers: Vec<WrittenController>,
    pub faults: Vec<Fault>,
    /// How many elements of each name were not read.
    pub skipped: BTreeMap<String, usize>,
    /// Whether RoadRunner wrote it, which gives signals a heading that does not depend on their orientation.
    pub from_roadrunner: bool,
}

impl OpenDrive {
    pub(crate) fn read(xml: &str) -> Result<Self, MapError> {
        let document = Document::parse(xml).map_err(|error| not_xml(&error))?;
        let root = document.root_element();
        if !root.has_tag_name("OpenDRIVE") {
            return Err(invalid(
                root,
                "the root element is not <OpenDRIVE>",
                "give an OpenDRIVE (.xodr) file",
            ));
        }
        let mut roads = Vec::new();
        let mut road_index = BTreeMap::new();
        for node in children(root, "road") {
            let road = Road::read(node)?;
            if road_index.insert(road.id.clone(), roads.len()).is_some() {
                return Err(invalid(
                    node,
                    format!("there are two roads \"{}\"", road.id),
                    "give each road its own id",
                ));
            }
            roads.push(road);
        }
        if roads.is_empty() {
            return Err(invalid(root, "there is no <road>", "give a map with at least one road"));
        }
        let junctions = children(root, "junction").map(read_junction).collect::<Result<Vec<_>, _>>()?;
        let faults = faults::find(root, &roads);
        let file = Self {
            faults,
            skipped: faults::skipped(root),
            geo_reference: read_geo_reference(root),
            roads,
            road_index,
            junctions,
            controllers: read_controllers(root)?,
            from_roadrunner: root
                .descendants()
                .take(50)
                .any(|n| n.has_tag_name("vectorScene") && n.attribute("program") == Some("RoadRunner")),
        };
        file.check_references(root)?;
        Ok(file)
    }

    /// A road by its id.
    pub(crate) fn road(&self, id: &str) -> Option<(usize, &Road)> {
        self.road_index.get(id).map(|&index| (index, &self.roads[index]))
    }

    /// Refuses links to roads and junctions that are not there.
    fn check_references(&self, root: Node) -> Result<(), MapError> {
        let junctions: BTreeMap<&str, ()> = self.junctions.iter().map(|j| (j.id.as_str(), ())).collect();
        let remedy = "add it, or take the link out";
        for (node, road) in children(root, "road").zip(&self.roads) {
            for link in [&road.predecessor, &road.successor].into_iter().flatten() {
                match link {
                    RoadLink::Road { id, .. } if !self.road_index.contains_key(id) => {
                        return Err(invalid(
                            node,
                            format!("it links to road \"{id}\", which is not there"),
                            remedy,
                        ));
                    }
                    RoadLink::Junction { id } if !junctions.contains_key(id.as_str()) => {
                        return Err(invalid(
                            node,
                            format!("it links to junction \"{id}\", which is not there"),
                            remedy,
                        ));
                    }
                    _ => {}
                }
            }
        }
        for (node, junction) in children(root, "junction").zip(&self.junctions) {
            for connection in &junction.connections {
                for id in [&connection.incoming, &connection.connecting] {
                    if !self.road_index.contains_key(id) {
                        return Err(invalid(
                            node,
                            format!("a connection names road \"{id}\", which is not there"),
                            remedy,
                        ));
                    }
                }
            }
        }
        Ok(())
    }
}

fn read_junction(node: Node) -> Result<WrittenJunction, MapError> {
    let mut connections = Vec::new();
    for connection in children(node, "connection") {
        // Virtual junctions have connections without an incoming road.
        let Some(incoming) = connection.attribute("incomingRoad") else { continue };
        let Some(connecting) = connection.attribute("connectingRoad").or(connection.attribute("linkedRoad"))
        else {
            return Err(invalid(
                connection,
                "attribute `connectingRoad` is missing",
                "name the road through the junction",
            ));
        };
        let mut lane_links = Vec::new();
        for link in children(connection, "laneLink") {
            lane_links.push((integer(link, "from")?, integer(link, "to")?));
        }
        connections.push(Connection {
            incoming: incoming.to_string(),
            connecting: connecting.to_string(),
            contact: End::read(connection)?,
            lane_links,
        });
    }
    let mut priorities = Vec::new();
    for priority in children(node, "priority") {
        if let (Some(high), Some(low)) = (priority.attribute("high"), priority.attribute("low")) {
            priorities.push((high.to_string(), low.to_string()));
        }
    }
    let controllers =
        children(node, "controller").filter_map(|c| c.attribute("id")).map(str::to_string).collect();
    Ok(WrittenJunction { id: text(node, "id")?.to_string(), connections, priorities, controllers })
}

fn read_controllers(root: Node) -> Result<Vec<WrittenController>, MapError> {
    let controller = |node: Node| {
        let signals = children(node, "control").map(|c| Ok(text(c, "signalId")?.to_string()));
        let id = node.attribute("id").unwrap_or_default().to_string();
        Ok(WrittenController { id, signals: signals.collect::<Result<_, MapError>>()? })
    };
    children(root, "controller").map(controller).collect()
}

/// The origin's latitude and longitude from the PROJ text (`+lat_0=`, `+lon_0=`, degrees).
fn read_geo_reference(root: Node) -> Option<GeoReference> {
    let node = child(child(root, "header")?, "geoReference")?;
    let text: String = node.children().filter_map(|n| n.text()).collect::<String>().trim().to_string();
    let degrees = |key: &str| {
        text.split_whitespace()
            .find_map(|word| word.strip_prefix(key))
            .and_then(|value| value.parse::<f64>().ok())
            .filter(|value| value.abs() <= 360.0)
    };
    let (latitude, longitude) = (degrees("+lat_0=")?, degrees("+lon_0=")?);
    Some(GeoReference { latitude: latitude.to_radians(), longitude: longitude.to_radians(), text })
}
