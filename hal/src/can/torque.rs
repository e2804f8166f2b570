//! A wheel angle as a steering torque, for cars whose steering takes a torque.
//!
//! Proportional to how far the wheels are from where they shall be, within what the public port descriptions say of such a
//! steering: a highest torque, how fast it may rise and fall from one command to the next, and how far it may be from what
//! the motor gives.

use super::command::refused;
use super::database::Database;
use super::frame::CanId;
use super::profile::VehicleProfile;
use crate::HalError;
use serde::Deserialize;

/// The law's figures, in the message's own units of torque.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TorqueFile {
    /// Which signal says it.
    pub signal: String,
    /// What the motor gives, and what that is to be multiplied with to be in the command's units.
    motor: String,
    motor_scale: f64,
    /// For each rad of error at the front wheels.
    per_rad: f64,
    most: f64,
    /// From one command to the next, away from 0.
    up: f64,
    /// From one command to the next, towards 0.
    down: f64,
    /// How far from the motor's torque.
    from_motor_most: f64,
}

/// The law and its memory.
#[derive(Clone, Debug)]
pub(super) struct SteeringTorque {
    law: TorqueFile,
    motor: (CanId, usize),
    motor_torque: Option<f64>,
    last: f64,
}

impl SteeringTorque {
    pub fn bind(profile: &VehicleProfile, law: &TorqueFile, database: &Database) -> Result<Self, HalError> {
        let field = "command.steering_torque";
        let positive = [law.per_rad, law.most, law.up, law.down, law.from_motor_most, law.motor_scale];
        if !positive.iter().all(|value| *value > 0.0) {
            return Err(profile.problem(field, "all figures must be above 0"));
        }
        let (message, place) = profile.signal(database, &format!("{field}.motor"), &law.motor)?;
        Ok(Self { law: law.clone(), motor: (message.id, place), motor_torque: None, last: 0.0 })
    }

    /// Takes in a message's values: what the motor gives may be among them.
    pub fn hear(&mut self, id: CanId, values: &[Option<f64>]) {
        if self.motor.0 == id {
            let value = values.get(self.motor.1).copied().flatten();
            self.motor_torque = value.map(|value| value * self.law.motor_scale);
        }
    }

    /// Nothing is commanded; the next command begins at 0.
    pub fn rest(&mut self) {
        self.last = 0.0;
    }

    /// The next command's torque.
    ///
    /// # Errors
    /// The car does not say where its wheels are, or what its motor does.
    pub fn command(&mut self, wanted_rad: f64, measured_rad: Option<f64>) -> Result<f64, HalError> {
        let measured = measured_rad.ok_or_else(|| refused("the car does not say its wheel angle"))?;
        let motor = self.motor_torque.ok_or_else(|| refused("the car does not say its steering torque"))?;
        let law = &self.law;
        let wanted = (law.per_rad * (wanted_rad - measured)).clamp(-law.most, law.most);
        // Towards 0 it may always go as fast as it likes; away from 0 by `up`; and where the motor is far behind, back by `down`.
        let (last, most) = (self.last, law.from_motor_most);
        let highest = (last.max(0.0) + law.up).min((motor.max(0.0) + most).max(last - law.down));
        let lowest = (last.min(0.0) - law.up).max((motor.min(0.0) - most).min(last + law.down));
        // In whole units, towards 0: rounding passes no limit.
        self.last = wanted.clamp(lowest, highest).trunc();
        Ok(self.last)
    }
}
