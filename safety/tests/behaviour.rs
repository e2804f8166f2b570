//! What the gate does, situation by situation.

mod rig;

use auriga_safety::*;
use rig::{MS, Rig, TICK_NS, vehicle};

type Spoil = fn(&mut Rig);

const BOTH: [Mode; 2] = [Mode::Supervised, Mode::Automated];

#[test]
fn it_is_silent_until_engaged() {
    let mut rig = Rig::new();
    rig.wanted_acceleration_mps2 = 2.0;
    for _ in 0..100 {
        let command = rig.tick();
        assert!(!command.active() && !command.hold());
        assert_eq!((command.steering_angle_rad(), command.acceleration_mps2()), (0.0, 0.0));
        assert_eq!(command.record().mode, None);
    }
}

#[test]
fn it_passes_what_is_within_the_envelope() {
    for mode in BOTH {
        let mut rig = Rig::engaged(mode);
        rig.wanted_acceleration_mps2 = 0.8;
        rig.wanted_steering_rad = 0.05;
        let record = rig.ticks(100);
        assert_eq!(record.state, GateState::Engaged);
        assert_eq!((record.steering_angle_rad, record.acceleration_mps2), (0.05, 0.8));
        assert!(!record.steering_limited && !record.acceleration_limited);
        assert_eq!(record.mode, Some(mode));
    }
}

#[test]
fn steering_starts_from_what_the_wheels_do() {
    let mut rig = Rig::new();
    rig.speed_mps = 5.0;
    rig.steering_angle_rad = 0.2;
    rig.wanted_steering_rad = -0.2;
    rig.press(Mode::Automated);
    let record = rig.tick().record();
    assert!((record.steering_angle_rad - 0.2).abs() <= 0.8 * 0.01 + 1e-12);
}

#[test]
fn each_silent_input_leads_to_a_minimal_risk_stop_in_time() {
    let timeouts = Timeouts::default();
    let cases: [(Spoil, i64, Reason); 3] = [
        (|rig| rig.vehicle_lives = false, timeouts.vehicle_state_ns, Reason::VehicleStateStale),
        (|rig| rig.obstacle_lives = false, timeouts.obstacle_ns, Reason::ObstacleStale),
        (|rig| rig.command_lives = false, timeouts.command_ns, Reason::CommandStale),
    ];
    for mode in BOTH {
        for (silence, timeout_ns, reason) in cases {
            let mut rig = Rig::engaged(mode);
            rig.wanted_steering_rad = 0.02;
            let before = rig.ticks(50);
            silence(&mut rig);
            for _ in 0..timeout_ns / TICK_NS {
                assert_eq!(rig.tick().record().state, GateState::Engaged);
            }
            let record = rig.tick().record();
            assert_eq!(
                (record.state, record.reason, record.changed),
                (GateState::MinimalRiskStop, reason, true)
            );
            assert_eq!(record.acceleration_mps2, if mode == Mode::Supervised { -2.5 } else { -4.0 });
            assert_eq!(record.steering_angle_rad, before.steering_angle_rad);
        }
    }
}

#[test]
fn a_minimal_risk_stop_holds_until_somebody_takes_over() {
    for mode in BOTH {
        let mut rig = Rig::engaged(mode);
        rig.command_lives = false;
        rig.ticks(11);
        rig.command_lives = true;
        assert_eq!(rig.ticks(10).state, GateState::MinimalRiskStop, "a stop that has begun is finished");
        rig.speed_mps = 0.0;
        let record = rig.tick().record();
        assert_eq!((record.state, record.reason), (GateState::StandstillHold, Reason::Standstill));
        assert!(record.hold && record.active && record.acceleration_mps2 < 0.0);
        assert_eq!(rig.ticks(500).state, GateState::StandstillHold);
        rig.driver_brake = 0.3;
        let record = rig.tick().record();
        assert_eq!(
            (record.state, record.reason, record.active),
            (GateState::Silent, Reason::DriverBrake, false)
        );
    }
}

