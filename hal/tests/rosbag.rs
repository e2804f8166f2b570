//! Bags of other people's writers. The golden SQLite file is beside the script that made it; with `AURIGA_PYTHON` (a Python
//! that has the PyPI packages rosbags and mcap) every storage is written anew.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use auriga_geometry::{LogicalDuration, LogicalTime};
use auriga_hal::conformance::sensing::{SensingCheck, SensingReport};
use auriga_hal::rosbag::{RosbagOptions, RosbagPlatform};
use auriga_hal::{HalError, Payload, Platform, SensorKind, SensorMessage, SensorRig, SensorSink};
use auriga_messages::sensor_msgs::{Imu, PointCloud2};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

fn here() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rosbag"))
}

fn open(path: &Path) -> Result<RosbagPlatform, HalError> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/sensors/default.toml");
    let text = std::fs::read_to_string(file).unwrap();
    let mut rig = SensorRig::from_toml(&text, file).unwrap();
    rig.camera.iter_mut().for_each(|camera| (camera.width, camera.height) = (6, 4));
    let mut options = RosbagOptions::default();
    options.remap.insert("/odometry/wheels".to_owned(), SensorKind::VehicleState);
    RosbagPlatform::open(path, &rig, &options)
}

fn conforms(path: &Path) -> SensingReport {
    let check = SensingCheck { span: LogicalDuration::from_millis(10_000), ..SensingCheck::default() };
    let report = check.run(|| Ok(Box::new(open(path)?))).unwrap();
    assert!(report.breaches.is_empty() && report.finished, "{}: {report}", path.display());
    report
}

/// All that a bag says.
fn messages(path: &Path) -> Vec<(LogicalTime, LogicalTime, SensorMessage)> {
    let mut sensors = Box::new(open(path).unwrap()).split().sensors;
    let (mut sink, mut now, mut said) = (SensorSink::default(), LogicalTime::ZERO, Vec::new());
    while !sink.finished {
        sensors.tick(now, &mut sink).unwrap();
        for emission in sink.emissions.drain(..) {
            let Payload::Ready(message) = emission.payload else { panic!("it is not ready") };
            said.push((emission.capture, emission.arrival, message));
        }
        now += sensors.tick_period();
    }
    said
}

/// What the script put into a scan: every ninth point has no place.
fn check_cloud(cloud: &PointCloud2, count: usize) {
    assert_eq!(cloud.width as usize, count - count.div_ceil(9));
    let value = |bytes: &[u8]| f32::from_le_bytes(bytes.try_into().unwrap());
    let places = (0..count).filter(|k| k % 9 != 0);
    for (k, point) in places.zip(cloud.data.chunks_exact(24)) {
        let expected = [5 + (k % 7) as i32, 3 - (k % 5) as i32].map(|value| value as f32);
        assert_eq!([value(&point[0..4]), value(&point[4..8])], expected);
        let ring = u16::from_le_bytes(point[20..22].try_into().unwrap());
        assert_eq!((value(&point[12..16]), usize::from(ring)), (0.5, k % 16));
        let after = f64::from(u32::from_le_bytes(point[16..20].try_into().unwrap())) * 1e-9;
        // The oldest point that has a place is the second one.
        assert!((after - 0.1 * (k - 1) as f64 / count as f64).abs() < 1e-7, "{k}: {after}");
    }
}

fn check_imu(imu: &Imu, number: usize) {
    let expected = [0.01, -0.02, number as f64 * 1e-3];
    let rate = &imu.angular_velocity;
    assert!([rate.x, rate.y, rate.z].iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15), "{imu:?}");
}

#[test]
fn a_golden_sqlite_file() {
    let golden = here().join("golden.db3");
    let report = conforms(&golden);
    assert_eq!(
        (report.counts[&SensorKind::Imu], report.counts[&SensorKind::VehicleState]),
        (12, 12),
        "{report}"
    );
    let said = messages(&golden);
    let mut imus = 0;
    for (.., message) in &said {
        match message {
            SensorMessage::Lidar(cloud) => check_cloud(cloud, 40),
            SensorMessage::Imu(imu) => {
                check_imu(imu, imus);
                imus += 1;
            }
            SensorMessage::VehicleState(state) => assert_eq!(state.speed_mps, 5.0),
            SensorMessage::Camera(image) => {
                assert_eq!((image.encoding.as_str(), image.data.len()), ("rgb8", 72))
            }
            _ => {}
        }
    }
    assert_eq!(imus, 12);
}

#[test]
fn a_database_that_was_not_closed_is_refused() {
    let folder = std::env::temp_dir().join(format!("auriga-rosbag-wal-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("bag.db3");
    std::fs::copy(here().join("golden.db3"), &file).unwrap();
    std::fs::write(folder.join("bag.db3-wal"), [1]).unwrap();
    let error = open(&folder).unwrap_err().to_string();
    assert!(error.contains("was not closed") && error.contains("wal_checkpoint"), "{error}");
    std::fs::remove_file(folder.join("bag.db3-wal")).unwrap();
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    let error = open(&folder).unwrap_err().to_string();
    assert!(error.contains("page") && error.contains("missing"), "{error}");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn every_storage_of_other_peoples_writers_says_the_same() {
    let Some(python) = std::env::var_os("AURIGA_PYTHON") else {
        let _ = writeln!(std::io::stderr(), "skipped: AURIGA_PYTHON names no Python with rosbags and mcap");
        return;
    };
    let folder = std::env::temp_dir().join(format!("auriga-rosbag-storages-{}", std::process::id()));
    let written = Command::new(python).arg(here().join("write_bags.py")).arg(&folder).output().unwrap();
    assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
    let bags: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(bags.len(), 7, "{bags:?}");
    let golden = messages(&here().join("golden.db3"));
    let mut first: Option<Vec<String>> = None;
    for bag in &bags {
        assert_eq!(conforms(bag).counts[&SensorKind::Imu], 200);
        let said = messages(bag);
        // Its beginning is the golden file's, but for the scans, which have fewer points there.
        for ((_, _, one), (_, _, other)) in said.iter().zip(&golden).take(10) {
            if one.kind() != SensorKind::Lidar {
                assert_eq!(one.kind(), other.kind());
            }
        }
        let said: Vec<String> = said.iter().map(|said| format!("{said:?}")).collect();
        assert_eq!(said.len(), 460, "{}", bag.display());
        assert_eq!(*first.get_or_insert(said.clone()), said, "{}", bag.display());
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
