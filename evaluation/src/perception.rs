//! Tracks against truth.

use crate::matching::{Candidate, Matcher};
use crate::statistics::Distribution;
use crate::truth_buffer::{ObjectState, TruthBuffer, World};
use auriga_geometry::math::angle_difference;
use auriga_geometry::{LogicalTime, OrientedBox, Pose2, Vec2};
use auriga_map::{Map, ObjectKind};
use auriga_messages::auriga_msgs::GroundTruth;
use auriga_messages::autoware_perception_msgs::{
    ObjectClassification, TrackedObject, TrackedObjectKinematics, TrackedObjects,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// What counts as found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PerceptionConfig {
    /// Road users and tracks farther away don't count, metres.
    pub range_m: f64,
    /// A track is an object's if their centres are no farther apart, metres.
    pub gate_m: f64,
    /// An unmatched track this near to scenery (buildings, poles, trees) is the scenery, metres.
    pub scenery_margin_m: f64,
}

impl Default for PerceptionConfig {
    fn default() -> Self {
        Self { range_m: 50.0, gate_m: 2.0, scenery_margin_m: 0.8 }
    }
}

/// How many of a class were found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ClassRecall {
    /// Visible objects, summed over frames.
    pub objects: u32,
    /// Of them without a track.
    pub missed: u32,
}

/// How well the tracks show the world. Counts are summed over frames.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct PerceptionReport {
    /// Frames that were compared.
    pub frames: u32,
    /// Frames for which there was no truth.
    pub frames_without_truth: u32,
    /// Road users in range and in line of sight.
    pub objects: u32,
    /// Of them with a track.
    pub matched: u32,
    /// Of them without one.
    pub missed: u32,
    /// Tracks in range at which there is nothing.
    pub false_tracks: u32,
    /// Of these, those that claim to be a road user of some class.
    pub false_classified_tracks: u32,
    /// Tracks that are scenery.
    pub scenery_tracks: u32,
    /// How often an object's track became another.
    pub id_switches: u32,
    /// Matched over objects, 0 to 1.
    pub recall: Option<f64>,
    /// 1 − (missed + false with a class + switches) / objects (CLEAR MOT's MOTA; may be negative).
    pub accuracy: Option<f64>,
    /// Between centres, metres.
    pub position_error_m: Distribution,
    /// m/s.
    pub velocity_error_mps: Distribution,
    /// Of tracks that know their heading, radians.
    pub yaw_error_rad: Distribution,
    /// By class.
    pub by_class: BTreeMap<String, ClassRecall>,
}

/// Compares tracks with truth at the tracks' instant.
#[derive(Debug)]
pub struct PerceptionEvaluator {
    config: PerceptionConfig,
    /// What hides things and makes tracks of its own.
    scenery: Vec<OrientedBox>,
    walls: Vec<OrientedBox>,
    buffer: TruthBuffer,
    matcher: Matcher,
    report: PerceptionReport,
    position: Vec<f64>,
    velocity: Vec<f64>,
    yaw: Vec<f64>,
}

/// The lidar's place, for lines of sight: metres ahead of `base_link`.
const EYE_AHEAD_M: f64 = 1.2;

impl PerceptionEvaluator {
    /// An evaluator whose scenery is that of `map`.
    #[must_use]
    pub fn new(map: &Map, config: PerceptionConfig) -> Self {
        let solid = |o: &&auriga_map::MapObject| o.kind != ObjectKind::Parking && o.height > 0.2;
        let outline = |o: &auriga_map::MapObject| {
            let round = 2.0 * o.radius;
            let (length, width) = if round > 0.0 { (round, round) } else { (o.length, o.width) };
            OrientedBox::new(o.pose, length, width)
        };
        let posts = map
            .signals()
            .iter()
            .map(|s| OrientedBox::new(Pose2::new(s.position.x, s.position.y, 0.0), 0.4, 0.4));
        Self {
            scenery: map.objects().iter().filter(solid).map(outline).chain(posts).collect(),
            walls: map
                .objects()
                .iter()
                .filter(|o| o.kind == ObjectKind::Building && o.height > 1.5)
                .map(outline)
                .collect(),
            matcher: Matcher::new(config.gate_m),
            config,
            buffer: TruthBuffer::default(),
            report: PerceptionReport::default(),
            position: Vec::new(),
            velocity: Vec::new(),
            yaw: Vec::new(),
        }
    }

    /// Takes the world as it is at one instant; in the order of time.
    pub fn truth(&mut self, truth: &GroundTruth) {
        self.buffer.push(truth);
    }

