//! What the gate may be told, and what it answers to a figure that cannot be meant.

mod rig;

use auriga_safety::*;
use rig::vehicle;

#[test]
fn impossible_configurations_name_their_field() {
    let good = GateConfig::of(vehicle());
    assert_eq!(good.validate(), Ok(()));
    let field = |spoil: fn(&mut GateConfig)| {
        let mut config = good;
        spoil(&mut config);
        Gate::new(config).unwrap_err().field
    };
    assert_eq!(field(|c| c.vehicle.wheelbase_m = f64::NAN), "vehicle.wheelbase_m");
    assert_eq!(field(|c| c.vehicle.max_deceleration_mps2 = -8.0), "vehicle.max_deceleration_mps2");
    assert_eq!(field(|c| c.timeouts.command_ns = 0), "timeouts.command_ns");
    assert_eq!(field(|c| c.timeouts.obstacle_ns = i64::MAX), "timeouts.obstacle_ns");
    assert_eq!(field(|c| c.driver.brake = 0.0), "driver.brake");
    assert_eq!(field(|c| c.emergency.deceleration_mps2 = 12.0), "emergency.deceleration_mps2");
    assert_eq!(field(|c| c.standstill_speed_mps = 50.0), "standstill_speed_mps");
    assert_eq!(
        field(|c| c.supervised.lateral_jerk_mps3 = SpeedTable::constant(f64::INFINITY)),
        "supervised.lateral_jerk_mps3"
    );
    assert_eq!(
        field(|c| c.automated.jerk_down_mps3 = SpeedTable::between((20.0, 1.0), (5.0, 1.0))),
        "automated.jerk_down_mps3"
    );
    assert_eq!(
        field(|c| c.automated.minimal_risk_deceleration_mps2 = 0.0),
        "automated.minimal_risk_deceleration_mps2"
    );
    let text = Gate::new(GateConfig { standstill_speed_mps: 50.0, ..good }).unwrap_err().to_string();
    assert!(text.contains("`standstill_speed_mps`"), "{text}");
}

#[test]
fn a_speed_table_is_linear_between_its_rows_and_constant_outside() {
    let table = SpeedTable::new(&[(5.0, 4.0), (20.0, 2.0), (30.0, 1.0)]).unwrap();
    for (speed, limit) in
        [(0.0, 4.0), (5.0, 4.0), (12.5, 3.0), (-12.5, 3.0), (20.0, 2.0), (25.0, 1.5), (90.0, 1.0)]
    {
        assert!((table.at(speed) - limit).abs() < 1e-12, "{speed}");
    }
    assert_eq!(SpeedTable::constant(3.0).at(17.0), 3.0);
    assert!(SpeedTable::new(&[]).is_err());
    assert!(SpeedTable::new(&[(0.0, 1.0); 9]).is_err());
    assert!(SpeedTable::new(&[(1.0, 1.0), (1.0, 2.0)]).is_err());
    assert!(SpeedTable::new(&[(1.0, -1.0)]).is_err());
}

type Set = fn(&mut GateConfig, f64);

/// Field, least and most that is accepted, and how to set it. Stated here a second time.
#[rustfmt::skip]
const RANGES: [(&str, f64, f64, Set); 18] = [
    ("vehicle.wheelbase_m", 0.5, 3.7, |c, v| c.vehicle.wheelbase_m = v),
    ("vehicle.front_m", 2.8, 20.0, |c, v| c.vehicle.front_m = v),
    ("vehicle.rear_m", 0.0, 10.0, |c, v| c.vehicle.rear_m = v),
    ("vehicle.width_m", 0.5, 4.0, |c, v| c.vehicle.width_m = v),
    ("vehicle.max_steering_angle_rad", 0.05, 1.4, |c, v| c.vehicle.max_steering_angle_rad = v),
    ("vehicle.max_steering_rate_rad_s", 0.01, 10.0, |c, v| c.vehicle.max_steering_rate_rad_s = v),
    ("vehicle.max_deceleration_mps2", 8.0, 15.0, |c, v| c.vehicle.max_deceleration_mps2 = v),
    ("vehicle.max_acceleration_mps2", 3.0, 15.0, |c, v| c.vehicle.max_acceleration_mps2 = v),
    ("supervised.minimal_risk_deceleration_mps2", 0.5, 8.0, |c, v| c.supervised.minimal_risk_deceleration_mps2 = v),
    ("automated.minimal_risk_deceleration_mps2", 0.5, 8.0, |c, v| c.automated.minimal_risk_deceleration_mps2 = v),
    ("driver.torque_nm", 0.1, 50.0, |c, v| c.driver.torque_nm = v),
    ("driver.brake", 0.001, 1.0, |c, v| c.driver.brake = v),
    ("driver.gas", 0.001, 1.0, |c, v| c.driver.gas = v),
    ("emergency.deceleration_mps2", 1.0, 8.0, |c, v| c.emergency.deceleration_mps2 = v),
    ("emergency.reaction_s", 0.0, 2.0, |c, v| c.emergency.reaction_s = v),
    ("emergency.margin_m", 0.0, 5.0, |c, v| {
        c.emergency.release_distance_m = 20.0;
        c.emergency.margin_m = v;
    }),
    ("emergency.clearance_m", 0.0, 20.0, |c, v| c.emergency.clearance_m = v),
    ("standstill_speed_mps", 0.001, 1.0, |c, v| c.standstill_speed_mps = v),
];

