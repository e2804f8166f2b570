//! Recordings: MCAP files that any rosbag2 reader opens, written beside the run and read back chunk by chunk.
//!
//! The same messages in the same order give the same bytes in the file: nothing of the wall clock, of a thread's luck or
//! of a hash map's order gets in. (That is why the file format is written here and not by the `mcap` crate, which writes
//! its summary in the order of a hash map. Its reader, and Python's, check ours in the tests.)
//!
//! ```
//! use auriga_geometry::LogicalTime;
//! use auriga_runtime::recording::{Recorder, RecorderOptions, Recording, TopicInfo};
//! use std::sync::Arc;
//!
//! auriga_wire::message! {
//!     /// Wheel speed.
//!     pub struct WheelSpeed = "example_msgs/msg/WheelSpeed" {
//!         /// Metres per second.
//!         pub speed_mps: f64,
//!     }
//! }
//!
//! let folder = std::env::temp_dir().join(format!("auriga-recording-example-{}", std::process::id()));
//! std::fs::create_dir_all(&folder).unwrap();
//! let path = folder.join("recording.mcap");
//! let options = RecorderOptions::new(vec![TopicInfo::of::<WheelSpeed>("/wheel_speed")]);
//! let recorder = Recorder::create(&path, options).unwrap();
//! let at = LogicalTime::from_nanos(1_000);
//! recorder.handle().record(0, 0, at, Arc::new(WheelSpeed { speed_mps: 3.5 })).unwrap();
//! let written = recorder.finish().unwrap();
//!
//! let recording = Recording::open(&path).unwrap();
//! assert_eq!(recording.summary().unwrap().digest, written.digest);
//! let mut messages = recording.messages_of(&["/wheel_speed"]).unwrap();
//! let message = messages.next_message().unwrap().unwrap();
//! assert_eq!(message.decode::<WheelSpeed>().unwrap().speed_mps, 3.5);
//! # std::fs::remove_dir_all(&folder).unwrap();
//! ```

mod compare;
mod digest;
mod file;
mod format;
mod gaps;
mod messages;
#[cfg(test)]
mod power_tests;
mod reader;
mod recorder;
mod recover;
mod storage;
#[cfg(test)]
mod tests;

pub use compare::{Comparison, Difference, TopicComparison, compare};
pub use digest::{DIAGNOSTICS_PREFIX, Digest, sha256_hex};
pub use gaps::Gap;
pub use messages::{Messages, RecordedMessage};
pub use reader::Recording;
pub use recorder::{Attachment, Priority, Recorder, RecorderHandle, RecorderOptions, WhenFull};
pub use recover::{Recovered, recover};
pub use storage::Storage;

use auriga_wire::Message;
use std::path::{Path, PathBuf};

/// A topic of a recording. Its place in the list of topics is its index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicInfo {
    /// Such as `/sensing/imu`.
    pub name: String,
    /// The ROS 2 name of its type, `package/msg/Type`.
    pub type_name: String,
    /// The message definition with all nested ones.
    pub schema_text: String,
    /// `RIHS01_…` (REP-2011); may be empty.
    pub type_hash: String,
}

impl TopicInfo {
    /// A topic of messages of type `M`.
    #[must_use]
    pub fn of<M: Message>(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            type_name: M::NAME.to_owned(),
            schema_text: M::schema_text(),
            type_hash: M::type_hash(),
        }
    }
}

/// What a recording holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingSummary {
    /// Size of the file.
    pub bytes: u64,
    /// Messages per topic, in the order of the topics.
    pub messages: Vec<(String, u64)>,
    /// What was left out because the queue or the disk was full (policy [`WhenFull::Drop`] only).
    pub gaps: Vec<Gap>,
    /// Why the file ends before the run did: the disk would not take more (policy [`WhenFull::Drop`] only; `None` when read
    /// from a file).
    pub ended_early: Option<String>,
    /// SHA-256 over the messages; see [`Digest`].
    pub digest: Digest,
}

/// What can go wrong with a recording, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordingError {
    /// The file could not be written.
    #[error(
        "{path}: cannot be written: {problem}; free space or choose another folder. What was written up to then can be read"
    )]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        problem: String,
    },
    /// The file could not be read.
    #[error("{path}: cannot be read: {problem}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        problem: String,
    },
    /// The file is not what it should be.
    #[error("{path}: byte {offset}: {problem}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where in the file.
        offset: u64,
        /// What is wrong there, and what to do.
        problem: String,
    },
    /// A message could not be decoded as the type that was asked for.
    #[error("topic {topic}, sequence {sequence}: {problem}")]
    Message {
        /// Its topic.
        topic: String,
        /// Its sequence number.
        sequence: u32,
        /// What is wrong.
        problem: String,
    },
    /// A topic that the recording does not have.
    #[error("{path}: has no topic {topic}; it has: {topics}")]
    NoSuchTopic {
        /// The file.
        path: PathBuf,
        /// What was asked for.
        topic: String,
        /// What is there.
        topics: String,
    },
    /// The recorder was asked for something that it cannot do: a program error at the caller.
    #[error("recorder: {0}")]
    Misuse(String),
}

impl RecordingError {
    fn write(path: &Path, error: &std::io::Error) -> Self {
        Self::Write { path: path.to_owned(), problem: error.to_string() }
    }

    fn read(path: &Path, error: &std::io::Error) -> Self {
        Self::Read { path: path.to_owned(), problem: error.to_string() }
    }
}
