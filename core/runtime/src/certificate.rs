//! The certificate: how old what a sink acts on can be, from the graph and its timing profile alone.
//!
//! A node's outputs become visible exactly at release + budget, so the whole schedule is known before anything runs. Here it
//! is walked through without computing anything: each message is nothing but the captures that it stems from. The worst case
//! over the schedule's period is the worst case of every run in virtual time, and of every live run that misses no deadline.

use crate::graph::{Body, Graph};
use crate::timing::Release;
use auriga_geometry::LogicalDuration;
use std::collections::BTreeMap;

/// When a sensor's messages come. The first capture ends at `phase`, the next ones each `period` later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SensorTiming {
    /// Its topic.
    pub topic: String,
    /// Between captures.
    pub period: LogicalDuration,
    /// End of the first capture, since the epoch.
    pub phase: LogicalDuration,
    /// From a capture's start to its end.
    pub sweep: LogicalDuration,
    /// From a capture's end to its arrival: the longest.
    pub latency: LogicalDuration,
}

/// How old one sensor's part in the sink's output can be, at the instant at which that becomes visible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainAge {
    /// The sensor's topic.
    pub sensor: String,
    /// From the end of a capture to the first output that it can show in: the longest.
    pub reaction: LogicalDuration,
    /// From the end of the oldest capture in force to an output that stems from it, held inputs included: the longest.
    pub age: LogicalDuration,
    /// The age counted from the capture's start.
    pub age_oldest: LogicalDuration,
}

/// What a domain's threads have to do.
#[derive(Clone, Debug, PartialEq)]
pub struct DomainLoad {
    /// Its name.
    pub domain: String,
    /// Its threads; 0 where it runs on the executor's, whose load it then is.
    pub threads: usize,
    /// Sum of budgets per second and thread, 0 to 1 and more.
    pub utilisation: f64,
}

/// What follows from a graph and its profile.
#[derive(Clone, Debug, PartialEq)]
pub struct Certificate {
    /// Per sensor that reaches the sink, in the order asked for.
    pub chains: Vec<ChainAge>,
    /// Per domain.
    pub loads: Vec<DomainLoad>,
    /// Nodes that are released while their last step still runs, and how often within the period looked at.
    pub skipped: Vec<(String, u64)>,
    /// The span that was looked at.
    pub span: LogicalDuration,
}

/// What is wrong with a question for a certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// No such node.
    #[error("certificate: there is no node {0}")]
    NoSink(String),
    /// No source writes the topic, or its timing is impossible.
    #[error("certificate: sensor {topic}: {problem}")]
    Sensor {
        /// The topic.
        topic: String,
        /// What is wrong.
        problem: &'static str,
    },
}

/// Stands for "no capture of this sensor".
const NONE: i64 = i64::MAX;
/// What holds at the start is forgotten after this, nanoseconds.
const WARM_UP_NS: i64 = 3_000_000_000;
/// A schedule whose periods have no common multiple below this is looked at for as long, nanoseconds.
const SPAN_MOST_NS: i64 = 20_000_000_000;

/// Of one sensor, the oldest captures that a message stems from.
#[derive(Clone, Copy, Debug)]
struct Captures {
    reaction: i64,
    age: i64,
    age_oldest: i64,
}

const NO_CAPTURE: Captures = Captures { reaction: NONE, age: NONE, age_oldest: NONE };

/// Per sensor.
type Stem = Vec<Captures>;

#[derive(Clone, Debug)]
enum Happening {
    Arrival { sensor: usize, capture: i64 },
    Complete { stem: Stem },
    Deliver { topic: usize, group: u8, stem: Stem },
    Release,
}

/// Like the executor: at one instant all that becomes visible, then all releases, each in the order of the vertices.
type Key = (i64, u8, usize, u64);
const VISIBLE: u8 = 0;
const RELEASE: u8 = 1;

