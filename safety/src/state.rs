//! The gate's states, its reasons, and the one function that leads from state to state.

/// Which envelope bounds the car.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A driver is in charge.
    Supervised,
    /// Nobody is.
    Automated,
}

/// Where the gate is. The drawing is in the crate's documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GateState {
    /// Nothing may be sent.
    Silent,
    /// The controller's commands pass, within the envelope.
    Engaged,
    /// The gate brakes by itself on the nearest obstacle.
    EmergencyBraking,
    /// The car stands after an emergency and is held.
    EmergencyHold,
    /// The gate brakes to a stop because it is in doubt.
    MinimalRiskStop,
    /// The car stands after a minimal-risk stop and is held.
    StandstillHold,
}

impl GateState {
    /// A number for recordings; stable.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Silent => 0,
            Self::Engaged => 1,
            Self::EmergencyBraking => 2,
            Self::EmergencyHold => 3,
            Self::MinimalRiskStop => 4,
            Self::StandstillHold => 5,
        }
    }

    /// The state's name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::Engaged => "engaged",
            Self::EmergencyBraking => "emergency braking",
            Self::EmergencyHold => "emergency hold",
            Self::MinimalRiskStop => "minimal-risk stop",
            Self::StandstillHold => "standstill hold",
        }
    }
}

/// Why the gate changed its state, or would not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The gate was just made.
    StartUp,
    /// A request to engage was granted.
    EngageRequested,
    /// Disengage was requested.
    DisengageRequested,
    /// The driver's hands.
    DriverSteering,
    /// The driver's foot on the brake.
    DriverBrake,
    /// The driver's foot on the gas.
    DriverGas,
    /// Logical time ran backwards.
    ClockWentBack,
    /// No state from the bus for too long.
    VehicleStateStale,
    /// The bus says what cannot be.
    VehicleStateImplausible,
    /// No word from the obstacle channel for too long.
    ObstacleStale,
    /// The obstacle channel says what cannot be.
    ObstacleImplausible,
    /// The controller's heartbeat is missing.
    CommandStale,
    /// The controller asks for what cannot be.
    CommandImplausible,
    /// The car rolls backwards.
    RollingBack,
    /// The stopping distance is no longer free.
    ObstacleInTheWay,
    /// The way is free again.
    ObstacleGone,
    /// The car stands.
    Standstill,
}

impl Reason {
    /// A number for recordings; stable.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::StartUp => 0,
            Self::EngageRequested => 1,
            Self::DisengageRequested => 2,
            Self::DriverSteering => 3,
            Self::DriverBrake => 4,
            Self::DriverGas => 5,
            Self::ClockWentBack => 6,
            Self::VehicleStateStale => 7,
            Self::VehicleStateImplausible => 8,
            Self::ObstacleStale => 9,
            Self::ObstacleImplausible => 10,
            Self::CommandStale => 11,
            Self::CommandImplausible => 12,
            Self::RollingBack => 13,
            Self::ObstacleInTheWay => 14,
            Self::ObstacleGone => 15,
            Self::Standstill => 16,
        }
    }

    /// The reason for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::StartUp => "start-up",
            Self::EngageRequested => "engage requested",
            Self::DisengageRequested => "disengage requested",
            Self::DriverSteering => "driver steers",
            Self::DriverBrake => "driver brakes",
            Self::DriverGas => "driver accelerates",
            Self::ClockWentBack => "clock went back",
            Self::VehicleStateStale => "vehicle state missing",
            Self::VehicleStateImplausible => "vehicle state implausible",
            Self::ObstacleStale => "obstacle channel missing",
            Self::ObstacleImplausible => "obstacle channel implausible",
            Self::CommandStale => "heartbeat missing",
            Self::CommandImplausible => "command implausible",
            Self::RollingBack => "rolling back",
            Self::ObstacleInTheWay => "obstacle in the way",
            Self::ObstacleGone => "obstacle gone",
            Self::Standstill => "standstill",
        }
    }
}

