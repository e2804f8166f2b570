//! The world around the ego car: road users, lights, and what sensors can see of them.
//!
//! Everything here is a function of map, scenario and seed. The ego car's motion comes from outside; to the others it is a
//! car like theirs.

mod incident;
mod junction;
mod lights;
mod network;
mod occupancy;
mod path;
mod state;
mod traffic;
mod vehicle;
mod walker;

pub use incident::{Incident, IncidentKind};
pub use state::{ActorKind, ActorSnapshot, EgoSnapshot, LightColor, WorldSnapshot};

use crate::plant::{Plant, PlantParameters, PlantState};
use crate::scenario::{ActorPlan, Scenario};
use crate::{Noise, SimError};
use auriga_geometry::{LogicalTime, OrientedBox, Pose2, Pose3, Vec2};
use auriga_map::{LanePosition, Map};
use incident::Watch;
use junction::EgoView;
use lights::TrafficLights;
use network::Network;
use std::sync::Arc;
use traffic::{Surroundings, Traffic};
use vehicle::Role;
use walker::{Sight, Walkers};

/// Numbers of people on foot begin here, those of vehicles at 1.
const FIRST_WALKER: u32 = 100_001;

/// The ego car as the world around it sees it, wherever it is simulated.
pub trait Ego {
    /// Its motion now.
    fn state(&self) -> &PlantState;

    /// Whether the brake lights are on.
    fn braking(&self) -> bool;
}

impl Ego for Plant {
    fn state(&self) -> &PlantState {
        self.state()
    }

    fn braking(&self) -> bool {
        self.braking()
    }
}

/// Map, traffic, people on foot and lights.
#[derive(Debug)]
pub struct World {
    network: Network,
    lights: TrafficLights,
    traffic: Traffic,
    walkers: Walkers,
    watch: Watch,
    parameters: PlantParameters,
    footprints: Vec<OrientedBox>,
    time: LogicalTime,
    ego_standing: f64,
    start: Pose2,
}

impl World {
    /// Sets the scene at instant 0.
    ///
    /// # Errors
    /// [`SimError::Place`] when the scenario names a place or light that the map does not have.
    pub fn new(
        map: Arc<Map>,
        scenario: &Scenario,
        parameters: &PlantParameters,
        seed: u64,
    ) -> Result<Self, SimError> {
        let itinerary = scenario.itinerary(&map)?;
        let lights = TrafficLights::new(&map, &scenario.lights, &scenario.name, Noise::new(seed, 11))?;
        let network = Network::new(map);
        let start = pose_at(&network.map, itinerary[0]);
        let mut world = Self {
            traffic: Traffic::new(&network, 1, Noise::new(seed, 12)),
            walkers: Walkers::new(&network.map, FIRST_WALKER, Noise::new(seed, 13)),
            watch: Watch::new(network.map.objects()),
            lights,
            network,
            parameters: parameters.clone(),
            footprints: Vec::new(),
            time: LogicalTime::ZERO,
            ego_standing: 0.0,
            start,
        };
        let mut kept_free = Vec::new();
        for (i, plan) in scenario.actors.iter().enumerate() {
            let at = scenario.locate(&world.network.map, &plan.place(), &format!("actor[{i}]"))?;
            kept_free.push(pose_at(&world.network.map, at).position());
            world.add_scripted(plan, at);
        }
        world.traffic.populate(&world.network, scenario.traffic.vehicles, start.position(), &kept_free);
        world.walkers.populate(&world.network.map, scenario.traffic.pedestrians);
        Ok(world)
    }

    fn add_scripted(&mut self, plan: &ActorPlan, at: LanePosition) {
        match *plan {
            ActorPlan::StoppedCar { offset_m, leaves_after_s, .. } => {
                let vehicle = self.traffic.add(&self.network, at.lane, at.s);
                vehicle.role = Role::Parked { leaves_after: leaves_after_s, met: None };
                vehicle.shift = vehicle::Shift { from: offset_m, to: 0.0, begin: at.s + 5.0, span: 15.0 };
            }
            ActorPlan::CutIn { trigger_distance_m, speed_mps, gap_m, into_lane, .. } => {
                let vehicle = self.traffic.add(&self.network, at.lane, at.s);
                vehicle.role = Role::CutIn {
                    trigger: trigger_distance_m,
                    speed: speed_mps,
                    gap: gap_m,
                    into: into_lane,
                    going: false,
                };
            }
            ActorPlan::Jaywalker { offset_m, trigger_s, speed_mps, distance_m, .. } => {
                let lane = pose_at(&self.network.map, at);
                let from = lane.to_parent(Vec2::new(0.0, offset_m));
                let beyond = if offset_m > 0.0 { -0.01 } else { 0.01 };
                let target = if offset_m.abs() > 0.1 {
                    lane.position()
                } else {
                    lane.to_parent(Vec2::new(0.0, beyond))
                };
                self.walkers.add_jaywalker(from, target, trigger_s, speed_mps, distance_m);
            }
        }
    }

