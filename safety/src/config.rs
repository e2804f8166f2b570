//! What the gate is told once, at start-up: the vehicle, the two envelopes, the time-outs, the emergency brake.
//!
//! Figures that come from a standard are named in `../shared/limits.md`; every other figure is marked "unverified".
//! `configs/vehicles/auriga-sedan-gate.toml` has the defaults of this module once more, each figure with its source; a test of
//! `auriga-hal`, which reads such files, holds the two together.

use core::fmt;

/// The most rows of a [`SpeedTable`].
pub const SPEED_TABLE_ROWS_MAX: usize = 8;

/// A limit that depends on speed: linear between its rows, constant outside them. Speeds in m/s, ascending.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpeedTable {
    rows: [(f64, f64); SPEED_TABLE_ROWS_MAX],
    length: usize,
}

impl SpeedTable {
    /// The same limit at every speed.
    #[must_use]
    pub const fn constant(limit: f64) -> Self {
        Self { rows: [(0.0, limit); SPEED_TABLE_ROWS_MAX], length: 1 }
    }

    /// From 2 rows: `(speed in m/s, limit)`, the lower speed first. Checked by [`GateConfig::validate`].
    #[must_use]
    pub const fn between(low: (f64, f64), high: (f64, f64)) -> Self {
        let mut rows = [high; SPEED_TABLE_ROWS_MAX];
        rows[0] = low;
        Self { rows, length: 2 }
    }

    /// From rows `(speed in m/s, limit)`, by ascending speed.
    ///
    /// # Errors
    /// No row, more than [`SPEED_TABLE_ROWS_MAX`], or speeds that do not rise.
    pub fn new(rows: &[(f64, f64)]) -> Result<Self, ConfigError> {
        let last = *rows.last().ok_or(ConfigError { field: "rows", problem: "a speed table needs a row" })?;
        let mut table = Self { rows: [last; SPEED_TABLE_ROWS_MAX], length: rows.len() };
        if rows.len() > SPEED_TABLE_ROWS_MAX {
            return Err(ConfigError { field: "rows", problem: "a speed table has at most 8 rows" });
        }
        for (slot, row) in table.rows.iter_mut().zip(rows) {
            *slot = *row;
        }
        table.check("rows")?;
        Ok(table)
    }

    /// Its rows.
    #[must_use]
    pub fn rows(&self) -> &[(f64, f64)] {
        self.rows.get(..self.length).unwrap_or(&self.rows)
    }

    /// The limit at a speed in m/s (its sign does not matter).
    #[must_use]
    pub fn at(&self, speed_mps: f64) -> f64 {
        let speed = speed_mps.abs();
        let mut below = self.rows[0];
        for &above in self.rows() {
            if speed <= above.0 {
                let span = above.0 - below.0;
                let ratio = if span > 0.0 { ((speed - below.0) / span).clamp(0.0, 1.0) } else { 1.0 };
                return below.1 + (above.1 - below.1) * ratio;
            }
            below = above;
        }
        below.1
    }

    fn check(&self, field: &'static str) -> Result<(), ConfigError> {
        let mut speed_before = -1.0;
        for &(speed, limit) in self.rows() {
            if !(speed.is_finite() && speed >= 0.0 && speed > speed_before) {
                return Err(ConfigError { field, problem: "speeds must be finite, not negative and rising" });
            }
            if !(limit.is_finite() && limit > 0.0) {
                return Err(ConfigError { field, problem: "a limit must be finite and positive" });
            }
            speed_before = speed;
        }
        Ok(())
    }

    fn check_at_most(&self, field: &'static str, most: f64) -> Result<(), ConfigError> {
        if self.rows.iter().any(|&(_, limit)| limit > most) {
            return Err(ConfigError { field, problem: "more than the vehicle can do" });
        }
        Ok(())
    }
}

