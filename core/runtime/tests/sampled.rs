//! Durations drawn with a seed: misses happen, each policy does what it says, and everything repeats.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use auriga_geometry::{LogicalDuration, LogicalTime};
use auriga_runtime::trace::TraceRecord;
use auriga_runtime::{
    Durations, Executor, Graph, Group, Node, NodeError, Observer, Output, Publication, RecordedStep,
    RunError, RunOptions, RunSummary, Step, TimingProfile,
};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

auriga_wire::message! {
    /// A number.
    pub struct Number = "test_msgs/msg/Number" {
        /// Its value.
        pub value: u64,
    }
}

/// (topic, instant, CDR bytes) of everything that was published.
type Messages = Vec<(u16, i64, Vec<u8>)>;
type Log = Arc<Mutex<Messages>>;

struct Keep(Log);
impl Observer for Keep {
    fn observe(&mut self, publication: &Publication<'_>) -> Result<(), RunError> {
        let mut bytes = Vec::new();
        publication.message.write_cdr(&mut bytes);
        self.0.lock().unwrap().push((publication.topic, publication.instant.as_nanos(), bytes));
        Ok(())
    }
}

struct Count(u64);
impl Node for Count {
    type Inputs = ();
    type Outputs = (Output<Number>,);
    fn step(&mut self, step: &Step, (): &(), (number,): &mut Self::Outputs) -> Result<(), NodeError> {
        // What it is told must not depend on how long it will take.
        assert_eq!((step.publication - step.release).as_nanos(), 5_000_000);
        self.0 += 1;
        number.write().value = self.0;
        Ok(())
    }
}

fn graph(policy: &str) -> Graph {
    let profile = format!(
        r#"
        durations = "sampled"
        [contract]
        sensor_to_command_ms = 300.0
        [domain.a]
        threads = 2
        [node.count]
        domain = "a"
        release = {{ period_ms = 10.0 }}
        budget_ms = 5.0
        on_miss = "{policy}"
        takes_ms = {{ least = 1.0, median = 4.0, p99 = 12.0, most = 25.0 }}
        "#
    );
    let mut graph = Graph::new(TimingProfile::from_toml(&profile, "test.toml").unwrap());
    let number = graph.topic::<Number>("/number");
    graph.node("count", Group::FIRST, Count(0), (), (number.publish(),)).unwrap();
    graph
}

fn run(policy: &str, durations: Durations) -> (Result<RunSummary, RunError>, Messages) {
    let log = Log::default();
    let options = RunOptions {
        end: LogicalTime::from_nanos(5_000_000_000),
        durations,
        observers: vec![Box::new(Keep(Arc::clone(&log)))],
        ..RunOptions::default()
    };
    let summary = Executor::new(graph(policy), options).unwrap().run();
    let log = std::mem::take(&mut *log.lock().unwrap());
    (summary, log)
}

fn records(log: &[(u16, i64, Vec<u8>)]) -> Vec<TraceRecord> {
    log.iter().filter(|m| m.0 == 0).map(|m| auriga_wire::from_cdr(&m.2).unwrap()).collect()
}

fn count(records: &[TraceRecord], outcome: u8) -> u64 {
    records.iter().filter(|record| record.outcome == outcome).count() as u64
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_one_others() {
    let (_, first) = run("publish_late", Durations::Sampled(3));
    assert_eq!(first, run("publish_late", Durations::Sampled(3)).1);
    assert_ne!(first, run("publish_late", Durations::Sampled(4)).1);
}

#[test]
fn late_steps_are_published_late_and_long_ones_skip_the_next_release() {
    let (summary, log) = run("publish_late", Durations::Sampled(1));
    let (statistics, records) = (&summary.unwrap().nodes[0], records(&log));
    let late: Vec<&TraceRecord> = records.iter().filter(|r| r.outcome == TraceRecord::LATE).collect();
    assert_eq!(late.len() as u64, statistics.missed);
    // A step misses when it takes over 5 ms: between median and p99, a share of 0.49 · 7/8 and the last hundredth.
    let share = late.len() as f64 / statistics.steps as f64;
    assert!((share - (0.49 * 7.0 / 8.0 + 0.01)).abs() < 0.1, "{share}");
    for record in &late {
        let took = record.publication - record.release;
        assert!(took > LogicalDuration::from_millis(5).as_nanos() && took <= 25_000_000, "{took}");
    }
    assert_eq!(count(&records, TraceRecord::SKIPPED), statistics.skipped);
    assert!(statistics.skipped > 0, "some step takes longer than the period");
    let on_time = records.iter().filter(|r| r.outcome == TraceRecord::PUBLISHED);
    assert!(on_time.into_iter().all(|r| r.publication - r.release == 5_000_000));
}

#[test]
fn the_other_policies_publish_nothing_late() {
    for (policy, outcome) in [("drop", TraceRecord::DROPPED), ("hold_last", TraceRecord::HELD)] {
        let (summary, log) = run(policy, Durations::Sampled(1));
        let records = records(&log);
        assert_eq!(count(&records, TraceRecord::LATE), 0);
        assert_eq!(count(&records, outcome), summary.unwrap().nodes[0].missed);
        let published = log.iter().filter(|m| m.0 == 1).count() as u64;
        assert_eq!(published, count(&records, TraceRecord::PUBLISHED));
    }
    let (stopped, _) = run("stop", Durations::Sampled(1));
    assert!(matches!(stopped, Err(RunError::Missed { node, .. }) if node == "count"));
}

#[test]
fn a_replay_repeats_the_misses() {
    for policy in ["publish_late", "drop", "hold_last"] {
        let (_, log) = run(policy, Durations::Sampled(9));
        let steps: BTreeMap<_, _> = records(&log)
            .into_iter()
            .filter(|r| !matches!(r.outcome, TraceRecord::END | TraceRecord::SKIPPED))
            .map(|r| {
                let publication = LogicalTime::from_nanos(r.publication);
                ((r.node, r.release), RecordedStep { publication, outcome: r.outcome, hung: None })
            })
            .collect();
        assert_eq!(log, run(policy, Durations::Recorded(steps)).1, "{policy}");
    }
}
