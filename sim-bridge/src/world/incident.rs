//! What must not happen to the ego car: touching something, crossing a stop line at red, leaving the road.

use super::lights::TrafficLights;
use super::network::Network;
use super::state::LightColor;
use crate::plant::PlantParameters;
use auriga_geometry::math::angle_difference;
use auriga_geometry::{LogicalTime, OrientedBox, Pose2, Vec2};
use auriga_map::{LaneId, MapObject, ObjectKind, SignalKind};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IncidentKind {
    /// The ego car touched something.
    Collision,
    /// The ego car's front bumper crossed a stop line at red.
    RedLight,
    /// The ego car's rear axle left the driving lanes.
    OffRoad,
}

/// Something that happened to the ego car.
#[derive(Clone, Debug, PartialEq)]
pub struct Incident {
    /// When.
    pub time: LogicalTime,
    /// What.
    pub kind: IncidentKind,
    /// The other road user; 0 when there is none.
    pub object: u32,
    /// For a person to read.
    pub text: String,
}

/// Watches over the ego car.
#[derive(Debug, Default)]
pub struct Watch {
    touched: Vec<u32>,
    touched_things: Vec<usize>,
    things: Vec<(usize, OrientedBox)>,
    off_road: bool,
    front: Option<Vec2>,
    near: Vec<LaneId>,
}

/// Beyond the lane's edge this does not count as off the road, metres.
const EDGE: f64 = 0.1;

impl Watch {
    /// A watch over a map with its solid things.
    #[must_use]
    pub fn new(objects: &[MapObject]) -> Self {
        let solid = |object: &MapObject| {
            matches!(
                object.kind,
                ObjectKind::Building | ObjectKind::Pole | ObjectKind::Tree | ObjectKind::Barrier
            ) && object.z < 1.0
        };
        let footprint = |object: &MapObject| match object.kind {
            // Of a tree the trunk is in the way, not the crown.
            ObjectKind::Tree => OrientedBox::new(object.pose, 0.4, 0.4),
            _ if object.radius > 0.0 => {
                OrientedBox::new(object.pose, object.radius * 1.8, object.radius * 1.8)
            }
            _ => OrientedBox::new(object.pose, object.length, object.width),
        };
        let things =
            objects.iter().enumerate().filter(|(_, o)| solid(o)).map(|(i, o)| (i, footprint(o))).collect();
        Self { things, ..Self::default() }
    }

    /// Looks at one instant; appends what happened since the last one. Each thing is touched once, each departure from the
    /// road counts once.
    #[allow(clippy::too_many_arguments, reason = "one look at everything that can go wrong")]
    pub fn look(
        &mut self,
        time: LogicalTime,
        network: &Network,
        lights: &TrafficLights,
        plant: &PlantParameters,
        pose: &Pose2,
        others: &mut dyn Iterator<Item = (u32, OrientedBox)>,
        incidents: &mut Vec<Incident>,
    ) {
        let footprint = plant.footprint(pose);
        self.look_for_collisions(time, network, &footprint, others, incidents);
        self.look_for_red_lights(time, network, lights, plant, pose, incidents);
        let off = network.map.nearest_lane(pose.position(), None).is_none_or(|at| {
            let lane = network.map.lane(at.lane);
            let point = lane.centerline.at(at.s);
            let distance = (point.position - pose.position()).norm();
            at.d.abs().max(distance) > point.width / 2.0 + EDGE
        });
        if off && !self.off_road {
            incidents.push(Incident {
                time,
                kind: IncidentKind::OffRoad,
                object: 0,
                text: "left the road".into(),
            });
        }
        self.off_road = off;
    }

    fn look_for_collisions(
        &mut self,
        time: LogicalTime,
        network: &Network,
        footprint: &OrientedBox,
        others: &mut dyn Iterator<Item = (u32, OrientedBox)>,
        incidents: &mut Vec<Incident>,
    ) {
        let center = footprint.center.position();
        let near = |other: &OrientedBox| {
            let reach = footprint.length + footprint.width + other.length + other.width;
            (other.center.position() - center).norm() < reach / 2.0 && footprint.intersects(other)
        };
        for (id, other) in others {
            if near(&other) && !self.touched.contains(&id) {
                self.touched.push(id);
                let text = format!("touched road user {id}");
                incidents.push(Incident { time, kind: IncidentKind::Collision, object: id, text });
            }
        }
        for (index, thing) in &self.things {
            if near(thing) && !self.touched_things.contains(index) {
                self.touched_things.push(*index);
                let text = format!("touched {}", network.map.objects()[*index].name);
                incidents.push(Incident { time, kind: IncidentKind::Collision, object: 0, text });
            }
        }
    }

    fn look_for_red_lights(
        &mut self,
        time: LogicalTime,
        network: &Network,
        lights: &TrafficLights,
        plant: &PlantParameters,
        pose: &Pose2,
        incidents: &mut Vec<Incident>,
    ) {
        let front = pose.to_parent(Vec2::new(plant.front_m(), 0.0));
        let Some(before) = self.front.replace(front) else { return };
        network.map.lanes_within(front, 3.0, &mut self.near);
        for &id in &self.near {
            let lane = network.map.lane(id);
            for (k, control) in lane.controls.iter().enumerate() {
                if network.map.signal(control.signal).kind != SignalKind::TrafficLight {
                    continue;
                }
                let line = lane.centerline.at(control.stop_s);
                let stop = Pose2::new(line.position.x, line.position.y, line.heading);
                let (a, b) = (stop.to_local(before), stop.to_local(front));
                let crossed = a.x <= 0.0 && b.x > 0.0 && b.y.abs() < line.width / 2.0;
                let aligned = angle_difference(pose.yaw, line.heading).abs() < 1.0;
                // Several lights at one line: it is closed when none of them lets any movement go.
                let first = lane.controls[..k].iter().all(|c| (c.stop_s - control.stop_s).abs() > 0.5);
                let closed =
                    lane.controls.iter().filter(|c| (c.stop_s - control.stop_s).abs() <= 0.5).all(|c| {
                        network.map.signal(c.signal).kind != SignalKind::TrafficLight
                            || lights.color(c.signal) == LightColor::Red
                    });
                if crossed && aligned && first && closed {
                    let text = format!(
                        "crossed the stop line of light {} at red",
                        network.map.signal(control.signal).name
                    );
                    incidents.push(Incident { time, kind: IncidentKind::RedLight, object: 0, text });
                }
            }
        }
    }
}
