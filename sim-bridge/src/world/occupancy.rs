//! Who is on which lane, and where.

use super::network::Network;
use auriga_geometry::math::{angle_difference, cos, sin};
use auriga_geometry::{OrientedBox, Vec2};
use auriga_map::LaneId;

/// A road user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// A vehicle of the traffic, by its index.
    Vehicle(usize),
    /// The ego car.
    Ego,
    /// Somebody on foot.
    Walker,
}

/// A stretch of a lane that somebody is on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Occupant {
    /// Who.
    pub who: Who,
    /// Metres along the lane.
    pub rear: f64,
    /// Metres along the lane.
    pub front: f64,
    /// m/s along the lane.
    pub speed: f64,
}

/// The occupants of every lane.
#[derive(Debug, Default)]
pub struct Occupancy {
    lanes: Vec<Vec<Occupant>>,
    near: Vec<LaneId>,
}

/// Half of a usual car's width and a little room, metres.
const HALF_WAY: f64 = 1.15;

impl Occupancy {
    /// Nobody on any of `lanes` lanes.
    #[must_use]
    pub fn new(lanes: usize) -> Self {
        Self { lanes: vec![Vec::with_capacity(8); lanes], near: Vec::with_capacity(64) }
    }

    /// Nobody any more.
    pub fn clear(&mut self) {
        for lane in &mut self.lanes {
            lane.clear();
        }
    }

    /// Who is on a lane.
    #[must_use]
    pub fn on(&self, lane: LaneId) -> &[Occupant] {
        &self.lanes[lane.index()]
    }

    /// Puts somebody on a lane.
    pub fn add(&mut self, lane: LaneId, occupant: Occupant) {
        self.lanes[lane.index()].push(occupant);
    }

    /// Puts somebody on all driving lanes whose way his footprint touches.
    pub fn add_footprint(&mut self, network: &Network, who: Who, footprint: &OrientedBox, speed: f64) {
        let center = footprint.center.position();
        let mut near = std::mem::take(&mut self.near);
        network.map.lanes_within(center, footprint.length / 2.0 + 1.0, &mut near);
        for &id in &near {
            if network.facts(id).drivable
                && let Some(occupant) = on_lane(network, id, who, footprint, center, speed)
            {
                self.add(id, occupant);
            }
        }
        self.near = near;
    }
}

fn on_lane(
    network: &Network,
    id: LaneId,
    who: Who,
    footprint: &OrientedBox,
    center: Vec2,
    speed: f64,
) -> Option<Occupant> {
    let lane = network.map.lane(id);
    let (s, d) = lane.centerline.project(center);
    let at = lane.centerline.at(s);
    let turn = angle_difference(footprint.center.yaw, at.heading);
    let (along, across) = (cos(turn).abs(), sin(turn).abs());
    let half_across = (footprint.length * across + footprint.width * along) / 2.0;
    let half_along = (footprint.length * along + footprint.width * across) / 2.0;
    let ahead = (center - at.position).dot(&Vec2::new(cos(at.heading), sin(at.heading)));
    let beyond = ahead.abs() > half_along + 0.5;
    if d.abs() > HALF_WAY + half_across || beyond {
        return None;
    }
    let s = s + ahead;
    Some(Occupant { who, rear: s - half_along, front: s + half_along, speed: speed * cos(turn) })
}
