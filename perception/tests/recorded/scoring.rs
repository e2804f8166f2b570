//! Bird's-eye average precision within 40 m and the camera's view, as the study in `../shared/lidar` scores it.

use crate::kitti::Frame;
use auriga_geometry::{OrientedBox, Vec2, Vec3};

/// A detection in the velodyne's frame.
pub struct Found {
    pub outline: OrientedBox,
    pub z: f64,
    pub class: String,
    pub score: f64,
}

/// How a set of frames was detected.
#[derive(Debug)]
pub struct Score {
    pub labels: usize,
    pub average_precision: f64,
    /// Over all detections, whatever their score.
    pub recall: f64,
    pub precision: f64,
}

#[derive(PartialEq, Clone, Copy)]
enum Worth {
    Counted,
    Ignored,
}

/// Scores detections of `found_class` against labels of `counted` (labels of `ignored` are neither right nor wrong).
/// `matches` gives a value of at least `least` where a detection is right.
pub fn score(
    frames: &[Frame],
    found: &[Vec<Found>],
    found_class: &str,
    (counted, ignored): (&[&str], &[&str]),
    least: f64,
    matches: impl Fn(&OrientedBox, &OrientedBox) -> f64,
) -> Score {
    let mut results: Vec<(f64, bool)> = Vec::new();
    let mut total = 0;
    for (frame, found) in frames.iter().zip(found) {
        let truth = truth(frame, counted, ignored);
        total += truth.iter().filter(|t| t.1 == Worth::Counted).count();
        let mut used = vec![false; truth.len()];
        let mut found: Vec<&Found> = found.iter().filter(|f| f.class == found_class).collect();
        found.sort_by(|a, b| b.score.total_cmp(&a.score));
        for f in found {
            let best = (0..truth.len())
                .filter(|&k| truth[k].1 == Worth::Counted && !used[k])
                .map(|k| (matches(&f.outline, &truth[k].0), k))
                .filter(|m| m.0 >= least)
                .max_by(|a, b| a.0.total_cmp(&b.0));
            if let Some((_, k)) = best {
                used[k] = true;
                results.push((f.score, true));
            } else if is_in_view(frame, f) && !is_excused(frame, f, &truth) {
                results.push((f.score, false));
            }
        }
    }
    summarize(results, total)
}

fn truth(frame: &Frame, counted: &[&str], ignored: &[&str]) -> Vec<(OrientedBox, Worth)> {
    let mut out = Vec::new();
    for label in &frame.labels {
        let Some(outline) = label.outline else { continue };
        let center = Vec3::new(outline.center.x, outline.center.y, label.center_z);
        let [u, _, depth] = frame.calibration.pixel(center);
        let near = center.xy().norm() <= 40.0;
        let fair = near && depth > 0.0 && (0.0..1242.0).contains(&u) && label.points(&frame.scan) >= 5;
        if counted.contains(&label.class.as_str()) {
            out.push((outline, if fair { Worth::Counted } else { Worth::Ignored }));
        } else if ignored.contains(&label.class.as_str()) {
            out.push((outline, Worth::Ignored));
        }
    }
    out
}

fn is_in_view(frame: &Frame, f: &Found) -> bool {
    let [u, _, depth] = frame.calibration.pixel(Vec3::new(f.outline.center.x, f.outline.center.y, f.z));
    let near = Vec2::new(f.outline.center.x, f.outline.center.y).norm() <= 40.0;
    depth > 0.0 && (0.0..1242.0).contains(&u) && near
}

fn is_excused(frame: &Frame, f: &Found, truth: &[(OrientedBox, Worth)]) -> bool {
    let [u, v, _] = frame.calibration.pixel(Vec3::new(f.outline.center.x, f.outline.center.y, f.z));
    truth.iter().any(|t| t.1 == Worth::Ignored && t.0.intersection_over_union(&f.outline) >= 0.3)
        || frame.labels.iter().any(|l| {
            let [x0, y0, x1, y1] = l.pixels;
            l.outline.is_none() && (x0..=x1).contains(&u) && (y0..=y1).contains(&v)
        })
}

fn summarize(mut results: Vec<(f64, bool)>, total: usize) -> Score {
    results.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut right, mut curve) = (0.0, Vec::new());
    for (k, result) in results.iter().enumerate() {
        right += f64::from(u8::from(result.1));
        curve.push((right / total.max(1) as f64, right / (k + 1) as f64));
    }
    let at = |recall: f64| curve.iter().filter(|c| c.0 >= recall - 1e-9).map(|c| c.1).fold(0.0, f64::max);
    let average_precision = (1..=40).map(|k| at(f64::from(k) / 40.0)).sum::<f64>() / 40.0 * 100.0;
    let (recall, precision) = curve.last().copied().unwrap_or((0.0, 0.0));
    Score { labels: total, average_precision, recall, precision }
}
