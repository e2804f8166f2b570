//! Who is at the other end, whether it fits, and whether it is still there.

use super::{Identity, LinkError};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Never sent: the channel that carries it is closed when the link fails.
#[derive(Debug)]
pub enum Never {}

/// Shared by the link, its subscriptions and zenoh's callbacks.
pub(super) struct Peers {
    ours: Identity,
    /// Tells our own announcement from a peer's.
    our_session: String,
    opened: Instant,
    /// Milliseconds after `opened`.
    last_heard: AtomicU64,
    found: Mutex<Found>,
    changed: Condvar,
    failure: OnceLock<LinkError>,
    alarm: Mutex<Option<Sender<Never>>>,
    pub(super) failed: Receiver<Never>,
}

#[derive(Default)]
struct Found {
    peer: Option<Identity>,
    /// It has said that it needs nothing more from us.
    done: bool,
}

#[allow(clippy::disallowed_methods, reason = "silence of another process is a matter of real time")]
fn now() -> Instant {
    Instant::now()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Peers {
    pub(super) fn new(ours: Identity, our_session: String) -> Self {
        let (alarm, failed) = bounded(0);
        Self {
            ours,
            our_session,
            opened: now(),
            last_heard: AtomicU64::new(0),
            found: Mutex::default(),
            changed: Condvar::new(),
            failure: OnceLock::new(),
            alarm: Mutex::new(Some(alarm)),
            failed,
        }
    }

    /// The parts of the key on which we announce ourselves: everybody at the link can read who we are from it.
    pub(super) fn announcement(&self) -> String {
        let Identity { role, run_id, configuration_digest } = &self.ours;
        format!("{role}/{run_id}/{configuration_digest}/{}", self.our_session)
    }

    fn parse(&self, announcement: &str) -> Option<Identity> {
        let parts: Vec<&str> = announcement.split('/').collect();
        match parts.as_slice() {
            [_, _, _, session] if *session == self.our_session => None,
            [role, run_id, digest, _] => Some(Identity::new(role, run_id, digest)),
            _ => None,
        }
    }

    /// Somebody announced itself.
    pub(super) fn appeared(&self, announcement: &str) {
        let Some(theirs) = self.parse(announcement) else { return };
        self.heard();
        if let Some(mismatch) = self.mismatch(&theirs) {
            self.fail(mismatch);
        }
        let mut found = lock(&self.found);
        found.peer.get_or_insert(theirs);
        self.changed.notify_all();
    }

    /// Somebody's announcement was withdrawn, by itself or because its connection broke.
    pub(super) fn disappeared(&self, announcement: &str) {
        if let Some(theirs) = self.parse(announcement) {
            self.fail(LinkError::PeerLost { peer: theirs.role, silent_for: self.silent_for() });
        }
    }

    fn mismatch(&self, theirs: &Identity) -> Option<LinkError> {
        let ours = &self.ours;
        let differs = |what, ours: &str, peers: &str| LinkError::Mismatch {
            what,
            ours: ours.to_owned(),
            theirs: peers.to_owned(),
            peer: theirs.role.clone(),
        };
        if theirs.run_id != ours.run_id {
            Some(differs("run", &ours.run_id, &theirs.run_id))
        } else if theirs.configuration_digest != ours.configuration_digest {
            Some(differs("configuration", &ours.configuration_digest, &theirs.configuration_digest))
        } else if theirs.role == ours.role {
            Some(LinkError::Configuration(format!(
                "both processes have the role {}; give one of them the other",
                ours.role
            )))
        } else {
            None
        }
    }

    /// The first failure stays; whoever waits is woken.
    pub(super) fn fail(&self, error: LinkError) {
        if self.failure.set(error).is_ok() {
            drop(lock(&self.alarm).take());
            let _found = lock(&self.found);
            self.changed.notify_all();
        }
    }

    pub(super) fn check(&self) -> Result<(), LinkError> {
        self.failure.get().map_or(Ok(()), |error| Err(error.clone()))
    }

    /// Waits for a peer that fits; `None` when none came within `timeout`.
    pub(super) fn wait(&self, timeout: Duration) -> Result<Option<Identity>, LinkError> {
        let found = lock(&self.found);
        let waiting = |found: &mut Found| found.peer.is_none() && self.failure.get().is_none();
        let (found, _) =
            self.changed.wait_timeout_while(found, timeout, waiting).unwrap_or_else(PoisonError::into_inner);
        self.check()?;
        Ok(found.peer.clone())
    }

    /// The peer needs nothing more from us.
    pub(super) fn done(&self) {
        self.heard();
        lock(&self.found).done = true;
        self.changed.notify_all();
    }

    /// Waits until the peer needs nothing more from us, or is gone; whether that came to pass.
    pub(super) fn wait_until_done(&self, timeout: Duration) -> bool {
        let waiting = |found: &mut Found| !found.done && self.failure.get().is_none();
        let (found, waited) = self
            .changed
            .wait_timeout_while(lock(&self.found), timeout, waiting)
            .unwrap_or_else(PoisonError::into_inner);
        drop(found);
        !waited.timed_out()
    }

    pub(super) fn heard(&self) {
        let millis = now().duration_since(self.opened).as_millis();
        self.last_heard.store(u64::try_from(millis).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn silent_for(&self) -> Duration {
        let last = Duration::from_millis(self.last_heard.load(Ordering::Relaxed));
        now().duration_since(self.opened).saturating_sub(last)
    }

    /// The error for a peer that said nothing for too long.
    pub(super) fn silent(&self) -> LinkError {
        let peer =
            lock(&self.found).peer.as_ref().map_or_else(|| "(none yet)".to_owned(), |peer| peer.role.clone());
        LinkError::PeerLost { peer, silent_for: self.silent_for() }
    }
}
