//! Signals, objects and crosswalks in the map frame.

use crate::opendrive::{
    Corner, OpenDrive, Orientation, Road, WrittenController, WrittenObject, WrittenSignal, to_mps,
};
use crate::{
    CenterPoint, Controller, Crosswalk, CrosswalkId, Lane, LaneKind, MapObject, ObjectKind, Signal, SignalId,
    SignalKind,
};
use auriga_geometry::math::{PI, lerp, sin_cos, wrap_angle};
use auriga_geometry::{Polygon, Pose2, Vec2, Vec3};
use std::collections::BTreeMap;

/// Objects that one `<repeat>` may stand for.
const REPEATS_MAX: usize = 2_000;
/// Length of the pieces that a continuous repeated object (a wall, a rail) is cut into, metres.
const PIECE: f64 = 4.0;

/// All signals, in the order of the file.
pub(super) fn signals(file: &OpenDrive) -> Vec<Signal> {
    let mut controllers: BTreeMap<&str, u32> = BTreeMap::new();
    for (group, controlled) in file.controllers.iter().enumerate() {
        for signal in &controlled.signals {
            controllers.entry(signal).or_insert(group as u32);
        }
    }
    let mut signals = Vec::new();
    for road in &file.roads {
        for written in &road.furniture.signals {
            let (position, yaw) = signal_pose(file, road, written);
            signals.push(Signal {
                id: SignalId(signals.len() as u32),
                name: written.id.clone(),
                kind: signal_kind(written),
                position,
                yaw,
                width: written.width,
                height: written.height,
                controller: controllers.get(written.id.as_str()).copied(),
                dependencies: Vec::new(),
            });
        }
    }
    let by_name = by_name(&signals);
    let written = file.roads.iter().flat_map(|road| &road.furniture.signals);
    let found = |written: &WrittenSignal| {
        written.dependencies.iter().filter_map(|id| by_name.get(id).copied()).collect()
    };
    let dependencies: Vec<Vec<SignalId>> = written.map(found).collect();
    for (signal, dependencies) in signals.iter_mut().zip(dependencies) {
        signal.dependencies = dependencies;
    }
    signals
}

fn by_name(signals: &[Signal]) -> BTreeMap<String, SignalId> {
    signals.iter().rev().map(|signal| (signal.name.clone(), signal.id)).collect()
}

/// The groups of signals, in the order of the file.
pub(super) fn controllers(file: &OpenDrive, signals: &[Signal]) -> Vec<Controller> {
    let by_name = by_name(signals);
    let controller = |written: &WrittenController| Controller {
        name: written.id.clone(),
        signals: written.signals.iter().filter_map(|id| by_name.get(id).copied()).collect(),
    };
    file.controllers.iter().map(controller).collect()
}

/// Centre and facing. Offsets and inertial heights are those of the lower edge (OpenDRIVE 1.6, table 98).
fn signal_pose(file: &OpenDrive, road: &Road, signal: &WrittenSignal) -> (Vec3, f64) {
    let lift = 0.5 * signal.height;
    if let Some((position, facing)) = signal.inertial {
        return (position + Vec3::new(0.0, 0.0, lift), wrap_angle(facing));
    }
    let at = road_pose(road, signal.s, signal.t);
    let z = elevation(road, signal.s) + signal.z_offset + lift;
    // A signal for traffic along the reference line looks against it.
    let against = if signal.orientation == Orientation::Backward && !file.from_roadrunner { 0.0 } else { PI };
    (Vec3::new(at.x, at.y, z), wrap_angle(at.yaw + against + signal.h_offset))
}

/// Types of Germany's StVO catalogue (205 give way, 206 stop, 274 speed limit), which CARLA uses as well.
fn signal_kind(signal: &WrittenSignal) -> SignalKind {
    if signal.dynamic {
        return SignalKind::TrafficLight;
    }
    match signal.kind.as_str() {
        "206" => SignalKind::StopSign,
        "205" => SignalKind::YieldSign,
        "274" => {
            let by_subtype =
                signal.subtype.parse::<f64>().ok().filter(|limit| *limit >= 5.0 && *limit <= 200.0);
            let unit = signal.unit.as_deref().or(Some("km/h"));
            signal
                .value
                .or(by_subtype)
                .map_or(SignalKind::Other, |limit| SignalKind::SpeedLimit(to_mps(limit, unit)))
        }
        _ => SignalKind::Other,
    }
}

/// The map pose of (s, t) on a road, heading along the reference line.
pub(super) fn road_pose(road: &Road, s: f64, t: f64) -> Pose2 {
    let s = s.clamp(0.0, road.length);
    let at = road.line.at(s, s);
    let (sin, cos) = sin_cos(at.heading);
    Pose2::new(at.position.x - sin * t, at.position.y + cos * t, wrap_angle(at.heading))
}

fn elevation(road: &Road, s: f64) -> f64 {
    let s = s.clamp(0.0, road.length);
    road.elevation.at(s, s).value
}

/// Objects and crosswalks, in the order of the file.
pub(super) fn objects(file: &OpenDrive, lanes: &[Lane]) -> (Vec<MapObject>, Vec<Crosswalk>) {
    let (mut objects, mut crosswalks) = (Vec::new(), Vec::new());
    for road in &file.roads {
        for written in &road.furniture.objects {
            if written.kind == "crosswalk" {
                let id = CrosswalkId(crosswalks.len() as u32);
                crosswalks.extend(crosswalk(id, road, written, lanes));
            } else if written.repeats.is_empty() {
                objects.push(object(road, written));
            } else {
                repeat(road, written, &mut objects);
            }
        }
    }
    (objects, crosswalks)
}

