//! Where the sensor is at every column of a turn, and the window of columns and beams that an object can be seen in.

use crate::sense::mesh::Vec3f;
use crate::world::WorldSnapshot;
use auriga_geometry::math::{PI, TAU, atan2, sin_cos};
use auriga_geometry::{LogicalTime, Pose3, Vec3};
use auriga_hal::LidarRig;
use nalgebra::Matrix3;

/// A rotation matrix and a translation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rigid {
    pub rotation: Matrix3<f64>,
    pub translation: Vec3,
}

impl Rigid {
    pub(super) fn of(pose: &Pose3) -> Self {
        Self { rotation: *pose.rotation.to_rotation_matrix().matrix(), translation: pose.translation }
    }

    /// Between two poses a tick apart. The mean of two rotation matrices is off by the square of the angle between them over
    /// 8: 10 ms at 1 rad/s make 1e-5.
    #[inline]
    pub(super) fn mix(&self, other: &Self, ratio: f64) -> Self {
        Self {
            rotation: self.rotation + (other.rotation - self.rotation) * ratio,
            translation: self.translation + (other.translation - self.translation) * ratio,
        }
    }

    #[inline]
    pub(super) fn localize(&self, point: &Vec3) -> Vec3 {
        self.rotation.tr_mul(&(point - self.translation))
    }
}

/// One firing of all beams.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    /// The sensor in the map frame.
    pub origin: Vec3,
    /// The level direction of this column, and the sensor's up, in the map frame.
    pub ahead: Vec3,
    pub up: Vec3,
    /// The same direction in the sensor's frame: cosine and sine of the azimuth.
    pub azimuth: (f32, f32),
    /// Between which two snapshots, and how far between them.
    pub tick: usize,
    pub ratio: f64,
    /// Nanoseconds after the start of the turn.
    pub nanos: u32,
}

/// Columns `first`, `first + 1`, … (modulo the number of columns) and beams from `beams.0` up to `beams.1`, exclusive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Window {
    pub first: usize,
    pub count: usize,
    pub beams: (usize, usize),
    /// No point of the object is nearer than this, metres.
    pub near: f32,
}

/// The turn's geometry; its buffers are reused.
#[derive(Clone, Debug)]
pub(super) struct Sweep {
    pub columns: Vec<Column>,
    /// Cosine and sine of each beam's elevation.
    pub beams: Vec<(f32, f32)>,
    /// First instant of the turn.
    pub start: LogicalTime,
    mount: Pose3,
    period_nanos: i64,
    lowest: f64,
    beam_step: f64,
    range_most: f64,
    /// The sensor at the first, middle and last instant.
    ends: [Rigid; 3],
    ticks: Vec<(i64, Rigid)>,
}

impl Sweep {
    pub(super) fn new(rig: &LidarRig) -> Self {
        let (lowest, highest) = (rig.lowest_deg.to_radians(), rig.highest_deg.to_radians());
        let beam_step = (highest - lowest) / (rig.beams.max(2) - 1) as f64;
        let still = Rigid::of(&Pose3::default());
        let column = |i: usize| {
            let azimuth = PI - TAU * (i as f64 + 0.5) / rig.columns as f64;
            let (sin, cos) = sin_cos(azimuth);
            Column {
                origin: Vec3::zeros(),
                ahead: Vec3::x(),
                up: Vec3::z(),
                azimuth: (cos as f32, sin as f32),
                tick: 0,
                ratio: 0.0,
                nanos: 0,
            }
        };
        let beam = |i: usize| {
            let (sin, cos) = sin_cos(lowest + beam_step * i as f64);
            (cos as f32, sin as f32)
        };
        Self {
            columns: (0..rig.columns).map(column).collect(),
            beams: (0..rig.beams).map(beam).collect(),
            start: LogicalTime::ZERO,
            mount: rig.pose.to_pose3(),
            period_nanos: (1e9 / rig.rate_hz) as i64,
            lowest,
            beam_step,
            range_most: rig.range_most_m,
            ends: [still; 3],
            ticks: Vec::new(),
        }
    }

