//! Control as a node.

use auriga_control::{Controller, LateralReport, Status};
use auriga_messages::auriga_msgs::VehicleState;
use auriga_messages::autoware_control_msgs::Control;
use auriga_messages::autoware_planning_msgs::Trajectory;
use auriga_messages::nav_msgs::Odometry;
use auriga_runtime::{Latest, Node, NodeError, Output, Step};

/// Tracks the trajectory.
pub struct ControlNode {
    /// The controller.
    pub controller: Controller,
    /// Whether the feedback law steered at the last step because predictive control failed.
    pub falls_back: bool,
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
        if let Err(error) = &result {
            tracing::warn!("controller at {}: {error}", step.release);
        }
        let falls_back = matches!(result, Ok(Status::TrackingByFallBack));
        if falls_back != self.falls_back {
            match self.controller.lateral_report() {
                LateralReport::FallBack(error) => tracing::warn!("steering at {}: {error}", step.release),
                _ => tracing::warn!("steering at {}: predictive again", step.release),
            }
        }
        self.falls_back = falls_back;
        Ok(())
    }
}
