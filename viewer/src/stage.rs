//! Names of the entities, time, and the conversions to Rerun's types.

use crate::ViewerError;
use auriga_geometry::{LogicalTime, Pose3, Vec3};
use rerun::{AsComponents, Quaternion, RecordingStream, TimeCell, Transform3D};

pub(crate) const TIMELINE: &str = "logical_time";

pub(crate) const SURFACE: &str = "world/map/surface";
pub(crate) const MARKS: &str = "world/map/marks";
pub(crate) const BUILDINGS: &str = "world/map/buildings";
pub(crate) const TREES: &str = "world/map/trees";
pub(crate) const POSTS: &str = "world/map/posts";
pub(crate) const LIGHTS: &str = "world/map/lights";
pub(crate) const SEEN_LIGHTS: &str = "world/seen_lights";
pub(crate) const EGO: &str = "world/ego";
pub(crate) const EGO_BODY: &str = "world/ego/body";
pub(crate) const CAMERA: &str = "world/ego/camera";
pub(crate) const CAMERA_IMAGE: &str = "world/ego/camera/image";
pub(crate) const CAMERA_BOXES: &str = "world/ego/camera/detections";
pub(crate) const DETECTIONS: &str = "world/ego/detections";
pub(crate) const RADAR: &str = "world/ego/radar";
pub(crate) const RADAR_TRACKS: &str = "world/ego/radar/tracks";
pub(crate) const RADAR_VELOCITIES: &str = "world/ego/radar/velocity";
pub(crate) const SCAN: &str = "world/scan";
pub(crate) const TRACKS: &str = "world/tracks/road_users";
pub(crate) const UNKNOWN_TRACKS: &str = "world/tracks/unknown";
pub(crate) const VELOCITIES: &str = "world/tracks/velocity";
pub(crate) const PREDICTIONS: &str = "world/predictions";
pub(crate) const TRAJECTORY: &str = "world/trajectory";
pub(crate) const TRUTH: &str = "world/truth";
pub(crate) const BEHAVIOR_STATE: &str = "states/behavior";
pub(crate) const GATE_STATE: &str = "states/gate";
pub(crate) const BEHAVIOR_LOG: &str = "log/behavior";
pub(crate) const GATE_LOG: &str = "log/gate";
pub(crate) const EVENT_LOG: &str = "log/truth";

/// Where everything is drawn: a recording with logical time.
pub(crate) struct Stage {
    pub recording: RecordingStream,
}

impl Stage {
    /// Draws `what` at an instant; it stays until something else is drawn there.
    pub(crate) fn draw(
        &self,
        entity: &str,
        time: LogicalTime,
        what: &dyn AsComponents,
    ) -> Result<(), ViewerError> {
        self.recording.set_time(TIMELINE, TimeCell::from_duration_nanos(time.as_nanos()));
        Ok(self.recording.log(entity, what)?)
    }

    /// Draws `what` for all time.
    pub(crate) fn draw_static(&self, entity: &str, what: &dyn AsComponents) -> Result<(), ViewerError> {
        Ok(self.recording.log_static(entity, what)?)
    }
}

pub(crate) fn xyz(point: Vec3) -> [f32; 3] {
    [point.x as f32, point.y as f32, point.z as f32]
}

pub(crate) fn quaternion(pose: &Pose3) -> Quaternion {
    let q = pose.rotation.as_ref();
    Quaternion::from_xyzw([q.i as f32, q.j as f32, q.k as f32, q.w as f32])
}

pub(crate) fn transform(pose: &Pose3) -> Transform3D {
    Transform3D::from_translation_rotation(xyz(pose.translation), quaternion(pose))
}
