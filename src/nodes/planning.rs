//! Prediction and planning as nodes.

use auriga_map::Map;
use auriga_messages::auriga_msgs::BehaviorDecision;
use auriga_messages::autoware_perception_msgs::{PredictedObjects, TrafficLightGroupArray};
use auriga_messages::autoware_planning_msgs::Trajectory;
use auriga_messages::nav_msgs::Odometry;
use auriga_planning::Planner;
use auriga_runtime::{Latest, Node, NodeError, Output, Step};
use std::sync::Arc;

/// Route, behavior and trajectory.
pub struct PlannerNode {
    /// The planner, on its route.
    pub planner: Planner,
    /// The lanes.
    pub map: Arc<Map>,
}

impl Node for PlannerNode {
    type Inputs = (Latest<Odometry>, Latest<PredictedObjects>, Latest<TrafficLightGroupArray>);
    type Outputs = (Output<Trajectory>, Output<BehaviorDecision>);

    fn step(
        &mut self,
        step: &Step,
        (ego, objects, lights): &Self::Inputs,
        (trajectory, decision): &mut Self::Outputs,
    ) -> Result<(), NodeError> {
        let Some(ego) = ego.get() else { return Ok(()) }; // not localised yet
        let (trajectory, decision) = (trajectory.write(), decision.write());
        self.planner
            .step(step.release, ego, objects.get(), lights.get(), &self.map, trajectory, decision)
            .map_err(NodeError::new)
    }
}
