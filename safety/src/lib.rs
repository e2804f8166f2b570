//! The gate: the last check before a command leaves.
