//! Recorded drives keep the contract of platforms.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use auriga_geometry::LogicalDuration;
use auriga_hal::can::{Database, VehicleProfile};
use auriga_hal::comma2k19::{Comma2k19Car, Comma2k19Options, Comma2k19Platform};
use auriga_hal::conformance::sensing::{SensingCheck, SensingReport};
use auriga_hal::kitti::KittiPlatform;
use auriga_hal::{HalError, Platform, SensorKind, SensorRig};
use std::io::Write as _;
use std::path::{Path, PathBuf};

fn data(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("AURIGA_DATA").map(PathBuf::from).unwrap_or_default().join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(std::env::var_os("AURIGA_REQUIRE_DATA").is_none_or(|set| set != "1"), "no {name}");
    let _ = writeln!(std::io::stderr(), "skipped: no {name} in AURIGA_DATA");
    None
}

/// To its end, or for ten minutes.
fn passes(make: impl FnMut() -> Result<Box<dyn Platform>, HalError>) -> SensingReport {
    let check = SensingCheck { span: LogicalDuration::from_millis(600_000), ..SensingCheck::default() };
    let report = check.run(make).unwrap();
    assert!(report.breaches.is_empty() && report.finished, "{report}");
    report
}

#[test]
fn kitti_drives_conform() {
    for (name, kinds) in [("drive_0005", 5), ("drive_0052", 3)] {
        let Some(folder) = data(&format!("kitti_raw/{name}")) else { continue };
        let report = passes(|| Ok(Box::new(KittiPlatform::open(&folder)?)));
        assert!(report.counts.len() >= kinds && report.counts[&SensorKind::Lidar] > 20, "{report}");
    }
}

#[test]
fn a_comma2k19_minute_conforms() {
    let Some(folder) = data("comma2k19/example_1") else { return };
    let configs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs");
    let read = |name: &str| std::fs::read_to_string(configs.join(name)).unwrap();
    let car = Comma2k19Car {
        profile: VehicleProfile::from_toml(&read("vehicles/toyota-rav4-tssp.toml"), "profile").unwrap(),
        car: Database::read(&configs.join("can/toyota_rav4_tssp.dbc")).unwrap(),
        radar: Database::read(&configs.join("can/toyota_tssp_radar.dbc")).unwrap(),
        rig: SensorRig::from_toml(&read("sensors/comma2k19-rav4.toml"), "rig").unwrap(),
    };
    let report =
        passes(|| Ok(Box::new(Comma2k19Platform::open(&folder, &car, Comma2k19Options::default())?)));
    assert_eq!(report.counts.len(), 5, "{report}");
}
