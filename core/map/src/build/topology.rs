//! Which lane follows which: across sections, roads and junctions.
//!
//! Every link in the file joins one *end* of a lane to one end of another, whatever way either is driven. Where one is
//! driven out at its end and the other in at its own, the second follows the first.

use super::LaneIndex;
use crate::opendrive::{Connection, End, OpenDrive, Road, RoadLink};
use crate::{Fault, FaultKind, Lane, LaneId};
use std::collections::BTreeMap;

/// A lane at one end of its road's reference line, or of its section.
type LaneEnd = (LaneId, End, bool);

pub(super) fn link(file: &OpenDrive, index: &LaneIndex, lanes: &mut [Lane], faults: &mut Vec<Fault>) {
    let mut linker = Linker { file, index, lanes, stated: BTreeMap::new() };
    for r in 0..file.roads.len() {
        linker.link_road(r);
    }
    for junction in &file.junctions {
        for connection in &junction.connections {
            linker.link_connection(&junction.id, connection);
        }
    }
    let stated = linker.stated;
    for ((from, to), _) in stated.iter().filter(|(_, times)| **times == 1) {
        let place = |id: &LaneId| {
            let key = &lanes[id.index()].key;
            format!("road \"{}\", lane section {}, lane {}", key.road, key.section, key.lane)
        };
        let place = format!("{} to {}", place(from), place(to));
        faults.push(Fault { kind: FaultKind::OneSidedLink, place, line: None, size: 0.0, mended: true });
    }
    for lane in lanes {
        for list in [&mut lane.successors, &mut lane.predecessors] {
            list.sort();
            list.dedup();
        }
    }
}

struct Linker<'a> {
    file: &'a OpenDrive,
    index: &'a LaneIndex,
    lanes: &'a mut [Lane],
    /// How many of its two lanes state a link, where both could: not where a junction lies between.
    stated: BTreeMap<(LaneId, LaneId), usize>,
}

impl Linker<'_> {
    fn link_road(&mut self, r: usize) {
        let file = self.file;
        let road = &file.roads[r];
        let last = road.sections.len() - 1;
        for (n, section) in road.sections.iter().enumerate() {
            for lane in section.lanes.values() {
                for (end, numbers) in [(End::Start, &lane.predecessors), (End::Finish, &lane.successors)] {
                    let target = match end {
                        End::Start if n > 0 => Some((r, n - 1, End::Finish)),
                        End::Finish if n < last => Some((r, n + 1, End::Start)),
                        _ => self.linked_road(road, end),
                    };
                    let Some((other, other_section, other_end)) = target else { continue };
                    for &number in numbers {
                        let from = self.lane_end(r, n, lane.number, end);
                        let to = self.lane_end(other, other_section, number, other_end);
                        if let Some(link) = self.join(from, to)
                            && (other == r
                                || !matches!(
                                    file.roads[other].link(other_end),
                                    Some(RoadLink::Junction { .. })
                                ))
                        {
                            *self.stated.entry(link).or_insert(0) += 1;
                        }
                    }
                }
            }
        }
    }

    /// The road beyond one end: (road, its section there, its end there).
    fn linked_road(&self, road: &Road, end: End) -> Option<(usize, usize, End)> {
        match road.link(end)? {
            RoadLink::Road { id, contact } => {
                let (other, target) = self.file.road(id)?;
                Some((other, target.section_at_end(*contact), *contact))
            }
            RoadLink::Junction { .. } => None,
        }
    }

    fn link_connection(&mut self, junction: &str, connection: &Connection) {
        let file = self.file;
        let (Some((i, incoming)), Some((c, connecting))) =
            (file.road(&connection.incoming), file.road(&connection.connecting))
        else {
            return;
        };
        let end = incoming_end(junction, connection, incoming, connecting);
        let (near, far) = (connecting.section_at_end(connection.contact), incoming.section_at_end(end));
        for &(from, to) in &connection.lane_links {
            let incoming_lane = self.lane_end(i, far, from, end);
            let connecting_lane = self.lane_end(c, near, to, connection.contact);
            self.join(incoming_lane, connecting_lane);
        }
    }

    fn lane_end(&self, road: usize, section: usize, lane: i32, end: End) -> Option<LaneEnd> {
        let id = *self.index.get(&(road, section, lane))?;
        Some((id, end, self.file.roads[road].runs_forward(lane)))
    }

    /// Links two ends; the link in driving direction.
    fn join(&mut self, a: Option<LaneEnd>, b: Option<LaneEnd>) -> Option<(LaneId, LaneId)> {
        let (a, b) = (a?, b?);
        let leaves_at = |(_, end, forward): LaneEnd| (end == End::Finish) == forward;
        let (from, to) = match (leaves_at(a), leaves_at(b)) {
            (true, false) => (a.0, b.0),
            (false, true) => (b.0, a.0),
            // Two pavements may be linked head to head: nobody is driven from one to the other.
            _ => return None,
        };
        self.lanes[from.index()].successors.push(to);
        self.lanes[to.index()].predecessors.push(from);
        Some((from, to))
    }
}

/// The end of the incoming road that meets the connecting road: as the connecting road says, else the one that leads into
/// the junction, else the nearer one.
fn incoming_end(junction: &str, connection: &Connection, incoming: &Road, connecting: &Road) -> End {
    if let Some(RoadLink::Road { id, contact }) = connecting.link(connection.contact)
        && *id == incoming.id
    {
        return *contact;
    }
    let leads_in = |end| matches!(incoming.link(end), Some(RoadLink::Junction { id }) if id == junction);
    match (leads_in(End::Start), leads_in(End::Finish)) {
        (true, false) => End::Start,
        (false, true) => End::Finish,
        _ => {
            let place = |road: &Road, end| {
                let s = if end == End::Start { 0.0 } else { road.length };
                road.line.at(s, s).position
            };
            let near = place(connecting, connection.contact);
            let distance = |end| (place(incoming, end) - near).norm();
            if distance(End::Start) < distance(End::Finish) { End::Start } else { End::Finish }
        }
    }
}
