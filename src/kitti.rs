//! `auriga replay kitti:FOLDER`: localization, perception and tracking on a recorded KITTI drive.

use crate::configuration::role;
use crate::models::{ModelChoices, Networks};
use crate::recorded::{self, Eyes, Labels, Localization, Recorded, RecordedDrive};
use crate::run::Scene;
use anyhow::{Context, Result};
use auriga_evaluation::{KittiCalibration, KittiEvaluator, parse_labels};
use auriga_geometry::{LogicalDuration, LogicalTime, Vec2};
use auriga_hal::kitti::{KittiOptions, KittiPlatform, KittiRig};
use auriga_hal::{Platform, SensorKind};
use auriga_perception::localization::LocalizerConfig;
use auriga_perception::tracking::CameraModel;
use auriga_runtime::TimingProfile;
use std::path::{Path, PathBuf};

/// A drive's reference truth ends here: labels exist only so near, metres.
const LABEL_RANGE_M: f64 = 40.0;
/// A track and a label farther apart are not the same, metres.
const LABEL_GATE_M: f64 = 2.0;
/// KITTI's car, metres: length, width, height, rear axle to rear bumper (a VW Passat estate; Geiger et al., IJRR 2013).
pub const CAR: [f64; 4] = [4.77, 1.82, 1.52, 1.0];

/// What the command line says of a KITTI drive.
pub struct KittiArguments<'a> {
    /// The drive's folder.
    pub folder: &'a Path,
    /// Where to write.
    pub out: Option<&'a Path>,
    /// Seed of the noise on satellite positions.
    pub seed: u64,
    /// No satellite positions from this second on.
    pub withhold_gnss_after_s: Option<f64>,
    /// Which networks.
    pub models: &'a Path,
    /// Write no `.rrd`.
    pub no_rrd: bool,
}

/// Runs the stack on a KITTI drive; true when it came to its end.
pub fn run(arguments: &KittiArguments<'_>) -> Result<bool> {
    let options = KittiOptions {
        seed: arguments.seed,
        gnss_withheld_after: arguments.withhold_gnss_after_s.map(LogicalDuration::from_secs_f64),
        ..KittiOptions::default()
    };
    let platform = KittiPlatform::open_with(arguments.folder, options)?;
    let (rig, frames) = (platform.rig(), platform.frames());
    let sensors = Box::new(platform).split().sensors;
    let timing = recorded::file(role::TIMING, Path::new("configs/timing/recorded.toml"))?;
    let models = recorded::file(role::MODELS, arguments.models)?;
    let choices = ModelChoices::from_toml(&models.text, &models.origin)?;
    let profile = TimingProfile::from_toml(&timing.text, &timing.origin)?;
    let has_camera = sensors.kinds().iter().any(|(kind, _)| *kind == SensorKind::Camera);
    let networks = if has_camera { Networks::detector(&choices)? } else { Networks::none() };
    let attested = networks.attested.clone();
    let (mut graph, topics) = recorded::source(profile, sensors)?;
    let camera = has_camera.then(|| camera_model(&rig));
    let eyes = Eyes { lidar: Some(rig.lidar_pose), camera, car: CAR };
    recorded::stack(&mut graph, &topics, &localization(&rig), &eyes, networks)?;
    let until = options.gnss_withheld_after.map(|span| LogicalTime::ZERO + span);
    let labels = labels(arguments.folder)?.map(|evaluator| Labels::new(evaluator, rig.lidar_pose, frames));
    recorded::run(RecordedDrive {
        platform: "kitti",
        folder: arguments.folder,
        out: arguments.out,
        no_rrd: arguments.no_rrd,
        seed: arguments.seed,
        files: vec![timing, models],
        attested,
        scene: Scene {
            map: None,
            lidar: Some(rig.lidar_pose),
            camera: Some(camera_model(&rig)),
            radar: None,
            has_pictures: has_camera,
            car: CAR,
        },
        judge: Recorded::new(topics, labels, until),
        reference: "the INS that also stands in for wheels, gyro and satellites: not independent",
        graph,
        topics,
    })
}

/// The labels beside a drive, where there are any.
fn labels(folder: &Path) -> Result<Option<KittiEvaluator>> {
    let read = |path: &PathBuf| {
        std::fs::read_to_string(path).with_context(|| format!("{}: cannot be read", path.display()))
    };
    let labels = folder.join("tracking_label_02_0000.txt");
    let calibration = folder.join("../calib_2011_09_26/tracking_style_calib.txt");
    if !labels.exists() || !calibration.exists() {
        return Ok(None);
    }
    let parsed = parse_labels(&read(&labels)?, &labels.display().to_string())?;
    let calibration = KittiCalibration::parse(&read(&calibration)?, &calibration.display().to_string())?;
    Ok(Some(KittiEvaluator::new(parsed, calibration, LABEL_RANGE_M, LABEL_GATE_M)))
}

fn camera_model(rig: &KittiRig) -> CameraModel {
    CameraModel { k: rig.k, size: (rig.width, rig.height), optical_pose: rig.camera_optical_pose }
}

/// Localization where there is an INS, scan matching where there is none.
fn localization(rig: &KittiRig) -> Localization {
    let Some([origin_latitude, origin_longitude]) = rig.geo_reference else { return Localization::Scans };
    Localization::Filter(LocalizerConfig {
        origin_latitude,
        origin_longitude,
        gnss_lever_arm: Vec2::new(rig.imu_pose.translation.x, rig.imu_pose.translation.y),
        imu_pose: rig.imu_pose,
        ..LocalizerConfig::default()
    })
}
