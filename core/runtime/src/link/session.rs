//! One zenoh session with its publishers and subscriptions.

use super::peers::{Never, Peers};
use super::{Envelope, Identity, LinkConfig, LinkError};
use crossbeam_channel::{Receiver, Sender, bounded, select};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use zenoh::Wait;
use zenoh::bytes::ZBytes;
use zenoh::liveliness::LivelinessToken;
use zenoh::pubsub::{Publisher, Subscriber};
use zenoh::qos::{CongestionControl, Reliability};
use zenoh::sample::{Locality, Sample, SampleKind};

/// Below this, a copy through the socket is as quick.
const SHARED_MEMORY_LEAST: usize = 64 << 10;
/// Where an end says that it needs nothing more.
const DONE: &str = "@done";

/// One end of a link.
pub struct Link {
    session: zenoh::Session,
    peers: Arc<Peers>,
    config: LinkConfig,
    /// Whether it goes to this process only.
    local: bool,
    token: Mutex<Option<LivelinessToken>>,
    _watch: [Subscriber<()>; 2],
}

impl Link {
    /// Opens the endpoints. Connecting goes on in the background until [`Link::wait_for_peer`] has seen the peer.
    ///
    /// # Errors
    /// When the configuration is impossible or an endpoint cannot be listened at.
    pub fn open(config: &LinkConfig, identity: &Identity) -> Result<Self, LinkError> {
        let Identity { role, run_id, configuration_digest } = identity;
        let names = [
            ("vehicle", &config.vehicle),
            ("role", role),
            ("run", run_id),
            ("configuration digest", configuration_digest),
        ];
        for (what, name) in names {
            check_name(what, name)?;
        }
        let local = config.listen.is_empty() && config.connect.is_empty();
        let session = zenoh::open(zenoh_config(config)?)
            .wait()
            .map_err(|error| LinkError::Open { endpoints: endpoints(config), problem: error.to_string() })?;
        let peers = Arc::new(Peers::new(identity.clone(), session.zid().to_string()));
        let prefix = format!("auriga/{}/@peer/", config.vehicle);
        let watch = {
            let (peers, everybody) = (Arc::clone(&peers), format!("{prefix}**"));
            session
                .liveliness()
                .declare_subscriber(everybody.clone())
                .history(true)
                .callback(move |sample| {
                    let key = sample.key_expr().as_str();
                    let announcement = key.strip_prefix(&prefix).unwrap_or_default();
                    match sample.kind() {
                        SampleKind::Put => peers.appeared(announcement),
                        SampleKind::Delete => peers.disappeared(announcement),
                    }
                })
                .wait()
                .map_err(|error| refused(&everybody, &error))?
        };
        let done = {
            let (peers, key) = (Arc::clone(&peers), format!("auriga/{}/{DONE}", config.vehicle));
            session
                .declare_subscriber(key.clone())
                .allowed_origin(Locality::Remote)
                .callback(move |_| peers.done())
                .wait()
                .map_err(|error| refused(&key, &error))?
        };
        let token = Mutex::new(None);
        Ok(Self { session, peers, config: config.clone(), local, token, _watch: [watch, done] })
    }

    /// Announces this end and waits for the other. Subscribe before: once a peer has seen the announcement, nothing that
    /// it publishes is missed. Returns who it is.
    ///
    /// # Errors
    /// When nobody comes in time, or the peer is of another run, configuration or the same role.
    pub fn wait_for_peer(&self, timeout: Duration) -> Result<Identity, LinkError> {
        self.announce()?;
        self.peers.wait(timeout)?.ok_or_else(|| LinkError::NoPeer {
            vehicle: self.config.vehicle.clone(),
            endpoints: endpoints(&self.config),
            waited: timeout,
        })
    }

    fn announce(&self) -> Result<(), LinkError> {
        let mut token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        if token.is_none() {
            let key = format!("auriga/{}/@peer/{}", self.config.vehicle, self.peers.announcement());
            let declared = self.session.liveliness().declare_token(&key).wait();
            *token = Some(declared.map_err(|error| refused(&key, &error))?);
        }
        Ok(())
    }

    /// A publisher for a topic (`/planning/trajectory`) or the results of a node (see [`super::step_key`]).
    ///
    /// # Errors
    /// When the name cannot be a key.
    pub fn publisher(&self, name: &str) -> Result<LinkPublisher, LinkError> {
        let key = self.key(name);
        let publisher = self
            .session
            .declare_publisher(key.clone())
            .congestion_control(CongestionControl::Block)
            .reliability(Reliability::Reliable)
            .express(true)
            .wait()
            .map_err(|error| refused(&key, &error))?;
        Ok(LinkPublisher { publisher, peers: Arc::clone(&self.peers), key })
    }

