//! The map, drawn once: surfaces, paint, houses, trees, posts; and the lamps of its lights, which change.

use crate::ViewerError;
use crate::palette::{self, Rgb};
use crate::stage::{self, Stage};
use auriga_geometry::math::sin_cos;
use auriga_geometry::{LogicalTime, Pose3, Vec2, Vec3};
use auriga_map::{Crosswalk, Lane, LaneKind, Map, MapObject, MarkColor, MarkKind, ObjectKind, SignalKind};
use rerun::{FillMode, Radius};
use std::collections::BTreeMap;

/// Heights of the layers, so that none flickers through another, metres.
const GROUND_Z: f64 = -0.12;
const CROSSWALK_Z: f64 = 0.03;
const MARK_Z: f64 = 0.04;
/// A dash and the gap after it on a broken line, metres (German RMS: 3 and 6 m in towns).
const DASH_M: f64 = 3.0;
const GAP_M: f64 = 6.0;

/// Triangles with a colour for each corner.
#[derive(Default)]
struct Surface {
    corners: Vec<[f32; 3]>,
    colors: Vec<rerun::Color>,
    triangles: Vec<[u32; 3]>,
}

impl Surface {
    /// A quadrilateral from its corners in order.
    fn quad(&mut self, corners: [Vec3; 4], rgb: Rgb) {
        let first = self.corners.len() as u32;
        self.corners.extend(corners.map(stage::xyz));
        self.colors.extend([palette::color(rgb); 4]);
        self.triangles.extend([[first, first + 1, first + 2], [first, first + 2, first + 3]]);
    }
}

/// Draws all that does not change.
pub(crate) fn draw(stage: &Stage, map: &Map) -> Result<(), ViewerError> {
    let mut surface = Surface::default();
    ground(map, &mut surface);
    for lane in map.lanes() {
        strip(lane, &mut surface);
    }
    for lane in map.lanes() {
        stop_lines(lane, &mut surface);
    }
    for crosswalk in map.crosswalks() {
        zebra(crosswalk, &mut surface);
    }
    let mesh = rerun::Mesh3D::new(surface.corners)
        .with_triangle_indices(surface.triangles)
        .with_vertex_colors(surface.colors);
    stage.draw_static(stage::SURFACE, &mesh)?;
    marks(stage, map)?;
    buildings(stage, map)?;
    trees(stage, map)?;
    posts(stage, map)
}

/// A plain under everything, 40 m beyond the lanes.
fn ground(map: &Map, surface: &mut Surface) {
    let (least, most) = map.bounds();
    if !(least.x.is_finite() && most.x.is_finite() && most.x > least.x) {
        return;
    }
    let (a, b) = (least - Vec2::new(40.0, 40.0), most + Vec2::new(40.0, 40.0));
    let corner = |x: f64, y: f64| Vec3::new(x, y, GROUND_Z);
    surface.quad([corner(a.x, a.y), corner(b.x, a.y), corner(b.x, b.y), corner(a.x, b.y)], palette::GROUND);
}

/// The lane's strip. Kerbed strips lie a little higher.
fn strip(lane: &Lane, surface: &mut Surface) {
    let (rgb, z) = match lane.kind {
        LaneKind::Driving => (palette::ASPHALT, 0.0),
        LaneKind::Parking => (palette::VERGE, -0.01),
        LaneKind::Biking => (palette::BIKE_LANE, 0.01),
        LaneKind::Shoulder | LaneKind::Border => (palette::VERGE, -0.02),
        LaneKind::Sidewalk => (palette::SIDEWALK, 0.10),
        LaneKind::Other => (palette::MEDIAN, -0.04),
    };
    let points = &lane.centerline.points;
    for pair in points.windows(2) {
        let [a, b] = [&pair[0], &pair[1]].map(|p| {
            let (sin, cos) = sin_cos(p.heading);
            let across = Vec3::new(-sin, cos, 0.0) * (p.width / 2.0);
            let middle = Vec3::new(p.position.x, p.position.y, p.z + z);
            (middle + across, middle - across)
        });
        surface.quad([a.0, a.1, b.1, b.0], rgb);
    }
}

/// A point `d` metres to the left of the lane's middle.
fn beside(lane: &Lane, s: f64, d: f64, z: f64) -> Vec3 {
    let at = lane.centerline.at(s);
    let (sin, cos) = sin_cos(at.heading);
    Vec3::new(at.position.x - sin * d, at.position.y + cos * d, at.z + z)
}

