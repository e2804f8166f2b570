//! Inference as a node: it runs a network and does nothing else.
//!
//! What is made ready before, and read out afterwards, are nodes of their own (`src/nodes/camera.rs`), so that the
//! accelerator's time can be planned apart from theirs.

use auriga_hal::fault::Window;
use auriga_messages::auriga_msgs::NetworkTensor;
use auriga_perception::network::Network;
use auriga_runtime::{Latest, Node, NodeError, Output, Step};

/// Runs a network on each item of its input.
pub struct NetworkNode<N> {
    /// Absent: nothing is published.
    pub network: Option<N>,
    /// When its output is made NaN.
    pub spoiled: Vec<Window>,
}

impl<N: Network + Send + 'static> Node for NetworkNode<N> {
    type Inputs = (Latest<NetworkTensor>,);
    type Outputs = (Output<NetworkTensor>,);

    fn step(
        &mut self,
        step: &Step,
        (input,): &Self::Inputs,
        (out,): &mut Self::Outputs,
    ) -> Result<(), NodeError> {
        let (Some(input), Some(network)) = (input.fresh(), &mut self.network) else { return Ok(()) };
        let item = network.input_mut(0).len();
        if !input.data.len().is_multiple_of(item.max(1)) {
            let problem = format!("{} values, the network takes {item} at a time", input.data.len());
            return Err(NodeError(problem));
        }
        let out = out.write();
        out.header.clone_from(&input.header);
        out.input_per_picture_pixel = input.input_per_picture_pixel;
        out.signals.clone_from(&input.signals);
        for values in input.data.chunks_exact(item.max(1)) {
            network.input_mut(0).copy_from_slice(values);
            network.run().map_err(NodeError::new)?;
            out.data.extend_from_slice(network.output(0));
        }
        if self.spoiled.iter().any(|window| window.contains(step.release)) {
            out.data.fill(f32::NAN);
        }
        if !out.data.iter().all(|value| value.is_finite()) {
            return Err(NodeError::new("the network's output is not finite"));
        }
        Ok(())
    }
}
