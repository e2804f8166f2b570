//! `auriga replay --from` and `--timing`: a part of a recorded drive run again, or all of it under another timing.

use crate::attestation;
use crate::configuration::{self, role, timing_file};
use crate::models::Networks;
use crate::replay::Opened;
use crate::run::{self, Watchers, println_line};
use crate::split::{self, Elsewhere};
use crate::stack::{self, Topics};
use anyhow::{Context, Result};
use auriga_geometry::LogicalDuration;
use auriga_runtime::recording::{Comparison, TopicComparison};
use auriga_runtime::replay::RecordedSource;
use auriga_runtime::{
    Durations, Executor, Graph, Observer, ProfileDurations, Publication, RunError, RunOptions, RunSummary,
    Source, TimingProfile,
};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Shares the comparison with whoever reports it.
struct Compare(Arc<Mutex<Option<Comparison>>>);

impl Observer for Compare {
    fn observe(&mut self, publication: &Publication<'_>) -> Result<(), RunError> {
        if let Some(comparison) = self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            comparison.message(publication.topic, publication.instant, &**publication.message);
        }
        Ok(())
    }
}

/// The graph from `node` on, and the topics that it writes again.
fn graph_from(
    opened: &mut Opened<'_>,
    node: &str,
    networks: Networks,
) -> Result<(Graph, Topics, Vec<String>)> {
    if networks.attested.is_empty() {
        // Steps that are shorter than a hop between threads; the bytes do not depend on it.
        let timing = &mut opened.configuration.timing;
        timing.executor.source_threads = 0;
        timing.domains.values_mut().for_each(|domain| domain.threads = 0);
    }
    // The platform's messages come from the file, as far as they are read: this source is not kept.
    let nothing = |_: &Graph, _: &Topics| -> Result<Box<dyn Source>> {
        let least = LogicalDuration::LEAST;
        Ok(Box::new(Elsewhere { period: least, least_latency: least }))
    };
    let (mut graph, topics) = stack::drive(&opened.configuration, nothing, &opened.kinds, None, networks)?;
    let path = opened.path;
    let again = graph.rerun_from(node, &mut |topics| -> Result<Box<dyn Source>> {
        Ok(Box::new(RecordedSource::open(path, topics)?))
    })?;
    Ok((graph, topics, again))
}

/// Runs again from `node` on; true when the outputs are equal to the byte.
pub fn from(mut opened: Opened<'_>, node: &str) -> Result<bool> {
    let threaded = opened.configuration.timing.clone();
    let (mut graph, mut topics, mut again) = graph_from(&mut opened, node, Networks::none())?;
    if graph.node_names().any(|name| name.ends_with("_network")) {
        opened.configuration.timing = threaded;
        let configuration = &opened.configuration;
        let networks = Networks::load(&configuration.models, configuration.rig.camera.as_ref())?;
        attestation::compare(&opened.recording, &networks.attested)?;
        (graph, topics, again) = graph_from(&mut opened, node, networks)?;
    }
    let nodes: Vec<&str> = graph.node_names().filter(|name| !name.starts_with("recorded/")).collect();
    println_line(&format!("runs again: {}", nodes.join(", ")));
    let durations = opened.run.durations.clone();
    let (summary, compared) = run(&opened, graph, topics, durations, &again)?;
    if summary.stopped {
        println_line("stopped: not compared to the end");
        return Ok(false);
    }
    show(&compared);
    let equal = compared.iter().all(TopicComparison::equal);
    let seconds = summary.end.as_secs_f64();
    println_line(&format!(
        "{seconds:.1} s, {:.0} simulated s per s: {}",
        seconds / summary.wall.as_secs_f64(),
        if equal { "equal to the byte" } else { "NOT equal" }
    ));
    Ok(equal)
}

