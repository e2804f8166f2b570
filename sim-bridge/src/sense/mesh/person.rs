//! Pedestrians in a phase of their walk, and cyclists.

use super::builder::{Builder, v};
use super::{Material, Mesh, Vec3f};
use auriga_geometry::math::{cosf, sinf};
use core::f32::consts::TAU;

const CLOTHES: [[f32; 3]; 9] = [
    [0.020, 0.020, 0.025],
    [0.050, 0.060, 0.120],
    [0.250, 0.250, 0.260],
    [0.400, 0.050, 0.050],
    [0.550, 0.550, 0.530],
    [0.060, 0.120, 0.250],
    [0.080, 0.140, 0.070],
    [0.350, 0.250, 0.120],
    [0.500, 0.350, 0.050],
];
const SKIN: [[f32; 3]; 4] = [[0.48, 0.30, 0.22], [0.38, 0.23, 0.16], [0.22, 0.12, 0.07], [0.52, 0.36, 0.28]];
const HAIR: [[f32; 3]; 3] = [[0.02, 0.015, 0.012], [0.09, 0.05, 0.03], [0.25, 0.18, 0.09]];

#[derive(Clone, Copy)]
struct Look {
    top: [f32; 3],
    legs: [f32; 3],
    skin: [f32; 3],
    hair: [f32; 3],
    bag: bool,
}

impl Look {
    fn of(variant: u32) -> Self {
        let n = variant as usize;
        Self {
            top: CLOTHES[(n * 5 + 2) % 9],
            legs: CLOTHES[[0, 1, 2, 5, 7][n % 5]].map(|c| c * 0.8),
            skin: SKIN[n % 4],
            hair: HAIR[n % 3],
            bag: n % 3 == 1,
        }
    }
}

/// A limb's direction at an angle forward from straight down.
fn swing(angle: f32) -> Vec3f {
    v(sinf(angle), 0.0, -cosf(angle))
}

/// A pedestrian, 1.76 m tall; `phase` is the share of a double step done, 0 to 1.
#[must_use]
pub fn pedestrian(variant: u32, phase: f32) -> Mesh {
    let look = Look::of(variant);
    let mut b = Builder::default();
    let stride = 0.42 * sinf(TAU * phase);
    for (side, angle) in [(1.0, stride), (-1.0, -stride)] {
        let hip = v(0.0, side * 0.09, 0.90);
        let knee = hip + swing(angle) * 0.44;
        let bend = angle - (-angle).max(0.0) * 0.7 - 0.08;
        let ankle = knee + swing(bend) * 0.42;
        let calf = knee * 0.6 + ankle * 0.4;
        let leg = [(hip, 0.088), ((hip + knee) / 2.0, 0.080), (knee, 0.062), (calf, 0.058), (ankle, 0.044)];
        b.tube(&leg, 8, Material::Cloth, look.legs);
        let foot = [
            (ankle + v(-0.05, 0.0, -0.02), 0.042),
            (ankle + v(0.08, 0.0, -0.035), 0.042),
            (ankle + v(0.17, 0.0, -0.04), 0.03),
        ];
        b.tube(&foot, 6, Material::Matte, [0.02, 0.02, 0.02]);
        let arm = -angle * 0.9;
        let shoulder = v(0.0, side * 0.20, 1.42);
        let elbow = shoulder + (swing(arm) + v(0.0, side * 0.12, 0.0)) * 0.29;
        let hand = elbow + swing(arm + 0.35) * 0.25;
        b.tube(
            &[(shoulder, 0.062), ((shoulder + elbow) / 2.0, 0.055), (elbow, 0.047), (hand, 0.034)],
            7,
            Material::Cloth,
            look.top,
        );
        b.tube(&[(hand, 0.036), (hand + v(0.01, 0.0, -0.09), 0.028)], 6, Material::Skin, look.skin);
    }
    torso(&mut b, &look, 0.0, 0.0);
    b.finish(v(0.5, 0.55, 1.76), 0.5)
}

/// Trunk, neck, head and hair; `lean` metres forward at the shoulders, everything raised by `up`.
fn torso(b: &mut Builder, look: &Look, lean: f32, up: f32) {
    let heights = [0.82, 0.92, 1.02, 1.15, 1.30, 1.42, 1.48];
    let radii = [0.14, 0.155, 0.145, 0.15, 0.17, 0.165, 0.08];
    let forward = |z: f32| lean * (z - 0.82) / 0.66;
    let rings: Vec<Vec<Vec3f>> = heights
        .iter()
        .zip(radii)
        .map(|(&z, r)| {
            let ring = (0..12).map(|i| {
                let a = TAU * i as f32 / 12.0;
                v(0.68 * r * cosf(a) + forward(z), 1.1 * r * sinf(a), z + up)
            });
            ring.collect()
        })
        .collect();
    b.loft(&rings, true, |i, _| (Material::Cloth, if i == 0 { look.legs } else { look.top }));
    b.cap(&rings[0], Material::Cloth, look.legs);
    b.cap(&rings[rings.len() - 1], Material::Cloth, look.top);
    let x = forward(1.6);
    b.tube(
        &[(v(x, 0.0, 1.46 + up), 0.055), (v(x + 0.01, 0.0, 1.56 + up), 0.052)],
        7,
        Material::Skin,
        look.skin,
    );
    b.ellipsoid(v(x + 0.015, 0.0, 1.635 + up), v(0.095, 0.078, 0.12), (6, 10), Material::Skin, look.skin);
    b.ellipsoid(v(x - 0.015, 0.0, 1.665 + up), v(0.10, 0.088, 0.108), (5, 10), Material::Skin, look.hair);
    if look.bag {
        b.cuboid(v(x - 0.26, -0.13, 1.05 + up), v(x - 0.10, 0.13, 1.42 + up), Material::Cloth, CLOTHES[1]);
    }
}

