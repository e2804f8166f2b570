//! All shapes of road users, built once, and the choice among them by an actor's kind and appearance.

use super::mesh::bvh::Bvh;
use super::mesh::car::{Body, car};
use super::mesh::{Mesh, Vec3f, person, truck};
use crate::world::{ActorKind, ActorSnapshot};
use auriga_geometry::math::TAU;
use std::sync::{Arc, LazyLock};

const BODIES: [Body; 5] = [Body::Saloon, Body::Hatchback, Body::Estate, Body::Suv, Body::Van];
const VARIANTS: usize = 3;
const WALKERS: usize = 8;
const STEPS: usize = 12;
const RIDERS: usize = 4;
const TURNS: usize = 8;

/// Linear colours of cars: greys, black and white as often as on the road.
const PAINTS: [[f32; 3]; 12] = [
    [0.60, 0.60, 0.61],
    [0.74, 0.74, 0.72],
    [0.70, 0.70, 0.69],
    [0.02, 0.02, 0.022],
    [0.025, 0.025, 0.03],
    [0.08, 0.085, 0.09],
    [0.28, 0.29, 0.30],
    [0.35, 0.02, 0.02],
    [0.03, 0.07, 0.22],
    [0.02, 0.04, 0.09],
    [0.10, 0.16, 0.12],
    [0.40, 0.36, 0.28],
];

/// A mesh with the hierarchy to cast rays at it.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    /// The surface.
    pub mesh: Mesh,
    /// Over its triangles.
    pub bvh: Bvh,
    /// Least and greatest coordinates, metres.
    pub bounds: (Vec3f, Vec3f),
}

impl Shape {
    fn new(mesh: Mesh) -> Self {
        Self { bvh: Bvh::new(&mesh), bounds: mesh.bounds(), mesh }
    }
}

/// Every shape of a road user.
#[derive(Clone, Debug, Default)]
pub struct Library {
    shapes: Vec<Shape>,
    trucks: usize,
    walkers: usize,
    riders: usize,
}

/// Spreads the bits of a seed.
fn spread(seed: u32) -> u32 {
    let a = (seed ^ (seed >> 16)).wrapping_mul(0x7FEB_352D);
    let b = (a ^ (a >> 15)).wrapping_mul(0x846C_A68B);
    b ^ (b >> 16)
}

impl Library {
    /// Builds all shapes.
    #[must_use]
    pub fn new() -> Self {
        let mut meshes = Vec::new();
        for body in BODIES {
            for variant in 0..VARIANTS as u32 {
                meshes.push(car(body, variant));
            }
        }
        let trucks = meshes.len();
        meshes.extend((0..3).map(truck::truck));
        meshes.push(truck::bus());
        let walkers = meshes.len();
        for look in 0..WALKERS as u32 {
            meshes.extend((0..STEPS).map(|step| person::pedestrian(look, step as f32 / STEPS as f32)));
        }
        let riders = meshes.len();
        for look in 0..RIDERS as u32 {
            meshes.extend((0..TURNS).map(|turn| person::cyclist(look, turn as f32 / TURNS as f32)));
        }
        Self { shapes: meshes.into_iter().map(Shape::new).collect(), trucks, walkers, riders }
    }

    /// The shapes, built at the first call and then shared by all scenes.
    #[must_use]
    pub fn shared() -> Arc<Self> {
        static LIBRARY: LazyLock<Arc<Library>> = LazyLock::new(|| Arc::new(Library::new()));
        Arc::clone(&LIBRARY)
    }

    /// The shape of an actor, and the factors by which it is stretched to the actor's length, width and height.
    #[must_use]
    pub fn shape_of(&self, actor: &ActorSnapshot) -> (&Shape, Vec3f) {
        let dice = spread(actor.appearance);
        let phase = |steps: usize| {
            let share = actor.walk_phase / TAU;
            ((share - share.floor()) * steps as f64) as usize % steps
        };
        let index = match actor.kind {
            ActorKind::Car => body_of(actor, dice) * VARIANTS + (dice >> 8) as usize % VARIANTS,
            ActorKind::Van => 4 * VARIANTS + (dice >> 8) as usize % VARIANTS,
            ActorKind::Truck => self.trucks + dice as usize % 3,
            ActorKind::Bus => self.trucks + 3,
            ActorKind::Pedestrian => self.walkers + dice as usize % WALKERS * STEPS + phase(STEPS),
            ActorKind::Cyclist => self.riders + dice as usize % RIDERS * TURNS + phase(TURNS),
        };
        let shape = &self.shapes[index];
        let size = shape.mesh.size;
        let fit = |extent: f64, nominal: f32| (extent as f32 / nominal).clamp(0.2, 5.0);
        let up = fit(actor.height, size.z);
        let scale = match actor.kind {
            ActorKind::Pedestrian => Vec3f::repeat(up),
            ActorKind::Cyclist => Vec3f::new(fit(actor.length, size.x), up, up),
            _ => Vec3f::new(fit(actor.length, size.x), fit(actor.width, size.y), up),
        };
        (shape, scale)
    }
}

/// The body that an appearance asks for, or one that suits the actor's height better.
fn body_of(actor: &ActorSnapshot, dice: u32) -> usize {
    let wanted = [0, 0, 0, 1, 1, 2, 3, 3][dice as usize % 8];
    let height = [1.45, 1.48, 1.49, 1.68];
    let off = |body: usize| (actor.height / height[body] - 1.0).abs();
    if off(wanted) < 0.09 {
        return wanted;
    }
    (0..4).min_by(|&a, &b| off(a).total_cmp(&off(b))).unwrap_or(wanted)
}

/// The linear colour of an actor's paint.
#[must_use]
pub fn paint_of(actor: &ActorSnapshot) -> [f32; 3] {
    if actor.kind == ActorKind::Bus {
        return [[0.55, 0.05, 0.04], [0.62, 0.50, 0.08], [0.60, 0.60, 0.58]][actor.appearance as usize % 3];
    }
    PAINTS[(spread(actor.appearance) >> 16) as usize % PAINTS.len()]
}
