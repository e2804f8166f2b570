//! Lays the lanes of a section out along the reference line: the middle of every strip, sampled.

use crate::opendrive::{Road, Section, Value, WrittenLane};
use crate::{CenterPoint, Centerline};
use auriga_geometry::Vec2;
use auriga_geometry::math::{PI, atan2, sin_cos, tan, wrap_angle};

/// Greatest distance between samples, metres; a little under the promised 1 m.
const SPACING: f64 = 0.98;
/// Greatest distance of a chord from its arc, metres; a little under the promised 2 cm.
const SAGITTA: f64 = 0.018;
/// Least step between samples: a point that does not move still has an ascending `s`.
const STEP_MIN: f64 = 1e-6;

/// A lane of a section, in driving direction.
pub(super) struct Strip {
    pub number: i32,
    pub centerline: Centerline,
    /// The reference line's `s` at each sample.
    pub stations: Vec<f64>,
}

/// The middle of a strip at one `s` of the reference line, heading along it.
#[derive(Clone, Copy)]
struct Sample {
    point: CenterPoint,
    /// Metres along the middle per metre of `s`.
    rate: f64,
}

/// The middle of a strip so far.
#[derive(Default)]
struct Trace {
    points: Vec<CenterPoint>,
    stations: Vec<f64>,
    last_rate: f64,
}

impl Trace {
    fn begin_interval(&mut self, station: f64, sample: &Sample) {
        // Where two intervals meet, the later one's point stands.
        let s = self.points.pop().map_or(0.0, |last| last.s);
        self.stations.pop();
        self.points.push(CenterPoint { s, ..sample.point });
        self.stations.push(station);
        self.last_rate = sample.rate;
    }

    /// The arc length of a step is Simpson's rule on its rates.
    fn step(&mut self, station: f64, h: f64, middle: &Sample, sample: &Sample) {
        let from = self.points.last().map_or(0.0, |last| last.s);
        let length = (h / 6.0 * (self.last_rate + 4.0 * middle.rate + sample.rate)).max(STEP_MIN);
        self.points.push(CenterPoint { s: from + length, ..sample.point });
        self.stations.push(station);
        self.last_rate = sample.rate;
    }

    fn into_centerline(mut self, forward: bool) -> Option<(Centerline, Vec<f64>)> {
        if !forward {
            let length = self.points.last()?.s;
            self.points.reverse();
            self.stations.reverse();
            for point in &mut self.points {
                point.s = length - point.s;
                point.heading = wrap_angle(point.heading + PI);
                point.curvature = -point.curvature;
            }
        }
        Some((Centerline::new(self.points)?, self.stations))
    }
}

/// All strips of a section; the centre lane has none.
pub(super) fn lay_out(road: &Road, section: &Section) -> Vec<Strip> {
    let lanes: Vec<&WrittenLane> = outward(section).collect();
    let mut traces: Vec<Trace> = lanes.iter().map(|_| Trace::default()).collect();
    let (mut row, mut middle) = (Vec::with_capacity(lanes.len()), Vec::with_capacity(lanes.len()));
    for interval in breaks(road, section).windows(2) {
        let (low, high) = (interval[0], interval[1]);
        let inside = 0.5 * (low + high);
        let steps = steps(road, &lanes, low, high);
        let h = (high - low) / steps as f64;
        cross_section(road, &lanes, low, inside, &mut row);
        traces.iter_mut().zip(&row).for_each(|(trace, sample)| trace.begin_interval(low, sample));
        for step in 1..=steps {
            let s = if step == steps { high } else { low + h * step as f64 };
            cross_section(road, &lanes, s - 0.5 * h, inside, &mut middle);
            cross_section(road, &lanes, s, inside, &mut row);
            for ((trace, middle), sample) in traces.iter_mut().zip(&middle).zip(&row) {
                trace.step(s, h, middle, sample);
            }
        }
    }
    let strip = |(lane, trace): (&&WrittenLane, Trace)| {
        let (centerline, stations) = trace.into_centerline(road.runs_forward(lane.number))?;
        Some(Strip { number: lane.number, centerline, stations })
    };
    lanes.iter().zip(traces).filter_map(strip).collect()
}

/// The lanes from the centre outwards, first to the left, then to the right.
fn outward(section: &Section) -> impl Iterator<Item = &WrittenLane> {
    let left = section.lanes.range(1..).map(|(_, lane)| lane);
    let right = section.lanes.range(..0).rev().map(|(_, lane)| lane);
    left.chain(right)
}

