//! The trajectory as the controller tracks it: by time along the car, by place across it.

use crate::ControlError;
use auriga_geometry::math::{angle_difference, asin, lerp, sin_cos, tan, wrap_angle};
use auriga_geometry::{LogicalDuration, LogicalTime, Pose2, Pose3, Vec2, Vec3, segment_distance};
use auriga_messages::autoware_planning_msgs::Trajectory;
use auriga_vehicle::VehicleParameters;
use auriga_vehicle::path_model::Along;

/// A point to track.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct ReferencePoint {
    /// Seconds since the trajectory's stamp.
    pub t: f64,
    /// Metres along the trajectory.
    pub s: f64,
    /// Pose of `base_link`.
    pub pose: Pose2,
    /// m/s.
    pub speed: f64,
    /// m/s².
    pub acceleration: f64,
    /// 1/m.
    pub curvature: f64,
    /// Roll of the road, rad: its left side is higher by so much.
    pub bank: f64,
    /// Climb of the road, rad.
    pub grade: f64,
}

/// Where the car is relative to the path.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PathError {
    /// Metres along the trajectory.
    pub s: f64,
    /// Metres to the left of it.
    pub lateral: f64,
    /// Heading to the left of the path's, rad.
    pub heading: f64,
}

/// A trajectory unpacked once, read at every tick.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reference {
    stamp: Option<LogicalTime>,
    points: Vec<ReferencePoint>,
}

impl Reference {
    /// Takes in a trajectory, unless it is the one already held.
    pub fn update(&mut self, trajectory: &Trajectory, car: &VehicleParameters) -> Result<(), ControlError> {
        let stamp = LogicalTime::from(&trajectory.header.stamp);
        if self.stamp == Some(stamp) {
            return Ok(());
        }
        self.stamp = None;
        self.points.clear();
        let bad = |problem| ControlError::Input { topic: "/planning/trajectory", problem };
        for point in &trajectory.points {
            let tilt = Pose3::from(&point.pose);
            let (bank, grade) = (roll(&tilt), climb(&tilt));
            let at = ReferencePoint {
                t: LogicalDuration::from(&point.time_from_start).as_secs_f64(),
                s: 0.0,
                pose: Pose2::from(&point.pose),
                speed: f64::from(point.longitudinal_velocity_mps),
                acceleration: f64::from(point.acceleration_mps2),
                curvature: tan(f64::from(point.front_wheel_angle_rad)) / car.wheelbase_m,
                bank,
                grade,
            };
            let numbers =
                [at.pose.x, at.pose.y, at.pose.yaw, at.speed, at.acceleration, at.curvature, bank, grade];
            let finite = numbers.iter().all(|v| v.is_finite());
            if !finite {
                return Err(bad("a point is not finite"));
            }
            let s = match self.points.last() {
                Some(last) if at.t <= last.t => return Err(bad("its times don't ascend")),
                Some(last) => last.s + last.pose.distance(&at.pose),
                None => 0.0,
            };
            self.points.push(ReferencePoint { s, ..at });
        }
        if self.points.is_empty() {
            return Err(bad("it has no points"));
        }
        self.stamp = Some(stamp);
        Ok(())
    }

    /// The stamp of the trajectory held; `None` before the first and after a bad one.
    pub fn stamp(&self) -> Option<LogicalTime> {
        self.stamp
    }

    /// The point at `t` seconds after the stamp; clamped to the ends.
    pub fn at_time(&self, t: f64) -> ReferencePoint {
        let after = self.points.partition_point(|p| p.t <= t);
        self.between(after, |p| p.t, t)
    }

    /// The curvature `s` metres along; clamped to the ends.
    pub fn curvature_at(&self, s: f64) -> f64 {
        self.at_place(s).curvature
    }