#[test]
fn a_new_request_engages_again_and_an_old_one_does_not() {
    let mut rig = Rig::engaged(Mode::Automated);
    rig.command_lives = false;
    rig.ticks(11);
    rig.command_lives = true;
    rig.speed_mps = 0.0;
    rig.ticks(5);
    assert_eq!(rig.gate.state(), GateState::StandstillHold);
    rig.press(Mode::Supervised);
    let record = rig.tick().record();
    assert_eq!((record.state, record.mode), (GateState::Engaged, Some(Mode::Supervised)));
}

#[test]
fn a_request_from_before_the_driver_took_over_is_void() {
    let mut rig = Rig::engaged(Mode::Automated);
    rig.press(Mode::Automated); // Again, while engaged.
    rig.ticks(2);
    rig.driver_brake = 0.5;
    rig.ticks(1);
    rig.driver_brake = 0.0;
    assert!(!rig.ticks(50).active);
}

#[test]
fn braking_under_way_does_not_get_softer_by_doubt() {
    let mut rig = Rig::engaged(Mode::Automated);
    rig.wanted_acceleration_mps2 = -6.0;
    assert_eq!(rig.ticks(50).acceleration_mps2, -6.0);
    rig.command_lives = false;
    assert_eq!(rig.ticks(11).state, GateState::MinimalRiskStop);
    assert_eq!(rig.tick().acceleration_mps2(), -6.0);
}

#[test]
fn the_driver_ends_it_within_one_tick() {
    let cases: [(Spoil, Reason); 5] = [
        (|rig| rig.driver_brake = 0.05, Reason::DriverBrake),
        (|rig| rig.driver_gas = 0.05, Reason::DriverGas),
        (|rig| rig.driver_torque_nm = 3.0, Reason::DriverSteering),
        (|rig| rig.driver_torque_nm = -3.0, Reason::DriverSteering),
        (Rig::press_disengage, Reason::DisengageRequested),
    ];
    for mode in BOTH {
        for (take_over, reason) in cases {
            let mut rig = Rig::engaged(mode);
            rig.ticks(3);
            take_over(&mut rig);
            let record = rig.tick().record();
            assert_eq!((record.state, record.reason, record.active), (GateState::Silent, reason, false));
            assert!(!rig.ticks(10).active, "and it stays silent");
        }
    }
}

#[test]
fn below_the_override_figures_nothing_happens() {
    let mut rig = Rig::engaged(Mode::Supervised);
    (rig.driver_brake, rig.driver_gas, rig.driver_torque_nm) = (0.049, 0.049, 2.99);
    assert_eq!(rig.ticks(10).state, GateState::Engaged);
}

#[test]
fn engaging_waits_for_the_inputs_and_says_why() {
    let mut rig = Rig::new();
    rig.command_lives = false;
    rig.press(Mode::Automated);
    let record = rig.ticks(50);
    assert_eq!((record.active, record.refused), (false, Some(Reason::CommandStale)));
    rig.command_lives = true;
    assert!(rig.tick().active());

    let mut rig = Rig::new();
    rig.command_lives = false;
    rig.press(Mode::Automated);
    rig.ticks(102);
    rig.command_lives = true;
    assert!(!rig.tick().active(), "a request of more than a second ago is void");

    let mut rig = Rig::new();
    rig.driver_brake = 0.2;
    rig.press(Mode::Supervised);
    assert_eq!(rig.tick().record().refused, Some(Reason::DriverBrake));

    let mut rig = Rig::new();
    rig.distance_m = 5.0;
    rig.press(Mode::Automated);
    assert_eq!(rig.tick().record().refused, Some(Reason::ObstacleInTheWay));
}

#[test]
fn a_request_from_the_future_does_not_engage_and_one_to_disengage_always_counts() {
    let mut rig = Rig::new();
    rig.engage = Some(EngageRequest { stamp_ns: rig.now_ns + 50 * TICK_NS, request: Engage::Automated });
    assert!(!rig.ticks(10).active);

    let mut rig = Rig::engaged(Mode::Automated);
    rig.engage = Some(EngageRequest { stamp_ns: rig.now_ns + 50 * TICK_NS, request: Engage::Disengage });
    assert!(!rig.tick().active());
}

