//! Drives through the town in `configs/maps`: lights that change, junctions with others in them, whole tours.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a failed unwrap is a failed test"
)]

mod world;

use auriga_geometry::Pose2;
use auriga_geometry::math::{FRAC_PI_2, angle_difference};
use auriga_map::{LaneId, LanePosition, Map, Route, SignalKind};
use auriga_messages::autoware_perception_msgs::TrafficLightElement;
use auriga_planning::PlannerConfig;
use world::{Actor, World, at, lane, pose_on, route};

fn town() -> Map {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/maps/town.xodr");
    Map::from_opendrive(&std::fs::read_to_string(file).unwrap()).unwrap()
}

/// Green for group 0 first, 15 s each with 3 s of amber and 2 s of all red.
fn color(map: &Map, signal: u32, t: f64) -> Option<u8> {
    let group = map.signals()[signal as usize].controller?;
    let phase = (t + if group.is_multiple_of(2) { 0.0 } else { 20.0 }) % 40.0;
    Some(match phase {
        p if p < 15.0 => TrafficLightElement::GREEN,
        p if p < 18.0 => TrafficLightElement::AMBER,
        _ => TrafficLightElement::RED,
    })
}

fn with_lights<'m>(map: &'m Map, tour: &Route, speed: f64) -> World<'m> {
    let mut world = World::new(map, tour, speed, PlannerConfig::default());
    let own = map.clone();
    world.light = Box::new(move |signal, t| color(&own, signal, t));
    world
}

/// Drives to the goal; watches stop lines at red and the distance to the lane's middle.
fn drive(world: &mut World<'_>, seconds: f64, offset_max: f64) {
    let map = world.map;
    let mut before: Vec<Option<f64>> = vec![None; map.lanes().len()];
    let end = world.now_s + seconds;
    while world.now_s < end {
        world.step();
        let pose = world.ego.pose;
        let near = map.nearest_lane(pose.position(), Some(pose.yaw)).unwrap();
        assert!(near.d.abs() < offset_max, "{:.2} m off {:?}", near.d, map.lane(near.lane).key);
        for lane in map.lanes().iter().filter(|l| !l.controls.is_empty()) {
            let front = pose.to_parent([world.car.front_m(), 0.0].into());
            let (s, d) = lane.centerline.project(front);
            let heading = lane.centerline.at(s).heading;
            let on = d.abs() < 1.7
                && s > 0.0
                && s < lane.length
                && angle_difference(heading, pose.yaw).abs() < 0.8;
            let last = before[lane.id.index()].filter(|_| on);
            for control in &lane.controls {
                let light = map.signal(control.signal).kind == SignalKind::TrafficLight;
                if let Some(last) = last.filter(|l| *l <= control.stop_s && s > control.stop_s) {
                    let shows = color(map, control.signal.0, world.now_s);
                    let red = light && shows == Some(TrafficLightElement::RED);
                    assert!(
                        !red,
                        "red at {} at {:.1} s: {last} {s}",
                        map.signal(control.signal).name,
                        world.now_s
                    );
                }
            }
            before[lane.id.index()] = on.then_some(s);
        }
        if world.decision.route_left_m < 2.0 && world.ego.speed_mps == 0.0 {
            return;
        }
    }
    panic!("not there after {seconds} s: {:?} {:?} {:?}", world.decision, world.ego, world.rules);
}

#[test]
fn tours_end_at_their_goal_without_a_red_light_run() {
    let map = town();
    let tours: [&[LanePosition]; 3] = [
        &[at(&map, "2", 1, 75.0), at(&map, "3", -1, 100.0), at(&map, "4", 1, 100.0), at(&map, "9", -1, 90.0)],
        &[
            at(&map, "1", -2, 20.0),
            at(&map, "10", -1, 60.0),
            at(&map, "1", 1, 150.0),
            at(&map, "5", -1, 30.0),
        ],
        &[
            at(&map, "1", -1, 20.0),
            at(&map, "5", -1, 20.0),
            at(&map, "1", -2, 150.0),
            at(&map, "10", 1, 60.0),
        ],
    ];
    for stops in tours {
        let tour = route(&map, stops);
        let mut world = with_lights(&map, &tour, 0.0);
        // A lane change passes the line between two lanes.
        drive(&mut world, 600.0, 1.85);
        println!(
            "{:.0} m in {:.0} s: lateral acceleration to {:.2}, deceleration to {:.2} m/s², {:?}",
            tour.length, world.now_s, world.lateral_acceleration_max, world.deceleration_max, world.rules
        );
        assert!(world.lateral_acceleration_max < 3.0);
        assert!(world.deceleration_max < 3.6);
    }
}

