//! The gate's configuration with C's layout.

use auriga_safety::{
    ConfigError, DriverOverride, EmergencyBrake, Envelope, GateConfig, SPEED_TABLE_ROWS_MAX, SpeedTable,
    Timeouts, VehicleLimits,
};

/// A limit by speed: linear between its rows, constant outside them.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AurigaSpeedTable {
    /// How many rows are used, 1 to 8.
    pub rows: u32,
    /// m/s, rising.
    pub speed_mps: [f64; SPEED_TABLE_ROWS_MAX],
    /// The limit at that speed.
    pub limit: [f64; SPEED_TABLE_ROWS_MAX],
}

impl AurigaSpeedTable {
    fn of(table: &SpeedTable) -> Self {
        let mut out = Self::default();
        for (slot, &(speed, limit)) in table.rows().iter().enumerate() {
            out.speed_mps[slot] = speed;
            out.limit[slot] = limit;
            out.rows += 1;
        }
        out
    }

    fn parse(&self) -> Result<SpeedTable, ConfigError> {
        let rows: [(f64, f64); SPEED_TABLE_ROWS_MAX] =
            core::array::from_fn(|row| (self.speed_mps[row], self.limit[row]));
        let used = rows
            .get(..self.rows as usize)
            .ok_or(ConfigError { field: "rows", problem: "a speed table has at most 8 rows" })?;
        SpeedTable::new(used)
    }
}

/// See [`Envelope`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "named after the fields of Envelope")]
pub struct AurigaEnvelope {
    pub lateral_acceleration_mps2: AurigaSpeedTable,
    pub lateral_jerk_mps3: AurigaSpeedTable,
    pub acceleration_mps2: AurigaSpeedTable,
    pub deceleration_mps2: AurigaSpeedTable,
    pub jerk_up_mps3: AurigaSpeedTable,
    pub jerk_down_mps3: AurigaSpeedTable,
    pub minimal_risk_deceleration_mps2: f64,
}

impl AurigaEnvelope {
    fn of(envelope: &Envelope) -> Self {
        Self {
            lateral_acceleration_mps2: AurigaSpeedTable::of(&envelope.lateral_acceleration_mps2),
            lateral_jerk_mps3: AurigaSpeedTable::of(&envelope.lateral_jerk_mps3),
            acceleration_mps2: AurigaSpeedTable::of(&envelope.acceleration_mps2),
            deceleration_mps2: AurigaSpeedTable::of(&envelope.deceleration_mps2),
            jerk_up_mps3: AurigaSpeedTable::of(&envelope.jerk_up_mps3),
            jerk_down_mps3: AurigaSpeedTable::of(&envelope.jerk_down_mps3),
            minimal_risk_deceleration_mps2: envelope.minimal_risk_deceleration_mps2,
        }
    }

    fn parse(&self) -> Result<Envelope, ConfigError> {
        Ok(Envelope {
            lateral_acceleration_mps2: self.lateral_acceleration_mps2.parse()?,
            lateral_jerk_mps3: self.lateral_jerk_mps3.parse()?,
            acceleration_mps2: self.acceleration_mps2.parse()?,
            deceleration_mps2: self.deceleration_mps2.parse()?,
            jerk_up_mps3: self.jerk_up_mps3.parse()?,
            jerk_down_mps3: self.jerk_down_mps3.parse()?,
            minimal_risk_deceleration_mps2: self.minimal_risk_deceleration_mps2,
        })
    }
}

/// See [`VehicleLimits`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "named after the fields of VehicleLimits")]
pub struct AurigaVehicleLimits {
    pub wheelbase_m: f64,
    pub front_m: f64,
    pub rear_m: f64,
    pub width_m: f64,
    pub max_steering_angle_rad: f64,
    pub max_steering_rate_rad_s: f64,
    pub max_deceleration_mps2: f64,
    pub max_acceleration_mps2: f64,
}

