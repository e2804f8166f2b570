//! Runs the binary in a folder of its own and looks at what it left.

#![allow(dead_code, reason = "no test file uses all of it")]

use auriga_messages::Message;
use auriga_runtime::recording::Recording;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A finished run; its folder goes with it.
pub struct Run {
    pub folder: PathBuf,
    pub output: Output,
}

impl Run {
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }

    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    pub fn status(&self) -> Option<i32> {
        self.output.status.code()
    }

    pub fn recording(&self) -> String {
        self.folder.join("recording.mcap").display().to_string()
    }

    pub fn report(&self) -> serde_json::Value {
        let path = self.folder.join("report.json");
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|e| panic!("{}: {e}: {}", path.display(), self.stderr()));
        serde_json::from_str(&text).unwrap()
    }

    pub fn digest(&self) -> String {
        self.report()["digest"].as_str().unwrap().to_owned()
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A folder that no other test uses; not made yet.
pub fn folder(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("auriga-test-{}-{name}", std::process::id()))
}

/// The binary with arguments, in the repository's root, writing to `folder`.
pub fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_auriga"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(arguments);
    if matches!(arguments[0], "drive" | "replay") {
        command.arg("--out").arg(folder);
    }
    command
}

pub fn auriga(name: &str, arguments: &[&str]) -> Run {
    let folder = folder(name);
    Run { output: command(&folder, arguments).output().unwrap(), folder }
}

pub fn drive(name: &str, scenario: &str, more: &[&str]) -> Run {
    let scenario = format!("configs/scenarios/{scenario}.toml");
    let mut arguments = vec!["drive", "--scenario", &scenario, "--no-rrd"];
    arguments.extend_from_slice(more);
    auriga(name, &arguments)
}

/// Replays a run's recording; it must be the same to the byte.
pub fn assert_replays(name: &str, run: &Run) -> Run {
    let replay = auriga(name, &["replay", &run.recording()]);
    let (said, complained) = (replay.stdout(), replay.stderr());
    assert_eq!(replay.status(), Some(0), "{said}{complained}");
    assert!(said.contains("equal to the byte") && said.contains(&run.digest()), "{said}");
    replay
}

/// What a recording has on a topic, with its instant in seconds.
pub fn messages<M: Message>(recording: &Recording, topic: &str) -> Vec<(f64, M)> {
    let mut messages = recording.messages_of(&[topic]).unwrap();
    let mut found = Vec::new();
    while let Some(message) = messages.next_message().unwrap() {
        found.push((message.publication.as_secs_f64(), message.decode().unwrap()));
    }
    found
}
