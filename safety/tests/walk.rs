//! Walks the gate itself, from silence, through every sequence of four situations: only the drawing's arrows are taken, and
//! every one of them is. The drawing is stated here a second time.

mod rig;

use auriga_safety::GateState::{
    EmergencyBraking, EmergencyHold, Engaged, MinimalRiskStop, Silent, StandstillHold,
};
use auriga_safety::*;
use rig::Rig;
use std::collections::BTreeSet;

/// Each brings about one situation and gives it the time that it needs.
const SITUATIONS: [fn(&mut Rig, &mut Arrows); 13] = [
    |rig, arrows| drive(rig, arrows, 1),
    |rig, arrows| pulse(rig, arrows, |rig, on| rig.driver_brake = on),
    |rig, arrows| pulse(rig, arrows, |rig, on| rig.driver_gas = on),
    |rig, arrows| pulse(rig, arrows, |rig, on| rig.driver_torque_nm = 5.0 * on),
    |rig, arrows| {
        rig.press(Mode::Automated);
        drive(rig, arrows, 1);
    },
    |rig, arrows| {
        rig.press(Mode::Supervised);
        drive(rig, arrows, 1);
    },
    |rig, arrows| {
        rig.press_disengage();
        drive(rig, arrows, 1);
    },
    |rig, arrows| {
        rig.command_lives = false;
        drive(rig, arrows, 11);
        rig.command_lives = true;
        drive(rig, arrows, 1);
    },
    |rig, arrows| {
        rig.distance_m = 1.0;
        drive(rig, arrows, 1);
    },
    |rig, arrows| {
        rig.distance_m = f64::INFINITY;
        drive(rig, arrows, 51);
    },
    |rig, arrows| {
        rig.distance_m = f64::INFINITY;
        rig.command_lives = false;
        drive(rig, arrows, 51);
        rig.command_lives = true;
    },
    |rig, arrows| {
        rig.speed_mps = 0.0;
        drive(rig, arrows, 1);
    },
    |rig, arrows| {
        rig.speed_mps = 10.0;
        drive(rig, arrows, 1);
    },
];

type Arrows = BTreeSet<(GateState, GateState, &'static str)>;

fn drive(rig: &mut Rig, arrows: &mut Arrows, ticks: usize) {
    for _ in 0..ticks {
        let from = rig.gate.state();
        let record = rig.tick().record();
        assert_eq!(record.changed, record.state != from || record.mode_was_switched(from));
        if record.changed {
            let why = match record.reason {
                Reason::DriverBrake => "brake",
                Reason::DriverGas | Reason::DriverSteering => "hands or gas",
                Reason::DisengageRequested => "disengage",
                Reason::EngageRequested => "engage",
                Reason::CommandStale => "doubt",
                Reason::ObstacleInTheWay => "threat",
                Reason::ObstacleGone => "gone",
                Reason::Standstill => "standstill",
                other => panic!("nobody brought {other:?} about"),
            };
            arrows.insert((from, record.state, why));
        }
    }
}

trait Switched {
    fn mode_was_switched(&self, from: GateState) -> bool;
}

impl Switched for SafeCommandRecord {
    fn mode_was_switched(&self, from: GateState) -> bool {
        from == Engaged && self.state == Engaged && self.changed && self.reason == Reason::EngageRequested
    }
}

fn pulse(rig: &mut Rig, arrows: &mut Arrows, set: fn(&mut Rig, f64)) {
    set(rig, 1.0);
    drive(rig, arrows, 1);
    set(rig, 0.0);
    drive(rig, arrows, 1);
}

#[test]
fn every_walk_of_four_situations_keeps_to_the_drawing_and_takes_all_of_it() {
    let mut drawn = Arrows::from([
        (Silent, Engaged, "engage"),
        (Engaged, Engaged, "engage"),
        (Engaged, EmergencyBraking, "threat"),
        (Engaged, MinimalRiskStop, "doubt"),
        (EmergencyBraking, Engaged, "gone"),
        (EmergencyBraking, EmergencyHold, "standstill"),
        (EmergencyBraking, MinimalRiskStop, "doubt"),
        (EmergencyBraking, MinimalRiskStop, "gone"),
        (EmergencyBraking, StandstillHold, "standstill"),
        (EmergencyHold, Engaged, "engage"),
        (EmergencyHold, Engaged, "gone"),
        (MinimalRiskStop, Engaged, "engage"),
        (MinimalRiskStop, EmergencyBraking, "threat"),
        (MinimalRiskStop, StandstillHold, "standstill"),
        (StandstillHold, Engaged, "engage"),
    ]);
    for state in [Engaged, EmergencyBraking, EmergencyHold, MinimalRiskStop, StandstillHold] {
        drawn.insert((state, Silent, "hands or gas"));
        drawn.insert((state, Silent, "disengage"));
        if state != EmergencyBraking {
            drawn.insert((state, Silent, "brake"));
        }
    }

    let mut walked = Arrows::new();
    let count = SITUATIONS.len();
    for walk in 0..count * count * count * count {
        let mut rig = Rig::new();
        rig.wanted_acceleration_mps2 = 0.5;
        rig.press(Mode::Automated);
        drive(&mut rig, &mut walked, 1);
        let mut rest = walk;
        for _ in 0..4 {
            SITUATIONS[rest % count](&mut rig, &mut walked);
            rest /= count;
        }
    }
    assert_eq!(walked, drawn);
}
