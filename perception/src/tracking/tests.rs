use super::*;
use crate::tests_support::Gauss;
use auriga_geometry::{LogicalTime, Pose2, Pose3, Vec2, Vec3};
use auriga_map::Map;
use auriga_messages::autoware_perception_msgs::{ObjectClassification, TrackedObject, TrackedObjects};
use auriga_messages::geometry_msgs::Pose;
use auriga_messages::nav_msgs::Odometry;
use auriga_messages::vision_msgs::{
    Detection2D, Detection2DArray, Detection3D, Detection3DArray, ObjectHypothesisWithPose,
};

const SCAN_NS: i64 = 100_000_000;

/// A tracker and a car that drives straight at constant speed.
struct Scene {
    tracker: Tracker,
    out: TrackedObjects,
    random: Gauss,
    scan: i64,
    speed: f64,
}

impl Scene {
    fn new(speed: f64) -> Self {
        let tracker = Tracker::new(TrackerConfig::default()).unwrap();
        Self { tracker, out: TrackedObjects::default(), random: Gauss::new(5), scan: 0, speed }
    }

    fn seconds(&self) -> f64 {
        self.scan as f64 * 0.1
    }

    fn ego(&self) -> Pose2 {
        Pose2::new(self.speed * self.seconds(), 0.0, 0.0)
    }

    /// One scan with boxes (pose in map, length, width, class), seen with `noise` metres.
    fn see(&mut self, boxes: &[(Pose2, f64, f64, &str)], noise: f64, inputs: TrackerInputs<'_>) {
        self.scan += 1;
        let (time, ego) = (LogicalTime::from_nanos(self.scan * SCAN_NS), self.ego());
        let mut odometry = Odometry::default();
        odometry.header.stamp = time.into();
        odometry.pose.pose = Pose::from(&ego);
        odometry.twist.twist.linear.x = self.speed;
        self.tracker.note_ego(&odometry);
        let mut detections = Detection3DArray::default();
        detections.header.stamp = time.into();
        for (pose, length, width, class) in boxes {
            let mut local = ego.relative(pose);
            local.x += noise * self.random.next();
            local.y += noise * self.random.next();
            detections.detections.push(detection(&local, *length, *width, class));
        }
        self.tracker.step(time, &detections, inputs, &mut self.out).unwrap();
    }
}

fn detection(pose: &Pose2, length: f64, width: f64, class: &str) -> Detection3D {
    let mut detection = Detection3D::default();
    detection.bbox.center = Pose::from(&Pose3::from_pose2(pose, 0.8));
    (detection.bbox.size.x, detection.bbox.size.y, detection.bbox.size.z) = (length, width, 1.6);
    let mut result = ObjectHypothesisWithPose::default();
    result.hypothesis.class_id = class.to_owned();
    result.hypothesis.score = 0.6;
    detection.results.push(result);
    detection
}

fn velocity(object: &TrackedObject) -> Vec2 {
    let pose = Pose2::from(&object.kinematics.pose_with_covariance.pose);
    let twist = &object.kinematics.twist_with_covariance.twist.linear;
    Pose2::new(0.0, 0.0, pose.yaw).to_parent(Vec2::new(twist.x, twist.y))
}

#[test]
fn a_walker_has_the_right_velocity_after_seven_tenths_of_a_second() {
    let mut scene = Scene::new(8.0);
    let mut worst = 0.0_f64;
    for run in 0..20 {
        scene = Scene { random: Gauss::new(run), ..Scene::new(scene.speed) };
        for _ in 0..8 {
            let y = -4.0 + 1.4 * scene.seconds();
            scene.see(&[(Pose2::new(25.0, y, 0.3), 0.6, 0.6, "pedestrian")], 0.05, TrackerInputs::default());
        }
        let object = &scene.out.objects[0];
        assert!(!object.kinematics.is_stationary);
        worst = worst.max((velocity(object) - Vec2::new(0.0, 1.4)).norm());
    }
    println!("worst error of a walker's velocity after 0.7 s: {worst:.2} m/s");
    assert!(worst < 0.5, "{worst}");
}

