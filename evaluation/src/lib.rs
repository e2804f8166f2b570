//! Metrics, infractions and reports of a drive.
//!
//! Evaluators are fed with messages while a run goes on and give a report at its end: [`DriveEvaluator`] (route, collisions,
//! infractions, time to collision, comfort), [`PerceptionEvaluator`] (tracks against truth), [`LocalizationEvaluator`]
//! (ego state against truth) and [`KittiEvaluator`] (tracks against KITTI's labels). [`RunReport`] puts them together
//! and renders them as JSON or as a table. Nothing here reads a clock or a file, and the stack never sees any of it.
//!
//! ```
//! use auriga_evaluation::time_to_collision;
//! use auriga_geometry::{OrientedBox, Pose2, Vec2};
//!
//! // 4.6 m long cars, centres 24.6 m apart, closing at 10 m/s: 20 m of gap last 2 s.
//! let car = |x| OrientedBox::new(Pose2::new(x, 0.0, 0.0), 4.6, 1.85);
//! let ttc = time_to_collision(&car(0.0), Vec2::new(10.0, 0.0), &car(24.6), Vec2::zeros());
//! assert!((ttc.unwrap() - 2.0).abs() < 1e-12);
//! ```

mod comfort;
pub mod control;
mod drive;
mod ego;
mod error;
mod infraction;
mod kitti_tracks;
mod localization;
mod matching;
mod perception;
mod proximity;
mod report;
mod route_line;
mod statistics;
mod table;
mod truth_buffer;

pub use comfort::{ComfortBounds, ComfortReport};
pub use drive::{CollisionReport, DriveConfig, DriveEvaluator, DriveReport, RouteReport};
pub use ego::Footprint;
pub use error::EvaluationError;
pub use infraction::{Infraction, InfractionKind};
pub use kitti_tracks::{KittiCalibration, KittiEvaluator, KittiLabel, KittiReport, parse_labels};
pub use localization::{LocalizationEvaluator, LocalizationReport};
pub use perception::{ClassRecall, PerceptionConfig, PerceptionEvaluator, PerceptionReport};
pub use proximity::{ProximityReport, time_to_collision};
pub use report::{DriftReport, Lateness, NodeTiming, RunReport, SensorToCommand};
pub use route_line::RouteLine;
pub use statistics::Distribution;
