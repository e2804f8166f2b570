//! The tracker on labelled drives: true boxes with noise and gaps, a network's detections, and our own detector.

use crate::detection::detector;
use crate::driving::{PERIOD_S, ins, time};
use crate::kitti::{self, Calibration, Label};
use auriga_geometry::math::{TAU, cos, ln, sin};
use auriga_geometry::{LogicalDuration, OrientedBox, Pose2, Pose3, Vec2, Vec3};
use auriga_messages::autoware_perception_msgs::TrackedObjects;
use auriga_messages::geometry_msgs::Pose;
use auriga_messages::nav_msgs::Odometry;
use auriga_messages::vision_msgs::{Detection3D, Detection3DArray, ObjectHypothesisWithPose};
use auriga_perception::lidar::Motion;
use auriga_perception::tracking::{Tracker, TrackerConfig, TrackerInputs};
use rand_core::{Rng, SeedableRng};
use rand_pcg::Pcg64Mcg;
use std::collections::BTreeMap;
use std::path::Path;

/// CLEAR MOT counts (Bernardin and Stiefelhagen, 2008), matched by centre distance.
#[derive(Debug, Default)]
struct Clear {
    truths: usize,
    missed: usize,
    false_tracks: usize,
    switches: usize,
    identity: BTreeMap<i64, u64>,
}

impl Clear {
    /// `truths`: (id, centre); `tracks`: (id, centre, whether a lone one is false).
    fn add(&mut self, truths: &[(i64, Vec2)], tracks: &[(u64, Vec2, bool)], reach: f64) {
        let mut used = vec![false; tracks.len()];
        let mut found = vec![None; truths.len()];
        // Pairs that were together stay together, the others by distance.
        for (t, (id, center)) in truths.iter().enumerate() {
            let kept = self.identity.get(id).and_then(|known| tracks.iter().position(|k| k.0 == *known));
            if let Some(k) = kept.filter(|&k| (tracks[k].1 - center).norm() < reach) {
                (used[k], found[t]) = (true, Some(k));
            }
        }
        for (t, (_, center)) in truths.iter().enumerate() {
            if found[t].is_none() {
                let near =
                    (0..tracks.len()).filter(|&k| !used[k]).map(|k| ((tracks[k].1 - center).norm(), k));
                if let Some((_, k)) = near.filter(|n| n.0 < reach).min_by(|a, b| a.0.total_cmp(&b.0)) {
                    (used[k], found[t]) = (true, Some(k));
                }
            }
        }
        for ((id, _), found) in truths.iter().zip(found) {
            self.truths += 1;
            match found {
                None => self.missed += 1,
                Some(k) => {
                    let before = self.identity.insert(*id, tracks[k].0);
                    self.switches += usize::from(before.is_some_and(|b| b != tracks[k].0));
                }
            }
        }
        self.false_tracks += tracks.iter().zip(used).filter(|(t, used)| t.2 && !used).count();
    }

    fn mota(&self) -> f64 {
        100.0 - 100.0 * (self.missed + self.false_tracks + self.switches) as f64 / self.truths.max(1) as f64
    }
}

fn noise(random: &mut Pcg64Mcg) -> f64 {
    let mut uniform = || (random.next_u64() as f64 + 0.5) / 18_446_744_073_709_551_616.0;
    let (a, b) = (uniform(), uniform());
    (-2.0 * ln(a)).sqrt() * cos(TAU * b)
}

fn detection(outline: &OrientedBox, z: f64, height: f64, class: &str, score: f64) -> Detection3D {
    let mut detection = Detection3D::default();
    detection.bbox.center = Pose::from(&Pose3::from_pose2(&outline.center, z));
    (detection.bbox.size.x, detection.bbox.size.y, detection.bbox.size.z) =
        (outline.length, outline.width, height);
    let mut result = ObjectHypothesisWithPose::default();
    result.hypothesis.class_id = class.to_owned();
    result.hypothesis.score = score;
    detection.results.push(result);
    detection
}

fn class_of(label: &str) -> Option<&'static str> {
    match label {
        "Car" | "Van" => Some("vehicle"),
        "Truck" => Some("truck"),
        "Pedestrian" => Some("pedestrian"),
        "Cyclist" => Some("cyclist"),
        _ => None,
    }
}

fn sequences(data: &Path) -> Vec<(String, Calibration, Vec<Vec<Label>>)> {
    (1..=9)
        .map(|k| {
            let name = format!("{k:04}");
            let folder = data.join("kitti_tracking_labels");
            let calibration = Calibration::read(&folder.join(format!("training/calib/{name}.txt")));
            let labels = kitti::tracking_labels(&folder.join(format!("label_02/{name}.txt")), &calibration);
            (name, calibration, labels)
        })
        .collect()
}

