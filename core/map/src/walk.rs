//! On along the lanes, forwards and backwards.

use crate::{Lane, LaneId, LanePosition, Map};

/// Ways that are followed at once; more than any real network has within a horizon.
const WAYS_MAX: usize = 64;
/// Lanes that are passed at most: ends a walk on a ring.
const LANES_MAX: usize = 100_000;

impl Map {
    /// Every place that lies `distance` metres further along the lanes' centre lines, over all successors; `out` is cleared
    /// first. Ways that end before are left out. `d` stays what it is. At most 64 ways are followed.
    pub fn next(&self, from: LanePosition, distance: f64, out: &mut Vec<LanePosition>) {
        self.walk(from, distance, true, out);
    }

    /// Every place that lies `distance` metres before, over all predecessors; see [`Self::next`].
    pub fn previous(&self, from: LanePosition, distance: f64, out: &mut Vec<LanePosition>) {
        self.walk(from, distance, false, out);
    }

    fn walk(&self, from: LanePosition, distance: f64, forward: bool, out: &mut Vec<LanePosition>) {
        out.clear();
        let Some(lane) = self.lanes.get(from.lane.index()) else { return };
        if !(distance >= 0.0 && distance.is_finite() && from.s.is_finite()) {
            return;
        }
        let s = from.s.clamp(0.0, lane.length);
        let room = if forward { lane.length - s } else { s };
        if distance <= room {
            out.push(LanePosition { s: if forward { s + distance } else { s - distance }, ..from });
            return;
        }
        // Lanes still to enter, each with the distance left there.
        let mut waiting = [(LaneId(0), 0.0); WAYS_MAX];
        let mut count = wait_beyond(lane, distance - room, forward, &mut waiting, 0);
        for _ in 0..LANES_MAX {
            if count == 0 || out.len() == WAYS_MAX {
                return;
            }
            count -= 1;
            let (id, left) = waiting[count];
            let lane = &self.lanes[id.index()];
            if left <= lane.length {
                let s = if forward { left } else { lane.length - left };
                out.push(LanePosition { lane: id, s, d: from.d });
            } else {
                count = wait_beyond(lane, left - lane.length, forward, &mut waiting, count);
            }
        }
    }
}

/// Puts the lanes beyond one on the stack of those to enter, the lowest on top; the stack's new height.
fn wait_beyond(
    lane: &Lane,
    left: f64,
    forward: bool,
    waiting: &mut [(LaneId, f64); WAYS_MAX],
    mut count: usize,
) -> usize {
    let beyond = if forward { &lane.successors } else { &lane.predecessors };
    for &id in beyond.iter().rev() {
        if count < WAYS_MAX {
            waiting[count] = (id, left);
            count += 1;
        }
    }
    count
}
