//! The map against CARLA's own map library: runs `tests/map/libcarla.py`, which says what it compares.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "tests may")]

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

#[test]
fn the_map_agrees_with_libcarla() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/map/libcarla.py");
    // Examples are built beside the tests: <target>/release/examples.
    let tests = std::env::current_exe().unwrap();
    let binary = tests.parent().unwrap().with_file_name("examples").join("map_query");
    if !binary.exists() {
        let _ = writeln!(std::io::stderr(), "skipped: {} is not built", binary.display());
        return;
    }
    let points = ["--points", "2500", "--binary"];
    let output = match Command::new("python3").arg(script).args(points).arg(binary).output() {
        Ok(output) => output,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "skipped: python3: {error}");
            return;
        }
    };
    let said = String::from_utf8_lossy(&output.stdout);
    if said.contains("skipped") {
        // Past the test harness, which keeps what a passing test prints to itself.
        let _ = write!(std::io::stderr(), "{said}");
    }
    println!("{said}");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
