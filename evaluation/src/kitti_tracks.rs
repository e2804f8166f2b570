//! Tracks against KITTI's tracking labels.
//!
//! The labels exist only where the camera looks. They are in the rectified frame of camera 0 (x right, y down,
//! z forward); a label's point is the middle of the box's bottom, its angle is about y (KITTI tracking development kit,
//! `readme.txt`; Geiger, Lenz, Urtasun, 2012).

use crate::EvaluationError;
use crate::matching::{Candidate, Matcher};
use crate::perception::{ClassRecall, candidate, has_class};
use crate::statistics::Distribution;
use auriga_geometry::math::{atan2, sin_cos};
use auriga_geometry::nalgebra::{Matrix3, Matrix3x4};
use auriga_geometry::{LogicalTime, Pose2, Pose3, Vec2, Vec3};
use auriga_messages::autoware_perception_msgs::TrackedObjects;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// One line of a tracking label file.
#[derive(Clone, Debug, PartialEq)]
pub struct KittiLabel {
    /// Number of the picture, from 0.
    pub frame: u32,
    /// The same through the sequence; −1 for `DontCare`.
    pub track: i64,
    /// `Car`, `Van`, `Cyclist`, `Pedestrian`, `DontCare`, …
    pub class: String,
    /// Left, top, right, bottom, pixels.
    pub image_box: [f64; 4],
    /// Height, width, length, metres.
    pub size: [f64; 3],
    /// Middle of the bottom, rectified camera frame, metres.
    pub bottom: Vec3,
    /// About the camera's y axis, radians; 0 looks along x.
    pub rotation_y: f64,
}

/// Reads the text of a tracking label file; `file` names it in errors.
///
/// # Errors
/// [`EvaluationError::Line`] where a line has too few columns or no number where one belongs.
pub fn parse_labels(text: &str, file: &str) -> Result<Vec<KittiLabel>, EvaluationError> {
    let mut labels = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let problem =
            |problem: String| EvaluationError::Line { file: String::from(file), line: index + 1, problem };
        if columns.len() < 17 {
            return Err(problem(format!("17 columns expected, {} found", columns.len())));
        }
        let number = |column: usize| match columns[column].parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(value),
            _ => Err(problem(format!("column {}: `{}` is no number", column + 1, columns[column]))),
        };
        let integer = |column: usize| {
            columns[column].parse::<i64>().map_err(|_| {
                problem(format!("column {}: `{}` is no whole number", column + 1, columns[column]))
            })
        };
        labels.push(KittiLabel {
            frame: u32::try_from(integer(0)?).map_err(|_| problem(String::from("negative frame number")))?,
            track: integer(1)?,
            class: String::from(columns[2]),
            image_box: [number(6)?, number(7)?, number(8)?, number(9)?],
            size: [number(10)?, number(11)?, number(12)?],
            bottom: Vec3::new(number(13)?, number(14)?, number(15)?),
            rotation_y: number(16)?,
        });
    }
    Ok(labels)
}

/// The calibration that labels are read with.
#[derive(Clone, Debug, PartialEq)]
pub struct KittiCalibration {
    /// Rectified camera frame to pixels of the left colour camera.
    pub projection: Matrix3x4<f64>,
    /// Rotation from the lidar to the rectified camera frame.
    pub rotation: Matrix3<f64>,
    /// The lidar's origin in the rectified camera frame, metres.
    pub translation: Vec3,
    /// Width and height of the rectified picture, pixels.
    pub image: (f64, f64),
}

impl KittiCalibration {
    /// Reads a calibration in the tracking benchmark's form (`P2`, `R0_rect` or `R_rect`, `Tr_velo_to_cam` or `Tr_velo_cam`).
    ///
    /// # Errors
    /// [`EvaluationError`] where an entry is missing or garbled.
    pub fn parse(text: &str, file: &str) -> Result<Self, EvaluationError> {
        let p2 = entry::<12>(text, file, &["P2"])?;
        let r0 = entry::<9>(text, file, &["R0_rect", "R_rect"])?;
        let tr = entry::<12>(text, file, &["Tr_velo_to_cam", "Tr_velo_cam"])?;
        let rectify = Matrix3::from_row_slice(&r0);
        let to_camera = Matrix3x4::from_row_slice(&tr);
        Ok(Self {
            projection: Matrix3x4::from_row_slice(&p2),
            rotation: rectify * to_camera.fixed_view::<3, 3>(0, 0),
            translation: rectify * to_camera.column(3),
            image: (1242.0, 375.0),
        })
    }