impl AurigaVehicleLimits {
    fn parse(&self) -> VehicleLimits {
        VehicleLimits {
            wheelbase_m: self.wheelbase_m,
            front_m: self.front_m,
            rear_m: self.rear_m,
            width_m: self.width_m,
            max_steering_angle_rad: self.max_steering_angle_rad,
            max_steering_rate_rad_s: self.max_steering_rate_rad_s,
            max_deceleration_mps2: self.max_deceleration_mps2,
            max_acceleration_mps2: self.max_acceleration_mps2,
        }
    }
}

/// See [`GateConfig`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "named after the fields of GateConfig")]
pub struct AurigaGateConfig {
    pub vehicle: AurigaVehicleLimits,
    pub supervised: AurigaEnvelope,
    pub automated: AurigaEnvelope,
    pub vehicle_state_timeout_ns: i64,
    pub obstacle_timeout_ns: i64,
    pub command_timeout_ns: i64,
    pub engage_timeout_ns: i64,
    pub driver_torque_nm: f64,
    pub driver_brake: f64,
    pub driver_gas: f64,
    pub emergency_deceleration_mps2: f64,
    pub emergency_reaction_s: f64,
    pub emergency_margin_m: f64,
    pub emergency_clearance_m: f64,
    pub emergency_release_distance_m: f64,
    pub emergency_release_ns: i64,
    pub standstill_speed_mps: f64,
    /// 0: the gate does not brake on the nearest obstacle.
    pub emergency_braking: u8,
}

impl AurigaGateConfig {
    pub(crate) fn of(vehicle: &AurigaVehicleLimits) -> Self {
        let config = GateConfig::of(vehicle.parse());
        Self {
            vehicle: *vehicle,
            supervised: AurigaEnvelope::of(&config.supervised),
            automated: AurigaEnvelope::of(&config.automated),
            vehicle_state_timeout_ns: config.timeouts.vehicle_state_ns,
            obstacle_timeout_ns: config.timeouts.obstacle_ns,
            command_timeout_ns: config.timeouts.command_ns,
            engage_timeout_ns: config.timeouts.engage_ns,
            driver_torque_nm: config.driver.torque_nm,
            driver_brake: config.driver.brake,
            driver_gas: config.driver.gas,
            emergency_deceleration_mps2: config.emergency.deceleration_mps2,
            emergency_reaction_s: config.emergency.reaction_s,
            emergency_margin_m: config.emergency.margin_m,
            emergency_clearance_m: config.emergency.clearance_m,
            emergency_release_distance_m: config.emergency.release_distance_m,
            emergency_release_ns: config.emergency.release_ns,
            standstill_speed_mps: config.standstill_speed_mps,
            emergency_braking: u8::from(config.emergency_braking),
        }
    }

    pub(crate) fn parse(&self) -> Result<GateConfig, ConfigError> {
        Ok(GateConfig {
            vehicle: self.vehicle.parse(),
            supervised: self.supervised.parse()?,
            automated: self.automated.parse()?,
            timeouts: Timeouts {
                vehicle_state_ns: self.vehicle_state_timeout_ns,
                obstacle_ns: self.obstacle_timeout_ns,
                command_ns: self.command_timeout_ns,
                engage_ns: self.engage_timeout_ns,
            },
            driver: DriverOverride {
                torque_nm: self.driver_torque_nm,
                brake: self.driver_brake,
                gas: self.driver_gas,
            },
            emergency: EmergencyBrake {
                deceleration_mps2: self.emergency_deceleration_mps2,
                reaction_s: self.emergency_reaction_s,
                margin_m: self.emergency_margin_m,
                clearance_m: self.emergency_clearance_m,
                release_distance_m: self.emergency_release_distance_m,
                release_ns: self.emergency_release_ns,
            },
            standstill_speed_mps: self.standstill_speed_mps,
            emergency_braking: self.emergency_braking != 0,
        })
    }
}