#[test]
fn each_figure_has_its_range() {
    for (field, least, most, set) in RANGES {
        let answer = |value| {
            let mut config = GateConfig::of(vehicle());
            set(&mut config, value);
            config.validate()
        };
        for good in [least, most, f64::midpoint(least, most)] {
            assert_eq!(answer(good), Ok(()), "{field} = {good}");
        }
        for bad in [least - 1e-3, most + 1e-3, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let refused = answer(bad).unwrap_err();
            // A weak car's braking is named by the limit that asks for more.
            let by_envelope = field.starts_with("vehicle.max_") && refused.field.starts_with("automated.");
            assert!(
                refused.field == field || by_envelope || field == "vehicle.wheelbase_m",
                "{field} = {bad}: {refused}"
            );
        }
    }
}

#[test]
fn a_weak_vehicle_is_accepted_down_to_its_own_bounds() {
    for (deceleration, acceleration, accepted) in [(2.5, 0.1, true), (2.499, 0.1, false), (2.5, 0.099, false)]
    {
        let weak = VehicleLimits {
            max_deceleration_mps2: deceleration,
            max_acceleration_mps2: acceleration,
            ..vehicle()
        };
        assert_eq!(GateConfig::of(weak).validate().is_ok(), accepted, "{deceleration} {acceleration}");
    }
}

#[test]
fn time_outs_and_waits_have_their_range() {
    type Set = fn(&mut GateConfig, i64);
    let sets: [(&str, Set); 5] = [
        ("timeouts.vehicle_state_ns", |c, ns| c.timeouts.vehicle_state_ns = ns),
        ("timeouts.obstacle_ns", |c, ns| c.timeouts.obstacle_ns = ns),
        ("timeouts.command_ns", |c, ns| c.timeouts.command_ns = ns),
        ("timeouts.engage_ns", |c, ns| c.timeouts.engage_ns = ns),
        ("emergency.release_ns", |c, ns| c.emergency.release_ns = ns),
    ];
    for (field, set) in sets {
        for (ns, accepted) in
            [(999, false), (1_000, true), (10_000_000_000, true), (10_000_000_001, false), (-1, false)]
        {
            let mut config = GateConfig::of(vehicle());
            set(&mut config, ns);
            assert_eq!(config.validate().err().map(|error| error.field), (!accepted).then_some(field));
        }
    }
}

#[test]
fn the_emergency_brake_leaves_room_to_let_go() {
    let mut config = GateConfig::of(vehicle());
    config.emergency.release_distance_m = 0.499;
    assert_eq!(config.validate().unwrap_err().field, "emergency.release_distance_m");
    config.emergency.release_distance_m = 0.5;
    assert_eq!(config.validate(), Ok(()));
    config.emergency.release_distance_m = 20.1;
    assert_eq!(config.validate().unwrap_err().field, "emergency.release_distance_m");
}

#[test]
fn every_table_of_both_envelopes_is_checked() {
    type Table = fn(&mut Envelope) -> &mut SpeedTable;
    let tables: [(&str, Table); 6] = [
        ("lateral_acceleration_mps2", |e| &mut e.lateral_acceleration_mps2),
        ("lateral_jerk_mps3", |e| &mut e.lateral_jerk_mps3),
        ("acceleration_mps2", |e| &mut e.acceleration_mps2),
        ("deceleration_mps2", |e| &mut e.deceleration_mps2),
        ("jerk_up_mps3", |e| &mut e.jerk_up_mps3),
        ("jerk_down_mps3", |e| &mut e.jerk_down_mps3),
    ];
    let bad = [
        SpeedTable::constant(0.0),
        SpeedTable::constant(-1.0),
        SpeedTable::constant(f64::NAN),
        SpeedTable::constant(f64::INFINITY),
        SpeedTable::between((-0.5, 1.0), (5.0, 1.0)),
        SpeedTable::between((f64::NAN, 1.0), (5.0, 1.0)),
        SpeedTable::between((5.0, 1.0), (f64::INFINITY, 1.0)),
        SpeedTable::between((5.0, 1.0), (5.0, 1.0)),
        SpeedTable::between((5.0, 1.0), (10.0, 0.0)),
    ];
    for (name, table) in tables {
        for bad in bad {
            let mut config = GateConfig::of(vehicle());
            *table(&mut config.supervised) = bad;
            assert_eq!(config.validate().unwrap_err().field, format!("supervised.{name}"));
            let mut config = GateConfig::of(vehicle());
            *table(&mut config.automated) = bad;
            assert_eq!(config.validate().unwrap_err().field, format!("automated.{name}"));
        }
    }
}

