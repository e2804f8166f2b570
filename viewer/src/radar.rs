//! What a radar follows: a point each, and where it goes in the next second as seen from the car.

use crate::ViewerError;
use crate::palette;
use crate::stage::{self, Stage};
use auriga_geometry::{LogicalTime, Pose3};
use auriga_messages::radar_msgs::RadarTracks;
use rerun::Radius;

/// Places the radar in `base_link`.
pub(crate) fn place(stage: &Stage, pose: &Pose3) -> Result<(), ViewerError> {
    stage.draw_static(stage::RADAR, &stage::transform(pose))
}

/// Draws what it follows, in its own frame.
pub(crate) fn draw(stage: &Stage, tracks: &RadarTracks) -> Result<(), ViewerError> {
    let time = LogicalTime::from(&tracks.header.stamp);
    let (mut points, mut vectors, mut labels) = (Vec::new(), Vec::new(), Vec::new());
    for track in &tracks.tracks {
        let (at, velocity) = (&track.position, &track.velocity);
        points.push([at.x as f32, at.y as f32, at.z as f32]);
        vectors.push([velocity.x as f32, velocity.y as f32, velocity.z as f32]);
        labels.push(format!("{:.0} m, {:+.1} m/s", at.x, velocity.x));
    }
    let arrows = rerun::Arrows3D::from_vectors(vectors)
        .with_origins(points.clone())
        .with_colors([palette::color(palette::RADAR)])
        .with_radii([Radius::new_scene_units(0.06)]);
    stage.draw(stage::RADAR_VELOCITIES, time, &arrows)?;
    let drawn = rerun::Points3D::new(points)
        .with_colors([palette::color(palette::RADAR)])
        .with_radii([Radius::new_scene_units(0.35)])
        .with_labels(labels)
        .with_show_labels(false);
    stage.draw(stage::RADAR_TRACKS, time, &drawn)
}
