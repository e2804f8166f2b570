//! Every parser meets spoiled input: it may refuse, and must not panic, hang or take memory without bound.
//!
//! Good inputs are spoiled at random from a seed. `AURIGA_SPOILED` gives the number of spoiled inputs a parser (200 when
//! not set): more of them are a longer search, as in `AURIGA_SPOILED=100000 cargo test --release --test hostile_input`.
//! A failure names parser and seed, and leaves the input in the folder for temporary files.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use auriga_geometry::LogicalTime;
use auriga_hal::kitti::KittiPlatform;
use auriga_hal::rosbag::{RosbagOptions, RosbagPlatform};
use auriga_hal::{Platform, SensorKind, SensorRig, SensorSink};
use auriga_messages::auriga_msgs::{BehaviorDecision, GroundTruth};
use auriga_messages::autoware_perception_msgs::{PredictedObjects, TrackedObjects};
use auriga_messages::nav_msgs::Odometry;
use auriga_messages::sensor_msgs::{Imu, PointCloud2, PointField};
use auriga_messages::visualization_msgs::MarkerArray;
use auriga_models::ModelCard;
use auriga_runtime::TimingProfile;
use auriga_runtime::recording::{Attachment, Recorder, RecorderOptions, Recording, TopicInfo};
use auriga_runtime::trace::TraceRecord;
use auriga_sim_bridge::Scenario;
use auriga_vehicle::VehicleParameters;
use auriga_wire::Message;
use rand_core::{Rng, SeedableRng};
use rand_pcg::Pcg32;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What tends to matter to a parser.
const BYTES: [u8; 8] = [0, 1, 0x7f, 0x80, 0xff, b'"', b'[', b'\n'];
const WORDS: [&str; 10] =
    ["nan", "-1", "0", "1e308", "-inf", "18446744073709551616", "\"\"", "[]", "{}", "9999999999.5"];

fn below(random: &mut Pcg32, end: usize) -> usize {
    random.next_u32() as usize % end.max(1)
}

/// One to four changes: bytes overwritten, bits turned, pieces cut out, doubled or moved, the end cut off, or a number
/// replaced by an odd one.
fn spoil(input: &[u8], random: &mut Pcg32) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..=below(random, 4) {
        if bytes.is_empty() {
            return bytes;
        }
        let at = below(random, bytes.len());
        let length = 1 + below(random, (bytes.len() - at).min(64));
        match below(random, 8) {
            0 => bytes[at] ^= 1 << below(random, 8),
            1 => bytes[at] = BYTES[below(random, BYTES.len())],
            2 => bytes[at..at + length].fill(BYTES[below(random, BYTES.len())]),
            3 => drop(bytes.drain(at..at + length)),
            4 => {
                let piece = bytes[at..at + length].to_vec();
                let to = below(random, bytes.len());
                drop(bytes.splice(to..to, piece));
            }
            5 => bytes.truncate(at),
            6 => {
                let number = (random.next_u64() >> below(random, 64)).to_le_bytes();
                let end = (at + 8).min(bytes.len());
                bytes[at..end].copy_from_slice(&number[..end - at]);
            }
            _ => spoil_number(&mut bytes, at, random),
        }
    }
    bytes
}

/// Replaces the first number after `at` in a text.
fn spoil_number(bytes: &mut Vec<u8>, at: usize, random: &mut Pcg32) {
    let is_part = |byte: &u8| byte.is_ascii_digit() || b".-+e".contains(byte);
    let Some(start) = bytes[at..].iter().position(u8::is_ascii_digit).map(|offset| at + offset) else {
        return;
    };
    let end = start + bytes[start..].iter().position(|byte| !is_part(byte)).unwrap_or(bytes.len() - start);
    drop(bytes.splice(start..end, WORDS[below(random, WORDS.len())].bytes()));
}

fn spoiled_inputs() -> u64 {
    std::env::var("AURIGA_SPOILED").map_or(200, |count| count.parse().expect("AURIGA_SPOILED is a number"))
}

/// Hands spoiled copies of an input to a parser.
fn check(parser: &str, input: &[u8], mut parse: impl FnMut(&[u8])) {
    parse(input);
    for seed in 0..spoiled_inputs() {
        let spoiled = spoil(input, &mut Pcg32::seed_from_u64(seed));
        if catch_unwind(AssertUnwindSafe(|| parse(&spoiled))).is_err() {
            let file = std::env::temp_dir().join(format!("auriga-hostile-{seed}"));
            std::fs::write(&file, &spoiled).unwrap();
            panic!("{parser} panicked at seed {seed}: {}", file.display());
        }
    }
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn check_texts(folder: &str, extension: &str, mut parse: impl FnMut(&str, &str)) {
    let mut files = 0;
    for entry in std::fs::read_dir(repository().join(folder)).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|found| found == extension) && !path.ends_with("Cargo.toml") {
            let name = path.display().to_string();
            let text = std::fs::read(&path).unwrap();
            check(&name, &text, |bytes| parse(&name, &String::from_utf8_lossy(bytes)));
            files += 1;
        }
    }
    assert!(files > 0, "{folder} has no .{extension}");
}