/// Steps a tracker whose car stands at the origin (these sequences have no INS).
fn step(tracker: &mut Tracker, k: usize, detections: Vec<Detection3D>, out: &mut TrackedObjects) {
    let mut odometry = Odometry::default();
    odometry.header.stamp = time(k as f64).into();
    tracker.note_ego(&odometry);
    let mut array = Detection3DArray { detections, ..Detection3DArray::default() };
    array.header.stamp = time(k as f64).into();
    tracker.step(time(k as f64), &array, TrackerInputs::default(), out).unwrap();
}

fn id(uuid: &[u8; 16]) -> u64 {
    u64::from_le_bytes(uuid[..8].try_into().unwrap())
}

#[test]
fn true_boxes_with_noise_and_gaps_keep_their_ids() {
    let Some(data) = kitti::data() else { return };
    let mut clear = Clear::default();
    for (s, (name, _, frames)) in sequences(&data).into_iter().enumerate() {
        let mut random = Pcg64Mcg::seed_from_u64(s as u64);
        let mut tracker = Tracker::new(TrackerConfig::default()).unwrap();
        let mut out = TrackedObjects::default();
        let mut one = Clear::default();
        for (k, labels) in frames.iter().enumerate() {
            let (mut truths, mut detections) = (Vec::new(), Vec::new());
            for label in labels {
                let (Some(outline), Some(class)) = (label.outline, class_of(&label.class)) else { continue };
                truths.push((label.id, outline.center.position()));
                if random.next_u64() % 100 < 10 {
                    continue;
                }
                let mut noisy = outline;
                noisy.center.x += 0.1 * noise(&mut random);
                noisy.center.y += 0.1 * noise(&mut random);
                noisy.center.yaw += 0.05 * noise(&mut random);
                detections.push(detection(&noisy, label.center_z, label.height, class, 0.7));
            }
            step(&mut tracker, k, detections, &mut out);
            one.add(&truths, &centers(&out), 2.0);
        }
        println!(
            "sequence {name}: {} truths, {} missed, {} false, {} id switches, MOTA {:.1}",
            one.truths,
            one.missed,
            one.false_tracks,
            one.switches,
            one.mota()
        );
        clear.truths += one.truths;
        clear.missed += one.missed;
        clear.false_tracks += one.false_tracks;
        clear.switches += one.switches;
    }
    println!(
        "true boxes, noise 0.1 m, 10 % gaps: MOTA {:.1}, {} id switches in {}",
        clear.mota(),
        clear.switches,
        clear.truths
    );
    assert!(clear.mota() > 85.0 && clear.switches * 100 < clear.truths);
}

fn centers(out: &TrackedObjects) -> Vec<(u64, Vec2, bool)> {
    let center = |p: &Pose| Pose2::from(p).position();
    out.objects
        .iter()
        .map(|o| {
            // A track that is carried on without a sighting is not held against the tracker.
            let is_judged = o.existence_probability > 0.7;
            (id(&o.object_id.uuid), center(&o.kinematics.pose_with_covariance.pose), is_judged)
        })
        .collect()
}

#[test]
fn a_networks_detections_become_tracks() {
    let Some(data) = kitti::data() else { return };
    let mut clear = Clear::default();
    for (name, calibration, frames) in sequences(&data) {
        let file =
            data.join(format!("kitti_tracking_labels/detections/3D/pointrcnn/training/Car/{name}.txt"));
        let mut found: Vec<Vec<Detection3D>> = vec![Vec::new(); frames.len()];
        for line in std::fs::read_to_string(file).unwrap().lines() {
            let n: Vec<f64> = line.split(',').map(|v| v.parse().unwrap()).collect();
            let words: Vec<String> = [0.0, 0.0, 0.0, n[2], n[3], n[4], n[5]]
                .iter()
                .chain(&n[7..14])
                .map(|v| v.to_string())
                .collect();
            let words: Vec<&str> = std::iter::once("Car").chain(words.iter().map(String::as_str)).collect();
            let label = Label::parse(&words, -1, &calibration);
            if n[6] > 3.0 {
                let outline = label.outline.unwrap();
                let score = 1.0 / (1.0 + auriga_geometry::math::exp(-n[6] / 4.0));
                found[n[0] as usize].push(detection(
                    &outline,
                    label.center_z,
                    label.height,
                    "vehicle",
                    score,
                ));
            }
        }
        let mut tracker = Tracker::new(TrackerConfig::default()).unwrap();
        let mut out = TrackedObjects::default();
        let mut one = Clear::default();
        for (k, labels) in frames.iter().enumerate() {
            step(&mut tracker, k, std::mem::take(&mut found[k]), &mut out);
            let cars = |l: &&Label| l.class == "Car" || l.class == "Van";
            let truths: Vec<(i64, Vec2)> =
                labels.iter().filter(cars).map(|l| (l.id, l.outline.unwrap().center.position())).collect();
            one.add(&truths, &centers(&out), 2.0);
        }
        clear.truths += one.truths;
        clear.missed += one.missed;
        clear.false_tracks += one.false_tracks;
        clear.switches += one.switches;
    }
    println!(
        "PointRCNN's cars: MOTA {:.1}, {} missed, {} false, {} id switches in {}",
        clear.mota(),
        clear.missed,
        clear.false_tracks,
        clear.switches,
        clear.truths
    );
    assert!(clear.mota() > 50.0 && clear.switches * 100 < clear.truths);
}

