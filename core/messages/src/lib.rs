//! The types that flow between the nodes, with their units and frames.
