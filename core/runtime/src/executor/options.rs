//! How a graph is run, and what came of it.

use super::exchange::Exchange;
use crate::graph::{GraphError, Group};
use crate::histogram::Histogram;
use crate::message::AnyMessage;
use crate::statistics::{Measuring, NodeStatistics};
use auriga_geometry::{LogicalDuration, LogicalTime};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Why a run could not go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// The graph is not sound.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// A thread could not be started.
    #[error("timing domain {domain}: its thread could not be started: {problem}")]
    Thread {
        /// The domain.
        domain: String,
        /// The system's answer.
        problem: String,
    },
    /// A source failed.
    #[error("source {source_name} at {at}: {problem}")]
    Source {
        /// The source.
        source_name: String,
        /// When.
        at: LogicalTime,
        /// What it said.
        problem: String,
    },
    /// A node missed its deadline and its policy is to stop.
    #[error("node {node}: missed its deadline at {at}, and its policy is to stop")]
    Missed {
        /// The node.
        node: String,
        /// The deadline.
        at: LogicalTime,
    },
    /// A topic had no free slot, and its policy is to stop.
    #[error("node {node}: {topic} had no free slot at {at}, and its policy is to stop")]
    NoSlot {
        /// The node.
        node: String,
        /// The topic.
        topic: String,
        /// When its messages would have become visible.
        at: LogicalTime,
    },
    /// The other process.
    #[error("link: {0}")]
    Link(String),
    /// The recorder or another observer.
    #[error("{0}")]
    Observer(String),
}

/// Whether logical time waits for the clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pacing {
    /// As fast as the nodes compute.
    #[default]
    Virtual,
    /// Instants come when the clock says so.
    Live,
}

/// What a recording says of one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordedStep {
    /// When its outputs became visible.
    pub publication: LogicalTime,
    /// One of the trace's outcomes.
    pub outcome: u8,
    /// When it was noticed that it hung, if it did.
    pub hung: Option<LogicalTime>,
}

/// Where the durations of steps come from.
#[derive(Clone, Debug, Default)]
pub enum Durations {
    /// In virtual time the budget; live the budget when it is met, else the real time.
    #[default]
    Profile,
    /// In virtual time drawn with this seed from what the profile says that nodes take; a step over its budget is a miss.
    Sampled(u64),
    /// A recording's, by node and release in nanoseconds.
    Recorded(BTreeMap<(String, i64), RecordedStep>),
}

/// A message that became visible.
#[derive(Clone, Copy)]
pub struct Publication<'a> {
    /// Place of its topic in the graph.
    pub topic: u16,
    /// Its number on the topic.
    pub sequence: u32,
    /// When.
    pub instant: LogicalTime,
    /// The message.
    pub message: &'a Arc<dyn AnyMessage>,
}

/// Sees every message in the order (publication, place in the graph, sequence): recorder, viewer, evaluation. It must
/// be quick: it runs on the executor's thread.
pub trait Observer: Send {
    /// One message.
    ///
    /// # Errors
    /// Ends the run.
    fn observe(&mut self, publication: &Publication<'_>) -> Result<(), RunError>;

    /// How many messages it may hold on to after `observe` has returned. The topics get that many more slots each, so that
    /// no message has to be allocated, or dropped in a live run.
    fn backlog(&self) -> usize {
        0
    }

    /// The run has come to its end.
    ///
    /// # Errors
    /// Makes it one that failed.
    fn finish(&mut self) -> Result<(), RunError> {
        Ok(())
    }

    /// A step of the node at this place of the graph took so long by the clock. For whoever shows how a run is doing.
    fn measured(&mut self, _node: u16, _wall: std::time::Duration) {}
}

/// Which part of the graph runs in this process.
pub struct Split {
    /// The groups that run here.
    pub local: Vec<Group>,
    /// Whether this is the process that records: it then gets every message.
    pub records: bool,
}

/// How to run.
pub struct RunOptions {
    /// The last instant of the run.
    pub end: LogicalTime,
    /// Virtual or live.
    pub pacing: Pacing,
    /// Where durations come from.
    pub durations: Durations,
    /// Set from outside to end the run at the next tick of a source.
    pub stop: Arc<AtomicBool>,
    /// Who sees the messages.
    pub observers: Vec<Box<dyn Observer>>,
    /// The transport, for split runs and for links that always use it.
    pub exchange: Option<Box<dyn Exchange>>,
    /// Absent: the whole graph runs here.
    pub split: Option<Split>,
    /// What is measured of each step.
    pub measuring: Measuring,
    /// From this much logical time on, the threads of the executor are to allocate nothing outside of steps, and are watched
    /// (`auriga_allocations`). Queues of the system's and of libraries may still take what they need before.
    pub warm_up: LogicalDuration,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            end: LogicalTime::from_nanos(i64::MAX / 4),
            pacing: Pacing::Virtual,
            durations: Durations::Profile,
            stop: Arc::default(),
            observers: Vec::new(),
            exchange: None,
            split: None,
            measuring: Measuring::default(),
            warm_up: LogicalDuration::from_millis(1_000),
        }
    }
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct RunSummary {
    /// Its last instant.
    pub end: LogicalTime,
    /// Whether it was stopped from outside.
    pub stopped: bool,
    /// Wall time.
    pub wall: std::time::Duration,
    /// Nodes and sources in the order of the graph.
    pub nodes: Vec<NodeStatistics>,
    /// How late the executor was at each instant of a live run; empty in virtual time.
    pub lateness: Histogram,
    /// Messages per topic, in the order of the graph.
    pub messages: Vec<(String, u32)>,
    /// Trace records that observers did not get because there was no slot for them; their numbers are missing.
    pub trace_lost: u64,
}
