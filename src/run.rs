//! What every run does around the executor: folder, recorder, viewer, progress, Ctrl-C, report.

use crate::attestation::{self, Attested};
use crate::configuration::{Configuration, ConfigurationFile};
#[cfg(feature = "viewer")]
use crate::observers::View;
use crate::observers::{Evaluate, Progress, Record};
use crate::stack::{self, Topics};
use anyhow::{Context, Result};
use auriga_evaluation::{Lateness, NodeTiming, RunReport};
use auriga_geometry::Pose3;
use auriga_map::Map;
use auriga_perception::tracking::CameraModel;
use auriga_runtime::recording::{
    Attachment, Priority, Recorder, RecorderHandle, RecorderOptions, TopicInfo, WhenFull,
};
use auriga_runtime::{Beside, Graph, Histogram, NodeStatistics, Observer, Pacing, RunError, RunSummary};
#[cfg(feature = "viewer")]
use auriga_viewer::{Shows, Viewer, ViewerOptions};
use indicatif::{ProgressBar, ProgressStyle};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The viewer gets every so-manieth point of a scan.
#[cfg(feature = "viewer")]
const THIN: usize = 4;

/// Messages that evaluation, progress and viewer may be behind.
const WATCHERS_QUEUE: usize = 256;

/// Where a Rerun viewer listens by default.
pub const VIEWER_URL: &str = "rerun+http://127.0.0.1:9876/proxy";

/// Makes sure that there is a viewer where one is to be connected to.
#[cfg(feature = "viewer")]
pub fn check_viewer(connect: Option<&str>) -> Result<()> {
    connect.map_or(Ok(()), |url| Ok(auriga_viewer::find(url)?))
}

/// This build has none: said where it is asked for.
#[cfg(not(feature = "viewer"))]
pub fn check_viewer(_: Option<&str>) -> Result<()> {
    Ok(())
}

/// Set by Ctrl-C: the run ends cleanly at the next tick; a second one ends the process at once. Of the processes of a run
/// one `speaks`.
pub fn stop_flag(speaks: bool) -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
        if !speaks {
            return;
        }
        eprintln!("stopping: the files are being completed (again to end at once)");
    })
    .context("Ctrl-C cannot be handled")?;
    Ok(stop)
}

/// `runs/<name>`, or `runs/<name>-2` and so on when it exists.
pub fn new_folder(wanted: Option<&Path>, name: &str) -> Result<PathBuf> {
    let folder = match wanted {
        Some(folder) => folder.to_path_buf(),
        None => {
            let numbered = |number: u32| match number {
                1 => PathBuf::from("runs").join(name),
                _ => PathBuf::from("runs").join(format!("{name}-{number}")),
            };
            (1..).map(numbered).find(|folder| !folder.exists()).context("no free name under runs/")?
        }
    };
    std::fs::create_dir_all(&folder).with_context(|| format!("{}: cannot be created", folder.display()))?;
    Ok(folder)
}

fn media_type(role: &str) -> &'static str {
    match role.rsplit_once('.') {
        Some((_, "xodr")) => "application/xml",
        Some((_, "dbc")) => "text/plain",
        _ => "application/toml",
    }
}

/// What is left out first when queue or disk are full: what is large; last, what tells why the car did what it did.
fn priority(topic: &TopicInfo) -> Priority {
    match topic.type_name.rsplit('/').next().unwrap_or_default() {
        "Image" | "PointCloud2" | "MarkerArray" => Priority::Bulk,
        "TraceRecord" | "VehicleState" | "Engage" | "Control" | "SafeCommandRecord" | "NearestObstacle" => {
            Priority::Vital
        }
        _ => Priority::Normal,
    }
}

/// Starts the recorder with everything that a replay needs.
pub fn recorder(
    graph: &Graph,
    path: &Path,
    platform: &str,
    files: &[ConfigurationFile],
    networks: &[Attested],
    pacing: Pacing,
) -> Result<Recorder> {
    let topics = graph.topics().iter().map(|topic| TopicInfo {
        name: topic.name.clone(),
        type_name: topic.type_name.to_owned(),
        schema_text: topic.schema_text.clone(),
        type_hash: topic.type_hash.clone(),
    });
    let mut options = RecorderOptions::new(topics.collect());
    for file in files {
        options.attachments.push(Attachment::new(
            file.role,
            media_type(file.role),
            file.text.as_bytes().to_vec(),
        ));
    }
    options.attachments.extend(attestation::attachments(networks)?);
    let metadata = [
        ("build", concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned()),
        ("platform", platform.to_owned()),
        ("epoch_ns", "0".to_owned()),
        ("nodes", graph.node_names().collect::<Vec<_>>().join(",")),
        ("source_topics", graph.source_topics().join(",")),
    ];
    options.metadata.extend(metadata.map(|(key, value)| (key.to_owned(), value)));
    if pacing == Pacing::Live {
        // The car does not wait for a disk.
        options.when_full = WhenFull::Drop;
        options.priorities =
            options.topics.iter().map(|topic| (topic.name.clone(), priority(topic))).collect();
    }
    Ok(Recorder::create(path, options)?)
}

