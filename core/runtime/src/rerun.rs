//! A part of a graph run again: what comes before it is taken from a recording.

use crate::graph::{Body, Graph, GraphError, Group, Vertex};
use crate::source::Source;
use crate::topic::TopicInfo;
use std::collections::{BTreeMap, BTreeSet};

/// Makes a source that emits the given topics of a recording.
pub type MakeSource<'a, E> = &'a mut dyn FnMut(Vec<TopicInfo>) -> Result<Box<dyn Source>, E>;

impl Graph {
    /// Keeps `node` and all nodes that read, directly or not, what it writes. In the place of the others come sources, one
    /// per group, that `recorded` makes; so links between groups still take their budgets. Gives the names of the topics
    /// that the kept nodes write.
    ///
    /// # Errors
    /// When there is no such node, a kept node needs a topic that no recording holds, or `recorded` fails.
    pub fn rerun_from<E: From<GraphError>>(
        &mut self,
        node: &str,
        recorded: MakeSource<'_, E>,
    ) -> Result<Vec<String>, E> {
        let kept = self.behind(node)?;
        let reads = kept.iter().flat_map(|&place| &self.vertices[place].inputs).map(|input| input.topic);
        let wanted: BTreeSet<u16> = reads.collect();
        let mut taken: BTreeMap<Group, Vec<u16>> = BTreeMap::new();
        let mut others = Vec::new();
        for (place, vertex) in std::mem::take(&mut self.vertices).into_iter().enumerate() {
            if kept.contains(&place) {
                others.push(vertex);
            } else {
                // What nobody reads again is not read from the file either.
                let recorded =
                    |topic: &&u16| wanted.contains(topic) && self.topics[usize::from(**topic)].recorded;
                taken.entry(vertex.group).or_default().extend(vertex.outputs.iter().filter(recorded));
            }
        }
        taken.retain(|_, topics| !topics.is_empty());
        for (number, (group, topics)) in taken.into_iter().enumerate() {
            let source =
                recorded(topics.iter().map(|&topic| self.topics[usize::from(topic)].clone()).collect())?;
            others.insert(
                number,
                Vertex {
                    name: format!("recorded/{number}"),
                    group,
                    timing: None,
                    inputs: Vec::new(),
                    outputs: topics,
                    body: Body::Source(source),
                },
            );
        }
        self.writers.fill(None);
        for (place, vertex) in others.iter().enumerate() {
            vertex.outputs.iter().for_each(|&topic| self.writers[usize::from(topic)] = Some(place));
        }
        self.vertices = others;
        self.needs_only_what_is_recorded()?;
        let again = self.vertices.iter().filter(|vertex| matches!(vertex.body, Body::Node(_)));
        let topics = again.flat_map(|vertex| &vertex.outputs).map(|&topic| &self.topics[usize::from(topic)]);
        Ok(topics.filter(|topic| topic.recorded).map(|topic| topic.name.clone()).collect())
    }

    /// The places of a node and of all that read what it writes.
    fn behind(&self, node: &str) -> Result<BTreeSet<usize>, GraphError> {
        let is_it = |vertex: &Vertex| vertex.name == node && matches!(vertex.body, Body::Node(_));
        let start = self.vertices.iter().position(is_it).ok_or_else(|| {
            let nodes = self.vertices.iter().filter(|vertex| matches!(vertex.body, Body::Node(_)));
            GraphError::NoNode {
                name: node.to_owned(),
                known: nodes.map(|vertex| vertex.name.as_str()).collect::<Vec<_>>().join(", "),
            }
        })?;
        let (mut kept, mut open) = (BTreeSet::from([start]), vec![start]);
        while let Some(place) = open.pop() {
            let writes = &self.vertices[place].outputs;
            for (reader, vertex) in self.vertices.iter().enumerate() {
                let reads = vertex.inputs.iter().any(|input| writes.contains(&input.topic));
                if reads && kept.insert(reader) {
                    open.push(reader);
                }
            }
        }
        Ok(kept)
    }

    fn needs_only_what_is_recorded(&self) -> Result<(), GraphError> {
        for vertex in &self.vertices {
            for input in &vertex.inputs {
                let topic = usize::from(input.topic);
                if self.writers[topic].is_none() && !self.topics[topic].recorded {
                    return Err(GraphError::NotRecorded {
                        topic: self.topics[topic].name.clone(),
                        reader: vertex.name.clone(),
                    });
                }
            }
        }
        Ok(())
    }
}
