//! All that is reported of one run.

use crate::{DriveReport, EvaluationError, KittiReport, LocalizationReport, PerceptionReport, table};
use serde::Serialize;

/// How long one node's steps took.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct NodeTiming {
    /// The node.
    pub node: String,
    /// Steps taken.
    pub steps: u64,
    /// Logical duration of a step, milliseconds.
    pub budget_ms: f64,
    /// Mean wall time, milliseconds.
    pub wall_ms_mean: f64,
    /// Median wall time, milliseconds.
    pub wall_ms_p50: f64,
    /// 99th percentile of the wall time, milliseconds.
    pub wall_ms_p99: f64,
    /// Greatest wall time, milliseconds.
    pub wall_ms_max: f64,
    /// Mean processor time on the thread that ran it, milliseconds.
    pub cpu_ms_mean: f64,
    /// The same of all steps together, seconds.
    pub cpu_s: f64,
    /// Deadline misses in logical time.
    pub misses: u64,
}

/// From the end of the lidar's sweep to the command, logical milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct SensorToCommand {
    /// Mean.
    pub mean_ms: f64,
    /// Greatest.
    pub max_ms: f64,
}

/// From the instant at which the executor should have acted to when it did, microseconds on the wall.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Lateness {
    /// Instants.
    pub count: u64,
    /// Half of them were less late.
    pub p50_us: f64,
    /// 99 of 100 were.
    pub p99_us: f64,
    /// 999 of 1,000 were.
    pub p999_us: f64,
    /// The worst.
    pub max_us: f64,
}

/// How far the ego state drifted off while no satellite position was given: growth of its error, not the error itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct DriftReport {
    /// Without positions.
    pub seconds: f64,
    /// Driven meanwhile.
    pub driven_m: f64,
    /// Metres in the plane.
    pub position_m: f64,
    /// Radians.
    pub yaw_rad: f64,
}

/// The report of a run. Parts that the run did not have are absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RunReport {
    /// Name of the scenario or drive.
    pub scenario: String,
    /// Seed of all that is drawn by chance.
    pub seed: u64,
    /// Whether the run did what it was to do: the scenario's aim reached, nobody touched. [`RunReport::judge`] takes the goal
    /// for the aim.
    pub success: bool,
    /// Why the run ended early; absent when it did not.
    pub problem: Option<String>,
    /// Route, safety, comfort.
    pub drive: Option<DriveReport>,
    /// Tracks against truth.
    pub perception: Option<PerceptionReport>,
    /// What stands for the truth, where it is not the simulator's world.
    pub reference: Option<String>,
    /// Ego state against truth.
    pub localization: Option<LocalizationReport>,
    /// Where positions were withheld.
    pub drift: Option<DriftReport>,
    /// Tracks against KITTI's labels.
    pub kitti: Option<KittiReport>,
    /// Each node, in the order of the stack.
    pub nodes: Vec<NodeTiming>,
    /// Reaction through the whole stack.
    pub sensor_to_command: Option<SensorToCommand>,
    /// How late the executor woke in a live run.
    pub lateness: Option<Lateness>,
    /// Logical duration of the run, seconds.
    pub simulated_s: f64,
    /// Logical seconds per second on the wall.
    pub simulated_per_wall: f64,
    /// Greatest resident memory, bytes.
    pub peak_memory_bytes: Option<u64>,
    /// Size of the recording, bytes.
    pub recording_bytes: Option<u64>,
    /// Size of the Rerun file, bytes.
    pub rrd_bytes: Option<u64>,
    /// Digest of the recording, hexadecimal.
    pub digest: Option<String>,
}

impl RunReport {
    /// Sets `success` from the parts: a run without a drive (a replay) is a success.
    #[must_use]
    pub fn judge(mut self) -> Self {
        self.success = self.success();
        self
    }

    /// Whether the goal was reached and nobody touched; true for a run without a drive.
    #[must_use]
    pub fn success(&self) -> bool {
        self.drive.as_ref().is_none_or(DriveReport::success)
    }

    /// As indented JSON with a newline at its end; keys in a fixed order.
    ///
    /// # Errors
    /// Never in practice: all keys are strings.
    pub fn to_json(&self) -> Result<String, EvaluationError> {
        let mut json = serde_json::to_string_pretty(self)?;
        json.push('\n');
        Ok(json)
    }

    /// As a table for a terminal of 100 columns, without colours.
    #[must_use]
    pub fn to_table(&self) -> String {
        table::render(self)
    }
}
