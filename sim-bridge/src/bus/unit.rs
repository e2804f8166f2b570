//! The simulated car's control unit on the bus: says state and driver, hears commands, and trusts nobody.
//!
//! It obeys commands that are sealed, in order and within what the car can do. When none came for the time-out, or when two
//! speak in the stack's name, it stops the car on its own account; and once it does so it goes on until the car stands and
//! keeps it standing, whatever comes. Only a new start ends that.

use super::layout::{Layout, Sealed};
use crate::plant::{Command, PlantParameters, PlantState};
use crate::sensors::Wheels;
use auriga_geometry::{LogicalDuration, LogicalTime};
use auriga_hal::HalError;
use auriga_hal::can::{CanFrame, CanId, Database, Guard, VehicleProfile, Verdict};
use auriga_messages::auriga_msgs::Engage;

/// A command that turns the wheels faster than they can by this factor is nobody's who knows the car.
const RATE_ALLOWANCE: f64 = 1.5;
/// For what rounds and jitters, rad.
const ANGLE_ALLOWANCE: f64 = 0.005;

/// Why the control unit stops the car.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// No command for the time-out.
    Silence,
    /// Two speak in the stack's name.
    Contradiction,
}

impl StopReason {
    /// For people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Silence => "no command",
            Self::Contradiction => "two senders of commands",
        }
    }
}

/// What became of the command frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CommandCounts {
    /// Obeyed.
    pub obeyed: u64,
    /// The same again.
    pub repeated: u64,
    /// Wrong checksum, or too short.
    pub corrupted: u64,
    /// Out of order, contradicted, or too soon after that.
    pub distrusted: u64,
    /// More than the car can do, or not active.
    pub refused: u64,
    /// Came after the car began to stop on its own account.
    pub too_late: u64,
}

/// The control unit.
#[derive(Clone, Debug)]
pub struct ControlUnit {
    state: Sealed<3>,
    driver: Sealed<4>,
    command: Layout<4>,
    guard: Option<Guard>,
    wheels: Wheels,
    timeout: LogicalDuration,
    timeout_deceleration: f64,
    angle_most: f64,
    angle_rate_most: f64,
    acceleration_range: (f64, f64),
    obeyed: Option<(LogicalTime, Command)>,
    /// The wheel angle before the command that was obeyed last.
    angle_before: f64,
    stop: Option<(LogicalTime, StopReason)>,
    counts: CommandCounts,
}

impl ControlUnit {
    /// A control unit that has heard nothing yet. Layouts come from the DBC file, protection from the profile.
    ///
    /// # Errors
    /// A database without the simulated car's messages.
    pub fn new(
        profile: &VehicleProfile,
        database: &Database,
        plant: &PlantParameters,
        wheels: Wheels,
    ) -> Result<Self, HalError> {
        let file = &profile.dbc;
        let state = Layout::bind(database, file, "STATE", ["SPEED", "STEERING_ANGLE", "STANDSTILL"])?;
        let driver = Layout::bind(database, file, "DRIVER", ["TORQUE", "BRAKE", "GAS", "ENGAGE"])?;
        let signals = ["ACTIVE", "HOLD", "STEERING_ANGLE", "ACCELERATION"];
        Ok(Self {
            state: Sealed::new(state, profile.protection("STATE")),
            driver: Sealed::new(driver, profile.protection("DRIVER")),
            command: Layout::bind(database, file, "COMMAND", signals)?,
            guard: profile.protection("COMMAND").map(Guard::new),
            wheels,
            timeout: LogicalDuration::from_secs_f64(plant.ecu.command_timeout_s),
            timeout_deceleration: plant.ecu.timeout_deceleration_mps2,
            angle_most: plant.steering.max_angle_rad,
            angle_rate_most: plant.steering.max_rate_radps,
            acceleration_range: (-plant.drive.max_deceleration_mps2, plant.drive.max_acceleration_mps2),
            obeyed: None,
            angle_before: 0.0,
            stop: None,
            counts: CommandCounts::default(),
        })
    }