/// What may be asked of the car while somebody, or nobody, watches over it. Magnitudes: all positive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Envelope {
    /// Lateral acceleration, v²·tan(steering)/wheelbase, m/s².
    pub lateral_acceleration_mps2: SpeedTable,
    /// Change of the lateral acceleration by steering, m/s³.
    pub lateral_jerk_mps3: SpeedTable,
    /// Speeding up, m/s².
    pub acceleration_mps2: SpeedTable,
    /// Braking on command, m/s².
    pub deceleration_mps2: SpeedTable,
    /// Change of the acceleration upwards (brake released, throttle opened), m/s³.
    pub jerk_up_mps3: SpeedTable,
    /// Change of the acceleration downwards, m/s³.
    pub jerk_down_mps3: SpeedTable,
    /// Braking of the minimal-risk stop, m/s².
    pub minimal_risk_deceleration_mps2: f64,
}

impl Envelope {
    /// A driver is in charge: the bounds of driver aids.
    ///
    /// Lateral 3 m/s² and 5 m/s³: ISO 11270. +2.0/−3.5 m/s²: ISO 15622:2018 as openpilot uses it. Negative jerk 5.0 m/s³
    /// up to 5 m/s, 2.5 from 20 m/s: ISO 15622 (known). Positive jerk: unverified. Stop: Autoware's default.
    #[must_use]
    pub const fn supervised(vehicle: &VehicleLimits) -> Self {
        Self {
            lateral_acceleration_mps2: SpeedTable::constant(3.0),
            lateral_jerk_mps3: SpeedTable::constant(5.0),
            acceleration_mps2: SpeedTable::constant(vehicle.max_acceleration_mps2.min(2.0)),
            deceleration_mps2: SpeedTable::constant(vehicle.max_deceleration_mps2.min(3.5)),
            jerk_up_mps3: SpeedTable::constant(5.0),
            jerk_down_mps3: SpeedTable::between((5.0, 5.0), (20.0, 2.5)),
            minimal_risk_deceleration_mps2: 2.5,
        }
    }

    /// Nobody watches: bounded by what the car can do, so that a limit is never the reason for a harder crash.
    ///
    /// Lateral 6 m/s² and 20 m/s³, jerk 10 m/s³ upwards and 50 m/s³ downwards: unverified. Stop: UN R157 (known).
    #[must_use]
    pub const fn automated(vehicle: &VehicleLimits) -> Self {
        Self {
            lateral_acceleration_mps2: SpeedTable::constant(6.0),
            lateral_jerk_mps3: SpeedTable::constant(20.0),
            acceleration_mps2: SpeedTable::constant(vehicle.max_acceleration_mps2),
            deceleration_mps2: SpeedTable::constant(vehicle.max_deceleration_mps2),
            jerk_up_mps3: SpeedTable::constant(10.0),
            jerk_down_mps3: SpeedTable::constant(50.0),
            minimal_risk_deceleration_mps2: vehicle.max_deceleration_mps2.min(4.0),
        }
    }

    fn check(&self, fields: &EnvelopeFields, vehicle: &VehicleLimits) -> Result<(), ConfigError> {
        self.lateral_acceleration_mps2.check(fields.lateral_acceleration)?;
        self.lateral_jerk_mps3.check(fields.lateral_jerk)?;
        self.acceleration_mps2.check(fields.acceleration)?;
        self.deceleration_mps2.check(fields.deceleration)?;
        self.jerk_up_mps3.check(fields.jerk_up)?;
        self.jerk_down_mps3.check(fields.jerk_down)?;
        self.acceleration_mps2.check_at_most(fields.acceleration, vehicle.max_acceleration_mps2)?;
        self.deceleration_mps2.check_at_most(fields.deceleration, vehicle.max_deceleration_mps2)?;
        within(fields.minimal_risk, self.minimal_risk_deceleration_mps2, 0.5, vehicle.max_deceleration_mps2)
    }
}

struct EnvelopeFields {
    lateral_acceleration: &'static str,
    lateral_jerk: &'static str,
    acceleration: &'static str,
    deceleration: &'static str,
    jerk_up: &'static str,
    jerk_down: &'static str,
    minimal_risk: &'static str,
}

const SUPERVISED: EnvelopeFields = EnvelopeFields {
    lateral_acceleration: "supervised.lateral_acceleration_mps2",
    lateral_jerk: "supervised.lateral_jerk_mps3",
    acceleration: "supervised.acceleration_mps2",
    deceleration: "supervised.deceleration_mps2",
    jerk_up: "supervised.jerk_up_mps3",
    jerk_down: "supervised.jerk_down_mps3",
    minimal_risk: "supervised.minimal_risk_deceleration_mps2",
};

