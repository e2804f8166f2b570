//! The door: what counts as an input, and what is as if it had not come. The bounds are stated here a second time.

mod rig;

use auriga_safety::*;
use rig::{Rig, TICK_NS};

/// Whether the one spoilt snapshot was turned away, by the counters.
fn refused(spoil: impl Fn(&mut Rig)) -> (u64, u64, u64) {
    let mut rig = Rig::engaged(Mode::Automated);
    spoil(&mut rig);
    let _ = rig.tick();
    let counters = rig.gate.counters();
    (counters.vehicle_states_refused, counters.obstacles_refused, counters.commands_refused)
}

#[test]
fn each_figure_has_its_door() {
    type Set = fn(&mut Rig, f64);
    const STEERING: f64 = 0.6 * 1.5;
    type Field = (&'static str, f64, f64, (u64, u64, u64), Set);
    let fields: [Field; 7] = [
        ("speed", -100.0, 100.0, (1, 0, 0), |rig, v| rig.speed_mps = v),
        ("wheel angle", -STEERING, STEERING, (1, 0, 0), |rig, v| rig.steering_angle_rad = v),
        ("torque", -200.0, 200.0, (1, 0, 0), |rig, v| rig.driver_torque_nm = v),
        ("brake", -0.01, 1.01, (1, 0, 0), |rig, v| rig.driver_brake = v),
        ("gas", -0.01, 1.01, (1, 0, 0), |rig, v| rig.driver_gas = v),
        ("wanted angle", -STEERING, STEERING, (0, 0, 1), |rig, v| rig.wanted_steering_rad = v),
        ("wanted acceleration", -50.0, 50.0, (0, 0, 1), |rig, v| rig.wanted_acceleration_mps2 = v),
    ];
    for (name, least, most, turned_away, set) in fields {
        for good in [least, most, 0.0] {
            assert_eq!(refused(|rig| set(rig, good)), (0, 0, 0), "{name} = {good}");
        }
        for bad in [least - 1e-6, most + 1e-6, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX] {
            assert_eq!(refused(|rig| set(rig, bad)), turned_away, "{name} = {bad}");
        }
    }
}

#[test]
fn of_the_obstacle_only_plus_infinity_means_something() {
    assert_eq!(refused(|rig| rig.distance_m = f64::INFINITY), (0, 0, 0));
    assert_eq!(refused(|rig| rig.distance_m = f64::NAN), (0, 1, 0));
    assert_eq!(refused(|rig| rig.distance_m = f64::NEG_INFINITY), (0, 1, 0));
    assert_eq!(refused(|rig| rig.distance_m = -1.0), (0, 0, 0));
    for closing in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut rig = Rig::engaged(Mode::Automated);
        rig.closing_speed_mps = Some(closing);
        rig.distance_m = 9.7;
        assert_eq!(rig.tick().record().state, GateState::EmergencyBraking, "counts as standing");
    }
}

#[test]
fn a_snapshot_shown_again_is_neither_refused_nor_a_sign_of_life() {
    let mut rig = Rig::engaged(Mode::Automated);
    rig.command_lives = false;
    let record = rig.ticks(11);
    assert_eq!(record.reason, Reason::CommandStale);
    assert_eq!(rig.gate.counters().commands_refused, 0);
}

#[test]
fn a_snapshot_of_this_very_instant_is_accepted_and_one_of_the_next_is_not() {
    for (ahead_ns, count) in [(0, 0), (1, 1)] {
        let mut rig = Rig::engaged(Mode::Automated);
        rig.now_ns += TICK_NS;
        let mut inputs = rig.inputs();
        inputs.command = Some(Command {
            stamp_ns: rig.now_ns + ahead_ns,
            steering_angle_rad: 0.0,
            acceleration_mps2: 0.0,
        });
        let _ = rig.gate.step(rig.now_ns, &inputs);
        assert_eq!(rig.gate.counters().commands_refused, count);
    }
}

#[test]
fn counters_count_what_happened() {
    let mut rig = Rig::new();
    rig.ticks(3);
    assert_eq!(*rig.gate.counters(), Counters { ticks: 3, ..Counters::default() });
    rig.driver_gas = 0.5;
    rig.press(Mode::Automated);
    rig.ticks(2);
    let mut expected = Counters { ticks: 5, engagements_refused: 2, ..Counters::default() };
    assert_eq!(*rig.gate.counters(), expected);

    rig.driver_gas = 0.0;
    rig.ticks(2);
    (expected.ticks, expected.active_ticks, expected.transitions) = (7, 2, 1);
    assert_eq!(*rig.gate.counters(), expected);

    rig.wanted_acceleration_mps2 = 0.35;
    rig.ticks(4); // 0.1 more each tick: three times cut.
    (expected.ticks, expected.active_ticks, expected.acceleration_limited) = (11, 6, 3);
    assert_eq!(*rig.gate.counters(), expected);

    rig.wanted_steering_rad = 0.01; // 0.0056 a tick at 10 m/s: once cut.
    rig.ticks(2);
    (expected.ticks, expected.active_ticks, expected.steering_limited) = (13, 8, 1);
    assert_eq!(*rig.gate.counters(), expected);

    rig.distance_m = 9.0;
    rig.ticks(1);
    (expected.ticks, expected.active_ticks, expected.transitions, expected.emergencies) = (14, 9, 2, 1);
    assert_eq!(*rig.gate.counters(), expected);

    rig.driver_torque_nm = 5.0;
    rig.ticks(1);
    (expected.ticks, expected.transitions, expected.silenced) = (15, 3, 1);
    assert_eq!(*rig.gate.counters(), expected);
}

#[test]
fn one_stop_counts_once_whatever_comes_between() {
    let mut rig = Rig::engaged(Mode::Automated);
    rig.command_lives = false;
    rig.ticks(11);
    assert_eq!(rig.gate.counters().minimal_risk_stops, 1);
    rig.command_lives = true;
    rig.distance_m = 9.0;
    rig.ticks(1);
    rig.distance_m = f64::INFINITY;
    assert_eq!(rig.ticks(51).state, GateState::MinimalRiskStop);
    let counters = rig.gate.counters();
    assert_eq!((counters.minimal_risk_stops, counters.emergencies, counters.transitions), (1, 1, 4));
    let inputs = rig.inputs();
    let _ = rig.gate.step(rig.now_ns - 1, &inputs);
    assert_eq!(rig.gate.counters().clock_went_back, 1);
}
