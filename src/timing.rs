//! `auriga timing`: how old what the gate acts on can be, from the configuration alone.

use crate::configuration::{Configuration, Origin, Settings, role, timing_file};
use crate::models::Networks;
use crate::run::println_line;
use crate::split::Elsewhere;
use crate::stack::{self, Topics};
use anyhow::{Result, bail};
use auriga_geometry::LogicalDuration;
use auriga_hal::{SensorKind, SensorRig};
use auriga_runtime::{Certificate, Graph, SensorTiming, Source};
use clap::Args;
use std::path::PathBuf;

/// The actuation sink.
const SINK: &str = "gate";

/// What the command line asks.
#[derive(Args)]
pub struct Arguments {
    /// The timing profile: a file, or a name in configs/timing
    #[arg(value_name = "PROFILE", default_value = "configs/timing/cpu.toml")]
    profile: PathBuf,
    /// The sensors that the car carries
    #[arg(long, value_name = "FILE", default_value = "configs/sensors/default.toml")]
    sensors: PathBuf,
}

/// When the sensors of a rig speak: as the platform emits them, a scan at the end of its turn.
fn sensors(rig: &SensorRig, graph: &Graph, topics: &Topics) -> Vec<SensorTiming> {
    let lidar = rig.lidar.as_ref().map(|s| (SensorKind::Lidar, s.rate_hz, s.latency_ms));
    let camera = rig.camera.as_ref().map(|s| (SensorKind::Camera, s.rate_hz, s.latency_ms));
    let gnss = rig.gnss.as_ref().map(|s| (SensorKind::Gnss, s.rate_hz, s.latency_ms));
    let imu = rig.imu.as_ref().map(|s| (SensorKind::Imu, s.rate_hz, s.latency_ms));
    let wheels = Some((SensorKind::VehicleState, rig.wheels.rate_hz, rig.wheels.latency_ms));
    let timing = |(kind, rate_hz, latency_ms): (SensorKind, f64, f64)| -> Option<SensorTiming> {
        let period = LogicalDuration::from_secs_f64(1.0 / rate_hz);
        let sweep = if kind == SensorKind::Lidar { period } else { LogicalDuration::ZERO };
        Some(SensorTiming {
            topic: graph.topics()[usize::from(topics.of_sensor(kind)?)].name.clone(),
            period,
            phase: sweep,
            sweep,
            latency: LogicalDuration::from_secs_f64(latency_ms * 1e-3),
        })
    };
    [lidar, camera, gnss, imu, wheels].into_iter().flatten().filter_map(timing).collect()
}

/// The certificate of a drive's graph.
pub fn certify(configuration: &Configuration, graph: &Graph, topics: &Topics) -> Result<Certificate> {
    Ok(graph.certify(&sensors(&configuration.rig, graph, topics), SINK)?)
}

/// Refuses a configuration that does not keep its contract.
pub fn demand(configuration: &Configuration, graph: &Graph, topics: &Topics) -> Result<()> {
    let objections =
        certify(configuration, graph, topics)?.objections(configuration.timing.sensor_to_command);
    if objections.is_empty() {
        return Ok(());
    }
    let profile = configuration.files.iter().find(|file| file.role == role::TIMING);
    let origin = profile.map_or("timing profile", |file| &file.origin);
    bail!("{origin}: refused: {}; `auriga timing` shows every chain", objections.join("; "))
}

/// Shows the certificate; true when the profile keeps its contract.
pub fn run(arguments: &Arguments) -> Result<bool> {
    let origin = Origin::disk([
        (role::SENSORS, arguments.sensors.clone()),
        (role::TIMING, timing_file(&arguments.profile)),
    ]);
    let configuration = Configuration::load(&origin, Settings::default())?;
    let tick = LogicalDuration::from_millis(1);
    let source = move |_: &Graph, _: &Topics| -> Result<Box<dyn Source>> {
        Ok(Box::new(Elsewhere { period: tick, least_latency: tick }))
    };
    let (graph, topics) = stack::drive(&configuration, source, &SensorKind::ALL, None, Networks::none())?;
    let certificate = certify(&configuration, &graph, &topics)?;
    let contract = configuration.timing.sensor_to_command;
    println_line(&format!(
        "{:<32}{:>12}{:>12}{:>14}",
        "to the gate's command, worst", "reaction", "age", "from start"
    ));
    for chain in &certificate.chains {
        let [reaction, age, oldest] = [chain.reaction, chain.age, chain.age_oldest].map(|d| d.to_string());
        println_line(&format!("  {:<30}{reaction:>12}{age:>12}{oldest:>14}", chain.sensor));
    }
    println_line(&format!("{:<32}{contract:>24}", "contract (age)"));
    println_line("share of a domain's time that its budgets take");
    for load in &certificate.loads {
        let percent = 100.0 * load.utilisation;
        println_line(&format!("  {:<30}{percent:>10.1} %  of {} thread(s)", load.domain, load.threads));
    }
    let objections = certificate.objections(contract);
    for objection in &objections {
        println_line(&format!("FAILS: {objection}"));
    }
    if objections.is_empty() {
        println_line(&format!("passes; the schedule repeats within {}", certificate.span));
    }
    Ok(objections.is_empty())
}
