//! How near the ego car came to others, in metres and in seconds.

use crate::ego::Ego;
use crate::route_line::RouteLine;
use crate::statistics::Distribution;
use auriga_geometry::{LogicalDuration, LogicalTime, OrientedBox, Pose2, Vec2};
use auriga_messages::auriga_msgs::{GroundTruth, TruthObject};
use serde::Serialize;

/// Seconds until two boxes touch when both keep their velocity and heading; `Some(0.0)` when they touch now, `None` when
/// they never do.
///
/// Separating axes of moving convex shapes: the boxes overlap while they overlap on all four axes, and on each axis
/// that is one interval of time (Ericson, *Real-Time Collision Detection*, 2005, section 5.5.8).
#[must_use]
pub fn time_to_collision(
    a: &OrientedBox,
    velocity_a: Vec2,
    b: &OrientedBox,
    velocity_b: Vec2,
) -> Option<f64> {
    let (corners_a, corners_b) = (a.corners(), b.corners());
    let relative = velocity_b - velocity_a;
    let (mut enter, mut exit) = (0.0_f64, f64::INFINITY);
    for along in [a.center.direction(), b.center.direction()] {
        for axis in [along, Vec2::new(-along.y, along.x)] {
            let (a_least, a_most) = extent(&corners_a, axis);
            let (b_least, b_most) = extent(&corners_b, axis);
            let speed = relative.dot(&axis);
            if speed == 0.0 {
                if a_most < b_least || b_most < a_least {
                    return None;
                }
                continue;
            }
            let (t1, t2) = ((a_least - b_most) / speed, (a_most - b_least) / speed);
            enter = enter.max(t1.min(t2));
            exit = exit.min(t1.max(t2));
        }
    }
    (enter <= exit).then_some(enter)
}

fn extent(corners: &[Vec2; 4], axis: Vec2) -> (f64, f64) {
    corners
        .iter()
        .map(|corner| corner.dot(&axis))
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), x| (least.min(x), most.max(x)))
}

/// The outline of a road user in `map`.
pub(crate) fn outline(object: &TruthObject) -> OrientedBox {
    OrientedBox::new(Pose2::from(&object.pose), object.dimensions.x, object.dimensions.y)
}

/// Distances and times to others over a drive.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ProximityReport {
    /// Least time to collision with anybody in the ego's path, seconds; absent when it was never within the horizon.
    pub time_to_collision_min_s: Option<f64>,
    /// When that was, seconds.
    pub time_to_collision_min_at_s: Option<f64>,
    /// With whom.
    pub time_to_collision_min_with: Option<u32>,
    /// The least time to collision of every instant at which there was one, seconds.
    pub time_to_collision_s: Distribution,
    /// Share of the driving time below 1.5 s, 0 to 1.
    pub share_below_1_5_s: f64,
    /// Least distance between outlines, metres.
    pub distance_min_m: Option<f64>,
    /// When that was, seconds.
    pub distance_min_at_s: Option<f64>,
    /// To whom.
    pub distance_min_to: Option<u32>,
}

/// Gathers distances and times to collision.
///
/// Only who is in the ego's path counts: where the two would meet must be on the route ahead. An oncoming car in a
/// curve is not on a collision course although, for a moment, both velocities say so.
#[derive(Debug, Default)]
pub(crate) struct Proximity {
    report: ProximityReport,
    times: Vec<f64>,
    driving_samples: usize,
    below: usize,
}

/// A time to collision beyond this says nothing about safety.
const HORIZON_S: f64 = 10.0;
/// At walking pace and below, the constant-velocity assumption says nothing.
const LEAST_SPEED_MPS: f64 = 0.5;
const ALERT_S: f64 = 1.5;

impl Proximity {
    pub(crate) fn update(&mut self, ego: &Ego, truth: &GroundTruth, route: &RouteLine) {
        let mut least: Option<(f64, u32)> = None;
        for object in &truth.objects {
            let other = outline(object);
            if (other.center.position() - ego.outline.center.position()).norm() > 100.0 {
                continue;
            }
            let distance = ego.outline.distance(&other);
            if self.report.distance_min_m.is_none_or(|min| distance < min) {
                self.report.distance_min_m = Some(distance);
                self.report.distance_min_at_s = Some(ego.time.as_secs_f64());
                self.report.distance_min_to = Some(object.id);
            }
            if let Some(time) = in_path(ego, object, &other, route)
                && least.is_none_or(|(min, _)| time < min)
            {
                least = Some((time, object.id));
            }
        }
        if ego.speed_mps > LEAST_SPEED_MPS {
            self.driving_samples += 1;
        }
        if let Some((time, id)) = least {
            self.times.push(time);
            self.below += usize::from(time < ALERT_S);
            if self.report.time_to_collision_min_s.is_none_or(|min| time < min) {
                self.report.time_to_collision_min_s = Some(time);
                self.report.time_to_collision_min_at_s = Some(ego.time.as_secs_f64());
                self.report.time_to_collision_min_with = Some(id);
            }
        }
    }

