//! A node that is made to fail, for tests of what the rest does then.

use crate::fault::{NodeFault, NodeFaultKind};
use auriga_runtime::{Node, NodeError, Step};

/// A node, and when it fails. Without faults it is the node.
pub struct Faulty<N> {
    /// The node.
    pub node: N,
    /// What goes wrong with it.
    pub faults: Vec<NodeFault>,
}

impl<N: Node> Node for Faulty<N> {
    type Inputs = N::Inputs;
    type Outputs = N::Outputs;

    fn step(
        &mut self,
        step: &Step,
        inputs: &Self::Inputs,
        outputs: &mut Self::Outputs,
    ) -> Result<(), NodeError> {
        let in_force = self.faults.iter().filter(|fault| fault.window.contains(step.release));
        for fault in in_force {
            match fault.kind {
                NodeFaultKind::Fail => return Err(NodeError::new("made to fail by --fault")),
                NodeFaultKind::Panic => panic!("made to panic by --fault"),
                NodeFaultKind::Overrun(_) | NodeFaultKind::Nan => {}
            }
        }
        self.node.step(step, inputs, outputs)
    }
}
