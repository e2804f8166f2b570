//! The gate's states, its reasons, and the one function that leads from state to state.

/// Which envelope bounds the car.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A driver is in charge.
    Supervised,
    /// Nobody is.
    Automated,
}

impl Mode {
    /// The envelope's name, as the vehicle profile has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Supervised => "supervised",
            Self::Automated => "automated",
        }
    }
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
#[path = "state/tests.rs"]
mod tests;
