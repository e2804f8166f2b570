//! Road users: detected, tracked, predicted, and as they truly are.

use crate::ViewerError;
use crate::palette::{self, Rgb};
use crate::stage::{self, Stage};
use auriga_geometry::{LogicalTime, Pose3, Vec3};
use auriga_messages::auriga_msgs::GroundTruth;
use auriga_messages::autoware_perception_msgs::{
    ObjectClassification, PredictedObjects, TrackedObject, TrackedObjects,
};
use auriga_messages::geometry_msgs::Vector3;
use auriga_messages::vision_msgs::Detection3DArray;
use rerun::{FillMode, Radius};

/// Boxes that are drawn as one entity.
#[derive(Default)]
struct Boxes {
    half_sizes: Vec<[f32; 3]>,
    centers: Vec<[f32; 3]>,
    turns: Vec<rerun::Quaternion>,
    colors: Vec<rerun::Color>,
    labels: Vec<String>,
}

impl Boxes {
    fn push(&mut self, pose: &Pose3, size: &Vector3, rgb: Rgb, label: String) {
        self.half_sizes.push([size.x as f32 / 2.0, size.y as f32 / 2.0, size.z as f32 / 2.0]);
        self.centers.push(stage::xyz(pose.translation));
        self.turns.push(stage::quaternion(pose));
        self.colors.push(palette::color(rgb));
        self.labels.push(label);
    }

    fn draw(
        self,
        stage: &Stage,
        entity: &str,
        time: LogicalTime,
        radius: f32,
        fill: FillMode,
    ) -> Result<(), ViewerError> {
        let mut boxes = rerun::Boxes3D::from_centers_and_half_sizes(self.centers, self.half_sizes)
            .with_quaternions(self.turns)
            .with_colors(self.colors)
            .with_radii([Radius::new_scene_units(radius)])
            .with_fill_mode(fill);
        // Without labels an empty list is drawn, which takes away those that were there.
        let labelled = self.labels.iter().any(|label| !label.is_empty());
        boxes = boxes.with_labels(if labelled { self.labels } else { Vec::new() }).with_show_labels(labelled);
        stage.draw(entity, time, &boxes)
    }
}

/// Draws what the lidar detected, in `base_link`.
pub(crate) fn draw_detections(stage: &Stage, found: &Detection3DArray) -> Result<(), ViewerError> {
    let mut boxes = Boxes::default();
    for detection in &found.detections {
        let pose = Pose3::from(&detection.bbox.center);
        boxes.push(&pose, &detection.bbox.size, [196, 200, 208], String::new());
    }
    let time = LogicalTime::from(&found.header.stamp);
    boxes.draw(stage, stage::DETECTIONS, time, 0.015, FillMode::MajorWireframe)
}

/// Draws the tracks: road users filled and with a label, other things as thin boxes, and where they go in the next second.
pub(crate) fn draw_tracks(stage: &Stage, tracks: &TrackedObjects) -> Result<(), ViewerError> {
    let time = LogicalTime::from(&tracks.header.stamp);
    let (mut users, mut others) = (Boxes::default(), Boxes::default());
    let (mut origins, mut vectors, mut colors) = (Vec::new(), Vec::new(), Vec::new());
    for track in &tracks.objects {
        let pose = Pose3::from(&track.kinematics.pose_with_covariance.pose);
        let twist = &track.kinematics.twist_with_covariance.twist.linear;
        let speed = (twist.x * twist.x + twist.y * twist.y).sqrt();
        let label = track.classification.first().map_or(ObjectClassification::UNKNOWN, |best| best.label);
        let (rgb, name) = palette::class(label);
        let boxes = if label == ObjectClassification::UNKNOWN { &mut others } else { &mut users };
        let text = if label == ObjectClassification::UNKNOWN {
            String::new()
        } else {
            format!("{name} {} · {speed:.1} m/s", number(track))
        };
        boxes.push(&pose, &track.shape.dimensions, rgb, text);
        if speed > 0.3 {
            origins.push(stage::xyz(pose.translation));
            let velocity = pose.rotation * Vec3::new(twist.x, twist.y, 0.0);
            vectors.push([velocity.x as f32, velocity.y as f32, 0.0]);
            colors.push(palette::color(rgb));
        }
    }
    users.draw(stage, stage::TRACKS, time, 0.04, FillMode::TransparentFillMajorWireframe)?;
    others.draw(stage, stage::UNKNOWN_TRACKS, time, 0.02, FillMode::MajorWireframe)?;
    let arrows = rerun::Arrows3D::from_vectors(vectors)
        .with_origins(origins)
        .with_colors(colors)
        .with_radii([Radius::new_scene_units(0.06)]);
    stage.draw(stage::VELOCITIES, time, &arrows)
}

fn number(track: &TrackedObject) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&track.object_id.uuid[..8]);
    u64::from_le_bytes(number)
}

/// Draws where objects may go: the likelier, the stronger.
pub(crate) fn draw_predictions(stage: &Stage, predicted: &PredictedObjects) -> Result<(), ViewerError> {
    let (mut strips, mut colors) = (Vec::new(), Vec::new());
    for object in &predicted.objects {
        let label = object.classification.first().map_or(ObjectClassification::UNKNOWN, |best| best.label);
        for path in &object.kinematics.predicted_paths {
            let way = |a: &auriga_messages::geometry_msgs::Pose, b: &auriga_messages::geometry_msgs::Pose| {
                (a.position.x - b.position.x).abs() + (a.position.y - b.position.y).abs()
            };
            let moves = path.path.first().zip(path.path.last()).is_some_and(|(a, b)| way(a, b) > 0.5);
            if !moves {
                continue;
            }
            let point = |pose: &auriga_messages::geometry_msgs::Pose| {
                [pose.position.x as f32, pose.position.y as f32, 0.25_f32]
            };
            strips.push(path.path.iter().map(point).collect::<Vec<[f32; 3]>>());
            let alpha = 60.0 + 180.0 * path.confidence.clamp(0.0, 1.0);
            colors.push(palette::faded(palette::class(label).0, alpha as u8));
        }
    }
    let drawn =
        rerun::LineStrips3D::new(strips).with_colors(colors).with_radii([Radius::new_scene_units(0.09)]);
    stage.draw(stage::PREDICTIONS, LogicalTime::from(&predicted.header.stamp), &drawn)
}

/// Draws the road users as they truly are, as thin boxes.
pub(crate) fn draw_truth(stage: &Stage, truth: &GroundTruth) -> Result<(), ViewerError> {
    let mut boxes = Boxes::default();
    for object in &truth.objects {
        // The pose is that of the middle; a pose on the ground is lifted.
        let mut pose = Pose3::from(&object.pose);
        if pose.translation.z < object.dimensions.z / 4.0 {
            pose.translation.z += object.dimensions.z / 2.0;
        }
        boxes.push(&pose, &object.dimensions, palette::TRUTH, String::new());
    }
    let time = LogicalTime::from(&truth.header.stamp);
    boxes.draw(stage, stage::TRUTH, time, 0.015, FillMode::MajorWireframe)
}
