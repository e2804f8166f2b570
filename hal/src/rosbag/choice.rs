//! Which of a bag's topics is which sensor.

use super::RosbagOptions;
use super::bag::Topic;
use crate::{SensorKind, SensorRig};
use auriga_messages::auriga_msgs::VehicleState;
use auriga_messages::geometry_msgs::TwistStamped;
use auriga_messages::nav_msgs::Odometry;
use auriga_messages::sensor_msgs::{CameraInfo, CompressedImage, Image, Imu, NavSatFix, PointCloud2};
use auriga_wire::Message;

/// A message type that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    PointCloud2,
    Image,
    CompressedImage,
    CameraInfo,
    Imu,
    NavSatFix,
    VehicleState,
    TwistStamped,
    Odometry,
}

impl Type {
    /// What carries a kind. The first alone is found by itself: other types may be anything.
    fn of_kind(kind: SensorKind) -> &'static [Self] {
        match kind {
            SensorKind::Lidar => &[Self::PointCloud2],
            SensorKind::Camera => &[Self::Image, Self::CompressedImage],
            SensorKind::CameraInfo => &[Self::CameraInfo],
            SensorKind::Imu => &[Self::Imu],
            SensorKind::Gnss => &[Self::NavSatFix],
            SensorKind::VehicleState => &[Self::VehicleState, Self::TwistStamped, Self::Odometry],
            _ => &[],
        }
    }

    fn name_and_hash(self) -> (&'static str, String) {
        match self {
            Self::PointCloud2 => (PointCloud2::NAME, PointCloud2::type_hash()),
            Self::Image => (Image::NAME, Image::type_hash()),
            Self::CompressedImage => (CompressedImage::NAME, CompressedImage::type_hash()),
            Self::CameraInfo => (CameraInfo::NAME, CameraInfo::type_hash()),
            Self::Imu => (Imu::NAME, Imu::type_hash()),
            Self::NavSatFix => (NavSatFix::NAME, NavSatFix::type_hash()),
            Self::VehicleState => (VehicleState::NAME, VehicleState::type_hash()),
            Self::TwistStamped => (TwistStamped::NAME, TwistStamped::type_hash()),
            Self::Odometry => (Odometry::NAME, Odometry::type_hash()),
        }
    }

    /// ROS 1 writes `package/Type`.
    fn is_of(self, topic: &Topic) -> bool {
        let name = self.name_and_hash().0;
        topic.type_name == name || topic.type_name == name.replace("/msg/", "/")
    }
}

/// A topic that will be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    pub kind: SensorKind,
    /// Place in the bag's topics.
    pub topic: u16,
    pub message: Type,
}

/// Checks that a topic can be read as a kind.
fn readable(topic: &Topic, place: usize, kind: SensorKind) -> Result<Choice, String> {
    let types = Type::of_kind(kind);
    let Some(&message) = types.iter().find(|message| message.is_of(topic)) else {
        let names: Vec<&str> = types.iter().map(|message| message.name_and_hash().0).collect();
        return Err(format!("topic {}: holds {}, not {}", topic.name, topic.type_name, names.join(" or ")));
    };
    if let Some(problem) = &topic.unreadable {
        return Err(format!("topic {}: {problem}", topic.name));
    }
    let (name, hash) = message.name_and_hash();
    if topic.type_hash.starts_with("RIHS01_") && topic.type_hash != hash {
        return Err(format!(
            "topic {}: its {name} is not the one of ROS 2: it has the type hash {}, not {hash}",
            topic.name, topic.type_hash
        ));
    }
    Ok(Choice { kind, topic: place as u16, message })
}

/// The calibration that by ROS's custom is beside a camera's pictures: same namespace, `camera_info`.
fn camera_info_of(pictures: &str) -> Option<String> {
    let pictures = pictures.strip_suffix("/compressed").unwrap_or(pictures);
    Some(format!("{}/camera_info", pictures.rsplit_once('/')?.0))
}

/// The topics that will be read: what was named, else what has our name, else the only topic of a kind's type.
///
/// # Errors
/// A named topic that is missing or of another type, or several to choose from, naming them.
pub(super) fn choose(
    topics: &[Topic],
    rig: &SensorRig,
    options: &RosbagOptions,
) -> Result<Vec<Choice>, String> {
    let find = |name: &str| topics.iter().position(|topic| topic.name == name);
    for (name, kind) in &options.remap {
        if Type::of_kind(*kind).is_empty() {
            return Err(format!(
                "topic {name}: cannot stand in for {kind:?}: lidar, camera, IMU, satellites or vehicle state can"
            ));
        }
        if find(name).is_none() {
            let names: Vec<&str> = topics.iter().map(|topic| topic.name.as_str()).collect();
            return Err(format!("has no topic {name}; it has: {}", names.join(", ")));
        }
    }
    let wanted = [
        (SensorKind::VehicleState, true),
        (SensorKind::Imu, rig.imu.is_some()),
        (SensorKind::Gnss, rig.gnss.is_some()),
        (SensorKind::Camera, rig.camera.is_some()),
        (SensorKind::CameraInfo, rig.camera.is_some()),
        (SensorKind::Lidar, rig.lidar.is_some()),
    ];
    let mut choices: Vec<Choice> = Vec::new();
    for kind in wanted.into_iter().filter(|(_, is_wanted)| *is_wanted).map(|(kind, _)| kind) {
        let named = options.remap.iter().find(|(_, other)| **other == kind).map(|(name, _)| name.clone());
        let own = options.names.get(&kind).cloned();
        let camera = choices.iter().find(|choice| choice.kind == SensorKind::Camera);
        let beside = camera
            .filter(|_| kind == SensorKind::CameraInfo)
            .and_then(|choice| camera_info_of(&topics[usize::from(choice.topic)].name));
        let place = named.or(own.filter(|name| find(name).is_some())).or(beside).and_then(|name| find(&name));
        if let Some(place) = place {
            choices.push(readable(&topics[place], place, kind)?);
            continue;
        }
        if kind == SensorKind::CameraInfo {
            continue;
        }
        let by_itself =
            if kind == SensorKind::VehicleState { &Type::of_kind(kind)[..1] } else { Type::of_kind(kind) };
        let is_fit = |topic: &Topic| by_itself.iter().any(|message| message.is_of(topic));
        let fit: Vec<usize> = (0..topics.len()).filter(|place| is_fit(&topics[*place])).collect();
        match fit[..] {
            [] => {}
            [place] => choices.push(readable(&topics[place], place, kind)?),
            _ => {
                let names: Vec<&str> = fit.iter().map(|place| topics[*place].name.as_str()).collect();
                let ours = options.names.get(&kind).map_or("", String::as_str);
                return Err(format!(
                    "has {} topics that could be the {kind:?}: {}; choose one: --remap {}={ours}",
                    names.len(),
                    names.join(", "),
                    names[0]
                ));
            }
        }
    }
    Ok(choices)
}

/// Topics that could tell the wheels' speed, if they are named.
pub(super) fn could_tell_speed(topics: &[Topic]) -> Vec<&str> {
    let is_fit =
        |topic: &&Topic| Type::of_kind(SensorKind::VehicleState).iter().any(|message| message.is_of(topic));
    topics.iter().filter(is_fit).map(|topic| topic.name.as_str()).collect()
}
