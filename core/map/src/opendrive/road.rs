//! A `<road>`: reference line, profiles, lane sections, links.

use super::furniture::Furniture;
use super::profile::Profile;
use super::reference_line::{LENGTH_MAX, ReferenceLine};
use super::xml::{child, children, integer, invalid, number, number_or, text};
use crate::{LaneKind, MapError, MarkColor, MarkKind};
use roxmltree::Node;
use std::collections::BTreeMap;

/// Which end of a road's reference line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum End {
    Start,
    Finish,
}

/// What a road leads to at one end.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum RoadLink {
    Road { id: String, contact: End },
    Junction { id: String },
}

/// A `<roadMark>` as written: `kind` names its lines from the lane's inside to its outside.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct WrittenMark {
    pub s: f64,
    pub kind: MarkKind,
    pub color: MarkColor,
    pub width: f64,
    pub change: Option<LaneChange>,
}

/// The attribute `laneChange`: to which numbers a change over the mark is allowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum LaneChange {
    Increase,
    Decrease,
    Both,
    None,
}

/// A `<lane>`.
#[derive(Clone, Debug)]
pub(crate) struct WrittenLane {
    pub number: i32,
    pub kind: LaneKind,
    pub width: Profile,
    pub border: Profile,
    pub predecessors: Vec<i32>,
    pub successors: Vec<i32>,
    pub marks: Vec<WrittenMark>,
    /// (from `s`, m/s), ascending.
    pub speeds: Vec<(f64, f64)>,
    /// The type as written.
    pub category: String,
    pub access: Vec<WrittenAccess>,
    pub height: f64,
}

/// An `<access>`: who may use the lane from `s` on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct WrittenAccess {
    pub s: f64,
    pub allowed: bool,
    pub users: Vec<String>,
}

/// A `<laneSection>`; `lanes` by number, the centre lane included.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    pub start: f64,
    pub end: f64,
    pub lanes: BTreeMap<i32, WrittenLane>,
}

/// A `<road>`.
#[derive(Clone, Debug)]
pub(crate) struct Road {
    pub id: String,
    pub length: f64,
    pub junction: Option<String>,
    pub left_hand_traffic: bool,
    pub predecessor: Option<RoadLink>,
    pub successor: Option<RoadLink>,
    pub line: ReferenceLine,
    pub elevation: Profile,
    pub superelevation: Profile,
    pub lane_offset: Profile,
    pub sections: Vec<Section>,
    /// (from `s`, m/s) of the road's types.
    pub speeds: Vec<(f64, f64)>,
    pub furniture: Furniture,
}

impl Road {
    pub(crate) fn read(node: Node) -> Result<Self, MapError> {
        let length = number(node, "length")?;
        if !(length > 0.0 && length <= LENGTH_MAX) {
            return Err(invalid(
                node,
                format!("`length` is {length}"),
                "write a length above 0 and up to 200000 m",
            ));
        }
        let profile = |parent: &str, element: &'static str| match child(node, parent) {
            Some(parent) => Profile::read(parent, element, "s", 0.0),
            None => Ok(Profile::default()),
        };
        let lanes = child(node, "lanes")
            .ok_or_else(|| invalid(node, "there is no <lanes>", "give the road lanes"))?;
        let link = child(node, "link");
        let read_link = |name| link.and_then(|link| child(link, name)).map(RoadLink::read).transpose();
        Ok(Self {
            id: text(node, "id")?.to_string(),
            length,
            junction: node.attribute("junction").filter(|id| *id != "-1").map(str::to_string),
            left_hand_traffic: node.attribute("rule") == Some("LHT"),
            predecessor: read_link("predecessor")?,
            successor: read_link("successor")?,
            line: ReferenceLine::read(node)?,
            elevation: profile("elevationProfile", "elevation")?,
            superelevation: profile("lateralProfile", "superelevation")?,
            lane_offset: Profile::read(lanes, "laneOffset", "s", 0.0)?,
            sections: read_sections(lanes, length)?,
            speeds: read_speeds(node)?,
            furniture: Furniture::read(node)?,
        })
    }

    /// Whether a lane is driven along the reference line.
    pub(crate) fn runs_forward(&self, lane: i32) -> bool {
        (lane < 0) != self.left_hand_traffic
    }

    /// The section in force at `s`.
    pub(crate) fn section_at(&self, s: f64) -> usize {
        self.sections.partition_point(|section| section.start <= s).max(1) - 1
    }

    /// The section at one end.
    pub(crate) fn section_at_end(&self, end: End) -> usize {
        match end {
            End::Start => 0,
            End::Finish => self.sections.len() - 1,
        }
    }

    /// What the road leads to at one end.
    pub(crate) fn link(&self, end: End) -> Option<&RoadLink> {
        match end {
            End::Start => self.predecessor.as_ref(),
            End::Finish => self.successor.as_ref(),
        }
    }
}