#[test]
fn configuration() {
    check_texts("configs/scenarios", "toml", |name, text| drop(Scenario::from_toml(text, name)));
    check_texts("configs/sensors", "toml", |name, text| drop(SensorRig::from_toml(text, name)));
    check_texts("configs/timing", "toml", |name, text| drop(TimingProfile::from_toml(text, name)));
    check_texts("configs/vehicles", "toml", |name, text| drop(VehicleParameters::from_toml(text, name)));
}

#[test]
fn model_cards() {
    check_texts("models", "toml", |name, text| drop(ModelCard::parse(text, name.as_ref())));
}

/// A message that still decodes must come through encoding and decoding once more as the same bytes.
fn check_message<M: Message>(message: &M) {
    check(M::NAME, &auriga_wire::to_cdr(message), |bytes| {
        if let Ok(decoded) = auriga_wire::from_cdr::<M>(bytes) {
            let encoded = auriga_wire::to_cdr(&decoded);
            let again: M = auriga_wire::from_cdr(&encoded).unwrap();
            assert_eq!(auriga_wire::to_cdr(&again), encoded);
        }
    });
}

#[test]
fn messages() {
    let mut cloud = PointCloud2 { data: vec![7; 100], ..PointCloud2::default() };
    cloud.header.frame_id.push_str("lidar");
    cloud.fields.resize_with(4, Default::default);
    check_message(&cloud);
    let mut tracks = TrackedObjects::default();
    tracks.objects.resize_with(3, Default::default);
    check_message(&tracks);
    let mut predictions = PredictedObjects::default();
    predictions.objects.resize_with(2, Default::default);
    check_message(&predictions);
    let mut truth = GroundTruth::default();
    truth.objects.resize_with(2, Default::default);
    truth.events.resize_with(2, Default::default);
    check_message(&truth);
    let mut markers = MarkerArray::default();
    markers.markers.resize_with(2, Default::default);
    check_message(&markers);
    let mut trace = TraceRecord { node: "planner".to_owned(), ..TraceRecord::default() };
    trace.inputs.resize_with(3, Default::default);
    check_message(&trace);
}

/// A folder of its own, gone at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("auriga-hostile-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Reads all that there is in a recording.
fn read(path: &Path) {
    let Ok(recording) = Recording::open(path) else { return };
    let names: Vec<String> = recording.attachments().map(|(name, _)| name.to_owned()).collect();
    for name in names {
        let _ = recording.attachment(&name);
    }
    let (_, mut messages) = (recording.summary(), recording.messages());
    while let Ok(Some(message)) = messages.next_message() {
        let _ = message.decode::<BehaviorDecision>();
    }
    let _ = auriga_runtime::replay::recorded_run(&recording);
}

#[test]
fn recordings() {
    let folder = Folder::new("recording");
    let path = folder.0.join("recording.mcap");
    let topics =
        vec![TopicInfo::of::<TraceRecord>("/auriga/trace"), TopicInfo::of::<BehaviorDecision>("/behavior")];
    let mut options = RecorderOptions::new(topics);
    options.attachments.push(Attachment::new("timing.toml", "application/toml", b"[contract]".to_vec()));
    options.metadata.insert("platform".to_owned(), "embedded".to_owned());
    let recorder = Recorder::create(&path, options).unwrap();
    for sequence in 0..40 {
        let at = LogicalTime::from_nanos(i64::from(sequence) * 1_000_000);
        let trace = TraceRecord { node: "planner".to_owned(), ..TraceRecord::default() };
        let decision = BehaviorDecision { rule: "cruise".to_owned(), ..BehaviorDecision::default() };
        recorder.handle().record(0, sequence, at, Arc::new(trace)).unwrap();
        recorder.handle().record(1, sequence, at, Arc::new(decision)).unwrap();
    }
    recorder.finish().unwrap();
    let good = std::fs::read(&path).unwrap();
    check("Recording", &good, |bytes| {
        std::fs::write(&path, bytes).unwrap();
        read(&path);
    });
}

/// Opens a foreign bag and plays at most a second of it.
fn play_bag(path: &Path, rig: &SensorRig) -> bool {
    let mut options = RosbagOptions::default();
    options.remap.insert("/odometry/wheels".to_owned(), SensorKind::VehicleState);
    RosbagPlatform::open(path, rig, &options).is_ok_and(|platform| {
        play_platform(Box::new(platform));
        true
    })
}

