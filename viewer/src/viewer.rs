//! The viewer's thread and the way to it.

use crate::live::{LiveEnd, LiveViewer};
use crate::rrd_file::RrdFile;
use crate::scribe::Scribe;
use crate::stage::Stage;
use crate::{ViewItem, ViewerError, layout, map_layer, plots};
use auriga_geometry::{LogicalTime, Pose3};
use auriga_map::Map;
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use rerun::log::ChunkBatcherConfig;
use rerun::sink::{LogSink, MultiSink};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Where a Rerun viewer listens unless told otherwise.
pub const DEFAULT_CONNECT_URL: &str = rerun::DEFAULT_CONNECT_URL;

/// Items that may wait for the viewer's thread.
const QUEUE: usize = 1024;
/// Scans and pictures are refused when this many items wait.
const QUEUE_FOR_HEAVY: usize = 128;

/// Where the viewer writes, and how much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewerOptions {
    /// The `.rrd` file; overwritten.
    pub rrd: Option<PathBuf>,
    /// The address of a running Rerun viewer ([`DEFAULT_CONNECT_URL`]).
    pub connect: Option<String>,
    /// Every `thin`-th lidar point is shown (at most 8,000 a scan); 0 is taken as 1.
    pub thin: usize,
    /// What will come: what never comes gets no place on the screen.
    pub shows: Shows,
}

/// What a run has to show beside scene and speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shows {
    /// Pictures.
    pub camera: bool,
    /// Decisions and commands.
    pub driving: bool,
}

impl Default for Shows {
    /// Everything.
    fn default() -> Self {
        Self { camera: true, driving: true }
    }
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ViewerSummary {
    /// Size of the file; 0 without one.
    pub bytes: u64,
    /// Items that were given up because the viewer could not keep up.
    pub dropped: u64,
    /// Why a connected viewer did not get everything; `None` when it did, or none was asked for.
    pub unseen: Option<String>,
}

/// What the thread is told.
enum Input {
    /// Draw this, published at that instant.
    Item(LogicalTime, ViewItem),
    /// Where the lidar is, in `base_link`.
    Lidar(Pose3),
    /// Where the traffic lights are, by signal.
    Lamps(BTreeMap<u32, [f32; 3]>),
    /// No more comes.
    Stop,
}

/// Draws on a thread of its own. Call [`Viewer::finish`], or the file may lack its end.
pub struct Viewer {
    stage: Stage,
    file: Option<RrdFile>,
    live: Option<LiveEnd>,
    sender: Sender<Input>,
    dropped: Arc<AtomicU64>,
    thread: JoinHandle<Result<(), ViewerError>>,
}

/// Hands items to the viewer; cheap to clone.
#[derive(Clone)]
pub struct ViewerHandle {
    sender: Sender<Input>,
    dropped: Arc<AtomicU64>,
}

impl ViewerHandle {
    /// Items that may be with the viewer at a time: waiting, and being shown.
    pub const BACKLOG: usize = QUEUE + 1;

