//! Lateral and longitudinal tracking of a trajectory.
