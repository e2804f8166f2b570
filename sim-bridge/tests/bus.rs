//! The simulated car on its bus, driven by a real gate: closed loop over CAN frames, with every fault of the degradation
//! table.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a failed unwrap is a failed test; figures are shown"
)]

mod town;

use auriga_geometry::{LogicalDuration, LogicalTime};
use auriga_hal::SensorRig;
use auriga_hal::can::{CanCar, CanFrame, Database, VehicleProfile};
use auriga_safety::{
    Command, Engage, EngageRequest, Gate, GateConfig, GateInputs, GateState, NearestObstacle, VehicleLimits,
    VehicleState,
};
use auriga_sim_bridge::bus::{BenchMessages, CarSetup, Fault, Motion, Pace, Request, SimCar, Start, Status};
use auriga_sim_bridge::plant::PlantParameters;
use serde::Deserialize;

const TICK: LogicalDuration = LogicalDuration::from_millis(10);
const CRUISE_MPS: f64 = 10.0;
/// When faults begin.
const ONSET_S: f64 = 3.0;

fn setup(faults: Vec<Fault>) -> CarSetup {
    CarSetup {
        plant: PlantParameters::from_toml(&town::read("configs/vehicles/auriga-sedan-plant.toml"), "plant")
            .unwrap(),
        wheels: SensorRig::from_toml(&town::read("configs/sensors/default.toml"), "rig").unwrap().wheels,
        profile: VehicleProfile::from_toml(&town::read("configs/vehicles/auriga-sim.toml"), "profile")
            .unwrap(),
        database: Database::from_dbc(&town::read("configs/can/auriga_sim.dbc"), "dbc").unwrap(),
        faults,
    }
}

fn gate() -> Gate {
    Gate::new(GateConfig::of(VehicleLimits {
        wheelbase_m: 2.8,
        front_m: 3.65,
        rear_m: 0.95,
        width_m: 1.85,
        max_steering_angle_rad: 0.6,
        max_steering_rate_rad_s: 0.6,
        max_deceleration_mps2: 8.0,
        max_acceleration_mps2: 3.0,
    }))
    .unwrap()
}

/// A stack that keeps a speed straight on, a gate, and the car behind its bus.
struct Loop {
    car: SimCar,
    listener: CanCar,
    speaker: CanCar,
    gate: Gate,
    bench: BenchMessages,
    now: LogicalTime,
    vehicle: Option<VehicleState>,
    engage: Option<EngageRequest>,
    motion: Motion,
    /// All that went over the bus.
    log: Vec<CanFrame>,
}

impl Loop {
    fn new(faults: Vec<Fault>) -> Self {
        let setup = setup(faults);
        let bind = || setup.profile.bind(setup.database.clone()).unwrap();
        let (listener, speaker) = (bind(), bind());
        let mut bench = BenchMessages::new().unwrap();
        let mut car = SimCar::new(setup, Start::default()).unwrap();
        let start = Start { speed: CRUISE_MPS, seed: 7, ..Start::default() };
        for frame in bench.start(&start).unwrap() {
            car.hear(&frame).unwrap();
        }
        car.hear(&bench.clock(LogicalTime::ZERO, Request::Start).unwrap()).unwrap();
        let said: Vec<CanFrame> = car.said().collect();
        assert_eq!(bench.read_done(&said[0]), Some((LogicalTime::ZERO, Status::Done)));
        assert_eq!((said.len(), car.pace()), (1, Pace::Bench));
        Self {
            car,
            listener,
            speaker,
            gate: gate(),
            bench,
            now: LogicalTime::ZERO,
            vehicle: None,
            engage: None,
            motion: Motion::default(),
            log: Vec::new(),
        }
    }

    /// One tick: the car moves on and is heard; 7 ms later the gate decides; 1 ms later that is in effect.
    fn tick(&mut self) {
        self.car.hear(&self.bench.clock(self.now, Request::Advance).unwrap()).unwrap();
        self.listener.advance(self.now);
        for frame in self.car.said() {
            self.log.push(frame);
            if !self.bench.read_motion(&frame, &mut self.motion) {
                self.listener.hear(&frame);
            }
        }
        self.look();
        let decides = self.now + LogicalDuration::from_millis(7);
        let stamp_ns = decides.as_nanos();
        let believed = self.vehicle.map_or(CRUISE_MPS, |vehicle| vehicle.speed_mps);
        let command = self.gate.step(
            stamp_ns,
            &GateInputs {
                vehicle: self.vehicle,
                obstacle: Some(NearestObstacle {
                    stamp_ns,
                    distance_m: f64::INFINITY,
                    closing_speed_mps: None,
                }),
                engage: self.engage,
                command: Some(Command {
                    stamp_ns,
                    steering_angle_rad: 0.0,
                    acceleration_mps2: (CRUISE_MPS - believed).clamp(-2.0, 2.0),
                }),
            },
        );
        let effective = decides + LogicalDuration::from_millis(1);
        self.speaker.advance(effective);
        self.car.hear(&self.bench.clock(effective, Request::Clock).unwrap()).unwrap();
        for frame in self.speaker.say(command).unwrap() {
            self.log.push(*frame);
            self.car.hear(frame).unwrap();
        }
        self.now += TICK;
    }