#[test]
fn the_other_envelope_is_taken_on_request() {
    let mut rig = Rig::engaged(Mode::Automated);
    rig.wanted_acceleration_mps2 = -5.0;
    assert_eq!(rig.ticks(50).acceleration_mps2, -5.0);
    rig.press(Mode::Supervised);
    let record = rig.ticks(100);
    assert_eq!((record.mode, record.acceleration_mps2), (Some(Mode::Supervised), -3.5));
}

#[test]
fn one_bad_snapshot_is_bridged_and_a_stream_of_them_is_doubt() {
    let mut rig = Rig::engaged(Mode::Automated);
    rig.wanted_acceleration_mps2 = 0.5;
    rig.ticks(20);
    rig.wanted_acceleration_mps2 = f64::NAN;
    let record = rig.tick().record();
    assert_eq!((record.state, record.acceleration_mps2), (GateState::Engaged, 0.5));
    rig.wanted_acceleration_mps2 = 0.5;
    assert_eq!(rig.tick().record().state, GateState::Engaged);
    rig.wanted_steering_rad = 10.0; // Degrees.
    let record = rig.ticks(11);
    assert_eq!((record.state, record.reason), (GateState::MinimalRiskStop, Reason::CommandImplausible));

    let mut rig = Rig::engaged(Mode::Automated);
    rig.speed_mps = f64::INFINITY;
    assert_eq!(rig.ticks(11).reason, Reason::VehicleStateImplausible);
    let mut rig = Rig::engaged(Mode::Automated);
    rig.distance_m = f64::NAN;
    assert_eq!(rig.ticks(36).reason, Reason::ObstacleImplausible);
    let mut rig = Rig::engaged(Mode::Automated);
    rig.speed_mps = -1.0;
    assert_eq!(rig.tick().record().reason, Reason::RollingBack);
}

#[test]
fn stamps_from_the_future_or_out_of_order_do_not_pass() {
    let mut rig = Rig::engaged(Mode::Automated);
    for _ in 0..11 {
        rig.now_ns += TICK_NS;
        let mut inputs = rig.inputs();
        inputs.command =
            Some(Command { stamp_ns: rig.now_ns + 1, steering_angle_rad: 0.1, acceleration_mps2: 1.0 });
        let record = rig.gate.step(rig.now_ns, &inputs).record();
        assert!(record.steering_angle_rad == 0.0 && record.acceleration_mps2 <= 0.0);
    }
    assert_eq!(rig.gate.state(), GateState::MinimalRiskStop);

    let mut rig = Rig::engaged(Mode::Automated);
    rig.now_ns += TICK_NS;
    let mut inputs = rig.inputs();
    inputs.command =
        Some(Command { stamp_ns: rig.now_ns + 1, steering_angle_rad: 0.1, acceleration_mps2: 1.0 });
    let record = rig.gate.step(rig.now_ns, &inputs).record();
    assert_eq!(record.state, GateState::Engaged, "one of them is as if it had not come");

    let mut rig = Rig::engaged(Mode::Automated);
    let old_ns = rig.now_ns - TICK_NS;
    rig.now_ns += TICK_NS;
    let mut inputs = rig.inputs();
    inputs.command = Some(Command { stamp_ns: old_ns, steering_angle_rad: 0.1, acceleration_mps2: 1.0 });
    assert_eq!(rig.gate.step(rig.now_ns, &inputs).acceleration_mps2(), 0.0);
}

#[test]
fn time_that_runs_back_is_doubt() {
    let mut rig = Rig::engaged(Mode::Automated);
    rig.ticks(5);
    let inputs = rig.inputs();
    let record = rig.gate.step(rig.now_ns - 1, &inputs).record();
    assert_eq!((record.state, record.reason), (GateState::MinimalRiskStop, Reason::ClockWentBack));
}

#[test]
fn it_brakes_by_itself_for_what_is_in_the_way() {
    for mode in BOTH {
        let mut rig = Rig::engaged(mode);
        rig.wanted_acceleration_mps2 = 1.0;
        rig.ticks(30);
        rig.distance_m = 9.7; // 100/16 + 3 + 0.5 = 9.75.
        let record = rig.tick().record();
        assert_eq!((record.state, record.reason), (GateState::EmergencyBraking, Reason::ObstacleInTheWay));
        assert_eq!(record.acceleration_mps2, -8.0, "past the comfort and jerk limits");
        rig.driver_brake = 0.1;
        assert_eq!(
            rig.tick().record().state,
            GateState::EmergencyBraking,
            "a foot on the brake would brake less"
        );
        rig.driver_torque_nm = 4.0;
        assert_eq!(rig.tick().record().state, GateState::Silent);
    }
}

