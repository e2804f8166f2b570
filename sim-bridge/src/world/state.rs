//! What can be seen of the world at one instant: plain values that travel to the sensor threads.

use auriga_geometry::{LogicalTime, OrientedBox, Pose3};
use auriga_map::SignalId;

/// What a road user is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ActorKind {
    /// A passenger car.
    Car,
    /// A delivery van.
    Van,
    /// A lorry.
    Truck,
    /// A bus.
    Bus,
    /// Somebody on foot.
    Pedestrian,
    /// Somebody on a bicycle.
    Cyclist,
}

/// What a traffic light shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LightColor {
    /// Dark: the light is not in operation.
    Off,
    /// Stop.
    Red,
    /// Red and amber: about to become green.
    RedAmber,
    /// About to become red.
    Amber,
    /// Go.
    Green,
}

/// The ego car at one instant.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct EgoSnapshot {
    /// `base_link` (rear axle centre on the ground) in `map`.
    pub pose: Pose3,
    /// m/s along the heading.
    pub speed: f64,
    /// rad/s, positive to the left.
    pub yaw_rate: f64,
    /// m/s² along the heading.
    pub acceleration: f64,
    /// Front wheel angle, rad, positive to the left.
    pub steering_angle: f64,
    /// Whether the brake lights are on.
    pub braking: bool,
}

/// Another road user at one instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ActorSnapshot {
    /// Its number, unique within a run.
    pub id: u32,
    /// What it is.
    pub kind: ActorKind,
    /// Seed for body shape and colour; the same for the whole run.
    pub appearance: u32,
    /// Centre of its footprint on the ground, in `map`; x points along its heading.
    pub pose: Pose3,
    /// Metres along the heading.
    pub length: f64,
    /// Metres across the heading.
    pub width: f64,
    /// Metres upwards.
    pub height: f64,
    /// m/s along the heading.
    pub speed: f64,
    /// Phase of the step cycle, radians; grows with the distance walked or pedalled.
    pub walk_phase: f64,
    /// Whether the brake lights are on.
    pub braking: bool,
    /// 1 indicates to the left, −1 to the right, 0 not at all.
    pub indicator: i8,
}

impl ActorSnapshot {
    /// Its footprint.
    #[must_use]
    pub fn footprint(&self) -> OrientedBox {
        OrientedBox::new(self.pose.to_pose2(), self.length, self.width)
    }
}

/// Everything that sensors can see at one instant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WorldSnapshot {
    /// The instant.
    pub time: LogicalTime,
    /// The car that carries the sensors.
    pub ego: EgoSnapshot,
    /// All other road users, ascending by id.
    pub actors: Vec<ActorSnapshot>,
    /// All traffic lights of the map, ascending by id.
    pub lights: Vec<(SignalId, LightColor)>,
}
