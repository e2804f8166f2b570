//! Recorded drives of other people, through the binary.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod support;

use auriga_geometry::LogicalTime;
use auriga_messages::auriga_msgs::{GroundTruth, VehicleState};
use auriga_messages::builtin_interfaces::Time;
use auriga_messages::geometry_msgs::TwistStamped;
use auriga_messages::nav_msgs::Odometry;
use auriga_messages::sensor_msgs::{Image, Imu, NavSatFix, PointCloud2};
use auriga_runtime::recording::{RecordedMessage, Recorder, RecorderOptions, Recording, TopicInfo};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use support::{Run, auriga, drive};

/// The recorded minute, as an argument; `None` where it is not.
fn minute() -> Option<String> {
    let data = std::env::var_os("AURIGA_DATA").map(PathBuf::from).unwrap_or_default();
    let folder = data.join("comma2k19/example_1");
    if folder.is_dir() {
        return Some(format!("comma2k19:{}", folder.display()));
    }
    assert!(std::env::var_os("AURIGA_REQUIRE_DATA").is_none(), "no {}", folder.display());
    let _ = writeln!(std::io::stderr(), "skipped: no {}", folder.display());
    None
}

fn passed(run: Run) -> Run {
    assert_eq!(run.status(), Some(0), "{}{}", run.stdout(), run.stderr());
    run
}

#[test]
fn a_recorded_minute_of_a_car_is_localized_and_the_same_each_time() {
    let Some(minute) = minute() else { return };
    let first = passed(auriga("comma", &["replay", &minute]));
    let report = first.report();
    let error = |axis: &str, figure: &str| report["localization"][axis][figure].as_f64().unwrap();
    assert!(error("position_m", "rms") < 1.0 && error("position_m", "max") < 2.5, "{report}");
    assert!(error("yaw_rad", "rms") < 0.01 && error("speed_mps", "rms") < 0.15, "{report}");
    assert!(report["localization"]["samples"].as_u64().unwrap() > 6_000, "{report}");
    assert!(report["reference"].as_str().unwrap().contains("not independent"), "{report}");
    assert!(first.stdout().contains("against reference"), "{}", first.stdout());
    assert!(std::fs::metadata(first.folder.join("recording.rrd")).unwrap().len() > 100_000);

    let recording = Recording::open(first.recording().as_ref()).unwrap();
    let attached: Vec<&str> = recording.attachments().map(|(name, _)| name).collect();
    for name in ["timing.toml", "sensors.toml", "vehicle.toml", "vehicle.dbc", "radar.dbc"] {
        assert!(attached.contains(&name), "{name}: {attached:?}");
    }
    let second = passed(auriga("comma-again", &["replay", "--no-rrd", &minute]));
    assert_eq!(first.digest(), second.digest());
    let same = auriga("comma-same", &["diverge", &first.recording(), &second.recording()]);
    assert_eq!((same.status(), same.stdout().as_str()), (Some(0), "no message differs\n"));

    // Like any recorded drive, it is repeated from its source.
    let replay = auriga("comma-replay", &["replay", &first.recording()]);
    assert_eq!(replay.status(), Some(2));
    assert!(replay.stderr().contains("replay comma2k19:FOLDER"), "{}", replay.stderr());
}

#[test]
fn without_satellites_it_drifts_and_the_report_says_how_far() {
    let Some(minute) = minute() else { return };
    let run = passed(auriga("comma-drift", &["replay", "--no-rrd", "--withhold-gnss-after", "30", &minute]));
    let drift = &run.report()["drift"];
    let figure = |name: &str| drift[name].as_f64().unwrap();
    assert!((figure("seconds") - 30.0).abs() < 0.2 && figure("driven_m") > 450.0, "{drift}");
    let metres = figure("position_m");
    assert!(metres > 0.0 && metres < 10.0, "{drift}");
}

#[test]
fn what_is_no_recorded_minute_is_refused() {
    for (name, argument, part) in [
        ("comma-nowhere", "comma2k19:/nowhere", "/nowhere"),
        ("comma-wrong", "comma2k19:tests", "processed_log"),
    ] {
        let run = auriga(name, &["replay", argument]);
        assert_eq!(run.status(), Some(2));
        assert!(run.stderr().contains(part), "{}", run.stderr());
    }
}

/// When somebody else's recorder ran, seconds after 1970.
const THEN_S: i32 = 1_700_000_000;

fn then(stamp: &Time) -> Time {
    Time { sec: stamp.sec + THEN_S, nanosec: stamp.nanosec }
}