    fn between(&self, after: usize, key: impl Fn(&ReferencePoint) -> f64, at: f64) -> ReferencePoint {
        if after == 0 {
            return self.points[0];
        }
        let Some(b) = self.points.get(after) else { return self.points[self.points.len() - 1] };
        let a = &self.points[after - 1];
        let span = key(b) - key(a);
        let u = if span > 1e-9 { (at - key(a)) / span } else { 0.0 };
        ReferencePoint {
            t: lerp(a.t, b.t, u),
            s: lerp(a.s, b.s, u),
            pose: a.pose.interpolate(&b.pose, u),
            speed: lerp(a.speed, b.speed, u),
            acceleration: lerp(a.acceleration, b.acceleration, u),
            curvature: lerp(a.curvature, b.curvature, u),
            bank: lerp(a.bank, b.bank, u),
            grade: lerp(a.grade, b.grade, u),
        }
    }

    /// The point `s` metres along; clamped to the ends.
    fn at_place(&self, s: f64) -> ReferencePoint {
        let after = self.points.partition_point(|p| p.s <= s);
        self.between(after, |p| p.s, s)
    }

    /// Bank and climb of the road `s` metres along, rad.
    pub fn tilt_at(&self, s: f64) -> (f64, f64) {
        let at = self.at_place(s);
        (at.bank, at.grade)
    }

    /// The stretch of `length` metres from `s` on, driven at `speed`: its mean curvature (Simpson's rule) and bank.
    pub fn along(&self, s: f64, length: f64, speed: f64) -> Along {
        let middle = self.at_place(s + 0.5 * length);
        let ends = self.curvature_at(s) + self.curvature_at(s + length);
        Along { speed, curvature: (ends + 4.0 * middle.curvature) / 6.0, bank: middle.bank }
    }

    /// Where `pose` is relative to the path, looked for within `reach` metres of `near_s`. Before the first and beyond the
    /// last point the path goes straight on.
    pub fn project(&self, pose: &Pose2, near_s: f64, reach: f64) -> PathError {
        let mut best = (f64::INFINITY, 0, 0.0);
        for (i, pair) in self.points.windows(2).enumerate() {
            let length = pair[1].s - pair[0].s;
            if length < 1e-4 || pair[1].s < near_s - reach || pair[0].s > near_s + reach {
                continue;
            }
            let (distance, ratio) =
                segment_distance(pair[0].pose.position(), pair[1].pose.position(), pose.position());
            if distance < best.0 {
                best = (distance, i, ratio);
            }
        }
        if best.0.is_infinite() {
            let point = self.points[self.points.partition_point(|p| p.s < near_s).min(self.points.len() - 1)];
            return across(&point.pose, point.s, pose);
        }
        let (_, i, ratio) = best;
        let (a, b) = (&self.points[i], &self.points[i + 1]);
        let on_path = a.pose.interpolate(&b.pose, ratio);
        // The chord lies inside the arc: the circle through both ends bulges by κ·l²/8 in the middle.
        let length = b.s - a.s;
        let bulge = 0.5 * lerp(a.curvature, b.curvature, 0.5) * length * length * ratio * (1.0 - ratio);
        let mut error = across(&on_path, lerp(a.s, b.s, ratio), pose);
        error.lateral += bulge;
        error
    }
}

/// How much higher than its right side the left side of a pose is, rad.
fn roll(pose: &Pose3) -> f64 {
    asin((pose.rotation * Vec3::y()).z.clamp(-1.0, 1.0))
}

/// How much higher than its rear the front of a pose is, rad.
pub(crate) fn climb(pose: &Pose3) -> f64 {
    asin((pose.rotation * Vec3::x()).z.clamp(-1.0, 1.0))
}

fn across(path: &Pose2, s: f64, pose: &Pose2) -> PathError {
    let (sin, cos) = sin_cos(path.yaw);
    let offset: Vec2 = pose.position() - path.position();
    PathError {
        s: s + offset.x * cos + offset.y * sin,
        lateral: offset.y * cos - offset.x * sin,
        heading: wrap_angle(angle_difference(pose.yaw, path.yaw)),
    }
}
