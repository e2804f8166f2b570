//! `auriga drive`: closed loop in the built-in simulator, its car right here or behind a CAN bus.

use crate::attestation::Attested;
use crate::configuration::{Configuration, Origin, Settings, role, timing_file};
use crate::fault;
use crate::models::Networks;
use crate::nodes::platform::PlatformSource;
use crate::observers::{Evaluate, Evaluators};
use crate::platform::{self, BusArguments, Choice};
use crate::run::{self, Scene, Watchers};
use crate::split::{self, Elsewhere, PlanningProcess, Role};
use crate::stack::{self, Topics};
use crate::timing;
use crate::top;
use anyhow::{Result, bail};
use auriga_evaluation::RunReport;
use auriga_geometry::{LogicalDuration, LogicalTime};
use auriga_hal::fault::FaultySensors;
use auriga_hal::{PlatformParts, SensorKind, SensorSink, Sensors};
use auriga_runtime::link::{self, LinkConfig, RunFacts, StatusPublisher};
use auriga_runtime::{Durations, Executor, Graph, Pacing, ProfileDurations, RunOptions, RunSummary, Source};
use auriga_sim_bridge::Success;
use clap::Args;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

/// What the command line says of a drive.
#[derive(Args)]
#[command(after_help = fault::EXAMPLES)]
pub struct Arguments {
    /// The scenario to drive
    #[arg(long, value_name = "FILE", default_value = "configs/scenarios/town.toml")]
    scenario: PathBuf,
    /// Seed of traffic, noise and everything else that is drawn by chance
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Folder for the recording and the report [default: runs/<scenario>-<seed>]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The sensors that the car carries
    #[arg(long, value_name = "FILE", default_value = "configs/sensors/default.toml")]
    sensors: PathBuf,
    /// When the nodes run and how long they may take: a file, or a name in configs/timing (`jetson-orin`: how it would
    /// have driven there)
    #[arg(long, value_name = "PROFILE", default_value = "configs/timing/cpu.toml")]
    timing: PathBuf,
    /// The networks that run, and on what
    #[arg(long, value_name = "FILE", default_value = "configs/models/own.toml")]
    models: PathBuf,
    /// End after so many simulated seconds
    #[arg(long, value_name = "SECONDS")]
    duration: Option<f64>,
    /// Pace the run in real time
    #[arg(long)]
    live: bool,
    /// Show the run in a running Rerun viewer
    #[arg(long, value_name = "URL", num_args = 0..=1, default_missing_value = run::VIEWER_URL)]
    connect: Option<String>,
    /// Write no recording.rrd
    #[arg(long)]
    no_rrd: bool,
    /// Run planning and actuation as two processes on loopback
    #[arg(long)]
    split: bool,
    /// Tell `auriga top` how the drive is doing, at this endpoint; a live drive does so anyway where it can
    #[arg(long, value_name = "ENDPOINT", num_args = 0..=1, default_missing_value = top::ENDPOINT)]
    diagnostics: Option<String>,
    /// Where the car is: simulated right here, or behind a CAN bus
    #[arg(long, value_enum, default_value_t)]
    platform: Choice,
    #[command(flatten)]
    bus: BusArguments,
    /// Something that goes wrong with a sensor, a node or the car's bus: see below. May be given several times
    #[arg(long, value_name = "FAULT")]
    fault: Vec<String>,
    /// Must-fail control: neither planner nor gate brakes for obstacles
    #[arg(long)]
    ignore_obstacles: bool,
    /// Must-fail control: the planner does not stop at red lights
    #[arg(long)]
    ignore_lights: bool,
    /// Must-fail control: lidar and camera see no road users
    #[arg(long)]
    hide_road_users: bool,
    /// Be the planning end of a split run whose actuation end listens here
    #[arg(long, hide = true, value_name = "ENDPOINT")]
    planning_of: Option<String>,
    /// The run that both ends belong to
    #[arg(long, hide = true)]
    run_id: Option<String>,
}

impl Arguments {
    fn configuration(&self) -> Result<Configuration> {
        let mut origin = Origin::disk([
            (role::SCENARIO, self.scenario.clone()),
            (role::SENSORS, self.sensors.clone()),
            (role::TIMING, timing_file(&self.timing)),
            (role::MODELS, self.models.clone()),
        ]);
        if self.platform == Choice::Can {
            self.bus.add_files(&mut origin)?;
        }
        let settings = Settings {
            seed: self.seed,
            obstacle_braking: !self.ignore_obstacles,
            obey_lights: !self.ignore_lights,
            road_users_visible: !self.hide_road_users,
            faults: self.fault.clone(),
        };
        Configuration::load(&origin, settings)
    }