/// All that the transitions depend on, judged from the inputs of one tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Disengage was newly requested.
    pub disengage: bool,
    /// Engaging was newly requested.
    pub engage: Option<Mode>,
    /// The driver takes over, and how.
    pub driver: Option<Reason>,
    /// The first doubt about the inputs.
    pub doubt: Option<Reason>,
    /// The stopping distance is not free.
    pub threat: bool,
    /// What set the emergency brake off is gone, the car moving.
    pub clear: bool,
    /// The car, standing, has room again, and the controller wants to go.
    pub may_go: bool,
    /// The car stands.
    pub standstill: bool,
    /// The emergency began within a minimal-risk stop.
    pub within_stop: bool,
}

impl Facts {
    /// Why a request to engage cannot be granted.
    pub(crate) fn refusal(&self) -> Option<Reason> {
        self.driver.or(self.doubt).or(if self.threat { Some(Reason::ObstacleInTheWay) } else { None })
    }

    fn granted(&self) -> Option<Mode> {
        if self.refusal().is_none() { self.engage } else { None }
    }
}

/// The next state, envelope and reason; `None`: stay.
pub(crate) fn transition(state: GateState, mode: Mode, facts: &Facts) -> Option<(GateState, Mode, Reason)> {
    if state != GateState::Silent {
        if facts.disengage {
            return Some((GateState::Silent, mode, Reason::DisengageRequested));
        }
        // A foot on the brake must not end the harder braking of an emergency.
        let outbraked = state == GateState::EmergencyBraking && facts.driver == Some(Reason::DriverBrake);
        if let Some(driver) = facts.driver
            && !outbraked
        {
            return Some((GateState::Silent, mode, driver));
        }
    }
    match state {
        GateState::Silent | GateState::StandstillHold => engage(facts),
        GateState::Engaged => {
            let switched = facts.granted().filter(|&granted| granted != mode);
            if facts.threat {
                Some((GateState::EmergencyBraking, mode, Reason::ObstacleInTheWay))
            } else if let Some(doubt) = facts.doubt {
                Some((GateState::MinimalRiskStop, mode, doubt))
            } else {
                switched.map(|mode| (GateState::Engaged, mode, Reason::EngageRequested))
            }
        }
        GateState::MinimalRiskStop => {
            if facts.threat {
                Some((GateState::EmergencyBraking, mode, Reason::ObstacleInTheWay))
            } else if facts.standstill {
                Some((GateState::StandstillHold, mode, Reason::Standstill))
            } else {
                engage(facts)
            }
        }
        GateState::EmergencyBraking => {
            let (held, free) = if facts.within_stop {
                (GateState::StandstillHold, GateState::MinimalRiskStop)
            } else {
                (GateState::EmergencyHold, GateState::Engaged)
            };
            if facts.standstill {
                Some((held, mode, Reason::Standstill))
            } else if !facts.clear {
                None
            } else if let Some(doubt) = facts.doubt {
                Some((GateState::MinimalRiskStop, mode, doubt))
            } else {
                Some((free, mode, Reason::ObstacleGone))
            }
        }
        GateState::EmergencyHold => {
            if mode == Mode::Automated && facts.may_go && facts.refusal().is_none() {
                Some((GateState::Engaged, mode, Reason::ObstacleGone))
            } else {
                engage(facts)
            }
        }
    }
}

