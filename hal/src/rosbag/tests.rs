//! Bags written here, byte by byte, and what becomes of them; `hal/tests/rosbag.rs` reads those of other people's writers.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use super::*;
use crate::conformance::sensing::{SensingCheck, SensingReport};
use crate::{SensorMessage, SensorSink};
use auriga_geometry::LogicalTime;
use auriga_messages::builtin_interfaces::Time;
use auriga_messages::geometry_msgs::TwistStamped;
use auriga_messages::sensor_msgs::{CompressedImage, Image, Imu, NavSatFix, PointCloud2, PointField};
use auriga_wire::{Message, to_cdr};
use proptest::prelude::*;
use std::io::Write as _;
use std::path::PathBuf;

/// A file of its own, gone at the end.
pub(super) struct Scratch(pub PathBuf);

impl Scratch {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("auriga-rosbag-{}-{name}", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Builds an MCAP file.
#[derive(Default)]
struct Mcap {
    topics: Vec<(String, u16)>,
    records: Vec<u8>,
    chunks: Vec<Vec<u8>>,
    /// "", "zstd", "lz4", or "none" for messages outside chunks.
    compression: &'static str,
    encoding: [&'static str; 2],
}

fn record(out: &mut Vec<u8>, op: u8, content: &[u8]) {
    out.push(op);
    out.extend_from_slice(&(content.len() as u64).to_le_bytes());
    out.extend_from_slice(content);
}

fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u32).to_le_bytes(), text.as_bytes()].concat()
}

impl Mcap {
    fn new(compression: &'static str) -> Self {
        Self { compression, encoding: ["ros2msg", "cdr"], ..Self::default() }
    }

    fn raw(&mut self, topic: &str, type_name: &str, log_time: u64, cdr: &[u8]) {
        let id = self.topics.iter().find(|(name, _)| name == topic).map(|(_, id)| *id).unwrap_or_else(|| {
            let id = self.topics.len() as u16 + 1;
            let schema =
                [&id.to_le_bytes()[..], &text(type_name), &text(self.encoding[0]), &text("")].concat();
            record(&mut self.records, 3, &schema);
            let ids = [id.to_le_bytes(), id.to_le_bytes()].concat();
            record(&mut self.records, 4, &[ids, text(topic), text(self.encoding[1]), text("")].concat());
            self.topics.push((topic.to_owned(), id));
            id
        });
        let header =
            [&id.to_le_bytes()[..], &[0; 4], &log_time.to_le_bytes(), &log_time.to_le_bytes()].concat();
        record(&mut self.records, 5, &[&header, cdr].concat());
        if self.records.len() > 20_000 {
            self.chunks.push(std::mem::take(&mut self.records));
        }
    }

    fn add<M: Message>(&mut self, topic: &str, log_time: u64, message: &M) {
        self.raw(topic, M::NAME, log_time, &to_cdr(message));
    }

    fn finish(mut self) -> Vec<u8> {
        self.chunks.push(std::mem::take(&mut self.records));
        let mut out = mcap::MAGIC.to_vec();
        record(&mut out, 1, &[text("ros2"), text("test")].concat());
        for records in &self.chunks {
            let packed = match self.compression {
                "zstd" => zstd::bulk::compress(records, 1).unwrap(),
                "lz4" => {
                    let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
                    encoder.write_all(records).unwrap();
                    encoder.finish().unwrap()
                }
                "none" => {
                    out.extend_from_slice(records);
                    continue;
                }
                _ => records.clone(),
            };
            let size = (records.len() as u64).to_le_bytes();
            let crc = crc32fast::hash(records).to_le_bytes();
            let length = (packed.len() as u64).to_le_bytes();
            let chunk = [&[0; 16][..], &size, &crc, &text(self.compression), &length, &packed].concat();
            record(&mut out, 6, &chunk);
        }
        record(&mut out, 15, &[0; 4]);
        record(&mut out, 2, &[0; 20]);
        out.extend_from_slice(mcap::MAGIC);
        out
    }
}

const EPOCH_S: i32 = 1_700_000_000;

fn stamp(nanos: u64) -> Time {
    Time { sec: EPOCH_S + (nanos / 1_000_000_000) as i32, nanosec: (nanos % 1_000_000_000) as u32 }
}

fn nanos(at: u64) -> u64 {
    EPOCH_S as u64 * 1_000_000_000 + at
}

fn field(name: &str, offset: u32, datatype: u8) -> PointField {
    PointField { name: name.to_owned(), offset, datatype, count: 1 }
}

