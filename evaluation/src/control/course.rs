//! A path to follow, sampled finely, and when to be where on it.

use auriga_geometry::math::{angle_difference, atan2, lerp, sin_cos};
use auriga_geometry::{Pose2, Vec2, segment_distance};

/// Distance between samples, metres.
const SAMPLE_M: f64 = 0.1;

/// A path of curvature given at every sample.
#[derive(Clone, Debug, Default)]
pub struct Course {
    poses: Vec<Pose2>,
    curvatures: Vec<f64>,
    /// Metres between samples.
    step: f64,
}

/// Where a car is beside a course.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Beside {
    /// Metres along.
    pub s: f64,
    /// Metres to the left.
    pub lateral: f64,
    /// Heading to the left of the path's, rad.
    pub heading: f64,
}

impl Course {
    /// The course of a length (m) whose curvature (1/m) at `s` metres is given; it starts at the origin towards x.
    #[must_use]
    pub fn of_curvature(length: f64, curvature: impl Fn(f64) -> f64) -> Self {
        let count = (length / SAMPLE_M).ceil().clamp(1.0, 1e6) as usize;
        let mut course =
            Self { poses: vec![Pose2::default()], curvatures: vec![curvature(0.0)], step: SAMPLE_M };
        let mut pose = Pose2::default();
        for i in 0..count {
            let s = i as f64 * SAMPLE_M;
            // Simpson's rule for the turn; the chord at the heading half-way, shortened as an arc's.
            let (start, middle, end) = (curvature(s), curvature(s + 0.5 * SAMPLE_M), curvature(s + SAMPLE_M));
            let turn = (start + 4.0 * middle + end) / 6.0 * SAMPLE_M;
            let half = (5.0 * start + 8.0 * middle - end) / 24.0 * SAMPLE_M;
            let (sin, cos) = sin_cos(pose.yaw + half);
            let chord = SAMPLE_M * (1.0 - turn * turn / 24.0);
            pose = Pose2::new(pose.x + chord * cos, pose.y + chord * sin, pose.yaw + turn);
            course.poses.push(pose);
            course.curvatures.push(end);
        }
        course
    }

    /// The course through positions about evenly spaced in time, smoothed over `spread` of them to each side; `None` where
    /// fewer than four remain after samples that hardly moved are left out.
    #[must_use]
    pub fn through(positions: &[Vec2], spread: usize) -> Option<Self> {
        let smooth = smoothed(positions, spread);
        let mut points: Vec<(f64, Vec2)> = Vec::new();
        for point in smooth {
            match points.last() {
                Some((s, last)) if (point - last).norm() > 0.05 => {
                    points.push((s + (point - last).norm(), point))
                }
                Some(_) => {}
                None => points.push((0.0, point)),
            }
        }
        let length = points.last().map(|last| last.0).filter(|_| points.len() >= 4)?;
        let step = 0.5;
        let count = (length / step) as usize;
        let at = |s: f64| spline(&points, s);
        let places: Vec<Vec2> = (0..=count).map(|i| at(i as f64 * step)).collect();
        let places = smoothed(&places, 6);
        let heading = |i: usize| {
            let (a, b) = (places[i.saturating_sub(1)], places[(i + 1).min(places.len() - 1)]);
            atan2(b.y - a.y, b.x - a.x)
        };
        let poses: Vec<Pose2> =
            places.iter().enumerate().map(|(i, p)| Pose2::new(p.x, p.y, heading(i))).collect();
        let curvatures = (0..poses.len())
            .map(|i| {
                let (a, b) = (&poses[i.saturating_sub(1)], &poses[(i + 1).min(poses.len() - 1)]);
                angle_difference(b.yaw, a.yaw) / a.distance(b).max(1e-6)
            })
            .collect();
        Some(Self { poses, curvatures, step })
    }

    /// Metres.
    #[must_use]
    pub fn length(&self) -> f64 {
        self.step * (self.poses.len().saturating_sub(1)) as f64
    }