    pub(crate) fn finish(mut self) -> ProximityReport {
        self.report.time_to_collision_s = Distribution::of(&self.times);
        self.report.share_below_1_5_s = self.below as f64 / self.driving_samples.max(1) as f64;
        self.report
    }
}

/// Time to collision with a road user who is in the ego's path.
fn in_path(ego: &Ego, object: &TruthObject, other: &OrientedBox, route: &RouteLine) -> Option<f64> {
    if ego.speed_mps <= LEAST_SPEED_MPS || ego.pose.to_local(other.center.position()).x < 0.0 {
        return None;
    }
    let velocity = other.center.direction() * object.speed_mps;
    let time = time_to_collision(&ego.outline, ego.velocity, other, velocity)?;
    if time > HORIZON_S {
        return None;
    }
    let reach = ego.outline.width / 2.0 + other.length.min(other.width) / 2.0;
    let meeting = other.center.position() + velocity * time;
    (route.distance_ahead(meeting) <= reach + 0.3).then_some(time)
}

/// A condition that must hold for some time before it counts, and counts once until it ends.
#[derive(Debug, Default)]
pub(crate) struct Episode {
    since: Option<LogicalTime>,
    counted: bool,
}

impl Episode {
    /// Whether this instant makes it count.
    pub(crate) fn update(&mut self, active: bool, time: LogicalTime, least: LogicalDuration) -> bool {
        if !active {
            *self = Self::default();
            return false;
        }
        let since = *self.since.get_or_insert(time);
        let counts = !self.counted && time.since(since) >= least;
        self.counted |= counts;
        counts
    }

    /// Since when the condition has held.
    pub(crate) fn since(&self) -> Option<LogicalTime> {
        self.since
    }

    /// Whether the present one has counted.
    pub(crate) fn counted(&self) -> bool {
        self.counted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn car(x: f64, y: f64, yaw: f64) -> OrientedBox {
        OrientedBox::new(Pose2::new(x, y, yaw), 4.6, 1.85)
    }

    #[test]
    fn two_cars_in_line() {
        let ttc = time_to_collision(
            &car(0.0, 0.0, 0.0),
            Vec2::new(15.0, 0.0),
            &car(34.6, 0.0, 0.0),
            Vec2::new(5.0, 0.0),
        );
        assert!((ttc.unwrap() - 3.0).abs() < 1e-12);
    }

    #[test]
    fn a_crossing_car_meets_or_passes() {
        let ego = car(0.0, 0.0, 0.0);
        let crossing = car(20.0, -20.0, std::f64::consts::FRAC_PI_2);
        let at_once = time_to_collision(&ego, Vec2::new(10.0, 0.0), &crossing, Vec2::new(0.0, 10.0));
        // They touch when on both axes the gap 20 - (4.6 + 1.85) / 2 is closed at 10 m/s.
        assert!((at_once.unwrap() - 1.6775).abs() < 1e-9);
        assert_eq!(time_to_collision(&ego, Vec2::new(10.0, 0.0), &crossing, Vec2::new(0.0, 30.0)), None);
    }

    #[test]
    fn neighbours_and_the_overtaken_are_safe() {
        let ego = car(0.0, 0.0, 0.0);
        assert_eq!(time_to_collision(&ego, Vec2::new(9.0, 0.0), &car(20.0, 3.5, 0.0), Vec2::zeros()), None);
        assert_eq!(
            time_to_collision(&ego, Vec2::new(9.0, 0.0), &car(20.0, 0.0, 0.0), Vec2::new(9.0, 0.0)),
            None
        );
        assert_eq!(time_to_collision(&ego, Vec2::new(9.0, 0.0), &car(-20.0, 0.0, 0.0), Vec2::zeros()), None);
        assert_eq!(time_to_collision(&ego, Vec2::zeros(), &car(1.0, 0.0, 0.3), Vec2::zeros()), Some(0.0));
    }

    proptest! {
        #[test]
        fn it_agrees_with_small_steps(
            x in -30.0..30.0, y in -30.0..30.0, yaw in -3.1..3.1,
            vx in -12.0..12.0, vy in -12.0..12.0,
        ) {
            let ego = car(0.0, 0.0, 0.0);
            let velocity = Vec2::new(vx, vy);
            let ttc = time_to_collision(&ego, Vec2::zeros(), &car(x, y, yaw), velocity);
            let moved = |t: f64| car(x + vx * t, y + vy * t, yaw);
            match ttc {
                Some(t) => {
                    prop_assert!(ego.inflated(1e-6, 1e-6).intersects(&moved(t)));
                    if t > 0.0 {
                        prop_assert!(!ego.inflated(-1e-6, -1e-6).intersects(&moved(t * (1.0 - 1e-9) - 1e-9)));
                    }
                }
                None => {
                    for i in 0..200 {
                        prop_assert!(!ego.inflated(-1e-6, -1e-6).intersects(&moved(f64::from(i) * 0.05)));
                    }
                }
            }
        }
    }
}
