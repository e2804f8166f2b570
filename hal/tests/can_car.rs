//! The simulated car's profile: commands that passed the gate survive the bus, and what is not from the car is not believed.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use auriga_geometry::LogicalTime;
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
    safe_command_at(0.1, wanted)
}

/// The simulated car's gate.
fn gate() -> Gate {
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
    Gate::new(GateConfig::of(limits)).unwrap()
}

/// A command that passed a real gate, for wheels that stand at an angle.
fn safe_command_at(steering_angle_rad: f64, wanted: f64) -> SafeCommand {
    let mut gate = gate();
    let inputs = |stamp_ns| GateInputs {
        vehicle: Some(VehicleState {
            stamp_ns,
            speed_mps: 5.0,
            steering_angle_rad,
            driver_torque_nm: 0.0,
            driver_brake: 0.0,
            driver_gas: 0.0,
        }),
        obstacle: Some(NearestObstacle { stamp_ns, distance_m: f64::INFINITY, closing_speed_mps: None }),
        engage: Some(EngageRequest { stamp_ns: 1, request: Engage::Automated }),
        command: Some(Command { stamp_ns, steering_angle_rad, acceleration_mps2: wanted }),
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
        car.advance(LogicalTime::from_nanos(10_000_000 * i64::from(turn)));
        let &[frame] = car.say(command).unwrap() else { panic!("one frame for each command") };
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
fn what_the_car_says_grows_old() {
    let mut car = bind(&text("auriga-sim.toml")).unwrap();
    let at = |millis: i64| LogicalTime::from_nanos(millis * 1_000_000);
    let mut last = None;
    car.advance(at(100));
    assert!(car.hear(&state_frame(12.0, 0.1, &mut last)));
    car.advance(at(150));
    assert_eq!((car.state().speed_mps, car.state().heard), (Some(12.0), Some(at(100))));
    car.advance(at(151));
    assert_eq!(
        (car.state().speed_mps, car.state().steering_angle_rad, car.state().heard),
        (None, None, None)
    );
    car.advance(at(0));
    assert_eq!(car.state().speed_mps, None, "time does not go back");
    assert!(car.hear(&state_frame(11.0, 0.1, &mut last)));
    assert_eq!((car.state().speed_mps, car.state().heard), (Some(11.0), Some(at(151))));
}

#[test]
fn two_that_speak_as_the_car_are_not_believed() {
    let mut car = bind(&text("auriga-sim.toml")).unwrap();
    let (mut genuine, mut forged) = (None, None);
    for _ in 0..5 {
        assert!(car.hear(&state_frame(12.0, 0.0, &mut genuine)));
    }
    forged.clone_from(&genuine);
    assert!(car.hear(&state_frame(0.0, 0.0, &mut forged)), "nobody can know yet");
    for _ in 0..40 {
        assert!(!car.hear(&state_frame(12.0, 0.0, &mut genuine)));
        assert!(!car.hear(&state_frame(0.0, 0.0, &mut forged)));
    }
    assert_eq!(car.counts().distrusted, 80);
    let believed = (0..10).find(|_| car.hear(&state_frame(12.0, 0.0, &mut genuine)));
    assert!(believed.is_some_and(|after| after >= 3), "alone again, and only after a while: {believed:?}");
}

#[test]
fn commands_beyond_what_the_car_accepts_are_refused() {
    let profile = text("auriga-sim.toml");
    let with = |from: &str, to: &str| {
        assert!(profile.contains(from));
        bind(&profile.replacen(from, to, 1)).unwrap()
    };
    let refusal = |car: &mut CanCar, angle: f64, acceleration: f64| {
        car.say(safe_command_at(angle, acceleration)).unwrap_err().to_string()
    };
    assert!(refusal(&mut with("[-8.0, 3.0]", "[-0.2, 3.0]"), 0.1, -1.0).contains("m/s²"));
    assert!(refusal(&mut with("[-8.0, 3.0]", "[-8.0, 0.05]"), 0.1, 1.0).contains("m/s²"));
    let mut narrow = with("steering_angle_rad = 0.6", "steering_angle_rad = 0.05");
    assert!(refusal(&mut narrow, 0.1, 0.0).contains("wheel angle"));
    assert_eq!(narrow.say(safe_command_at(0.04, 0.0)).unwrap().len(), 1);

    let mut car = with("[-8.0, 3.0]", "[-8.0, 3.0]");
    let at = |millis: i64| LogicalTime::from_nanos(millis * 1_000_000);
    assert_eq!(car.say(safe_command_at(0.1, 0.0)).unwrap().len(), 1);
    car.advance(at(10));
    assert!(refusal(&mut car, 0.2, 0.0).contains("jumps"));
    assert_eq!(car.say(safe_command_at(0.105, 0.0)).unwrap().len(), 1);
    // However long it was silent: the wheels do not jump.
    car.advance(at(9_000));
    assert!(refusal(&mut car, 0.2, 0.0).contains("jumps"));
}

/// A safe command of a gate that was never engaged.
fn silence() -> SafeCommand {
    gate().step(1, &GateInputs::default())
}

#[test]
fn a_silent_gate_says_nothing_on_the_bus() {
    let mut car = bind(&text("auriga-sim.toml")).unwrap();
    assert!(car.say(silence()).unwrap().is_empty());
}

/// A frame of the RAV4 with some of its signals, with its checksum.
fn rav4(name: &str, signals: &[(&str, f64)]) -> CanFrame {
    let database = Database::read(&configs().join("can/toyota_rav4_tssp.dbc")).unwrap();
    let message = database.message_by_name(name).unwrap();
    let mut values = vec![None; message.signals().len()];
    for (signal, value) in signals {
        values[message.index_of(signal).unwrap()] = Some(*value);
    }
    let mut data = vec![0; message.length];
    message.encode(&values, &mut data).unwrap();
    let _ = Protection { checksum: Some(Checksum::Toyota), counter: None }.seal(message.id, &mut data, None);
    CanFrame::classic(message.id, &data).unwrap()
}

#[test]
fn the_rav4_takes_a_torque_and_an_acceleration_as_opendbc_has_them() {
    // PyPI opendbc 0.3.1, CANPacker("toyota_new_mc_pt_generated"): STEERING_LKA with STEER_REQUEST 1, STEER_TORQUE_CMD
    // -123, SET_ME_1 1, COUNTER 5; ACC_CONTROL with ACCEL_CMD -1.234, PERMIT_BRAKING 1, RELEASE_STANDSTILL 1, ACC_TYPE 1.
    let steering = [("REQUEST", 1.0), ("TORQUE", -123.0), ("ALWAYS_1", 1.0), ("COUNTER", 5.0)];
    assert_eq!(rav4("STEERING_COMMAND", &steering).data(), [0x8b, 0xff, 0x85, 0x00, 0xfa]);
    let acceleration =
        [("ACCELERATION", -1.234), ("PERMIT_BRAKING", 1.0), ("RELEASE_STANDSTILL", 1.0), ("TYPE", 1.0)];
    assert_eq!(rav4("ACCELERATION_COMMAND", &acceleration).data(), [0xfb, 0x2e, 0x40, 0xc0, 0, 0, 0, 0x77]);

    let mut car = bind(&text("toyota-rav4-tssp.toml")).unwrap();
    assert!(car.say(safe_command(0.0)).unwrap_err().to_string().contains("wheel angle"), "nothing was heard");
    let (mut torques, mut accelerations): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
    let mut last = None;
    for turn in 0..300 {
        car.advance(LogicalTime::from_nanos(10_000_000 * turn));
        // The wheels stand at 0, and the motor does what it is told, in its own units.
        assert!(car.hear(&rav4("STEERING_ANGLE", &[])));
        let motor = torques.last().copied().unwrap_or(0.0) / 0.73;
        assert!(car.hear(&rav4("STEERING_TORQUE", &[("MOTOR", f64::round(motor))])));
        for frame in car.say(safe_command(-0.3)).unwrap() {
            let database = Database::read(&configs().join("can/toyota_rav4_tssp.dbc")).unwrap();
            let message = database.message(frame.id).unwrap();
            let value =
                |name: &str| message.decode_signal(message.index_of(name).unwrap(), frame.data()).unwrap();
            if frame.id == CanId::Standard(740) {
                let counter = Counter { byte: 0, shift: 1, bits: 6, most: 63 };
                let protection = Protection { checksum: Some(Checksum::Toyota), counter: Some(counter) };
                assert_eq!(protection.check(frame.id, frame.data(), &mut last), Checked::Good);
                assert_eq!((value("REQUEST"), value("ALWAYS_1")), (1.0, 1.0));
                torques.push(value("TORQUE"));
            } else {
                assert_eq!((value("PERMIT_BRAKING"), value("TYPE")), (1.0, 1.0));
                accelerations.push(value("ACCELERATION"));
            }
        }
    }
    assert_eq!((torques.len(), accelerations.len()), (300, 100), "100 Hz and 33 Hz");
    // opendbc's limits, stated once more: 1500, up by 15, and no jump from 0.
    let rising = torques.windows(2).all(|pair| pair[1] - pair[0] <= 15.0);
    assert!(rising && torques[0] <= 15.0, "{torques:?}");
    assert_eq!(torques.iter().fold(0.0_f64, |most, torque| most.max(*torque)), 1500.0);
    assert!(accelerations.iter().all(|value| (value + 0.3).abs() < 1e-9), "{accelerations:?}");
}

#[test]
fn a_steering_motor_that_does_not_follow_gets_no_more_torque() {
    let mut car = bind(&text("toyota-rav4-tssp.toml")).unwrap();
    let mut most = 0.0_f64;
    for turn in 0..200 {
        car.advance(LogicalTime::from_nanos(10_000_000 * turn));
        assert!(car.hear(&rav4("STEERING_ANGLE", &[])));
        assert!(car.hear(&rav4("STEERING_TORQUE", &[])));
        let database = Database::read(&configs().join("can/toyota_rav4_tssp.dbc")).unwrap();
        for frame in car.say(safe_command(0.0)).unwrap() {
            if let Some((_, place, _)) = database.signal("STEERING_COMMAND", "TORQUE")
                && frame.id == CanId::Standard(740)
            {
                let message = database.message(frame.id).unwrap();
                most = most.max(message.decode_signal(place, frame.data()).unwrap());
            }
        }
    }
    assert_eq!(most, 350.0, "350 beyond what the motor gives");
}

#[test]
fn a_car_that_is_only_listened_to_takes_no_command() {
    let whole = text("toyota-rav4-tssp.toml");
    let mut car = bind(whole.split("[command]").next().unwrap()).unwrap();
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
        ("\"COMMAND.ACTIVE\"", "\"COMMANDS.ACTIVE\"", "COMMANDS"),
        ("COMMAND.HOLD", "COMMAND.HELD", "COMMAND.HELD"),
        ("autosar_profile2", "autosar_profile9", "autosar_profile9"),
        ("[timing]", "[timings]", "timings"),
        ("COMMAND = { period_ms = 10.0 }", "", "COMMAND.period_ms"),
        (", timeout_ms = 50.0", "", "STATE.timeout_ms"),
        ("timeout_ms = 50.0", "timeout_ms = 5.0", "above the period"),
        ("STATE = { period_ms", "STATUS = { period_ms", "STATUS"),
        ("[-8.0, 3.0]", "[8.0, 3.0]", "command.limits"),
        ("steering_angle_rad = \"COMMAND.STEERING_ANGLE\"\n", "", "steering_torque"),
    ] {
        assert!(good.contains(from));
        let error = bind(&good.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.starts_with("profile.toml: ") && error.contains(part), "{error}");
    }
}
