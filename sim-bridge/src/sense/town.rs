//! The town with road users on its lanes, for the sensors' tests.

use super::StaticScene;
use crate::world::{ActorKind, ActorSnapshot, EgoSnapshot, LightColor, WorldSnapshot};
use auriga_geometry::math::PI;
use auriga_geometry::{LogicalTime, Pose2, Pose3};
use auriga_map::{Lane, LaneKind, Map, SignalKind};
use std::io::Write as _;
use std::sync::Arc;

/// The map and its scene; `None` (and a line that says so) where the map is not there.
pub(super) fn load() -> Option<(Map, Arc<StaticScene>)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/maps/town.xodr");
    let Ok(text) = std::fs::read_to_string(path) else {
        let _ = writeln!(std::io::stderr(), "skipped: {path} is not there");
        return None;
    };
    let map = Map::from_opendrive(&text).unwrap();
    let scene = Arc::new(StaticScene::new(&map, 1));
    Some((map, scene))
}

/// A generator for places and looks.
pub(super) struct Dice(pub u64);

impl Dice {
    pub(super) fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn place(lane: &Lane, s: f64, d: f64) -> Pose2 {
    let at = lane.centerline.at(s);
    Pose2::new(at.position.x, at.position.y, at.heading).compose(&Pose2::new(0.0, d, 0.0))
}

/// An ego on a lane, and road users around it, at one instant.
pub(super) fn snapshot(map: &Map, seed: u64) -> WorldSnapshot {
    let mut dice = Dice(seed.wrapping_mul(977).wrapping_add(12345));
    for _ in 0..8 {
        dice.roll();
    }
    let of = |kind: LaneKind| {
        map.lanes().iter().filter(move |l| l.kind == kind && l.length > 6.0).collect::<Vec<_>>()
    };
    let (roads, walks) = (of(LaneKind::Driving), of(LaneKind::Sidewalk));
    let own = roads[(dice.roll() * roads.len() as f64) as usize];
    let ego = place(own, dice.roll() * own.length * 0.6, 0.0);
    let mut actors: Vec<ActorSnapshot> = Vec::new();
    for id in 0..4000_u32 {
        let walker = id % 4 == 3 && !walks.is_empty();
        let lanes = if walker { &walks } else { &roads };
        let lane = lanes[(dice.roll() * lanes.len() as f64) as usize];
        let slack = if walker { lane.centerline.at(0.0).width * 0.3 } else { 0.25 };
        let mut at = place(lane, dice.roll() * lane.length, (dice.roll() - 0.5) * 2.0 * slack);
        at.yaw += if walker { (dice.roll() * 2.0).floor() * PI } else { (dice.roll() - 0.5) * 0.1 };
        let gap = |other: &Pose2| other.distance(&at);
        let local = ego.to_local(at.position());
        let aside = local.x < 4.0 || local.y.abs() > 0.8 * local.x || local.x > 45.0;
        if (aside && dice.roll() < 0.8) || gap(&ego) > 80.0 || (local.x.abs() < 9.0 && local.y.abs() < 2.2) {
            continue;
        }
        if actors.iter().any(|a| gap(&a.pose.to_pose2()) < if walker { 1.0 } else { 8.0 })
            || actors.len() > 30
        {
            continue;
        }
        let kind = match (walker, id % 13) {
            (true, _) => ActorKind::Pedestrian,
            (_, 0) => ActorKind::Van,
            (_, 1) => ActorKind::Truck,
            (_, 2) => ActorKind::Cyclist,
            _ => ActorKind::Car,
        };
        let (length, width, height) = match kind {
            ActorKind::Pedestrian => (0.5, 0.6, 1.75),
            ActorKind::Cyclist => (1.75, 0.6, 1.75),
            ActorKind::Truck => (7.6, 2.4, 3.2),
            ActorKind::Van => (5.1, 1.96, 2.0),
            _ => [(4.6, 1.82, 1.46), (4.1, 1.76, 1.48), (4.5, 1.88, 1.68)][(dice.roll() * 3.0) as usize],
        };
        actors.push(ActorSnapshot {
            id,
            kind,
            appearance: (dice.roll() * 1e6) as u32,
            pose: Pose3::from_pose2(&at, 0.0),
            length,
            width,
            height,
            speed: 0.0,
            walk_phase: dice.roll() * 6.0,
            braking: id % 3 == 0,
            indicator: (id % 5) as i8 % 2,
        });
    }
    let colors = [LightColor::Red, LightColor::Green, LightColor::Amber, LightColor::Off];
    WorldSnapshot {
        time: LogicalTime::from_nanos(100_000_000 * (seed as i64 + 1)),
        ego: EgoSnapshot {
            pose: Pose3::from_pose2(&ego, 0.0),
            speed: 0.0,
            yaw_rate: 0.0,
            acceleration: 0.0,
            steering_angle: 0.0,
            braking: false,
        },
        actors,
        lights: map
            .signals()
            .iter()
            .filter(|s| s.kind == SignalKind::TrafficLight)
            .map(|s| (s.id, colors[(seed as usize + s.id.index()) % 4]))
            .collect(),
    }
}

/// Milliseconds of processor time that a closure takes, the least of three runs: printed by tests, never asserted. Zero
/// where the kernel does not tell.
pub(super) fn milliseconds(mut work: impl FnMut()) -> f64 {
    let spent = || -> f64 {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        text.split_whitespace().next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0.0)
    };
    (0..3)
        .map(|_| {
            let start = spent();
            work();
            (spent() - start) * 1e-6
        })
        .fold(f64::INFINITY, f64::min)
}
