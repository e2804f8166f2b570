//! The actuating half: safe commands travel to the simulated car through a bounded queue.

use crate::plant::Command;
use auriga_geometry::LogicalTime;
use auriga_hal::{HalError, Vehicle};
use auriga_safety::SafeCommand;
use crossbeam_channel::{Sender, TrySendError};

/// Writes commands to the simulated car's bus.
#[derive(Clone, Debug)]
pub struct BusWriter {
    sender: Sender<(LogicalTime, Command)>,
    last: LogicalTime,
}

impl BusWriter {
    /// A writer to a bus whose other end the car reads.
    #[must_use]
    pub fn new(sender: Sender<(LogicalTime, Command)>) -> Self {
        Self { sender, last: LogicalTime::ZERO }
    }

    fn send(&mut self, effective_at: LogicalTime, command: Command) -> Result<(), HalError> {
        // Commands take effect in the order in which they were given.
        self.last = self.last.max(effective_at);
        self.sender.try_send((self.last, command)).map_err(|error| HalError::Platform {
            platform: "embedded",
            problem: match error {
                TrySendError::Full(_) => "the command queue is full: commands come without ticks".to_owned(),
                TrySendError::Disconnected(_) => {
                    "the simulated car is gone: its sensing half was dropped".to_owned()
                }
            },
        })
    }
}

impl Vehicle for BusWriter {
    fn actuate(&mut self, command: SafeCommand, effective_at: LogicalTime) -> Result<(), HalError> {
        self.send(
            effective_at,
            Command {
                active: command.active(),
                steering_angle: command.steering_angle_rad(),
                acceleration: command.acceleration_mps2(),
                hold: command.hold(),
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_is_an_error_and_not_a_wait() {
        let (sender, _receiver) = crossbeam_channel::bounded(2);
        let mut bus = BusWriter::new(sender);
        assert!(bus.send(LogicalTime::ZERO, Command::default()).is_ok());
        assert!(bus.send(LogicalTime::ZERO, Command::default()).is_ok());
        let error = bus.send(LogicalTime::ZERO, Command::default()).unwrap_err();
        assert!(error.to_string().contains("full"));
    }
}
