//! `auriga replay`: the stack on a recorded drive.

use crate::attestation;
use crate::comma2k19::{self, Comma2k19Arguments};
use crate::configuration::Configuration;
use crate::kitti::{self, KittiArguments};
use crate::models::Networks;
use crate::rosbag::{self, RosbagArguments};
use crate::run::{self, Watchers};
use crate::{play, recorded, rerun, split, stack};
use anyhow::{Context, Result, bail};
use auriga_hal::SensorKind;
use auriga_runtime::recording::{Recording, compare};
use auriga_runtime::replay::{RecordedRun, RecordedSource, recorded_run};
use auriga_runtime::{Executor, Graph, Pacing, RunOptions, Source};
use clap::Args;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "Examples:
  auriga replay runs/town-1/recording.mcap
  auriga replay drive.mcap --rig car.toml --remap /ouster/points=/sensing/lidar/points --remap /odom=/vehicle/state
  auriga replay bag_folder --rig car.toml --no-rrd

Of somebody else's rosbag2 (MCAP or SQLite) sensor_msgs PointCloud2, Image, CompressedImage, CameraInfo, Imu and NavSatFix
are read, and the wheels' speed from geometry_msgs/TwistStamped or nav_msgs/Odometry. The only topic of a type is found by
itself; where there are several, --remap names one. Where the sensors sit is in the rig: see configs/sensors/.";

/// What the command line says of a replay.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// A recording.mcap of our own, or kitti:FOLDER, or comma2k19:FOLDER; with --rig anybody's rosbag2: .mcap, .db3 or its folder
    #[arg(value_name = "FILE")]
    input: String,
    /// Folder for what the replay writes [default: runs/<name>-replay]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Of KITTI: seed of the noise on satellite positions
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Of recorded drives: no satellite positions from this second on, to see the drift
    #[arg(long, value_name = "SECONDS")]
    withhold_gnss_after: Option<f64>,
    /// Of KITTI and rosbag2: the networks that run, and on what
    #[arg(long, value_name = "FILE", default_value = "configs/models/pretrained.toml")]
    models: PathBuf,
    /// Of a foreign rosbag2: where its sensors sit (as configs/sensors/default.toml)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["from", "timing", "play"])]
    rig: Option<PathBuf>,
    /// Of a foreign rosbag2: its topic THEIRS is our OURS, such as /velodyne_points=/sensing/lidar/points
    #[arg(long, value_name = "THEIRS=OURS", requires = "rig")]
    remap: Vec<String>,
    /// Of a foreign rosbag2: the car that carries the sensors
    #[arg(long, value_name = "FILE", default_value = "configs/vehicles/auriga-sedan.toml")]
    vehicle: PathBuf,
    /// Of a foreign rosbag2: messages were captured when they were recorded, whatever their stamps say
    #[arg(long, requires = "rig")]
    log_time: bool,
    /// Write no recording.rrd
    #[arg(long)]
    no_rrd: bool,
    /// Take everything before this node from the recording and run again from there on; exit status 1 when a message differs
    #[arg(long, value_name = "NODE", conflicts_with_all = ["timing", "play"])]
    from: Option<String>,
    /// Run again under another timing profile, open loop: shows which outputs differ, and claims no more
    #[arg(long, value_name = "PROFILE", conflicts_with = "play")]
    timing: Option<PathBuf>,
    /// Only show what was recorded: writes recording.rrd, or plays it in real time with --connect; runs nothing
    #[arg(long)]
    play: bool,
    /// With --play: in a running Rerun viewer
    #[arg(long, value_name = "URL", num_args = 0..=1, default_missing_value = run::VIEWER_URL, requires = "play")]
    connect: Option<String>,
}

/// Our own recording, opened for a replay.
pub struct Opened<'a> {
    /// The file.
    pub path: &'a Path,
    /// What is in it.
    pub recording: Recording,
    /// The configuration that it holds.
    pub configuration: Configuration,
    /// What its platform emitted.
    pub kinds: Vec<SensorKind>,
    /// How it ran.
    pub run: RecordedRun,
}

impl<'a> Opened<'a> {
    fn new(path: &'a Path, recording: Recording) -> Result<Self> {
        let configuration = Configuration::of_recording(&recording)?;
        let run = recorded_run(&recording)?;
        let metadata = recording.metadata();
        let sources =
            metadata.get("source_topics").with_context(|| format!("{}: no source_topics", path.display()))?;
        let wanted: Vec<&str> = sources.split(',').collect();
        let mut probe = Graph::new(configuration.timing.clone());
        let topics = stack::Topics::declare(&mut probe, &SensorKind::ALL);
        let is_wanted = |kind: &SensorKind| {
            let topic = topics.of_sensor(*kind).and_then(|index| probe.topics().get(usize::from(index)));
            topic.is_some_and(|topic| wanted.contains(&topic.name.as_str()))
        };
        let kinds: Vec<SensorKind> = SensorKind::ALL.into_iter().filter(is_wanted).collect();
        if kinds.len() != wanted.len() {
            bail!("{}: has source topics that this build does not know: {sources}", path.display());
        }
        Ok(Self { path, recording, configuration, kinds, run })
    }

    /// The recorded platform as the graph's source.
    pub fn source(&self) -> impl FnOnce(&Graph, &stack::Topics) -> Result<Box<dyn Source>> {
        let (path, kinds) = (self.path.to_owned(), self.kinds.clone());
        move |graph, topics| {
            let indices = kinds.iter().filter_map(|kind| topics.of_sensor(*kind));
            let recorded = indices.map(|index| graph.topics()[usize::from(index)].clone()).collect();
            Ok(Box::new(RecordedSource::open(&path, recorded)?))
        }
    }

