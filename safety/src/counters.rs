//! What the gate counts: how often it cut, refused and intervened since it was made.

use crate::input::Admission;
use crate::state::{GateState, Reason};

/// Counts since the gate was made. They saturate, and decide nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Calls of [`Gate::step`](crate::Gate::step).
    pub ticks: u64,
    /// Ticks in which something could be sent.
    pub active_ticks: u64,
    /// Transitions, the change of the envelope included.
    pub transitions: u64,
    /// Ticks in which the wanted steering was cut.
    pub steering_limited: u64,
    /// Ticks in which the wanted acceleration was cut.
    pub acceleration_limited: u64,
    /// Snapshots of the vehicle's state turned away at the door.
    pub vehicle_states_refused: u64,
    /// Snapshots of the obstacle channel turned away at the door.
    pub obstacles_refused: u64,
    /// Commands turned away at the door.
    pub commands_refused: u64,
    /// Ticks in which a request to engage waited in vain.
    pub engagements_refused: u64,
    /// Times that logical time ran backwards.
    pub clock_went_back: u64,
    /// Times that the driver, or a request, silenced an engaged gate.
    pub silenced: u64,
    /// Emergency brakings begun.
    pub emergencies: u64,
    /// Minimal-risk stops begun out of doubt.
    pub minimal_risk_stops: u64,
}

/// What happened in one tick, as far as it is counted.
pub(crate) struct Tick {
    pub clock_went_back: bool,
    pub vehicle: Admission,
    pub obstacle: Admission,
    pub command: Admission,
    pub entered: Option<(GateState, Reason)>,
    pub refused: bool,
    pub active: bool,
    pub steering_limited: bool,
    pub acceleration_limited: bool,
}

impl Counters {
    pub(crate) fn count(&mut self, tick: &Tick) {
        add(&mut self.ticks, true);
        add(&mut self.active_ticks, tick.active);
        add(&mut self.transitions, tick.entered.is_some());
        add(&mut self.steering_limited, tick.steering_limited);
        add(&mut self.acceleration_limited, tick.acceleration_limited);
        add(&mut self.vehicle_states_refused, tick.vehicle == Admission::Refused);
        add(&mut self.obstacles_refused, tick.obstacle == Admission::Refused);
        add(&mut self.commands_refused, tick.command == Admission::Refused);
        add(&mut self.engagements_refused, tick.refused);
        add(&mut self.clock_went_back, tick.clock_went_back);
        let Some((state, reason)) = tick.entered else { return };
        add(&mut self.silenced, state == GateState::Silent);
        add(&mut self.emergencies, state == GateState::EmergencyBraking);
        // Back in the stop after an emergency within it is not another stop.
        let begun = state == GateState::MinimalRiskStop && reason != Reason::ObstacleGone;
        add(&mut self.minimal_risk_stops, begun);
    }
}

fn add(counter: &mut u64, happened: bool) {
    *counter = counter.saturating_add(u64::from(happened));
}
