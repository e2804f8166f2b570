//! Nodes, their inputs and outputs.

use crate::message::{AnyMessage, downcast};
use crate::topic::TopicIndex;
use crate::trace::Provenance;
use auriga_geometry::LogicalTime;
use auriga_wire::Message;
use std::sync::Arc;

/// Why a step failed. The node stays; its outputs of this step are not published.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NodeError(pub String);

impl NodeError {
    /// From any error or text.
    pub fn new(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

/// One step's instants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// When the node was released: the instant at which its inputs are as they are.
    pub release: LogicalTime,
    /// When its outputs become visible if the budget is met.
    pub publication: LogicalTime,
}

/// Computes its outputs from its inputs and its own state. Sees logical time only; no clock, no I/O, no thread.
pub trait Node: Send + 'static {
    /// A tuple of [`Latest`] and [`Queue`], or `()`.
    type Inputs: InputSet;
    /// A tuple of [`Output`], or `()`.
    type Outputs: OutputSet;

    /// One step.
    ///
    /// # Errors
    /// When no output can be computed; says why. The trace keeps it, the node is released again.
    fn step(
        &mut self,
        step: &Step,
        inputs: &Self::Inputs,
        outputs: &mut Self::Outputs,
    ) -> Result<(), NodeError>;
}

/// A message as a node sees it.
#[derive(Clone, Debug)]
pub struct Sample<M> {
    /// The message.
    pub message: Arc<M>,
    /// Its number on its topic, from 0.
    pub sequence: u32,
    /// When it became visible to this node.
    pub visible: LogicalTime,
}

/// A message as the executor passes it on.
#[derive(Clone, Debug)]
#[doc(hidden)]
pub struct AnySample {
    pub message: Arc<dyn AnyMessage>,
    pub sequence: u32,
    pub visible: LogicalTime,
    pub provenance: Provenance,
    pub fresh: bool,
}

fn typed<M: Message>(sample: &AnySample) -> Sample<M> {
    // The graph connects topics of one type only, and a link decodes to the topic's type.
    let message =
        downcast::<M>(&sample.message).unwrap_or_else(|| unreachable!("topic types are checked by Topic<M>"));
    Sample { message, sequence: sample.sequence, visible: sample.visible }
}

/// The newest message of a topic.
#[derive(Debug)]
pub struct Latest<M> {
    topic: TopicIndex,
    optional: bool,
    sample: Option<Sample<M>>,
    fresh: bool,
}

impl<M: Message> Latest<M> {
    pub(crate) fn new(topic: TopicIndex) -> Self {
        Self { topic, optional: false, sample: None, fresh: false }
    }

    /// The same input, for a graph in which perhaps nobody writes the topic.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// The newest message, if any has ever come.
    #[must_use]
    pub fn get(&self) -> Option<&M> {
        self.sample.as_ref().map(|sample| &*sample.message)
    }

    /// The newest message if it came since the node's last step.
    #[must_use]
    pub fn fresh(&self) -> Option<&M> {
        if self.fresh { self.get() } else { None }
    }

    /// The newest message with its number and instant.
    #[must_use]
    pub fn sample(&self) -> Option<&Sample<M>> {
        self.sample.as_ref()
    }
}

/// The messages of a topic since the node's last step, oldest first.
#[derive(Debug)]
pub struct Queue<M> {
    topic: TopicIndex,
    capacity: usize,
    samples: Vec<Sample<M>>,
}

impl<M: Message> Queue<M> {
    pub(crate) fn new(topic: TopicIndex, capacity: usize) -> Self {
        Self { topic, capacity: capacity.max(1), samples: Vec::with_capacity(capacity.max(1)) }
    }

    /// The messages, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &M> {
        self.samples.iter().map(|sample| &*sample.message)
    }

    /// The messages with their numbers and instants.
    #[must_use]
    pub fn samples(&self) -> &[Sample<M>] {
        &self.samples
    }
}

/// A message that a node may write in a step.
#[derive(Debug)]
pub struct Output<M> {
    topic: TopicIndex,
    pool: crate::pool::Pool<M>,
    slot: Option<Arc<M>>,
}

impl<M: Message> Output<M> {
    pub(crate) fn new(topic: TopicIndex) -> Self {
        Self { topic, pool: crate::pool::Pool::new(), slot: None }
    }

    /// The message to fill in, default at first; it is published at the end of the step. Without a call to this
    /// nothing is published.
    pub fn write(&mut self) -> &mut M {
        let pool = &mut self.pool;
        Arc::make_mut(self.slot.get_or_insert_with(|| pool.take())) // never copies: the slot is not shared yet
    }

    /// Takes back what was written in this step.
    pub fn discard(&mut self) {
        self.slot = None;
    }
}

/// What an input declares to the graph.
#[derive(Clone, Copy, Debug)]
#[doc(hidden)]
pub struct InputDeclaration {
    pub topic: TopicIndex,
    /// 0: the latest message only.
    pub queue: usize,
    /// The topic may have no writer.
    pub optional: bool,
}

pub(crate) mod sealed {
    use super::{AnyMessage, AnySample, Arc, InputDeclaration, TopicIndex};

