//! Makes pictures with labels for training: random moments in the town, the ego car on a random lane, road users at random
//! places in its view, lights in random states, another day's light every few pictures.
//!
//! `dataset OUT_FOLDER PICTURES SEED`, run from the repository.

use auriga_geometry::math::{PI, TAU, sin_cos};
use auriga_geometry::{LogicalTime, OrientedBox, Pose2, Pose3, Vec2};
use auriga_hal::SensorRig;
use auriga_map::{Lane, LaneKind, Map, SignalKind};
use auriga_messages::sensor_msgs::Image;
use auriga_sim_bridge::Noise;
use auriga_sim_bridge::sense::StaticScene;
use auriga_sim_bridge::sense::camera::CameraRenderer;
use auriga_sim_bridge::sense::dataset::write_sample;
use auriga_sim_bridge::world::{ActorKind, ActorSnapshot, EgoSnapshot, LightColor, WorldSnapshot};
use std::path::Path;
use std::sync::Arc;

const MAP: &str = "configs/maps/town.xodr";
const RIG: &str = "configs/sensors/default.toml";
/// Pictures that share a day's light.
const PICTURES_PER_DAY: u32 = 20;
/// Attempts to place road users per picture.
const ATTEMPTS: usize = 300;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, folder, count, seed] = arguments.as_slice() else {
        return Err("usage: dataset OUT_FOLDER PICTURES SEED".into());
    };
    let (folder, count, seed) = (Path::new(folder), count.parse::<u32>()?, seed.parse::<u64>()?);
    std::fs::create_dir_all(folder)?;
    let map = Map::from_opendrive(&std::fs::read_to_string(MAP)?)?;
    let rig =
        SensorRig::from_toml(&std::fs::read_to_string(RIG)?, RIG)?.camera.ok_or("the rig has no camera")?;
    let mut image = Image::default();
    let mut camera = None;
    for index in 0..count {
        let day = seed * 1_000_000 + u64::from(index / PICTURES_PER_DAY);
        if index % PICTURES_PER_DAY == 0 {
            camera = Some(CameraRenderer::new(&rig, Arc::new(StaticScene::new(&map, day)), day));
        }
        let Some(camera) = &mut camera else { continue };
        let snapshot = moment(&map, index, Noise::new(seed, u64::from(index)));
        camera.render(&snapshot, &mut image);
        write_sample(folder, index, &image, &camera.visible_objects())?;
    }
    Ok(())
}

/// A random moment.
fn moment(map: &Map, index: u32, mut noise: Noise) -> WorldSnapshot {
    let ego = ego_pose(map, &mut noise);
    let mut snapshot = WorldSnapshot {
        time: LogicalTime::from_nanos(100_000_000 * i64::from(index + 1)),
        ego: EgoSnapshot { pose: Pose3::from_pose2(&ego, 0.0), ..EgoSnapshot::default() },
        ..WorldSnapshot::default()
    };
    let colors = [LightColor::Red, LightColor::Amber, LightColor::Green, LightColor::Off];
    for signal in map.signals().iter().filter(|s| s.kind == SignalKind::TrafficLight) {
        snapshot.lights.push((signal.id, colors[noise.below(4)]));
    }
    // One picture in 16 is empty.
    let most = if index % 16 == 15 { 0 } else { 2 + noise.below(15) };
    // The ego car's own place stays free.
    let mut taken = vec![OrientedBox::new(ego.compose(&Pose2::new(1.4, 0.0, 0.0)), 6.5, 2.6)];
    for _ in 0..ATTEMPTS {
        if snapshot.actors.len() >= most {
            break;
        }
        let id = snapshot.actors.len() as u32 + 1;
        let Some(actor) = road_user(map, &ego, id, &mut noise) else { continue };
        let footprint = actor.footprint();
        if !taken.iter().any(|other| other.intersects(&footprint)) {
            taken.push(footprint);
            snapshot.actors.push(actor);
        }
    }
    snapshot
}

