//! What is in sight: picks road users, lights and solids, and turns their meshes into triangles of the picture.

use super::raster::{Corner, NEAR, Screen, Setup, clip};
use super::shade::Owner;
use crate::sense::StaticScene;
use crate::sense::library::paint_of;
use crate::sense::mesh::{Material, Mesh, Vec3f, scenery};
use crate::sense::scene::{Form, Solid};
use crate::world::{ActorSnapshot, LightColor, WorldSnapshot};
use auriga_geometry::{Pose3, Vec3};
use nalgebra::Matrix3;

/// Farther than this nothing is drawn, metres.
const FAR: f64 = 260.0;
/// Beyond this road users throw no shadow, metres.
const SHADOWS: f64 = 70.0;
/// Beyond this trees are drawn with fewer triangles, metres.
const COARSE: f64 = 40.0;

/// A triangle in the picture.
#[derive(Clone, Copy, Debug)]
pub(super) struct Drawn {
    pub setup: Setup,
    pub normals: [Vec3f; 3],
    pub material: Material,
    pub color: [f32; 3],
    /// Index into [`View::owners`].
    pub owner: u32,
}

/// Meshes of things that stand still.
#[derive(Clone, Debug)]
struct Props {
    house: Mesh,
    block: Mesh,
    cylinder: Mesh,
    /// Four for near trees, then the same four, coarser, for far ones.
    crowns: Vec<Mesh>,
    light: Mesh,
}

/// A camera's pose and everything that it draws; buffers are reused.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub screen: Screen,
    /// The optical frame's axes in the map frame, as columns.
    pub axes: Matrix3<f64>,
    pub eye: Vec3,
    pub triangles: Vec<Drawn>,
    pub owners: Vec<Owner>,
    /// Triangles of shadows on the ground.
    pub shadows: Vec<Setup>,
    /// Half the width of the view over its depth, and over the edge's slant.
    edges: [(f32, f32); 2],
    props: Props,
}

impl View {
    pub(super) fn new(screen: Screen) -> Self {
        let edge = |pixels: usize| {
            let t = pixels as f32 / 2.0 / screen.focal;
            (t, (1.0 + t * t).sqrt())
        };
        let gray = [0.4; 3];
        Self {
            axes: Matrix3::identity(),
            eye: Vec3::zeros(),
            triangles: Vec::new(),
            owners: Vec::new(),
            shadows: Vec::new(),
            edges: [edge(screen.width), edge(screen.height)],
            props: Props {
                house: scenery::block(Material::Facade, Material::Masonry, gray),
                block: scenery::block(Material::Masonry, Material::Masonry, gray),
                cylinder: scenery::cylinder(8, Material::Metal, gray),
                crowns: (0..8).map(|i| scenery::crown(i % 4, if i < 4 { (7, 11) } else { (4, 7) })).collect(),
                light: scenery::traffic_light(),
            },
            screen,
        }
    }

    /// Collects the triangles of one instant. `camera` is the optical frame in the map, `sun` points to the sun.
    pub(super) fn look(&mut self, camera: &Pose3, scene: &StaticScene, snapshot: &WorldSnapshot, sun: Vec3f) {
        self.axes = *camera.rotation.to_rotation_matrix().matrix();
        self.eye = camera.translation;
        self.triangles.clear();
        self.owners.clear();
        self.shadows.clear();
        for actor in &snapshot.actors {
            self.add_actor(actor, scene, sun);
        }
        for housing in &scene.housings {
            let state = snapshot.lights.binary_search_by_key(&housing.signal, |l| l.0);
            let color = state.map_or(LightColor::Off, |i| snapshot.lights[i].1);
            let pose = Pose3::from_euler(housing.position, 0.0, 0.0, housing.yaw);
            let scale = Vec3f::new(
                (housing.size.0 / 0.36) as f32,
                (housing.size.0 / 0.36) as f32,
                housing.size.1 as f32,
            );
            if self.sees(&pose.translation, housing.size.1 as f32) {
                let owner = self.own(Owner::Light(housing.signal, color));
                let mesh = core::mem::take(&mut self.props.light);
                self.add_mesh(&mesh, &pose, scale, owner, None);
                self.props.light = mesh;
            }
        }
        for solid in scene.solids.iter().filter(|s| !s.housing) {
            self.add_solid(solid, scene.ground.height, sun);
        }
    }

    fn own(&mut self, owner: Owner) -> u32 {
        self.owners.push(owner);
        (self.owners.len() - 1) as u32
    }

    /// Whether a ball may be in the picture.
    fn sees(&self, center: &Vec3, radius: f32) -> bool {
        let p: Vec3f = self.axes.tr_mul(&(center - self.eye)).cast();
        let [(tx, sx), (ty, sy)] = self.edges;
        p.z > -radius
            && p.z < FAR as f32
            && p.x.abs() < p.z * tx + radius * sx
            && p.y.abs() < p.z * ty + radius * sy
    }

