//! Perception against recorded drives: KITTI, where it is there.
#![allow(missing_docs, clippy::print_stdout, clippy::unwrap_used, dead_code)]

mod detection;
mod driving;
mod kitti;
mod scoring;
mod tracking;
