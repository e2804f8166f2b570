//! The trace: one record per release, on the topic [`TOPIC`]. Replay, explanation, latency and misses all read it.

use auriga_geometry::LogicalTime;
use auriga_wire::message;

/// The topic that the runtime writes itself.
pub const TOPIC: &str = "/auriga/trace";

/// Stands for "none" where a record holds an instant.
pub const NONE: i64 = i64::MAX;

message! {
    /// An input in force at a release.
    pub struct InputRecord = "auriga_runtime_msgs/msg/InputRecord" {
        /// Place of the topic in the recording's list of topics (metadata `topics`).
        pub topic: u16,
        /// Number of the message on its topic.
        pub sequence: u32,
        /// Whether it came since the node's last step.
        pub fresh: bool,
    }
}

message! {
    /// A message that a release made.
    pub struct OutputRecord = "auriga_runtime_msgs/msg/OutputRecord" {
        /// Place of the topic in the recording's list of topics.
        pub topic: u16,
        /// Number of the message on its topic.
        pub sequence: u32,
    }
}

message! {
    /// What became of one release of a node, or of one message from outside.
    pub struct TraceRecord = "auriga_runtime_msgs/msg/TraceRecord" {
        /// The node or source.
        pub node: String,
        /// Instant of the release; of a source, of the tick. Nanoseconds since the epoch, as all instants here.
        pub release: i64,
        /// When the outputs became visible; the release where there are none.
        pub publication: i64,
        /// One of the constants.
        pub outcome: u8,
        /// Inputs in force.
        pub inputs: Vec<InputRecord>,
        /// Messages made.
        pub outputs: Vec<OutputRecord>,
        /// Oldest capture among the fresh inputs, counted from a sweep's start; [`NONE`] without.
        pub reaction_oldest: i64,
        /// The same from a sweep's end.
        pub reaction: i64,
        /// Oldest capture among all inputs in force, counted from a sweep's start; [`NONE`] without.
        pub age_oldest: i64,
        /// The same from a sweep's end.
        pub age: i64,
        /// Why it failed; empty otherwise.
        pub error: String,
    } constants {
        /// Published at release + budget.
        PUBLISHED: u8 = 0,
        /// Published later than release + budget.
        LATE: u8 = 1,
        /// Late and not published; or, with a publication at release + budget, without a free slot and not published.
        DROPPED: u8 = 2,
        /// Late and not published; the last message stays in force.
        HELD: u8 = 3,
        /// Not started: the step before was still running.
        SKIPPED: u8 = 4,
        /// The step failed.
        FAILED: u8 = 5,
        /// A message from outside the graph.
        SOURCE: u8 = 6,
        /// The run ended at this instant.
        END: u8 = 7,
        /// The step has not come back for so long that it hangs. Another record follows if it does after all.
        HUNG: u8 = 8,
    }
}

/// From which captures a message stems. Held inputs count in the age and not in the reaction; a filter's state counts in
/// neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// Oldest capture among fresh inputs, from a sweep's start.
    pub reaction_oldest: LogicalTime,
    /// Oldest capture among fresh inputs, from a sweep's end.
    pub reaction: LogicalTime,
    /// Oldest capture among all inputs, from a sweep's start.
    pub age_oldest: LogicalTime,
    /// Oldest capture among all inputs, from a sweep's end.
    pub age: LogicalTime,
}

impl Default for Provenance {
    fn default() -> Self {
        let none = LogicalTime::MAX;
        Self { reaction_oldest: none, reaction: none, age_oldest: none, age: none }
    }
}

impl Provenance {
    /// Of a message from outside.
    #[must_use]
    pub fn of_capture(oldest: LogicalTime, capture: LogicalTime) -> Self {
        Self { reaction_oldest: oldest, reaction: capture, age_oldest: oldest, age: capture }
    }

    /// Takes one more input into account.
    pub fn add(&mut self, input: &Self, fresh: bool) {
        if fresh {
            self.reaction_oldest = self.reaction_oldest.min(input.reaction_oldest);
            self.reaction = self.reaction.min(input.reaction);
        }
        self.age_oldest = self.age_oldest.min(input.age_oldest);
        self.age = self.age.min(input.age);
    }

    pub(crate) fn write(&self, record: &mut TraceRecord) {
        record.reaction_oldest = self.reaction_oldest.as_nanos();
        record.reaction = self.reaction.as_nanos();
        record.age_oldest = self.age_oldest.as_nanos();
        record.age = self.age.as_nanos();
    }
}