/// Where the pieces of all functions of `s` begin, with both ends of the section.
fn breaks(road: &Road, section: &Section) -> Vec<f64> {
    let (low, high) = (section.start, section.end.max(section.start + STEP_MIN));
    let mut breaks = vec![low, high];
    road.line.breaks(low, high, &mut breaks);
    for profile in [&road.lane_offset, &road.elevation, &road.superelevation] {
        profile.breaks(low, high, &mut breaks);
    }
    for lane in section.lanes.values() {
        lane.width.breaks(low, high, &mut breaks);
        lane.border.breaks(low, high, &mut breaks);
    }
    breaks.sort_by(f64::total_cmp);
    breaks.dedup_by(|later, earlier| *later - *earlier < STEP_MIN);
    // The last break is the section's end, even where a piece begins just before it.
    if let Some(last) = breaks.last_mut() {
        *last = high;
    }
    if breaks.len() < 2 { vec![low, high] } else { breaks }
}

/// How many steps keep every strip within spacing and sagitta.
fn steps(road: &Road, lanes: &[&WrittenLane], low: f64, high: f64) -> usize {
    let mut density = 1.0 / SPACING;
    let mut row = Vec::with_capacity(lanes.len());
    for ratio in [0.0, 0.25, 0.5, 0.75, 1.0] {
        cross_section(road, lanes, low + ratio * (high - low), 0.5 * (low + high), &mut row);
        for sample in &row {
            // A chord of length c over curvature k lies k·c²/8 off the arc.
            let by_sagitta = (sample.point.curvature.abs() / (8.0 * SAGITTA)).sqrt();
            density = density.max(sample.rate * by_sagitta.max(1.0 / SPACING));
        }
    }
    // No closer than 5 cm: a strip that folds over itself has no bounded curvature.
    1 + ((high - low) * density.min(20.0)) as usize
}

/// The middle of every strip at `s`, from the pieces in force at `inside`.
///
/// With the reference line's frame (T, N), curvature κ and a strip's middle at t: its derivative by `s` is
/// (1 − κt)·T + t′·N, the second one −(κ′t + 2κt′)·T + (κ(1 − κt) + t″)·N.
fn cross_section(road: &Road, lanes: &[&WrittenLane], s: f64, inside: f64, out: &mut Vec<Sample>) {
    out.clear();
    let line = road.line.at(s, inside);
    let (sin, cos) = sin_cos(line.heading);
    let normal = Vec2::new(-sin, cos);
    let elevation = road.elevation.at(s, inside).value;
    let roll = tan(road.superelevation.at(s, inside).value);
    let offset = road.lane_offset.at(s, inside);
    let (mut edge, mut side) = (offset, 1.0);
    for lane in lanes {
        let lane_side = if lane.number > 0 { 1.0 } else { -1.0 };
        if lane_side != side {
            (edge, side) = (offset, lane_side);
        }
        let outer = outer_edge(lane, s, inside, &edge, &offset, side);
        let t = Value::constant(0.0).plus(edge, 0.5).plus(outer, 0.5);
        let along = line.rate * (1.0 - line.curvature * t.value);
        let across = t.first;
        let rate = (along * along + across * across).sqrt();
        let bend_along = -(line.curvature_rate * t.value + 2.0 * line.curvature * across);
        let bend_across = line.curvature * along * line.rate + t.second;
        let cube = rate * rate * rate;
        let curvature = if cube > 1e-9 { (along * bend_across - across * bend_along) / cube } else { 0.0 };
        let point = CenterPoint {
            s: 0.0,
            position: line.position + normal * t.value,
            z: elevation + t.value * roll + lane.height,
            heading: wrap_angle(line.heading + atan2(across, along)),
            curvature,
            width: (outer.value - edge.value).abs(),
        };
        out.push(Sample { point, rate });
        edge = outer;
    }
}

/// The outer edge of a lane: its border if it has one and no width, else its inner edge plus its width (never below zero).
fn outer_edge(lane: &WrittenLane, s: f64, inside: f64, inner: &Value, offset: &Value, side: f64) -> Value {
    if lane.width.is_empty() && !lane.border.is_empty() {
        let mut border = lane.border.at(s, inside);
        if border.value * side < 0.0 {
            border = Value::constant(0.0).plus(border, -1.0);
        }
        return offset.plus(border, 1.0);
    }
    let width = lane.width.at(s, inside);
    if width.value > 0.0 { inner.plus(width, side) } else { *inner }
}
