//! The world around the ego car: road users, lights, and what sensors can see of them.

mod state;

pub use state::{ActorKind, ActorSnapshot, EgoSnapshot, LightColor, WorldSnapshot};
