//! What happens when: the queue of events in logical time.

use crate::node::AnySample;
use crate::source::SourcePayload;
use crate::topic::TopicIndex;
use crate::trace::Provenance;
use auriga_geometry::LogicalTime;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// The order of things at one instant: all that becomes visible, then all releases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// A source says what it will emit.
    Grant,
    /// Messages become visible.
    Publish,
    /// Nodes are released.
    Release,
}

pub(super) enum Happening {
    /// A step's outputs become visible.
    Complete,
    /// A message from outside becomes visible.
    Arrival { output: usize, provenance: Provenance, tick: LogicalTime, payload: Option<SourcePayload> },
    /// A message becomes visible to the nodes of another group.
    Deliver { topic: TopicIndex, group: u8, sample: AnySample },
    /// A node is released, or a source ticked.
    Release,
}

/// Something that happens at an instant. Ordered by instant, phase, place of the vertex, and number.
pub(super) struct Event {
    pub time: LogicalTime,
    pub phase: Phase,
    pub vertex: usize,
    number: u64,
    pub happening: Happening,
}

impl Event {
    fn key(&self) -> (LogicalTime, Phase, usize, u64) {
        (self.time, self.phase, self.vertex, self.number)
    }
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}
impl Eq for Event {}
impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Event {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// The events to come.
#[derive(Default)]
pub(super) struct Schedule {
    heap: BinaryHeap<Reverse<Event>>,
    number: u64,
}

impl Schedule {
    pub fn push(&mut self, time: LogicalTime, phase: Phase, vertex: usize, happening: Happening) {
        self.number += 1;
        self.heap.push(Reverse(Event { time, phase, vertex, number: self.number, happening }));
    }

    pub fn next_time(&self) -> Option<LogicalTime> {
        self.heap.peek().map(|event| event.0.time)
    }

    pub fn pop(&mut self) -> Option<Event> {
        self.heap.pop().map(|event| event.0)
    }
}
