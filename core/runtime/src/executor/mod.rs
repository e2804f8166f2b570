//! The executor: pops events in logical time, hands steps to the timing domains, and makes their outputs visible.
//!
//! In virtual time it waits for a step only when the step's publication instant has come; until then everything else that
//! happens earlier goes on beside it. Live, it also waits for the clock.

mod exchange;
mod options;
mod run;
mod schedule;
mod worker;

pub use exchange::Exchange;
pub use options::{
    Durations, Observer, Pacing, Publication, RecordedStep, RunError, RunOptions, RunSummary, Split,
};

use crate::graph::{Body, Graph, GraphError, Vertex};
use crate::histogram::Histogram;
use crate::node::{AnySample, InputDeclaration};
use crate::realtime::Scheduling;
use crate::spread::Spread;
use crate::statistics::NodeStatistics;
use crate::timing::{ExecutorTiming, Overrun, Release};
use crate::topic::{TopicIndex, TopicInfo};
use crate::trace::{Provenance, TraceRecord};
use auriga_geometry::{LogicalDuration, LogicalTime};
use crossbeam_channel::{Receiver, Sender, bounded};
use schedule::{Happening, Phase, Schedule};
use std::sync::Arc;
use std::thread::JoinHandle;
use worker::{Done, Job, Made};

/// A step under way.
struct Running {
    release: LogicalTime,
    /// Release + budget, or the recorded instant.
    publication: LogicalTime,
    /// The outcome, where it is known before the step ends: of a replay, or of a miss that was drawn.
    decided: Option<u8>,
    provenance: Provenance,
    inputs: Vec<crate::trace::InputRecord>,
    /// The step has come back before its publication instant.
    done: Option<Done>,
    late: bool,
}

/// A node or source at run time.
struct Unit {
    name: String,
    group: u8,
    local: bool,
    is_source: bool,
    /// Absent while a step is under way.
    body: Option<Body>,
    made: Option<Made>,
    jobs: Option<Sender<Job>>,
    period: Option<LogicalDuration>,
    budget: LogicalDuration,
    on_miss: crate::timing::MissPolicy,
    takes: Option<Spread>,
    overruns: Vec<Overrun>,
    released_by: Option<TopicIndex>,
    release_pending: bool,
    steps_begun: u64,
    inputs: Vec<InputDeclaration>,
    mail: Vec<Vec<AnySample>>,
    outputs: Vec<TopicIndex>,
    running: Option<Running>,
}

/// Who reads a topic.
struct Reader {
    unit: usize,
    input: usize,
}

/// A topic at run time.
struct Stream {
    info: TopicInfo,
    writer_group: u8,
    readers: Vec<Reader>,
    sequence: u32,
    link: LogicalDuration,
    /// Goes through the transport even when writer and reader share the process.
    through_transport: bool,
    /// Somebody in this process reads or observes it.
    wanted_here: bool,
    /// Somebody in the other process reads or observes it.
    wanted_there: bool,
}

/// Runs a graph.
pub struct Executor {
    units: Vec<Unit>,
    streams: Vec<Stream>,
    statistics: Vec<NodeStatistics>,
    schedule: Schedule,
    done: Receiver<Done>,
    threads: Vec<JoinHandle<()>>,
    options: RunOptions,
    trace_topic: TopicIndex,
    trace_pool: crate::pool::Pool<TraceRecord>,
    end: LogicalTime,
    now: LogicalTime,
    timing: ExecutorTiming,
    /// How late the executor was at the instants of a live run.
    lateness: Histogram,
}

