//! Perception on the built-in simulator's scans, judged by its truth: what was seen, what was made up, and how it moves.

#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used)]

use auriga_geometry::{LogicalDuration, LogicalTime, OrientedBox, Pose2, Pose3, Vec2, Vec3};
use auriga_hal::{Payload, Platform, SensorMessage, SensorRig, SensorSink};
use auriga_map::Map;
use auriga_messages::auriga_msgs::{GroundTruth, NearestObstacle, VehicleState};
use auriga_messages::autoware_perception_msgs::{ObjectClassification, TrackedObjects};
use auriga_messages::nav_msgs::Odometry;
use auriga_messages::sensor_msgs::PointCloud2;
use auriga_messages::vision_msgs::Detection3DArray;
use auriga_perception::lidar::{
    Cloud, LidarDetector, LidarDetectorConfig, Motion, ObstacleChannel, ObstacleChannelConfig,
};
use auriga_perception::tracking::{Tracker, TrackerConfig, TrackerInputs};
use auriga_sim_bridge::plant::PlantParameters;
use auriga_sim_bridge::{EmbeddedPlatform, Scenario};
use std::collections::BTreeMap;
use std::sync::Arc;

fn read(path: &str) -> String {
    std::fs::read_to_string(format!("{}/../{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

struct Town {
    map: Arc<Map>,
    rig: SensorRig,
}

/// A scan with the truth at its end.
struct Sight {
    cloud: Arc<PointCloud2>,
    truth: Arc<GroundTruth>,
    vehicle: VehicleState,
}

/// Scans of a car that stands at a place of the town while traffic passes.
fn watch(town: &Town, start: &str, seconds: i64, extra: &str) -> Vec<Sight> {
    let text = format!(
        "name = \"watch\"\nmap = \"configs/maps/town.xodr\"\nduration_s = 60.0\n[ego]\nstart = {start}\ngoal = {{ road = \"9\", lane = -1, s_m = 50.0 }}\n[traffic]\nvehicles = 25\npedestrians = 15\n{extra}"
    );
    let scenario = Scenario::from_toml(&text, "watch.toml").unwrap();
    let plant = read("configs/vehicles/auriga-sedan-plant.toml");
    let plant = PlantParameters::from_toml(&plant, "plant.toml").unwrap();
    let platform = EmbeddedPlatform::new(&scenario, &town.map, &town.rig, &plant, 3).unwrap();
    let mut parts = Box::new(platform).split();
    let period = parts.sensors.tick_period();
    let (mut now, mut sights, mut sink) = (LogicalTime::ZERO, Vec::new(), SensorSink::default());
    let mut truths: BTreeMap<LogicalTime, Arc<GroundTruth>> = BTreeMap::new();
    let mut clouds = Vec::new();
    let mut vehicle = VehicleState::default();
    while now <= LogicalTime::ZERO + LogicalDuration::from_millis(1000 * seconds) {
        parts.sensors.tick(now, &mut sink).unwrap();
        for emission in sink.emissions.drain(..) {
            let message = match emission.payload {
                Payload::Ready(message) => message,
                Payload::Pending(pending) => pending.recv().unwrap().unwrap(),
            };
            match message {
                SensorMessage::Lidar(cloud) => {
                    clouds.push(((*cloud).clone(), vehicle.clone(), emission.capture))
                }
                SensorMessage::Truth(truth) => {
                    truths.insert(LogicalTime::from(&truth.header.stamp), truth);
                }
                SensorMessage::VehicleState(state) => vehicle = (*state).clone(),
                _ => {}
            }
        }
        now += period;
    }
    for (cloud, vehicle, end) in clouds {
        if let Some((_, truth)) = truths.range(..=end).next_back() {
            sights.push(Sight { cloud: Arc::new(cloud), truth: Arc::clone(truth), vehicle });
        }
    }
    sights
}

/// A road user of the truth in `base_link`.
struct Real {
    id: u32,
    kind: &'static str,
    outline: OrientedBox,
    points: usize,
    speed: f64,
    range: f64,
}

fn reals(sight: &Sight, lidar: &Pose3) -> Vec<Real> {
    let ego = Pose2::from(&sight.truth.ego_pose);
    let mut cloud = Cloud::default();
    cloud.read(&sight.cloud).unwrap();
    let points: Vec<Vec3> = cloud
        .points
        .iter()
        .map(|p| {
            lidar.to_parent(Vec3::new(
                f64::from(p.position[0]),
                f64::from(p.position[1]),
                f64::from(p.position[2]),
            ))
        })
        .collect();
    sight
        .truth
        .objects
        .iter()
        .map(|o| {
            let local = ego.relative(&Pose2::from(&o.pose));
            let outline = OrientedBox::new(local, o.dimensions.x, o.dimensions.y);
            let grown = outline.inflated(0.15, 0.15);
            let inside = points.iter().filter(|p| p.z > 0.3 && grown.contains(p.xy())).count();
            let kind = match o.class {
                ObjectClassification::PEDESTRIAN => "pedestrian",
                ObjectClassification::BICYCLE | ObjectClassification::MOTORCYCLE => "cyclist",
                ObjectClassification::TRUCK | ObjectClassification::BUS => "truck",
                _ => "vehicle",
            };
            Real {
                id: o.id,
                kind,
                outline,
                points: inside,
                speed: o.speed_mps,
                range: local.position().norm(),
            }
        })
        .collect()
}

#[derive(Default)]
struct Tally {
    there: usize,
    found: usize,
    class_right: usize,
    tracked: usize,
    speed_off: Vec<f64>,
    standing_moves: usize,
}

const PLACES: [&str; 4] = [
    "{ road = \"2\", lane = 1, s_m = 110.0 }",
    "{ road = \"1\", lane = -1, s_m = 60.0 }",
    "{ road = \"4\", lane = 1, s_m = 60.0 }",
    "{ road = \"8\", lane = -1, s_m = 20.0 }",
];

fn town() -> Town {
    let map = Arc::new(Map::from_opendrive(&read("configs/maps/town.xodr")).unwrap());
    let rig = SensorRig::from_toml(&read("configs/sensors/default.toml"), "default.toml").unwrap();
    Town { map, rig: SensorRig { camera: None, ..rig } }
}

#[test]
fn road_users_of_the_town_are_found_and_followed() {
    let town = town();
    let lidar = town.rig.lidar.as_ref().unwrap().pose.to_pose3();
    let mut tallies: BTreeMap<(&str, usize), Tally> = BTreeMap::new();
    let (mut scans, mut made_up): (usize, BTreeMap<String, usize>) = (0, BTreeMap::new());
    for place in PLACES {
        let mut detector = LidarDetector::new(LidarDetectorConfig::default(), lidar).unwrap();
        let mut tracker = Tracker::new(TrackerConfig::default()).unwrap();
        let (mut boxes, mut tracks) = (Detection3DArray::default(), TrackedObjects::default());
        for sight in watch(&town, place, 12, "") {
            scans += 1;
            let motion = Motion { speed_mps: sight.vehicle.speed_mps, yaw_rate_rps: 0.0 };
            detector.step(LogicalTime::ZERO, &sight.cloud, &motion, &mut boxes).unwrap();
            let mut odometry = Odometry::default();
            odometry.header.stamp = boxes.header.stamp.clone();
            odometry.pose.pose = sight.truth.ego_pose.clone();
            odometry.twist.twist = sight.truth.ego_twist.clone();
            tracker.note_ego(&odometry);
            let inputs = TrackerInputs { camera: None, map: Some(&town.map) };
            tracker.step(LogicalTime::ZERO, &boxes, inputs, &mut tracks).unwrap();
            let reals = reals(&sight, &lidar);
            judge(&reals, &boxes, &tracks, &Pose2::from(&sight.truth.ego_pose), &mut tallies, &mut made_up);
        }
    }
    for ((kind, band), t) in &mut tallies {
        t.speed_off.sort_by(f64::total_cmp);
        let at =
            |share: f64| t.speed_off.get((t.speed_off.len() as f64 * share) as usize).copied().unwrap_or(0.0);
        println!(
            "{kind:10} {:2} to {:2} m: {:5} there, {:3.0} % found, {:3.0} % of right class, {:3.0} % tracked, speed off median {:.2}, 95 % {:.2} m/s, standing ones that move {}",
            20 * band,
            20 * (band + 1),
            t.there,
            100.0 * t.found as f64 / t.there as f64,
            100.0 * t.class_right as f64 / t.there as f64,
            100.0 * t.tracked as f64 / t.there as f64,
            at(0.5),
            at(0.95),
            t.standing_moves,
        );
    }
    println!("{scans} scans; made up (tracks near the road where nobody is): {made_up:?}");
    let near = &tallies[&("vehicle", 0)];
    assert!(near.found * 10 > near.there * 9);
}

fn judge(
    reals: &[Real],
    boxes: &Detection3DArray,
    tracks: &TrackedObjects,
    ego: &Pose2,
    tallies: &mut BTreeMap<(&'static str, usize), Tally>,
    made_up: &mut BTreeMap<String, usize>,
) {
    for real in reals.iter().filter(|r| r.points >= 8 && r.range < 60.0) {
        let tally = tallies.entry((real.kind, (real.range / 20.0) as usize)).or_default();
        let reach = if real.kind == "pedestrian" { 0.6 } else { 1.5 };
        let place = real.outline.center.position();
        tally.there += 1;
        let near =
            boxes.detections.iter().map(|d| (d, (Pose2::from(&d.bbox.center).position() - place).norm()));
        if let Some((best, _)) = near.filter(|n| n.1 < reach).min_by(|a, b| a.1.total_cmp(&b.1)) {
            tally.found += 1;
            tally.class_right += usize::from(best.results[0].hypothesis.class_id == real.kind);
        }
        let near = tracks.objects.iter().map(|o| {
            let pose = Pose2::from(&o.kinematics.pose_with_covariance.pose);
            (o, pose, (ego.to_local(pose.position()) - place).norm())
        });
        if let Some((track, pose, _)) = near.filter(|n| n.2 < reach).min_by(|a, b| a.2.total_cmp(&b.2)) {
            tally.tracked += 1;
            let twist = &track.kinematics.twist_with_covariance.twist.linear;
            let velocity = Pose2::new(0.0, 0.0, pose.yaw).to_parent(Vec2::new(twist.x, twist.y));
            let heading = real.outline.center.yaw + ego.yaw;
            let truth = Pose2::new(0.0, 0.0, heading).to_parent(Vec2::new(real.speed, 0.0));
            tally.speed_off.push((velocity - truth).norm());
            tally.standing_moves += usize::from(real.speed < 0.05 && velocity.norm() > 0.5);
            let _ = real.id;
        }
    }
    for track in &tracks.objects {
        let pose = Pose2::from(&track.kinematics.pose_with_covariance.pose);
        let local = ego.to_local(pose.position());
        let is_real = reals.iter().any(|r| r.outline.distance_to_point(local) < 1.0);
        if !is_real && local.norm() < 60.0 {
            let label = track.classification[0].label;
            let moves = if track.kinematics.is_stationary { "standing" } else { "moving" };
            *made_up.entry(format!("{moves} class {label}")).or_default() += 1;
        }
    }
}

/// The gate's channel: nothing in an empty lane, the stopped car where it stands.
#[test]
fn the_obstacle_channel_sees_the_stopped_car_and_nothing_else() {
    let town = town();
    let lidar_pose = town.rig.lidar.as_ref().unwrap().pose.to_pose3();
    let config = ObstacleChannelConfig { lidar_pose, ..ObstacleChannelConfig::default() };
    let mut channel = ObstacleChannel::new(config).unwrap();
    let mut out = NearestObstacle::default();
    let car = "[[actor]]\nkind = \"stopped_car\"\nroad = \"8\"\nlane = -1\ns_m = 40.0\n";
    let mut seen = 0;
    for sight in watch(&town, "{ road = \"8\", lane = -1, s_m = 5.0 }", 4, car) {
        channel.step(LogicalTime::ZERO, &sight.cloud, &sight.vehicle, &mut out).unwrap();
        let ego = Pose2::from(&sight.truth.ego_pose);
        let in_the_way = |r: &Real| {
            let corners = r.outline.corners();
            let least = corners.iter().map(|c| c.x).fold(f64::INFINITY, f64::min);
            let across = corners.iter().any(|c| c.y.abs() < 1.0)
                || (corners.iter().any(|c| c.y > 0.0) && corners.iter().any(|c| c.y < 0.0));
            (least > config.front_m && across).then_some(least - config.front_m)
        };
        let truth = reals(&sight, &lidar_pose).iter().filter_map(in_the_way).fold(f64::INFINITY, f64::min);
        println!("{:.1} m seen, {truth:.1} m true at {:.1}, {:.1}", out.distance_m, ego.x, ego.y);
        if truth < 55.0 {
            assert!((out.distance_m - truth).abs() < 0.6, "{} not {truth}", out.distance_m);
            seen += 1;
        }
    }
    assert!(seen > 20);
}
