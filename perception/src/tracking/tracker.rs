//! All tracks together: prediction, assignment, birth and death.

use super::assignment::{Pair, assign};
use super::camera_vote::{CameraModel, vote};
use super::class::Class;
use super::ego_history::EgoHistory;
use super::report::report;
use super::track::{Sighting, Track};
use crate::PerceptionError;
use crate::error::positive;
use auriga_geometry::{LogicalTime, OrientedBox, Pose2, Vec2, segment_distance};
use auriga_map::Map;
use auriga_messages::autoware_perception_msgs::TrackedObjects;
use auriga_messages::nav_msgs::Odometry;
use auriga_messages::vision_msgs::{Detection2DArray, Detection3DArray};

/// How tracks are born, matched and given up.
#[derive(Clone, Debug, PartialEq)]
pub struct TrackerConfig {
    /// Name of the frame that the tracks are in.
    pub frame_id: String,
    /// Sightings until a track is reported.
    pub birth_hits: u32,
    /// The same for things of unknown class.
    pub birth_hits_unknown: u32,
    /// Scans without a sighting until a track is given up.
    pub death_misses: u32,
    /// A sighting farther off is another object, metres.
    pub gate_m: f64,
    /// Where there is a map: detections farther than this off every driving lane and crosswalk are left out, metres.
    pub off_road_m: f64,
    /// The scanner's position along `base_link`'s x axis, metres.
    pub eye_x_m: f64,
}

impl Default for TrackerConfig {
    fn default() -> Self {
        Self {
            frame_id: "map".to_owned(),
            birth_hits: 2,
            birth_hits_unknown: 4,
            death_misses: 5,
            gate_m: 4.0,
            off_road_m: 6.0,
            eye_x_m: 1.2,
        }
    }
}

/// What a step of the tracker looks at beside the detections.
#[derive(Clone, Copy, Debug, Default)]
pub struct TrackerInputs<'a> {
    /// The latest picture's detections with the camera that took it.
    pub camera: Option<(&'a Detection2DArray, &'a CameraModel)>,
    /// Absent: no detection is left out for its place.
    pub map: Option<&'a Map>,
}

/// Squared Mahalanobis distance that holds 99.7 % of a plane's true pairs.
const GATE_SQUARED: f64 = 11.6;
/// What is longer or higher is no person, metres.
const PERSON_MOST_M: f64 = 1.3;
const PERSON_HEIGHT_M: f64 = 2.2;
/// So far beyond a lane's edge a thing may still be on the lane, as localization and outlines go, metres.
const LANE_MARGIN_M: f64 = 0.5;
/// No more tracks than this; later detections are dropped.
const TRACKS_MOST: usize = 512;

/// Follows objects.
#[derive(Clone, Debug)]
pub struct Tracker {
    config: TrackerConfig,
    ego: EgoHistory,
    tracks: Vec<Track>,
    next_id: u64,
    sightings: Vec<Sighting>,
    pairs: Vec<Pair>,
    of_track: Vec<Option<usize>>,
    taken: Vec<bool>,
    last_picture: Option<LogicalTime>,
}

impl Tracker {
    /// A tracker without tracks.
    ///
    /// # Errors
    /// A gate or distance that is not above zero.
    pub fn new(config: TrackerConfig) -> Result<Self, PerceptionError> {
        positive("gate_m", config.gate_m)?;
        positive("off_road_m", config.off_road_m)?;
        Ok(Self {
            config,
            ego: EgoHistory::default(),
            tracks: Vec::new(),
            next_id: 1,
            sightings: Vec::new(),
            pairs: Vec::new(),
            of_track: Vec::new(),
            taken: Vec::new(),
            last_picture: None,
        })
    }

    /// Notes where the car is. Give it every ego state there is, in time order, before the step that needs it.
    pub fn note_ego(&mut self, odometry: &Odometry) {
        self.ego.note(odometry);
    }

