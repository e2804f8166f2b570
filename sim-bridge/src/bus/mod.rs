//! The simulated car on a CAN bus: [`SimCar`] is the car, [`CanPlatform`] the bench around it.
//!
//! The two share nothing but the bus: the car's own messages (`configs/can/auriga_sim.dbc`) and a few of a test bench's
//! (`configs/can/auriga_bench.dbc`).
//!
//! ```
//! use auriga_hal::SensorRig;
//! use auriga_hal::can::{Database, VehicleProfile};
//! use auriga_geometry::LogicalTime;
//! use auriga_sim_bridge::bus::{CarSetup, SimCar, Start};
//! use auriga_sim_bridge::plant::PlantParameters;
//!
//! let read = |path: &str| std::fs::read_to_string(format!("{}/../configs/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap();
//! let setup = CarSetup {
//!     plant: PlantParameters::from_toml(&read("vehicles/auriga-sedan-plant.toml"), "plant.toml").unwrap(),
//!     wheels: SensorRig::from_toml(&read("sensors/default.toml"), "default.toml").unwrap().wheels,
//!     profile: VehicleProfile::from_toml(&read("vehicles/auriga-sim.toml"), "auriga-sim.toml").unwrap(),
//!     database: Database::from_dbc(&read("can/auriga_sim.dbc"), "auriga_sim.dbc").unwrap(),
//!     faults: Vec::new(),
//! };
//! let mut listener = setup.profile.bind(setup.database.clone()).unwrap();
//! let mut car = SimCar::new(setup, Start { speed: 8.0, ..Start::default() }).unwrap();
//! car.advance(LogicalTime::from_nanos(100_000_000)).unwrap();
//! for frame in car.said() {
//!     listener.hear(&frame);
//! }
//! assert!((listener.state().speed_mps.unwrap() - 8.0).abs() < 0.3);
//! ```

mod bench;
mod car;
mod fault;
mod layout;
mod platform;
mod unit;

pub use bench::{BenchMessages, Motion, Request, Start, Status};
pub use car::{CarReport, CarSetup, Pace, SimCar};
pub use fault::{Fault, FaultKind};
pub use platform::{BusToCar, CanPlatform, CanVehicle};
pub use unit::{CommandCounts, StopReason};
