//! Draws a made-up minute on a map, to look at the viewer without a stack: `scene MAP.xodr OUT.rrd [SECONDS]`.
#![allow(missing_docs, clippy::print_stdout)]

use auriga_geometry::math::{TAU, cos, sin, wrap_angle};
use auriga_geometry::{LogicalDuration, LogicalTime, OrientedBox, Pose2, Pose3, Vec2, Vec3};
use auriga_map::{LaneId, Map, ObjectKind};
use auriga_messages::auriga_msgs::{
    BehaviorDecision, GroundTruth, SafeCommandRecord, TruthLight, TruthObject, VehicleState,
};
use auriga_messages::autoware_control_msgs::Control;
use auriga_messages::autoware_perception_msgs::{
    ObjectClassification, PredictedObject, PredictedObjects, PredictedPath, TrackedObject, TrackedObjects,
};
use auriga_messages::autoware_planning_msgs::{Trajectory, TrajectoryPoint};
use auriga_messages::geometry_msgs::{Pose, Vector3};
use auriga_messages::nav_msgs::Odometry;
use auriga_messages::sensor_msgs::{Image, PointCloud2, PointField};
use auriga_messages::vision_msgs::{BoundingBox2D, Detection2D, Detection2DArray, ObjectHypothesisWithPose};
use auriga_viewer::{Shows, Viewer, ViewerHandle, ViewerOptions};
use std::sync::Arc;
use std::time::Duration;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, map, rrd, rest @ ..] = arguments.as_slice() else {
        return Err("usage: scene MAP.xodr OUT.rrd [SECONDS]".into());
    };
    let seconds: f64 = rest.first().map_or(Ok(20.0), |s| s.parse())?;
    let map = Map::from_opendrive(&std::fs::read_to_string(map)?)?;
    let viewer = Viewer::new(&ViewerOptions {
        rrd: Some(rrd.into()),
        connect: None,
        thin: 4,
        shows: Shows::default(),
    })?;
    viewer.map(&map)?;
    viewer.ego(4.6, 1.85, 1.5, 0.95)?;
    let lidar = Pose3::from_euler(Vec3::new(1.2, 0.0, 1.9), 0.0, 0.0, 0.0);
    let turn = core::f64::consts::FRAC_PI_2;
    let camera = Pose3::from_euler(Vec3::new(1.7, 0.0, 1.45), -turn, 0.0, -turn);
    viewer.rig(&lidar, &camera, &[457.0, 0.0, 320.0, 0.0, 457.0, 192.0, 0.0, 0.0, 1.0], 640, 384)?;
    let handle = viewer.handle();
    let scene = Scene::new(&map);
    let steps = (seconds / 0.05) as u32;
    for i in 0..steps {
        scene.step(f64::from(i) * 0.05, i % 2 == 0, &handle);
        std::thread::sleep(Duration::from_millis(15));
    }
    let summary = viewer.finish()?;
    println!(
        "{} bytes, {:.1} MB a minute, {} dropped",
        summary.bytes,
        summary.bytes as f64 / seconds * 60e-6,
        summary.dropped
    );
    Ok(())
}

struct Scene<'a> {
    map: &'a Map,
    /// Lanes to follow, one after the other.
    path: Vec<LaneId>,
    walls: Vec<(OrientedBox, f64)>,
}

impl<'a> Scene<'a> {
    fn new(map: &'a Map) -> Self {
        let mut start = map.lanes().iter().filter(|l| l.junction.is_none() && l.length > 60.0);
        let start = start.find(|l| !l.successors.is_empty() && l.kind == auriga_map::LaneKind::Driving);
        let mut path: Vec<LaneId> = start.map(|lane| lane.id).into_iter().collect();
        while let Some(last) = path.last()
            && path.len() < 40
            && let Some(next) = map.lane(*last).successors.first()
        {
            path.push(*next);
        }
        let walls = map
            .objects()
            .iter()
            .filter(|o| o.kind == ObjectKind::Building)
            .map(|o| (OrientedBox::new(o.pose, o.length, o.width), o.height))
            .collect();
        Self { map, path, walls }
    }