    fn duration_s(&self, configuration: &Configuration) -> f64 {
        self.duration.unwrap_or(configuration.scenario.duration_s)
    }

    /// What both ends of a split run have in common.
    fn options(&self, configuration: &Configuration, stop: Arc<AtomicBool>) -> RunOptions {
        let span = LogicalDuration::from_secs_f64(self.duration_s(configuration));
        RunOptions {
            end: LogicalTime::ZERO + span,
            pacing: self.pacing(),
            durations: match configuration.timing.durations {
                ProfileDurations::Budget => Durations::Profile,
                ProfileDurations::Sampled => Durations::Sampled(self.seed),
            },
            stop,
            ..RunOptions::default()
        }
    }

    /// Begins to tell how the drive is doing, where that is asked for; of a live drive, where it is possible.
    fn diagnose(
        &self,
        watchers: &mut Watchers,
        graph: &Graph,
        name: &str,
        links: Vec<String>,
    ) -> Result<Option<StatusPublisher>> {
        let Some(endpoint) = self.diagnostics.as_deref().or(self.live.then_some(top::ENDPOINT)) else {
            return Ok(None);
        };
        let mut config = LinkConfig::new(split::VEHICLE);
        config.listen.push(endpoint.to_owned());
        config.timeout = link::HEARTBEAT;
        let facts = RunFacts { run: name.to_owned(), live: self.live, links };
        match StatusPublisher::open(&config, graph, &facts, watchers.recorder()) {
            Ok((publisher, monitor)) => {
                watchers.observers.push(Box::new(monitor));
                Ok(Some(publisher))
            }
            Err(error) if self.diagnostics.is_some() => Err(error.into()),
            Err(error) => {
                tracing::warn!("`auriga top` will not see this drive: {error}");
                Ok(None)
            }
        }
    }

    fn pacing(&self) -> Pacing {
        if self.live { Pacing::Live } else { Pacing::Virtual }
    }

    fn watch(
        &self,
        watchers: &mut Watchers,
        configuration: &Configuration,
        topics: Topics,
        folder: &Path,
        evaluators: &Arc<Mutex<Option<Evaluators>>>,
    ) -> Result<()> {
        if !self.no_rrd || self.connect.is_some() {
            let scene = Scene::of(configuration);
            let rrd = (!self.no_rrd).then(|| folder.join("recording.rrd"));
            watchers.show(rrd, self.connect.clone(), &scene, topics)?;
        }
        watchers.evaluate(&Evaluate { evaluators: Arc::clone(evaluators), topics, trace: 0 });
        watchers.progress(self.duration_s(configuration), topics)
    }
}

