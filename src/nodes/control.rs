//! Control as a node.

use auriga_control::Controller;
use auriga_messages::auriga_msgs::VehicleState;
use auriga_messages::autoware_control_msgs::Control;
use auriga_messages::autoware_planning_msgs::Trajectory;
use auriga_messages::nav_msgs::Odometry;
use auriga_runtime::{Latest, Node, NodeError, Output, Step};

/// Tracks the trajectory.
pub struct ControlNode {
    /// The controller.
    pub controller: Controller,
}

impl Node for ControlNode {
    type Inputs = (Latest<Trajectory>, Latest<Odometry>, Latest<VehicleState>);
    type Outputs = (Output<Control>,);

    fn step(
        &mut self,
        step: &Step,
        (trajectory, ego, vehicle): &Self::Inputs,
        (command,): &mut Self::Outputs,
    ) -> Result<(), NodeError> {
        // On bad input the command is a controlled stop, and the next step may be better: the command goes out.
        let result =
            self.controller.step(step.release, trajectory.get(), ego.get(), vehicle.get(), command.write());
        if let Err(error) = result {
            tracing::warn!("controller at {}: {error}", step.release);
        }
        Ok(())
    }
}
