//! What a platform with a vehicle must do with safe commands.
//!
//! The suite drives fresh platforms, made by the caller, through a gate of its own: nobody else makes a safe command. It
//! looks at nothing but what the platform says of the car's state. The platform's car must drive straight on at 4 to 15 m/s
//! when it begins, with 60 m of free and even road before it.
//!
//! ```
//! use auriga_hal::conformance::actuating;
//! use auriga_hal::{HalError, Platform};
//!
//! fn test(mut platform: impl FnMut() -> Result<Box<dyn Platform>, HalError>) {
//!     let broken = actuating::check(&mut platform).unwrap();
//!     assert!(broken.is_empty(), "{broken:#?}");
//! }
//! ```

use crate::HalError;
use crate::platform::{Payload, Platform, SensorKind, SensorMessage, SensorSink, Sensors, Vehicle};
use auriga_geometry::{LogicalDuration, LogicalTime};
use auriga_messages::auriga_msgs::VehicleState;
use auriga_safety::{
    Command, Engage, EngageRequest, Gate, GateConfig, GateInputs, NearestObstacle, VehicleLimits,
    VehicleState as GateState,
};

/// Makes a fresh platform, the same each time.
pub type Make<'a> = &'a mut dyn FnMut() -> Result<Box<dyn Platform>, HalError>;

