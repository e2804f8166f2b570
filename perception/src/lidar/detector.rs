//! The geometric detector: cloud → ground → things → boxes with a class guessed from their size.

use super::candidate::{Candidate, judge};
use super::cluster::Clusters;
use super::{Cloud, Ground, Motion, SCAN_POINTS_LEAST, deskew};
use crate::error::positive;
use crate::{PerceptionError, Repeats};
use auriga_geometry::{LogicalTime, Pose2, Pose3};
use auriga_messages::geometry_msgs::{Pose, Vector3};
use auriga_messages::sensor_msgs::PointCloud2;
use auriga_messages::vision_msgs::{Detection3D, Detection3DArray, ObjectHypothesisWithPose};

/// What the detector must know about the car.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LidarDetectorConfig {
    /// From the rear axle to the front bumper, metres. Points within the car's own outline are left out.
    pub front_m: f64,
    /// From the rear axle to the rear bumper, metres.
    pub rear_m: f64,
    /// The car's width, metres.
    pub width_m: f64,
    /// Points farther away are left out, metres.
    pub range_most_m: f64,
    /// Things without a class are reported too, down to this height above the ground, metres.
    pub unknown_height_m: f64,
    /// With fewer points in a scan the scanner is blind.
    pub scan_points_least: usize,
}

impl Default for LidarDetectorConfig {
    fn default() -> Self {
        Self {
            front_m: 3.65,
            rear_m: 0.95,
            width_m: 1.85,
            range_most_m: 78.0,
            unknown_height_m: 0.5,
            scan_points_least: SCAN_POINTS_LEAST,
        }
    }
}

/// The car's own outline is grown by this much, metres.
const SELF_MARGIN_M: f64 = 0.15;
/// Points must be this high above the ground, metres; more where the ground is less well known.
const OBSTACLE_M: f32 = 0.25;

/// Finds road users and other things that stand on the ground.
#[derive(Clone, Debug)]
pub struct LidarDetector {
    config: LidarDetectorConfig,
    lidar_pose: Pose3,
    repeats: Repeats,
    cloud: Cloud,
    points: Vec<[f32; 3]>,
    ground: Ground,
    clusters: Clusters,
    samples: Vec<[f64; 2]>,
    candidates: Vec<Candidate>,
}

impl LidarDetector {
    /// A detector for a scanner at `lidar_pose` in `base_link`.
    ///
    /// # Errors
    /// An extent or range that is not above zero.
    pub fn new(config: LidarDetectorConfig, lidar_pose: Pose3) -> Result<Self, PerceptionError> {
        positive("front_m", config.front_m)?;
        positive("rear_m", config.rear_m)?;
        positive("width_m", config.width_m)?;
        positive("range_most_m", config.range_most_m)?;
        positive("unknown_height_m", config.unknown_height_m)?;
        Ok(Self {
            config,
            lidar_pose,
            repeats: Repeats::of("lidar"),
            cloud: Cloud::default(),
            points: Vec::new(),
            ground: Ground::default(),
            clusters: Clusters::default(),
            samples: Vec::new(),
            candidates: Vec::new(),
        })
    }

    /// Detections of one scan, in `base_link` at the instant of the scan's newest point, best score first.
    ///
    /// `motion` is how the car moved during the turn; at rest where it is not known.
    ///
    /// # Errors
    /// A cloud that can't be read, is the one before, or has hardly a point; `out` is empty then.
    pub fn step(
        &mut self,
        _now: LogicalTime,
        cloud: &PointCloud2,
        motion: &Motion,
        out: &mut Detection3DArray,
    ) -> Result<(), PerceptionError> {
        out.detections.clear();
        self.cloud.read(cloud)?;
        self.cloud.demand(self.config.scan_points_least)?;
        self.repeats.check(self.cloud.start, &cloud.data)?;
        deskew(&self.cloud, &self.lidar_pose, motion, &mut self.points);
        self.drop_own_car();
        self.ground.fit(&self.points);
        self.clusters.clear();
        for &point in &self.points {
            let above = self.ground.above(point);
            let range = (point[0] * point[0] + point[1] * point[1]).sqrt();
            if above > OBSTACLE_M + 0.003 * (range - 20.0).max(0.0) {
                self.clusters.add(point, above);
            }
        }
        self.clusters.group();
        self.find_candidates();
        self.report(out);
        Ok(())
    }

    /// The points of the last scan in `base_link` at the scan's end, with their height above the ground.
    pub fn points_above_ground(&self) -> impl Iterator<Item = ([f32; 3], f32)> + '_ {
        self.points.iter().map(|&p| (p, self.ground.above(p)))
    }

    fn drop_own_car(&mut self) {
        let c = &self.config;
        let (front, rear) = ((c.front_m + SELF_MARGIN_M) as f32, -(c.rear_m + SELF_MARGIN_M) as f32);
        let side = (c.width_m / 2.0 + SELF_MARGIN_M) as f32;
        let most = (c.range_most_m * c.range_most_m) as f32;
        self.points.retain(|&[x, y, _]| {
            let is_own = x < front && x > rear && y.abs() < side;
            !is_own && x * x + y * y < most
        });
    }

    fn find_candidates(&mut self) {
        self.candidates.clear();
        let eye = [self.lidar_pose.translation.x, self.lidar_pose.translation.y];
        for cluster in &self.clusters.clusters {
            let members = &self.clusters.members[cluster.first..cluster.end];
            if let Some(candidate) =
                judge(cluster, members, eye, self.config.unknown_height_m, &mut self.samples)
            {
                self.candidates.push(candidate);
            }
        }
        self.candidates.sort_by(|a, b| b.score.total_cmp(&a.score));
    }

    fn report(&self, out: &mut Detection3DArray) {
        out.header.stamp = self.cloud.end.into();
        out.header.frame_id.clear();
        out.header.frame_id.push_str("base_link");
        for candidate in &self.candidates {
            let b = &candidate.outline;
            let pose = Pose3::from_pose2(
                &Pose2::new(b.center.x, b.center.y, b.center.yaw),
                candidate.bottom + candidate.height / 2.0,
            );
            let mut result = ObjectHypothesisWithPose::default();
            result.hypothesis.class_id.push_str(candidate.class);
            result.hypothesis.score = candidate.score;
            result.pose.pose = Pose::from(&pose);
            let mut detection =
                Detection3D { header: out.header.clone(), results: vec![result], ..Detection3D::default() };
            detection.bbox.center = Pose::from(&pose);
            detection.bbox.size = Vector3 { x: b.length, y: b.width, z: candidate.height };
            out.detections.push(detection);
        }
    }
}
