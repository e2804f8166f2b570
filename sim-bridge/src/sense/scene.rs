//! The town as geometry: the ground, and what stands on it.

use super::ground::Ground;
use super::library::Library;
use super::mesh::Material;
use auriga_geometry::math::{cos, sin, sin_cos};
use auriga_geometry::{Pose2, Vec2, Vec3};
use auriga_map::{LaneKind, Map, MapObject, ObjectKind, Signal, SignalId, SignalKind};
use std::sync::Arc;

/// The form of a thing that stands still, in its own frame: origin in the middle of its underside, z up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Form {
    /// Half length, half width, height.
    Box([f32; 3]),
    /// Radius, height.
    Cylinder(f32, f32),
    /// Half axes; rays pass through leaves for `mean_free_path` metres on average.
    Crown {
        /// Half axes.
        radii: [f32; 3],
        /// Metres.
        mean_free_path: f32,
    },
}

impl Form {
    /// Half length, half width and height of its bounding box.
    #[must_use]
    pub fn extent(&self) -> [f32; 3] {
        match *self {
            Self::Box(extent) => extent,
            Self::Cylinder(radius, height) => [radius, radius, height],
            Self::Crown { radii, .. } => [radii[0], radii[1], 2.0 * radii[2]],
        }
    }
}

/// A thing that stands still.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Solid {
    /// Middle of its underside, map frame.
    pub position: Vec3,
    /// Sine and cosine of its heading.
    pub heading: (f64, f64),
    /// Its form.
    pub form: Form,
    /// What its sides are made of.
    pub material: Material,
    /// Linear reflectance.
    pub color: [f32; 3],
    /// Varies its looks.
    pub seed: u32,
    /// Whether it is a traffic light's housing, which the camera draws as a mesh of its own.
    pub housing: bool,
}

impl Solid {
    /// A solid on the plane pose `pose` with its underside at `z`.
    #[must_use]
    pub fn new(pose: &Pose2, z: f64, form: Form, material: Material, color: [f32; 3]) -> Self {
        let seed = (pose.x * 7.3 + pose.y * 13.7).abs() as u32;
        Self {
            position: Vec3::new(pose.x, pose.y, z),
            heading: sin_cos(pose.yaw),
            form,
            material,
            color,
            seed,
            housing: false,
        }
    }
}

/// A traffic light's housing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Housing {
    /// The signal in the map.
    pub signal: SignalId,
    /// Centre of its face, map frame.
    pub position: Vec3,
    /// The direction it looks to, radians.
    pub yaw: f64,
    /// Width and height, metres.
    pub size: (f64, f64),
}

/// Everything that does not move; shared by lidar and camera.
#[derive(Clone, Debug, Default)]
pub struct StaticScene {
    /// The ground.
    pub ground: Ground,
    /// Buildings, poles, trees, housings.
    pub solids: Vec<Solid>,
    /// Traffic lights; each also has a solid.
    pub housings: Vec<Housing>,
    /// Shapes of road users.
    pub library: Arc<Library>,
}

const WALLS: [[f32; 3]; 8] = [
    [0.42, 0.36, 0.28],
    [0.35, 0.18, 0.12],
    [0.50, 0.48, 0.44],
    [0.30, 0.30, 0.30],
    [0.45, 0.42, 0.30],
    [0.25, 0.20, 0.17],
    [0.52, 0.44, 0.33],
    [0.38, 0.28, 0.22],
];
const STEEL: [f32; 3] = [0.16, 0.16, 0.16];

/// Numbers in [0, 1) from a seed, for looks (SplitMix64; Steele, Lea, Flood 2014).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.roll()
    }
}

impl StaticScene {
    /// A flat meadow at height `z` with nothing on it.
    #[must_use]
    pub fn meadow(z: f64) -> Self {
        Self { ground: Ground::plain(z), library: Library::shared(), ..Self::default() }
    }

