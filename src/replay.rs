//! `auriga replay`: the stack on a recorded drive.

use crate::attestation;
use crate::comma2k19::{self, Comma2k19Arguments};
use crate::configuration::Configuration;
use crate::kitti::{self, KittiArguments};
use crate::models::Networks;
use crate::run::{self, Watchers};
use crate::{recorded, split, stack};
use anyhow::{Context, Result, bail};
use auriga_hal::SensorKind;
use auriga_runtime::recording::{Recording, compare};
use auriga_runtime::replay::{RecordedSource, recorded_run};
use auriga_runtime::{Executor, Graph, RunOptions, Source};
use clap::Args;
use std::path::{Path, PathBuf};

/// What the command line says of a replay.
#[derive(Args)]
pub struct Arguments {
    /// A recording.mcap of our own, or kitti:FOLDER, or comma2k19:FOLDER
    #[arg(value_name = "FILE")]
    input: String,
    /// Folder for what the replay writes [default: runs/<name>-replay]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Of KITTI: seed of the noise on satellite positions
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Of KITTI and comma2k19: no satellite positions from this second on, to see the drift
    #[arg(long, value_name = "SECONDS")]
    withhold_gnss_after: Option<f64>,
    /// Of KITTI: the networks that run, and on what
    #[arg(long, value_name = "FILE", default_value = "configs/models/pretrained.toml")]
    models: PathBuf,
    /// Write no recording.rrd
    #[arg(long)]
    no_rrd: bool,
}

/// Replays; true when every byte is the same, or a foreign recording came to its end.
pub fn run(arguments: &Arguments) -> Result<bool> {
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
    let recording = Recording::open(path)?;
    if recording.is_truncated() {
        eprintln!("{}: ends early; replaying what is there", path.display());
    }
    let metadata = recording.metadata();
    let platform = metadata.get("platform").map_or("embedded", String::as_str);
    if recorded::PLATFORMS.contains(&platform) {
        bail!("{}: is of a recorded drive; repeat that with `replay {platform}:FOLDER`", path.display());
    }
    let configuration = Configuration::of_recording(&recording)?;
    let timeline = recorded_run(&recording)?;
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
    let source = |graph: &Graph, topics: &stack::Topics| -> Result<Box<dyn Source>> {
        let all = graph.topics();
        let indices = kinds.iter().filter_map(|kind| topics.of_sensor(*kind));
        let recorded = indices.map(|index| all[usize::from(index)].clone()).collect();
        Ok(Box::new(RecordedSource::open(path, recorded)?))
    };
    let networks = Networks::load(&configuration.models, configuration.rig.camera.as_ref())?;
    attestation::compare(&recording, &networks.attested)?;
    let attested = networks.attested.clone();
    let (graph, topics) = stack::drive(&configuration, source, &kinds, None, networks)?;

    let name = path.parent().and_then(Path::file_name).map_or("drive".into(), |name| name.to_string_lossy());
    let folder = run::new_folder(arguments.out.as_deref(), &format!("{name}-replay"))?;
    let replayed = folder.join("recording.mcap");
    let recorder = run::recorder(&graph, &replayed, platform, &configuration.files, &attested)?;
    let mut watchers = Watchers::new(Some(recorder));
    watchers.progress(timeline.end.as_secs_f64(), topics)?;
    let options = RunOptions {
        end: timeline.end,
        durations: timeline.durations,
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
    let differences = compare(&recording, &Recording::open(&replayed)?)?;
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
