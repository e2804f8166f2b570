//! What goes in and comes out each tick, with C's layout.

use auriga_safety::{
    Command, Counters, Engage, EngageRequest, GateInputs, Mode, NearestObstacle, SafeCommandRecord,
    VehicleState,
};

/// The latest snapshot of each input; a group counts only when its `has_` is not 0. See [`GateInputs`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "named after the fields of GateInputs")]
pub struct AurigaGateInputs {
    pub has_vehicle: u8,
    pub has_obstacle: u8,
    /// The obstacle's closing speed is known.
    pub has_closing_speed: u8,
    pub has_engage: u8,
    pub has_command: u8,
    /// 1: supervised, 2: automated; anything else: disengage.
    pub engage: u8,
    pub vehicle_stamp_ns: i64,
    pub speed_mps: f64,
    pub steering_angle_rad: f64,
    pub driver_torque_nm: f64,
    pub driver_brake: f64,
    pub driver_gas: f64,
    pub obstacle_stamp_ns: i64,
    pub obstacle_distance_m: f64,
    pub obstacle_closing_speed_mps: f64,
    pub engage_stamp_ns: i64,
    pub command_stamp_ns: i64,
    pub wanted_steering_angle_rad: f64,
    pub wanted_acceleration_mps2: f64,
}

impl AurigaGateInputs {
    pub(crate) fn parse(&self) -> GateInputs {
        GateInputs {
            vehicle: (self.has_vehicle != 0).then_some(VehicleState {
                stamp_ns: self.vehicle_stamp_ns,
                speed_mps: self.speed_mps,
                steering_angle_rad: self.steering_angle_rad,
                driver_torque_nm: self.driver_torque_nm,
                driver_brake: self.driver_brake,
                driver_gas: self.driver_gas,
            }),
            obstacle: (self.has_obstacle != 0).then_some(NearestObstacle {
                stamp_ns: self.obstacle_stamp_ns,
                distance_m: self.obstacle_distance_m,
                closing_speed_mps: (self.has_closing_speed != 0).then_some(self.obstacle_closing_speed_mps),
            }),
            engage: (self.has_engage != 0).then_some(EngageRequest {
                stamp_ns: self.engage_stamp_ns,
                request: match self.engage {
                    1 => Engage::Supervised,
                    2 => Engage::Automated,
                    _ => Engage::Disengage,
                },
            }),
            command: (self.has_command != 0).then_some(Command {
                stamp_ns: self.command_stamp_ns,
                steering_angle_rad: self.wanted_steering_angle_rad,
                acceleration_mps2: self.wanted_acceleration_mps2,
            }),
        }
    }
}

/// The one command that may be sent. See [`SafeCommandRecord`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "named after the fields of SafeCommandRecord")]
pub struct AurigaSafeCommand {
    pub stamp_ns: i64,
    pub steering_angle_rad: f64,
    pub acceleration_mps2: f64,
    /// 0: nothing may be sent.
    pub active: u8,
    pub hold: u8,
    pub state: u8,
    pub reason: u8,
    pub changed: u8,
    /// 0: silent, 1: supervised, 2: automated.
    pub mode: u8,
    /// 255: no request waits in vain; else the reason why it does.
    pub refused: u8,
    pub steering_limited: u8,
    pub acceleration_limited: u8,
}

impl From<SafeCommandRecord> for AurigaSafeCommand {
    fn from(record: SafeCommandRecord) -> Self {
        Self {
            stamp_ns: record.stamp_ns,
            steering_angle_rad: record.steering_angle_rad,
            acceleration_mps2: record.acceleration_mps2,
            active: u8::from(record.active),
            hold: u8::from(record.hold),
            state: record.state.code(),
            reason: record.reason.code(),
            changed: u8::from(record.changed),
            mode: match record.mode {
                None => 0,
                Some(Mode::Supervised) => 1,
                Some(Mode::Automated) => 2,
            },
            refused: record.refused.map_or(u8::MAX, |reason| reason.code()),
            steering_limited: u8::from(record.steering_limited),
            acceleration_limited: u8::from(record.acceleration_limited),
        }
    }
}

/// See [`Counters`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "named after the fields of Counters")]
pub struct AurigaCounters {
    pub ticks: u64,
    pub active_ticks: u64,
    pub transitions: u64,
    pub steering_limited: u64,
    pub acceleration_limited: u64,
    pub vehicle_states_refused: u64,
    pub obstacles_refused: u64,
    pub commands_refused: u64,
    pub engagements_refused: u64,
    pub clock_went_back: u64,
    pub silenced: u64,
    pub emergencies: u64,
    pub minimal_risk_stops: u64,
}

impl From<Counters> for AurigaCounters {
    fn from(counters: Counters) -> Self {
        Self {
            ticks: counters.ticks,
            active_ticks: counters.active_ticks,
            transitions: counters.transitions,
            steering_limited: counters.steering_limited,
            acceleration_limited: counters.acceleration_limited,
            vehicle_states_refused: counters.vehicle_states_refused,
            obstacles_refused: counters.obstacles_refused,
            commands_refused: counters.commands_refused,
            engagements_refused: counters.engagements_refused,
            clock_went_back: counters.clock_went_back,
            silenced: counters.silenced,
            emergencies: counters.emergencies,
            minimal_risk_stops: counters.minimal_risk_stops,
        }
    }
}
