//! The front camera: a software renderer of the town, made so that networks trained on real roads work on its pictures.
//!
//! One instant, no motion blur. Triangles go through a depth buffer, the ground is analytic; sun, sky light, contact shadows
//! and cast shadows, a little gloss, haze; then softness, noise and a film-like tone curve. What is behind each pixel is
//! kept as depth and as the number of the object, for labels.

mod develop;
mod labels;
mod raster;
mod shade;
mod sky;
mod surface;
#[cfg(test)]
mod tests;
mod texture;
mod view;

pub use labels::{Subject, VisibleObject};

use super::StaticScene;
use super::ground::{CELLS_PER_METRE, Cell, Cover, KERB_HEIGHT};
use super::mesh::{Material, Vec3f};
use crate::world::WorldSnapshot;
use auriga_geometry::Pose3;
use auriga_hal::CameraRig;
use auriga_messages::sensor_msgs::Image;
use develop::Developer;
use raster::{Corner, Screen, Setup, clip};
use shade::{Owner, Point, shade};
use sky::Sky;
use std::sync::Arc;
use surface::{Tracks, ground_color};
use texture::Texture;
use view::View;

/// Renders pictures of a scene. Buffers are kept between pictures.
#[derive(Clone, Debug)]
pub struct CameraRenderer {
    scene: Arc<StaticScene>,
    optical: Pose3,
    view: View,
    sky: Sky,
    texture: Texture,
    tracks: Tracks,
    developer: Developer,
    frame: Frame,
    seed: u64,
}

/// One picture's buffers, row by row.
#[derive(Clone, Debug)]
struct Frame {
    inverse_depth: Vec<f32>,
    /// Number of the triangle in front plus 1; 0: none.
    triangle: Vec<u32>,
    /// How much of the sun and of the sky the ground gets.
    ground_light: Vec<(f32, f32)>,
    light: Vec<Vec3f>,
    depth: Vec<f32>,
    instance: Vec<u32>,
}

/// The ground under a pixel.
struct GroundHit {
    depth: f32,
    cell: Cell,
    face: bool,
}

impl CameraRenderer {
    /// A camera as the rig describes it, in a scene. `seed` decides the day's light and the noise.
    #[must_use]
    pub fn new(rig: &CameraRig, scene: Arc<StaticScene>, seed: u64) -> Self {
        let pixels = rig.width * rig.height;
        let screen = Screen { width: rig.width, height: rig.height, focal: rig.focal_length() as f32 };
        Self {
            scene,
            optical: rig.optical_pose(),
            view: View::new(screen),
            sky: Sky::new(seed),
            texture: Texture::new(seed),
            tracks: Tracks::new(),
            developer: Developer::new(rig.width, rig.noise),
            frame: Frame {
                inverse_depth: vec![0.0; pixels],
                triangle: vec![0; pixels],
                ground_light: vec![(1.0, 1.0); pixels],
                light: vec![Vec3f::zeros(); pixels],
                depth: vec![f32::INFINITY; pixels],
                instance: vec![0; pixels],
            },
            seed,
        }
    }

