//! The rules of the road, one scripted scene each.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a failed unwrap is a failed test"
)]

mod world;

use auriga_geometry::Pose2;
use auriga_map::{LanePosition, Map};
use auriga_messages::autoware_perception_msgs::TrafficLightElement;
use auriga_planning::PlannerConfig;
use world::{Actor, World, at, lane, route};

/// A straight road of 600 m along x with two lanes each way; the right ones are at y = −1.75 and −5.25.
const TWO_LANES: &str = r#"<OpenDRIVE><header revMajor="1" revMinor="6"/>
  <road id="1" length="600" junction="-1">
    <type s="0" type="town"><speed max="50" unit="km/h"/></type>
    <planView><geometry s="0" x="0" y="0" hdg="0" length="600"><line/></geometry></planView>
    <lanes><laneSection s="0">
      <left>
        <lane id="1" type="driving"><width sOffset="0" a="3.5" b="0" c="0" d="0"/><roadMark sOffset="0" type="broken" color="white"/></lane>
      </left>
      <center><lane id="0" type="none"><roadMark sOffset="0" type="solid" color="white"/></lane></center>
      <right>
        <lane id="-1" type="driving"><width sOffset="0" a="3.5" b="0" c="0" d="0"/><roadMark sOffset="0" type="broken" color="white"/></lane>
        <lane id="-2" type="driving"><width sOffset="0" a="3.5" b="0" c="0" d="0"/><roadMark sOffset="0" type="solid" color="white"/></lane>
      </right>
    </laneSection></lanes>
  </road></OpenDRIVE>"#;

/// A straight road of 600 m along x with one lane each way; the right one is at y = −1.75.
fn one_lane() -> Map {
    let from = TWO_LANES.find(r#"<lane id="-2""#).unwrap();
    let to = from + TWO_LANES[from..].find("</lane>").unwrap() + "</lane>".len();
    Map::from_opendrive(&format!("{}{}", &TWO_LANES[..from], &TWO_LANES[to..])).unwrap()
}

fn two_lanes() -> Map {
    Map::from_opendrive(TWO_LANES).unwrap()
}

fn town() -> Map {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/maps/town.xodr");
    Map::from_opendrive(&std::fs::read_to_string(file).unwrap()).unwrap()
}

fn straight<'m>(map: &'m Map, number: i32, speed: f64, config: PlannerConfig) -> World<'m> {
    let tour = route(map, &[at(map, "1", number, 20.0), at(map, "1", number, 550.0)]);
    World::new(map, &tour, speed, config)
}

#[test]
fn an_empty_road_is_driven_at_its_limit_and_ends_at_the_goal() {
    let map = one_lane();
    let mut world = straight(&map, -1, 0.0, PlannerConfig::default());
    world.run(20.0);
    assert!((world.ego.speed_mps - 50.0 / 3.6).abs() < 0.3, "{}", world.ego.speed_mps);
    world.run(50.0);
    assert_eq!(world.decision.rule, "goal");
    assert_eq!(world.ego.speed_mps, 0.0);
    assert!((world.ego.pose.x - 550.0).abs() < 1.5, "{:?}", world.ego.pose);
    assert!(world.deceleration_max < 2.6, "{}", world.deceleration_max);
}

#[test]
fn stops_3_to_6_m_behind_a_stopped_car() {
    let map = one_lane();
    for noise in [0.0, 0.25] {
        let mut world = straight(&map, -1, 12.0, PlannerConfig::default());
        world.noise = noise;
        world.actors.push(Actor::standing_car(5, Pose2::new(180.0, -1.75, 0.0)));
        world.run(30.0);
        assert_eq!(world.ego.speed_mps, 0.0);
        assert!(world.clearance > 3.0 && world.clearance < 6.0, "{} {:?}", world.clearance, world.rules);
        assert_eq!(
            (world.decision.rule.as_str(), world.decision.because_of.as_str()),
            ("stop_for_obstacle", "object 5")
        );
        assert!(world.deceleration_max < 3.2, "{}", world.deceleration_max);
    }
}

