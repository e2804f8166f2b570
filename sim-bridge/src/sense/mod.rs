//! What the simulator's sensors see: shapes, the town as geometry, the lidar and the camera.
//!
//! [`StaticScene`] is built once from the map and shared; [`LidarCaster`] casts rays against it and against the road users'
//! meshes; [`CameraRenderer`] draws them. Both see the same triangles and the same ground.
//!
//! ```no_run
//! use auriga_sim_bridge::sense::{LidarCaster, StaticScene};
//! use auriga_sim_bridge::world::WorldSnapshot;
//! use std::sync::Arc;
//!
//! fn one_turn(map: &auriga_map::Map, rig: &auriga_hal::LidarRig, turn: &[WorldSnapshot]) {
//!     let scene = Arc::new(StaticScene::new(map, 1));
//!     let mut cloud = Default::default();
//!     LidarCaster::new(rig, scene, 1).scan(turn, &mut cloud);
//! }
//! ```

pub mod camera;
pub mod dataset;
pub mod ground;
pub mod library;
pub mod lidar;
pub mod mesh;
pub mod scene;
#[cfg(test)]
mod town;

pub use camera::CameraRenderer;
pub use lidar::LidarCaster;
pub use scene::StaticScene;
