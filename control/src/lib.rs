//! Lateral and longitudinal tracking of a trajectory.
//!
//! Steering is predictive ([`qp`] is its solver), with a feedback law that takes over in the same tick when that fails.
//! The controller turns the latest trajectory, ego state and vehicle state into one command a tick. It plans nothing and
//! knows no map: what it can't track it answers with a controlled stop.
//!
//! ```
//! use auriga_control::{Controller, ControllerConfig, Status};
//! use auriga_geometry::LogicalTime;
//! use auriga_messages::autoware_control_msgs::Control;
//! use auriga_vehicle::VehicleParameters;
//!
//! let mut controller = Controller::new(ControllerConfig::default(), VehicleParameters::default())?;
//! let mut command = Control::default();
//! let status = controller.step(LogicalTime::ZERO, None, None, None, &mut command)?;
//! assert_eq!(status, Status::NoEgo);
//! assert!(command.longitudinal.acceleration < 0.0);
//! # Ok::<(), auriga_control::ControlError>(())
//! ```

mod config;
mod controller;
mod dead_time;
mod error;
mod feedback;
mod lateral;
mod longitudinal;
mod mpc;
mod observer;
pub mod qp;
mod reference;

pub use config::{ControllerConfig, LateralLaw, MpcConfig, MpcWeights};
pub use controller::{Controller, Status};
pub use error::ControlError;
pub use lateral::LateralReport;
pub use mpc::{STEPS, SolveReport};
pub use reference::PathError;
