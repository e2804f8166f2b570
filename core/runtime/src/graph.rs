//! The graph: which nodes there are, and what they read and write.

use crate::node::sealed::{Inputs, Outputs};
use crate::node::{ErasedNode, InputDeclaration, Node, NodeCell};
use crate::source::Source;
use crate::timing::{NodeTiming, Release, TimingProfile};
use crate::topic::{Topic, TopicIndex, TopicInfo};
use crate::trace;
use auriga_geometry::LogicalDuration;
use auriga_wire::Message;

/// Nodes of one group always live in one process. Between groups every message takes its link's budget, in one process
/// too: so the bytes are the same, split or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group(pub u8);

impl Group {
    /// The group of the platform and the recorder.
    pub const FIRST: Self = Self(0);
}

/// What is wrong with a graph.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// The timing profile does not know the node.
    #[error("node {0}: the timing profile has no [node.{0}]; add it with domain, release and budget_ms")]
    NoTiming(String),
    /// The profile has a line for a node that does not exist.
    #[error("timing profile: [node.{0}] is not in the graph; remove it or correct its name")]
    UnknownNode(String),
    /// A topic has two writers.
    #[error("topic {topic}: {second} writes it, and {first} does already; each topic has exactly one writer")]
    TwoWriters {
        /// The topic.
        topic: String,
        /// Its writer.
        first: String,
        /// The other one.
        second: String,
    },
    /// A topic is read and nobody writes it.
    #[error("topic {topic}: {reader} reads it, and nobody writes it")]
    NoWriter {
        /// The topic.
        topic: String,
        /// Who reads it.
        reader: String,
    },
    /// A node is released by a topic that it does not read.
    #[error("node {node}: its release is on {topic}, which it does not read")]
    ReleaseNotRead {
        /// The node.
        node: String,
        /// The topic.
        topic: String,
    },
    /// A topic that stays within its group has a reader outside of it.
    #[error(
        "topic {topic}: {reader} reads it from another group, and it is declared as one that stays within its group"
    )]
    StaysWithin {
        /// The topic.
        topic: String,
        /// Who reads it.
        reader: String,
    },
    /// There is no node of that name.
    #[error("there is no node {name}; there are {known}")]
    NoNode {
        /// The name asked for.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// A node is to run again on a topic that no recording holds.
    #[error(
        "node {reader}: reads {topic}, which recordings do not hold; run again from the node that writes it"
    )]
    NotRecorded {
        /// The topic.
        topic: String,
        /// Who reads it.
        reader: String,
    },
    /// A source promises something impossible.
    #[error("source {0}: its least latency must be at least 1 µs and at most its period")]
    SourceTiming(String),
    /// Too many nodes or topics.
    #[error("a graph has at most 65,535 topics and nodes")]
    TooLarge,
}

/// What runs: a node or a source.
pub(crate) enum Body {
    Node(Box<dyn ErasedNode>),
    Source(Box<dyn Source>),
}

/// A node or source with everything the executor needs to know about it.
pub(crate) struct Vertex {
    pub name: String,
    pub group: Group,
    pub timing: Option<NodeTiming>,
    pub inputs: Vec<InputDeclaration>,
    pub outputs: Vec<TopicIndex>,
    pub body: Body,
}

/// Nodes, sources and topics in the order in which they were added. That order decides between things that happen at the
/// same instant.
pub struct Graph {
    pub(crate) profile: TimingProfile,
    pub(crate) topics: Vec<TopicInfo>,
    pub(crate) writers: Vec<Option<usize>>,
    pub(crate) vertices: Vec<Vertex>,
    pub(crate) trace: TopicIndex,
}

impl Graph {
    /// An empty graph that takes its timing from a profile.
    #[must_use]
    pub fn new(profile: TimingProfile) -> Self {
        let mut graph =
            Self { profile, topics: Vec::new(), writers: Vec::new(), vertices: Vec::new(), trace: 0 };
        graph.trace = graph.topic::<trace::TraceRecord>(trace::TOPIC).index;
        graph
    }

    /// A topic for messages of type `M`; the same one for the same name.
    pub fn topic<M: Message>(&mut self, name: &str) -> Topic<M> {
        let found = self.topics.iter().position(|info| info.name == name && info.type_name == M::NAME);
        let index = found.unwrap_or_else(|| {
            self.topics.push(TopicInfo::of::<M>(name));
            self.writers.push(None);
            self.topics.len() - 1
        });
        Topic::new(index as TopicIndex)
    }

    /// A topic that stays within its group and out of the recording: for what is large and follows from what is
    /// recorded, such as a network's tensors. The trace tells of its messages like of any other's.
    pub fn unrecorded_topic<M: Message>(&mut self, name: &str) -> Topic<M> {
        let topic = self.topic::<M>(name);
        self.topics[usize::from(topic.index)].recorded = false;
        topic
    }