    /// What the gate is told: a state only while the bus gives one.
    fn look(&mut self) {
        let state = self.listener.state();
        if state.engage == Some(2.0) && self.engage.is_none() {
            self.engage = Some(EngageRequest { stamp_ns: self.now.as_nanos(), request: Engage::Automated });
        }
        let complete = || {
            Some(VehicleState {
                stamp_ns: state.heard?.as_nanos(),
                speed_mps: state.speed_mps?,
                steering_angle_rad: state.steering_angle_rad?,
                driver_torque_nm: state.driver_torque_nm?,
                driver_brake: state.driver_brake?,
                driver_gas: state.driver_gas?,
            })
        };
        self.vehicle = complete().or(self.vehicle);
    }
}

#[derive(Deserialize)]
struct Table {
    can: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    what: String,
    fault: String,
    for_s: Option<f64>,
    then: String,
    begins_within_s: Option<f64>,
    stands_within_s: Option<f64>,
}

/// What became of the car.
struct Outcome {
    begins_s: Option<f64>,
    stands_s: Option<f64>,
    moved_again: bool,
    stops_by_itself: bool,
    gate_stopped: bool,
    end_speed: f64,
    widest_steering: f64,
}

fn drive(row: &Row) -> Outcome {
    let until = row.for_s.map_or(String::new(), |span| format!("-{}", ONSET_S + span));
    let fault: Fault = format!("{}@{ONSET_S}{until}", row.fault).parse().unwrap();
    let mut drive = Loop::new(vec![fault]);
    let mut outcome = Outcome {
        begins_s: None,
        stands_s: None,
        moved_again: false,
        stops_by_itself: false,
        gate_stopped: false,
        end_speed: 0.0,
        widest_steering: 0.0,
    };
    while drive.now.as_secs_f64() < ONSET_S + 9.0 {
        drive.tick();
        let (at, motion) = (drive.now.as_secs_f64() - ONSET_S, drive.motion);
        if at <= 0.0 {
            assert!((motion.state.speed - CRUISE_MPS).abs() < 0.5, "{}: {}", row.what, motion.state.speed);
            assert!(!motion.stops_by_itself, "{}", row.what);
            continue;
        }
        if motion.demand <= -2.5 {
            outcome.begins_s.get_or_insert(at);
        }
        match outcome.stands_s {
            None if motion.state.speed == 0.0 => outcome.stands_s = Some(at),
            Some(_) => outcome.moved_again |= motion.state.speed > 0.0,
            None => {}
        }
        outcome.stops_by_itself |= motion.stops_by_itself;
        outcome.gate_stopped |=
            matches!(drive.gate.state(), GateState::MinimalRiskStop | GateState::StandstillHold);
        outcome.widest_steering = outcome.widest_steering.max(motion.state.steering_angle.abs());
        outcome.end_speed = motion.state.speed;
    }
    outcome
}

