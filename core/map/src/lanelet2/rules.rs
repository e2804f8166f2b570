//! Regulatory elements: lights, signs, right of way, crosswalks, speed limits.

use super::osm::{Osm, Relation, Way};
use super::{Lanelet, Source};
use crate::build::controls;
use crate::{
    Control, Controller, Crosswalk, CrosswalkId, Junction, Lane, LaneId, Signal, SignalId, SignalKind,
};
use auriga_geometry::math::{FRAC_PI_2, atan2, sin_cos, wrap_angle};
use auriga_geometry::{Polygon, Vec2, Vec3};
use std::collections::BTreeMap;

/// Limits where a lanelet has none, by its location: those of Germany and most of Europe, km/h.
const URBAN_KMH: f64 = 50.0;
const RURAL_KMH: f64 = 100.0;

/// A lanelet's speed limit, m/s: `speed_limit` is in km/h unless it names another unit.
pub(super) fn speed_limit(relation: &Relation) -> f64 {
    let fallback = if relation.is("location", "nonurban") { RURAL_KMH } else { URBAN_KMH };
    let mut words = relation.tag("speed_limit").unwrap_or_default().split_whitespace();
    let value = words.next().and_then(|word| word.trim_end_matches("km/h").parse::<f64>().ok());
    let kmh_per_unit = match words.next() {
        Some("mph") => 1.609_344,
        Some("mps" | "m/s") => 3.6,
        _ => 1.0,
    };
    let kmh = value.map(|value| value * kmh_per_unit).filter(|kmh| *kmh > 0.0 && *kmh < 1000.0);
    kmh.unwrap_or(fallback) / 3.6
}

/// Crosswalks from their lanelets, which run the way that people walk.
pub(super) fn crosswalks(lanes: &[Lane]) -> Vec<Crosswalk> {
    let mut crosswalks = Vec::new();
    for lane in lanes.iter().filter(|lane| lane.category == "crosswalk") {
        let edge = |side: f64| {
            lane.centerline.points.iter().map(move |p| {
                let (sin, cos) = sin_cos(p.heading);
                p.position + Vec2::new(-sin, cos) * (0.5 * side * p.width)
            })
        };
        let outline: Vec<Vec2> = edge(1.0).chain(edge(-1.0)).collect();
        let polygon = Polygon::convex_hull(&outline);
        if polygon.vertices.len() >= 3 && polygon.area() >= 0.1 {
            let axis = (lane.centerline.at(0.0).position, lane.centerline.at(lane.length).position);
            crosswalks.push(Crosswalk { id: CrosswalkId(crosswalks.len() as u32), polygon, axis });
        }
    }
    crosswalks
}

fn regulatory(osm: &Osm) -> impl Iterator<Item = &Relation> {
    osm.relations.values().filter(|relation| relation.is("type", "regulatory_element"))
}

/// Lights and signs that regulatory elements refer to, by way; those of one light element switch together.
pub(super) fn signals(osm: &Osm) -> (Vec<Signal>, Vec<Controller>) {
    let (mut signals, mut controllers) = (Vec::new(), Vec::new());
    let mut known: BTreeMap<&str, SignalId> = BTreeMap::new();
    for relation in regulatory(osm) {
        let light = relation.is("subtype", "traffic_light");
        let mut group = Vec::new();
        for id in relation.role("refers") {
            let Some(way) = osm.ways.get(id).filter(|way| stands(way)) else { continue };
            let place = SignalId(signals.len() as u32);
            let signal = match known.get(id) {
                Some(&signal) => signal,
                None => {
                    let Some(signal) = signal(osm, place, id, way) else { continue };
                    signals.push(signal);
                    known.insert(id, place);
                    place
                }
            };
            if light {
                signals[signal.index()].controller.get_or_insert(controllers.len() as u32);
                group.push(signal);
            }
        }
        if light {
            controllers.push(Controller { name: relation.id.clone(), signals: group });
        }
    }
    (signals, controllers)
}

fn stands(way: &Way) -> bool {
    way.is("type", "traffic_light") || way.is("type", "traffic_sign")
}

