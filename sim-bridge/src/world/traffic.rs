//! The vehicles of the traffic, moved together.

use super::junction::{EgoView, Junctions};
use super::lights::TrafficLights;
use super::network::Network;
use super::occupancy::{Occupancy, Occupant, Who};
use super::vehicle::{Role, STANDSTILL_GAP, Vehicle, follow};
use crate::Noise;
use auriga_geometry::{OrientedBox, Vec2};
use auriga_map::{LaneId, Map};

/// Nobody appears nearer to the ego car than this, metres.
const APPEAR_AWAY_M: f64 = 45.0;
/// How far drivers look, metres.
const HORIZON_M: f64 = 90.0;

/// What drivers see besides each other.
pub struct Surroundings<'a> {
    /// Seconds since the start.
    pub time: f64,
    /// The ego car.
    pub ego: EgoView,
    /// The lights.
    pub lights: &'a TrafficLights,
    /// By crosswalk: whether somebody is on it or wants to be.
    pub claimed: &'a [bool],
    /// People on the carriageway, with their speed.
    pub walkers: &'a [(OrientedBox, f64)],
}

/// The nearest thing ahead.
#[derive(Clone, Copy, Debug)]
struct Leader {
    gap: f64,
    speed: f64,
    who: Who,
}

/// All vehicles.
#[derive(Debug)]
pub struct Traffic {
    vehicles: Vec<Vehicle>,
    junctions: Junctions,
    occupancy: Occupancy,
    noise: Noise,
    next_id: u32,
}

impl Traffic {
    /// No vehicles yet; their numbers begin at `first_id`.
    #[must_use]
    pub fn new(network: &Network, first_id: u32, noise: Noise) -> Self {
        Self {
            vehicles: Vec::new(),
            junctions: Junctions::default(),
            occupancy: Occupancy::new(network.map.lanes().len()),
            noise,
            next_id: first_id,
        }
    }

    /// The vehicles.
    #[must_use]
    pub fn vehicles(&self) -> &[Vehicle] {
        &self.vehicles
    }

    /// Adds a vehicle that stands on a lane.
    pub fn add(&mut self, network: &Network, lane: LaneId, s: f64) -> &mut Vehicle {
        let vehicle = self.make(network, lane, s);
        self.vehicles.push(vehicle);
        let last = self.vehicles.len() - 1;
        &mut self.vehicles[last]
    }

    fn make(&mut self, network: &Network, lane: LaneId, s: f64) -> Vehicle {
        let id = self.next_id;
        self.next_id += 1;
        Vehicle::new(network, id, lane, s, Noise::new(self.noise.bits(), u64::from(id)))
    }

    /// Adds up to `count` vehicles at random places, away from `ego` and from the places in `kept_free`.
    pub fn populate(&mut self, network: &Network, count: usize, ego: Vec2, kept_free: &[Vec2]) {
        let mut places = places(network, &network.map);
        for k in (1..places.len()).rev() {
            places.swap(k, self.noise.below(k + 1));
        }
        let mut left = count;
        for (lane, s) in places {
            if left == 0 {
                break;
            }
            let at = network.map.lane(lane).centerline.at(s).position;
            let taken = self.vehicles.iter().any(|v| (v.pose().position() - at).norm() < 13.0);
            let kept = kept_free.iter().any(|p| (p - at).norm() < 25.0);
            if !taken && !kept && (at - ego).norm() > APPEAR_AWAY_M {
                let speed = network.speed(lane, s) * 0.7;
                self.add(network, lane, s).speed = speed;
                left -= 1;
            }
        }
    }

    /// Moves all vehicles for `dt` seconds.
    pub fn step(&mut self, network: &Network, around: &Surroundings<'_>, dt: f64) {
        self.occupy(network, around);
        for i in 0..self.vehicles.len() {
            self.play_role(network, around, i);
        }
        self.junctions.decide(network, around.lights, &self.occupancy, &around.ego, &mut self.vehicles, dt);
        for i in 0..self.vehicles.len() {
            self.vehicles[i].acceleration = self.acceleration(network, around, i);
        }
        for vehicle in &mut self.vehicles {
            vehicle.advance(network, dt);
        }
        self.relocate(network, around.ego.footprint.center.position());
    }

    fn occupy(&mut self, network: &Network, around: &Surroundings<'_>) {
        self.occupancy.clear();
        for (i, vehicle) in self.vehicles.iter().enumerate() {
            let (rear, front) = (vehicle.rear(), vehicle.front());
            let who = Who::Vehicle(i);
            for lane in vehicle.path.lanes() {
                if lane.start < front && lane.end > rear {
                    let occupant = Occupant {
                        who,
                        rear: rear - lane.start,
                        front: front - lane.start,
                        speed: vehicle.speed,
                    };
                    self.occupancy.add(lane.lane, occupant);
                }
            }
            if let Some(lane) = vehicle.leaving {
                let (s, _) = network.map.lane(lane).centerline.project(vehicle.pose().position());
                let half = vehicle.length / 2.0;
                self.occupancy
                    .add(lane, Occupant { who, rear: s - half, front: s + half, speed: vehicle.speed });
            }
        }
        self.occupancy.add_footprint(network, Who::Ego, &around.ego.footprint, around.ego.speed);
        for (footprint, speed) in around.walkers {
            self.occupancy.add_footprint(network, Who::Walker, footprint, *speed);
        }
    }