const AUTOMATED: EnvelopeFields = EnvelopeFields {
    lateral_acceleration: "automated.lateral_acceleration_mps2",
    lateral_jerk: "automated.lateral_jerk_mps3",
    acceleration: "automated.acceleration_mps2",
    deceleration: "automated.deceleration_mps2",
    jerk_up: "automated.jerk_up_mps3",
    jerk_down: "automated.jerk_down_mps3",
    minimal_risk: "automated.minimal_risk_deceleration_mps2",
};

/// The car's body and what its actuators can do. Lengths from the rear axle's centre.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VehicleLimits {
    /// Rear axle to front axle, m.
    pub wheelbase_m: f64,
    /// Rear axle to front bumper, m.
    pub front_m: f64,
    /// Rear axle to rear bumper, m.
    pub rear_m: f64,
    /// Body width, mirrors included, m.
    pub width_m: f64,
    /// The front wheel's largest angle to either side, rad.
    pub max_steering_angle_rad: f64,
    /// The front wheel's fastest turn, rad/s.
    pub max_steering_rate_rad_s: f64,
    /// The strongest braking that tyres and brakes give on a dry road, m/s², positive.
    pub max_deceleration_mps2: f64,
    /// The strongest acceleration, m/s².
    pub max_acceleration_mps2: f64,
}

impl VehicleLimits {
    fn check(&self) -> Result<(), ConfigError> {
        within("vehicle.wheelbase_m", self.wheelbase_m, 0.5, 15.0)?;
        within("vehicle.front_m", self.front_m, self.wheelbase_m, 20.0)?;
        within("vehicle.rear_m", self.rear_m, 0.0, 10.0)?;
        within("vehicle.width_m", self.width_m, 0.5, 4.0)?;
        within("vehicle.max_steering_angle_rad", self.max_steering_angle_rad, 0.05, 1.4)?;
        within("vehicle.max_steering_rate_rad_s", self.max_steering_rate_rad_s, 0.01, 10.0)?;
        within("vehicle.max_deceleration_mps2", self.max_deceleration_mps2, 2.5, 15.0)?;
        within("vehicle.max_acceleration_mps2", self.max_acceleration_mps2, 0.1, 15.0)
    }
}

/// How old an input may be before the gate doubts, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// The car's own state, from the bus.
    pub vehicle_state_ns: i64,
    /// The nearest-obstacle channel, counted from its capture.
    pub obstacle_ns: i64,
    /// The controller's command: the heartbeat.
    pub command_ns: i64,
    /// A request to engage waits this long for the other inputs, then it is void.
    pub engage_ns: i64,
}

impl Default for Timeouts {
    /// 0.1 s for state and heartbeat (DESIGN section 5), 0.35 s for a 10 Hz lidar with its latency and one scan lost,
    /// 1 s for a request (both unverified).
    fn default() -> Self {
        Self {
            vehicle_state_ns: 100_000_000,
            obstacle_ns: 350_000_000,
            command_ns: 100_000_000,
            engage_ns: 1_000_000_000,
        }
    }
}

/// What counts as the driver taking over. At or above the figure is an override.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DriverOverride {
    /// Torque at the steering wheel to either side, N·m.
    pub torque_nm: f64,
    /// Brake pedal, 0..1.
    pub brake: f64,
    /// Gas pedal, 0..1.
    pub gas: f64,
}

impl Default for DriverOverride {
    /// 3 N·m, 5 % brake, 5 % gas (unverified).
    fn default() -> Self {
        Self { torque_nm: 3.0, brake: 0.05, gas: 0.05 }
    }
}

/// The gate's own emergency brake: brakes when
/// `distance ≤ (v² − v_obstacle²) / (2·deceleration) + closing·reaction + margin`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EmergencyBrake {
    /// The deceleration asked for and reckoned with, m/s², positive; at most the vehicle's.
    pub deceleration_mps2: f64,
    /// From the decision to full braking, s.
    pub reaction_s: f64,
    /// What should be left in front of the bumper, m.
    pub margin_m: f64,
    /// While moving: how much more than the distance that set it off must be free before it lets go, m.
    pub clearance_m: f64,
    /// At standstill: what must be free before the car may move again, m.
    pub release_distance_m: f64,
    /// For how long it must be free, ns.
    pub release_ns: i64,
}