#[test]
fn it_brakes_for_what_it_saw_before_the_channel_went_dark() {
    let mut rig = Rig::engaged(Mode::Automated);
    rig.distance_m = 11.0;
    assert_eq!(rig.tick().record().state, GateState::Engaged);
    rig.obstacle_lives = false;
    let record = rig.ticks(15); // 1.5 m further, it is 9.5 m away.
    assert_eq!(record.state, GateState::EmergencyBraking);
}

#[test]
fn with_the_emergency_brake_off_it_does_not() {
    let mut rig = Rig::with(GateConfig { emergency_braking: false, ..GateConfig::of(vehicle()) });
    rig.press(Mode::Automated);
    rig.ticks(1);
    rig.distance_m = 1.0;
    rig.wanted_acceleration_mps2 = 1.0;
    let record = rig.ticks(50);
    assert_eq!((record.state, record.acceleration_mps2), (GateState::Engaged, 1.0));
}

#[test]
fn a_car_ahead_that_drives_as_fast_is_not_in_the_way() {
    let mut rig = Rig::engaged(Mode::Automated);
    rig.distance_m = 5.0;
    rig.closing_speed_mps = Some(0.0);
    assert_eq!(rig.ticks(100).state, GateState::Engaged);
    rig.closing_speed_mps = Some(6.0); // It brakes: (100 − 16)/16 + 1.8 + 0.5 = 7.55.
    assert_eq!(rig.tick().record().state, GateState::EmergencyBraking);
}

#[test]
fn after_an_emergency_automated_goes_on_when_there_is_room_and_supervised_asks() {
    for mode in BOTH {
        let mut rig = Rig::engaged(mode);
        rig.distance_m = 9.0;
        rig.ticks(1);
        (rig.speed_mps, rig.distance_m) = (0.0, 1.0);
        let record = rig.tick().record();
        assert_eq!((record.state, record.hold), (GateState::EmergencyHold, true));
        rig.wanted_acceleration_mps2 = 1.0;
        assert_eq!(rig.ticks(300).state, GateState::EmergencyHold, "held while it is there");
        rig.distance_m = 30.0;
        assert_eq!(rig.ticks(50).state, GateState::EmergencyHold, "not at the first glimpse");
        let record = rig.tick().record();
        if mode == Mode::Automated {
            assert_eq!((record.state, record.reason), (GateState::Engaged, Reason::ObstacleGone));
        } else {
            assert_eq!(rig.ticks(300).state, GateState::EmergencyHold);
            rig.press(Mode::Supervised);
            assert_eq!(rig.tick().record().state, GateState::Engaged);
        }
    }
}

#[test]
fn it_does_not_go_on_without_the_controllers_wish() {
    let mut rig = Rig::engaged(Mode::Automated);
    rig.distance_m = 9.0;
    rig.ticks(1);
    rig.speed_mps = 0.0;
    rig.distance_m = 30.0;
    rig.wanted_acceleration_mps2 = -1.0;
    assert_eq!(rig.ticks(300).state, GateState::EmergencyHold);
}

#[test]
fn when_the_obstacle_leaves_the_brake_is_let_go_smoothly() {
    let mut rig = Rig::engaged(Mode::Automated);
    rig.distance_m = 9.0;
    rig.wanted_acceleration_mps2 = 1.0;
    rig.ticks(1);
    rig.speed_mps = 8.0;
    rig.distance_m = f64::INFINITY;
    assert_eq!(rig.ticks(50).state, GateState::EmergencyBraking);
    let record = rig.tick().record();
    assert_eq!(record.state, GateState::Engaged);
    assert!((record.acceleration_mps2 - (-8.0 + 10.0 * 0.01)).abs() < 1e-9);
}