    /// `<run>-<what>`, from the folder that the recording is in.
    pub fn name(&self, what: &str) -> String {
        let folder = self.path.parent().and_then(Path::file_name);
        format!("{}-{what}", folder.map_or("drive".into(), |name| name.to_string_lossy()))
    }
}

/// Replays; true when every byte is the same, or a foreign recording came to its end.
pub fn run(arguments: &Arguments) -> Result<bool> {
    let partly = arguments.from.is_some() || arguments.timing.is_some() || arguments.play;
    if partly && recorded::PLATFORMS.iter().any(|name| arguments.input.starts_with(&format!("{name}:"))) {
        bail!("--from, --timing and --play are for recordings of our own: replay RUN/recording.mcap");
    }
    if let Some(folder) = arguments.input.strip_prefix("comma2k19:") {
        return comma2k19::run(&Comma2k19Arguments {
            folder: Path::new(folder),
            out: arguments.out.as_deref(),
            withhold_gnss_after_s: arguments.withhold_gnss_after,
            no_rrd: arguments.no_rrd,
        });
    }
    if let Some(folder) = arguments.input.strip_prefix("kitti:") {
        return kitti::run(&KittiArguments {
            folder: Path::new(folder),
            out: arguments.out.as_deref(),
            seed: arguments.seed,
            withhold_gnss_after_s: arguments.withhold_gnss_after,
            models: &arguments.models,
            no_rrd: arguments.no_rrd,
        });
    }
    let path = Path::new(&arguments.input);
    if let Some(rig) = &arguments.rig {
        return rosbag::run(&RosbagArguments {
            path,
            rig,
            vehicle: &arguments.vehicle,
            remap: &arguments.remap,
            log_time: arguments.log_time,
            out: arguments.out.as_deref(),
            withhold_gnss_after_s: arguments.withhold_gnss_after,
            models: &arguments.models,
            no_rrd: arguments.no_rrd,
        });
    }
    if path.is_dir() || path.extension().is_some_and(|extension| extension == "db3") {
        bail!(
            "{}: is no recording of ours; to run the stack on a rosbag2 say where its sensors sit: --rig FILE",
            path.display()
        );
    }
    let recording = Recording::open(path)?;
    if recording.is_truncated() {
        eprintln!("{}: ends early; replaying what is there", path.display());
    }
    let gaps: Vec<String> = recording.gaps().iter().map(ToString::to_string).collect();
    if !gaps.is_empty() {
        eprintln!("{}: has gaps: it lacks {}", path.display(), gaps.join(", "));
    }
    if arguments.play {
        return play::run(path, &recording, arguments.out.as_deref(), arguments.connect.as_deref());
    }
    let metadata = recording.metadata();
    if metadata.is_empty() {
        bail!(
            "{}: is no recording of ours; to run the stack on it say where its sensors sit: --rig FILE",
            path.display()
        );
    }
    if let Some(platform) =
        metadata.get("platform").filter(|name| recorded::PLATFORMS.contains(&name.as_str()))
    {
        let again = if platform == "rosbag" {
            "replay FILE --rig FILE".to_owned()
        } else {
            format!("replay {platform}:FOLDER")
        };
        bail!("{}: is of a recorded drive; repeat that with `{again}`", path.display());
    }
    let opened = Opened::new(path, recording)?;
    match (&arguments.from, &arguments.timing) {
        (Some(node), _) => rerun::from(opened, node),
        (_, Some(profile)) => rerun::under(opened, profile, arguments.seed),
        _ => whole(opened, arguments.out.as_deref()),
    }
}

/// The whole stack again; true when every byte is the same.
fn whole(opened: Opened<'_>, out: Option<&Path>) -> Result<bool> {
    let configuration = &opened.configuration;
    let networks = Networks::load(&configuration.models, configuration.rig.camera.as_ref())?;
    attestation::compare(&opened.recording, &networks.attested)?;
    let attested = networks.attested.clone();
    let (graph, topics) = stack::drive(configuration, opened.source(), &opened.kinds, None, networks)?;

    let folder = run::new_folder(out, &opened.name("replay"))?;
    let replayed = folder.join("recording.mcap");
    let metadata = opened.recording.metadata();
    let platform = metadata.get("platform").map_or("embedded", String::as_str);
    let recorder =
        run::recorder(&graph, &replayed, platform, &configuration.files, &attested, Pacing::Virtual)?;
    let mut watchers = Watchers::new(Some(recorder));
    watchers.progress(opened.run.end.as_secs_f64(), topics)?;
    let options = RunOptions {
        end: opened.run.end,
        durations: opened.run.durations,
        stop: run::stop_flag(true)?,
        observers: std::mem::take(&mut watchers.observers),
        exchange: Some(Box::new(split::within(&graph)?)),
        ..RunOptions::default()
    };
    let result = Executor::new(graph, options)?.run();
    let written = watchers.finish()?;
    let summary = result?;
    if summary.stopped {
        run::println_line("stopped: nothing compared");
        return Ok(false);
    }
    let differences = compare(&opened.recording, &Recording::open(&replayed)?)?;
    for difference in &differences {
        run::println_line(&difference.to_string());
    }
    let messages: u64 = summary.messages.iter().map(|(_, count)| u64::from(*count)).sum();
    let verdict = if differences.is_empty() { "equal to the byte" } else { "NOT equal" };
    run::println_line(&format!(
        "{messages} messages on {} topics, {:.1} s: {verdict}; digest {}",
        summary.messages.iter().filter(|(_, count)| *count > 0).count(),
        summary.end.as_secs_f64(),
        written.digest
    ));
    Ok(differences.is_empty())
}
