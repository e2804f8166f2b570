//! Topics: named streams with one writer each.

use crate::message::AnyMessage;
use crate::node::{Latest, Output, Queue};
use auriga_wire::{Message, WireError};
use std::marker::PhantomData;
use std::sync::Arc;

/// Place of a topic in the graph.
pub(crate) type TopicIndex = u16;

/// A topic that carries messages of type `M`.
pub struct Topic<M> {
    pub(crate) index: TopicIndex,
    message: PhantomData<fn() -> M>,
}

impl<M> Clone for Topic<M> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<M> Copy for Topic<M> {}

impl<M: Message> Topic<M> {
    pub(crate) fn new(index: TopicIndex) -> Self {
        Self { index, message: PhantomData }
    }

    /// Its place in the graph's list of topics.
    #[must_use]
    pub fn index(self) -> u16 {
        self.index
    }

    /// An input that holds the newest message.
    #[must_use]
    pub fn latest(self) -> Latest<M> {
        Latest::new(self.index)
    }

    /// An input that holds every message since the last step, at most `capacity`: the oldest ones give way.
    #[must_use]
    pub fn queue(self, capacity: usize) -> Queue<M> {
        Queue::new(self.index, capacity)
    }

    /// The output that writes this topic.
    #[must_use]
    pub fn publish(self) -> Output<M> {
        Output::new(self.index)
    }
}

/// Makes a message of the topic's type from CDR.
pub(crate) type Decode = fn(&[u8]) -> Result<Arc<dyn AnyMessage>, WireError>;

/// What the recorder and the links need to know about a topic.
#[derive(Clone)]
pub struct TopicInfo {
    /// `/perception/objects`, say.
    pub name: String,
    /// The ROS 2 name of its messages.
    pub type_name: &'static str,
    /// Their ROS 2 definition.
    pub schema_text: String,
    /// `RIHS01_…` (REP-2011).
    pub type_hash: String,
    /// Whether observers see its messages, and so the recorder.
    pub recorded: bool,
    pub(crate) decode: Decode,
}

impl TopicInfo {
    pub(crate) fn of<M: Message>(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            type_name: M::NAME,
            schema_text: M::schema_text(),
            type_hash: M::type_hash(),
            recorded: true,
            decode: |bytes| Ok(Arc::new(auriga_wire::from_cdr::<M>(bytes)?)),
        }
    }

    /// A message of this topic's type from CDR.
    ///
    /// # Errors
    /// When the bytes are not such a message.
    pub fn decode(&self, bytes: &[u8]) -> Result<Arc<dyn AnyMessage>, WireError> {
        (self.decode)(bytes)
    }
}

impl std::fmt::Debug for TopicInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.name, self.type_name)
    }
}
