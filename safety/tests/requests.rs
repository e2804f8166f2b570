//! Requests to engage: which count, which are void.

mod rig;

use auriga_safety::*;
use rig::{MS, Rig, TICK_NS};

fn show(rig: &mut Rig, stamp_ns: i64, request: Engage) -> SafeCommandRecord {
    rig.engage = Some(EngageRequest { stamp_ns, request });
    rig.tick().record()
}

#[test]
fn a_request_at_the_instant_of_a_disengagement_is_void() {
    let mut rig = Rig::engaged(Mode::Automated);
    let stamp_ns = rig.now_ns + TICK_NS;
    assert!(!show(&mut rig, stamp_ns, Engage::Disengage).active);
    assert!(!show(&mut rig, stamp_ns, Engage::Automated).active);
    assert!(show(&mut rig, stamp_ns + 1, Engage::Automated).active);
}

#[test]
fn a_request_is_void_only_up_to_its_own_stamp() {
    let mut rig = Rig::new();
    rig.ticks(1);
    let pressed_ns = rig.now_ns;
    rig.ticks(5);
    assert!(show(&mut rig, pressed_ns, Engage::Automated).active);
    // Pressed later, though before the first request took effect.
    let record = show(&mut rig, pressed_ns + TICK_NS, Engage::Supervised);
    assert_eq!((record.mode, record.changed), (Some(Mode::Supervised), true));
}

#[test]
fn who_pressed_before_the_gate_went_on_by_itself_asks_again() {
    let mut rig = Rig::engaged(Mode::Automated);
    rig.engage = None;
    rig.distance_m = 9.0;
    rig.ticks(1);
    let pressed_ns = rig.now_ns;
    rig.distance_m = f64::INFINITY;
    // The old request stays in sight while the gate goes on.
    rig.engage = Some(EngageRequest { stamp_ns: pressed_ns - 50 * TICK_NS, request: Engage::Automated });
    let record = rig.ticks(51);
    assert_eq!((record.state, record.reason), (GateState::Engaged, Reason::ObstacleGone));
    assert_eq!(show(&mut rig, pressed_ns + TICK_NS, Engage::Supervised).mode, Some(Mode::Automated));
    let now_ns = rig.now_ns;
    assert_eq!(show(&mut rig, now_ns, Engage::Supervised).mode, Some(Mode::Supervised));
}

#[test]
fn a_request_waits_exactly_as_long_as_configured() {
    for (wait_ns, granted) in [(1_000 * MS, true), (1_000 * MS + 1, false)] {
        let mut rig = Rig::new();
        rig.ticks(1);
        let stamp_ns = rig.now_ns + TICK_NS - wait_ns;
        assert_eq!(show(&mut rig, stamp_ns, Engage::Supervised).active, granted);
    }
}

#[test]
fn disengaging_when_silent_changes_nothing() {
    let mut rig = Rig::new();
    rig.ticks(1);
    let stamp_ns = rig.now_ns + TICK_NS;
    let record = show(&mut rig, stamp_ns, Engage::Disengage);
    assert_eq!((record.state, record.reason, record.changed), (GateState::Silent, Reason::StartUp, false));
}
