//! `auriga replay FILE --rig R`: localization, perception and tracking on somebody else's rosbag2.

use crate::configuration::role;
use crate::models::{ModelChoices, Networks};
use crate::recorded::{self, Eyes, Localization, Recorded, RecordedDrive};
use crate::run::{self, Scene};
use crate::stack::{self, Topics};
use anyhow::{Context, Result, bail};
use auriga_geometry::{LogicalDuration, LogicalTime};
use auriga_hal::rosbag::{RosbagOptions, RosbagPlatform};
use auriga_hal::{Platform, SensorKind, SensorRig};
use auriga_messages::sensor_msgs::CameraInfo;
use auriga_perception::localization::LocalizerConfig;
use auriga_perception::tracking::CameraModel;
use auriga_runtime::{Graph, TimingProfile};
use auriga_vehicle::VehicleParameters;
use std::collections::BTreeMap;
use std::path::Path;

/// What the command line says of somebody else's recording.
pub struct RosbagArguments<'a> {
    /// The file, or the bag's folder.
    pub path: &'a Path,
    /// Where the sensors sit.
    pub rig: &'a Path,
    /// The car that carries them.
    pub vehicle: &'a Path,
    /// `T=U`: the bag's topic T is our U.
    pub remap: &'a [String],
    /// Instants of recording instead of stamps.
    pub log_time: bool,
    /// Where to write.
    pub out: Option<&'a Path>,
    /// No satellite positions from this second on.
    pub withhold_gnss_after_s: Option<f64>,
    /// Which networks.
    pub models: &'a Path,
    /// Write no `.rrd`.
    pub no_rrd: bool,
}

/// Our topics by what they carry.
fn names(profile: TimingProfile) -> BTreeMap<SensorKind, String> {
    let mut probe = Graph::new(profile);
    let topics = Topics::declare(&mut probe, &SensorKind::ALL);
    let name = |kind| Some((kind, probe.topics()[usize::from(topics.of_sensor(kind)?)].name.clone()));
    SensorKind::ALL.into_iter().filter_map(name).collect()
}

fn remapped(remap: &[String], names: &BTreeMap<SensorKind, String>) -> Result<BTreeMap<String, SensorKind>> {
    let mut found = BTreeMap::new();
    for pair in remap {
        let (theirs, ours) =
            pair.split_once('=').with_context(|| format!("--remap {pair}: write THEIRS=OURS"))?;
        let Some((kind, _)) = names.iter().find(|(_, name)| *name == ours) else {
            let known: Vec<&str> = names.values().map(String::as_str).collect();
            bail!("--remap {pair}: {ours} is no topic of a sensor; these are: {}", known.join(", "));
        };
        if found.values().any(|other| other == kind) {
            bail!("--remap {pair}: {ours} is given twice");
        }
        found.insert(theirs.to_owned(), *kind);
    }
    Ok(found)
}

/// The rig's camera, with the bag's own calibration where there is one.
fn camera(rig: &SensorRig, calibration: Option<&CameraInfo>) -> Option<CameraModel> {
    let model = stack::camera_model(rig.camera.as_ref()?);
    Some(match calibration {
        Some(info) => CameraModel { k: info.k, size: (info.width, info.height), ..model },
        None => model,
    })
}

/// Runs the stack on a bag; true when it came to its end.
pub fn run(arguments: &RosbagArguments<'_>) -> Result<bool> {
    let timing = recorded::file(role::TIMING, Path::new("configs/timing/recorded.toml"))?;
    let sensors = recorded::file(role::SENSORS, arguments.rig)?;
    let vehicle = recorded::file(role::VEHICLE, arguments.vehicle)?;
    let models = recorded::file(role::MODELS, arguments.models)?;
    let rig = SensorRig::from_toml(&sensors.text, &sensors.origin)?;
    let car = VehicleParameters::from_toml(&vehicle.text, &vehicle.origin)?;
    let profile = TimingProfile::from_toml(&timing.text, &timing.origin)?;
    let choices = ModelChoices::from_toml(&models.text, &models.origin)?;
    let names = names(profile.clone());
    let withheld = arguments.withhold_gnss_after_s.map(LogicalDuration::from_secs_f64);
    let options = RosbagOptions {
        remap: remapped(arguments.remap, &names)?,
        names: names.clone(),
        log_time: arguments.log_time,
        gnss_withheld_after: withheld,
    };
    let platform = RosbagPlatform::open(arguments.path, &rig, &options)?;
    for (kind, theirs) in platform.topics() {
        let ours = names.get(&kind).map_or("", String::as_str);
        run::println_line(&format!("{theirs} is {ours}"));
    }
    platform.notes().iter().for_each(|note| eprintln!("note: {note}"));
    let (origin, camera) = (platform.origin(), camera(&rig, platform.calibration()));
    let sensors_half = Box::new(platform).split().sensors;
    let kinds: Vec<SensorKind> = sensors_half.kinds().into_iter().map(|(kind, _)| kind).collect();
    let has = |kind| kinds.contains(&kind);
    let has_pictures = has(SensorKind::Camera);
    let networks = if has_pictures { Networks::detector(&choices)? } else { Networks::none() };
    let attested = networks.attested.clone();

    let knows_motion = has(SensorKind::Imu) && has(SensorKind::Gnss) && has(SensorKind::VehicleState);
    let localization = match origin.filter(|_| knows_motion) {
        Some([origin_latitude, origin_longitude]) => {
            let config = LocalizerConfig { origin_latitude, origin_longitude, ..LocalizerConfig::default() };
            Localization::Filter(stack::with_sensors(config, &rig))
        }
        None if has(SensorKind::Lidar) => Localization::Scans,
        None => Localization::None,
    };
    if matches!(localization, Localization::None) && !has_pictures {
        bail!(
            "{}: nothing to run: neither a lidar, nor a camera, nor IMU, satellites and wheel speed together",
            arguments.path.display()
        );
    }
    let lidar = rig.lidar.as_ref().filter(|_| has(SensorKind::Lidar)).map(|lidar| lidar.pose.to_pose3());
    let car = [car.length_m, car.width_m, car.height_m, car.rear_overhang_m];
    let eyes = Eyes { lidar, camera: camera.filter(|_| has_pictures), car };
    let scene = Scene { map: None, lidar: eyes.lidar, camera: eyes.camera, radar: None, has_pictures, car };
    let (mut graph, topics) = recorded::source(profile, sensors_half)?;
    recorded::stack(&mut graph, &topics, &localization, &eyes, networks)?;
    recorded::run(RecordedDrive {
        platform: "rosbag",
        folder: arguments.path,
        out: arguments.out,
        no_rrd: arguments.no_rrd,
        seed: 0,
        files: vec![timing, sensors, vehicle, models],
        attested,
        scene,
        judge: Recorded::new(topics, None, withheld.map(|span| LogicalTime::ZERO + span)),
        reference: "",
        graph,
        topics,
    })
}