#[test]
fn a_stopped_car_that_is_seen_late_is_braked_for_hard() {
    let map = one_lane();
    let mut world = straight(&map, -1, 13.0, PlannerConfig::default());
    // Behind the horizon until it is 24 m ahead of the front.
    world.actors.push(Actor::car(5, |_, ego| {
        if ego.x > 180.0 - 2.25 - 24.0 - 3.65 {
            (Pose2::new(180.0, -1.75, 0.0), 0.0)
        } else {
            (Pose2::new(180.0, -90.0, 0.0), 0.0)
        }
    }));
    world.run(25.0);
    assert!(world.ego.speed_mps == 0.0 && world.clearance > 0.5, "{}", world.clearance);
}

#[test]
fn obstacles_are_run_into_when_braking_for_them_is_off() {
    let map = one_lane();
    let config = PlannerConfig { obstacle_braking: false, ..PlannerConfig::default() };
    let mut world = straight(&map, -1, 12.0, config);
    world.may_collide = true;
    world.actors.push(Actor::standing_car(5, Pose2::new(180.0, -1.75, 0.0)));
    world.run(30.0);
    assert_eq!(world.clearance, 0.0);
}

#[test]
fn follows_a_slower_car_and_stops_behind_it() {
    let map = one_lane();
    let mut world = straight(&map, -1, 12.0, PlannerConfig::default());
    world.actors.push(Actor::car(9, |t, _| {
        // 7 m/s for 25 s, then −2 m/s² to a stop.
        let u = (t - 25.0).clamp(0.0, 3.5);
        (Pose2::new(60.0 + 7.0 * t.min(25.0) + 7.0 * u - u * u, -1.75, 0.0), 7.0 - 2.0 * u)
    }));
    world.run(24.0);
    assert!((world.ego.speed_mps - 7.0).abs() < 0.6, "{}", world.ego.speed_mps);
    assert_eq!((world.decision.rule.as_str(), world.decision.because_of.as_str()), ("follow", "object 9"));
    assert!(world.clearance > 6.0 && world.clearance < 20.0, "{}", world.clearance);
    world.run(16.0);
    assert_eq!(world.ego.speed_mps, 0.0);
    assert!(world.clearance > 2.5 && world.clearance < 6.5, "{}", world.clearance);
    assert!(world.deceleration_max < 4.0, "{}", world.deceleration_max);
}

#[test]
fn a_car_that_cuts_in_is_given_room() {
    let map = two_lanes();
    let mut world = straight(&map, -1, 13.0, PlannerConfig::default());
    world.actors.push(Actor::car(3, |t, _| {
        let u = ((t - 4.0) / 3.0).clamp(0.0, 1.0);
        let y = -5.25 + 3.5 * u;
        (Pose2::new(53.0 + 10.0 * t, y, if u > 0.0 && u < 1.0 { 0.12 } else { 0.0 }), 10.0)
    }));
    world.run(30.0);
    assert!(world.clearance > 2.0, "{}", world.clearance);
    assert!((world.ego.speed_mps - 10.0).abs() < 1.0);
}

#[test]
fn yields_to_a_pedestrian_who_crosses_and_goes_on() {
    let map = one_lane();
    for starts in [2.0, 4.0, 6.0, 8.0] {
        let mut world = straight(&map, -1, 8.0, PlannerConfig::default());
        // Walks from the right kerb over the road.
        world.actors.push(Actor::pedestrian(
            2,
            Pose2::new(110.0, -6.5, core::f64::consts::FRAC_PI_2),
            1.4,
            starts,
        ));
        world.run(40.0);
        println!(
            "starts {starts}: clearance {:.2}, deceleration {:.2}, {:?}",
            world.clearance, world.deceleration_max, world.rules
        );
        assert!(world.clearance > 0.6, "starts {starts}: {}", world.clearance);
        assert!(world.ego.speed_mps > 5.0);
    }
}

