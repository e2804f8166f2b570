//! An OSM file's nodes, ways and relations.

use super::Projector;
use crate::opendrive::xml::{children, invalid, not_xml, text};
use crate::{MapError, Projection};
use auriga_geometry::{Vec2, Vec3};
use roxmltree::{Document, Node as Element};
use std::collections::BTreeMap;

/// Farthest that a node may lie from the origin, metres.
const REACH_MAX: f64 = 1e8;
/// The edge of MGRS's squares, metres.
const SQUARE: f64 = 100_000.0;

pub(crate) type Tags = BTreeMap<String, String>;

/// A `<way>`: a polyline.
pub(crate) struct Way {
    pub nodes: Vec<String>,
    pub tags: Tags,
}

/// A `<relation>`.
pub(crate) struct Relation {
    pub id: String,
    pub line: u32,
    /// (role, id of a way or relation).
    pub members: Vec<(String, String)>,
    pub tags: Tags,
}

/// A whole file.
pub(crate) struct Osm {
    /// Points of the plane, and heights.
    pub nodes: BTreeMap<String, Vec3>,
    pub ways: BTreeMap<String, Way>,
    pub relations: BTreeMap<String, Relation>,
    /// From earth to the plane, where one was used.
    pub projection: Option<Projection>,
}

impl Way {
    pub(crate) fn is(&self, key: &str, value: &str) -> bool {
        self.tags.get(key).is_some_and(|found| found == value)
    }

    pub(crate) fn tag(&self, key: &str) -> Option<&str> {
        self.tags.get(key).map(String::as_str)
    }
}

impl Relation {
    pub(crate) fn is(&self, key: &str, value: &str) -> bool {
        self.tags.get(key).is_some_and(|found| found == value)
    }

    pub(crate) fn tag(&self, key: &str) -> Option<&str> {
        self.tags.get(key).map(String::as_str)
    }

    /// The members with a role, in the order of the file.
    pub(crate) fn role<'a>(&'a self, role: &'a str) -> impl Iterator<Item = &'a str> {
        self.members.iter().filter(move |(found, _)| found == role).map(|(_, id)| id.as_str())
    }
}

/// A node as written.
struct Written {
    id: String,
    local: Option<Vec2>,
    /// (latitude, longitude), radians.
    earth: Option<(f64, f64)>,
    z: f64,
}

impl Osm {
    pub(crate) fn read(xml: &str, projector: Projector) -> Result<Self, MapError> {
        let document = Document::parse(xml).map_err(|error| not_xml(&error))?;
        let root = document.root_element();
        if !root.has_tag_name("osm") {
            return Err(invalid(root, "the root element is not <osm>", "give a Lanelet2 (.osm) file"));
        }
        let written = children(root, "node")
            .map(|node| Ok((node, read_node(node)?)))
            .collect::<Result<Vec<_>, MapError>>()?;
        let local = written.iter().all(|(_, node)| node.local.is_some());
        let projection = match projector {
            Projector::Automatic if local => None,
            Projector::Automatic | Projector::Mgrs => mgrs(&written),
            Projector::Geographic(projection) => Some(projection),
        };
        let mut nodes = BTreeMap::new();
        for (element, node) in &written {
            let plane = match (projection, node.earth) {
                (Some(projection), Some((latitude, longitude))) => {
                    Some(projection.project(latitude, longitude))
                }
                (Some(_), None) => None,
                (None, _) => node.local,
            };
            let plane = plane.filter(|at| at.amax() <= REACH_MAX).ok_or_else(|| {
                invalid(
                    *element,
                    "it has no usable coordinates",
                    "give it lat and lon, or local_x and local_y",
                )
            })?;
            nodes.insert(node.id.clone(), Vec3::new(plane.x, plane.y, node.z));
        }
        let mut ways = BTreeMap::new();
        for element in children(root, "way") {
            let refs = children(element, "nd").map(|nd| Ok(text(nd, "ref")?.to_string()));
            let way = Way { nodes: refs.collect::<Result<_, MapError>>()?, tags: read_tags(element) };
            ways.insert(text(element, "id")?.to_string(), way);
        }
        let mut relations = BTreeMap::new();
        let mut lines = Lines::new(xml);
        for element in children(root, "relation") {
            let member = |m: Element| {
                Ok((m.attribute("role").unwrap_or_default().to_string(), text(m, "ref")?.to_string()))
            };
            let members = children(element, "member").map(member).collect::<Result<_, MapError>>()?;
            let id = text(element, "id")?.to_string();
            let line = lines.of(element.range().start);
            relations.insert(id.clone(), Relation { id, line, members, tags: read_tags(element) });
        }
        Ok(Self { nodes, ways, relations, projection })
    }

