//! The recorder: a thread of its own behind a bounded queue.

use super::digest::{DigestBuilder, sha256_hex};
use super::file::RecordingFile;
use super::gaps::{Counters, Gap};
use super::storage::Storage;
use super::{RecordingError, RecordingSummary, TopicInfo};
use crate::message::AnyMessage;
use auriga_geometry::LogicalTime;
use crossbeam_channel::{Receiver, Sender, TryRecvError, TrySendError, bounded};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often the writer looks whether there is something to write. It is not woken: to wake a thread would cost whoever hands
/// over a message a system call each time.
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// How often one who waits for a full queue looks whether it still is.
const TRY_EVERY: Duration = Duration::from_micros(100);

/// What a recording is to hold beside its messages, and how.
#[derive(Clone, Debug)]
pub struct RecorderOptions {
    /// A message's topic is given by its place in this list.
    pub topics: Vec<TopicInfo>,
    /// Files that make the recording self-contained. Their SHA-256 is kept in the metadata record
    /// `auriga.attachments` and checked on reading.
    pub attachments: Vec<Attachment>,
    /// The metadata record `auriga`. Nothing of the wall clock belongs here: two equal runs give equal files.
    pub metadata: BTreeMap<String, String>,
    /// Messages that may wait for the writer.
    pub queue: usize,
    /// What happens when the queue or the disk is full.
    pub when_full: WhenFull,
    /// What goes first when not all of it can be kept; topics that are not named here are [`Priority::Normal`].
    pub priorities: BTreeMap<String, Priority>,
    /// With [`WhenFull::Drop`]: when the disk has less left than this many bytes, bulk is left out; below a quarter of it
    /// everything but vital topics; below a sixteenth nothing more is recorded, and the file is completed at the end.
    pub reserve_bytes: u64,
    /// What is missing already, where a recording is copied.
    pub gaps: Vec<Gap>,
}

/// Which topics are left out first. A topic's messages are taken while the queue is filled to less than a half (bulk), three
/// quarters (normal) or wholly (vital).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Large, and the run can be understood without it: pictures, scans.
    Bulk,
    /// Everything else.
    #[default]
    Normal,
    /// Without it nobody can tell what happened: the trace, commands, the vehicle's state.
    Vital,
}

impl Priority {
    /// How many messages may wait for one of this priority to be taken.
    fn places(self, queue: usize) -> usize {
        match self {
            Self::Bulk => queue.div_ceil(2),
            Self::Normal => queue - queue / 4,
            Self::Vital => queue,
        }
    }
}

/// Nothing is recorded any more.
const NOTHING: u8 = Priority::Vital as u8 + 1;
/// With [`WhenFull::Drop`] no message waits longer than this for its chunk to be put on the disk.
const UNSYNCED_MOST: Duration = Duration::from_secs(1);

impl RecorderOptions {
    /// Topics alone; a queue of 1024 messages that makes the caller wait.
    #[must_use]
    pub fn new(topics: Vec<TopicInfo>) -> Self {
        Self {
            topics,
            attachments: Vec::new(),
            metadata: BTreeMap::new(),
            queue: 1024,
            when_full: WhenFull::Block,
            priorities: BTreeMap::new(),
            reserve_bytes: 512 << 20,
            gaps: Vec::new(),
        }
    }
}

/// What [`RecorderHandle::record`] does when the queue or the disk is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// Waits: for virtual time, where a slow disk makes a run slower and not different.
    Block,
    /// Leaves messages out, by priority, and says so in the file: for live runs, where the car does not wait for a disk. A
    /// disk that takes nothing more ends the recording and not the run.
    Drop,
}

/// A file inside a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Its name, unique in the recording.
    pub name: String,
    /// Such as `application/toml`.
    pub media_type: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

impl Attachment {
    /// An attachment from its parts.
    #[must_use]
    pub fn new(name: &str, media_type: &str, bytes: Vec<u8>) -> Self {
        Self { name: name.to_owned(), media_type: media_type.to_owned(), bytes }
    }
}

enum Command {
    Message { topic: u16, sequence: u32, publication: LogicalTime, message: Arc<dyn AnyMessage> },
    Finish,
}

struct Shared {
    /// The first error of the writing thread.
    error: OnceLock<RecordingError>,
    /// Of topics that have [`Priority`] by place.
    priorities: Vec<Priority>,
    counters: Counters,
    /// The least priority that the disk has room for, as a number; [`NOTHING`] when it has none.
    least: AtomicU8,
    /// Whether something was left out of which the file does not tell yet.
    news: AtomicBool,
}