    /// Samples of several topics or nodes in one bounded queue, in the order in which they were published. A link
    /// between processes delivers what the peer publishes; one without endpoints, what this link publishes.
    ///
    /// # Errors
    /// When a name cannot be a key.
    pub fn subscribe(&self, names: &[&str]) -> Result<Subscription, LinkError> {
        let (sender, queue) = bounded(self.config.queue.max(1));
        let origin = if self.local { Locality::SessionLocal } else { Locality::Remote };
        let mut subscribers = Vec::with_capacity(names.len());
        for (index, name) in names.iter().enumerate() {
            let key = self.key(name);
            let intake = Intake {
                index,
                queue: sender.clone(),
                peers: Arc::clone(&self.peers),
                timeout: self.config.timeout,
                capacity: self.config.queue,
            };
            let subscriber = self
                .session
                .declare_subscriber(key.clone())
                .allowed_origin(origin)
                .callback(move |sample| intake.take(&sample))
                .wait();
            subscribers.push(subscriber.map_err(|error| refused(&key, &error))?);
        }
        Ok(Subscription {
            queue,
            peers: Arc::clone(&self.peers),
            timeout: self.config.timeout,
            _subscribers: subscribers,
        })
    }

    /// To be called by both ends when they have all that they need from each other, before the link is dropped: without
    /// it, what was published last may be lost, because closing a session does not wait for it. A peer that is gone
    /// already is no error here: it had all it needed.
    ///
    /// # Errors
    /// When the peer does not get there within the link's time-out.
    pub fn finish(&self) -> Result<(), LinkError> {
        if self.local || self.peers.check().is_err() {
            return Ok(());
        }
        // In line behind everything published: same session, same priority.
        self.publisher(DONE)?.put(&Envelope::default(), Vec::new())?;
        if self.peers.wait_until_done(self.config.timeout) { Ok(()) } else { Err(self.peers.silent()) }
    }

    /// Whether the link still works: the peer is there, no queue has overflowed.
    ///
    /// # Errors
    /// The first failure; it stays.
    pub fn check(&self) -> Result<(), LinkError> {
        self.peers.check()
    }

    /// Disconnected as soon as the link has failed: for a `select!` beside other queues. Nothing is ever sent on it.
    #[must_use]
    pub fn failed(&self) -> &Receiver<Never> {
        &self.peers.failed
    }

    #[cfg(test)]
    pub(super) fn raw_session(&self) -> &zenoh::Session {
        &self.session
    }

    fn key(&self, name: &str) -> String {
        format!("auriga/{}/{}", self.config.vehicle, name.trim_start_matches('/'))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // Closing withdraws the announcement, so that the peer knows at once.
        let _ = self.session.close().wait();
    }
}

/// Publishes on one key.
pub struct LinkPublisher {
    publisher: Publisher<'static>,
    peers: Arc<Peers>,
    key: String,
}

impl LinkPublisher {
    /// Sends a message with its envelope. Waits while the peer's queue is full, at most for the link's time-out.
    ///
    /// # Errors
    /// When the link has failed.
    pub fn put(&self, envelope: &Envelope, cdr: Vec<u8>) -> Result<(), LinkError> {
        self.peers.check()?;
        self.publisher
            .put(cdr)
            .attachment(envelope.to_bytes().as_slice())
            .wait()
            .map_err(|error| refused(&self.key, &error))
    }
}

/// The bytes of a sample, as zenoh holds them (perhaps in shared memory).
#[derive(Clone, Debug)]
pub struct Payload(ZBytes);

impl Payload {
    /// The bytes; borrowed where they lie in one piece.
    #[must_use]
    pub fn bytes(&self) -> Cow<'_, [u8]> {
        self.0.to_bytes()
    }
}

/// What came over a link.
#[derive(Clone, Debug)]
pub struct LinkSample {
    /// Place of its name in the list given to [`Link::subscribe`].
    pub index: usize,
    /// What goes with it.
    pub envelope: Envelope,
    /// The message as CDR.
    pub payload: Payload,
}

/// Samples of one or more keys.
pub struct Subscription {
    queue: Receiver<LinkSample>,
    peers: Arc<Peers>,
    timeout: Duration,
    _subscribers: Vec<Subscriber<()>>,
}

impl Subscription {
    /// The next sample. What arrived before a failure is still delivered.
    ///
    /// # Errors
    /// When the peer is lost, or nothing came for the link's time-out.
    pub fn receive(&self) -> Result<LinkSample, LinkError> {
        if let Ok(sample) = self.queue.try_recv() {
            return Ok(sample);
        }
        select! {
            recv(self.queue) -> sample => sample.map_err(|_| self.peers.silent()),
            recv(self.peers.failed) -> _ => match self.queue.try_recv() {
                Ok(sample) => Ok(sample),
                Err(_) => Err(self.peers.check().err().unwrap_or_else(|| self.peers.silent())),
            },
            default(self.timeout) => {
                self.peers.fail(self.peers.silent());
                Err(self.peers.check().err().unwrap_or_else(|| self.peers.silent()))
            }
        }
    }

