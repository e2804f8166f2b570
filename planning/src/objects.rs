//! The road users of a `PredictedObjects` message, brought to the instant of the plan.

use auriga_geometry::math::{hypot, lerp};
use auriga_geometry::{LogicalDuration, LogicalTime, OrientedBox, Pose2, Vec2};
use auriga_messages::autoware_perception_msgs::{ObjectClassification, PredictedObject, PredictedObjects};
use std::collections::BTreeMap;

/// What a road user is, as far as rules differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Vehicle,
    Cyclist,
    Pedestrian,
    Unknown,
}

/// One way that an object may go: a range of poses in [`Objects::poses`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Way {
    first: usize,
    count: usize,
    step_s: f64,
    /// Seconds from the first pose to the instant of the plan.
    age_s: f64,
    pub confidence: f64,
}

/// A road user at the instant of the plan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Object {
    pub id: u64,
    pub kind: Kind,
    pub shape: OrientedBox,
    pub velocity: Vec2,
    pub speed: f64,
    /// How long it has stood, seconds; zero when it moves.
    pub standing_s: f64,
    /// Whether it has been seen to drive: it then stands because of the traffic.
    pub has_driven: bool,
    /// Its ways: a range of [`Objects::ways`].
    pub ways: (usize, usize),
}

impl Object {
    pub fn stands(&self) -> bool {
        self.speed < if self.kind == Kind::Pedestrian { 0.25 } else { 0.6 }
    }
}

/// From this speed on an object counts as one that drives, m/s.
const DRIVES_MPS: f64 = 1.5;

/// What is remembered of an object from message to message.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Past {
    standing_since: Option<LogicalTime>,
    has_driven: bool,
}

/// All road users; buffers are reused.
#[derive(Clone, Debug, Default)]
pub(crate) struct Objects {
    pub all: Vec<Object>,
    pub ways: Vec<Way>,
    poses: Vec<Pose2>,
    past: BTreeMap<u64, Past>,
}

impl Objects {
    /// Takes in a message; objects that are not finite are left out.
    pub fn load(&mut self, now: LogicalTime, message: &PredictedObjects) {
        self.clear();
        let age = now.since(LogicalTime::from(&message.header.stamp)).as_secs_f64().clamp(0.0, 1.0);
        for object in &message.objects {
            self.push(now, age, object);
        }
        let all = &self.all;
        self.past.retain(|id, _| all.iter().any(|o| o.id == *id));
    }

    /// Forgets all objects, but not how long they have stood.
    pub fn clear(&mut self) {
        self.all.clear();
        self.ways.clear();
        self.poses.clear();
    }

    fn push(&mut self, now: LogicalTime, age: f64, object: &PredictedObject) {
        let kinematics = &object.kinematics;
        let pose = Pose2::from(&kinematics.initial_pose_with_covariance.pose);
        let twist = &kinematics.initial_twist_with_covariance.twist.linear;
        let size = &object.shape.dimensions;
        if ![pose.x, pose.y, pose.yaw, twist.x, twist.y, size.x, size.y].iter().all(|v| v.is_finite()) {
            return;
        }
        let along = pose.direction();
        let velocity = along * twist.x + Vec2::new(-along.y, along.x) * twist.y;
        let speed = hypot(twist.x, twist.y);
        let kind = kind(object);
        let mut id = [0; 8];
        id.copy_from_slice(&object.object_id.uuid[..8]);
        let first = self.ways.len();
        let mut entry = Object {
            id: u64::from_le_bytes(id),
            kind,
            shape: OrientedBox::new(pose, size.x.clamp(0.2, 25.0), size.y.clamp(0.2, 5.0)),
            velocity,
            speed,
            standing_s: 0.0,
            has_driven: false,
            ways: (first, first),
        };
        let past = self.past.entry(entry.id).or_default();
        past.has_driven |= speed > DRIVES_MPS;
        entry.has_driven = past.has_driven;
        if entry.stands() {
            entry.standing_s = now.since(*past.standing_since.get_or_insert(now)).as_secs_f64();
        } else {
            past.standing_since = None;
            let moved = pose.position() + velocity * age;
            (entry.shape.center.x, entry.shape.center.y) = (moved.x, moved.y);
            self.push_ways(object, &entry, age);
            entry.ways.1 = self.ways.len();
        }
        self.all.push(entry);
    }

    fn push_ways(&mut self, message: &PredictedObject, object: &Object, age: f64) {
        for path in &message.kinematics.predicted_paths {
            let step_s = LogicalDuration::from(&path.time_step).as_secs_f64();
            let first = self.poses.len();
            self.poses.extend(path.path.iter().map(Pose2::from));
            let poses = &self.poses[first..];
            let finite = poses.iter().all(|p| p.x.is_finite() && p.y.is_finite() && p.yaw.is_finite());
            if poses.len() < 2 || !finite || step_s < 1e-3 {
                self.poses.truncate(first);
                continue;
            }
            let count = poses.len();
            let confidence = f64::from(path.confidence);
            self.ways.push(Way { first, count, step_s, age_s: age, confidence });
        }
        if self.ways.len() == object.ways.0 {
            // Without a prediction it goes straight on.
            let first = self.poses.len();
            let start = object.shape.center;
            let end = start.position() + object.velocity * 8.0;
            self.poses.extend([start, Pose2::new(end.x, end.y, start.yaw)]);
            self.ways.push(Way { first, count: 2, step_s: 8.0, age_s: 0.0, confidence: 1.0 });
        }
    }

    /// The ways of an object.
    pub fn ways_of(&self, object: &Object) -> &[Way] {
        &self.ways[object.ways.0..object.ways.1]
    }

    /// The pose on a way, `t` seconds after the plan's instant; it goes straight on beyond the way's end.
    pub fn pose_at(&self, way: &Way, t: f64) -> Pose2 {
        let poses = &self.poses[way.first..way.first + way.count];
        let at = ((t + way.age_s) / way.step_s).max(0.0);
        let i = (at.floor() as usize).min(way.count - 2);
        let (a, b) = (&poses[i], &poses[i + 1]);
        let u = at - i as f64;
        if u <= 1.0 { a.interpolate(b, u) } else { Pose2::new(lerp(a.x, b.x, u), lerp(a.y, b.y, u), b.yaw) }
    }
}

fn kind(object: &PredictedObject) -> Kind {
    match object.classification.first().map_or(ObjectClassification::UNKNOWN, |c| c.label) {
        ObjectClassification::CAR
        | ObjectClassification::TRUCK
        | ObjectClassification::BUS
        | ObjectClassification::TRAILER => Kind::Vehicle,
        ObjectClassification::MOTORCYCLE | ObjectClassification::BICYCLE => Kind::Cyclist,
        ObjectClassification::PEDESTRIAN => Kind::Pedestrian,
        _ => Kind::Unknown,
    }
}
