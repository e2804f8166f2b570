//! The car on a CAN bus, through the binary: closed loop, deterministic, and safe when either end is killed.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod serial;
mod support;

use auriga_hal::can::LogLine;
use auriga_messages::auriga_msgs::{ControlStatus, VehicleState};
use auriga_runtime::recording::Recording;
use serial::SerialLine;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use support::{Run, assert_replays, auriga, command, drive, folder, messages};

/// A bus that no other test uses.
fn bus(name: &str) -> (PathBuf, String) {
    let path = std::env::temp_dir().join(format!("auriga-bus-{}-{name}", std::process::id()));
    let endpoint = format!("unix:{}", path.display());
    (path, endpoint)
}

/// Looks again and again; fails after 10 s.
fn wait(problem: &str, mut is_so: impl FnMut() -> bool) {
    let found = (0..1_000).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        is_so()
    });
    assert!(found, "{problem}");
}

/// `auriga sim car` on a bus of its own.
struct Car {
    child: Option<Child>,
    endpoint: String,
    report: PathBuf,
}

impl Car {
    fn start(name: &str, more: &[&str]) -> Self {
        let (path, endpoint) = bus(name);
        let car = Self::on(&endpoint, more);
        wait("the car does not come", || path.exists());
        car
    }

    /// On a bus that is there already.
    fn on(endpoint: &str, more: &[&str]) -> Self {
        static CARS: AtomicUsize = AtomicUsize::new(0);
        let (report, _) = bus(&format!("car-{}.json", CARS.fetch_add(1, Ordering::Relaxed)));
        let mut command = Command::new(env!("CARGO_BIN_EXE_auriga"));
        command.current_dir(env!("CARGO_MANIFEST_DIR"));
        command.args(["sim", "car", "--can", endpoint, "--report"]).arg(&report).args(more);
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        Self { child: Some(child), endpoint: endpoint.to_owned(), report }
    }

    /// Waits for its end and says how it went.
    fn report(mut self) -> serde_json::Value {
        let output = self.child.take().unwrap().wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_str(&std::fs::read_to_string(&self.report).unwrap()).unwrap()
    }
}

impl Drop for Car {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = std::fs::remove_file(&self.report);
    }
}