    /// A point of the rectified camera frame in the lidar's frame.
    #[must_use]
    pub fn to_lidar(&self, point: Vec3) -> Vec3 {
        self.rotation.transpose() * (point - self.translation)
    }

    /// The pixel of a point of the lidar's frame; `None` behind the camera.
    #[must_use]
    pub fn pixel(&self, point_in_lidar: Vec3) -> Option<Vec2> {
        let p = self.rotation * point_in_lidar + self.translation;
        let image = self.projection.fixed_view::<3, 3>(0, 0) * p + self.projection.column(3);
        (image.z > 0.1).then(|| Vec2::new(image.x / image.z, image.y / image.z))
    }

    /// Centre and heading of a label in the lidar's frame.
    #[must_use]
    pub fn pose(&self, label: &KittiLabel) -> (Pose2, f64) {
        let middle = self.to_lidar(label.bottom - Vec3::new(0.0, label.size[0] / 2.0, 0.0));
        let (sin, cos) = sin_cos(label.rotation_y);
        let ahead = self.rotation.transpose() * Vec3::new(cos, 0.0, -sin);
        (Pose2::new(middle.x, middle.y, atan2(ahead.y, ahead.x)), middle.z)
    }
}

fn entry<const N: usize>(
    text: &str,
    file: &str,
    names: &[&'static str],
) -> Result<[f64; N], EvaluationError> {
    for (index, line) in text.lines().enumerate() {
        let mut words = line.split_whitespace();
        let Some(name) = words.next() else { continue };
        if !names.contains(&name.trim_end_matches(':')) {
            continue;
        }
        let numbers: Vec<f64> = words.map_while(|word| word.parse().ok()).collect();
        return numbers.try_into().map_err(|found: Vec<f64>| EvaluationError::Line {
            file: String::from(file),
            line: index + 1,
            problem: format!("`{name}` has {} numbers, {N} expected", found.len()),
        });
    }
    Err(EvaluationError::MissingEntry { file: String::from(file), entry: names[0] })
}

/// How well tracks agree with the labels. Counts are summed over frames.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct KittiReport {
    /// Frames that were compared.
    pub frames: u32,
    /// Labels of the road users' classes within range.
    pub objects: u32,
    /// Of them with a track.
    pub matched: u32,
    /// Of them without one.
    pub missed: u32,
    /// Tracks in range and in the picture that are no label's and in no `DontCare` region. Trees, walls and poles are
    /// among them: KITTI labels road users only.
    pub unlabelled_tracks: u32,
    /// Of these, those that claim to be a road user of some class.
    pub false_tracks: u32,
    /// How often an object's track became another.
    pub id_switches: u32,
    /// Matched over objects, 0 to 1.
    pub recall: Option<f64>,
    /// Between centres, metres.
    pub position_error_m: Distribution,
    /// By class.
    pub by_class: BTreeMap<String, ClassRecall>,
}

/// Compares tracks with labels frame by frame.
#[derive(Debug)]
pub struct KittiEvaluator {
    labels: BTreeMap<u32, Vec<KittiLabel>>,
    calibration: KittiCalibration,
    range_m: f64,
    classes: BTreeSet<&'static str>,
    matcher: Matcher,
    report: KittiReport,
    position: Vec<f64>,
}

impl KittiEvaluator {
    /// An evaluator of labels within `range_m` of the lidar; a track is a label's if their centres are within `gate_m`.
    #[must_use]
    pub fn new(labels: Vec<KittiLabel>, calibration: KittiCalibration, range_m: f64, gate_m: f64) -> Self {
        let mut by_frame: BTreeMap<u32, Vec<KittiLabel>> = BTreeMap::new();
        for label in labels {
            by_frame.entry(label.frame).or_default().push(label);
        }
        Self {
            labels: by_frame,
            calibration,
            range_m,
            classes: ["Car", "Van", "Truck", "Cyclist", "Pedestrian"].into(),
            matcher: Matcher::new(gate_m),
            report: KittiReport::default(),
            position: Vec::new(),
        }
    }

