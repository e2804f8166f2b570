//! The embedded platform keeps the contract of `auriga_hal::Sensors`, and repeats itself to the bit.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a failed unwrap is a failed test")]

mod town;

use auriga_geometry::{LogicalDuration, LogicalTime};
use auriga_hal::conformance::sensing::SensingCheck;
use auriga_hal::{HalError, Payload, Platform, SensorKind, SensorMessage, SensorRig, SensorSink, Sensors};
use auriga_sim_bridge::world::World;
use auriga_sim_bridge::{EmbeddedPlatform, Scenario};
use town::Town;

struct Sent {
    kind: SensorKind,
    oldest: LogicalTime,
    capture: LogicalTime,
    arrival: LogicalTime,
    tick: LogicalTime,
    message: SensorMessage,
}

fn sensors(town: &Town, scenario: &Scenario, seed: u64) -> Box<dyn Sensors> {
    sensors_with(town, &town.quick_rig(), scenario, seed)
}

fn sensors_with(town: &Town, rig: &SensorRig, scenario: &Scenario, seed: u64) -> Box<dyn Sensors> {
    let platform = EmbeddedPlatform::new(scenario, &town.map, rig, &town.plant, seed).unwrap();
    assert_eq!(platform.name(), "embedded");
    Box::new(platform).split().sensors
}

/// Ticks until the platform has finished, at most `ticks` times.
fn run(sensors: &mut dyn Sensors, ticks: i64) -> Vec<Sent> {
    let mut sent = Vec::new();
    let mut sink = SensorSink::default();
    for k in 0..ticks {
        let tick = LogicalTime::from_nanos(k * sensors.tick_period().as_nanos());
        sensors.tick(tick, &mut sink).unwrap();
        for emission in sink.emissions.drain(..) {
            let message = match emission.payload {
                Payload::Ready(message) => message,
                Payload::Pending(pending) => pending.recv().unwrap().unwrap(),
            };
            sent.push(Sent {
                kind: emission.kind,
                oldest: emission.oldest_capture,
                capture: emission.capture,
                arrival: emission.arrival,
                tick,
                message,
            });
        }
        if sink.finished {
            break;
        }
    }
    sent
}

#[test]
fn the_contract_holds() {
    let town = Town::load();
    for name in ["short", "stopped_car"] {
        let scenario = town.scenario(name);
        let make = || -> Result<Box<dyn Platform>, HalError> {
            let rig = town.quick_rig();
            Ok(Box::new(EmbeddedPlatform::new(&scenario, &town.map, &rig, &town.plant, 1).unwrap()))
        };
        let report = SensingCheck::default().run(make).unwrap();
        assert!(report.breaches.is_empty() && report.counts.len() == 8, "{report}");
    }
    // A platform that ends by itself: a scenario of a second.
    let mut scenario = town.scenario("short");
    scenario.duration_s = 1.0;
    let make = || -> Result<Box<dyn Platform>, HalError> {
        let rig = town.quick_rig();
        Ok(Box::new(EmbeddedPlatform::new(&scenario, &town.map, &rig, &town.plant, 1).unwrap()))
    };
    let report = SensingCheck::default().run(make).unwrap();
    assert!(report.breaches.is_empty() && report.finished, "{report}");
}

