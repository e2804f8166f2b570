//! The world as a message for the evaluation.

use crate::plant::PlantState;
use crate::world::{ActorKind, Incident, IncidentKind, LightColor, WorldSnapshot};
use auriga_geometry::{Pose3, Vec3};
use auriga_messages::auriga_msgs::{GroundTruth, TruthEvent, TruthLight, TruthObject};
use auriga_messages::autoware_perception_msgs::{ObjectClassification, TrafficLightElement};
use auriga_messages::builtin_interfaces::Time;
use auriga_messages::geometry_msgs::{Pose, Vector3};

/// The truth at one instant, with what happened since the last message.
#[must_use]
pub fn ground_truth(snapshot: &WorldSnapshot, motion: &PlantState, incidents: &[Incident]) -> GroundTruth {
    let mut truth = GroundTruth { ego_pose: Pose::from(&snapshot.ego.pose), ..GroundTruth::default() };
    truth.header.stamp = Time::from(snapshot.time);
    truth.header.frame_id = "map".to_owned();
    truth.ego_twist.linear = Vector3::from(Vec3::new(motion.speed, motion.lateral_speed, 0.0));
    truth.ego_twist.angular = Vector3::from(Vec3::new(0.0, 0.0, motion.yaw_rate));
    truth.ego_acceleration.linear =
        Vector3::from(Vec3::new(motion.acceleration, motion.lateral_acceleration, 0.0));
    truth.ego_acceleration.angular = Vector3::from(Vec3::new(0.0, 0.0, motion.yaw_acceleration));
    truth.ego_steering_angle_rad = motion.steering_angle;
    truth.objects.extend(snapshot.actors.iter().map(|actor| {
        let center = Pose3 {
            translation: actor.pose.translation + Vec3::new(0.0, 0.0, actor.height / 2.0),
            rotation: actor.pose.rotation,
        };
        TruthObject {
            id: actor.id,
            class: class(actor.kind),
            pose: Pose::from(&center),
            dimensions: Vector3::from(Vec3::new(actor.length, actor.width, actor.height)),
            speed_mps: actor.speed,
        }
    }));
    truth.lights.extend(
        snapshot.lights.iter().map(|(signal, shown)| TruthLight { signal: signal.0, color: color(*shown) }),
    );
    truth.events.extend(incidents.iter().map(|incident| TruthEvent {
        stamp: Time::from(incident.time),
        kind: match incident.kind {
            IncidentKind::Collision => TruthEvent::COLLISION,
            IncidentKind::RedLight => TruthEvent::RED_LIGHT,
            IncidentKind::OffRoad => TruthEvent::OFF_ROAD,
        },
        object_id: incident.object,
        text: incident.text.clone(),
    }));
    truth
}

fn class(kind: ActorKind) -> u8 {
    match kind {
        ActorKind::Car | ActorKind::Van => ObjectClassification::CAR,
        ActorKind::Truck => ObjectClassification::TRUCK,
        ActorKind::Bus => ObjectClassification::BUS,
        ActorKind::Pedestrian => ObjectClassification::PEDESTRIAN,
        ActorKind::Cyclist => ObjectClassification::BICYCLE,
    }
}

fn color(color: LightColor) -> u8 {
    match color {
        LightColor::Off => TrafficLightElement::UNKNOWN,
        LightColor::Red | LightColor::RedAmber => TrafficLightElement::RED,
        LightColor::Amber => TrafficLightElement::AMBER,
        LightColor::Green => TrafficLightElement::GREEN,
    }
}