/// A left turn off Main Street, and the lanes through the junction that it gives way to.
fn left_turn(map: &Map) -> (Route, Vec<LaneId>) {
    let main = map.lane(lane(map, "1", -1));
    let left = main.successors.iter().map(|&way| map.lane(way)).find(|way| {
        angle_difference(way.centerline.at(way.length).heading, way.centerline.at(0.0).heading) > 1.0
    });
    let left = left.unwrap();
    let others = left.conflicts.iter().filter(|c| c.yields).map(|c| c.lane).collect();
    let from = LanePosition { lane: main.id, s: main.length - 60.0, d: 0.0 };
    let to = LanePosition { lane: left.successors[0], s: 30.0, d: 0.0 };
    (map.route(from, to).unwrap(), others)
}

#[test]
fn a_left_turn_gives_way_to_oncoming_cars() {
    let map = town();
    let (tour, others) = left_turn(&map);
    let mut yielded = 0;
    for (other, delay) in others.iter().flat_map(|other| (0..8).map(move |delay| (*other, delay))) {
        let (way_in, way_out) = (map.lane(other).predecessors[0], map.lane(other).successors[0]);
        let mut world = World::new(&map, &tour, 8.0, PlannerConfig::default());
        for i in 0..2 {
            let s = map.lane(way_in).length - 40.0 - 9.0 * f64::from(delay) - 24.0 * f64::from(i);
            world.actors.push(Actor::on_lanes(
                u64::from(i as u8) + 1,
                &map,
                &[way_in, other, way_out],
                s,
                9.0,
            ));
        }
        assert!(
            world.run_until(60.0, |w| w.decision.route_left_m < 2.0),
            "{:?} {:?}",
            world.ego,
            world.rules
        );
        println!("lane {other:?}, delay {delay}: clearance {:.2}, {:?}", world.clearance, world.rules);
        assert!(world.clearance > 1.0, "delay {delay}: {} {:?}", world.clearance, world.rules);
        yielded += usize::from(world.has_used("yield"));
    }
    assert!(yielded >= 2);
}

#[test]
fn oncoming_cars_in_a_bend_are_not_braked_for() {
    let map = town();
    let tour =
        route(&map, &[at(&map, "4", 1, 20.0), at(&map, "4", 1, map.lane(lane(&map, "4", 1)).length - 5.0)]);
    let mut world = World::new(&map, &tour, 8.0, PlannerConfig::default());
    world.noise = 0.2;
    for i in 0..8 {
        let s = 20.0 + 25.0 * f64::from(i);
        let mut actor = Actor::on_lanes(u64::from(i as u8) + 1, &map, &[lane(&map, "4", -1)], s, 7.0);
        // Predicted to go straight on, out of the bend.
        actor.future = None;
        world.actors.push(actor);
    }
    assert!(world.run_until(90.0, |w| w.decision.route_left_m < 5.0), "{:?} {:?}", world.ego, world.rules);
    assert!(!world.has_used("yield") && !world.has_used("emergency_brake"), "{:?}", world.rules);
}

#[test]
fn many_parked_cars_beside_the_road_are_passed() {
    let map = town();
    let crescent = lane(&map, "10", -1);
    let length = map.lane(crescent).length;
    let tour = route(&map, &[at(&map, "10", -1, 2.0), at(&map, "10", -1, length - 8.0)]);
    let mut world = World::new(&map, &tour, 3.0, PlannerConfig::default());
    world.noise = 0.3;
    for i in 0..(length / 7.0) as u32 {
        for (side, d) in [(0, -2.9), (1, 6.4)] {
            let pose = pose_on(&map, LanePosition { lane: crescent, s: 5.0 + 7.0 * f64::from(i), d });
            world.actors.push(Actor::standing_car(u64::from(2 * i + side) + 1, pose));
        }
    }
    assert!(world.run_until(120.0, |w| w.decision.route_left_m < 2.0), "{:?} {:?}", world.ego, world.rules);
    println!("{} parked cars, {:.0} s, {:?}", world.actors.len(), world.now_s, world.rules);
    assert!(!world.has_used("stop_for_obstacle"), "{:?}", world.rules);
}

#[test]
fn where_lights_are_off_cross_traffic_goes_first() {
    let map = town();
    let main = map.lane(lane(&map, "1", -1));
    let way = main.successors.iter().map(|w| map.lane(*w)).find(|w| {
        w.controls.is_empty() && {
            angle_difference(w.centerline.at(w.length).heading, w.centerline.at(0.0).heading).abs() < 0.3
        }
    });
    let way = way.unwrap();
    let from = LanePosition { lane: main.id, s: main.length - 60.0, d: 0.0 };
    let tour = map.route(from, LanePosition { lane: way.successors[0], s: 30.0, d: 0.0 }).unwrap();
    let heading = way.centerline.at(0.0).heading;
    for conflict in &way.conflicts {
        let other = map.lane(conflict.lane);
        let turn = angle_difference(other.centerline.at(0.0).heading, heading).abs();
        if !(1.0..2.0).contains(&turn) {
            continue;
        }
        let config = PlannerConfig { lights_enabled: false, ..PlannerConfig::default() };
        let mut world = World::new(&map, &tour, 9.0, config);
        let way_in = other.predecessors[0];
        for i in 0..2 {
            let s = map.lane(way_in).length - 40.0 - 22.0 * f64::from(i);
            let lanes = [way_in, other.id, other.successors[0]];
            world.actors.push(Actor::on_lanes(u64::from(i as u8) + 1, &map, &lanes, s, 8.0));
        }
        assert!(
            world.run_until(60.0, |w| w.decision.route_left_m < 2.0),
            "{:?} {:?}",
            world.ego,
            world.rules
        );
        assert!(world.clearance > 1.0, "{:?}: {}", other.key, world.clearance);
    }
}

