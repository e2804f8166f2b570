//! The simulated car: tyres, drive, brakes, steering and its control unit. Its own code and its own figures, so that the
//! stack's vehicle models are never tested against themselves.

mod actuator;
mod dynamics;
mod ecu;
mod parameters;

pub use dynamics::{Plant, PlantState, Push};
pub use ecu::{Command, Demand, Ecu};
pub use parameters::PlantParameters;
