//! A spinning lidar, ray-cast against the scene.
//!
//! A turn begins and ends at the rear (azimuth ±180°) and runs clockwise seen from above, as real sensors do: column 0 looks
//! back, a quarter of the turn later to the left, half a turn later ahead. Each column has its own instant, at which the car
//! and every road user are where their motion has them; points are in the sensor's frame at that instant, uncorrected.
//! Ring 0 is the lowest beam.
//!
//! Objects are cast one by one: each is tested only against the beams and columns of the angular window around its box, so
//! that the cost follows what is in sight and not beams × objects.

mod caster;
mod cloud;
mod returns;
mod solid;
mod sweep;
#[cfg(test)]
mod tests;

pub use caster::LidarCaster;