    fn play_role(&mut self, network: &Network, around: &Surroundings<'_>, i: usize) {
        let vehicle = &mut self.vehicles[i];
        let pose = vehicle.pose();
        let ego = &around.ego.footprint;
        match &mut vehicle.role {
            Role::Free => {}
            Role::Parked { leaves_after, met } => {
                let leaves_after = *leaves_after;
                if met.is_none() {
                    let near = ego.center.position() - pose.position();
                    *met = (near.norm() < 40.0).then_some(around.time);
                }
                if let (Some(span), Some(met)) = (leaves_after, *met)
                    && around.time >= met + span
                {
                    vehicle.role = Role::Free;
                }
            }
            Role::CutIn { trigger, speed, gap, into, going } => {
                let (trigger, speed, gap, into) = (*trigger, *speed, *gap, *into);
                let front = ego.center.to_parent(Vec2::new(ego.length / 2.0, 0.0));
                let local = pose.to_local(front);
                let distance = -local.x - vehicle.length / 2.0;
                let beside = local.y.abs() < 8.0;
                if beside && distance < trigger && distance > 0.0 {
                    *going = true;
                }
                let reached = *going && beside && distance < gap && vehicle.speed > 0.6 * speed;
                let passed = *going && distance < 0.0;
                if reached && distance > 2.0 {
                    let lane = network.map.lane(vehicle.lane());
                    let neighbor = [lane.left, lane.right]
                        .into_iter()
                        .flatten()
                        .find(|n| n.same_direction && network.map.lane(n.lane).key.lane == into);
                    vehicle.role = Role::Free;
                    if let Some(neighbor) = neighbor {
                        let span = (vehicle.speed * 2.5).max(15.0);
                        vehicle.change_lane(network, neighbor.lane, span);
                    }
                } else if passed {
                    vehicle.role = Role::Free;
                }
            }
        }
    }

    fn acceleration(&mut self, network: &Network, around: &Surroundings<'_>, i: usize) -> f64 {
        let vehicle = &self.vehicles[i];
        let mut desired = desired_speed(network, vehicle) * vehicle.temperament;
        match vehicle.role {
            Role::Parked { .. } | Role::CutIn { going: false, .. } => return -3.0,
            Role::CutIn { speed, .. } => desired = desired.min(speed),
            Role::Free => {}
        }
        let speed = vehicle.speed;
        let mut least = follow(speed, desired, f64::INFINITY, 0.0);
        let leader = self.leader(network, i);
        if let Some(leader) = leader {
            least = least.min(follow(speed, desired, leader.gap, leader.speed.max(0.0)));
        }
        let stops = [
            self.junctions.stop_distance(i),
            crosswalk_stop(network, around.claimed, vehicle),
            Some(vehicle.path.end() - vehicle.front()).filter(|&distance| distance < HORIZON_M),
        ];
        for distance in stops.into_iter().flatten() {
            // The car ahead is thought to stand so far beyond the line that the usual gap ends half a metre before it.
            let gap = distance + STANDSTILL_GAP - 0.5;
            least = least.min(follow(speed, desired, gap, 0.0));
        }
        if let Some(leader) = leader {
            self.pass_a_parked_car(network, i, leader);
        }
        least
    }

    /// The nearest road user on the vehicle's way.
    fn leader(&self, network: &Network, i: usize) -> Option<Leader> {
        let vehicle = &self.vehicles[i];
        let front = vehicle.front();
        let mut nearest: Option<Leader> = None;
        let mut consider = |start: f64, occupant: &Occupant| {
            let middle = start + (occupant.rear + occupant.front) / 2.0;
            let gap = start + occupant.rear - front;
            if occupant.who != Who::Vehicle(i) && middle > vehicle.s && nearest.is_none_or(|n| gap < n.gap) {
                nearest = Some(Leader { gap, speed: occupant.speed, who: occupant.who });
            }
        };
        for lane in vehicle.path.lanes() {
            if lane.end < vehicle.s || lane.start > front + HORIZON_M {
                continue;
            }
            for occupant in self.occupancy.on(lane.lane) {
                consider(lane.start, occupant);
            }
            for &(sibling, until) in &network.facts(lane.lane).siblings {
                for occupant in self.occupancy.on(sibling) {
                    if occupant.rear < until {
                        consider(lane.start, occupant);
                    }
                }
            }
        }
        nearest
    }

