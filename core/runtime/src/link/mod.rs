//! Links: messages and step results over zenoh, between processes or within one.
//!
//! Two processes of one run follow the same deterministic schedule; each waits for what the other computes. A [`Link`]
//! carries messages (CDR, with an [`Envelope`] as attachment) on `auriga/<vehicle>/<topic>` and the outcome of steps
//! ([`StepResult`]) on `auriga/<vehicle>/@step/<node>`. What one side publishes arrives in the order of publication,
//! whatever the keys. Nothing is dropped and nothing waits for ever: queues are bounded, a full one makes the sender
//! wait, and a peer that dies or falls silent is an error.
//!
//! ```
//! use auriga_geometry::LogicalTime;
//! use auriga_runtime::link::{Envelope, Identity, Link, LinkConfig};
//!
//! // Without endpoints, a link goes from this process to itself.
//! let identity = Identity::new("all", "example", "0");
//! let link = Link::open(&LinkConfig::new("car"), &identity).unwrap();
//! let subscription = link.subscribe(&["/planning/trajectory"]).unwrap();
//! let publisher = link.publisher("/planning/trajectory").unwrap();
//! let envelope = Envelope { topic: 3, sequence: 0, publication: LogicalTime::from_nanos(32_000_000) };
//! publisher.put(&envelope, vec![0, 1, 0, 0]).unwrap();
//! let sample = subscription.receive().unwrap();
//! assert_eq!((sample.envelope, &*sample.payload.bytes()), (envelope, [0, 1, 0, 0].as_slice()));
//! ```

mod diagnostics;
mod envelope;
mod exchange;
mod peers;
mod session;
#[cfg(test)]
mod tests;

pub use diagnostics::{
    HEARTBEAT, Monitor, NodeStatus, PERIOD, RunFacts, RunStatus, STATUS, Sighting, StatusPublisher,
    StatusWatch,
};
pub use envelope::{Envelope, OutputRef, StepResult, step_key};
pub use exchange::LinkExchange;
pub use peers::Never;
pub use session::{Link, LinkPublisher, LinkSample, Payload, Subscription};

use std::path::PathBuf;
use std::time::Duration;

/// Where a link goes and how long it waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkConfig {
    /// The vehicle's name: letters, digits, `_`, `-`, `.`. Links of different vehicles do not see each other.
    pub vehicle: String,
    /// Endpoints to listen at, such as `tcp/127.0.0.1:7447` or `unixsock-stream//run/auriga.sock`.
    pub listen: Vec<String>,
    /// Endpoints to connect to. Without any endpoint, a link goes from this process to itself.
    pub connect: Vec<String>,
    /// After this span of silence from the peer, or of a full queue, waiting ends in an error.
    pub timeout: Duration,
    /// A peer from which not even a sign of life comes for this span is lost (0.5 to 60 s); `None`: the time-out's span. Signs
    /// of life come from zenoh's own threads: a peer that computes for long gives them all the same.
    pub heartbeat: Option<Duration>,
    /// Samples that may wait in one subscription.
    pub queue: usize,
    /// Bytes of shared memory for messages of 64 KiB and more; `None` sends them through the socket.
    pub shared_memory_bytes: Option<usize>,
    /// A zenoh configuration file to start from (for TLS, say); what stands here goes over it.
    pub config_file: Option<PathBuf>,
}

impl LinkConfig {
    /// A link from this process to itself: 10 s time-out, 1024 samples.
    #[must_use]
    pub fn new(vehicle: &str) -> Self {
        Self {
            vehicle: vehicle.to_owned(),
            listen: Vec::new(),
            connect: Vec::new(),
            timeout: Duration::from_secs(10),
            heartbeat: None,
            queue: 1024,
            shared_memory_bytes: None,
            config_file: None,
        }
    }
}

/// Who is at one end of a link. Both ends of one run differ in their role and agree in the rest.
/// Each text consists of letters, digits, `_`, `-`, `.` and is not empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Such as `planning`.
    pub role: String,
    /// The run that both belong to.
    pub run_id: String,
    /// A digest of the configuration that both must share.
    pub configuration_digest: String,
}

impl Identity {
    /// An identity from its parts.
    #[must_use]
    pub fn new(role: &str, run_id: &str, configuration_digest: &str) -> Self {
        Self {
            role: role.to_owned(),
            run_id: run_id.to_owned(),
            configuration_digest: configuration_digest.to_owned(),
        }
    }
}

/// What can go wrong with a link, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The configuration is impossible.
    #[error("link: {0}")]
    Configuration(String),
    /// zenoh could not open its session or an endpoint.
    #[error("link: cannot open {endpoints}: {problem}; check that the address is free and reachable")]
    Open {
        /// All endpoints.
        endpoints: String,
        /// zenoh's answer.
        problem: String,
    },
    /// Nobody came.
    #[error(
        "link: no peer of vehicle {vehicle} within {waited:?} ({endpoints}); start the other process with the same endpoint"
    )]
    NoPeer {
        /// The vehicle.
        vehicle: String,
        /// All endpoints.
        endpoints: String,
        /// How long it was waited.
        waited: Duration,
    },
    /// The peer belongs to something else.
    #[error(
        "link: {what} differs: {ours} here, {theirs} at peer {peer}; start both processes from one configuration"
    )]
    Mismatch {
        /// What differs.
        what: &'static str,
        /// Its value here.
        ours: String,
        /// Its value there.
        theirs: String,
        /// The peer's role.
        peer: String,
    },
    /// The peer left, died or fell silent.
    #[error("link: peer {peer} is lost, silent for {silent_for:?}; see its own messages for the cause")]
    PeerLost {
        /// Its role.
        peer: String,
        /// Since it was last heard.
        silent_for: Duration,
    },
    /// Nobody took the samples of a subscription for the time-out's span.
    #[error("link: the queue for {key} stayed full with {capacity} samples; its reader is stuck")]
    Overflow {
        /// The key of the sample that found no place.
        key: String,
        /// What the queue holds.
        capacity: usize,
    },
    /// What came is not ours.
    #[error("link: {key}: {problem}; the peer runs another version")]
    Malformed {
        /// The key.
        key: String,
        /// What is wrong.
        problem: String,
    },
    /// zenoh refused to declare or to send.
    #[error("link: {key}: {problem}")]
    Refused {
        /// The key.
        key: String,
        /// zenoh's answer.
        problem: String,
    },
}