    /// Pose and curvature `s` metres along; beyond its ends it goes straight on.
    #[must_use]
    pub fn at(&self, s: f64) -> (Pose2, f64) {
        let place = s / self.step;
        let last = self.poses.len() - 1;
        if place <= 0.0 || place >= last as f64 {
            let (end, over) = if place <= 0.0 { (0, s) } else { (last, s - self.length()) };
            let pose = &self.poses[end];
            let position = pose.to_parent(Vec2::new(over, 0.0));
            return (Pose2::new(position.x, position.y, pose.yaw), 0.0);
        }
        let i = (place.floor() as usize).min(last - 1);
        let ratio = place - i as f64;
        let curvature = lerp(self.curvatures[i], self.curvatures[i + 1], ratio);
        (self.poses[i].interpolate(&self.poses[i + 1], ratio), curvature)
    }

    /// The greatest curvature by magnitude between two places, 1/m.
    #[must_use]
    pub fn sharpest(&self, from: f64, to: f64) -> f64 {
        let index = |s: f64| ((s / self.step).max(0.0) as usize).min(self.curvatures.len() - 1);
        self.curvatures[index(from)..=index(to)].iter().fold(0.0, |most, k| f64::max(most, k.abs()))
    }

    /// Where `pose` is beside the course, looked for within 15 m of `near` metres along.
    #[must_use]
    pub fn beside(&self, pose: &Pose2, near: f64) -> Beside {
        let index = |s: f64| ((s / self.step).max(0.0) as usize).min(self.poses.len() - 1);
        let (from, to) = (index(near - 15.0), index(near + 15.0));
        let mut best = (f64::INFINITY, near);
        for i in from..to.max(from + 1).min(self.poses.len() - 1) {
            let (a, b) = (&self.poses[i], &self.poses[i + 1]);
            let (distance, ratio) = segment_distance(a.position(), b.position(), pose.position());
            if distance < best.0 {
                best = (distance, (i as f64 + ratio) * self.step);
            }
        }
        let (on_path, curvature) = self.at(best.1);
        let offset = on_path.to_local(pose.position());
        // The chord lies inside the arc by up to κ·l²/8.
        let ratio = best.1 / self.step - (best.1 / self.step).floor();
        let bulge = 0.5 * curvature * self.step * self.step * ratio * (1.0 - ratio);
        Beside {
            s: best.1 + offset.x,
            lateral: offset.y + bulge,
            heading: angle_difference(pose.yaw, on_path.yaw),
        }
    }
}

/// A moving mean with triangular weights over `spread` neighbours to each side; fewer at the ends.
fn smoothed(points: &[Vec2], spread: usize) -> Vec<Vec2> {
    (0..points.len())
        .map(|i| {
            let reach = spread.min(i).min(points.len() - 1 - i);
            let (mut sum, mut weight) = (Vec2::zeros(), 0.0);
            for (k, point) in points[i - reach..=i + reach].iter().enumerate() {
                let w = (1 + reach - k.abs_diff(reach)) as f64;
                sum += point * w;
                weight += w;
            }
            sum / weight
        })
        .collect()
}

/// The point `s` metres along a line of points by a Catmull-Rom spline.
fn spline(points: &[(f64, Vec2)], s: f64) -> Vec2 {
    let i = points.partition_point(|p| p.0 <= s).clamp(1, points.len() - 1);
    let (a, b) = (&points[i - 1], &points[i]);
    let span = b.0 - a.0;
    let slope = |i: usize| {
        let (before, after) = (&points[i.saturating_sub(1)], &points[(i + 1).min(points.len() - 1)]);
        (after.1 - before.1) / (after.0 - before.0)
    };
    let (m0, m1) = (slope(i - 1) * span, slope(i) * span);
    let u = ((s - a.0) / span).clamp(0.0, 1.0);
    let (u2, u3) = (u * u, u * u * u);
    a.1 * (2.0 * u3 - 3.0 * u2 + 1.0)
        + m0 * (u3 - 2.0 * u2 + u)
        + b.1 * (3.0 * u2 - 2.0 * u3)
        + m1 * (u3 - u2)
}

/// When to be where: a table of time, place, speed and acceleration.
#[derive(Clone, Debug, Default)]
pub struct Motion {
    rows: Vec<[f64; 4]>,
}