#[test]
fn our_own_detections_become_tracks() {
    let Some(data) = kitti::data() else { return };
    let (frames, ins) = (kitti::drive_0005(&data), ins(&data));
    let mut detector = detector();
    let mut tracker = Tracker::new(TrackerConfig { eye_x_m: 0.76, ..TrackerConfig::default() }).unwrap();
    let (mut boxes, mut out) = (Detection3DArray::default(), TrackedObjects::default());
    let mut by_class: BTreeMap<&str, Clear> = BTreeMap::new();
    for (k, frame) in frames.iter().enumerate() {
        let mut odometry = Odometry::default();
        odometry.header.stamp = time(k as f64).into();
        odometry.pose.pose = Pose::from(&ins.poses[k]);
        (odometry.twist.twist.linear.x, odometry.twist.twist.angular.z) = (ins.speed[k], ins.yaw_rate[k]);
        tracker.note_ego(&odometry);
        let message = kitti::to_message(&frame.scan, time(k as f64 - 0.5).as_nanos());
        let motion = Motion { speed_mps: ins.speed[k], yaw_rate_rps: ins.yaw_rate[k] };
        detector.step(time(k as f64), &message, &motion, &mut boxes).unwrap();
        tracker.step(time(k as f64), &boxes, TrackerInputs::default(), &mut out).unwrap();
        let truths = |class: &str| -> Vec<(i64, Vec2)> {
            frame
                .labels
                .iter()
                .filter(|l| class_of(&l.class) == Some(class))
                .filter_map(|l| l.outline.map(|o| (l, o)))
                .filter(|(l, o)| o.center.position().norm() < 40.0 && is_in_view(frame, o, l.center_z))
                .map(|(l, o)| (l.id, o.center.position()))
                .collect()
        };
        for (class, label) in [("vehicle", 1), ("pedestrian", 7), ("cyclist", 6)] {
            let tracks = in_view(&out, frame, &ins.poses[k], label);
            by_class.entry(class).or_default().add(&truths(class), &tracks, 2.0);
        }
    }
    for (class, c) in &by_class {
        println!(
            "drive_0005, our own detector, {class}: {} truths, {} missed, {} false, {} id switches",
            c.truths, c.missed, c.false_tracks, c.switches
        );
    }
    let vehicles = &by_class["vehicle"];
    assert!(vehicles.missed * 10 < vehicles.truths * 4 && vehicles.switches <= 8);
}

fn is_in_view(frame: &kitti::Frame, outline: &OrientedBox, z: f64) -> bool {
    let c = outline.center.position();
    let [u, _, depth] = frame.calibration.pixel(Vec3::new(c.x, c.y, z));
    depth > 0.0 && (0.0..1242.0).contains(&u)
}

/// Tracks of a class in the velodyne's frame at the instant of the labels, half a turn before the scan's end.
fn in_view(out: &TrackedObjects, frame: &kitti::Frame, ego: &Pose2, label: u8) -> Vec<(u64, Vec2, bool)> {
    let late = LogicalDuration::from_secs_f64(PERIOD_S / 2.0).as_secs_f64();
    let lidar = kitti::lidar_pose().translation;
    let mut tracks = Vec::new();
    for object in out.objects.iter().filter(|o| o.classification[0].label == label) {
        let pose = Pose2::from(&object.kinematics.pose_with_covariance.pose);
        let twist = &object.kinematics.twist_with_covariance.twist.linear;
        let moved = Vec2::new(
            cos(pose.yaw) * twist.x - sin(pose.yaw) * twist.y,
            sin(pose.yaw) * twist.x + cos(pose.yaw) * twist.y,
        ) * late;
        let local = ego.to_local(pose.position() - moved) - lidar.xy();
        let z = object.kinematics.pose_with_covariance.pose.position.z - lidar.z;
        let [u, v, depth] = frame.calibration.pixel(Vec3::new(local.x, local.y, z));
        let excused = frame.labels.iter().any(|l| {
            let [x0, y0, x1, y1] = l.pixels;
            l.outline.is_none() && (x0..=x1).contains(&u) && (y0..=y1).contains(&v)
        });
        let is_judged = depth > 0.0 && (0.0..1242.0).contains(&u) && local.norm() < 40.0 && !excused;
        tracks.push((id(&object.object_id.uuid), local, is_judged));
    }
    tracks
}
