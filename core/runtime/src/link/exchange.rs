//! A link as the executor uses it.

use super::{
    Envelope, Link, LinkError, LinkPublisher, LinkSample, Payload, StepResult, Subscription, step_key,
};
use crate::executor::{Exchange, RunError};
use crate::graph::{Graph, Group};
use crate::message::AnyMessage;
use auriga_geometry::LogicalTime;
use std::collections::BTreeMap;

/// What a name of the subscription carries.
#[derive(Clone, Copy)]
enum Carries {
    Steps,
    Messages(u16),
}

/// Steps and messages over a link: between two processes of one run, or from a process to itself.
pub struct LinkExchange {
    /// Sends the results of the nodes that run here, by place in the graph.
    steps: BTreeMap<u16, LinkPublisher>,
    /// Sends messages, by topic.
    topics: BTreeMap<u16, LinkPublisher>,
    subscription: Subscription,
    carries: Vec<Carries>,
    early_steps: BTreeMap<(u16, u64), StepResult>,
    early_messages: BTreeMap<(u16, u32), Payload>,
    bytes: Vec<u8>,
    /// Closes last.
    link: Link,
}

impl LinkExchange {
    /// Between two processes: the groups in `local` run here, the others there. Subscribes before the peer is waited for.
    ///
    /// # Errors
    /// When a name cannot be a key.
    pub fn between(link: Link, graph: &Graph, local: &[Group]) -> Result<Self, LinkError> {
        let (mut steps, mut topics) = (BTreeMap::new(), BTreeMap::new());
        let (mut names, mut carries) = (Vec::new(), Vec::new());
        for (index, vertex) in graph.vertices.iter().enumerate() {
            let key = step_key(&vertex.name);
            if local.contains(&vertex.group) {
                steps.insert(index as u16, link.publisher(&key)?);
                for topic in &vertex.outputs {
                    topics.insert(*topic, link.publisher(&graph.topics[usize::from(*topic)].name)?);
                }
            } else {
                names.push(key);
                carries.push(Carries::Steps);
                for topic in &vertex.outputs {
                    names.push(graph.topics[usize::from(*topic)].name.clone());
                    carries.push(Carries::Messages(*topic));
                }
            }
        }
        Self::new(link, steps, topics, &names, carries)
    }

    /// From this process to itself, for the topics whose link always uses the transport.
    ///
    /// # Errors
    /// When a name cannot be a key.
    pub fn within(link: Link, graph: &Graph) -> Result<Self, LinkError> {
        let mut topics = BTreeMap::new();
        let (mut names, mut carries) = (Vec::new(), Vec::new());
        for (index, topic) in graph.topics.iter().enumerate() {
            if graph.profile.link(&topic.name).transport_always {
                topics.insert(index as u16, link.publisher(&topic.name)?);
                names.push(topic.name.clone());
                carries.push(Carries::Messages(index as u16));
            }
        }
        Self::new(link, BTreeMap::new(), topics, &names, carries)
    }

    fn new(
        link: Link,
        steps: BTreeMap<u16, LinkPublisher>,
        topics: BTreeMap<u16, LinkPublisher>,
        names: &[String],
        carries: Vec<Carries>,
    ) -> Result<Self, LinkError> {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        Ok(Self {
            subscription: link.subscribe(&names)?,
            steps,
            topics,
            carries,
            early_steps: BTreeMap::new(),
            early_messages: BTreeMap::new(),
            bytes: Vec::new(),
            link,
        })
    }

    /// The link itself, to wait for the peer.
    #[must_use]
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// Takes the next sample and files it under what it is.
    fn take(&mut self) -> Result<(), RunError> {
        let LinkSample { index, envelope, payload } = self.subscription.receive().map_err(lost)?;
        match self.carries.get(index) {
            Some(Carries::Messages(topic)) => {
                self.early_messages.insert((*topic, envelope.sequence), payload);
            }
            _ => {
                let step: StepResult = auriga_wire::from_cdr(&payload.bytes())
                    .map_err(|error| RunError::Link(error.to_string()))?;
                self.early_steps.insert((step.node, step.release_index), step);
            }
        }
        Ok(())
    }
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn lost(error: LinkError) -> RunError {
    RunError::Link(error.to_string())
}

impl Exchange for LinkExchange {
    fn send_step(&mut self, step: &StepResult) -> Result<(), RunError> {
        let Some(publisher) = self.steps.get(&step.node) else { return Ok(()) };
        let envelope =
            Envelope { publication: LogicalTime::from_nanos(step.release_ns), ..Envelope::default() };
        publisher.put(&envelope, auriga_wire::to_cdr(step)).map_err(lost)
    }

    fn receive_step(&mut self, vertex: u16, index: u64) -> Result<StepResult, RunError> {
        loop {
            if let Some(step) = self.early_steps.remove(&(vertex, index)) {
                return Ok(step);
            }
            self.take()?;
        }
    }

    fn send_message(&mut self, topic: u16, sequence: u32, message: &dyn AnyMessage) -> Result<(), RunError> {
        let Some(publisher) = self.topics.get(&topic) else { return Ok(()) };
        message.write_cdr(&mut self.bytes);
        let envelope = Envelope { topic, sequence, publication: LogicalTime::ZERO };
        publisher.put(&envelope, self.bytes.clone()).map_err(lost)
    }

    fn finish(&mut self) -> Result<(), RunError> {
        self.link.finish().map_err(lost)
    }

    fn receive_message(&mut self, topic: u16, sequence: u32) -> Result<Vec<u8>, RunError> {
        loop {
            if let Some(payload) = self.early_messages.remove(&(topic, sequence)) {
                return Ok(payload.bytes().into_owned());
            }
            self.take()?;
        }
    }
}