#[test]
fn every_fault_of_the_bus_ends_as_the_degradation_table_says() {
    let table: Table = toml::from_str(&town::read("configs/degradation.toml")).unwrap();
    let mut tested = 0;
    let mut wrong = Vec::new();
    for row in table.can.iter().filter(|row| !row.fault.starts_with("kill")) {
        let outcome = drive(row);
        let begins = outcome.begins_s.unwrap_or(f64::INFINITY);
        let stands = outcome.stands_s.unwrap_or(f64::INFINITY);
        println!(
            "{:24} {:11} begins {begins:.2} s, stands {stands:.2} s, {}",
            row.fault,
            row.then,
            if outcome.stops_by_itself { "by itself" } else { "" }
        );
        let stopped = || {
            begins <= row.begins_within_s.unwrap()
                && stands <= row.stands_within_s.unwrap()
                && !outcome.moved_again
        };
        let good = match row.then.as_str() {
            "drives on" => {
                (outcome.end_speed - CRUISE_MPS).abs() < 0.5
                    && !outcome.stops_by_itself
                    && !outcome.gate_stopped
            }
            "gate stops" => stopped() && outcome.gate_stopped && !outcome.stops_by_itself,
            "car stops" => stopped() && outcome.stops_by_itself,
            other => panic!("`{other}` is not what can be"),
        };
        if !good || outcome.widest_steering > 0.02 {
            wrong.push(format!("{}: begins {begins}, stands {stands}", row.what));
        }
        tested += 1;
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(tested >= 20, "{tested}");
}

#[test]
fn the_same_drive_is_the_same_to_the_byte() {
    let drive = |faults: &[&str]| {
        let mut drive = Loop::new(faults.iter().map(|fault| fault.parse().unwrap()).collect());
        for _ in 0..300 {
            drive.tick();
        }
        drive.log
    };
    let faults = ["corrupt:STATE@1-2", "delay=0.03:COMMAND@1.5", "forge:STATE@2.5"];
    assert_eq!(drive(&faults), drive(&faults));
    assert!(drive(&[]) != drive(&faults));
    assert!(drive(&[]).len() > 300 * 7);
}

#[test]
fn by_the_clock_the_car_says_its_messages_at_their_periods() {
    let setup = setup(Vec::new());
    let (state, driver) = (256, 257);
    let mut car = SimCar::new(setup, Start { speed: 5.0, ..Start::default() }).unwrap();
    let mut heard = Vec::new();
    for step in 0..200 {
        let now = LogicalTime::from_nanos(step * 5_000_000 + 1);
        car.advance(now).unwrap();
        heard.extend(car.said().map(|frame| (now, frame.id.number())));
    }
    let count = |id| heard.iter().filter(|(_, other)| *other == id).count();
    assert_eq!((count(state), count(driver), car.pace()), (100, 50, Pace::Clock));
    // Nobody has commanded anything: it drives as it did.
    assert!((car.motion().state.speed - 5.0).abs() < 0.2);
    assert!(!car.motion().stops_by_itself);
}

#[test]
fn a_bench_that_asks_out_of_turn_is_told_so() {
    let mut bench = BenchMessages::new().unwrap();
    let mut car = SimCar::new(setup(Vec::new()), Start::default()).unwrap();
    let mut ask = |car: &mut SimCar, millis: i64, request| {
        let at = LogicalTime::from_nanos(millis * 1_000_000);
        car.hear(&bench.clock(at, request).unwrap()).unwrap();
        let said: Vec<CanFrame> = car.said().collect();
        said.last().and_then(|frame| bench.read_done(frame)).map(|(_, status)| status)
    };
    assert_eq!(ask(&mut car, 10, Request::Advance), Some(Status::NotStarted));
    assert_eq!(ask(&mut car, 0, Request::Start), Some(Status::Done));
    assert_eq!(ask(&mut car, 10, Request::Advance), Some(Status::Done));
    car.go_on_alone();
    assert_eq!(ask(&mut car, 20, Request::Advance), Some(Status::WentOnAlone));
    assert_eq!(ask(&mut car, 0, Request::Start), Some(Status::Done));
    assert_eq!(ask(&mut car, 10, Request::Advance), Some(Status::Done));
    assert_eq!(ask(&mut car, 10, Request::End), None);
    assert_eq!(car.pace(), Pace::Ended);
}

#[test]
fn commands_beyond_what_the_car_can_do_are_not_obeyed() {
    let setup = setup(Vec::new());
    let command = setup.database.message_by_name("COMMAND").unwrap().clone();
    let protection = setup.profile.protection("COMMAND").unwrap();
    let mut car = SimCar::new(setup, Start { speed: 10.0, ..Start::default() }).unwrap();
    let place = |name| command.index_of(name).unwrap();
    let mut counter = None;
    let mut millis = 0;
    let mut obeyed = |angle: f64, acceleration: f64, active: f64| {
        millis += 10;
        car.advance(LogicalTime::from_nanos(millis * 1_000_000)).unwrap();
        let mut values = vec![None; command.signals().len()];
        values[place("ACTIVE")] = Some(active);
        values[place("STEERING_ANGLE")] = Some(angle);
        values[place("ACCELERATION")] = Some(acceleration);
        let mut data = [0; 8];
        command.encode(&values, &mut data).unwrap();
        counter = protection.seal(command.id, &mut data, counter);
        let before = car.report().commands.obeyed;
        car.hear(&CanFrame::classic(command.id, &data).unwrap()).unwrap();
        car.report().commands.obeyed > before
    };
    assert!(obeyed(0.0, 1.0, 1.0));
    assert!(!obeyed(0.0, 1.0, 0.0), "not active");
    assert!(!obeyed(0.0, 4.0, 1.0), "more than the motor has");
    assert!(!obeyed(0.0, -9.0, 1.0), "more than the brakes have");
    assert!(!obeyed(0.7, 0.0, 1.0), "past the steering's stop");
    assert!(!obeyed(0.3, 0.0, 1.0), "faster than the steering turns");
    assert!(obeyed(0.02, -1.0, 1.0));
}
