//! Reads what the tests need of KITTI: scans, labels, calibrations, INS.

use auriga_geometry::math::{atan2, cos, sin};
use auriga_geometry::{OrientedBox, Pose2, Pose3, Vec3};
use auriga_messages::sensor_msgs::{PointCloud2, PointField};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Where the recordings are; `None`, with a word about it, where they are not.
pub fn data() -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("AURIGA_DATA").unwrap_or_default());
    if folder.join("kitti_object").is_dir() {
        return Some(folder);
    }
    assert!(std::env::var_os("AURIGA_REQUIRE_DATA").is_none_or(|v| v != "1"), "no recordings at {folder:?}");
    let _ = writeln!(std::io::stderr(), "skipped: no recordings at {folder:?}");
    None
}

/// The Velodyne on KITTI's car: 1.73 m above the ground and 0.76 m ahead of the rear axle (sensor set-up figure of
/// Geiger et al., "Vision meets robotics: the KITTI dataset", IJRR 2013).
pub fn lidar_pose() -> Pose3 {
    Pose3 { translation: Vec3::new(0.76, 0.0, 1.73), ..Pose3::default() }
}

/// A scan as a message: x, y, z, intensity, and the time from the azimuth (the scanner turns clockwise; KITTI cuts the
/// turn behind the car).
pub fn to_message(points: &[[f32; 4]], stamp_ns: i64) -> PointCloud2 {
    const TURN_NS: f64 = 0.1036e9;
    let field = |(name, offset, datatype): (&str, u32, u8)| PointField {
        name: name.to_owned(),
        offset,
        datatype,
        count: 1,
    };
    let mut data = Vec::with_capacity(points.len() * 20);
    for p in points {
        let azimuth = atan2(f64::from(p[1]), f64::from(p[0]));
        let turned = (std::f64::consts::PI - azimuth) / std::f64::consts::TAU;
        p.iter().for_each(|v| data.extend(v.to_le_bytes()));
        data.extend(((turned * TURN_NS) as u32).to_le_bytes());
    }
    let mut message = PointCloud2 {
        height: 1,
        width: points.len() as u32,
        fields: [("x", 0, 7), ("y", 4, 7), ("z", 8, 7), ("intensity", 12, 7), ("t", 16, 6)]
            .map(field)
            .to_vec(),
        point_step: 20,
        row_step: 20 * points.len() as u32,
        data,
        ..PointCloud2::default()
    };
    message.header.stamp = auriga_geometry::LogicalTime::from_nanos(stamp_ns).into();
    message
}

/// A scan in KITTI's own form.
pub fn read_bin(path: &Path) -> Vec<[f32; 4]> {
    let bytes = std::fs::read(path).unwrap();
    bytes
        .chunks_exact(16)
        .map(|p| std::array::from_fn(|k| f32::from_le_bytes(p[4 * k..4 * k + 4].try_into().unwrap())))
        .collect()
}

/// A scan in the compact form `KVZ1` (described in `kvz.py` beside the recordings).
pub fn read_kvz(path: &Path) -> Vec<[f32; 4]> {
    let bytes = std::fs::read(path).unwrap();
    assert_eq!(&bytes[..4], b"KVZ1");
    let n = u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize;
    let plain = zstd::decode_all(&bytes[8..]).unwrap();
    let mut points = vec![[0.0; 4]; n];
    for axis in 0..3 {
        let mut sum = 0_i64;
        for (k, point) in points.iter_mut().enumerate() {
            let at = 4 * (n * axis + k);
            sum += i64::from(i32::from_le_bytes(plain[at..at + 4].try_into().unwrap()));
            point[axis] = (sum as f64 / 1000.0) as f32;
        }
    }
    for (point, &r) in points.iter_mut().zip(&plain[12 * n..]) {
        point[3] = (f64::from(r) / 100.0) as f32;
    }
    points
}

/// Projection and the velodyne-to-camera transform, as rows.
pub struct Calibration {
    p2: [[f64; 4]; 3],
    to_camera: [[f64; 4]; 3],
}

impl Calibration {
    pub fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let row = |name: &str| -> Vec<f64> {
            let line = text.lines().find(|l| l.starts_with(name)).unwrap();
            line.split_whitespace().skip(1).map(|v| v.parse().unwrap()).collect()
        };
        let first = |a: &str, b: &str| if text.contains(a) { row(a) } else { row(b) };
        let (p, r, t) = (row("P2"), first("R0_rect", "R_rect"), row("Tr_velo"));
        let p2 = std::array::from_fn(|i| std::array::from_fn(|j| p[4 * i + j]));
        let to_camera = std::array::from_fn(|i| {
            std::array::from_fn(|j| (0..3).map(|k| r[3 * i + k] * t[4 * k + j]).sum())
        });
        Self { p2, to_camera }
    }

    /// A point of the velodyne's frame in the picture: column, row, depth.
    pub fn pixel(&self, p: Vec3) -> [f64; 3] {
        let c = Self::apply(&self.to_camera, p);
        let q = Self::apply(&self.p2, c);
        [q.x / q.z, q.y / q.z, q.z]
    }

    /// From the rectified camera frame back to the velodyne's.
    fn back(&self, c: Vec3) -> Vec3 {
        let m = &self.to_camera;
        let d = Vec3::new(c.x - m[0][3], c.y - m[1][3], c.z - m[2][3]);
        Vec3::from_fn(|j, _| (0..3).map(|i| m[i][j] * d[i]).sum())
    }

    fn apply(m: &[[f64; 4]; 3], p: Vec3) -> Vec3 {
        Vec3::from_fn(|i, _| m[i][0] * p.x + m[i][1] * p.y + m[i][2] * p.z + m[i][3])
    }
}

