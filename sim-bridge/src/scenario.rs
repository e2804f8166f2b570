//! A scenario (`configs/scenarios/*.toml`): where the ego car starts and goes, and who else is about.

use crate::SimError;
use crate::error::field_error;
use auriga_map::{LaneId, LanePosition, Map};
use serde::Deserialize;

/// A drive to be simulated. Unknown keys are refused.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// For the run's folder and reports.
    pub name: String,
    /// The OpenDRIVE file, relative to the repository.
    pub map: String,
    /// The run ends here at the latest, seconds.
    pub duration_s: f64,
    /// When the run has succeeded.
    #[serde(default)]
    pub success: Success,
    /// The ego car.
    pub ego: EgoPlan,
    /// Background traffic.
    #[serde(default)]
    pub traffic: TrafficPlan,
    /// Traffic lights.
    #[serde(default)]
    pub lights: LightPlan,
    /// Must-fail controls.
    #[serde(default)]
    pub controls: Controls,
    /// Scripted road users.
    #[serde(default, rename = "actor")]
    pub actors: Vec<ActorPlan>,
}

/// When a run has succeeded (if nothing was hit).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Success {
    /// The ego car stands within 5 m of the goal.
    #[default]
    Goal,
    /// The ego car drove off and then stood for three seconds.
    Standing,
    /// The time is over.
    Duration,
}

/// A place on a lane.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The road's id in the OpenDRIVE file.
    pub road: String,
    /// The lane's number in the OpenDRIVE file.
    pub lane: i32,
    /// Metres along the lane in driving direction, from where traffic enters the road.
    pub s_m: f64,
}

/// The ego car's part.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EgoPlan {
    /// Where its `base_link` starts.
    pub start: Place,
    /// Where it is to stop.
    pub goal: Place,
    /// Places to pass on the way, in order.
    #[serde(default)]
    pub via: Vec<Place>,
    /// Speed at the start, m/s.
    #[serde(default)]
    pub speed_mps: f64,
}

/// How many others are about.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrafficPlan {
    /// Cars, vans, lorries and buses.
    #[serde(default)]
    pub vehicles: usize,
    /// People on foot.
    #[serde(default)]
    pub pedestrians: usize,
}

/// Traffic lights.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LightPlan {
    /// False: all lights of the map are dark, and junctions follow their right of way.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Seconds of green per phase.
    #[serde(default = "green_s")]
    pub green_s: f64,
    /// How far into their cycles all junctions begin, seconds; absent: drawn from the seed.
    #[serde(default)]
    pub offset_s: Option<f64>,
    /// Lights that stay red for a while.
    #[serde(default)]
    pub red: Vec<RedLight>,
}

impl Default for LightPlan {
    fn default() -> Self {
        Self { enabled: true, green_s: green_s(), offset_s: None, red: Vec::new() }
    }
}

/// A light that is held at red.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedLight {
    /// The signal's id in the OpenDRIVE file. All lights of its group are held.
    pub signal: String,
    /// Until when, seconds.
    pub until_s: f64,
}

/// Switches that make a run fail on purpose.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Controls {
    /// False: lidar and camera see no road users; rates, ground and scenery stay.
    #[serde(default = "yes")]
    pub road_users_visible: bool,
}

impl Default for Controls {
    fn default() -> Self {
        Self { road_users_visible: true }
    }
}

