//! The control unit on the bus: takes commands, and stops the car when they stay away.

use super::parameters;
use auriga_geometry::{LogicalDuration, LogicalTime};

/// What the gate wants, as the bus delivers it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Command {
    /// Whether the stack commands at all.
    pub active: bool,
    /// Front wheel angle, rad.
    pub steering_angle: f64,
    /// m/s².
    pub acceleration: f64,
    /// Keep standing.
    pub hold: bool,
}

/// What the control unit asks of the actuators.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Demand {
    /// Front wheel angle, rad.
    pub steering_angle: f64,
    /// m/s².
    pub acceleration: f64,
}

/// The control unit.
///
/// Until the first active command somebody else drives: the car keeps its speed, straight on. From then on the car brakes
/// by itself whenever no active command came for the time-out.
#[derive(Clone, Debug)]
pub struct Ecu {
    timeout: LogicalDuration,
    timeout_deceleration: f64,
    last: Option<(LogicalTime, Command)>,
}

impl Ecu {
    /// A control unit that has not heard anything yet.
    #[must_use]
    pub fn new(parameters: &parameters::Ecu) -> Self {
        Self {
            timeout: LogicalDuration::from_secs_f64(parameters.command_timeout_s),
            timeout_deceleration: parameters.timeout_deceleration_mps2,
            last: None,
        }
    }

    /// Takes a command that comes into effect at `at`. One that is not active, or not finite, is not listened to.
    pub fn receive(&mut self, at: LogicalTime, command: Command) {
        if command.active && command.steering_angle.is_finite() && command.acceleration.is_finite() {
            self.last = Some((at, command));
        }
    }

    /// What is in force at `now`, while the car drives at `speed`.
    #[must_use]
    pub fn demand(&self, now: LogicalTime, speed: f64) -> Demand {
        match self.last {
            None if speed > 0.0 => Demand { steering_angle: 0.0, acceleration: 0.0 },
            None => Demand { steering_angle: 0.0, acceleration: -1.0 },
            Some((at, command)) if now.since(at) <= self.timeout => Demand {
                steering_angle: command.steering_angle,
                acceleration: if command.hold {
                    command.acceleration.min(-1.0)
                } else {
                    command.acceleration
                },
            },
            Some((_, command)) => {
                Demand { steering_angle: command.steering_angle, acceleration: -self.timeout_deceleration }
            }
        }
    }
}