    /// Adds a node.
    ///
    /// # Errors
    /// When the profile does not know it, or an output has a writer already.
    pub fn node<N: Node>(
        &mut self,
        name: &str,
        group: Group,
        node: N,
        inputs: N::Inputs,
        outputs: N::Outputs,
    ) -> Result<(), GraphError> {
        let timing =
            self.profile.nodes.get(name).cloned().ok_or_else(|| GraphError::NoTiming(name.to_owned()))?;
        let (mut reads, mut writes) = (Vec::new(), Vec::new());
        inputs.declare(&mut reads);
        outputs.declare(&mut writes);
        let body = Body::Node(Box::new(NodeCell { node, inputs, outputs }));
        self.add(Vertex {
            name: name.to_owned(),
            group,
            timing: Some(timing),
            inputs: reads,
            outputs: writes,
            body,
        })
    }

    /// Adds a source that writes `topics`, in the group of the platform.
    ///
    /// # Errors
    /// When its timing is impossible, or a topic has a writer already.
    pub fn source(&mut self, name: &str, source: impl Source, topics: &[u16]) -> Result<(), GraphError> {
        if source.least_latency() < LogicalDuration::LEAST || source.period() < source.least_latency() {
            return Err(GraphError::SourceTiming(name.to_owned()));
        }
        self.add(Vertex {
            name: name.to_owned(),
            group: Group::FIRST,
            timing: None,
            inputs: Vec::new(),
            outputs: topics.to_vec(),
            body: Body::Source(Box::new(source)),
        })
    }

    fn add(&mut self, vertex: Vertex) -> Result<(), GraphError> {
        if self.vertices.len() >= usize::from(u16::MAX) || self.topics.len() > usize::from(u16::MAX) {
            return Err(GraphError::TooLarge);
        }
        for &topic in &vertex.outputs {
            let topic = usize::from(topic);
            if let Some(first) = self.writers[topic] {
                return Err(GraphError::TwoWriters {
                    topic: self.topics[topic].name.clone(),
                    first: self.vertices[first].name.clone(),
                    second: vertex.name,
                });
            }
            self.writers[topic] = Some(self.vertices.len());
        }
        self.vertices.push(vertex);
        Ok(())
    }

    /// All topics, in order; the index is what trace records name.
    #[must_use]
    pub fn topics(&self) -> &[TopicInfo] {
        &self.topics
    }

    /// Names of the topics that sources write.
    #[must_use]
    pub fn source_topics(&self) -> Vec<&str> {
        let from_source = |writer: &Option<usize>| {
            writer.is_some_and(|vertex| matches!(self.vertices[vertex].body, Body::Source(_)))
        };
        let all = self.topics.iter().zip(&self.writers);
        all.filter(|(_, writer)| from_source(writer)).map(|(info, _)| info.name.as_str()).collect()
    }

    /// Names of the nodes and sources, in order.
    pub fn node_names(&self) -> impl Iterator<Item = &str> {
        self.vertices.iter().map(|vertex| vertex.name.as_str())
    }

    /// Refuses a profile with lines for nodes that are not in this graph: for the graph that has all nodes.
    ///
    /// # Errors
    /// Names the first such line.
    pub fn check_profile(&self) -> Result<(), GraphError> {
        let known =
            |name: &str| self.vertices.iter().any(|vertex| vertex.timing.is_some() && vertex.name == name);
        match self.profile.nodes.keys().find(|name| !known(name)) {
            Some(name) => Err(GraphError::UnknownNode(name.clone())),
            None => Ok(()),
        }
    }

    /// Checks what only the whole graph shows.
    pub(crate) fn check(&self) -> Result<(), GraphError> {
        for vertex in &self.vertices {
            for input in &vertex.inputs {
                let (info, writer) =
                    (&self.topics[usize::from(input.topic)], self.writers[usize::from(input.topic)]);
                let (topic, reader) = (info.name.clone(), vertex.name.clone());
                match writer {
                    None if !input.optional => return Err(GraphError::NoWriter { topic, reader }),
                    Some(writer) if !info.recorded && self.vertices[writer].group != vertex.group => {
                        return Err(GraphError::StaysWithin { topic, reader });
                    }
                    _ => {}
                }
            }
            if let Some(Release::On(topic)) = vertex.timing.as_ref().map(|timing| &timing.release) {
                let read =
                    vertex.inputs.iter().any(|input| &self.topics[usize::from(input.topic)].name == topic);
                if !read {
                    return Err(GraphError::ReleaseNotRead {
                        node: vertex.name.clone(),
                        topic: topic.clone(),
                    });
                }
            }
        }
        Ok(())
    }
}
