//! Where objects will be over the next seconds.
//!
//! A vehicle on a lane follows it, and each way on where the lane forks; one that drifts towards the lane beside it may
//! change to it. Whatever else moves keeps its velocity; what stands stays.
//!
//! ```
//! use auriga_geometry::LogicalTime;
//! use auriga_messages::autoware_perception_msgs::{PredictedObjects, TrackedObject, TrackedObjects};
//! use auriga_perception::prediction::{Predictor, PredictorConfig};
//!
//! let mut tracks = TrackedObjects::default();
//! let mut walker = TrackedObject::default();
//! walker.kinematics.twist_with_covariance.twist.linear.x = 1.4;
//! tracks.objects.push(walker);
//! let (mut predictor, mut out) = (Predictor::new(PredictorConfig::default())?, PredictedObjects::default());
//! predictor.step(LogicalTime::ZERO, &tracks, None, &mut out)?;
//! let path = &out.objects[0].kinematics.predicted_paths[0].path;
//! assert!((path.last().unwrap().position.x - 7.0).abs() < 1e-9);
//! # Ok::<(), auriga_perception::PerceptionError>(())
//! ```

use crate::PerceptionError;
use crate::error::positive;
use auriga_geometry::math::{angle_difference, atan2, exp, sin_cos};
use auriga_geometry::{LogicalDuration, LogicalTime, Pose2, Pose3, Vec2};
use auriga_map::{LaneId, Map};
use auriga_messages::autoware_perception_msgs::{
    ObjectClassification, PredictedObject, PredictedObjects, PredictedPath, TrackedObject, TrackedObjects,
};
use auriga_messages::geometry_msgs::Pose;

/// How far and how finely to predict.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PredictorConfig {
    /// Seconds.
    pub horizon_s: f64,
    /// Seconds between poses.
    pub step_s: f64,
    /// A vehicle is on a lane while its centre is within this of the centre line, metres.
    pub lane_reach_m: f64,
    /// It changes lane when it drifts faster than this, m/s.
    pub drift_mps: f64,
    /// It has found the middle of its lane after about this time, seconds.
    pub centering_s: f64,
}

impl Default for PredictorConfig {
    fn default() -> Self {
        Self { horizon_s: 5.0, step_s: 0.5, lane_reach_m: 2.2, drift_mps: 0.4, centering_s: 1.5 }
    }
}

/// At most this many paths an object.
const PATHS_MOST: usize = 6;
/// At most this many lanes a path.
const LANES_MOST: usize = 24;
/// A lane is driven in its direction up to this difference, rad.
const HEADING_MOST: f64 = 0.8;
/// Tracks older than this are not carried to the present: what is predicted from them would look new, seconds.
const CARRY_MOST_S: f64 = 0.4;

/// Predicts the motion of tracks.
#[derive(Clone, Debug)]
pub struct Predictor {
    config: PredictorConfig,
    /// Lane sequences of the object at hand.
    ways: Vec<Vec<LaneId>>,
}

/// An object's motion now.
struct Now {
    pose: Pose2,
    z: f64,
    velocity: Vec2,
    speed: f64,
    course: f64,
}

impl Predictor {
    /// A predictor.
    ///
    /// # Errors
    /// A time or distance that is not above zero.
    pub fn new(config: PredictorConfig) -> Result<Self, PerceptionError> {
        positive("horizon_s", config.horizon_s)?;
        positive("step_s", config.step_s)?;
        positive("lane_reach_m", config.lane_reach_m)?;
        positive("drift_mps", config.drift_mps)?;
        positive("centering_s", config.centering_s)?;
        Ok(Self { config, ways: Vec::new() })
    }