/// A light or sign: its way is the lower edge, from left to right as approaching traffic sees it.
fn signal(osm: &Osm, id: SignalId, name: &str, way: &Way) -> Option<Signal> {
    let point = |id: &String| osm.nodes.get(id).copied();
    let (a, b): (Vec3, Vec3) = (point(way.nodes.first()?)?, point(way.nodes.last()?)?);
    let height =
        way.tag("height").and_then(|h| h.parse().ok()).filter(|h| (0.0..20.0).contains(h)).unwrap_or(0.0);
    let across = b - a;
    Some(Signal {
        id,
        name: name.to_string(),
        kind: signal_kind(way),
        position: (a + b) * 0.5 + Vec3::new(0.0, 0.0, 0.5 * height),
        yaw: wrap_angle(atan2(across.y, across.x) - FRAC_PI_2),
        width: across.xy().norm(),
        height,
        controller: None,
        dependencies: Vec::new(),
    })
}

/// Signs by Germany's catalogue (`de205`, `de206`) and by Autoware's words.
fn signal_kind(way: &Way) -> SignalKind {
    if way.is("type", "traffic_light") {
        return SignalKind::TrafficLight;
    }
    match way.tag("subtype").unwrap_or_default() {
        "de206" | "stop_sign" | "usR1-1" => SignalKind::StopSign,
        "de205" | "yield_sign" | "usR1-2" => SignalKind::YieldSign,
        _ => SignalKind::Other,
    }
}

/// Puts lights and signs on the lanes before the stop line.
pub(super) fn controls(
    osm: &Osm,
    lanelets: &[Lanelet],
    sources: &[Source],
    signals: &[Signal],
    lanes: &mut [Lane],
) {
    let by_name: BTreeMap<&str, SignalId> =
        signals.iter().map(|signal| (signal.name.as_str(), signal.id)).collect();
    for (n, &(i, forward)) in sources.iter().enumerate() {
        let relation = lanelets[i].relation;
        for rule in relation.role("regulatory_element").filter_map(|id| osm.relations.get(id)) {
            // Of a right of way only who yields is held up.
            let yields =
                !rule.is("subtype", "right_of_way") || rule.role("yield").any(|id| id == relation.id);
            if !forward || !yields {
                continue;
            }
            let line = rule.role("ref_line").find_map(|id| osm.ways.get(id)).and_then(|way| middle(osm, way));
            for signal in rule.role("refers").filter_map(|id| by_name.get(id)) {
                let governs =
                    !matches!(signals[signal.index()].kind, SignalKind::Other | SignalKind::SpeedLimit(_));
                if governs {
                    put(*signal, LaneId(n as u32), line, lanes);
                }
            }
        }
    }
    lanes.iter_mut().for_each(|lane| controls::settle(lane, &[]));
}

fn middle(osm: &Osm, way: &Way) -> Option<Vec2> {
    let point = |id: &String| osm.nodes.get(id).map(|at| at.xy());
    Some((point(way.nodes.first()?)? + point(way.nodes.last()?)?) * 0.5)
}

/// On the lane itself, or, where it is part of a junction and the line lies before it, on the lanes that lead to it.
fn put(signal: SignalId, id: LaneId, line: Option<Vec2>, lanes: &mut [Lane]) {
    let lane = &lanes[id.index()];
    let within = |lane: &Lane, line: Vec2| {
        let (s, d) = lane.centerline.project(line);
        (s > 0.5 && s <= lane.length && d.abs() < lane.centerline.width_max()).then_some(s)
    };
    let on_itself = line.and_then(|line| within(lane, line));
    if lane.junction.is_none() || on_itself.is_some() || lane.predecessors.is_empty() {
        let stop_s = on_itself.unwrap_or(lane.length);
        lanes[id.index()].controls.push(Control { signal, stop_s, movements: Vec::new() });
        return;
    }
    for before in lane.predecessors.clone() {
        let incoming = &mut lanes[before.index()];
        let stop_s = line.and_then(|line| within(incoming, line)).unwrap_or(incoming.length);
        incoming.controls.push(Control { signal, stop_s, movements: vec![id] });
    }
}

/// For each junction: (lanelet with the right of way, lanelet that gives way).
pub(super) fn priorities(osm: &Osm, junctions: &[Junction], lanes: &[Lane]) -> Vec<Vec<(String, String)>> {
    let rules: Vec<&Relation> =
        regulatory(osm).filter(|relation| relation.is("subtype", "right_of_way")).collect();
    let of_junction = |junction: &Junction| {
        let inside = |id: &str| junction.lanes.iter().any(|lane| lanes[lane.index()].key.road == id);
        let pairs = rules.iter().flat_map(|rule| {
            rule.role("right_of_way").flat_map(|high| rule.role("yield").map(move |low| (high, low)))
        });
        let known = pairs.filter(|(high, low)| inside(high) && inside(low));
        known.map(|(high, low)| (high.to_string(), low.to_string())).collect()
    };
    junctions.iter().map(of_junction).collect()
}