/// A scripted road user.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case", tag = "kind")]
pub enum ActorPlan {
    /// A car that stands on a lane, and may drive on after a while.
    StoppedCar {
        /// The road's id.
        road: String,
        /// The lane's number.
        lane: i32,
        /// Metres along the lane; the car's centre.
        s_m: f64,
        /// Metres to the left of the lane's centre.
        #[serde(default)]
        offset_m: f64,
        /// Seconds after the ego car first came within 40 m; absent: it never leaves.
        #[serde(default)]
        leaves_after_s: Option<f64>,
    },
    /// A car on a neighbouring lane that sets off when the ego car comes, and changes into the ego car's lane before it.
    CutIn {
        /// The road's id.
        road: String,
        /// The lane's number.
        lane: i32,
        /// Metres along the lane; the car's centre.
        s_m: f64,
        /// It sets off when the ego car's front is so near behind its rear, metres.
        trigger_distance_m: f64,
        /// m/s.
        speed_mps: f64,
        /// It begins to change lanes when the ego car's front is so near behind its rear, metres.
        gap_m: f64,
        /// The lane that it changes into.
        into_lane: i32,
    },
    /// Somebody on foot who steps into the road and does not look.
    Jaywalker {
        /// The road's id.
        road: String,
        /// The lane's number.
        lane: i32,
        /// Metres along the lane.
        s_m: f64,
        /// Where he stands at first: metres to the left of the lane's centre, negative to the right.
        offset_m: f64,
        /// He sets off when the ego car would be where he crosses in so many seconds.
        trigger_s: f64,
        /// m/s.
        speed_mps: f64,
        /// How far he walks, metres.
        distance_m: f64,
    },
}

impl ActorPlan {
    /// The lane position that the plan names.
    #[must_use]
    pub fn place(&self) -> Place {
        let (Self::StoppedCar { road, lane, s_m, .. }
        | Self::CutIn { road, lane, s_m, .. }
        | Self::Jaywalker { road, lane, s_m, .. }) = self;
        Place { road: road.clone(), lane: *lane, s_m: *s_m }
    }
}

const fn yes() -> bool {
    true
}

const fn green_s() -> f64 {
    14.0
}

impl Scenario {
    /// Parses and checks a scenario.
    ///
    /// # Errors
    /// An unknown key, a missing one, or an impossible value; names file, line and field.
    pub fn from_toml(text: &str, file: &str) -> Result<Self, SimError> {
        let scenario: Self = toml::from_str(text).map_err(|error| SimError::Configuration {
            file: file.to_owned(),
            problem: error.to_string().trim_end().to_owned(),
        })?;
        scenario.check().map_err(|(field, problem)| field_error(text, file, &field, &problem))?;
        Ok(scenario)
    }

    fn check(&self) -> Result<(), (String, String)> {
        let within = |field: String, value: f64, low: f64, high: f64| {
            if value.is_finite() && value >= low && value <= high {
                Ok(())
            } else {
                Err((field, format!("{value} is not in {low}..={high}")))
            }
        };
        within("duration_s".into(), self.duration_s, 0.1, 36_000.0)?;
        within("ego.speed_mps".into(), self.ego.speed_mps, 0.0, 60.0)?;
        within("lights.green_s".into(), self.lights.green_s, 3.0, 120.0)?;
        within("lights.offset_s".into(), self.lights.offset_s.unwrap_or(0.0), 0.0, 600.0)?;
        within("ego.start".into(), self.ego.start.s_m, 0.0, 1e6)?;
        within("ego.goal".into(), self.ego.goal.s_m, 0.0, 1e6)?;
        if self.traffic.vehicles > 300 || self.traffic.pedestrians > 300 {
            return Err(("traffic.vehicles".into(), "at most 300 vehicles and 300 pedestrians".into()));
        }
        for (i, actor) in self.actors.iter().enumerate() {
            let field = |name: &str| format!("actor[{i}].{name}");
            within(field("s_m"), actor.place().s_m, 0.0, 1e6)?;
            match actor {
                ActorPlan::StoppedCar { offset_m, leaves_after_s, .. } => {
                    within(field("offset_m"), *offset_m, -5.0, 5.0)?;
                    within(field("leaves_after_s"), leaves_after_s.unwrap_or(0.0), 0.0, 36_000.0)?;
                }
                ActorPlan::CutIn { trigger_distance_m, speed_mps, gap_m, .. } => {
                    within(field("trigger_distance_m"), *trigger_distance_m, 0.0, 500.0)?;
                    within(field("speed_mps"), *speed_mps, 1.0, 40.0)?;
                    within(field("gap_m"), *gap_m, 0.0, 200.0)?;
                }
                ActorPlan::Jaywalker { offset_m, trigger_s, speed_mps, distance_m, .. } => {
                    within(field("offset_m"), *offset_m, -20.0, 20.0)?;
                    within(field("trigger_s"), *trigger_s, 0.0, 60.0)?;
                    within(field("speed_mps"), *speed_mps, 0.1, 5.0)?;
                    within(field("distance_m"), *distance_m, 0.0, 60.0)?;
                }
            }
        }
        Ok(())
    }

