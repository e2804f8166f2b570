//! What happens when: the queue of events in logical time.

use super::publish::Announced;
use crate::node::AnySample;
use crate::topic::TopicIndex;
use auriga_geometry::LogicalTime;

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

/// A message on its way.
pub(super) enum Transit {
    /// A message from outside becomes visible.
    Arrival { announced: Announced, tick: LogicalTime },
    /// A message becomes visible to the nodes of another group.
    Deliver { topic: TopicIndex, group: u8, sample: AnySample },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Happening {
    /// A step's outputs become visible.
    Complete,
    /// A node is released, or a source ticked.
    Release,
    /// A step should be back.
    LookAt,
    /// The message at this place arrives.
    Transit(u32),
}

/// Something that happens at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Event {
    pub time: LogicalTime,
    pub vertex: usize,
    pub happening: Happening,
}

/// What the queue sorts: small, because it is moved about. Ordered by instant, phase, place of the vertex, and number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    time: LogicalTime,
    /// Phase (2 bits), vertex (16), number (46).
    order: u64,
    /// [`COMPLETE`], [`RELEASE`], [`LOOK_AT`], or where the message in transit is kept.
    what: u32,
}

/// Among this many a new event's place is looked for one by one, before the rest is halved.
const SOON: usize = 8;
const VERTEX_SHIFT: u32 = 46;
const PHASE_SHIFT: u32 = 62;
const NUMBER: u64 = (1 << VERTEX_SHIFT) - 1;
const COMPLETE: u32 = u32::MAX;
const RELEASE: u32 = u32::MAX - 1;
const LOOK_AT: u32 = u32::MAX - 2;

/// The events to come.
#[derive(Default)]
pub(super) struct Schedule {
    /// Latest first. A list, because there are few events, most new ones are soon, and the next one is had for nothing.
    events: Vec<Key>,
    transits: Vec<Option<Transit>>,
    free: Vec<u32>,
    number: u64,
}

impl Schedule {
    /// Room for that many events, of which that many are messages in transit.
    pub fn with_capacity(events: usize, transits: usize) -> Self {
        Self {
            events: Vec::with_capacity(events),
            transits: std::iter::repeat_with(|| None).take(transits).collect(),
            free: (0..transits as u32).collect(),
            number: 0,
        }
    }

    /// A step's outputs become visible; of a source (phase `Grant`), it announces.
    pub fn complete(&mut self, time: LogicalTime, phase: Phase, vertex: usize) {
        self.push(time, phase, vertex, COMPLETE);
    }

    /// A step should be back.
    pub fn look_at(&mut self, time: LogicalTime, phase: Phase, vertex: usize) {
        self.push(time, phase, vertex, LOOK_AT);
    }

    /// A node is released.
    pub fn release(&mut self, time: LogicalTime, vertex: usize) {
        self.push(time, Phase::Release, vertex, RELEASE);
    }

    /// A message that `vertex` wrote arrives.
    pub fn transit(&mut self, time: LogicalTime, vertex: usize, transit: Transit) {
        let place = self.free.pop().unwrap_or_else(|| {
            self.transits.push(None);
            self.transits.len() as u32 - 1
        });
        self.transits[place as usize] = Some(transit);
        self.push(time, Phase::Publish, vertex, place);
    }

    fn push(&mut self, time: LogicalTime, phase: Phase, vertex: usize, what: u32) {
        self.number += 1;
        let order = (phase as u64) << PHASE_SHIFT | (vertex as u64) << VERTEX_SHIFT | (self.number & NUMBER);
        let key = Key { time, order, what };
        let soon = self.events.len().saturating_sub(SOON);
        let near = self.events[soon..].iter().rposition(|event| *event > key);
        let place = match near {
            Some(near) => soon + near + 1,
            None => self.events[..soon].partition_point(|event| *event > key),
        };
        self.events.insert(place, key);
    }

    pub fn next_time(&self) -> Option<LogicalTime> {
        self.events.last().map(|key| key.time)
    }

    pub fn pop(&mut self) -> Option<Event> {
        let Key { time, order, what } = self.events.pop()?;
        let vertex = (order >> VERTEX_SHIFT) as usize & usize::from(u16::MAX);
        let happening = match what {
            COMPLETE => Happening::Complete,
            RELEASE => Happening::Release,
            LOOK_AT => Happening::LookAt,
            place => Happening::Transit(place),
        };
        Some(Event { time, vertex, happening })
    }

    /// The message that has arrived.
    pub fn arrived(&mut self, place: u32) -> Option<Transit> {
        self.free.push(place);
        self.transits[place as usize].take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Events come by instant, phase, vertex and number, whatever the order in which they were told.
        #[test]
        fn events_come_in_order(told in prop::collection::vec((0_i64..4, 0_u8..4, 0_usize..3), 0..60)) {
            let mut schedule = Schedule::with_capacity(2, 1);
            let mut expected = Vec::new();
            for (number, (nanos, kind, vertex)) in told.into_iter().enumerate() {
                let time = LogicalTime::from_nanos(nanos);
                let phase = match kind {
                    0 => Phase::Grant,
                    1 | 2 => Phase::Publish,
                    _ => Phase::Release,
                };
                match kind {
                    0 | 1 => schedule.complete(time, phase, vertex),
                    2 => {
                        let (oldest_capture, capture, arrival) = (time, time, time);
                        let announced =
                            Announced { output: number, oldest_capture, capture, arrival, payload: None };
                        schedule.transit(time, vertex, Transit::Arrival { announced, tick: time });
                    }
                    _ => schedule.release(time, vertex),
                }
                expected.push((time, phase, vertex, number, kind));
            }
            expected.sort_by_key(|event| (event.0, event.1, event.2, event.3));
            for (time, _, vertex, number, kind) in expected {
                prop_assert_eq!(schedule.next_time(), Some(time));
                let event = schedule.pop().unwrap();
                prop_assert_eq!((event.time, event.vertex), (time, vertex));
                match event.happening {
                    Happening::Complete => prop_assert!(kind < 2),
                    Happening::Release => prop_assert_eq!(kind, 3),
                    Happening::LookAt => prop_assert!(false),
                    Happening::Transit(place) => match schedule.arrived(place) {
                        Some(Transit::Arrival { announced, .. }) => {
                            prop_assert_eq!((kind, announced.output), (2, number));
                        }
                        _ => prop_assert!(false),
                    },
                }
            }
            prop_assert!(schedule.pop().is_none());
        }
    }
}
