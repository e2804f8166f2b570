//! Who may enter a junction: lights, right of way, room to leave it.
//!
//! A driver decides once, before the stop line, to cross all lanes of his way through the junction; he then *holds* them
//! until his rear has left. Nobody decides to cross a way that another one holds, so nobody meets anybody in a junction, and
//! nobody stops in one for lack of room behind it. Decisions are taken one after the other, those who have waited longest
//! first: so a ring of drivers who all give way to each other dissolves.

use super::lights::TrafficLights;
use super::network::Network;
use super::occupancy::{Occupancy, Who};
use super::state::LightColor;
use super::vehicle::{Held, Vehicle};
use auriga_geometry::OrientedBox;
use auriga_map::{Conflict, Control, Lane, LaneId, LanePosition, SignalKind};

/// The ego car as other road users see it.
#[derive(Clone, Copy, Debug)]
pub struct EgoView {
    /// Its footprint.
    pub footprint: OrientedBox,
    /// m/s.
    pub speed: f64,
    /// For how long it has been standing, seconds.
    pub standing: f64,
    /// Where its front bumper is on the lanes.
    pub front: Option<LanePosition>,
}

/// A driver's next junction.
#[derive(Clone, Debug, Default)]
struct Approach {
    /// The lanes to be held; empty: no junction near.
    passage: Vec<Held>,
    /// From the front bumper to the stop line, metres.
    distance: f64,
    /// Whether the light, if any, lets him go.
    open: bool,
    /// Whether he must have stood first.
    must_stop: bool,
    /// The first lane behind the junction.
    exit: Option<LaneId>,
}

/// A way that the ego car may take, and the distance from its front bumper to the way's start.
#[derive(Clone, Copy, Debug)]
struct EgoWay {
    lane: LaneId,
    distance: f64,
}

/// Decides who may cross.
#[derive(Debug, Default)]
pub struct Junctions {
    approaches: Vec<Approach>,
    order: Vec<usize>,
    ego_ways: Vec<EgoWay>,
    booked: Vec<LaneId>,
}

/// Whoever has waited so long is let in by the others, seconds.
const PATIENCE_S: f64 = 12.0;
/// Whoever has waited so long with right of way has lost it, seconds.
const HESITATION_S: f64 = 1.5;
/// A light that turns is obeyed when it takes less than this, m/s².
const AMBER_BRAKING: f64 = 3.0;

struct Scene<'a> {
    network: &'a Network,
    occupancy: &'a Occupancy,
    ego: &'a EgoView,
}

impl Junctions {
    /// Decides for all vehicles at one instant.
    pub fn decide(
        &mut self,
        network: &Network,
        lights: &TrafficLights,
        occupancy: &Occupancy,
        ego: &EgoView,
        vehicles: &mut [Vehicle],
        dt: f64,
    ) {
        let scene = Scene { network, occupancy, ego };
        self.approaches.resize_with(vehicles.len(), Approach::default);
        for (vehicle, approach) in vehicles.iter_mut().zip(&mut self.approaches) {
            revoke(vehicle, lights);
            look_ahead(network, lights, vehicle, approach);
        }
        self.look_at_ego(network, lights, ego);
        self.order.clear();
        self.order.extend((0..vehicles.len()).filter(|&i| !self.approaches[i].passage.is_empty()));
        self.order.sort_by(|&a, &b| vehicles[b].waiting.total_cmp(&vehicles[a].waiting).then(a.cmp(&b)));
        self.booked.clear();
        for k in 0..self.order.len() {
            let i = self.order[k];
            if self.may_enter(&scene, vehicles, i) {
                vehicles[i].held.extend_from_slice(&self.approaches[i].passage);
                vehicles[i].waiting = 0.0;
                self.approaches[i].passage.clear();
            } else if vehicles[i].speed < 0.5 && self.approaches[i].distance < 8.0 {
                vehicles[i].waiting += dt;
            }
        }
    }

    /// Metres from a vehicle's front bumper to the stop line before which it must wait.
    #[must_use]
    pub fn stop_distance(&self, vehicle: usize) -> Option<f64> {
        let approach = &self.approaches[vehicle];
        (!approach.passage.is_empty()).then_some(approach.distance)
    }

