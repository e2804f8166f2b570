//! Every row of the stack's part of `configs/degradation.toml`, driven: what fails, who stops the car, and within which time.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod support;

use auriga_messages::auriga_msgs::{BehaviorDecision, ControlStatus, GroundTruth, SafeCommandRecord};
use auriga_runtime::recording::Recording;
use auriga_safety::GateState;
use serde::Deserialize;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use support::{assert_replays, drive, messages};

/// The fault's instant, s.
const AT_S: f64 = 2.0;

#[derive(Deserialize)]
struct Row {
    what: String,
    fault: String,
    then: String,
    says: Option<String>,
    begins_within_s: Option<f64>,
    stands_within_s: Option<f64>,
}

fn rows() -> Vec<Row> {
    #[derive(Deserialize)]
    struct Table {
        stack: Vec<Row>,
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/degradation.toml");
    toml::from_str::<Table>(&std::fs::read_to_string(path).unwrap()).unwrap().stack
}

/// What of a drive counts, after the fault.
struct Seen {
    /// When it braked, after the fault, s.
    begins: Option<f64>,
    /// When it stood, after the fault, s.
    stands: Option<f64>,
    /// The planner's rules, the controller's and the gate's states.
    rules: Vec<String>,
    controller: Vec<u8>,
    gate: Vec<u8>,
}

fn see(recording: &Recording) -> Seen {
    fn after<T>(messages: Vec<(f64, T)>) -> impl Iterator<Item = (f64, T)> {
        messages.into_iter().filter(|(at, _)| *at > AT_S)
    }
    let truth: Vec<(f64, GroundTruth)> = after(messages(recording, "/truth")).collect();
    let first = |is_so: fn(&GroundTruth) -> bool| {
        truth.iter().find(|(_, truth)| is_so(truth)).map(|(at, _)| at - AT_S)
    };
    let rules = after(messages(recording, "/planning/behavior"));
    let controller = after(messages(recording, "/control/status"));
    let gate = after(messages(recording, "/control/safe_command"));
    Seen {
        begins: first(|truth| truth.ego_acceleration.linear.x < -0.8),
        stands: first(|truth| truth.ego_twist.linear.x < 0.05),
        rules: rules.map(|(_, decision): (f64, BehaviorDecision)| decision.rule).collect(),
        controller: controller.map(|(_, status): (f64, ControlStatus)| status.state).collect(),
        gate: gate.map(|(_, record): (f64, SafeCommandRecord)| record.state).collect(),
    }
}

/// What is wrong with how a row went.
fn judge(row: &Row, seen: &Seen) -> Option<String> {
    let Row { then, says, begins_within_s, stands_within_s, .. } = row;
    let gate_stops = seen.gate.contains(&GateState::MinimalRiskStop.code());
    let says = says.as_deref().unwrap_or_default();
    let state = match says {
        "NO_EGO" => Some(ControlStatus::NO_EGO),
        "STALE_TRAJECTORY" => Some(ControlStatus::STALE_TRAJECTORY),
        _ => None,
    };
    let holds = match then.as_str() {
        "drives on" => seen.begins.is_none() && !gate_stops,
        "planner stops" => seen.rules.iter().any(|rule| rule == says) && !gate_stops,
        "controller stops" => state.is_some_and(|state| seen.controller.contains(&state)) && !gate_stops,
        "gate stops" => gate_stops,
        "car stops" => !gate_stops,
        _ => false,
    };
    let within =
        |most: &Option<f64>, is: Option<f64>| most.is_none_or(|most| is.is_some_and(|is| is <= most));
    let in_time = within(begins_within_s, seen.begins) && within(stands_within_s, seen.stands);
    let told = format!("gate stops: {gate_stops}, begins {:.2?}, stands {:.2?}", seen.begins, seen.stands);
    (!holds || !in_time).then_some(told)
}

fn try_row(number: usize, row: &Row) -> Option<String> {
    let fault = format!("{}@{AT_S}", row.fault);
    let seconds = if row.then == "drives on" { "6" } else { "12" };
    let run = drive(&format!("row-{number}"), "alone", &["--fault", &fault, "--duration", seconds]);
    if !matches!(run.status(), Some(0 | 1)) {
        return Some(format!("{fault}: {}", run.stderr()));
    }
    let seen = see(&Recording::open(Path::new(&run.recording())).unwrap());
    judge(row, &seen).map(|problem| format!("{fault} ({}; {}): {problem}", row.what, row.then))
}

#[test]
fn every_fault_of_the_stack_ends_as_the_table_says() {
    let (rows, next) = (rows(), AtomicUsize::new(0));
    let work = || -> Vec<String> {
        let mine = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
        mine.map_while(|number| Some((number, rows.get(number)?)))
            .filter_map(|(number, row)| try_row(number, row))
            .collect()
    };
    let problems = std::thread::scope(|scope| {
        let workers = [(); 2].map(|()| scope.spawn(work));
        workers.map(|worker| worker.join().unwrap()).concat()
    });
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn a_drive_with_faults_is_the_same_again_split_and_replayed() {
    let faults = [
        "--duration",
        "4",
        "--fault",
        "frozen:camera@2",
        "--fault",
        "overrun=0.15:planner@2",
        "--fault",
        "fail:tracking@3",
    ];
    let first = drive("faults", "alone", &faults);
    assert!(matches!(first.status(), Some(0 | 1)), "{}", first.stderr());
    let split = drive("faults-split", "alone", &[faults.as_slice(), &["--split"]].concat());
    assert_eq!(split.digest(), first.digest(), "{}", split.stderr());
    assert_replays("faults-replay", &first);
    assert_ne!(drive("no-faults", "alone", &faults[..2]).digest(), first.digest());
}

#[test]
fn a_fault_of_nothing_is_refused() {
    for (fault, part) in [
        ("melt:lidar@5", "melt:lidar@5"),
        ("fail:cook@5", "there is no node cook"),
        ("drop:COMMAND@5", "--platform can"),
        ("silent:lidar", "silent:lidar"),
    ] {
        let run = drive("no-fault", "alone", &["--fault", fault]);
        assert_eq!(run.status(), Some(2), "{}", run.stderr());
        assert!(run.stderr().contains(part), "{}", run.stderr());
    }
}
