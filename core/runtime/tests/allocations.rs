//! Once warmed up, the executor's threads and in-process links allocate nothing: on threads of their own or on the
//! executor's, with queues, links between groups, a recorder, failing and drawn-late steps, in virtual time and live.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use auriga_allocations::{Counted, offences};
use auriga_geometry::{LogicalDuration, LogicalTime};
use auriga_runtime::recording::{Recorder, RecorderHandle, RecorderOptions, TopicInfo};
use auriga_runtime::{
    Durations, Executor, Graph, Group, Latest, Node, NodeError, Observer, Output, Pacing, Publication, Queue,
    RunError, RunOptions, RunSummary, Slots, Source, SourceEmission, SourceOutputs, SourcePayload, Step,
    TimingProfile,
};
use std::sync::Arc;

#[global_allocator]
static ALLOCATOR: Counted = Counted;

auriga_wire::message! {
    /// Some bytes.
    pub struct Bytes = "test_msgs/msg/Bytes" {
        /// Which one.
        pub number: u64,
        /// Its content.
        pub content: [u64; 8],
    }
}

/// A message every 10 ms on each of two topics.
struct Platform {
    count: u64,
    slots: Slots<Bytes>,
}
impl Source for Platform {
    fn period(&self) -> LogicalDuration {
        LogicalDuration::from_millis(10)
    }
    fn least_latency(&self) -> LogicalDuration {
        LogicalDuration::from_millis(1)
    }
    fn tick(&mut self, now: LogicalTime, outputs: &mut SourceOutputs) -> Result<(), NodeError> {
        for output in 0..2 {
            self.count += 1;
            let count = self.count;
            let message = self.slots.make(|message| message.number = count);
            let arrival = now + LogicalDuration::from_millis(2);
            let payload = SourcePayload::Ready(message);
            let (oldest_capture, capture) = (now, now);
            outputs.emissions.push(SourceEmission { output, oldest_capture, capture, arrival, payload });
        }
        Ok(())
    }
}

/// Sums up what it sees; now and then it fails.
struct Sum(u64);
impl Node for Sum {
    type Inputs = (Latest<Bytes>, Queue<Bytes>);
    type Outputs = (Output<Bytes>, Output<Bytes>);
    fn step(
        &mut self,
        _: &Step,
        (latest, queue): &Self::Inputs,
        (sum, rest): &mut Self::Outputs,
    ) -> Result<(), NodeError> {
        self.0 += latest.get().map_or(0, |message| message.number);
        self.0 += queue.iter().map(|message| message.number).sum::<u64>();
        sum.write().number = self.0;
        if self.0.is_multiple_of(7) {
            return Err(NodeError::new("a multiple of seven"));
        }
        rest.write().number = self.0 % 7;
        if self.0.is_multiple_of(3) {
            rest.discard();
        }
        Ok(())
    }
}

struct Sink(u64);
impl Node for Sink {
    type Inputs = (Latest<Bytes>, Queue<Bytes>);
    type Outputs = ();
    fn step(&mut self, _: &Step, (a, b): &Self::Inputs, (): &mut ()) -> Result<(), NodeError> {
        self.0 += a.fresh().map_or(0, |message| message.number) + b.samples().len() as u64;
        Ok(())
    }
}

/// Hands every message to the recorder.
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

fn graph(threads: usize) -> Graph {
    let profile = format!(
        r#"
        durations = "sampled"
        [contract]
        sensor_to_command_ms = 300.0
        [executor]
        source_threads = {}
        [domain.a]
        threads = {threads}
        [node.sum]
        domain = "a"
        release = {{ on = "/a" }}
        budget_ms = 3.0
        takes_ms = {{ least = 0.1, median = 1.0, p99 = 4.0, most = 12.0 }}
        [node.far]
        domain = "a"
        release = {{ period_ms = 5.0 }}
        budget_ms = 1.0
        [node.sink]
        domain = "a"
        release = {{ on = "/sum" }}
        budget_ms = 1.0
        "#,
        threads.min(1)
    );
    let mut graph = Graph::new(TimingProfile::from_toml(&profile, "test.toml").unwrap());
    let [a, b, sum, rest] = ["/a", "/b", "/sum", "/rest"].map(|name| graph.topic::<Bytes>(name));
    let [far_a, far_b] = ["/far_a", "/far_b"].map(|name| graph.topic::<Bytes>(name));
    let platform = Platform { count: 0, slots: Slots::new(4_000) };
    graph.source("platform", platform, &[a.index(), b.index()]).unwrap();
    graph.node("sum", Group(0), Sum(0), (a.latest(), b.queue(3)), (sum.publish(), rest.publish())).unwrap();
    let reads = (rest.latest(), sum.queue(2));
    graph.node("far", Group(1), Sum(1), reads, (far_a.publish(), far_b.publish())).unwrap();
    graph.node("sink", Group(0), Sink(0), (far_a.latest(), sum.queue(4)), ()).unwrap();
    graph
}

/// Runs it with a recorder; nobody has allocated since the run had warmed up.
fn check(threads: usize, pacing: Pacing, seconds: i64) -> RunSummary {
    let graph = graph(threads);
    let path = std::env::temp_dir()
        .join(format!("auriga-allocations-{}-{threads}-{pacing:?}.mcap", std::process::id()));
    let topics = graph.topics().iter().map(|topic| TopicInfo {
        name: topic.name.clone(),
        type_name: topic.type_name.to_owned(),
        schema_text: topic.schema_text.clone(),
        type_hash: topic.type_hash.clone(),
    });
    let recorder = Recorder::create(&path, RecorderOptions::new(topics.collect())).unwrap();
    let options = RunOptions {
        end: LogicalTime::from_nanos(seconds * 1_000_000_000),
        pacing,
        durations: Durations::Sampled(5),
        observers: vec![Box::new(Record(recorder.handle()))],
        warm_up: LogicalDuration::from_millis(seconds * 500),
        ..RunOptions::default()
    };
    let summary = Executor::new(graph, options).unwrap().run().unwrap();
    recorder.finish().unwrap();
    std::fs::remove_file(path).unwrap();
    let offences = offences();
    assert!(offences.iter().any(|(thread, _)| thread == "executor"), "{offences:?}");
    assert_eq!(threads > 0, offences.iter().any(|(thread, _)| thread == "a/0"), "{offences:?}");
    assert!(offences.iter().all(|(_, count)| *count == 0), "allocations after the warm-up: {offences:?}");
    summary
}

/// One test, because the counts are the process's.
#[test]
fn nothing_is_allocated_once_the_run_has_warmed_up() {
    let alone = check(0, Pacing::Virtual, 6);
    // Failing steps say why, and that is their own affair.
    let failed: u64 = alone.nodes.iter().map(|node| node.failed).sum();
    assert!(failed > 10 && alone.nodes.iter().map(|node| node.allocations).sum::<u64>() >= failed);
    assert!(alone.nodes.iter().any(|node| node.missed > 10) && alone.trace_lost == 0);
    check(0, Pacing::Live, 1);
    let threaded = check(3, Pacing::Virtual, 2);
    assert!(alone.messages.iter().zip(&threaded.messages).all(|(a, b)| a.1 > 2 * b.1));
    check(2, Pacing::Live, 2);
}
