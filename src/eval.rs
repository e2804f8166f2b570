//! `auriga eval`: a part of the stack against what it should do, without a scenario.

use crate::configuration;
use crate::run::println_line;
use anyhow::{Context, Result};
use auriga_control::{Controller, ControllerConfig, LateralLaw, Status};
use auriga_evaluation::control::{
    Condition, ControlReport, Entrant, Estimator, Follower, RecordedPath, Suite,
};
use auriga_geometry::{LogicalTime, Pose2, Vec2};
use auriga_hal::SensorRig;
use auriga_messages::auriga_msgs::VehicleState;
use auriga_messages::autoware_control_msgs::Control;
use auriga_messages::autoware_planning_msgs::Trajectory;
use auriga_messages::nav_msgs::Odometry;
use auriga_messages::sensor_msgs::{Imu, NavSatFix};
use auriga_perception::localization::{Localizer, LocalizerConfig};
use auriga_sim_bridge::plant::PlantParameters;
use auriga_vehicle::VehicleParameters;
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};

/// What the command line asks.
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    part: Part,
}

#[derive(Subcommand)]
enum Part {
    /// Drives 25 curves and recorded paths with the controller and with two laws of the textbook; exit status 1 when the
    /// controller misses its aims
    Control(ControlArguments),
}

