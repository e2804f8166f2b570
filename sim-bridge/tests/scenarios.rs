//! The committed scenarios can be driven well, and cannot be driven blindly.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a failed unwrap is a failed test")]

mod driver;
mod town;

use auriga_geometry::{LogicalDuration, LogicalTime};
use auriga_sim_bridge::plant::{Command, Plant};
use auriga_sim_bridge::world::{Incident, IncidentKind, World, WorldSnapshot};
use auriga_sim_bridge::{Scenario, TICK};
use driver::Driver;
use std::collections::VecDeque;
use town::Town;

/// From a decision to its effect.
const REACTION: LogicalDuration = LogicalDuration::from_millis(250);

struct Outcome {
    incidents: Vec<Incident>,
    seconds: f64,
    hardest: f64,
    left: f64,
}

fn drive(town: &Town, scenario: &Scenario, seed: u64, blind: bool) -> Outcome {
    let mut world = World::new(town.map.clone(), scenario, &town.plant, seed).unwrap();
    let mut ego = Plant::new(&town.plant, world.start(), scenario.ego.speed_mps, LogicalTime::ZERO);
    let mut driver = Driver::new(&town.map, scenario);
    let (mut snapshot, mut queue, mut incidents) = (WorldSnapshot::default(), VecDeque::new(), Vec::new());
    let (mut now, mut hardest) = (LogicalTime::ZERO, 0.0_f64);
    let mut report = 0;
    while now.as_secs_f64() < scenario.duration_s {
        ego.advance(now, &mut queue);
        world.step(now, &ego, &mut incidents);
        world.snapshot(&ego, &mut snapshot);
        if incidents.iter().any(|i| i.kind == IncidentKind::Collision) {
            break;
        }
        if -ego.state().acceleration > hardest.max(4.0) {
            println!("  {now}: brakes with {:.1} at {:.0} m", -ego.state().acceleration, driver.driven());
        }
        hardest = hardest.max(-ego.state().acceleration);
        if ego.state().speed < 0.05 && driver.driven() > driver.length() - 3.0 {
            break;
        }
        if blind {
            snapshot.actors.clear();
            snapshot.lights.clear();
        }
        let command: Command = driver.drive(&town.map, &town.plant, &ego, &snapshot);
        queue.push_back((now + REACTION, command));
        if now.as_nanos() / 10_000_000_000 > report {
            report += 1;
            println!("  {now}: {:.0} m, {:.1} m/s", driver.driven(), ego.state().speed);
        }
        now += TICK;
    }
    Outcome { incidents, seconds: now.as_secs_f64(), hardest, left: driver.length() - driver.driven() }
}

#[test]
fn a_good_driver_reaches_the_towns_goal_unharmed() {
    let town = Town::load();
    let scenario = town.scenario("town");
    for seed in [1, 2] {
        let outcome = drive(&town, &scenario, seed, false);
        println!(
            "town {seed}: {:.0} s, hardest {:.1} m/s², {:?}",
            outcome.seconds, outcome.hardest, outcome.incidents
        );
        assert!(outcome.incidents.is_empty(), "seed {seed}: {:?}", outcome.incidents);
        assert!(outcome.left < 5.0, "seed {seed}: {:.0} m left after {:.0} s", outcome.left, outcome.seconds);
        assert!(outcome.hardest < 7.5, "{}", outcome.hardest);
    }
}

#[test]
fn a_blind_driver_hits_the_stopped_car() {
    let town = Town::load();
    let scenario = town.scenario("stopped_car");
    let blind = drive(&town, &scenario, 1, true);
    assert!(blind.incidents.iter().any(|i| i.kind == IncidentKind::Collision && i.object == 1));
    let seeing = drive(&town, &scenario, 1, false);
    assert!(seeing.incidents.is_empty(), "{:?}", seeing.incidents);
    assert!(seeing.left > 20.0);
}

#[test]
fn a_blind_driver_runs_the_red_light() {
    let town = Town::load();
    let scenario = town.scenario("red_light");
    let blind = drive(&town, &scenario, 1, true);
    assert_eq!(
        blind.incidents.iter().filter(|i| i.kind == IncidentKind::RedLight).count(),
        1,
        "{:?}",
        blind.incidents
    );
    let seeing = drive(&town, &scenario, 1, false);
    assert!(seeing.incidents.is_empty() && seeing.left < 5.0, "{:?} {}", seeing.incidents, seeing.left);
}