#[test]
fn what_stands_does_not_appear_to_move() {
    for seed in 0..10 {
        let mut scene = Scene { random: Gauss::new(seed), ..Scene::new(10.0) };
        for _ in 0..60 {
            let car = (Pose2::new(40.0, -3.0, 0.02), 4.3, 1.8, "vehicle");
            let walker = (Pose2::new(45.0, 5.0, 0.0), 0.6, 0.6, "pedestrian");
            scene.see(&[car, walker], 0.12, TrackerInputs::default());
            for object in &scene.out.objects {
                assert!(velocity(object).norm() < 0.5 && object.kinematics.is_stationary, "{}", scene.scan);
            }
        }
        assert_eq!(scene.out.objects.len(), 2);
    }
}

#[test]
fn a_car_keeps_its_id_through_a_gap_and_looks_where_it_goes() {
    let mut scene = Scene::new(12.0);
    let mut ids = Vec::new();
    for k in 0..40 {
        // The detector knows the heading only up to half a turn: here it is the wrong half.
        let car = (Pose2::new(60.0 - 9.0 * scene.seconds(), 3.0, 0.0), 4.4, 1.8, "vehicle");
        let boxes = if (20..23).contains(&k) { &[][..] } else { &[car][..] };
        scene.see(boxes, 0.1, TrackerInputs::default());
        ids.extend(scene.out.objects.iter().map(|o| o.object_id.uuid));
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
    let object = &scene.out.objects[0];
    let pose = Pose2::from(&object.kinematics.pose_with_covariance.pose);
    assert!((pose.yaw.abs() - std::f64::consts::PI).abs() < 0.1, "{}", pose.yaw);
    assert!((velocity(object) - Vec2::new(-9.0, 0.0)).norm() < 0.6);
    assert!(object.kinematics.twist_with_covariance.twist.linear.x > 8.0);
}

#[test]
fn a_car_that_pulls_away_from_a_queue_keeps_its_id() {
    for seed in 0..10 {
        let mut scene = Scene { random: Gauss::new(seed), ..Scene::new(0.0) };
        let (mut ids, mut late) = (Vec::new(), None);
        for k in 0..90 {
            let t = (f64::from(k) * 0.1 - 5.0).max(0.0);
            let car = (Pose2::new(10.0 + 1.25 * t * t, 0.0, 0.1), 4.4, 1.8, "vehicle");
            scene.see(&[car], 0.1, TrackerInputs::default());
            ids.extend(scene.out.objects.iter().map(|o| o.object_id.uuid));
            if t > 0.0 && scene.out.objects.iter().any(|o| !o.kinematics.is_stationary) {
                late.get_or_insert(t);
            }
        }
        ids.dedup();
        assert_eq!(ids.len(), 1);
        assert!(late.is_some_and(|t| t < 1.3), "{late:?}");
        let object = &scene.out.objects[0];
        assert!((velocity(object) - Vec2::new(9.75, 0.0)).norm() < 1.2, "{}", velocity(object));
        let yaw = Pose2::from(&object.kinematics.pose_with_covariance.pose).yaw;
        assert!(yaw.abs() < 0.2, "{yaw}");
    }
}

#[test]
fn a_standing_car_whose_first_box_lay_across_is_turned() {
    let mut scene = Scene::new(0.0);
    for k in 0..12 {
        let car = if k < 3 {
            (Pose2::new(60.0, 1.0, 1.5), 4.1, 1.8, "vehicle")
        } else {
            (Pose2::new(61.2, 0.0, 0.02), 4.1, 1.8, "vehicle")
        };
        scene.see(&[car], 0.05, TrackerInputs::default());
    }
    let object = scene.out.objects.first().unwrap();
    let pose = Pose2::from(&object.kinematics.pose_with_covariance.pose);
    assert!(pose.yaw.abs() < 0.3, "{}", pose.yaw);
    assert!(object.shape.dimensions.x > 3.9 && object.shape.dimensions.y < 2.4);
}

#[test]
fn a_side_that_comes_into_sight_is_no_motion() {
    let mut scene = Scene::new(0.0);
    for k in 0..30 {
        // The rear stays at x = 20 while the seen length grows from 1 m to 4.4 m.
        let length = 1.0 + 3.4 * f64::from(k.min(15)) / 15.0;
        let car = (Pose2::new(20.0 + length / 2.0, 3.0, 0.0), length, 1.8, "vehicle");
        scene.see(&[car], 0.03, TrackerInputs::default());
        for object in &scene.out.objects {
            assert!(object.kinematics.is_stationary, "{k}");
        }
    }
    let pose = Pose2::from(&scene.out.objects[0].kinematics.pose_with_covariance.pose);
    assert!((pose.x - 22.2).abs() < 0.2, "{}", pose.x);
}

#[test]
fn the_camera_has_a_say_in_the_class() {
    let optical = Pose3::from_euler(
        Vec3::new(1.7, 0.0, 1.4),
        -std::f64::consts::FRAC_PI_2,
        0.0,
        -std::f64::consts::FRAC_PI_2,
    );
    let camera = CameraModel {
        k: [500.0, 0.0, 320.0, 0.0, 500.0, 192.0, 0.0, 0.0, 1.0],
        size: (640, 384),
        optical_pose: optical,
    };
    let mut scene = Scene::new(0.0);
    for k in 0..10 {
        let mut picture = Detection2DArray::default();
        picture.header.stamp = LogicalTime::from_nanos((k + 1) * SCAN_NS - 20_000_000).into();
        let mut seen = Detection2D::default();
        // A box of 0.7 m x 1.6 m centred at (15, 1, 0.8): 13.3 m before the camera.
        (seen.bbox.center.position.x, seen.bbox.center.position.y) =
            (320.0 - 500.0 / 13.3, 192.0 + 300.0 / 13.3);
        (seen.bbox.size_x, seen.bbox.size_y) = (30.0, 62.0);
        let mut result = ObjectHypothesisWithPose::default();
        result.hypothesis.class_id = "pedestrian".to_owned();
        result.hypothesis.score = 0.8;
        seen.results.push(result);
        picture.detections.push(seen);
        let inputs = TrackerInputs { camera: Some((&picture, &camera)), map: None };
        scene.see(&[(Pose2::new(15.0, 1.0, 0.0), 0.7, 0.7, "unknown")], 0.02, inputs);
    }
    assert_eq!(scene.out.objects[0].classification[0].label, ObjectClassification::PEDESTRIAN);
}

#[test]
fn things_off_the_road_are_left_out() {
    let xml = r#"<OpenDRIVE><header revMajor="1" revMinor="6"/>
      <road id="1" length="100" junction="-1">
        <planView><geometry s="0" x="0" y="0" hdg="0" length="100"><line/></geometry></planView>
        <lanes><laneSection s="0">
          <center><lane id="0" type="none"/></center>
          <right><lane id="-1" type="driving"><width sOffset="0" a="3.5" b="0" c="0" d="0"/></lane></right>
        </laneSection></lanes>
      </road></OpenDRIVE>"#;
    let map = Map::from_opendrive(xml).unwrap();
    let mut scene = Scene::new(0.0);
    for _ in 0..5 {
        let near = (Pose2::new(30.0, 4.0, 0.0), 4.0, 1.8, "vehicle");
        let far = (Pose2::new(30.0, 12.0, 0.0), 4.0, 1.8, "vehicle");
        let past_the_end = (Pose2::new(115.0, -1.0, 0.0), 4.0, 1.8, "vehicle");
        scene.see(&[near, far, past_the_end], 0.0, TrackerInputs { camera: None, map: Some(&map) });
    }
    assert_eq!(scene.out.objects.len(), 1);
    // Of what has no class, walls beside the lane are left out; what is small enough for a person stays, as does what is large
    // and on the lane.
    let mut scene = Scene::new(0.0);
    for _ in 0..6 {
        let wall = (Pose2::new(30.0, 3.0, 0.0), 5.0, 0.3, "unknown");
        let person = (Pose2::new(20.0, 2.0, 0.0), 0.6, 0.5, "unknown");
        let load = (Pose2::new(40.0, -1.5, 0.0), 2.0, 1.0, "unknown");
        scene.see(&[wall, person, load], 0.0, TrackerInputs { camera: None, map: Some(&map) });
    }
    assert_eq!(scene.out.objects.len(), 2);
}

#[test]
fn nothing_is_placed_before_the_car_is_and_nonsense_is_refused() {
    let mut tracker = Tracker::new(TrackerConfig::default()).unwrap();
    let mut out = TrackedObjects::default();
    let mut detections = Detection3DArray::default();
    detections.detections.push(detection(&Pose2::new(10.0, 0.0, 0.0), 4.0, 1.8, "vehicle"));
    for _ in 0..5 {
        tracker.step(LogicalTime::ZERO, &detections, TrackerInputs::default(), &mut out).unwrap();
    }
    assert!(out.objects.is_empty());
    tracker.note_ego(&Odometry::default());
    detections.detections[0].bbox.size.x = f64::NAN;
    assert!(tracker.step(LogicalTime::ZERO, &detections, TrackerInputs::default(), &mut out).is_err());
}
