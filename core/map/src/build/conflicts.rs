//! Which ways through a junction cross or merge, and who gives way.
//!
//! In this order: `<priority>` in the file; oncoming traffic and turns where both are under lights; stop and give-way signs;
//! right before left; a turn across the oncoming lane gives way. (Vienna Convention on Road Traffic, articles 16 and 18.)

use super::approaches;
use crate::{CenterPoint, Centerline, Conflict, Junction, Lane, LaneId, LaneKind, Signal, SignalKind};
use auriga_geometry::Vec2;
use auriga_geometry::math::{PI, sin_cos, wrap_angle};

/// Strips that overlap by less than this are beside one another, metres.
const MARGIN: f64 = 0.3;
/// Distance between the cross-sections that are looked at, metres.
const STEP: f64 = 0.5;
/// A way that turns by more than this is a turn, radians.
const TURN: f64 = 0.5;

/// Whether traffic keeps left on a lane's road.
pub(crate) type KeepsLeft<'a> = dyn Fn(&Lane) -> bool + 'a;

/// Finds the conflicts of all junctions; `priorities` has, for each, pairs of (road with the right of way, road that gives
/// way).
pub(crate) fn find(
    junctions: &[Junction],
    priorities: &[Vec<(String, String)>],
    keeps_left: &KeepsLeft,
    signals: &[Signal],
    lanes: &mut [Lane],
) {
    for (junction, priorities) in junctions.iter().zip(priorities) {
        let ways: Vec<Way> = junction
            .lanes
            .iter()
            .filter(|id| lanes[id.index()].kind == LaneKind::Driving)
            .map(|&id| Way::new(id, keeps_left, signals, lanes))
            .collect();
        for (i, a) in ways.iter().enumerate() {
            for b in &ways[i + 1..] {
                if a.incoming.iter().any(|lane| b.incoming.contains(lane)) {
                    continue;
                }
                let (line_a, line_b) = (&lanes[a.lane.index()].centerline, &lanes[b.lane.index()].centerline);
                if !line_a.may_touch(line_b) {
                    continue;
                }
                let Some(on_a) = overlap(line_a, line_b) else { continue };
                let Some(on_b) = overlap(line_b, line_a) else { continue };
                let yielder = yielder(a, b, priorities);
                let conflict = |range: (f64, f64), lane, yields| Conflict {
                    lane,
                    s_start: range.0,
                    s_end: range.1,
                    yields,
                };
                lanes[a.lane.index()].conflicts.push(conflict(on_a, b.lane, yielder == Some(a.lane)));
                lanes[b.lane.index()].conflicts.push(conflict(on_b, a.lane, yielder == Some(b.lane)));
            }
        }
    }
    for lane in lanes {
        lane.conflicts.sort_by_key(|conflict| conflict.lane);
    }
}

/// What a driver on a way through a junction goes by. Angles are mirrored where traffic keeps left.
struct Way {
    lane: LaneId,
    road: String,
    incoming_road: Option<String>,
    incoming: Vec<LaneId>,
    entry: Vec2,
    heading: f64,
    /// Radians turned, positive across the oncoming traffic.
    turn: f64,
    mirror: f64,
    light: bool,
    groups: Vec<u32>,
    sign: bool,
}

impl Way {
    fn new(id: LaneId, keeps_left: &KeepsLeft, signals: &[Signal], lanes: &[Lane]) -> Self {
        let lane = &lanes[id.index()];
        let first = lane.centerline.points[0];
        let last = lane.centerline.points[lane.centerline.points.len() - 1];
        let approaches = approaches(id, lanes);
        let mirror = if keeps_left(lane) { -1.0 } else { 1.0 };
        let (mut light, mut sign, mut groups) = (false, false, Vec::new());
        for (incoming, entry) in &approaches {
            for control in &lanes[incoming.index()].controls {
                if !control.movements.is_empty() && !control.movements.contains(entry) {
                    continue;
                }
                let signal = &signals[control.signal.index()];
                light |= signal.kind == SignalKind::TrafficLight;
                sign |= matches!(signal.kind, SignalKind::StopSign | SignalKind::YieldSign);
                groups.extend(signal.controller);
            }
        }
        Self {
            lane: id,
            road: lane.key.road.clone(),
            incoming_road: approaches.first().map(|(incoming, _)| lanes[incoming.index()].key.road.clone()),
            incoming: approaches.iter().map(|(incoming, _)| *incoming).collect(),
            entry: first.position,
            heading: first.heading,
            turn: mirror * wrap_angle(last.heading - first.heading),
            mirror,
            light,
            groups,
            sign,
        }
    }

    fn crosses_oncoming(&self) -> bool {
        self.turn > TURN
    }
}