#[test]
fn no_envelope_asks_for_more_than_the_car_can_do() {
    let field = |spoil: fn(&mut GateConfig)| {
        let mut config = GateConfig::of(vehicle());
        spoil(&mut config);
        config.validate().unwrap_err().field
    };
    let more = |limit| SpeedTable::between((5.0, 1.0), (10.0, limit));
    assert_eq!(more(1.0).at(7.0), 1.0);
    assert_eq!(
        field(|c| c.automated.deceleration_mps2 = SpeedTable::between((5.0, 1.0), (10.0, 8.1))),
        "automated.deceleration_mps2"
    );
    assert_eq!(
        field(|c| c.supervised.acceleration_mps2 = SpeedTable::between((5.0, 3.1), (10.0, 1.0))),
        "supervised.acceleration_mps2"
    );
}

#[test]
fn the_defaults_are_the_published_figures() {
    let config = GateConfig::of(vehicle());
    for (table, limits) in [
        (config.supervised.lateral_acceleration_mps2, [3.0; 4]),
        (config.supervised.lateral_jerk_mps3, [5.0; 4]),
        (config.supervised.acceleration_mps2, [2.0; 4]),
        (config.supervised.deceleration_mps2, [3.5; 4]),
        (config.supervised.jerk_up_mps3, [5.0; 4]),
        (config.supervised.jerk_down_mps3, [5.0, 5.0, 3.75, 2.5]),
        (config.automated.lateral_acceleration_mps2, [6.0; 4]),
        (config.automated.lateral_jerk_mps3, [20.0; 4]),
        (config.automated.acceleration_mps2, [3.0; 4]),
        (config.automated.deceleration_mps2, [8.0; 4]),
        (config.automated.jerk_up_mps3, [10.0; 4]),
        (config.automated.jerk_down_mps3, [50.0; 4]),
    ] {
        assert_eq!([0.0, 5.0, 12.5, 20.0].map(|speed| table.at(speed)), limits);
    }
    assert_eq!(config.supervised.minimal_risk_deceleration_mps2, 2.5);
    assert_eq!(config.automated.minimal_risk_deceleration_mps2, 4.0);
    assert_eq!(*Gate::new(config).unwrap().config(), config);
}

#[test]
fn a_table_may_have_eight_rows() {
    let rows: [(f64, f64); 8] = core::array::from_fn(|row| (row as f64, 1.0 + row as f64));
    let table = SpeedTable::new(&rows).unwrap();
    assert_eq!((table.at(6.5), table.at(7.0), table.at(8.0)), (7.5, 8.0, 8.0));
}

#[test]
fn codes_and_names_are_all_different() {
    use std::collections::BTreeSet;
    let states = [
        GateState::Silent,
        GateState::Engaged,
        GateState::EmergencyBraking,
        GateState::EmergencyHold,
        GateState::MinimalRiskStop,
        GateState::StandstillHold,
    ];
    assert_eq!(states.map(GateState::code), [0, 1, 2, 3, 4, 5]);
    assert_eq!(states.map(GateState::name).into_iter().collect::<BTreeSet<_>>().len(), 6);
    let reasons = [
        Reason::StartUp,
        Reason::EngageRequested,
        Reason::DisengageRequested,
        Reason::DriverSteering,
        Reason::DriverBrake,
        Reason::DriverGas,
        Reason::ClockWentBack,
        Reason::VehicleStateStale,
        Reason::VehicleStateImplausible,
        Reason::ObstacleStale,
        Reason::ObstacleImplausible,
        Reason::CommandStale,
        Reason::CommandImplausible,
        Reason::RollingBack,
        Reason::ObstacleInTheWay,
        Reason::ObstacleGone,
        Reason::Standstill,
    ];
    let codes: BTreeSet<_> = reasons.iter().map(|reason| reason.code()).collect();
    assert_eq!((Mode::Supervised.name(), Mode::Automated.name()), ("supervised", "automated"));
    let names: BTreeSet<_> = reasons.iter().map(|reason| reason.name()).collect();
    assert_eq!((codes.len(), names.len()), (17, 17));
}