/// Adds what is broken.
type Law = fn(Make<'_>, &mut Vec<String>) -> Result<(), HalError>;

/// From a tick to the decision of the gate, and from there to its effect, as in `configs/timing/cpu.toml`.
const DECISION: LogicalDuration = LogicalDuration::from_millis(7);
const EFFECT: LogicalDuration = LogicalDuration::from_millis(1);
/// Nobody drives before this; then the suite does.
const TAKES_OVER_S: f64 = 0.3;
/// A vehicle's own time-out (the contract of [`Vehicle`]), s, and what is allowed on top for its brakes to bite.
const TIMEOUT_S: f64 = 0.2;
const BITE_S: f64 = 0.3;

/// Checks the whole contract. What comes back are the laws that were broken; none is as it should be.
///
/// # Errors
/// A platform that cannot be made, ticked or commanded.
pub fn check(make: Make<'_>) -> Result<Vec<String>, HalError> {
    let mut broken = Vec::new();
    let laws: [Law; 6] = [
        the_same_commands_give_the_same_states,
        no_command_acts_before_its_instant,
        it_brakes_and_speeds_up_as_told,
        it_steers_to_the_side_that_it_is_told,
        it_stands_when_held_and_never_rolls_back,
        without_commands_it_stops_by_itself,
    ];
    for law in laws {
        law(make, &mut broken)?;
    }
    Ok(broken)
}

fn the_same_commands_give_the_same_states(make: Make<'_>, broken: &mut Vec<String>) -> Result<(), HalError> {
    let wanted = |t: f64| Some(Wanted { steering: 0.02, acceleration: if t < 1.0 { 1.0 } else { -1.5 } });
    let (first, second) = (drive(make, 2.0, wanted)?, drive(make, 2.0, wanted)?);
    law(broken, first == second, "the same commands give different states");
    law(broken, first.len() > 20, "the car says its state less than ten times a second");
    let ordered = first.windows(2).all(|pair| time(&pair[0]) < time(&pair[1]));
    law(broken, ordered, "states are not in the order of time");
    Ok(())
}

fn no_command_acts_before_its_instant(make: Make<'_>, broken: &mut Vec<String>) -> Result<(), HalError> {
    let turn = 1.0;
    let gentle = drive(make, 1.5, |_| Some(Wanted { steering: 0.0, acceleration: 0.0 }))?;
    let braking = |t: f64| Wanted { steering: 0.0, acceleration: if t < turn { 0.0 } else { -6.0 } };
    let hard = drive(make, 1.5, |t| Some(braking(t)))?;
    // The first command that differs is decided in the tick at `turn`.
    let acts_from = turn + (DECISION + EFFECT).as_secs_f64();
    let before = |states: &[VehicleState]| -> Vec<VehicleState> {
        states.iter().filter(|state| time(state) <= acts_from).cloned().collect()
    };
    law(broken, before(&gentle) == before(&hard), "a command acts before its instant");
    law(broken, gentle != hard, "a command does not act at all");
    Ok(())
}

fn it_brakes_and_speeds_up_as_told(make: Make<'_>, broken: &mut Vec<String>) -> Result<(), HalError> {
    for acceleration in [-2.0, 1.0] {
        let states = drive(make, 2.5, |_| Some(Wanted { steering: 0.0, acceleration }))?;
        let speed =
            |t: f64| states.iter().find(|state| time(state) >= t).map_or(0.0, |state| state.speed_mps);
        // After drive and brakes have come up.
        let (from, to) = (1.2, 2.2);
        let gained = (speed(to) - speed(from)) / (to - from);
        let text = format!("told to accelerate by {acceleration} m/s², it does by {gained:.2}");
        law(broken, (gained - acceleration).abs() < 0.3 * acceleration.abs() + 0.2, &text);
    }
    Ok(())
}

fn it_steers_to_the_side_that_it_is_told(make: Make<'_>, broken: &mut Vec<String>) -> Result<(), HalError> {
    for steering in [0.04, -0.04] {
        let states = drive(make, 1.5, |_| Some(Wanted { steering, acceleration: 0.0 }))?;
        let angle = states.last().map_or(0.0, |state| state.steering_angle_rad);
        let text = format!("told to steer {steering} rad, its wheels are at {angle:.3}");
        law(broken, (angle - steering).abs() < 0.01, &text);
    }
    Ok(())
}

fn it_stands_when_held_and_never_rolls_back(
    make: Make<'_>,
    broken: &mut Vec<String>,
) -> Result<(), HalError> {
    let states = drive(make, 8.0, |_| Some(Wanted { steering: 0.0, acceleration: -4.0 }))?;
    law(broken, states.iter().all(|state| state.speed_mps >= 0.0), "braking, it rolls back");
    let late = states.iter().filter(|state| time(state) >= 7.0);
    law(broken, late.clone().count() > 0, "it does not say that it stands");
    law(broken, late.clone().all(|state| state.speed_mps == 0.0), "braked and held, it does not stand");
    Ok(())
}

fn without_commands_it_stops_by_itself(make: Make<'_>, broken: &mut Vec<String>) -> Result<(), HalError> {
    let ceases = 1.0;
    let states = drive(make, 9.0, |t| (t < ceases).then_some(Wanted { steering: 0.0, acceleration: 0.0 }))?;
    let speed = |t: f64| states.iter().find(|state| time(state) >= t).map_or(0.0, |state| state.speed_mps);
    let brakes = ceases + TIMEOUT_S + BITE_S;
    let text = format!("{:.2} s after the last command it does not brake", TIMEOUT_S + BITE_S);
    law(broken, speed(brakes + 0.5) < speed(brakes) - 0.5, &text);
    let late = states.iter().filter(|state| time(state) >= 8.5);
    law(
        broken,
        late.clone().all(|state| state.speed_mps == 0.0),
        "without commands it does not come to a stand",
    );
    Ok(())
}

fn law(broken: &mut Vec<String>, holds: bool, text: &str) {
    if !holds {
        broken.push(text.to_owned());
    }
}

fn time(state: &VehicleState) -> f64 {
    LogicalTime::from(&state.stamp).as_secs_f64()
}

/// What a controller would want.
#[derive(Clone, Copy)]
struct Wanted {
    steering: f64,
    acceleration: f64,
}

/// A gate for any passenger car.
fn gate() -> Result<Gate, HalError> {
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
    Gate::new(GateConfig::of(limits)).map_err(|error| HalError::Configuration {
        file: "conformance".to_owned(),
        problem: error.to_string(),
    })
}

/// Drives a fresh platform for some seconds. `wanted` says, by the time of the tick, what the controller wants; `None` is no
/// command at all. Gives the states that the platform said.
fn drive(
    make: Make<'_>,
    seconds: f64,
    wanted: impl Fn(f64) -> Option<Wanted>,
) -> Result<Vec<VehicleState>, HalError> {
    let missing = |problem: &str| HalError::Platform { platform: "conformance", problem: problem.to_owned() };
    let parts = make()?.split();
    let mut vehicle = parts.vehicle.ok_or_else(|| missing("the platform has no vehicle"))?;
    let mut sensors = parts.sensors;
    let mut gate = gate()?;
    let mut states: Vec<VehicleState> = Vec::new();
    let mut now = LogicalTime::ZERO;
    while now.as_secs_f64() < seconds {
        tick(&mut *sensors, now, &mut states)?;
        let t = now.as_secs_f64();
        if t >= TAKES_OVER_S
            && let Some(wanted) = wanted(t)
        {
            command(&mut gate, &mut *vehicle, now, states.last(), wanted)?;
        }
        now += sensors.tick_period();
    }
    Ok(states)
}

fn tick(sensors: &mut dyn Sensors, now: LogicalTime, states: &mut Vec<VehicleState>) -> Result<(), HalError> {
    let mut sink = SensorSink::default();
    sensors.tick(now, &mut sink)?;
    for emission in sink.emissions.into_iter().filter(|emission| emission.kind == SensorKind::VehicleState) {
        let message = match emission.payload {
            Payload::Ready(message) => Some(message),
            Payload::Pending(pending) => pending.recv().ok().and_then(Result::ok),
        };
        if let Some(SensorMessage::VehicleState(state)) = message {
            states.push(VehicleState::clone(&state));
        }
    }
    Ok(())
}

fn command(
    gate: &mut Gate,
    vehicle: &mut dyn Vehicle,
    now: LogicalTime,
    state: Option<&VehicleState>,
    wanted: Wanted,
) -> Result<(), HalError> {
    let decided = now + DECISION;
    let stamp_ns = decided.as_nanos();
    let command = gate.step(
        stamp_ns,
        &GateInputs {
            vehicle: state.map(|state| GateState {
                stamp_ns: LogicalTime::from(&state.stamp).as_nanos(),
                speed_mps: state.speed_mps,
                steering_angle_rad: state.steering_angle_rad,
                driver_torque_nm: state.driver_torque_nm,
                driver_brake: state.driver_brake,
                driver_gas: state.driver_gas,
            }),
            obstacle: Some(NearestObstacle { stamp_ns, distance_m: f64::INFINITY, closing_speed_mps: None }),
            engage: Some(EngageRequest { stamp_ns, request: Engage::Automated }),
            command: Some(Command {
                stamp_ns,
                steering_angle_rad: wanted.steering,
                acceleration_mps2: wanted.acceleration,
            }),
        },
    );
    vehicle.actuate(command, decided + EFFECT)
}