const ROW_S: f64 = 0.02;

impl Motion {
    /// At constant speed.
    #[must_use]
    pub fn steady(length: f64, speed: f64) -> Self {
        let duration = length / speed.max(0.1);
        Self { rows: vec![[0.0, 0.0, speed, 0.0], [duration, length, speed, 0.0]] }
    }

    /// From standstill to a speed and to standstill again at the end, at an acceleration that comes and goes in `rise` s.
    #[must_use]
    pub fn from_stand_to_stand(length: f64, speed: f64, acceleration: f64, rise: f64) -> Self {
        let mut rows = vec![[0.0; 4]];
        let (mut s, mut v, mut a) = (0.0_f64, 0.0_f64, 0.0_f64);
        let jerk = acceleration / rise * ROW_S;
        for i in 1..100_000 {
            // What braking from here would take, and a little for the brake to come and go.
            let braking = v * v / (2.0 * acceleration) + 0.5 * v * rise;
            let wanted = if length - s <= braking {
                -(v * v / (2.0 * (length - s - 0.5 * v * rise).max(0.02))).min(1.5 * acceleration)
            } else {
                (acceleration).min((speed - v) / (2.0 * rise))
            };
            a = wanted.clamp(a - jerk, a + jerk);
            v = (v + a * ROW_S).max(0.0);
            s += v * ROW_S;
            rows.push([i as f64 * ROW_S, s, v, a]);
            if v <= 0.0 && i > 50 {
                break;
            }
        }
        let end = rows[rows.len() - 1];
        rows.push([end[0] + ROW_S, end[1], 0.0, 0.0]);
        rows.push([end[0] + 2.0, end[1], 0.0, 0.0]);
        Self { rows }
    }

    /// As it was driven: places (m) and times (s), both ascending; speeds are their slopes over a second.
    #[must_use]
    pub fn recorded(samples: &[(f64, f64)]) -> Self {
        let at = |t: f64| {
            let i = samples.partition_point(|x| x.1 <= t).clamp(1, samples.len() - 1);
            let (a, b) = (samples[i - 1], samples[i]);
            lerp(a.0, b.0, ((t - a.1) / (b.1 - a.1).max(1e-9)).clamp(0.0, 1.0))
        };
        let (Some(first), Some(last)) = (samples.first(), samples.last()) else { return Self::default() };
        let duration = last.1 - first.1;
        let speed = |t: f64| {
            let (a, b) = ((t - 0.5).max(0.0), (t + 0.5).min(duration));
            (at(first.1 + b) - at(first.1 + a)) / (b - a).max(1e-3)
        };
        let count = (duration / ROW_S) as usize;
        let mut rows = Vec::with_capacity(count + 1);
        let mut s = 0.0;
        for i in 0..=count {
            let t = i as f64 * ROW_S;
            let v = speed(t).max(0.0);
            let acceleration = (speed((t + 0.25).min(duration)) - speed((t - 0.25).max(0.0))) / 0.5;
            rows.push([t, s, v, acceleration]);
            s += v * ROW_S;
        }
        Self { rows }
    }

    /// Seconds.
    #[must_use]
    pub fn duration(&self) -> f64 {
        self.rows.last().map_or(0.0, |row| row[0])
    }

    /// Place (m), speed (m/s) and acceleration (m/s²) at a time; after the end it goes on at the last speed.
    #[must_use]
    pub fn at(&self, t: f64) -> (f64, f64, f64) {
        let after = self.rows.partition_point(|row| row[0] <= t);
        match (after.checked_sub(1).map(|i| &self.rows[i]), self.rows.get(after)) {
            (Some(a), Some(b)) => {
                let u = (t - a[0]) / (b[0] - a[0]);
                (lerp(a[1], b[1], u), lerp(a[2], b[2], u), lerp(a[3], b[3], u))
            }
            (Some(end), None) => (end[1] + end[2] * (t - end[0]), end[2], 0.0),
            (None, Some(start)) => (start[1], start[2], start[3]),
            (None, None) => (0.0, 0.0, 0.0),
        }
    }
}
