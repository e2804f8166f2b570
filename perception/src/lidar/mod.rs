//! From a lidar scan to boxes, by geometry alone; and the gate's own channel, which shares only the reading of the cloud.

mod boxes;
mod candidate;
mod closing;
mod cloud;
mod cluster;
mod deskew;
mod detector;
mod ground;
mod obstacle;

pub use boxes::{FittedBox, fit_box};
pub use cloud::{Cloud, LidarPoint};
pub use cluster::{Cluster, Clusters, Member};
pub use deskew::{Motion, deskew};
pub use detector::{LidarDetector, LidarDetectorConfig};
pub use ground::Ground;
pub use obstacle::{ObstacleChannel, ObstacleChannelConfig};

/// A scan with fewer points is none: the thinnest real ones have thousands.
const SCAN_POINTS_LEAST: usize = 50;