    /// Tuples of inputs.
    pub trait Inputs {
        fn declare(&self, declarations: &mut Vec<InputDeclaration>);
        fn load(&mut self, inputs: &[Vec<AnySample>]);
        fn clear(&mut self);
    }

    /// Tuples of outputs.
    pub trait Outputs {
        fn declare(&self, topics: &mut Vec<TopicIndex>);
        fn collect(&mut self, produced: &mut Vec<(TopicIndex, Arc<dyn AnyMessage>)>);
        fn discard(&mut self);
    }

    pub trait Input {
        fn declaration(&self) -> InputDeclaration;
        fn load(&mut self, samples: &[AnySample]);
        fn clear(&mut self);
    }

    pub trait Out {
        fn topic(&self) -> TopicIndex;
        fn collect(&mut self) -> Option<Arc<dyn AnyMessage>>;
        fn discard(&mut self);
    }
}
use sealed::{Input, Inputs, Out, Outputs};

/// A tuple of inputs.
pub trait InputSet: Inputs + Send + 'static {}
impl<T: Inputs + Send + 'static> InputSet for T {}

/// A tuple of outputs.
pub trait OutputSet: Outputs + Send + 'static {}
impl<T: Outputs + Send + 'static> OutputSet for T {}

impl<M: Message> Input for Latest<M> {
    fn declaration(&self) -> InputDeclaration {
        InputDeclaration { topic: self.topic, queue: 0, optional: self.optional }
    }
    fn load(&mut self, samples: &[AnySample]) {
        self.sample = samples.last().map(typed);
        self.fresh = samples.last().is_some_and(|sample| sample.fresh);
    }
    fn clear(&mut self) {
        self.sample = None;
    }
}

impl<M: Message> Input for Queue<M> {
    fn declaration(&self) -> InputDeclaration {
        InputDeclaration { topic: self.topic, queue: self.capacity, optional: false }
    }
    fn load(&mut self, samples: &[AnySample]) {
        self.samples.clear();
        self.samples.extend(samples.iter().map(typed));
    }
    fn clear(&mut self) {
        self.samples.clear();
    }
}

impl<M: Message> Out for Output<M> {
    fn topic(&self) -> TopicIndex {
        self.topic
    }
    fn collect(&mut self) -> Option<Arc<dyn AnyMessage>> {
        let message = self.slot.take()?;
        self.pool.keep(&message);
        Some(message)
    }
    fn discard(&mut self) {
        self.slot = None;
    }
}

macro_rules! tuples {
    ($(($($name:ident $index:tt),*);)*) => {$(
        #[allow(unused_variables, reason = "the empty tuple has none")]
        impl<$($name: Input),*> Inputs for ($($name,)*) {
            fn declare(&self, declarations: &mut Vec<InputDeclaration>) {
                $(declarations.push(self.$index.declaration());)*
            }
            fn load(&mut self, inputs: &[Vec<AnySample>]) {
                $(self.$index.load(&inputs[$index]);)*
            }
            fn clear(&mut self) {
                $(self.$index.clear();)*
            }
        }
        #[allow(unused_variables, reason = "the empty tuple has none")]
        impl<$($name: Out),*> Outputs for ($($name,)*) {
            fn declare(&self, topics: &mut Vec<TopicIndex>) {
                $(topics.push(self.$index.topic());)*
            }
            fn collect(&mut self, produced: &mut Vec<(TopicIndex, Arc<dyn AnyMessage>)>) {
                $(if let Some(message) = self.$index.collect() {
                    produced.push((self.$index.topic(), message));
                })*
            }
            fn discard(&mut self) {
                $(self.$index.discard();)*
            }
        }
    )*};
}
tuples! {
    ();
    (A 0);
    (A 0, B 1);
    (A 0, B 1, C 2);
    (A 0, B 1, C 2, D 3);
    (A 0, B 1, C 2, D 3, E 4);
    (A 0, B 1, C 2, D 3, E 4, F 5);
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6);
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
}

/// A node whose types the executor need not know.
pub(crate) trait ErasedNode: Send {
    fn load(&mut self, inputs: &[Vec<AnySample>]);
    fn step(&mut self, step: &Step) -> Result<(), NodeError>;
    fn collect(&mut self, produced: &mut Vec<(TopicIndex, Arc<dyn AnyMessage>)>);
    fn discard(&mut self);
}

pub(crate) struct NodeCell<N: Node> {
    pub node: N,
    pub inputs: N::Inputs,
    pub outputs: N::Outputs,
}

impl<N: Node> ErasedNode for NodeCell<N> {
    fn load(&mut self, inputs: &[Vec<AnySample>]) {
        self.inputs.load(inputs);
    }
    fn step(&mut self, step: &Step) -> Result<(), NodeError> {
        let result = self.node.step(step, &self.inputs, &mut self.outputs);
        self.inputs.clear();
        result
    }
    fn collect(&mut self, produced: &mut Vec<(TopicIndex, Arc<dyn AnyMessage>)>) {
        self.outputs.collect(produced);
    }
    fn discard(&mut self) {
        self.inputs.clear();
        self.outputs.discard();
    }
}