fn engage(facts: &Facts) -> Option<(GateState, Mode, Reason)> {
    facts.granted().map(|mode| (GateState::Engaged, mode, Reason::EngageRequested))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [GateState; 6] = [
        GateState::Silent,
        GateState::Engaged,
        GateState::EmergencyBraking,
        GateState::EmergencyHold,
        GateState::MinimalRiskStop,
        GateState::StandstillHold,
    ];
    const MODES: [Mode; 2] = [Mode::Supervised, Mode::Automated];

    fn every_fact() -> impl Iterator<Item = Facts> {
        let drivers =
            [None, Some(Reason::DriverSteering), Some(Reason::DriverGas), Some(Reason::DriverBrake)];
        let engages = [None, Some(Mode::Supervised), Some(Mode::Automated)];
        (0..128_u32).flat_map(move |bits| {
            drivers.into_iter().flat_map(move |driver| {
                engages.into_iter().map(move |engage| Facts {
                    disengage: bits & 1 != 0,
                    engage,
                    driver,
                    doubt: (bits & 2 != 0).then_some(Reason::CommandStale),
                    threat: bits & 4 != 0,
                    clear: bits & 8 != 0,
                    may_go: bits & 16 != 0,
                    standstill: bits & 32 != 0,
                    within_stop: bits & 64 != 0,
                })
            })
        })
    }

    /// Walks every state, envelope and combination of facts, and states the drawing as rules of its own.
    #[test]
    fn every_transition_is_in_the_drawing() {
        use GateState::{EmergencyBraking, EmergencyHold, Engaged, MinimalRiskStop, Silent, StandstillHold};
        let mut walked = 0;
        for state in STATES {
            for mode in MODES {
                for facts in every_fact() {
                    walked += 1;
                    let next = transition(state, mode, &facts);
                    let to = next.map_or(state, |next| next.0);
                    let calm = facts.doubt.is_none() && !facts.threat && facts.driver.is_none();
                    let takes_over = facts.disengage
                        || facts
                            .driver
                            .is_some_and(|driver| state != EmergencyBraking || driver != Reason::DriverBrake);

                    // The driver always wins, and nothing else silences.
                    assert_eq!(
                        to == Silent,
                        state == Silent && to == Silent || takes_over && state != Silent
                    );
                    // Nothing is engaged anew with an input in doubt, a threat or the driver at work.
                    if to == Engaged && state != Engaged {
                        let goes_on = state == EmergencyBraking && facts.clear && !facts.within_stop;
                        assert!(calm || goes_on && facts.doubt.is_none());
                        assert!(
                            facts.engage.is_some()
                                || goes_on
                                || state == EmergencyHold && mode == Mode::Automated && facts.may_go
                        );
                    }
                    // Doubt is never passed over.
                    if state == Engaged && facts.doubt.is_some() {
                        assert_ne!(to, Engaged);
                    }
                    // A threat is never passed over while something may be sent and the car is not held.
                    if facts.threat && matches!(state, Engaged | MinimalRiskStop) && !takes_over {
                        assert_eq!(to, EmergencyBraking);
                    }
                    // Braking ends at standstill, by a clear way, or by the driver.
                    if state == EmergencyBraking && to != EmergencyBraking {
                        assert!(facts.standstill || facts.clear || takes_over);
                    }
                    if state == MinimalRiskStop && matches!(to, StandstillHold) {
                        assert!(facts.standstill);
                    }
                    // Holds are left to be silent or engaged only, and reached at standstill only.
                    if matches!(state, EmergencyHold | StandstillHold) {
                        assert!(to == state || matches!(to, Silent | Engaged));
                    }
                    if to != state && matches!(to, EmergencyHold | StandstillHold) {
                        assert!(facts.standstill);
                    }
                    // A change has a reason that fits, and the envelope changes by request only.
                    if let Some((to, to_mode, reason)) = next {
                        assert!(to != state || state == Engaged && to_mode != mode);
                        assert!(
                            to_mode == mode
                                || reason == Reason::EngageRequested && facts.engage == Some(to_mode)
                        );
                        assert_ne!(reason, Reason::StartUp);
                        assert_eq!(to == EmergencyBraking, reason == Reason::ObstacleInTheWay);
                        assert_eq!(to == EmergencyHold || to == StandstillHold, reason == Reason::Standstill);
                    }
                }
            }
        }
        assert_eq!(walked, 6 * 2 * 128 * 4 * 3);
    }

    #[test]
    fn every_state_is_reached_from_silence() {
        let mut reached = [GateState::Silent].to_vec();
        let mut next = 0;
        while let Some(&state) = reached.get(next) {
            next += 1;
            for mode in MODES {
                for facts in every_fact() {
                    if let Some((to, _, _)) = transition(state, mode, &facts)
                        && !reached.contains(&to)
                    {
                        reached.push(to);
                    }
                }
            }
        }
        reached.sort_unstable();
        let mut all = STATES.to_vec();
        all.sort_unstable();
        assert_eq!(reached, all);
    }
}