/// A drive that is under way and has recorded so many bytes.
fn under_way(name: &str, endpoint: &str, bytes: u64) -> (Child, PathBuf) {
    let folder = folder(name);
    let scenario = "configs/scenarios/short.toml";
    let arguments = ["drive", "--scenario", scenario, "--no-rrd", "--platform", "can", "--can", endpoint];
    let child = command(&folder, &arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let recording = folder.join("recording.mcap");
    while std::fs::metadata(&recording).map_or(0, |file| file.len()) < bytes {
        std::thread::sleep(Duration::from_millis(20));
    }
    (child, folder)
}

/// A row of the degradation table, by its fault.
fn row(fault: &str) -> toml::Table {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/degradation.toml");
    let table: toml::Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
    let rows = table["can"].as_array().unwrap();
    rows.iter().find(|row| row["fault"].as_str() == Some(fault)).unwrap().as_table().unwrap().clone()
}

/// The car stopped by itself in time after the last command, and stands.
fn assert_stopped_by_itself(report: &serde_json::Value, row: &toml::Table) {
    let stop = &report["own_stop"];
    let last = report["last_obeyed_s"].as_f64().unwrap();
    let begins = stop["began_s"].as_f64().unwrap_or_else(|| panic!("it did not: {report}")) - last;
    assert!(begins <= row["begins_within_s"].as_float().unwrap(), "{report}");
    assert_eq!(stop["why"], "no command", "{report}");
    let stands =
        report["standing_since_s"].as_f64().unwrap_or_else(|| panic!("it drives on: {report}")) - last;
    assert!(stands <= row["stands_within_s"].as_float().unwrap(), "{report}");
    assert!(stop["speed_mps"].as_f64().unwrap() > 1.0, "it was driving: {report}");
}

#[test]
fn drives_over_a_bus_and_their_replay_are_equal_to_the_byte() {
    let over_bus = ["--platform", "can", "--duration", "5"];
    let first = drive("can-first", "short", &over_bus);
    assert_eq!(first.status(), Some(0), "{}", first.stderr());
    let second = drive("can-second", "short", &over_bus);
    assert_eq!(first.digest(), second.digest());
    let split = drive("can-split", "short", &[over_bus.as_slice(), &["--split"]].concat());
    assert_eq!((split.status(), split.digest()), (Some(0), first.digest()), "{}", split.stderr());
    assert_replays("can-replay", &first);
    let recording = Recording::open(Path::new(&first.recording())).unwrap();
    assert_eq!(recording.metadata().get("platform").map(String::as_str), Some("can"));
    assert!(recording.attachments().any(|(name, _)| name == "profile.dbc"));
    // The car was driven: what the gate let through has moved it.
    assert!(
        first.report()["drive"]["route"]["driven_m"].as_f64().unwrap() > 3.0,
        "{}",
        first.report()["drive"]
    );
}

#[test]
fn without_a_car_the_drive_does_not_begin() {
    let (_, endpoint) = bus("nobody");
    let run = drive("can-nobody", "short", &["--platform", "can", "--can", &endpoint]);
    let said = run.stderr();
    assert_eq!(run.status(), Some(2), "{said}");
    assert!(said.contains(&endpoint) && said.contains("auriga sim car"), "{said}");
    for nonsense in [["--can", "can0"], ["--profile", "no-such-car"], ["--fault", "melt@5"]] {
        let run = drive("can-nonsense", "short", &[["--platform", "can"], nonsense].concat());
        assert_eq!(run.status(), Some(2), "{}", run.stderr());
    }
}

#[test]
fn when_the_stack_is_killed_the_car_stops_by_itself() {
    let car = Car::start("killed", &["--patience", "0.5", "--once"]);
    let (mut stack, folder) = under_way("can-killed", &car.endpoint, 50_000_000);
    stack.kill().unwrap();
    stack.wait().unwrap();
    assert_stopped_by_itself(&car.report(), &row("kill the stack"));
    let _ = std::fs::remove_dir_all(folder);
}

#[test]
fn when_the_car_is_killed_the_drive_ends_with_its_files_complete() {
    let mut car = Car::start("dead", &[]);
    let (stack, folder) = under_way("can-dead", &car.endpoint, 6_000_000);
    let mut process = car.child.take().unwrap();
    process.kill().unwrap();
    process.wait().unwrap();
    assert_eq!(row("kill the car")["then"].as_str(), Some("run ends"));
    let run = Run { output: stack.wait_with_output().unwrap(), folder };
    assert_eq!(run.status(), Some(2), "{}", run.stderr());
    assert!(run.stderr().contains("the other end is gone"), "{}", run.stderr());
    let recording = Recording::open(Path::new(&run.recording())).unwrap();
    assert!(!recording.is_truncated());
    let report = run.report();
    assert!(report["problem"].as_str().unwrap().contains("the other end is gone"), "{report}");
    assert!(report["drive"]["duration_s"].as_f64().unwrap() > 0.1, "{report}");
    assert_eq!((report["success"].as_bool(), report["digest"].is_string()), (Some(false), true), "{report}");
}

#[test]
fn a_car_that_hears_no_commands_any_more_stops_by_itself() {
    let run =
        drive("can-fault", "short", &["--platform", "can", "--duration", "9", "--fault", "drop:COMMAND@5"]);
    assert!(matches!(run.status(), Some(0 | 1)), "{}", run.stderr());
    let recording = Recording::open(Path::new(&run.recording())).unwrap();
    let states = messages::<VehicleState>(&recording, "/vehicle/state");
    let speed_at = |time: f64| states.iter().find(|(at, _)| *at >= time).unwrap().1.speed_mps;
    assert!(speed_at(5.0) > 2.0, "{states:?}");
    assert!(speed_at(8.9) < 0.1, "{states:?}");
    // Nobody in the stack says so in its place.
    let last = messages::<ControlStatus>(&recording, "/control/status").pop().unwrap().1;
    assert_eq!(last.state, ControlStatus::TRACKING);
}

#[test]
fn a_vehicle_that_promises_more_than_its_profile_accepts_is_refused() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/vehicles/auriga-sim.toml");
    let text = std::fs::read_to_string(root).unwrap();
    let (path, _) = bus("weak");
    let file = path.with_extension("toml");
    std::fs::write(&file, text.replace("[-8.0, 3.0]", "[-3.5, 3.0]")).unwrap();
    let run = drive("can-weak", "short", &["--platform", "can", "--profile", &file.display().to_string()]);
    let said = run.stderr();
    assert_eq!(run.status(), Some(2), "{said}");
    for part in ["command.limits.acceleration_mps2", "max_deceleration_mps2", "3.5", "8"] {
        assert!(said.contains(part), "`{part}` is not in: {said}");
    }
    let _ = std::fs::remove_file(&file);
}

#[test]
fn over_serial_adapters_the_drive_is_the_same() {
    let over_bus = ["--platform", "can", "--duration", "2"];
    let over_socket = drive("can-socket", "short", &over_bus);
    let line = SerialLine::open();
    let car = Car::on(&format!("slcan:{}@1000", line.ends[0].display()), &["--once"]);
    wait("the car does not come", || line.opened() == 1);
    let endpoint = format!("slcan:{}@1000", line.ends[1].display());
    let over_line = drive("can-serial", "short", &[over_bus.as_slice(), &["--can", &endpoint]].concat());
    assert_eq!(over_line.status(), Some(0), "{}", over_line.stderr());
    assert_eq!(over_line.digest(), over_socket.digest());
    assert!(car.report()["commands"]["obeyed"].as_u64().unwrap() > 50);
}

