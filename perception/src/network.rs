//! A neural network as perception sees it: tensors in, tensors out. Who runs it, and where, is not known here.

use crate::PerceptionError;

/// A loaded network with its own input and output memory.
pub trait Network {
    /// The values of input `i`, to be filled before [`run`](Self::run); row-major in the network's shape.
    fn input_mut(&mut self, i: usize) -> &mut [f32];

    /// Computes the outputs from the inputs.
    ///
    /// # Errors
    /// Whatever the one who runs it reports.
    fn run(&mut self) -> Result<(), PerceptionError>;

    /// The values of output `i` after [`run`](Self::run); row-major in the network's shape.
    fn output(&self, i: usize) -> &[f32];
}
