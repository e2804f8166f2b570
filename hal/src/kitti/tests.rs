use super::drive::parse_timestamp;
use super::scan::{self, turned};
use super::*;
use crate::{Emission, Payload, SensorKind, SensorMessage, SensorSink};
use auriga_geometry::{LogicalTime, Pose3, Vec3};
use auriga_messages::sensor_msgs::PointCloud2;
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::fs;
use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

/// A folder of the recorded drives; `None` where they are not.
fn data(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("AURIGA_DATA").map(|root| PathBuf::from(root).join("kitti_raw").join(name));
    let found = folder.filter(|folder| folder.is_dir());
    if found.is_none() {
        assert!(std::env::var_os("AURIGA_REQUIRE_DATA").is_none_or(|set| set != "1"), "no kitti_raw/{name}");
        let _ = writeln!(std::io::stderr(), "skipped: no kitti_raw/{name} in AURIGA_DATA");
    }
    found
}

struct TestFolder(PathBuf);

impl TestFolder {
    fn new() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("auriga-kitti-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}

impl Drop for TestFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const CAMERAS: &str = "S_rect_02: 4.0e+01 2.0e+01\n\
    R_rect_00: 1 0 0 0 1 0 0 0 1\n\
    P_rect_02: 30 0 20 0 0 30 10 0 0 0 1 0\n";
const SCANNER: &str = "R: 0 -1 0 0 0 -1 1 0 0\nT: 0 -0.08 -0.27\n";
const ROW: &str =
    "49 8.4 112 0.01 0 -1.2 -3 1 3.5 0 0 -0.3 0 10 0.1 0.2 9.8 0 0 0.14 0 0 0.15 0 0 4 10 4 4 0";

fn bin(points: &[[f32; 4]]) -> Vec<u8> {
    points.iter().flatten().flat_map(|value| value.to_le_bytes()).collect()
}

/// A drive of `frames` scans in KITTI raw's own layout, 0.1 s apart.
fn raw_drive(frames: usize) -> TestFolder {
    let folder = TestFolder::new();
    folder.write("calib_cam_to_cam.txt", CAMERAS);
    folder.write("calib_velo_to_cam.txt", SCANNER);
    let stamps = |offset_ms: usize| {
        (0..frames).fold(String::new(), |mut text, frame| {
            let millis = 950 + offset_ms + frame * 100;
            let _ = writeln!(text, "2011-09-26 13:02:{:02}.{:03}000000", 25 + millis / 1000, millis % 1000);
            text
        })
    };
    for (stream, offset) in [("velodyne_points", 50), ("image_02", 52), ("oxts", 48)] {
        folder.write(&format!("drive/{stream}/timestamps.txt"), stamps(offset));
    }
    folder.write("drive/velodyne_points/timestamps_start.txt", stamps(0));
    folder.write("drive/velodyne_points/timestamps_end.txt", stamps(100));
    let picture = image::RgbImage::from_pixel(40, 20, image::Rgb([10, 20, 30]));
    for frame in 0..frames {
        let points = [[10.0, 0.0, -1.0, 0.5], [-10.0, -0.001, 0.0, 0.1], [0.0, 5.0, f32::NAN, 0.1]];
        folder.write(&format!("drive/velodyne_points/data/{frame:010}.bin"), bin(&points));
        folder.write(&format!("drive/oxts/data/{frame:010}.txt"), ROW);
        folder.write(&format!("drive/image_02/data/{frame:010}.png"), []);
        picture.save(folder.0.join(format!("drive/image_02/data/{frame:010}.png"))).unwrap();
    }
    folder
}

fn open(folder: &TestFolder) -> Result<KittiPlatform, HalError> {
    KittiPlatform::open(&folder.0.join("drive"))
}

/// Plays a drive to its end. Checks the instants against the platform's contract.
fn play(platform: KittiPlatform) -> Vec<(LogicalTime, Emission)> {
    let mut sensors = Box::new(platform).split().sensors;
    let kinds = sensors.kinds();
    let mut sink = SensorSink::default();
    let mut all: Vec<(LogicalTime, Emission)> = Vec::new();
    let mut now = LogicalTime::ZERO;
    while !sink.finished {
        sensors.tick(now, &mut sink).unwrap();
        for emission in sink.emissions.drain(..) {
            assert!(emission.oldest_capture <= emission.capture && emission.capture <= now);
            assert!(emission.arrival >= now + sensors.least_latency());
            let (_, least) = kinds.iter().find(|(kind, _)| *kind == emission.kind).unwrap();
            if let Some((_, before)) = all.iter().rev().find(|(_, other)| other.kind == emission.kind) {
                assert!(emission.arrival - before.arrival >= *least && emission.arrival > before.arrival);
            }
            all.push((now, emission));
        }
        now += sensors.tick_period();
    }
    all
}

fn of_kind(all: &[(LogicalTime, Emission)], kind: SensorKind) -> Vec<(&Emission, &SensorMessage)> {
    all.iter()
        .filter(|(_, emission)| emission.kind == kind)
        .map(|(_, emission)| match &emission.payload {
            Payload::Ready(message) => (emission, message),
            Payload::Pending(_) => panic!("all messages of a drive are ready"),
        })
        .collect()
}

#[test]
fn scans_decode_to_the_very_bytes_of_the_original() {
    let Some(folder) = data("drive_0052") else { return };
    let manifest = fs::read_to_string(folder.join("velodyne_manifest.csv")).unwrap();
    let mut points = Vec::new();
    for row in manifest.lines().skip(1).step_by(6) {
        let cells: Vec<&str> = row.split(',').collect();
        scan::read(&folder.join("velodyne").join(cells[0]).with_extension("kvz"), &mut points).unwrap();
        assert_eq!(points.len(), cells[1].parse::<usize>().unwrap());
        let hash = Sha256::digest(bin(&points)).iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        assert_eq!(hash, cells[2], "{}", cells[0]);
    }
}

#[test]
fn a_drive_with_pictures_plays() {
    let Some(folder) = data("drive_0052") else { return };
    let platform = KittiPlatform::open(&folder).unwrap();
    assert_eq!((platform.scans(), platform.frames()[25]), (26, 25));
    assert_eq!(platform.rig().geo_reference, None);
    let all = play(platform);
    let scans = of_kind(&all, SensorKind::Lidar);
    let pictures = of_kind(&all, SensorKind::Camera);
    assert_eq!((scans.len(), pictures.len(), of_kind(&all, SensorKind::Imu).len()), (26, 26, 0));
    for (index, (emission, message)) in scans.iter().enumerate() {
        let SensorMessage::Lidar(cloud) = message else { panic!() };
        let start = LogicalTime::from_nanos(index as i64 * 103_600_000);
        assert_eq!((emission.oldest_capture, LogicalTime::from(&cloud.header.stamp)), (start, start));
        assert_eq!(emission.capture.as_nanos(), start.as_nanos() + 103_600_000);
        assert_eq!(cloud.data.len(), cloud.width as usize * 24);
        assert!(cloud.width > 100_000);
        let t = |point: &[u8]| u32::from_le_bytes([point[16], point[17], point[18], point[19]]);
        assert!(cloud.data.chunks(24).all(|point| t(point) <= 103_600_000));
    }
    for (emission, message) in pictures {
        let SensorMessage::Camera(picture) = message else { panic!() };
        assert_eq!((picture.width, picture.height, picture.data.len()), (1242, 375, 1242 * 375 * 3));
        // In the middle of a scan, when the scanner looks ahead.
        assert_eq!(emission.capture.as_nanos() % 103_600_000, 51_800_000);
    }
}

#[test]
fn points_fall_on_the_pixels_that_kitti_says() {
    let Some(folder) = data("drive_0052") else { return };
    let rig = KittiPlatform::open(&folder).unwrap().rig();
    let calibration =
        fs::read_to_string(folder.join("../calib_2011_09_26/tracking_style_calib.txt")).unwrap();
    let matrix = |name: &str| -> Vec<f64> {
        let line = calibration.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().skip(1).map(|number| number.parse().unwrap()).collect()
    };
    let (p, r, tr) = (matrix("P2:"), matrix("R0_rect:"), matrix("Tr_velo_to_cam:"));
    for point in [[10.0, 1.0, -1.0], [40.0, -8.0, 0.5], [25.0, 5.0, 2.0]] {
        // The readme's formula: P2 · R0_rect · Tr_velo_to_cam · X.
        let camera: Vec<f64> = (0..3)
            .map(|i| {
                tr[4 * i] * point[0] + tr[4 * i + 1] * point[1] + tr[4 * i + 2] * point[2] + tr[4 * i + 3]
            })
            .collect();
        let rectified: Vec<f64> = (0..3).map(|i| (0..3).map(|j| r[3 * i + j] * camera[j]).sum()).collect();
        let image: Vec<f64> =
            (0..3).map(|i| (0..3).map(|j| p[4 * i + j] * rectified[j]).sum::<f64>() + p[4 * i + 3]).collect();
        let ours = rig.camera_optical_pose.to_local(rig.lidar_pose.to_parent(Vec3::from(point)));
        let (u, v) = (rig.k[0] * ours.x / ours.z + rig.k[2], rig.k[4] * ours.y / ours.z + rig.k[5]);
        assert!((u - image[0] / image[2]).abs() < 0.05 && (v - image[1] / image[2]).abs() < 0.05, "{u} {v}");
    }
    // The published set-up: 0.27 m before the scanner, 1.65 m up; the scanner's tilt and mounting shift it by centimetres.
    let camera = rig.camera_optical_pose.translation;
    assert!((camera.x - 1.03).abs() < 0.05 && (camera.z - 1.65).abs() < 0.05, "{camera}");
}

#[test]
fn the_ins_becomes_speed_rate_fix_and_reference() {
    let Some(folder) = data("drive_0005") else { return };
    let platform = KittiPlatform::open(&folder).unwrap();
    let [latitude, longitude] = platform.rig().geo_reference.unwrap();
    assert!((latitude.to_degrees() - 49.0112).abs() < 1e-4 && (longitude.to_degrees() - 8.4229).abs() < 1e-4);
    let imu_pose = platform.rig().imu_pose;
    let all = play(platform);
    let references: Vec<Pose3> = of_kind(&all, SensorKind::ReferenceOdometry)
        .iter()
        .map(|(_, message)| {
            let SensorMessage::ReferenceOdometry(odometry) = message else { panic!() };
            Pose3::from(&odometry.pose.pose)
        })
        .collect();
    let speeds: Vec<f64> = of_kind(&all, SensorKind::VehicleState)
        .iter()
        .map(|(_, message)| {
            let SensorMessage::VehicleState(state) = message else { panic!() };
            state.speed_mps
        })
        .collect();
    let rates: Vec<f64> = of_kind(&all, SensorKind::Imu)
        .iter()
        .map(|(_, message)| {
            let SensorMessage::Imu(imu) = message else { panic!() };
            imu.angular_velocity.z
        })
        .collect();
    assert_eq!((references.len(), speeds.len(), rates.len()), (80, 80, 80));
    assert!(references[0].translation.z.abs() < 0.05, "base_link starts on the road");
    // Positions, speeds and rates of the INS agree with each other in our frames. Its rows lie 0.0995 s apart by their own
    // speeds and yaw rates, and not the 0.1036 s that the data's readme gives: 4 % are left.
    let path: f64 =
        references.windows(2).map(|pair| (pair[1].translation - pair[0].translation).norm()).sum();
    let driven: f64 = speeds.iter().skip(1).map(|speed| speed * 0.1036).sum();
    assert!((path - 29.2).abs() < 0.5 && (path - driven).abs() < 0.05 * path, "{path} m, {driven} m");
    let turned = auriga_geometry::math::wrap_angle(references[79].yaw() - references[0].yaw());
    let integrated: f64 = rates.iter().skip(1).map(|rate| rate * 0.1036).sum();
    assert!((turned - integrated).abs() < 0.05, "{turned} {integrated}");
    let ahead = references[0].to_local(references[5].translation);
    assert!(ahead.x > 1.0 && ahead.y.abs() < 0.3 * ahead.x, "it drives along its x axis: {ahead}");

    let fixes = of_kind(&all, SensorKind::Gnss);
    assert_eq!(fixes.len(), 9, "one a second for 8.2 s");
    for (emission, message) in fixes {
        let SensorMessage::Gnss(fix) = message else { panic!() };
        let index = emission.capture.as_nanos() / 103_600_000;
        let truth = references[index as usize].compose(&imu_pose).translation;
        // Metres a degree at 49°.
        let east = (fix.longitude - longitude.to_degrees()) * 73_170.0;
        let north = (fix.latitude - latitude.to_degrees()) * 111_212.0;
        let (east, north) = (east - truth.x, north - truth.y);
        assert!(east.abs() < 4.5 && north.abs() < 4.5 && (east, north) != (0.0, 0.0), "{east} {north}");
    }
}

#[test]
fn the_same_seed_gives_the_same_fixes_and_positions_can_be_withheld() {
    let folder = raw_drive(40);
    let fixes = |options: KittiOptions| -> Vec<f64> {
        let all = play(KittiPlatform::open_with(&folder.0.join("drive"), options).unwrap());
        let latitude = |message: &SensorMessage| {
            let SensorMessage::Gnss(fix) = message else { panic!() };
            fix.latitude
        };
        of_kind(&all, SensorKind::Gnss).iter().map(|(_, message)| latitude(message)).collect()
    };
    let first = fixes(KittiOptions::default());
    assert_eq!(first.len(), 4);
    assert_eq!(fixes(KittiOptions::default()), first);
    assert_ne!(fixes(KittiOptions { seed: 2, ..KittiOptions::default() }), first);
    let until = Some(LogicalDuration::from_millis(1_500));
    let withheld = fixes(KittiOptions { gnss_withheld_after: until, ..KittiOptions::default() });
    assert_eq!(withheld, first[..2]);
}

#[test]
fn the_original_layout_uses_its_time_stamps() {
    let folder = raw_drive(3);
    let all = play(open(&folder).unwrap());
    let millis = |kind| -> Vec<(i64, i64)> {
        of_kind(&all, kind)
            .iter()
            .map(|(e, _)| (e.oldest_capture.as_nanos() / 1_000_000, e.capture.as_nanos() / 1_000_000))
            .collect()
    };
    assert_eq!(millis(SensorKind::Lidar), [(0, 100), (100, 200), (200, 300)]);
    assert_eq!(millis(SensorKind::Camera), [(52, 52), (152, 152), (252, 252)]);
    assert_eq!(millis(SensorKind::Imu), [(48, 48), (148, 148), (248, 248)]);
    let (_, SensorMessage::Lidar(cloud)) = of_kind(&all, SensorKind::Lidar)[0] else { panic!() };
    assert_eq!(cloud.width, 2, "the point that is not finite is left out");
    let t = |point: usize| {
        let at = point * 24 + 16;
        u32::from_le_bytes([cloud.data[at], cloud.data[at + 1], cloud.data[at + 2], cloud.data[at + 3]])
    };
    assert!(t(0).abs_diff(50_000_000) < 100, "ahead: half the turn");
    assert!(t(1) < 5_000, "right behind: the turn's start");
    let (_, SensorMessage::Camera(picture)) = of_kind(&all, SensorKind::Camera)[0] else { panic!() };
    assert_eq!(&picture.data[..3], [10, 20, 30]);
}

#[test]
fn the_scanner_turns_counter_clockwise_from_the_rear() {
    assert!(turned(-1.0, -1e-6) < 0.001);
    assert!((turned(0.0, -1.0) - 0.25).abs() < 1e-6);
    assert!((turned(1.0, 0.0) - 0.5).abs() < 1e-6);
    assert!((turned(0.0, 1.0) - 0.75).abs() < 1e-6);
    assert!(turned(-1.0, 1e-6) > 0.999);
}

#[test]
fn time_stamps_are_those_of_the_civil_calendar() {
    assert_eq!(parse_timestamp("2011-09-26 13:02:25.594360375"), Some(1_317_042_145_594_360_375));
    assert_eq!(parse_timestamp("2024-02-29 23:59:59.5"), Some(1_709_251_199_500_000_000));
    for wrong in
        ["", "2011-09-26", "2011-13-26 13:02:25.5", "2011-09-26 13:02:25", "2011-09-26 13:02:25.+5", "x y"]
    {
        assert_eq!(parse_timestamp(wrong), None, "{wrong}");
    }
}

/// Opens and plays; the error's text.
fn failure(folder: &TestFolder) -> String {
    let played = open(folder).and_then(|platform| {
        let mut sensors = Box::new(platform).split().sensors;
        let mut sink = SensorSink::default();
        sensors.tick(LogicalTime::from_nanos(10_000_000_000), &mut sink)
    });
    played.unwrap_err().to_string()
}

#[test]
fn bad_drives_are_named_with_file_and_remedy() {
    let check = |harm: &dyn Fn(&TestFolder), parts: &[&str]| {
        let folder = raw_drive(3);
        harm(&folder);
        let error = failure(&folder);
        assert!(parts.iter().all(|part| error.contains(part)), "{error}");
    };
    let scan = "drive/velodyne_points/data/0000000001.bin";
    check(&|f| f.write(scan, [0; 30]), &["0000000001.bin", "cut short", "get the file again"]);
    check(&|f| f.write(scan, []), &["0000000001.bin", "no points"]);
    check(&|f| fs::remove_file(f.0.join("calib_cam_to_cam.txt")).unwrap(), &["calib_cam_to_cam.txt"]);
    check(&|f| fs::remove_file(f.0.join("calib_velo_to_cam.txt")).unwrap(), &["calib_velo_to_cam.txt"]);
    let cameras = CAMERAS.replace("30 0 20 0 0 30", "30 0 20 0 zero 30");
    check(&|f| f.write("calib_cam_to_cam.txt", &cameras), &["line 3: P_rect_02 has 4 numbers instead of 12"]);
    check(
        &|f| f.write("drive/velodyne_points/timestamps.txt", "2011-09-26 13:02:25.5\n"),
        &["velodyne_points/timestamps.txt", "no time stamp for frame 1"],
    );
    check(&|f| f.write("drive/oxts/timestamps.txt", "noon\n"), &["oxts/timestamps.txt", "line 1", "noon"]);
    check(&|f| f.write("drive/oxts/data/0000000002.txt", "49 8.4 x"), &["0000000002.txt", "column 3"]);
    check(&|f| f.write("drive/image_02/data/0000000000.png", "PNG"), &["0000000000.png", "no picture"]);
    check(
        &|f| fs::rename(f.0.join("drive/velodyne_points"), f.0.join("drive/points")).unwrap(),
        &["neither velodyne_points/", "give the folder of one drive"],
    );
    let error = KittiPlatform::open(Path::new("/no/such/drive")).unwrap_err().to_string();
    assert!(error.contains("/no/such/drive") && error.contains("no such folder"), "{error}");
}

#[test]
fn the_compact_layout_checks_counts() {
    let folder = TestFolder::new();
    folder.write("calib_x/calib_cam_to_cam.txt", CAMERAS);
    folder.write("calib_x/calib_velo_to_cam.txt", SCANNER);
    for frame in 0..3 {
        folder.write(&format!("drive/velodyne/{frame:010}.bin"), bin(&[[1.0; 4]; 5]));
    }
    assert_eq!(open(&folder).unwrap().scans(), 3);
    folder.write("drive/velodyne_manifest.csv", "frame,points,sha\n0000000001,6,0\n");
    assert!(failure(&folder).contains("5 points, 6 in velodyne_manifest.csv"));
    folder.write("drive/velodyne_manifest.csv", "frame,points,sha\n0000000007,6,0\n");
    assert!(failure(&folder).contains("frame 0000000007 is missing"));
    fs::remove_file(folder.0.join("drive/velodyne_manifest.csv")).unwrap();
    folder.write("drive/oxts.txt", format!("{ROW}\n{ROW}\n"));
    assert!(failure(&folder).contains("2 rows for frames up to 3"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_as_a_scan_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), n in 0_u32..20) {
        let mut points = Vec::new();
        let _ = scan::from_bin(&bytes, &mut points);
        let _ = scan::from_kvz(&bytes, &mut points);
        let frame = zstd::bulk::compress(&bytes, 1).unwrap();
        let kvz = [b"KVZ1".as_slice(), &n.to_le_bytes(), &frame].concat();
        let decoded = scan::from_kvz(&kvz, &mut points);
        prop_assert_eq!(decoded.is_ok(), n > 0 && bytes.len() == 13 * n as usize);
    }

    #[test]
    fn millimetres_come_back(points in prop::collection::vec(([-80_000_i32..80_000, -80_000..80_000, -3_000..3_000], 0_u8..=100), 1..50)) {
        let mut columns = Vec::new();
        for axis in 0..3 {
            let mut before = 0;
            for (point, _) in &points {
                columns.extend_from_slice(&(point[axis] - before).to_le_bytes());
                before = point[axis];
            }
        }
        columns.extend(points.iter().map(|(_, reflectance)| *reflectance));
        let frame = zstd::bulk::compress(&columns, 1).unwrap();
        let kvz = [b"KVZ1".as_slice(), &(points.len() as u32).to_le_bytes(), &frame].concat();
        let mut decoded = Vec::new();
        scan::from_kvz(&kvz, &mut decoded).unwrap();
        for ((point, reflectance), decoded) in points.iter().zip(&decoded) {
            let expected = point.map(|millis| (f64::from(millis) / 1000.0) as f32);
            prop_assert_eq!(&decoded[..3], expected.as_slice());
            prop_assert_eq!(decoded[3], (f64::from(*reflectance) / 100.0) as f32);
        }
    }

    #[test]
    fn every_finite_point_is_kept_with_its_instant(points in prop::collection::vec(any::<[f32; 4]>(), 0..100)) {
        let mut cloud = PointCloud2::default();
        let span = LogicalDuration::from_millis(100);
        scan::to_cloud(&points, LogicalTime::ZERO, span, &mut cloud);
        let finite = points.iter().filter(|point| point.iter().all(|value| value.is_finite())).count();
        prop_assert_eq!(cloud.width as usize, finite);
        for point in cloud.data.chunks(24) {
            prop_assert!(u32::from_le_bytes([point[16], point[17], point[18], point[19]]) <= 100_000_000);
        }
    }
}
