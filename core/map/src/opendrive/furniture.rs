//! `<signals>` and `<objects>` of a road, as written.

use super::xml::{child, children, integer, number, number_or, text};
use crate::MapError;
use auriga_geometry::{Vec2, Vec3};
use roxmltree::Node;

/// Which traffic a signal is meant for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Orientation {
    Forward,
    Backward,
    Both,
}

/// Where a signal applies: on the road that it is written on, at `s`.
#[derive(Clone, Debug)]
pub(crate) struct Validity {
    pub signal: String,
    pub s: f64,
    pub orientation: Orientation,
    /// Ranges of lane numbers (inclusive, ascending); empty for all lanes of that direction.
    pub lanes: Vec<(i32, i32)>,
}

/// A `<signal>`.
#[derive(Clone, Debug)]
pub(crate) struct WrittenSignal {
    pub id: String,
    pub kind: String,
    pub subtype: String,
    pub value: Option<f64>,
    pub unit: Option<String>,
    pub dynamic: bool,
    pub s: f64,
    pub t: f64,
    pub z_offset: f64,
    pub h_offset: f64,
    pub orientation: Orientation,
    pub width: f64,
    pub height: f64,
    /// The ids of the signals that it depends on.
    pub dependencies: Vec<String>,
    /// Where it really stands and the way that it faces, when it stands elsewhere.
    pub inertial: Option<(Vec3, f64)>,
}

/// A corner of an outline.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Corner {
    /// In the object's own frame.
    Local(Vec2),
    /// In the road's (s, t).
    Road(f64, f64),
}

/// A row of equal objects.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Repeat {
    pub s: f64,
    pub length: f64,
    pub distance: f64,
    pub t: (f64, f64),
    pub z_offset: (f64, f64),
    pub height: Option<f64>,
}

/// An `<object>`.
#[derive(Clone, Debug)]
pub(crate) struct WrittenObject {
    pub name: String,
    pub kind: String,
    pub subtype: String,
    pub s: f64,
    pub t: f64,
    pub z_offset: f64,
    pub heading: f64,
    pub length: f64,
    pub width: f64,
    pub height: f64,
    pub radius: f64,
    pub corners: Vec<Corner>,
    pub repeats: Vec<Repeat>,
}

/// Everything that stands along one road.
#[derive(Clone, Debug, Default)]
pub(crate) struct Furniture {
    pub signals: Vec<WrittenSignal>,
    pub validities: Vec<Validity>,
    pub objects: Vec<WrittenObject>,
}

impl Furniture {
    pub(crate) fn read(road: Node) -> Result<Self, MapError> {
        let mut furniture = Self::default();
        if let Some(signals) = child(road, "signals") {
            for node in children(signals, "signal") {
                furniture.signals.push(read_signal(node)?);
                furniture.validities.push(read_validity(node)?);
            }
            for node in children(signals, "signalReference") {
                furniture.validities.push(read_validity(node)?);
            }
        }
        if let Some(objects) = child(road, "objects") {
            for node in children(objects, "object") {
                furniture.objects.push(read_object(node)?);
            }
        }
        Ok(furniture)
    }
}

fn read_orientation(node: Node) -> Orientation {
    match node.attribute("orientation") {
        Some("+") => Orientation::Forward,
        Some("-") => Orientation::Backward,
        _ => Orientation::Both,
    }
}

fn read_validity(node: Node) -> Result<Validity, MapError> {
    let mut lanes = Vec::new();
    for validity in children(node, "validity") {
        let (from, to) = (integer(validity, "fromLane")?, integer(validity, "toLane")?);
        lanes.push((from.min(to), from.max(to)));
    }
    Ok(Validity {
        signal: text(node, "id")?.to_string(),
        s: number(node, "s")?,
        orientation: read_orientation(node),
        lanes,
    })
}

fn read_signal(node: Node) -> Result<WrittenSignal, MapError> {
    let attribute = |name| node.attribute(name).unwrap_or_default().to_string();
    let inertial = match node.descendants().find(|n| n.has_tag_name("positionInertial")) {
        Some(at) => Some((
            Vec3::new(number(at, "x")?, number(at, "y")?, number_or(at, "z", 0.0)?),
            number_or(at, "hdg", 0.0)?,
        )),
        None => None,
    };
    Ok(WrittenSignal {
        id: text(node, "id")?.to_string(),
        kind: attribute("type"),
        subtype: attribute("subtype"),
        value: node
            .attribute("value")
            .and_then(|v| v.trim().parse::<f64>().ok())
            .filter(|v| *v > 0.0 && *v < 1e4),
        unit: node.attribute("unit").map(str::to_string),
        dynamic: node.attribute("dynamic") == Some("yes"),
        s: number(node, "s")?,
        t: number(node, "t")?,
        z_offset: number_or(node, "zOffset", 0.0)?,
        h_offset: number_or(node, "hOffset", 0.0)?,
        orientation: read_orientation(node),
        width: number_or(node, "width", 0.0)?.clamp(0.0, 100.0),
        height: number_or(node, "height", 0.0)?.clamp(0.0, 100.0),
        dependencies: children(node, "dependency")
            .filter_map(|d| d.attribute("id"))
            .map(str::to_string)
            .collect(),
        inertial,
    })
}

fn read_object(node: Node) -> Result<WrittenObject, MapError> {
    let attribute = |name| node.attribute(name).unwrap_or_default();
    let mut corners = Vec::new();
    if let Some(outline) = node.descendants().find(|n| n.has_tag_name("outline")) {
        for corner in outline.children().filter(Node::is_element) {
            match corner.tag_name().name() {
                "cornerLocal" => {
                    corners.push(Corner::Local(Vec2::new(number(corner, "u")?, number(corner, "v")?)))
                }
                "cornerRoad" => corners.push(Corner::Road(number(corner, "s")?, number(corner, "t")?)),
                _ => {}
            }
        }
    }
    let mut repeats = Vec::new();
    for repeat in children(node, "repeat") {
        repeats.push(read_repeat(repeat)?);
    }
    let id = text(node, "id")?;
    let name = attribute("name");
    Ok(WrittenObject {
        name: if name.is_empty() { id } else { name }.to_string(),
        kind: attribute("type").to_string(),
        subtype: attribute("subtype").to_string(),
        s: number(node, "s")?,
        t: number(node, "t")?,
        z_offset: number_or(node, "zOffset", 0.0)?,
        heading: number_or(node, "hdg", 0.0)?,
        length: number_or(node, "length", 0.0)?.max(0.0),
        width: number_or(node, "width", 0.0)?.max(0.0),
        height: number_or(node, "height", 0.0)?.max(0.0),
        radius: number_or(node, "radius", 0.0)?.max(0.0),
        corners,
        repeats,
    })
}

fn read_repeat(node: Node) -> Result<Repeat, MapError> {
    let pair = |start, end| -> Result<(f64, f64), MapError> {
        Ok((number_or(node, start, 0.0)?, number_or(node, end, 0.0)?))
    };
    Ok(Repeat {
        s: number(node, "s")?,
        length: number(node, "length")?.max(0.0),
        distance: number_or(node, "distance", 0.0)?.max(0.0),
        t: pair("tStart", "tEnd")?,
        z_offset: pair("zOffsetStart", "zOffsetEnd")?,
        height: match node.attribute("heightStart") {
            Some(_) => Some(number(node, "heightStart")?),
            None => None,
        },
    })
}
