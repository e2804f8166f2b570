//! `auriga top` beside a running drive.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod support;

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use support::{auriga, command, folder};

/// A live drive that tells how it is doing; ended, whatever happens, when this goes.
struct Drive {
    child: Child,
    endpoint: String,
    folder: PathBuf,
}

impl Drive {
    /// Returns once it has recorded something.
    fn start(name: &str) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (endpoint, folder) = (format!("tcp/{free}"), folder(name));
        let scenario = "configs/scenarios/short.toml";
        let arguments =
            ["drive", "--scenario", scenario, "--live", "--no-rrd", "--diagnostics", endpoint.as_str()];
        let child = command(&folder, &arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let recording = folder.join("recording.mcap");
        while std::fs::metadata(&recording).map_or(0, |file| file.len()) < 500_000 {
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { child, endpoint, folder }
    }

    fn signal(&self, signal: &str) {
        assert!(
            Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap().success()
        );
    }
}

impl Drop for Drive {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn a_running_drive_is_shown() {
    let drive = Drive::start("top-drive");
    let top = auriga("top-once", &["top", "--once", "--connect", &drive.endpoint]);
    let said = top.stdout();
    assert_eq!(top.status(), Some(0), "{said}{}", top.stderr());
    for part in ["running", "live", "links: none, one process", "recorder: ", "places taken"] {
        assert!(said.contains(part), "`{part}` is not in: {said}");
    }
    let row = |node: &str| -> Vec<String> {
        let line = said
            .lines()
            .find(|line| line.split(' ').next() == Some(node))
            .unwrap_or_else(|| panic!("{node}: {said}"));
        line.split_whitespace().map(str::to_owned).collect()
    };
    let rate = |node: &str| row(node)[1].parse::<f64>().unwrap();
    // By the clock: a machine that cannot keep up is slower, and none is faster.
    assert!(rate("controller") > 10.0 && rate("controller") < 130.0, "{said}");
    assert!(rate("planner") > 0.5 && rate("planner") < 13.0, "{said}");
    assert!(row("planner")[2] == "30.0" && row("planner")[3].parse::<u32>().is_ok(), "{said}");
}

/// What `auriga top` says when something happens to the drive that it watches.
fn watched(name: &str, signal: &str) -> (Option<i32>, String) {
    let drive = Drive::start(name);
    let said = std::env::temp_dir().join(format!("auriga-test-{}-{name}.txt", std::process::id()));
    let file = std::fs::File::create(&said).unwrap();
    let arguments = ["top", "--connect", &drive.endpoint];
    let mut top = command(&said, &arguments).stdout(file).spawn().unwrap();
    while !std::fs::read_to_string(&said).unwrap().contains("running") {
        std::thread::sleep(Duration::from_millis(20));
    }
    drive.signal(signal);
    let status = top.wait().unwrap().code();
    let text = std::fs::read_to_string(&said).unwrap();
    std::fs::remove_file(&said).unwrap();
    (status, text)
}

#[test]
fn a_drive_that_is_killed_or_frozen_is_lost() {
    for (name, signal) in [("top-killed", "-KILL"), ("top-frozen", "-STOP")] {
        let (status, said) = watched(name, signal);
        assert_eq!(status, Some(1), "{said}");
        let (_, silent) = said.rsplit_once("LOST: silent for ").unwrap_or_else(|| panic!("{said}"));
        let seconds: f64 = silent.split(' ').next().unwrap().parse().unwrap();
        assert!(seconds >= 1.0, "its heartbeat: {said}");
    }
}

#[test]
fn a_drive_that_ends_is_no_loss() {
    let (status, said) = watched("top-ended", "-INT");
    assert!(status == Some(0) && said.contains(": ended;") && !said.contains("LOST"), "{said}");
}

#[test]
fn without_a_drive_it_says_so() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let top = auriga("top-nobody", &["top", "--once", "--connect", &format!("tcp/{free}")]);
    assert_eq!(top.status(), Some(2), "{}", top.stdout());
    assert!(top.stderr().contains("no drive tells how it is doing"), "{}", top.stderr());
}
