//! Which lane lies beside which, and the marks between them.

use super::LaneIndex;
use crate::opendrive::{LaneChange, OpenDrive, Section, WrittenMark};
use crate::{Lane, LaneId, LaneKind, MarkKind, Neighbor, RoadMark};

pub(super) fn link(file: &OpenDrive, index: &LaneIndex, lanes: &mut [Lane]) {
    for (&(r, n, number), &id) in index {
        let road = &file.roads[r];
        let section = &road.sections[n];
        let forward = road.runs_forward(number);
        for toward_left in [true, false] {
            // Numbers grow to the left of the reference line.
            let step = if toward_left == forward { 1 } else { -1 };
            let beyond = if number + step == 0 { number + 2 * step } else { number + step };
            let mark = border_mark(section, number, step);
            let neighbor = index.get(&(r, n, beyond)).map(|&other| {
                let same_direction = road.runs_forward(beyond) == forward;
                let change_allowed = same_direction
                    && road.junction.is_none()
                    && both_driven(lanes, id, other)
                    && allows_change(mark, section, number, step);
                Neighbor { lane: other, change_allowed, same_direction }
            });
            let mark = as_seen(mark, border_owner(number, step), forward);
            let lane = &mut lanes[id.index()];
            if toward_left {
                (lane.left, lane.left_mark) = (neighbor, mark);
            } else {
                (lane.right, lane.right_mark) = (neighbor, mark);
            }
        }
    }
}

fn both_driven(lanes: &[Lane], a: LaneId, b: LaneId) -> bool {
    [a, b].iter().all(|id| lanes[id.index()].kind == LaneKind::Driving)
}

/// The lane whose mark separates a lane from the next one: a mark is on its lane's outer edge, the centre lane's in the
/// middle of the road.
fn border_owner(number: i32, step: i32) -> i32 {
    let outward = (number > 0) == (step > 0);
    if outward { number } else { number + step }
}

/// The mark that runs along most of the section.
fn border_mark(section: &Section, number: i32, step: i32) -> WrittenMark {
    let Some(owner) = section.lanes.get(&border_owner(number, step)) else { return WrittenMark::default() };
    let mut best = (0.0, WrittenMark::default());
    for (i, mark) in owner.marks.iter().enumerate() {
        let end = owner.marks.get(i + 1).map_or(section.end, |next| next.s.min(section.end));
        let extent = end - mark.s;
        if extent > best.0 {
            best = (extent, *mark);
        }
    }
    best.1
}

/// Whether traffic on lane `number` may cross the mark to the lane `step` beyond.
fn allows_change(mark: WrittenMark, section: &Section, number: i32, step: i32) -> bool {
    match mark.change {
        Some(LaneChange::Both) => return true,
        Some(LaneChange::None) => return false,
        Some(LaneChange::Increase) => return step > 0,
        Some(LaneChange::Decrease) => return step < 0,
        None => {}
    }
    let owner = border_owner(number, step);
    let from_inside = owner == number;
    match mark.kind {
        MarkKind::Broken | MarkKind::BrokenBroken => true,
        // No record at all says nothing about changes; a mark of the type "none" is bare road.
        MarkKind::None => section.lanes.get(&owner).is_some_and(|lane| !lane.marks.is_empty()),
        // The line on one's own side counts; patterns are written from the inside out.
        MarkKind::BrokenSolid => from_inside,
        MarkKind::SolidBroken => !from_inside,
        MarkKind::Solid | MarkKind::SolidSolid | MarkKind::Curb | MarkKind::Other => false,
    }
}

/// The pattern from left to right in driving direction. It is written from the lane's inside to its outside, the centre
/// lane's from left to right along the reference line.
fn as_seen(mark: WrittenMark, owner: i32, forward: bool) -> RoadMark {
    let left_first_along_line = owner <= 0;
    let kind = match mark.kind {
        MarkKind::SolidBroken if left_first_along_line != forward => MarkKind::BrokenSolid,
        MarkKind::BrokenSolid if left_first_along_line != forward => MarkKind::SolidBroken,
        kind => kind,
    };
    RoadMark { kind, color: mark.color, width: mark.width }
}