    /// Places every column in time and in the map. `snapshots` must not be empty.
    pub(super) fn follow(&mut self, snapshots: &[WorldSnapshot]) {
        let Some(last) = snapshots.last() else { return };
        let end = last.time.as_nanos();
        let start = end - self.period_nanos;
        self.start = LogicalTime::from_nanos(start);
        self.ticks.clear();
        self.ticks.extend(
            snapshots.iter().map(|s| (s.time.as_nanos(), Rigid::of(&s.ego.pose.compose(&self.mount)))),
        );
        let count = self.columns.len() as i64;
        let mut tick = 0;
        for (i, column) in self.columns.iter_mut().enumerate() {
            let nanos = (2 * i as i64 + 1) * self.period_nanos / (2 * count);
            let now = start + nanos;
            while tick + 2 < self.ticks.len() && self.ticks[tick + 1].0 <= now {
                tick += 1;
            }
            let (at, next) = (&self.ticks[tick], &self.ticks[(tick + 1).min(self.ticks.len() - 1)]);
            // Beyond the snapshots' span the motion goes on as it was.
            let ratio = if next.0 > at.0 { (now - at.0) as f64 / (next.0 - at.0) as f64 } else { 0.0 };
            let sensor = at.1.mix(&next.1, ratio);
            let (cos, sin) = (f64::from(column.azimuth.0), f64::from(column.azimuth.1));
            column.origin = sensor.translation;
            column.ahead = sensor.rotation * Vec3::new(cos, sin, 0.0);
            column.up = sensor.rotation.column(2).into();
            (column.tick, column.ratio, column.nanos) = (tick, ratio, nanos as u32);
            if i == 0 {
                self.ends[0] = sensor;
            } else if i as i64 == count / 2 {
                self.ends[1] = sensor;
            }
            self.ends[2] = sensor;
        }
    }

    /// The window of an object whose box (`low` to `high` in its own frame) has the poses `places` at the first, middle and
    /// last instant of the turn. `None`: out of range, or above or below all beams.
    pub(super) fn window(&self, places: [&Rigid; 3], low: Vec3f, high: Vec3f) -> Option<Window> {
        let (low, high) = (low.cast::<f64>(), high.cast::<f64>());
        let middle =
            self.ends[1].localize(&(places[1].rotation * ((low + high) / 2.0) + places[1].translation));
        let reference = atan2(middle.y, middle.x);
        let reach = (high - low).norm() / 2.0;
        if middle.norm() - reach > self.range_most + 6.0 {
            return None;
        }
        let (mut left, mut right) = (f64::NEG_INFINITY, f64::INFINITY);
        let (mut bottom, mut top) = (f64::INFINITY, f64::NEG_INFINITY);
        let (mut near, mut far) = (f64::INFINITY, 0.0_f64);
        for (sensor, place) in self.ends.iter().zip(places) {
            let eye = place.localize(&sensor.translation);
            let gap = |k: usize| (low[k] - eye[k]).max(eye[k] - high[k]).max(0.0);
            near = near.min((gap(0) * gap(0) + gap(1) * gap(1)).sqrt());
            for i in 0..8 {
                let pick = |k: usize| if (i >> k) & 1 == 0 { low[k] } else { high[k] };
                let corner = place.rotation * Vec3::new(pick(0), pick(1), pick(2)) + place.translation;
                let p = sensor.localize(&corner);
                let turn = auriga_geometry::math::wrap_angle(atan2(p.y, p.x) - reference);
                (left, right) = (left.max(turn), right.min(turn));
                (bottom, top) = (bottom.min(p.z), top.max(p.z));
                far = far.max((p.x * p.x + p.y * p.y).sqrt());
            }
        }
        if near > self.range_most {
            return None;
        }
        // A little wider: between these instants the object may stray from what it covers at them.
        let margin = 0.004;
        let close = (near * 0.98 - 0.05).max(0.05);
        let elevation = |z: f64, outward: bool| atan2(z, if outward { close } else { far });
        let lowest = elevation(bottom, bottom < 0.0) - margin;
        let highest = elevation(top, top > 0.0) + margin;
        let beams = self.beams.len() as f64;
        let first_beam = ((lowest - self.lowest) / self.beam_step).ceil().clamp(0.0, beams) as usize;
        let past_beam = (((highest - self.lowest) / self.beam_step).floor() + 1.0).clamp(0.0, beams) as usize;
        if first_beam >= past_beam {
            return None;
        }
        let columns = self.columns.len();
        let beams = (first_beam, past_beam);
        let near_f32 = (near * 0.98 - 0.05).max(0.0) as f32;
        if near < 0.6 || left - right > PI {
            return Some(Window { first: 0, count: columns, beams, near: near_f32 });
        }
        let per_radian = columns as f64 / TAU;
        let from = ((PI - (reference + left + margin)) * per_radian).floor();
        let to = ((PI - (reference + right - margin)) * per_radian).ceil();
        let count = ((to - from) as usize + 1).min(columns);
        let first = (from as i64).rem_euclid(columns as i64) as usize;
        Some(Window { first, count, beams, near: near_f32 })
    }
}
