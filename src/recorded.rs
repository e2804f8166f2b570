//! What recorded drives have in common: a run of their graph, and a judge: localization against a reference, tracks
//! against labels.

use crate::attestation::Attested;
use crate::configuration::{self, ConfigurationFile};
use crate::drift::Drift;
use crate::fault::Faults;
use crate::models::Networks;
use crate::nodes::localization::LocalizationNode;
use crate::nodes::odometry::ScanMatchingNode;
use crate::nodes::perception::{LidarDetectionNode, TrackingNode};
use crate::nodes::platform::PlatformSource;
use crate::observers::of;
use crate::run::{self, Scene, Watchers};
use crate::stack::{self, ACTUATION, PLANNING, PLATFORM, Topics};
use anyhow::{Context, Result};
use auriga_evaluation::{KittiEvaluator, LocalizationEvaluator, RunReport};
use auriga_geometry::{LogicalTime, Pose3};
use auriga_hal::{SensorKind, SensorSink, Sensors};
use auriga_messages::auriga_msgs::GroundTruth;
use auriga_messages::autoware_perception_msgs::TrackedObjects;
use auriga_perception::lidar::{LidarDetector, LidarDetectorConfig};
use auriga_perception::localization::scan_matching::ScanMatcher;
use auriga_perception::localization::{Localizer, LocalizerConfig};
use auriga_perception::tracking::{CameraModel, EgoHistory, Tracker, TrackerConfig};
use auriga_runtime::{Executor, Graph, Observer, Pacing, Publication, RunError, RunOptions, TimingProfile};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Names of the platforms that are recorded drives.
pub const PLATFORMS: [&str; 3] = ["kitti", "comma2k19", "rosbag"];

/// A configuration file from the disk.
pub fn file(role: &'static str, path: &Path) -> Result<ConfigurationFile> {
    let path = configuration::locate(path);
    let origin = path.display().to_string();
    let text = std::fs::read_to_string(&path).with_context(|| format!("{origin}: cannot be read"))?;
    Ok(ConfigurationFile { role, origin, text })
}

/// A graph with the topics, and a recorded drive's sensors as its source.
pub fn source(profile: TimingProfile, sensors: Box<dyn Sensors>) -> Result<(Graph, Topics)> {
    let kinds: Vec<SensorKind> = sensors.kinds().into_iter().map(|(kind, _)| kind).collect();
    let mut graph = Graph::new(profile);
    let topics = Topics::declare(&mut graph, &kinds);
    let outputs: Vec<u16> = kinds.iter().filter_map(|kind| topics.of_sensor(*kind)).collect();
    graph.source(PLATFORM, PlatformSource { sensors, kinds, sink: SensorSink::default() }, &outputs)?;
    Ok((graph, topics))
}

/// How the ego motion is found.
pub enum Localization {
    /// From satellites, gyro and wheels; the frame is `map`.
    Filter(LocalizerConfig),
    /// From scan to scan; the frame is `odom`.
    Scans,
    /// Not at all: nothing is tracked.
    None,
}

/// What a recorded car sees with.
pub struct Eyes {
    /// In `base_link`.
    pub lidar: Option<Pose3>,
    /// The front camera.
    pub camera: Option<CameraModel>,
    /// Length, width, height, rear axle to rear bumper, metres.
    pub car: [f64; 4],
}

