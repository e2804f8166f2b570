//! The built-in simulator: a town with traffic, a car with tyres, and the sensors that see them.
//!
//! The plant is its own code: the stack's vehicle models are never tested against themselves.

pub mod sense;
pub mod world;