    /// Predicts all tracks from the instant `now` on. Without a map, everything keeps its velocity.
    ///
    /// # Errors
    /// A track that is not finite; `out` holds the tracks before it. Tracks that are too old.
    pub fn step(
        &mut self,
        now: LogicalTime,
        tracks: &TrackedObjects,
        map: Option<&Map>,
        out: &mut PredictedObjects,
    ) -> Result<(), PerceptionError> {
        let stamp = LogicalTime::from(&tracks.header.stamp);
        let late = now.since(stamp).as_secs_f64().max(0.0);
        if late > CARRY_MOST_S {
            return Err(PerceptionError::Old { what: "tracks", age_s: late, most_s: CARRY_MOST_S });
        }
        out.header.stamp = now.into();
        out.header.frame_id.clone_from(&tracks.header.frame_id);
        out.objects.clear();
        for track in &tracks.objects {
            let state = Now::of(track, late)?;
            let mut object = PredictedObject {
                object_id: track.object_id.clone(),
                existence_probability: track.existence_probability,
                classification: track.classification.clone(),
                shape: track.shape.clone(),
                ..PredictedObject::default()
            };
            let kinematics = &mut object.kinematics;
            kinematics.initial_pose_with_covariance = track.kinematics.pose_with_covariance.clone();
            kinematics.initial_pose_with_covariance.pose = state.message(&state.pose);
            kinematics.initial_twist_with_covariance = track.kinematics.twist_with_covariance.clone();
            kinematics.initial_acceleration_with_covariance =
                track.kinematics.acceleration_with_covariance.clone();
            self.predict(&state, track, map, &mut kinematics.predicted_paths);
            out.objects.push(object);
        }
        Ok(())
    }

    fn predict(
        &mut self,
        state: &Now,
        track: &TrackedObject,
        map: Option<&Map>,
        paths: &mut Vec<PredictedPath>,
    ) {
        let moves = !track.kinematics.is_stationary && state.speed > 0.3;
        let label = track.classification.first().map_or(ObjectClassification::UNKNOWN, |c| c.label);
        let keeps_to_lanes =
            !matches!(label, ObjectClassification::PEDESTRIAN | ObjectClassification::UNKNOWN);
        if let (true, true, Some(map)) = (moves, keeps_to_lanes, map) {
            self.follow_lanes(state, map, paths);
        }
        if paths.is_empty() {
            let velocity = if moves { state.velocity } else { Vec2::zeros() };
            paths.push(self.path(1.0, |t| {
                let p = state.pose.position() + velocity * t;
                state.message(&Pose2::new(p.x, p.y, state.pose.yaw))
            }));
        }
    }

    fn follow_lanes(&mut self, state: &Now, map: &Map, paths: &mut Vec<PredictedPath>) {
        let Some(at) = map.nearest_lane(state.pose.position(), Some(state.course)) else { return };
        let lane = map.lane(at.lane);
        let here = lane.centerline.at(at.s);
        let off = angle_difference(state.course, here.heading);
        let from_line = (here.position - state.pose.position()).norm();
        if off.abs() > HEADING_MOST || from_line > self.config.lane_reach_m {
            return;
        }
        let drift = state.speed * sin_cos(off).0;
        let beside = if drift > self.config.drift_mps {
            lane.left
        } else if drift < -self.config.drift_mps {
            lane.right
        } else {
            None
        };
        let target = beside.filter(|n| n.same_direction).map(|n| n.lane);
        let share = if target.is_some() { 0.5 } else { 1.0 };
        self.follow(state, map, at.lane, share, paths);
        if let Some(target) = target {
            self.follow(state, map, target, share, paths);
        }
        paths.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    }

    /// Adds a path for each way on from a lane; together they have the confidence `share`.
    fn follow(&mut self, state: &Now, map: &Map, first: LaneId, share: f64, paths: &mut Vec<PredictedPath>) {
        let (s0, d0) = map.lane(first).centerline.project(state.pose.position());
        let needed = s0 + state.speed * self.config.horizon_s;
        self.collect_ways(map, first, needed);
        let confidence = share / self.ways.len().max(1) as f64;
        for way in &self.ways {
            paths.push(self.path(confidence, |t| {
                let d = d0 * exp(-t / self.config.centering_s);
                state.message(&along(
                    map,
                    way,
                    s0 + state.speed * t,
                    d,
                    if t == 0.0 { Some(state.pose.yaw) } else { None },
                ))
            }));
        }
    }