#[test]
fn a_pedestrian_who_does_not_yield_is_survived() {
    let map = one_lane();
    let mut world = straight(&map, -1, 11.0, PlannerConfig::default());
    // Steps out when the car is 25 m away.
    let mut since: Option<f64> = None;
    world.actors.push(Actor {
        script: Box::new(move |t, ego| {
            if since.is_none() && ego.x > 110.0 - 25.0 {
                since = Some(t);
            }
            let walked = since.map_or(0.0, |s| (t - s) * 1.6);
            (
                Pose2::new(110.0, -5.0 + walked, core::f64::consts::FRAC_PI_2),
                if since.is_some() { 1.6 } else { 0.0 },
            )
        }),
        ..Actor::pedestrian(2, Pose2::default(), 0.0, 0.0)
    });
    world.run(30.0);
    println!("jaywalker: clearance {:.2}, {:?}", world.clearance, world.rules);
    assert!(world.clearance > 0.3, "{}", world.clearance);
}

#[test]
fn passes_a_stopped_car_on_the_lane_beside_it_and_returns() {
    let map = two_lanes();
    for noise in [0.0, 0.2] {
        let mut world = straight(&map, -2, 10.0, PlannerConfig::default());
        world.noise = noise;
        world.actors.push(Actor::standing_car(4, Pose2::new(200.0, -5.25, 0.0)));
        assert!(world.run_until(60.0, |w| w.ego.pose.x > 300.0), "{:?} {:?}", world.ego, world.rules);
        assert!(world.has_used("change_lane"), "{:?}", world.rules);
        assert!(world.clearance > 0.5, "{}", world.clearance);
        assert!((world.ego.pose.y + 5.25).abs() < 0.5, "{:?}", world.ego.pose);
        assert!(world.lateral_acceleration_max < 2.5, "{}", world.lateral_acceleration_max);
    }
}

#[test]
fn waits_for_a_gap_before_it_passes() {
    let map = two_lanes();
    let mut world = straight(&map, -2, 10.0, PlannerConfig::default());
    world.actors.push(Actor::standing_car(4, Pose2::new(160.0, -5.25, 0.0)));
    for i in 0..6 {
        let from = -20.0 - 24.0 * f64::from(i);
        world.actors.push(Actor::car(10 + u64::from(i as u8), move |t, _| {
            (Pose2::new(from + 11.0 * t, -1.75, 0.0), 11.0)
        }));
    }
    assert!(world.run_until(80.0, |w| w.ego.pose.x > 250.0), "{:?} {:?}", world.ego, world.rules);
    assert!(world.clearance > 0.5, "{}", world.clearance);
    println!("{:?}", world.rules);
}

#[test]
fn a_route_that_needs_a_lane_change_gets_it() {
    let map = two_lanes();
    let tour = route(&map, &[at(&map, "1", -2, 20.0), at(&map, "1", -1, 400.0)]);
    let mut world = World::new(&map, &tour, 10.0, PlannerConfig::default());
    assert!(world.run_until(70.0, |w| w.ego.speed_mps == 0.0 && w.now_s > 5.0));
    assert!(
        (world.ego.pose.x - 400.0).abs() < 1.5 && (world.ego.pose.y + 1.75).abs() < 0.3,
        "{:?}",
        world.ego
    );
}

#[test]
fn a_parked_car_at_the_kerb_is_passed_slowly() {
    let map = one_lane();
    let mut world = straight(&map, -1, 10.0, PlannerConfig::default());
    // 0.35 m of room beside the car.
    world.noise = 0.1;
    world.actors.push(Actor::standing_car(4, Pose2::new(150.0, -1.75 - 0.925 - 0.35 - 0.9, 0.0)));
    assert!(world.run_until(40.0, |w| w.ego.pose.x > 200.0), "{:?} {:?}", world.ego, world.rules);
}

