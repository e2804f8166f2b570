//! What holds for every input: valid trajectories, the same ones for the same inputs, one clear error for bad ones.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a failed unwrap is a failed test"
)]

mod world;

use auriga_geometry::{LogicalTime, Pose2, Vec2};
use auriga_map::{LaneId, LanePosition, Map, Route, RouteSegment};
use auriga_messages::auriga_msgs::BehaviorDecision;
use auriga_messages::autoware_perception_msgs::TrafficLightElement;
use auriga_messages::autoware_planning_msgs::Trajectory;
use auriga_messages::nav_msgs::Odometry;
use auriga_planning::{Planner, PlannerConfig, PlanningError};
use auriga_vehicle::VehicleParameters;
use proptest::prelude::*;
use std::sync::OnceLock;
use world::{Actor, World, at, route};

fn town() -> &'static Map {
    static TOWN: OnceLock<Map> = OnceLock::new();
    TOWN.get_or_init(|| {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/maps/town.xodr");
        Map::from_opendrive(&std::fs::read_to_string(file).unwrap()).unwrap()
    })
}

fn tour() -> Route {
    let map = town();
    route(map, &[at(map, "1", -2, 20.0), at(map, "10", -1, 60.0), at(map, "1", 1, 150.0)])
}

/// Kind, place relative to the ego car, heading, speed, size.
type Other = (u8, f64, f64, f64, f64, f64);

fn others() -> impl Strategy<Value = Vec<Other>> {
    prop::collection::vec((0_u8..8, -30.0..70.0, -12.0..12.0, -3.2..3.2, 0.0..15.0, 0.3..8.0), 0..12)
}

fn place(world: &mut World<'_>, others: &[Other]) {
    world.may_collide = true;
    let ego = world.ego.pose;
    for (i, &(label, ahead, left, turn, speed, length)) in others.iter().enumerate() {
        let p = ego.to_parent(Vec2::new(ahead, left));
        let from = Pose2::new(p.x, p.y, ego.yaw + turn);
        let script = move |t: f64, _: &Pose2| {
            let p = from.to_parent(Vec2::new(speed * t, 0.0));
            (Pose2::new(p.x, p.y, from.yaw), speed)
        };
        world.actors.push(Actor { label, length, width: 0.4 * length, ..Actor::car(i as u64 + 1, script) });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn trajectories_are_valid_whoever_is_around(
        others in others(), speed in 0.0..15.0, offset in -1.5..1.5, turn in -0.4..0.4, color in 0_u8..5, start in 0.0..150.0,
    ) {
        let map = town();
        let mut way = tour();
        way.segments[0].s_start += start;
        let mut world = World::new(map, &way, speed, PlannerConfig::default());
        let pose = world.ego.pose;
        let p = pose.to_parent(Vec2::new(0.0, offset));
        world.ego.pose = Pose2::new(p.x, p.y, pose.yaw + turn);
        world.light = Box::new(move |_, _| (color != TrafficLightElement::UNKNOWN).then_some(color));
        place(&mut world, &others);
        world.run(3.0);
    }

    #[test]
    fn the_same_inputs_give_the_same_bits(others in others(), speed in 0.0..15.0) {
        let drive = || {
            let mut world = World::new(town(), &tour(), speed, PlannerConfig::default());
            place(&mut world, &others);
            world.run(2.0);
            (world.trajectory, world.decision)
        };
        prop_assert_eq!(drive(), drive());
    }
}

fn ego_at(pose: Pose2, speed: f64) -> Odometry {
    let mut ego = Odometry::default();
    ego.pose.pose = (&pose).into();
    ego.twist.twist.linear.x = speed;
    ego
}

#[test]
fn a_lost_car_stops() {
    let map = town();
    let mut planner =
        Planner::new(PlannerConfig::default(), VehicleParameters::default(), map, &tour()).unwrap();
    let (mut trajectory, mut decision) = (Trajectory::default(), BehaviorDecision::default());
    let ego = ego_at(Pose2::new(-500.0, 900.0, 1.0), 8.0);
    planner.step(LogicalTime::ZERO, &ego, None, None, map, &mut trajectory, &mut decision).unwrap();
    assert_eq!(decision.rule, "off_route");
    assert_eq!(trajectory.points.last().unwrap().longitudinal_velocity_mps, 0.0);
    let first = Pose2::from(&trajectory.points[0].pose);
    assert!(first.distance(&Pose2::new(-500.0, 900.0, 1.0)) < 0.1);
}

#[test]
fn a_blind_car_stops() {
    let map = town();
    let mut world = World::new(map, &tour(), 8.0, PlannerConfig::default());
    world.run(1.0);
    assert!(world.decision.rule != "blind" && world.ego.speed_mps > 6.0);
    world.blind = true;
    world.run(8.0);
    assert_eq!(world.decision.rule, "blind");
    assert!(world.ego.speed_mps < 0.05);
    world.blind = false;
    world.run(3.0);
    assert!(world.ego.speed_mps > 1.0, "what is seen again lets it go on");
}

#[test]
fn bad_input_is_one_clear_error() {
    let map = town();
    let car = VehicleParameters::default();
    let mut planner = Planner::new(PlannerConfig::default(), car.clone(), map, &tour()).unwrap();
    let (mut trajectory, mut decision) = (Trajectory::default(), BehaviorDecision::default());
    for ego in [ego_at(Pose2::new(f64::NAN, 0.0, 0.0), 1.0), ego_at(Pose2::default(), f64::INFINITY)] {
        let error = planner
            .step(LogicalTime::ZERO, &ego, None, None, map, &mut trajectory, &mut decision)
            .unwrap_err();
        assert!(error.to_string().contains("/localization/ego"), "{error}");
        assert!(trajectory.points.is_empty());
    }
    let config = PlannerConfig { headway_s: -1.0, ..PlannerConfig::default() };
    let error = Planner::new(config, car.clone(), map, &tour()).unwrap_err();
    assert!(error.to_string().contains("headway_s"), "{error}");
    let empty = Route { segments: Vec::new(), length: 0.0 };
    let error = Planner::new(PlannerConfig::default(), car.clone(), map, &empty).unwrap_err();
    assert!(matches!(error, PlanningError::Route { .. }));
    let foreign = RouteSegment { lane: LaneId(u32::MAX), s_start: 0.0, s_end: 1.0, change_to_next: false };
    let foreign = Route { segments: vec![foreign], length: 1.0 };
    assert!(Planner::new(PlannerConfig::default(), car, map, &foreign).is_err());
}

#[test]
fn objects_that_are_not_finite_are_left_out() {
    let map = town();
    let from = at(map, "1", -1, 20.0);
    let way = map.route(from, LanePosition { s: 120.0, ..from }).unwrap();
    let mut world = World::new(map, &way, 8.0, PlannerConfig::default());
    world.may_collide = true;
    world.actors.push(Actor::standing_car(1, Pose2::new(f64::NAN, 0.0, 0.0)));
    world.run(2.0);
    assert!(world.ego.speed_mps > 8.0);
}