    /// All lane sequences from `first` that are `needed` metres long, depth first by ascending lane.
    fn collect_ways(&mut self, map: &Map, first: LaneId, needed: f64) {
        self.ways.clear();
        let mut open = vec![(vec![first], map.lane(first).length)];
        while let Some((way, length)) = open.pop() {
            let successors = way.last().map_or(&[][..], |last| &map.lane(*last).successors[..]);
            let is_full = self.ways.len() + open.len() + 1 >= PATHS_MOST;
            if length >= needed || successors.is_empty() || way.len() >= LANES_MOST {
                self.ways.push(way);
                continue;
            }
            let taken = if is_full { &successors[..1] } else { successors };
            for &next in taken.iter().rev() {
                let mut longer = way.clone();
                longer.push(next);
                open.push((longer, length + map.lane(next).length));
            }
        }
    }

    fn path(&self, confidence: f64, pose_at: impl Fn(f64) -> Pose) -> PredictedPath {
        let steps = (self.config.horizon_s / self.config.step_s + 0.5) as usize;
        PredictedPath {
            path: (0..=steps).map(|k| pose_at(k as f64 * self.config.step_s)).collect(),
            time_step: LogicalDuration::from_secs_f64(self.config.step_s).into(),
            confidence: confidence as f32,
        }
    }
}

/// The pose `s` metres along a lane sequence and `d` metres to its left; straight on past its end.
fn along(map: &Map, way: &[LaneId], mut s: f64, d: f64, yaw: Option<f64>) -> Pose2 {
    let mut index = 0;
    while index + 1 < way.len() && s > map.lane(way[index]).length {
        s -= map.lane(way[index]).length;
        index += 1;
    }
    let lane = map.lane(way[index]);
    let at = lane.centerline.at(s);
    let past = (s - lane.length).max(0.0);
    let (sin, cos) = sin_cos(at.heading);
    let p = at.position + Vec2::new(cos, sin) * past + Vec2::new(-sin, cos) * d;
    Pose2::new(p.x, p.y, yaw.unwrap_or(at.heading))
}

impl Now {
    fn of(track: &TrackedObject, late: f64) -> Result<Self, PerceptionError> {
        let message = &track.kinematics.pose_with_covariance.pose;
        let pose = Pose2::from(message);
        let twist = &track.kinematics.twist_with_covariance.twist.linear;
        let z = message.position.z;
        if ![pose.x, pose.y, pose.yaw, z, twist.x, twist.y].iter().all(|v| v.is_finite()) {
            return Err(PerceptionError::NotFinite { what: "a track's pose or velocity" });
        }
        let (sin, cos) = sin_cos(pose.yaw);
        let velocity = Vec2::new(cos * twist.x - sin * twist.y, sin * twist.x + cos * twist.y);
        let at = pose.position() + velocity * late;
        let speed = velocity.norm();
        let course = if speed > 0.1 { atan2(velocity.y, velocity.x) } else { pose.yaw };
        Ok(Self { pose: Pose2::new(at.x, at.y, pose.yaw), z, velocity, speed, course })
    }

