//! Sources: what comes from outside the graph.

use crate::message::AnyMessage;
use crate::node::NodeError;
use auriga_geometry::{LogicalDuration, LogicalTime};
use std::fmt;
use std::sync::Arc;

/// A source with several outputs, ticked in logical time. Everything that it emits is stamped here once and recorded.
pub trait Source: Send + 'static {
    /// The span between two ticks.
    fn period(&self) -> LogicalDuration;

    /// The least span from a tick to the arrival of anything it emits; at least 1 µs. The larger it is, the more the
    /// graph computes beside the source.
    fn least_latency(&self) -> LogicalDuration;

    /// Advances to `now` and emits.
    ///
    /// # Errors
    /// When the source can no longer go on: the run ends.
    fn tick(&mut self, now: LogicalTime, outputs: &mut SourceOutputs) -> Result<(), NodeError>;
}

impl Source for Box<dyn Source> {
    fn period(&self) -> LogicalDuration {
        (**self).period()
    }
    fn least_latency(&self) -> LogicalDuration {
        (**self).least_latency()
    }
    fn tick(&mut self, now: LogicalTime, outputs: &mut SourceOutputs) -> Result<(), NodeError> {
        (**self).tick(now, outputs)
    }
}

/// Takes what a tick emits.
#[derive(Debug, Default)]
pub struct SourceOutputs {
    /// In the order of emission.
    pub emissions: Vec<SourceEmission>,
    /// Nothing more will come: the run ends once everything emitted has arrived.
    pub finished: bool,
}

/// One message from outside, with its instants.
#[derive(Debug)]
pub struct SourceEmission {
    /// Which of the topics that the source was declared with.
    pub output: usize,
    /// Capture instant of its oldest part.
    pub oldest_capture: LogicalTime,
    /// Capture instant; of something swept, its end.
    pub capture: LogicalTime,
    /// When it becomes visible.
    pub arrival: LogicalTime,
    /// The message.
    pub payload: SourcePayload,
}

/// A message, or how to wait for one that is computed beside the run.
pub enum SourcePayload {
    /// Here.
    Ready(Arc<dyn AnyMessage>),
    /// Blocks until the message is there; called when its arrival instant has come.
    Pending(Box<dyn FnOnce() -> Result<Arc<dyn AnyMessage>, NodeError> + Send>),
}

impl fmt::Debug for SourcePayload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready(message) => write!(f, "Ready({message:?})"),
            Self::Pending(_) => f.write_str("Pending"),
        }
    }
}
