//! Walks every state, envelope and combination of facts.

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
    let drivers = [None, Some(Reason::DriverSteering), Some(Reason::DriverGas), Some(Reason::DriverBrake)];
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
                assert_eq!(to == Silent, state == Silent && to == Silent || takes_over && state != Silent);
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
                        to_mode == mode || reason == Reason::EngageRequested && facts.engage == Some(to_mode)
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

/// The arrows of the drawing: from, to, why. (`CommandStale` stands for every doubt.)
const ARROWS: [(GateState, GateState, Reason); 31] = {
    use GateState::{EmergencyBraking, EmergencyHold, Engaged, MinimalRiskStop, Silent, StandstillHold};
    use Reason::{
        CommandStale, DisengageRequested, DriverBrake, DriverGas, DriverSteering, EngageRequested,
        ObstacleGone, ObstacleInTheWay, Standstill,
    };
    [
        (Silent, Engaged, EngageRequested),
        (Engaged, Silent, DisengageRequested),
        (Engaged, Silent, DriverSteering),
        (Engaged, Silent, DriverBrake),
        (Engaged, Silent, DriverGas),
        (Engaged, Engaged, EngageRequested),
        (Engaged, EmergencyBraking, ObstacleInTheWay),
        (Engaged, MinimalRiskStop, CommandStale),
        (EmergencyBraking, Silent, DisengageRequested),
        (EmergencyBraking, Silent, DriverSteering),
        (EmergencyBraking, Silent, DriverGas),
        (EmergencyBraking, Engaged, ObstacleGone),
        (EmergencyBraking, EmergencyHold, Standstill),
        (EmergencyBraking, MinimalRiskStop, CommandStale),
        (EmergencyBraking, MinimalRiskStop, ObstacleGone),
        (EmergencyBraking, StandstillHold, Standstill),
        (EmergencyHold, Silent, DisengageRequested),
        (EmergencyHold, Silent, DriverSteering),
        (EmergencyHold, Silent, DriverBrake),
        (EmergencyHold, Silent, DriverGas),
        (EmergencyHold, Engaged, EngageRequested),
        (EmergencyHold, Engaged, ObstacleGone),
        (MinimalRiskStop, Silent, DisengageRequested),
        (MinimalRiskStop, Silent, DriverSteering),
        (MinimalRiskStop, Silent, DriverBrake),
        (MinimalRiskStop, Silent, DriverGas),
        (MinimalRiskStop, Engaged, EngageRequested),
        (MinimalRiskStop, EmergencyBraking, ObstacleInTheWay),
        (MinimalRiskStop, StandstillHold, Standstill),
        (StandstillHold, Silent, DisengageRequested),
        (StandstillHold, Engaged, EngageRequested),
    ]
};

#[test]
fn the_arrows_are_those_of_the_drawing() {
    use std::collections::BTreeSet;
    let mut drawn: BTreeSet<_> = ARROWS.into_iter().collect();
    for driver in [Reason::DriverSteering, Reason::DriverBrake, Reason::DriverGas] {
        drawn.insert((GateState::StandstillHold, GateState::Silent, driver));
    }
    let mut walked = BTreeSet::new();
    for state in STATES {
        for mode in MODES {
            for facts in every_fact() {
                if let Some((to, _, reason)) = transition(state, mode, &facts) {
                    walked.insert((state, to, reason));
                }
            }
        }
    }
    assert_eq!(walked, drawn);
}

#[test]
fn the_names_of_what_stands_in_the_way_of_engaging_come_in_order() {
    let calm = Facts {
        disengage: false,
        engage: Some(Mode::Automated),
        driver: None,
        doubt: None,
        threat: false,
        clear: false,
        may_go: false,
        standstill: false,
        within_stop: false,
    };
    let threat = Facts { threat: true, ..calm };
    let doubt = Facts { doubt: Some(Reason::ObstacleStale), ..threat };
    let driver = Facts { driver: Some(Reason::DriverGas), ..doubt };
    assert_eq!(calm.refusal(), None);
    assert_eq!(threat.refusal(), Some(Reason::ObstacleInTheWay));
    assert_eq!(doubt.refusal(), Some(Reason::ObstacleStale));
    assert_eq!(driver.refusal(), Some(Reason::DriverGas));
}