    /// The pose `s` metres along the path.
    fn pose(&self, mut s: f64) -> Pose2 {
        for id in &self.path {
            let lane = self.map.lane(*id);
            if s < lane.length {
                let at = lane.centerline.at(s);
                return Pose2::new(at.position.x, at.position.y, at.heading);
            }
            s -= lane.length;
        }
        Pose2::default()
    }

    fn cars(&self, s: f64, t: f64) -> Vec<(u8, u8, Pose2, f64, Vector3)> {
        let size = |x, y, z| Vector3 { x, y, z };
        let mut cars = vec![
            (
                3,
                ObjectClassification::CAR,
                self.pose(s + 24.0 + 4.0 * sin(0.3 * t)),
                7.0,
                size(4.5, 1.8, 1.5),
            ),
            (5, ObjectClassification::TRUCK, self.pose(s + 62.0), 8.0, size(8.5, 2.5, 3.2)),
        ];
        let beside = self.pose(s + 20.0).compose(&Pose2::new(6.0 * sin(0.5 * t), -6.2, 0.0));
        cars.push((9, ObjectClassification::PEDESTRIAN, beside, 1.2, size(0.6, 0.6, 1.75)));
        let oncoming =
            self.pose(s + 70.0 - (8.0 * t) % 60.0).compose(&Pose2::new(0.0, 3.5, core::f64::consts::PI));
        cars.push((12, ObjectClassification::CAR, oncoming, 8.0, size(4.3, 1.8, 1.45)));
        let cyclist = self.pose(s + 34.0).compose(&Pose2::new(0.0, -1.6, 0.0));
        cars.push((14, ObjectClassification::BICYCLE, cyclist, 4.0, size(1.8, 0.6, 1.7)));
        cars.push((
            21,
            ObjectClassification::UNKNOWN,
            self.pose(s + 12.0).compose(&Pose2::new(0.0, 9.0, 0.4)),
            0.0,
            size(0.8, 0.5, 1.1),
        ));
        cars
    }

    fn step(&self, t: f64, full: bool, handle: &ViewerHandle) {
        let s = 15.0 + 8.0 * t;
        let time = LogicalTime::ZERO + LogicalDuration::from_secs_f64(t);
        let ego = self.pose(s);
        let mut odometry = Odometry::default();
        odometry.header.stamp = time.into();
        odometry.pose.pose = (&ego).into();
        odometry.twist.twist.linear.x = 8.0;
        handle.try_send(time, Arc::new(odometry).into());
        self.commands(t, time, handle);
        if full {
            let cars = self.cars(s, t);
            handle.try_send(time, Arc::new(tracks(time, &cars)).into());
            handle.try_send(time, Arc::new(Self::predictions(time, &cars)).into());
            handle.try_send(time, Arc::new(truth(time, &ego, &cars, self.map, t)).into());
            handle.try_send(time, Arc::new(self.scan(time, &ego, &cars)).into());
            handle.try_send(time, Arc::new(picture(time, t)).into());
            handle.try_send(time, Arc::new(found(time, t)).into());
            let points = (0..50).map(|k| TrajectoryPoint {
                pose: (&self.pose(s + f64::from(k))).into(),
                longitudinal_velocity_mps: (12.0 - 0.2 * f64::from(k)) as f32,
                ..Default::default()
            });
            let mut trajectory = Trajectory { points: points.collect(), ..Default::default() };
            trajectory.header.stamp = time.into();
            handle.try_send(time, Arc::new(trajectory).into());
        }
    }

    fn predictions(time: LogicalTime, cars: &[(u8, u8, Pose2, f64, Vector3)]) -> PredictedObjects {
        let mut predicted = PredictedObjects::default();
        predicted.header.stamp = time.into();
        for (_, label, pose, speed, _) in cars {
            let mut object = PredictedObject::default();
            object.classification.push(ObjectClassification { label: *label, probability: 0.9 });
            for (turn, confidence) in [(0.0, 0.8), (0.06, 0.2)] {
                let way = |k: i32| {
                    let r = speed * f64::from(k) * 0.25;
                    Pose::from(&pose.compose(&Pose2::new(
                        r * cos(turn * r / 8.0),
                        r * sin(turn * r / 8.0),
                        0.0,
                    )))
                };
                let path =
                    PredictedPath { path: (0..16).map(way).collect(), confidence, ..Default::default() };
                object.kinematics.predicted_paths.push(path);
            }
            predicted.objects.push(object);
        }
        predicted
    }

