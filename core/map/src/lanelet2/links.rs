//! How lanelets hang together: what follows, what lies beside, and where they cross.

use super::osm::Way;
use super::strip::Border;
use super::{Lanelet, Source, list_junctions};
use crate::build::conflicts;
use crate::{Junction, Lane, LaneId, LaneKind, MarkColor, MarkKind, Neighbor, RoadMark};
use std::collections::BTreeMap;

/// Lanes that pass over one another at this height or more do not meet, metres.
const CLEARANCE: f64 = 3.0;

/// A lane's borders in its own driving direction.
struct Sides<'a, 'b> {
    left: &'b Border<'a>,
    right: &'b Border<'a>,
    forward: bool,
}

impl<'a, 'b> Sides<'a, 'b> {
    fn new(lanelets: &'b [Lanelet<'a>], (i, forward): Source) -> Self {
        let lanelet = &lanelets[i];
        let (left, right) =
            if forward { (&lanelet.left, &lanelet.right) } else { (&lanelet.right, &lanelet.left) };
        Self { left, right, forward }
    }

    /// The first (`start`) or last nodes of the left and right border.
    fn end(&self, start: bool) -> (&'a str, &'a str) {
        let pick = |border: &Border<'a>| if start == self.forward { border.ends.0 } else { border.ends.1 };
        (pick(self.left), pick(self.right))
    }
}

/// Fills in successors, neighbours and marks; whether traffic keeps left.
pub(super) fn link(lanelets: &[Lanelet], sources: &[Source], lanes: &mut [Lane]) -> bool {
    let sides: Vec<Sides> = sources.iter().map(|source| Sides::new(lanelets, *source)).collect();
    let mut starts: BTreeMap<(&str, &str), Vec<LaneId>> = BTreeMap::new();
    for (side, lane) in sides.iter().zip(&*lanes) {
        starts.entry(side.end(true)).or_default().push(lane.id);
    }
    for i in 0..lanes.len() {
        for &next in starts.get(&sides[i].end(false)).into_iter().flatten() {
            let same_lanelet = sources[next.index()].0 == sources[i].0;
            if !same_lanelet && walked(lanes[i].kind) == walked(lanes[next.index()].kind) {
                lanes[i].successors.push(next);
                let id = lanes[i].id;
                lanes[next.index()].predecessors.push(id);
            }
        }
    }
    link_sides(&sides, sources, lanes)
}

fn walked(kind: LaneKind) -> bool {
    kind == LaneKind::Sidewalk
}

/// Lanelets that share a way lie beside one another.
fn link_sides(sides: &[Sides], sources: &[Source], lanes: &mut [Lane]) -> bool {
    // By way: lanes that have it to their left, and to their right.
    let mut beside: BTreeMap<&str, (Vec<LaneId>, Vec<LaneId>)> = BTreeMap::new();
    for (side, lane) in sides.iter().zip(&*lanes) {
        side.left.ways.iter().for_each(|(id, _)| beside.entry(id).or_default().0.push(lane.id));
        side.right.ways.iter().for_each(|(id, _)| beside.entry(id).or_default().1.push(lane.id));
    }
    let (mut oncoming_left, mut oncoming_right) = (0, 0);
    for (i, side) in sides.iter().enumerate() {
        for to_left in [true, false] {
            let border = if to_left { side.left } else { side.right };
            let along = border.inverted != side.forward;
            let mark = border.ways.first().map_or(RoadMark::default(), |(_, way)| mark(way, along));
            let near = border.ways.iter().filter_map(|(id, _)| beside.get(id));
            // The two lanes of one lanelet lie upon one another, not beside.
            let other = |id: &LaneId| sources[id.index()].0 != sources[i].0;
            let mut same = None;
            let mut oncoming = None;
            for (have_left, have_right) in near {
                let (facing, alike) = if to_left { (have_left, have_right) } else { (have_right, have_left) };
                same = same.or(alike.iter().copied().find(other));
                oncoming = oncoming.or(facing.iter().copied().find(other));
            }
            let beside = same.or(oncoming);
            let neighbor = beside.map(|lane| {
                let both_driven = [i, lane.index()].iter().all(|k| lanes[*k].kind == LaneKind::Driving);
                let allowed = border.ways.iter().all(|(_, way)| allows_change(way, along, to_left));
                let same_direction = same.is_some();
                Neighbor { lane, change_allowed: same_direction && both_driven && allowed, same_direction }
            });
            if same.is_none() && oncoming.is_some_and(|id| lanes[id.index()].kind == LaneKind::Driving) {
                if to_left { oncoming_left += 1 } else { oncoming_right += 1 }
            }
            let lane = &mut lanes[i];
            if to_left {
                (lane.left, lane.left_mark) = (neighbor, mark);
            } else {
                (lane.right, lane.right_mark) = (neighbor, mark);
            }
        }
    }
    oncoming_right > oncoming_left
}

