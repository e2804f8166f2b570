//! What a camera adds: road users as boxes in the picture, and the colour of traffic lights.
//!
//! Before and after a network only; the network itself is a [`Network`](crate::network::Network).

mod picture;
mod traffic_light;
mod yolox;

pub use picture::Picture;
pub use traffic_light::{
    LightColor, LightCrop, LightFilter, LightRegion, LightSelector, LightSelectorConfig,
};
pub use yolox::{Letterbox, Yolox, YoloxConfig};
