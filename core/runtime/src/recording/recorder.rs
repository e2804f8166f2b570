//! The recorder: a thread of its own behind a bounded queue.

use super::digest::{DigestBuilder, sha256_hex};
use super::file::{RecordingFile, Storage};
use super::{RecordingError, RecordingSummary, TopicInfo};
use crate::message::AnyMessage;
use auriga_geometry::LogicalTime;
use crossbeam_channel::{Receiver, Sender, TryRecvError, TrySendError, bounded};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

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
    /// What happens when the queue is full.
    pub when_full: WhenFull,
}

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
        }
    }
}

/// What [`RecorderHandle::record`] does when the queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// Waits: for virtual time, where a slow disk makes a run slower and not different.
    Block,
    /// Leaves the message out and counts it: for live runs, where the car does not wait for a disk.
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

#[derive(Default)]
struct Shared {
    /// The first error of the writing thread.
    error: OnceLock<RecordingError>,
    dropped: AtomicU64,
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
    topics: usize,
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

    pub(super) fn with_storage(
        storage: impl Storage + 'static,
        path: &Path,
        options: RecorderOptions,
    ) -> Result<Self, RecordingError> {
        check(&options)?;
        let RecorderOptions { topics, attachments, metadata, queue, when_full } = options;
        let topic_count = topics.len();
        let digest = DigestBuilder::new(topics.iter().map(|topic| topic.name.as_str()));
        let metadata = all_metadata(metadata, &attachments);
        let file = RecordingFile::create(storage, topics, &attachments, &metadata)
            .map_err(|error| RecordingError::write(path, &error))?;
        drop(attachments);
        let (sender, receiver) = bounded(queue.max(1));
        let shared = Arc::new(Shared::default());
        let writer = Writer { file, digest, cdr: Vec::new() };
        let (thread_shared, thread_path) = (Arc::clone(&shared), path.to_owned());
        let thread = std::thread::Builder::new()
            .name("recorder".to_owned())
            .spawn(move || writer.run(&receiver, &thread_shared, &thread_path))
            .map_err(|error| RecordingError::write(path, &error))?;
        let handle = RecorderHandle { queue: sender, shared, topics: topic_count, when_full };
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
        if let Some(error) = self.shared.error.get() {
            return Err(error.clone());
        }
        if usize::from(topic) >= self.topics {
            return Err(RecordingError::Misuse(format!("no topic {topic}: there are {}", self.topics)));
        }
        if publication < LogicalTime::ZERO {
            return Err(RecordingError::Misuse(format!("a publication at {publication}, before the epoch")));
        }
        let mut command = Command::Message { topic, sequence, publication, message };
        loop {
            match (self.queue.try_send(command), self.when_full) {
                (Ok(()), _) => return Ok(()),
                (Err(TrySendError::Full(waiting)), WhenFull::Block) => {
                    std::thread::sleep(TRY_EVERY);
                    command = waiting;
                }
                (Err(TrySendError::Full(_)), WhenFull::Drop) => {
                    self.shared.dropped.fetch_add(1, Ordering::Relaxed);
                    return Ok(());
                }
                (Err(TrySendError::Disconnected(_)), _) => {
                    return Err(RecordingError::Misuse("it is finished".to_owned()));
                }
            }
        }
    }

    /// Messages that may be with the recorder at a time: waiting, and being written.
    #[must_use]
    pub fn backlog(&self) -> usize {
        self.queue.capacity().unwrap_or(0) + 1
    }

    /// Messages left out so far because the queue was full.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }
}

struct Writer<S> {
    file: RecordingFile<S>,
    digest: DigestBuilder,
    cdr: Vec<u8>,
}

impl<S: Storage> Writer<S> {
    fn run(
        mut self,
        queue: &Receiver<Command>,
        shared: &Shared,
        path: &Path,
    ) -> Result<RecordingSummary, RecordingError> {
        while let Some(command) = next(queue) {
            let Command::Message { topic, sequence, publication, message } = command else { break };
            if shared.error.get().is_some() {
                continue; // nobody shall wait for a full queue that is never emptied
            }
            message.write_cdr(&mut self.cdr);
            self.digest.add(topic, publication, sequence, &self.cdr);
            if let Err(error) = self.file.append(topic, sequence, publication, &self.cdr) {
                tracing::error!("{}: recording stopped: {error}", path.display());
                let _ = shared.error.set(RecordingError::write(path, &error));
            }
        }
        if let Some(error) = shared.error.get() {
            return Err(error.clone());
        }
        let messages = self.digest.messages();
        let digest = self.digest.finish();
        let bytes = self.file.finish().map_err(|error| {
            let error = RecordingError::write(path, &error);
            let _ = shared.error.set(error.clone());
            error
        })?;
        Ok(RecordingSummary { bytes, messages, dropped: shared.dropped.load(Ordering::Relaxed), digest })
    }
}

/// The next command; `None` when nobody is left who could give one.
fn next(queue: &Receiver<Command>) -> Option<Command> {
    loop {
        match queue.try_recv() {
            Ok(command) => return Some(command),
            Err(TryRecvError::Empty) => std::thread::sleep(LOOK_EVERY),
            Err(TryRecvError::Disconnected) => return None,
        }
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