#[test]
fn people_on_the_pavement_are_not_braked_for() {
    let map = one_lane();
    let mut world = straight(&map, -1, 10.0, PlannerConfig::default());
    world.noise = 0.15;
    for i in 0..10 {
        let x = 60.0 + 30.0 * f64::from(i);
        // A quarter of a radian towards the road, as a noisy track may have it.
        let mut walker = Actor::pedestrian(u64::from(i as u8) + 1, Pose2::new(x, -4.6, 0.0), 1.4, 0.0);
        let turn = if i % 2 == 0 { 0.25 } else { -0.25 };
        walker.script = Box::new(move |t, _| (Pose2::new(x + 1.4 * t, -4.6, turn), 1.4));
        world.actors.push(walker);
    }
    assert!(world.run_until(60.0, |w| w.ego.pose.x > 400.0), "{:?} {:?}", world.ego, world.rules);
    assert!(!world.has_used("yield_to_pedestrian"), "{:?}", world.rules);
}

#[test]
fn a_queue_at_a_light_is_not_overtaken() {
    let map = town();
    let main = map.lane(lane(&map, "1", -1));
    let stop_s = main.controls[0].stop_s;
    let way = main.successors[0];
    let tour = map
        .route(
            LanePosition { lane: main.id, s: stop_s - 120.0, d: 0.0 },
            LanePosition { lane: map.lane(way).successors[0], s: 30.0, d: 0.0 },
        )
        .unwrap();
    let mut world = World::new(&map, &tour, 8.0, PlannerConfig::default());
    world.light = Box::new(|_, _| Some(TrafficLightElement::RED));
    for i in 0..4 {
        let s = stop_s - 3.0 - 7.5 * f64::from(i);
        let pose = world::pose_on(&map, LanePosition { lane: main.id, s, d: 0.0 });
        world.actors.push(Actor::standing_car(u64::from(i as u8) + 1, pose));
    }
    world.run(20.0);
    assert_eq!(world.ego.speed_mps, 0.0);
    assert!(!world.has_used("change_lane"), "{:?}", world.rules);
}

#[test]
fn stops_at_red_and_goes_at_green() {
    let map = town();
    let incoming =
        map.lanes().iter().filter(|l| l.controls.iter().any(|c| map.signal(c.signal).controller.is_some()));
    let mut count = 0;
    for lane in incoming.take(6) {
        let control = lane.controls[0].clone();
        let next = lane.successors[0];
        let beyond = map.lane(next).successors[0];
        let from = LanePosition { lane: lane.id, s: (control.stop_s - 70.0).max(1.0), d: 0.0 };
        let to = LanePosition { lane: beyond, s: map.lane(beyond).length.min(60.0), d: 0.0 };
        let tour = map.route(from, to).unwrap();
        for unseen in [false, true] {
            let mut world = World::new(&map, &tour, 8.0, PlannerConfig::default());
            let red = if unseen { None } else { Some(TrafficLightElement::RED) };
            world.light = Box::new(move |_, t| if t < 20.0 { red } else { Some(TrafficLightElement::GREEN) });
            world.run(19.0);
            let (s, _) = lane.centerline.project(world.ego.pose.position());
            let front = s + world.car.front_m();
            assert!(
                front < control.stop_s && front > control.stop_s - 3.0,
                "front {front}, line {}",
                control.stop_s
            );
            assert_eq!(world.ego.speed_mps, 0.0);
            assert_eq!(world.decision.rule, "stop_for_light");
            assert!(world.decision.because_of.starts_with("signal "));
            assert!(
                world.run_until(40.0, |w| w.decision.route_left_m < 2.0),
                "{:?} {:?}",
                world.decision,
                world.rules
            );
            count += 1;
        }
        let config = PlannerConfig { ignore_lights: true, ..PlannerConfig::default() };
        let mut world = World::new(&map, &tour, 8.0, config);
        world.light = Box::new(|_, _| Some(TrafficLightElement::RED));
        assert!(world.run_until(60.0, |w| w.decision.route_left_m < 2.0), "{:?}", world.rules);
    }
    assert!(count > 4);
}

