//! A car on a CAN bus, as its profile describes it: which messages carry state, which carry commands.
//!
//! ```
//! use auriga_hal::can::{Database, VehicleProfile};
//!
//! let configs = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs");
//! let database = Database::read(format!("{configs}/can/auriga_sim.dbc").as_ref()).unwrap();
//! let file = format!("{configs}/vehicles/auriga-sim.toml");
//! let text = std::fs::read_to_string(&file).unwrap();
//! let profile = VehicleProfile::from_toml(&text, &file).unwrap();
//! let mut car = profile.bind(database).unwrap();
//! assert_eq!(car.state().speed_mps, None, "nothing was heard yet");
//! ```

use super::codec::MessageCodec;
use super::database::Database;
use super::frame::{CanFrame, CanId};
use super::protection::{Checked, Checksum, Counter, Protection};
use crate::HalError;
use auriga_safety::SafeCommand;
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
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CommandFile {
    message: String,
    active: String,
    hold: String,
    steering_angle_rad: String,
    acceleration_mps2: String,
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
    /// One that the database does not have, by its name.
    pub fn bind(&self, database: Database) -> Result<CanCar, HalError> {
        let state = &self.state;
        let quantities = [
            ("state.speed_mps", &state.speed_mps),
            ("state.steering_angle_rad", &state.steering_angle_rad),
            ("state.driver_torque_nm", &state.driver_torque_nm),
            ("state.driver_brake", &state.driver_brake),
            ("state.driver_gas", &state.driver_gas),
        ];
        let mut sums = Vec::with_capacity(quantities.len());
        for (field, quantity) in quantities {
            let mut terms = Vec::with_capacity(quantity.signals.len());
            for name in &quantity.signals {
                terms.push(self.signal(&database, field, name)?);
            }
            sums.push(Sum { terms, scale: quantity.scale });
        }
        let mut protections = BTreeMap::new();
        for (name, protection) in &self.protection {
            let message = self.message(&database, &format!("protection.{name}"), name)?;
            protections.insert(message.id, (protection.build(), None));
        }
        let command = match &self.command {
            Some(command) => Some(self.command(&database, command)?),
            None => None,
        };
        let longest = database.messages().iter().map(|message| message.signals().len()).max().unwrap_or(0);
        Ok(CanCar {
            database,
            sums,
            protections,
            command,
            values: vec![None; longest],
            counts: Counts::default(),
        })
    }

    fn problem(&self, field: &str, problem: &str) -> HalError {
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

    fn signal(&self, database: &Database, field: &str, name: &str) -> Result<Term, HalError> {
        let (message, signal) = name
            .split_once('.')
            .ok_or_else(|| self.problem(field, &format!("`{name}` is not MESSAGE.SIGNAL")))?;
        let message = self.message(database, field, message)?;
        let index = message
            .index_of(signal)
            .ok_or_else(|| self.problem(field, &format!("{} has no signal {name}", self.dbc)))?;
        Ok(Term { id: message.id, index, value: None })
    }

    fn command(&self, database: &Database, command: &CommandFile) -> Result<Command, HalError> {
        let message = self.message(database, "command.message", &command.message)?;
        let place = |field: &str, name: &str| {
            message
                .index_of(name)
                .ok_or_else(|| self.problem(field, &format!("{} has no signal {name}", message.name)))
        };
        Ok(Command {
            id: message.id,
            length: message.length,
            active: place("command.active", &command.active)?,
            hold: place("command.hold", &command.hold)?,
            steering: place("command.steering_angle_rad", &command.steering_angle_rad)?,
            acceleration: place("command.acceleration_mps2", &command.acceleration_mps2)?,
        })
    }
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

#[derive(Clone, Copy, Debug)]
struct Term {
    id: CanId,
    index: usize,
    value: Option<f64>,
}

#[derive(Clone, Debug)]
struct Sum {
    terms: Vec<Term>,
    scale: f64,
}

impl Sum {
    fn value(&self) -> Option<f64> {
        let sum = self.terms.iter().try_fold(0.0, |sum, term| term.value.map(|value| sum + value))?;
        Some(sum * self.scale)
    }
}

#[derive(Clone, Copy, Debug)]
struct Command {
    id: CanId,
    length: usize,
    active: usize,
    hold: usize,
    steering: usize,
    acceleration: usize,
}

/// What was last heard of the car; `None` before.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "named after the gate's VehicleState")]
pub struct CanState {
    pub speed_mps: Option<f64>,
    pub steering_angle_rad: Option<f64>,
    pub driver_torque_nm: Option<f64>,
    pub driver_brake: Option<f64>,
    pub driver_gas: Option<f64>,
}

/// What became of the frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames that changed the state.
    pub accepted: u64,
    /// Frames of messages that the database does not have, and of kinds that carry no data.
    pub unknown: u64,
    /// Wrong checksum, impossible counter, too short: as if they had not come.
    pub corrupted: u64,
    /// The counter stood still: as if they had not come, so that a frozen sender becomes a missing one.
    pub repeated: u64,
    /// Frames that the counters say are missing.
    pub lost: u64,
}

/// A car behind a bus: takes frames in, gives command frames out. No I/O: whoever holds the [`CanBus`](super::CanBus) drives it.
#[derive(Debug)]
pub struct CanCar {
    database: Database,
    /// In the order of [`CanState`]'s fields.
    sums: Vec<Sum>,
    protections: BTreeMap<CanId, (Protection, Option<u8>)>,
    command: Option<Command>,
    values: Vec<Option<f64>>,
    counts: Counts,
}

impl CanCar {
    /// What was last heard.
    #[must_use]
    pub fn state(&self) -> CanState {
        let value = |place: usize| self.sums.get(place).and_then(Sum::value);
        CanState {
            speed_mps: value(0),
            steering_angle_rad: value(1),
            driver_torque_nm: value(2),
            driver_brake: value(3),
            driver_gas: value(4),
        }
    }

    /// What became of the frames so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Takes a frame in; true when it was good news about the car.
    pub fn hear(&mut self, frame: &CanFrame) -> bool {
        let known = self.database.message(frame.id).filter(|_| frame.kind == super::FrameKind::Data);
        let Some(message) = known else {
            self.counts.unknown = self.counts.unknown.saturating_add(1);
            return false;
        };
        if let Some((protection, last)) = self.protections.get_mut(&frame.id) {
            let counter = match protection.check(frame.id, frame.data(), last) {
                Checked::Good => None,
                Checked::Lost(missing) => {
                    self.counts.lost = self.counts.lost.saturating_add(u64::from(missing));
                    None
                }
                Checked::Repeated => Some(&mut self.counts.repeated),
                Checked::BadCounter | Checked::BadChecksum | Checked::Short => {
                    Some(&mut self.counts.corrupted)
                }
            };
            if let Some(counter) = counter {
                *counter = counter.saturating_add(1);
                return false;
            }
        }
        message.decode_frame(frame, &mut self.values);
        for term in self.sums.iter_mut().flat_map(|sum| &mut sum.terms).filter(|term| term.id == frame.id) {
            term.value = self.values.get(term.index).copied().flatten().or(term.value);
        }
        self.counts.accepted = self.counts.accepted.saturating_add(1);
        true
    }

    /// The frame that says a safe command to the car, sealed with counter and checksum. Consumes the command.
    ///
    /// # Errors
    /// The profile has no command message, or the command does not fit into it.
    #[allow(clippy::needless_pass_by_value, reason = "a safe command is said once")]
    pub fn say(&mut self, command: SafeCommand) -> Result<CanFrame, HalError> {
        let refused = |problem: &str| HalError::Platform { platform: "can", problem: problem.to_owned() };
        let layout = self.command.ok_or_else(|| refused("the vehicle's profile has no command message"))?;
        let message =
            self.database.message(layout.id).ok_or_else(|| refused("the command message is unknown"))?;
        self.values.fill(None);
        for (place, value) in [
            (layout.active, f64::from(u8::from(command.active()))),
            (layout.hold, f64::from(u8::from(command.hold()))),
            (layout.steering, command.steering_angle_rad()),
            (layout.acceleration, command.acceleration_mps2()),
        ] {
            if let Some(slot) = self.values.get_mut(place) {
                *slot = Some(value);
            }
        }
        let mut data = [0; 64];
        let data = data.get_mut(..layout.length).ok_or_else(|| refused("a command of more than 64 bytes"))?;
        message.encode(&self.values, data)?;
        if let Some((protection, last)) = self.protections.get_mut(&layout.id) {
            *last = protection.seal(layout.id, data, *last);
        }
        let frame = if layout.length <= 8 {
            CanFrame::classic(layout.id, data)
        } else {
            CanFrame::fd(layout.id, data)
        };
        frame.ok_or_else(|| refused("a command of a length that no frame has"))
    }
}
