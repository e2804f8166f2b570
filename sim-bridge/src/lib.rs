//! The built-in simulator: a town with traffic, a car with tyres, and the sensors that see them.
//!
//! [`EmbeddedPlatform`] puts a [`Scenario`] behind the interface of a real car. Everything that happens is a function of the
//! scenario, the seed and the commands. The plant is its own code: the stack's vehicle models are never tested against
//! themselves.
//!
//! ```
//! use auriga_hal::{Platform, SensorRig, SensorSink};
//! use auriga_geometry::LogicalTime;
//! use auriga_map::Map;
//! use auriga_sim_bridge::{EmbeddedPlatform, Scenario, plant::PlantParameters};
//! use std::sync::Arc;
//!
//! let read = |path: &str| std::fs::read_to_string(format!("{}/../{path}", env!("CARGO_MANIFEST_DIR"))).unwrap();
//! let scenario = Scenario::from_toml(&read("configs/scenarios/short.toml"), "short.toml")?;
//! let map = Arc::new(Map::from_opendrive(&read(&scenario.map)).unwrap());
//! let rig = SensorRig::from_toml(&read("configs/sensors/default.toml"), "default.toml").unwrap();
//! let plant = PlantParameters::from_toml(&read("configs/vehicles/auriga-sedan-plant.toml"), "plant.toml")?;
//! let platform = EmbeddedPlatform::new(&scenario, &map, &rig, &plant, 1)?;
//! let mut parts = Box::new(platform).split();
//! let mut sink = SensorSink::default();
//! parts.sensors.tick(LogicalTime::ZERO, &mut sink).unwrap();
//! assert!(!sink.emissions.is_empty());
//! # Ok::<(), auriga_sim_bridge::SimError>(())
//! ```

pub mod bus;
mod error;
mod noise;
pub mod plant;
mod platform;
mod scenario;
pub mod sense;
pub mod sensors;
pub mod world;

pub use error::SimError;
pub use noise::Noise;
pub use platform::{EmbeddedPlatform, TICK};
pub use scenario::{
    ActorPlan, Controls, EgoPlan, LightPlan, Place, RedLight, Scenario, Success, TrafficPlan,
};