impl Shared {
    fn new(topics: &[TopicInfo], priorities: &BTreeMap<String, Priority>, gaps: &[Gap]) -> Self {
        let priority = |topic: &TopicInfo| priorities.get(&topic.name).copied().unwrap_or_default();
        Self {
            error: OnceLock::new(),
            priorities: topics.iter().map(priority).collect(),
            counters: Counters::new(topics, gaps),
            least: AtomicU8::new(Priority::Bulk as u8),
            news: AtomicBool::new(!gaps.is_empty()),
        }
    }

    fn leave_out(&self, topic: u16, at: LogicalTime) {
        self.counters.left_out(topic, at);
        self.news.store(true, Ordering::Relaxed);
    }
}

/// Writes a recording. Dropped without [`Recorder::finish`], the file still gets its summary, and errors are lost.
pub struct Recorder {
    handle: RecorderHandle,
    thread: Option<JoinHandle<Result<RecordingSummary, RecordingError>>>,
    path: PathBuf,
}

/// Hands messages to the recorder. Cloned freely.
#[derive(Clone)]
pub struct RecorderHandle {
    queue: Sender<Command>,
    shared: Arc<Shared>,
    places: usize,
    when_full: WhenFull,
}

impl Recorder {
    /// Creates the file (replacing one of the same name) and starts the writing thread.
    ///
    /// # Errors
    /// When the file cannot be written, a topic or attachment is there twice, or there are more than 65,000 topics.
    pub fn create(path: &Path, options: RecorderOptions) -> Result<Self, RecordingError> {
        let file = File::create(path).map_err(|error| RecordingError::write(path, &error))?;
        Self::with_storage(file, path, options)
    }

    /// Like [`Recorder::create`], to any storage; `path` is for messages.
    ///
    /// # Errors
    /// As [`Recorder::create`].
    pub fn with_storage(
        storage: impl Storage + 'static,
        path: &Path,
        options: RecorderOptions,
    ) -> Result<Self, RecordingError> {
        check(&options)?;
        let RecorderOptions { topics, attachments, metadata, queue, when_full, .. } = options;
        let shared = Arc::new(Shared::new(&topics, &options.priorities, &options.gaps));
        let names = topics.clone();
        let digest = DigestBuilder::new(topics.iter().map(|topic| topic.name.as_str()));
        let metadata = all_metadata(metadata, &attachments);
        let file = RecordingFile::create(storage, topics, &attachments, &metadata)
            .map_err(|error| RecordingError::write(path, &error))?;
        drop(attachments);
        let places = queue.max(1);
        let (sender, receiver) = bounded(places);
        let reserve = (when_full == WhenFull::Drop).then_some(options.reserve_bytes);
        let writer = Writer {
            file,
            digest,
            topics: names,
            cdr: Vec::new(),
            reserve,
            unsynced_since: None,
            chunks_seen: 0,
        };
        let (thread_shared, thread_path) = (Arc::clone(&shared), path.to_owned());
        let thread = std::thread::Builder::new()
            .name("recorder".to_owned())
            .spawn(move || writer.run(&receiver, &thread_shared, &thread_path))
            .map_err(|error| RecordingError::write(path, &error))?;
        let handle = RecorderHandle { queue: sender, shared, places, when_full };
        Ok(Self { handle, thread: Some(thread), path: path.to_owned() })
    }

    /// For whoever has messages to record.
    #[must_use]
    pub fn handle(&self) -> RecorderHandle {
        self.handle.clone()
    }

    /// Waits until everything handed over is on the disk, and closes the file.
    ///
    /// # Errors
    /// When the file could not be written; what was written up to then can be read.
    pub fn finish(mut self) -> Result<RecordingSummary, RecordingError> {
        self.join()
    }

    fn join(&mut self) -> Result<RecordingSummary, RecordingError> {
        let Some(thread) = self.thread.take() else {
            return Err(RecordingError::Misuse("finished twice".to_owned()));
        };
        // The thread takes messages until it sees this; when it is gone already, its result says why.
        let _ = self.handle.queue.send(Command::Finish);
        thread.join().unwrap_or_else(|_| {
            Err(RecordingError::Write {
                path: self.path.clone(),
                problem: "the recorder's thread panicked (a defect)".to_owned(),
            })
        })
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        if self.thread.is_some() {
            let _ = self.join(); // an error was to be had from `finish`
        }
    }
}