/// What watches a run.
pub struct Watchers {
    /// For the executor.
    pub observers: Vec<Box<dyn Observer>>,
    recorder: Option<Recorder>,
    #[cfg(feature = "viewer")]
    viewer: Option<Viewer>,
    bar: Option<ProgressBar>,
}

/// What does not move, for a viewer.
#[cfg_attr(not(feature = "viewer"), allow(dead_code, reason = "nobody looks"))]
pub struct Scene<'a> {
    /// The lanes; absent for a drive without a map.
    pub map: Option<&'a Map>,
    /// In `base_link`.
    pub lidar: Option<Pose3>,
    /// The front camera.
    pub camera: Option<CameraModel>,
    /// In `base_link`.
    pub radar: Option<Pose3>,
    /// Whether pictures come from the camera.
    pub has_pictures: bool,
    /// Length, width, height, rear axle to rear bumper, metres.
    pub car: [f64; 4],
}

impl<'a> Scene<'a> {
    /// Of a simulated drive.
    pub fn of(configuration: &'a Configuration) -> Self {
        let Configuration { map, rig, vehicle, .. } = configuration;
        Self {
            radar: None,
            map: Some(map),
            lidar: rig.lidar.as_ref().map(|lidar| lidar.pose.to_pose3()),
            camera: rig.camera.as_ref().map(stack::camera_model),
            has_pictures: rig.camera.is_some(),
            car: [vehicle.length_m, vehicle.width_m, vehicle.height_m, vehicle.rear_overhang_m],
        }
    }
}

/// What was written.
pub struct Written {
    /// Size of the recording, bytes.
    pub recording_bytes: u64,
    /// Size of the `.rrd`, bytes.
    pub rrd_bytes: u64,
    /// The recording's digest.
    pub digest: String,
}

impl Watchers {
    /// A recorder and nothing else.
    pub fn new(recorder: Option<Recorder>) -> Self {
        let observers =
            recorder.iter().map(|recorder| Box::new(Record(recorder.handle())) as Box<dyn Observer>);
        Self {
            observers: observers.collect(),
            recorder,
            #[cfg(feature = "viewer")]
            viewer: None,
            bar: None,
        }
    }

    /// Of the recorder, where there is one.
    pub fn recorder(&self) -> Option<RecorderHandle> {
        self.recorder.as_ref().map(Recorder::handle)
    }

    /// Adds a viewer: into a file, into a running one, or both.
    #[cfg(feature = "viewer")]
    pub fn show(
        &mut self,
        rrd: Option<PathBuf>,
        connect: Option<String>,
        scene: &Scene<'_>,
        topics: Topics,
    ) -> Result<()> {
        let shows = Shows { camera: scene.has_pictures, driving: scene.map.is_some() };
        let viewer = Viewer::new(&ViewerOptions { rrd, connect, thin: THIN, shows })?;
        if let Some(map) = scene.map {
            viewer.map(map)?;
        }
        let [length_m, width_m, height_m, rear_m] = scene.car;
        viewer.ego(length_m, width_m, height_m, rear_m)?;
        if let (Some(lidar), Some(camera)) = (&scene.lidar, &scene.camera) {
            viewer.rig(lidar, &camera.optical_pose, &camera.k, camera.size.0, camera.size.1)?;
        }
        if let Some(radar) = &scene.radar {
            viewer.radar(radar)?;
        }
        self.observers.push(Box::new(View { handle: viewer.handle(), topics }));
        self.viewer = Some(viewer);
        Ok(())
    }

    /// This build has no viewer.
    #[cfg(not(feature = "viewer"))]
    pub fn show(
        &mut self,
        _: Option<PathBuf>,
        connect: Option<String>,
        _: &Scene<'_>,
        _: Topics,
    ) -> Result<()> {
        match connect {
            Some(_) => anyhow::bail!("this build has no viewer: build with the feature `viewer`"),
            None => Ok(()),
        }
    }

    /// For the executor: the recorder takes its messages from the executor's thread, and everybody else from one beside it.
    pub fn take_observers(&mut self) -> Result<Vec<Box<dyn Observer>>> {
        let mut observers = std::mem::take(&mut self.observers);
        let others = observers.split_off(usize::from(self.recorder.is_some()));
        if !others.is_empty() {
            observers.push(Box::new(Beside::new("watchers", WATCHERS_QUEUE, others)?));
        }
        Ok(observers)
    }

    /// Adds the evaluation.
    pub fn evaluate(&mut self, evaluate: &Evaluate) {
        self.observers.push(Box::new(evaluate.clone()));
    }