struct Unit {
    budget: i64,
    period: Option<i64>,
    released_by: Option<usize>,
    is_pending: bool,
    is_running: bool,
    /// Per input: what waits there, and whether it is fresh.
    mail: Vec<Vec<(Stem, bool)>>,
    steps: u64,
    skipped: u64,
}

struct Walk<'g> {
    graph: &'g Graph,
    sensors: &'g [SensorTiming],
    /// Topic of each sensor.
    topics: Vec<usize>,
    sink: usize,
    units: Vec<Unit>,
    events: BTreeMap<Key, Happening>,
    number: u64,
    now: i64,
    from: i64,
    worst: Vec<[i64; 3]>,
}

impl Graph {
    /// How old what `sink` acts on can be, and what the domains have to do, when `sensors` come as they say. Nothing is run.
    ///
    /// Every step is taken to publish all its outputs, as long as its budget lasts.
    ///
    /// # Errors
    /// When there is no such node, or a sensor is not a source's or has an impossible timing.
    pub fn certify(&self, sensors: &[SensorTiming], sink: &str) -> Result<Certificate, CertificateError> {
        let found = self.vertices.iter().position(|vertex| vertex.name == sink && vertex.timing.is_some());
        let sink = found.ok_or_else(|| CertificateError::NoSink(sink.to_owned()))?;
        let mut topics = Vec::with_capacity(sensors.len());
        for sensor in sensors {
            let error = |problem| CertificateError::Sensor { topic: sensor.topic.clone(), problem };
            let topic = self.topics.iter().position(|info| info.name == sensor.topic);
            let topic = topic.ok_or_else(|| error("there is no such topic"))?;
            let writer = self.writers[topic].map(|writer| &self.vertices[writer].body);
            if !matches!(writer, Some(Body::Source(_))) {
                return Err(error("no source writes it"));
            }
            if sensor.period < LogicalDuration::LEAST || sensor.latency < LogicalDuration::LEAST {
                return Err(error("period and latency must be at least 1 µs"));
            }
            topics.push(topic);
        }
        let span = self.common_period(sensors);
        let mut walk = Walk::new(self, sensors, topics, sink);
        walk.run(WARM_UP_NS + span);
        Ok(walk.finish(span))
    }

    /// The least common multiple of all periods, at least a second, repeated within that.
    fn common_period(&self, sensors: &[SensorTiming]) -> i64 {
        let nodes = self.vertices.iter().filter_map(|vertex| match vertex.timing.as_ref()?.release {
            Release::Periodic { period, .. } => Some(period),
            Release::On(_) => None,
        });
        let periods = nodes.chain(sensors.iter().map(|sensor| sensor.period));
        let common =
            periods.fold(1_000_000_000, |common, period| least_common_multiple(common, period.as_nanos()));
        common.min(SPAN_MOST_NS)
    }
}

fn least_common_multiple(a: i64, b: i64) -> i64 {
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x % y);
    }
    (a / x).saturating_mul(b)
}

impl<'g> Walk<'g> {
    fn new(graph: &'g Graph, sensors: &'g [SensorTiming], topics: Vec<usize>, sink: usize) -> Self {
        let mut walk = Self {
            graph,
            sensors,
            topics,
            sink,
            units: Vec::with_capacity(graph.vertices.len()),
            events: BTreeMap::new(),
            number: 0,
            now: 0,
            from: WARM_UP_NS,
            worst: vec![[-1; 3]; sensors.len()],
        };
        for (index, vertex) in graph.vertices.iter().enumerate() {
            let mut unit = Unit {
                budget: 0,
                period: None,
                released_by: None,
                is_pending: false,
                is_running: false,
                mail: vec![Vec::new(); vertex.inputs.len()],
                steps: 0,
                skipped: 0,
            };
            if let Some(timing) = &vertex.timing {
                unit.budget = timing.budget.as_nanos();
                match &timing.release {
                    Release::On(topic) => {
                        unit.released_by = graph.topics.iter().position(|info| info.name == *topic);
                    }
                    Release::Periodic { period, phase } => {
                        unit.period = Some(period.as_nanos());
                        walk.push(phase.as_nanos(), RELEASE, index, Happening::Release);
                    }
                }
            }
            walk.units.push(unit);
        }
        for (sensor, timing) in sensors.iter().enumerate() {
            walk.push_capture(sensor, timing.phase.as_nanos());
        }
        walk
    }

