use super::*;
use crate::can::{CanId, Checksum, Protection};
use crate::{Emission, Payload, SensorKind, SensorMessage, SensorSink};
use auriga_geometry::math::{cos, sin};
use auriga_geometry::{LogicalTime, Pose3, Vec3};
use auriga_messages::nav_msgs::Odometry;
use proptest::prelude::*;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

/// The recorded minute; `None` where it is not.
fn minute() -> Option<PathBuf> {
    let folder = std::env::var_os("AURIGA_DATA").map(|root| PathBuf::from(root).join("comma2k19/example_1"));
    let found = folder.filter(|folder| folder.is_dir());
    if found.is_none() {
        assert!(std::env::var_os("AURIGA_REQUIRE_DATA").is_none_or(|set| set != "1"), "no comma2k19");
        let _ = writeln!(std::io::stderr(), "skipped: no comma2k19/example_1 in AURIGA_DATA");
    }
    found
}

fn configs(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs").join(name)
}

fn car() -> Comma2k19Car {
    let read = |name: &str| fs::read_to_string(configs(name)).unwrap();
    let profile = read("vehicles/toyota-rav4-tssp.toml");
    let rig = read("sensors/comma2k19-rav4.toml");
    Comma2k19Car {
        profile: VehicleProfile::from_toml(&profile, "profile").unwrap(),
        car: Database::read(&configs("can/toyota_rav4_tssp.dbc")).unwrap(),
        radar: Database::read(&configs("can/toyota_tssp_radar.dbc")).unwrap(),
        rig: SensorRig::from_toml(&rig, "rig").unwrap(),
    }
}

/// A made minute's device looks straight ahead.
fn level_car() -> Comma2k19Car {
    let mut car = car();
    let imu = car.rig.imu.as_mut().unwrap();
    (imu.pose.pitch_deg, imu.pose.yaw_deg) = (0.0, 0.0);
    car
}

