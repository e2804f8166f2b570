//! What drivers know of the roads: how fast a lane can be driven, and where lanes part.

use auriga_geometry::math::angle_difference;
use auriga_map::{Lane, LaneId, LaneKind, Map};
use std::sync::Arc;

/// Sideways acceleration that drivers accept, m/s².
const LATERAL: f64 = 2.2;
/// How hard drivers slow down for a curve, m/s².
const COMFORT: f64 = 1.5;
/// Lanes from one lane keep two cars apart once their middles are so far apart, metres.
const APART: f64 = 2.6;

/// The map with what drivers know of it.
#[derive(Debug)]
pub struct Network {
    /// The map.
    pub map: Arc<Map>,
    facts: Vec<LaneFacts>,
}

/// What drivers know of a lane.
#[derive(Clone, Debug, Default)]
pub struct LaneFacts {
    /// Allowed and comfortable speed at each metre, m/s.
    speed: Vec<f64>,
    /// Other lanes that start where this one starts, and until which `s` they are too near to drive beside each other.
    pub siblings: Vec<(LaneId, f64)>,
    /// Whether cars drive here.
    pub drivable: bool,
    /// Whether it leads on to another driving lane.
    pub leads_on: bool,
    /// By how much it turns from start to end, rad, left positive.
    pub turn: f64,
}

impl Network {
    /// Works out the facts, once.
    #[must_use]
    pub fn new(map: Arc<Map>) -> Self {
        let drivable = |lane: &Lane| lane.kind == LaneKind::Driving;
        let mut facts: Vec<LaneFacts> = map
            .lanes()
            .iter()
            .map(|lane| LaneFacts {
                speed: if drivable(lane) { speed_profile(lane) } else { Vec::new() },
                siblings: Vec::new(),
                drivable: drivable(lane),
                turn: {
                    let line = &lane.centerline;
                    angle_difference(line.at(line.length()).heading, line.at(0.0).heading)
                },
                leads_on: lane.successors.iter().any(|&next| drivable(map.lane(next))),
            })
            .collect();
        for lane in map.lanes() {
            for &a in &lane.successors {
                for &b in &lane.successors {
                    if a != b && drivable(map.lane(a)) && drivable(map.lane(b)) {
                        let s = parting(map.lane(a), map.lane(b));
                        let siblings = &mut facts[a.index()].siblings;
                        if !siblings.iter().any(|(other, _)| *other == b) {
                            siblings.push((b, s));
                        }
                    }
                }
            }
        }
        Self { map, facts }
    }

    /// What drivers know of a lane.
    #[must_use]
    pub fn facts(&self, lane: LaneId) -> &LaneFacts {
        &self.facts[lane.index()]
    }

    /// Allowed and comfortable speed at `s` on a lane, m/s.
    #[must_use]
    pub fn speed(&self, lane: LaneId, s: f64) -> f64 {
        let speeds = &self.facts[lane.index()].speed;
        speeds.get((s.max(0.0) as usize).min(speeds.len().saturating_sub(1))).copied().unwrap_or(5.0)
    }
}

fn speed_profile(lane: &Lane) -> Vec<f64> {
    let metres = lane.length.max(1.0).ceil() as usize;
    let mut speeds: Vec<f64> = (0..=metres)
        .map(|metre| {
            // The curvature over a few metres: single samples at joints do not count for more than they are.
            let s = metre as f64;
            let (a, b) = (lane.centerline.at(s - 2.0), lane.centerline.at(s + 2.0));
            let span = (b.s - a.s).max(0.5);
            let curvature = (angle_difference(b.heading, a.heading) / span).abs().max(1e-4);
            (LATERAL / curvature).sqrt().min(lane.speed_limit.max(2.0)).max(2.5)
        })
        .collect();
    for i in (0..metres).rev() {
        let next = speeds[i + 1];
        speeds[i] = speeds[i].min((next * next + 2.0 * COMFORT).sqrt());
    }
    speeds
}

/// Where two lanes that start together are far enough apart.
fn parting(a: &Lane, b: &Lane) -> f64 {
    let most = a.length.min(b.length);
    let mut s = 0.0;
    while s < most && (a.centerline.at(s).position - b.centerline.at(s).position).norm() < APART {
        s += 1.0;
    }
    s
}
