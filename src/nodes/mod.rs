//! One thin adapter per node: messages in, a pure crate's function, messages out.

pub mod camera;
pub mod control;
pub mod faulty;
pub mod gate;
pub mod localization;
pub mod network;
pub mod odometry;
pub mod perception;
pub mod planning;
pub mod platform;
pub mod scene;