impl EmergencyBrake {
    /// Full braking, 0.3 s to build it up, 0.5 m left, and some hysteresis (all unverified; UN R152 asks for at least
    /// 5 m/s²).
    #[must_use]
    pub const fn of(vehicle: &VehicleLimits) -> Self {
        Self {
            deceleration_mps2: vehicle.max_deceleration_mps2,
            reaction_s: 0.3,
            margin_m: 0.5,
            clearance_m: 2.0,
            release_distance_m: 2.0,
            release_ns: 500_000_000,
        }
    }

    fn check(&self, vehicle: &VehicleLimits) -> Result<(), ConfigError> {
        within("emergency.deceleration_mps2", self.deceleration_mps2, 1.0, vehicle.max_deceleration_mps2)?;
        within("emergency.reaction_s", self.reaction_s, 0.0, 2.0)?;
        within("emergency.margin_m", self.margin_m, 0.0, 5.0)?;
        within("emergency.clearance_m", self.clearance_m, 0.0, 20.0)?;
        within("emergency.release_distance_m", self.release_distance_m, self.margin_m, 20.0)?;
        duration("emergency.release_ns", self.release_ns)
    }
}

/// All that the gate is told at start-up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GateConfig {
    /// The car.
    pub vehicle: VehicleLimits,
    /// Bounds while a driver is in charge.
    pub supervised: Envelope,
    /// Bounds while nobody is.
    pub automated: Envelope,
    /// How old inputs may be.
    pub timeouts: Timeouts,
    /// What counts as the driver's override.
    pub driver: DriverOverride,
    /// The emergency brake's figures.
    pub emergency: EmergencyBrake,
    /// At or below this wheel speed the car stands, m/s.
    pub standstill_speed_mps: f64,
    /// Whether the gate brakes on the nearest obstacle. Off only to show that it matters.
    pub emergency_braking: bool,
}

impl GateConfig {
    /// The figures of this module's defaults for a vehicle.
    #[must_use]
    pub fn of(vehicle: VehicleLimits) -> Self {
        Self {
            vehicle,
            supervised: Envelope::supervised(&vehicle),
            automated: Envelope::automated(&vehicle),
            timeouts: Timeouts::default(),
            driver: DriverOverride::default(),
            emergency: EmergencyBrake::of(&vehicle),
            standstill_speed_mps: 0.15,
            emergency_braking: true,
        }
    }

    /// Refuses values that cannot be meant.
    ///
    /// # Errors
    /// Names the first such field.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.vehicle.check()?;
        self.supervised.check(&SUPERVISED, &self.vehicle)?;
        self.automated.check(&AUTOMATED, &self.vehicle)?;
        duration("timeouts.vehicle_state_ns", self.timeouts.vehicle_state_ns)?;
        duration("timeouts.obstacle_ns", self.timeouts.obstacle_ns)?;
        duration("timeouts.command_ns", self.timeouts.command_ns)?;
        duration("timeouts.engage_ns", self.timeouts.engage_ns)?;
        within("driver.torque_nm", self.driver.torque_nm, 0.1, 50.0)?;
        within("driver.brake", self.driver.brake, 0.001, 1.0)?;
        within("driver.gas", self.driver.gas, 0.001, 1.0)?;
        self.emergency.check(&self.vehicle)?;
        within("standstill_speed_mps", self.standstill_speed_mps, 0.001, 1.0)
    }
}

fn within(field: &'static str, value: f64, low: f64, high: f64) -> Result<(), ConfigError> {
    if value >= low && value <= high {
        Ok(())
    } else {
        Err(ConfigError { field, problem: "outside what a road vehicle can have, or not a number" })
    }
}

fn duration(field: &'static str, nanoseconds: i64) -> Result<(), ConfigError> {
    if (1_000..=10_000_000_000).contains(&nanoseconds) {
        Ok(())
    } else {
        Err(ConfigError { field, problem: "must be between 1 µs and 10 s" })
    }
}

/// A configuration that cannot be meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The field, as a path from [`GateConfig`].
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "gate configuration, field `{}`: {}", self.field, self.problem)
    }
}

impl core::error::Error for ConfigError {}
