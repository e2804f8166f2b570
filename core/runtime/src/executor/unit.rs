//! Nodes, sources and topics at run time.

use super::options::{Durations, RecordedStep};
use super::worker::{Ended, Job, Made};
use crate::graph::{Body, Vertex};
use crate::node::{InputDeclaration, Mail};
use crate::pool::WhenFull;
use crate::spread::Spread;
use crate::timing::{MissPolicy, Overrun, Release};
use crate::topic::{TopicIndex, TopicInfo};
use crate::trace::{InputRecord, Provenance};
use auriga_geometry::{LogicalDuration, LogicalTime};
use crossbeam_channel::Sender;
use std::collections::BTreeMap;

/// Messages that a source's tick may emit without its list growing.
const EMISSIONS: usize = 32;

/// A step under way.
#[derive(Clone, Copy)]
pub(super) struct Running {
    pub release: LogicalTime,
    /// Release + budget, or the recorded instant.
    pub publication: LogicalTime,
    /// The outcome, where it is known before the step ends: of a replay, or of a miss that was drawn.
    pub decided: Option<u8>,
    pub provenance: Provenance,
    pub late: bool,
}

/// A node or source at run time.
pub(super) struct Unit {
    pub name: String,
    pub local: bool,
    pub is_source: bool,
    /// Absent while a step is under way on another thread.
    pub body: Option<Body>,
    pub made: Made,
    /// Absent where it runs on the executor's own thread.
    pub jobs: Option<Sender<Job>>,
    pub period: Option<LogicalDuration>,
    pub phase: LogicalDuration,
    pub budget: LogicalDuration,
    pub on_miss: MissPolicy,
    takes: Option<Spread>,
    overruns: Vec<Overrun>,
    /// Of a replay: what the recording says of its steps, by release in nanoseconds.
    recorded: BTreeMap<i64, RecordedStep>,
    pub release_pending: bool,
    /// The watchdog will look at it.
    pub look_pending: bool,
    pub steps_begun: u64,
    pub inputs: Vec<InputDeclaration>,
    pub mail: Vec<Mail>,
    /// The inputs in force at the last release.
    pub in_force: Vec<InputRecord>,
    pub outputs: Vec<TopicIndex>,
    pub running: Option<Running>,
    /// The step that is running has come back, and its publication instant has not come.
    pub ended: Option<Ended>,
}

impl Unit {
    pub fn new(vertex: Vertex, local: bool, jobs: Option<Sender<Job>>) -> Self {
        let (mut period, mut phase) = (None, LogicalDuration::ZERO);
        let (mut budget, mut on_miss, mut takes) = (LogicalDuration::LEAST, MissPolicy::default(), None);
        let overruns = vertex.timing.as_ref().map(|timing| timing.overruns.clone()).unwrap_or_default();
        if let Some(timing) = &vertex.timing {
            if let Release::Periodic { period: every, phase: first } = &timing.release {
                (period, phase) = (Some(*every), *first);
            }
            (budget, on_miss, takes) = (timing.budget, timing.on_miss, timing.takes);
        } else if let Body::Source(source) = &vertex.body {
            (period, budget) = (Some(source.period()), source.least_latency());
        }
        let is_source = matches!(vertex.body, Body::Source(_));
        let records: usize = vertex.inputs.iter().map(|input| input.queue.max(1)).sum();
        Self {
            name: vertex.name,
            local,
            is_source,
            body: Some(vertex.body),
            made: Made::with_capacity(vertex.outputs.len(), if is_source { EMISSIONS } else { 0 }),
            jobs,
            period,
            phase,
            budget,
            on_miss,
            takes,
            overruns,
            recorded: BTreeMap::new(),
            release_pending: false,
            look_pending: false,
            steps_begun: 0,
            mail: vertex.inputs.iter().map(|input| Mail::new(input.queue)).collect(),
            in_force: Vec::with_capacity(records),
            inputs: vertex.inputs,
            outputs: vertex.outputs,
            running: None,
            ended: None,
        }
    }

    /// Keeps what a recording says of its steps.
    pub fn remember(&mut self, durations: &Durations) {
        if let Durations::Recorded(steps) = durations {
            let mine = (self.name.clone(), i64::MIN)..=(self.name.clone(), i64::MAX);
            self.recorded = steps.range(mine).map(|((_, release), step)| (*release, *step)).collect();
        }
    }

