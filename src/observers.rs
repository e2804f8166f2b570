//! Who watches a run: recorder, viewer, evaluation, progress. None of them can change it.

use crate::configuration::Configuration;
use crate::stack::Topics;
use auriga_evaluation::{
    DriveConfig, DriveEvaluator, Footprint, LocalizationEvaluator, PerceptionConfig, PerceptionEvaluator,
    RunReport, SensorToCommand,
};
use auriga_messages::Message;
use auriga_messages::auriga_msgs::{BehaviorDecision, GroundTruth, SafeCommandRecord};
use auriga_messages::autoware_perception_msgs::TrackedObjects;
use auriga_messages::nav_msgs::Odometry;
use auriga_runtime::message::downcast;
use auriga_runtime::recording::RecorderHandle;
use auriga_runtime::trace::{NONE, TraceRecord};
use auriga_runtime::{Observer, Publication, RunError, Topic};
#[cfg(feature = "viewer")]
use auriga_viewer::{ViewItem, ViewerHandle};
use indicatif::ProgressBar;
use std::sync::{Arc, Mutex, PoisonError};

/// Hands every message to the recorder.
pub struct Record(pub RecorderHandle);

impl Observer for Record {
    fn observe(&mut self, publication: &Publication<'_>) -> Result<(), RunError> {
        let Publication { topic, sequence, instant, message } = *publication;
        self.0
            .record(topic, sequence, instant, Arc::clone(message))
            .map_err(|error| RunError::Observer(error.to_string()))
    }

    fn backlog(&self) -> usize {
        self.0.backlog()
    }
}

/// The message, if it is one of `topic`.
pub fn of<M: Message>(publication: &Publication<'_>, topic: Topic<M>) -> Option<Arc<M>> {
    if publication.topic == topic.index() { downcast(publication.message) } else { None }
}

/// Hands what can be shown to the viewer.
#[cfg(feature = "viewer")]
pub struct View {
    /// Where it goes.
    pub handle: ViewerHandle,
    /// Which topic is which.
    pub topics: Topics,
}

#[cfg(feature = "viewer")]
impl View {
    fn item(&self, publication: &Publication<'_>) -> Option<ViewItem> {
        macro_rules! first_of {
            ($($topic:ident),*) => {
                $(if let Some(message) = of(publication, self.topics.$topic) {
                    return Some(ViewItem::from(message));
                })*
            };
        }
        first_of!(
            points,
            image,
            ego,
            camera_detections,
            lidar_detections,
            objects,
            predictions,
            trajectory,
            behavior,
            vehicle_state,
            command,
            safe_command,
            truth,
            lights
        );
        self.topics.radar.and_then(|radar| of(publication, radar)).map(ViewItem::from)
    }
}

#[cfg(feature = "viewer")]
impl Observer for View {
    fn observe(&mut self, publication: &Publication<'_>) -> Result<(), RunError> {
        if let Some(item) = self.item(publication) {
            self.handle.try_send(publication.instant, item);
        }
        Ok(())
    }

    fn backlog(&self) -> usize {
        ViewerHandle::BACKLOG
    }
}

/// Judges the drive as it goes.
pub struct Evaluators {
    drive: DriveEvaluator,
    perception: PerceptionEvaluator,
    localization: LocalizationEvaluator,
    ages_ms: Vec<f64>,
}

impl Evaluators {
    /// Evaluators for a simulated drive.
    pub fn new(configuration: &Configuration) -> Self {
        let Configuration { map, route, vehicle, .. } = configuration;
        let footprint = Footprint {
            length_m: vehicle.length_m,
            width_m: vehicle.width_m,
            rear_overhang_m: vehicle.rear_overhang_m,
        };
        Self {
            drive: DriveEvaluator::new(Arc::clone(map), route, footprint, DriveConfig::default()),
            perception: PerceptionEvaluator::new(map, PerceptionConfig::default()),
            localization: LocalizationEvaluator::new(),
            ages_ms: Vec::new(),
        }
    }

    /// The parts of the report that they know.
    pub fn finish(self) -> RunReport {
        let count = self.ages_ms.len().max(1) as f64;
        let sensor_to_command = SensorToCommand {
            mean_ms: self.ages_ms.iter().sum::<f64>() / count,
            max_ms: self.ages_ms.iter().copied().fold(0.0, f64::max),
        };
        RunReport {
            drive: Some(self.drive.finish()),
            perception: Some(self.perception.finish()),
            localization: Some(self.localization.finish()),
            sensor_to_command: Some(sensor_to_command),
            ..RunReport::default()
        }
    }
}

/// Shares the evaluators with whoever writes the report.
#[derive(Clone)]
pub struct Evaluate {
    /// Taken at the end.
    pub evaluators: Arc<Mutex<Option<Evaluators>>>,
    /// Which topic is which.
    pub topics: Topics,
    /// Index of the trace.
    pub trace: u16,
}

impl Evaluate {
    fn message(&self, evaluators: &mut Evaluators, publication: &Publication<'_>) {
        let topics = &self.topics;
        if let Some(truth) = of::<GroundTruth>(publication, topics.truth) {
            evaluators.drive.truth(&truth);
            evaluators.perception.truth(&truth);
            evaluators.localization.truth(&truth);
        } else if let Some(decision) = of::<BehaviorDecision>(publication, topics.behavior) {
            evaluators.drive.decision(&decision);
        } else if let Some(record) = of::<SafeCommandRecord>(publication, topics.safe_command) {
            evaluators.drive.safe_command(&record);
        } else if let Some(tracks) = of::<TrackedObjects>(publication, topics.objects) {
            evaluators.perception.tracks(&tracks);
        } else if let Some(odometry) = of::<Odometry>(publication, topics.ego) {
            evaluators.localization.odometry(&odometry);
        } else if publication.topic == self.trace {
            let Some(record) = downcast::<TraceRecord>(publication.message) else { return };
            if record.node == "gate" && record.age != NONE {
                evaluators.ages_ms.push((record.publication - record.age) as f64 * 1e-6);
            }
        }
    }
}

impl Observer for Evaluate {
    fn observe(&mut self, publication: &Publication<'_>) -> Result<(), RunError> {
        let shared = Arc::clone(&self.evaluators);
        let mut evaluators = shared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(evaluators) = evaluators.as_mut() {
            self.message(evaluators, publication);
        }
        Ok(())
    }
}

/// Moves the progress bar.
pub struct Progress {
    /// Counts milliseconds of logical time.
    pub bar: ProgressBar,
    /// The planner's word is shown beside it.
    pub topics: Topics,
}

impl Observer for Progress {
    fn observe(&mut self, publication: &Publication<'_>) -> Result<(), RunError> {
        if let Some(decision) = of::<BehaviorDecision>(publication, self.topics.behavior) {
            self.bar.set_position(publication.instant.as_nanos().unsigned_abs() / 1_000_000);
            let BehaviorDecision { rule, because_of, route_left_m, .. } = &*decision;
            self.bar.set_message(format!("{route_left_m:.0} m left, {rule} {because_of}"));
        }
        Ok(())
    }
}
