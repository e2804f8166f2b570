//! The car that carries the sensors: simulated right here, or somewhere else behind a bus.

use crate::plant::{Command, Plant, PlantState};
use crate::sensors::Wheels;
use crate::world::Ego;
use auriga_geometry::{LogicalDuration, LogicalTime};
use auriga_hal::HalError;
use auriga_messages::auriga_msgs::{Engage, VehicleState};
use auriga_messages::builtin_interfaces::Time;
use crossbeam_channel::Receiver;
use std::collections::VecDeque;

/// The stack is asked to drive from here on.
pub(crate) const WARM_UP: LogicalDuration = LogicalDuration::from_millis(1_000);
/// As many commands may wait for their instant.
const QUEUE: usize = 256;

/// The car that carries the sensors.
pub trait EgoCar: Ego + Send {
    /// Moves on to `now`.
    ///
    /// # Errors
    /// The car is gone.
    fn advance(&mut self, now: LogicalTime) -> Result<(), HalError>;

    /// What its own bus says of it at `now`; `None` when there is no news.
    fn vehicle_state(&mut self, now: LogicalTime) -> Option<VehicleState>;

    /// Who shall drive, as its switch says at `now`; `None` as long as nobody touched it.
    fn engage(&mut self, now: LogicalTime) -> Option<Engage>;
}

/// A car that is simulated right here. Its switch is pressed for it after the warm-up.
#[derive(Debug)]
pub struct OwnCar {
    plant: Plant,
    wheels: Wheels,
    queue: VecDeque<(LogicalTime, Command)>,
    commands: Receiver<(LogicalTime, Command)>,
}

impl OwnCar {
    /// A car that takes the commands that come through a channel.
    pub fn new(plant: Plant, wheels: Wheels, commands: Receiver<(LogicalTime, Command)>) -> Self {
        Self { plant, wheels, queue: VecDeque::with_capacity(QUEUE), commands }
    }
}

impl Ego for OwnCar {
    fn state(&self) -> &PlantState {
        self.plant.state()
    }

    fn braking(&self) -> bool {
        self.plant.braking()
    }
}

impl EgoCar for OwnCar {
    fn advance(&mut self, now: LogicalTime) -> Result<(), HalError> {
        self.queue.extend(self.commands.try_iter());
        self.plant.advance(now, &mut self.queue);
        Ok(())
    }

    fn vehicle_state(&mut self, now: LogicalTime) -> Option<VehicleState> {
        Some(self.wheels.measure(now, self.plant.state()))
    }

    fn engage(&mut self, now: LogicalTime) -> Option<Engage> {
        let engage = Engage { stamp: Time::from(now), since: Time::from(now), request: Engage::AUTOMATED };
        (now >= LogicalTime::ZERO + WARM_UP).then_some(engage)
    }
}
