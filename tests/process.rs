//! The binary as a process: stopped with Ctrl-C, paced by the clock, watched by a viewer, and outside of cargo.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod support;

use auriga_runtime::recording::Recording;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use support::{Run, assert_replays, auriga, command, drive, folder};

/// Starts a drive, waits until it has recorded something, and sends Ctrl-C to all of its processes, as a terminal does.
fn interrupted(name: &str, more: &[&str]) -> Run {
    let folder = folder(name);
    let mut arguments = vec!["drive", "--scenario", "configs/scenarios/short.toml"];
    arguments.extend_from_slice(more);
    let mut started = command(&folder, &arguments);
    started.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = started.spawn().unwrap();
    let recording = folder.join("recording.mcap");
    while std::fs::metadata(&recording).map_or(0, |file| file.len()) < 4_000_000 {
        std::thread::sleep(Duration::from_millis(20));
    }
    let group = format!("-{}", child.id());
    assert!(Command::new("kill").args(["-INT", "--", &group]).status().unwrap().success());
    Run { output: child.wait_with_output().unwrap(), folder }
}

fn assert_stopped_cleanly(name: &str, run: &Run) {
    assert_eq!(run.status(), Some(1), "{}", run.stderr());
    assert_eq!(run.stderr().matches("stopping: ").count(), 1, "{}", run.stderr());
    let recording = Recording::open(Path::new(&run.recording())).unwrap();
    assert!(!recording.is_truncated());
    assert!(run.report()["simulated_s"].as_f64().unwrap() > 0.1);
    assert_eq!(run.report()["success"], false);
    assert_replays(name, run);
}

#[test]
fn ctrl_c_ends_a_run_with_its_files_complete() {
    let run = interrupted("interrupted", &[]);
    let rrd = std::fs::read(run.folder.join("recording.rrd")).unwrap();
    assert!(is_whole(&rrd));
    assert_stopped_cleanly("interrupted-replay", &run);
}

#[test]
fn killed_at_any_moment_a_drive_leaves_a_recording_up_to_its_last_second() {
    for (name, bytes) in [("killed-early", 300_000), ("killed", 3_000_000), ("killed-late", 9_000_000)] {
        let folder = folder(name);
        let arguments = ["drive", "--scenario", "configs/scenarios/short.toml", "--no-rrd"];
        let mut child =
            command(&folder, &arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let recording = folder.join("recording.mcap");
        while std::fs::metadata(&recording).map_or(0, |file| file.len()) < bytes {
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap(); // SIGKILL
        child.wait().unwrap();
        let cut = Recording::open(&recording).unwrap();
        assert!(cut.is_truncated());
        let mended = folder.join("mended.mcap");
        let (from, to) = (recording.display().to_string(), mended.display().to_string());
        let recover = auriga("recover", &["recover", &from, "--out", &to]);
        assert_eq!(recover.status(), Some(0), "{}", recover.stderr());
        let whole = Recording::open(&mended).unwrap();
        assert!(!whole.is_truncated() && whole.gaps().is_empty());
        assert_eq!(whole.summary().unwrap().digest, cut.summary().unwrap().digest);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}

/// A Rerun file ends with a footer that its writer adds last.
fn is_whole(rrd: &[u8]) -> bool {
    rrd.starts_with(b"RRF2") && rrd.len() > 100_000 && rrd[..rrd.len() - 4].ends_with(b"RRF2FOOT")
}

#[test]
fn ctrl_c_ends_both_processes_of_a_split_run() {
    assert_stopped_cleanly("split-replay", &interrupted("split-interrupted", &["--split", "--no-rrd"]));
}

#[test]
#[allow(clippy::disallowed_methods, reason = "what is tested is that the run waits for the clock")]
fn a_live_run_is_paced_by_the_clock_and_replays_with_its_misses() {
    let start = Instant::now();
    let run = drive("live", "short", &["--live", "--duration", "3"]);
    assert!(start.elapsed() >= Duration::from_millis(2_900), "{:?}", start.elapsed());
    assert!(matches!(run.status(), Some(0 | 1)), "{}", run.stderr());
    let report = run.report();
    assert!(report["simulated_per_wall"].as_f64().unwrap() < 1.05, "{}", report["simulated_per_wall"]);
    assert_replays("live-replay", &run);
}

#[test]
fn without_a_viewer_to_connect_to_the_run_does_not_begin() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let run = drive("nobody", "short", &["--connect", &format!("rerun+http://{free}/proxy")]);
    let said = run.stderr();
    assert_eq!(run.status(), Some(2), "{said}");
    for part in ["error: ", &free.to_string(), "can't be reached", "start it with `rerun`"] {
        assert!(said.contains(part), "`{part}` is not in: {said}");
    }
    assert!(!run.folder.exists(), "nothing is written by a run that did not begin");
    let nonsense = drive("nonsense", "short", &["--connect", "nonsense"]);
    assert_eq!(nonsense.status(), Some(2), "{}", nonsense.stderr());
}

#[test]
fn a_viewer_that_takes_nothing_does_not_hold_up_the_run() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("rerun+http://{}/proxy", silent.local_addr().unwrap());
    let scenario = "configs/scenarios/short.toml";
    let run = auriga("silent", &["drive", "--scenario", scenario, "--duration", "2", "--connect", &url]);
    assert_eq!(run.status(), Some(0), "{}", run.stderr());
    assert!(run.stderr().contains("the Rerun viewer did not get everything"), "{}", run.stderr());
    assert!(is_whole(&std::fs::read(run.folder.join("recording.rrd")).unwrap()));
    assert_replays("silent-replay", &run);
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn outside_of_cargo_no_telemetry_is_started() {
    // Where the library is that the other tests use: this run's home is empty.
    let library = auriga_models::runtime_library::Search::from_environment().locate().unwrap();
    let (home, out) = (folder("home"), folder("no-telemetry"));
    std::fs::create_dir_all(&home).unwrap();
    let arguments = ["drive", "--scenario", "configs/scenarios/short.toml", "--no-rrd", "--duration", "0.5"];
    let mut started = command(&out, &arguments);
    started.env_remove("ORT_DISABLE_TELEMETRY").env("HOME", &home).env("XDG_CACHE_HOME", home.join("cache"));
    let run = Run { output: started.env("AURIGA_ORT_LIB", library).output().unwrap(), folder: out };
    assert_eq!(run.status(), Some(0), "{}", run.stderr());
    // Telemetry would have left its identifier and its database there.
    assert_eq!(files(&home), Vec::<PathBuf>::new());
    assert!(!run.stderr().contains("telemetry"), "{}", run.stderr());
    std::fs::remove_dir_all(&home).unwrap();
}