#[test]
fn amber_is_stopped_at_where_that_is_comfortable() {
    let map = town();
    let lane = map
        .lanes()
        .iter()
        .find(|l| l.length > 100.0 && l.controls.iter().any(|c| map.signal(c.signal).controller.is_some()))
        .unwrap();
    let stop_s = lane.controls[0].stop_s;
    let beyond = map.lane(lane.successors[0]).successors[0];
    let to = LanePosition { lane: beyond, s: 30.0, d: 0.0 };
    for (ahead, stops) in [(45.0, true), (9.0, false)] {
        let from = LanePosition { lane: lane.id, s: stop_s - ahead - 3.65, d: 0.0 };
        let tour = map.route(from, to).unwrap();
        let mut world = World::new(&map, &tour, 10.0, PlannerConfig::default());
        world.light = Box::new(|_, t| {
            Some(if t < 2.5 { TrafficLightElement::AMBER } else { TrafficLightElement::RED })
        });
        world.run(12.0);
        let (s, _) = lane.centerline.project(world.ego.pose.position());
        let stands_before = world.ego.speed_mps == 0.0 && s + 3.65 < stop_s;
        assert_eq!(stands_before, stops, "{ahead} m ahead: {:?} {:?}", world.ego, world.rules);
    }
}

/// Green until the camera loses it; amber at that instant, red 3 s later, neither of them ever seen. From wherever the car is
/// then, it stops before the line or is over it before red.
#[test]
fn a_light_that_is_lost_from_sight_is_never_driven_through_at_red() {
    let map = town();
    let is_lit = |l: &&auriga_map::Lane| l.controls.iter().any(|c| map.signal(c.signal).controller.is_some());
    let lane = map.lanes().iter().filter(is_lit).find(|l| l.length > 100.0).unwrap();
    let stop_s = lane.controls[0].stop_s;
    let beyond = map.lane(lane.successors[0]).successors[0];
    let to = LanePosition { lane: beyond, s: 30.0, d: 0.0 };
    for (speed, ahead) in [7.0, 10.0, 13.0].into_iter().flat_map(|v| (4..60).map(move |d| (v, f64::from(d))))
    {
        let from = LanePosition { lane: lane.id, s: stop_s - ahead - 3.65, d: 0.0 };
        let tour = map.route(from, to).unwrap();
        let mut world = World::new(&map, &tour, speed, PlannerConfig::default());
        world.light = Box::new(|_, t| (t < 0.15).then_some(TrafficLightElement::GREEN));
        let crosses = world.run_until(12.0, |w| {
            let (s, d) = lane.centerline.project(w.ego.pose.position());
            d.abs() > 3.0 || s + 3.65 > stop_s
        });
        let red = 0.1 + 3.0;
        assert!(
            !crosses || world.now_s <= red + 0.1,
            "{speed} m/s, {ahead} m: over it at {:.1} s",
            world.now_s
        );
        assert!(crosses || world.ego.speed_mps == 0.0, "{speed} m/s, {ahead} m: {:?}", world.ego);
    }
}

#[test]
fn curves_are_driven_at_2_mps2() {
    let map = town();
    let crescent = lane(&map, "10", -1);
    let length = map.lane(crescent).length;
    let tour = route(&map, &[at(&map, "10", -1, 2.0), at(&map, "10", -1, length - 8.0)]);
    let mut world = World::new(&map, &tour, 3.0, PlannerConfig::default());
    assert!(world.run_until(90.0, |w| w.decision.route_left_m < 2.0), "{:?}", world.rules);
    assert!(world.lateral_acceleration_max < 2.6, "{}", world.lateral_acceleration_max);
}