    fn commands(&self, t: f64, time: LogicalTime, handle: &ViewerHandle) {
        let state = VehicleState {
            stamp: time.into(),
            speed_mps: 8.0 + sin(0.4 * t),
            steering_angle_rad: 0.05 * sin(0.3 * t),
            ..Default::default()
        };
        handle.try_send(time, Arc::new(state).into());
        let mut control = Control::default();
        control.longitudinal.acceleration = (0.8 * sin(0.4 * t + 1.2)) as f32;
        control.lateral.steering_tire_angle = (0.055 * sin(0.3 * t + 0.1)) as f32;
        handle.try_send(time, Arc::new(control).into());
        let braking = (8.0..9.5).contains(&(t % 12.0));
        let record = SafeCommandRecord {
            active: t > 1.0,
            acceleration_mps2: if braking { -6.0 } else { 0.7 * sin(0.4 * t + 1.2) },
            steering_angle_rad: 0.05 * sin(0.3 * t + 0.05),
            state: if t <= 1.0 {
                0
            } else if braking {
                2
            } else {
                1
            },
            state_name: String::from(if t <= 1.0 {
                "silent"
            } else if braking {
                "emergency braking"
            } else {
                "engaged"
            }),
            reason_name: String::from(if braking { "obstacle in the way" } else { "engage requested" }),
            ..Default::default()
        };
        handle.try_send(time, Arc::new(record).into());
        let rules = ["cruise", "follow", "stop_for_light", "yield"];
        let rule = rules[(t / 4.0) as usize % rules.len()];
        let decision = BehaviorDecision {
            stamp: time.into(),
            rule: String::from(rule),
            because_of: if rule == "follow" { String::from("car 3") } else { String::new() },
            stop_distance_m: if rule == "stop_for_light" { 31.0 } else { f64::INFINITY },
            target_speed_mps: 9.0,
            route_left_m: 1000.0 - 8.0 * t,
            ..Default::default()
        };
        handle.try_send(time, Arc::new(decision).into());
    }

    /// Rays in the plane against walls and cars, and rings on the road.
    fn scan(&self, time: LogicalTime, ego: &Pose2, cars: &[(u8, u8, Pose2, f64, Vector3)]) -> PointCloud2 {
        let fields = [("x", 7), ("y", 7), ("z", 7), ("intensity", 7), ("t", 6)];
        let mut cloud = PointCloud2 {
            fields: fields
                .iter()
                .enumerate()
                .map(|(i, (name, datatype))| PointField {
                    name: String::from(*name),
                    offset: 4 * i as u32,
                    datatype: *datatype,
                    count: 1,
                })
                .collect(),
            point_step: 24,
            ..Default::default()
        };
        cloud.header.stamp = time.into();
        let eye = ego.to_parent(Vec2::new(1.2, 0.0));
        let mut things: Vec<(OrientedBox, f64)> = self.walls.clone();
        things.extend(
            cars.iter().map(|(_, _, pose, _, size)| (OrientedBox::new(*pose, size.x, size.y), size.z)),
        );
        things.retain(|(thing, _)| thing.distance_to_point(eye) < 70.0);
        for column in 0..900 {
            let angle = TAU * f64::from(column) / 900.0;
            let direction = Pose2::new(0.0, 0.0, wrap_angle(ego.yaw + angle)).direction();
            let mut hits: Vec<(f64, f64)> =
                things.iter().filter_map(|(b, h)| Some((enter(b, eye, direction)?, *h))).collect();
            hits.sort_by(|a, b| a.0.total_cmp(&b.0));
            for beam in 0..64 {
                let slope = (-24.8 + 26.8 * f64::from(beam) / 63.0_f64).to_radians();
                let tangent = slope.signum() * sin(slope.abs()) / cos(slope);
                let road = if slope < 0.0 { -1.9 / tangent } else { 90.0 };
                let at = |r: f64| 1.9 + r * tangent;
                let hit = hits.iter().find(|(r, h)| *r < road && at(*r) < *h).map_or(road, |(r, _)| *r);
                if hit < 80.0 {
                    for value in [hit * cos(angle), hit * sin(angle), at(hit) - 1.9, 0.5] {
                        cloud.data.extend_from_slice(&(value as f32).to_le_bytes());
                    }
                    cloud.data.extend_from_slice(&[0; 8]);
                }
            }
        }
        cloud.width = (cloud.data.len() / 24) as u32;
        cloud
    }
}