    fn push(&mut self, at: i64, phase: u8, vertex: usize, happening: Happening) {
        self.number += 1;
        self.events.insert((at, phase, vertex, self.number), happening);
    }

    fn push_capture(&mut self, sensor: usize, capture: i64) {
        let writer = self.graph.writers[self.topics[sensor]].unwrap_or(0);
        let arrival = capture + self.sensors[sensor].latency.as_nanos();
        self.push(arrival, VISIBLE, writer, Happening::Arrival { sensor, capture });
    }

    fn run(&mut self, end: i64) {
        while let Some(((at, _, vertex, _), happening)) = self.events.pop_first() {
            if at >= end {
                return;
            }
            self.now = at;
            match happening {
                Happening::Arrival { sensor, capture } => {
                    let timing = &self.sensors[sensor];
                    let mut stem = vec![NO_CAPTURE; self.sensors.len()];
                    let age_oldest = capture - timing.sweep.as_nanos();
                    stem[sensor] = Captures { reaction: capture, age: capture, age_oldest };
                    self.push_capture(sensor, capture + timing.period.as_nanos());
                    self.publish(self.topics[sensor], &stem);
                }
                Happening::Complete { stem } => self.complete(vertex, &stem),
                Happening::Deliver { topic, group, stem } => self.deliver(topic, group, &stem),
                Happening::Release => self.release(vertex),
            }
        }
    }

    fn release(&mut self, vertex: usize) {
        if let Some(period) = self.units[vertex].period {
            self.push(self.now + period, RELEASE, vertex, Happening::Release);
        }
        let counts = self.now >= self.from;
        let unit = &mut self.units[vertex];
        unit.is_pending = false;
        if unit.is_running {
            unit.skipped += u64::from(counts);
            return;
        }
        unit.is_running = true;
        unit.steps += u64::from(counts);
        let mut stem = vec![NO_CAPTURE; self.sensors.len()];
        for (mail, declared) in unit.mail.iter_mut().zip(&self.graph.vertices[vertex].inputs) {
            for (captures, fresh) in mail.iter_mut() {
                for (mine, theirs) in stem.iter_mut().zip(captures) {
                    if *fresh {
                        mine.reaction = mine.reaction.min(theirs.reaction);
                    }
                    mine.age = mine.age.min(theirs.age);
                    mine.age_oldest = mine.age_oldest.min(theirs.age_oldest);
                }
                *fresh = false;
            }
            if declared.queue > 0 {
                mail.clear();
            }
        }
        let done = self.now + unit.budget;
        self.push(done, VISIBLE, vertex, Happening::Complete { stem });
    }

    fn complete(&mut self, vertex: usize, stem: &Stem) {
        self.units[vertex].is_running = false;
        if vertex == self.sink && self.now >= self.from {
            for (worst, captures) in self.worst.iter_mut().zip(stem) {
                let since = |capture: i64| if capture == NONE { -1 } else { self.now - capture };
                let seen = [captures.reaction, captures.age, captures.age_oldest].map(since);
                for (worst, seen) in worst.iter_mut().zip(seen) {
                    *worst = (*worst).max(seen);
                }
            }
        }
        for output in 0..self.graph.vertices[vertex].outputs.len() {
            self.publish(usize::from(self.graph.vertices[vertex].outputs[output]), stem);
        }
    }

