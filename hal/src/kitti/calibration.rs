//! KITTI's calibration files, and the rig that follows from them.

use super::{malformed, read_error};
use crate::HalError;
use auriga_geometry::nalgebra::{Matrix3, Rotation3, UnitQuaternion, Vector3};
use auriga_geometry::{Pose3, Vec3};
use auriga_messages::sensor_msgs::CameraInfo;
use std::path::Path;

/// The scanner before the rear axle and above the ground, metres (see the module's text).
const LIDAR_X: f64 = 0.76;
const LIDAR_Z: f64 = 1.73;
/// The scanner looks this much down, radians: the road in the scans of drive 2011_09_26_0052 (straight and level) rises
/// by 0.0125 to 0.0141 in its frame, without roll.
const LIDAR_PITCH: f64 = 0.0132;
/// The INS in `base_link`, metres: its place by the set-up; sideways by `calib_imu_to_velo`.
const IMU: [f64; 3] = [-0.05, 0.32, 0.93];

/// Where the sensors sit and how the camera sees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KittiRig {
    /// The scanner (x forward, y left, z up) in `base_link`.
    pub lidar_pose: Pose3,
    /// The left colour camera, rectified, optical frame (x right, y down, z forward), in `base_link`.
    pub camera_optical_pose: Pose3,
    /// The INS, whose place is also that of the satellite position, in `base_link`. Its axes are taken for the car's.
    pub imu_pose: Pose3,
    /// Intrinsic matrix of the rectified pictures, row-major 3×3, pixels.
    pub k: [f64; 9],
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Latitude and longitude of the origin of `map`, radians; absent without INS.
    pub geo_reference: Option<[f64; 2]>,
}

impl KittiRig {
    /// From `calib_cam_to_cam.txt` and `calib_velo_to_cam.txt` in a folder.
    pub(super) fn open(folder: &Path) -> Result<Self, HalError> {
        let cameras = Calibration::open(&folder.join("calib_cam_to_cam.txt"))?;
        let scanner = Calibration::open(&folder.join("calib_velo_to_cam.txt"))?;
        let projection: [f64; 12] = cameras.values("P_rect_02")?;
        let size: [f64; 2] = cameras.values("S_rect_02")?;
        let rectification = Matrix3::from_row_slice(&cameras.values::<9>("R_rect_00")?);
        let rotation = Matrix3::from_row_slice(&scanner.values::<9>("R")?);
        let translation = Vector3::from(scanner.values::<3>("T")?);
        let [fx, _, cx, tx, _, fy, cy, ty, _, _, _, tz] = projection;
        if !(fx > 1.0 && fy > 1.0 && size.iter().all(|&side| (16.0..=8192.0).contains(&side))) {
            return Err(malformed(
                &cameras.path,
                format!("P_rect_02 and S_rect_02 give a focal length of {fx} and a picture of {size:?}"),
            ));
        }
        // p_camera = R_rect_00 (R p_lidar + T) + the second camera's offset, which P_rect_02 holds times K.
        let offset = Vec3::new((tx - cx * tz) / fx, (ty - cy * tz) / fy, tz);
        let lidar_in_camera = Pose3 {
            translation: rectification * translation + offset,
            rotation: UnitQuaternion::from_rotation_matrix(&Rotation3::from_matrix_unchecked(
                rectification * rotation,
            )),
        };
        let lidar_pose = Pose3::from_euler(Vec3::new(LIDAR_X, 0.0, LIDAR_Z), 0.0, LIDAR_PITCH, 0.0);
        Ok(Self {
            lidar_pose,
            camera_optical_pose: lidar_pose.compose(&lidar_in_camera.inverse()),
            imu_pose: Pose3::from_euler(IMU.into(), 0.0, 0.0, 0.0),
            k: [fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0],
            width: size[0] as u32,
            height: size[1] as u32,
            geo_reference: None,
        })
    }

    /// The camera's calibration as a message without stamp.
    #[must_use]
    pub fn camera_info(&self) -> CameraInfo {
        let [fx, _, cx, _, fy, cy, ..] = self.k;
        let mut info = CameraInfo {
            height: self.height,
            width: self.width,
            distortion_model: "plumb_bob".to_owned(),
            d: vec![0.0; 5],
            k: self.k,
            r: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
            p: [fx, 0.0, cx, 0.0, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0],
            ..CameraInfo::default()
        };
        "camera_front".clone_into(&mut info.header.frame_id);
        info
    }
}

/// Lines of `name: value value …`.
struct Calibration {
    path: std::path::PathBuf,
    text: String,
}

impl Calibration {
    fn open(path: &Path) -> Result<Self, HalError> {
        let text = std::fs::read_to_string(path).map_err(read_error(path))?;
        Ok(Self { path: path.to_owned(), text })
    }

    fn values<const N: usize>(&self, name: &str) -> Result<[f64; N], HalError> {
        let found = self.text.lines().enumerate().find_map(|(number, line)| {
            let rest = line.strip_prefix(name)?.strip_prefix(':')?;
            Some((number + 1, rest))
        });
        let (line, rest) =
            found.ok_or_else(|| malformed(&self.path, format!("no line {name}:; get the file again")))?;
        let numbers: Vec<f64> = rest
            .split_whitespace()
            .map_while(|number| number.parse().ok())
            .filter(|v: &f64| v.is_finite())
            .collect();
        let count = numbers.len();
        numbers.try_into().map_err(|_| {
            malformed(
                &self.path,
                format!("line {line}: {name} has {count} numbers instead of {N}; get the file again"),
            )
        })
    }
}
