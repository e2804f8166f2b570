//! A node that hangs in a live run costs its domain: it is recorded, the rest goes on, the run ends, and the recording
//! replays.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use auriga_geometry::LogicalTime;
use auriga_runtime::recording::{Recorder, RecorderHandle, RecorderOptions, Recording, TopicInfo, compare};
use auriga_runtime::replay::recorded_run;
use auriga_runtime::{
    Durations, Executor, Graph, Group, Node, NodeError, Observer, Output, Pacing, Publication, RunError,
    RunOptions, RunSummary, Step, TimingProfile,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

auriga_wire::message! {
    /// A number.
    pub struct Number = "test_msgs/msg/Number" {
        /// Its value.
        pub value: u64,
    }
}

/// Counts its steps. In the fifth it sleeps for that long by the clock, where it is told to; without an end: for ever.
struct Count {
    steps: u64,
    sleeps: Option<Option<Duration>>,
}
impl Node for Count {
    type Inputs = ();
    type Outputs = (Output<Number>,);
    fn step(&mut self, _: &Step, (): &(), (number,): &mut Self::Outputs) -> Result<(), NodeError> {
        self.steps += 1;
        match self.sleeps {
            Some(Some(duration)) if self.steps == 5 => std::thread::sleep(duration),
            Some(None) if self.steps == 5 => loop {
                std::thread::park();
            },
            _ => {}
        }
        number.write().value = self.steps;
        Ok(())
    }
}

struct Record(RecorderHandle);
impl Observer for Record {
    fn observe(&mut self, publication: &Publication<'_>) -> Result<(), RunError> {
        let Publication { topic, sequence, instant, message } = *publication;
        self.0.record(topic, sequence, instant, Arc::clone(message)).unwrap();
        Ok(())
    }
    fn backlog(&self) -> usize {
        self.0.backlog()
    }
}

/// Two nodes in one domain, of which the first hangs, and one in another.
fn graph(sleeps: Option<Option<Duration>>) -> Graph {
    let node = |name: &str, domain: &str| {
        format!(
            "[node.{name}]\ndomain = \"{domain}\"\nrelease = {{ period_ms = 20.0 }}\nbudget_ms = 10.0\non_miss = \"drop\"\n"
        )
    };
    let profile = format!(
        "[contract]\nsensor_to_command_ms = 300.0\n[executor]\nwatchdog_ms = 200\n[domain.bad]\nthreads = 1\n[domain.good]\nthreads = 1\n{}{}{}",
        node("hangs", "bad"),
        node("beside", "bad"),
        node("elsewhere", "good")
    );
    let mut graph = Graph::new(TimingProfile::from_toml(&profile, "test.toml").unwrap());
    for name in ["hangs", "beside", "elsewhere"] {
        let topic = graph.topic::<Number>(&format!("/{name}"));
        let sleeps = if name == "hangs" { sleeps } else { None };
        graph.node(name, Group::FIRST, Count { steps: 0, sleeps }, (), (topic.publish(),)).unwrap();
    }
    graph
}

fn run(graph: Graph, path: &Path, pacing: Pacing, durations: Durations) -> RunSummary {
    let topics = graph.topics().iter().map(|topic| TopicInfo {
        name: topic.name.clone(),
        type_name: topic.type_name.to_owned(),
        schema_text: topic.schema_text.clone(),
        type_hash: topic.type_hash.clone(),
    });
    let recorder = Recorder::create(path, RecorderOptions::new(topics.collect())).unwrap();
    let options = RunOptions {
        end: LogicalTime::from_nanos(1_500_000_000),
        pacing,
        durations,
        observers: vec![Box::new(Record(recorder.handle()))],
        ..RunOptions::default()
    };
    let summary = Executor::new(graph, options).unwrap().run().unwrap();
    recorder.finish().unwrap();
    summary
}

fn check(name: &str, sleeps: Option<Duration>) -> RunSummary {
    let path = |what: &str| -> PathBuf {
        std::env::temp_dir().join(format!("auriga-watchdog-{}-{name}-{what}.mcap", std::process::id()))
    };
    let (live, again) = (path("live"), path("again"));
    let summary = run(graph(Some(sleeps)), &live, Pacing::Live, Durations::Profile);
    let recording = Recording::open(&live).unwrap();
    let recorded = recorded_run(&recording).unwrap();
    run(graph(None), &again, Pacing::Virtual, recorded.durations);
    assert_eq!(compare(&recording, &Recording::open(&again).unwrap()).unwrap(), []);
    std::fs::remove_file(live).unwrap();
    std::fs::remove_file(again).unwrap();
    let [hangs, _, elsewhere] = summary.nodes.as_slice() else { panic!("{} nodes", summary.nodes.len()) };
    assert_eq!((hangs.hung, elsewhere.hung), (1, 0));
    assert!(hangs.skipped >= 10 && elsewhere.steps >= 70, "{} and {}", hangs.skipped, elsewhere.steps);
    summary
}

#[test]
fn a_node_that_never_comes_back_costs_its_domain() {
    let summary = check("never", None);
    let [hangs, beside, _] = summary.nodes.as_slice() else { panic!("{} nodes", summary.nodes.len()) };
    assert_eq!((hangs.steps, beside.hung), (4, 1));
}

#[test]
fn a_node_that_comes_back_goes_on() {
    let summary = check("back", Some(Duration::from_millis(500)));
    let [hangs, beside, _] = summary.nodes.as_slice() else { panic!("{} nodes", summary.nodes.len()) };
    assert!(hangs.steps > 20 && beside.steps > 20, "{} and {}", hangs.steps, beside.steps);
}
