//! Nodes, their inputs and outputs.

use crate::message::{AnyMessage, downcast_owned};
use crate::pool::Pool;
use crate::topic::TopicIndex;
use crate::trace::Provenance;
use auriga_geometry::LogicalTime;
use auriga_wire::Message;
use std::collections::VecDeque;
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
}

/// What has come for one input.
#[derive(Debug)]
#[doc(hidden)]
pub struct Mail {
    /// Since the last step, oldest first; of a latest-only input the newest. Moves into the input at a step.
    pub arrived: VecDeque<AnySample>,
    /// 0: the latest message only.
    pub queue: usize,
    /// Of a latest-only input: what the trace says of the message in force.
    pub in_force: Option<InForce>,
}

/// A message in force.
#[derive(Clone, Copy, Debug)]
#[doc(hidden)]
pub struct InForce {
    pub sequence: u32,
    pub provenance: Provenance,
    /// It came since the last step.
    pub fresh: bool,
}

impl Mail {
    pub(crate) fn new(queue: usize) -> Self {
        Self { arrived: VecDeque::with_capacity(queue.max(1)), queue, in_force: None }
    }

    /// Takes a message; the oldest one gives way when there is no room.
    pub(crate) fn deliver(&mut self, sample: AnySample) {
        if self.queue == 0 {
            let AnySample { sequence, provenance, .. } = sample;
            self.in_force = Some(InForce { sequence, provenance, fresh: true });
        }
        if self.arrived.len() >= self.queue.max(1) {
            self.arrived.pop_front();
        }
        self.arrived.push_back(sample);
    }

    /// A step has taken what was there.
    pub(crate) fn taken(&mut self) {
        self.arrived.clear();
        if let Some(in_force) = &mut self.in_force {
            in_force.fresh = false;
        }
    }
}

/// What a step has written.
#[derive(Debug, Default)]
#[doc(hidden)]
pub struct Produced {
    pub messages: Vec<(TopicIndex, Arc<dyn AnyMessage>)>,
    /// A topic that had no free slot.
    pub full: Option<TopicIndex>,
}

/// How many slots an output gets, and whether it never gets more.
#[derive(Clone, Copy, Debug)]
#[doc(hidden)]
pub struct SlotPlan {
    pub count: usize,
    pub fixed: bool,
}

fn typed<M: Message>(sample: AnySample) -> Sample<M> {
    // The graph connects topics of one type only, and a link decodes to the topic's type.
    let message = downcast_owned::<M>(sample.message)
        .unwrap_or_else(|| unreachable!("topic types are checked by Topic<M>"));
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
    pool: Pool<M>,
    slot: Option<Arc<M>>,
    /// Written instead of a slot when none is free, and never published.
    spare: Option<Arc<M>>,
    full: bool,
}

impl<M: Message> Output<M> {
    pub(crate) fn new(topic: TopicIndex) -> Self {
        Self { topic, pool: Pool::new(), slot: None, spare: None, full: false }
    }

    /// The message to fill in, default at first; it is published at the end of the step. Without a call to this
    /// nothing is published.
    pub fn write(&mut self) -> &mut M {
        let is_new = self.slot.is_none();
        let slot = self.slot.get_or_insert_with(|| {
            self.pool.take().unwrap_or_else(|| {
                self.full = true;
                self.spare.take().unwrap_or_default()
            })
        });
        let Some(message) = Arc::get_mut(slot) else {
            unreachable!("a slot is not shared before it is published")
        };
        if is_new {
            // What it held before never shows: which slot is free depends on how far the recorder has come.
            message.reset();
        }
        message
    }