    /// Compares the tracks of one scan with the labels of its picture.
    ///
    /// `time` is the picture's instant (the middle of the scan, when the lidar looks ahead), `lidar_in_world` the lidar's
    /// pose then, in the tracks' frame. Tracks are moved from their own stamp to `time` with their velocity.
    pub fn frame(&mut self, frame: u32, time: LogicalTime, lidar_in_world: &Pose3, tracks: &TrackedObjects) {
        let labels = self.labels.get(&frame).map_or(&[][..], Vec::as_slice);
        let (ignored, things): (Vec<&KittiLabel>, Vec<&KittiLabel>) =
            labels.iter().partition(|label| label.class == "DontCare");
        let objects: Vec<Candidate> = things
            .iter()
            .map(|label| Candidate {
                id: label.track.unsigned_abs(),
                position: self.calibration.pose(label).0.position(),
            })
            .collect();
        let span = time.since(LogicalTime::from(&tracks.header.stamp)).as_secs_f64();
        let (centers, candidates) = in_lidar(tracks, span, lidar_in_world);
        let mut matches = Vec::new();
        self.matcher.frame(&objects, &candidates, &mut matches);
        self.report.frames += 1;
        self.report.id_switches = self.matcher.id_switches;
        for (i, label) in things.iter().enumerate() {
            if !self.classes.contains(label.class.as_str()) || objects[i].position.norm() > self.range_m {
                continue;
            }
            let matched = self.matcher.object_matched(i);
            let class = self.report.by_class.entry(label.class.clone()).or_default();
            class.objects += 1;
            class.missed += u32::from(!matched);
            self.report.objects += 1;
            self.report.matched += u32::from(matched);
            self.report.missed += u32::from(!matched);
        }
        for &(i, j) in matches.iter().filter(|(i, _)| objects[*i].position.norm() <= self.range_m) {
            self.position.push((objects[i].position - candidates[j].position).norm());
        }
        for (j, center) in centers.iter().enumerate() {
            let near = candidates[j].position.norm() <= self.range_m;
            if near && !self.matcher.track_matched(j) && self.in_view(*center, &ignored) {
                self.report.unlabelled_tracks += 1;
                self.report.false_tracks += u32::from(has_class(&tracks.objects[j]));
            }
        }
    }

    /// Whether a point of the lidar's frame is in the picture and in no `DontCare` region.
    fn in_view(&self, center: Vec3, ignored: &[&KittiLabel]) -> bool {
        let (width, height) = self.calibration.image;
        self.calibration.pixel(center).is_some_and(|pixel| {
            let inside = |[left, top, right, bottom]: [f64; 4]| {
                (left..=right).contains(&pixel.x) && (top..=bottom).contains(&pixel.y)
            };
            inside([0.0, 0.0, width, height]) && !ignored.iter().any(|label| inside(label.image_box))
        })
    }

    /// The report.
    #[must_use]
    pub fn finish(self) -> KittiReport {
        let r = &self.report;
        let recall = (r.objects > 0).then(|| f64::from(r.matched) / f64::from(r.objects));
        KittiReport { recall, position_error_m: Distribution::of(&self.position), ..self.report }
    }
}

/// The tracks' centres in the lidar's frame, moved on by `span_s` seconds, in space and in the plane.
fn in_lidar(tracks: &TrackedObjects, span_s: f64, lidar: &Pose3) -> (Vec<Vec3>, Vec<Candidate>) {
    tracks
        .objects
        .iter()
        .map(|track| {
            let pose = Pose3::from(&track.kinematics.pose_with_covariance.pose);
            let velocity = Vec3::from(&track.kinematics.twist_with_covariance.twist.linear);
            let center = lidar.to_local(pose.to_parent(velocity * span_s));
            (center, Candidate { position: Vec2::new(center.x, center.y), ..candidate(track) })
        })
        .unzip()
}

#[cfg(test)]
mod tests {
    use super::*;
    use auriga_messages::autoware_perception_msgs::{ObjectClassification, TrackedObject};
    use std::io::Write as _;
    use std::path::PathBuf;

    fn drive_0005() -> Option<(String, String)> {
        let root = PathBuf::from(std::env::var("AURIGA_DATA").unwrap_or_default()).join("kitti_raw");
        let labels = std::fs::read_to_string(root.join("drive_0005/tracking_label_02_0000.txt"));
        let calibration = std::fs::read_to_string(root.join("calib_2011_09_26/tracking_style_calib.txt"));
        if let (Ok(labels), Ok(calibration)) = (labels, calibration) {
            return Some((labels, calibration));
        }
        assert!(std::env::var("AURIGA_REQUIRE_DATA").as_deref() != Ok("1"), "no KITTI under {root:?}");
        let _ = writeln!(std::io::stderr(), "skipped: no KITTI under {root:?}");
        None
    }