    /// Finds a place on the map. `field` names it in the error.
    ///
    /// # Errors
    /// [`SimError::Place`] when the map has no such road or lane, or the lane is shorter.
    pub fn locate(&self, map: &Map, place: &Place, field: &str) -> Result<LanePosition, SimError> {
        let fail = |problem: String| SimError::Place {
            scenario: self.name.clone(),
            field: field.to_owned(),
            problem,
        };
        let mut lanes: Vec<(usize, LaneId)> = map
            .lanes()
            .iter()
            .filter(|lane| lane.key.road == place.road && lane.key.lane == place.lane)
            .map(|lane| (lane.key.section, lane.id))
            .collect();
        lanes.sort_unstable();
        if place.lane > 0 {
            lanes.reverse();
        }
        if lanes.is_empty() {
            return Err(fail(format!("the map has no lane {} on road {}", place.lane, place.road)));
        }
        let mut left = place.s_m;
        for &(_, id) in &lanes {
            let length = map.lane(id).length;
            if left <= length {
                return Ok(LanePosition { lane: id, s: left, d: 0.0 });
            }
            left -= length;
        }
        Err(fail(format!(
            "s_m = {}: lane {} of road {} is {:.2} m long",
            place.s_m,
            place.lane,
            place.road,
            place.s_m - left
        )))
    }

    /// The ego car's start, the places to pass, and the goal, on the map.
    ///
    /// # Errors
    /// [`SimError::Place`] when one of them is not on the map.
    pub fn itinerary(&self, map: &Map) -> Result<Vec<LanePosition>, SimError> {
        let mut stops = vec![self.locate(map, &self.ego.start, "ego.start")?];
        for (i, via) in self.ego.via.iter().enumerate() {
            stops.push(self.locate(map, via, &format!("ego.via[{i}]"))?);
        }
        stops.push(self.locate(map, &self.ego.goal, "ego.goal")?);
        Ok(stops)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
name = "a"
map = "b.xodr"
duration_s = 10.0
[ego]
start = { road = "1", lane = -1, s_m = 12.0 }
goal = { road = "1", lane = -1, s_m = 80.0 }
[[actor]]
kind = "stopped_car"
road = "1"
lane = -1
s_m = 50.0
"#;

    #[test]
    fn a_scenario_reads_with_defaults() {
        let scenario = Scenario::from_toml(GOOD, "a.toml").unwrap();
        assert!(scenario.controls.road_users_visible && scenario.lights.enabled);
        assert_eq!(scenario.success, Success::Goal);
        assert_eq!(scenario.actors.len(), 1);
    }

    #[test]
    fn mistakes_name_file_line_and_field() {
        let check = |text: &str, expected: &[&str]| {
            let error = Scenario::from_toml(text, "a.toml").unwrap_err().to_string();
            for part in expected {
                assert!(error.contains(part), "{error}");
            }
        };
        check(
            &GOOD.replace("duration_s = 10.0", "duration_s = -1.0"),
            &["a.toml", "line 4", "duration_s", "-1"],
        );
        check(&GOOD.replace("s_m = 50.0", "s_m = nan"), &["a.toml", "line 12", "actor[0].s_m"]);
        check(&GOOD.replace("kind = \"stopped_car\"", "kind = \"ufo\""), &["a.toml", "ufo"]);
        check(&GOOD.replace("duration_s", "duration_ms"), &["a.toml", "line 4", "duration_ms"]);
        check("name = ", &["a.toml", "line 1"]);
    }
}