    /// Takes in the detections of one scan. `out` holds the tracks at the scan's instant, by ascending id; it is empty while
    /// it is not known where the car was then.
    ///
    /// # Errors
    /// A detection that is not finite; the tracks stay as they were.
    pub fn step(
        &mut self,
        _now: LogicalTime,
        detections: &Detection3DArray,
        inputs: TrackerInputs<'_>,
        out: &mut TrackedObjects,
    ) -> Result<(), PerceptionError> {
        let time = LogicalTime::from(&detections.header.stamp);
        out.header.stamp = detections.header.stamp.clone();
        out.header.frame_id.clone_from(&self.config.frame_id);
        out.objects.clear();
        let Some(ego) = self.ego.pose_at(time) else { return Ok(()) };
        self.place(detections, &ego, inputs.map)?;
        let eye = ego.to_parent(Vec2::new(self.config.eye_x_m, 0.0));
        self.tracks.iter_mut().for_each(|track| track.predict(time));
        self.match_up(eye);
        for (track, found) in self.tracks.iter_mut().zip(&self.of_track) {
            match found {
                Some(k) => track.update(&self.sightings[*k], eye),
                None => track.miss(),
            }
        }
        self.bear(time);
        self.bury();
        if let Some(map) = inputs.map {
            self.tracks.iter_mut().for_each(|track| turn_along_lane(map, track));
        }
        self.look_through_camera(inputs);
        report(&self.tracks, out);
        Ok(())
    }

    /// Detections in `map`.
    fn place(
        &mut self,
        detections: &Detection3DArray,
        ego: &Pose2,
        map: Option<&Map>,
    ) -> Result<(), PerceptionError> {
        self.sightings.clear();
        for detection in &detections.detections {
            let local = Pose2::from(&detection.bbox.center);
            let size = &detection.bbox.size;
            let center_z = detection.bbox.center.position.z;
            let numbers = [local.x, local.y, local.yaw, size.x, size.y, size.z, center_z];
            if !numbers.iter().all(|v| v.is_finite()) {
                return Err(PerceptionError::NotFinite { what: "a detection's box" });
            }
            let center = ego.compose(&local);
            let hypothesis = detection.results.first().map(|r| &r.hypothesis);
            let class = hypothesis.map_or(Class::Unknown, |h| Class::from_name(&h.class_id));
            let outline = OrientedBox::new(center, size.x.max(0.1), size.y.max(0.1));
            let is_scenery = |map| class == Class::Unknown && is_scenery(map, &outline, size.z);
            if map.is_some_and(|map| self.is_off_road(map, center.position()) || is_scenery(map)) {
                continue;
            }
            self.sightings.push(Sighting {
                outline,
                center_z,
                height: size.z,
                class,
                score: hypothesis.map_or(0.0, |h| h.score.clamp(0.0, 1.0)),
                range: (local.x * local.x + local.y * local.y).sqrt(),
            });
        }
        Ok(())
    }

    fn is_off_road(&self, map: &Map, point: Vec2) -> bool {
        let most = self.config.off_road_m;
        let lane_is_near = map.nearest_lane(point, None).is_some_and(|at| {
            let middle = map.lane(at.lane).centerline.at(at.s);
            (middle.position - point).norm() <= most + middle.width / 2.0
        });
        let crosswalk_is_near =
            || map.crosswalks().iter().any(|c| segment_distance(c.axis.0, c.axis.1, point).0 <= most);
        !(lane_is_near || crosswalk_is_near())
    }

    fn match_up(&mut self, eye: Vec2) {
        self.pairs.clear();
        for (t, track) in self.tracks.iter().enumerate() {
            for (d, seen) in self.sightings.iter().enumerate() {
                let near = (seen.outline.center.position() - track.position()).norm();
                if near > self.config.gate_m + 0.5 * (track.extent.0 - seen.outline.length).abs() {
                    continue;
                }
                let distance = track.distance_squared(track.center_of(seen, eye), seen);
                if distance > GATE_SQUARED {
                    continue;
                }
                let cost = distance + unlikeness(track, seen);
                self.pairs.push(Pair { cost, track: t, detection: d });
            }
        }
        self.of_track.clear();
        self.of_track.resize(self.tracks.len(), None);
        self.taken.clear();
        self.taken.resize(self.sightings.len(), false);
        assign(&mut self.pairs, &mut self.of_track, &mut self.taken);
    }

