//! Tracks as a message.

use super::class::Class;
use super::track::Track;
use auriga_geometry::{Pose2, Pose3};
use auriga_messages::autoware_perception_msgs::{
    ObjectClassification, Shape, TrackedObject, TrackedObjectKinematics, TrackedObjects,
};
use auriga_messages::geometry_msgs::{Pose, Vector3};
use nalgebra::Matrix2;

/// Standard deviation of a heading, rad.
const YAW_SIGMA: f64 = 0.1;

/// Writes the confirmed tracks by ascending id.
pub(super) fn report(tracks: &[Track], out: &mut TrackedObjects) {
    out.objects.extend(tracks.iter().filter(|t| t.is_confirmed).map(object));
}

fn object(track: &Track) -> TrackedObject {
    let mut object =
        TrackedObject { existence_probability: track.existence() as f32, ..TrackedObject::default() };
    object.object_id.uuid[..8].copy_from_slice(&track.id.to_le_bytes());
    classify(track, &mut object.classification);
    object.shape = Shape {
        r#type: Shape::BOUNDING_BOX,
        dimensions: Vector3 { x: track.extent.0, y: track.extent.1, z: track.height },
        ..Shape::default()
    };
    let position = track.position_reported();
    let pose = Pose2::new(position.x, position.y, track.yaw);
    let kinematics = &mut object.kinematics;
    kinematics.pose_with_covariance.pose = Pose::from(&Pose3::from_pose2(&pose, track.center_z));
    let along = pose.direction();
    let velocity = track.velocity();
    kinematics.twist_with_covariance.twist.linear =
        Vector3 { x: velocity.dot(&along), y: along.perp(&velocity), z: 0.0 };
    let position = &mut kinematics.pose_with_covariance.covariance.0;
    let motion = &mut kinematics.twist_with_covariance.covariance.0;
    let p = &track.covariance;
    // The velocity is given in the object's own frame, and so is its covariance.
    let turn = Matrix2::new(along.x, along.y, -along.y, along.x);
    let in_own_frame = turn * p.fixed_view::<2, 2>(2, 2) * turn.transpose();
    for (i, j) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        position[6 * i + j] = p[(i, j)];
        motion[6 * i + j] = in_own_frame[(i, j)];
    }
    position[35] = YAW_SIGMA * YAW_SIGMA;
    kinematics.is_stationary = !track.is_moving();
    kinematics.orientation_availability = if track.has_direction {
        TrackedObjectKinematics::AVAILABLE
    } else {
        TrackedObjectKinematics::SIGN_UNKNOWN
    };
    object
}

/// Classes that have votes, best first.
fn classify(track: &Track, out: &mut Vec<ObjectClassification>) {
    out.extend(Class::ALL.iter().filter_map(|&class| {
        let probability = track.votes.share(class) as f32;
        (probability > 0.01).then_some(ObjectClassification { label: class.label(), probability })
    }));
    out.sort_by(|a, b| b.probability.total_cmp(&a.probability));
}
