//! Links that the file has forgotten, and lanes that do not meet.

use crate::{Fault, FaultKind, Lane, LaneId, LaneKind};
use auriga_geometry::math::angle_difference;

/// Ends that are linked although they lie farther apart than this are reported, metres.
const GAP: f64 = 0.05;
/// Ends nearer than this, in directions that differ by less than [`TURN`], belong together: metres, radians.
const TOUCH: f64 = 0.05;
const TURN: f64 = 0.05;

/// Links driving lanes that meet end to end where neither is linked at all, and lists what does not meet.
pub(crate) fn mend(lanes: &mut [Lane], faults: &mut Vec<Fault>) {
    let driving = |lane: &&Lane| lane.kind == LaneKind::Driving;
    let ends: Vec<LaneId> =
        lanes.iter().filter(driving).filter(|l| l.successors.is_empty()).map(|l| l.id).collect();
    let mut starts: Vec<LaneId> =
        lanes.iter().filter(driving).filter(|l| l.predecessors.is_empty()).map(|l| l.id).collect();
    let x_of = |lanes: &[Lane], id: LaneId| lanes[id.index()].centerline.points[0].position.x;
    starts.sort_by(|a, b| x_of(lanes, *a).total_cmp(&x_of(lanes, *b)));
    for end in ends {
        let lane = &lanes[end.index()];
        let from = lane.centerline.at(lane.length);
        let first = starts.partition_point(|id| x_of(lanes, *id) < from.position.x - TOUCH);
        let near = starts[first..].iter().take_while(|id| x_of(lanes, **id) <= from.position.x + TOUCH);
        let meets = |id: &&LaneId| {
            let to = lanes[id.index()].centerline.points[0];
            **id != end
                && (to.position - from.position).norm() < TOUCH
                && (to.z - from.z).abs() < 0.5
                && angle_difference(to.heading, from.heading).abs() < TURN
        };
        let found: Vec<LaneId> = near.filter(meets).copied().collect();
        // Two candidates: nobody knows which one was meant.
        if let [next] = found[..] {
            let size = (lanes[next.index()].centerline.points[0].position - from.position).norm();
            let place = format!("{} to {}", place(&lanes[end.index()]), place(&lanes[next.index()]));
            faults.push(Fault { kind: FaultKind::MissingLink, place, line: None, size, mended: true });
            lanes[end.index()].successors.push(next);
            lanes[next.index()].predecessors.push(end);
        }
    }
    list_gaps(lanes, faults);
}

fn place(lane: &Lane) -> String {
    format!("road \"{}\", lane section {}, lane {}", lane.key.road, lane.key.section, lane.key.lane)
}

fn list_gaps(lanes: &[Lane], faults: &mut Vec<Fault>) {
    for lane in lanes.iter().filter(|lane| lane.kind == LaneKind::Driving) {
        let end = lane.centerline.points[lane.centerline.points.len() - 1];
        for next in lane.successors.iter().map(|id| &lanes[id.index()]) {
            let gap = (next.centerline.points[0].position - end.position).norm();
            if gap > GAP && next.kind == LaneKind::Driving {
                let place = format!("{} to {}", place(lane), place(next));
                faults.push(Fault { kind: FaultKind::LaneGap, place, line: None, size: gap, mended: false });
            }
        }
    }
}
