//! The geometric lidar detector on labelled real scans.

use crate::kitti::{self, Frame};
use crate::scoring::{Found, Score, score};
use auriga_geometry::{LogicalTime, OrientedBox, Pose2};
use auriga_messages::vision_msgs::Detection3DArray;
use auriga_perception::lidar::{LidarDetector, LidarDetectorConfig, Motion};

pub fn detect(frame: &Frame, detector: &mut LidarDetector) -> Vec<Found> {
    let mut out = Detection3DArray::default();
    let message = kitti::to_message(&frame.scan, 0);
    detector.step(LogicalTime::ZERO, &message, &Motion::default(), &mut out).unwrap();
    let lidar = kitti::lidar_pose().translation;
    out.detections
        .iter()
        .map(|d| {
            let pose = Pose2::from(&d.bbox.center);
            Found {
                outline: OrientedBox::new(
                    Pose2::new(pose.x - lidar.x, pose.y, pose.yaw),
                    d.bbox.size.x,
                    d.bbox.size.y,
                ),
                z: d.bbox.center.position.z - lidar.z,
                class: d.results[0].hypothesis.class_id.clone(),
                score: d.results[0].hypothesis.score,
            }
        })
        .collect()
}

pub fn detector() -> LidarDetector {
    LidarDetector::new(LidarDetectorConfig::default(), kitti::lidar_pose()).unwrap()
}

fn iou(a: &OrientedBox, b: &OrientedBox) -> f64 {
    if a.center.distance(&b.center) > 8.0 { 0.0 } else { a.intersection_over_union(b) }
}

/// 1 at the same place, 0.5 at `reach` metres.
fn near(reach: f64) -> impl Fn(&OrientedBox, &OrientedBox) -> f64 {
    move |a, b| 1.0 - 0.5 * a.center.distance(&b.center) / reach
}

fn report(name: &str, frames: &[Frame], found: &[Vec<Found>]) -> [Score; 2] {
    let car = (&["Car", "Van"][..], &["Truck", "Misc", "Tram"][..]);
    let person = (&["Pedestrian"][..], &["Person_sitting", "Cyclist"][..]);
    let cyclist = (&["Cyclist"][..], &["Pedestrian", "Person_sitting"][..]);
    let vehicles = score(frames, found, "vehicle", car, 0.5, iou);
    let centers = score(frames, found, "vehicle", car, 0.5, near(1.5));
    println!("{name}: vehicles at IoU 0.5 {vehicles:.2?}");
    println!("{name}: vehicles at IoU 0.7 {:.2?}", score(frames, found, "vehicle", car, 0.7, iou));
    println!("{name}: vehicles, centres within 1.5 m {centers:.2?}");
    println!(
        "{name}: pedestrians, centres within 0.5 m {:.2?}",
        score(frames, found, "pedestrian", person, 0.5, near(0.5))
    );
    println!(
        "{name}: cyclists, centres within 0.8 m {:.2?}",
        score(frames, found, "cyclist", cyclist, 0.5, near(0.8))
    );
    [vehicles, centers]
}

#[test]
fn vehicles_in_labelled_frames_are_found() {
    let Some(data) = kitti::data() else { return };
    let frames = kitti::object_frames(&data);
    let mut detector = detector();
    let found: Vec<_> = frames.iter().map(|f| detect(f, &mut detector)).collect();
    let [at_half, centers] = report("labelled frames", &frames, &found);
    assert!(at_half.labels == 37 && at_half.average_precision > 72.0 && centers.recall > 0.78);
}

#[test]
fn vehicles_of_a_drive_are_found() {
    let Some(data) = kitti::data() else { return };
    let frames = kitti::drive_0005(&data);
    let mut detector = detector();
    let found: Vec<_> = frames.iter().map(|f| detect(f, &mut detector)).collect();
    let [at_half, centers] = report("drive_0005", &frames, &found);
    assert!(at_half.labels == 134 && at_half.average_precision > 68.0 && centers.recall > 0.85);
}
