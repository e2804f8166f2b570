//! How a run is doing, told to other processes while it goes: outside of every digest, and never in the run's way.
//!
//! An observer counts; a thread of its own publishes a [`RunStatus`] every [`PERIOD`] on
//! `auriga/<vehicle>/auriga/diagnostics/run`. Who [watches](StatusWatch) takes a run that says nothing for [`HEARTBEAT`] for
//! lost.

use super::session::zenoh_config;
use super::{LinkConfig, LinkError};
use crate::executor::{Observer, Publication, RunError};
use crate::graph::Graph;
use crate::message::downcast;
use crate::recording::RecorderHandle;
use crate::trace::TraceRecord;
use auriga_wire::message;
use crossbeam_channel::{Receiver, Sender, bounded};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use zenoh::Wait;

/// Where a run's status is published.
pub const STATUS: &str = "/auriga/diagnostics/run";
/// A status is published so often.
pub const PERIOD: Duration = Duration::from_millis(200);
/// A run that says nothing for so long is lost.
pub const HEARTBEAT: Duration = Duration::from_millis(1_000);

message! {
    /// How one node is doing.
    pub struct NodeStatus = "auriga_runtime_msgs/msg/NodeStatus" {
        /// Its name.
        pub name: String,
        /// Its budget, nanoseconds; 0 for a source.
        pub budget_ns: i64,
        /// Releases so far.
        pub releases: u64,
        /// Steps whose outputs came late, so far.
        pub missed: u64,
        /// Releases that found it busy, so far.
        pub skipped: u64,
        /// Steps that failed, so far.
        pub failed: u64,
        /// Steps measured since the last status: of those that ran in this process.
        pub measured: u64,
        /// Wall time of those, nanoseconds, mean.
        pub wall_ns_mean: i64,
        /// Wall time of those, nanoseconds, longest.
        pub wall_ns_most: i64,
    }
}