#[test]
fn a_stop_sign_is_stopped_at_and_cross_traffic_waited_for() {
    let map = town();
    let mut scenes = 0;
    for lane in map.lanes() {
        let Some(control) = lane.controls.iter().find(|c| map.signal(c.signal).kind == SignalKind::StopSign)
        else {
            continue;
        };
        for &way in &lane.successors {
            let from = LanePosition { lane: lane.id, s: (control.stop_s - 50.0).max(1.0), d: 0.0 };
            let to = LanePosition { lane: map.lane(way).successors[0], s: 30.0, d: 0.0 };
            let tour = map.route(from, to).unwrap();
            for conflict in map.lane(way).conflicts.iter().filter(|c| c.yields) {
                let way_in = map.lane(conflict.lane).predecessors[0];
                let way_out = map.lane(conflict.lane).successors[0];
                let mut world = World::new(&map, &tour, 7.0, PlannerConfig::default());
                for i in 0..3 {
                    let s = map.lane(way_in).length - 60.0 - 30.0 * f64::from(i);
                    world.actors.push(Actor::on_lanes(
                        u64::from(i as u8) + 1,
                        &map,
                        &[way_in, conflict.lane, way_out],
                        s,
                        8.0,
                    ));
                }
                let stood = world.run_until(40.0, |w| w.ego.speed_mps == 0.0);
                let (s, _) = lane.centerline.project(world.ego.pose.position());
                assert!(stood && s + 3.65 < control.stop_s && s + 3.65 > control.stop_s - 3.0);
                assert!(world.has_used("stop_sign"));
                assert!(
                    world.run_until(60.0, |w| w.decision.route_left_m < 2.0),
                    "{:?} {:?}",
                    world.ego,
                    world.rules
                );
                assert!(world.clearance > 0.8, "{} {:?}", world.clearance, world.rules);
                scenes += 1;
            }
        }
    }
    assert!(scenes >= 4);
}

#[test]
fn a_person_on_a_crosswalk_is_waited_for_before_it() {
    let map = town();
    let (road, crossing) = map
        .lanes()
        .iter()
        .filter(|l| l.junction.is_none() && l.controls.is_empty())
        .find_map(|l| l.crossings.first().filter(|c| c.s_start > 60.0).map(|c| (l, *c)))
        .unwrap();
    let from = LanePosition { lane: road.id, s: crossing.s_start - 55.0, d: 0.0 };
    let to = LanePosition { lane: road.id, s: (crossing.s_end + 40.0).min(road.length), d: 0.0 };
    let tour = map.route(from, to).unwrap();
    let middle = 0.5 * (crossing.s_start + crossing.s_end);
    for starts in [1.0, 2.5, 4.0, 5.0] {
        let mut world = World::new(&map, &tour, 9.0, PlannerConfig::default());
        let foot = pose_on(&map, LanePosition { lane: road.id, s: middle, d: -4.5 });
        let start = Pose2::new(foot.x, foot.y, foot.yaw + FRAC_PI_2);
        world.actors.push(Actor::pedestrian(1, start, 1.3, starts));
        assert!(
            world.run_until(60.0, |w| w.decision.route_left_m < 2.0),
            "{:?} {:?}",
            world.ego,
            world.rules
        );
        println!(
            "starts {starts}: clearance {:.2}, deceleration {:.2}, {:?}",
            world.clearance, world.deceleration_max, world.rules
        );
        assert!(world.clearance > 0.6);
    }
}

#[test]
fn stands_before_a_junction_that_it_could_not_leave() {
    let map = town();
    let (tour, _) = left_turn(&map);
    let beyond = tour.segments[tour.segments.len() - 1].lane;
    let mut world = World::new(&map, &tour, 8.0, PlannerConfig::default());
    let stuck = pose_on(&map, LanePosition { lane: beyond, s: 4.0, d: 0.0 });
    world.actors.push(Actor::standing_car(1, stuck));
    world.run(30.0);
    assert_eq!(world.ego.speed_mps, 0.0);
    assert_eq!(world.decision.rule, "keep_junction_clear", "{:?}", world.rules);
}