    /// Changes lanes where a car stands in the way for good and there is room beside it.
    fn pass_a_parked_car(&mut self, network: &Network, i: usize, leader: Leader) {
        let Who::Vehicle(k) = leader.who else { return };
        let vehicle = &self.vehicles[i];
        if !self.vehicles[k].role.stands()
            || leader.gap > 30.0
            || vehicle.role != Role::Free
            || vehicle.shift.under_way(vehicle.s)
        {
            return;
        }
        let index = vehicle.path.index_at(vehicle.s);
        let lane = network.map.lane(vehicle.path.lanes()[index].lane);
        let s = vehicle.s - vehicle.path.lanes()[index].start;
        for neighbor in [lane.left, lane.right].into_iter().flatten() {
            if !(neighbor.change_allowed && neighbor.same_direction && network.facts(neighbor.lane).drivable)
            {
                continue;
            }
            let half = vehicle.length / 2.0;
            let free = self.occupancy.on(neighbor.lane).iter().all(|other| {
                let behind = 10.0 + 3.0 * (other.speed - vehicle.speed).max(0.0);
                let ahead = 6.0 + 2.0 * (vehicle.speed - other.speed).max(0.0);
                other.front < s - half - behind || other.rear > s + half + ahead
            });
            let room = network.map.lane(neighbor.lane).length - s > 40.0;
            if free && room {
                let span = (leader.gap + 4.0).clamp(12.0, 30.0);
                self.vehicles[i].change_lane(network, neighbor.lane, span);
                return;
            }
        }
    }

    /// Whether a vehicle has waited long behind one that stands for good: the queue must not grow over a junction.
    fn is_stuck(&self, network: &Network, i: usize) -> bool {
        let patient = self.vehicles[i].standing < 8.0;
        !patient
            && self.leader(network, i).is_some_and(
                |leader| matches!(leader.who, Who::Vehicle(k) if leader.gap < 8.0 && self.vehicles[k].role.stands()),
            )
    }

    /// A vehicle whose road has ended, or that is stuck out of the ego car's sight, comes in again somewhere else, as another
    /// one.
    fn relocate(&mut self, network: &Network, ego: Vec2) {
        for i in 0..self.vehicles.len() {
            let vehicle = &self.vehicles[i];
            let at_end = vehicle.standing > 1.0 && vehicle.path.end() - vehicle.front() < 3.0;
            let far = (vehicle.pose().position() - ego).norm() > APPEAR_AWAY_M + 20.0;
            if vehicle.role != Role::Free || !(at_end || (far && self.is_stuck(network, i))) {
                continue;
            }
            let places = places(network, &network.map);
            for _ in 0..20.min(places.len()) {
                let (lane, s) = places[self.noise.below(places.len())];
                let at = network.map.lane(lane).centerline.at(s).position;
                let free = self.vehicles.iter().all(|v| (v.pose().position() - at).norm() > 25.0);
                if free && (at - ego).norm() > APPEAR_AWAY_M + 20.0 {
                    self.vehicles[i] = self.make(network, lane, s);
                    break;
                }
            }
        }
    }
}

/// Where a vehicle may appear: on lanes outside junctions that lead on, in a fixed order.
fn places(network: &Network, map: &Map) -> Vec<(LaneId, f64)> {
    let mut places = Vec::new();
    for strict in [true, false] {
        for lane in map.lanes() {
            let facts = network.facts(lane.id);
            if facts.drivable && (facts.leads_on || !strict) && lane.junction.is_none() && lane.length > 25.0
            {
                let mut s = 8.0;
                while s < lane.length - 12.0 {
                    places.push((lane.id, s));
                    s += 12.0;
                }
            }
        }
        if !places.is_empty() {
            break;
        }
    }
    places
}

/// The speed that the road allows here and, with comfortable braking, ahead.
fn desired_speed(network: &Network, vehicle: &Vehicle) -> f64 {
    let front = vehicle.front();
    let mut speed = f64::INFINITY;
    for lane in vehicle.path.lanes() {
        if lane.end < vehicle.s || lane.start > front + 70.0 {
            continue;
        }
        let ahead = (lane.start - vehicle.s).max(0.0);
        let here = network.speed(lane.lane, (vehicle.s - lane.start).max(0.0));
        speed = speed.min((here * here + 2.0 * 1.5 * ahead).sqrt());
    }
    if speed.is_finite() { speed } else { 3.0 }
}

/// Metres to the next crosswalk that somebody claims, where the car can still stop before it.
fn crosswalk_stop(network: &Network, claimed: &[bool], vehicle: &Vehicle) -> Option<f64> {
    let front = vehicle.front();
    for lane in vehicle.path.lanes() {
        if lane.end < front || lane.start > front + 50.0 {
            continue;
        }
        for crossing in &network.map.lane(lane.lane).crossings {
            let distance = lane.start + crossing.s_start - 1.0 - front;
            let braking = vehicle.speed * vehicle.speed / (2.0 * distance.max(0.1));
            if distance > -0.5 && distance < 50.0 && braking < 4.0 && claimed[crossing.crosswalk.index()] {
                return Some(distance);
            }
        }
    }
    None
}