/// A simulated drive as somebody else would have recorded it: other topics, the clock on the wall, sensors and nothing else.
fn as_somebody_else(ours: &str, theirs: &Path) {
    let topics = vec![
        TopicInfo::of::<PointCloud2>("/ouster/points"),
        TopicInfo::of::<Image>("/cam0/image_raw"),
        TopicInfo::of::<Imu>("/imu/data"),
        TopicInfo::of::<NavSatFix>("/gps/fix"),
        TopicInfo::of::<TwistStamped>("/vehicle/twist"),
    ];
    let recorder = Recorder::create(theirs, RecorderOptions::new(topics)).unwrap();
    let recording = Recording::open(ours.as_ref()).unwrap();
    let mut messages = recording.messages();
    while let Some(message) = messages.next_message().unwrap() {
        let at = LogicalTime::from_nanos(message.publication.as_nanos() + i64::from(THEN_S) * 1_000_000_000);
        macro_rules! moved {
            ($topic:literal, $type:ty) => {{
                let mut message_then: $type = message.decode().unwrap();
                message_then.header.stamp = then(&message_then.header.stamp);
                recorder.handle().record($topic, message.sequence, at, Arc::new(message_then)).unwrap();
            }};
        }
        match message.topic_name {
            "/sensing/lidar/points" => moved!(0, PointCloud2),
            "/sensing/camera/front/image" => moved!(1, Image),
            "/sensing/imu" => moved!(2, Imu),
            "/sensing/gnss" => moved!(3, NavSatFix),
            "/vehicle/state" => {
                let state: VehicleState = message.decode().unwrap();
                let mut twist = TwistStamped::default();
                twist.header.stamp = then(&state.stamp);
                twist.twist.linear.x = state.speed_mps;
                recorder.handle().record(4, message.sequence, at, Arc::new(twist)).unwrap();
            }
            _ => {}
        }
    }
    recorder.finish().unwrap();
}

/// Instant and place of each message of a topic.
fn places(
    recording: &str,
    topic: &str,
    place: impl Fn(&RecordedMessage<'_>) -> [f64; 2],
) -> Vec<(f64, [f64; 2])> {
    let recording = Recording::open(recording.as_ref()).unwrap();
    let (mut messages, mut places) = (recording.messages_of(&[topic]).unwrap(), Vec::new());
    while let Some(message) = messages.next_message().unwrap() {
        places.push((message.publication.as_secs_f64(), place(&message)));
    }
    places
}

/// How far the last place is from the first one after an instant, metres, and that instant.
fn driven(places: &[(f64, [f64; 2])], from: f64) -> (f64, f64) {
    let (at, first) = places.iter().find(|(at, _)| *at >= from).unwrap();
    let (_, last) = places.last().unwrap();
    (*at, auriga_geometry::math::hypot(last[0] - first[0], last[1] - first[1]))
}

#[test]
fn somebody_elses_rosbag2_is_driven_through_the_stack() {
    let simulated = drive("foreign-source", "short", &["--duration", "9"]);
    std::fs::create_dir_all(&simulated.folder).unwrap();
    let bag = simulated.folder.join("theirs.mcap");
    as_somebody_else(&simulated.recording(), &bag);
    let bag = bag.display().to_string();
    let rig = ["--rig", "configs/sensors/default.toml", "--models", "configs/models/own.toml", "--no-rrd"];
    let replay = |name: &str, more: &[&str]| auriga(name, &[&["replay", &bag], &rig[..], more].concat());
    let wheels = ["--remap", "/vehicle/twist=/vehicle/state"];
    let run = passed(replay("foreign", &wheels));
    for part in
        ["/ouster/points is /sensing/lidar/points", "/cam0/image_raw is ", "/imu/data is /sensing/imu"]
    {
        assert!(run.stdout().contains(part), "`{part}` is not in: {}", run.stdout());
    }
    let summary = Recording::open(run.recording().as_ref()).unwrap().summary().unwrap();
    let count =
        |topic: &str| summary.messages.iter().find(|(name, _)| name == topic).map_or(0, |(_, count)| *count);
    assert!(
        count("/sensing/lidar/points") > 80 && count("/perception/camera/detections") > 60,
        "{summary:?}"
    );
    assert!(count("/perception/objects") > 60, "{summary:?}");

    // It finds its way without being told where it started: as far as the simulator says that it drove.
    let ego = places(&run.recording(), "/localization/ego", |message| {
        let ego: Odometry = message.decode().unwrap();
        [ego.pose.pose.position.x, ego.pose.pose.position.y]
    });
    let truth = places(&simulated.recording(), "/truth", |message| {
        let truth: GroundTruth = message.decode().unwrap();
        [truth.ego_pose.position.x, truth.ego_pose.position.y]
    });
    let (from, found) = driven(&ego, 0.0);
    let (_, really) = driven(&truth, from);
    assert!(really > 10.0 && (found - really).abs() < 2.0, "{found} m, really {really} m from {from} s on");

    assert_eq!(passed(replay("foreign-again", &wheels)).digest(), run.digest());
    // Without wheels the scans tell how it moves.
    let scans = passed(replay("foreign-scans", &[]));
    assert!(scans.stderr().contains("no topic tells the wheels' speed"), "{}", scans.stderr());
    assert!(scans.stderr().contains("--remap"), "{}", scans.stderr());

    for (name, more, part) in [
        (
            "foreign-wrong",
            ["--remap", "/nowhere=/sensing/imu"],
            "has no topic /nowhere; it has: /ouster/points",
        ),
        ("foreign-kind", ["--remap", "/imu/data=/planning"], "/planning is no topic of a sensor"),
    ] {
        let refused = replay(name, &more);
        assert_eq!(refused.status(), Some(2));
        assert!(refused.stderr().contains(part), "{}", refused.stderr());
    }
    let unnamed = auriga("foreign-no-rig", &["replay", &bag]);
    assert_eq!(unnamed.status(), Some(2));
    assert!(unnamed.stderr().contains("--rig"), "{}", unnamed.stderr());
}