    fn look_at_ego(&mut self, network: &Network, lights: &TrafficLights, ego: &EgoView) {
        self.ego_ways.clear();
        let Some(front) = ego.front else { return };
        let lane = network.map.lane(front.lane);
        let distance = lane.length - front.s;
        if lane.junction.is_some() || distance > 60.0 || ego.standing > 3.0 {
            return;
        }
        for &next in &lane.successors {
            if network.facts(next).drivable && network.map.lane(next).junction.is_some() {
                let open = governing(network, lane, next).is_none_or(|(control, kind)| {
                    kind != SignalKind::TrafficLight || lights.color(control.signal) != LightColor::Red
                });
                if open {
                    self.ego_ways.push(EgoWay { lane: next, distance });
                }
            }
        }
    }

    fn may_enter(&mut self, scene: &Scene<'_>, vehicles: &[Vehicle], i: usize) -> bool {
        let (vehicle, approach) = (&vehicles[i], &self.approaches[i]);
        let decide_at = vehicle.speed * vehicle.speed / 4.0 + 15.0;
        if !approach.open || approach.distance > decide_at {
            return false;
        }
        if approach.must_stop && !(vehicle.standing > 0.5 && approach.distance < 4.0) {
            return false;
        }
        if !self.has_room_behind(scene, vehicles, i) {
            return false;
        }
        let lanes: Vec<Held> = approach.passage.clone();
        let free = lanes.iter().all(|way| self.way_is_free(scene, vehicles, i, way));
        if !free && vehicle.waiting > PATIENCE_S {
            self.booked.extend(lanes.iter().map(|way| way.lane));
        }
        free
    }

    /// Whether the lane behind the junction will take the vehicle and all who are on their way there.
    fn has_room_behind(&self, scene: &Scene<'_>, vehicles: &[Vehicle], i: usize) -> bool {
        let Some(exit) = self.approaches[i].exit else { return true };
        let length = scene.network.map.lane(exit).length;
        let need = |vehicle: &Vehicle| vehicle.length + 2.5;
        let mut room = f64::INFINITY;
        for other in scene.occupancy.on(exit) {
            if other.who != Who::Vehicle(i) && other.speed < 3.0 {
                room = room.min(other.rear);
            }
        }
        if room.is_infinite() || length < 8.0 {
            return true;
        }
        let mut wanted = need(&vehicles[i]) + 1.0;
        for (k, other) in vehicles.iter().enumerate() {
            let bound = other.held.last().is_some_and(|held| {
                scene.network.map.lane(held.lane).successors.contains(&exit) && other.rear() < held.end
            });
            if k != i && bound {
                wanted += need(other);
            }
        }
        room >= wanted
    }

    fn way_is_free(&self, scene: &Scene<'_>, vehicles: &[Vehicle], i: usize, way: &Held) -> bool {
        let map = &scene.network.map;
        let vehicle = &vehicles[i];
        for conflict in &map.lane(way.lane).conflicts {
            if !scene.network.facts(conflict.lane).drivable {
                continue;
            }
            let (zone_start, zone_end) = zone(map.lane(conflict.lane), way.lane);
            if self.booked.contains(&conflict.lane) {
                return false;
            }
            let held = vehicles.iter().enumerate().any(|(k, other)| {
                k != i
                    && other
                        .held
                        .iter()
                        .any(|held| held.lane == conflict.lane && other.rear() < held.start + zone_end + 0.5)
            });
            if held || ego_is_on(scene, conflict.lane, zone_start, zone_end) {
                return false;
            }
            let clear_in = time_to_clear(vehicle, way, conflict);
            if conflict.yields && self.comes(scene, vehicles, i, conflict.lane, zone_start, clear_in + 1.2) {
                return false;
            }
        }
        true
    }

    /// Whether somebody with right of way reaches the zone on `lane` within `span` seconds.
    fn comes(
        &self,
        scene: &Scene<'_>,
        vehicles: &[Vehicle],
        i: usize,
        lane: LaneId,
        zone_start: f64,
        span: f64,
    ) -> bool {
        let traffic = self.approaches.iter().enumerate().any(|(k, approach)| {
            let other = &vehicles[k];
            k != i
                && approach.open
                && other.waiting < HESITATION_S
                && approach.passage.iter().any(|way| {
                    way.lane == lane && way.start + zone_start - other.front() < span * (other.speed + 1.0)
                })
        });
        traffic
            || self
                .ego_ways
                .iter()
                .any(|way| way.lane == lane && way.distance + zone_start < span * (scene.ego.speed + 1.5))
    }
}

