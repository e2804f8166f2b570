//! Localization as a node.

use auriga_messages::auriga_msgs::VehicleState;
use auriga_messages::nav_msgs::Odometry;
use auriga_messages::sensor_msgs::{Imu, NavSatFix};
use auriga_perception::localization::Localizer;
use auriga_runtime::{Latest, Node, NodeError, Output, Queue, Step};

/// The ego state from satellites, gyro and wheels.
pub struct LocalizationNode {
    /// The filter.
    pub localizer: Localizer,
}

impl Node for LocalizationNode {
    type Inputs = (Queue<Imu>, Queue<NavSatFix>, Latest<VehicleState>);
    type Outputs = (Output<Odometry>,);

    fn step(
        &mut self,
        step: &Step,
        (imu, fix, wheels): &Self::Inputs,
        (out,): &mut Self::Outputs,
    ) -> Result<(), NodeError> {
        let Some(wheels) = wheels.get() else { return Ok(()) };
        let imu: Vec<&Imu> = imu.iter().collect();
        let status = self
            .localizer
            .step(step.release, &imu, wheels, fix.iter().next_back(), out.write())
            .inspect_err(|_| out.discard())
            .map_err(NodeError::new)?;
        if !status.has_pose() {
            out.discard();
        }
        Ok(())
    }
}
