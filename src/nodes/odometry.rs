//! Ego motion from scan to scan, for drives without INS.

use auriga_messages::nav_msgs::Odometry;
use auriga_messages::sensor_msgs::PointCloud2;
use auriga_perception::localization::scan_matching::ScanMatcher;
use auriga_runtime::{Latest, Node, NodeError, Output, Step};

/// Matches each scan with those before. The frame `odom` is where the drive began.
pub struct ScanMatchingNode {
    /// The matcher.
    pub matcher: ScanMatcher,
}

impl Node for ScanMatchingNode {
    type Inputs = (Latest<PointCloud2>,);
    type Outputs = (Output<Odometry>,);

    fn step(
        &mut self,
        _: &Step,
        (cloud,): &Self::Inputs,
        (out,): &mut Self::Outputs,
    ) -> Result<(), NodeError> {
        let Some(cloud) = cloud.fresh() else { return Ok(()) };
        self.matcher.step(cloud, out.write()).map_err(NodeError::new)
    }
}
