//! Rules of the road that the car broke.

use crate::ego::Ego;
use crate::proximity::Episode;
use auriga_geometry::math::angle_difference;
use auriga_geometry::{LogicalDuration, LogicalTime, Vec2};
use auriga_map::{Lane, LaneId, LanePosition, Map};
use serde::Serialize;

/// What was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum InfractionKind {
    /// A stop line was crossed at red.
    RedLight,
    /// The car left the road.
    OffRoad,
    /// The outline left its lane outside of a lane change and of a junction.
    LaneDeparture,
    /// The car drove against its lane's direction.
    WrongWay,
    /// The car was too fast for more than a second.
    Speeding,
}

impl InfractionKind {
    /// For people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RedLight => "red light",
            Self::OffRoad => "off road",
            Self::LaneDeparture => "lane departure",
            Self::WrongWay => "wrong way",
            Self::Speeding => "speeding",
        }
    }
}

/// One infraction.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Infraction {
    /// What was broken.
    pub kind: InfractionKind,
    /// When it began, seconds.
    pub at_s: f64,
    /// The worst of it: metres over the lane's edge, or m/s over the limit; zero for the other kinds.
    pub worst: f64,
    /// For a person to read.
    pub text: String,
}

/// How far the outline may be over its lane's edge, metres.
pub(crate) const DEPARTURE_M: f64 = 0.3;
/// An episode of lane departure ends below this, metres.
const DEPARTURE_ENDS_M: f64 = 0.1;
const SPEEDING_RATIO: f64 = 1.10;
const PATIENCE: LogicalDuration = LogicalDuration::from_millis(1_000);
/// Checking lanes more often than this finds nothing new.
const INTERVAL: LogicalDuration = LogicalDuration::from_millis(50);

/// Watches the ego car's lane, direction and speed.
#[derive(Debug, Default)]
pub(crate) struct LaneWatch {
    checked: Option<LogicalTime>,
    departure: Episode,
    wrong_way: Episode,
    speeding: Episode,
    candidates: Vec<LaneId>,
}

impl LaneWatch {
    /// Adds to `infractions` what this instant shows. `changing`: a lane change is under way.
    pub(crate) fn update(&mut self, map: &Map, ego: &Ego, changing: bool, infractions: &mut Vec<Infraction>) {
        if self.checked.is_some_and(|last| ego.time.since(last) < INTERVAL) {
            return;
        }
        self.checked = Some(ego.time);
        let center = ego.outline.center.position();
        let along = map.nearest_lane(center, Some(ego.pose.yaw));
        self.watch_speed(map, ego, along, infractions);
        self.watch_direction(map, ego, along, infractions);
        let excess = along.map_or(0.0, |at| self.excess(map, ego, at.lane, changing));
        let least = if self.departure.counted() { DEPARTURE_ENDS_M } else { DEPARTURE_M };
        if self.departure.update(excess > least, ego.time, LogicalDuration::ZERO) {
            infractions.push(infraction(InfractionKind::LaneDeparture, ego.time, excess, along, map));
        } else if self.departure.counted() {
            worsen(infractions, InfractionKind::LaneDeparture, excess);
        }
    }

    fn watch_speed(
        &mut self,
        map: &Map,
        ego: &Ego,
        along: Option<LanePosition>,
        infractions: &mut Vec<Infraction>,
    ) {
        let Some(at) = along else { return };
        let over = ego.speed_mps - map.lane(at.lane).speed_limit;
        let too_fast = ego.speed_mps > map.lane(at.lane).speed_limit * SPEEDING_RATIO;
        if self.speeding.update(too_fast, ego.time, PATIENCE) {
            let since = self.speeding.since().unwrap_or(ego.time);
            infractions.push(infraction(InfractionKind::Speeding, since, over, along, map));
        } else if self.speeding.counted() {
            worsen(infractions, InfractionKind::Speeding, over);
        }
    }

    fn watch_direction(
        &mut self,
        map: &Map,
        ego: &Ego,
        along: Option<LanePosition>,
        infractions: &mut Vec<Infraction>,
    ) {
        let center = ego.outline.center.position();
        let on = |at: LanePosition| at.d.abs() <= map.lane(at.lane).centerline.at(at.s).width / 2.0;
        let against = map.nearest_lane(center, None).filter(|&at| on(at)).is_some_and(|at| {
            let lane = map.lane(at.lane);
            let turn = angle_difference(ego.pose.yaw, lane.centerline.at(at.s).heading).abs();
            turn > 2.0 * core::f64::consts::FRAC_PI_3 && lane.junction.is_none()
        });
        let wrong = against && !along.is_some_and(on) && ego.speed_mps > 0.5;
        if self.wrong_way.update(wrong, ego.time, PATIENCE) {
            let since = self.wrong_way.since().unwrap_or(ego.time);
            infractions.push(infraction(InfractionKind::WrongWay, since, 0.0, along, map));
        }
    }

    /// How far the outline is over the edges of the lanes that it may be on, metres; zero in a junction.
    fn excess(&mut self, map: &Map, ego: &Ego, lane: LaneId, changing: bool) -> f64 {
        let own = map.lane(lane);
        if own.junction.is_some() {
            return 0.0;
        }
        self.candidates.clear();
        self.candidates.push(lane);
        self.candidates.extend_from_slice(&own.successors);
        self.candidates.extend_from_slice(&own.predecessors);
        if changing {
            let beside = [own.left, own.right].into_iter().flatten().filter(|n| n.change_allowed);
            for neighbor in beside.map(|n| map.lane(n.lane)) {
                self.candidates.push(neighbor.id);
                self.candidates.extend_from_slice(&neighbor.successors);
                self.candidates.extend_from_slice(&neighbor.predecessors);
            }
        }
        let corner_excess = |corner: Vec2| {
            let mut least: Option<f64> = None;
            for lane in self.candidates.iter().map(|&id| map.lane(id)) {
                if let Some(over) = strip_excess(lane, corner) {
                    if lane.junction.is_some() {
                        return 0.0;
                    }
                    least = Some(least.map_or(over, |l| l.min(over)));
                }
            }
            least.unwrap_or(0.0)
        };
        ego.outline.corners().into_iter().map(corner_excess).fold(0.0, f64::max)
    }
}

/// Metres by which a point is over the lane's edge (negative inside); `None` when it lies before or behind the lane.
pub(crate) fn strip_excess(lane: &Lane, point: Vec2) -> Option<f64> {
    let (s, d) = lane.centerline.project(point);
    let at = lane.centerline.at(s);
    let offset = point - at.position;
    let beyond = (offset.norm_squared() - d * d).max(0.0).sqrt();
    (beyond < 0.3).then(|| d.abs() - at.width / 2.0)
}

fn infraction(
    kind: InfractionKind,
    time: LogicalTime,
    worst: f64,
    at: Option<LanePosition>,
    map: &Map,
) -> Infraction {
    let place = at.map_or(String::from("away from all lanes"), |at| {
        let key = &map.lane(at.lane).key;
        format!("road {} lane {} at {:.1} m", key.road, key.lane, at.s)
    });
    Infraction { kind, at_s: time.as_secs_f64(), worst, text: place }
}

fn worsen(infractions: &mut [Infraction], kind: InfractionKind, worst: f64) {
    if let Some(last) = infractions.iter_mut().rev().find(|infraction| infraction.kind == kind) {
        last.worst = last.worst.max(worst);
    }
}