    /// Takes the tracks (in `map`) and compares them with the truth of their own instant, which must have come before.
    pub fn tracks(&mut self, tracks: &TrackedObjects) {
        let Some(world) = self.buffer.at(LogicalTime::from(&tracks.header.stamp)) else {
            self.report.frames_without_truth += 1;
            return;
        };
        self.report.frames += 1;
        let objects: Vec<Candidate> = world
            .objects
            .iter()
            .map(|o| Candidate { id: u64::from(o.id), position: o.pose.position() })
            .collect();
        let candidates: Vec<Candidate> = tracks.objects.iter().map(candidate).collect();
        let mut matches = Vec::new();
        self.matcher.frame(&objects, &candidates, &mut matches);
        for &(i, j) in &matches {
            if self.in_range(&world, objects[i].position) {
                self.compare(&world.objects[i], &tracks.objects[j]);
            }
        }
        self.count_objects(&world);
        for (j, track) in tracks.objects.iter().enumerate() {
            if !self.matcher.track_matched(j) && self.in_range(&world, candidates[j].position) {
                self.count_unmatched(track, candidates[j].position);
            }
        }
        self.report.id_switches = self.matcher.id_switches;
    }

    fn in_range(&self, world: &World, position: Vec2) -> bool {
        (position - world.ego.position()).norm() <= self.config.range_m
    }

    fn compare(&mut self, object: &ObjectState, track: &TrackedObject) {
        let kinematics = &track.kinematics;
        let pose = Pose2::from(&kinematics.pose_with_covariance.pose);
        let twist = &kinematics.twist_with_covariance.twist.linear;
        let velocity = Pose2::new(0.0, 0.0, pose.yaw).to_parent(Vec2::new(twist.x, twist.y));
        self.position.push((pose.position() - object.pose.position()).norm());
        self.velocity.push((velocity - object.velocity).norm());
        if kinematics.orientation_availability == TrackedObjectKinematics::AVAILABLE {
            self.yaw.push(angle_difference(pose.yaw, object.pose.yaw));
        }
    }

    fn count_objects(&mut self, world: &World) {
        let eye = world.ego.to_parent(Vec2::new(EYE_AHEAD_M, 0.0));
        for (i, object) in world.objects.iter().enumerate() {
            if !self.in_range(world, object.pose.position()) {
                continue;
            }
            let matched = self.matcher.object_matched(i);
            if !matched && !self.visible(eye, object, &world.objects) {
                continue;
            }
            let class = self.report.by_class.entry(String::from(class_name(object.class))).or_default();
            class.objects += 1;
            class.missed += u32::from(!matched);
            self.report.objects += 1;
            self.report.matched += u32::from(matched);
            self.report.missed += u32::from(!matched);
        }
    }

    fn count_unmatched(&mut self, track: &TrackedObject, position: Vec2) {
        let margin = self.config.scenery_margin_m;
        let extent = track.shape.dimensions.x.max(track.shape.dimensions.y) / 2.0;
        if self.scenery.iter().any(|thing| thing.distance_to_point(position) <= extent + margin) {
            self.report.scenery_tracks += 1;
            return;
        }
        self.report.false_tracks += 1;
        self.report.false_classified_tracks += u32::from(has_class(track));
    }

    /// Whether any of five points of the object can be seen from `eye` past buildings and vehicles.
    fn visible(&self, eye: Vec2, object: &ObjectState, all: &[ObjectState]) -> bool {
        let outline = OrientedBox::new(object.pose, object.length * 0.8, object.width * 0.8);
        let vehicles = || {
            all.iter()
                .filter(|other| other.id != object.id && other.class != ObjectClassification::PEDESTRIAN)
                .map(|other| OrientedBox::new(other.pose, other.length, other.width))
        };
        outline.corners().into_iter().chain([object.pose.position()]).any(|point| {
            !self.walls.iter().any(|wall| blocks(wall, eye, point))
                && !vehicles().any(|vehicle| blocks(&vehicle, eye, point))
        })
    }

    /// The report.
    #[must_use]
    pub fn finish(self) -> PerceptionReport {
        let r = &self.report;
        let share = |count: f64| (r.objects > 0).then(|| count / f64::from(r.objects));
        let wrong = f64::from(r.missed + r.false_classified_tracks + r.id_switches);
        PerceptionReport {
            recall: share(f64::from(r.matched)),
            accuracy: share(f64::from(r.objects) - wrong),
            position_error_m: Distribution::of(&self.position),
            velocity_error_mps: Distribution::of(&self.velocity),
            yaw_error_rad: Distribution::of(&self.yaw),
            ..self.report
        }
    }
}

/// The track's number and place.
pub(crate) fn candidate(track: &TrackedObject) -> Candidate {
    let mut number = [0; 8];
    number.copy_from_slice(&track.object_id.uuid[..8]);
    let position = &track.kinematics.pose_with_covariance.pose.position;
    Candidate { id: u64::from_le_bytes(number), position: Vec2::new(position.x, position.y) }
}

/// Whether the track claims to be a road user of some class.
pub(crate) fn has_class(track: &TrackedObject) -> bool {
    track.classification.first().is_some_and(|best| best.label != ObjectClassification::UNKNOWN)
}