    /// Takes back what was written in this step.
    pub fn discard(&mut self) {
        let Some(slot) = self.slot.take() else { return };
        if std::mem::take(&mut self.full) {
            self.spare = Some(slot);
        } else {
            self.pool.give_back(slot);
        }
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
    use super::{InputDeclaration, Mail, Produced, SlotPlan, TopicIndex};

    /// Tuples of inputs.
    pub trait Inputs {
        fn declare(&self, declarations: &mut Vec<InputDeclaration>);
        fn load(&mut self, mail: &mut [Mail]);
        fn clear(&mut self);
    }

    /// Tuples of outputs.
    pub trait Outputs {
        fn declare(&self, topics: &mut Vec<TopicIndex>);
        fn prepare(&mut self, plan: &dyn Fn(TopicIndex) -> SlotPlan);
        fn collect(&mut self, produced: &mut Produced);
        fn discard(&mut self);
    }

    pub trait Input {
        fn declaration(&self) -> InputDeclaration;
        fn load(&mut self, mail: &mut Mail);
        fn clear(&mut self);
    }

    pub trait Out {
        fn topic(&self) -> TopicIndex;
        fn prepare(&mut self, plan: SlotPlan);
        fn collect(&mut self, produced: &mut Produced);
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
    fn load(&mut self, mail: &mut Mail) {
        if let Some(sample) = mail.arrived.pop_back() {
            self.sample = Some(typed(sample));
        }
        self.fresh = mail.in_force.is_some_and(|in_force| in_force.fresh);
    }
    fn clear(&mut self) {} // stays in force
}

impl<M: Message> Input for Queue<M> {
    fn declaration(&self) -> InputDeclaration {
        InputDeclaration { topic: self.topic, queue: self.capacity, optional: false }
    }
    fn load(&mut self, mail: &mut Mail) {
        self.samples.clear();
        self.samples.extend(mail.arrived.drain(..).map(typed));
    }
    fn clear(&mut self) {
        self.samples.clear();
    }
}

impl<M: Message> Out for Output<M> {
    fn topic(&self) -> TopicIndex {
        self.topic
    }
    fn prepare(&mut self, plan: SlotPlan) {
        self.pool.prepare(plan.count, plan.fixed, M::default);
        self.spare = Some(Arc::default());
    }
    fn collect(&mut self, produced: &mut Produced) {
        if self.full {
            produced.full = Some(self.topic);
            self.discard();
        } else if let Some(message) = self.slot.take() {
            self.pool.publish(&message);
            produced.messages.push((self.topic, message));
        }
    }
    fn discard(&mut self) {
        Output::discard(self);
    }
}

macro_rules! tuples {
    ($(($($name:ident $index:tt),*);)*) => {$(
        #[allow(unused_variables, reason = "the empty tuple has none")]
        impl<$($name: Input),*> Inputs for ($($name,)*) {
            fn declare(&self, declarations: &mut Vec<InputDeclaration>) {
                $(declarations.push(self.$index.declaration());)*
            }
            fn load(&mut self, mail: &mut [Mail]) {
                $(self.$index.load(&mut mail[$index]);)*
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
            fn prepare(&mut self, plan: &dyn Fn(TopicIndex) -> SlotPlan) {
                $(self.$index.prepare(plan(self.$index.topic()));)*
            }
            fn collect(&mut self, produced: &mut Produced) {
                $(self.$index.collect(produced);)*
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
    /// Allocates the slots of its outputs.
    fn prepare(&mut self, plan: &dyn Fn(TopicIndex) -> SlotPlan);
    /// Takes its inputs.
    fn load(&mut self, mail: &mut [Mail]);
    /// One step; what it wrote, where it did not fail.
    fn step(&mut self, step: &Step, produced: &mut Produced) -> Result<(), NodeError>;
    /// After a panic.
    fn discard(&mut self);
}

pub(crate) struct NodeCell<N: Node> {
    pub node: N,
    pub inputs: N::Inputs,
    pub outputs: N::Outputs,
}

impl<N: Node> ErasedNode for NodeCell<N> {
    fn prepare(&mut self, plan: &dyn Fn(TopicIndex) -> SlotPlan) {
        self.outputs.prepare(plan);
    }
    fn load(&mut self, mail: &mut [Mail]) {
        self.inputs.load(mail);
    }
    fn step(&mut self, step: &Step, produced: &mut Produced) -> Result<(), NodeError> {
        // What a node allocates in its step is its own affair, and counted as such.
        let Self { node, inputs, outputs } = self;
        let result = auriga_allocations::permit(|| node.step(step, inputs, outputs));
        self.inputs.clear();
        if result.is_ok() {
            self.outputs.collect(produced);
        } else {
            self.outputs.discard();
        }
        result
    }
    fn discard(&mut self) {
        self.inputs.clear();
        self.outputs.discard();
    }
}
