//! What the camera says about a track: its class.

use super::class::Class;
use super::track::Track;
use auriga_geometry::{LogicalTime, Pose2, Pose3, Vec2, Vec3};
use auriga_messages::vision_msgs::Detection2DArray;

/// A pinhole camera without distortion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CameraModel {
    /// Intrinsic matrix, row-major: fx 0 cx, 0 fy cy, 0 0 1, pixels.
    pub k: [f64; 9],
    /// Columns and rows of the picture.
    pub size: (u32, u32),
    /// The optical frame (x right, y down, z forward) in `base_link`.
    pub optical_pose: Pose3,
}

/// Nearer points have no picture, metres.
const NEAREST_M: f64 = 0.3;
/// A picture's box belongs to a track from this overlap on (intersection over union).
const OVERLAP_LEAST: f64 = 0.35;
/// The camera knows classes better than a box's size does.
const WEIGHT: f64 = 2.0;

/// A rectangle in the picture, pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PixelBox {
    pub low: Vec2,
    pub high: Vec2,
}

impl PixelBox {
    fn area(&self) -> f64 {
        let size = self.high - self.low;
        size.x.max(0.0) * size.y.max(0.0)
    }

    pub fn intersection_over_union(&self, other: &Self) -> f64 {
        let overlap = Self { low: self.low.sup(&other.low), high: self.high.inf(&other.high) }.area();
        let union = self.area() + other.area() - overlap;
        if union > 0.0 { overlap / union } else { 0.0 }
    }
}

impl CameraModel {
    /// The pixel of a point of `base_link`; `None` behind the camera.
    #[must_use]
    pub fn project(&self, point: Vec3) -> Option<Vec2> {
        let p = self.optical_pose.to_local(point);
        (p.z > NEAREST_M)
            .then(|| Vec2::new(self.k[0] * p.x / p.z + self.k[2], self.k[4] * p.y / p.z + self.k[5]))
    }

    /// The rectangle around a standing box, cut to the picture; `None` where it is not wholly before the camera or not in
    /// the picture. `center` and `half` in `base_link`, metres.
    pub(crate) fn project_box(&self, pose: &Pose2, center_z: f64, half: Vec3) -> Option<PixelBox> {
        let mut around = PixelBox {
            low: Vec2::new(f64::INFINITY, f64::INFINITY),
            high: Vec2::new(f64::NEG_INFINITY, f64::NEG_INFINITY),
        };
        for corner in 0..8 {
            let sign = |bit: u32| if corner >> bit & 1 == 0 { -1.0 } else { 1.0 };
            let flat = pose.to_parent(Vec2::new(sign(0) * half.x, sign(1) * half.y));
            let pixel = self.project(Vec3::new(flat.x, flat.y, center_z + sign(2) * half.z))?;
            around = PixelBox { low: around.low.inf(&pixel), high: around.high.sup(&pixel) };
        }
        let size = Vec2::new(f64::from(self.size.0), f64::from(self.size.1));
        let cut = PixelBox { low: around.low.sup(&Vec2::zeros()), high: around.high.inf(&size) };
        (cut.area() > 0.0).then_some(cut)
    }
}

/// Each track takes the class of the picture's box that overlaps it best as a vote. `ego` is where the car was at the
/// picture's instant.
pub(super) fn vote(
    tracks: &mut [Track],
    detections: &Detection2DArray,
    camera: &CameraModel,
    ego: &Pose2,
    time: LogicalTime,
) {
    for track in tracks {
        let at = track.position() + track.velocity() * time.since(track.time).as_secs_f64();
        let pose = ego.relative(&Pose2::new(at.x, at.y, track.yaw));
        let half = Vec3::new(track.extent.0, track.extent.1, track.height) / 2.0;
        let Some(seen) = camera.project_box(&pose, track.center_z, half) else { continue };
        let mut best = (OVERLAP_LEAST, None);
        for detection in &detections.detections {
            let (c, b) = (&detection.bbox.center.position, &detection.bbox);
            let half = Vec2::new(b.size_x, b.size_y) / 2.0;
            let center = Vec2::new(c.x, c.y);
            let overlap = seen.intersection_over_union(&PixelBox { low: center - half, high: center + half });
            if overlap > best.0 {
                best = (overlap, detection.results.first());
            }
        }
        if let Some(result) = best.1 {
            let class = Class::from_name(&result.hypothesis.class_id);
            if class != Class::Unknown {
                track.votes.add(class, WEIGHT * result.hypothesis.score.clamp(0.0, 1.0));
            }
        }
    }
}
