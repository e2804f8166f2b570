//! The shortest way through the lanes (Dijkstra, 1959).

use crate::{Lane, LaneId, LaneKind, LanePosition, Map};
use std::cmp::Ordering;
use std::collections::BinaryHeap;

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

/// What a lane change costs, in metres of detour that one would rather drive.
const CHANGE_COST: f64 = 10.0;
/// What a lane change costs more where there is little room for it: this, divided by the metres that the lanes run together.
const CHANGE_HASTE: f64 = 1000.0;

impl Map {
    /// The shortest way along successors and allowed lane changes (which cost extra); `None` if there is none, or if either
    /// end is not on a driving lane.
    ///
    /// Positions are clamped to their lanes; `d` is not looked at. Of equal ways the one through lower lane ids is taken.
    #[must_use]
    pub fn route(&self, from: LanePosition, to: LanePosition) -> Option<Route> {
        let start = self.lanes.get(from.lane.index()).filter(|lane| lane.kind == LaneKind::Driving)?;
        let goal = self.lanes.get(to.lane.index()).filter(|lane| lane.kind == LaneKind::Driving)?;
        let search = Search {
            lanes: &self.lanes,
            start_ratio: clamp(from.s, start.length) / start.length,
            goal: to.lane,
            goal_ratio: clamp(to.s, goal.length) / goal.length,
        };
        search.run(from.lane).map(|nodes| search.route(&nodes))
    }
}

fn clamp(s: f64, length: f64) -> f64 {
    if s.is_finite() { s.clamp(0.0, length) } else { 0.0 }
}

/// The graph's nodes: a lane entered at its start, or (`partly`) where the route begins, on the start's lane or beside it.
/// The goal's lane is a node of its own kind when the route ends there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Node {
    lane: LaneId,
    partly: bool,
    last: bool,
}

impl Node {
    fn index(self) -> usize {
        4 * self.lane.index() + 2 * usize::from(self.partly) + usize::from(self.last)
    }
}

/// A node waiting to be settled; the greatest is the cheapest, so that a max-heap gives it first.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Waiting {
    cost: f64,
    node: Node,
}

impl Eq for Waiting {}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        other.cost.total_cmp(&self.cost).then(other.node.cmp(&self.node))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

struct Search<'a> {
    lanes: &'a [Lane],
    /// How far along its lane the route begins, 0 to 1; lanes beside it are entered at the same ratio.
    start_ratio: f64,
    goal: LaneId,
    goal_ratio: f64,
}

impl Search<'_> {
    /// The nodes of the cheapest way.
    fn run(&self, start: LaneId) -> Option<Vec<Node>> {
        let count = 4 * self.lanes.len();
        let mut costs = vec![f64::INFINITY; count];
        let mut came_from: Vec<Option<Node>> = vec![None; count];
        let mut queue = BinaryHeap::new();
        for node in self.enter(start, true) {
            costs[node.index()] = 0.0;
            queue.push(Waiting { cost: 0.0, node });
        }
        while let Some(Waiting { cost, node }) = queue.pop() {
            if cost > costs[node.index()] {
                continue;
            }
            if node.last && node.lane == self.goal {
                return Some(trace(&came_from, node));
            }
            self.visit(node, &mut |next, extra| {
                let total = cost + extra;
                if total < costs[next.index()] {
                    costs[next.index()] = total;
                    came_from[next.index()] = Some(node);
                    queue.push(Waiting { cost: total, node: next });
                }
            });
        }
        None
    }

    /// The ways to enter a lane: to drive on through it and, if the goal lies ahead on it, to end there.
    fn enter(&self, lane: LaneId, partly: bool) -> impl Iterator<Item = Node> {
        let ahead = lane == self.goal && (!partly || self.start_ratio <= self.goal_ratio);
        let through = Node { lane, partly, last: false };
        let last = Node { lane, partly, last: true };
        [Some(through), ahead.then_some(last)].into_iter().flatten()
    }

    /// Calls `edge` with every node that follows and what getting there costs.
    ///
    /// A stretch is paid for where it is left: on to a successor with the whole rest of the lane, by a lane change with
    /// nothing but the change. The last stretch is not paid for among ways into the same lane, but for its own length, which
    /// all of them share but for where the route began.
    fn visit(&self, node: Node, edge: &mut dyn FnMut(Node, f64)) {
        let lane = &self.lanes[node.lane.index()];
        let begin = if node.partly { self.start_ratio } else { 0.0 };
        if !node.last {
            for &next in lane.successors.iter().filter(|next| self.drivable(**next)) {
                for entered in self.enter(next, false) {
                    edge(entered, (1.0 - begin) * lane.length);
                }
            }
        }
        for neighbor in [lane.left, lane.right].into_iter().flatten() {
            if !neighbor.change_allowed || !self.drivable(neighbor.lane) {
                continue;
            }
            for entered in self.enter(neighbor.lane, node.partly) {
                let end = if entered.last { self.goal_ratio } else { 1.0 };
                let room = ((end - begin) * lane.length).max(0.1);
                if !node.last {
                    edge(entered, CHANGE_COST + CHANGE_HASTE / room);
                }
            }
        }
    }

    fn drivable(&self, lane: LaneId) -> bool {
        self.lanes[lane.index()].kind == LaneKind::Driving
    }

    /// The nodes as stretches. Beside a change the two lanes are driven over the same ratios of their lengths.
    fn route(&self, nodes: &[Node]) -> Route {
        let mut segments: Vec<RouteSegment> = Vec::with_capacity(nodes.len());
        let mut length = 0.0;
        for (i, node) in nodes.iter().enumerate() {
            let lane = &self.lanes[node.lane.index()];
            let change_to_next = nodes.get(i + 1).is_some_and(|next| !lane.successors.contains(&next.lane));
            // A run of changes ends together: at the goal if it is there, else at the lanes' end.
            let run_end = (i..nodes.len())
                .find(|&k| nodes.get(k + 1).is_none_or(|next| self.follows(nodes[k], *next)))
                .unwrap_or(i);
            let end_ratio = if nodes[run_end].last { self.goal_ratio } else { 1.0 };
            let begin = if node.partly { self.start_ratio } else { 0.0 };
            let (s_start, s_end) = (begin * lane.length, end_ratio * lane.length);
            if !change_to_next {
                length += s_end - s_start;
            }
            segments.push(RouteSegment { lane: node.lane, s_start, s_end, change_to_next });
        }
        Route { segments, length }
    }

    fn follows(&self, node: Node, next: Node) -> bool {
        self.lanes[node.lane.index()].successors.contains(&next.lane)
    }
}

fn trace(came_from: &[Option<Node>], end: Node) -> Vec<Node> {
    let mut nodes = vec![end];
    while let Some(before) = came_from[nodes[nodes.len() - 1].index()] {
        nodes.push(before);
    }
    nodes.reverse();
    nodes
}