/// The mark that a way is, seen along the lane (`along`: the way runs as the lane does).
fn mark(way: &Way, along: bool) -> RoadMark {
    let kind = match (way.tag("type").unwrap_or_default(), way.tag("subtype").unwrap_or_default()) {
        ("line_thin" | "line_thick", "solid") => MarkKind::Solid,
        ("line_thin" | "line_thick", "dashed") => MarkKind::Broken,
        ("line_thin" | "line_thick", "solid_solid") => MarkKind::SolidSolid,
        ("line_thin" | "line_thick", "solid_dashed") if along => MarkKind::SolidBroken,
        ("line_thin" | "line_thick", "dashed_solid") if along => MarkKind::BrokenSolid,
        ("line_thin" | "line_thick", "solid_dashed") => MarkKind::BrokenSolid,
        ("line_thin" | "line_thick", "dashed_solid") => MarkKind::SolidBroken,
        ("curbstone", _) => MarkKind::Curb,
        ("virtual" | "road_border", _) => MarkKind::None,
        _ => MarkKind::Other,
    };
    let color = match way.tag("color") {
        None | Some("white") => MarkColor::White,
        Some("yellow") => MarkColor::Yellow,
        Some(_) => MarkColor::Other,
    };
    let width = if way.is("type", "line_thick") { 0.25 } else { 0.12 };
    RoadMark { kind, color, width: way.tag("width").and_then(|w| w.parse().ok()).unwrap_or(width) }
}

/// Whether a car may cross a way to its left or right. What the way's tags say comes before its mark.
fn allows_change(way: &Way, along: bool, to_left: bool) -> bool {
    let side = if to_left == along { "lane_change:left" } else { "lane_change:right" };
    if let Some(said) = way.tag(side).or(way.tag("lane_change")) {
        return said == "yes";
    }
    match mark(way, along).kind {
        MarkKind::Broken => true,
        // The line on one's own side counts.
        MarkKind::SolidBroken => to_left,
        MarkKind::BrokenSolid => !to_left,
        _ => false,
    }
}

/// Groups of driving lanes that overlap become junctions: lanes that cross, merge or part.
pub(super) fn junctions(lanes: &mut [Lane]) -> Vec<Junction> {
    let driving: Vec<usize> = (0..lanes.len()).filter(|i| lanes[*i].kind == LaneKind::Driving).collect();
    let mut group: Vec<usize> = (0..lanes.len()).collect();
    fn top(group: &mut [usize], mut i: usize) -> usize {
        while group[i] != i {
            group[i] = group[group[i]];
            i = group[i];
        }
        i
    }
    for (n, &a) in driving.iter().enumerate() {
        for &b in &driving[n + 1..] {
            if overlap(&lanes[a], &lanes[b]) {
                let (a, b) = (top(&mut group, a), top(&mut group, b));
                group[a.max(b)] = a.min(b);
            }
        }
    }
    let mut groups: BTreeMap<usize, Vec<LaneId>> = BTreeMap::new();
    for &i in &driving {
        groups.entry(top(&mut group, i)).or_default().push(lanes[i].id);
    }
    groups.retain(|_, within| within.len() > 1);
    list_junctions(&groups, lanes)
}

fn overlap(a: &Lane, b: &Lane) -> bool {
    let beside =
        |lane: &Lane, other: LaneId| [lane.left, lane.right].into_iter().flatten().any(|n| n.lane == other);
    let in_line = a.successors.contains(&b.id) || a.predecessors.contains(&b.id);
    let same_lanelet = a.key.road == b.key.road;
    if in_line || same_lanelet || beside(a, b.id) || beside(b, a.id) || !a.centerline.may_touch(&b.centerline)
    {
        return false;
    }
    let Some((from, to)) = conflicts::overlap(&a.centerline, &b.centerline) else { return false };
    let at = a.centerline.at(0.5 * (from + to));
    let other = b.centerline.at(b.centerline.project(at.position).0);
    (at.z - other.z).abs() < CLEARANCE
}
