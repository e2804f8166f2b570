//! Ego motion from lidar scans alone, for recordings that have nothing else.
//!
//! Each scan's upright points are laid over a small map of the scans before (point to point with a robust weight, nearest
//! neighbours in a grid, constant-velocity guess; after Vizzo et al., "KISS-ICP", RA-L 2023, in the plane), in three degrees of
//! freedom: x, y, yaw. The pose is in the frame `odom`, which begins where the first scan was.

use crate::PerceptionError;
use crate::lidar::{Cloud, Ground, Motion, deskew};
use auriga_geometry::math::{sin_cos, wrap_angle};
use auriga_geometry::{LogicalTime, Pose2, Pose3};
use auriga_messages::geometry_msgs::Pose;
use auriga_messages::nav_msgs::Odometry;
use auriga_messages::sensor_msgs::PointCloud2;
use nalgebra::{Matrix3, Vector3};

/// Cell edge of the map, metres.
const CELL_M: f32 = 1.0;
/// Cells each way; the map is a torus of this size around the car.
const SIDE: i32 = 256;
/// Points a cell.
const CELL_POINTS: usize = 12;
/// Points in a cell keep this distance, metres.
const SPACING_M: f32 = 0.25;
/// Points farther than this are left out, metres.
const RANGE_MOST_M: f32 = 70.0;
/// One point a voxel of this edge is matched, metres.
const VOXEL_M: f32 = 0.6;
/// Height band above the ground, metres.
const BAND_M: (f32, f32) = (0.3, 4.0);
/// Rounds of matching at most, and the step below which it is done (metres, radians).
const ROUNDS: usize = 30;
const DONE: f64 = 2e-4;

#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    key: (i32, i32),
    count: u8,
    points: [[f32; 3]; CELL_POINTS],
}

/// Matches scan to scan.
#[derive(Clone, Debug)]
pub struct ScanMatcher {
    lidar_pose: Pose3,
    cloud: Cloud,
    points: Vec<[f32; 3]>,
    ground: Ground,
    upright: Vec<[f32; 3]>,
    thinned: Vec<[f32; 3]>,
    voxels: Vec<(i32, i32, i32, u32)>,
    map: Vec<Cell>,
    pose: Pose2,
    motion: Motion,
    last: Option<LogicalTime>,
    matched_share: f64,
}

impl ScanMatcher {
    /// A matcher for a scanner at `lidar_pose` in `base_link`.
    #[must_use]
    pub fn new(lidar_pose: Pose3) -> Self {
        Self {
            lidar_pose,
            cloud: Cloud::default(),
            points: Vec::new(),
            ground: Ground::default(),
            upright: Vec::new(),
            thinned: Vec::new(),
            voxels: Vec::new(),
            map: vec![Cell::default(); (SIDE * SIDE) as usize],
            pose: Pose2::default(),
            motion: Motion::default(),
            last: None,
            matched_share: 1.0,
        }
    }

    /// Takes in a scan: pose in `odom` and motion at the scan's end.
    ///
    /// # Errors
    /// A cloud that can't be read; the pose stays as it was.
    pub fn step(&mut self, cloud: &PointCloud2, out: &mut Odometry) -> Result<(), PerceptionError> {
        self.cloud.read(cloud)?;
        let end = self.cloud.end;
        let dt = self.last.map_or(0.0, |last| end.since(last).as_secs_f64());
        deskew(&self.cloud, &self.lidar_pose, &self.motion, &mut self.points);
        self.select();
        let is_first = self.last.is_none();
        if !is_first && dt > 0.0 {
            let (sin, cos) = sin_cos(self.motion.yaw_rate_rps * dt / 2.0);
            let way = self.motion.speed_mps * dt;
            let step = Pose2::new(way * cos, way * sin, self.motion.yaw_rate_rps * dt);
            let before = self.pose;
            self.pose = self.align(before.compose(&step));
            let moved = before.relative(&self.pose);
            let half = sin_cos(moved.yaw / 2.0);
            let forward = moved.x * half.1 + moved.y * half.0;
            self.motion = Motion { speed_mps: forward / dt, yaw_rate_rps: moved.yaw / dt };
        }
        self.last = Some(end);
        self.insert();
        self.report(end, out);
        Ok(())
    }

    /// Share of the last scan's points that found a partner, 0 to 1.
    #[must_use]
    pub fn matched_share(&self) -> f64 {
        self.matched_share
    }

    /// Upright points, thinned twice: finely for the map, coarsely to be matched.
    fn select(&mut self) {
        self.ground.fit(&self.points);
        self.upright.clear();
        for &p in &self.points {
            let range_squared = p[0] * p[0] + p[1] * p[1];
            let above = self.ground.above(p);
            let fits = above > BAND_M.0 && above < BAND_M.1;
            if fits && range_squared > 9.0 && range_squared < RANGE_MOST_M * RANGE_MOST_M {
                self.upright.push([p[0], p[1], above]);
            }
        }
        self.voxels.clear();
        let voxel = |v: f32| (v / VOXEL_M).floor() as i32;
        self.voxels.extend(
            self.upright.iter().enumerate().map(|(k, p)| (voxel(p[0]), voxel(p[1]), voxel(p[2]), k as u32)),
        );
        self.voxels.sort_unstable();
        self.voxels.dedup_by_key(|v| (v.0, v.1, v.2));
        self.thinned.clear();
        self.thinned.extend(self.voxels.iter().map(|v| self.upright[v.3 as usize]));
    }

