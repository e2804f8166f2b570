//! The actuation sink: asks the gate every tick, and hands what it lets through to the vehicle.

use auriga_geometry::LogicalTime;
use auriga_hal::Vehicle;
use auriga_messages::auriga_msgs::{Engage, GateCounters, NearestObstacle, SafeCommandRecord, VehicleState};
use auriga_messages::autoware_control_msgs::Control;
use auriga_runtime::{Latest, Node, NodeError, Output, Step};
use auriga_safety as safety;

/// The gate and the vehicle behind it. On replay there is no vehicle: its record is compared instead.
pub struct GateNode {
    /// The last check.
    pub gate: safety::Gate,
    /// The platform's actuating half.
    pub vehicle: Option<Box<dyn Vehicle>>,
}

type Inputs = (Latest<VehicleState>, Latest<NearestObstacle>, Latest<Engage>, Latest<Control>);

fn inputs((vehicle, obstacle, engage, command): &Inputs) -> safety::GateInputs {
    let nanos = |stamp| LogicalTime::from(stamp).as_nanos();
    safety::GateInputs {
        vehicle: vehicle.get().map(|state| safety::VehicleState {
            stamp_ns: nanos(&state.stamp),
            speed_mps: state.speed_mps,
            steering_angle_rad: state.steering_angle_rad,
            driver_torque_nm: state.driver_torque_nm,
            driver_brake: state.driver_brake,
            driver_gas: state.driver_gas,
        }),
        obstacle: obstacle.get().map(|nearest| safety::NearestObstacle {
            stamp_ns: nanos(&nearest.stamp),
            distance_m: nearest.distance_m,
            closing_speed_mps: Some(nearest.closing_speed_mps).filter(|closing| closing.is_finite()),
        }),
        engage: engage.get().map(|engage| safety::EngageRequest {
            stamp_ns: nanos(&engage.since),
            request: match engage.request {
                Engage::SUPERVISED => safety::Engage::Supervised,
                Engage::AUTOMATED => safety::Engage::Automated,
                _ => safety::Engage::Disengage,
            },
        }),
        command: command.get().map(|control| safety::Command {
            stamp_ns: nanos(&control.stamp),
            steering_angle_rad: f64::from(control.lateral.steering_tire_angle),
            acceleration_mps2: f64::from(control.longitudinal.acceleration),
        }),
    }
}

fn counters(counted: &safety::Counters) -> GateCounters {
    GateCounters {
        ticks: counted.ticks,
        active_ticks: counted.active_ticks,
        transitions: counted.transitions,
        steering_limited: counted.steering_limited,
        acceleration_limited: counted.acceleration_limited,
        vehicle_states_refused: counted.vehicle_states_refused,
        obstacles_refused: counted.obstacles_refused,
        commands_refused: counted.commands_refused,
        engagements_refused: counted.engagements_refused,
        clock_went_back: counted.clock_went_back,
        silenced: counted.silenced,
        emergencies: counted.emergencies,
        minimal_risk_stops: counted.minimal_risk_stops,
    }
}

impl Node for GateNode {
    type Inputs = Inputs;
    type Outputs = (Output<SafeCommandRecord>,);

    fn step(&mut self, step: &Step, latest: &Inputs, (out,): &mut Self::Outputs) -> Result<(), NodeError> {
        let command = self.gate.step(step.release.as_nanos(), &inputs(latest));
        let decided = command.record();
        let record = out.write();
        record.stamp = step.release.into();
        record.effective_at = step.publication.into();
        record.active = decided.active;
        record.steering_angle_rad = decided.steering_angle_rad;
        record.acceleration_mps2 = decided.acceleration_mps2;
        record.state = decided.state.code();
        record.state_name.push_str(decided.state.name());
        record.reason = decided.reason.code();
        record.reason_name.push_str(decided.reason.name());
        record.hold = decided.hold;
        record.changed = decided.changed;
        record.envelope.push_str(decided.mode.map_or("", safety::Mode::name));
        record.refused.push_str(decided.refused.map_or("", safety::Reason::name));
        record.steering_limited = decided.steering_limited;
        record.acceleration_limited = decided.acceleration_limited;
        record.counters = counters(self.gate.counters());
        match &mut self.vehicle {
            Some(vehicle) => vehicle.actuate(command, step.publication).map_err(NodeError::new),
            None => Ok(()),
        }
    }
}
