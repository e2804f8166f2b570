//! Camera, lidar, fusion, tracking, prediction and localization.
//!
//! Everything here is a function of its inputs and its own state: no clock, no thread, no file, no socket. A network's
//! tensors are reached through the trait [`Network`](network::Network); who runs it is not known here.
//!
//! ```
//! use auriga_geometry::{LogicalTime, Pose3};
//! use auriga_messages::sensor_msgs::{PointCloud2, PointField};
//! use auriga_messages::vision_msgs::Detection3DArray;
//! use auriga_perception::lidar::{LidarDetector, LidarDetectorConfig, Motion};
//!
//! // A post of 1.7 m, 10 m ahead, as a cloud of x, y, z.
//! let field = |name: &str, offset| PointField { name: name.into(), offset, datatype: 7, count: 1 };
//! let post = (0..60).map(|k| [10.0, 0.03 * (k % 12) as f32, 0.3 + 0.35 * (k / 12) as f32]);
//! let cloud = PointCloud2 {
//!     height: 1,
//!     width: 60,
//!     fields: vec![field("x", 0), field("y", 4), field("z", 8)],
//!     point_step: 12,
//!     data: post.flatten().flat_map(f32::to_le_bytes).collect(),
//!     ..PointCloud2::default()
//! };
//! let mut detector = LidarDetector::new(LidarDetectorConfig::default(), Pose3::default())?;
//! let mut out = Detection3DArray::default();
//! detector.step(LogicalTime::ZERO, &cloud, &Motion::default(), &mut out)?;
//! assert_eq!(out.detections.len(), 1);
//! # Ok::<(), auriga_perception::PerceptionError>(())
//! ```

pub mod camera;
mod error;
pub mod lidar;
pub mod localization;
pub mod network;
pub mod prediction;
mod repeats;
pub mod tracking;

pub use error::PerceptionError;
pub use repeats::Repeats;

#[cfg(test)]
mod tests_support;