/// Where a ray enters a box.
fn enter(thing: &OrientedBox, from: Vec2, direction: Vec2) -> Option<f64> {
    let o = thing.center.to_local(from);
    let d = Pose2::new(0.0, 0.0, thing.center.yaw).to_local(direction);
    let (mut near, mut far) = (0.0_f64, 80.0_f64);
    for (o, d, half) in [(o.x, d.x, thing.length / 2.0), (o.y, d.y, thing.width / 2.0)] {
        let (a, b) = ((-half - o) / d, (half - o) / d);
        near = near.max(a.min(b));
        far = far.min(a.max(b));
    }
    (near < far && near > 1.0).then_some(near)
}

fn tracks(time: LogicalTime, cars: &[(u8, u8, Pose2, f64, Vector3)]) -> TrackedObjects {
    let mut tracks = TrackedObjects::default();
    tracks.header.stamp = time.into();
    for (id, label, pose, speed, size) in cars {
        let mut track = TrackedObject::default();
        track.object_id.uuid[0] = *id;
        track.classification.push(ObjectClassification { label: *label, probability: 0.9 });
        track.kinematics.pose_with_covariance.pose = (&Pose3::from_pose2(pose, size.z / 2.0)).into();
        track.kinematics.twist_with_covariance.twist.linear.x = *speed;
        track.shape.dimensions = size.clone();
        tracks.objects.push(track);
    }
    tracks
}

fn truth(
    time: LogicalTime,
    ego: &Pose2,
    cars: &[(u8, u8, Pose2, f64, Vector3)],
    map: &Map,
    t: f64,
) -> GroundTruth {
    let mut truth = GroundTruth { ego_pose: ego.into(), ..Default::default() };
    truth.header.stamp = time.into();
    truth.ego_acceleration.linear.x = 0.6 * sin(0.4 * t + 1.0);
    truth.objects = cars
        .iter()
        .map(|(id, class, pose, speed, size)| TruthObject {
            id: u32::from(*id),
            class: *class,
            pose: pose.into(),
            dimensions: size.clone(),
            speed_mps: *speed,
        })
        .collect();
    let color = |i: usize| 1 + ((t / 6.0) as usize + i) as u8 % 3;
    truth.lights = map
        .signals()
        .iter()
        .enumerate()
        .map(|(i, s)| TruthLight { signal: s.id.0, color: color(i) })
        .collect();
    truth
}

/// A sky, a road, and noise as a camera has it.
fn picture(time: LogicalTime, t: f64) -> Image {
    let (width, height) = (640_u32, 384_u32);
    let mut image =
        Image { width, height, step: 3 * width, encoding: String::from("rgb8"), ..Default::default() };
    image.header.stamp = time.into();
    let mut noise = (t * 1000.0) as u32;
    for y in 0..height {
        for x in 0..width {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let grain = (noise >> 29) as u8;
            let side = (f64::from(x) - 320.0).abs() < 0.9 * (f64::from(y) - 180.0);
            let rgb = if y < 180 {
                [120, 160, 200]
            } else if side {
                [80, 82, 86]
            } else {
                [70, 100, 60]
            };
            image.data.extend(rgb.map(|c: u8| c.saturating_add(grain)));
        }
    }
    image
}

fn found(time: LogicalTime, t: f64) -> Detection2DArray {
    let mut found = Detection2DArray::default();
    found.header.stamp = time.into();
    let mut bbox = BoundingBox2D { size_x: 90.0, size_y: 70.0, ..Default::default() };
    (bbox.center.position.x, bbox.center.position.y) = (320.0 + 20.0 * sin(t), 205.0);
    let mut result = ObjectHypothesisWithPose::default();
    (result.hypothesis.class_id, result.hypothesis.score) = (String::from("vehicle"), 0.87);
    found.detections.push(Detection2D { bbox, results: vec![result], ..Default::default() });
    found
}
