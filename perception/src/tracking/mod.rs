//! Following objects over time: which detections belong together, how an object moves, what it is.
//!
//! Detections come in `base_link`; tracks live in `map`. Each track is a constant-velocity Kalman filter of the box's
//! centre with a heading and an extent of its own. Whether it moves at all is decided by a test on the positions of the
//! last second: what does not clearly move stands, and has no velocity.

mod assignment;
mod camera_vote;
mod class;
mod ego_history;
mod motion;
mod outline;
mod report;
#[cfg(test)]
mod tests;
mod track;
mod tracker;

pub use camera_vote::CameraModel;
pub use class::{Class, ClassVotes};
pub use ego_history::EgoHistory;
pub use tracker::{Tracker, TrackerConfig, TrackerInputs};
