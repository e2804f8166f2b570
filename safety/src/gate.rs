//! The gate itself.

use crate::command::{SafeCommand, SafeCommandRecord};
use crate::config::{ConfigError, GateConfig};
use crate::input::{GateInputs, Nanos};
use crate::state::{GateState, Reason};

/// The last check before a command leaves. See the crate's documentation.
#[derive(Debug)]
pub struct Gate {
    config: GateConfig,
}

impl Gate {
    /// A silent gate.
    ///
    /// # Errors
    /// A configuration that cannot be meant.
    pub fn new(config: GateConfig) -> Result<Self, ConfigError> {
        config.validate()?;
        Ok(Self { config })
    }

    /// What it was told.
    #[must_use]
    pub fn config(&self) -> &GateConfig {
        &self.config
    }

    /// One tick: judges the snapshots at logical time `now_ns` and gives the one command that may leave.
    pub fn step(&mut self, now_ns: Nanos, inputs: &GateInputs) -> SafeCommand {
        let _ = inputs;
        SafeCommand::new(SafeCommandRecord {
            stamp_ns: now_ns,
            active: false,
            steering_angle_rad: 0.0,
            acceleration_mps2: 0.0,
            hold: false,
            state: GateState::Silent,
            mode: None,
            reason: Reason::StartUp,
            changed: false,
            refused: None,
            steering_limited: false,
            acceleration_limited: false,
        })
    }
}
