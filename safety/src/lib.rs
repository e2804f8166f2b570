//! The gate: the last check before a command leaves.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod command;
mod config;
mod gate;
mod input;
mod state;

pub use command::{SafeCommand, SafeCommandRecord};
pub use config::{
    ConfigError, DriverOverride, EmergencyBrake, Envelope, GateConfig, SPEED_TABLE_ROWS_MAX, SpeedTable,
    Timeouts, VehicleLimits,
};
pub use gate::Gate;
pub use input::{Command, Engage, EngageRequest, GateInputs, Nanos, NearestObstacle, VehicleState};
pub use state::{GateState, Mode, Reason};