fn object_kind(object: &WrittenObject) -> ObjectKind {
    match object.kind.as_str() {
        "building" => ObjectKind::Building,
        "pole" | "streetLamp" | "lamppost" => ObjectKind::Pole,
        "tree" => ObjectKind::Tree,
        "vegetation" if object.radius > 0.0 && object.height > 3.0 => ObjectKind::Tree,
        "vegetation" => ObjectKind::Vegetation,
        "barrier" | "railing" | "soundBarrier" | "wall" => ObjectKind::Barrier,
        "parkingSpace" => ObjectKind::Parking,
        _ => ObjectKind::Other,
    }
}

fn corners(road: &Road, object: &WrittenObject) -> Vec<Vec2> {
    let frame = object_frame(road, object);
    let corner = |corner: &Corner| match *corner {
        Corner::Local(point) => frame.to_parent(point),
        Corner::Road(s, t) => road_pose(road, s, t).position(),
    };
    object.corners.iter().map(corner).collect()
}

fn object_frame(road: &Road, object: &WrittenObject) -> Pose2 {
    let at = road_pose(road, object.s, object.t);
    Pose2::new(at.x, at.y, wrap_angle(at.yaw + object.heading))
}

fn object(road: &Road, written: &WrittenObject) -> MapObject {
    let mut pose = object_frame(road, written);
    let (mut length, mut width) = (written.length, written.width);
    if written.radius == 0.0 && (length == 0.0 || width == 0.0) && !written.corners.is_empty() {
        // An outline alone: the box around it, in the object's own direction.
        let local: Vec<Vec2> = corners(road, written).iter().map(|&corner| pose.to_local(corner)).collect();
        let low = local.iter().fold(local[0], |low, p| low.inf(p));
        let high = local.iter().fold(local[0], |high, p| high.sup(p));
        let middle = pose.to_parent((low + high) * 0.5);
        (pose.x, pose.y) = (middle.x, middle.y);
        (length, width) = (high.x - low.x, high.y - low.y);
    }
    MapObject {
        name: written.name.clone(),
        kind: object_kind(written),
        pose,
        z: elevation(road, written.s) + written.z_offset,
        length,
        width,
        height: written.height,
        radius: written.radius,
    }
}

/// A row: one object every `distance` metres, or pieces end to end where the distance is zero.
fn repeat(road: &Road, written: &WrittenObject, out: &mut Vec<MapObject>) {
    for row in &written.repeats {
        let continuous = row.distance <= 0.0;
        let distance = if continuous { PIECE } else { row.distance };
        let count = ((row.length / distance) as usize).min(REPEATS_MAX);
        let count = if continuous { count.max(1) } else { count + 1 };
        for i in 0..count {
            let along =
                if continuous { (i as f64 + 0.5) * row.length / count as f64 } else { i as f64 * distance };
            let ratio = if row.length > 0.0 { (along / row.length).min(1.0) } else { 0.0 };
            let mut single = written.clone();
            single.s = row.s + along;
            single.t = lerp(row.t.0, row.t.1, ratio);
            single.z_offset = lerp(row.z_offset.0, row.z_offset.1, ratio);
            single.height = row.height.unwrap_or(written.height);
            if continuous {
                single.length = row.length / count as f64;
            }
            single.corners.clear();
            out.push(object(road, &single));
        }
    }
}

/// A crosswalk; `None` where it has no area.
fn crosswalk(id: CrosswalkId, road: &Road, written: &WrittenObject, lanes: &[Lane]) -> Option<Crosswalk> {
    let frame = object_frame(road, written);
    let mut outline = corners(road, written);
    if outline.len() < 3 {
        let (l, w) = (0.5 * written.length, 0.5 * written.width);
        outline =
            [(l, w), (-l, w), (-l, -w), (l, -w)].map(|(x, y)| frame.to_parent(Vec2::new(x, y))).to_vec();
    }
    let polygon = Polygon::convex_hull(&outline);
    if polygon.vertices.len() < 3 || polygon.area() < 0.1 {
        return None;
    }
    let axis = crosswalk_axis(&polygon, lanes);
    Some(Crosswalk { id, polygon, axis })
}

/// Of the two directions of the polygon's longest edge, the one more across the nearest driving lane; through the middle.
fn crosswalk_axis(polygon: &Polygon, lanes: &[Lane]) -> (Vec2, Vec2) {
    let n = polygon.vertices.len();
    let middle = polygon.vertices.iter().sum::<Vec2>() / n as f64;
    let edge = (0..n)
        .map(|i| polygon.vertices[(i + 1) % n] - polygon.vertices[i])
        .fold(Vec2::zeros(), |best, edge| if edge.norm() > best.norm() { edge } else { best });
    let along = edge / edge.norm();
    let mut driven: Option<(f64, CenterPoint)> = None;
    for lane in lanes.iter().filter(|lane| lane.kind == LaneKind::Driving) {
        let known = driven.map_or(f64::INFINITY, |(distance, _)| distance);
        if lane.centerline.box_distance(middle) < known {
            let nearest = lane.centerline.nearest_point(middle);
            let distance = (nearest.position - middle).norm();
            if distance < known {
                driven = Some((distance, nearest));
            }
        }
    }
    let direction = match driven {
        Some((_, point)) => {
            let (sin, cos) = sin_cos(point.heading);
            let lane = Vec2::new(cos, sin);
            if along.dot(&lane).abs() <= along.perp(&lane).abs() {
                along
            } else {
                Vec2::new(-along.y, along.x)
            }
        }
        None => along,
    };
    let reach = |vertex: &Vec2| (vertex - middle).dot(&direction);
    let (low, high) =
        polygon.vertices.iter().map(reach).fold((0.0_f64, 0.0_f64), |(l, h), r| (l.min(r), h.max(r)));
    (middle + direction * low, middle + direction * high)
}