    /// Adds a progress bar over a span of logical time.
    pub fn progress(&mut self, seconds: f64, topics: Topics) -> Result<()> {
        let bar = ProgressBar::new((seconds * 1e3) as u64);
        let style = "{elapsed_precise} {wide_bar} {percent:>3} %  {msg}";
        bar.set_style(ProgressStyle::with_template(style)?);
        self.observers.push(Box::new(Progress { bar: bar.clone(), topics }));
        self.bar = Some(bar);
        Ok(())
    }

    /// Completes all files.
    pub fn finish(self) -> Result<Written> {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let mut written = Written { recording_bytes: 0, rrd_bytes: 0, digest: String::new() };
        if let Some(recorder) = self.recorder {
            let summary = recorder.finish()?;
            written.recording_bytes = summary.bytes;
            written.digest = summary.digest.to_string();
            if let Some(why) = &summary.ended_early {
                eprintln!("warning: the recording ends before the run: {why}; `auriga recover` mends it");
            }
            if !summary.gaps.is_empty() {
                let gaps: Vec<String> = summary.gaps.iter().map(ToString::to_string).collect();
                eprintln!("warning: queue or disk were full; the recording lacks {}", gaps.join(", "));
            }
        }
        #[cfg(feature = "viewer")]
        if let Some(viewer) = self.viewer {
            let shown = viewer.finish()?;
            written.rrd_bytes = shown.bytes;
            if let Some(problem) = shown.unseen {
                eprintln!("warning: the Rerun viewer did not get everything: {problem}");
            }
        }
        Ok(written)
    }
}

/// The report's rows on nodes.
pub fn node_timings(nodes: &[NodeStatistics]) -> Vec<NodeTiming> {
    let millis = |micros: u32| f64::from(micros) * 1e-3;
    let row = |node: &NodeStatistics| NodeTiming {
        node: node.name.clone(),
        steps: node.steps,
        budget_ms: node.budget.as_millis_f64(),
        wall_ms_mean: node.wall_total().as_secs_f64() * 1e3 / node.steps.max(1) as f64,
        wall_ms_p50: millis(node.wall_quantile(0.5)),
        wall_ms_p99: millis(node.wall_quantile(0.99)),
        wall_ms_max: millis(node.wall_quantile(1.0)),
        cpu_ms_mean: node.cpu_total.as_secs_f64() * 1e3 / node.steps.max(1) as f64,
        cpu_s: node.cpu_total.as_secs_f64(),
        misses: node.missed,
    };
    nodes.iter().map(row).collect()
}

/// The report's line on how late a live run was.
fn lateness(late: &Histogram) -> Option<Lateness> {
    let micros = |duration: Duration| duration.as_secs_f64() * 1e6;
    (late.count() > 0).then(|| Lateness {
        count: late.count(),
        p50_us: micros(late.quantile(0.5)),
        p99_us: micros(late.quantile(0.99)),
        p999_us: micros(late.quantile(0.999)),
        max_us: micros(late.most()),
    })
}

/// Peak resident memory of this process, bytes; 0 where the system does not say.
pub fn peak_memory_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

/// Fills in what the run itself knows, writes `report.json` and prints the table: also of a run that failed. Whether it was
/// a success is the caller's to say.
///
/// # Errors
/// The run's own, once its report is written.
pub fn report(
    mut report: RunReport,
    result: Result<RunSummary, RunError>,
    written: &Written,
    folder: &Path,
) -> Result<()> {
    match &result {
        Ok(summary) => {
            report.nodes = node_timings(&summary.nodes);
            report.lateness = lateness(&summary.lateness);
            report.simulated_s = summary.end.as_secs_f64();
            report.simulated_per_wall = summary.end.as_secs_f64() / summary.wall.as_secs_f64().max(1e-9);
        }
        Err(problem) => {
            report.success = false;
            report.problem = Some(problem.to_string());
            report.simulated_s = report.drive.as_ref().map_or(0.0, |drive| drive.duration_s);
        }
    }
    report.peak_memory_bytes = Some(peak_memory_bytes());
    report.recording_bytes = Some(written.recording_bytes);
    report.rrd_bytes = (written.rrd_bytes > 0).then_some(written.rrd_bytes);
    report.digest = Some(written.digest.clone());
    let path = folder.join("report.json");
    std::fs::write(&path, report.to_json()?)
        .with_context(|| format!("{}: cannot be written", path.display()))?;
    print(&report.to_table());
    println_line(&format!("written to {}", folder.display()));
    result?;
    Ok(())
}

#[allow(clippy::print_stdout, reason = "the command's answer")]
fn print(text: &str) {
    print!("{text}");
}

/// One line of the command's answer.
#[allow(clippy::print_stdout, reason = "the command's answer")]
pub fn println_line(text: &str) {
    println!("{text}");
}
