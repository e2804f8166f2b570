//! The simulated car's profile: commands that passed the gate survive the bus, and what is not from the car is not believed.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use auriga_hal::HalError;
use auriga_hal::can::{
    CanCar, CanFrame, CanId, Checked, Checksum, Counter, Database, Protection, VehicleProfile,
};
use auriga_safety::{
    Command, Engage, EngageRequest, Gate, GateConfig, GateInputs, NearestObstacle, SafeCommand,
    VehicleLimits, VehicleState,
};
use std::path::{Path, PathBuf};

const STATE: CanId = CanId::Standard(256);
const COMMAND: CanId = CanId::Standard(512);

fn configs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs")
}

fn text(profile: &str) -> String {
    std::fs::read_to_string(configs().join("vehicles").join(profile)).unwrap()
}

fn bind(text: &str) -> Result<CanCar, HalError> {
    let profile = VehicleProfile::from_toml(text, "profile.toml")?;
    let database = Database::read(&configs().join("can").join(&profile.dbc)).unwrap();
    profile.bind(database)
}

fn protection(data_id: u8) -> Protection {
    Protection {
        checksum: Some(Checksum::AutosarProfile2 { data_ids: [data_id; 16] }),
        counter: Some(Counter { byte: 1, shift: 0, bits: 4, most: 15 }),
    }
}

/// The car's side: a state frame.
fn state_frame(speed: f64, angle: f64, last: &mut Option<u8>) -> CanFrame {
    let database = Database::read(&configs().join("can/auriga_sim.dbc")).unwrap();
    let message = database.message(STATE).unwrap();
    let mut data = [0; 8];
    message.encode(&[None, None, Some(speed), Some(angle), Some(0.0)], &mut data).unwrap();
    *last = protection(0x5a).seal(STATE, &mut data, *last);
    CanFrame::classic(STATE, &data).unwrap()
}

/// A command that passed a real gate.
fn safe_command(wanted: f64) -> SafeCommand {
    let limits = VehicleLimits {
        wheelbase_m: 2.8,
        front_m: 3.65,
        rear_m: 0.95,
        width_m: 1.85,
        max_steering_angle_rad: 0.6,
        max_steering_rate_rad_s: 0.6,
        max_deceleration_mps2: 8.0,
        max_acceleration_mps2: 3.0,
    };
    let mut gate = Gate::new(GateConfig::of(limits)).unwrap();
    let inputs = |stamp_ns| GateInputs {
        vehicle: Some(VehicleState {
            stamp_ns,
            speed_mps: 5.0,
            steering_angle_rad: 0.1,
            driver_torque_nm: 0.0,
            driver_brake: 0.0,
            driver_gas: 0.0,
        }),
        obstacle: Some(NearestObstacle { stamp_ns, distance_m: f64::INFINITY, closing_speed_mps: None }),
        engage: Some(EngageRequest { stamp_ns: 1, request: Engage::Automated }),
        command: Some(Command { stamp_ns, steering_angle_rad: 0.1, acceleration_mps2: wanted }),
    };
    let _ = gate.step(1, &inputs(1));
    gate.step(10_000_001, &inputs(10_000_001))
}

#[test]
fn a_command_reaches_the_other_side_sealed_and_rounded_by_less_than_a_step() {
    let mut car = bind(&text("auriga-sim.toml")).unwrap();
    let database = Database::read(&configs().join("can/auriga_sim.dbc")).unwrap();
    let message = database.message(COMMAND).unwrap();
    let mut heard = None;
    for turn in 0..40 {
        let command = safe_command(-0.05 * f64::from(turn % 5));
        let record = command.record();
        let frame = car.say(command).unwrap();
        assert_eq!(frame.id, COMMAND);
        assert_eq!(protection(0xc0).check(COMMAND, frame.data(), &mut heard), Checked::Good);
        let value = |name| message.decode_signal(message.index_of(name).unwrap(), frame.data()).unwrap();
        assert_eq!((value("ACTIVE"), value("HOLD")), (1.0, 0.0));
        assert!((value("STEERING_ANGLE") - record.steering_angle_rad).abs() <= 0.000_025_1);
        assert!((value("ACCELERATION") - record.acceleration_mps2).abs() <= 0.000_501);
    }
}

#[test]
fn state_is_heard_and_what_is_wrong_is_not_believed() {
    let mut car = bind(&text("auriga-sim.toml")).unwrap();
    let mut last = None;
    let first = state_frame(12.5, -0.2, &mut last);
    assert!(car.hear(&first));
    let state = car.state();
    assert_eq!((state.speed_mps, state.driver_brake), (Some(12.5), None));
    assert!((state.steering_angle_rad.unwrap() + 0.2).abs() < 1e-9);

    assert!(!car.hear(&first), "replayed");
    let mut corrupted = state_frame(50.0, 0.0, &mut last);
    corrupted.data_mut()[2] ^= 4;
    assert!(!car.hear(&corrupted));
    let mut forged = [0; 8];
    protection(0x77).seal(STATE, &mut forged, last);
    assert!(!car.hear(&CanFrame::classic(STATE, &forged).unwrap()), "somebody else's data identifier");
    assert!(!car.hear(&CanFrame::classic(STATE, &first.data()[..4]).unwrap()), "cut short");
    assert!(!car.hear(&CanFrame::classic(CanId::Standard(3), &[]).unwrap()));
    assert_eq!(car.state().speed_mps, Some(12.5));

    // Two frames were lost on the way (one of them was the corrupted one).
    let _ = state_frame(13.0, 0.0, &mut last);
    assert!(car.hear(&state_frame(14.0, 0.0, &mut last)));
    let counts = car.counts();
    assert_eq!(
        (counts.accepted, counts.repeated, counts.corrupted, counts.unknown, counts.lost),
        (2, 1, 3, 1, 2)
    );
    assert_eq!(car.state().speed_mps, Some(14.0));
}

#[test]
fn a_car_that_is_only_listened_to_takes_no_command() {
    let mut car = bind(&text("toyota-rav4-tssp.toml")).unwrap();
    assert!(car.say(safe_command(0.0)).unwrap_err().to_string().contains("no command message"));
    let wheels = CanFrame::classic(CanId::Standard(170), &[0x30; 8]).unwrap();
    assert!(car.hear(&wheels));
    let expected = (f64::from(0x3030) * 0.01 - 67.67) / 3.6;
    assert!((car.state().speed_mps.unwrap() - expected).abs() < 1e-9);
}

#[test]
fn what_the_profile_names_must_exist() {
    let good = text("auriga-sim.toml");
    for (from, to, part) in [
        ("STATE.SPEED", "STATE.SPEEDS", "STATE.SPEEDS"),
        ("STATE.SPEED", "STATES.SPEED", "STATES"),
        ("STATE.SPEED", "SPEED", "MESSAGE.SIGNAL"),
        ("message = \"COMMAND\"", "message = \"COMMANDS\"", "COMMANDS"),
        ("hold = \"HOLD\"", "hold = \"HELD\"", "HELD"),
        ("autosar_profile2", "autosar_profile9", "autosar_profile9"),
        ("[command]", "[orders]", "orders"),
    ] {
        assert!(good.contains(from));
        let error = bind(&good.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.starts_with("profile.toml: ") && error.contains(part), "{error}");
    }
}