    #[test]
    fn labels_project_into_their_own_boxes() {
        let Some((labels, calibration)) = drive_0005() else { return };
        let calibration = KittiCalibration::parse(&calibration, "calib").unwrap();
        let labels = parse_labels(&labels, "labels").unwrap();
        let mut checked = 0;
        for label in labels.iter().filter(|label| label.class != "DontCare") {
            let (pose, z) = calibration.pose(label);
            let pixel = calibration.pixel(Vec3::new(pose.x, pose.y, z)).unwrap();
            let [left, top, right, bottom] = label.image_box;
            // Boxes cut by the picture's edge end at it; their middles may lie outside.
            if left > 1.0 && right < 1240.0 {
                assert!(pixel.x > left - 2.0 && pixel.x < right + 2.0, "{label:?} {pixel:?}");
                assert!(pixel.y > top - 2.0 && pixel.y < bottom + 2.0, "{label:?} {pixel:?}");
                checked += 1;
            }
        }
        assert!(checked > 150, "{checked}");
    }

    #[test]
    fn tracks_that_are_the_labels_are_perfect() {
        let Some((labels, calibration)) = drive_0005() else { return };
        let calibration = KittiCalibration::parse(&calibration, "calib").unwrap();
        let labels = parse_labels(&labels, "labels").unwrap();
        let lidar = Pose3::from_euler(Vec3::new(5.0, -3.0, 1.7), 0.0, 0.0, 0.7);
        let mut evaluator = KittiEvaluator::new(labels.clone(), calibration.clone(), 40.0, 2.0);
        for frame in 0..80 {
            let mut tracks = TrackedObjects::default();
            for label in labels.iter().filter(|l| l.frame == frame && l.class != "DontCare") {
                let (pose, z) = calibration.pose(label);
                let mut track = TrackedObject::default();
                track.object_id.uuid[0] = u8::try_from(label.track).unwrap();
                track.kinematics.pose_with_covariance.pose =
                    (&lidar.compose(&Pose3::from_pose2(&pose, z))).into();
                tracks.objects.push(track);
            }
            // One that is in nobody's place, ahead and in view, once with and once without a class.
            let mut ghost = TrackedObject::default();
            ghost.object_id.uuid[0] = 250;
            ghost.kinematics.pose_with_covariance.pose =
                (&lidar.compose(&Pose3::from_pose2(&Pose2::new(4.5, 0.0, 0.0), -1.0))).into();
            if frame % 2 == 0 {
                ghost
                    .classification
                    .push(ObjectClassification { label: ObjectClassification::CAR, probability: 0.5 });
            }
            tracks.objects.push(ghost);
            evaluator.frame(frame, LogicalTime::ZERO, &lidar, &tracks);
        }
        let report = evaluator.finish();
        assert_eq!((report.frames, report.missed, report.id_switches, report.recall), (80, 0, 0, Some(1.0)));
        assert_eq!((report.unlabelled_tracks, report.false_tracks), (80, 40));
        assert!(report.objects > 150 && report.position_error_m.max.unwrap() < 1e-9);
        assert_eq!(report.by_class.keys().collect::<Vec<_>>(), ["Cyclist", "Pedestrian", "Van"]);
    }

    #[test]
    fn garbled_text_is_named_by_line() {
        let error = parse_labels("0 0 Van 0 0\n", "labels.txt").unwrap_err().to_string();
        assert_eq!(error, "labels.txt:1: 17 columns expected, 5 found");
        let line = "0 0 Van 0 0 0 1 2 3 4 5 6 7 8 9 x 0";
        let error = parse_labels(line, "labels.txt").unwrap_err().to_string();
        assert_eq!(error, "labels.txt:1: column 16: `x` is no number");
        let error = KittiCalibration::parse("P2: 1 2 3", "calib.txt").unwrap_err().to_string();
        assert_eq!(error, "calib.txt:1: `P2:` has 3 numbers, 12 expected");
        assert!(KittiCalibration::parse("", "calib.txt").unwrap_err().to_string().contains("no entry `P2`"));
    }
}