    /// Where the ego car starts: its `base_link` in `map`.
    #[must_use]
    pub fn start(&self) -> Pose2 {
        self.start
    }

    /// Rear axle to front bumper of the ego car, metres.
    #[must_use]
    pub fn ego_front_m(&self) -> f64 {
        self.parameters.front_m()
    }

    /// The map.
    #[must_use]
    pub fn map(&self) -> &Arc<Map> {
        &self.network.map
    }

    /// Advances everybody but the ego car to `now`, and looks at what happened to the ego car, which is now where `ego` says.
    pub fn step(&mut self, now: LogicalTime, ego: &dyn Ego, incidents: &mut Vec<Incident>) {
        let dt = now.since(self.time).as_secs_f64();
        self.time = now;
        let state = ego.state();
        self.ego_standing = if state.speed < 0.1 { self.ego_standing + dt } else { 0.0 };
        let front = state.pose.to_parent(Vec2::new(self.parameters.front_m(), 0.0));
        let view = EgoView {
            footprint: self.parameters.footprint(&state.pose),
            speed: state.speed,
            standing: self.ego_standing,
            front: self.network.map.nearest_lane(front, Some(state.pose.yaw)),
        };
        self.lights.step(now.as_secs_f64());
        if dt > 0.0 {
            let around = Surroundings {
                time: now.as_secs_f64(),
                ego: view,
                lights: &self.lights,
                claimed: self.walkers.claimed(),
                walkers: self.walkers.exposed(),
            };
            self.traffic.step(&self.network, &around, dt);
            self.footprints.clear();
            self.footprints.extend(self.traffic.vehicles().iter().map(vehicle::Vehicle::footprint));
            let sight = Sight {
                network: &self.network,
                lights: &self.lights,
                vehicles: self.traffic.vehicles(),
                footprints: &self.footprints,
                ego: &view,
            };
            self.walkers.step(&sight, dt);
        }
        let vehicles =
            self.traffic.vehicles().iter().zip(&self.footprints).map(|(v, footprint)| (v.id, *footprint));
        let walkers = self.walkers.walkers().iter().map(|w| (w.id, w.footprint()));
        self.watch.look(
            now,
            &self.network,
            &self.lights,
            &self.parameters,
            &state.pose,
            &mut vehicles.chain(walkers),
            incidents,
        );
    }

    /// What can be seen now, the ego car as `ego` says. `out`'s buffers are reused.
    pub fn snapshot(&self, ego: &dyn Ego, out: &mut WorldSnapshot) {
        let state = ego.state();
        out.time = self.time;
        out.ego = EgoSnapshot {
            pose: Pose3::from_pose2(&state.pose, 0.0),
            speed: state.speed,
            yaw_rate: state.yaw_rate,
            acceleration: state.acceleration,
            steering_angle: state.steering_angle,
            braking: ego.braking(),
        };
        out.actors.clear();
        out.actors.extend(self.traffic.vehicles().iter().map(|v| v.snapshot(&self.network)));
        out.actors.extend(self.walkers.walkers().iter().map(walker::Walker::snapshot));
        out.actors.sort_by_key(|actor| actor.id);
        out.lights.clear();
        out.lights.extend_from_slice(self.lights.colors());
    }
}

/// The pose on a lane.
pub(crate) fn pose_at(map: &Map, at: LanePosition) -> Pose2 {
    let point = map.lane(at.lane).centerline.at(at.s);
    let pose = Pose2::new(point.position.x, point.position.y, point.heading);
    let beside = pose.to_parent(Vec2::new(0.0, at.d));
    Pose2::new(beside.x, beside.y, pose.yaw)
}
