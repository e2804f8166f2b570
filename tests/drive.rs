//! The binary as its users run it: drives, replays, splits, fails on purpose, and refuses bad input.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod support;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use support::{Run, auriga, drive};

/// The reports of two runs of one kind must agree in their digest; shows the first difference otherwise.
fn assert_same(a: &Run, b: &Run) {
    use auriga_runtime::recording::{Recording, compare};
    if a.digest() != b.digest() {
        let open = |run: &Run| Recording::open(Path::new(&run.recording())).unwrap();
        let differences = compare(&open(a), &open(b)).unwrap();
        let shown: Vec<String> = differences.iter().map(ToString::to_string).collect();
        panic!("{}", shown.join("\n"));
    }
}

#[test]
fn two_drives_a_replay_and_a_split_drive_are_equal_to_the_byte() {
    let first = drive("first", "short", &[]);
    assert!(matches!(first.status(), Some(0 | 1)), "{}", first.stderr());
    assert_same(&first, &drive("second", "short", &[]));
    let split = drive("split", "short", &["--split"]);
    assert!(matches!(split.status(), Some(0 | 1)), "{}", split.stderr());
    assert_same(&first, &split);
    let replay = support::assert_replays("replay", &first);
    let seed = drive("seed", "short", &["--seed", "2"]);
    assert_ne!(first.digest(), seed.digest());

    let same = auriga("same", &["diverge", &first.recording(), &replay.recording()]);
    assert_eq!(
        (same.status(), same.stdout().as_str()),
        (Some(0), "no message differs\n"),
        "{}",
        same.stderr()
    );
    let other = auriga("other", &["diverge", &first.recording(), &seed.recording()]);
    assert_eq!(other.status(), Some(1), "{}", other.stderr());
    for part in ["/sensing/imu: message 0", "made by platform", "linear_acceleration.x: "] {
        assert!(other.stdout().contains(part), "`{part}` is not in: {}", other.stdout());
    }
    let story = auriga("story", &["explain", &first.recording(), "--at", "5.0"]);
    assert_eq!(story.status(), Some(0), "{}", story.stderr());
    for part in ["gate ", "obstacle channel", "controller", "planner", "localization", "sensors"] {
        assert!(story.stdout().contains(part), "`{part}` is not in: {}", story.stdout());
    }
    let late = auriga("late", &["explain", &first.recording(), "--at", "500"]);
    assert_eq!(late.status(), Some(2));
    assert!(late.stderr().contains("no command left the gate"), "{}", late.stderr());
}

#[test]
fn a_viewer_file_is_written() {
    let run = auriga("rrd", &["drive", "--scenario", "configs/scenarios/short.toml", "--duration", "2"]);
    let bytes =
        std::fs::read(run.folder.join("recording.rrd")).unwrap_or_else(|e| panic!("{e}: {}", run.stderr()));
    assert!(bytes.starts_with(b"RRF"), "not a Rerun file");
    assert!(bytes.len() > 100_000);
}

#[test]
fn the_car_stops_behind_a_stopped_car() {
    let run = drive("stopped", "stopped_car", &[]);
    assert_eq!(run.status(), Some(0), "{}", run.report()["drive"]["collisions"]);
    assert_eq!(run.report()["success"], true);
}

#[test]
fn must_fail_road_users_that_no_sensor_sees_are_hit() {
    let run = drive("hidden", "stopped_car", &["--hide-road-users"]);
    assert_eq!(run.status(), Some(1));
    assert!(!run.report()["drive"]["collisions"].as_array().unwrap().is_empty());
}

#[test]
fn must_fail_without_braking_for_obstacles_the_car_collides() {
    let run = drive("blind", "stopped_car", &["--ignore-obstacles"]);
    assert_eq!(run.status(), Some(1));
    assert!(!run.report()["drive"]["collisions"].as_array().unwrap().is_empty());
}

#[test]
fn red_lights_are_kept_and_must_fail_ignored_lights_are_an_infraction() {
    let infractions = |run: &Run| {
        let all = run.report()["drive"]["infractions"].as_array().unwrap().clone();
        all.iter().filter(|infraction| infraction["kind"] == "red_light").count()
    };
    let kept = drive("kept", "red_light", &[]);
    assert_eq!((kept.status(), infractions(&kept)), (Some(0), 0), "{}", kept.stderr());
    let ignored = drive("ignored", "red_light", &["--ignore-lights"]);
    assert!(infractions(&ignored) > 0);
}

/// Runs with one file replaced by a bad one: exit status 2, one error that holds all of `expected`, no panic.
fn check_refused(name: &str, arguments: &[&str], expected: &[&str]) {
    let run = auriga(name, arguments);
    let said = run.stderr();
    assert_eq!(run.status(), Some(2), "{said}");
    assert!(said.starts_with("error: ") && !said.contains("panicked"), "{said}");
    for part in expected {
        assert!(said.contains(part), "`{part}` is not in: {said}");
    }
}

/// A copy of a file of the repository with one text replaced by another.
fn spoiled(name: &str, path: &str, from: &str, to: &str) -> String {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    assert!(text.contains(from), "{path} no longer holds `{from}`");
    let file = std::env::temp_dir().join(format!("auriga-test-{}-{name}", std::process::id()));
    std::fs::write(&file, text.replacen(from, to, 1)).unwrap();
    file.display().to_string()
}

