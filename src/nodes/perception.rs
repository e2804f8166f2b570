//! Lidar detection, the gate's obstacle channel, tracking and prediction as nodes.

use auriga_map::Map;
use auriga_messages::auriga_msgs::{NearestObstacle, VehicleState};
use auriga_messages::autoware_perception_msgs::{PredictedObjects, TrackedObjects};
use auriga_messages::nav_msgs::Odometry;
use auriga_messages::sensor_msgs::PointCloud2;
use auriga_messages::vision_msgs::{Detection2DArray, Detection3DArray};
use auriga_perception::lidar::{LidarDetector, Motion, ObstacleChannel};
use auriga_perception::prediction::Predictor;
use auriga_perception::tracking::{CameraModel, Tracker, TrackerInputs};
use auriga_runtime::{Latest, Node, NodeError, Output, Queue, Step};
use std::sync::Arc;

/// Boxes from lidar geometry.
pub struct LidarDetectionNode {
    /// The detector.
    pub detector: LidarDetector,
}

impl Node for LidarDetectionNode {
    type Inputs = (Latest<PointCloud2>, Latest<Odometry>);
    type Outputs = (Output<Detection3DArray>,);

    fn step(
        &mut self,
        step: &Step,
        (cloud, ego): &Self::Inputs,
        (out,): &mut Self::Outputs,
    ) -> Result<(), NodeError> {
        let Some(cloud) = cloud.fresh() else { return Ok(()) };
        let motion = ego.get().map_or_else(Motion::default, |ego| Motion {
            speed_mps: ego.twist.twist.linear.x,
            yaw_rate_rps: ego.twist.twist.angular.z,
        });
        self.detector.step(step.release, cloud, &motion, out.write()).map_err(NodeError::new)
    }
}

/// The nearest obstacle in the way: lidar geometry and the bus alone, for the gate.
pub struct ObstacleChannelNode {
    /// The channel.
    pub channel: ObstacleChannel,
}

impl Node for ObstacleChannelNode {
    type Inputs = (Latest<PointCloud2>, Latest<VehicleState>);
    type Outputs = (Output<NearestObstacle>,);

    fn step(
        &mut self,
        step: &Step,
        (cloud, vehicle): &Self::Inputs,
        (out,): &mut Self::Outputs,
    ) -> Result<(), NodeError> {
        let (Some(cloud), Some(vehicle)) = (cloud.fresh(), vehicle.get()) else { return Ok(()) };
        self.channel.step(step.release, cloud, vehicle, out.write()).map_err(NodeError::new)
    }
}

/// Objects followed over time.
pub struct TrackingNode {
    /// The tracker.
    pub tracker: Tracker,
    /// Absent for a drive without a map.
    pub map: Option<Arc<Map>>,
    /// Absent without a camera.
    pub camera: Option<CameraModel>,
}

impl Node for TrackingNode {
    type Inputs = (Latest<Detection3DArray>, Queue<Odometry>, Latest<Detection2DArray>);
    type Outputs = (Output<TrackedObjects>,);

    fn step(
        &mut self,
        step: &Step,
        (detections, ego, picture): &Self::Inputs,
        (out,): &mut Self::Outputs,
    ) -> Result<(), NodeError> {
        ego.iter().for_each(|odometry| self.tracker.note_ego(odometry));
        let Some(detections) = detections.fresh() else { return Ok(()) };
        let inputs =
            TrackerInputs { camera: picture.get().zip(self.camera.as_ref()), map: self.map.as_deref() };
        self.tracker.step(step.release, detections, inputs, out.write()).map_err(NodeError::new)
    }
}

/// Where the objects may go.
pub struct PredictionNode {
    /// The predictor.
    pub predictor: Predictor,
    /// The lanes that they may follow.
    pub map: Arc<Map>,
}

impl Node for PredictionNode {
    type Inputs = (Latest<TrackedObjects>,);
    type Outputs = (Output<PredictedObjects>,);

    fn step(
        &mut self,
        step: &Step,
        (tracks,): &Self::Inputs,
        (out,): &mut Self::Outputs,
    ) -> Result<(), NodeError> {
        let Some(tracks) = tracks.fresh() else { return Ok(()) };
        self.predictor.step(step.release, tracks, Some(&self.map), out.write()).map_err(NodeError::new)
    }
}
