//! A vehicle profile: which messages carry state and which carry commands, how they are protected, how often they come,
//! and what the car accepts.

use super::codec::MessageCodec;
use super::command::{CommandFile, Commands};
use super::database::Database;
use super::frame::CanId;
use super::guard::Guard;
use super::protection::{Checksum, Counter, Protection};
use super::vehicle::{CanCar, Sum, Term};
use crate::HalError;
use auriga_geometry::LogicalDuration;
use auriga_safety::VehicleLimits;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A vehicle profile (`configs/vehicles/*.toml` with a `dbc`).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VehicleProfile {
    /// Its name.
    pub name: String,
    /// The DBC file, relative to `configs/can/`.
    pub dbc: String,
    /// By message: its protection.
    #[serde(default)]
    protection: BTreeMap<String, ProtectionFile>,
    /// By message: when it comes.
    #[serde(default)]
    timing: BTreeMap<String, TimingFile>,
    state: StateFile,
    command: Option<CommandFile>,
    #[serde(skip)]
    file: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProtectionFile {
    scheme: Scheme,
    /// For the AUTOSAR profiles.
    #[serde(default)]
    data_id: u8,
    /// For the schemes whose counter differs by message: byte, lowest bit, bits.
    counter: Option<(usize, u32, u32)>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Scheme {
    Toyota,
    Honda,
    AutosarProfile2,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TimingFile {
    period_ms: f64,
    /// Of what is heard: without it for so long, what it says counts as missing.
    timeout_ms: Option<f64>,
}

/// Signals as `MESSAGE.SIGNAL`, several to be added up, and what their sum is multiplied with to be in SI units.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Quantity {
    signals: Vec<String>,
    #[serde(default = "one")]
    scale: f64,
}

fn one() -> f64 {
    1.0
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StateFile {
    speed_mps: Quantity,
    steering_angle_rad: Quantity,
    driver_torque_nm: Quantity,
    driver_brake: Quantity,
    driver_gas: Quantity,
    /// What the driver's switch asks for: 0 that nobody drives but the driver, 1 supervised, 2 automated.
    engage: Option<Quantity>,
}

impl VehicleProfile {
    /// From its TOML text; `file` is for the errors.
    ///
    /// # Errors
    /// An unknown or missing key, or a value of the wrong type, with its line.
    pub fn from_toml(text: &str, file: &str) -> Result<Self, HalError> {
        let mut profile: Self = toml::from_str(text)
            .map_err(|error| HalError::Configuration { file: file.to_owned(), problem: error.to_string() })?;
        file.clone_into(&mut profile.file);
        Ok(profile)
    }

    /// Looks up all its messages and signals.
    ///
    /// # Errors
    /// One that the database does not have, by its name; a message without a period or a time-out, of a car that takes
    /// commands.
    pub fn bind(&self, database: Database) -> Result<CanCar, HalError> {
        let state = &self.state;
        let quantities = [
            ("state.speed_mps", Some(&state.speed_mps)),
            ("state.steering_angle_rad", Some(&state.steering_angle_rad)),
            ("state.driver_torque_nm", Some(&state.driver_torque_nm)),
            ("state.driver_brake", Some(&state.driver_brake)),
            ("state.driver_gas", Some(&state.driver_gas)),
            ("state.engage", state.engage.as_ref()),
        ];
        for name in self.timing.keys() {
            self.message(&database, &format!("timing.{name}"), name)?;
        }
        let mut sums = Vec::with_capacity(quantities.len());
        for (field, quantity) in quantities {
            let Some(Quantity { signals, scale }) = quantity else {
                sums.push(Sum { terms: Vec::new(), scale: 1.0 });
                continue;
            };
            let mut terms = Vec::with_capacity(signals.len());
            for name in signals {
                terms.push(self.term(&database, field, name)?);
            }
            sums.push(Sum { terms, scale: *scale });
        }
        let mut guards = BTreeMap::new();
        for (name, protection) in &self.protection {
            let message = self.message(&database, &format!("protection.{name}"), name)?;
            guards.insert(message.id, Guard::new(protection.build()));
        }
        let commands = match &self.command {
            Some(command) => Some(Commands::bind(self, command, &database)?),
            None => None,
        };
        Ok(CanCar::new(database, sums, guards, commands))
    }

    /// Refuses a vehicle whose file promises more than this car accepts: what the gate lets through would be refused, an
    /// emergency braking too.
    ///
    /// # Errors
    /// Names the limit and both figures.
    pub fn check_vehicle(&self, vehicle: &VehicleLimits) -> Result<(), HalError> {
        let Some(command) = &self.command else { return Ok(()) };
        let limits = &command.limits;
        let (lowest, highest) = limits.acceleration_mps2;
        for (field, accepted, name, promised) in [
            (
                "steering_angle_rad",
                limits.steering_angle_rad,
                "max_steering_angle_rad",
                vehicle.max_steering_angle_rad,
            ),
            (
                "steering_rate_radps",
                limits.steering_rate_radps,
                "max_steering_rate_rad_s",
                vehicle.max_steering_rate_rad_s,
            ),
            ("acceleration_mps2", highest, "max_acceleration_mps2", vehicle.max_acceleration_mps2),
            ("acceleration_mps2", -lowest, "max_deceleration_mps2", vehicle.max_deceleration_mps2),
        ] {
            if promised > accepted {
                let problem = format!(
                    "this car accepts {accepted}, and the vehicle's file promises {promised} ({name}); name a vehicle that is this car"
                );
                return Err(self.problem(&format!("command.limits.{field}"), &problem));
            }
        }
        Ok(())
    }

    /// How a message is protected, if it is.
    #[must_use]
    pub fn protection(&self, message: &str) -> Option<Protection> {
        self.protection.get(message).map(ProtectionFile::build)
    }

    /// How often a message comes, if the profile says so.
    #[must_use]
    pub fn period(&self, message: &str) -> Option<LogicalDuration> {
        self.timing.get(message).map(|timing| milliseconds(timing.period_ms))
    }

    pub(super) fn problem(&self, field: &str, problem: &str) -> HalError {
        HalError::Configuration { file: self.file.clone(), problem: format!("field `{field}`: {problem}") }
    }

    fn message<'a>(
        &self,
        database: &'a Database,
        field: &str,
        name: &str,
    ) -> Result<&'a MessageCodec, HalError> {
        database
            .message_by_name(name)
            .ok_or_else(|| self.problem(field, &format!("{} has no message {name}", self.dbc)))
    }

    /// A message and the place of one of its signals, by `MESSAGE.SIGNAL`.
    pub(super) fn signal<'a>(
        &self,
        database: &'a Database,
        field: &str,
        name: &str,
    ) -> Result<(&'a MessageCodec, usize), HalError> {
        let (message, signal) = name
            .split_once('.')
            .ok_or_else(|| self.problem(field, &format!("`{name}` is not MESSAGE.SIGNAL")))?;
        let message = self.message(database, field, message)?;
        let index = message
            .index_of(signal)
            .ok_or_else(|| self.problem(field, &format!("{} has no signal {name}", self.dbc)))?;
        Ok((message, index))
    }

    pub(super) fn term(&self, database: &Database, field: &str, name: &str) -> Result<Term, HalError> {
        let (message, index) = self.signal(database, field, name)?;
        let timing = self.timing.get(&message.name);
        let timeout = timing.and_then(|timing| timing.timeout_ms).map(milliseconds);
        if self.command.is_some() && timeout.is_none() {
            let problem = format!("this car takes commands: when does {} count as missing?", message.name);
            return Err(self.problem(&format!("timing.{}.timeout_ms", message.name), &problem));
        }
        if let Some(TimingFile { period_ms, timeout_ms: Some(timeout_ms) }) = timing
            && !(*period_ms > 0.0 && timeout_ms > period_ms)
        {
            let problem = "must be above the period, and both above 0";
            return Err(self.problem(&format!("timing.{}.timeout_ms", message.name), problem));
        }
        Ok(Term { id: message.id, index, timeout, heard: None })
    }

    pub(super) fn protection_of(&self, database: &Database, id: CanId) -> Option<Protection> {
        self.protection(&database.message(id)?.name)
    }
}

fn milliseconds(value: f64) -> LogicalDuration {
    LogicalDuration::from_secs_f64(value * 1e-3)
}

impl ProtectionFile {
    fn build(&self) -> Protection {
        let checksum = match self.scheme {
            Scheme::Toyota => Checksum::Toyota,
            Scheme::Honda => Checksum::Honda,
            Scheme::AutosarProfile2 => Checksum::AutosarProfile2 { data_ids: [self.data_id; 16] },
        };
        let own = self.counter.map(|(byte, shift, bits)| Counter {
            byte,
            shift,
            bits,
            most: (0xff_u16 >> 8_u32.saturating_sub(bits)) as u8,
        });
        Protection { checksum: Some(checksum), counter: checksum.counter().or(own) }
    }
}