    /// Hands an item over and never waits: with the queue full the item is dropped and counted; scans and pictures are dropped
    /// earlier, so that what is small comes through. `time` is the instant of publication.
    pub fn try_send(&self, time: LogicalTime, item: ViewItem) {
        let refused = item.is_heavy() && self.sender.len() >= QUEUE_FOR_HEAVY;
        let lost = refused
            || matches!(
                self.sender.try_send(Input::Item(time, item)),
                Err(TrySendError::Full(_) | TrySendError::Disconnected(_))
            );
        if lost {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Viewer {
    /// Opens the file, turns to the viewer, and starts the thread.
    ///
    /// # Errors
    /// [`ViewerError`] when neither is named, the file can't be made, the address makes no sense, or no thread can be had.
    pub fn new(options: &ViewerOptions) -> Result<Self, ViewerError> {
        let (recording, file, live) = open(options)?;
        let stage = Stage { recording };
        layout::send(&stage.recording, options.shows, live.is_some())?;
        plots::legend(&stage)?;
        let (sender, receiver) = bounded(QUEUE);
        let scribe = Scribe::new(Stage { recording: stage.recording.clone() }, options.thin.max(1));
        let thread = std::thread::Builder::new()
            .name(String::from("viewer"))
            .spawn(move || run(scribe, &receiver))
            .map_err(|error| ViewerError::Thread(error.to_string()))?;
        Ok(Self { stage, file, live, sender, dropped: Arc::new(AtomicU64::new(0)), thread })
    }

    /// A way to hand items over.
    #[must_use]
    pub fn handle(&self) -> ViewerHandle {
        ViewerHandle { sender: self.sender.clone(), dropped: Arc::clone(&self.dropped) }
    }

    /// Draws the map, once.
    ///
    /// # Errors
    /// [`ViewerError`] when Rerun refuses it or the thread is gone.
    pub fn map(&self, map: &Map) -> Result<(), ViewerError> {
        self.tell(Input::Lamps(map_layer::lamps(map)))?;
        map_layer::draw(&self.stage, map)
    }

    fn tell(&self, input: Input) -> Result<(), ViewerError> {
        self.sender.send(input).map_err(|_| ViewerError::Thread(String::from("it ended early")))
    }

    /// Places the sensors: `lidar` and `camera` (optical frame) in `base_link`, the camera's intrinsic matrix `k` (row-major,
    /// pixels), width and height of its picture.
    ///
    /// # Errors
    /// [`ViewerError::Log`] when Rerun refuses it.
    pub fn rig(
        &self,
        lidar: &Pose3,
        camera: &Pose3,
        k: &[f64; 9],
        width: u32,
        height: u32,
    ) -> Result<(), ViewerError> {
        self.tell(Input::Lidar(*lidar))?;
        crate::camera::place(&self.stage, camera, k, width, height)
    }

    /// Places the radar, in `base_link`.
    ///
    /// # Errors
    /// [`ViewerError::Log`] when Rerun refuses it.
    pub fn radar(&self, pose: &Pose3) -> Result<(), ViewerError> {
        crate::radar::place(&self.stage, pose)
    }

    /// Draws the ego car's body: extents and the distance from the rear axle to the rear bumper, metres.
    ///
    /// # Errors
    /// [`ViewerError::Log`] when Rerun refuses it.
    pub fn ego(
        &self,
        length_m: f64,
        width_m: f64,
        height_m: f64,
        rear_overhang_m: f64,
    ) -> Result<(), ViewerError> {
        map_layer::draw_ego(&self.stage, length_m, width_m, height_m, rear_overhang_m)
    }

    /// Draws what still waits, closes the file and says what came of it. Items that are sent later are dropped.
    ///
    /// # Errors
    /// [`ViewerError`] when the file is incomplete, or Rerun refused something. A connected viewer that did not take all is
    /// no error: the summary says so.
    pub fn finish(self) -> Result<ViewerSummary, ViewerError> {
        let stopped = self.tell(Input::Stop);
        let drawn = self.thread.join().map_err(|_| ViewerError::Thread(String::from("it panicked")))?;
        stopped?;
        let flushed = self.stage.recording.flush_blocking();
        drop(self.stage);
        let closed = self.live.as_ref().is_none_or(LiveEnd::wait);
        let bytes = self.file.as_ref().map_or(Ok(0), RrdFile::finish)?;
        // With the file complete, what is left of the flush's error is the connected viewer's.
        let unseen = match (self.live, flushed) {
            (None, _) => None,
            (Some(_), Err(error)) => Some(error.to_string()),
            (Some(_), Ok(())) => (!closed).then(|| String::from("it did not take the last of it in time")),
        };
        drawn?;
        Ok(ViewerSummary { bytes, dropped: self.dropped.load(Ordering::Relaxed), unseen })
    }
}

fn run(mut scribe: Scribe, receiver: &Receiver<Input>) -> Result<(), ViewerError> {
    let mut first_error = Ok(());
    while let Ok(input) = receiver.recv() {
        let drawn = match input {
            Input::Item(time, item) => scribe.draw(time, &item),
            Input::Lidar(pose) => {
                scribe.place_lidar(pose);
                continue;
            }
            Input::Lamps(lamps) => {
                scribe.place_lamps(lamps);
                continue;
            }
            Input::Stop => break,
        };
        if first_error.is_ok() {
            first_error = drawn;
        }
    }
    first_error
}

/// The stream and where it goes.
type Opened = (rerun::RecordingStream, Option<RrdFile>, Option<LiveEnd>);

fn open(options: &ViewerOptions) -> Result<Opened, ViewerError> {
    let mut sinks: Vec<Box<dyn LogSink>> = Vec::new();
    let file = options.rrd.as_deref().map(RrdFile::create).transpose()?;
    if let Some(file) = &file {
        sinks.push(Box::new(file.clone()));
    }
    let mut live = None;
    if let Some(url) = &options.connect {
        let (viewer, end) = LiveViewer::connect(url)?;
        sinks.push(Box::new(viewer));
        live = Some(end);
    }
    // Few large chunks make a small file; a viewer that watches wants small ones at once.
    let batches = if options.connect.is_some() {
        ChunkBatcherConfig { flush_tick: Duration::from_millis(50), ..ChunkBatcherConfig::DEFAULT }
    } else {
        ChunkBatcherConfig { flush_tick: Duration::from_secs(1), ..ChunkBatcherConfig::DEFAULT }
    };
    let sink: Box<dyn LogSink> = match sinks.pop() {
        None => return Err(ViewerError::NoTarget),
        Some(only) if sinks.is_empty() => only,
        Some(last) => {
            sinks.push(last);
            Box::new(MultiSink::new(sinks))
        }
    };
    let recording = rerun::RecordingStreamBuilder::new("auriga")
        .enabled(true)
        // They would bring the wall clock into the file.
        .send_properties(false)
        .batcher_config(batches)
        .buffered()?;
    recording.set_sink(sink);
    recording.set_log_time_enabled(false);
    recording.set_log_tick_enabled(false);
    recording.log_static("world", &rerun::ViewCoordinates::RIGHT_HAND_Z_UP())?;
    Ok((recording, file, live))
}
