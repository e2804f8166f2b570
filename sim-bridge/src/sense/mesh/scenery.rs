//! What stands beside the road: crowns of trees, and traffic-light housings with their lamps.

use super::builder::{Builder, v};
use super::{Material, Mesh};
use auriga_geometry::math::{cosf, sinf};
use core::f32::consts::{PI, TAU};

/// A vertical light with three lamps, facing +x, one metre tall and 0.36 m wide, its centre at the origin.
///
/// The lenses' colours are those of unlit ones: nearly black. (A lens that is visibly green while unlit reads as a green
/// light.) The renderer lights them by their material.
#[must_use]
pub fn traffic_light() -> Mesh {
    let mut b = Builder::default();
    let black = [0.014, 0.014, 0.015];
    b.cuboid(v(-0.20, -0.18, -0.5), v(0.0, 0.18, 0.5), Material::Matte, black);
    for (material, z) in
        [(Material::LensRed, 0.33), (Material::LensYellow, 0.0), (Material::LensGreen, -0.33)]
    {
        b.disc_facing_x(v(0.006, 0.0, z), 0.115, 14, material, [0.010, 0.009, 0.008]);
        let rim = |x: f32| {
            (0..=10)
                .map(|i| {
                    let a = -0.25 + (PI + 0.5) * i as f32 / 10.0;
                    v(x, 0.135 * cosf(a), z + 0.135 * sinf(a))
                })
                .collect::<Vec<_>>()
        };
        b.loft(&[rim(0.0), rim(0.17)], false, |_, _| (Material::Matte, [0.011; 3]));
    }
    b.finish(v(0.37, 0.36, 1.0), 0.9)
}

/// A leafy ball of radius 1 with a lumpy surface of `rows` × `sides` cells; `seed` picks the lumps.
#[must_use]
pub fn crown(seed: u32, (rows, sides): (u32, u32)) -> Mesh {
    let mut b = Builder::default();
    let lump = |i: u32, j: u32| {
        let n = (i.wrapping_mul(0x9E37_79B9) ^ (j % sides).wrapping_mul(0x85EB_CA6B))
            .wrapping_add(seed.wrapping_mul(0xC2B2_AE35));
        let n = (n ^ (n >> 15)).wrapping_mul(0x2C1B_3C6D);
        0.84 + 0.30 * ((n >> 9) & 0xFFFF) as f32 / 65535.0
    };
    let rings: Vec<Vec<_>> = (0..=rows)
        .map(|i| {
            let latitude = PI * (i as f32 / rows as f32 - 0.5);
            let pole = i == 0 || i == rows;
            (0..sides)
                .map(|j| {
                    let r = if pole { 0.95 } else { lump(i, j) };
                    let a = TAU * (j as f32 + 0.5 * (i % 2) as f32) / sides as f32;
                    let flat = if pole { 0.0 } else { cosf(latitude) };
                    v(r * flat * cosf(a), r * flat * sinf(a), r * sinf(latitude))
                })
                .collect()
        })
        .collect();
    b.loft(&rings, true, |_, _| (Material::Foliage, [0.055, 0.100, 0.025]));
    b.finish(v(2.0, 2.0, 2.0), 0.3)
}

/// An upright cylinder of radius 1 and height 1, standing on the origin, in one material.
#[must_use]
pub fn cylinder(sides: usize, material: Material, color: [f32; 3]) -> Mesh {
    let mut b = Builder::default();
    b.tube(&[(v(0.0, 0.0, 0.0), 1.0), (v(0.0, 0.0, 1.0), 1.0)], sides, material, color);
    b.finish(v(2.0, 2.0, 1.0), 0.6)
}

/// A box from (−½, −½, 0) to (½, ½, 1) with `walls` and a `roof`.
#[must_use]
pub fn block(walls: Material, roof: Material, color: [f32; 3]) -> Mesh {
    let mut b = Builder::default();
    let corner = |i: usize, z: f32| v([-0.5, 0.5, 0.5, -0.5][i % 4], [-0.5, -0.5, 0.5, 0.5][i % 4], z);
    for i in 0..4 {
        b.quad([corner(i, 0.0), corner(i + 1, 0.0), corner(i + 1, 1.0), corner(i, 1.0)], walls, color);
    }
    b.quad([0, 1, 2, 3].map(|i| corner(i, 1.0)), roof, color.map(|c| c * 0.7));
    b.finish(v(1.0, 1.0, 1.0), 0.9)
}
