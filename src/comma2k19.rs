//! `auriga replay comma2k19:FOLDER`: localization and radar on a recorded minute of a Toyota RAV4.

use crate::configuration::role;
use crate::nodes::localization::LocalizationNode;
use crate::recorded::{self, Recorded, RecordedDrive};
use crate::run::Scene;
use crate::stack::{self, ACTUATION, Topics};
use anyhow::Result;
use auriga_geometry::{LogicalDuration, LogicalTime};
use auriga_hal::can::{Database, VehicleProfile};
use auriga_hal::comma2k19::{Comma2k19Car, Comma2k19Options, Comma2k19Platform};
use auriga_hal::{Platform, SensorRig, Sensors};
use auriga_perception::localization::{Localizer, LocalizerConfig};
use auriga_runtime::{Graph, TimingProfile};
use std::path::{Path, PathBuf};

/// The car, metres: length, width, height, rear axle to rear bumper. About: it is drawn and nothing else.
const CAR: [f64; 4] = [4.6, 1.85, 1.7, 1.0];

/// What the command line says of a minute.
pub struct Comma2k19Arguments<'a> {
    /// Its folder.
    pub folder: &'a Path,
    /// Where to write.
    pub out: Option<&'a Path>,
    /// No satellite positions from this second on.
    pub withhold_gnss_after_s: Option<f64>,
    /// Write no `.rrd`.
    pub no_rrd: bool,
}

/// Runs localization on a minute; true when it came to its end.
pub fn run(arguments: &Comma2k19Arguments<'_>) -> Result<bool> {
    let timing = recorded::file(role::TIMING, Path::new("configs/timing/recorded.toml"))?;
    let sensors = recorded::file(role::SENSORS, Path::new("configs/sensors/comma2k19-rav4.toml"))?;
    let vehicle = recorded::file(role::VEHICLE, Path::new("configs/vehicles/toyota-rav4-tssp.toml"))?;
    let profile = VehicleProfile::from_toml(&vehicle.text, &vehicle.origin)?;
    let messages = recorded::file("vehicle.dbc", &PathBuf::from("configs/can").join(&profile.dbc))?;
    let radar = recorded::file("radar.dbc", Path::new("configs/can/toyota_tssp_radar.dbc"))?;
    let car = Comma2k19Car {
        car: Database::from_dbc(&messages.text, &messages.origin)?,
        radar: Database::from_dbc(&radar.text, &radar.origin)?,
        rig: SensorRig::from_toml(&sensors.text, &sensors.origin)?,
        profile,
    };
    let withheld = arguments.withhold_gnss_after_s.map(LogicalDuration::from_secs_f64);
    let options = Comma2k19Options { gnss_withheld_after: withheld };
    let platform = Comma2k19Platform::open(arguments.folder, &car, options)?;
    let origin = platform.origin();
    let timings = TimingProfile::from_toml(&timing.text, &timing.origin)?;
    let (graph, topics) = graph(timings, Box::new(platform).split().sensors, &car.rig, origin)?;
    recorded::run(RecordedDrive {
        platform: "comma2k19",
        folder: arguments.folder,
        out: arguments.out,
        no_rrd: arguments.no_rrd,
        // Nothing is drawn by chance.
        seed: 0,
        files: vec![timing, sensors, vehicle, messages, radar],
        attested: Vec::new(),
        scene: Scene {
            map: None,
            lidar: None,
            camera: None,
            radar: car.rig.radar.as_ref().map(|radar| radar.pose.to_pose3()),
            has_pictures: false,
            car: CAR,
        },
        judge: Recorded::new(topics, None, withheld.map(|span| LogicalTime::ZERO + span)),
        reference: "global_pose: the same receiver and gyro, post-processed: not independent",
        graph,
        topics,
    })
}

/// Localization alone: there is nothing that a planner could see.
fn graph(
    profile: TimingProfile,
    sensors: Box<dyn Sensors>,
    rig: &SensorRig,
    [latitude, longitude]: [f64; 2],
) -> Result<(Graph, Topics)> {
    let (mut graph, topics) = recorded::source(profile, sensors)?;
    let config = LocalizerConfig {
        origin_latitude: latitude,
        origin_longitude: longitude,
        ..LocalizerConfig::default()
    };
    let node = LocalizationNode { localizer: Localizer::new(stack::with_sensors(config, rig))? };
    let inputs = (topics.imu.queue(8), topics.gnss.queue(4), topics.vehicle_state.latest());
    graph.node("localization", ACTUATION, node, inputs, (topics.ego.publish(),))?;
    Ok((graph, topics))
}