/// The ego car on a lane; in two pictures of five before a traffic light.
fn ego_pose(map: &Map, noise: &mut Noise) -> Pose2 {
    let lanes: Vec<&Lane> =
        map.lanes().iter().filter(|l| l.kind == LaneKind::Driving && l.length > 2.0).collect();
    let is_lit =
        |lane: &&Lane| lane.controls.iter().any(|c| map.signal(c.signal).kind == SignalKind::TrafficLight);
    let lit: Vec<&Lane> = lanes.iter().copied().filter(is_lit).collect();
    let (lane, s) = if noise.uniform() < 0.4 && !lit.is_empty() {
        let lane = lit[noise.below(lit.len())];
        let stop = lane.controls.first().map_or(lane.length, |control| control.stop_s);
        (lane, stop - 3.7 - noise.between(0.0, 40.0))
    } else {
        let along: f64 = lanes.iter().map(|lane| lane.length).sum();
        let mut left = noise.between(0.0, along);
        let mut chosen = lanes[0];
        for &lane in &lanes {
            chosen = lane;
            left -= lane.length;
            if left < 0.0 {
                break;
            }
        }
        (chosen, noise.between(0.0, chosen.length))
    };
    let at = lane.centerline.at(s.max(0.0));
    let pose = Pose2::new(at.position.x, at.position.y, at.heading);
    pose.compose(&Pose2::new(0.0, 0.3 * noise.normal(), 0.04 * noise.normal()))
}

/// A road user at a random place in the ego car's view, or none where nobody can be.
fn road_user(map: &Map, ego: &Pose2, id: u32, noise: &mut Noise) -> Option<ActorSnapshot> {
    let kind = match noise.uniform() {
        u if u < 0.36 => ActorKind::Car,
        u if u < 0.44 => ActorKind::Van,
        u if u < 0.50 => ActorKind::Truck,
        u if u < 0.53 => ActorKind::Bus,
        u if u < 0.80 => ActorKind::Pedestrian,
        _ => ActorKind::Cyclist,
    };
    let vulnerable = matches!(kind, ActorKind::Pedestrian | ActorKind::Cyclist);
    let distance = if vulnerable { noise.between(4.0, 40.0) } else { noise.between(6.0, 65.0) };
    let (sin, cos) = sin_cos(noise.between(-0.6, 0.6));
    let point = ego.to_parent(Vec2::new(1.7 + distance * cos, distance * sin));
    let pose = match kind {
        ActorKind::Pedestrian => {
            let walkable = |kind| matches!(kind, LaneKind::Driving | LaneKind::Sidewalk | LaneKind::Parking);
            let mut near = Vec::new();
            map.lanes_within(point, 0.2, &mut near);
            let lane = near.iter().map(|&id| map.lane(id)).find(|lane| walkable(lane.kind))?;
            // On the carriageway people are rarer.
            if lane.kind == LaneKind::Driving && noise.uniform() < 0.5 {
                return None;
            }
            Pose2::new(point.x, point.y, noise.between(-PI, PI))
        }
        _ => {
            let at = map.nearest_lane(point, None)?;
            if at.d.abs() > 4.0 {
                return None;
            }
            let centre = map.lane(at.lane).centerline.at(at.s);
            let beside = match kind {
                ActorKind::Cyclist => noise.between(-2.5, 1.5),
                _ if noise.uniform() < 0.12 => noise.between(-3.0, 3.0),
                _ => 0.2 * noise.normal(),
            };
            let turned =
                if noise.uniform() < 0.12 { noise.between(-1.6, 1.6) } else { 0.03 * noise.normal() };
            Pose2::new(centre.position.x, centre.position.y, centre.heading)
                .compose(&Pose2::new(0.0, beside, turned))
        }
    };
    let (length, width, height) = match kind {
        ActorKind::Car => (noise.between(4.1, 4.8), noise.between(1.72, 1.88), noise.between(1.42, 1.7)),
        ActorKind::Van => (noise.between(4.9, 5.5), noise.between(1.88, 2.0), noise.between(1.9, 2.4)),
        ActorKind::Truck => (noise.between(6.2, 7.8), noise.between(2.1, 2.4), noise.between(2.7, 3.3)),
        ActorKind::Bus => (11.0, 2.5, 3.1),
        ActorKind::Pedestrian => (0.5, 0.5, noise.between(1.45, 1.92)),
        ActorKind::Cyclist => (1.75, 0.6, noise.between(1.65, 1.85)),
    };
    Some(ActorSnapshot {
        id,
        kind,
        appearance: (noise.bits() >> 32) as u32,
        pose: Pose3::from_pose2(&pose, 0.0),
        length,
        width,
        height,
        speed: 0.0,
        walk_phase: noise.between(0.0, TAU),
        braking: noise.uniform() < 0.35,
        indicator: [0, 0, 0, 1, -1][noise.below(5)],
    })
}