    /// Unmatched sightings become tracks, unless they are a part of an object that was seen.
    fn bear(&mut self, time: LogicalTime) {
        let known = self.tracks.len();
        for (seen, taken) in self.sightings.iter().zip(&self.taken) {
            if *taken || self.tracks.len() >= TRACKS_MOST {
                continue;
            }
            let center = seen.outline.center.position();
            let is_part = self.tracks[..known]
                .iter()
                .any(|t| t.misses == 0 && t.outline().inflated(0.1, 0.1).contains(center));
            if !is_part {
                self.tracks.push(Track::new(self.next_id, time, seen));
                self.next_id += 1;
            }
        }
    }

    fn bury(&mut self) {
        let config = &self.config;
        for track in &mut self.tracks {
            let needed =
                if track.class() == Class::Unknown { config.birth_hits_unknown } else { config.birth_hits };
            track.is_confirmed |= track.hits >= needed;
        }
        let most = |t: &Track| if t.is_confirmed { config.death_misses } else { 1 };
        self.tracks.retain(|t| t.misses <= most(t));
        self.drop_doubles();
    }

    /// Of two tracks on the same spot the older stays.
    fn drop_doubles(&mut self) {
        let mut k = 1;
        while k < self.tracks.len() {
            let outline = self.tracks[k].outline();
            let is_double = self.tracks[..k].iter().any(|t| {
                (t.position() - outline.center.position()).norm() < 3.0
                    && t.outline().intersection_over_union(&outline) > 0.4
            });
            if is_double {
                self.tracks.remove(k);
            } else {
                k += 1;
            }
        }
    }

    /// Each picture votes once.
    fn look_through_camera(&mut self, inputs: TrackerInputs<'_>) {
        let Some((detections, camera)) = inputs.camera else { return };
        let time = LogicalTime::from(&detections.header.stamp);
        if self.last_picture.is_some_and(|last| last >= time) {
            return;
        }
        self.last_picture = Some(time);
        if let Some(ego) = self.ego.pose_at(time) {
            vote(&mut self.tracks, detections, camera, &ego, time);
        }
    }
}

/// Of the two directions that a box leaves open, a vehicle on a lane has the lane's, until its motion tells.
fn turn_along_lane(map: &Map, track: &mut Track) {
    let drives = matches!(track.class(), Class::Vehicle | Class::Truck);
    if !drives || track.has_direction {
        return;
    }
    if let Some(at) = map.nearest_lane(track.position(), None) {
        let middle = map.lane(at.lane).centerline.at(at.s);
        if (middle.position - track.position()).norm() <= middle.width / 2.0 {
            track.turn_towards(middle.heading);
        }
    }
}

/// Whether a thing of unknown class is part of a building, a tree or a post: it stands beside the lanes, and is too large for
/// a person. The visible part of a wall shifts as the car passes it, and would be taken for something that drives.
fn is_scenery(map: &Map, outline: &OrientedBox, height: f64) -> bool {
    let may_be_a_person = outline.length.max(outline.width) <= PERSON_MOST_M && height <= PERSON_HEIGHT_M;
    let is_on_a_lane = |point: Vec2| {
        map.nearest_lane(point, None).is_some_and(|at| {
            let middle = map.lane(at.lane).centerline.at(at.s);
            (middle.position - point).norm() <= middle.width / 2.0 + LANE_MARGIN_M
        })
    };
    !may_be_a_person
        && !is_on_a_lane(outline.center.position())
        && !outline.corners().into_iter().any(is_on_a_lane)
}

/// What a pair costs beyond its distance: another class, another size.
fn unlikeness(track: &Track, seen: &Sighting) -> f64 {
    let class = if track.class() == seen.class { 0.0 } else { 1.0 };
    let size = (track.extent.0 * track.extent.1 - seen.outline.length * seen.outline.width).abs();
    class + 0.2 * size.min(10.0)
}