/// Points as (x, y, z, intensity, seconds after the stamp) in an unusual layout: f64 and i16, gaps, either byte order,
/// organised in two padded rows.
fn strange_cloud(points: &[[f64; 5]], at: u64, is_bigendian: bool) -> PointCloud2 {
    let ordered = |mut bytes: Vec<u8>| {
        if is_bigendian {
            bytes.reverse();
        }
        bytes
    };
    let mut data = Vec::new();
    for row in points.chunks(points.len().div_ceil(2)) {
        for [x, y, z, intensity, time] in row {
            data.extend(ordered((*z as i16).to_le_bytes().to_vec()));
            data.extend(ordered((*time as f32).to_le_bytes().to_vec()));
            data.push(*intensity as u8);
            data.extend(ordered(y.to_le_bytes().to_vec()));
            data.extend(ordered(x.to_le_bytes().to_vec()));
        }
        data.extend([0xaa; 5]);
    }
    let width = points.len().div_ceil(2) as u32;
    let mut cloud = PointCloud2 {
        height: 2,
        width,
        fields: vec![
            field("x", 15, PointField::FLOAT64),
            field("y", 7, PointField::FLOAT64),
            field("z", 0, PointField::INT16),
            field("reflectivity", 6, PointField::UINT8),
            field("time", 2, PointField::FLOAT32),
        ],
        is_bigendian,
        point_step: 23,
        row_step: width * 23 + 5,
        data,
        ..PointCloud2::default()
    };
    cloud.header.stamp = stamp(at);
    cloud.header.frame_id = "velodyne".to_owned();
    cloud
}

fn picture(at: u64) -> Image {
    let mut image = Image {
        height: 40,
        width: 48,
        encoding: "bgra8".to_owned(),
        step: 200,
        data: (0..200 * 40).map(|place| place as u8).collect(),
        ..Image::default()
    };
    image.header.stamp = stamp(at);
    image
}

fn rig() -> SensorRig {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/sensors/default.toml");
    let text = std::fs::read_to_string(file).unwrap();
    SensorRig::from_toml(
        &text.replace("width = 640", "width = 48").replace("height = 384", "height = 40"),
        file,
    )
    .unwrap()
}

/// Two seconds of a drive; the log is in the order of recording, which is not that of the stamps.
fn drive(compression: &'static str) -> Mcap {
    let mut bag = Mcap::new(compression);
    for millis in (0..2_000_u64).step_by(10) {
        let at = millis * 1_000_000;
        let logged = nanos(at + 3_000_000);
        let mut imu = Imu::default();
        imu.header.stamp = stamp(at);
        imu.linear_acceleration.z = 9.81;
        bag.add("/imu/data", logged, &imu);
        let mut speed = TwistStamped::default();
        speed.header.stamp = stamp(at);
        speed.twist.linear.x = 5.0;
        bag.add("/vehicle/twist", logged, &speed);
        if millis % 100 == 0 {
            let mut fix = NavSatFix { latitude: 49.0, longitude: 8.4, ..NavSatFix::default() };
            fix.header.stamp = stamp(at);
            bag.add("/gps/fix", nanos(at + 50_000_000), &fix);
            bag.add("/cam/image_raw", nanos(at + 20_000_000), &picture(at));
            let points: Vec<[f64; 5]> =
                (0..10).map(|k| [f64::from(k) + 1.0, 2.0, -1.0, 255.0, f64::from(k) * -0.01]).collect();
            bag.add("/points", nanos(at + 5_000_000), &strange_cloud(&points, at, millis % 200 == 0));
        }
    }
    bag
}

fn options() -> RosbagOptions {
    let mut options = RosbagOptions::default();
    options.remap.insert("/vehicle/twist".to_owned(), SensorKind::VehicleState);
    options
}

fn open(path: &Path) -> Result<RosbagPlatform, HalError> {
    RosbagPlatform::open(path, &rig(), &options())
}

fn conform(path: &Path) -> SensingReport {
    let check = SensingCheck { span: LogicalDuration::from_millis(10_000), ..SensingCheck::default() };
    let report = check.run(|| Ok(Box::new(open(path)?))).unwrap();
    assert!(report.breaches.is_empty() && report.finished, "{report}");
    report
}

/// All that a platform says.
fn messages(platform: RosbagPlatform) -> Vec<(LogicalTime, LogicalTime, SensorMessage)> {
    let mut sensors = Box::new(platform).split().sensors;
    let (mut sink, mut now, mut said) = (SensorSink::default(), LogicalTime::ZERO, Vec::new());
    while !sink.finished {
        sensors.tick(now, &mut sink).unwrap();
        for emission in sink.emissions.drain(..) {
            let crate::Payload::Ready(message) = emission.payload else { panic!("it is not ready") };
            said.push((emission.capture, emission.arrival, message));
        }
        now += sensors.tick_period();
    }
    said
}

