//! Where crosswalks lie on lanes.

use crate::{Centerline, Crossing, Crosswalk, Lane, LaneKind};
use auriga_geometry::math::sin_cos;
use auriga_geometry::{Polygon, Vec2};

/// Distance between the cross-sections that are looked at, metres.
const STEP: f64 = 0.1;

pub(crate) fn find(crosswalks: &[Crosswalk], lanes: &mut [Lane]) {
    for lane in lanes.iter_mut().filter(|lane| matches!(lane.kind, LaneKind::Driving | LaneKind::Biking)) {
        for crosswalk in crosswalks {
            if let Some((s_start, s_end)) = overlap(&lane.centerline, &crosswalk.polygon) {
                lane.crossings.push(Crossing { crosswalk: crosswalk.id, s_start, s_end });
            }
        }
        lane.crossings.sort_by(|a, b| a.s_start.total_cmp(&b.s_start));
    }
}

/// The stretch of a lane that a polygon covers, widthwise in part or whole.
fn overlap(line: &Centerline, polygon: &Polygon) -> Option<(f64, f64)> {
    let middle = polygon.vertices.iter().sum::<Vec2>() / polygon.vertices.len() as f64;
    let radius = polygon.vertices.iter().map(|v| (v - middle).norm()).fold(0.0, f64::max);
    if line.box_distance(middle) > radius + 0.5 * line.width_max() + 1.0 {
        return None;
    }
    let near = line.points.iter().filter(|p| (p.position - middle).norm() <= radius + 0.5 * p.width + 1.0);
    let (low, high) = near.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), p| (l.min(p.s), h.max(p.s)));
    if low > high {
        return None;
    }
    let mut range: Option<(f64, f64)> = None;
    for i in 0..=((high - low) / STEP) as usize + 1 {
        let s = (low + i as f64 * STEP).min(high);
        let at = line.at(s);
        let (sin, cos) = sin_cos(at.heading);
        // A hand's breadth inside the edges: a crosswalk that ends at the kerb does not cover the next lane.
        let half = 0.5 * at.width - 0.2;
        let covered = [-half, -0.5 * half, 0.0, 0.5 * half, half]
            .iter()
            .any(|&d| polygon.contains(at.position + Vec2::new(-sin, cos) * d));
        if covered {
            range = Some(range.map_or((s, s), |(start, _)| (start, s)));
        }
    }
    range.filter(|(start, end)| end > start)
}
