//! What a viewer needs to show the rest in place: frames and the map.

use auriga_geometry::{Pose3, Vec2, Vec3};
use auriga_hal::SensorRig;
use auriga_map::{LaneKind, Map};
use auriga_messages::builtin_interfaces::Time;
use auriga_messages::geometry_msgs::{Point, Transform, TransformStamped, Vector3};
use auriga_messages::nav_msgs::Odometry;
use auriga_messages::std_msgs::{ColorRGBA, Header};
use auriga_messages::tf2_msgs::TFMessage;
use auriga_messages::visualization_msgs::{Marker, MarkerArray};
use auriga_runtime::{Latest, Node, NodeError, Output, Step};

/// Publishes the frames of the sensors and the map once, and the car's frame as it moves.
pub struct SceneNode {
    /// Frames of the sensors in `base_link`; taken by the first step.
    pub fixed: Option<TFMessage>,
    /// The map; taken by the first step.
    pub markers: Option<MarkerArray>,
}

impl SceneNode {
    /// The scene of a car with its sensors on a map.
    pub fn new(rig: &SensorRig, map: &Map) -> Self {
        let mut fixed = TFMessage::default();
        let mut add = |name: &str, pose: Pose3| {
            fixed.transforms.push(transform(Time::default(), "base_link", name, &pose));
        };
        if let Some(lidar) = &rig.lidar {
            add("lidar", lidar.pose.to_pose3());
        }
        if let Some(camera) = &rig.camera {
            add("camera_front", camera.optical_pose());
        }
        if let Some(gnss) = &rig.gnss {
            add("gnss", gnss.pose.to_pose3());
        }
        if let Some(imu) = &rig.imu {
            add("imu", imu.pose.to_pose3());
        }
        Self { fixed: Some(fixed), markers: Some(markers(map)) }
    }
}

fn transform(stamp: Time, parent: &str, child: &str, pose: &Pose3) -> TransformStamped {
    TransformStamped {
        header: Header { stamp, frame_id: parent.to_owned() },
        child_frame_id: child.to_owned(),
        transform: Transform::from(pose),
    }
}

/// Both edges of every driving lane as lines.
fn markers(map: &Map) -> MarkerArray {
    let mut lines = Marker {
        header: Header { stamp: Time::default(), frame_id: "map".to_owned() },
        ns: "lane edges".to_owned(),
        r#type: Marker::LINE_LIST,
        scale: Vector3 { x: 0.12, y: 0.0, z: 0.0 },
        color: ColorRGBA { r: 0.75, g: 0.75, b: 0.75, a: 1.0 },
        ..Marker::default()
    };
    lines.pose.orientation.w = 1.0;
    let point = |v: Vec3| Point { x: v.x, y: v.y, z: v.z };
    for lane in map.lanes().iter().filter(|lane| lane.kind == LaneKind::Driving) {
        for side in [0.5, -0.5] {
            let edge = lane.centerline.points.iter().map(|center| {
                let (sin, cos) = auriga_geometry::math::sin_cos(center.heading);
                let at = center.position + Vec2::new(-sin, cos) * (side * center.width);
                point(Vec3::new(at.x, at.y, center.z))
            });
            let edge: Vec<Point> = edge.collect();
            for pair in edge.windows(2) {
                lines.points.extend_from_slice(pair);
            }
        }
    }
    MarkerArray { markers: vec![lines] }
}

impl Node for SceneNode {
    type Inputs = (Latest<Odometry>,);
    type Outputs = (Output<TFMessage>, Output<TFMessage>, Output<MarkerArray>);

    fn step(
        &mut self,
        _: &Step,
        (ego,): &Self::Inputs,
        (tf, tf_static, markers): &mut Self::Outputs,
    ) -> Result<(), NodeError> {
        if let Some(fixed) = self.fixed.take() {
            *tf_static.write() = fixed;
        }
        if let Some(map) = self.markers.take() {
            *markers.write() = map;
        }
        if let Some(ego) = ego.fresh() {
            let pose = Pose3::from(&ego.pose.pose);
            let moved = transform(ego.header.stamp.clone(), &ego.header.frame_id, &ego.child_frame_id, &pose);
            tf.write().transforms.push(moved);
        }
        Ok(())
    }
}