fn stop_lines(lane: &Lane, surface: &mut Surface) {
    for control in &lane.controls {
        let half = lane.centerline.at(control.stop_s).width / 2.0 - 0.15;
        let corner = |s: f64, d: f64| beside(lane, s, d, CROSSWALK_Z);
        let (from, to) = (control.stop_s - 0.2, control.stop_s + 0.2);
        surface.quad(
            [corner(from, half), corner(from, -half), corner(to, -half), corner(to, half)],
            palette::PAINT,
        );
    }
}

/// White bars, half a metre wide and half a metre apart, across the way that pedestrians walk.
fn zebra(crosswalk: &Crosswalk, surface: &mut Surface) {
    let (from, to) = crosswalk.axis;
    let length = (to - from).norm();
    if length < 1.0 {
        return;
    }
    let along = (to - from) / length;
    let across = Vec2::new(-along.y, along.x);
    let reach = |v: &Vec2| (v - from).dot(&across).abs();
    let half = crosswalk.polygon.vertices.iter().map(reach).fold(0.0, f64::max);
    let corner = |s: f64, d: f64| {
        let p = from + along * s + across * d;
        Vec3::new(p.x, p.y, CROSSWALK_Z)
    };
    let mut s = 0.25;
    while s + 0.5 <= length {
        surface.quad(
            [corner(s, half), corner(s, -half), corner(s + 0.5, -half), corner(s + 0.5, half)],
            palette::PAINT,
        );
        s += 1.0;
    }
}

/// The painted lines: of each lane the right one, and the left one where no other lane draws it as its own right one.
fn marks(stage: &Stage, map: &Map) -> Result<(), ViewerError> {
    let (mut strips, mut colors) = (Vec::new(), Vec::new());
    for lane in map.lanes() {
        let left_is_free = lane.left.is_none_or(|beside| !beside.same_direction && lane.id < beside.lane);
        for (mark, side) in [(Some(lane.right_mark), -0.5), (left_is_free.then_some(lane.left_mark), 0.5)] {
            let Some(mark) = mark else { continue };
            let dashed = match mark.kind {
                MarkKind::None | MarkKind::Curb | MarkKind::Other => continue,
                MarkKind::Broken | MarkKind::BrokenBroken => true,
                _ => false,
            };
            let rgb = if mark.color == MarkColor::Yellow { palette::YELLOW_PAINT } else { palette::PAINT };
            let before = strips.len();
            line(lane, side, dashed, &mut strips);
            colors.extend((before..strips.len()).map(|_| palette::color(rgb)));
        }
    }
    let lines =
        rerun::LineStrips3D::new(strips).with_colors(colors).with_radii([Radius::new_scene_units(0.07)]);
    stage.draw_static(stage::MARKS, &lines)
}

/// The edge of a lane (`side` half a width to the left or right) as one line or as dashes.
fn line(lane: &Lane, side: f64, dashed: bool, strips: &mut Vec<Vec<[f32; 3]>>) {
    let edge = |s: f64| {
        let width = lane.centerline.at(s).width;
        stage::xyz(beside(lane, s, side * width, MARK_Z))
    };
    if !dashed {
        strips.push(lane.centerline.points.iter().map(|p| edge(p.s)).collect());
        return;
    }
    let mut s = GAP_M / 2.0;
    while s < lane.length {
        let end = (s + DASH_M).min(lane.length);
        strips.push([s, (s + end) / 2.0, end].into_iter().map(edge).collect());
        s += DASH_M + GAP_M;
    }
}

fn middle(object: &MapObject) -> Pose3 {
    Pose3::from_pose2(&object.pose, object.z + object.height / 2.0)
}

fn buildings(stage: &Stage, map: &Map) -> Result<(), ViewerError> {
    let is_block = |o: &&MapObject| {
        matches!(o.kind, ObjectKind::Building | ObjectKind::Barrier) && o.radius <= 0.0 && o.height > 0.0
    };
    let blocks: Vec<&MapObject> = map.objects().iter().filter(is_block).collect();
    let colors = blocks.iter().enumerate().map(|(i, o)| {
        let rgb = if o.kind == ObjectKind::Building {
            palette::BUILDINGS[i % palette::BUILDINGS.len()]
        } else {
            palette::POLE
        };
        palette::color(rgb)
    });
    let boxes = rerun::Boxes3D::from_centers_and_half_sizes(
        blocks.iter().map(|o| stage::xyz(middle(o).translation)),
        blocks.iter().map(|o| [o.length as f32 / 2.0, o.width as f32 / 2.0, o.height as f32 / 2.0]),
    )
    .with_quaternions(blocks.iter().map(|o| stage::quaternion(&middle(o))))
    .with_colors(colors)
    .with_fill_mode(FillMode::Solid);
    stage.draw_static(stage::BUILDINGS, &boxes)
}

