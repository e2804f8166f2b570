//! Everything about Rerun, off the hot path.
