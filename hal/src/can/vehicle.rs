//! A car on a CAN bus, as its profile describes it: frames in, state out; safe commands in, frames out.
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

use super::command::{Commands, refused};
use super::database::Database;
use super::frame::{CanFrame, CanId};
use super::guard::{Guard, Verdict};
use crate::HalError;
use auriga_geometry::{LogicalDuration, LogicalTime};
use auriga_safety::SafeCommand;
use std::collections::BTreeMap;

/// One signal of a quantity.
#[derive(Clone, Copy, Debug)]
pub(super) struct Term {
    pub id: CanId,
    pub index: usize,
    /// Without news for so long it counts as missing; `None`: never.
    pub timeout: Option<LogicalDuration>,
    /// When it was heard, and what.
    pub heard: Option<(LogicalTime, f64)>,
}

/// A quantity: signals, added up.
#[derive(Clone, Debug)]
pub(super) struct Sum {
    pub terms: Vec<Term>,
    pub scale: f64,
}

impl Sum {
    /// When the oldest of its terms was heard, and the sum; `None` when a term is missing.
    fn value(&self, now: LogicalTime) -> Option<(LogicalTime, f64)> {
        let fresh = |term: &Term| {
            term.heard.filter(|(at, _)| term.timeout.is_none_or(|timeout| now.since(*at) <= timeout))
        };
        let (first, rest) = self.terms.split_first()?;
        let sum = rest.iter().try_fold(fresh(first)?, |(oldest, sum), term| {
            fresh(term).map(|(at, value)| (oldest.min(at), sum + value))
        });
        sum.map(|(oldest, sum)| (oldest, sum * self.scale))
    }
}

/// What was last heard of the car; `None` before, and when its messages have stayed away for their time-out.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "named after the gate's VehicleState")]
pub struct CanState {
    pub speed_mps: Option<f64>,
    pub steering_angle_rad: Option<f64>,
    pub driver_torque_nm: Option<f64>,
    pub driver_brake: Option<f64>,
    pub driver_gas: Option<f64>,
    /// What the driver's switch asks for: 0 nothing, 1 supervised, 2 automated.
    pub engage: Option<f64>,
    /// When the older of speed and wheel angle was heard.
    pub heard: Option<LogicalTime>,
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
    /// The same frame again: as if it had not come, so that a frozen sender becomes a missing one.
    pub repeated: u64,
    /// Frames that the counters say are missing.
    pub lost: u64,
    /// Counters that jumped or contradicted each other, and what came too soon after: as if they had not come.
    pub distrusted: u64,
}

/// A car behind a bus: takes frames in, gives command frames out. No I/O and no clock: whoever holds the
/// [`CanBus`](super::CanBus) drives it and says what time it is.
#[derive(Debug)]
pub struct CanCar {
    database: Database,
    now: LogicalTime,
    /// In the order of [`CanState`]'s fields.
    sums: Vec<Sum>,
    guards: BTreeMap<CanId, Guard>,
    commands: Option<Commands>,
    values: Vec<Option<f64>>,
    counts: Counts,
}

impl CanCar {
    pub(super) fn new(
        database: Database,
        sums: Vec<Sum>,
        guards: BTreeMap<CanId, Guard>,
        commands: Option<Commands>,
    ) -> Self {
        let longest = database.messages().iter().map(|message| message.signals().len()).max().unwrap_or(0);
        Self {
            database,
            now: LogicalTime::ZERO,
            sums,
            guards,
            commands,
            values: vec![None; longest],
            counts: Counts::default(),
        }
    }

    /// Says what time it is: frames are heard, states are judged and commands are said at this instant from now on. Time
    /// that goes back is not listened to.
    pub fn advance(&mut self, now: LogicalTime) {
        self.now = self.now.max(now);
    }

    /// What was last heard.
    #[must_use]
    pub fn state(&self) -> CanState {
        let found = |place: usize| self.sums.get(place).and_then(|sum| sum.value(self.now));
        let value = |place: usize| found(place).map(|(_, value)| value);
        CanState {
            speed_mps: value(0),
            steering_angle_rad: value(1),
            driver_torque_nm: value(2),
            driver_brake: value(3),
            driver_gas: value(4),
            engage: value(5),
            heard: found(0).zip(found(1)).map(|((speed, _), (angle, _))| speed.min(angle)),
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
            self.counts.unknown += 1;
            return false;
        };
        if let Some(guard) = self.guards.get_mut(&frame.id) {
            match guard.judge(self.now, frame) {
                Verdict::Accepted(lost) => self.counts.lost += u64::from(lost),
                Verdict::Repeated => {
                    self.counts.repeated += 1;
                    return false;
                }
                Verdict::Corrupted => {
                    self.counts.corrupted += 1;
                    return false;
                }
                Verdict::OutOfOrder | Verdict::Contradicted | Verdict::OnProbation => {
                    self.counts.distrusted += 1;
                    return false;
                }
            }
        }
        message.decode_frame(frame, &mut self.values);
        for term in self.sums.iter_mut().flat_map(|sum| &mut sum.terms).filter(|term| term.id == frame.id) {
            if let Some(&Some(value)) = self.values.get(term.index) {
                term.heard = Some((self.now, value));
            }
        }
        if let Some(commands) = &mut self.commands {
            commands.hear(frame.id, &self.values);
        }
        self.counts.accepted += 1;
        true
    }

    /// The frames that say a safe command to the car, sealed with counters and checksums, as far as they are due at this
    /// instant; none while the command is not active. Consumes the command.
    ///
    /// # Errors
    /// The profile has no command message, or the command is beyond what the car accepts; then nothing is to be sent.
    #[allow(clippy::needless_pass_by_value, reason = "a safe command is said once")]
    pub fn say(&mut self, command: SafeCommand) -> Result<&[CanFrame], HalError> {
        let angle = self.sums.get(1).and_then(|sum| sum.value(self.now)).map(|(_, value)| value);
        let commands =
            self.commands.as_mut().ok_or_else(|| refused("the vehicle's profile has no command message"))?;
        commands.say(self.now, &command, angle)
    }
}
