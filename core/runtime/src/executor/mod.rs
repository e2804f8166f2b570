//! The executor: pops events in logical time, hands steps to the timing domains, and makes their outputs visible.
//!
//! In virtual time it waits for a step only when the step's publication instant has come; until then everything else that
//! happens earlier goes on beside it. Live, it also waits for the clock. Once warmed up, neither it nor the workers
//! allocate anything outside of the nodes' own steps: every list, queue and message slot is there before the first release.

mod exchange;
mod options;
mod publish;
mod remote;
mod run;
mod schedule;
mod slots;
mod step;
mod unit;
mod watchdog;
mod worker;

pub use exchange::Exchange;
pub use options::{
    Durations, Observer, Pacing, Publication, RecordedStep, RunError, RunOptions, RunSummary, Split,
};

use crate::graph::{Graph, GraphError, Group, Vertex};
use crate::histogram::Histogram;
use crate::pool::Pool;
use crate::realtime::Scheduling;
use crate::statistics::NodeStatistics;
use crate::timing::{ExecutorTiming, Release, TimingProfile};
use crate::topic::{TopicIndex, TopicInfo};
use crate::trace::TraceRecord;
use auriga_geometry::{LogicalDuration, LogicalTime};
use crossbeam_channel::{Receiver, Sender, bounded};
use schedule::Schedule;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;
use unit::{Reader, Stream, Unit};
use worker::{Done, Job};

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
    trace_pool: Pool<TraceRecord>,
    /// Trace records for which there was no slot.
    trace_lost: u64,
    end: LogicalTime,
    now: LogicalTime,
    /// When the run began, by the clock.
    start: Instant,
    /// The run has warmed up: whoever allocates is told of.
    watched: bool,
    timing: ExecutorTiming,
    /// How late the executor was at the instants of a live run.
    lateness: Histogram,
}

impl Executor {
    /// Checks the graph, starts the threads of its timing domains, and allocates all that the run will need.
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
        let (done_sender, done) = bounded(vertices.len());
        let mut threads = Threads { done: done_sender, threads: Vec::new() };
        let domains = threads.start_domains(&profile, vertices.len(), options.pacing)?;
        let group_of = |writer: &Option<usize>| writer.map_or(0, |vertex| vertices[vertex].group.0);
        let with_writers = topics.into_iter().zip(&writers);
        let mut streams: Vec<Stream> = with_writers
            .map(|(info, writer)| {
                Stream::new(info, writer.unwrap_or(0), group_of(writer), &profile, &options)
            })
            .collect();
        let budget = |v: &Vertex| v.timing.as_ref().map_or(LogicalDuration::ZERO, |t| t.budget);
        let statistics = vertices.iter().map(|v| NodeStatistics::new(&v.name, budget(v))).collect();
        let mut units = Vec::with_capacity(vertices.len());
        for vertex in vertices {
            let jobs = match &vertex.timing {
                Some(timing) => domains.get(&timing.domain).cloned(),
                None if profile.executor.source_threads == 0 => None,
                None => Some(threads.start(&vertex.name, 1, 1, None)?),
            };
            let local = is_local(vertex.group.0, &options);
            let released_by = released_by(&vertex, &streams);
            connect(&vertex, units.len(), local, released_by, &mut streams);
            let mut unit = Unit::new(vertex, local, jobs);
            unit.remember(&options.durations);
            units.push(unit);
        }
        for stream in &mut streams {
            stream.settle(&options);
        }
        let mut executor = Self {
            schedule: slots::schedule(&units, &streams),
            trace_pool: slots::trace_pool(&units, &profile, &options),
            units,
            streams,
            statistics,
            done,
            threads: threads.threads,
            end: options.end,
            options,
            trace_topic: trace,
            trace_lost: 0,
            now: LogicalTime::ZERO,
            start: run::wall_now(),
            watched: false,
            timing: profile.executor.clone(),
            lateness: Histogram::default(),
        };
        executor.allocate_slots(&profile);
        executor.schedule_first_releases();
        Ok(executor)
    }

    fn schedule_first_releases(&mut self) {
        for (index, unit) in self.units.iter().enumerate() {
            if unit.period.is_some() {
                self.schedule.release(LogicalTime::ZERO + unit.phase, index);
            }
        }
    }
}

