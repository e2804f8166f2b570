//! Shapes of road users and scenery as triangles with a material each.
//!
//! One set of meshes serves the lidar and the camera, so that both sensors see the same car. A mesh stands on the ground at
//! its origin, x forward, y left, z up, metres; [`Mesh::size`] is its nominal box, to which the caster and the renderer
//! scale it.

pub mod builder;
pub mod bvh;
pub mod car;
pub mod person;
pub mod scenery;
pub mod truck;

use nalgebra::Vector3;

/// A point or direction in single precision, metres.
pub type Vec3f = Vector3<f32>;

/// What a surface is made of: decides its colour's use, its gloss, its light, and what a lidar gets back from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Material {
    /// Dull and unlit: plastic, bumper, chassis.
    Matte,
    /// Car paint; the road user's own colour replaces the triangle's.
    Paint,
    /// Windows.
    Glass,
    /// Bare or chromed metal.
    Metal,
    /// Rubber.
    Tyre,
    /// Clothes.
    Cloth,
    /// Skin and hair.
    Skin,
    /// A headlamp, always lit.
    Headlamp,
    /// A tail lamp: glows, bright while braking.
    TailLamp,
    /// An indicator on the left side.
    IndicatorLeft,
    /// An indicator on the right side.
    IndicatorRight,
    /// A number plate: returns the light to where it came from.
    Plate,
    /// A wall with windows.
    Facade,
    /// A roof or plain masonry.
    Masonry,
    /// Leaves.
    Foliage,
    /// Bark and wood.
    Bark,
    /// The red lens of a traffic light.
    LensRed,
    /// The yellow lens of a traffic light.
    LensYellow,
    /// The green lens of a traffic light.
    LensGreen,
    /// A traffic sign's face.
    Sign,
    /// The road's surface.
    Asphalt,
    /// A road mark.
    RoadMark,
    /// Pavement and kerb.
    Concrete,
    /// Grass and soil.
    Grass,
}

/// One triangle. Its corners may run either way round: whoever shades it turns the normals to the viewer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Triangle {
    /// Corners, metres.
    pub corners: [Vec3f; 3],
    /// Unit normals at the corners.
    pub normals: [Vec3f; 3],
    /// What it is made of.
    pub material: Material,
    /// Linear reflectance (or, of a lamp, radiance) in red, green and blue.
    pub color: [f32; 3],
}

/// A shape.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mesh {
    /// Its surface.
    pub triangles: Vec<Triangle>,
    /// Nominal length, width and height, metres.
    pub size: Vec3f,
}

impl Mesh {
    /// The least and greatest coordinates of its corners.
    #[must_use]
    pub fn bounds(&self) -> (Vec3f, Vec3f) {
        let least = Vec3f::repeat(f32::INFINITY);
        self.triangles
            .iter()
            .flat_map(|triangle| triangle.corners)
            .fold((least, -least), |(low, high), corner| (low.inf(&corner), high.sup(&corner)))
    }
}
