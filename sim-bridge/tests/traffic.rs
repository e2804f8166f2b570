//! The town's traffic flows, and nobody hits anybody.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a failed unwrap is a failed test")]

mod town;

use auriga_geometry::{LogicalTime, Pose2};
use auriga_sim_bridge::TICK;
use auriga_sim_bridge::plant::Plant;
use auriga_sim_bridge::world::{ActorKind, World, WorldSnapshot};
use town::Town;

struct Flow {
    collisions: Vec<String>,
    mean_speed: f64,
    crossed: usize,
    longest_stand: f64,
}

/// Runs the town without an ego car (it is far away) and looks at every pair of road users every 50 ms.
fn flow(seed: u64, seconds: i64, vehicles: usize, pedestrians: usize, lights: bool) -> Flow {
    let town = Town::load();
    let mut scenario = town.empty_scenario(vehicles, pedestrians);
    scenario.lights.enabled = lights;
    let mut world = World::new(town.map.clone(), &scenario, &town.plant, seed).unwrap();
    let ego = Plant::new(&town.plant, Pose2::new(9e3, 9e3, 0.0), 0.0, LogicalTime::ZERO);
    let mut snapshot = WorldSnapshot::default();
    let mut flow = Flow { collisions: Vec::new(), mean_speed: 0.0, crossed: 0, longest_stand: 0.0 };
    let mut stands: std::collections::BTreeMap<u32, f64> = std::collections::BTreeMap::new();
    let (mut now, mut samples) = (LogicalTime::ZERO, 0.0);
    for tick in 0..seconds * 100 {
        world.step(now, &ego, &mut Vec::new());
        now += TICK;
        if tick % 5 != 0 {
            continue;
        }
        world.snapshot(&ego, &mut snapshot);
        for (i, a) in snapshot.actors.iter().enumerate() {
            if a.kind != ActorKind::Pedestrian {
                flow.mean_speed += a.speed;
                samples += 1.0;
                let stand = stands.entry(a.id).or_default();
                *stand = if a.speed < 0.2 { *stand + 0.05 } else { 0.0 };
                flow.longest_stand = flow.longest_stand.max(*stand);
            } else if a.speed > 0.0 {
                flow.crossed += 1;
            }
            for b in &snapshot.actors[i + 1..] {
                let both_walk = a.kind == ActorKind::Pedestrian && b.kind == ActorKind::Pedestrian;
                let near = (a.pose.translation - b.pose.translation).norm() < 8.0;
                if near
                    && !both_walk
                    && a.footprint().intersects(&b.footprint())
                    && flow.collisions.len() < 10
                {
                    let (p, q) = (a.pose.to_pose2(), b.pose.to_pose2());
                    flow.collisions.push(format!(
                        "{now}: {:?} {} at {:.1} {:.1} yaw {:.2} v {:.1}, {:?} {} at {:.1} {:.1} yaw {:.2} v {:.1}",
                        a.kind, a.id, p.x, p.y, p.yaw, a.speed, b.kind, b.id, q.x, q.y, q.yaw, b.speed
                    ));
                }
            }
        }
    }
    flow.mean_speed /= samples;
    flow
}

#[test]
fn thirty_vehicles_drive_two_minutes_without_a_scratch() {
    for (seed, lights) in [(1, true), (2, true), (3, false), (4, false)] {
        let flow = flow(seed, 120, 30, 20, lights);
        println!(
            "seed {seed} lights {lights}: mean {:.2} m/s, longest stand {:.1} s, collisions {:#?}",
            flow.mean_speed, flow.longest_stand, flow.collisions
        );
        assert!(flow.collisions.is_empty(), "seed {seed}: {:#?}", flow.collisions);
        assert!(flow.mean_speed > 2.5, "seed {seed}: mean speed {:.2} m/s", flow.mean_speed);
        assert!(flow.crossed > 0);
        assert!(flow.longest_stand < 90.0, "seed {seed}: somebody stood for {:.0} s", flow.longest_stand);
    }
}

#[test]
fn the_same_seed_gives_the_same_world_and_another_seed_another() {
    let town = Town::load();
    let scenario = town.empty_scenario(20, 12);
    let run = |seed: u64| {
        let mut world = World::new(town.map.clone(), &scenario, &town.plant, seed).unwrap();
        let ego = Plant::new(&town.plant, world.start(), 0.0, LogicalTime::ZERO);
        let mut snapshot = WorldSnapshot::default();
        let mut now = LogicalTime::ZERO;
        for _ in 0..2_000 {
            world.step(now, &ego, &mut Vec::new());
            now += TICK;
        }
        world.snapshot(&ego, &mut snapshot);
        snapshot
    };
    let (a, b, c) = (run(5), run(5), run(6));
    assert_eq!(a, b);
    assert_ne!(a.actors, c.actors);
}

#[test]
fn nobody_appears_near_the_ego_car() {
    let town = Town::load();
    for seed in 0..20 {
        let world = World::new(town.map.clone(), &town.empty_scenario(40, 0), &town.plant, seed).unwrap();
        let ego = Plant::new(&town.plant, world.start(), 0.0, LogicalTime::ZERO);
        let mut snapshot = WorldSnapshot::default();
        world.snapshot(&ego, &mut snapshot);
        assert!(snapshot.actors.len() > 30);
        for actor in &snapshot.actors {
            assert!((actor.pose.translation - snapshot.ego.pose.translation).norm() > 40.0);
        }
    }
}