/// Gives up a decision when the light has turned and the car can still stop.
fn revoke(vehicle: &mut Vehicle, lights: &TrafficLights) {
    let (front, speed) = (vehicle.front(), vehicle.speed);
    vehicle.held.retain(|held| {
        let Some(signal) = held.signal else { return true };
        let distance = held.stop - front;
        let closed =
            matches!(lights.color(signal), LightColor::Red | LightColor::Amber | LightColor::RedAmber);
        !(closed && distance > 0.2 && speed * speed < 2.0 * AMBER_BRAKING * distance)
    });
}

/// Finds the next junction that the driver has not decided about.
fn look_ahead(network: &Network, lights: &TrafficLights, vehicle: &Vehicle, approach: &mut Approach) {
    approach.passage.clear();
    approach.exit = None;
    let lanes = vehicle.path.lanes();
    let front = vehicle.front();
    let in_junction = |k: usize| network.map.lane(lanes[k].lane).junction.is_some();
    let decided =
        |k: usize| vehicle.held.iter().any(|held| held.lane == lanes[k].lane && held.start == lanes[k].start);
    let Some(first) = (1..lanes.len())
        .find(|&k| lanes[k].start > vehicle.s - 1.0 && in_junction(k) && !in_junction(k - 1) && !decided(k))
    else {
        return;
    };
    let incoming = network.map.lane(lanes[first - 1].lane);
    let way = governing(network, incoming, lanes[first].lane);
    let stop =
        way.as_ref().map_or(lanes[first].start - 1.0, |(control, _)| lanes[first - 1].start + control.stop_s);
    approach.distance = stop - front;
    if approach.distance > 80.0 {
        return;
    }
    let kind = way.as_ref().map(|(_, kind)| *kind);
    let signal = way.filter(|(_, kind)| *kind == SignalKind::TrafficLight).map(|(control, _)| control.signal);
    approach.open =
        signal.is_none_or(|signal| matches!(lights.color(signal), LightColor::Green | LightColor::Off));
    approach.must_stop = kind == Some(SignalKind::StopSign);
    for (k, stretch) in lanes.iter().enumerate().skip(first) {
        if !in_junction(k) {
            approach.exit = Some(stretch.lane);
            break;
        }
        let signal = signal.filter(|&signal| lights.color(signal) != LightColor::Off);
        approach.passage.push(Held {
            lane: stretch.lane,
            start: stretch.start,
            end: stretch.end,
            stop,
            signal,
        });
    }
}

/// The light or sign on `incoming` that governs the way on to `next`.
fn governing<'a>(network: &Network, incoming: &'a Lane, next: LaneId) -> Option<(&'a Control, SignalKind)> {
    incoming
        .controls
        .iter()
        .map(|control| (control, network.map.signal(control.signal).kind))
        .filter(|(control, kind)| {
            matches!(kind, SignalKind::TrafficLight | SignalKind::StopSign | SignalKind::YieldSign)
                && (control.movements.is_empty() || control.movements.contains(&next))
        })
        .min_by_key(|(_, kind)| match kind {
            SignalKind::TrafficLight => 0,
            SignalKind::StopSign => 1,
            _ => 2,
        })
}

/// Where `lane` is overlapped by `other`, metres along `lane`.
fn zone(lane: &Lane, other: LaneId) -> (f64, f64) {
    lane.conflicts
        .iter()
        .find(|conflict| conflict.lane == other)
        .map_or((0.0, lane.length), |conflict| (conflict.s_start, conflict.s_end))
}

/// Whether the ego car is in the zone on `lane`, or on its way to it on `lane`.
fn ego_is_on(scene: &Scene<'_>, lane: LaneId, zone_start: f64, zone_end: f64) -> bool {
    scene.occupancy.on(lane).iter().any(|occupant| {
        occupant.who == Who::Ego
            && occupant.rear < zone_end + 0.5
            && (occupant.front > zone_start - 0.5 || scene.ego.standing < 3.0)
    })
}

/// Seconds until the vehicle's rear has left the overlap, if it sets off now.
fn time_to_clear(vehicle: &Vehicle, way: &Held, conflict: &Conflict) -> f64 {
    let distance = (way.start + conflict.s_end - vehicle.rear()).max(0.0);
    let (v, a) = (vehicle.speed, 1.3);
    let accelerating = ((v * v + 2.0 * a * distance).sqrt() - v) / a;
    // In a curve nobody accelerates beyond about 6 m/s.
    accelerating.max(distance / v.max(7.0))
}
