//! A lidar scan, thinned and coloured by height.

use crate::ViewerError;
use crate::palette;
use crate::stage::{self, Stage};
use auriga_geometry::math::sin_cos;
use auriga_geometry::{LogicalDuration, LogicalTime, Pose3, Vec3};
use auriga_messages::sensor_msgs::{PointCloud2, PointField};

/// More points than these are not shown: with 10 scans a second, they are the bulk of the file.
pub(crate) const POINTS_MOST: usize = 8_000;
/// Points on the road tell little: one ring in so many is kept of them, or one point where there are no rings.
const GROUND_THINNING: usize = 4;
const GROUND_BELOW_M: f64 = 0.15;
/// Coordinates are rounded to this, metres: a power of two, so that the bytes compress.
const GRAIN_M: f64 = 1.0 / 64.0;
const HEIGHT_STEPS: usize = 24;

/// The car's motion during a scan, and where it is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Motion {
    pub pose: Pose3,
    pub stamp: LogicalTime,
    pub speed_mps: f64,
    pub yaw_rate_radps: f64,
}

impl Motion {
    /// Where the car is `seconds` after it was at its own origin, at constant speed and yaw rate (small angles).
    fn moved(&self, seconds: f64) -> Pose3 {
        let turn = self.yaw_rate_radps * seconds;
        let (sin, cos) = sin_cos(turn / 2.0);
        let way = self.speed_mps * seconds;
        Pose3::from_euler(Vec3::new(way * cos, way * sin, 0.0), 0.0, 0.0, turn)
    }

    /// The pose at `time`.
    pub(crate) fn pose_at(&self, time: LogicalTime) -> Pose3 {
        self.pose.compose(&self.moved(time.since(self.stamp).as_secs_f64()))
    }
}

/// Where a point's values lie.
#[derive(Clone, Copy)]
struct Layout {
    x: usize,
    y: usize,
    z: usize,
    t: Option<usize>,
    ring: Option<usize>,
    step: usize,
}

impl Layout {
    fn of(cloud: &PointCloud2) -> Option<Self> {
        let field = |name: &str, datatype: u8| {
            let field = cloud.fields.iter().find(|f| f.name == name && f.datatype == datatype)?;
            let size = if datatype == PointField::UINT16 { 2 } else { 4 };
            let end = (field.offset as usize).checked_add(size)?;
            (end <= cloud.point_step as usize).then_some(field.offset as usize)
        };
        let float = |name| field(name, PointField::FLOAT32);
        if cloud.is_bigendian || cloud.point_step == 0 {
            return None;
        }
        Some(Self {
            x: float("x")?,
            y: float("y")?,
            z: float("z")?,
            t: field("t", PointField::UINT32),
            ring: field("ring", PointField::UINT16),
            step: cloud.point_step as usize,
        })
    }
}

fn word(point: &[u8], offset: usize) -> [u8; 4] {
    [point[offset], point[offset + 1], point[offset + 2], point[offset + 3]]
}

/// Draws scans; keeps its buffers.
pub(crate) struct Cloud {
    thin: usize,
    /// In `base_link`.
    pub lidar: Pose3,
    points: Vec<(usize, [f32; 3])>,
}

impl Cloud {
    pub(crate) fn new(thin: usize) -> Self {
        Self { thin, lidar: Pose3::default(), points: Vec::new() }
    }

    /// Draws a scan where the car was at the scan's end. A cloud without `x`, `y`, `z` is left out.
    pub(crate) fn draw(
        &mut self,
        stage: &Stage,
        cloud: &PointCloud2,
        motion: &Motion,
    ) -> Result<(), ViewerError> {
        let Some(end) = self.gather(cloud, motion) else { return Ok(()) };
        // In runs of one colour, which compress to nothing.
        self.points.sort_by_key(|(step, _)| *step);
        let colors = self.points.iter().map(|(step, _)| {
            palette::color(palette::by_height(-0.3 + 4.3 * *step as f64 / (HEIGHT_STEPS - 1) as f64))
        });
        let drawn = rerun::Points3D::new(self.points.iter().map(|(_, point)| *point))
            .with_colors(colors)
            .with_radii([rerun::Radius::new_ui_points(1.4)]);
        stage.draw(stage::SCAN, end, &stage::transform(&motion.pose_at(end)))?;
        stage.draw(stage::SCAN, end, &drawn)
    }