/// Drives; true when the scenario's aim was reached and nobody was touched.
pub fn run(arguments: &Arguments) -> Result<bool> {
    let stop = run::stop_flag(arguments.planning_of.is_none())?;
    if arguments.planning_of.is_none() {
        run::check_viewer(arguments.connect.as_deref())?;
    }
    let configuration = arguments.configuration()?;
    if arguments.live && configuration.timing.durations == ProfileDurations::Sampled {
        bail!(
            "{}: draws the durations of steps, and --live measures them: leave one of the two out",
            arguments.timing.display()
        );
    }
    // The planning end has no car: it only needs to know which sensors there are.
    let choice = if arguments.planning_of.is_some() { Choice::Embedded } else { arguments.platform };
    let (platform, car) =
        platform::open(choice, &arguments.bus, &arguments.sensors, &configuration, arguments.seed)?;
    let name = platform.name();
    let PlatformParts { sensors, vehicle } = platform.split();
    let sensors = FaultySensors::new(sensors, configuration.faults.sensors.clone());
    let kinds: Vec<SensorKind> = sensors.kinds().into_iter().map(|(kind, _)| kind).collect();
    if let Some(endpoint) = &arguments.planning_of {
        return plan_for(arguments, &configuration, &sensors, &kinds, endpoint, stop);
    }
    let source = {
        let kinds = kinds.clone();
        move |_: &Graph, _: &Topics| -> Result<Box<dyn Source>> {
            Ok(Box::new(PlatformSource { sensors: Box::new(sensors), kinds, sink: SensorSink::default() }))
        }
    };
    let networks = if arguments.split {
        Networks::none()
    } else {
        Networks::load(&configuration.models, configuration.rig.camera.as_ref())?
    };
    let mut attested = networks.attested.clone();
    let (graph, topics) = stack::drive(&configuration, source, &kinds, vehicle, networks)?;
    timing::demand(&configuration, &graph, &topics)?;
    let mut links = Vec::new();
    let (exchange, split, child) = if arguments.split {
        let planning = Planning::start(&configuration, &graph, arguments.live)?;
        attested = planning.networks;
        links.push(format!("planning at {}", planning.endpoint));
        (planning.end.exchange, Some(Role::Actuation.split()), Some(planning.process))
    } else {
        (split::within(&graph)?, None, None)
    };

    let folder = run::new_folder(
        arguments.out.as_deref(),
        &format!("{}-{}", configuration.scenario.name, arguments.seed),
    )?;
    let recording = folder.join("recording.mcap");
    let recorder =
        run::recorder(&graph, &recording, name, &configuration.files, &attested, arguments.pacing())?;
    let evaluators = Arc::new(Mutex::new(Some(Evaluators::new(&configuration))));
    let mut watchers = Watchers::new(Some(recorder));
    arguments.watch(&mut watchers, &configuration, topics, &folder, &evaluators)?;
    let diagnostics = arguments.diagnose(&mut watchers, &graph, &name_of_run(&folder), links)?;
    let options = RunOptions {
        observers: watchers.take_observers()?,
        exchange: Some(Box::new(exchange)),
        split,
        ..arguments.options(&configuration, stop)
    };
    let result = Executor::new(graph, options)?.run();
    drop(diagnostics);
    let written = watchers.finish()?;
    let evaluated = evaluators.lock().ok().and_then(|mut guard| guard.take());
    let mut report = evaluated.map(Evaluators::finish).unwrap_or_default();
    report.scenario.clone_from(&configuration.scenario.name);
    report.seed = arguments.seed;
    report.success = result.as_ref().is_ok_and(|summary| aim_reached(&configuration, &report, summary));
    let success = report.success;
    run::report(report, result, &written, &folder)?;
    if let Some(child) = child {
        child.finish()?;
    }
    if let Some(car) = car {
        car.finish()?;
    }
    Ok(success)
}

/// A run is called after its folder.
fn name_of_run(folder: &Path) -> String {
    folder.file_name().map_or("drive".into(), |name| name.to_string_lossy()).into_owned()
}

/// Whether the scenario's own aim was reached, and nobody touched.
fn aim_reached(configuration: &Configuration, report: &RunReport, summary: &RunSummary) -> bool {
    let untouched = report.drive.as_ref().is_some_and(|drive| drive.collisions.is_empty());
    match configuration.scenario.success {
        Success::Goal => report.success(),
        Success::Standing => {
            untouched && !summary.stopped && summary.end.as_secs_f64() < configuration.scenario.duration_s
        }
        Success::Duration => untouched && !summary.stopped,
    }
}

/// The planning process and the link to it.
struct Planning {
    process: PlanningProcess,
    end: split::End,
    endpoint: String,
    networks: Vec<Attested>,
}

impl Planning {
    fn start(configuration: &Configuration, graph: &Graph, live: bool) -> Result<Self> {
        let (endpoint, run) = (split::free_endpoint()?, std::process::id().to_string());
        let end = split::open(Role::Actuation, &endpoint, &run, configuration, graph, live)?;
        let process = PlanningProcess::start(&endpoint, &run)?;
        let networks = end.wait_for_planning()?;
        Ok(Self { process, end, endpoint, networks })
    }
}

/// The planning end of a split run.
fn plan_for(
    arguments: &Arguments,
    configuration: &Configuration,
    sensors: &dyn Sensors,
    kinds: &[SensorKind],
    endpoint: &str,
    stop: Arc<AtomicBool>,
) -> Result<bool> {
    let elsewhere = Elsewhere { period: sensors.tick_period(), least_latency: sensors.least_latency() };
    let source = move |_: &Graph, _: &Topics| -> Result<Box<dyn Source>> { Ok(Box::new(elsewhere)) };
    let networks = Networks::load(&configuration.models, configuration.rig.camera.as_ref())?;
    let attested = networks.attested.clone();
    let (graph, _) = stack::drive(configuration, source, kinds, None, networks)?;
    let run = arguments.run_id.as_deref().unwrap_or("0");
    let end = split::open(Role::Planning, endpoint, run, configuration, &graph, arguments.live)?;
    end.wait_for_actuation(&attested)?;
    let options = RunOptions {
        exchange: Some(Box::new(end.exchange)),
        split: Some(Role::Planning.split()),
        ..arguments.options(configuration, stop)
    };
    Executor::new(graph, options)?.run()?;
    Ok(true)
}
