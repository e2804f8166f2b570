//! The planner's switches, limits and margins.

use crate::PlanningError;
use serde::Deserialize;

/// Switches, limits and margins. The defaults suit a passenger car in town.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PlannerConfig {
    /// Whether traffic lights work. Where they do, a light that is not seen counts as red; where not, they are not looked at.
    pub lights_enabled: bool,
    /// Drive on whatever the lights say: a must-fail control.
    pub ignore_lights: bool,
    /// Objects that are older than this, or absent, mean that perception is blind: the car stops, seconds.
    pub objects_age_max_s: f64,
    /// With a standard deviation of the car's position above this it is lost: it stops, metres.
    pub position_sigma_max_m: f64,
    /// Whether objects are reacted to at all; false is a must-fail control.
    pub obstacle_braking: bool,
    /// Length of a trajectory, seconds.
    pub horizon_s: f64,
    /// Never faster than this, m/s.
    pub speed_max_mps: f64,
    /// Greatest acceleration, m/s².
    pub acceleration_max_mps2: f64,
    /// Deceleration that stops are planned with, m/s², positive.
    pub deceleration_comfort_mps2: f64,
    /// Greatest deceleration that a decision may cost when it could also go the other way (amber, giving way), m/s².
    pub deceleration_firm_mps2: f64,
    /// Greatest deceleration, for emergencies, m/s².
    pub deceleration_max_mps2: f64,
    /// Greatest change of acceleration away from emergencies, m/s³.
    pub jerk_max_mps3: f64,
    /// Lateral acceleration in curves, m/s².
    pub lateral_acceleration_mps2: f64,
    /// Time gap to the car ahead, seconds.
    pub headway_s: f64,
    /// Gap to what stands in the lane, bumper to bumper, metres.
    pub standing_gap_m: f64,
    /// From the front bumper to a stop line, metres.
    pub stop_line_margin_m: f64,
    /// Room to the side that standing things need, metres: nearer is in the way.
    pub clearance_standing_m: f64,
    /// Room to the side that moving vehicles need, metres.
    pub clearance_moving_m: f64,
    /// Room to the side that pedestrians and cyclists need, metres.
    pub clearance_person_m: f64,
    /// Time kept free before and after another's passage, seconds.
    pub gap_time_s: f64,
    /// An object that stands this long may be driven around, seconds.
    pub overtake_after_s: f64,
}

impl Default for PlannerConfig {
    fn default() -> Self {
        Self {
            lights_enabled: true,
            ignore_lights: false,
            objects_age_max_s: 0.5,
            position_sigma_max_m: 1.5,
            obstacle_braking: true,
            horizon_s: 8.0,
            speed_max_mps: 30.0,
            acceleration_max_mps2: 1.6,
            deceleration_comfort_mps2: 1.8,
            deceleration_firm_mps2: 3.0,
            deceleration_max_mps2: 7.0,
            jerk_max_mps3: 3.0,
            lateral_acceleration_mps2: 2.0,
            headway_s: 1.4,
            standing_gap_m: 4.5,
            stop_line_margin_m: 0.8,
            clearance_standing_m: 0.1,
            clearance_moving_m: 0.25,
            clearance_person_m: 0.7,
            gap_time_s: 1.2,
            overtake_after_s: 1.0,
        }
    }
}

impl PlannerConfig {
    /// Whether every value makes sense.
    ///
    /// # Errors
    /// [`PlanningError::Config`] with the first field out of its range.
    pub fn check(&self) -> Result<(), PlanningError> {
        let ranges = [
            ("objects_age_max_s", self.objects_age_max_s, 0.1, 1.0),
            ("position_sigma_max_m", self.position_sigma_max_m, 0.1, 10.0),
            ("horizon_s", self.horizon_s, 6.0, 12.0),
            ("speed_max_mps", self.speed_max_mps, 0.5, 70.0),
            ("acceleration_max_mps2", self.acceleration_max_mps2, 0.1, 2.0),
            ("deceleration_comfort_mps2", self.deceleration_comfort_mps2, 0.3, 2.5),
            ("deceleration_firm_mps2", self.deceleration_firm_mps2, 0.3, 5.0),
            ("deceleration_max_mps2", self.deceleration_max_mps2, 3.0, 9.0),
            ("jerk_max_mps3", self.jerk_max_mps3, 0.5, 20.0),
            ("lateral_acceleration_mps2", self.lateral_acceleration_mps2, 0.3, 5.0),
            ("headway_s", self.headway_s, 0.3, 5.0),
            ("standing_gap_m", self.standing_gap_m, 1.0, 20.0),
            ("stop_line_margin_m", self.stop_line_margin_m, 0.0, 5.0),
            ("clearance_standing_m", self.clearance_standing_m, 0.0, 2.0),
            ("clearance_moving_m", self.clearance_moving_m, 0.0, 2.0),
            ("clearance_person_m", self.clearance_person_m, 0.0, 3.0),
            ("gap_time_s", self.gap_time_s, 0.0, 10.0),
            ("overtake_after_s", self.overtake_after_s, 0.0, 600.0),
        ];
        for (field, value, least, most) in ranges {
            if !(value >= least && value <= most) {
                return Err(PlanningError::Config { field, value, least, most });
            }
        }
        Ok(())
    }
}
