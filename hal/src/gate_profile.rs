//! The gate's limits from a vehicle's file (`configs/vehicles/*-gate.toml`): every figure with its source.
//!
//! ```
//! use auriga_hal::gate_config;
//! use auriga_safety::{GateConfig, VehicleLimits};
//!
//! let sedan = VehicleLimits {
//!     wheelbase_m: 2.8, front_m: 3.65, rear_m: 0.95, width_m: 1.85, max_steering_angle_rad: 0.6,
//!     max_steering_rate_rad_s: 0.6, max_deceleration_mps2: 8.0, max_acceleration_mps2: 3.0,
//! };
//! let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs/vehicles/auriga-sedan-gate.toml");
//! let text = std::fs::read_to_string(file).unwrap();
//! assert_eq!(gate_config(&text, file, sedan).unwrap(), GateConfig::of(sedan));
//! ```

use crate::HalError;
use auriga_safety::{
    ConfigError, DriverOverride, EmergencyBrake, Envelope, GateConfig, SpeedTable, Timeouts, VehicleLimits,
};
use serde::Deserialize;

/// A limit by speed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    /// `[speed in m/s, limit]`, by rising speed.
    table: Vec<(f64, f64)>,
    source: String,
}

/// One figure.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Figure {
    value: f64,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EnvelopeFile {
    lateral_acceleration_mps2: Table,
    lateral_jerk_mps3: Table,
    acceleration_mps2: Table,
    deceleration_mps2: Table,
    jerk_up_mps3: Table,
    jerk_down_mps3: Table,
    minimal_risk_deceleration_mps2: Figure,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TimeoutsFile {
    vehicle_state_s: Figure,
    obstacle_s: Figure,
    command_s: Figure,
    engage_s: Figure,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DriverFile {
    torque_nm: Figure,
    brake: Figure,
    gas: Figure,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EmergencyFile {
    deceleration_mps2: Figure,
    reaction_s: Figure,
    margin_m: Figure,
    clearance_m: Figure,
    release_distance_m: Figure,
    release_s: Figure,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GateFile {
    supervised: EnvelopeFile,
    automated: EnvelopeFile,
    timeouts: TimeoutsFile,
    driver: DriverFile,
    emergency: EmergencyFile,
    standstill_speed_mps: Figure,
}

/// How well a figure's source is known (`../shared/limits.md`).
const MARKS: [&str; 3] = ["(read)", "(known)", "unverified"];

/// The gate's configuration for a vehicle. The emergency brake is on.
///
/// # Errors
/// A file that cannot be meant, by its field; a figure whose source is missing, or does not say how well it is known: it
/// must end in `(read)`, `(known)` or `unverified`.
pub fn gate_config(text: &str, file: &str, vehicle: VehicleLimits) -> Result<GateConfig, HalError> {
    let refused = |problem: String| HalError::Configuration { file: file.to_owned(), problem };
    let parsed: GateFile = toml::from_str(text).map_err(|error| refused(error.to_string()))?;
    parsed
        .build(vehicle)
        .and_then(|config| config.validate().map(|()| config))
        .map_err(|error| refused(format!("field `{}`: {}", error.field, error.problem)))
}

impl GateFile {
    fn build(&self, vehicle: VehicleLimits) -> Result<GateConfig, ConfigError> {
        Ok(GateConfig {
            vehicle,
            supervised: self.supervised.build()?,
            automated: self.automated.build()?,
            timeouts: Timeouts {
                vehicle_state_ns: self.timeouts.vehicle_state_s.nanoseconds("timeouts.vehicle_state_s")?,
                obstacle_ns: self.timeouts.obstacle_s.nanoseconds("timeouts.obstacle_s")?,
                command_ns: self.timeouts.command_s.nanoseconds("timeouts.command_s")?,
                engage_ns: self.timeouts.engage_s.nanoseconds("timeouts.engage_s")?,
            },
            driver: DriverOverride {
                torque_nm: self.driver.torque_nm.get("driver.torque_nm")?,
                brake: self.driver.brake.get("driver.brake")?,
                gas: self.driver.gas.get("driver.gas")?,
            },
            emergency: EmergencyBrake {
                deceleration_mps2: self.emergency.deceleration_mps2.get("emergency.deceleration_mps2")?,
                reaction_s: self.emergency.reaction_s.get("emergency.reaction_s")?,
                margin_m: self.emergency.margin_m.get("emergency.margin_m")?,
                clearance_m: self.emergency.clearance_m.get("emergency.clearance_m")?,
                release_distance_m: self.emergency.release_distance_m.get("emergency.release_distance_m")?,
                release_ns: self.emergency.release_s.nanoseconds("emergency.release_s")?,
            },
            standstill_speed_mps: self.standstill_speed_mps.get("standstill_speed_mps")?,
            emergency_braking: true,
        })
    }
}

impl EnvelopeFile {
    fn build(&self) -> Result<Envelope, ConfigError> {
        Ok(Envelope {
            lateral_acceleration_mps2: self.lateral_acceleration_mps2.build("lateral_acceleration_mps2")?,
            lateral_jerk_mps3: self.lateral_jerk_mps3.build("lateral_jerk_mps3")?,
            acceleration_mps2: self.acceleration_mps2.build("acceleration_mps2")?,
            deceleration_mps2: self.deceleration_mps2.build("deceleration_mps2")?,
            jerk_up_mps3: self.jerk_up_mps3.build("jerk_up_mps3")?,
            jerk_down_mps3: self.jerk_down_mps3.build("jerk_down_mps3")?,
            minimal_risk_deceleration_mps2: self
                .minimal_risk_deceleration_mps2
                .get("minimal_risk_deceleration_mps2")?,
        })
    }
}

fn check_source(source: &str, field: &'static str) -> Result<(), ConfigError> {
    if MARKS.iter().any(|mark| source.ends_with(mark)) {
        return Ok(());
    }
    Err(ConfigError { field, problem: "its source must end in `(read)`, `(known)` or `unverified`" })
}

impl Table {
    fn build(&self, field: &'static str) -> Result<SpeedTable, ConfigError> {
        check_source(&self.source, field)?;
        SpeedTable::new(&self.table).map_err(|error| ConfigError { field, ..error })
    }
}

impl Figure {
    fn get(&self, field: &'static str) -> Result<f64, ConfigError> {
        check_source(&self.source, field)?;
        Ok(self.value)
    }

    fn nanoseconds(&self, field: &'static str) -> Result<i64, ConfigError> {
        // Saturates; the gate's own check refuses what is out of range. NaN gives 0, which it refuses too.
        Ok((self.get(field)? * 1e9).round() as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = include_str!("../../configs/vehicles/auriga-sedan-gate.toml");

    fn sedan() -> VehicleLimits {
        VehicleLimits {
            wheelbase_m: 2.8,
            front_m: 3.65,
            rear_m: 0.95,
            width_m: 1.85,
            max_steering_angle_rad: 0.6,
            max_steering_rate_rad_s: 0.6,
            max_deceleration_mps2: 8.0,
            max_acceleration_mps2: 3.0,
        }
    }

    #[test]
    fn the_file_says_what_the_defaults_are() {
        assert_eq!(gate_config(TEXT, "gate.toml", sedan()).unwrap(), GateConfig::of(sedan()));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (from, to, part) in [
            ("brake = {", "brakes = {", "brakes"),
            (
                "source = \"ISO 11270 as opendbc's safety code names it (read)\"",
                "source = \"\"",
                "lateral_acceleration_mps2",
            ),
            ("[5.0, 5.0], [20.0, 2.5]", "[20.0, 5.0], [5.0, 2.5]", "jerk_down_mps3"),
            ("[[0.0, 8.0]]", "[[0.0, 9.0]]", "automated.deceleration_mps2"),
            ("value = 0.35", "value = nan", "obstacle"),
            ("value = 0.35", "value = -1.0", "obstacle"),
        ] {
            assert!(TEXT.contains(from), "{from}");
            let error =
                gate_config(&TEXT.replacen(from, to, 1), "gate.toml", sedan()).unwrap_err().to_string();
            assert!(error.starts_with("gate.toml: ") && error.contains(part), "{error}");
        }
    }
}