    /// The queue itself, for a `select!` beside others (with [`Link::failed`] among them).
    #[must_use]
    pub fn queue(&self) -> &Receiver<LinkSample> {
        &self.queue
    }
}

/// Takes samples from zenoh's receiving thread.
struct Intake {
    index: usize,
    queue: Sender<LinkSample>,
    peers: Arc<Peers>,
    timeout: Duration,
    capacity: usize,
}

impl Intake {
    fn take(&self, sample: &Sample) {
        self.peers.heard();
        let attachment = sample.attachment().map(ZBytes::to_bytes).unwrap_or_default();
        let key = || sample.key_expr().as_str().to_owned();
        match Envelope::from_bytes(&attachment) {
            Ok(envelope) => {
                let payload = Payload(sample.payload().clone());
                let sample = LinkSample { index: self.index, envelope, payload };
                // Waiting here holds up zenoh's receiving thread and so, in the end, the sender: that is the intention.
                if self.queue.send_timeout(sample, self.timeout).is_err_and(|error| error.is_timeout()) {
                    self.peers.fail(LinkError::Overflow { key: key(), capacity: self.capacity });
                }
            }
            Err(problem) => self.peers.fail(LinkError::Malformed { key: key(), problem }),
        }
    }
}

fn refused(key: &str, error: &dyn Display) -> LinkError {
    LinkError::Refused { key: key.to_owned(), problem: error.to_string() }
}

fn endpoints(config: &LinkConfig) -> String {
    let listen = config.listen.iter().map(|endpoint| format!("listen {endpoint}"));
    let connect = config.connect.iter().map(|endpoint| format!("connect {endpoint}"));
    let all: Vec<String> = listen.chain(connect).collect();
    if all.is_empty() { "this process only".to_owned() } else { all.join(", ") }
}

fn check_name(what: &str, name: &str) -> Result<(), LinkError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if !name.is_empty() && name.chars().all(fits) {
        return Ok(());
    }
    Err(LinkError::Configuration(format!("{what} {name:?}: must consist of letters, digits, `_`, `-`, `.`")))
}

pub(super) fn zenoh_config(config: &LinkConfig) -> Result<zenoh::Config, LinkError> {
    let mut zenoh = match &config.config_file {
        Some(path) => zenoh::Config::from_file(path)
            .map_err(|error| LinkError::Configuration(format!("{}: {error}", path.display())))?,
        None => zenoh::Config::default(),
    };
    let millis = config.timeout.as_millis().clamp(500, 60_000);
    let lease = config.heartbeat.unwrap_or(config.timeout).as_millis().clamp(500, 60_000);
    let list = |endpoints: &[String]| serde_json::to_string(endpoints).unwrap_or_default();
    let shared = config.shared_memory_bytes;
    let mut settings = BTreeMap::from([
        ("mode", "\"peer\"".to_owned()),
        // Explicit endpoints alone: a car does not talk to whom it happens to meet.
        ("scouting/multicast/enabled", "false".to_owned()),
        ("scouting/gossip/enabled", "false".to_owned()),
        ("listen/endpoints", list(&config.listen)),
        ("listen/exit_on_failure", "true".to_owned()),
        ("connect/endpoints", list(&config.connect)),
        ("connect/exit_on_failure", "false".to_owned()),
        ("connect/timeout_ms", "-1".to_owned()),
        ("connect/retry", "{ period_init_ms: 20, period_max_ms: 500, period_increase_factor: 2 }".to_owned()),
        // A peer that says nothing at all for this long is lost.
        ("transport/link/tx/lease", lease.to_string()),
        // A sender waits this long (µs) for room before the connection counts as broken.
        ("transport/link/tx/queue/congestion_control/block/wait_before_close", (millis * 1000).to_string()),
        ("transport/shared_memory/enabled", shared.is_some().to_string()),
    ]);
    if let Some(bytes) = shared {
        settings.insert("transport/shared_memory/transport_optimization/pool_size", bytes.to_string());
        settings.insert(
            "transport/shared_memory/transport_optimization/message_size_threshold",
            SHARED_MEMORY_LEAST.to_string(),
        );
    }
    for (key, value) in settings {
        zenoh
            .insert_json5(key, &value)
            .map_err(|error| LinkError::Configuration(format!("zenoh setting {key} = {value}: {error}")))?;
    }
    Ok(zenoh)
}
