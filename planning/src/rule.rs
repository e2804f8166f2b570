//! The names of the planner's decisions, and what they are because of.

use auriga_map::{CrosswalkId, LaneId, Map, SignalId};
use core::fmt::Write;

/// Which rule decides how the car moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rule {
    /// Nothing is in the way: the speed limit and the curves decide.
    #[default]
    Cruise,
    /// Keep the gap to a car ahead.
    Follow,
    /// Stop behind what stands in the lane.
    StopForObstacle,
    /// Stop at a red, amber or unseen light.
    StopForLight,
    /// Stop at a stop sign.
    StopSign,
    /// Give way to a vehicle.
    Yield,
    /// Give way to a person on foot.
    YieldToPedestrian,
    /// Wait before a junction that can't be cleared.
    KeepJunctionClear,
    /// Pass around what stands in the lane, or change lane for the route.
    ChangeLane,
    /// The lane does not lead to the goal: stop before its end.
    LaneEnd,
    /// Stop at the goal.
    Goal,
    /// Brake as hard as the car can.
    EmergencyBrake,
    /// The car is not on its route: stop.
    OffRoute,
    /// Nothing new has come from perception: stop.
    Blind,
    /// Localization does not know well enough where the car is: stop.
    Lost,
}

impl Rule {
    /// The name as it stands in a `BehaviorDecision`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cruise => "cruise",
            Self::Follow => "follow",
            Self::StopForObstacle => "stop_for_obstacle",
            Self::StopForLight => "stop_for_light",
            Self::StopSign => "stop_sign",
            Self::Yield => "yield",
            Self::YieldToPedestrian => "yield_to_pedestrian",
            Self::KeepJunctionClear => "keep_junction_clear",
            Self::ChangeLane => "change_lane",
            Self::LaneEnd => "lane_end",
            Self::Goal => "goal",
            Self::EmergencyBrake => "emergency_brake",
            Self::OffRoute => "off_route",
            Self::Blind => "blind",
            Self::Lost => "lost",
        }
    }
}

/// What a decision is because of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cause {
    /// Nothing in particular.
    #[default]
    None,
    /// A tracked object, by the number in its id.
    Object(u64),
    /// A light or sign.
    Signal(SignalId),
    /// A pedestrian crossing.
    Crosswalk(CrosswalkId),
    /// A lane.
    Lane(LaneId),
}

impl Cause {
    /// Writes it for a person to read; `text` is cleared first.
    pub(crate) fn describe(self, map: &Map, text: &mut String) {
        text.clear();
        // Writing to a string can't fail.
        let _ = match self {
            Self::None => Ok(()),
            Self::Object(id) => write!(text, "object {id}"),
            Self::Signal(id) => write!(text, "signal {}", map.signal(id).name),
            Self::Crosswalk(id) => write!(text, "crosswalk {}", id.0),
            Self::Lane(id) => {
                let key = &map.lane(id).key;
                write!(text, "road {} lane {}", key.road, key.lane)
            }
        };
    }
}