    fn publish(&mut self, topic: usize, stem: &Stem) {
        let Some(writer) = self.graph.writers[topic] else { return };
        let group = self.graph.vertices[writer].group.0;
        let link = self.graph.profile.link(&self.graph.topics[topic].name).budget.as_nanos();
        let reads = |vertex: &&crate::graph::Vertex| {
            vertex.inputs.iter().any(|input| usize::from(input.topic) == topic)
        };
        let mut others: Vec<u8> =
            self.graph.vertices.iter().filter(reads).map(|vertex| vertex.group.0).collect();
        others.sort_unstable();
        others.dedup();
        for other in others.into_iter().filter(|other| *other != group) {
            let happening = Happening::Deliver { topic, group: other, stem: stem.clone() };
            self.push(self.now + link, VISIBLE, writer, happening);
        }
        self.deliver(topic, group, stem);
    }

    fn deliver(&mut self, topic: usize, group: u8, stem: &Stem) {
        for vertex in 0..self.units.len() {
            if self.graph.vertices[vertex].group.0 != group {
                continue;
            }
            let mut is_released = false;
            let unit = &mut self.units[vertex];
            for (mail, declared) in unit.mail.iter_mut().zip(&self.graph.vertices[vertex].inputs) {
                if usize::from(declared.topic) == topic {
                    if mail.len() >= declared.queue.max(1) {
                        mail.remove(0);
                    }
                    mail.push((stem.clone(), true));
                    is_released = unit.released_by == Some(topic) && !unit.is_pending;
                }
            }
            if is_released {
                unit.is_pending = true;
                self.push(self.now, RELEASE, vertex, Happening::Release);
            }
        }
    }

    fn finish(self, span: i64) -> Certificate {
        let nodes = || self.graph.vertices.iter().zip(&self.units);
        let load = |(name, domain): (&String, &crate::timing::Domain)| {
            // Domains without threads share the executor's: each is told of all that it has to do.
            let domains = &self.graph.profile.domains;
            let is_one = |other: &str| {
                other == name || domain.threads == 0 && domains.get(other).is_some_and(|d| d.threads == 0)
            };
            let mine =
                nodes().filter(|(vertex, _)| vertex.timing.as_ref().is_some_and(|t| is_one(&t.domain)));
            let busy: f64 = mine.map(|(_, unit)| unit.steps as f64 * unit.budget as f64).sum();
            let utilisation = busy / (span as f64 * domain.threads.max(1) as f64);
            DomainLoad { domain: name.clone(), threads: domain.threads, utilisation }
        };
        let reached = self.sensors.iter().zip(&self.worst).filter(|(_, worst)| worst[1] >= 0);
        Certificate {
            chains: reached
                .map(|(sensor, &[reaction, age, age_oldest])| ChainAge {
                    sensor: sensor.topic.clone(),
                    reaction: LogicalDuration::from_nanos(reaction.max(0)),
                    age: LogicalDuration::from_nanos(age),
                    age_oldest: LogicalDuration::from_nanos(age_oldest),
                })
                .collect(),
            loads: self.graph.profile.domains.iter().map(load).collect(),
            skipped: nodes()
                .filter(|(_, unit)| unit.skipped > 0)
                .map(|(vertex, unit)| (vertex.name.clone(), unit.skipped))
                .collect(),
            span: LogicalDuration::from_nanos(span),
        }
    }
}

impl Certificate {
    /// What speaks against running with this profile: a chain over its contract, a domain with more to do than its threads
    /// can, a node that is released too often. Empty when nothing does.
    #[must_use]
    pub fn objections(&self, contract: LogicalDuration) -> Vec<String> {
        let chains = self.chains.iter().filter(|chain| chain.age > contract).map(|chain| {
            format!(
                "{} can be {} old at the actuators, and the contract is {contract}",
                chain.sensor, chain.age
            )
        });
        let loads = self.loads.iter().filter(|load| load.utilisation > 1.0).map(|load| {
            format!("domain {}: its budgets are {:.0} % of its time", load.domain, 100.0 * load.utilisation)
        });
        let skipped = self.skipped.iter().map(|(node, count)| {
            format!("node {node}: released {count} times in {} while its step before still runs", self.span)
        });
        chains.chain(loads).chain(skipped).collect()
    }
}
