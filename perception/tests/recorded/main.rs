//! Perception against recorded drives: KITTI, where it is there.
#![allow(missing_docs, clippy::print_stdout)]

mod detection;
mod driving;
mod kitti;
mod scoring;
mod tracking;