impl RecorderHandle {
    /// Hands over a message published at `publication` (the instant at which it becomes visible, not before the run's
    /// epoch) on the topic at place `topic`. Allocates nothing; the message is shared, not copied. When the queue is
    /// full, the policy of the options decides.
    ///
    /// # Errors
    /// When an earlier message could not be written, the topic is unknown or the instant is before the epoch.
    pub fn record(
        &self,
        topic: u16,
        sequence: u32,
        publication: LogicalTime,
        message: Arc<dyn AnyMessage>,
    ) -> Result<(), RecordingError> {
        let Some(priority) = self.shared.priorities.get(usize::from(topic)) else {
            let topics = self.shared.priorities.len();
            return Err(RecordingError::Misuse(format!("no topic {topic}: there are {topics}")));
        };
        if publication < LogicalTime::ZERO {
            return Err(RecordingError::Misuse(format!("a publication at {publication}, before the epoch")));
        }
        let mut command = Command::Message { topic, sequence, publication, message };
        let finished = || RecordingError::Misuse("it is finished".to_owned());
        if self.when_full == WhenFull::Block {
            loop {
                if let Some(error) = self.shared.error.get() {
                    return Err(error.clone());
                }
                match self.queue.try_send(command) {
                    Ok(()) => return Ok(()),
                    Err(TrySendError::Full(waiting)) => {
                        std::thread::sleep(TRY_EVERY);
                        command = waiting;
                    }
                    Err(TrySendError::Disconnected(_)) => return Err(finished()),
                }
            }
        }
        let is_room = (*priority as u8) >= self.shared.least.load(Ordering::Relaxed)
            && self.queue.len() < priority.places(self.places);
        if !is_room {
            self.shared.leave_out(topic, publication);
            return Ok(());
        }
        match self.queue.try_send(command) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_)) => {
                self.shared.leave_out(topic, publication);
                Ok(())
            }
            Err(TrySendError::Disconnected(_)) => Err(finished()),
        }
    }

    /// Messages that may be with the recorder at a time: waiting, and being written.
    #[must_use]
    pub fn backlog(&self) -> usize {
        self.queue.capacity().unwrap_or(0) + 1
    }

    /// Messages left out so far because the queue or the disk was full.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.shared.counters.total()
    }

    /// Messages that wait for the writer, and how many could.
    #[must_use]
    pub fn waiting(&self) -> (usize, usize) {
        (self.queue.len(), self.places)
    }
}

struct Writer<S> {
    file: RecordingFile<S>,
    digest: DigestBuilder,
    topics: Vec<TopicInfo>,
    cdr: Vec<u8>,
    /// With [`WhenFull::Drop`] only.
    reserve: Option<u64>,
    /// With [`WhenFull::Drop`] only: when the open chunk got its first message.
    unsynced_since: Option<Instant>,
    /// Chunks on the disk when it was last looked at.
    chunks_seen: usize,
}

#[allow(clippy::disallowed_methods, reason = "how long bytes are on no disk is a matter of real time")]
fn now() -> Instant {
    Instant::now()
}

impl<S: Storage> Writer<S> {
    fn run(
        mut self,
        queue: &Receiver<Command>,
        shared: &Shared,
        path: &Path,
    ) -> Result<RecordingSummary, RecordingError> {
        self.watch_disk(shared, path);
        while let Some(command) = self.next(queue, shared, path) {
            let Command::Message { topic, sequence, publication, message } = command else { break };
            if shared.error.get().is_some() {
                // Nobody shall wait for a full queue that is never emptied.
                shared.leave_out(topic, publication);
                continue;
            }
            message.write_cdr(&mut self.cdr);
            let written = self.file.append(topic, sequence, publication, &self.cdr);
            if self.or_stop(written, shared, path) {
                self.digest.add(topic, publication, sequence, &self.cdr);
                self.after_message(shared, path);
            } else {
                shared.leave_out(topic, publication);
            }
        }
        self.finish(shared, path)
    }

