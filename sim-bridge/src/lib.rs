//! The built-in simulator: a town with traffic, a car with tyres, and the sensors that see them.
//!
//! The plant is its own code: the stack's vehicle models are never tested against themselves.

mod error;
mod noise;
pub mod plant;
mod scenario;
pub mod sense;
pub mod sensors;
pub mod world;

pub use error::SimError;
pub use noise::Noise;
pub use scenario::{
    ActorPlan, Controls, EgoPlan, LightPlan, Place, RedLight, Scenario, Success, TrafficPlan,
};
