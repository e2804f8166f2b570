//! How much of everything is allocated before a run: what readers, links and observers may hold of each topic, and what
//! may be scheduled at a time.

use super::Executor;
use super::options::{Pacing, RunOptions};
use super::schedule::Schedule;
use super::unit::{Stream, Unit};
use crate::graph::Body;
use crate::node::SlotPlan;
use crate::pool::{Pool, WhenFull};
use crate::timing::{TimingProfile, TopicSlots};
use crate::trace::{self, TraceRecord};
use auriga_geometry::LogicalDuration;

/// At most that many slots per topic, whatever the profile makes of it.
const MOST_SLOTS: usize = 65_536;
/// Messages of one source that may be on their way at a time without the schedule growing.
const ON_THEIR_WAY: usize = 256;
/// Being written, and waiting for its publication instant.
const WITH_WRITER: usize = 2;

/// Messages that observers may hold, all of them together.
fn backlog(options: &RunOptions) -> usize {
    options.observers.iter().map(|observer| observer.backlog()).sum()
}

/// Messages of a topic that may be on the way over its link: its writer's are at least its budget apart.
fn on_link(stream: &Stream, budget: LogicalDuration) -> usize {
    if !stream.crosses() {
        return 0;
    }
    let apart = budget.max(LogicalDuration::LEAST).as_nanos();
    usize::try_from(stream.link.as_nanos() / apart).unwrap_or(0).saturating_add(1).min(MOST_SLOTS)
}

/// Messages that a topic's readers may hold: of each input what has come, and what it has in its hands.
fn with_readers(stream: &Stream, units: &[Unit]) -> usize {
    let readers = stream.readers.iter().flat_map(|group| &group.readers);
    readers.map(|reader| 2 * units[reader.unit].inputs[reader.input].queue.max(1)).sum()
}

/// A queue of events with room for those that a run can have at a time.
pub(super) fn schedule(units: &[Unit], streams: &[Stream]) -> Schedule {
    let links = streams.iter().map(|stream| {
        let writer = units.get(stream.writer).filter(|unit| !unit.is_source);
        on_link(stream, writer.map_or(LogicalDuration::LEAST, |unit| unit.budget)).min(ON_THEIR_WAY)
            * stream.readers.len()
    });
    let sources = units.iter().filter(|unit| unit.is_source).count();
    let transits = links.sum::<usize>() + sources * ON_THEIR_WAY;
    // Of each unit: a step's end, the next release, one by a message, and a look at whether it hangs.
    Schedule::with_capacity(4 * units.len() + transits, transits)
}

/// Slots for trace records, each with room for the largest one.
pub(super) fn trace_pool(units: &[Unit], profile: &TimingProfile, options: &RunOptions) -> Pool<TraceRecord> {
    let mut pool = Pool::new();
    if options.observers.is_empty() {
        return pool;
    }
    let name = units.iter().map(|unit| unit.name.len()).max().unwrap_or(0).max("executor".len());
    let inputs = units.iter().map(|unit| unit.in_force.capacity()).max().unwrap_or(0);
    let outputs = units.iter().map(|unit| unit.outputs.len()).max().unwrap_or(0);
    let line = profile.topics.get(trace::TOPIC).cloned().unwrap_or_default();
    let needed = WITH_WRITER + backlog(options);
    let SlotPlan { count, fixed } = plan(&line, needed, options.pacing);
    pool.prepare(count, fixed, || TraceRecord {
        node: String::with_capacity(name),
        inputs: Vec::with_capacity(inputs),
        outputs: Vec::with_capacity(outputs.max(1)),
        ..TraceRecord::default()
    });
    pool
}

fn plan(line: &TopicSlots, needed: usize, pacing: Pacing) -> SlotPlan {
    let fixed = pacing == Pacing::Live && line.when_full != WhenFull::Grow;
    SlotPlan { count: line.slots.unwrap_or(needed).min(MOST_SLOTS), fixed }
}

impl Executor {
    /// Gives every output its slots.
    pub(super) fn allocate_slots(&mut self, profile: &TimingProfile) {
        let backlog = backlog(&self.options);
        let plans: Vec<SlotPlan> = self
            .streams
            .iter()
            .map(|stream| {
                let line = profile.topics.get(&stream.info.name).cloned().unwrap_or_default();
                let budget = self.units[stream.writer].budget;
                let seen = if stream.observed { backlog } else { 0 };
                let needed = WITH_WRITER + with_readers(stream, &self.units) + on_link(stream, budget) + seen;
                plan(&line, needed, self.options.pacing)
            })
            .collect();
        for unit in &mut self.units {
            if let Some(Body::Node(node)) = &mut unit.body {
                node.prepare(&|topic| plans[usize::from(topic)]);
            }
        }
    }
}
