//! The platforms' conformance suite on the simulated car: the actuating half right here and behind a bus, the sensing half
//! behind a bus (`platform.rs` has it right here).

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod town;

use auriga_hal::can::{CanBus, CanFrame, Database, VehicleProfile};
use auriga_hal::conformance::actuating;
use auriga_hal::conformance::sensing::{Rule, SensingCheck};
use auriga_hal::{HalError, Platform, SensorRig};
use auriga_sim_bridge::bus::{BusToCar, CanPlatform, CarSetup, Fault, SimCar, Start};
use auriga_sim_bridge::{EmbeddedPlatform, Scenario};
use std::collections::VecDeque;
use std::time::Duration;
use town::Town;

/// A bus with the car at its other end, in one thread.
struct Wire {
    car: SimCar,
    waiting: VecDeque<CanFrame>,
}

impl CanBus for Wire {
    fn name(&self) -> &str {
        "wire"
    }

    fn send(&mut self, frame: &CanFrame) -> Result<(), HalError> {
        self.car.hear(frame)?;
        self.waiting.extend(self.car.said());
        Ok(())
    }

    fn receive(&mut self, _: Duration) -> Result<Option<CanFrame>, HalError> {
        Ok(self.waiting.pop_front())
    }

    fn recover(&mut self) -> Result<(), HalError> {
        Ok(())
    }
}

/// Alone on the road, at 8 m/s, seeing nothing.
fn scene(town: &Town) -> (Scenario, SensorRig) {
    let mut scenario = town.scenario("short");
    scenario.ego.speed_mps = 8.0;
    (scenario.traffic.vehicles, scenario.traffic.pedestrians) = (0, 0);
    let mut rig = town.quick_rig();
    (rig.lidar, rig.camera) = (None, None);
    (scenario, rig)
}

fn behind_a_bus(
    town: &Town,
    (scenario, rig): &(Scenario, SensorRig),
    faults: &[&str],
) -> Result<Box<dyn Platform>, HalError> {
    let profile =
        VehicleProfile::from_toml(&town::read("configs/vehicles/auriga-sim.toml"), "auriga-sim.toml")?;
    let database = Database::from_dbc(&town::read("configs/can/auriga_sim.dbc"), "auriga_sim.dbc")?;
    let (listener, speaker) = (profile.bind(database.clone())?, profile.bind(database.clone())?);
    let faults: Vec<Fault> = faults.iter().map(|fault| fault.parse().unwrap()).collect();
    let setup = CarSetup { plant: town.plant.clone(), wheels: rig.wheels.clone(), profile, database, faults };
    let wire = Wire { car: SimCar::new(setup, Start::default())?, waiting: VecDeque::new() };
    let car = BusToCar { bus: Box::new(wire), listener, speaker };
    Ok(Box::new(CanPlatform::new(scenario, &town.map, rig, &town.plant, 3, car)?))
}

#[test]
fn the_simulated_car_right_here_conforms() {
    let town = Town::load();
    let (scenario, rig) = scene(&town);
    let broken = actuating::check(&mut || {
        Ok(Box::new(EmbeddedPlatform::new(&scenario, &town.map, &rig, &town.plant, 3)?))
    });
    assert_eq!(broken.unwrap(), Vec::<String>::new());
}

#[test]
fn the_simulated_car_behind_a_bus_conforms() {
    let town = Town::load();
    let broken = actuating::check(&mut || behind_a_bus(&town, &scene(&town), &[]));
    assert_eq!(broken.unwrap(), Vec::<String>::new());
}

#[test]
fn must_fail_a_bus_that_loses_commands_does_not_conform() {
    let town = Town::load();
    let lost = actuating::check(&mut || behind_a_bus(&town, &scene(&town), &["drop:COMMAND@0"])).unwrap();
    assert!(lost.iter().any(|law| law.contains("does not act at all")), "{lost:#?}");
    assert!(lost.iter().any(|law| law.contains("to steer")), "{lost:#?}");
}

#[test]
fn what_comes_over_a_bus_conforms() {
    let town = Town::load();
    let mut scenario = town.scenario("short");
    for seconds in [None, Some(1.0)] {
        scenario.duration_s = seconds.unwrap_or(scenario.duration_s);
        let scene = (scenario.clone(), town.quick_rig());
        let report = SensingCheck::default().run(|| behind_a_bus(&town, &scene, &[])).unwrap();
        assert!(report.breaches.is_empty() && report.counts.len() == 8, "{report}");
        assert_eq!(report.finished, seconds.is_some());
    }
}

#[test]
fn must_fail_a_bus_with_another_car_each_time_does_not_conform() {
    let town = Town::load();
    let scene = scene(&town);
    let mut times = 0;
    let report = SensingCheck::default().run(|| {
        times += 1;
        // The second of the two that must say the same says everything later.
        behind_a_bus(&town, &scene, if times == 2 { &["delay=0.03:STATE@0.5"] } else { &[] })
    });
    assert_eq!(report.unwrap().rules(), [Rule::Determinism]);
}
