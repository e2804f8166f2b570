//! The turn, object by object.

use super::cloud;
use super::returns::{NormalTable, Surface, bits, receive, reflectance, unit};
use super::solid::meet;
use super::sweep::{Column, Rigid, Sweep, Window};
use crate::sense::StaticScene;
use crate::sense::ground::{Cover, Ground, KERB_HEIGHT};
use crate::sense::library::paint_of;
use crate::sense::mesh::{Material, Vec3f};
use crate::sense::scene::{Solid, pane};
use crate::world::{ActorSnapshot, WorldSnapshot};
use auriga_geometry::Vec3;
use auriga_hal::LidarRig;
use auriga_messages::sensor_msgs::PointCloud2;
use nalgebra::Matrix3;
use std::sync::Arc;

/// Casts turns of a spinning lidar. Buffers are kept between turns.
#[derive(Clone, Debug)]
pub struct LidarCaster {
    scene: Arc<StaticScene>,
    pub(super) sweep: Sweep,
    pub(super) hits: Hits,
    normals: NormalTable,
    range: (f32, f32),
    range_noise: f32,
    dropout: f32,
    seed: u64,
    /// An actor's pose at every snapshot of the turn.
    track: Vec<Rigid>,
    order: Vec<(f32, usize, Window)>,
}

/// The nearest hit of every ray so far, column by column.
#[derive(Clone, Debug)]
pub(super) struct Hits {
    beams: usize,
    pub(super) ranges: Vec<f32>,
    pub(super) surfaces: Vec<Surface>,
}

/// A ray's origin and its two spanning directions in an object's frame.
#[derive(Clone, Copy)]
struct Frame {
    origin: Vec3f,
    ahead: Vec3f,
    up: Vec3f,
}

const NOTHING: Surface = Surface { material: Material::Matte, reflectance: 0.0, cosine: 0.0, dropout: 0.0 };

impl LidarCaster {
    /// A lidar as the rig describes it, in a scene. `seed` decides noise and drop-out.
    #[must_use]
    pub fn new(rig: &LidarRig, scene: Arc<StaticScene>, seed: u64) -> Self {
        let rays = rig.beams * rig.columns;
        Self {
            scene,
            sweep: Sweep::new(rig),
            hits: Hits { beams: rig.beams, ranges: vec![0.0; rays], surfaces: vec![NOTHING; rays] },
            normals: NormalTable::new(seed ^ 0x6E6F_7264),
            range: (rig.range_least_m as f32, rig.range_most_m as f32),
            range_noise: rig.range_noise_m as f32,
            dropout: rig.dropout as f32,
            seed,
            track: Vec::new(),
            order: Vec::new(),
        }
    }

    /// Casts the turn that ends with the last snapshot. `snapshots` are the instants of the turn, oldest first; between them
    /// motion is linear, before the first it goes on as after it. `out` is refilled; its stamp is the start of the turn.
    /// Without a snapshot the cloud is empty.
    pub fn scan(&mut self, snapshots: &[WorldSnapshot], out: &mut PointCloud2) {
        self.cast(snapshots);
        cloud::begin(out, self.sweep.start);
        if let Some(last) = snapshots.last() {
            self.report(last, out);
        }
        cloud::end(out);
    }

    /// Fills the nearest-hit buffer.
    fn cast(&mut self, snapshots: &[WorldSnapshot]) {
        self.hits.ranges.fill(self.range.1);
        self.hits.surfaces.fill(NOTHING);
        let Some(last) = snapshots.last() else { return };
        self.sweep.follow(snapshots);
        let key = bits(self.seed, last.time.as_nanos() as u64);
        for actor in &last.actors {
            self.cast_actor(actor, snapshots);
        }
        self.cast_solids(key);
        cast_ground(&self.scene.ground, &self.sweep, &mut self.hits);
    }

