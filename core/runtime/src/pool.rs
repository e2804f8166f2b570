//! Preallocated message slots: a slot is free again when nobody holds its message any more.

use auriga_wire::Message;
use serde::Deserialize;
use std::collections::VecDeque;
use std::sync::Arc;

/// Slots that are looked at per message taken: published ones come free in about the order of their publication.
const LOOKED_AT: usize = 4;

/// What becomes of a step when a topic that it writes has no free slot, because whoever watches the run holds them all.
/// Runs in virtual time always grow: a slow disk makes them slower and not different.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenFull {
    /// Its messages are not published, and the trace says `DROPPED` of it: a replay does the same.
    #[default]
    Drop,
    /// One more slot is allocated, there and then.
    Grow,
    /// The run ends.
    Stop,
}

/// Slots of one output.
#[derive(Debug)]
pub(crate) struct Pool<M> {
    free: Vec<Arc<M>>,
    /// Published; perhaps free again. About in the order of publication.
    published: VecDeque<Arc<M>>,
    fixed: bool,
}

impl<M: Message> Pool<M> {
    /// No slots yet; grows.
    pub(crate) fn new() -> Self {
        Self { free: Vec::new(), published: VecDeque::new(), fixed: false }
    }

    /// Allocates `count` slots, each as `make` makes it. A `fixed` pool never has more.
    pub(crate) fn prepare(&mut self, count: usize, fixed: bool, make: impl FnMut() -> M) {
        self.free = std::iter::repeat_with(make).take(count).map(Arc::new).collect();
        self.published = VecDeque::with_capacity(count);
        self.fixed = fixed;
    }

    /// A slot that nobody else holds, with whatever it held before; `None` when there is none.
    pub(crate) fn take(&mut self) -> Option<Arc<M>> {
        for _ in 0..self.published.len().min(LOOKED_AT) {
            let Some(slot) = self.published.pop_front() else { break };
            if Arc::strong_count(&slot) == 1 {
                self.free.push(slot);
            } else {
                self.published.push_back(slot);
            }
        }
        // The one that was free last: the fewest slots are ever touched, so large messages take up no more than they must.
        if let Some(slot) = self.free.pop() {
            return Some(slot);
        }
        if let Some(place) = self.published.iter().position(|slot| Arc::strong_count(slot) == 1) {
            return self.published.swap_remove_back(place);
        }
        // Also within a node's step: it is the runtime's doing and not the node's.
        if self.fixed { None } else { Some(auriga_allocations::forbid(|| Arc::new(M::default()))) }
    }

    /// Remembers a slot that is being published, to take it again when it is free.
    pub(crate) fn publish(&mut self, slot: &Arc<M>) {
        self.published.push_back(Arc::clone(slot));
    }

    /// Takes a slot back that was not published.
    pub(crate) fn give_back(&mut self, slot: Arc<M>) {
        self.free.push(slot);
    }
}

/// Slots for the messages that a source makes, so that it need not allocate them.
///
/// ```
/// use auriga_runtime::Slots;
///
/// auriga_wire::message! {
///     /// Wheel speed.
///     pub struct WheelSpeed = "example_msgs/msg/WheelSpeed" {
///         /// Metres per second.
///         pub speed_mps: f64,
///     }
/// }
///
/// let mut slots = Slots::<WheelSpeed>::new(8);
/// let message = slots.make(|message| message.speed_mps = 3.5);
/// assert_eq!(message.speed_mps, 3.5);
/// ```
#[derive(Debug)]
pub struct Slots<M>(Pool<M>);

impl<M: Message> Slots<M> {
    /// `count` slots; when all are held, another one is allocated.
    #[must_use]
    pub fn new(count: usize) -> Self {
        let mut pool = Pool::new();
        pool.prepare(count, false, M::default);
        Self(pool)
    }

    /// A message as `write` makes it of the default one.
    pub fn make(&mut self, write: impl FnOnce(&mut M)) -> Arc<M> {
        let mut slot = self.0.take().unwrap_or_default(); // this pool grows: it always has one
        if let Some(message) = Arc::get_mut(&mut slot) {
            message.reset();
            write(message);
        }
        self.0.publish(&slot);
        slot
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    auriga_wire::message! {
        /// A number.
        pub struct Number = "test_msgs/msg/Number" {
            /// Its value.
            pub value: u64,
        }
    }

    proptest! {
        /// Messages that somebody holds keep their content; a fixed pool is full exactly when all its slots are held.
        #[test]
        fn what_is_held_stays_and_what_is_free_is_found(
            count in 1_usize..9, steps in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>()), 1..200),
        ) {
            let mut pool = Pool::<Number>::new();
            pool.prepare(count, true, Number::default);
            let (mut held, mut next) = (Vec::new(), 0);
            for (release, which) in steps {
                if release && !held.is_empty() {
                    held.swap_remove(which.index(held.len()));
                    continue;
                }
                let taken = pool.take();
                prop_assert_eq!(taken.is_none(), held.len() == count);
                let Some(mut slot) = taken else { continue };
                Arc::get_mut(&mut slot).unwrap().value = next;
                pool.publish(&slot);
                held.push((next, slot));
                next += 1;
                prop_assert!(held.iter().all(|(value, slot)| slot.value == *value));
            }
        }
    }

    #[test]
    fn the_fewest_slots_are_used() {
        let mut pool = Pool::<Number>::new();
        pool.prepare(100, true, Number::default);
        let mut seen = std::collections::BTreeSet::new();
        let mut latest = None;
        for _ in 0..1_000 {
            let slot = pool.take().unwrap();
            seen.insert(Arc::as_ptr(&slot));
            pool.publish(&slot);
            latest = Some(slot);
        }
        assert!(latest.is_some() && seen.len() <= 2, "{}", seen.len());
    }
}
