//! What the executor asks of a link to another process.

use super::RunError;
use crate::link::StepResult;
use crate::message::AnyMessage;

/// Carries steps and messages between processes, or a message through the transport and back within one. Both processes
/// run the same schedule, so that each knows what it has to wait for; a wait that takes too long is an error.
pub trait Exchange: Send {
    /// Tells the other process what became of a step.
    ///
    /// # Errors
    /// When the peer is lost.
    fn send_step(&mut self, step: &StepResult) -> Result<(), RunError>;

    /// Waits for a step of the other process.
    ///
    /// # Errors
    /// When the peer is lost or silent for too long.
    fn receive_step(&mut self, vertex: u16, index: u64) -> Result<StepResult, RunError>;

    /// Sends a message.
    ///
    /// # Errors
    /// When the peer is lost.
    fn send_message(&mut self, topic: u16, sequence: u32, message: &dyn AnyMessage) -> Result<(), RunError>;

    /// Waits for a message; its CDR bytes.
    ///
    /// # Errors
    /// When the peer is lost or silent for too long.
    fn receive_message(&mut self, topic: u16, sequence: u32) -> Result<Vec<u8>, RunError>;

    /// The run has ended well: waits until the other process has everything too.
    ///
    /// # Errors
    /// When the peer is lost before.
    fn finish(&mut self) -> Result<(), RunError> {
        Ok(())
    }
}
