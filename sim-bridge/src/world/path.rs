//! The lanes that a driver is going to follow, one after another, as one line.

use super::network::Network;
use crate::Noise;
use auriga_map::{CenterPoint, LaneId};

/// A lane of a path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PathLane {
    /// The lane.
    pub lane: LaneId,
    /// Where it begins, metres along the path.
    pub start: f64,
    /// Where it ends, metres along the path.
    pub end: f64,
}

/// Lanes one after another; metres along the path grow through all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    lanes: Vec<PathLane>,
}

impl Path {
    /// A path that begins with `lane`, whose start is at 0.
    #[must_use]
    pub fn new(network: &Network, lane: LaneId) -> Self {
        let end = network.map.lane(lane).length;
        let mut lanes = Vec::with_capacity(16);
        lanes.push(PathLane { lane, start: 0.0, end });
        Self { lanes }
    }

    /// Its lanes.
    #[must_use]
    pub fn lanes(&self) -> &[PathLane] {
        &self.lanes
    }

    /// Where it ends, metres along the path.
    #[must_use]
    pub fn end(&self) -> f64 {
        self.lanes.last().map_or(0.0, |lane| lane.end)
    }

    /// The index of the lane at `s`.
    #[must_use]
    pub fn index_at(&self, s: f64) -> usize {
        self.lanes.iter().position(|lane| s < lane.end).unwrap_or(self.lanes.len() - 1)
    }

    /// The middle of the lane at `s`; before the start and past the end on the straight continuation.
    #[must_use]
    pub fn at(&self, network: &Network, s: f64) -> CenterPoint {
        let lane = self.lanes[self.index_at(s)];
        let local = s - lane.start;
        let mut point = network.map.lane(lane.lane).centerline.at(local);
        let beyond = local - local.clamp(0.0, lane.end - lane.start);
        if beyond != 0.0 {
            let (sin, cos) = auriga_geometry::math::sin_cos(point.heading);
            point.position.x += cos * beyond;
            point.position.y += sin * beyond;
        }
        point
    }

    /// Chooses ways on until the path reaches `until`, and forgets what lies before `behind`.
    pub fn keep_between(&mut self, network: &Network, noise: &mut Noise, behind: f64, until: f64) {
        while self.end() < until {
            let last = self.lanes[self.lanes.len() - 1];
            let successors = &network.map.lane(last.lane).successors;
            let usable = |id: LaneId, on: bool| {
                let facts = network.facts(id);
                facts.drivable && (facts.leads_on || !on)
            };
            let on = successors.iter().any(|&id| usable(id, true));
            let count = successors.iter().filter(|&&id| usable(id, on)).count();
            if count == 0 {
                break;
            }
            let chosen = noise.below(count);
            let Some(&lane) = successors.iter().filter(|&&id| usable(id, on)).nth(chosen) else { break };
            self.lanes.push(PathLane {
                lane,
                start: last.end,
                end: last.end + network.map.lane(lane).length,
            });
        }
        while self.lanes.len() > 1 && self.lanes[0].end < behind {
            self.lanes.remove(0);
        }
    }
}
