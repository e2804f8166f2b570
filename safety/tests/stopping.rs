//! The emergency brake in closed loop with a point mass: it stops in time, and it leaves a planner that stops in time alone.

mod rig;

use auriga_safety::*;
use proptest::prelude::*;
use rig::{Rig, TICK_NS};

fn any_mode() -> impl Strategy<Value = Mode> {
    prop_oneof![Just(Mode::Supervised), Just(Mode::Automated)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// A standing car ahead, the planner asleep: whatever can still be missed, is missed.
    #[test]
    fn it_stops_before_what_it_can_stop_for(mode in any_mode(), speed in 0.5..40.0_f64, room in 0.0..100.0_f64) {
        let mut rig = Rig::engaged(mode);
        rig.speed_mps = speed;
        rig.wanted_acceleration_mps2 = 1.0;
        // Seen no later than at the distance that full braking needs.
        rig.distance_m = speed * speed / 16.0 + 0.5 * speed * 0.01 + 0.05 + room;
        for _ in 0..6_000 {
            rig.drive_tick();
            prop_assert!(rig.distance_m > 0.0);
            if rig.gate.state() == GateState::EmergencyHold {
                break;
            }
        }
        prop_assert_eq!(rig.gate.state(), GateState::EmergencyHold);
    }

    /// The planner brakes comfortably to a stop some metres behind a standing car. The channel runs at 10 Hz with a latency,
    /// and measures with some noise.
    #[test]
    fn a_planners_own_stop_never_sets_it_off(
        mode in any_mode(),
        speed in 1.0..36.0_f64,
        deceleration in 2.5..3.0_f64,
        gap in 3.0..5.0_f64,
        latency_ticks in 0..15_i64,
        known in any::<bool>(),
        noise in prop::collection::vec(-0.1..0.1_f64, 10),
    ) {
        let mut rig = Rig::new();
        rig.press(mode);
        rig.ticks(1);
        rig.speed_mps = speed;
        rig.obstacle_lives = false;
        let mut distance = speed * speed / (2.0 * deceleration) + gap + 10.0;
        let mut braking = false;
        let mut seen: Vec<(i64, f64, f64)> = Vec::new();
        let mut latest = None;
        for tick in 0..4_000_usize {
            if tick % 10 == 0 {
                seen.push((rig.now_ns, distance + noise[tick / 10 % 10], rig.speed_mps));
            }
            rig.now_ns += TICK_NS;
            if let Some(&(stamp_ns, distance_m, closing)) =
                seen.iter().rev().find(|scan| scan.0 + latency_ticks * TICK_NS <= rig.now_ns)
            {
                latest = Some(NearestObstacle { stamp_ns, distance_m, closing_speed_mps: known.then_some(closing) });
            }
            // Begins early enough for the brake to build up at 2.5 m/s³, then brakes as the distance left asks.
            let left = distance - gap;
            let square = rig.speed_mps * rig.speed_mps;
            braking |= square >= 2.0 * deceleration * (left - 0.6 * rig.speed_mps);
            rig.wanted_acceleration_mps2 =
                if braking { -(square / (2.0 * left.max(0.01))).min(1.1 * deceleration) } else { 0.0 };
            let mut inputs = rig.inputs();
            inputs.obstacle = latest;
            let record = rig.gate.step(rig.now_ns, &inputs).record();
            prop_assert_eq!(record.state, GateState::Engaged, "{:?} at {} m, {} m/s", record.reason, distance, rig.speed_mps);
            let next = (rig.speed_mps + record.acceleration_mps2 * 0.01).max(0.0);
            distance -= 0.5 * (rig.speed_mps + next) * 0.01;
            rig.speed_mps = next;
            if next == 0.0 {
                break;
            }
        }
        prop_assert!(rig.speed_mps < 0.2, "{}", rig.speed_mps);
        prop_assert!(distance > 2.5 && distance < 9.0, "the planner of this test stops where it means to: {}", distance);
    }
}