#[test]
fn a_car_that_goes_bus_off_stops_by_itself() {
    let car = Car::start("off", &["--fault", "bus-off@4", "--once"]);
    let run = drive("can-off", "short", &["--platform", "can", "--can", &car.endpoint]);
    assert!(matches!(run.status(), Some(0 | 1)), "{}", run.stderr());
    assert_stopped_by_itself(&car.report(), &row("bus-off"));
}

/// `auriga can …`.
fn can(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_auriga"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).arg("can").args(arguments).output().unwrap()
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_bus_is_dumped_decoded_spoken_on_and_replayed() {
    let car = Car::start("tools", &["--speed", "5"]);
    let log = stdout(&can(&["dump", &car.endpoint, "--count", "60"]));
    let lines: Vec<LogLine> = log.lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(lines.len(), 60);
    assert!(lines.windows(2).all(|pair| pair[0].micros <= pair[1].micros));

    let (path, endpoint) = bus("replayed");
    let file = path.with_extension("log");
    std::fs::write(&file, format!("# a comment\n\n{log}")).unwrap();
    let file = file.display().to_string();
    let decoded = stdout(&can(&["decode", "--profile", "auriga-sim", &file]));
    assert_eq!(decoded.lines().count(), 60);
    for part in ["STATE", " m/s", " rad", "DRIVER", "ENGAGE=", "unix0"] {
        assert!(decoded.contains(part), "`{part}` is not in: {decoded}");
    }
    assert!(!decoded.contains('!'), "{decoded}");
    // Somebody drives by hand: the car obeys, and stops when nothing more comes.
    let forwards = "COMMAND:ACTIVE=1,ACCELERATION=2";
    let sent = can(&[
        "send",
        "--profile",
        "auriga-sim",
        &car.endpoint,
        forwards,
        "--count",
        "100",
        "--period",
        "0.01",
    ]);
    stdout(&sent);
    let live = stdout(&can(&[
        "decode",
        "--profile",
        "auriga-sim",
        &car.endpoint,
        "--message",
        "STATE",
        "--count",
        "20",
    ]));
    let speed = live.lines().next().and_then(|line| line.split("SPEED=").nth(1)).unwrap();
    let speed: f64 = speed.split(' ').next().unwrap().parse().unwrap();
    assert!(speed > 5.5, "{live}");

    // A log comes out of a bus as it went in.
    let mut replay = Command::new(env!("CARGO_BIN_EXE_auriga"));
    replay.args(["can", "replay", &file, &endpoint, "--host"]).stderr(Stdio::piped());
    let replay = replay.spawn().unwrap();
    while !path.exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let heard = stdout(&can(&["dump", &endpoint, "--count", "60"]));
    let frames =
        |text: &str| text.lines().map(|line| line.parse::<LogLine>().unwrap().frame).collect::<Vec<_>>();
    assert_eq!(frames(&heard), frames(&log));
    assert!(replay.wait_with_output().unwrap().status.success());
    let _ = std::fs::remove_file(&file);
}

#[test]
fn what_the_tools_cannot_do_they_say() {
    let (_, endpoint) = bus("missing");
    for (arguments, part) in [
        (vec!["dump", "can0"], "unix:PATH"),
        (vec!["dump", endpoint.as_str()], "--host"),
        (vec!["dump", "socketcan:nowhere0"], "nowhere0"),
        (vec!["decode", "README.md", "--profile", "auriga-sim"], "line 3"),
        (vec!["decode", "nowhere.log", "--profile", "auriga-sim"], "nowhere.log"),
        (vec!["decode", "README.md"], "--dbc"),
        (vec!["send", endpoint.as_str(), "12#00"], "12#00"),
        (vec!["send", endpoint.as_str(), "COMMAND:ACTIVE=1"], "--profile"),
        (vec!["send", "--profile", "auriga-sim", endpoint.as_str(), "COMMAND:HURRY=1"], "HURRY"),
        (vec!["replay", "nowhere.log", "unix:/nowhere/bus"], "/nowhere/bus"),
    ] {
        let output = can(&arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(part) && !said.contains("panicked"), "{arguments:?}: {said}");
    }
    for help in [["can", "dump", "--help"], ["can", "send", "--help"], ["sim", "car", "--help"]] {
        let run = auriga("can-help", &help);
        assert!(run.stdout().contains("Examples:"), "{}", run.stdout());
    }
}