    /// The scene of a map; `seed` picks the looks of what the map leaves open.
    #[must_use]
    pub fn new(map: &Map, seed: u64) -> Self {
        let mut scene = Self { ground: Ground::new(map), library: Library::shared(), ..Self::default() };
        let mut dice = Dice(seed ^ 0x7363_656E_6572_7900);
        for object in map.objects() {
            scene.add_object(object, &mut dice);
        }
        for signal in map.signals() {
            scene.add_signal(map, signal);
        }
        scene
    }

    fn add_object(&mut self, object: &MapObject, dice: &mut Dice) {
        let (length, width, height) = (object.length as f32, object.width as f32, object.height as f32);
        let round = object.radius > 0.0;
        let form = if round {
            Form::Cylinder(object.radius as f32, height)
        } else {
            Form::Box([length / 2.0, width / 2.0, height])
        };
        let (material, color) = match object.kind {
            ObjectKind::Parking => return,
            ObjectKind::Tree => return self.add_tree(object, dice),
            ObjectKind::Building => {
                let shade = dice.between(0.75, 1.1) as f32;
                let wall = WALLS[(dice.roll() * WALLS.len() as f64) as usize % WALLS.len()];
                (Material::Facade, wall.map(|c| c * shade))
            }
            ObjectKind::Pole => (Material::Metal, STEEL),
            ObjectKind::Vegetation => {
                let radii = [(length / 2.0).max(0.2), (width / 2.0).max(0.2), (height / 2.0).max(0.2)];
                let crown = Form::Crown { radii, mean_free_path: 0.25 };
                let green = [0.05, 0.095, 0.025];
                self.solids.push(Solid::new(&object.pose, object.z, crown, Material::Foliage, green));
                return;
            }
            ObjectKind::Barrier => (Material::Masonry, [0.32, 0.31, 0.29]),
            ObjectKind::Other => (Material::Matte, [0.20, 0.22, 0.20]),
        };
        if height <= 0.0 || (!round && (length <= 0.0 || width <= 0.0)) {
            return;
        }
        let form = if object.kind == ObjectKind::Pole && !round {
            Form::Cylinder((length.max(width) / 2.0).clamp(0.04, 0.3), height)
        } else {
            form
        };
        self.solids.push(Solid::new(&object.pose, object.z, form, material, color));
    }

    /// A trunk and a handful of leafy balls within the object's box.
    fn add_tree(&mut self, object: &MapObject, dice: &mut Dice) {
        let height = if object.height > 1.0 { object.height } else { dice.between(5.0, 8.0) };
        let reach = object.radius.max(object.length.max(object.width) / 2.0);
        // A small radius is the trunk's.
        let spread = if reach > 0.9 { reach.min(6.0) } else { height * dice.between(0.24, 0.32) };
        let trunk = Form::Cylinder((0.03 * height).clamp(0.08, 0.25) as f32, (height * 0.6) as f32);
        self.solids.push(Solid::new(&object.pose, object.z, trunk, Material::Bark, [0.07, 0.05, 0.035]));
        let shade = dice.between(0.7, 1.35) as f32;
        for i in 0..5 {
            let angle = f64::from(i) * 1.2566 + dice.between(0.0, 0.8);
            let (out, r) =
                if i == 0 { (0.0, spread * 0.75) } else { (spread * 0.45, spread * dice.between(0.45, 0.6)) };
            let flat = r * dice.between(0.75, 0.95);
            let level =
                if i == 0 { height - 2.0 * flat } else { dice.between(0.38 * height, height - 2.0 * flat) };
            let at = Pose2::new(object.pose.x + out * cos(angle), object.pose.y + out * sin(angle), angle);
            let radii = [r as f32, (r * 0.95) as f32, flat as f32];
            let crown = Form::Crown { radii, mean_free_path: dice.between(0.4, 1.2) as f32 };
            let green = [0.055 * shade, 0.100 * shade, 0.025 * shade];
            self.solids.push(Solid::new(&at, object.z + level.max(1.9), crown, Material::Foliage, green));
        }
    }

