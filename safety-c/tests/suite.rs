//! Compiles the C suite against the header and the library, and runs it; and holds names and sizes together.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
#![allow(unsafe_code, reason = "reads a C string")]

use auriga_safety::{GateState, Reason};
use auriga_safety_c::{auriga_gate_reason_name, auriga_gate_state_name};
use std::ffi::CStr;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

/// The static library lies beside the tests' folder, `target/<profile>/`, or in it.
fn library() -> Option<PathBuf> {
    let test = std::env::current_exe().unwrap();
    let deps = test.parent()?;
    [deps.parent()?, deps]
        .iter()
        .map(|folder| folder.join("libauriga_safety_c.a"))
        .find(|path| path.is_file())
}

#[test]
fn the_c_suite_passes() {
    let Some(library) = library() else {
        panic!("libauriga_safety_c.a was not built beside the test");
    };
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    if Command::new(&compiler).arg("--version").output().is_err() {
        let _ = writeln!(std::io::stderr(), "skipped: no C compiler");
        return;
    }
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let suite = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("auriga-gate-suite");
    let compiled = Command::new(&compiler)
        .args(["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-O1", "-I"])
        .arg(here.join("include"))
        .arg(here.join("tests/suite.c"))
        .arg(&library)
        .args(["-lpthread", "-ldl", "-lm", "-lgcc_s", "-o"])
        .arg(&suite)
        .output()
        .unwrap();
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    let ran = Command::new(&suite).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

#[test]
fn names_are_the_gates_own() {
    let text = |name| unsafe { CStr::from_ptr(name) }.to_str().unwrap();
    let states = [
        GateState::Silent,
        GateState::Engaged,
        GateState::EmergencyBraking,
        GateState::EmergencyHold,
        GateState::MinimalRiskStop,
        GateState::StandstillHold,
    ];
    for state in states {
        assert_eq!(text(auriga_gate_state_name(state.code())), state.name());
    }
    let reasons = [
        Reason::StartUp,
        Reason::EngageRequested,
        Reason::DisengageRequested,
        Reason::DriverSteering,
        Reason::DriverBrake,
        Reason::DriverGas,
        Reason::ClockWentBack,
        Reason::VehicleStateStale,
        Reason::VehicleStateImplausible,
        Reason::ObstacleStale,
        Reason::ObstacleImplausible,
        Reason::CommandStale,
        Reason::CommandImplausible,
        Reason::RollingBack,
        Reason::ObstacleInTheWay,
        Reason::ObstacleGone,
        Reason::Standstill,
    ];
    for reason in reasons {
        assert_eq!(text(auriga_gate_reason_name(reason.code())), reason.name());
    }
}