#[test]
fn an_emergency_within_a_stop_ends_in_the_stop() {
    let mut rig = Rig::engaged(Mode::Automated);
    rig.command_lives = false;
    rig.ticks(11);
    rig.command_lives = true;
    rig.distance_m = 9.0;
    assert_eq!(rig.tick().record().state, GateState::EmergencyBraking);
    rig.distance_m = f64::INFINITY;
    let record = rig.ticks(51);
    assert_eq!((record.state, record.acceleration_mps2), (GateState::MinimalRiskStop, -4.0));
    rig.distance_m = 9.0;
    rig.ticks(1);
    rig.speed_mps = 0.0;
    assert_eq!(rig.tick().record().state, GateState::StandstillHold);
}

#[test]
fn it_does_not_move_off_towards_what_touches_the_bumper() {
    let mut rig = Rig::engaged(Mode::Automated);
    rig.wanted_acceleration_mps2 = 1.0;
    (rig.speed_mps, rig.distance_m) = (0.0, 0.4);
    let record = rig.ticks(50);
    assert_eq!((record.state, record.acceleration_mps2, record.hold), (GateState::Engaged, 0.0, true));
    rig.distance_m = 1.0;
    assert!(rig.tick().acceleration_mps2() > 0.0);
}

#[test]
fn a_stall_of_the_loop_does_not_open_the_rate_limits() {
    let mut rig = Rig::engaged(Mode::Automated);
    rig.speed_mps = 2.0;
    rig.wanted_steering_rad = 0.5;
    rig.now_ns += 5_000 * MS;
    let inputs = rig.inputs();
    let record = rig.gate.step(rig.now_ns, &inputs).record();
    assert!(record.steering_angle_rad <= 0.8 * 0.05 + 1e-12);
}

#[test]
fn a_second_call_at_the_same_instant_changes_nothing() {
    let mut rig = Rig::engaged(Mode::Automated);
    rig.wanted_acceleration_mps2 = -3.0;
    rig.wanted_steering_rad = 0.1;
    let first = rig.tick().record();
    let inputs = rig.inputs();
    let second = rig.gate.step(rig.now_ns, &inputs).record();
    assert_eq!(first, second);
    assert_eq!(rig.gate.counters().clock_went_back, 0);
}

#[test]
fn hold_means_standing_and_not_going() {
    let mut rig = Rig::engaged(Mode::Automated);
    rig.wanted_acceleration_mps2 = -1.0;
    assert!(!rig.ticks(50).hold, "it still rolls");
    rig.speed_mps = 0.15;
    assert!(rig.tick().hold());
    rig.wanted_acceleration_mps2 = 1.0;
    let record = rig.ticks(50);
    assert!(!record.hold && record.acceleration_mps2 == 1.0);
    rig.wanted_acceleration_mps2 = 0.0;
    assert!(rig.ticks(50).hold);
}

#[test]
fn what_is_cut_says_so() {
    let mut rig = Rig::engaged(Mode::Automated);
    rig.wanted_acceleration_mps2 = 1.0;
    let record = rig.tick().record();
    assert!(record.acceleration_limited && !record.steering_limited);
    let record = rig.ticks(20);
    assert!(!record.acceleration_limited && !record.steering_limited);
    rig.wanted_steering_rad = 0.1;
    let record = rig.tick().record();
    assert!(!record.acceleration_limited && record.steering_limited);
}

#[test]
fn standing_and_rolling_back_have_their_exact_speeds() {
    let mut rig = Rig::engaged(Mode::Automated);
    (rig.speed_mps, rig.distance_m) = (0.15, 0.1);
    assert_eq!(rig.ticks(5).state, GateState::Engaged);
    rig.speed_mps = 0.151;
    assert_eq!(rig.tick().record().state, GateState::EmergencyBraking);

    let mut rig = Rig::engaged(Mode::Automated);
    rig.speed_mps = -0.5;
    assert_eq!(rig.ticks(5).state, GateState::Engaged);
    rig.speed_mps = -0.501;
    assert_eq!(rig.tick().record().reason, Reason::RollingBack);
}

#[test]
fn without_a_request_nothing_is_refused() {
    let mut rig = Rig::new();
    rig.driver_brake = 0.5;
    assert_eq!(rig.ticks(5).refused, None);
    let mut rig = Rig::engaged(Mode::Automated);
    rig.press(Mode::Supervised);
    assert_eq!(rig.tick().record().refused, None, "granted");
}