/// Localization, perception and tracking, as far as there are sensors for them; no planning.
pub fn stack(
    graph: &mut Graph,
    topics: &Topics,
    localization: &Localization,
    eyes: &Eyes,
    networks: Networks,
) -> Result<()> {
    let frame_id = match localization {
        Localization::Filter(config) => {
            let node = LocalizationNode { localizer: Localizer::new(*config)? };
            let inputs = (topics.imu.queue(8), topics.gnss.queue(4), topics.vehicle_state.latest());
            graph.node("localization", ACTUATION, node, inputs, (topics.ego.publish(),))?;
            "map"
        }
        Localization::Scans => {
            let node = ScanMatchingNode { matcher: ScanMatcher::new(eyes.lidar.unwrap_or_default()) };
            graph.node(
                "scan_matching",
                ACTUATION,
                node,
                (topics.points.latest(),),
                (topics.ego.publish(),),
            )?;
            "odom"
        }
        Localization::None => "",
    };
    if let Some(lidar) = eyes.lidar.filter(|_| !frame_id.is_empty()) {
        let [length, width_m, _, rear_m] = eyes.car;
        let config = LidarDetectorConfig {
            front_m: length - rear_m,
            rear_m,
            width_m,
            ..LidarDetectorConfig::default()
        };
        let node = LidarDetectionNode { detector: LidarDetector::new(config, lidar)? };
        let inputs = (topics.points.latest(), topics.ego.latest());
        graph.node("lidar_detection", PLANNING, node, inputs, (topics.lidar_detections.publish(),))?;
    }
    if eyes.camera.is_some() {
        stack::camera_detection(graph, topics, networks.detector, &Faults::default())?;
    }
    if let Some(lidar) = eyes.lidar.filter(|_| !frame_id.is_empty()) {
        let config = TrackerConfig {
            frame_id: frame_id.to_owned(),
            eye_x_m: lidar.translation.x,
            ..TrackerConfig::default()
        };
        let node = TrackingNode { tracker: Tracker::new(config)?, map: None, camera: eyes.camera };
        let pictures = topics.camera_detections.latest().optional();
        let inputs = (topics.lidar_detections.latest(), topics.ego.queue(64), pictures);
        graph.node("tracking", PLANNING, node, inputs, (topics.objects.publish(),))?;
    }
    Ok(())
}

/// A recorded drive, ready to run.
pub struct RecordedDrive<'a> {
    /// One of [`PLATFORMS`].
    pub platform: &'static str,
    /// Where it lies.
    pub folder: &'a Path,
    /// Where to write.
    pub out: Option<&'a Path>,
    /// Write no `.rrd`.
    pub no_rrd: bool,
    /// Of what is drawn by chance.
    pub seed: u64,
    /// All files that decide what the run does.
    pub files: Vec<ConfigurationFile>,
    /// The networks that run.
    pub attested: Vec<Attested>,
    /// What does not move.
    pub scene: Scene<'a>,
    /// Watches and reports.
    pub judge: Recorded,
    /// What the reference trajectory is, in the report's words.
    pub reference: &'static str,
    /// The stack.
    pub graph: Graph,
    /// Its topics.
    pub topics: Topics,
}

/// Runs it, with recording, `.rrd` and report; true when it came to its end.
pub fn run(drive: RecordedDrive<'_>) -> Result<bool> {
    let platform = drive.platform;
    let name = if drive.folder.is_file() { drive.folder.file_stem() } else { drive.folder.file_name() };
    let name = name.map_or("drive".into(), |name| name.to_string_lossy());
    let folder = run::new_folder(drive.out, &format!("{platform}-{name}"))?;
    let path = folder.join("recording.mcap");
    let recorder =
        run::recorder(&drive.graph, &path, platform, &drive.files, &drive.attested, Pacing::Virtual)?;
    let mut watchers = Watchers::new(Some(recorder));
    if !drive.no_rrd {
        watchers.show(Some(folder.join("recording.rrd")), None, &drive.scene, drive.topics)?;
    }
    let judge = Arc::new(Mutex::new(Some(drive.judge)));
    watchers.observers.push(Box::new(Judge(Arc::clone(&judge))));
    let options = RunOptions {
        stop: run::stop_flag(true)?,
        observers: std::mem::take(&mut watchers.observers),
        ..RunOptions::default()
    };
    let result = Executor::new(drive.graph, options)?.run();
    let written = watchers.finish()?;
    let judge = judge.lock().unwrap_or_else(PoisonError::into_inner).take();
    let mut report = judge.map_or_else(RunReport::default, Recorded::finish);
    report.scenario = format!("{platform} {name}");
    report.seed = drive.seed;
    let success = result.as_ref().is_ok_and(|summary| !summary.stopped);
    report.success = success;
    report.reference = report.localization.is_some().then(|| drive.reference.to_owned());
    run::report(report, result, &written, &folder)?;
    Ok(success)
}