    fn cast_actor(&mut self, actor: &ActorSnapshot, snapshots: &[WorldSnapshot]) {
        self.track.clear();
        for snapshot in snapshots {
            let same = snapshot.actors.iter().find(|other| other.id == actor.id).unwrap_or(actor);
            let mut place = Rigid::of(&same.pose);
            // Whoever walks on the pavement stands on it.
            let ground = self.scene.ground.height_at(same.pose.translation.xy());
            place.translation.z = place.translation.z.max(ground);
            self.track.push(place);
        }
        let (shape, scale) = self.scene.library.shape_of(actor);
        let (low, high) = (shape.bounds.0.component_mul(&scale), shape.bounds.1.component_mul(&scale));
        let ends = [0, self.track.len() / 2, self.track.len() - 1].map(|i| &self.track[i]);
        let Some(window) = self.sweep.window(ends, low, high) else { return };
        let paint = paint_of(actor);
        // Cars differ in how much of a pulse their lacquer scatters back.
        let dropout = 0.12 * unit(bits(u64::from(actor.appearance), 77));
        let inverse = scale.map(|s| 1.0 / s);
        let track = &self.track;
        let frame = |column: &Column| {
            let next = (column.tick + 1).min(track.len() - 1);
            let place = track[column.tick].mix(&track[next], column.ratio);
            let mut frame = local(column, &place);
            frame.origin.component_mul_assign(&inverse);
            frame.ahead.component_mul_assign(&inverse);
            frame.up.component_mul_assign(&inverse);
            frame
        };
        self.hits.cast(&self.sweep, window, frame, |_, origin, direction, limit| {
            let hit = shape.bvh.nearest(origin, direction, limit)?;
            let triangle = &shape.mesh.triangles[hit.triangle as usize];
            let color = if triangle.material == Material::Paint { paint } else { triangle.color };
            let normal = triangle.normals[0].component_mul(&inverse);
            let along = direction.component_mul(&scale);
            let cosine = (normal.dot(&along) / normal.norm()).abs().min(1.0);
            let reflectance = reflectance(triangle.material, color);
            Some((hit.distance, Surface { material: triangle.material, reflectance, cosine, dropout }))
        });
    }

    /// Nearest first, so that what is hidden is passed over quickly.
    fn cast_solids(&mut self, key: u64) {
        self.order.clear();
        for (i, solid) in self.scene.solids.iter().enumerate() {
            let place = place_of(solid);
            let [length, width, height] = solid.form.extent();
            let (low, high) = (Vec3f::new(-length, -width, 0.0), Vec3f::new(length, width, height));
            if let Some(window) = self.sweep.window([&place; 3], low, high) {
                self.order.push((window.near, i, window));
            }
        }
        self.order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        for &(_, i, window) in &self.order {
            let solid = &self.scene.solids[i];
            let place = place_of(solid);
            let plain = reflectance(solid.material, solid.color);
            let frame = |column: &Column| local(column, &place);
            self.hits.cast(&self.sweep, window, frame, |ray, origin, direction, _| {
                let dice = || unit(bits(key ^ (i as u64) << 32, ray as u64));
                let hit = meet(&solid.form, origin, direction, dice)?;
                let window = solid.material == Material::Facade
                    && pane(hit.place.0, hit.place.1, solid.seed).is_some();
                let material = if window { Material::Glass } else { solid.material };
                let reflectance = if window { 0.1 } else { plain };
                Some((hit.distance, Surface { material, reflectance, cosine: hit.cosine, dropout: 0.0 }))
            });
        }
    }

    /// Turns hits into points.
    fn report(&self, last: &WorldSnapshot, out: &mut PointCloud2) {
        let key = bits(self.seed ^ 0x7265_7475_726E, last.time.as_nanos() as u64);
        let beams = self.sweep.beams.len();
        for (i, column) in self.sweep.columns.iter().enumerate() {
            for (j, &(level, rise)) in self.sweep.beams.iter().enumerate() {
                let ray = i * beams + j;
                let range = self.hits.ranges[ray];
                if range >= self.range.1 {
                    continue;
                }
                let surface = &self.hits.surfaces[ray];
                let noise = bits(key, ray as u64);
                let Some((depth, intensity)) = receive(surface, range, self.dropout, noise) else { continue };
                let more = bits(noise, 1);
                let range = range + depth + self.range_noise * self.normals.pick(more);
                if range < self.range.0 || range >= self.range.1 {
                    continue;
                }
                let intensity = (intensity + 0.02 * self.normals.pick(more >> 20)).clamp(0.0, 1.0);
                let flat = level * range;
                let point = [flat * column.azimuth.0, flat * column.azimuth.1, rise * range];
                cloud::push(out, point, intensity, column.nanos, j as u16);
            }
        }
    }
}