/// A cyclist on a bicycle, 1.75 m tall and 1.75 m long; `phase` is the share of a turn of the cranks, 0 to 1.
#[must_use]
pub fn cyclist(variant: u32, phase: f32) -> Mesh {
    let look = Look::of(variant + 3);
    let mut b = Builder::default();
    let frame = [[0.02, 0.02, 0.02], [0.30, 0.03, 0.03], [0.03, 0.08, 0.25]][variant as usize % 3];
    let steel = Material::Metal;
    for x in [0.53, -0.53] {
        let hub = v(x, 0.0, 0.34);
        for side in [-0.018, 0.018] {
            b.disc(hub, ((0.29, side), (0.34, 0.0)), (0.0, TAU), 16, Material::Tyre, [0.016; 3]);
        }
        for spoke in 0..6 {
            let a = TAU * spoke as f32 / 6.0;
            b.tube(&[(hub, 0.006), (hub + v(cosf(a), 0.0, sinf(a)) * 0.29, 0.006)], 3, steel, [0.3; 3]);
        }
    }
    let (pedals, seat, head) = (v(-0.02, 0.0, 0.30), v(-0.20, 0.0, 0.86), v(0.36, 0.0, 0.86));
    for (from, to) in [
        (pedals, seat),
        (pedals, head),
        (seat - v(-0.02, 0.0, 0.1), head),
        (v(-0.53, 0.0, 0.34), pedals),
        (v(-0.53, 0.0, 0.34), seat - v(0.0, 0.0, 0.1)),
        (head + v(-0.02, 0.0, 0.12), v(0.53, 0.0, 0.34)),
    ] {
        b.tube(&[(from, 0.018), (to, 0.018)], 5, steel, frame);
    }
    b.tube(&[(v(0.38, -0.28, 1.0), 0.015), (v(0.38, 0.28, 1.0), 0.015)], 5, steel, [0.02; 3]);
    b.cuboid(v(-0.32, -0.07, 0.86), v(-0.08, 0.07, 0.91), Material::Matte, [0.02; 3]);
    for (side, turn) in [(1.0, 0.0), (-1.0, 0.5)] {
        let a = -TAU * (phase + turn);
        let pedal = pedals + v(0.17 * cosf(a), side * 0.10, 0.17 * sinf(a));
        let hip = v(-0.20, side * 0.09, 0.95);
        let knee = bend(hip, pedal + v(-0.04, 0.0, 0.08), 0.44, 0.45);
        b.tube(
            &[(hip, 0.088), (knee, 0.062), (pedal + v(-0.04, 0.0, 0.08), 0.045)],
            8,
            Material::Cloth,
            look.legs,
        );
        b.tube(
            &[(pedal + v(-0.10, 0.0, 0.04), 0.04), (pedal + v(0.12, 0.0, 0.03), 0.03)],
            6,
            Material::Matte,
            [0.02; 3],
        );
        let (shoulder, hand) = (v(0.10, side * 0.19, 1.40), v(0.38, side * 0.24, 1.03));
        let elbow = (shoulder + hand) / 2.0 + v(-0.03, side * 0.05, -0.06);
        b.tube(&[(shoulder, 0.058), (elbow, 0.046), (hand, 0.036)], 7, Material::Cloth, look.top);
    }
    // The trunk leans forward from the saddle.
    let mut trunk = Builder::default();
    torso(&mut trunk, &look, 0.30, 0.0);
    let upper = trunk.finish(v(1.0, 1.0, 1.0), 0.5);
    for t in &upper.triangles {
        b.triangle(t.corners.map(|c| c + v(-0.20, 0.0, 0.0)), t.material, t.color);
    }
    b.finish(v(1.75, 0.56, 1.76), 0.5)
}

/// Where the knee is between hip and ankle, with thigh and shank of given lengths, bent forward.
fn bend(hip: Vec3f, ankle: Vec3f, thigh: f32, shank: f32) -> Vec3f {
    let along = ankle - hip;
    let reach = along.norm().clamp(0.05, thigh + shank - 1e-3);
    let near = (thigh * thigh - shank * shank + reach * reach) / (2.0 * reach);
    let out = (thigh * thigh - near * near).max(0.0).sqrt();
    let direction = along / along.norm().max(1e-6);
    let forward = v(-direction.z, 0.0, direction.x);
    hip + direction * near + forward * out
}
