//! Judges a foreign recording: localization against its INS, tracks against its labels.

use crate::drift::Drift;
use crate::observers::of;
use crate::stack::Topics;
use auriga_evaluation::{KittiEvaluator, LocalizationEvaluator, RunReport};
use auriga_geometry::{LogicalTime, Pose3};
use auriga_messages::auriga_msgs::GroundTruth;
use auriga_messages::autoware_perception_msgs::TrackedObjects;
use auriga_perception::tracking::EgoHistory;
use auriga_runtime::{Observer, Publication, RunError};
use std::sync::{Arc, Mutex, PoisonError};

/// What is known of a recorded drive while it runs.
pub struct Recorded {
    topics: Topics,
    lidar_pose: Pose3,
    /// The number of each scan in its file's name.
    frames: Vec<u64>,
    /// Instants at which the scans began.
    starts: Vec<LogicalTime>,
    ego: EgoHistory,
    labels: Option<KittiEvaluator>,
    localization: LocalizationEvaluator,
    has_reference: bool,
    /// Where satellite positions are withheld from some instant on.
    drift: Option<Drift>,
}

impl Recorded {
    /// Nothing seen yet.
    pub fn new(
        topics: Topics,
        lidar_pose: Pose3,
        frames: Vec<u64>,
        labels: Option<KittiEvaluator>,
        positions_until: Option<LogicalTime>,
    ) -> Self {
        Self {
            topics,
            lidar_pose,
            frames,
            starts: Vec::new(),
            ego: EgoHistory::default(),
            labels,
            localization: LocalizationEvaluator::new(),
            has_reference: false,
            drift: positions_until.map(Drift::new),
        }
    }

    /// The parts of the report that it knows.
    pub fn finish(self) -> RunReport {
        RunReport {
            localization: self.has_reference.then(|| self.localization.finish()),
            drift: self.drift.and_then(|drift| drift.finish()),
            kitti: self.labels.map(KittiEvaluator::finish),
            ..RunReport::default()
        }
    }

    fn tracks(&mut self, tracks: &TrackedObjects) {
        let (Some(labels), end) = (&mut self.labels, LogicalTime::from(&tracks.header.stamp)) else { return };
        // The tracks are those of the last scan that began before their stamp, which is its end.
        let Some(scan) = self.starts.iter().rposition(|start| *start < end) else { return };
        let middle = self.starts[scan].as_nanos() / 2 + end.as_nanos() / 2;
        let middle = LogicalTime::from_nanos(middle);
        let (Some(pose), Some(frame)) = (self.ego.pose_at(middle), self.frames.get(scan)) else { return };
        let lidar = Pose3::from_pose2(&pose, 0.0).compose(&self.lidar_pose);
        labels.frame(*frame as u32, middle, &lidar, tracks);
    }

    fn message(&mut self, publication: &Publication<'_>) {
        let topics = self.topics;
        if let Some(points) = of(publication, topics.points) {
            self.starts.push(LogicalTime::from(&points.header.stamp));
        } else if let Some(odometry) = of(publication, topics.ego) {
            self.ego.note(&odometry);
            self.localization.odometry(&odometry);
            self.drift.iter_mut().for_each(|drift| drift.ego(&odometry));
        } else if let Some(reference) = of(publication, topics.reference) {
            self.has_reference = true;
            self.drift.iter_mut().for_each(|drift| drift.reference(&reference));
            self.localization.truth(&GroundTruth {
                header: reference.header.clone(),
                ego_pose: reference.pose.pose.clone(),
                ego_twist: reference.twist.twist.clone(),
                ..GroundTruth::default()
            });
        } else if let Some(tracks) = of(publication, topics.objects) {
            self.tracks(&tracks);
        }
    }
}

/// Shares what is known with whoever writes the report.
pub struct Judge(pub Arc<Mutex<Option<Recorded>>>);

impl Observer for Judge {
    fn observe(&mut self, publication: &Publication<'_>) -> Result<(), RunError> {
        if let Some(recorded) = self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            recorded.message(publication);
        }
        Ok(())
    }
}