    /// Renders one instant into `image` (`rgb8`), which is overwritten.
    pub fn render(&mut self, snapshot: &WorldSnapshot, image: &mut Image) {
        let camera = snapshot.ego.pose.compose(&self.optical);
        self.view.look(&camera, &self.scene, snapshot, self.sky.sun);
        self.rasterise();
        self.darken_ground();
        self.shade(snapshot);
        let Screen { width, height, .. } = self.view.screen;
        image.header.stamp = snapshot.time.into();
        set(&mut image.header.frame_id, "camera_front");
        set(&mut image.encoding, "rgb8");
        (image.height, image.width, image.step) = (height as u32, width as u32, width as u32 * 3);
        image.is_bigendian = 0;
        image.data.resize(width * height * 3, 0);
        let key = (snapshot.time.as_nanos() as u64 ^ self.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)) >> 7;
        let exposure = self.sky.exposure;
        self.developer.develop(&self.frame.light, width, exposure, key as u32, &mut image.data);
    }

    /// Depth along the optical axis of the last picture, row by row, metres; infinite in the sky.
    #[must_use]
    pub fn depth(&self) -> &[f32] {
        &self.frame.depth
    }

    /// Number of the object behind each pixel of the last picture, row by row: an index into
    /// [`Self::visible_objects`]' [`VisibleObject::instance`]; 0 for ground, sky and scenery.
    #[must_use]
    pub fn instances(&self) -> &[u32] {
        &self.frame.instance
    }

    fn rasterise(&mut self) {
        let frame = &mut self.frame;
        frame.inverse_depth.fill(0.0);
        frame.triangle.fill(0);
        for (i, drawn) in self.view.triangles.iter().enumerate() {
            drawn.setup.fill(&self.view.screen, |at, inverse| {
                if inverse > frame.inverse_depth[at] {
                    frame.inverse_depth[at] = inverse;
                    frame.triangle[at] = i as u32 + 1;
                }
            });
        }
    }

    /// Cast shadows, and the dark under every road user.
    fn darken_ground(&mut self) {
        let frame = &mut self.frame;
        frame.ground_light.fill((1.0, 1.0));
        for shadow in &self.view.shadows {
            shadow.fill(&self.view.screen, |at, _| frame.ground_light[at].0 = 0.0);
        }
        let (cx, cy) = self.view.screen.center();
        let focal = self.view.screen.focal;
        for owner in &self.view.owners {
            let Owner::Actor(actor, _) = owner else { continue };
            let mut ground = actor.pose;
            ground.translation.z = self.scene.ground.height_at(ground.translation.xy());
            // From the optical frame to the actor's, for points on the ground.
            let to_actor = ground.rotation.inverse();
            let half = ((actor.length / 2.0 - 0.05) as f32, (actor.width / 2.0 - 0.05) as f32);
            let soft = 0.45_f32;
            let corner = |sx: f32, sy: f32| {
                let local = auriga_geometry::Vec3::new(
                    f64::from(sx * (half.0 + soft / 2.0)),
                    f64::from(sy * (half.1 + soft / 2.0)),
                    0.0,
                );
                let point = self.view.axes.tr_mul(&(ground.to_parent(local) - self.view.eye)).cast();
                Corner { point, normal: Vec3f::zeros() }
            };
            let q = [corner(-1.0, -1.0), corner(1.0, -1.0), corner(1.0, 1.0), corner(-1.0, 1.0)];
            let axes = to_actor.to_rotation_matrix().matrix() * self.view.axes;
            let axes: nalgebra::Matrix3<f32> = axes.cast();
            let eye: Vec3f = ground.to_local(self.view.eye).cast();
            for triangle in [[q[0], q[1], q[2]], [q[0], q[2], q[3]]] {
                clip(triangle, |c| {
                    let Some(setup) = Setup::new(&self.view.screen, c.map(|c| c.point)) else { return };
                    setup.fill(&self.view.screen, |at, inverse| {
                        let (x, y) =
                            ((at % self.view.screen.width) as f32, (at / self.view.screen.width) as f32);
                        let ray = Vec3f::new((x + 0.5 - cx) / focal, (y + 0.5 - cy) / focal, 1.0);
                        let p = axes * ray / inverse + eye;
                        let inside = |distance: f32| {
                            let a = (0.5 - distance / soft).clamp(0.0, 1.0);
                            a * (2.0 - a)
                        };
                        let dark = 0.92 * inside(p.x.abs() - half.0) * inside(p.y.abs() - half.1);
                        // The diagonal belongs to both triangles: the darker value stays.
                        let sky = &mut frame.ground_light[at].1;
                        *sky = sky.min(1.0 - dark);
                    });
                });
            }
        }
    }

    fn shade(&mut self, snapshot: &WorldSnapshot) {
        let Screen { width, height, focal } = self.view.screen;
        let (cx, cy) = self.view.screen.center();
        let axes: nalgebra::Matrix3<f32> = self.view.axes.cast();
        let (right, down, forward) = (axes.column(0), axes.column(1), axes.column(2));
        let blink = snapshot.time.as_nanos().rem_euclid(700_000_000) < 350_000_000;
        for row in 0..height {
            let y = row as f32 + 0.5 - cy;
            for column in 0..width {
                let x = column as f32 + 0.5 - cx;
                let at = row * width + column;
                let ray: Vec3f = right * (x / focal) + down * (y / focal) + forward;
                let ground = self.ground_under(&ray, self.frame.inverse_depth[at]);
                let (light, depth, instance) = match (ground, self.frame.triangle[at]) {
                    (Some(hit), _) => (self.ground_light(&ray, &hit, at), hit.depth, 0),
                    (None, 0) => (self.sky.look(ray.normalize(), &self.texture), f32::INFINITY, 0),
                    (None, triangle) => self.object_light(&ray, (x, y), at, triangle as usize - 1, blink),
                };
                self.frame.light[at] = light;
                self.frame.depth[at] = depth;
                self.frame.instance[at] = instance;
            }
        }
    }

    /// The ground on a ray (of optical depth 1), if it is nearer than what has the inverse depth `in_front`.
    #[inline]
    fn ground_under(&self, ray: &Vec3f, in_front: f32) -> Option<GroundHit> {
        if ray.z > -1e-4 {
            return None;
        }
        let ground = &self.scene.ground;
        let height = (self.view.eye.z - ground.height) as f32;
        let upper = (height - KERB_HEIGHT) / -ray.z;
        if upper * in_front >= 1.0 || upper <= 0.0 || upper > 600.0 {
            return None;
        }
        let (anchor_x, anchor_y) = ground.anchor();
        let (mut x, mut y) = ((self.view.eye.x - anchor_x) as f32, (self.view.eye.y - anchor_y) as f32);
        if upper < 18.0 {
            // Edges between covers are ragged by half a cell, so that the raster's steps don't show.
            let (u, v) = ((x + ray.x * upper) * 45.0, (y + ray.y * upper) * 45.0);
            x += (self.texture.grain(u, v) - 0.5) / CELLS_PER_METRE;
            y += (self.texture.grain(v, u) - 0.5) / CELLS_PER_METRE;
        }
        let cell = ground.cell(x + ray.x * upper, y + ray.y * upper);
        if cell.is_raised() {
            return Some(GroundHit { depth: upper, cell, face: false });
        }
        let lower = height / -ray.z;
        let cell = ground.cell(x + ray.x * lower, y + ray.y * lower);
        let face = cell.is_raised();
        let depth = if face { 0.5 * (upper + lower) } else { lower };
        (depth * in_front < 1.0).then_some(GroundHit { depth, cell, face })
    }

    #[inline]
    fn ground_light(&self, ray: &Vec3f, hit: &GroundHit, at: usize) -> Vec3f {
        let ground = &self.scene.ground;
        let (anchor_x, anchor_y) = ground.anchor();
        let x = (self.view.eye.x - anchor_x) as f32 + ray.x * hit.depth;
        let y = (self.view.eye.y - anchor_y) as f32 + ray.y * hit.depth;
        // A kerb's face is seen under its edge.
        let cell = if hit.face && hit.cell.cover() == Cover::Sidewalk { Cell::KERB } else { hit.cell };
        let albedo = ground_color(ground, &self.texture, &self.tracks, cell, (x, y), hit.depth, hit.face);
        let (sun, sky) = self.frame.ground_light[at];
        let direct = self.sky.sunlight * (self.sky.sun.z * sun * (sky * 1.3).min(1.0));
        let light = albedo.component_mul(&(direct + self.sky.ambient.0 * sky));
        self.sky.veil(light, hit.depth * ray.norm())
    }

    /// Light, depth and instance of a pixel that shows a triangle.
    #[inline]
    fn object_light(
        &self,
        ray: &Vec3f,
        (x, y): (f32, f32),
        at: usize,
        index: usize,
        blink: bool,
    ) -> (Vec3f, f32, u32) {
        let drawn = &self.view.triangles[index];
        let owner = &self.view.owners[drawn.owner as usize];
        let depth = 1.0 / self.frame.inverse_depth[at];
        // Shares that are linear in the picture become shares in space by the corners' inverse depths.
        let [b1, b2] = drawn.setup.shares.map(|b| (b[0] * x + b[1] * y + b[2]).clamp(0.0, 1.0));
        let [d0, d1, d2] = drawn.setup.corners;
        let (w0, w1, w2) = ((1.0 - b1 - b2).max(0.0) * d0, b1 * d1, b2 * d2);
        let normal = drawn.normals[0] * w0 + drawn.normals[1] * w1 + drawn.normals[2] * w2;
        let distance = depth * ray.norm();
        let view = ray * (depth / distance);
        let norm = normal.norm().max(1e-12);
        let normal = normal * (if normal.dot(&view) > 0.0 { -1.0 } else { 1.0 } / norm);
        let base = match owner {
            Owner::Solid(solid) => solid.position,
            _ => {
                let (x, y) = self.scene.ground.anchor();
                auriga_geometry::Vec3::new(x, y, self.scene.ground.height)
            }
        };
        let place = (self.view.eye - base).cast::<f32>() + ray * depth;
        let point = Point { place, normal, view };
        let light = shade(&point, drawn.material, drawn.color, owner, blink, &self.sky, &self.texture);
        let lens = matches!(drawn.material, Material::LensRed | Material::LensYellow | Material::LensGreen);
        let light = if lens { light } else { self.sky.veil(light, distance) };
        let instance = if matches!(owner, Owner::Solid(_)) { 0 } else { drawn.owner + 1 };
        (light, depth, instance)
    }
}

fn set(text: &mut String, value: &str) {
    if text != value {
        value.clone_into(text);
    }
}