#[test]
fn foreign_bags() {
    let folder = Folder::new("rosbag");
    let text = std::fs::read_to_string(repository().join("configs/sensors/default.toml")).unwrap();
    let mut rig = SensorRig::from_toml(&text, "default.toml").unwrap();
    rig.camera.iter_mut().for_each(|camera| (camera.width, camera.height) = (6, 4));
    let golden = repository().join("hal/tests/rosbag/golden.db3");
    assert!(play_bag(&golden, &rig), "the good database");
    let path = folder.0.join("bag.db3");
    check("SQLite", &std::fs::read(golden).unwrap(), |bytes| {
        std::fs::write(&path, bytes).unwrap();
        play_bag(&path, &rig);
    });

    let path = folder.0.join("bag.mcap");
    let topics = vec![
        TopicInfo::of::<PointCloud2>("/points"),
        TopicInfo::of::<Imu>("/imu"),
        TopicInfo::of::<Odometry>("/odometry/wheels"),
    ];
    let recorder = Recorder::create(&path, RecorderOptions::new(topics)).unwrap();
    let field =
        |(name, offset): (&str, u32)| PointField { name: name.to_owned(), offset, datatype: 7, count: 1 };
    for sequence in 0..20 {
        let at = LogicalTime::from_nanos(i64::from(sequence) * 10_000_000);
        let mut cloud = PointCloud2 {
            height: 1,
            width: 4,
            fields: [("x", 0), ("y", 4), ("z", 8), ("time", 12)].map(field).to_vec(),
            point_step: 16,
            row_step: 64,
            data: [0, 0, 128, 63].repeat(16),
            ..PointCloud2::default()
        };
        cloud.header.stamp = at.into();
        let (mut imu, mut odometry) = (Imu::default(), Odometry::default());
        (imu.header.stamp, odometry.header.stamp) = (at.into(), at.into());
        recorder.handle().record(0, sequence, at, Arc::new(cloud)).unwrap();
        recorder.handle().record(1, sequence, at, Arc::new(imu)).unwrap();
        recorder.handle().record(2, sequence, at, Arc::new(odometry)).unwrap();
    }
    recorder.finish().unwrap();
    assert!(play_bag(&path, &rig), "the good MCAP file");
    check("foreign MCAP", &std::fs::read(&path).unwrap(), |bytes| {
        std::fs::write(&path, bytes).unwrap();
        play_bag(&path, &rig);
    });
}

const STAMPS: &str = "2011-09-26 13:02:25.950000000\n2011-09-26 13:02:26.050000000\n";
const OXTS: &str =
    "49 8.4 112 0.01 0 -1.2 -3 1 3.5 0 0 -0.3 0 10 0.1 0.2 9.8 0 0 0.14 0 0 0.15 0 0 4 10 4 4 0";

/// Two frames of a drive in KITTI raw's layout: each file's path and content.
fn kitti_drive() -> Vec<(String, Vec<u8>)> {
    let cameras =
        "S_rect_02: 4.0e+01 2.0e+01\nR_rect_00: 1 0 0 0 1 0 0 0 1\nP_rect_02: 30 0 20 0 0 30 10 0 0 0 1 0\n";
    let mut files = vec![
        ("calib_cam_to_cam.txt".to_owned(), cameras.into()),
        ("calib_velo_to_cam.txt".to_owned(), "R: 0 -1 0 0 0 -1 1 0 0\nT: 0 -0.08 -0.27\n".into()),
    ];
    let mut picture = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(40, 20).write_to(&mut picture, image::ImageFormat::Png).unwrap();
    let points: Vec<u8> = (0..64_u8).flat_map(|k| f32::from(k).to_le_bytes()).collect();
    for stream in ["velodyne_points", "image_02", "oxts"] {
        files.push((format!("drive/{stream}/timestamps.txt"), STAMPS.into()));
    }
    for frame in 0..2 {
        files.push((format!("drive/velodyne_points/data/{frame:010}.bin"), points.clone()));
        files.push((format!("drive/image_02/data/{frame:010}.png"), picture.get_ref().clone()));
        files.push((format!("drive/oxts/data/{frame:010}.txt"), OXTS.into()));
    }
    files
}

fn play(folder: &Path) {
    if let Ok(platform) = KittiPlatform::open(folder) {
        play_platform(Box::new(platform));
    }
}

/// Plays a drive, for at most a second of its own time.
fn play_platform(platform: Box<dyn Platform>) {
    let mut sensors = platform.split().sensors;
    let (mut sink, mut now) = (SensorSink::default(), LogicalTime::ZERO);
    while !sink.finished && now < LogicalTime::from_nanos(1_000_000_000) {
        if sensors.tick(now, &mut sink).is_err() {
            return;
        }
        sink.emissions.clear();
        now += sensors.tick_period();
    }
}

#[test]
fn kitti_drives() {
    let folder = Folder::new("kitti");
    let files = kitti_drive();
    for (path, content) in &files {
        let path = folder.0.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    KittiPlatform::open(&folder.0.join("drive")).unwrap_or_else(|error| panic!("the good drive: {error}"));
    for (name, content) in &files {
        let path = folder.0.join(name);
        check(name, content, |bytes| {
            std::fs::write(&path, bytes).unwrap();
            play(&folder.0.join("drive"));
        });
        std::fs::write(&path, content).unwrap();
    }
}