/// A labelled object in the velodyne's frame.
#[derive(Clone, Debug)]
pub struct Label {
    pub class: String,
    pub id: i64,
    /// Left, top, right, bottom, pixels.
    pub pixels: [f64; 4],
    /// `None` for areas that are not labelled.
    pub outline: Option<OrientedBox>,
    pub center_z: f64,
    pub height: f64,
}

impl Label {
    /// From the words of a line, beginning with the class.
    pub fn parse(words: &[&str], id: i64, calibration: &Calibration) -> Self {
        let n: Vec<f64> = words[1..].iter().map(|w| w.parse().unwrap()).collect();
        let class = words[0].to_owned();
        let pixels = [n[3], n[4], n[5], n[6]];
        if class == "DontCare" {
            return Self { class, id, pixels, outline: None, center_z: 0.0, height: 0.0 };
        }
        let (h, w, l, ry) = (n[7], n[8], n[9], n[13]);
        let middle = calibration.back(Vec3::new(n[10], n[11] - h / 2.0, n[12]));
        let ahead = calibration.back(Vec3::new(n[10] + cos(ry), n[11] - h / 2.0, n[12] - sin(ry))) - middle;
        let outline = OrientedBox::new(Pose2::new(middle.x, middle.y, atan2(ahead.y, ahead.x)), l, w);
        Self { class, id, pixels, outline: Some(outline), center_z: middle.z, height: h }
    }

    /// Points inside the box.
    pub fn points(&self, scan: &[[f32; 4]]) -> usize {
        let Some(outline) = &self.outline else { return 0 };
        scan.iter()
            .filter(|p| {
                (f64::from(p[2]) - self.center_z).abs() < self.height / 2.0
                    && outline.contains(auriga_geometry::Vec2::new(f64::from(p[0]), f64::from(p[1])))
            })
            .count()
    }
}

/// A scan with its labels.
pub struct Frame {
    pub scan: Vec<[f32; 4]>,
    pub labels: Vec<Label>,
    pub calibration: Calibration,
}

/// The labelled single frames.
pub fn object_frames(data: &Path) -> Vec<Frame> {
    let folder = data.join("kitti_object");
    ["000000", "000003", "000114", "001206", "001497", "002155", "004587"]
        .iter()
        .map(|name| {
            let whole = folder.join(format!("velodyne/{name}.bin"));
            let part = folder.join(format!("velodyne_fov/{name}.bin"));
            let calibration = Calibration::read(&folder.join(format!("calib/{name}.txt")));
            let text = std::fs::read_to_string(folder.join(format!("label_2/{name}.txt"))).unwrap();
            let labels = text
                .lines()
                .filter(|l| !l.trim().is_empty())
                .map(|l| Label::parse(&l.split_whitespace().collect::<Vec<_>>(), -1, &calibration))
                .collect();
            let scan = read_bin(if whole.is_file() { &whole } else { &part });
            Frame { scan, labels, calibration }
        })
        .collect()
}

/// Labels of a tracking sequence, frame by frame.
pub fn tracking_labels(path: &Path, calibration: &Calibration) -> Vec<Vec<Label>> {
    let mut frames: Vec<Vec<Label>> = Vec::new();
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let frame: usize = words[0].parse().unwrap();
        if frames.len() <= frame {
            frames.resize(frame + 1, Vec::new());
        }
        frames[frame].push(Label::parse(&words[2..], words[1].parse().unwrap(), calibration));
    }
    frames
}

/// The drive with INS: 80 scans.
pub fn drive_0005(data: &Path) -> Vec<Frame> {
    let folder = data.join("kitti_raw/drive_0005");
    let calibration_file = data.join("kitti_raw/calib_2011_09_26/tracking_style_calib.txt");
    let labels =
        tracking_labels(&folder.join("tracking_label_02_0000.txt"), &Calibration::read(&calibration_file));
    let mut scans: Vec<PathBuf> =
        std::fs::read_dir(folder.join("velodyne")).unwrap().map(|e| e.unwrap().path()).collect();
    scans.sort();
    scans
        .iter()
        .enumerate()
        .map(|(k, path)| Frame {
            scan: read_kvz(path),
            labels: labels[k].clone(),
            calibration: Calibration::read(&calibration_file),
        })
        .collect()
}

/// Rows of `oxts.txt`.
pub fn oxts(data: &Path) -> Vec<Vec<f64>> {
    let text = std::fs::read_to_string(data.join("kitti_raw/drive_0005/oxts.txt")).unwrap();
    text.lines().map(|l| l.split_whitespace().map(|v| v.parse().unwrap()).collect()).collect()
}