/// Who of two gives way; `None` where a light keeps them apart.
fn yielder(a: &Way, b: &Way, priorities: &[(String, String)]) -> Option<LaneId> {
    let ranked_below = |low: &Way, high: &Way| {
        priorities.iter().any(|(h, l)| {
            (*h == high.road && *l == low.road)
                || (Some(h) == high.incoming_road.as_ref() && Some(l) == low.incoming_road.as_ref())
        })
    };
    if ranked_below(a, b) != ranked_below(b, a) {
        return Some(if ranked_below(a, b) { a.lane } else { b.lane });
    }
    let both_lit = a.light && b.light;
    if !both_lit && a.sign != b.sign {
        return Some(if a.sign { a.lane } else { b.lane });
    }
    // The way that b is driven, as seen by a: a quarter turn to the left comes from the right.
    let relative = a.mirror * wrap_angle(b.heading - a.heading);
    if relative.abs() > 0.75 * PI {
        return Some(match (a.crosses_oncoming(), b.crosses_oncoming()) {
            (true, false) => a.lane,
            (false, true) => b.lane,
            _ => a.lane.max(b.lane),
        });
    }
    if relative.abs() < 0.25 * PI {
        return Some(merging(a, b));
    }
    if both_lit && !a.groups.iter().any(|group| b.groups.contains(group)) {
        return None;
    }
    Some(if relative > 0.0 { a.lane } else { b.lane })
}

/// Side by side: who turns more gives way; else who comes from the left.
fn merging(a: &Way, b: &Way) -> LaneId {
    let difference = a.turn.abs() - b.turn.abs();
    if difference.abs() > 0.1 {
        return if difference > 0.0 { a.lane } else { b.lane };
    }
    let (sin, cos) = sin_cos(a.heading);
    let b_to_the_left = a.mirror * Vec2::new(cos, sin).perp(&(b.entry - a.entry)) > 0.0;
    if b_to_the_left { b.lane } else { a.lane }
}

/// The stretch of strip `a` that lies on strip `b`.
pub(crate) fn overlap(a: &Centerline, b: &Centerline) -> Option<(f64, f64)> {
    let length = a.length();
    let steps = 1 + (length / STEP) as usize;
    let mut range: Option<(f64, f64)> = None;
    let (mut i, mut near) = (0, 0);
    while i <= steps {
        let s = length * i as f64 / steps as f64;
        i += 1;
        let at = a.at(s);
        near = b.nearest_index_near(at.position, near);
        let nearest = b.points[near];
        let distance = (nearest.position - at.position).norm();
        if distance > 0.5 * (at.width + nearest.width) + 1.0 {
            // Over the next cross-sections the distance can't shrink by more than the way between them.
            let too_far = distance - 0.5 * (a.width_max() + b.width_max()) - 1.0;
            i += (too_far / STEP).max(0.0) as usize;
            continue;
        }
        let half = 0.5 * (at.width - MARGIN).max(0.0);
        // No corner of the cross-section is nearer than this.
        let least = distance - b.spacing_max() - half;
        if least > 0.5 * (b.width_max() - MARGIN) + 0.1 {
            continue;
        }
        let (sin, cos) = sin_cos(at.heading);
        let on_b = clearly_inside(b, near, distance)
            || [-half, -0.5 * half, 0.0, 0.5 * half, half]
                .iter()
                .any(|&d| contains(b, at.position + Vec2::new(-sin, cos) * d, near));
        if on_b {
            range = Some(range.map_or((s, s), |(start, _)| (start, s)));
        }
    }
    let reach = STEP / 2.0;
    range.map(|(start, end)| ((start - reach).max(0.0), (end + reach).min(length)))
}

/// Whether a point is on a strip, beyond the margin; `near` is a sample that is not far.
fn contains(strip: &Centerline, point: Vec2, near: usize) -> bool {
    let points = &strip.points;
    let nearest = strip.nearest_index_near(point, near);
    let distance = (points[nearest].position - point).norm();
    if clearly_inside(strip, nearest, distance) {
        return true;
    }
    // Every place of the middle is within a sample's spacing of a sample: most points need no closer look.
    let wide = around(strip, nearest).iter().map(|p| p.width).fold(0.0, f64::max);
    if distance - strip.spacing_max() > 0.5 * (wide - MARGIN) + 0.1 {
        return false;
    }
    let (at, d) = strip.project_near(point, nearest, 0, points.len() - 1);
    let (sin, cos) = sin_cos(at.heading);
    let ahead = Vec2::new(cos, sin).dot(&(point - at.position));
    d.abs() < 0.5 * (at.width - MARGIN) && ahead.abs() < 0.05
}

/// Whether a point is on a strip beyond doubt: `distance` from the nearest sample, which is not near an end.
fn clearly_inside(strip: &Centerline, nearest: usize, distance: f64) -> bool {
    let inside = nearest >= 3 && nearest + 3 < strip.points.len();
    let calm = strip.points[nearest].curvature.abs() * distance < 0.5;
    let narrow = || around(strip, nearest).iter().map(|p| p.width).fold(f64::INFINITY, f64::min);
    inside && calm && distance < 0.5 * (narrow() - MARGIN) - 0.1
}

/// The samples around one.
fn around(strip: &Centerline, nearest: usize) -> &[CenterPoint] {
    &strip.points[nearest.saturating_sub(3)..(nearest + 4).min(strip.points.len())]
}