    fn add_actor(&mut self, actor: &ActorSnapshot, scene: &StaticScene, sun: Vec3f) {
        let (shape, scale) = scene.library.shape_of(actor);
        let mut pose = actor.pose;
        pose.translation.z = pose.translation.z.max(scene.ground.height_at(pose.translation.xy()));
        let radius = (actor.length.max(actor.width) + actor.height) as f32;
        if !self.sees(&pose.translation, radius * 2.0) {
            return;
        }
        let owner = self.own(Owner::Actor(*actor, paint_of(actor)));
        let near = (pose.translation - self.eye).norm() < SHADOWS;
        let shadow = near.then_some((sun, pose.translation.z));
        self.add_mesh(&shape.mesh, &pose, scale, owner, shadow);
    }

    fn add_solid(&mut self, solid: &Solid, ground: f64, sun: Vec3f) {
        let [length, width, height] = solid.form.extent();
        let radius = (length * length + width * width + height * height).sqrt();
        let distance = (solid.position - self.eye).norm();
        // What is thinner than a third of a pixel is left out.
        let thin = length.max(width) * self.screen.focal < 0.35 * distance as f32;
        if thin || distance > FAR || !self.sees(&solid.position, radius * 2.0) {
            return;
        }
        let owner = self.own(Owner::Solid(*solid));
        let (sin, cos) = solid.heading;
        let pose = Pose3::from_euler(solid.position, 0.0, 0.0, auriga_geometry::math::atan2(sin, cos));
        let near = distance < 2.0 * SHADOWS;
        let crown = solid.seed as usize % 4 + if distance > COARSE { 4 } else { 0 };
        let (field, scale, lift) = match solid.form {
            Form::Box(_) if solid.material == Material::Facade => {
                (0, Vec3f::new(2.0 * length, 2.0 * width, height), 0.0)
            }
            Form::Box(_) => (1, Vec3f::new(2.0 * length, 2.0 * width, height), 0.0),
            Form::Cylinder(..) => (2, Vec3f::new(length, width, height), 0.0),
            Form::Crown { radii, .. } => (3, Vec3f::from(radii), f64::from(radii[2])),
        };
        let lifted = Pose3 { translation: pose.translation + Vec3::new(0.0, 0.0, lift), ..pose };
        let shadow = near.then_some((sun, ground));
        let props = &mut self.props;
        let slot = match field {
            0 => &mut props.house,
            1 => &mut props.block,
            2 => &mut props.cylinder,
            _ => &mut props.crowns[crown],
        };
        // Taken out for the while: `add_mesh` borrows the whole view.
        let mesh = core::mem::take(slot);
        let first = self.triangles.len();
        self.add_mesh(&mesh, &lifted, scale, owner, shadow);
        for triangle in &mut self.triangles[first..] {
            let roof = field == 0 && triangle.material == Material::Masonry;
            if field != 0 {
                triangle.material = solid.material;
            }
            triangle.color = if roof { solid.color.map(|c| c * 0.6) } else { solid.color };
        }
        let props = &mut self.props;
        match field {
            0 => props.house = mesh,
            1 => props.block = mesh,
            2 => props.cylinder = mesh,
            _ => props.crowns[crown] = mesh,
        }
    }

    /// Adds a mesh's triangles; with `shadow` (sun, height of the ground) also their shadows.
    fn add_mesh(
        &mut self,
        mesh: &Mesh,
        pose: &Pose3,
        scale: Vec3f,
        owner: u32,
        shadow: Option<(Vec3f, f64)>,
    ) {
        let turn = *pose.rotation.to_rotation_matrix().matrix();
        let turn_f: Matrix3<f32> = turn.cast();
        let to_camera: Matrix3<f32> = self.axes.tr_mul(&turn).cast();
        let offset: Vec3f = self.axes.tr_mul(&(pose.translation - self.eye)).cast();
        let down: Matrix3<f32> = self.axes.transpose().cast();
        let inverse = scale.map(|s| 1.0 / s);
        let throw = shadow.filter(|(sun, _)| sun.z > 0.05).map(|(sun, height)| {
            let base: Vec3f = (pose.translation - self.eye).cast();
            (sun / sun.z, base, (height - self.eye.z) as f32 + 0.01)
        });
        for triangle in &mesh.triangles {
            let scaled = triangle.corners.map(|c| c.component_mul(&scale));
            let corner = |k: usize| Corner {
                point: to_camera * scaled[k] + offset,
                normal: turn_f * triangle.normals[k].component_mul(&inverse),
            };
            let corners = [corner(0), corner(1), corner(2)];
            clip(corners, |c| {
                if let Some(setup) = Setup::new(&self.screen, c.map(|c| c.point)) {
                    self.triangles.push(Drawn {
                        setup,
                        normals: c.map(|c| c.normal),
                        material: triangle.material,
                        color: triangle.color,
                        owner,
                    });
                }
            });
            let Some((slant, base, ground)) = throw else { continue };
            let fallen = scaled.map(|c| {
                let p = turn_f * c + base;
                let q = p - slant * (p.z - ground);
                Corner { point: down * q, normal: Vec3f::zeros() }
            });
            if fallen.iter().all(|c| c.point.z < NEAR) {
                continue;
            }
            clip(fallen, |c| self.shadows.extend(Setup::new(&self.screen, c.map(|c| c.point))));
        }
    }
}