    /// The next command; a chunk that is open for too long is put on the disk meanwhile.
    fn next(&mut self, queue: &Receiver<Command>, shared: &Shared, path: &Path) -> Option<Command> {
        loop {
            match queue.try_recv() {
                Ok(command) => return Some(command),
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) => {}
            }
            if self.unsynced_since.is_some_and(|since| now() >= since + UNSYNCED_MOST) {
                self.unsynced_since = None;
                if shared.error.get().is_none() {
                    let closed = self.file.close_chunks();
                    self.or_stop(closed, shared, path);
                    self.watch_disk(shared, path);
                }
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Whether it could be written; else the recording has come to its end.
    fn or_stop(&self, result: std::io::Result<()>, shared: &Shared, path: &Path) -> bool {
        let Err(error) = result else { return true };
        tracing::error!("{}: recording stopped: {error}", path.display());
        let _ = shared.error.set(RecordingError::write(path, &error));
        shared.least.store(NOTHING, Ordering::Relaxed);
        false
    }

    /// Of live runs: notes when a chunk begins, and looks after the disk when one was closed.
    fn after_message(&mut self, shared: &Shared, path: &Path) {
        if self.reserve.is_none() {
            return;
        }
        let is_new = self.file.chunk_count() != self.chunks_seen;
        if self.unsynced_since.is_none() || is_new {
            self.unsynced_since = Some(now());
        }
        if is_new {
            self.chunks_seen = self.file.chunk_count();
            self.watch_disk(shared, path);
        }
        if is_new && shared.news.swap(false, Ordering::Relaxed) {
            let told = self.file.tell_gaps(&shared.counters.gaps(&self.topics));
            self.or_stop(told, shared, path);
        }
    }

    /// Sets what the disk has room for.
    fn watch_disk(&self, shared: &Shared, path: &Path) {
        let (Some(reserve), Some(free)) = (self.reserve, self.file.free()) else { return };
        let least = match free {
            free if free >= reserve => Priority::Bulk as u8,
            free if free >= reserve / 4 => Priority::Normal as u8,
            free if free >= reserve / 16 => Priority::Vital as u8,
            _ => NOTHING,
        };
        if shared.error.get().is_none() && shared.least.swap(least, Ordering::Relaxed) != least {
            let kept = match least {
                NOTHING => "nothing more is recorded",
                least if least == Priority::Vital as u8 => "vital topics alone are recorded",
                least if least == Priority::Normal as u8 => "pictures and scans are left out",
                _ => "everything is recorded again",
            };
            tracing::warn!("{}: {} MiB left on the disk: {kept}", path.display(), free >> 20);
        }
    }

    /// Says what is missing and closes the file.
    fn finish(mut self, shared: &Shared, path: &Path) -> Result<RecordingSummary, RecordingError> {
        let gaps = shared.counters.gaps(&self.topics);
        let messages = self.digest.messages();
        let digest = self.digest.finish();
        let mut bytes = self.file.bytes();
        let ended = match shared.error.get() {
            Some(error) => Err(error.clone()),
            None => {
                let told = if gaps.is_empty() { Ok(()) } else { self.file.tell_gaps(&gaps) };
                told.and_then(|()| self.file.finish()).map(|written| bytes = written).map_err(|error| {
                    let error = RecordingError::write(path, &error);
                    let _ = shared.error.set(error.clone());
                    error
                })
            }
        };
        let ended_early = match ended {
            Ok(()) => None,
            Err(error) if self.reserve.is_none() => return Err(error),
            Err(error) => Some(error.to_string()),
        };
        Ok(RecordingSummary { bytes, messages, gaps, ended_early, digest })
    }
}

fn check(options: &RecorderOptions) -> Result<(), RecordingError> {
    if options.topics.len() > 65_000 {
        return Err(RecordingError::Misuse(format!("{} topics; at most 65,000", options.topics.len())));
    }
    let twice = |kind: &str, name: &str| Err(RecordingError::Misuse(format!("{kind} {name} is there twice")));
    let mut names = BTreeSet::new();
    for topic in &options.topics {
        if !names.insert(topic.name.as_str()) {
            return twice("topic", &topic.name);
        }
    }
    names.clear();
    for attachment in &options.attachments {
        if !names.insert(attachment.name.as_str()) {
            return twice("attachment", &attachment.name);
        }
    }
    Ok(())
}

/// Metadata records by name. `rosbag2` is what rosbag2_storage_mcap writes and `ros2 bag info` looks for.
fn all_metadata(
    auriga: BTreeMap<String, String>,
    attachments: &[Attachment],
) -> BTreeMap<String, BTreeMap<String, String>> {
    let hashes = attachments
        .iter()
        .map(|attachment| (attachment.name.clone(), sha256_hex(&attachment.bytes)))
        .collect();
    BTreeMap::from([
        ("auriga".to_owned(), auriga),
        (super::reader::ATTACHMENT_HASHES.to_owned(), hashes),
        ("rosbag2".to_owned(), BTreeMap::from([("ROS_DISTRO".to_owned(), "jazzy".to_owned())])),
    ])
}