impl RoadLink {
    fn read(node: Node) -> Result<Self, MapError> {
        let id = text(node, "elementId")?.to_string();
        match text(node, "elementType")? {
            "junction" => Ok(Self::Junction { id }),
            "road" => Ok(Self::Road { id, contact: End::read(node)? }),
            other => Err(invalid(node, format!("`elementType` is \"{other}\""), "write road or junction")),
        }
    }
}

impl End {
    /// The attribute `contactPoint`.
    pub(crate) fn read(node: Node) -> Result<Self, MapError> {
        match text(node, "contactPoint")? {
            "start" => Ok(Self::Start),
            "end" => Ok(Self::Finish),
            other => Err(invalid(node, format!("`contactPoint` is \"{other}\""), "write start or end")),
        }
    }
}

fn read_speeds(road: Node) -> Result<Vec<(f64, f64)>, MapError> {
    let mut speeds = Vec::new();
    for kind in children(road, "type") {
        if let Some(node) = child(kind, "speed")
            && let Some(speed) = read_speed(node)?
        {
            speeds.push((number_or(kind, "s", 0.0)?, speed));
        }
    }
    Ok(speeds)
}

/// A `<speed>` in m/s; `None` where it says "undefined".
fn read_speed(node: Node) -> Result<Option<f64>, MapError> {
    /// What "no limit" is taken for: Germany's advisory speed on motorways, 130 km/h.
    const NO_LIMIT_MPS: f64 = 130.0 / 3.6;
    match node.attribute("max") {
        None | Some("undefined") => Ok(None),
        Some("no limit") => Ok(Some(NO_LIMIT_MPS)),
        Some(_) => {
            let speed = to_mps(number(node, "max")?, node.attribute("unit"));
            Ok((speed > 0.0).then_some(speed))
        }
    }
}

/// A speed in m/s from a value and its unit (m/s where there is none).
pub(crate) fn to_mps(value: f64, unit: Option<&str>) -> f64 {
    match unit {
        Some("km/h") => value / 3.6,
        Some("mph") => value * 0.447_04,
        _ => value,
    }
}

fn read_sections(lanes: Node, road_length: f64) -> Result<Vec<Section>, MapError> {
    let mut sections: Vec<Section> = Vec::new();
    for node in children(lanes, "laneSection") {
        let start = number(node, "s")?.clamp(0.0, road_length);
        if let Some(last) = sections.last_mut() {
            if start < last.start {
                return Err(invalid(
                    node,
                    "`s` is before that of its predecessor",
                    "sort the lane sections by `s`",
                ));
            }
            last.end = start;
        }
        let mut section = Section { start, end: road_length, lanes: BTreeMap::new() };
        for side in node.children().filter(|n| matches!(n.tag_name().name(), "left" | "center" | "right")) {
            for lane in children(side, "lane") {
                let lane_number = integer(lane, "id")?;
                let fits = match side.tag_name().name() {
                    "left" => lane_number > 0,
                    "right" => lane_number < 0,
                    _ => lane_number == 0,
                };
                if !fits || section.lanes.insert(lane_number, read_lane(lane, lane_number, start)?).is_some()
                {
                    return Err(invalid(
                        lane,
                        format!("lane {lane_number} is on the wrong side or there twice"),
                        "number lanes once each: positive to the left, 0 in the centre, negative to the right",
                    ));
                }
            }
        }
        sections.push(section);
    }
    match sections.first_mut() {
        None => Err(invalid(lanes, "there is no <laneSection>", "give the road lanes")),
        Some(first) => {
            first.start = 0.0;
            Ok(sections)
        }
    }
}

