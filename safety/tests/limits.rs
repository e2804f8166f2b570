//! Properties over random streams. The limits are stated here a second time, and not imported.

mod rig;

use auriga_safety::*;
use proptest::prelude::*;
use rig::{Rig, TICK_NS};

const WHEELBASE: f64 = 2.8;
const STEERING_STOP: f64 = 0.6;
const STEERING_RATE: f64 = 0.8;
const SECONDS: f64 = 0.01;

/// (lateral acceleration, lateral jerk, acceleration, deceleration, jerk up, jerk down at this speed)
fn stated(mode: Mode, speed: f64) -> (f64, f64, f64, f64, f64, f64) {
    match mode {
        Mode::Supervised => {
            let jerk_down = if speed <= 5.0 {
                5.0
            } else if speed >= 20.0 {
                2.5
            } else {
                5.0 - 2.5 * (speed - 5.0) / 15.0
            };
            (3.0, 5.0, 2.0, 3.5, 5.0, jerk_down)
        }
        Mode::Automated => (6.0, 20.0, 3.0, 8.0, 10.0, 50.0),
    }
}

fn any_mode() -> impl Strategy<Value = Mode> {
    prop_oneof![Just(Mode::Supervised), Just(Mode::Automated)]
}

/// Anything that fits into the bits, with a preference for what hurts.
fn any_figure() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        Just(0.0),
        Just(f64::MAX),
        Just(f64::MIN_POSITIVE),
        -1.0..1.0,
        -50.0..50.0,
        any::<u64>().prop_map(f64::from_bits),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_command_is_outside_its_limits(
        mode in any_mode(),
        speed_start in 0.0..40.0_f64,
        stream in prop::collection::vec((-0.7..0.7_f64, -12.0..12.0_f64, -0.1..0.1_f64), 1..200),
    ) {
        let mut rig = Rig::new();
        rig.speed_mps = speed_start;
        rig.press(mode);
        let mut before = rig.tick().record();
        for (steering, acceleration, speed_change) in stream {
            // Each wish stands for a while, so that the bounds are reached and not only approached.
            for _ in 0..10 {
                rig.wanted_steering_rad = steering;
                rig.wanted_acceleration_mps2 = acceleration;
                rig.speed_mps = (rig.speed_mps + speed_change * 0.3).clamp(0.0, 45.0);
                let record = rig.tick().record();
                prop_assert_eq!(record.state, GateState::Engaged);
                let speed = rig.speed_mps;
                let (a_lat, j_lat, up, down, jerk_up, jerk_down) = stated(mode, speed);
                let wheel = record.steering_angle_rad;
                let turn = wheel - before.steering_angle_rad;
                prop_assert!(wheel.abs() <= STEERING_STOP + 1e-12);
                prop_assert!(turn.abs() <= STEERING_RATE * SECONDS + 1e-12);
                let v2 = speed * speed;
                let jerk = v2 * (libm::tan(wheel) - libm::tan(before.steering_angle_rad)).abs() / WHEELBASE / SECONDS;
                prop_assert!(jerk <= j_lat + 1e-6, "lateral jerk {jerk}");
                let lateral = v2 * libm::tan(wheel).abs() / WHEELBASE;
                // Above the limit only where the car got faster, and then on the way back.
                prop_assert!(
                    lateral <= a_lat + 1e-6 || wheel.abs() < before.steering_angle_rad.abs(),
                    "lateral acceleration {lateral}"
                );
                prop_assert!(record.acceleration_mps2 <= up + 1e-12 && record.acceleration_mps2 >= -down - 1e-12);
                let change = (record.acceleration_mps2 - before.acceleration_mps2) / SECONDS;
                prop_assert!(change <= jerk_up + 1e-6 && change >= -jerk_down - 1e-6, "jerk {change}");
                // Never more than was asked for in the other direction.
                if record.acceleration_mps2 > before.acceleration_mps2.max(acceleration) + 1e-12 {
                    prop_assert!(before.acceleration_mps2 > up);
                }
                before = record;
            }
        }
    }

    #[test]
    fn whatever_comes_in_what_goes_out_is_finite_and_possible(
        ticks in prop::collection::vec(
            (
                prop::option::of((any::<i64>(), any_figure(), any_figure(), any_figure(), any_figure(), any_figure())),
                prop::option::of((any::<i64>(), any_figure(), prop::option::of(any_figure()))),
                prop::option::of((any::<i64>(), any_figure(), any_figure())),
                prop::option::of((any::<i64>(), 0..3_u8)),
                any::<bool>(),
                prop_oneof![Just(TICK_NS), Just(0), any::<i64>()],
            ),
            1..120,
        )
    ) {
        let mut rig = Rig::engaged(Mode::Automated);
        for (vehicle, obstacle, command, engage, good_stamps, elapsed) in ticks {
            rig.now_ns = rig.now_ns.wrapping_add(elapsed);
            let now = rig.now_ns;
            let stamp = |any_stamp: i64| if good_stamps { now } else { any_stamp };
            let inputs = GateInputs {
                vehicle: vehicle.map(|(at, speed_mps, steering_angle_rad, driver_torque_nm, driver_brake, driver_gas)| {
                    VehicleState {
                        stamp_ns: stamp(at), speed_mps, steering_angle_rad, driver_torque_nm, driver_brake, driver_gas,
                    }
                }),
                obstacle: obstacle.map(|(at, distance_m, closing_speed_mps)| {
                    NearestObstacle { stamp_ns: stamp(at), distance_m, closing_speed_mps }
                }),
                command: command.map(|(at, steering_angle_rad, acceleration_mps2)| {
                    Command { stamp_ns: stamp(at), steering_angle_rad, acceleration_mps2 }
                }),
                engage: engage.map(|(at, which)| EngageRequest {
                    stamp_ns: stamp(at),
                    request: [Engage::Disengage, Engage::Supervised, Engage::Automated][usize::from(which)],
                }),
            };
            let record = rig.gate.step(now, &inputs).record();
            prop_assert!(record.steering_angle_rad.abs() <= STEERING_STOP);
            prop_assert!((-8.0..=3.0).contains(&record.acceleration_mps2));
            if !record.active {
                prop_assert_eq!((record.steering_angle_rad, record.acceleration_mps2, record.hold), (0.0, 0.0, false));
            }
        }
    }

    #[test]
    fn no_stale_command_passes(mode in any_mode(), age_ticks in 0..60_usize, wanted in -2.0..2.0_f64) {
        let mut rig = Rig::engaged(mode);
        rig.wanted_acceleration_mps2 = wanted;
        rig.ticks(1);
        rig.command_lives = false;
        for tick in 1..=age_ticks {
            let record = rig.tick().record();
            if tick > 10 {
                prop_assert_eq!(record.state, GateState::MinimalRiskStop);
                let stop = if mode == Mode::Supervised { -2.5 } else { -4.0 };
                prop_assert!(record.acceleration_mps2 <= stop);
            }
        }
    }

    #[test]
    fn the_same_inputs_give_the_same_bits(
        stream in prop::collection::vec((-0.7..0.7_f64, -12.0..12.0_f64, 0.0..40.0_f64, 0.0..100.0_f64), 1..100),
    ) {
        let run = || {
            let mut rig = Rig::engaged(Mode::Automated);
            stream
                .iter()
                .map(|&(steering, acceleration, speed, distance)| {
                    rig.wanted_steering_rad = steering;
                    rig.wanted_acceleration_mps2 = acceleration;
                    rig.speed_mps = speed;
                    rig.distance_m = distance;
                    let record = rig.tick().record();
                    (record.steering_angle_rad.to_bits(), record.acceleration_mps2.to_bits(), record.state.code())
                })
                .collect::<Vec<_>>()
        };
        prop_assert_eq!(run(), run());
    }
}
