//! Source → task → sink on Auriga's runtime.

use crate::probe;
use auriga_geometry::{LogicalDuration, LogicalTime};
use auriga_runtime::recording::{Recorder, RecorderHandle, RecorderOptions, TopicInfo};
use auriga_runtime::{
    Executor, Graph, Group, Latest, Measuring, Node, NodeError, Observer, Output, Pacing, Publication,
    RunError, RunOptions, Slots, Source, SourceEmission, SourceOutputs, SourcePayload, Step, TimingProfile,
};
use std::error::Error;
use std::path::Path;
use std::sync::Arc;

auriga_wire::message! {
    /// 64 bytes.
    pub struct Payload = "bench_msgs/msg/Payload" {
        /// Pseudo-random.
        pub words: [u64; 8],
    }
}

struct Ticks {
    period: LogicalDuration,
    left: usize,
    slots: Slots<Payload>,
}

impl Source for Ticks {
    fn period(&self) -> LogicalDuration {
        self.period
    }
    fn least_latency(&self) -> LogicalDuration {
        LogicalDuration::LEAST
    }
    fn tick(&mut self, now: LogicalTime, outputs: &mut SourceOutputs) -> Result<(), NodeError> {
        let number = probe::tick() as u64;
        let message = self.slots.make(|message| message.words = probe::payload(number));
        let arrival = now + LogicalDuration::LEAST;
        let payload = SourcePayload::Ready(message);
        outputs.emissions.push(SourceEmission {
            output: 0,
            oldest_capture: now,
            capture: now,
            arrival,
            payload,
        });
        self.left = self.left.saturating_sub(1);
        outputs.finished = self.left == 0;
        Ok(())
    }
}

struct Task;
impl Node for Task {
    type Inputs = (Latest<Payload>,);
    type Outputs = (Output<Payload>,);
    fn step(
        &mut self,
        _: &Step,
        (input,): &Self::Inputs,
        (output,): &mut Self::Outputs,
    ) -> Result<(), NodeError> {
        if let Some(input) = input.get() {
            output.write().words = input.words.map(|word| word.wrapping_add(1));
        }
        Ok(())
    }
}

struct Sink;
impl Node for Sink {
    type Inputs = (Latest<Payload>,);
    type Outputs = ();
    fn step(&mut self, _: &Step, (input,): &Self::Inputs, (): &mut ()) -> Result<(), NodeError> {
        std::hint::black_box(input.get());
        Ok(())
    }
}

struct Record(RecorderHandle);
impl Observer for Record {
    fn observe(&mut self, publication: &Publication<'_>) -> Result<(), RunError> {
        let Publication { topic, sequence, instant, message } = *publication;
        let recorded = self.0.record(topic, sequence, instant, Arc::clone(message));
        recorded.map_err(|error| RunError::Observer(error.to_string()))
    }
    fn backlog(&self) -> usize {
        self.0.backlog()
    }
}

/// How to run it.
pub struct Run<'a> {
    pub iterations: usize,
    pub period_us: u32,
    pub threads: usize,
    pub pacing: Pacing,
    /// What the profile says of the executor's thread.
    pub executor: &'a str,
    pub record: Option<&'a Path>,
    pub measuring: Measuring,
}

fn graph(run: &Run<'_>) -> Result<Graph, Box<dyn Error>> {
    let profile = format!(
        r#"
        [contract]
        sensor_to_command_ms = 100.0
        [executor]
        source_threads = {}
        {}
        [domain.main]
        threads = {}
        [node.task]
        domain = "main"
        release = {{ on = "/input" }}
        budget_ms = 0.001
        [node.sink]
        domain = "main"
        release = {{ on = "/output" }}
        budget_ms = 0.001
        "#,
        run.threads.min(1),
        run.executor,
        run.threads
    );
    let mut graph = Graph::new(TimingProfile::from_toml(&profile, "bench")?);
    let (input, output) = (graph.topic::<Payload>("/input"), graph.topic::<Payload>("/output"));
    let period = LogicalDuration::from_nanos(i64::from(run.period_us) * 1_000);
    let source = Ticks { period, left: run.iterations, slots: Slots::new(2_048) };
    graph.source("source", source, &[input.index()])?;
    graph.node("task", Group::FIRST, Task, (input.latest(),), (output.publish(),))?;
    graph.node("sink", Group::FIRST, Sink, (output.latest(),), ())?;
    Ok(graph)
}

/// When its iterations began, nanoseconds, and the bytes of its recording.
pub fn ticks(run: &Run<'_>) -> Result<(Vec<u64>, u64), Box<dyn Error>> {
    let graph = graph(run)?;
    let topics = graph.topics().iter().map(|topic| TopicInfo {
        name: topic.name.clone(),
        type_name: topic.type_name.to_owned(),
        schema_text: topic.schema_text.clone(),
        type_hash: topic.type_hash.clone(),
    });
    let options = RecorderOptions { queue: 8_192, ..RecorderOptions::new(topics.collect()) };
    let recorder = run.record.map(|path| Recorder::create(path, options)).transpose()?;
    let observers = recorder.iter().map(|r| Box::new(Record(r.handle())) as Box<dyn Observer>).collect();
    let options =
        RunOptions { pacing: run.pacing, observers, measuring: run.measuring, ..RunOptions::default() };
    let executor = Executor::new(graph, options)?;
    crate::machine::pin()?;
    probe::begin(run.iterations);
    executor.run()?;
    let ticks = probe::end();
    let bytes = recorder.map(Recorder::finish).transpose()?.map_or(0, |summary| summary.bytes);
    Ok((ticks, bytes))
}
