//! The built-in simulator and CARLA's protocol.