fn read_lane(node: Node, lane_number: i32, section_start: f64) -> Result<WrittenLane, MapError> {
    let links = |name: &'static str| -> Result<Vec<i32>, MapError> {
        child(node, "link")
            .map_or(Ok(Vec::new()), |link| children(link, name).map(|n| integer(n, "id")).collect())
    };
    let mut marks = Vec::new();
    for mark in children(node, "roadMark") {
        marks.push(read_mark(mark, section_start)?);
    }
    let mut speeds = Vec::new();
    for speed in children(node, "speed") {
        if let Some(mps) = read_speed(speed)? {
            speeds.push((number_or(speed, "sOffset", 0.0)? + section_start, mps));
        }
    }
    let mut access = Vec::new();
    for rule in children(node, "access") {
        access.push(read_access(rule, section_start)?);
    }
    let category = node.attribute("type").unwrap_or("none");
    let height = match child(node, "height") {
        Some(height) => 0.5 * (number_or(height, "inner", 0.0)? + number_or(height, "outer", 0.0)?),
        None => 0.0,
    };
    Ok(WrittenLane {
        number: lane_number,
        kind: lane_kind(category),
        category: category.to_string(),
        access,
        width: Profile::read(node, "width", "sOffset", section_start)?,
        border: Profile::read(node, "border", "sOffset", section_start)?,
        predecessors: links("predecessor")?,
        successors: links("successor")?,
        marks,
        speeds,
        height,
    })
}

/// Until 1.6 one restriction is an attribute; from 1.7 on there is a rule, and elements for its users.
fn read_access(node: Node, section_start: f64) -> Result<WrittenAccess, MapError> {
    let named = children(node, "restriction").filter_map(|user| user.attribute("type"));
    let users = named.chain(node.attribute("restriction")).map(str::to_string).collect();
    let allowed = node.attribute("rule") != Some("deny");
    Ok(WrittenAccess { s: number_or(node, "sOffset", 0.0)? + section_start, allowed, users })
}

fn lane_kind(name: &str) -> LaneKind {
    match name {
        "driving" | "entry" | "exit" | "onRamp" | "offRamp" | "connectingRamp" | "slipLane" | "mwyEntry"
        | "mwyExit" => LaneKind::Driving,
        "sidewalk" | "walking" => LaneKind::Sidewalk,
        "shoulder" | "stop" => LaneKind::Shoulder,
        "biking" => LaneKind::Biking,
        "parking" => LaneKind::Parking,
        "border" | "curb" => LaneKind::Border,
        _ => LaneKind::Other,
    }
}

fn read_mark(node: Node, section_start: f64) -> Result<WrittenMark, MapError> {
    let kind = match node.attribute("type").unwrap_or("none") {
        "none" => MarkKind::None,
        "solid" => MarkKind::Solid,
        "broken" => MarkKind::Broken,
        "solid solid" => MarkKind::SolidSolid,
        "solid broken" => MarkKind::SolidBroken,
        "broken solid" => MarkKind::BrokenSolid,
        "broken broken" => MarkKind::BrokenBroken,
        "curb" => MarkKind::Curb,
        _ => MarkKind::Other,
    };
    let color = match node.attribute("color").unwrap_or("standard") {
        "standard" | "white" => MarkColor::White,
        "yellow" | "orange" => MarkColor::Yellow,
        _ => MarkColor::Other,
    };
    let change = match node.attribute("laneChange") {
        Some("increase") => Some(LaneChange::Increase),
        Some("decrease") => Some(LaneChange::Decrease),
        Some("both") => Some(LaneChange::Both),
        Some("none") => Some(LaneChange::None),
        _ => None,
    };
    let s = number_or(node, "sOffset", 0.0)? + section_start;
    Ok(WrittenMark { s, kind, color, width: number_or(node, "width", 0.12)?, change })
}