    /// Which message carries the commands.
    #[must_use]
    pub fn command_id(&self) -> CanId {
        self.command.id()
    }

    /// Since when, and why, it stops the car on its own account.
    #[must_use]
    pub fn stop(&self) -> Option<(LogicalTime, StopReason)> {
        self.stop
    }

    /// When it last obeyed a command.
    #[must_use]
    pub fn last_obeyed(&self) -> Option<LogicalTime> {
        self.obeyed.map(|(at, _)| at)
    }

    /// What became of the command frames so far.
    #[must_use]
    pub fn counts(&self) -> CommandCounts {
        self.counts
    }

    /// Notices that commands stay away. The actuators' own time-out brakes by then.
    pub fn watch(&mut self, now: LogicalTime) {
        if let Some((at, _)) = self.obeyed
            && self.stop.is_none()
            && now.since(at) > self.timeout
        {
            self.stop = Some((at + self.timeout, StopReason::Silence));
        }
    }

    /// Takes a command frame in; what it gives is for the actuators.
    pub fn hear(&mut self, now: LogicalTime, frame: &CanFrame) -> Option<Command> {
        self.watch(now);
        let verdict = self.guard.as_mut().map_or(Verdict::Accepted(0), |guard| guard.judge(now, frame));
        let counter = match verdict {
            Verdict::Accepted(_) => return self.obey(now, frame),
            Verdict::Repeated => &mut self.counts.repeated,
            Verdict::Corrupted => &mut self.counts.corrupted,
            Verdict::OutOfOrder | Verdict::OnProbation | Verdict::Contradicted => &mut self.counts.distrusted,
        };
        *counter += 1;
        if verdict != Verdict::Contradicted || self.stop.is_some() || self.obeyed.is_none() {
            return None;
        }
        self.stop = Some((now, StopReason::Contradiction));
        // The last command may be the false one.
        let steering_angle = self.angle_before;
        Some(Command { active: true, steering_angle, acceleration: -self.timeout_deceleration, hold: true })
    }

    fn obey(&mut self, now: LogicalTime, frame: &CanFrame) -> Option<Command> {
        let [active, hold, steering_angle, acceleration] = self.command.read(frame)?;
        let (lowest, highest) = self.acceleration_range;
        let jumps = self.obeyed.is_some_and(|(at, before)| {
            let most = RATE_ALLOWANCE * self.angle_rate_most * now.since(at).as_secs_f64();
            (steering_angle - before.steering_angle).abs() > most + ANGLE_ALLOWANCE
        });
        if active < 1.0
            || jumps
            || steering_angle.abs() > self.angle_most
            || !(lowest..=highest).contains(&acceleration)
        {
            self.counts.refused += 1;
            return None;
        }
        if self.stop.is_some() {
            self.counts.too_late += 1;
            return None;
        }
        let command = Command { active: true, steering_angle, acceleration, hold: hold > 0.0 };
        self.angle_before = self.obeyed.map_or(steering_angle, |(_, before)| before.steering_angle);
        self.obeyed = Some((now, command));
        self.counts.obeyed += 1;
        Some(command)
    }

    /// What the wheels say.
    ///
    /// # Errors
    /// A motion that the message cannot hold.
    pub fn say_state(&mut self, now: LogicalTime, motion: &PlantState) -> Result<CanFrame, HalError> {
        let measured = self.wheels.measure(now, motion);
        let stands = f64::from(u8::from(measured.speed_mps == 0.0));
        self.state.frame([measured.speed_mps, measured.steering_angle_rad, stands])
    }

    /// What the driver does: nothing but press the switch, once, after the warm-up.
    ///
    /// # Errors
    /// Never with the simulated car's own messages.
    pub fn say_driver(&mut self, pressed: bool) -> Result<CanFrame, HalError> {
        let engage = if pressed { Engage::AUTOMATED } else { Engage::DISENGAGE };
        self.driver.frame([0.0, 0.0, 0.0, f64::from(engage)])
    }
}
