//! The plan as messages.

use crate::path::Path;
use crate::planner::Planned;
use crate::profile::{Binding, Motion};
use auriga_geometry::{LogicalDuration, LogicalTime, Pose3};
use auriga_map::Map;
use auriga_messages::auriga_msgs::BehaviorDecision;
use auriga_messages::autoware_planning_msgs::{Trajectory, TrajectoryPoint};
use auriga_vehicle::VehicleParameters;

/// Writes the motion along the path as a trajectory, and keeps it for the next step.
pub(crate) fn write_trajectory(
    now: LogicalTime,
    car: &VehicleParameters,
    path: &Path,
    motions: &[Motion],
    trajectory: &mut Trajectory,
    previous: &mut Vec<Planned>,
) {
    trajectory.header.stamp = now.into();
    trajectory.header.frame_id.clear();
    trajectory.header.frame_id.push_str("map");
    trajectory.points.resize(motions.len(), TrajectoryPoint::default());
    previous.clear();
    for (motion, out) in motions.iter().zip(&mut trajectory.points) {
        let at = path.at(motion.s);
        out.time_from_start = LogicalDuration::from_secs_f64(motion.t).into();
        out.pose = (&Pose3::from_pose2(&at.pose, at.z)).into();
        out.longitudinal_velocity_mps = motion.v as f32;
        out.lateral_velocity_mps = 0.0;
        out.acceleration_mps2 = motion.a as f32;
        out.heading_rate_rps = (motion.v * at.curvature) as f32;
        let most = car.max_steering_angle_rad;
        out.front_wheel_angle_rad = car.steering_angle(at.curvature).clamp(-most, most) as f32;
        out.rear_wheel_angle_rad = 0.0;
        previous.push(Planned { t: motion.t, pose: at.pose, v: motion.v, a: motion.a });
    }
}

/// Writes what was decided and because of what.
pub(crate) fn write_decision(
    now: LogicalTime,
    map: &Map,
    binding: Binding,
    progress: (f64, f64),
    motions: &[Motion],
    target_speed: f64,
    decision: &mut BehaviorDecision,
) {
    decision.stamp = now.into();
    decision.rule.clear();
    decision.rule.push_str(binding.rule.name());
    binding.cause.describe(map, &mut decision.because_of);
    let stop = motions.iter().find(|m| m.v <= 0.0 && m.a <= 0.0);
    let start = motions.first().map_or(0.0, |m| m.s);
    decision.stop_distance_m = stop.map_or(f64::INFINITY, |m| m.s - start);
    decision.target_speed_mps = target_speed;
    decision.route_s_m = progress.0;
    decision.route_left_m = progress.1;
}
