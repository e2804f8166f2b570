//! Control as a node.

use auriga_control::{ControlError, Controller, LateralReport, Status};
use auriga_messages::auriga_msgs::{ControlStatus, VehicleState};
use auriga_messages::autoware_control_msgs::Control;
use auriga_messages::autoware_planning_msgs::Trajectory;
use auriga_messages::nav_msgs::Odometry;
use auriga_runtime::{Latest, Node, NodeError, Output, Step};
use std::fmt::Write;

/// Tracks the trajectory.
pub struct ControlNode {
    /// The controller.
    pub controller: Controller,
    /// Whether the feedback law steered at the last step because predictive control failed.
    pub falls_back: bool,
}

impl ControlNode {
    fn tell(&mut self, step: &Step, result: &Result<Status, ControlError>, status: &mut ControlStatus) {
        status.stamp = step.release.into();
        status.state = match result {
            Ok(Status::Tracking) => ControlStatus::TRACKING,
            Ok(Status::Holding) => ControlStatus::HOLDING,
            Ok(Status::NoTrajectory) => ControlStatus::NO_TRAJECTORY,
            Ok(Status::StaleTrajectory) => ControlStatus::STALE_TRAJECTORY,
            Ok(Status::NoEgo) => ControlStatus::NO_EGO,
            Err(_) => ControlStatus::BAD_INPUT,
        };
        let error = self.controller.path_error();
        status.lateral_error_m = error.map_or(f64::NAN, |error| error.lateral);
        status.heading_error_rad = error.map_or(f64::NAN, |error| error.heading);
        status.problem.clear();
        if let Err(error) = result {
            tracing::warn!("controller at {}: {error}", step.release);
            let _ = write!(status.problem, "{error}");
        }
        let report = self.controller.lateral_report();
        status.steering = match report {
            LateralReport::Held => ControlStatus::WHEELS_HELD,
            LateralReport::Predictive(solved) => {
                status.solver_iterations = u32::try_from(solved.iterations).unwrap_or(u32::MAX);
                status.solver_residual = solved.residual;
                ControlStatus::PREDICTIVE
            }
            LateralReport::Feedback => ControlStatus::FEEDBACK,
            LateralReport::FallBack(error) => {
                let _ = write!(status.problem, "{error}");
                if !self.falls_back {
                    tracing::warn!("steering at {}: {error}", step.release);
                }
                ControlStatus::FALL_BACK
            }
        };
        if self.falls_back && matches!(report, LateralReport::Predictive(_)) {
            tracing::warn!("steering at {}: predictive again", step.release);
        }
        self.falls_back = status.steering == ControlStatus::FALL_BACK;
    }
}

impl Node for ControlNode {
    type Inputs = (Latest<Trajectory>, Latest<Odometry>, Latest<VehicleState>);
    type Outputs = (Output<Control>, Output<ControlStatus>);

    fn step(
        &mut self,
        step: &Step,
        (trajectory, ego, vehicle): &Self::Inputs,
        (command, status): &mut Self::Outputs,
    ) -> Result<(), NodeError> {
        // On bad input the command is a controlled stop, and the next step may be better: the command goes out.
        let result =
            self.controller.step(step.release, trajectory.get(), ego.get(), vehicle.get(), command.write());
        self.tell(step, &result, status.write());
        Ok(())
    }
}