/// Runs the whole stack again under another timing profile: open loop, the car drives as recorded.
pub fn under(mut opened: Opened<'_>, profile: &Path, seed: u64) -> Result<bool> {
    let file = configuration::locate(&timing_file(profile));
    let text =
        std::fs::read_to_string(&file).with_context(|| format!("{}: cannot be read", file.display()))?;
    opened.configuration.timing = TimingProfile::from_toml(&text, &file.display().to_string())?;
    let durations = match opened.configuration.timing.durations {
        ProfileDurations::Budget => Durations::Profile,
        ProfileDurations::Sampled => Durations::Sampled(seed),
    };
    let recorded_under = opened.configuration.files.iter().find(|file| file.role == role::TIMING);
    let recorded_under = recorded_under.map_or("its own", |file| file.origin.as_str());
    let networks = Networks::load(&opened.configuration.models, opened.configuration.rig.camera.as_ref())?;
    let (graph, topics) =
        stack::drive(&opened.configuration, opened.source(), &opened.kinds, None, networks)?;
    let sources = graph.source_topics().into_iter().map(str::to_owned).collect::<Vec<_>>();
    let recorded =
        graph.topics().iter().filter(|topic| topic.recorded && topic.name != auriga_runtime::trace::TOPIC);
    let made: Vec<String> =
        recorded.map(|topic| topic.name.clone()).filter(|name| !sources.contains(name)).collect();
    let (summary, compared) = run(&opened, graph, topics, durations, &made)?;
    println_line(&format!("recorded under {recorded_under}, run again under {}; open loop", file.display()));
    show(&compared);
    let missed: u64 = summary.nodes.iter().map(|node| node.missed).sum();
    println_line(&format!("{missed} deadlines missed in {:.1} s", summary.end.as_secs_f64()));
    for node in summary.nodes.iter().filter(|node| node.missed > 0) {
        println_line(&format!("  {:<24}{:>8} of {}", node.name, node.missed, node.steps));
    }
    Ok(!summary.stopped)
}

fn run(
    opened: &Opened<'_>,
    graph: Graph,
    topics: Topics,
    durations: Durations,
    compared: &[String],
) -> Result<(RunSummary, Vec<TopicComparison>)> {
    let place = |(place, topic): (usize, &auriga_runtime::TopicInfo)| (place as u16, topic.name.clone());
    let all = graph.topics().iter().enumerate().map(place);
    let places: Vec<(u16, String)> = all.filter(|(_, name)| compared.contains(name)).collect();
    let places: Vec<(u16, &str)> = places.iter().map(|(place, name)| (*place, name.as_str())).collect();
    let comparison = Arc::new(Mutex::new(Some(Comparison::with(&opened.recording, &places)?)));
    let mut watchers = Watchers::new(None);
    watchers.observers.push(Box::new(Compare(Arc::clone(&comparison))));
    watchers.progress(opened.run.end.as_secs_f64(), topics)?;
    let options = RunOptions {
        end: opened.run.end,
        durations,
        stop: run::stop_flag(true)?,
        observers: std::mem::take(&mut watchers.observers),
        exchange: Some(Box::new(split::within(&graph)?)),
        ..RunOptions::default()
    };
    let result = Executor::new(graph, options)?.run();
    watchers.finish()?;
    let compared = comparison.lock().unwrap_or_else(PoisonError::into_inner).take();
    Ok((result?, compared.map(Comparison::finish).unwrap_or_default()))
}

fn show(compared: &[TopicComparison]) {
    let titles = ["recorded", "now", "same bytes", "and instant"];
    println_line(&format!("{:<44}{:>10}{:>10}{:>12}{:>13}", "", titles[0], titles[1], titles[2], titles[3]));
    for topic in compared.iter().filter(|topic| topic.recorded + topic.published > 0) {
        let differs = topic.first_other.map_or(String::new(), |at| format!("  other from {at} on"));
        println_line(&format!(
            "  {:<42}{:>10}{:>10}{:>12}{:>13}{differs}",
            topic.topic, topic.recorded, topic.published, topic.same_bytes, topic.same_instant
        ));
    }
}