fn trees(stage: &Stage, map: &Map) -> Result<(), ViewerError> {
    let green = |o: &&MapObject| matches!(o.kind, ObjectKind::Tree | ObjectKind::Vegetation);
    let plants: Vec<&MapObject> = map.objects().iter().filter(green).collect();
    let crown = |o: &&MapObject| {
        // A tree is a crown over a trunk, a bush is all crown.
        let share = if o.kind == ObjectKind::Tree { 0.62 } else { 1.0 };
        let half = (o.height * share / 2.0).max(0.2);
        let spread =
            if o.radius > 0.0 { o.radius.max(0.3 * o.height * share) } else { o.width.max(o.length) / 2.0 };
        let center = Vec3::new(o.pose.x, o.pose.y, o.z + o.height - half);
        (stage::xyz(center), [spread as f32, spread as f32, half as f32])
    };
    let crowns = rerun::Ellipsoids3D::from_centers_and_half_sizes(
        plants.iter().map(|o| crown(o).0),
        plants.iter().map(|o| crown(o).1),
    )
    .with_colors([palette::color(palette::TREE)])
    .with_fill_mode(FillMode::Solid);
    stage.draw_static(stage::TREES, &crowns)
}

/// Poles, trunks, and the posts of signals.
fn posts(stage: &Stage, map: &Map) -> Result<(), ViewerError> {
    let mut strips: Vec<[[f32; 3]; 2]> = Vec::new();
    for object in map.objects() {
        if matches!(object.kind, ObjectKind::Pole | ObjectKind::Tree) {
            let foot = Vec3::new(object.pose.x, object.pose.y, object.z);
            let share = if object.kind == ObjectKind::Tree { 0.5 } else { 1.0 };
            strips.push([foot, foot + Vec3::new(0.0, 0.0, object.height * share)].map(stage::xyz));
        }
    }
    for signal in map.signals() {
        let top = signal.position;
        strips.push([Vec3::new(top.x, top.y, 0.0), top].map(stage::xyz));
    }
    let lines = rerun::LineStrips3D::new(strips)
        .with_colors([palette::color(palette::POLE)])
        .with_radii([Radius::new_scene_units(0.08)]);
    stage.draw_static(stage::POSTS, &lines)
}

/// Draws the ego car as a body and a cabin, in `base_link`.
pub(crate) fn draw_ego(
    stage: &Stage,
    length_m: f64,
    width_m: f64,
    height_m: f64,
    rear_overhang_m: f64,
) -> Result<(), ViewerError> {
    let (length, width, height) = (length_m as f32, width_m as f32, height_m as f32);
    let middle = length / 2.0 - rear_overhang_m as f32;
    let (belt, floor) = (0.58 * height, 0.14 * height);
    let body_z = (belt + floor) / 2.0;
    let cabin = (height - belt) / 2.0;
    let boxes = rerun::Boxes3D::from_centers_and_half_sizes(
        [[middle, 0.0, body_z], [middle - 0.06 * length, 0.0, belt + cabin]],
        [[length / 2.0, width / 2.0, (belt - floor) / 2.0], [0.26 * length, 0.44 * width, cabin]],
    )
    .with_colors([palette::color(palette::EGO_BODY), palette::color(palette::EGO_CABIN)])
    .with_fill_mode(FillMode::Solid);
    stage.draw_static(stage::EGO_BODY, &boxes)
}

/// Where the map's traffic lights are, by signal.
pub(crate) fn lamps(map: &Map) -> BTreeMap<u32, [f32; 3]> {
    map.signals()
        .iter()
        .filter(|signal| signal.kind == SignalKind::TrafficLight)
        .map(|signal| (signal.id.0, stage::xyz(signal.position)))
        .collect()
}

/// Draws lamps: those that truly burn at the lights, those that the stack sees above them. Signals that the map does not have are
/// left out.
pub(crate) fn draw_lamps(
    stage: &Stage,
    entity: &str,
    time: LogicalTime,
    lamps: &BTreeMap<u32, [f32; 3]>,
    burning: &[(u32, u8)],
) -> Result<(), ViewerError> {
    let lift = if entity == stage::SEEN_LIGHTS { 0.8 } else { 0.0 };
    let known = burning.iter().filter_map(|(signal, color)| Some((lamps.get(signal)?, color)));
    let points = rerun::Points3D::new(known.clone().map(|([x, y, z], _)| [*x, *y, *z + lift]))
        .with_colors(known.map(|(_, color)| palette::color(palette::lamp(*color))))
        .with_radii([Radius::new_scene_units(if lift > 0.0 { 0.22 } else { 0.34 })]);
    stage.draw(entity, time, &points)
}