    /// The pose near `guess` at which the scan fits the map best (Gauss-Newton with Geman-McClure weights).
    fn align(&mut self, guess: Pose2) -> Pose2 {
        let mut pose = guess;
        let mut reach = 2.0_f64;
        for _ in 0..ROUNDS {
            let (sin, cos) = sin_cos(pose.yaw);
            let (mut a, mut b, mut partners) = (Matrix3::zeros(), Vector3::zeros(), 0_usize);
            for p in &self.thinned {
                let (lx, ly) = (f64::from(p[0]), f64::from(p[1]));
                let (rx, ry) = (cos * lx - sin * ly, sin * lx + cos * ly);
                let world = [(pose.x + rx) as f32, (pose.y + ry) as f32, p[2]];
                let Some((partner, squared)) = self.nearest(world, reach as f32) else { continue };
                partners += 1;
                let (ex, ey) = (f64::from(world[0] - partner[0]), f64::from(world[1] - partner[1]));
                let scale = reach * reach / 9.0;
                let weight = scale / (scale + f64::from(squared));
                let weight = weight * weight;
                // The residual's derivative by (x, y, yaw) is (1, 0, -ry) and (0, 1, rx).
                let jx = Vector3::new(1.0, 0.0, -ry);
                let jy = Vector3::new(0.0, 1.0, rx);
                a += (jx * jx.transpose() + jy * jy.transpose()) * weight;
                b += (jx * ex + jy * ey) * weight;
            }
            self.matched_share = partners as f64 / self.thinned.len().max(1) as f64;
            let Some(step) = (a + Matrix3::identity() * 1e-6).try_inverse().map(|inverse| inverse * b) else {
                break;
            };
            pose = Pose2::new(pose.x - step[0], pose.y - step[1], wrap_angle(pose.yaw - step[2]));
            reach = (reach * 0.8).max(0.6);
            if step[0].abs() + step[1].abs() + 10.0 * step[2].abs() < DONE && reach <= 0.6 {
                break;
            }
        }
        pose
    }

    /// The map's nearest point within `reach`, and its squared distance.
    fn nearest(&self, p: [f32; 3], reach: f32) -> Option<([f32; 3], f32)> {
        let (i, j) = ((p[0] / CELL_M).floor() as i32, (p[1] / CELL_M).floor() as i32);
        let mut best = (None, reach * reach);
        for a in i - 1..=i + 1 {
            for b in j - 1..=j + 1 {
                let cell = &self.map[slot(a, b)];
                if cell.key != (a, b) {
                    continue;
                }
                for q in &cell.points[..usize::from(cell.count)] {
                    let d = [p[0] - q[0], p[1] - q[1], p[2] - q[2]];
                    let squared = d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
                    if squared < best.1 {
                        best = (Some(*q), squared);
                    }
                }
            }
        }
        best.0.map(|q| (q, best.1))
    }

    fn insert(&mut self) {
        let (sin, cos) = sin_cos(self.pose.yaw);
        for p in &self.upright {
            let (lx, ly) = (f64::from(p[0]), f64::from(p[1]));
            let x = (self.pose.x + cos * lx - sin * ly) as f32;
            let y = (self.pose.y + sin * lx + cos * ly) as f32;
            let key = ((x / CELL_M).floor() as i32, (y / CELL_M).floor() as i32);
            let cell = &mut self.map[slot(key.0, key.1)];
            if cell.key != key {
                *cell = Cell { key, ..Cell::default() };
            }
            let count = usize::from(cell.count);
            let is_apart = cell.points[..count].iter().all(|q| {
                let d = [x - q[0], y - q[1], p[2] - q[2]];
                d[0] * d[0] + d[1] * d[1] + d[2] * d[2] > SPACING_M * SPACING_M
            });
            if count < CELL_POINTS && is_apart {
                cell.points[count] = [x, y, p[2]];
                cell.count += 1;
            }
        }
    }

    fn report(&self, time: LogicalTime, out: &mut Odometry) {
        out.header.stamp = time.into();
        for (name, value) in [(&mut out.header.frame_id, "odom"), (&mut out.child_frame_id, "base_link")] {
            name.clear();
            name.push_str(value);
        }
        out.pose.pose = Pose::from(&self.pose);
        out.twist.twist.linear.x = self.motion.speed_mps;
        out.twist.twist.angular.z = self.motion.yaw_rate_rps;
    }
}

fn slot(i: i32, j: i32) -> usize {
    (i.rem_euclid(SIDE) * SIDE + j.rem_euclid(SIDE)) as usize
}
