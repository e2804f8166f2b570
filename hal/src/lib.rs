//! Platforms: a clock, sensors and a vehicle; readers of foreign recordings.