fn array(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(u16::try_from(header.len()).unwrap().to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn floats(rows: &[Vec<f64>]) -> Vec<u8> {
    let columns = rows.first().map_or(1, Vec::len);
    let data: Vec<u8> = rows.iter().flatten().flat_map(|value| value.to_le_bytes()).collect();
    let shape = match columns {
        1 => format!("({},)", rows.len()),
        _ => format!("({}, {columns})", rows.len()),
    };
    array("<f8", &shape, &data)
}

fn times(at: &[f64]) -> Vec<u8> {
    floats(&at.iter().map(|at| vec![*at]).collect::<Vec<_>>())
}

/// A folder of files, gone with it.
struct Made(PathBuf);

impl Made {
    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.0.join(name)).unwrap()
    }

    fn open(&self) -> Result<Comma2k19Platform, HalError> {
        Comma2k19Platform::open(&self.0, &level_car(), Comma2k19Options::default())
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The device's clock at the start, and GPS time of week then.
const BOOT_S: f64 = 1000.0;
const WEEK: f64 = 2012.0;
const OF_WEEK_S: f64 = 404_000.0;
/// Of everything made: two seconds.
const SPAN_S: f64 = 2.0;

fn every(period_s: f64, offset_s: f64) -> Vec<f64> {
    let count = ((SPAN_S - offset_s) / period_s) as usize;
    (0..count).map(|k| BOOT_S + offset_s + k as f64 * period_s).collect()
}

/// Two seconds eastwards along the equator at 10 m/s, from longitude 0.
fn made() -> Made {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let made = Made(std::env::temp_dir().join(format!("auriga-comma-{}-{number}", std::process::id())));
    let at = every(0.01, 0.001);
    for (sensor, value) in [("gyro", vec![0.1, 0.2, 0.3]), ("accelerometer", vec![1.0, 2.0, -9.8])] {
        made.write(&format!("processed_log/IMU/{sensor}/t"), &times(&at));
        let rows = vec![value; at.len()];
        made.write(&format!("processed_log/IMU/{sensor}/value"), &floats(&rows));
    }
    let radius = 6_378_137.0;
    let at = every(0.05, 0.0);
    let along = |at: &f64| (at - BOOT_S) * 10.0 / radius;
    let rows = |of: &dyn Fn(f64) -> Vec<f64>| floats(&at.iter().map(along).map(of).collect::<Vec<_>>());
    made.write("global_pose/frame_times", &times(&at));
    made.write(
        "global_pose/frame_positions",
        &rows(&|angle| vec![radius * cos(angle), radius * sin(angle), 0.0]),
    );
    made.write(
        "global_pose/frame_velocities",
        &rows(&|angle| vec![-10.0 * sin(angle), 10.0 * cos(angle), 0.0]),
    );
    // Forward is +y, right is -z, down is -x.
    made.write("global_pose/frame_orientations", &rows(&|_| vec![0.5, -0.5, -0.5, 0.5]));
    let raw = every(0.1, 0.3);
    let gps = |at: f64| OF_WEEK_S + at - BOOT_S;
    let measured: Vec<Vec<f64>> = raw
        .iter()
        .map(|at| {
            let mut row = vec![f64::NAN; 10];
            (row[1], row[2]) = (WEEK, gps(*at));
            row
        })
        .collect();
    made.write("processed_log/GNSS/raw_gnss_ublox/t", &times(&raw));
    made.write("processed_log/GNSS/raw_gnss_ublox/value", &floats(&measured));
    let logged: Vec<f64> = raw.iter().map(|at| at + 0.08).collect();
    let live: Vec<Vec<f64>> = raw
        .iter()
        .map(|at| {
            let utc_ms = (WEEK * 604_800.0 + gps(*at) + 315_964_800.0 - 18.0) * 1e3;
            vec![0.0, along(at).to_degrees(), f64::NAN, utc_ms, 30.0, f64::NAN]
        })
        .collect();
    made.write("processed_log/GNSS/live_gnss_ublox/t", &times(&logged));
    made.write("processed_log/GNSS/live_gnss_ublox/value", &floats(&live));
    can(&made);
    made
}

/// Time, source, address, data.
type LogRow = (f64, i64, u16, [u8; 8]);

/// Every 10 ms the car's messages at 10 m/s, every 50 ms the radar's.
fn can(made: &Made) {
    let car = car();
    let mut rows: Vec<LogRow> = Vec::new();
    let row = |at: f64, bus: i64, database: &Database, name: &str, values: &[(&str, f64)]| {
        let message = database.message_by_name(name).unwrap();
        let mut all = vec![Some(0.0); message.signals().len()];
        values.iter().for_each(|(signal, value)| all[message.index_of(signal).unwrap()] = Some(*value));
        let mut data = [0; 8];
        message.encode(&all, &mut data).unwrap();
        if message.index_of("CHECKSUM").is_some() {
            let protection = Protection { checksum: Some(Checksum::Toyota), counter: None };
            protection.seal(message.id, &mut data, None);
        }
        let CanId::Standard(id) = message.id else { unreachable!() };
        (at, bus, id, data)
    };
    let wheels = ["FRONT_LEFT", "FRONT_RIGHT", "REAR_LEFT", "REAR_RIGHT"].map(|wheel| (wheel, 36.0));
    for (turn, at) in every(0.01, 0.004).into_iter().enumerate() {
        rows.push(row(at, 0, &car.car, "STEERING_ANGLE", &[("ANGLE", 3.0), ("ANGLE_FRACTION", 0.4)]));
        rows.push(row(at, 0, &car.car, "STEERING_TORQUE", &[("DRIVER", 50.0)]));
        rows.push(row(at, 0, &car.car, "GAS", &[("PEDAL", 20.0)]));
        rows.push(row(at, 0, &car.car, "BRAKE", &[("PRESSED", 1.0)]));
        rows.push(row(at, 0, &car.car, "WHEEL_SPEEDS", &wheels));
        if turn % 5 == 0 {
            for track in 0..16 {
                let valid = f64::from(u8::from(track == 3));
                let values = [("COUNTER", (turn / 5) as f64), ("VALID", valid), ("DISTANCE", 42.0)];
                rows.push(row(at, 1, &car.radar, &format!("TRACK_A_{track}"), &values));
            }
        }
        rows.push((at, 128, 0x2e4, [0; 8]));
    }
    let count = format!("({},)", rows.len());
    let numbers = |of: &dyn Fn(&LogRow) -> i64| {
        let data: Vec<u8> = rows.iter().flat_map(|row| of(row).to_le_bytes()).collect();
        array("<i8", &count, &data)
    };
    let folder = "processed_log/CAN/raw_can";
    made.write(&format!("{folder}/t"), &times(&rows.iter().map(|row| row.0).collect::<Vec<_>>()));
    made.write(&format!("{folder}/src"), &numbers(&|row| row.1));
    made.write(&format!("{folder}/address"), &numbers(&|row| i64::from(row.2)));
    let data: Vec<u8> = rows.iter().flat_map(|row| row.3).collect();
    made.write(&format!("{folder}/data"), &array("|S8", &count, &data));
}

fn play(platform: Comma2k19Platform) -> Vec<(Emission, SensorMessage)> {
    let mut sensors = Box::new(platform).split().sensors;
    let (mut sink, mut now, mut all) = (SensorSink::default(), LogicalTime::ZERO, Vec::new());
    while !sink.finished {
        sensors.tick(now, &mut sink).unwrap();
        for emission in sink.emissions.drain(..) {
            let Payload::Ready(message) = &emission.payload else { panic!("nothing is computed beside") };
            let message = message.clone();
            all.push((emission, message));
        }
        now += sensors.tick_period();
    }
    all
}

fn of_kind(all: &[(Emission, SensorMessage)], kind: SensorKind) -> Vec<&(Emission, SensorMessage)> {
    all.iter().filter(|(emission, _)| emission.kind == kind).collect()
}

fn references(all: &[(Emission, SensorMessage)]) -> Vec<Odometry> {
    let odometry = |(_, message): &(Emission, SensorMessage)| match message {
        SensorMessage::ReferenceOdometry(odometry) => Some((**odometry).clone()),
        _ => None,
    };
    all.iter().filter_map(odometry).collect()
}

fn seconds(time: LogicalTime) -> f64 {
    time.as_secs_f64()
}

#[test]
fn a_made_minute_plays_as_it_was_made() {
    let all = play(made().open().unwrap());
    let counts = [
        (SensorKind::Imu, 199),
        (SensorKind::Gnss, 17),
        (SensorKind::ReferenceOdometry, 40),
        (SensorKind::VehicleState, 199),
        (SensorKind::Radar, 40),
    ];
    for (kind, count) in counts {
        assert_eq!(of_kind(&all, kind).len(), count, "{kind:?}");
    }
    for (index, (emission, message)) in of_kind(&all, SensorKind::Gnss).into_iter().enumerate() {
        let SensorMessage::Gnss(fix) = message else { panic!() };
        let capture = 0.3 + 0.1 * index as f64;
        assert!((seconds(emission.capture) - capture).abs() < 1e-6, "{}", seconds(emission.capture));
        assert!((seconds(emission.arrival) - capture - 0.08).abs() < 1e-6);
        assert!((fix.longitude.to_radians() * 6_378_137.0 - 10.0 * capture).abs() < 1e-5);
        assert!((fix.position_covariance[0].sqrt() - 2.1).abs() < 0.1);
    }
    for (index, odometry) in references(&all).iter().enumerate() {
        let pose = Pose3::from(&odometry.pose.pose);
        // From the device to base_link, and from the first fix: 3 m on.
        let ahead = 10.0 * 0.05 * index as f64 - 2.0 - 3.0;
        assert!((pose.translation - Vec3::new(ahead, 0.0, 0.0)).norm() < 1e-4, "{}", pose.translation);
        assert!(pose.yaw().abs() < 1e-6);
        let speed = Vec3::from(&odometry.twist.twist.linear);
        assert!((speed - Vec3::new(10.0, 0.0, 0.0)).norm() < 1e-4, "{speed}");
    }
    for (_, message) in &all {
        match message {
            SensorMessage::Imu(imu) => {
                assert_eq!(Vec3::from(&imu.angular_velocity), Vec3::new(0.1, -0.2, -0.3));
                assert_eq!(Vec3::from(&imu.linear_acceleration), Vec3::new(1.0, -2.0, 9.8));
            }
            SensorMessage::VehicleState(state) => {
                assert!((state.speed_mps - 10.0).abs() < 0.002, "{}", state.speed_mps);
                assert!((state.steering_angle_rad - 3.4_f64.to_radians() / 16.88).abs() < 1e-9);
                let rest = (state.driver_torque_nm, state.driver_brake, state.driver_gas);
                assert_eq!(rest, (0.5, 1.0, 0.2));
            }
            SensorMessage::Radar(tracks) => {
                assert_eq!((tracks.tracks.len(), tracks.tracks[0].position.x), (1, 42.0));
            }
            _ => {}
        }
    }
    let withheld = Comma2k19Options { gnss_withheld_after: Some(LogicalDuration::from_millis(1_000)) };
    let all = play(Comma2k19Platform::open(&made().0, &level_car(), withheld).unwrap());
    assert_eq!(of_kind(&all, SensorKind::Gnss).len(), 7);
}

/// Oracles: the speeds that are shipped, decoded by somebody else; NumPy's arithmetic on the poses; the data's readme.
#[test]
fn the_recorded_minute_is_what_others_make_of_it() {
    let Some(folder) = minute() else { return };
    let platform = Comma2k19Platform::open(&folder, &car(), Comma2k19Options::default()).unwrap();
    let all = play(platform);
    let count = |kind| of_kind(&all, kind).len();
    assert_eq!((count(SensorKind::Imu), count(SensorKind::Gnss)), (6256, 579));
    assert_eq!((count(SensorKind::ReferenceOdometry), count(SensorKind::Radar)), (1200, 1200));

    let shipped = crate::npy::floats(&folder.join("processed_log/CAN/speed/value"), 1).unwrap();
    let at = crate::npy::floats(&folder.join("processed_log/CAN/speed/t"), 1).unwrap();
    let epoch = crate::npy::floats(&folder.join("global_pose/frame_times"), 1).unwrap()[0];
    let mut states = 0;
    for (emission, message) in of_kind(&all, SensorKind::VehicleState) {
        let SensorMessage::VehicleState(state) = message else { panic!() };
        let row = at.partition_point(|at| at - epoch < seconds(emission.capture) - 1e-6);
        assert!((state.speed_mps - shipped[row]).abs() < 1e-12, "{} {}", state.speed_mps, shipped[row]);
        assert!((at[row] - epoch - seconds(emission.capture)).abs() < 1e-6);
        states += 1;
    }
    assert!(states > 4_500, "{states} of 4974: two that were read at once are one");
    let tracks: usize = of_kind(&all, SensorKind::Radar)
        .iter()
        .map(|(_, message)| if let SensorMessage::Radar(tracks) = message { tracks.tracks.len() } else { 0 })
        .sum();
    assert_eq!(tracks, 10_100, "as many as are shipped");

    let references = references(&all);
    for (row, east, north, up, yaw) in [
        (0, 0.428_128_93, -1.752_488_08, 0.020_759_13, 1.528_619_312),
        (400, 14.802_562_78, 337.979_078_45, -8.581_430_83, 1.528_216_605),
        (1199, 43.527_640_61, 1_008.636_344_17, 7.966_540_57, 1.521_606_057),
    ] {
        let pose = Pose3::from(&references[row].pose.pose);
        assert!((pose.translation - Vec3::new(east, north, up)).norm() < 1e-6, "{}", pose.translation);
        assert!((pose.yaw() - yaw).abs() < 1e-8, "{}", pose.yaw());
    }
    // The readme: the speed of the poses against the wheels' has an RMS of 0.156 m/s.
    let squares: f64 = references
        .iter()
        .map(|odometry| {
            let time = seconds(LogicalTime::from(&odometry.header.stamp)) + epoch;
            let after = at.partition_point(|at| *at < time).clamp(1, at.len() - 1);
            let ratio = ((time - at[after - 1]) / (at[after] - at[after - 1])).clamp(0.0, 1.0);
            let wheels = shipped[after - 1] + ratio * (shipped[after] - shipped[after - 1]);
            let error = Vec3::from(&odometry.twist.twist.linear).norm() - wheels;
            error * error
        })
        .sum();
    let rms = (squares / references.len() as f64).sqrt();
    assert!((rms - 0.156).abs() < 0.01, "{rms}");
}

#[test]
fn bad_minutes_are_named_with_file_and_remedy() {
    let check = |name: &str, harm: &dyn Fn(Vec<u8>) -> Vec<u8>, parts: &[&str]| {
        let made = made();
        made.write(name, &harm(made.read(name)));
        let error = made.open().unwrap_err().to_string();
        let file = made.0.join(name).display().to_string();
        assert!(error.contains(&file), "{error}");
        assert!(parts.iter().all(|part| error.contains(part)), "{error}");
    };
    let cell = |bytes: Vec<u8>, from_end: usize, value: f64| {
        let (mut bytes, at) = (bytes.clone(), bytes.len() - 8 * from_end);
        bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
        bytes
    };
    let cut = |bytes: Vec<u8>| bytes[..bytes.len() - 8].to_vec();
    check("processed_log/IMU/gyro/t", &|_| times(&[1.0, f64::NAN]), &["row 1", "not finite", "get the file"]);
    check("processed_log/IMU/gyro/t", &|_| times(&[2.0, 1.0]), &["row 1", "not after"]);
    check("processed_log/IMU/gyro/t", &|_| times(&[]), &["empty"]);
    check("processed_log/IMU/gyro/value", &cut, &["bytes of data for shape (199, 3)"]);
    check("processed_log/IMU/gyro/value", &|_| floats(&[vec![0.0; 3]]), &["1 rows for 199 times"]);
    check("processed_log/IMU/gyro/value", &|bytes| cell(bytes, 2, f64::INFINITY), &["row 198", "not finite"]);
    check("processed_log/IMU/accelerometer/t", &|bytes| cell(bytes, 1, 1003.0), &["not the gyro's"]);
    check("processed_log/CAN/raw_can/t", &|bytes| cell(bytes, 1, 5e5), &["one minute"]);
    check("processed_log/CAN/raw_can/src", &|_| array("<i4", "(1,)", &[0; 4]), &["type \"<i4\""]);
    check("processed_log/CAN/raw_can/data", &|_| array("|S8", "(1,)", &[0; 8]), &["1 rows for"]);
    let negative = |mut bytes: Vec<u8>| {
        let start = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        bytes[start..].fill(0xff);
        bytes
    };
    check("processed_log/CAN/raw_can/address", &negative, &["-1 is no CAN identifier"]);
    check("global_pose/frame_orientations", &|bytes| cell(bytes, 1, f64::NAN), &["row 39", "not finite"]);
    let live = "processed_log/GNSS/live_gnss_ublox/value";
    check(live, &|bytes| cell(bytes, 6, 99.0), &["row 16", "latitude 99"]);
    check(live, &|bytes| cell(bytes, 3, 1.5e12), &["row 16", "before it was logged"]);
    let measured = "processed_log/GNSS/raw_gnss_ublox/value";
    check(measured, &|bytes| cell(bytes, 8, OF_WEEK_S + 9.0), &["part by"]);

    let made = made();
    let id = made.read("processed_log/CAN/raw_can/address");
    made.write(
        "processed_log/CAN/raw_can/address",
        &id.iter().map(|byte| if *byte == 170 { 171 } else { *byte }).collect::<Vec<_>>(),
    );
    let error = made.open().unwrap_err().to_string();
    assert!(error.contains("WHEEL_SPEEDS") && error.contains("RAV4"), "{error}");
    let nowhere = Comma2k19Platform::open(Path::new("/no/minute"), &car(), Comma2k19Options::default());
    let error = nowhere.unwrap_err().to_string();
    assert!(error.contains("/no/minute") && error.contains("processed_log"), "{error}");
    let mut blind = car();
    blind.rig.gnss = None;
    let error = Comma2k19Platform::open(&made.0, &blind, Comma2k19Options::default()).unwrap_err();
    assert!(error.to_string().contains("`gnss`"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    /// A spoiled byte anywhere gives an error or a minute that plays to its end.
    #[test]
    fn spoiled_files_never_panic(file in 0_usize..14, place in any::<prop::sample::Index>(), value in any::<u8>()) {
        const FILES: [&str; 14] = [
            "processed_log/CAN/raw_can/t", "processed_log/CAN/raw_can/src", "processed_log/CAN/raw_can/address",
            "processed_log/CAN/raw_can/data", "processed_log/IMU/gyro/t", "processed_log/IMU/gyro/value",
            "processed_log/IMU/accelerometer/value", "processed_log/GNSS/raw_gnss_ublox/value",
            "processed_log/GNSS/live_gnss_ublox/t", "processed_log/GNSS/live_gnss_ublox/value",
            "global_pose/frame_times", "global_pose/frame_positions", "global_pose/frame_velocities",
            "global_pose/frame_orientations",
        ];
        let made = made();
        let mut bytes = made.read(FILES[file]);
        let place = place.index(bytes.len());
        bytes[place] = value;
        made.write(FILES[file], &bytes);
        if let Ok(platform) = made.open() {
            play(platform);
        }
    }
}
