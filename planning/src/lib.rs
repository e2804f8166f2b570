//! Route, behavior and motion planning.