/// What the command line says of the controller's evaluation.
#[derive(Args)]
struct ControlArguments {
    /// Write report.json, report.txt and errors.svg into this folder
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// What the controller believes of the car
    #[arg(long, value_name = "FILE", default_value = "configs/vehicles/auriga-sedan.toml")]
    vehicle: PathBuf,
    /// What the simulated car is
    #[arg(long, value_name = "FILE", default_value = "configs/vehicles/auriga-sedan-plant.toml")]
    plant: PathBuf,
    /// The sensors, for noise and estimated state
    #[arg(long, value_name = "FILE", default_value = "configs/sensors/default.toml")]
    sensors: PathBuf,
    /// Recorded drives: comma2k19/example_1 and kitti_raw/drive_0005 in this folder; left out where they are not
    #[arg(long, value_name = "FOLDER", default_value = "../shared/data")]
    data: PathBuf,
    /// Of all noise
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Runs a part; true when it meets its aims.
pub fn run(arguments: &Arguments) -> Result<bool> {
    match &arguments.part {
        Part::Control(arguments) => control(arguments),
    }
}

fn text(path: &Path) -> Result<(String, String)> {
    let path = configuration::locate(path);
    let origin = path.display().to_string();
    let text = std::fs::read_to_string(&path).with_context(|| format!("{origin}: cannot be read"))?;
    Ok((text, origin))
}

fn control(arguments: &ControlArguments) -> Result<bool> {
    let (vehicle, origin) = text(&arguments.vehicle)?;
    let vehicle = VehicleParameters::from_toml(&vehicle, &origin)?;
    let (plant, origin) = text(&arguments.plant)?;
    let plant = PlantParameters::from_toml(&plant, &origin)?;
    let (rig, origin) = text(&arguments.sensors)?;
    let rig = SensorRig::from_toml(&rig, &origin)?;
    let recorded = recorded(&arguments.data)?;

    // Made once here, so that a mistake is told before the first drive.
    let config = localizer_config(&rig, &Pose2::default());
    Localizer::new(config)?;
    Controller::new(controller_config(&Condition::PLAIN, LateralLaw::Predictive), vehicle.clone())?;
    let follower = |law: LateralLaw| {
        let vehicle = vehicle.clone();
        move |condition: &Condition| -> Box<dyn Follower> {
            let controller = Controller::new(controller_config(condition, law), vehicle.clone()).ok();
            Box::new(Ours { controller, fall_backs: 0 })
        }
    };
    let (predictive, feedback) = (follower(LateralLaw::Predictive), follower(LateralLaw::Feedback));
    let suite = Suite {
        plant: &plant,
        rig: &rig,
        seed: arguments.seed,
        entrants: &[
            Entrant { name: "predictive", make: &predictive },
            Entrant { name: "feedback", make: &feedback },
        ],
        estimator: &|start| {
            Box::new(Localized { localizer: Localizer::new(localizer_config(&rig, start)).ok() })
        },
        recorded: &recorded,
    };
    let bar = indicatif::ProgressBar::new_spinner();
    let report = suite.run(&mut |next| {
        bar.set_message(next.to_owned());
        bar.tick();
    });
    bar.finish_and_clear();
    let table = report.to_table();
    println_line(table.trim_end());
    if let Some(folder) = &arguments.out {
        write(&report, &table, folder)?;
    }
    Ok(report.meets_aims())
}

fn write(report: &ControlReport, table: &str, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let files =
        [("report.json", report.to_json()?), ("report.txt", table.to_owned()), ("errors.svg", report.svg())];
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// The recorded paths that are there.
fn recorded(data: &Path) -> Result<Vec<RecordedPath>> {
    let mut paths = Vec::new();
    let poses = data.join("comma2k19/example_1/global_pose");
    let (places, times) = (poses.join("frame_positions"), poses.join("frame_times"));
    if places.exists() && times.exists() {
        let read =
            |path: &Path| std::fs::read(path).with_context(|| format!("cannot read {}", path.display()));
        paths.push(RecordedPath::comma2k19(&read(&places)?, &read(&times)?)?);
    } else {
        tracing::warn!("{}: not there; its path is left out", poses.display());
    }
    let oxts = data.join("kitti_raw/drive_0005/oxts.txt");
    if oxts.exists() {
        let text =
            std::fs::read_to_string(&oxts).with_context(|| format!("cannot read {}", oxts.display()))?;
        paths.push(RecordedPath::kitti(&text)?);
    } else {
        tracing::warn!("{}: not there; its path is left out", oxts.display());
    }
    Ok(paths)
}

fn controller_config(condition: &Condition, lateral_law: LateralLaw) -> ControllerConfig {
    let mut config = ControllerConfig { lateral_law, ..ControllerConfig::default() };
    if condition.is_delay_told {
        config.dead_time_s += condition.delay_s;
    }
    config
}

/// As the stack configures it, over a map whose origin lies at 0° N 0° E.
fn localizer_config(rig: &SensorRig, start: &Pose2) -> LocalizerConfig {
    let mut config = LocalizerConfig { initial_pose: Some(*start), ..LocalizerConfig::default() };
    if let Some(gnss) = &rig.gnss {
        config.gnss_lever_arm = Vec2::new(gnss.pose.x_m, gnss.pose.y_m);
    }
    if let Some(imu) = &rig.imu {
        config.imu_pose = imu.pose.to_pose3();
        config.gyro_noise_radps = imu.gyro_noise_radps.max(1e-4);
        config.gyro_bias_radps = imu.gyro_bias_radps.max(1e-4);
    }
    config
}

/// The stack's controller as a follower.
struct Ours {
    /// None where its configuration is impossible; the car then drives on untouched and the report shows it.
    controller: Option<Controller>,
    fall_backs: usize,
}

impl Follower for Ours {
    fn step(
        &mut self,
        now: LogicalTime,
        trajectory: &Trajectory,
        ego: &Odometry,
        vehicle: &VehicleState,
        command: &mut Control,
    ) {
        let Some(controller) = &mut self.controller else { return };
        let status = controller.step(now, Some(trajectory), Some(ego), Some(vehicle), command);
        if !matches!(status, Ok(Status::Tracking | Status::Holding)) {
            self.fall_backs += 1;
        }
    }

    fn fall_backs(&self) -> usize {
        self.fall_backs
    }
}

/// The stack's localization as an estimator.
struct Localized {
    localizer: Option<Localizer>,
}

impl Estimator for Localized {
    fn step(
        &mut self,
        now: LogicalTime,
        imu: &Imu,
        wheels: &VehicleState,
        fix: Option<&NavSatFix>,
        ego: &mut Odometry,
    ) -> bool {
        let Some(localizer) = &mut self.localizer else { return false };
        localizer.step(now, &[imu], wheels, fix, ego).is_ok_and(|status| status.has_pose())
    }
}
