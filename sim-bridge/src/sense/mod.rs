//! What the simulator's sensors see: shapes, the town as geometry, the lidar and the camera.
//!
//! [`StaticScene`] is built once from the map and shared; [`LidarCaster`] casts rays against it and against the road users'
//! meshes. Both sensors see the same triangles and the same ground.

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