fn class_name(class: u8) -> &'static str {
    match class {
        ObjectClassification::CAR => "car",
        ObjectClassification::TRUCK => "truck",
        ObjectClassification::BUS => "bus",
        ObjectClassification::TRAILER => "trailer",
        ObjectClassification::MOTORCYCLE => "motorcycle",
        ObjectClassification::BICYCLE => "cyclist",
        ObjectClassification::PEDESTRIAN => "pedestrian",
        _ => "unknown",
    }
}

/// Whether the segment from `a` to `b` passes through the box (slab test in the box's frame; Kay and Kajiya, 1986).
fn blocks(thing: &OrientedBox, a: Vec2, b: Vec2) -> bool {
    let (a, b) = (thing.center.to_local(a), thing.center.to_local(b));
    let (mut enter, mut exit) = (0.0_f64, 1.0_f64);
    for (from, to, half) in [(a.x, b.x, thing.length / 2.0), (a.y, b.y, thing.width / 2.0)] {
        let step = to - from;
        if step.abs() < 1e-12 {
            if from.abs() > half {
                return false;
            }
            continue;
        }
        let (t1, t2) = ((-half - from) / step, (half - from) / step);
        enter = enter.max(t1.min(t2));
        exit = exit.min(t1.max(t2));
    }
    enter <= exit
}

#[cfg(test)]
mod tests {
    use super::*;
    use auriga_geometry::LogicalDuration;
    use auriga_messages::auriga_msgs::TruthObject;
    use auriga_messages::geometry_msgs::Vector3;

    fn truth(ms: i64, objects: &[(u32, f64, f64)]) -> GroundTruth {
        let mut truth = GroundTruth::default();
        truth.header.stamp = (LogicalTime::ZERO + LogicalDuration::from_millis(ms)).into();
        truth.ego_pose = (&Pose2::default()).into();
        truth.objects = objects
            .iter()
            .map(|&(id, x, y)| TruthObject {
                id,
                class: ObjectClassification::CAR,
                pose: (&Pose2::new(x, y, 0.0)).into(),
                dimensions: Vector3 { x: 4.5, y: 1.8, z: 1.5 },
                speed_mps: 0.0,
            })
            .collect();
        truth
    }

    fn tracks(ms: i64, objects: &[(u8, f64, f64)]) -> TrackedObjects {
        let mut tracks = TrackedObjects::default();
        tracks.header.stamp = (LogicalTime::ZERO + LogicalDuration::from_millis(ms)).into();
        for &(id, x, y) in objects {
            let mut track = TrackedObject::default();
            track.object_id.uuid[0] = id;
            track.kinematics.pose_with_covariance.pose = (&Pose2::new(x, y, 0.0)).into();
            track.kinematics.twist_with_covariance.twist.linear.x = 0.5;
            track
                .classification
                .push(ObjectClassification { label: ObjectClassification::CAR, probability: 1.0 });
            tracks.objects.push(track);
        }
        tracks
    }

    #[test]
    fn found_missed_false_hidden_and_far() {
        let mut evaluator = PerceptionEvaluator::new(&Map::default(), PerceptionConfig::default());
        // 1 is found 0.3 m off, 2 is missed, 3 hides behind 1, 4 is out of range.
        let world = [(1, 10.0, 0.0), (2, 10.0, 15.0), (3, 18.0, 0.0), (4, 80.0, 0.0)];
        for frame in 0..10 {
            evaluator.truth(&truth(frame * 100, &world));
            evaluator.tracks(&tracks(frame * 100, &[(7, 10.0, 0.3), (8, -20.0, 0.0), (9, 90.0, 9.0)]));
        }
        let report = evaluator.finish();
        assert_eq!((report.frames, report.objects, report.matched, report.missed), (10, 20, 10, 10));
        assert_eq!((report.false_tracks, report.false_classified_tracks, report.id_switches), (10, 10, 0));
        assert_eq!((report.recall, report.accuracy), (Some(0.5), Some(0.0)));
        assert!((report.position_error_m.rms.unwrap() - 0.3).abs() < 1e-9);
        assert!((report.velocity_error_mps.mean.unwrap() - 0.5).abs() < 1e-9);
        assert_eq!(report.by_class["car"], ClassRecall { objects: 20, missed: 10 });
    }

    #[test]
    fn tracks_without_truth_are_counted_and_not_judged() {
        let mut evaluator = PerceptionEvaluator::new(&Map::default(), PerceptionConfig::default());
        evaluator.tracks(&tracks(0, &[(1, 0.0, 0.0)]));
        let report = evaluator.finish();
        assert_eq!((report.frames, report.frames_without_truth, report.false_tracks), (0, 1, 0));
        assert_eq!(report.recall, None);
    }
}
