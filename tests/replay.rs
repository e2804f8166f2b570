//! What a recording is good for beside being repeated whole: a part of it again, another machine's timing, a look.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod support;

use support::{Run, assert_replays, auriga, drive};

fn rows(run: &Run, topic: &str) -> Vec<u64> {
    let said = run.stdout();
    let line =
        said.lines().find(|line| line.trim_start().starts_with(topic)).unwrap_or_else(|| panic!("{said}"));
    line.split_whitespace().skip(1).take(4).map(|word| word.parse().unwrap()).collect()
}

#[test]
fn a_drive_on_a_slower_machine_misses_deadlines_and_replays_whole_and_in_part() {
    let arguments = ["--duration", "4", "--timing", "jetson-orin"];
    let run = drive("slower", "short", &arguments);
    assert_eq!(run.status(), Some(0), "{}", run.stderr());
    assert_eq!(run.digest(), drive("slower-again", "short", &arguments).digest());
    let split = drive("slower-split", "short", &[&arguments[..], &["--split"]].concat());
    assert_eq!(run.digest(), split.digest(), "misses are drawn the same in two processes");
    let report = run.report();
    let misses = |node: &serde_json::Value| node["misses"].as_u64().unwrap();
    assert!(report["nodes"].as_array().unwrap().iter().map(misses).sum::<u64>() > 0, "{report}");
    assert_replays("slower-whole", &run);

    for (node, topics) in [
        ("planner", &["/planning/trajectory", "/control/safe_command"][..]),
        ("lidar_detection", &["/perception/lidar/detections", "/perception/objects", "/control/command"]),
        ("camera_preparation", &["/perception/camera/detections", "/perception/objects"]),
    ] {
        let part = auriga("slower-part", &["replay", &run.recording(), "--from", node]);
        assert_eq!(part.status(), Some(0), "{}{}", part.stdout(), part.stderr());
        for topic in topics {
            let counts = rows(&part, topic);
            assert!(
                counts[0] > 0 && counts.iter().all(|count| *count == counts[0]),
                "{node} {topic}: {counts:?}"
            );
        }
    }
    for (node, expected) in [
        ("camera_network", "run again from the node that writes it"),
        ("wheel", "there is no node wheel; there are localization"),
    ] {
        let refused = auriga("slower-refused", &["replay", &run.recording(), "--from", node]);
        assert_eq!(refused.status(), Some(2));
        assert!(refused.stderr().contains(expected), "{}", refused.stderr());
    }

    let other = auriga("slower-other", &["replay", &run.recording(), "--timing", "configs/timing/cpu.toml"]);
    assert_eq!(other.status(), Some(0), "{}{}", other.stdout(), other.stderr());
    assert!(other.stdout().contains("open loop") && other.stdout().contains("0 deadlines missed"));
    // The pictures are prepared in less time: the same boxes, sooner.
    let boxes = rows(&other, "/perception/camera/detections");
    assert!(boxes[2] > 0 && boxes[3] == 0, "{boxes:?}");
}

#[test]
fn playing_writes_what_a_viewer_shows_and_runs_nothing() {
    let run = drive("played", "short", &["--duration", "2"]);
    assert_eq!(run.status(), Some(0), "{}", run.stderr());
    let played = auriga("played-again", &["replay", &run.recording(), "--play"]);
    assert_eq!(played.status(), Some(0), "{}", played.stderr());
    let bytes = std::fs::metadata(played.folder.join("recording.rrd")).unwrap().len();
    assert!(bytes > 100_000, "{bytes}");
    assert!(!played.folder.join("recording.mcap").exists());
    let refused = auriga("played-kitti", &["replay", "kitti:nowhere", "--play"]);
    assert_eq!(refused.status(), Some(2));
    assert!(refused.stderr().contains("recordings of our own"), "{}", refused.stderr());
}