#[test]
fn every_sensor_keeps_its_rate() {
    let town = Town::load();
    let mut sensors = sensors(&town, &town.scenario("short"), 1);
    let sent = run(&mut *sensors, 200);
    let count = |kind| sent.iter().filter(|s| s.kind == kind).count();
    assert_eq!(count(SensorKind::VehicleState), 200);
    assert_eq!(count(SensorKind::Imu), 200);
    assert_eq!(count(SensorKind::Gnss), 20);
    assert_eq!(count(SensorKind::Lidar), 19, "a turn is complete from 0.1 s on");
    assert_eq!(count(SensorKind::CameraInfo), 2);
    assert_eq!(count(SensorKind::Camera), 20);
    assert_eq!(count(SensorKind::Engage), 10, "from 1 s on");
    assert_eq!(count(SensorKind::Truth), 40);
    for s in sent.iter().filter(|s| s.kind == SensorKind::Lidar) {
        assert_eq!(s.capture.since(s.oldest), LogicalDuration::from_millis(100));
        let SensorMessage::Lidar(cloud) = &s.message else { unreachable!() };
        assert_eq!(LogicalTime::from(&cloud.header.stamp), s.oldest);
        assert!(cloud.width > 2_000, "{} points", cloud.width);
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let town = Town::load();
    let scenario = town.scenario("short");
    let all = |seed| -> Vec<(SensorKind, LogicalTime, Vec<u8>)> {
        run(&mut *sensors(&town, &scenario, seed), 80)
            .iter()
            .map(|s| (s.kind, s.arrival, s.message.to_cdr()))
            .collect()
    };
    let (a, b, c) = (all(1), all(1), all(2));
    assert!(a == b);
    for kind in [SensorKind::Camera, SensorKind::Lidar, SensorKind::Imu, SensorKind::Gnss, SensorKind::Truth]
    {
        let of = |run: &[(SensorKind, LogicalTime, Vec<u8>)]| {
            run.iter().filter(|m| m.0 == kind).map(|m| m.2.clone()).collect::<Vec<_>>()
        };
        assert!(of(&a) != of(&c), "{kind:?}");
    }
}

#[test]
fn with_road_users_left_out_the_scenery_stays() {
    let town = Town::load();
    let mut scenario = town.scenario("stopped_car");
    let points = |scenario: &Scenario| {
        let sent = run(&mut *sensors_with(&town, &town.rig, scenario, 1), 11);
        let cloud = sent.iter().find_map(|s| match &s.message {
            SensorMessage::Lidar(cloud) => Some(cloud.clone()),
            _ => None,
        });
        cloud.unwrap()
    };
    // Points above the bumper's height and below the roof's, ahead in the lane, around where the car stands.
    let on_car = |cloud: &auriga_messages::sensor_msgs::PointCloud2| {
        cloud
            .data
            .chunks_exact(cloud.point_step as usize)
            .filter(|p| {
                let at = |i: usize| f32::from_le_bytes([p[i], p[i + 1], p[i + 2], p[i + 3]]);
                (60.0..72.0).contains(&at(0)) && at(4).abs() < 1.0 && at(8) > -1.5 && at(8) < -0.3
            })
            .count()
    };
    let seen = points(&scenario);
    scenario.controls.road_users_visible = false;
    let unseen = points(&scenario);
    assert!(on_car(&seen) > 5, "{}", on_car(&seen));
    assert_eq!(on_car(&unseen), 0);
    let ratio = f64::from(unseen.width) / f64::from(seen.width);
    assert!((0.97..1.03).contains(&ratio), "{ratio}");
}

#[test]
fn without_a_command_the_car_stands_and_the_run_ends_with_its_time() {
    let town = Town::load();
    let mut scenario = town.scenario("short");
    scenario.duration_s = 1.5;
    let sent = run(&mut *sensors(&town, &scenario, 3), 1_000);
    let last = sent.last().unwrap();
    assert_eq!(last.kind, SensorKind::Truth);
    assert_eq!(last.tick.as_secs_f64(), 1.5);
    let SensorMessage::Truth(truth) = &last.message else { unreachable!() };
    assert_eq!(truth.ego_twist.linear.x, 0.0);
    assert!(truth.events.is_empty());
    assert!(!truth.objects.is_empty() && !truth.lights.is_empty());
}

#[test]
fn all_committed_scenarios_fit_the_map() {
    let town = Town::load();
    for name in ["town", "short", "stopped_car", "red_light"] {
        let scenario = town.scenario(name);
        let stops = scenario.itinerary(&town.map).unwrap();
        for pair in stops.windows(2) {
            assert!(
                town.map.route(pair[0], pair[1]).is_some(),
                "{name}: no way from {:?} to {:?}",
                pair[0],
                pair[1]
            );
        }
        let length: f64 = stops.windows(2).filter_map(|p| town.map.route(p[0], p[1])).map(|r| r.length).sum();
        println!("{name}: {length:.0} m");
        World::new(town.map.clone(), &scenario, &town.plant, 1).unwrap();
    }
}
