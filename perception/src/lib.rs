//! Camera, lidar, fusion, tracking, prediction and localization.
