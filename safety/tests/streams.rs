//! Random streams: what must end the drive ends it in the same tick, and no rate is exceeded over any span of time. Conditions
//! and limits are stated here a second time.

mod rig;

use auriga_safety::*;
use proptest::prelude::*;
use rig::{MS, Rig};

#[derive(Clone, Copy, Debug)]
struct Moment {
    elapsed_ms: i64,
    torque: f64,
    brake: f64,
    gas: f64,
    disengage: bool,
    engage: bool,
    vehicle_lives: bool,
    obstacle_lives: bool,
    command_lives: bool,
    speed: f64,
    distance: f64,
    steering: f64,
    acceleration: f64,
}

/// Mostly calm, now and then not.
fn rarely(what: impl Strategy<Value = f64> + 'static, calm: f64) -> impl Strategy<Value = f64> {
    prop_oneof![30 => Just(calm), 1 => what]
}

fn any_moment() -> impl Strategy<Value = Moment> {
    let driver = (rarely(-6.0..6.0_f64, 0.0), rarely(0.0..0.2_f64, 0.0), rarely(0.0..0.2_f64, 0.0));
    let requests = (prop::bool::weighted(0.02), prop::bool::weighted(0.2));
    let lives = (prop::bool::weighted(0.7), prop::bool::weighted(0.5), prop::bool::weighted(0.7));
    let world = (rarely(-1.0..1.0_f64, 8.0), rarely(0.0..60.0_f64, 100.0));
    (
        prop_oneof![5 => Just(10_i64), 1 => 0..120_i64],
        driver,
        requests,
        lives,
        world,
        -0.7..0.7_f64,
        -9.0..4.0_f64,
    )
        .prop_map(|(elapsed_ms, driver, requests, lives, world, steering, acceleration)| Moment {
            elapsed_ms,
            torque: driver.0,
            brake: driver.1,
            gas: driver.2,
            disengage: requests.0,
            engage: requests.1,
            vehicle_lives: lives.0,
            obstacle_lives: lives.1,
            command_lives: lives.2,
            speed: world.0,
            distance: world.1,
            steering,
            acceleration,
        })
}

/// When each input was last shown, ns.
struct Seen {
    vehicle: i64,
    obstacle: i64,
    command: i64,
    speed: f64,
}

fn apply(rig: &mut Rig, seen: &mut Seen, moment: &Moment) {
    rig.now_ns += moment.elapsed_ms * MS - rig::TICK_NS;
    (rig.driver_torque_nm, rig.driver_brake, rig.driver_gas) = (moment.torque, moment.brake, moment.gas);
    (rig.speed_mps, rig.distance_m) = (moment.speed, moment.distance);
    (rig.wanted_steering_rad, rig.wanted_acceleration_mps2) = (moment.steering, moment.acceleration);
    (rig.vehicle_lives, rig.obstacle_lives, rig.command_lives) =
        (moment.vehicle_lives, moment.obstacle_lives, moment.command_lives);
    if moment.disengage {
        rig.press_disengage();
    } else if moment.engage {
        rig.press(Mode::Automated);
    }
    let now = rig.now_ns + rig::TICK_NS;
    // A second snapshot of the same instant is no news.
    if moment.vehicle_lives && now > seen.vehicle {
        (seen.vehicle, seen.speed) = (now, moment.speed);
    }
    if moment.obstacle_lives {
        seen.obstacle = now;
    }
    if moment.command_lives {
        seen.command = now;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_ends_the_drive_ends_it_in_the_same_tick(stream in prop::collection::vec(any_moment(), 1..150)) {
        let mut rig = Rig::engaged(Mode::Automated);
        let start = rig.now_ns;
        let mut seen = Seen { vehicle: start, obstacle: start, command: start, speed: 10.0 };
        for moment in stream {
            let before = rig.gate.state();
            let news = moment.vehicle_lives && rig.now_ns + moment.elapsed_ms * MS > seen.vehicle;
            apply(&mut rig, &mut seen, &moment);
            let record = rig.tick().record();
            let now = rig.now_ns;
            let pressed_new = moment.disengage && moment.elapsed_ms > 0;
            let hands_or_gas = news && (moment.torque.abs() >= 3.0 || moment.gas >= 0.05);
            let brake = news && moment.brake >= 0.05 && before != GateState::EmergencyBraking;
            if pressed_new || hands_or_gas || brake {
                prop_assert!(!record.active, "{record:?}");
            }
            let late = now - seen.vehicle > 100 * MS || now - seen.obstacle > 350 * MS || now - seen.command > 100 * MS;
            if late || seen.speed < -0.5 {
                prop_assert!(record.state != GateState::Engaged, "{record:?}");
            }
            // Only the driver and the button end it, and nothing begins it but the button.
            if before != GateState::Silent && !record.active {
                prop_assert!(matches!(
                    record.reason,
                    Reason::DriverSteering | Reason::DriverBrake | Reason::DriverGas | Reason::DisengageRequested
                ));
            }
            if before == GateState::Silent && record.active {
                prop_assert!(record.reason == Reason::EngageRequested && !late);
            }
        }
    }

    /// Calls come whenever they like: bunched, late, twice at one instant.
    #[test]
    fn rates_hold_per_call_and_over_any_span(
        stream in prop::collection::vec((0..60_i64, -0.6..0.6_f64, -8.0..3.0_f64), 2..200),
        speed in 0.0..35.0_f64,
    ) {
        let mut rig = Rig::new();
        rig.speed_mps = speed;
        rig.press(Mode::Automated);
        rig.ticks(1);
        let mut past = vec![(rig.now_ns, 0.0, 0.0)];
        for (elapsed_ms, steering, acceleration) in stream {
            rig.now_ns += elapsed_ms * MS - rig::TICK_NS;
            (rig.wanted_steering_rad, rig.wanted_acceleration_mps2) = (steering, acceleration);
            let record = rig.tick().record();
            prop_assert_eq!(record.state, GateState::Engaged);
            let now = (rig.now_ns, record.steering_angle_rad, record.acceleration_mps2);
            let last = past[past.len() - 1];
            prop_assert!((now.1 - last.1).abs() <= 0.8 * 0.05 + 1e-9);
            prop_assert!(now.2 - last.2 <= 10.0 * 0.05 + 1e-9 && now.2 - last.2 >= -50.0 * 0.05 - 1e-9);
            for then in past.iter().rev().take_while(|then| now.0 - then.0 <= 250 * MS) {
                let seconds = (now.0 - then.0) as f64 * 1e-9;
                prop_assert!((now.1 - then.1).abs() <= 0.8 * seconds + 1e-9);
                let lateral = speed * speed * (libm::tan(now.1) - libm::tan(then.1)).abs() / 2.8;
                prop_assert!(lateral <= 20.0 * seconds + 1e-6);
                prop_assert!(now.2 - then.2 <= 10.0 * seconds + 1e-9 && now.2 - then.2 >= -50.0 * seconds - 1e-9);
            }
            past.push(now);
        }
    }
}