impl Hits {
    /// Tests the rays of a window against one object. `test` gets the ray's number, its origin and direction in the object's
    /// frame and the range to beat, and answers with a nearer hit.
    #[inline]
    fn cast(
        &mut self,
        sweep: &Sweep,
        window: Window,
        frame: impl Fn(&Column) -> Frame,
        test: impl Fn(usize, Vec3f, Vec3f, f32) -> Option<(f32, Surface)>,
    ) {
        let columns = sweep.columns.len();
        for k in 0..window.count {
            let i = if window.first + k < columns { window.first + k } else { window.first + k - columns };
            let Frame { origin, ahead, up } = frame(&sweep.columns[i]);
            for (j, &(level, rise)) in
                sweep.beams.iter().enumerate().take(window.beams.1).skip(window.beams.0)
            {
                let ray = i * self.beams + j;
                let limit = self.ranges[ray];
                if limit <= window.near {
                    continue;
                }
                if let Some((range, surface)) = test(ray, origin, ahead * level + up * rise, limit)
                    && range < limit
                {
                    self.ranges[ray] = range;
                    self.surfaces[ray] = surface;
                }
            }
        }
    }
}

/// A column seen from an object.
#[inline]
fn local(column: &Column, place: &Rigid) -> Frame {
    Frame {
        origin: place.localize(&column.origin).cast(),
        ahead: place.rotation.tr_mul(&column.ahead).cast(),
        up: place.rotation.tr_mul(&column.up).cast(),
    }
}

fn place_of(solid: &Solid) -> Rigid {
    let (sin, cos) = solid.heading;
    Rigid {
        rotation: Matrix3::new(cos, -sin, 0.0, sin, cos, 0.0, 0.0, 0.0, 1.0),
        translation: Vec3::new(solid.position.x, solid.position.y, solid.position.z),
    }
}

/// Road, pavement and grass: the upper plane where it is raised, else the kerb's face or the lower plane.
fn cast_ground(ground: &Ground, sweep: &Sweep, hits: &mut Hits) {
    let (anchor_x, anchor_y) = ground.anchor();
    for (i, column) in sweep.columns.iter().enumerate() {
        let origin = column.origin;
        let (ax, ay) = ((origin.x - anchor_x) as f32, (origin.y - anchor_y) as f32);
        let height = (origin.z - ground.height) as f32;
        let (ahead, up): (Vec3f, Vec3f) = (column.ahead.cast(), column.up.cast());
        for (j, &(level, rise)) in sweep.beams.iter().enumerate() {
            let direction = ahead * level + up * rise;
            if direction.z > -1e-4 {
                continue;
            }
            let ray = i * hits.beams + j;
            let lower = height / -direction.z;
            let upper = (height - KERB_HEIGHT) / -direction.z;
            if upper >= hits.ranges[ray] || upper <= 0.0 {
                continue;
            }
            let mut range = upper;
            let mut cell = ground.cell(ax + direction.x * upper, ay + direction.y * upper);
            let mut cosine = -direction.z;
            if !cell.is_raised() {
                cell = ground.cell(ax + direction.x * lower, ay + direction.y * lower);
                range = lower;
                if cell.is_raised() {
                    // The ray goes under the pavement's edge: it meets the kerb's face between the two planes.
                    (range, cosine) = (0.5 * (lower + upper), 0.7);
                }
            }
            if range >= hits.ranges[ray] {
                continue;
            }
            let (material, reflectance) = match cell.cover() {
                Cover::Grass => (Material::Grass, 0.40),
                Cover::Sidewalk | Cover::Kerb => (Material::Concrete, 0.28),
                _ => (Material::Asphalt, 0.12 + 0.43 * cell.mark()),
            };
            hits.ranges[ray] = range;
            hits.surfaces[ray] = Surface { material, reflectance, cosine, dropout: 0.0 };
        }
    }
}
