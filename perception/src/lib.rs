//! Camera, lidar, fusion, tracking, prediction and localization.
//!
//! Everything here is a function of its inputs and its own state: no clock, no thread, no file, no socket. A network's
//! tensors are reached through the trait [`Network`](network::Network); who runs it is not known here.

pub mod camera;
mod error;
pub mod lidar;
pub mod localization;
pub mod network;
pub mod prediction;
pub mod tracking;

pub use error::PerceptionError;

#[cfg(test)]
mod tests_support;
