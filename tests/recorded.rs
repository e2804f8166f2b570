//! Recorded drives of other people, through the binary.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod support;

use std::io::Write as _;
use std::path::PathBuf;
use support::{Run, auriga};

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

    let recording = auriga_runtime::recording::Recording::open(first.recording().as_ref()).unwrap();
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
