//! What the gate says: the one command that may reach an actuator, and its record.

use crate::state::{GateState, Mode, Reason};

/// A command that passed the gate. Only [`Gate::step`](crate::Gate::step) makes one, and whoever actuates consumes it.
///
/// It cannot be built elsewhere:
/// ```compile_fail
/// let forged = auriga_safety::SafeCommand { record: unimplemented!() };
/// ```
/// nor copied:
/// ```compile_fail
/// fn twice(command: auriga_safety::SafeCommand) -> (auriga_safety::SafeCommand, auriga_safety::SafeCommand) {
///     (command.clone(), command)
/// }
/// ```
/// ```compile_fail
/// fn twice(command: auriga_safety::SafeCommand) -> (auriga_safety::SafeCommand, auriga_safety::SafeCommand) {
///     (command, command)
/// }
/// ```
/// nor had by default:
/// ```compile_fail
/// let forged = auriga_safety::SafeCommand::default();
/// ```
/// nor parsed:
/// ```compile_fail
/// fn parsed<T: core::str::FromStr>() {}
/// parsed::<auriga_safety::SafeCommand>();
/// ```
/// ```compile_fail
/// fn parsed<'a, T: TryFrom<&'a [u8]>>() {}
/// parsed::<auriga_safety::SafeCommand>();
/// ```
/// ```compile_fail
/// fn parsed<T: serde::Deserialize<'static>>() {}
/// parsed::<auriga_safety::SafeCommand>();
/// ```
/// nor changed:
/// ```compile_fail
/// fn more(command: &mut auriga_safety::SafeCommand) {
///     command.record.acceleration_mps2 = 9.0;
/// }
/// ```
/// nor made from its record:
/// ```compile_fail
/// fn forge(record: auriga_safety::SafeCommandRecord) -> auriga_safety::SafeCommand {
///     record.into()
/// }
/// ```
#[derive(Debug, PartialEq)]
#[must_use = "a safe command that is not actuated leaves the car to its own time-out"]
pub struct SafeCommand {
    record: SafeCommandRecord,
}

impl SafeCommand {
    pub(crate) fn new(record: SafeCommandRecord) -> Self {
        Self { record }
    }

    /// Whether anything may be sent at all. When not, the other figures are zero.
    #[must_use]
    pub fn active(&self) -> bool {
        self.record.active
    }

    /// The front wheel's angle, rad; positive to the left.
    #[must_use]
    pub fn steering_angle_rad(&self) -> f64 {
        self.record.steering_angle_rad
    }

    /// Acceleration forwards, m/s². Negative brakes, and never drives backwards.
    #[must_use]
    pub fn acceleration_mps2(&self) -> f64 {
        self.record.acceleration_mps2
    }

    /// The car stands and shall be kept standing (brake hold).
    #[must_use]
    pub fn hold(&self) -> bool {
        self.record.hold
    }

    /// What this command was, as plain data for the recording. No way leads back.
    #[must_use]
    pub fn record(&self) -> SafeCommandRecord {
        self.record
    }
}

/// A [`SafeCommand`] as plain data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SafeCommandRecord {
    /// The tick it was made for.
    pub stamp_ns: i64,
    /// Whether anything may be sent.
    pub active: bool,
    /// The front wheel's angle, rad.
    pub steering_angle_rad: f64,
    /// Acceleration forwards, m/s².
    pub acceleration_mps2: f64,
    /// Brake hold.
    pub hold: bool,
    /// The gate's state after this tick.
    pub state: GateState,
    /// The envelope in force; `None` while silent.
    pub mode: Option<Mode>,
    /// Why the gate is in this state: the reason of its last transition.
    pub reason: Reason,
    /// Whether the transition happened in this tick.
    pub changed: bool,
    /// Why a waiting request to engage is not granted.
    pub refused: Option<Reason>,
    /// The wanted steering was cut.
    pub steering_limited: bool,
    /// The wanted acceleration was cut.
    pub acceleration_limited: bool,
}