fn is_local(group: u8, options: &RunOptions) -> bool {
    options.split.as_ref().is_none_or(|split| split.local.contains(&Group(group)))
}

/// The topic whose messages release a node.
fn released_by(vertex: &Vertex, streams: &[Stream]) -> Option<TopicIndex> {
    let Release::On(topic) = &vertex.timing.as_ref()?.release else { return None };
    let mut reads = vertex.inputs.iter().map(|input| input.topic);
    reads.find(|read| &streams[usize::from(*read)].info.name == topic)
}

/// Enters a vertex as a reader of its inputs.
fn connect(
    vertex: &Vertex,
    unit: usize,
    local: bool,
    released_by: Option<TopicIndex>,
    streams: &mut [Stream],
) {
    for (input, declared) in vertex.inputs.iter().enumerate() {
        let stream = &mut streams[usize::from(declared.topic)];
        let releases = released_by == Some(declared.topic);
        stream.add_reader(vertex.group.0, Reader { unit, input, releases });
        stream.wanted_here |= local;
        stream.wanted_there |= !local;
    }
}

impl Stream {
    fn new(
        info: TopicInfo,
        writer: usize,
        writer_group: u8,
        profile: &TimingProfile,
        options: &RunOptions,
    ) -> Self {
        let link = profile.link(&info.name);
        let records_here = options.split.as_ref().is_none_or(|split| split.records);
        Self {
            writer,
            writer_group,
            readers: Vec::new(),
            sequence: 0,
            link: link.budget,
            through_transport: link.transport_always,
            wanted_here: info.recorded && records_here,
            wanted_there: info.recorded && !records_here,
            sends: false,
            observed: false,
            when_full: profile.topics.get(&info.name).map(|line| line.when_full).unwrap_or_default(),
            info,
        }
    }

    /// Says what follows from who reads it, when all readers are known.
    fn settle(&mut self, options: &RunOptions) {
        let from_here = is_local(self.writer_group, options);
        let loops_back = options.split.is_none() && self.through_transport && self.crosses();
        self.sends = options.exchange.is_some() && ((from_here && self.wanted_there) || loops_back);
        self.observed = self.wanted_here && self.info.recorded && !options.observers.is_empty();
    }
}

struct Threads {
    done: Sender<Done>,
    threads: Vec<JoinHandle<()>>,
}

impl Threads {
    /// Where the jobs of each domain that has threads go.
    fn start_domains(
        &mut self,
        profile: &TimingProfile,
        vertices: usize,
        pacing: Pacing,
    ) -> Result<BTreeMap<String, Sender<Job>>, RunError> {
        let mut domains = BTreeMap::new();
        for (name, domain) in profile.domains.iter().filter(|(_, domain)| domain.threads > 0) {
            let scheduling = (pacing == Pacing::Live).then_some(&domain.scheduling);
            domains.insert(name.clone(), self.start(name, domain.threads, vertices, scheduling)?);
        }
        Ok(domains)
    }

    fn start(
        &mut self,
        domain: &str,
        threads: usize,
        capacity: usize,
        scheduling: Option<&Scheduling>,
    ) -> Result<Sender<Job>, RunError> {
        let (sender, receiver) = bounded(capacity);
        let (ready_sender, ready) = bounded(threads);
        for number in 0..threads {
            let name = format!("{domain}/{number}");
            let (jobs, done, is_ready) = (receiver.clone(), self.done.clone(), ready_sender.clone());
            let started = worker::spawn(name, jobs, done, scheduling.cloned(), is_ready);
            let failed = |error: std::io::Error| RunError::Thread {
                domain: domain.to_owned(),
                problem: error.to_string(),
            };
            let thread = started.map_err(failed)?;
            self.threads.push(thread);
        }
        drop(ready_sender);
        ready.iter().take(threads).for_each(drop);
        worker::wait_once(&receiver, threads);
        Ok(sender)
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        self.units.clear(); // closes the channels of jobs
        self.end_threads();
    }
}

/// Placeholder where a message's metadata is known here and its content is not wanted.
fn absent() -> Arc<dyn crate::message::AnyMessage> {
    Arc::new(TraceRecord::default())
}