#[test]
fn every_storage_gives_the_same_drive_and_it_conforms() {
    let mut first: Option<Vec<String>> = None;
    for compression in ["zstd", "lz4", "", "none"] {
        let file = Scratch::new(&format!("same-{compression}.mcap"), &drive(compression).finish());
        let report = conform(&file.0);
        assert_eq!(report.counts[&SensorKind::Imu], 200, "{report}");
        assert_eq!(report.counts[&SensorKind::VehicleState], 200, "{report}");
        for kind in [SensorKind::Lidar, SensorKind::Camera, SensorKind::Gnss] {
            assert_eq!(report.counts[&kind], 20, "{report}");
        }
        let platform = open(&file.0).unwrap();
        assert_eq!(platform.notes(), [] as [&str; 0]);
        assert!((platform.origin().unwrap()[0] - 49_f64.to_radians()).abs() < 1e-12);
        let said: Vec<String> = messages(platform).iter().map(|said| format!("{said:?}")).collect();
        assert_eq!(*first.get_or_insert(said.clone()), said, "{compression}");
    }
}

#[test]
fn arrival_is_when_it_was_recorded() {
    let file = Scratch::new("arrival.mcap", &drive("zstd").finish());
    // The first scan's oldest point, 0.09 s before its stamp, is the epoch.
    let fixes = messages(open(&file.0).unwrap());
    let mut fixes = fixes.iter().filter(|(.., message)| message.kind() == SensorKind::Gnss);
    let (capture, arrival, _) = fixes.next().unwrap();
    let close = |at: &LogicalTime, nanos: i64| (at.as_nanos() - nanos).abs() < 20; // its offset is an f32
    assert!(close(capture, 90_000_000) && close(arrival, 140_000_000), "{capture} {arrival}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn points_keep_their_place_and_instant(
        points in prop::collection::vec((-99.0..99.0, -99.0..99.0, -99_i16..99, any::<u8>(), -0.1..0.1), 2..40),
        is_bigendian: bool,
    ) {
        let even = points.len() & !1;
        let points: Vec<[f64; 5]> =
            points[..even].iter().map(|(x, y, z, i, t)| [*x, *y, f64::from(*z), f64::from(*i), *t]).collect();
        let cloud = strange_cloud(&points, 1_000, is_bigendian);
        let layout = cloud::Layout::of(&cloud).unwrap();
        let sweep = layout.sweep(&cloud);
        let converted = layout.convert(&cloud, sweep, LogicalTime::ZERO);
        prop_assert_eq!(converted.width as usize, points.len());
        let oldest = points.iter().map(|point| point[4]).fold(f64::INFINITY, f64::min);
        for (point, bytes) in points.iter().zip(converted.data.chunks_exact(24)) {
            let value = |at: usize| f32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
            prop_assert_eq!([value(0), value(4), value(8)], [point[0] as f32, point[1] as f32, point[2] as f32]);
            prop_assert!((f64::from(value(12)) - point[3] / 255.0).abs() < 1e-6);
            let after = f64::from(u32::from_le_bytes(bytes[16..20].try_into().unwrap())) * 1e-9;
            prop_assert!((after - (point[4] - oldest)).abs() < 1e-7, "{} {}", after, point[4] - oldest);
        }
    }

    #[test]
    fn no_cloud_is_a_panic(
        fields in prop::collection::vec(("[xyzti]", 0_u32..40, 0_u8..10), 0..7),
        (height, width, point_step, row_step) in (any::<u32>(), any::<u32>(), any::<u32>(), any::<u32>()),
        (is_small, is_bigendian) in any::<(bool, bool)>(),
        data in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        let small = |value: u32| if is_small { value % 12 } else { value };
        let fields = ["x", "y", "z"].map(|name| (name.to_owned(), 0, 7)).into_iter().chain(fields);
        let cloud = PointCloud2 {
            height: small(height),
            width: small(width),
            fields: fields.map(|(name, offset, datatype)| field(&name, offset, datatype)).collect(),
            is_bigendian,
            point_step: small(point_step),
            row_step: small(row_step),
            data,
            ..PointCloud2::default()
        };
        if let Ok(layout) = cloud::Layout::of(&cloud) {
            let sweep = layout.sweep(&cloud);
            prop_assert_eq!(layout.convert(&cloud, sweep, LogicalTime::ZERO).width as usize, sweep.points);
        }
    }

    #[test]
    fn no_picture_is_a_panic(
        encoding in "rgb8|bgra8|mono8|mono16|bayer_rggb8|bayer_gbrg8|8UC3|yuv422",
        (height, width, step) in (0_u32..20, 0_u32..20, any::<u32>()),
        is_tight: bool,
        data in prop::collection::vec(any::<u8>(), 0..1_000),
    ) {
        let step = if is_tight { step % 90 } else { step };
        let image = Image { height, width, encoding, step, data, ..Image::default() };
        if let Ok(converted) = picture::convert(&image) {
            prop_assert_eq!(converted.data.len(), (converted.step * converted.height) as usize);
        }
    }
}