    /// Writes down the inputs in force, and gives what they stem from.
    pub fn snapshot(&mut self) -> Provenance {
        let mut provenance = Provenance::default();
        self.in_force.clear();
        for (mail, declared) in self.mail.iter().zip(&self.inputs) {
            let topic = declared.topic;
            if declared.queue == 0 {
                let Some(input) = &mail.in_force else { continue };
                provenance.add(&input.provenance, input.fresh);
                self.in_force.push(InputRecord { topic, sequence: input.sequence, fresh: input.fresh });
            } else {
                for sample in &mail.arrived {
                    provenance.add(&sample.provenance, true);
                    self.in_force.push(InputRecord { topic, sequence: sample.sequence, fresh: true });
                }
            }
        }
        provenance
    }

    /// When the outputs of the step released at `now` become visible, and the outcome where that is decided already.
    pub fn ends(&self, now: LogicalTime, durations: &Durations) -> (LogicalTime, Option<u8>) {
        match durations {
            Durations::Recorded(_) if !self.is_source => match self.recorded.get(&now.as_nanos()) {
                Some(step) => (step.publication, Some(step.outcome)),
                // It was still running when the recorded run ended.
                None => (LogicalTime::MAX, None),
            },
            Durations::Sampled(seed) => {
                let drawn = self.takes.map_or(self.budget, |takes| takes.draw(*seed, &self.name, now));
                self.ends_after(now, drawn.max(self.overrun(now)))
            }
            Durations::Recorded(_) | Durations::Profile => self.ends_after(now, self.overrun(now)),
        }
    }

    fn ends_after(&self, now: LogicalTime, takes: LogicalDuration) -> (LogicalTime, Option<u8>) {
        if takes <= self.budget {
            (now + self.budget, None)
        } else {
            (now + takes, Some(self.on_miss.outcome()))
        }
    }

    /// How long a step takes that is made to take longer; nothing where none is.
    fn overrun(&self, now: LogicalTime) -> LogicalDuration {
        let in_force = self.overruns.iter().filter(|overrun| (overrun.from..overrun.until).contains(&now));
        in_force.map(|overrun| overrun.takes).max().unwrap_or(LogicalDuration::ZERO)
    }

    /// Of a replay: what the recording says of a step.
    pub fn recorded_step(&self, release: LogicalTime) -> Option<&RecordedStep> {
        self.recorded.get(&release.as_nanos())
    }

    /// Whether its step has not come back yet.
    pub fn is_computing(&self) -> bool {
        self.running.is_some() && self.ended.is_none()
    }
}

/// Who reads a topic.
pub(super) struct Reader {
    pub unit: usize,
    pub input: usize,
    /// Its messages release the reader.
    pub releases: bool,
}

/// The readers of one group.
pub(super) struct ReaderGroup {
    pub group: u8,
    pub readers: Vec<Reader>,
}

/// A topic at run time.
pub(super) struct Stream {
    pub info: TopicInfo,
    /// Its writer's place; 0 where there is none.
    pub writer: usize,
    pub writer_group: u8,
    /// By group, in order.
    pub readers: Vec<ReaderGroup>,
    pub sequence: u32,
    pub link: LogicalDuration,
    /// Goes through the transport even when writer and reader share the process.
    pub through_transport: bool,
    /// Somebody in this process reads or observes it.
    pub wanted_here: bool,
    /// Somebody in the other process reads or observes it.
    pub wanted_there: bool,
    /// Its messages are handed to the transport.
    pub sends: bool,
    /// Its messages are shown to the observers.
    pub observed: bool,
    pub when_full: WhenFull,
}

impl Stream {
    /// The readers of a group.
    pub fn readers_of(&self, group: u8) -> &[Reader] {
        let found = self.readers.iter().find(|readers| readers.group == group);
        found.map_or(&[], |found| found.readers.as_slice())
    }

    pub fn add_reader(&mut self, group: u8, reader: Reader) {
        let place = self.readers.partition_point(|readers| readers.group < group);
        if self.readers.get(place).is_none_or(|readers| readers.group != group) {
            self.readers.insert(place, ReaderGroup { group, readers: Vec::new() });
        }
        self.readers[place].readers.push(reader);
    }

    /// Whether a group other than the writer's reads it.
    pub fn crosses(&self) -> bool {
        self.readers.iter().any(|readers| readers.group != self.writer_group)
    }
}