/// Labels of a drive's road users, and what is needed to lay them over the tracks.
pub struct Labels {
    evaluator: KittiEvaluator,
    lidar_pose: Pose3,
    /// The number of each scan in its file's name.
    frames: Vec<u64>,
    /// Instants at which the scans began.
    starts: Vec<LogicalTime>,
    ego: EgoHistory,
}

impl Labels {
    /// Labels by frame, the lidar in `base_link`, and each scan's frame.
    pub fn new(evaluator: KittiEvaluator, lidar_pose: Pose3, frames: Vec<u64>) -> Self {
        Self { evaluator, lidar_pose, frames, starts: Vec::new(), ego: EgoHistory::default() }
    }

    fn tracks(&mut self, tracks: &TrackedObjects) {
        let end = LogicalTime::from(&tracks.header.stamp);
        // The tracks are those of the last scan that began before their stamp, which is its end.
        let Some(scan) = self.starts.iter().rposition(|start| *start < end) else { return };
        let middle = self.starts[scan].as_nanos() / 2 + end.as_nanos() / 2;
        let middle = LogicalTime::from_nanos(middle);
        let (Some(pose), Some(frame)) = (self.ego.pose_at(middle), self.frames.get(scan)) else { return };
        let lidar = Pose3::from_pose2(&pose, 0.0).compose(&self.lidar_pose);
        self.evaluator.frame(*frame as u32, middle, &lidar, tracks);
    }
}

/// What is known of a recorded drive while it runs.
pub struct Recorded {
    topics: Topics,
    labels: Option<Labels>,
    localization: LocalizationEvaluator,
    has_reference: bool,
    /// Where satellite positions are withheld from some instant on.
    drift: Option<Drift>,
}

impl Recorded {
    /// Nothing seen yet.
    pub fn new(topics: Topics, labels: Option<Labels>, positions_until: Option<LogicalTime>) -> Self {
        Self {
            topics,
            labels,
            localization: LocalizationEvaluator::new(),
            has_reference: false,
            drift: positions_until.map(Drift::new),
        }
    }

    /// The parts of the report that it knows.
    pub fn finish(self) -> RunReport {
        RunReport {
            localization: self.has_reference.then(|| self.localization.finish()),
            drift: self.drift.and_then(|drift| drift.finish()),
            kitti: self.labels.map(|labels| labels.evaluator.finish()),
            ..RunReport::default()
        }
    }

    fn message(&mut self, publication: &Publication<'_>) {
        let topics = self.topics;
        if let Some(points) = of(publication, topics.points) {
            self.labels
                .iter_mut()
                .for_each(|labels| labels.starts.push(LogicalTime::from(&points.header.stamp)));
        } else if let Some(odometry) = of(publication, topics.ego) {
            self.labels.iter_mut().for_each(|labels| labels.ego.note(&odometry));
            self.localization.odometry(&odometry);
            self.drift.iter_mut().for_each(|drift| drift.ego(&odometry));
        } else if let Some(reference) = of(publication, topics.reference) {
            self.has_reference = true;
            self.drift.iter_mut().for_each(|drift| drift.reference(&reference));
            self.localization.truth(&GroundTruth {
                header: reference.header.clone(),
                ego_pose: reference.pose.pose.clone(),
                ego_twist: reference.twist.twist.clone(),
                ..GroundTruth::default()
            });
        } else if let Some(tracks) = of(publication, topics.objects) {
            self.labels.iter_mut().for_each(|labels| labels.tracks(&tracks));
        }
    }
}

/// Shares what is known with whoever writes the report.
pub struct Judge(pub Arc<Mutex<Option<Recorded>>>);

impl Observer for Judge {
    fn observe(&mut self, publication: &Publication<'_>) -> Result<(), RunError> {
        if let Some(recorded) = self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            recorded.message(publication);
        }
        Ok(())
    }
}