#[test]
fn encodings_become_the_colours_that_they_mean() {
    let image = |encoding: &str, data: &[u8]| Image {
        height: 2,
        width: 2,
        encoding: encoding.to_owned(),
        step: data.len() as u32 / 2,
        data: data.to_vec(),
        ..Image::default()
    };
    let converted = |encoding: &str, data: &[u8]| {
        let converted = picture::convert(&image(encoding, data)).unwrap();
        (converted.encoding, converted.data)
    };
    let [r, g, b] = [200, 100, 50];
    let four = |pixel: [u8; 4]| pixel.repeat(4);
    assert_eq!(converted("rgba8", &four([r, g, b, 9])), ("rgb8".to_owned(), [r, g, b].repeat(4)));
    assert_eq!(converted("bgra8", &four([b, g, r, 9])), ("bgr8".to_owned(), [b, g, r].repeat(4)));
    assert_eq!(converted("8UC4", &four([b, g, r, 9])), ("bgr8".to_owned(), [b, g, r].repeat(4)));
    assert_eq!(converted("mono16", &[7, g, 7, g, 7, g, 7, g]), ("mono8".to_owned(), vec![g; 4]));
    for (filter, cell) in [
        ("bayer_rggb8", [r, g, g, b]),
        ("bayer_bggr8", [b, g, g, r]),
        ("bayer_gbrg8", [g, b, r, g]),
        ("bayer_grbg8", [g, r, b, g]),
    ] {
        assert_eq!(converted(filter, &cell), ("rgb8".to_owned(), [r, g, b].repeat(4)), "{filter}");
    }
}

