//! What the car shall do next.

use crate::ViewerError;
use crate::palette;
use crate::stage::{self, Stage};
use auriga_geometry::{LogicalTime, Pose3, Vec3};
use auriga_messages::autoware_planning_msgs::Trajectory;

/// The ribbon is a little narrower than the car and lies just above the road.
const HALF_WIDTH_M: f64 = 0.8;
const ABOVE_ROAD_M: f64 = 0.08;

/// Draws the trajectory as a ribbon on the road, coloured by speed.
pub(crate) fn draw(stage: &Stage, trajectory: &Trajectory) -> Result<(), ViewerError> {
    let time = LogicalTime::from(&trajectory.header.stamp);
    let (mut corners, mut colors) = (Vec::new(), Vec::new());
    let mut last: Option<Vec3> = None;
    for point in &trajectory.points {
        let pose = Pose3::from(&point.pose);
        // A car that stands has many points in one place.
        if last.is_some_and(|last| (last - pose.translation).norm() < 0.3) {
            continue;
        }
        last = Some(pose.translation);
        for side in [HALF_WIDTH_M, -HALF_WIDTH_M] {
            corners.push(stage::xyz(pose.to_parent(Vec3::new(0.0, side, ABOVE_ROAD_M))));
            let [r, g, b] = palette::by_speed(f64::from(point.longitudinal_velocity_mps));
            colors.push(rerun::Color::from_unmultiplied_rgba(r, g, b, 200));
        }
    }
    let sections = (corners.len() / 2).saturating_sub(1) as u32;
    if sections == 0 {
        return stage.draw(stage::TRAJECTORY, time, &rerun::Clear::flat());
    }
    let triangles = (0..sections).flat_map(|i| {
        let first = 2 * i;
        [[first, first + 1, first + 2], [first + 1, first + 3, first + 2]]
    });
    let ribbon = rerun::Mesh3D::new(corners).with_triangle_indices(triangles).with_vertex_colors(colors);
    stage.draw(stage::TRAJECTORY, time, &ribbon)
}