    fn add_signal(&mut self, map: &Map, signal: &Signal) {
        let at = signal.position;
        let ground = self.ground.height;
        let (facing_y, facing_x) = sin_cos(signal.yaw);
        let behind = |d: f64| Pose2::new(at.x - d * facing_x, at.y - d * facing_y, signal.yaw);
        let (width, height) = match signal.kind {
            SignalKind::TrafficLight => (
                if signal.width > 0.05 { signal.width } else { 0.36 },
                if signal.height > 0.2 { signal.height } else { 1.0 },
            ),
            SignalKind::Other => return,
            _ => (
                if signal.width > 0.05 { signal.width } else { 0.6 },
                if signal.height > 0.05 { signal.height } else { 0.6 },
            ),
        };
        let bottom = at.z - height / 2.0;
        let depth = if signal.kind == SignalKind::TrafficLight {
            let size = (width, height);
            self.housings.push(Housing { signal: signal.id, position: at, yaw: signal.yaw, size });
            0.2 * width / 0.36
        } else {
            0.03
        };
        let plate = Form::Box([(depth / 2.0) as f32, (width / 2.0) as f32, height as f32]);
        let (material, color) = match signal.kind {
            SignalKind::TrafficLight => (Material::Matte, [0.014, 0.014, 0.015]),
            SignalKind::StopSign => (Material::Sign, [0.45, 0.02, 0.02]),
            _ => (Material::Sign, [0.65, 0.62, 0.58]),
        };
        let mut solid = Solid::new(&behind(depth / 2.0), bottom, plate, material, color);
        solid.housing = signal.kind == SignalKind::TrafficLight;
        self.solids.push(solid);
        self.add_mast(map, &behind(depth + 0.09), at.z + height * 0.3, ground);
    }

    /// A post under a sign, unless the map has one there; with an arm where it hangs over the carriageway.
    fn add_mast(&mut self, map: &Map, head: &Pose2, top: f64, ground: f64) {
        let near =
            |o: &MapObject| o.kind == ObjectKind::Pole && (o.pose.position() - head.position()).norm() < 1.2;
        if map.objects().iter().any(near) {
            return;
        }
        let on_road = |point: Vec2| {
            let mut found = Vec::new();
            map.lanes_within(point, 0.3, &mut found);
            found.iter().any(|&id| map.lane(id).kind == LaneKind::Driving)
        };
        let sideways = Vec2::new(-sin(head.yaw), cos(head.yaw));
        let mut foot = head.position();
        if on_road(foot) {
            // The face looks against the traffic, so the traffic's right is the face's left.
            let reach = (1..24).flat_map(|i| [f64::from(i) * 0.5, f64::from(i) * -0.5]);
            let Some(off) = reach.into_iter().find(|&d| !on_road(head.position() + sideways * d)) else {
                return;
            };
            foot += sideways * (off + 0.4 * off.signum());
            let middle = (foot + head.position()) / 2.0;
            let half = (foot - head.position()).norm() / 2.0;
            let arm = Form::Box([0.05, half as f32, 0.1]);
            let pose = Pose2::new(middle.x, middle.y, head.yaw);
            self.solids.push(Solid::new(&pose, top - 0.1, arm, Material::Metal, STEEL));
        }
        let post = Form::Cylinder(0.07, (top - ground) as f32);
        self.solids.push(Solid::new(&Pose2::new(foot.x, foot.y, 0.0), ground, post, Material::Metal, STEEL));
    }
}

/// The pane of a facade that a point lies in: `u` metres along the wall, `v` above the ground. `None`: wall or frame.
#[inline]
#[must_use]
pub fn pane(u: f32, v: f32, seed: u32) -> Option<(i32, i32)> {
    let (width, height) = (2.6 + 0.4 * (seed % 3) as f32, 3.1);
    let (i, j) = ((u / width).floor(), (v / height).floor());
    let (a, b) = (u / width - i, v / height - j);
    let inside = a > 0.28 && a < 0.72 && b > 0.31 && b < 0.79 && (a - 0.5).abs() > 0.015;
    inside.then_some((i as i32, j as i32))
}