/// The error of a bag with one message more.
fn refused(name: &str, change: impl FnOnce(&mut Mcap), options: &RosbagOptions) -> String {
    let mut bag = drive("zstd");
    change(&mut bag);
    let file = Scratch::new(name, &bag.finish());
    RosbagPlatform::open(&file.0, &rig(), options).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn what_is_wrong_is_named() {
    let at = nanos(2_000_000_000);
    let check = |name: &str, change: &dyn Fn(&mut Mcap), parts: &[&str]| {
        let error = refused(name, change, &options());
        parts.iter().for_each(|part| assert!(error.contains(part), "`{part}` is not in: {error}"));
    };
    let encoding = Image { encoding: "yuv9".to_owned(), ..picture(0) };
    check(
        "encoding",
        &|bag| bag.add("/cam/image_raw", at, &encoding),
        &["/cam/image_raw, message 20", "encoding", "yuv9"],
    );
    let short = Image { data: vec![0; 10], ..picture(0) };
    check(
        "short",
        &|bag| bag.add("/cam/image_raw", at, &short),
        &["/cam/image_raw", "field data", "10 bytes"],
    );
    let other = Image { width: 40, ..picture(0) };
    check("other", &|bag| bag.add("/cam/image_raw", at, &other), &["/cam/image_raw, message 20", "(40, 40)"]);
    let mut cloud = strange_cloud(&[[1.0; 5]; 4], 0, false);
    cloud.fields[1].datatype = 77;
    check("datatype", &|bag| bag.add("/points", at, &cloud), &["/points, message 20", "field y", "77"]);
    cloud.fields.remove(1);
    check("missing", &|bag| bag.add("/points", at, &cloud), &["/points, message 20", "field y: missing"]);
    check("cdr", &|bag| bag.raw("/imu/data", "", at, &[0, 1, 0, 0, 7]), &["/imu/data, message 200"]);
    check(
        "two",
        &|bag| bag.add("/imu/other", at, &Imu::default()),
        &["2 topics that could be the Imu", "/imu/data, /imu/other", "--remap /imu/data="],
    );
    let mut far = Imu::default();
    far.header.stamp = Time { sec: 5, nanosec: 0 };
    let named = |name: &str, kind| {
        let mut options = options();
        options.remap.insert(name.to_owned(), kind);
        options
    };
    let clocks =
        refused("clocks", |bag| bag.add("/imu/other", at, &far), &named("/imu/other", SensorKind::Imu));
    assert!(clocks.contains("different clocks") && clocks.contains("--log-time"), "{clocks}");
    let nowhere = refused("nowhere", |_| (), &named("/nowhere", SensorKind::Imu));
    assert!(nowhere.contains("has no topic /nowhere; it has: ") && nowhere.contains("/points"), "{nowhere}");
    let wrong = refused("type", |_| (), &named("/points", SensorKind::Camera));
    assert!(
        wrong.contains("/points: holds sensor_msgs/msg/PointCloud2, not sensor_msgs/msg/Image"),
        "{wrong}"
    );
}

#[test]
fn ros_1_and_other_encodings_are_refused_by_name() {
    for (encoding, part) in [(["ros1msg", "ros1"], "ROS 1"), (["protobuf", "protobuf"], "protobuf")] {
        let mut bag = Mcap { encoding, ..Mcap::new("zstd") };
        bag.add("/imu/data", 1, &Imu::default());
        let file = Scratch::new(&format!("{part}.mcap"), &bag.finish());
        let error = open(&file.0).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    for (bytes, part) in [
        (&b"#ROSBAG V2.0\n"[..], "rosbags-convert"),
        (b"\x28\xb5\x2f\xfd....", "zstd -d"),
        (b"hello", "neither MCAP nor SQLite"),
        (b"", "neither MCAP nor SQLite"),
    ] {
        let file = Scratch::new("magic", bytes);
        let error = open(&file.0).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn single_bad_messages_are_left_out_and_told_of() {
    let mut bag = drive("zstd");
    let at = nanos(2_000_000_000);
    let mut imu = Imu::default();
    imu.header.stamp = stamp(2_000_000_000);
    imu.angular_velocity.z = f64::NAN;
    bag.add("/imu/data", at, &imu);
    let mut stray = Imu::default();
    stray.header.stamp = Time { sec: i32::MAX, nanosec: u32::MAX };
    bag.add("/imu/data", at, &stray);
    let mut empty = strange_cloud(&[[f64::NAN; 5]; 4], 0, false);
    empty.header.stamp = stamp(2_000_000_000);
    bag.add("/points", at, &empty);
    let file = Scratch::new("single.mcap", &bag.finish());
    let notes = open(&file.0).unwrap().notes().join("\n");
    for part in ["/imu/data: 1 of 202 messages left out: not finite", "far from when", "/points: 1 of 21"] {
        assert!(notes.contains(part), "{notes}");
    }
    assert_eq!(conform(&file.0).counts[&SensorKind::Imu], 200);
}

#[test]
fn a_damaged_jpeg_is_left_out() {
    let mut jpeg = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(48, 40).write_to(&mut jpeg, image::ImageFormat::Png).unwrap();
    let good = jpeg.into_inner();
    let mut bag = Mcap::new("lz4");
    for frame in 0..4_u64 {
        let at = frame * 100_000_000;
        let mut data = good.clone();
        if frame == 2 {
            data.truncate(good.len() - 20);
        }
        let mut image = CompressedImage { format: "png".to_owned(), data, ..CompressedImage::default() };
        image.header.stamp = stamp(at);
        bag.add("/cam/image_raw/compressed", nanos(at), &image);
    }
    let file = Scratch::new("jpeg.mcap", &bag.finish());
    let platform = RosbagPlatform::open(&file.0, &rig(), &RosbagOptions::default()).unwrap();
    assert_eq!(messages(platform).len(), 3);
}

#[test]
fn a_file_cut_short_gives_what_is_there() {
    let whole = drive("zstd").finish();
    let mut counts = Vec::new();
    for share in [3, 5, 7, 9] {
        let file = Scratch::new(&format!("cut-{share}.mcap"), &whole[..whole.len() * share / 10]);
        let platform = open(&file.0).unwrap();
        assert!(platform.notes()[0].contains("ends early"), "{:?}", platform.notes());
        counts.push(messages(platform).len());
    }
    assert!(counts.is_sorted() && counts[0] > 0 && counts[3] < 460, "{counts:?}");
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 1;
    let file = Scratch::new("damaged.mcap", &damaged);
    let error = open(&file.0).unwrap_err().to_string();
    assert!(error.contains("byte ") && error.contains("damaged"), "{error}");
}