message! {
    /// How a run is doing.
    pub struct RunStatus = "auriga_runtime_msgs/msg/RunStatus" {
        /// Its name.
        pub run: String,
        /// Number of this status.
        pub sequence: u64,
        /// The newest instant of logical time, nanoseconds.
        pub logical_ns: i64,
        /// Wall time since the run began, nanoseconds.
        pub wall_ns: i64,
        /// Whether it is paced by the clock.
        pub live: bool,
        /// Whether it has come to its end.
        pub ended: bool,
        /// Messages so far, on all topics.
        pub messages: u64,
        /// In the order of the graph.
        pub nodes: Vec<NodeStatus>,
        /// What it is connected with: each link's other end.
        pub links: Vec<String>,
        /// Messages that wait for the recorder.
        pub recorder_waiting: u32,
        /// Messages that could wait; 0 without a recorder.
        pub recorder_places: u32,
        /// Messages that the recording lacks.
        pub recorder_dropped: u64,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[allow(clippy::disallowed_methods, reason = "what is told is how the run does by the clock")]
fn now() -> Instant {
    Instant::now()
}

fn key(vehicle: &str) -> String {
    format!("auriga/{vehicle}{STATUS}")
}

fn refused(key: &str, error: &dyn Display) -> LinkError {
    LinkError::Refused { key: key.to_owned(), problem: error.to_string() }
}

/// Counts what a run does: an observer of it.
pub struct Monitor {
    shared: Arc<Mutex<RunStatus>>,
    /// What was counted while the publisher looked.
    pending: RunStatus,
    nodes: BTreeMap<String, usize>,
}

impl Monitor {
    fn count(&mut self, record: &TraceRecord) {
        let status = self.nodes.get(&record.node).and_then(|place| self.pending.nodes.get_mut(*place));
        let Some(node) = status else { return };
        node.releases = node.releases.saturating_add(1);
        match record.outcome {
            TraceRecord::LATE | TraceRecord::DROPPED | TraceRecord::HELD => node.missed += 1,
            TraceRecord::SKIPPED => node.skipped += 1,
            TraceRecord::FAILED => node.failed += 1,
            _ => {}
        }
    }

    /// Hands over what was counted, unless the publisher looks right now: then the next time.
    fn hand_over(&mut self) {
        let Ok(mut shared) = self.shared.try_lock() else { return };
        shared.logical_ns = self.pending.logical_ns;
        shared.messages = self.pending.messages;
        for (told, counted) in shared.nodes.iter_mut().zip(&mut self.pending.nodes) {
            (told.releases, told.missed) = (counted.releases, counted.missed);
            (told.skipped, told.failed) = (counted.skipped, counted.failed);
            // Until a status is published these are sums.
            told.measured += std::mem::take(&mut counted.measured);
            told.wall_ns_mean = told.wall_ns_mean.saturating_add(std::mem::take(&mut counted.wall_ns_mean));
            told.wall_ns_most = told.wall_ns_most.max(std::mem::take(&mut counted.wall_ns_most));
        }
    }
}

impl Observer for Monitor {
    fn observe(&mut self, publication: &Publication<'_>) -> Result<(), RunError> {
        self.pending.messages += 1;
        self.pending.logical_ns = self.pending.logical_ns.max(publication.instant.as_nanos());
        if let Some(record) = downcast::<TraceRecord>(publication.message) {
            self.count(&record);
            self.hand_over();
        }
        Ok(())
    }

    fn measured(&mut self, node: u16, wall: Duration) {
        if let Some(node) = self.pending.nodes.get_mut(usize::from(node)) {
            let nanos = i64::try_from(wall.as_nanos()).unwrap_or(i64::MAX);
            node.measured += 1;
            node.wall_ns_mean = node.wall_ns_mean.saturating_add(nanos);
            node.wall_ns_most = node.wall_ns_most.max(nanos);
        }
    }
}

/// What is told of a run beside what its observer counts.
#[derive(Clone, Debug, Default)]
pub struct RunFacts {
    /// Its name.
    pub run: String,
    /// Whether it is paced by the clock.
    pub live: bool,
    /// What it is connected with.
    pub links: Vec<String>,
}

/// Publishes a run's status until it is dropped; the last one says that the run has ended.
pub struct StatusPublisher {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl StatusPublisher {
    /// Listens at the configuration's endpoints, and gives the observer that counts.
    ///
    /// # Errors
    /// When it cannot listen there.
    pub fn open(
        config: &LinkConfig,
        graph: &Graph,
        facts: &RunFacts,
        recorder: Option<RecorderHandle>,
    ) -> Result<(Self, Monitor), LinkError> {
        let nodes: Vec<NodeStatus> = graph
            .vertices
            .iter()
            .map(|vertex| NodeStatus {
                name: vertex.name.clone(),
                budget_ns: vertex.timing.as_ref().map_or(0, |timing| timing.budget.as_nanos()),
                ..NodeStatus::default()
            })
            .collect();
        let status = RunStatus {
            run: facts.run.clone(),
            live: facts.live,
            links: facts.links.clone(),
            nodes,
            ..RunStatus::default()
        };
        let open = |error: zenoh::Error| LinkError::Open {
            endpoints: config.listen.join(", "),
            problem: error.to_string(),
        };
        let session = zenoh::open(zenoh_config(config)?).wait().map_err(open)?;
        let key = key(&config.vehicle);
        let publisher =
            session.declare_publisher(key.clone()).wait().map_err(|error| refused(&key, &error))?;
        let shared = Arc::new(Mutex::new(status.clone()));
        let (stop, stopped) = bounded(1);
        let told = Arc::clone(&shared);
        let tell = move || {
            let (began, mut sequence) = (now(), 0);
            loop {
                let ended = stopped.recv_timeout(PERIOD) != Err(crossbeam_channel::RecvTimeoutError::Timeout);
                let mut status = take(&mut lock(&told));
                sequence += 1;
                (status.sequence, status.ended) = (sequence, ended);
                status.wall_ns = i64::try_from(now().duration_since(began).as_nanos()).unwrap_or(i64::MAX);
                if let Some(recorder) = &recorder {
                    let (waiting, places) = recorder.waiting();
                    (status.recorder_waiting, status.recorder_places) = (waiting as u32, places as u32);
                    status.recorder_dropped = recorder.dropped();
                }
                // Nobody may be there to hear it.
                let _ = publisher.put(auriga_wire::to_cdr(&status)).wait();
                if ended {
                    break;
                }
            }
            drop(publisher);
            let _ = session.close().wait();
        };
        let thread = std::thread::Builder::new()
            .name("diagnostics".to_owned())
            .spawn(tell)
            .map_err(|error| LinkError::Configuration(format!("the thread for diagnostics: {error}")))?;
        let nodes = status.nodes.iter().enumerate().map(|(place, node)| (node.name.clone(), place)).collect();
        let monitor = Monitor { shared, pending: status, nodes };
        Ok((Self { stop: Some(stop), thread: Some(thread) }, monitor))
    }
}

/// What was counted since the last status, with means in place of sums.
fn take(shared: &mut RunStatus) -> RunStatus {
    let mut status = shared.clone();
    for (told, counted) in status.nodes.iter_mut().zip(&mut shared.nodes) {
        told.wall_ns_mean /= i64::try_from(told.measured.max(1)).unwrap_or(i64::MAX);
        (counted.measured, counted.wall_ns_mean, counted.wall_ns_most) = (0, 0, 0);
    }
    status
}

impl Drop for StatusPublisher {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What a watch sees.
#[derive(Clone, Debug, PartialEq)]
pub enum Sighting {
    /// The run is well, or has just ended (see [`RunStatus::ended`]).
    Status(RunStatus),
    /// It has not been heard for so long, which is its heartbeat or more.
    Lost(Duration),
    /// Nothing new, and not for long.
    Quiet,
    /// It has never been heard so far.
    Nobody,
}

/// Watches a run from another process.
pub struct StatusWatch {
    _session: zenoh::Session,
    _subscriber: zenoh::pubsub::Subscriber<()>,
    statuses: Receiver<RunStatus>,
    heard: Option<Instant>,
}

impl StatusWatch {
    /// Connects to the configuration's endpoints; goes on trying while nobody is there.
    ///
    /// # Errors
    /// When the configuration is impossible.
    pub fn open(config: &LinkConfig) -> Result<Self, LinkError> {
        let open = |error: zenoh::Error| LinkError::Open {
            endpoints: config.connect.join(", "),
            problem: error.to_string(),
        };
        let session = zenoh::open(zenoh_config(config)?).wait().map_err(open)?;
        let key = key(&config.vehicle);
        let (sender, statuses) = bounded(16);
        let subscriber = session
            .declare_subscriber(key.clone())
            .callback(move |sample| {
                if let Ok(status) = auriga_wire::from_cdr::<RunStatus>(&sample.payload().to_bytes()) {
                    // Who looks too seldom gets older ones; a status more or less does not matter.
                    let _ = sender.try_send(status);
                }
            })
            .wait()
            .map_err(|error| refused(&key, &error))?;
        Ok(Self { _session: session, _subscriber: subscriber, statuses, heard: None })
    }

    /// What is seen next; waits at most for `most`.
    pub fn look(&mut self, most: Duration) -> Sighting {
        let left = |heard: Instant| HEARTBEAT.saturating_sub(now().duration_since(heard));
        let wait = self.heard.map_or(most, |heard| most.min(left(heard)));
        match self.statuses.recv_timeout(wait) {
            Ok(status) => {
                self.heard = Some(now());
                Sighting::Status(status)
            }
            Err(_) => match self.heard {
                Some(heard) if left(heard).is_zero() => Sighting::Lost(now().duration_since(heard)),
                Some(_) => Sighting::Quiet,
                None => Sighting::Nobody,
            },
        }
    }
}