#[test]
fn a_profile_over_its_contract_is_refused_and_no_drive_exceeds_its_certificate() {
    let passes = auriga("passes", &["timing"]);
    assert_eq!(passes.status(), Some(0), "{}", passes.stderr());
    // The longest age of any sensor's part, in milliseconds.
    let said = passes.stdout();
    let worst = said.lines().filter(|line| line.trim_start().starts_with('/')).map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        columns[3].parse::<f64>().unwrap()
    });
    let worst = worst.fold(0.0, f64::max);
    let run = drive("certified", "short", &["--duration", "4"]);
    let measured = run.report()["sensor_to_command"]["max_ms"].as_f64().unwrap();
    assert!(measured > 100.0 && measured <= worst, "{measured} ms, and the certificate says {worst} ms");

    let slow = spoiled("slow.toml", "configs/timing/cpu.toml", "command_ms = 300.0", "command_ms = 100.0");
    let fails = auriga("fails", &["timing", &slow]);
    assert_eq!(fails.status(), Some(1), "{}", fails.stdout());
    assert!(fails.stdout().contains("FAILS: "), "{}", fails.stdout());
    check_refused("slow", &["drive", "--timing", &slow], &["slow.toml: refused: ", "contract is 100.000 ms"]);
}

#[test]
fn bad_input_gets_one_clear_error() {
    check_refused("missing", &["drive", "--scenario", "nowhere.toml"], &["nowhere.toml", "cannot be read"]);
    let unknown =
        spoiled("unknown.toml", "configs/sensors/default.toml", "rate_hz = 10.0", "rate_khz = 10.0");
    check_refused("unknown", &["drive", "--sensors", &unknown], &["unknown.toml", "rate_khz", "line"]);
    let impossible = spoiled("impossible.toml", "configs/sensors/default.toml", "beams = 64", "beams = 0");
    check_refused(
        "impossible",
        &["drive", "--sensors", &impossible],
        &["impossible.toml", "lidar.beams = 0"],
    );
    let timing = spoiled("timing.toml", "configs/timing/cpu.toml", "phase_ms = 68.0", "phase_ms = -3.0");
    check_refused(
        "timing",
        &["drive", "--timing", &timing],
        &["timing.toml", "node.planner.release.phase_ms = -3"],
    );
    let extra = spoiled("extra.toml", "configs/timing/cpu.toml", "[node.planner]", "[node.planer]");
    check_refused("extra", &["drive", "--timing", &extra], &["planner"]);
    let map = spoiled(
        "map.toml",
        "configs/scenarios/short.toml",
        "configs/maps/town.xodr",
        "configs/maps/README.md",
    );
    check_refused("map", &["drive", "--scenario", &map], &["README.md"]);
    let place = spoiled("place.toml", "configs/scenarios/short.toml", "road = \"", "road = \"no-such-");
    check_refused("place", &["drive", "--scenario", &place], &["place.toml", "no-such-"]);
    check_refused("recording", &["replay", "README.md"], &["README.md", "MCAP"]);
    check_refused("kitti", &["replay", "kitti:/nowhere"], &["/nowhere"]);
    let model = spoiled("models.toml", "configs/models/own.toml", "auriga_camera", "no_such_network");
    check_refused("model", &["drive", "--models", &model], &["no_such_network"]);
}

#[test]
fn a_truncated_recording_is_replayed_as_far_as_it_goes() {
    let whole = drive("whole", "short", &["--duration", "3"]);
    let path = whole.recording();
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() * 2 / 3]).unwrap();
    let replay = auriga("cut", &["replay", &path]);
    assert_ne!(replay.status(), Some(101), "{}", replay.stderr());
    assert!(replay.stderr().contains("ends early"), "{}", replay.stderr());
    let mended = whole.folder.join("mended.mcap").display().to_string();
    let recover = auriga("mend", &["recover", &path, "--out", &mended]);
    assert_eq!(recover.status(), Some(0), "{}", recover.stderr());
    assert!(recover.stdout().contains("are lost; digest "), "{}", recover.stdout());
    let again = auriga("again", &["recover", &path, "--out", &mended]);
    assert_eq!(again.status(), Some(2), "an existing file is not replaced");
}

#[test]
fn recorded_kitti_drives_run_through_the_stack() {
    let data = std::env::var_os("AURIGA_DATA").map(PathBuf::from).unwrap_or_default();
    let (drive_0005, drive_0052) = (data.join("kitti_raw/drive_0005"), data.join("kitti_raw/drive_0052"));
    if !drive_0005.exists() {
        assert!(std::env::var_os("AURIGA_REQUIRE_DATA").is_none(), "no {}", drive_0005.display());
        let _ = writeln!(std::io::stderr(), "skipped: no {}", drive_0005.display());
        return;
    }
    let run = auriga("kitti5", &["replay", "--no-rrd", &format!("kitti:{}", drive_0005.display())]);
    assert_eq!(run.status(), Some(0), "{}", run.stderr());
    let report = run.report();
    assert!(report["kitti"]["recall"].as_f64().unwrap() > 0.85, "{}", report["kitti"]);
    assert!(report["localization"].is_object());
    let run = auriga("kitti52", &["replay", "--no-rrd", &format!("kitti:{}", drive_0052.display())]);
    assert_eq!(run.status(), Some(0), "{}", run.stderr());
}