impl Executor {
    /// Checks the graph and starts the threads of its timing domains.
    ///
    /// # Errors
    /// When the graph is not sound, or a thread cannot be started.
    pub fn new(graph: Graph, options: RunOptions) -> Result<Self, RunError> {
        graph.check()?;
        if graph.vertices.is_empty() {
            return Err(GraphError::NoWriter {
                topic: "any".to_owned(),
                reader: "an empty graph".to_owned(),
            }
            .into());
        }
        let Graph { profile, topics, writers, vertices, trace } = graph;
        let local =
            |group: u8| options.split.as_ref().is_none_or(|split| split.local.contains(&crate::Group(group)));
        let (done_sender, done) = bounded(vertices.len());
        let live = options.pacing == Pacing::Live;
        let mut pool = Threads { done: done_sender, threads: Vec::new() };
        let mut domains = std::collections::BTreeMap::new();
        for (name, domain) in &profile.domains {
            let scheduling = live.then_some(&domain.scheduling);
            domains.insert(name.clone(), pool.start(name, domain.threads, vertices.len(), scheduling)?);
        }
        let mut streams: Vec<Stream> = topics
            .into_iter()
            .zip(&writers)
            .map(|(info, writer)| {
                let link = profile.link(&info.name);
                Stream {
                    writer_group: writer.map_or(0, |vertex| vertices[vertex].group.0),
                    readers: Vec::new(),
                    sequence: 0,
                    link: link.budget,
                    through_transport: link.transport_always,
                    wanted_here: info.recorded && options.split.as_ref().is_none_or(|split| split.records),
                    wanted_there: info.recorded && options.split.as_ref().is_some_and(|split| !split.records),
                    info,
                }
            })
            .collect();
        let statistics = vertices
            .iter()
            .map(|v| {
                NodeStatistics::new(&v.name, v.timing.as_ref().map_or(LogicalDuration::ZERO, |t| t.budget))
            })
            .collect();
        let mut units = Vec::with_capacity(vertices.len());
        for vertex in vertices {
            let is_local = local(vertex.group.0);
            for (input, declared) in vertex.inputs.iter().enumerate() {
                let stream = &mut streams[usize::from(declared.topic)];
                stream.readers.push(Reader { unit: units.len(), input });
                stream.wanted_here |= is_local;
                stream.wanted_there |= !is_local;
            }
            let jobs = match &vertex.timing {
                Some(timing) => domains[&timing.domain].clone(),
                None => pool.start(&vertex.name, 1, 1, None)?,
            };
            let released_by = match vertex.timing.as_ref().map(|timing| &timing.release) {
                Some(Release::On(topic)) => vertex
                    .inputs
                    .iter()
                    .map(|input| input.topic)
                    .find(|t| &streams[usize::from(*t)].info.name == topic),
                _ => None,
            };
            units.push(Unit::new(vertex, is_local, jobs, released_by));
        }
        let end = options.end;
        let mut executor = Self {
            units,
            streams,
            statistics,
            schedule: Schedule::default(),
            done,
            threads: pool.threads,
            options,
            trace_topic: trace,
            trace_pool: crate::pool::Pool::new(),
            end,
            now: LogicalTime::ZERO,
            timing: profile.executor.clone(),
            lateness: Histogram::default(),
        };
        executor.schedule_first_releases(&profile);
        Ok(executor)
    }

    fn schedule_first_releases(&mut self, profile: &crate::TimingProfile) {
        for (index, unit) in self.units.iter().enumerate() {
            let phase = match profile.nodes.get(&unit.name).map(|timing| &timing.release) {
                Some(Release::Periodic { phase, .. }) => *phase,
                _ => LogicalDuration::ZERO,
            };
            if unit.period.is_some() {
                self.schedule.push(LogicalTime::ZERO + phase, Phase::Release, index, Happening::Release);
            }
        }
    }
}

impl Unit {
    fn new(vertex: Vertex, local: bool, jobs: Sender<Job>, released_by: Option<TopicIndex>) -> Self {
        let (period, budget, on_miss) = match (&vertex.timing, &vertex.body) {
            (Some(timing), _) => {
                let period = match &timing.release {
                    Release::Periodic { period, .. } => Some(*period),
                    Release::On(_) => None,
                };
                (period, timing.budget, timing.on_miss)
            }
            (None, Body::Source(source)) => {
                (Some(source.period()), source.least_latency(), Default::default())
            }
            (None, Body::Node(_)) => (None, LogicalDuration::LEAST, Default::default()),
        };
        let queue = |input: &InputDeclaration| Vec::with_capacity(input.queue.max(1));
        Self {
            name: vertex.name,
            group: vertex.group.0,
            local,
            is_source: matches!(vertex.body, Body::Source(_)),
            body: Some(vertex.body),
            made: Some(Made::default()),
            jobs: Some(jobs),
            period,
            budget,
            on_miss,
            takes: vertex.timing.as_ref().and_then(|timing| timing.takes),
            overruns: vertex.timing.map(|timing| timing.overruns).unwrap_or_default(),
            released_by,
            release_pending: false,
            steps_begun: 0,
            mail: vertex.inputs.iter().map(queue).collect(),
            inputs: vertex.inputs,
            outputs: vertex.outputs,
            running: None,
        }
    }
}

struct Threads {
    done: Sender<Done>,
    threads: Vec<JoinHandle<()>>,
}

impl Threads {
    fn start(
        &mut self,
        domain: &str,
        threads: usize,
        capacity: usize,
        scheduling: Option<&Scheduling>,
    ) -> Result<Sender<Job>, RunError> {
        let (sender, receiver) = bounded(capacity);
        for number in 0..threads {
            let name = format!("{domain}/{number}");
            let started = worker::spawn(name, receiver.clone(), self.done.clone(), scheduling.cloned());
            let failed = |error: std::io::Error| RunError::Thread {
                domain: domain.to_owned(),
                problem: error.to_string(),
            };
            let thread = started.map_err(failed)?;
            self.threads.push(thread);
        }
        Ok(sender)
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        self.units.clear(); // closes the channels of jobs
        for thread in self.threads.drain(..) {
            let _ = thread.join(); // a worker never panics: steps are caught
        }
    }
}

/// Placeholder where a message's metadata is known here and its content is not wanted.
fn absent() -> Arc<dyn crate::message::AnyMessage> {
    Arc::new(TraceRecord::default())
}