    /// How many ways and relations of each type the map was not made from.
    pub(crate) fn unread(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        let mut used: Vec<&str> = Vec::new();
        for relation in self.relations.values() {
            if relation.is("type", "lanelet") || relation.is("type", "regulatory_element") {
                used.extend(relation.members.iter().map(|(_, id)| id.as_str()));
            } else {
                *counts.entry(format!("relation {}", relation.tag("type").unwrap_or("?"))).or_insert(0) += 1;
            }
        }
        used.sort_unstable();
        for (_, way) in self.ways.iter().filter(|(id, _)| used.binary_search(&id.as_str()).is_err()) {
            *counts.entry(format!("way {}", way.tag("type").unwrap_or("?"))).or_insert(0) += 1;
        }
        counts
    }
}

/// Line numbers of ascending positions, each looked for from the last one on.
struct Lines<'a> {
    xml: &'a str,
    at: usize,
    line: u32,
}

impl<'a> Lines<'a> {
    fn new(xml: &'a str) -> Self {
        Self { xml, at: 0, line: 1 }
    }

    fn of(&mut self, position: usize) -> u32 {
        let between = self.xml.as_bytes().get(self.at..position).unwrap_or_default();
        self.line += between.iter().filter(|byte| **byte == b'\n').count() as u32;
        self.at = position.max(self.at);
        self.line
    }
}

/// UTM, moved so that the square of the first node begins at the origin.
fn mgrs(nodes: &[(Element, Written)]) -> Option<Projection> {
    let (latitude, longitude) = nodes.iter().find_map(|(_, node)| node.earth)?;
    let mut projection = Projection::utm(latitude, longitude);
    let corner = (projection.project(latitude, longitude) / SQUARE).map(f64::floor) * SQUARE;
    projection.offset -= corner;
    Some(projection)
}

fn read_tags(element: Element) -> Tags {
    let tag = |tag: Element| Some((tag.attribute("k")?.to_string(), tag.attribute("v")?.to_string()));
    children(element, "tag").filter_map(tag).collect()
}

fn read_node(element: Element) -> Result<Written, MapError> {
    let finite = |text: &str| text.trim().parse::<f64>().ok().filter(|value| value.abs() <= REACH_MAX);
    let tags = read_tags(element);
    let number = |key: &str| match tags.get(key) {
        None => Ok(None),
        Some(text) => finite(text).map(Some).ok_or_else(|| {
            invalid(
                element,
                format!("tag `{key}` is \"{}\"", text.escape_debug()),
                "write a finite decimal number",
            )
        }),
    };
    let local = number("local_x")?.zip(number("local_y")?).map(|(x, y)| Vec2::new(x, y));
    let degrees = |key| element.attribute(key).filter(|text| !text.trim().is_empty());
    let earth = match (degrees("lat"), degrees("lon")) {
        (Some(latitude), Some(longitude)) => {
            let pair = finite(latitude)
                .filter(|l| l.abs() < 90.0)
                .zip(finite(longitude).filter(|l| l.abs() <= 360.0));
            let (latitude, longitude) = pair.ok_or_else(|| {
                invalid(element, "`lat` or `lon` is no angle", "write degrees: lat within 90, lon within 360")
            })?;
            Some((latitude.to_radians(), longitude.to_radians()))
        }
        _ => None,
    };
    Ok(Written { id: text(element, "id")?.to_string(), local, earth, z: number("ele")?.unwrap_or(0.0) })
}