    fn message(&self, pose: &Pose2) -> Pose {
        Pose::from(&Pose3::from_pose2(pose, self.z))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A road of 60 m that goes on straight and to the left.
    const FORK: &str = r#"<OpenDRIVE><header revMajor="1" revMinor="6"/>
      <road id="1" length="60" junction="-1">
        <link><successor elementType="road" elementId="2" contactPoint="start"/></link>
        <planView><geometry s="0" x="0" y="0" hdg="0" length="60"><line/></geometry></planView>
        <lanes><laneSection s="0"><center><lane id="0" type="none"/></center><right>
          <lane id="-1" type="driving"><link><successor id="-1"/></link><width sOffset="0" a="3.5" b="0" c="0" d="0"/></lane>
          <lane id="-2" type="driving"><link><successor id="-2"/></link><width sOffset="0" a="3.5" b="0" c="0" d="0"/></lane>
        </right></laneSection></lanes>
      </road>
      <road id="2" length="100" junction="-1">
        <link><predecessor elementType="road" elementId="1" contactPoint="end"/></link>
        <planView><geometry s="0" x="60" y="0" hdg="0" length="100"><arc curvature="0.02"/></geometry></planView>
        <lanes><laneSection s="0"><center><lane id="0" type="none"/></center><right>
          <lane id="-1" type="driving"><link><predecessor id="-1"/></link><width sOffset="0" a="3.5" b="0" c="0" d="0"/></lane>
          <lane id="-2" type="driving"><link><predecessor id="-2"/></link><width sOffset="0" a="3.5" b="0" c="0" d="0"/></lane>
        </right></laneSection></lanes>
      </road></OpenDRIVE>"#;

    fn car(pose: Pose2, speed: f64, sideways: f64) -> TrackedObjects {
        let mut object = TrackedObject::default();
        object
            .classification
            .push(ObjectClassification { label: ObjectClassification::CAR, probability: 1.0 });
        object.kinematics.pose_with_covariance.pose = Pose::from(&pose);
        object.kinematics.twist_with_covariance.twist.linear.x = speed;
        object.kinematics.twist_with_covariance.twist.linear.y = sideways;
        TrackedObjects { objects: vec![object], ..TrackedObjects::default() }
    }

    fn predict(tracks: &TrackedObjects, map: Option<&Map>, now: LogicalTime) -> PredictedObject {
        let mut predictor = Predictor::new(PredictorConfig::default()).unwrap();
        let mut out = PredictedObjects::default();
        predictor.step(now, tracks, map, &mut out).unwrap();
        out.objects.remove(0)
    }

    #[test]
    fn a_car_on_a_lane_takes_the_bend() {
        let map = Map::from_opendrive(FORK).unwrap();
        let now = LogicalTime::from_nanos(70_000_000);
        let object = predict(&car(Pose2::new(40.0, -1.75, 0.0), 12.0, 0.0), Some(&map), now);
        let start = &object.kinematics.initial_pose_with_covariance.pose.position;
        assert!((start.x - 40.84).abs() < 1e-9, "the car is carried to the present");
        let paths = &object.kinematics.predicted_paths;
        assert_eq!((paths.len(), paths[0].path.len()), (1, 11));
        let end = Pose2::from(&paths[0].path[10]);
        assert!(end.y > 8.0 && end.yaw > 0.6, "{end:?}");
        let lane = map.nearest_lane(end.position(), Some(end.yaw)).unwrap();
        assert!(lane.d.abs() < 0.05);
    }

    #[test]
    fn a_drifting_car_may_change_lane() {
        let map = Map::from_opendrive(FORK).unwrap();
        let object = predict(&car(Pose2::new(5.0, -4.6, 0.0), 8.0, 0.7), Some(&map), LogicalTime::ZERO);
        let paths = &object.kinematics.predicted_paths;
        assert_eq!(paths.len(), 2);
        let ends: Vec<f64> = paths.iter().map(|p| p.path[10].position.y).collect();
        assert!(ends.iter().any(|y| (y + 1.75).abs() < 0.3) && ends.iter().any(|y| (y + 5.25).abs() < 0.3));
        let sum: f32 = paths.iter().map(|p| p.confidence).sum();
        assert!((sum - 1.0).abs() < 1e-5);
    }

    #[test]
    fn what_stands_stays_and_nonsense_is_refused() {
        let mut tracks = car(Pose2::new(5.0, -1.75, 0.0), 0.2, 0.0);
        tracks.objects[0].kinematics.is_stationary = true;
        let object = predict(&tracks, None, LogicalTime::ZERO);
        let path = &object.kinematics.predicted_paths[0].path;
        assert!(path.iter().all(|p| p.position.x == 5.0));
        tracks.objects[0].kinematics.twist_with_covariance.twist.linear.x = f64::NAN;
        let mut predictor = Predictor::new(PredictorConfig::default()).unwrap();
        assert!(predictor.step(LogicalTime::ZERO, &tracks, None, &mut PredictedObjects::default()).is_err());
    }
}
