//! What goes with a message, and what tells the outcome of a step.

use auriga_geometry::LogicalTime;
use auriga_wire::message;

/// Travels with each message as zenoh attachment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// Place of the topic in the run's list of topics.
    pub topic: u16,
    /// The message's number within its topic.
    pub sequence: u32,
    /// The instant at which it becomes visible.
    pub publication: LogicalTime,
}

const VERSION: u16 = 1;
const BYTES: usize = 16;

impl Envelope {
    /// Little endian: version (u16), topic (u16), sequence (u32), publication (i64, nanoseconds).
    #[must_use]
    pub fn to_bytes(&self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        bytes[0..2].copy_from_slice(&VERSION.to_le_bytes());
        bytes[2..4].copy_from_slice(&self.topic.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.publication.as_nanos().to_le_bytes());
        bytes
    }

    /// The inverse of [`Envelope::to_bytes`].
    ///
    /// # Errors
    /// When length or version differ; says how.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let Ok(bytes) = <[u8; BYTES]>::try_from(bytes) else {
            return Err(format!("an envelope of {} bytes, not {BYTES}", bytes.len()));
        };
        let [v0, v1, t0, t1, s0, s1, s2, s3, publication @ ..] = bytes;
        let version = u16::from_le_bytes([v0, v1]);
        if version != VERSION {
            return Err(format!("an envelope of version {version}, not {VERSION}"));
        }
        Ok(Self {
            topic: u16::from_le_bytes([t0, t1]),
            sequence: u32::from_le_bytes([s0, s1, s2, s3]),
            publication: LogicalTime::from_nanos(i64::from_le_bytes(publication)),
        })
    }
}

message! {
    /// One output of a step. The message itself follows on its topic's key, before the step's result.
    pub struct OutputRef = "auriga_runtime_msgs/msg/OutputRef" {
        /// Place of the topic in the run's list of topics.
        pub topic: u16,
        /// The message's number within its topic.
        pub sequence: u32,
        /// The instant at which it becomes visible, nanoseconds.
        pub publication_ns: i64,
        /// Of a sensor's message: the capture instant of its oldest part, nanoseconds. Else 0.
        pub oldest_capture_ns: i64,
        /// Of a sensor's message: its capture instant; of a scan, its end; nanoseconds. Else 0.
        pub capture_ns: i64,
    }
}

message! {
    /// How a step (or a platform's tick) that ran in one process went, for the schedule in the other.
    pub struct StepResult = "auriga_runtime_msgs/msg/StepResult" {
        /// Place of the node in the run's list of nodes.
        pub node: u16,
        /// The number of its release, from 0.
        pub release_index: u64,
        /// The outcome, as the trace numbers it.
        pub outcome: u8,
        /// The instant of release, nanoseconds.
        pub release_ns: i64,
        /// From release to publication, nanoseconds.
        pub duration_ns: i64,
        /// What it published, in the order of its outputs.
        pub outputs: Vec<OutputRef>,
        /// Why it failed; empty where it did not.
        pub problem: String,
    }
}

/// The key for the results of a node: `@step/<node>`.
#[must_use]
pub fn step_key(node: &str) -> String {
    format!("@step/{node}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn envelopes_come_back(topic: u16, sequence: u32, nanos: i64) {
            let envelope = Envelope { topic, sequence, publication: LogicalTime::from_nanos(nanos) };
            prop_assert_eq!(Envelope::from_bytes(&envelope.to_bytes()), Ok(envelope));
        }

        #[test]
        fn other_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..20)) {
            if let Ok(envelope) = Envelope::from_bytes(&bytes) {
                prop_assert_eq!(envelope.to_bytes().to_vec(), bytes);
            }
        }
    }
}