    /// Fills `points` with the thinned scan in `base_link` at the scan's end, and returns that instant.
    fn gather(&mut self, cloud: &PointCloud2, motion: &Motion) -> Option<LogicalTime> {
        let layout = Layout::of(cloud)?;
        let all = cloud.data.chunks_exact(layout.step);
        let since_start = |point: &[u8]| layout.t.map_or(0, |t| u32::from_le_bytes(word(point, t)));
        let last = all.clone().map(since_start).max().unwrap_or(0);
        let stride = self.thin.max(cloud.data.len() / layout.step / (2 * POINTS_MOST) + 1);
        self.points.clear();
        let mut count = 0;
        for point in all.step_by(stride) {
            let value = |offset| f64::from(f32::from_le_bytes(word(point, offset)));
            let in_lidar = Vec3::new(value(layout.x), value(layout.y), value(layout.z));
            let earlier_s = f64::from(last - since_start(point)) * 1e-9;
            let p = motion.moved(-earlier_s).to_parent(self.lidar.to_parent(in_lidar));
            if !(p.x.is_finite() && p.y.is_finite() && p.z.is_finite()) {
                continue;
            }
            if p.z < GROUND_BELOW_M {
                count += 1;
                let ring = layout.ring.map_or(count, |at| usize::from(point[at]));
                if ring % GROUND_THINNING != 0 {
                    continue;
                }
            }
            let height = ((p.z + 0.3) / 4.3 * (HEIGHT_STEPS - 1) as f64).clamp(0.0, 23.0) as usize;
            let rounded = p.map(|x| libm_round(x / GRAIN_M) * GRAIN_M);
            self.points.push((height, stage::xyz(rounded)));
        }
        let excess = self.points.len().div_ceil(POINTS_MOST).max(1);
        let mut index = 0;
        self.points.retain(|_| {
            index += 1;
            (index - 1) % excess == 0
        });
        Some(LogicalTime::from(&cloud.header.stamp) + LogicalDuration::from_nanos(i64::from(last)))
    }
}

fn libm_round(x: f64) -> f64 {
    (x + 0.5).floor()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, offset: u32, datatype: u8) -> PointField {
        PointField { name: String::from(name), offset, datatype, count: 1 }
    }

    /// A wall 10 m ahead of a car at 10 m/s, seen over 0.1 s.
    fn wall(points: u32) -> PointCloud2 {
        let fields = [("x", 7), ("y", 7), ("z", 7), ("intensity", 7), ("t", 6)];
        let mut cloud = PointCloud2 {
            fields: fields.iter().enumerate().map(|(i, (n, d))| field(n, 4 * i as u32, *d)).collect(),
            point_step: 24,
            width: points,
            height: 1,
            ..Default::default()
        };
        for i in 0..points {
            let t = 100_000_000 / points.max(2) * i;
            let x = 10.0 - 10.0 * f64::from(t) * 1e-9;
            for value in [x as f32, 0.0, 1.0, 0.5] {
                cloud.data.extend_from_slice(&value.to_le_bytes());
            }
            cloud.data.extend_from_slice(&t.to_le_bytes());
            cloud.data.extend_from_slice(&[0; 4]);
        }
        cloud
    }

    #[test]
    fn a_moving_car_sees_a_straight_wall() {
        let mut cloud = Cloud::new(1);
        let motion = Motion { speed_mps: 10.0, ..Motion::default() };
        let end = cloud.gather(&wall(100), &motion).unwrap();
        assert_eq!(end, LogicalTime::from_nanos(99_000_000));
        assert_eq!(cloud.points.len(), 100);
        for (_, point) in &cloud.points {
            assert!((f64::from(point[0]) - 9.01).abs() < 0.02, "{point:?}");
        }
    }

    #[test]
    fn a_large_scan_is_thinned_to_the_limit() {
        let mut cloud = Cloud::new(1);
        cloud.gather(&wall(120_000), &Motion::default()).unwrap();
        assert!(cloud.points.len() <= POINTS_MOST && cloud.points.len() > POINTS_MOST / 2);
    }

    #[test]
    fn the_road_shows_whole_rings() {
        let mut cloud = Cloud::new(1);
        let mut scan = wall(64);
        scan.fields.push(field("ring", 20, PointField::UINT16));
        for (i, point) in scan.data.chunks_exact_mut(24).enumerate() {
            point[8..12].copy_from_slice(&0.0_f32.to_le_bytes());
            point[20] = (i % 16) as u8;
        }
        cloud.gather(&scan, &Motion::default()).unwrap();
        assert_eq!(cloud.points.len(), 4 * 64 / 16);
    }

    #[test]
    fn foreign_and_broken_clouds_are_no_panic() {
        let mut cloud = Cloud::new(4);
        assert!(cloud.gather(&PointCloud2::default(), &Motion::default()).is_none());
        let mut broken = wall(10);
        broken.data.truncate(50);
        broken.point_step = 12;
        assert!(cloud.gather(&broken, &Motion::default()).is_some());
        broken.fields[0].offset = u32::MAX;
        assert!(cloud.gather(&broken, &Motion::default()).is_none());
    }
}
