//! The last seconds of truth, to be asked for any instant within them.

use auriga_geometry::{LogicalDuration, LogicalTime, Pose2, Vec2};
use auriga_messages::auriga_msgs::{GroundTruth, TruthObject};
use std::collections::VecDeque;

/// A road user at one instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ObjectState {
    pub id: u32,
    pub class: u8,
    /// Centre, in `map`.
    pub pose: Pose2,
    pub length: f64,
    pub width: f64,
    /// In `map`, m/s.
    pub velocity: Vec2,
}

impl ObjectState {
    fn of(object: &TruthObject) -> Self {
        let pose = Pose2::from(&object.pose);
        Self {
            id: object.id,
            class: object.class,
            pose,
            length: object.dimensions.x,
            width: object.dimensions.y,
            velocity: pose.direction() * object.speed_mps,
        }
    }
}

/// The world at one instant.
#[derive(Clone, Debug, Default)]
pub(crate) struct World {
    pub time: LogicalTime,
    /// `base_link` in `map`.
    pub ego: Pose2,
    /// Of the ego car, ahead, m/s.
    pub ego_speed: f64,
    /// By ascending id.
    pub objects: Vec<ObjectState>,
}

/// Truth is asked for no longer than this after it was.
const KEPT: LogicalDuration = LogicalDuration::from_millis(1_500);
/// Between two truths farther apart than this nothing is interpolated.
const GAP: LogicalDuration = LogicalDuration::from_millis(250);

/// A queue of worlds, bounded by [`KEPT`].
#[derive(Debug, Default)]
pub(crate) struct TruthBuffer {
    worlds: VecDeque<World>,
}

impl TruthBuffer {
    pub(crate) fn push(&mut self, truth: &GroundTruth) {
        let time = LogicalTime::from(&truth.header.stamp);
        let mut objects: Vec<ObjectState> = truth.objects.iter().map(ObjectState::of).collect();
        objects.sort_by_key(|object| object.id);
        self.worlds.push_back(World {
            time,
            ego: Pose2::from(&truth.ego_pose),
            ego_speed: truth.ego_twist.linear.x,
            objects,
        });
        while self.worlds.front().is_some_and(|world| time.since(world.time) > KEPT) {
            self.worlds.pop_front();
        }
    }

    /// The newest instant.
    pub(crate) fn newest(&self) -> Option<LogicalTime> {
        self.worlds.back().map(|world| world.time)
    }

    /// The ego pose and speed at `time`; `None` outside of what is kept.
    pub(crate) fn ego_at(&self, time: LogicalTime) -> Option<(Pose2, f64)> {
        let (before, after, ratio) = self.around(time)?;
        let speed = before.ego_speed + (after.ego_speed - before.ego_speed) * ratio;
        Some((before.ego.interpolate(&after.ego, ratio), speed))
    }

    /// The world at `time`, with the road users known on both sides of it; `None` outside of what is kept.
    pub(crate) fn at(&self, time: LogicalTime) -> Option<World> {
        let (before, after, ratio) = self.around(time)?;
        let objects = before
            .objects
            .iter()
            .filter_map(|a| {
                let b = &after.objects[after.objects.binary_search_by_key(&a.id, |b| b.id).ok()?];
                let velocity = a.velocity + (b.velocity - a.velocity) * ratio;
                Some(ObjectState { pose: a.pose.interpolate(&b.pose, ratio), velocity, ..*a })
            })
            .collect();
        let (ego, ego_speed) = self.ego_at(time)?;
        Some(World { time, ego, ego_speed, objects })
    }

    fn around(&self, time: LogicalTime) -> Option<(&World, &World, f64)> {
        let after = self.worlds.partition_point(|world| world.time < time);
        let later = self.worlds.get(after)?;
        if later.time == time {
            return Some((later, later, 0.0));
        }
        let earlier = self.worlds.get(after.checked_sub(1)?)?;
        let span = later.time.since(earlier.time);
        (span <= GAP).then(|| (earlier, later, time.since(earlier.time).as_secs_f64() / span.as_secs_f64()))
    }
}
